# Builds a DLL for each Tcl of TCL_ROOT, and the package that contains them. The
# same for static libraries, but only on request: the target static.
include(FindTclRoot)

set(roots "${TCL_ROOT}")
if(NOT roots)
    default_tcl_roots(roots)
endif()
if(NOT roots)
    message(FATAL_ERROR "give the folder of an installed Tcl, for example "
        "-DTCL_ROOT=C:/Tcl, or several folders with semicolons between them; "
        "on Debian, run tools/setup")
endif()

# The DLLs are in a folder with the name that Tcl's package platform gives to
# the processor, so that a package can have those of several processors.
set(platform win32-ix86)
if("${CMAKE_C_COMPILER_ARCHITECTURE_ID} ${CMAKE_SYSTEM_PROCESSOR}"
        MATCHES "^ARM|^ (arm|ARM|aarch)")
    set(platform win32-arm)
elseif(CMAKE_SIZEOF_VOID_P EQUAL 8)
    set(platform win32-x86_64)
endif()

set(folder iocpsock${IOCPSOCK_VERSION})
set(packageFolder "${IOCPSOCK_PACKAGE_DIR}/${folder}")
set(testFolder "${IOCPSOCK_TEST_PACKAGE_DIR}/iocpsocktest")
# A separate package with its own iocpsock, for the suites that ask for it.
set(faultFolder "${IOCPSOCK_TEST_PACKAGE_DIR}-fault/iocpsockfault")

# The functions that testFault.c and testFaultFile.c replace.
set(faults CpMalloc CpCalloc CpFree CpHandleOpen CpHandleBind CpHandleListen
    CpSubmitAccept CpSubmitConnect CpSubmitRecv CpSubmitSend CpSubmitResolve
    CpTryRecv CpTrySend CpPortReap CpPortSleep
    CpFileRead CpSubmitSendFile CpSendFileIsLimited
    CpUdpHandleOpen CpUdpHandleConnect CpSubmitRecvFrom CpSubmitSendTo
    CpTryRecvFrom CpTrySendTo)
set(faultSources tests/testFault.c tests/testFaultFile.c tests/testFaultUdp.c)

# The functions that testStrict.c and similar files replace. These files have
# names without decoration only.
if(CMAKE_SIZEOF_VOID_P EQUAL 8)
    list(APPEND faultSources
        tests/testStrict.c tests/testStrictFail.c tests/testStrictIo.c)
    list(APPEND faults CpWineBind CpWineDeniedIsInUse CpWineReapEntries
        CpWineSocketError)
    foreach(function IN ITEMS WSASocketW bind WSAIoctl GetNameInfoW
            SetFileCompletionNotificationModes FormatMessageW WSARecv WSASend
            connect closesocket CreateIoCompletionPort
            GetQueuedCompletionStatusEx CancelIoEx)
        list(APPEND faults __imp_${function})
    endforeach()
endif()
list(TRANSFORM faults PREPEND "-Wl,--wrap=")

# use_tcl(TARGET): compiles it for the Tcl that find_tcl_root examined last.
function(use_tcl target)
    # Without TCL_THREADS, 8.6 makes its mutexes empty macros.
    target_compile_definitions(${target} PRIVATE USE_TCL_STUBS TCL_THREADS=1)
    target_include_directories(${target} SYSTEM PRIVATE "${tcl_INCLUDE}")
    target_link_libraries(${target} PRIVATE iocpsock_warnings)
endfunction()

# tcl_dll(TARGET NAME FOLDER SOURCES...): builds a DLL for this Tcl, in the
# platform's folder inside of FOLDER.
function(tcl_dll target name output)
    add_library(${target} MODULE ${ARGN})
    set_target_properties(${target} PROPERTIES
        PREFIX "" OUTPUT_NAME "${name}"
        # A generator expression keeps Visual Studio from adding "Release".
        LIBRARY_OUTPUT_DIRECTORY "$<1:${output}/${platform}>")
    use_tcl(${target})
    target_link_libraries(${target} PRIVATE "${tcl_STUBS}")
    if(NOT MSVC)
        # Export only functions with DLLEXPORT, and need no runtime DLL of the
        # compiler. Make the same bytes from the same sources: without these
        # options the linker would add the time, and derive a base address from
        # the output's path.
        target_link_options(${target} PRIVATE
            -static-libgcc -Wl,--exclude-all-symbols
            -Wl,--no-insert-timestamp -Wl,--disable-auto-image-base)
    endif()
endfunction()

# Before each build, find out which commit the sources are.
set(commitFolder "${PROJECT_BINARY_DIR}/commit")
add_custom_target(iocpsock_commit
    COMMAND "${CMAKE_COMMAND}" "-DSOURCE=${PROJECT_SOURCE_DIR}"
        "-DOUTPUT=${commitFolder}/iocpsockCommit.h"
        -P "${PROJECT_SOURCE_DIR}/cmake/Commit.cmake"
    BYPRODUCTS "${commitFolder}/iocpsockCommit.h"
    COMMENT "" VERBATIM)

# use_driver(TARGET): it contains the sources of generic/.
function(use_driver target)
    target_include_directories(${target} PRIVATE generic "${commitFolder}")
    target_compile_definitions(${target} PRIVATE
        PACKAGE_VERSION="${IOCPSOCK_VERSION}" HAVE_IOCPSOCK_COMMIT)
    add_dependencies(${target} iocpsock_commit)
endfunction()

