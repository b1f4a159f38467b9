# Adds a CTest row for each suite and Tcl, for each script with its own client,
# and for the tests of the native builds.
set(tools "${PROJECT_SOURCE_DIR}/tools")
include(Suites)

# The target of tools/common.sh for the rows with the label "wine".
# tools/test-target sets it to run the same rows on another Wine.
set(target "")
if(CMAKE_SIZEOF_VOID_P EQUAL 4)
    set(target IOCPSOCK_TARGET=win32)
endif()

# The port's contract, on the Windows port. The native builds run the same
# contract on the simulated port.
file(GLOB portCases CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/tests/native/port/*.c"
    "${PROJECT_SOURCE_DIR}/tests/native/port/win/*.c")
add_executable(portTest tests/native/portTest.c ${portCases})
target_include_directories(portTest PRIVATE tests/native)
target_link_libraries(portTest PRIVATE iocpsock_win iocpsock_warnings)
set_target_properties(portTest PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "$<1:${IOCPSOCK_TOOL_DIR}>")

# The port's translation of the system's errors.
add_executable(errorTest tests/errorTest.c)
target_link_libraries(errorTest PRIVATE iocpsock_win iocpsock_warnings)
set_target_properties(errorTest PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "$<1:${IOCPSOCK_TOOL_DIR}>")

# On Windows itself only the suites run, without the shell scripts.
if(CMAKE_HOST_WIN32)
    add_test(NAME port COMMAND portTest)
    add_test(NAME errors COMMAND errorTest)
    set_tests_properties(port errors PROPERTIES LABELS windows TIMEOUT 120)
    set(libpath "{${IOCPSOCK_PACKAGE_DIR}} {${IOCPSOCK_TEST_PACKAGE_DIR}}")
    foreach(short IN LISTS tclVersions)
        find_program(shell tclsh${short} tclsh${short}t tclsh
            PATHS "${tcl_${short}_ROOT}/bin"
            NO_CACHE REQUIRED NO_DEFAULT_PATH)
        foreach(name IN LISTS windowsSuites)
            add_test(NAME tcl${short}.${name}
                COMMAND "${shell}" "${PROJECT_SOURCE_DIR}/tests/run.tcl"
                    "${name}.test")
            set_tests_properties(tcl${short}.${name} PROPERTIES
                LABELS "tcl${short};windows" TIMEOUT 120 ENVIRONMENT
                "TCLLIBPATH=${libpath};IOCPSOCK_ANNOUNCE=0")
        endforeach()
        unset(shell)
    endforeach()
    return()
endif()

add_test(NAME port COMMAND "${tools}/wine-tclsh" 86)
set_tests_properties(port PROPERTIES LABELS "windows;wine" TIMEOUT 600
    ENVIRONMENT "IOCPSOCK_SHELL=$<TARGET_FILE:portTest>;${target}")
add_test(NAME errors COMMAND "${tools}/wine-tclsh" 86)
set_tests_properties(errors PROPERTIES LABELS "windows;wine" TIMEOUT 120
    ENVIRONMENT "IOCPSOCK_SHELL=$<TARGET_FILE:errorTest>;${target}")

# The Tcl side must compile without warnings with the headers of Tcl 9.1 too.
# There is no Windows build of 9.1 here to link and run it.
default_cache(cache)
set(tcl91Include "${cache}/tcl91-native/usr/include/tcl9.1")
if(EXISTS "${tcl91Include}/tcl.h")
    add_library(headers91 OBJECT ${iocpsock_sources})
    target_include_directories(headers91 PRIVATE generic)
    target_include_directories(headers91 SYSTEM PRIVATE "${tcl91Include}")
    target_compile_definitions(headers91 PRIVATE USE_TCL_STUBS TCL_THREADS=1
        PACKAGE_VERSION="${IOCPSOCK_VERSION}")
    target_link_libraries(headers91 PRIVATE iocpsock_win iocpsock_warnings)
    # clang-tidy would check each file once more.
    set_target_properties(headers91 PROPERTIES EXPORT_COMPILE_COMMANDS OFF)
endif()

# The benchmark's reference in C.
add_executable(floor bench/floor.c)
target_link_libraries(floor PRIVATE iocpsock_warnings ws2_32 mswsock)
set_target_properties(floor PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${IOCPSOCK_TOOL_DIR}")
# tools/wine-tclsh needs this if standard input is a pipe.
add_executable(pipeStdin tools/pipeStdin.c)
target_link_libraries(pipeStdin PRIVATE iocpsock_warnings)
set_target_properties(pipeStdin PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "$<1:${IOCPSOCK_TOOL_DIR}>")

file(GLOB suites CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/*.sh")
list(TRANSFORM allSuites APPEND ".test" OUTPUT_VARIABLE files)
list(APPEND suites ${files})
foreach(short IN LISTS tclVersions)
    foreach(suite IN LISTS suites)
        cmake_path(GET suite FILENAME file)
        cmake_path(GET suite STEM name)
        # run-suite has its own, shorter limit, because it knows which processes
        # to kill, and reports them.
        add_test(NAME tcl${short}.${name}
            COMMAND "${tools}/run-suite" ${short} "${file}" 120)
        # "wine": every Wine can run it. "windows": it needs nothing of Debian.
        set(labels tcl${short} wine)
        if(file MATCHES "[.]test$" AND name IN_LIST windowsSuites)
            list(APPEND labels windows)
        endif()
        set_tests_properties(tcl${short}.${name} PROPERTIES
            LABELS "${labels}" TIMEOUT 150 SKIP_RETURN_CODE 77
            ENVIRONMENT "${target}")
    endforeach()
endforeach()

# An older Tcl 8.6 runs a part of the suites: what depends most on Tcl itself,
# that is its channels, their options and events, and threads.
if(CMAKE_SIZEOF_VOID_P EQUAL 8)
    foreach(name IN ITEMS
            close io ioEvents options recvmode regress socket
            thread threadMove version)
        add_test(NAME tcl8613.${name}
            COMMAND "${tools}/run-suite" 8613 ${name}.test 120)
        set_tests_properties(tcl8613.${name} PROPERTIES
            LABELS tcl8613 TIMEOUT 150 SKIP_RETURN_CODE 77)
    endforeach()
endif()

# Runs suites again on a system that does what Windows does and Wine does not
# (tests/testStrict.c). A refused connect takes 2 s there. The suites that have
# many of them use Windows 10's option against that on one of the Tcls.
set(strictSuites
    close closeDelivery closeExit closeInterp
    io ioBulk ioCallback ioEnd ioEvents ioFairness
    listener listenerAccept listenerMany
    options optionsServer recvmode recvmodeLimit
    secure send sendfile sendorder
    socket socketAddress socketChannel socketConnect socketProcess udp
    udpEvents udpOptions)
foreach(short IN LISTS tclVersions)
    foreach(name IN LISTS strictSuites)
        set(strict all)
        if(name MATCHES "^socket" AND short STREQUAL 86)
            set(strict all,rto=1)
        endif()
        add_test(NAME tcl${short}.strict-${name}
            COMMAND "${tools}/run-suite" ${short} ${name}.test 200)
        set_tests_properties(tcl${short}.strict-${name} PROPERTIES
            LABELS "tcl${short};strict" TIMEOUT 230 SKIP_RETURN_CODE 77
            ENVIRONMENT "IOCPSOCK_STRICT=${strict}")
    endforeach()
endforeach()

# Suites that need Tk run only in the configuration tk: ctest -C tk (make
# test-tk).
file(GLOB suites CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/tk/*.sh")
foreach(short IN LISTS tclVersions)
    foreach(suite IN LISTS suites)
        cmake_path(GET suite FILENAME file)
        cmake_path(GET suite STEM name)
        add_test(NAME tk${short}.${name} CONFIGURATIONS tk
            COMMAND "${tools}/run-suite" ${short} "tk/${file}" 900)
        set_tests_properties(tk${short}.${name} PROPERTIES
            LABELS tk TIMEOUT 930)
    endforeach()
endforeach()

# Compares the manual with the sources, and shows that differences are noticed.
add_test(NAME manual COMMAND "${tools}/check-manual" --mutants)
set_tests_properties(manual PROPERTIES TIMEOUT 60)

# Shows what `make release` refuses.
add_test(NAME release COMMAND "${tools}/release-check")
set_tests_properties(release PROPERTIES TIMEOUT 120)

# Builds and loads DLLs as doc/packaging.md says. It needs the 64-bit build.
if(CMAKE_SIZEOF_VOID_P EQUAL 8)
    add_test(NAME packaging COMMAND "${tools}/build-check")
    set_tests_properties(packaging PROPERTIES TIMEOUT 600)
endif()

# The HTML pages.
add_test(NAME site COMMAND "${tools}/doc-check" ${IOCPSOCK_VERSION})
set_tests_properties(site PROPERTIES TIMEOUT 150)

# Tests the scripts that compute version numbers and find the commit.
add_test(NAME version COMMAND "${tools}/check-version")
set_tests_properties(version PROPERTIES TIMEOUT 60)

if(CMAKE_OBJDUMP)
    set(files "")
    foreach(dll IN LISTS dlls)
        list(APPEND files "$<TARGET_FILE:${dll}>")
    endforeach()
    add_test(NAME package.exports
        COMMAND "${CMAKE_COMMAND}" -DOBJDUMP=${CMAKE_OBJDUMP} "-DDLLS=${files}"
            -P "${PROJECT_SOURCE_DIR}/cmake/CheckExports.cmake")
endif()

file(WRITE "${PROJECT_BINARY_DIR}/native.cmake" "
set(build \"${PROJECT_SOURCE_DIR}/build\")
include(\"\${build}/native-gcc/CTestTestfile.cmake\" OPTIONAL)
include(\"\${build}/native-clang/CTestTestfile.cmake\" OPTIONAL)
")
set_property(DIRECTORY APPEND PROPERTY
    TEST_INCLUDE_FILES "${PROJECT_BINARY_DIR}/native.cmake")
