# What every file of ours is compiled with. Warnings are errors; headers that
# are not ours are taken as system headers, which do not count.
add_library(iocpsock_warnings INTERFACE)

if(MSVC)
    target_compile_options(iocpsock_warnings INTERFACE /W4 /WX /utf-8)
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
