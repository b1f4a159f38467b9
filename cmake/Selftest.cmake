# The self-test: the component selftest. The zip has it, "make install" does not
# install it. Its folder has the suites that need only Tcl for Windows.
set(selftest lib/${folder}/selftest)
if(MINGW)
    # Make the same bytes from the same sources, without DLLs of the compiler.
    foreach(program IN ITEMS portTest errorTest)
        target_link_options(${program} PRIVATE
            -static-libgcc -Wl,--no-insert-timestamp)
    endforeach()
endif()

# cmd.exe does not find labels in a file with Unix line ends.
configure_file(selftest/selftest.cmd "${PROJECT_BINARY_DIR}/selftest.cmd"
    @ONLY NEWLINE_STYLE DOS)
install(FILES "${PROJECT_BINARY_DIR}/selftest.cmd"
    DESTINATION lib/${folder} COMPONENT selftest EXCLUDE_FROM_ALL)

install(TARGETS portTest errorTest RUNTIME DESTINATION ${selftest}/${platform}
    COMPONENT selftest EXCLUDE_FROM_ALL)
install(TARGETS ${testDlls}
    LIBRARY DESTINATION ${selftest}/iocpsocktest/${platform}
    COMPONENT selftest EXCLUDE_FROM_ALL)
install(FILES "${testFolder}/pkgIndex.tcl"
    DESTINATION ${selftest}/iocpsocktest COMPONENT selftest EXCLUDE_FROM_ALL)

file(GLOB files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/selftest/*.tcl")
install(FILES ${files} DESTINATION ${selftest}
    COMPONENT selftest EXCLUDE_FROM_ALL)
set(files ${packedSuites})
list(TRANSFORM files APPEND ".test")
list(APPEND files run.tcl suites.txt support.tcl supportChild.tcl
    supportCompare.tcl supportListener.tcl supportPair.tcl supportStream.tcl
    exampleSupport.tcl httpdSupport.tcl interpSupport.tcl monitorSupport.tcl
    optionsSupport.tcl programsSupport.tcl regressSupport.tcl
    udpSupport.tcl watchdogSupport.tcl
    differential.tcl differentialEvents.tcl differentialOps.tcl
    differentialRun.tcl differential.txt)
list(TRANSFORM files PREPEND "tests/")
# This replaces the Thread extension in an example.
list(APPEND files tools/conformanceThread.tcl)
install(FILES ${files} DESTINATION ${selftest}
    COMPONENT selftest EXCLUDE_FROM_ALL)
