/*
 * worldShell.c --
 *
 *      A tclsh in the simulated world:
 *
 *          PROGRAM script ?argument ...?
 *
 *      iocpsock and iocpsocktest are part of it: their Init procs are known to
 *      `load {} NAME`. [exit] goes back to main, where the interpreter is
 *      deleted and Tcl finalized: what is left then is a leak.
 *
 *      Tcl's memory comes from malloc here, where the sanitizers see it: Tcl
 *      calls its own TclpAlloc and its like through the dynamic linker, which
 *      finds the ones below first. Only the Tcl_Objs themselves come from
 *      blocks of Tcl's own.
 */

#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define HAS_LEAK_CHECK
#endif

int Iocpsock_Init(Tcl_Interp *interp);
int Iocpsock_SafeInit(Tcl_Interp *interp);
int Iocpsocktest_Init(Tcl_Interp *interp);

/* ------------------------------------------------- in place of Tcl's own */

#if TCL_MAJOR_VERSION < 9
typedef char Block;
typedef unsigned BlockSize;
#else
typedef void Block;
typedef size_t BlockSize;
#endif

Block *TclpAlloc(BlockSize size);
Block *TclpRealloc(Block *memPtr, BlockSize size);
void TclpFree(Block *memPtr);

Block *
TclpAlloc(BlockSize size)
{
    return malloc(size > 0 ? size : 1);
}

Block *
TclpRealloc(Block *memPtr, BlockSize size)
{
    return realloc(memPtr, size > 0 ? size : 1);
}

void
TclpFree(Block *memPtr)
{
    free(memPtr);
}

/* -------------------------------------------------------------- the shell */

static int exitStatus;
static int exits;

/* As Tcl_Exit, but the C stack is unwound. */

static int
ExitObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    (void) clientData;
    if (objc > 1 && Tcl_GetIntFromObj(interp, objv[1], &exitStatus) != TCL_OK) {
        return TCL_ERROR;
    }
    exits = 1;
    (void) Tcl_CancelEval(interp, NULL, NULL, TCL_CANCEL_UNWIND);
    return TCL_ERROR;
}

static void
SetArguments(Tcl_Interp *interp, int argc, char **argv)
{
    Tcl_Obj *listObj = Tcl_NewListObj(0, NULL);
    int i;

    for (i = 2; i < argc; i++) {
        Tcl_ListObjAppendElement(NULL, listObj, Tcl_NewStringObj(argv[i], -1));
    }
    Tcl_SetVar2Ex(interp, "argv", NULL, listObj, TCL_GLOBAL_ONLY);
    Tcl_SetVar2Ex(interp, "argc", NULL, Tcl_NewWideIntObj(argc - 2),
        TCL_GLOBAL_ONLY);
    Tcl_SetVar2(interp, "argv0", NULL, argv[1], TCL_GLOBAL_ONLY);
    Tcl_SetVar2(interp, "tcl_interactive", NULL, "0", TCL_GLOBAL_ONLY);
}

Tcl_Interp *
WorldNewInterp(void)
{
    Tcl_Interp *interp;

#ifdef HAS_LEAK_CHECK
    __lsan_disable();
#endif
    interp = Tcl_CreateInterp();
#ifdef HAS_LEAK_CHECK
    __lsan_enable();
#endif
    return interp;
}

/* What Tcl has put into the environment it leaves to the C library. */

static void
ForgetEnvironment(void)
{
#ifdef HAS_LEAK_CHECK
    char **namePtr = environ;

    while (namePtr != NULL && *namePtr != NULL) {
        __lsan_ignore_object(*namePtr++);
    }
#endif
}

int
main(int argc, char **argv)
{
    Tcl_Interp *interp;

    if (argc < 2) {
        fprintf(stderr, "usage: %s script ?argument ...?\n", argv[0]);
        return 2;
    }
    /* Without it Tcl leaves most of its memory to the system. */
    (void) setenv("TCL_FINALIZE_ON_EXIT", "1", 1);
    WorldBegin();
    Tcl_FindExecutable(argv[0]);
    interp = Tcl_CreateInterp();
    Tcl_StaticPackage(NULL, "Iocpsock", Iocpsock_Init, Iocpsock_SafeInit);
    Tcl_StaticPackage(NULL, "Iocpsocktest", Iocpsocktest_Init, NULL);
    SetArguments(interp, argc, argv);
    if (Tcl_Init(interp) != TCL_OK) {
        fprintf(stderr, "%s\n", Tcl_GetStringResult(interp));
        return 1;
    }
    Tcl_CreateObjCommand(interp, "exit", ExitObjCmd, NULL, NULL);
    TestWorldCreateCommand(interp);
    if (Tcl_EvalFile(interp, argv[1]) != TCL_OK && !exits) {
        fprintf(stderr, "%s\n",
            Tcl_GetVar2(interp, "errorInfo", NULL, TCL_GLOBAL_ONLY));
        exitStatus = 1;
    }
    Tcl_DeleteInterp(interp);
    ForgetEnvironment();
    Tcl_Finalize();
    WorldEnd();
    return exitStatus;
}
