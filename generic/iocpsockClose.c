/*
 * iocpsockClose.c --
 *
 *      Closing channels: the channel type's procedures, and the option
 *      -closetimeout.
 */

#include "iocpsock.h"

#include <errno.h>
#include <limits.h>

#define CHECK_HELD_MS 100 /* A close timeout may begin so late. */

int
IocpsockIsBlocking(const IocpsockChan *chanPtr)
{
    return (chanPtr->flags & IOCPSOCK_NONBLOCKING) == 0;
}

/* ------------------------------------------------------- time limits */

/*
 * Tcl keeps a channel that was closed until the driver has taken its output. It
 * does not tell the driver. But no interpreter refers to the channel any more.
 */

int
IocpsockIsClosedByScript(Tcl_Channel channel)
{
    int referred;

    if (Tcl_IsStandardChannel(channel)) {
        return 0;
    }
    Tcl_RegisterChannel(NULL, channel);
    referred = Tcl_IsChannelShared(channel);
    Tcl_DetachChannel(NULL, channel);
    return !referred;
}

void
IocpsockAddHeld(IocpsockChan *chanPtr)
{
    IocpsockThread *threadPtr = chanPtr->threadPtr;

    if (!CpListIsLinked(&chanPtr->heldNode)
        && CpConnCloseTimeout(chanPtr->connPtr) > 0) {
        CpListAppend(&threadPtr->held, &chanPtr->heldNode);
    }
}

void
IocpsockRemoveHeld(IocpsockChan *chanPtr)
{
    if (CpListIsLinked(&chanPtr->heldNode)) {
        CpListRemove(&chanPtr->heldNode);
    }
}

/* Finds channels that were closed among those that Tcl holds output of. */

static void
CheckHeld(IocpsockThread *threadPtr)
{
    CpListNode *nodePtr = CpListFirst(&threadPtr->held);

    while (nodePtr != NULL) {
        IocpsockChan *chanPtr = CP_OWNER_OF(nodePtr, IocpsockChan, heldNode);

        nodePtr = CpListNext(&threadPtr->held, nodePtr);
        if (Tcl_OutputBuffered(chanPtr->channel) == 0) {
            IocpsockRemoveHeld(chanPtr);
        } else if (IocpsockIsClosedByScript(chanPtr->channel)) {
            IocpsockRemoveHeld(chanPtr);
            CpConnCloseBegins(chanPtr->connPtr, &threadPtr->closeList);
        }
    }
}

/* Ends closes at their limits. Results: milliseconds to the next limit, or -1.
 */

static int64_t
Tick(IocpsockThread *threadPtr)
{
    uint64_t nowMs;
    int64_t dueMs;

    if (CpListIsEmpty(&threadPtr->held)
        && CpListIsEmpty(&threadPtr->closeList.timed)) {
        return -1;
    }
    nowMs = CpNowMs();
    if (!CpListIsEmpty(&threadPtr->held) && nowMs >= threadPtr->checkHeldMs) {
        CheckHeld(threadPtr);
        threadPtr->checkHeldMs = nowMs + CHECK_HELD_MS;
    }
    dueMs = CpCloseTick(&threadPtr->closeList, nowMs);
    if (!CpListIsEmpty(&threadPtr->held)
        && (dueMs < 0 || dueMs > CHECK_HELD_MS)) {
        dueMs = CHECK_HELD_MS;
    }
    return dueMs < INT_MAX ? dueMs : INT_MAX;
}

int64_t
IocpsockTickCloses(IocpsockThread *threadPtr)
{
    int64_t dueMs = Tick(threadPtr);

    if (IocpsockMustEnd(threadPtr)) {
        IocpsockEndForExit(threadPtr);
    }
    return dueMs;
}

void
IocpsockWait(IocpsockThread *threadPtr)
{
    CpPortReap(threadPtr->portPtr, (int) Tick(threadPtr));
}

/* ------------------------------------------------------------- closes */

