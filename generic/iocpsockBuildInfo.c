/*
 * iocpsockBuildInfo.c --
 *
 *      iocpsock::build-info, in the format of TIP 599. Tcl 8.6 has no command
 *      of this kind whose C procedure an extension could reuse.
 */

#include "iocpsockPackage.h"

#include <limits.h>
#include <string.h>

/* The build writes this header, which has the commit of the sources. */
#ifdef HAVE_IOCPSOCK_COMMIT
#include "iocpsockCommit.h"
#else
#define IOCPSOCK_COMMIT "unknown"
#endif

#define STRING(number) STRING_OF(number)
#define STRING_OF(number) #number

/* A compiler's version has two digits for the minor number. */

#if defined(__clang__)
#if __clang_minor__ < 10
#define COMPILER_TAG \
    ".clang-" STRING(__clang_major__) "0" STRING(__clang_minor__)
#else
#define COMPILER_TAG ".clang-" STRING(__clang_major__) STRING(__clang_minor__)
#endif
#elif defined(__INTEL_COMPILER)
#define COMPILER_TAG ".icc-" STRING(__INTEL_COMPILER)
#elif defined(_MSC_VER)
#define COMPILER_TAG ".msvc-" STRING(_MSC_VER)
#elif defined(__GNUC__)
#if __GNUC_MINOR__ < 10
#define COMPILER_TAG ".gcc-" STRING(__GNUC__) "0" STRING(__GNUC_MINOR__)
#else
#define COMPILER_TAG ".gcc-" STRING(__GNUC__) STRING(__GNUC_MINOR__)
#endif
#else
#define COMPILER_TAG ""
#endif

#ifdef NDEBUG
#define DEBUG_TAG ""
#else
#define DEBUG_TAG ".debug"
#endif

#if INT_MAX == LONG_MAX && UINTPTR_MAX == UINT_MAX
#define ILP32_TAG ".ilp32"
#else
#define ILP32_TAG ""
#endif

#ifdef STATIC_BUILD
#define STATIC_TAG ".static"
#else
#define STATIC_TAG ""
#endif

static const char version[] = PACKAGE_VERSION;
static const char tags[] = IOCPSOCK_COMMIT COMPILER_TAG DEBUG_TAG ILP32_TAG
    STATIC_TAG;

static Tcl_Obj *
NewString(const char *string, size_t length)
{
    return Tcl_NewStringObj(string, (Tcl_Size) length);
}

/* The first two numbers: 4.0 of 4.0.1. A letter and what follows it belong to
 * the second: 4.0b1. */

static Tcl_Obj *
Version(void)
{
    const char *minor = strchr(version, '.') + 1;

    return NewString(version, (size_t) (minor - version) + strcspn(minor, "."));
}

/* The next tag behind this one, which may be the commit, or NULL. */

static const char *
NextTag(const char *tag)
{
    const char *end = strchr(tag, '.');

    return end != NULL ? end + 1 : NULL;
}

static Tcl_Obj *
Compiler(void)
{
    static const char *const names[] = {"clang-", "gcc-", "icc-", "msvc-"};
    const char *tag;
    size_t i;

    for (tag = NextTag(tags); tag != NULL; tag = NextTag(tag)) {
        for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            if (strncmp(tag, names[i], strlen(names[i])) == 0) {
                return NewString(tag, strcspn(tag, "."));
            }
        }
    }
    return Tcl_NewBooleanObj(0);
}

/* 1 for a tag of this name, its value for a tag "name-value". */

static Tcl_Obj *
Tag(const char *name)
{
    size_t length = strlen(name);
    const char *tag;

    for (tag = NextTag(tags); tag != NULL; tag = NextTag(tag)) {
        if (length > 0 && strncmp(tag, name, length) == 0) {
            if (tag[length] == '-') {
                tag += length + 1;
                return NewString(tag, strcspn(tag, "."));
            }
            if (tag[length] == '.' || tag[length] == '\0') {
                return Tcl_NewBooleanObj(1);
            }
        }
    }
    return Tcl_NewBooleanObj(0);
}

int
IocpsockBuildInfoObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    const char *field;
    Tcl_Obj *resultPtr;

    (void) clientData;
    if (objc > 2) {
        Tcl_WrongNumArgs(interp, 1, objv, "?field?");
        return TCL_ERROR;
    }
    if (objc < 2) {
        Tcl_SetObjResult(interp, Tcl_ObjPrintf("%s+%s", version, tags));
        return TCL_OK;
    }
    field = Tcl_GetString(objv[1]);
    if (strcmp(field, "version") == 0) {
        resultPtr = Version();
    } else if (strcmp(field, "patchlevel") == 0) {
        resultPtr = Tcl_NewStringObj(version, -1);
    } else if (strcmp(field, "commit") == 0) {
        resultPtr = NewString(tags, strcspn(tags, "."));
    } else if (strcmp(field, "compiler") == 0) {
        resultPtr = Compiler();
    } else {
        resultPtr = Tag(field);
    }
    Tcl_SetObjResult(interp, resultPtr);
    return TCL_OK;
}
