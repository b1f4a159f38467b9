/*
 * testChannel.c --
 *
 *	testthread transfer, detach and attach: channels move between threads
 *	in the way of the Thread extension.
 */

#include "testThread.h"

#include <string.h>

/*
 * Channels that are detached from one thread and not yet attached to another.
 */

typedef struct Detached {
    Tcl_Channel chan;
    struct Detached *nextPtr;
} Detached;

TCL_DECLARE_MUTEX(detachedMutex)
static Detached *firstDetachedPtr;

/*
 * The first half of a move: takes a channel out of its interpreter and thread.
 * The channel keeps one reference and no handlers. The watch call stops
 * notifications that are already under way; they would reach a channel that
 * belongs to another thread by then.
 */

static int
CutChannel(Tcl_Interp *interp, Tcl_Obj *nameObj, Tcl_Channel *chanPtr)
{
    Tcl_Channel chan = Tcl_GetChannel(interp, Tcl_GetString(nameObj), NULL);
    Tcl_DriverWatchProc *watchProc;

    if (chan == NULL) {
        return TCL_ERROR;
    }
    if (Tcl_IsChannelShared(chan) || Tcl_IsStandardChannel(chan)) {
        Tcl_SetObjResult(interp, Tcl_NewStringObj("channel is shared", -1));
        return TCL_ERROR;
    }
    Tcl_ClearChannelHandlers(chan);
    watchProc = Tcl_ChannelWatchProc(Tcl_GetChannelType(chan));
    if (watchProc != NULL) {
        watchProc(Tcl_GetChannelInstanceData(chan), 0);
    }
    Tcl_RegisterChannel(NULL, chan);
    Tcl_UnregisterChannel(interp, chan);
    Tcl_CutChannel(chan);
    *chanPtr = chan;
    return TCL_OK;
}

void
TestChannelSplice(Tcl_Interp *interp, Tcl_Channel chan)
{
    Tcl_SpliceChannel(chan);
    Tcl_RegisterChannel(interp, chan);
    Tcl_UnregisterChannel(NULL, chan);
}

/*
 * Blocks without servicing events until the target has the channel, as the
 * Thread extension does.
 */

int
TestChannelTransfer(Tcl_Interp *interp, int id, Tcl_Obj *nameObj)
{
    Tcl_Channel chan;
    TestJob *jobPtr;

    if (CutChannel(interp, nameObj, &chan) != TCL_OK) {
        return TCL_ERROR;
    }
    jobPtr = TestJobPost(interp, id, TEST_JOB_SPLICE, NULL, chan, 1);
    if (jobPtr != NULL) {
        TestJobBlock(jobPtr);
        if (TestJobTake(interp, jobPtr) == TCL_OK) {
            return TCL_OK;
        }
    }
    TestChannelSplice(interp, chan);
    return TCL_ERROR;
}

int
TestChannelDetach(Tcl_Interp *interp, Tcl_Obj *nameObj)
{
    Detached *detachedPtr;
    Tcl_Channel chan;

    if (CutChannel(interp, nameObj, &chan) != TCL_OK) {
        return TCL_ERROR;
    }
    detachedPtr = (Detached *) Tcl_Alloc(sizeof(Detached));
    detachedPtr->chan = chan;
    Tcl_MutexLock(&detachedMutex);
    detachedPtr->nextPtr = firstDetachedPtr;
    firstDetachedPtr = detachedPtr;
    Tcl_MutexUnlock(&detachedMutex);
    return TCL_OK;
}

int
TestChannelAttach(Tcl_Interp *interp, Tcl_Obj *nameObj)
{
    Detached **linkPtr;
    Detached *foundPtr = NULL;

    Tcl_MutexLock(&detachedMutex);
    for (linkPtr = &firstDetachedPtr; *linkPtr != NULL;
         linkPtr = &(*linkPtr)->nextPtr) {
        if (strcmp(Tcl_GetChannelName((*linkPtr)->chan), Tcl_GetString(nameObj))
            == 0) {
            foundPtr = *linkPtr;
            *linkPtr = foundPtr->nextPtr;
            break;
        }
    }
    Tcl_MutexUnlock(&detachedMutex);
    if (foundPtr == NULL) {
        Tcl_SetObjResult(interp,
            Tcl_ObjPrintf("\"%s\" is not detached", Tcl_GetString(nameObj)));
        return TCL_ERROR;
    }
    TestChannelSplice(interp, foundPtr->chan);
    Tcl_Free((char *) foundPtr);
    return TCL_OK;
}
