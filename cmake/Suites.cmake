# Sets, from tests/suites.txt:
#   allSuites       every suite's name
#   windowsSuites   the suites that need only Tcl for Windows
#   packedSuites    those of them that the zip's self-test has
# It fails if a suite is not listed there, or a listed one does not exist.
set(list "${PROJECT_SOURCE_DIR}/tests/suites.txt")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${list}")
file(STRINGS "${list}" lines REGEX "^[^#]")
set(allSuites "")
set(windowsSuites "")
set(packedSuites "")
foreach(line IN LISTS lines)
    if(NOT line MATCHES "^([^ ]+) +(windows$|(sources|here) +[^ ])")
        message(FATAL_ERROR "${list}: cannot parse '${line}'")
    endif()
    list(APPEND allSuites "${CMAKE_MATCH_1}")
    if(NOT CMAKE_MATCH_3 STREQUAL "here")
        list(APPEND windowsSuites "${CMAKE_MATCH_1}")
    endif()
    if(CMAKE_MATCH_2 STREQUAL "windows")
        list(APPEND packedSuites "${CMAKE_MATCH_1}")
    endif()
endforeach()

file(GLOB found CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/*.test")
list(TRANSFORM found REPLACE ".*/([^/]*)\\.test$" "\\1")
list(SORT found)
set(named ${allSuites})
list(SORT named)
if(NOT "${found}" STREQUAL "${named}")
    message(FATAL_ERROR "tests/suites.txt lists ${named}, "
        "but tests/ contains ${found}")
endif()