# driver_dll(TARGET FOLDER SOURCES...): builds the driver with more sources.
function(driver_dll target output)
    tcl_dll(${target} ${target} "${output}" ${iocpsock_sources} ${ARGN})
    use_driver(${target})
    target_link_libraries(${target} PRIVATE iocpsock_win)
endfunction()

# driver_library(NAME): builds the driver as a static library, with core/ and
# win/ in it. It calls Tcl through the stub table, so it can be linked with
# Tcl's DLL and with a static Tcl.
function(driver_library name)
    set(target ${name}_static)
    add_library(${target} STATIC EXCLUDE_FROM_ALL ${iocpsock_sources}
        $<TARGET_OBJECTS:iocpsock_core> $<TARGET_OBJECTS:iocpsock_win>)
    set_target_properties(${target} PROPERTIES
        OUTPUT_NAME "${name}"
        ARCHIVE_OUTPUT_DIRECTORY "$<1:${PROJECT_BINARY_DIR}/static>")
    use_tcl(${target})
    use_driver(${target})
    target_include_directories(${target} PRIVATE core win)
    target_compile_definitions(${target} PRIVATE STATIC_BUILD)
    add_dependencies(static ${target})
    install(TARGETS ${target} COMPONENT static EXCLUDE_FROM_ALL
        ARCHIVE DESTINATION lib/${folder}/static/${platform})
endfunction()
add_custom_target(static)

set(fileFlags 0)
if(IOCPSOCK_PRERELEASE)
    set(fileFlags VS_FF_PRERELEASE)
endif()
set(tclVersions "")
set(testDlls "")
foreach(root IN LISTS roots)
    find_tcl_root("${root}" tcl)
    set(dllPrefix "")
    if(tcl_VERSION VERSION_GREATER_EQUAL 9)
        set(dllPrefix tcl9)
    endif()
    if(TARGET ${dllPrefix}iocpsock)
        message(FATAL_ERROR "two Tcls of TCL_ROOT need the same DLL: ${roots}")
    endif()
    list(APPEND tclVersions ${tcl_SHORT})
    set(tcl_${tcl_SHORT}_ROOT "${root}")
    message(STATUS "Tcl ${tcl_VERSION}: ${root}")

    set(dll ${dllPrefix}iocpsock)
    configure_file(cmake/version.rc.in "${dll}.rc" @ONLY)
    driver_dll(${dll} "${packageFolder}" "${PROJECT_BINARY_DIR}/${dll}.rc")
    list(APPEND dlls ${dll})
    driver_library(${dll})

    if(BUILD_TESTING)
        set(dll ${dllPrefix}iocpsocktest)
        list(APPEND testDlls ${dll})
        tcl_dll(${dll} ${dll} "${testFolder}"
            tests/testApi.c tests/testChannel.c tests/testJob.c tests/testPump.c
            tests/testRaw.c tests/testSystem.c tests/testThread.c
            tests/testWindow.c)
        target_link_libraries(${dll} PRIVATE ws2_32 user32)
        if(MINGW)
            set(dll ${dllPrefix}iocpsockfault)
            driver_dll(${dll} "${faultFolder}" ${faultSources})
            target_link_options(${dll} PRIVATE ${faults})
        endif()
    endif()
endforeach()

# pkg_index(FOLDER VERSION DLL PREFIX NAMES SCRIPTS): makes a package's index.
# NAMES are the packages that its DLL provides, SCRIPTS the packages
# iocpsock::... that are written in Tcl.
function(pkg_index output VERSION DLL PREFIX NAMES SCRIPTS)
    configure_file(pkgIndex.tcl.in "${output}/pkgIndex.tcl" @ONLY
        NEWLINE_STYLE UNIX)
endfunction()
pkg_index("${packageFolder}" ${IOCPSOCK_VERSION}
    iocpsock Iocpsock "iocpsock Iocpsock" "monitor udp")
# testThread.c has its own version number.
pkg_index("${testFolder}" 1.0 iocpsocktest Iocpsocktest iocpsocktest "")
pkg_index("${faultFolder}" ${IOCPSOCK_VERSION}
    iocpsockfault Iocpsockfault "iocpsock Iocpsock" "")

# The package's Tcl scripts are in the folder of the DLLs.
set(library monitor.tcl monitorSample.tcl monitor.html udp.tcl)
foreach(file IN LISTS library)
    configure_file(library/${file} "${packageFolder}/${file}" COPYONLY)
endforeach()
list(TRANSFORM library PREPEND "${packageFolder}/")

install(TARGETS ${dlls} LIBRARY DESTINATION lib/${folder}/${platform})
install(FILES static/shell.c static/README.md COMPONENT static EXCLUDE_FROM_ALL
    DESTINATION lib/${folder}/static)
install(FILES "${packageFolder}/pkgIndex.tcl" ${library} README.md CHANGES.md
    CONTRIBUTING.md license.terms DESTINATION lib/${folder})
install(DIRECTORY examples DESTINATION lib/${folder} OPTIONAL
    FILES_MATCHING PATTERN "*.tcl")
# The files that README.md refers to.
install(DIRECTORY doc/ DESTINATION lib/${folder}/doc FILES_MATCHING
    PATTERN "*.md" PATTERN "*.man" PATTERN "*.png" PATTERN "*.svg")
# The HTML pages and the manual, if "make doc" has made them.
install(DIRECTORY build/doc/ DESTINATION lib/${folder}/doc OPTIONAL)
