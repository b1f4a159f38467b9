# The options for all our files. Warnings are errors, except in headers that are
# not ours: these are included as system headers.
add_library(iocpsock_warnings INTERFACE)

if(MSVC)
    # C4204 and C4221: C99 allows variables in the initializers of aggregates.
    # C5105: windows.h of SDKs before 10.0.20348 is not valid C11.
    target_compile_options(iocpsock_warnings INTERFACE /W4 /WX /utf-8
        /wd4204 /wd4221 /wd5105)
    # Older CMakes do not support Visual C++'s system headers (16.10 and newer).
    if(CMAKE_VERSION VERSION_LESS 3.22)
        add_compile_options(/external:W0)
        set(CMAKE_INCLUDE_SYSTEM_FLAG_C "/external:I ")
    endif()
    # Link the compiler's runtime statically, because Windows lacks its DLL.
    set(CMAKE_MSVC_RUNTIME_LIBRARY "MultiThreaded$<$<CONFIG:Debug>:Debug>")
    # No warnings that recommend functions that only Microsoft's library has.
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
    # For %zu and %lld, which the old C runtime does not support.
    target_compile_definitions(iocpsock_warnings INTERFACE
        __USE_MINGW_ANSI_STDIO=1)
endif()
