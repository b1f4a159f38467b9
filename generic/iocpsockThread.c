/*
 * iocpsockThread.c --
 *
 *      Threads that have sockets, and the channels that come to them and leave
 *      them.
 */

#include "iocpsock.h"

static Tcl_ThreadDataKey dataKey;

static void
WakeThread(void *clientData)
{
    IocpsockThread *threadPtr = (IocpsockThread *) clientData;

    Tcl_ThreadAlert(threadPtr->threadId);
}

IocpsockThread *
IocpsockThisThread(void)
{
    return (
        IocpsockThread *) Tcl_GetThreadData(&dataKey, sizeof(IocpsockThread));
}

IocpsockThread *
IocpsockGetThread(Tcl_Interp *interp)
{
    IocpsockThread *threadPtr = IocpsockThisThread();
    CpError error;

    if (threadPtr->portPtr != NULL) {
        return threadPtr;
    }
    threadPtr->threadId = Tcl_GetCurrentThread();
    threadPtr->portPtr = CpPortNew(WakeThread, threadPtr, &error);
    if (threadPtr->portPtr == NULL) {
        IocpsockPosixFailure(interp, COULD_NOT_OPEN, error);
        return NULL;
    }
    if (!threadPtr->exiting) {
        IocpsockBeginEvents(threadPtr);
        IocpsockThreadBegins(threadPtr);
    }
    return threadPtr;
}

/* ---------------------------------------------------------- channels */

IocpsockChan *
IocpsockNewChan(void)
{
    IocpsockChan *chanPtr = (IocpsockChan *) CpCalloc(sizeof(IocpsockChan));

    if (chanPtr != NULL) {
        chanPtr->refCount = 1;
    }
    return chanPtr;
}

void
IocpsockReleaseChan(IocpsockChan *chanPtr)
{
    if (--chanPtr->refCount == 0) {
        CpFree(chanPtr, sizeof(IocpsockChan));
    }
}

static void
MoveChan(IocpsockChan *chanPtr, CpPort *portPtr)
{
    if (chanPtr->serverPtr != NULL) {
        IocpsockServerMove(chanPtr->serverPtr, portPtr);
    } else if (chanPtr->connPtr != NULL) {
        CpConnMove(chanPtr->connPtr, portPtr);
    } else if (chanPtr->kindPtr != NULL) {
        chanPtr->kindPtr->moveProc(chanPtr, portPtr);
    }
}

int
IocpsockAttach(IocpsockChan *chanPtr)
{
    IocpsockThread *threadPtr;

    if (chanPtr->threadPtr != NULL) {
        return 1;
    }
    threadPtr = IocpsockGetThread(NULL);
    if (threadPtr == NULL) {
        return 0;
    }
    chanPtr->threadPtr = threadPtr;
    IocpsockCount(threadPtr, 1, 0);
    CpListAppend(&threadPtr->chans, &chanPtr->chanNode);
    if (chanPtr->serverPtr != NULL) {
        CpListAppend(&threadPtr->servers, &chanPtr->serverNode);
    }
    MoveChan(chanPtr, threadPtr->portPtr);
    IocpsockMarkIfReady(chanPtr);
    return 1;
}

/* Another thread may use the channel from now on. */

void
IocpsockDetach(IocpsockChan *chanPtr)
{
    IocpsockThread *threadPtr = chanPtr->threadPtr;

    if (threadPtr == NULL) {
        return;
    }
    IocpsockRemoveHeld(chanPtr);
    IocpsockForgetEvents(chanPtr);
    if (chanPtr->serverPtr != NULL) {
        CpListRemove(&chanPtr->serverNode);
    }
    MoveChan(chanPtr, NULL);
    CpListRemove(&chanPtr->chanNode);
    IocpsockCount(threadPtr, -1, 0);
    chanPtr->threadPtr = NULL;
}
