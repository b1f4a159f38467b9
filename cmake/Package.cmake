# One DLL for each Tcl of TCL_ROOT, and the package around them.
include(FindTclRoot)

set(roots "${TCL_ROOT}")
if(NOT roots)
    default_tcl_roots(roots)
endif()
if(NOT roots)
    message(FATAL_ERROR "name an installed Tcl, -DTCL_ROOT=C:/Tcl say, or "
        "several, with semicolons between them; on Debian, run tools/setup")
endif()

set(folder iocpsock${PROJECT_VERSION})
set(packageFolder "${IOCPSOCK_PACKAGE_DIR}/${folder}")
set(testFolder "${IOCPSOCK_TEST_PACKAGE_DIR}/iocpsocktest")
# Beside it: with its own iocpsock, it is for the suites that ask for it.
set(faultFolder "${IOCPSOCK_TEST_PACKAGE_DIR}-fault/iocpsockfault")

# The functions that testFault.c and testFaultFile.c stand in for.
set(faults CpMalloc CpCalloc CpFree CpHandleOpen CpHandleBind CpHandleListen
    CpSubmitAccept CpSubmitConnect CpSubmitRecv CpSubmitSend CpSubmitResolve
    CpTryRecv CpTrySend CpPortReap CpPortSleep
    CpFileRead CpSubmitSendFile CpSendFileIsLimited)
set(faultSources tests/testFault.c tests/testFaultFile.c)

# Those of testStrict.c and its like, which know the names without decoration
# only.
if(CMAKE_SIZEOF_VOID_P EQUAL 8)
    list(APPEND faultSources
        tests/testStrict.c tests/testStrictFail.c tests/testStrictIo.c)
    list(APPEND faults CpWineBind CpWineDeniedIsInUse CpWineSocketError)
    foreach(function IN ITEMS WSASocketW bind WSAIoctl GetNameInfoW
            SetFileCompletionNotificationModes FormatMessageW WSARecv WSASend
            connect closesocket CreateIoCompletionPort
            GetQueuedCompletionStatusEx CancelIoEx)
        list(APPEND faults __imp_${function})
    endforeach()
endif()
list(TRANSFORM faults PREPEND "-Wl,--wrap=")

# tcl_dll(TARGET NAME FOLDER SOURCES...): a DLL loadable by the Tcl that was
# looked at last.
function(tcl_dll target name output)
    add_library(${target} MODULE ${ARGN})
    set_target_properties(${target} PROPERTIES
        PREFIX "" OUTPUT_NAME "${name}"
        # A generator expression keeps Visual Studio from adding "Release".
        LIBRARY_OUTPUT_DIRECTORY "$<1:${output}>")
    # Without TCL_THREADS, 8.6 makes its mutexes empty macros.
    target_compile_definitions(${target} PRIVATE USE_TCL_STUBS TCL_THREADS=1)
    target_include_directories(${target} SYSTEM PRIVATE "${tcl_INCLUDE}")
    target_link_libraries(${target} PRIVATE iocpsock_warnings "${tcl_STUBS}")
    if(NOT MSVC)
        # Only what is marked DLLEXPORT, no runtime DLL of the compiler's,
        # and the same bytes from the same sources: the linker would add the
        # time, and make a base address of the output's path.
        target_link_options(${target} PRIVATE
            -static-libgcc -Wl,--exclude-all-symbols
            -Wl,--no-insert-timestamp -Wl,--disable-auto-image-base)
    endif()
endfunction()

# driver_dll(TARGET FOLDER SOURCES...): the driver, and sources beside its own.
function(driver_dll target output)
    tcl_dll(${target} ${target} "${output}" ${iocpsock_sources} ${ARGN})
    target_include_directories(${target} PRIVATE generic)
    target_compile_definitions(${target} PRIVATE
        PACKAGE_VERSION="${PROJECT_VERSION}")
    target_link_libraries(${target} PRIVATE iocpsock_win)
endfunction()

set(tclVersions "")
set(testDlls "")
foreach(root IN LISTS roots)
    find_tcl_root("${root}" tcl)
    set(dllPrefix "")
    if(tcl_VERSION VERSION_GREATER_EQUAL 9)
        set(dllPrefix tcl9)
    endif()
    if(TARGET ${dllPrefix}iocpsock)
        message(FATAL_ERROR "two Tcls of TCL_ROOT want the same DLL: ${roots}")
    endif()
    list(APPEND tclVersions ${tcl_SHORT})
    set(tcl_${tcl_SHORT}_ROOT "${root}")
    message(STATUS "Tcl ${tcl_VERSION}: ${root}")

    set(dll ${dllPrefix}iocpsock)
    configure_file(cmake/version.rc.in "${dll}.rc" @ONLY)
    driver_dll(${dll} "${packageFolder}" "${PROJECT_BINARY_DIR}/${dll}.rc")
    list(APPEND dlls ${dll})

    if(EXISTS "${PROJECT_SOURCE_DIR}/tests/testThread.c")
        set(dll ${dllPrefix}iocpsocktest)
        list(APPEND testDlls ${dll})
        tcl_dll(${dll} ${dll} "${testFolder}"
            tests/testChannel.c tests/testJob.c tests/testPump.c
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

# pkg_index(FOLDER VERSION DLL PREFIX NAMES SCRIPTS): all packages find their
# DLLs in one way. SCRIPTS are the packages iocpsock::... beside them.
function(pkg_index output VERSION DLL PREFIX NAMES SCRIPTS)
    configure_file(pkgIndex.tcl.in "${output}/pkgIndex.tcl" @ONLY
        NEWLINE_STYLE UNIX)
endfunction()
pkg_index("${packageFolder}" ${PROJECT_VERSION}
    iocpsock Iocpsock "iocpsock Iocpsock" monitor)
# testThread.c has a version of its own.
pkg_index("${testFolder}" 1.0 iocpsocktest Iocpsocktest iocpsocktest "")
pkg_index("${faultFolder}" ${PROJECT_VERSION}
    iocpsockfault Iocpsockfault "iocpsock Iocpsock" "")

# What the package has in Tcl stands beside the DLLs.
set(library monitor.tcl monitorSample.tcl monitor.html)
foreach(file IN LISTS library)
    configure_file(library/${file} "${packageFolder}/${file}" COPYONLY)
endforeach()
list(TRANSFORM library PREPEND "${packageFolder}/")

install(TARGETS ${dlls} LIBRARY DESTINATION lib/${folder})
install(FILES "${packageFolder}/pkgIndex.tcl" ${library} README.md
    license.terms DESTINATION lib/${folder})
install(DIRECTORY examples DESTINATION lib/${folder} OPTIONAL
    FILES_MATCHING PATTERN "*.tcl")
# What README.md points to.
install(DIRECTORY doc/ DESTINATION lib/${folder}/doc FILES_MATCHING
    PATTERN "*.md" PATTERN "*.png" PATTERN "*.svg")
# The manual, where it has been made ("make doc").
install(DIRECTORY build/doc/ DESTINATION lib/${folder}/doc OPTIONAL
    FILES_MATCHING PATTERN "iocpsock*")