/* Waits until the system has taken everything that was written. */

static CpError
DrainSends(IocpsockChan *chanPtr)
{
    while (CpConnSending(chanPtr->connPtr)) {
        IocpsockWait(chanPtr->threadPtr);
    }
    return CpConnUnreportedError(chanPtr->connPtr);
}

static void
ConnClosed(void *clientData)
{
    IocpsockCount((IocpsockThread *) clientData, 0, -1);
}

CpError
IocpsockCloseConn(IocpsockChan *chanPtr)
{
    IocpsockThread *threadPtr = chanPtr->threadPtr;
    CpConn *connPtr = chanPtr->connPtr;
    unsigned before = threadPtr->closing;
    CpError error;

    CpConnCloseBegins(connPtr, &threadPtr->closeList);
    error = IocpsockIsBlocking(chanPtr) ? DrainSends(chanPtr)
                                        : CpConnUnreportedError(connPtr);
    IocpsockCount(threadPtr, 0, 1);
    chanPtr->connPtr = NULL;
    CpConnClose(connPtr, ConnClosed, threadPtr);

    /* Cancelled operations usually complete at once. */
    if (threadPtr->closing > before) {
        CpPortReap(threadPtr->portPtr, 0);
    }
    if (threadPtr->exiting) {
        IocpsockExitClosed(threadPtr);
    }
    return error;
}

/*
 * Tcl usually detaches a channel from its thread before it closes it. It does
 * not when it closes the channels of a thread that exits.
 */

int
IocpsockClose(void *instanceData, Tcl_Interp *interp)
{
    IocpsockChan *chanPtr = (IocpsockChan *) instanceData;
    IocpsockServer *serverPtr = chanPtr->serverPtr;
    IocpsockThread *threadPtr;
    CpError error = CP_OK;

    if (!IocpsockAttach(chanPtr)) {
        return Tcl_GetErrno();
    }
    threadPtr = chanPtr->threadPtr;
    if (serverPtr != NULL) {
        IocpsockServerClose(serverPtr);
    } else {
        chanPtr->watchMask = 0;
        IocpsockSendFail(chanPtr, CP_EPIPE);
        error = IocpsockCloseConn(chanPtr);
    }
    IocpsockDetach(chanPtr);
    if (serverPtr != NULL) {
        chanPtr->serverPtr = NULL;
        IocpsockServerFree(serverPtr);
    }
    chanPtr->channel = NULL;
    IocpsockReleaseChan(chanPtr);
    IocpsockThreadDone(threadPtr);
    return IocpsockCloseErrno(interp, error);
}

/*
 * Tcl 9 begins every close by closing the reading side, when nothing refers to
 * the channel any more. The connection closes anyway, so a half-close would
 * only cost system calls. A real half-close comes while the script still has
 * the channel.
 */

static int
IsWholeClose(const IocpsockChan *chanPtr, int flags)
{
    return flags == TCL_CLOSE_READ
        && IocpsockIsClosedByScript(chanPtr->channel);
}

int
IocpsockClose2(void *instanceData, Tcl_Interp *interp, int flags)
{
    IocpsockChan *chanPtr = (IocpsockChan *) instanceData;
    int directions = flags & (CP_READ | CP_WRITE);
    CpError error;

    if (directions == 0) {
        return IocpsockClose(instanceData, interp);
    }
    if (IsWholeClose(chanPtr, flags)) {
        return 0;
    }
    if (chanPtr->connPtr == NULL || chanPtr->threadPtr == NULL) {
        return ENOTCONN;
    }
    IocpsockPollConnect(chanPtr);
    if ((directions & CP_WRITE) && IocpsockIsBlocking(chanPtr)) {
        error = DrainSends(chanPtr);
        if (error != CP_OK) {
            return IocpsockErrno(error);
        }
    }
    return IocpsockErrno(CpConnShutdown(chanPtr->connPtr, directions));
}
