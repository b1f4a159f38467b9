# Builds the 64-bit DLLs with clang-cl, which takes Visual C++'s options and
# follows its rules, and with mingw's headers and libraries instead of
# Microsoft's. tools/check-msvc uses this; it is not for a release.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR AMD64)
# Debian 12 has it with its version only.
find_program(CMAKE_C_COMPILER NAMES clang-cl clang-cl-14 REQUIRED)
set(CMAKE_C_COMPILER_TARGET x86_64-pc-windows-msvc)
set(CMAKE_RC_COMPILER llvm-rc)
set(CMAKE_LINKER lld-link)
set(CMAKE_AR llvm-lib)
set(CMAKE_MT llvm-mt)
# A program cannot be linked before the project has its libraries.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

execute_process(COMMAND clang -print-resource-dir
    OUTPUT_VARIABLE resources OUTPUT_STRIP_TRAILING_WHITESPACE)
execute_process(COMMAND x86_64-w64-mingw32-gcc -print-libgcc-file-name
    OUTPUT_VARIABLE libgcc OUTPUT_STRIP_TRAILING_WHITESPACE)
set(mingw /usr/x86_64-w64-mingw32/lib)

# The libraries have other names here. CMake links with more than the driver
# needs.
set(libraries "${CMAKE_BINARY_DIR}/libraries")
file(MAKE_DIRECTORY "${libraries}")
foreach(name IN ITEMS ws2_32 mswsock kernel32 user32 gdi32 winspool shell32
        ole32 oleaut32 uuid comdlg32 advapi32 mingw32 mingwex msvcrt)
    file(CREATE_LINK "${mingw}/lib${name}.a" "${libraries}/${name}.lib"
        SYMBOLIC)
endforeach()

# mingw's headers use __attribute__ only if the compiler says that it knows
# GNU C. mingw has no security cookie (/GS-).
set(CMAKE_C_FLAGS_INIT "-X -imsvc ${resources}/include \
-imsvc /usr/share/mingw-w64/include -fgnuc-version=10.2 \
-fms-compatibility-version=19.29 /GS-")
set(CMAKE_RC_FLAGS_INIT "-I /usr/share/mingw-w64/include")
set(CMAKE_MODULE_LINKER_FLAGS_INIT "/libpath:${libraries} /nodefaultlib \
/lldmingw /WX /manifest:no /entry:DllMainCRTStartup ${mingw}/dllcrt2.o \
/alternatename:__chkstk=___chkstk_ms \
/alternatename:__image_base__=__ImageBase \
mingw32.lib mingwex.lib msvcrt.lib ${libgcc}")
