# Builds a tclsh for each Tcl that has the driver over the simulated network
# (tests/native/tcl), and adds the suites that it runs: under AddressSanitizer
# and UndefinedBehaviorSanitizer, and suites with threads also under
# ThreadSanitizer.
if(NOT IOCPSOCK_NATIVE STREQUAL clang)
    return()
endif()

file(GLOB generic CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/generic/*.c")
set_source_files_properties(${generic} PROPERTIES
    COMPILE_DEFINITIONS PACKAGE_VERSION="${IOCPSOCK_VERSION}")
set(world_sources
    tests/native/tcl/worldClock.c
    tests/native/tcl/worldFile.c
    tests/native/tcl/worldPort.c
    tests/native/tcl/worldRaw.c
    tests/native/tcl/worldShell.c
    tests/native/tcl/worldTime.c
    tests/testApi.c
    tests/testChannel.c
    tests/testJob.c
    tests/testThread.c)

# The functions that the simulated world wraps, found in its sources.
set(wraps "")
foreach(source IN ITEMS worldFile worldPort worldTime)
    file(READ "${PROJECT_SOURCE_DIR}/tests/native/tcl/${source}.c" text)
    string(REGEX MATCHALL
        "\n(CALL\\([^,]*, |VOID_CALL\\(|[a-zA-Z_0-9 *]*__wrap_)[A-Za-z_]+"
        calls "${text}")
    foreach(call IN LISTS calls)
        string(REGEX REPLACE ".*(__wrap_|[( ])" "" call "${call}")
        list(APPEND wraps "-Wl,--wrap=${call}")
    endforeach()
endforeach()
list(REMOVE_DUPLICATES wraps)

# These suites are not in the list of packages, which the suites' children and
# threads read too.
set(world_packages "${PROJECT_BINARY_DIR}/worldpackage")
file(WRITE "${world_packages}/pkgIndex.tcl"
    "package ifneeded iocpsock ${IOCPSOCK_VERSION} {load {} Iocpsock}\n"
    "package ifneeded Iocpsock ${IOCPSOCK_VERSION} {load {} Iocpsock}\n"
    "package ifneeded iocpsocktest 1.0 {load {} Iocpsocktest}\n")

# Options to compile and link for each Tcl, and the folder of its scripts. Tcl
# 8.6 is this machine's. Tcl 9 is from a newer Debian, with its C library
# (tools/fetch-native-tcl); that library's loader starts the programs.
find_path(native_tcl_include tcl.h PATH_SUFFIXES tcl8.6 REQUIRED)
find_library(native_tcl_library NAMES tcl8.6 REQUIRED)
add_library(world_tcl86 INTERFACE)
target_include_directories(world_tcl86 SYSTEM INTERFACE ${native_tcl_include})
target_link_libraries(world_tcl86 INTERFACE ${native_tcl_library})
set(world_tcl86_environment "")

include(FindTclRoot)
default_cache(cache)
foreach(version IN ITEMS 9.0 9.1)
    string(REPLACE "." "" tcl "tcl${version}")
    string(REPLACE "." "_" underlined "${version}")
    set(newer "${cache}/${tcl}-native/usr")
    set(newer_lib "${newer}/lib/x86_64-linux-gnu")
    if(NOT EXISTS "${newer_lib}/libtcl${version}.so")
        message(FATAL_ERROR "no ${newer}: run tools/setup")
    endif()
    add_library(world_${tcl} INTERFACE)
    target_include_directories(world_${tcl} SYSTEM INTERFACE
        "${newer}/include/tcl${version}")
    target_link_libraries(world_${tcl} INTERFACE
        "${newer_lib}/libtcl${version}.so")
    target_link_options(world_${tcl} INTERFACE
        "-Wl,--dynamic-linker=${newer_lib}/ld-linux-x86-64.so.2"
        "-Wl,--disable-new-dtags,-rpath,${newer_lib}"
        -Wl,--allow-shlib-undefined)
    set(world_${tcl}_environment "TCL_LIBRARY=${newer}/lib/tcl${version}"
        "TCL${underlined}_TM_PATH=${newer}/lib/tcl${version}/tcl9")
endforeach()

# core/ and sim/ for ThreadSanitizer. Here the simulator does not provide the
# driver's memory: its lock would order accesses that nothing else orders, and
# hide races.
find_package(Threads REQUIRED)
get_target_property(core_sources iocpsock_core SOURCES)
get_target_property(sim_sources iocpsock_sim SOURCES)
list(REMOVE_ITEM sim_sources sim/cpMemSim.c)
add_library(world_tsan OBJECT ${core_sources} ${sim_sources})
target_include_directories(world_tsan PUBLIC core sim)
target_compile_definitions(world_tsan PUBLIC IOCPSOCK_SIM)
target_compile_options(world_tsan PUBLIC -O1 -fsanitize=thread)
target_link_options(world_tsan PUBLIC -fsanitize=thread)
target_link_libraries(world_tsan PRIVATE iocpsock_warnings)

# iocpsock_world(TCL KIND LIBRARY SUITE...): builds the shell TCL-KIND with this
# library of core/ and sim/, and adds a row for each suite.
function(iocpsock_world tcl kind library)
    set(shell ${tcl}-${kind})
    add_executable(${shell} ${generic} ${world_sources})
    target_include_directories(${shell} PRIVATE generic tests tests/native/tcl)
    target_compile_definitions(${shell} PRIVATE TCL_THREADS=1 _GNU_SOURCE
        TEST_API_DRIVER)
    target_link_options(${shell} PRIVATE ${wraps} -rdynamic)
    target_link_libraries(${shell} PRIVATE ${library} world_${tcl}
        iocpsock_warnings Threads::Threads)
    # clang-tidy checks each file once for each Tcl.
    if(kind STREQUAL tsan)
        set_target_properties(${shell} PROPERTIES EXPORT_COMPILE_COMMANDS OFF)
    endif()
    foreach(suite IN LISTS ARGN)
        get_filename_component(name ${suite} NAME)
        set(row native-${IOCPSOCK_NATIVE}.${shell}.${name})
        add_test(NAME ${row} COMMAND ${shell}
            "${PROJECT_SOURCE_DIR}/tests/run.tcl" ${suite}.test)
        set(supp "${PROJECT_SOURCE_DIR}/tests/native/tcl/tsan.supp")
        set_tests_properties(${row} PROPERTIES TIMEOUT 900 ENVIRONMENT
            "TCLLIBPATH=${world_packages};TSAN_OPTIONS=suppressions=${supp};\
${world_${tcl}_environment}")
    endforeach()
endfunction()

foreach(tcl IN ITEMS tcl86 tcl90 tcl91)
    iocpsock_world(${tcl} asan iocpsock_sim
        close closeDelivery closeExit closeInterp interp interpMore
        io ioBulk ioCallback ioEnd ioEvents ioFairness
        listener listenerAccept listenerMany options optionsServer
        recvmode recvmodeLimit send sendfile
        incore/api
        socket socketAddress socketChannel socketConnect socketProcess stats
        thread threadInterp threadMove udp udpEvents udpName udpOptions version
        watchdog
        watchdogData)
    iocpsock_world(${tcl} tsan world_tsan thread threadInterp threadMove)
endforeach()
