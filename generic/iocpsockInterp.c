/*
 * iocpsockInterp.c --
 *
 *      Interpreters that scripts of the driver belong to: of servers and of
 *      transfers. Either may go first, and then the other is not touched any
 *      more. While Tcl deletes an interpreter it calls back in any order, and
 *      8.6 cannot take a callback back by then. So each interpreter has one
 *      small counted object, which outlives all of them, and one callback that
 *      is never taken back.
 */

#include "iocpsock.h"

#define ASSOC_KEY "iocpsock"

struct IocpsockInterpRef {
    Tcl_Interp *interp; /* NULL when it was deleted. */
    Tcl_ThreadId threadId;
    unsigned refs; /* The interpreter's own is among them. */
};

/* Guards refs and interp: channels move to other threads. */
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
        Tcl_Free((void *) refPtr);
    }
}

static void
InterpDeleted(void *clientData, Tcl_Interp *interp)
{
    (void) interp;
    Release(clientData, 1);
}

/* It is Tcl's memory, as the interpreter's commands are. */

IocpsockInterpRef *
IocpsockHoldInterp(Tcl_Interp *interp)
{
    IocpsockInterpRef *refPtr = Tcl_GetAssocData(interp, ASSOC_KEY, NULL);

    if (refPtr == NULL) {
        refPtr = (IocpsockInterpRef *) (void *) Tcl_Alloc(
            sizeof(IocpsockInterpRef));
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
