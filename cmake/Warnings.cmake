# What every file of ours is compiled with. Warnings are errors; headers that
# are not ours are taken as system headers, which do not count.
add_library(iocpsock_warnings INTERFACE)

if(MSVC)
    # C4204 and C4221: C99 initializes aggregates with more than constants.
    # C5105: windows.h of SDKs before 10.0.20348 is no C11.
    target_compile_options(iocpsock_warnings INTERFACE /W4 /WX /utf-8
        /wd4204 /wd4221 /wd5105)
    # Older CMakes know no system headers of Visual C++'s (16.10 and newer).
    if(CMAKE_VERSION VERSION_LESS 3.22)
        add_compile_options(/external:W0)
        set(CMAKE_INCLUDE_SYSTEM_FLAG_C "/external:I ")
    endif()
    # No runtime DLL of the compiler's, which Windows does not have.
    set(CMAKE_MSVC_RUNTIME_LIBRARY "MultiThreaded$<$<CONFIG:Debug>:Debug>")
    # The C library's advice to use functions that only Microsoft's has.
    target_compile_definitions(iocpsock_warnings INTERFACE
        _CRT_SECURE_NO_WARNINGS)
else()
    target_compile_options(iocpsock_warnings INTERFACE
        -Wall -Wextra -Werror
        -Wformat=2 -Wimplicit-fallthrough -Wmissing-prototypes
        -Wold-style-definition -Wpointer-arith -Wshadow -Wstrict-prototypes
        -Wundef -Wvla -Wwrite-strings)
endif()

if(WIN32)
    target_compile_definitions(iocpsock_warnings INTERFACE UNICODE _UNICODE)
endif()
if(MINGW)
    # %zu and %lld, which the old C runtime does not know.
    target_compile_definitions(iocpsock_warnings INTERFACE
        __USE_MINGW_ANSI_STDIO=1)
endif()
