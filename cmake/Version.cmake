# parse_version(VERSION PREFIX): takes a version of the package apart, in one of
# the forms that Tcl's own versions have: 4.1, 4.1.2, 4.2a1 (an alpha version)
# and 4.2b3 (a beta version). Tcl sorts 4.2a1 < 4.2b3 < 4.2 < 4.2.1, and
# `package require` prefers stable versions. It sets
#   PREFIX_NUMBER       the version without letters, for CMake: 4.2
#   PREFIX_FILEVERSION  four numbers that sort as the versions do, for Windows.
#                       As in Tcl's DLLs, the third is 0 in alpha, 1 in beta and
#                       2 in other versions: 4,2,1,3
#   PREFIX_PRERELEASE   true for alpha and beta versions
function(parse_version version prefix)
    set(number "(0|[1-9][0-9]*)")
    if(NOT version MATCHES "^(${number}[.]${number})(([ab.])${number})?$")
        message(FATAL_ERROR "the version \"${version}\" is not of the form "
            "4.1, 4.1.2, 4.2a1 or 4.2b3")
    endif()
    set(base "${CMAKE_MATCH_1}")
    set(numbers "${CMAKE_MATCH_2},${CMAKE_MATCH_3}")
    set(kind "${CMAKE_MATCH_5}")
    set(last "${CMAKE_MATCH_6}")
    set(prerelease FALSE)
    if(kind STREQUAL "")
        string(APPEND numbers ",2,0")
    elseif(kind STREQUAL ".")
        string(APPEND base ".${last}")
        string(APPEND numbers ",2,${last}")
    else()
        set(prerelease TRUE)
        string(FIND "ab" ${kind} level)
        string(APPEND numbers ",${level},${last}")
    endif()
    set(${prefix}_NUMBER ${base} PARENT_SCOPE)
    set(${prefix}_FILEVERSION ${numbers} PARENT_SCOPE)
    set(${prefix}_PRERELEASE ${prerelease} PARENT_SCOPE)
endfunction()

# As a script with -DVERSIONS="...": prints each version and its parts.
if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
    foreach(version IN LISTS VERSIONS)
        parse_version("${version}" parsed)
        message(STATUS "${version} ${parsed_NUMBER} ${parsed_FILEVERSION} "
            "${parsed_PRERELEASE}")
    endforeach()
endif()
