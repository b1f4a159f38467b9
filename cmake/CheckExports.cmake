# A script with the arguments OBJDUMP and DLLS. It checks that the DLLs export
# only the init procedures, and depend only on DLLs of Windows.
set(wanted Iocpsock_Init Iocpsock_SafeInit)
set(system "^(advapi32|kernel32|mswsock|msvcrt|ntdll|user32|ws2_32|ucrtbase\
|api-ms-win-crt-.*)\\.dll$")

foreach(dll IN LISTS DLLS)
    execute_process(COMMAND "${OBJDUMP}" -p "${dll}"
        OUTPUT_VARIABLE dump COMMAND_ERROR_IS_FATAL ANY)
    string(REPLACE ";" "," dump "${dump}")

    string(REGEX MATCH "Ordinal/Name Pointer\\] Table(.*)" _ "${dump}")
    string(REGEX MATCHALL "\n[ \t]*\\[ *[0-9]+\\][^\n]*" lines
        "${CMAKE_MATCH_1}")
    set(names "")
    foreach(line IN LISTS lines)
        string(REGEX MATCH "[A-Za-z_@0-9?]+$" name "${line}")
        list(APPEND names "${name}")
    endforeach()
    list(SORT names)
    message(STATUS "${dll} exports ${names}")
    if(NOT names STREQUAL wanted)
        message(FATAL_ERROR "expected only ${wanted}")
    endif()

    string(REGEX MATCHALL "DLL Name: [^\n\r]*" imports "${dump}")
    foreach(import IN LISTS imports)
        string(REPLACE "DLL Name: " "" import "${import}")
        string(TOLOWER "${import}" import)
        if(NOT import MATCHES "${system}")
            message(FATAL_ERROR "${dll} depends on ${import}")
        endif()
    endforeach()
endforeach()
