/*
 * iocpsockReady.c --
 *
 *      Which channels are ready, and whose receives are posted when. A channel
 *      stands on at most one of its thread's two lists: of those to look at,
 *      and of those that were looked at and wait for bytes.
 */

#include "iocpsock.h"

int
IocpsockReadyMask(const IocpsockChan *chanPtr)
{
    int ready;

    if (chanPtr->serverPtr != NULL) {
        return IocpsockServerReady(chanPtr->serverPtr) ? TCL_READABLE : 0;
    }
    if (chanPtr->connPtr == NULL || chanPtr->watchMask == 0) {
        return 0;
    }
    ready = CpConnReady(chanPtr->connPtr);
    return ((ready & CP_READ ? TCL_READABLE : 0)
               | (ready & CP_WRITE ? TCL_WRITABLE : 0))
        & chanPtr->watchMask;
}

void
IocpsockUnlist(IocpsockChan *chanPtr)
{
    IocpsockChanList *listPtr = chanPtr->listPtr;

    if (listPtr == NULL) {
        return;
    }
    if (chanPtr->prevPtr != NULL) {
        chanPtr->prevPtr->nextPtr = chanPtr->nextPtr;
    } else {
        listPtr->firstPtr = chanPtr->nextPtr;
    }
    if (chanPtr->nextPtr != NULL) {
        chanPtr->nextPtr->prevPtr = chanPtr->prevPtr;
    } else {
        listPtr->lastPtr = chanPtr->prevPtr;
    }
    chanPtr->listPtr = NULL;
}

static void
Append(IocpsockChanList *listPtr, IocpsockChan *chanPtr)
{
    IocpsockUnlist(chanPtr);
    chanPtr->listPtr = listPtr;
    chanPtr->nextPtr = NULL;
    chanPtr->prevPtr = listPtr->lastPtr;
    if (listPtr->lastPtr != NULL) {
        listPtr->lastPtr->nextPtr = chanPtr;
    } else {
        listPtr->firstPtr = chanPtr;
    }
    listPtr->lastPtr = chanPtr;
}

void
IocpsockNoteReady(IocpsockChan *chanPtr)
{
    if (IocpsockReadyMask(chanPtr) != 0) {
        IocpsockNoteWatch(chanPtr);
    }
}

void
IocpsockNoteWatch(IocpsockChan *chanPtr)
{
    IocpsockThread *threadPtr = chanPtr->threadPtr;

    if (threadPtr != NULL && chanPtr->listPtr != &threadPtr->look
        && chanPtr->eventsPending == 0) {
        Append(&threadPtr->look, chanPtr);
    }
}

int
IocpsockWatchesRead(const IocpsockChan *chanPtr)
{
    return chanPtr->connPtr != NULL && (chanPtr->watchMask & TCL_READABLE);
}

/*
 * Whether any of the channels that are to be looked at is ready. Those that are
 * not have to wait for bytes.
 */

int
IocpsockAnyReady(IocpsockThread *threadPtr)
{
    IocpsockChan *chanPtr = threadPtr->look.firstPtr;
    int ready = 0;

    while (chanPtr != NULL) {
        IocpsockChan *nextPtr = chanPtr->nextPtr;

        if (IocpsockReadyMask(chanPtr) != 0) {
            ready = 1;
        } else {
            IocpsockUnlist(chanPtr);
            if (IocpsockWatchesRead(chanPtr)) {
                chanPtr->postPass = threadPtr->loopPasses;
                Append(&threadPtr->post, chanPtr);
            }
        }
        chanPtr = nextPtr;
    }
    return ready;
}

/*
 * A receive that finds its bytes there costs less than half of one that has to
 * wait for them, as the way through the port is the longer one. So the receives
 * of channels that have been served are put off: for as long as others are
 * ready, though no longer than a pass of the event loop, and then until one of
 * them finds something.
 * Results: how many operations completed, or channels became ready.
 */

static unsigned
PostFirst(IocpsockThread *threadPtr)
{
    IocpsockChan *chanPtr = threadPtr->post.firstPtr;
    unsigned completed;

    IocpsockUnlist(chanPtr);
    if (IocpsockWatchesRead(chanPtr)) {
        CpConnWatchRead(chanPtr->connPtr, 1);
    }
    completed = CpPortReapFinished(threadPtr->portPtr);
    /* Bytes that were taken without a receive are nobody's completion. */
    if (IocpsockReadyMask(chanPtr) != 0) {
        IocpsockNoteWatch(chanPtr);
        completed++;
    }
    return completed;
}

unsigned
IocpsockPostUntilDone(IocpsockThread *threadPtr)
{
    unsigned completed = 0;

    while (completed == 0 && threadPtr->post.firstPtr != NULL) {
        completed = PostFirst(threadPtr);
    }
    return completed;
}

unsigned
IocpsockPostOld(IocpsockThread *threadPtr)
{
    unsigned completed = 0;

    while (threadPtr->post.firstPtr != NULL
        && threadPtr->loopPasses - threadPtr->post.firstPtr->postPass > 1) {
        completed += PostFirst(threadPtr);
    }
    return completed;
}

unsigned
IocpsockCollect(IocpsockThread *threadPtr)
{
    unsigned completed = CpPortReap(threadPtr->portPtr, 0);

    threadPtr->postFirst = 0;
    if (completed == 0) {
        (void) IocpsockAnyReady(threadPtr);
        completed = IocpsockPostUntilDone(threadPtr);
        threadPtr->postFirst = completed > 0;
    }
    return completed;
}
