/*
 * iocpsockStubs.c --
 *
 *      Connects the library to the Tcl that loads it. A Tcl that it cannot run
 *      in gets an error that says which Tcl it needs.
 */

#include "iocpsockPackage.h"

#if TCL_MAJOR_VERSION < 9
#define WANTED "8.6"
#define OTHERS "for Tcl 9 there is tcl9iocpsock.dll"
#else
#define WANTED "9.0"
#define OTHERS "for Tcl 8.6 there is iocpsock.dll"
#endif

/* The magic numbers of the tables of Tcl 8 and of Tcl 9. In 32 bits they are
 * the same. */
#define MAGIC_8 ((int) 0xFCA3BACF)
#define MAGIC_9 ((int) 0xFCA3BACB + (int) sizeof(void *))

/*
 * The first fields of an interpreter. They are the same in every Tcl since 8.1,
 * because Tcl's stub library relies on them.
 */

typedef struct InterpHead {
    const char *result; /* In Tcl 9 [load] looks here only after an error. */
    void (*freeProc)(void);
    int errorLine;
    const TclStubs *stubsPtr; /* NULL before Tcl 8.1. */
} InterpHead;

/*
 * Tcl_InitStubs names neither the package nor, in an older Tcl of another major
 * version, what it needs. The functions called here have the same places in the
 * tables of all versions.
 */

static void
ReportWrongTcl(Tcl_Interp *interp)
{
    InterpHead *headPtr = (InterpHead *) interp;
    const TclStubs *stubsPtr = headPtr->stubsPtr;
    const char *version;

    if (stubsPtr == NULL
        || (stubsPtr->magic != MAGIC_8 && stubsPtr->magic != MAGIC_9)) {
        return;
    }
    version = stubsPtr->tcl_GetVar2(interp, "tcl_patchLevel", NULL,
        TCL_GLOBAL_ONLY);
    stubsPtr->tcl_ResetResult(interp);
    /* In Tcl 8 the string is empty now. Tcl 9 would prefer what an older stub
     * library has left there. */
    if (headPtr->result != NULL && headPtr->result[0] != '\0') {
        headPtr->result = NULL;
    }
    stubsPtr->tcl_AppendResult(interp,
        "this library of iocpsock " PACKAGE_VERSION " needs Tcl " WANTED
        " (" OTHERS "), and this is Tcl ",
        version != NULL ? version : "?", (char *) NULL);
}

int
IocpsockInitStubs(Tcl_Interp *interp)
{
    if (Tcl_InitStubs(interp, WANTED, 0) == NULL) {
        ReportWrongTcl(interp);
        return TCL_ERROR;
    }
    return TCL_OK;
}
