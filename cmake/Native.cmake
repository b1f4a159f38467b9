# core/ compiled for the machine at hand, under the sanitizers, and the
# programs of tests/native: each says 0 passed, 1 failed, 77 skipped.
set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
target_compile_options(iocpsock_core PUBLIC ${sanitizers})
target_link_options(iocpsock_core PUBLIC ${sanitizers})

file(GLOB programs CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/tests/native/*.c")
foreach(program IN LISTS programs)
    cmake_path(GET program STEM name)
    add_executable(${name} "${program}")
    target_link_libraries(${name} PRIVATE iocpsock_core iocpsock_warnings)
    add_test(NAME native-${IOCPSOCK_NATIVE}.${name} COMMAND ${name})
    set_tests_properties(native-${IOCPSOCK_NATIVE}.${name} PROPERTIES
        TIMEOUT 120 SKIP_RETURN_CODE 77)
endforeach()

# The tests' client outside Wine: no part of core/, and not slowed down.
if(IOCPSOCK_NATIVE STREQUAL gcc)
    add_executable(peer
        tests/peer.c
        tests/peerMany.c
        tests/peerStream.c)
    target_compile_options(peer PRIVATE -O2)
    target_link_libraries(peer PRIVATE iocpsock_warnings)
endif()
