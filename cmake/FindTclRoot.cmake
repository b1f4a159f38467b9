# find_tcl_root(ROOT PREFIX): examines an installed Tcl and sets
#   PREFIX_VERSION   8.6, 9.0, ...
#   PREFIX_SHORT     86, 90, ...
#   PREFIX_INCLUDE   the folder of tcl.h
#   PREFIX_STUBS     the stub library
# A folder that cannot be used is an error that says what is wrong with it.
function(find_tcl_root root prefix)
    cmake_path(SET root NORMALIZE "${root}")
    cmake_path(ABSOLUTE_PATH root)
    if(NOT IS_DIRECTORY "${root}")
        message(FATAL_ERROR "TCL_ROOT: there is no folder ${root}")
    endif()

    # Debian, MSYS2 and others have a folder for each version.
    file(GLOB folders LIST_DIRECTORIES true "${root}/include/tcl[89].[0-9]*")
    find_path(include tcl.h
        PATHS "${root}/include" "${root}/include/tcl" ${folders}
        NO_CACHE NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
    if(NOT include)
        explain_tcl_root("${root}" reason)
        message(FATAL_ERROR "TCL_ROOT: ${root} has no include/tcl.h${reason}")
    endif()
    file(STRINGS "${include}/tcl.h" lines
        REGEX "define[ \t]+TCL_(PATCH_LEVEL|VERSION)[ \t]")
    string(REGEX MATCH "TCL_VERSION[ \t]+\"([0-9]+)\\.([0-9]+)\"" _ "${lines}")
    if(NOT CMAKE_MATCH_1)
        message(FATAL_ERROR "TCL_ROOT: no Tcl version in ${include}/tcl.h")
    endif()
    set(short "${CMAKE_MATCH_1}${CMAKE_MATCH_2}")
    set(version "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}")
    if(version VERSION_LESS 8.6)
        message(FATAL_ERROR "TCL_ROOT: ${root} has Tcl ${version}; iocpsock "
            "needs 8.6 or newer")
    endif()

    # The library's name contains the version in 8.6, but not in 9.0.
    set(names tclstub${short} tclstub)
    find_library(stubs
        NAMES ${names} PATHS "${root}/lib"
        NO_CACHE NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
    if(NOT stubs)
        list(JOIN names " or " names)
        message(FATAL_ERROR "TCL_ROOT: ${root}/lib has no stub library "
            "(${names}) for this compiler. An installation without the files "
            "for extensions lacks it")
    endif()
    check_tcl_stubs("${root}" "${include}" "${stubs}")
    set(${prefix}_VERSION "${version}" PARENT_SCOPE)
    set(${prefix}_SHORT "${short}" PARENT_SCOPE)
    set(${prefix}_INCLUDE "${include}" PARENT_SCOPE)
    set(${prefix}_STUBS "${stubs}" PARENT_SCOPE)
endfunction()

# explain_tcl_root(ROOT RESULT): guesses which other folder was meant.
function(explain_tcl_root root result)
    set(reason ". An installation without the files for extensions lacks it")
    cmake_path(GET root PARENT_PATH parent)
    if(EXISTS "${root}/generic/tcl.h")
        set(reason ". It has Tcl's sources: install them, and give the folder "
            "of the installation")
        string(CONCAT reason ${reason})
    elseif(EXISTS "${parent}/include/tcl.h")
        set(reason "; ${parent} has one")
    endif()
    set(${result} "${reason}" PARENT_SCOPE)
endfunction()

# check_tcl_stubs(ROOT INCLUDE STUBS): links a program with the stub library.
# That fails if Tcl is for another processor, or for another compiler.
function(check_tcl_stubs root include stubs)
    string(MD5 name "${include} ${stubs}")
    set(name tcl_stubs_${name})
    if(${name})
        return()
    endif()
    set(source "${PROJECT_BINARY_DIR}/${name}.c")
    file(WRITE "${source}" "#include <tcl.h>
int main(void) { return Tcl_InitStubs(NULL, \"8.6\", 0) != NULL; }
")
    try_compile(${name} "${PROJECT_BINARY_DIR}/${name}" "${source}"
        CMAKE_FLAGS "-DINCLUDE_DIRECTORIES=${include}"
        COMPILE_DEFINITIONS -DUSE_TCL_STUBS
        LINK_LIBRARIES "${stubs}"
        OUTPUT_VARIABLE output)
    if(NOT ${name})
        # After a correction, the next configuration tries again.
        unset(${name} CACHE)
        string(REPLACE "\n" "\n  " output "${output}")
        math(EXPR bits "${CMAKE_SIZEOF_VOID_P} * 8")
        message(FATAL_ERROR "TCL_ROOT: this ${bits}-bit build cannot use "
            "${root}, perhaps because this Tcl is for another processor or "
            "compiler. A program cannot be linked with ${stubs}:\n  ${output}")
    endif()
endfunction()

# default_cache(RESULT): the folder of tools/setup.
function(default_cache result)
    set(cache "$ENV{XDG_CACHE_HOME}")
    if(NOT cache)
        set(cache "$ENV{HOME}/.cache")
    endif()
    set(${result} "${cache}/iocpsock" PARENT_SCOPE)
endfunction()

# default_tcl_roots(RESULT): its Tcls, for builds without a TCL_ROOT.
function(default_tcl_roots result)
    default_cache(cache)
    set(suffix "")
    if(CMAKE_SIZEOF_VOID_P EQUAL 4)
        set(suffix "-i686")
    endif()
    set(roots "")
    foreach(short 86 90)
        set(root "${cache}/tcl${short}${suffix}")
        if(EXISTS "${root}/include/tcl.h")
            list(APPEND roots "${root}")
        endif()
    endforeach()
    set(${result} "${roots}" PARENT_SCOPE)
endfunction()
