/*
 * iocpsockInterp.c --
 *
 *      References to interpreters, for the scripts of servers and of file
 *      transfers. The interpreter may be deleted first, or the object that
 *      refers to it. While Tcl deletes an interpreter it calls back in any
 *      order, and 8.6 cannot remove a callback by then. So each interpreter has
 *      one small counted object, which lives longest, and one callback that is
 *      never removed.
 */

#include "iocpsockPackage.h"

#define ASSOC_KEY "iocpsock"

struct IocpsockInterpRef {
    Tcl_Interp *interp; /* NULL after it was deleted. */
    Tcl_ThreadId threadId;
    unsigned refs; /* With that of the interpreter itself. */
};

/* Guards refs and interp, because channels move to other threads. */
TCL_DECLARE_MUTEX(interpMutex)

static void
Release(IocpsockInterpRef *refPtr, int isDeleted)
{
    unsigned left;

    Tcl_MutexLock(&interpMutex);
    if (isDeleted) {
        refPtr->interp = NULL;
    }
    left = --refPtr->refs;
    Tcl_MutexUnlock(&interpMutex);
    if (left == 0) {
        IocpsockFree(refPtr);
    }
}

static void
InterpDeleted(void *clientData, Tcl_Interp *interp)
{
    (void) interp;
    Release((IocpsockInterpRef *) clientData, 1);
}

/* This memory counts as Tcl's, like the interpreter's commands. */

IocpsockInterpRef *
IocpsockHoldInterp(Tcl_Interp *interp)
{
    IocpsockInterpRef *refPtr = Tcl_GetAssocData(interp, ASSOC_KEY, NULL);

    if (refPtr == NULL) {
        refPtr = (IocpsockInterpRef *) IocpsockAlloc(sizeof(IocpsockInterpRef));
        refPtr->interp = interp;
        refPtr->threadId = Tcl_GetCurrentThread();
        refPtr->refs = 1;
        Tcl_SetAssocData(interp, ASSOC_KEY, InterpDeleted, refPtr);
    }
    Tcl_MutexLock(&interpMutex);
    refPtr->refs++;
    Tcl_MutexUnlock(&interpMutex);
    return refPtr;
}

void
IocpsockReleaseInterp(IocpsockInterpRef *refPtr)
{
    Release(refPtr, 0);
}

Tcl_Interp *
IocpsockInterpOf(const IocpsockInterpRef *refPtr)
{
    return refPtr->interp != NULL && !Tcl_InterpDeleted(refPtr->interp)
        ? refPtr->interp
        : NULL;
}

int
IocpsockInterpIsElsewhere(IocpsockInterpRef *refPtr)
{
    int lives;

    if (refPtr->threadId == Tcl_GetCurrentThread()) {
        return 0;
    }
    Tcl_MutexLock(&interpMutex);
    lives = refPtr->interp != NULL;
    Tcl_MutexUnlock(&interpMutex);
    return lives;
}
