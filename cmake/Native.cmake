# Compiles core/ for this machine, over the simulated port and under sanitizers,
# and the programs of tests/native. Their exit status is 0 (passed), 1 (failed)
# or 77 (skipped).
option(IOCPSOCK_COVERAGE "Measure coverage of core/, without sanitizers" OFF)
set(instruments -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
if(IOCPSOCK_COVERAGE)
    set(instruments --coverage)
endif()
target_compile_options(iocpsock_core PUBLIC ${instruments})
target_link_options(iocpsock_core PUBLIC ${instruments})

add_library(iocpsock_sim STATIC
    sim/cpFileSim.c
    sim/cpMemSim.c
    sim/cpNetSim.c
    sim/cpOpSim.c
    sim/cpPortSim.c
    sim/cpResolveSim.c
    sim/cpSockSim.c
    sim/cpTrySim.c
    sim/cpUdpAddrSim.c
    sim/cpUdpSim.c
    sim/cpWindowsSim.c
    sim/cpWorldSim.c)
target_include_directories(iocpsock_sim PUBLIC sim)
target_compile_definitions(iocpsock_sim PUBLIC IOCPSOCK_SIM)
target_link_libraries(iocpsock_sim
    PUBLIC iocpsock_core
    PRIVATE iocpsock_warnings)
# The simulator replaces the core's memory functions, so each needs the other.
target_link_libraries(iocpsock_core PUBLIC iocpsock_sim)
target_link_options(iocpsock_sim PUBLIC
    -Wl,--wrap=CpMalloc -Wl,--wrap=CpCalloc -Wl,--wrap=CpFree)

function(iocpsock_native_test name)
    add_executable(${name} ${ARGN})
    target_include_directories(${name} PRIVATE tests/native)
    target_link_libraries(${name} PRIVATE iocpsock_sim iocpsock_warnings)
    add_test(NAME native-${IOCPSOCK_NATIVE}.${name} COMMAND ${name})
    set_tests_properties(native-${IOCPSOCK_NATIVE}.${name} PROPERTIES
        TIMEOUT 120 SKIP_RETURN_CODE 77)
endfunction()

file(GLOB programs CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/tests/native/*Test.c")
foreach(program IN LISTS programs)
    cmake_path(GET program STEM name)
    iocpsock_native_test(${name} "${program}")
endforeach()

# The cases of the port's contract, except those that call Winsock directly.
file(GLOB portCases CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/tests/native/port/*.c")
target_sources(portTest PRIVATE ${portCases})

# A random world, and the program that plays a given number of them.
set(world
    tests/native/random/randomConn.c
    tests/native/random/randomPeer.c
    tests/native/random/randomServer.c
    tests/native/random/randomStream.c
    tests/native/random/randomUdp.c
    tests/native/random/randomWorld.c)
iocpsock_native_test(randomTest ${world} tests/native/random/randomTest.c)
add_test(NAME native-${IOCPSOCK_NATIVE}.randomTest.udp
    COMMAND randomTest udp 1 60)
set_tests_properties(native-${IOCPSOCK_NATIVE}.randomTest.udp PROPERTIES
    TIMEOUT 120)

# Programs with libFuzzer. They have their own core/ and sim/, because libFuzzer
# must count which code each input runs. As tests they run a fixed number of
# inputs from a fixed seed; `make fuzz` runs them for longer.
if(IOCPSOCK_NATIVE STREQUAL clang)
    get_target_property(core_sources iocpsock_core SOURCES)
    get_target_property(sim_sources iocpsock_sim SOURCES)
    add_library(iocpsock_fuzz OBJECT ${core_sources} ${sim_sources})
    target_include_directories(iocpsock_fuzz PUBLIC core sim)
    target_compile_definitions(iocpsock_fuzz PUBLIC IOCPSOCK_SIM)
    target_compile_options(iocpsock_fuzz PUBLIC
        ${instruments} -fsanitize=fuzzer-no-link)
    target_link_options(iocpsock_fuzz PUBLIC
        ${instruments} -fsanitize=fuzzer
        -Wl,--wrap=CpMalloc -Wl,--wrap=CpCalloc -Wl,--wrap=CpFree)
    target_link_libraries(iocpsock_fuzz PRIVATE iocpsock_warnings)

    # iocpsock_fuzzer(NAME RUNS SOURCE...): builds tests/native/fuzz/NAME.c with
    # the other sources. There may be a file NAME.dict with words for inputs,
    # and a folder NAME with first inputs.
    function(iocpsock_fuzzer name runs)
        set(beside "${PROJECT_SOURCE_DIR}/tests/native/fuzz/${name}")
        file(GLOB inputs CONFIGURE_DEPENDS "${beside}/*")
        list(JOIN inputs "," inputs)
        set(options "")
        if(inputs)
            list(APPEND options "-seed_inputs=${inputs}")
        endif()
        if(EXISTS "${beside}.dict")
            list(APPEND options "-dict=${beside}.dict")
        endif()
        add_executable(${name} tests/native/fuzz/${name}.c ${ARGN})
        target_include_directories(${name} PRIVATE
            tests/native tests/native/random)
        target_link_libraries(${name} PRIVATE iocpsock_fuzz iocpsock_warnings)
        add_test(NAME native-${IOCPSOCK_NATIVE}.${name}
            COMMAND ${name} -runs=${runs} -seed=1 -len_control=0 ${options})
        set_tests_properties(native-${IOCPSOCK_NATIVE}.${name} PROPERTIES
            TIMEOUT 120)
    endfunction()

    iocpsock_fuzzer(fuzzWorld 10000 ${world})

    # Also with generic/, in the Tcl of this machine.
    find_path(native_tcl_include tcl.h PATH_SUFFIXES tcl8.6 REQUIRED)
    find_library(native_tcl_library NAMES tcl8.6 REQUIRED)
    file(GLOB generic CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/generic/*.c")
    foreach(name IN ITEMS fuzzSocket fuzzUdp)
        iocpsock_fuzzer(${name} 3000 tests/native/fuzz/fuzzTcl.c ${generic})
        target_include_directories(${name} PRIVATE generic)
        target_include_directories(${name} SYSTEM PRIVATE
            ${native_tcl_include})
        target_compile_definitions(${name} PRIVATE
            PACKAGE_VERSION="${IOCPSOCK_VERSION}" TCL_THREADS=1)
        target_link_libraries(${name} PRIVATE ${native_tcl_library})
    endforeach()

    iocpsock_native_test(interpTest tests/native/tcl/interpTest.c ${generic})
    target_include_directories(interpTest PRIVATE generic)
    target_include_directories(interpTest SYSTEM PRIVATE ${native_tcl_include})
    target_compile_definitions(interpTest PRIVATE
        PACKAGE_VERSION="${IOCPSOCK_VERSION}" TCL_THREADS=1)
    target_link_options(interpTest PRIVATE
        -Wl,--wrap=Tcl_SetAssocData -Wl,--wrap=Tcl_GetAssocData
        -Wl,--wrap=Tcl_Alloc -Wl,--wrap=Tcl_Free
        -Wl,--wrap=IocpsockServerFree)
    target_link_libraries(interpTest PRIVATE ${native_tcl_library})
endif()

include(NativeTcl)

# The Windows port's hand-over between threads, with real threads, over a model
# of the Windows functions that it calls. ThreadSanitizer cannot be combined
# with AddressSanitizer.
if(NOT IOCPSOCK_COVERAGE)
    find_package(Threads REQUIRED)
    add_executable(threadTest
        core/cpMem.c
        tests/native/win/kernelWin.c
        tests/native/win/syncWin.c
        tests/native/win/threadOwner.c
        tests/native/win/threadScenario.c
        tests/native/win/threadSystem.c
        tests/native/win/threadTest.c
        win/cpHandOverWin.c
        win/cpPendingWin.c
        win/cpPortWin.c)
    target_include_directories(threadTest PRIVATE tests/native/win win core)
    target_compile_definitions(threadTest PRIVATE _GNU_SOURCE)
    target_compile_options(threadTest PRIVATE
        -O1 -fsanitize=thread)
    target_link_options(threadTest PRIVATE -fsanitize=thread)
    target_link_libraries(threadTest PRIVATE iocpsock_warnings Threads::Threads)
    add_test(NAME native-${IOCPSOCK_NATIVE}.threadTest COMMAND threadTest)
    set_tests_properties(native-${IOCPSOCK_NATIVE}.threadTest PROPERTIES
        TIMEOUT 120)
endif()

# The tests' client outside Wine: no part of core/, and not slowed down.
if(IOCPSOCK_NATIVE STREQUAL gcc)
    add_executable(peer
        tests/peer.c
        tests/peerMany.c
        tests/peerPlay.c
        tests/peerStream.c)
    target_compile_options(peer PRIVATE -O2)
    target_link_libraries(peer PRIVATE iocpsock_warnings)
endif()
