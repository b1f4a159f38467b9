# find_tcl_root(ROOT PREFIX): examines an installed Tcl and sets
#   PREFIX_VERSION   8.6, 9.0, ...
#   PREFIX_SHORT     86, 90, ...
#   PREFIX_INCLUDE   the folder of tcl.h
#   PREFIX_STUBS     the stub library
function(find_tcl_root root prefix)
    cmake_path(ABSOLUTE_PATH root)
    find_path(include tcl.h
        PATHS "${root}/include"
        PATH_SUFFIXES tcl tcl8.6 tcl9.0 tcl9.1
        NO_CACHE REQUIRED NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
    file(STRINGS "${include}/tcl.h" lines
        REGEX "define[ \t]+TCL_(PATCH_LEVEL|VERSION)[ \t]")
    string(REGEX MATCH "TCL_VERSION[ \t]+\"([0-9]+)\\.([0-9]+)\"" _ "${lines}")
    if(NOT CMAKE_MATCH_1)
        message(FATAL_ERROR "no Tcl version in ${include}/tcl.h")
    endif()
    set(short "${CMAKE_MATCH_1}${CMAKE_MATCH_2}")
    set(version "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}")
    if(version VERSION_LESS 8.6)
        message(FATAL_ERROR "${root} has Tcl ${version}; iocpsock needs 8.6 "
            "or newer")
    endif()

    # The library's name contains the version in 8.6, but not in 9.0.
    find_library(stubs
        NAMES tclstub${short} tclstub
        PATHS "${root}/lib"
        NO_CACHE REQUIRED NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
    set(${prefix}_VERSION "${version}" PARENT_SCOPE)
    set(${prefix}_SHORT "${short}" PARENT_SCOPE)
    set(${prefix}_INCLUDE "${include}" PARENT_SCOPE)
    set(${prefix}_STUBS "${stubs}" PARENT_SCOPE)
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
