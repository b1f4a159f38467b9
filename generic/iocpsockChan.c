/*
 * iocpsockChan.c --
 *
 *      The channel type's procedures: thin, between Tcl's channel layer and
 *      the core's connection.
 */

#include "iocpsock.h"

#include <errno.h>
#include <stdio.h>

#define RESOLVE_GRACE_MS 100 /* See DialName. */

/* Small writes of one pass, up to so many bytes each, that are not joined. */
#define SMALL_WRITE 512
#define DIRECT_WRITES 32

static int
IsBlocking(const IocpsockChan *chanPtr)
{
    return (chanPtr->flags & IOCPSOCK_NONBLOCKING) == 0;
}

/* Lets completions of this thread come in; waits for the first. */

static void
WaitForCompletion(IocpsockChan *chanPtr)
{
    CpPortReap(chanPtr->threadPtr->portPtr, -1);
}

void
IocpsockPollConnect(IocpsockChan *chanPtr)
{
    if (IocpsockIsDialling(chanPtr) && chanPtr->threadPtr != NULL
        && !(chanPtr->flags & IOCPSOCK_TEST_CONNECT)) {
        CpPortReap(chanPtr->threadPtr->portPtr, 0);
    }
}

void
IocpsockConnChanged(void *clientData)
{
    IocpsockNoteReady(clientData);
}

static int
BlockModeProc(void *instanceData, int mode)
{
    IocpsockChan *chanPtr = instanceData;

    if (mode == TCL_MODE_NONBLOCKING) {
        chanPtr->flags |= IOCPSOCK_NONBLOCKING;
    } else {
        chanPtr->flags &= ~IOCPSOCK_NONBLOCKING;
    }
    return 0;
}

static int
InputProc(void *instanceData, char *buf, int toRead, int *errorCodePtr)
{
    IocpsockChan *chanPtr = instanceData;

    *errorCodePtr = 0;
    if (chanPtr->connPtr == NULL || chanPtr->threadPtr == NULL) {
        *errorCodePtr = ENOTCONN;
        return -1;
    }
    IocpsockPollConnect(chanPtr);
    if (!chanPtr->readLimited
        || chanPtr->notifyPass != chanPtr->threadPtr->loopPasses) {
        CpConnAge(chanPtr->connPtr);
    }
    if (chanPtr->readLimited && chanPtr->readLeft <= 0
        && !IsBlocking(chanPtr)) {
        chanPtr->readLeft = IOCPSOCK_READ_LIMIT;
        *errorCodePtr = EWOULDBLOCK;
        return -1;
    }
    for (;;) {
        size_t bytes;
        CpError error = CpConnRead(chanPtr->connPtr, buf, (size_t) toRead,
            &bytes);

        if (error == CP_OK) {
            chanPtr->threadPtr->passBytes += bytes;
            if (chanPtr->readLimited) {
                chanPtr->readLeft -= (int) bytes;
            }
            return (int) bytes;
        }
        if (error != CP_EAGAIN || !IsBlocking(chanPtr)) {
            *errorCodePtr = IocpsockErrno(error);
            return -1;
        }
        CpConnPostRead(chanPtr->connPtr);
        if (!(CpConnReady(chanPtr->connPtr) & CP_READ)) {
            WaitForCompletion(chanPtr);
        }
    }
}

/*
 * Each write that goes straight to the system is a call of it, as which a
 * thousand bytes one by one cost as much as megabytes. So when a script that
 * does not wait for its writes makes many small ones in a row, the further
 * ones are joined. The event loop sends them off.
 */

static int
MayJoin(IocpsockChan *chanPtr, int toWrite)
{
    IocpsockThread *threadPtr = chanPtr->threadPtr;

    if (IsBlocking(chanPtr) || threadPtr->exiting || toWrite > SMALL_WRITE) {
        return 0;
    }
    if (chanPtr->writePass != threadPtr->passes) {
        chanPtr->writePass = threadPtr->passes;
        chanPtr->smallWrites = 0;
    }
    return ++chanPtr->smallWrites > DIRECT_WRITES;
}

static int
OutputProc(void *instanceData, const char *buf, int toWrite, int *errorCodePtr)
{
    IocpsockChan *chanPtr = instanceData;
    int join;

    *errorCodePtr = 0;
    if (chanPtr->connPtr == NULL || chanPtr->threadPtr == NULL) {
        *errorCodePtr = ENOTCONN;
        return -1;
    }
    if (toWrite <= 0) {
        return 0;
    }
    IocpsockPollConnect(chanPtr);
    join = MayJoin(chanPtr, toWrite);

    /*
     * At exit Tcl drops a non-blocking channel that does not take all it is
     * given, without a close: what is taken now has to be the system's.
     */
    if (chanPtr->threadPtr->exiting && !IsBlocking(chanPtr)) {
        IocpsockExitWait(chanPtr->threadPtr, chanPtr->connPtr);
        CpConnSetSendCap(chanPtr->connPtr, 0);
    }
    for (;;) {
        size_t bytes;
        CpError error = CpConnWrite(chanPtr->connPtr, buf, (size_t) toWrite,
            join, &bytes);

        if (error == CP_OK) {
            chanPtr->threadPtr->passBytes += bytes;
            return (int) bytes;
        }
        if (error != CP_EAGAIN || !IsBlocking(chanPtr)) {
            *errorCodePtr = IocpsockErrno(error);
            return -1;
        }
        WaitForCompletion(chanPtr);
    }
}

/* Waits until the system has taken all that was written. */

static CpError
DrainSends(IocpsockChan *chanPtr)
{
    while (CpConnSending(chanPtr->connPtr)) {
        WaitForCompletion(chanPtr);
    }
    return CpConnUntoldError(chanPtr->connPtr);
}

static void
ConnClosed(void *clientData)
{
    ((IocpsockThread *) clientData)->closing--;
}

static CpError
CloseConn(IocpsockChan *chanPtr)
{
    IocpsockThread *threadPtr = chanPtr->threadPtr;
    CpConn *connPtr = chanPtr->connPtr;
    unsigned before = threadPtr->closing;
    CpError error = IsBlocking(chanPtr) ? DrainSends(chanPtr)
                                        : CpConnUntoldError(connPtr);

    threadPtr->closing++;
    chanPtr->connPtr = NULL;
    CpConnClose(connPtr, ConnClosed, threadPtr);

    /* Cancelled receives are back at once, as a rule. */
    if (threadPtr->closing > before) {
        CpPortReap(threadPtr->portPtr, 0);
    }
    if (threadPtr->exiting) {
        IocpsockExitWait(threadPtr, NULL);
    }
    return error;
}

/*
 * Tcl has detached the channel from its thread before, but not when it closes
 * the channels of a thread at its exit: both ways lead through here.
 */

static int
CloseProc(void *instanceData, Tcl_Interp *interp)
{
    IocpsockChan *chanPtr = instanceData;
    IocpsockServer *serverPtr = chanPtr->serverPtr;
    IocpsockThread *threadPtr;
    CpError error = CP_OK;

    (void) interp;
    if (!IocpsockAttach(chanPtr)) {
        return Tcl_GetErrno();
    }
    threadPtr = chanPtr->threadPtr;
    if (serverPtr != NULL) {
        IocpsockServerClose(serverPtr);
    } else {
        chanPtr->watchMask = 0;
        IocpsockSendWaiting(chanPtr);
        error = CloseConn(chanPtr);
    }
    IocpsockDetach(chanPtr);
    if (serverPtr != NULL) {
        chanPtr->serverPtr = NULL;
        IocpsockServerFree(serverPtr);
    }
    chanPtr->channel = NULL;
    IocpsockReleaseChan(chanPtr);
    IocpsockThreadDone(threadPtr);
    return IocpsockErrno(error);
}

/*
 * Tcl 9 begins each close with that of the reading side, when no interpreter
 * has the channel any more. Of a connection that goes anyway the system need
 * not be told so: it would cost a call at each close. A half-close comes
 * without an interpreter.
 */

static int
IsWholeClose(const IocpsockChan *chanPtr, Tcl_Interp *interp, int flags)
{
    return flags == TCL_CLOSE_READ && interp != NULL
        && !Tcl_IsChannelRegistered(interp, chanPtr->channel);
}

static int
Close2Proc(void *instanceData, Tcl_Interp *interp, int flags)
{
    IocpsockChan *chanPtr = instanceData;
    int directions = 0;
    CpError error;

    if ((flags & (TCL_CLOSE_READ | TCL_CLOSE_WRITE)) == 0) {
        return CloseProc(instanceData, interp);
    }
    if (IsWholeClose(chanPtr, interp, flags)) {
        return 0;
    }
    if (chanPtr->connPtr == NULL || chanPtr->threadPtr == NULL) {
        return ENOTCONN;
    }
    if (flags & TCL_CLOSE_READ) {
        directions |= CP_READ;
    }
    if (flags & TCL_CLOSE_WRITE) {
        directions |= CP_WRITE;
        if (IsBlocking(chanPtr)) {
            error = DrainSends(chanPtr);
            if (error != CP_OK) {
                return IocpsockErrno(error);
            }
        }
    }
    return IocpsockErrno(CpConnShutdown(chanPtr->connPtr, directions));
}

static void
WatchProc(void *instanceData, int mask)
{
    IocpsockChan *chanPtr = instanceData;

    chanPtr->watchMask = mask;
    if (chanPtr->connPtr != NULL && chanPtr->threadPtr != NULL) {
        if (!(mask & TCL_READABLE)) {
            CpConnWatchRead(chanPtr->connPtr, 0);
        }
        if (mask != 0) {
            IocpsockNoteWatch(chanPtr);
        }
    }
}

static int
GetHandleProc(void *instanceData, int direction, void **handlePtr)
{
    IocpsockChan *chanPtr = instanceData;
    CpHandle *cpHandlePtr = NULL;

    (void) direction;
    if (chanPtr->serverPtr != NULL) {
        cpHandlePtr = CpListenerHandle(chanPtr->serverPtr->listeners[0]);
    } else if (chanPtr->connPtr != NULL) {
        cpHandlePtr = CpConnHandle(chanPtr->connPtr);
    }
    if (cpHandlePtr == NULL) {
        return TCL_ERROR;
    }
    *handlePtr = (void *) CpHandleNative(cpHandlePtr);
    return TCL_OK;
}

/*
 * Whoever moves a channel ends its notifications with a watch for nothing, and
 * with them a background flush that is under way. Tcl does not ask again, so
 * that what it holds would stay unsent: one writable event sets it going.
 */

static void
ThreadActionProc(void *instanceData, int action)
{
    IocpsockChan *chanPtr = instanceData;

    if (action == TCL_CHANNEL_THREAD_INSERT) {
        if (IocpsockAttach(chanPtr) && chanPtr->channel != NULL
            && Tcl_OutputBuffered(chanPtr->channel) > 0) {
            chanPtr->watchMask |= TCL_WRITABLE;
            IocpsockNoteWatch(chanPtr);
        }
    } else {
        IocpsockDetach(chanPtr);
    }
}

/* The name is what the core compares, for "-translation auto" and more. */

const Tcl_ChannelType iocpsockChannelType = {
    "tcp", TCL_CHANNEL_VERSION_5,
#if TCL_MAJOR_VERSION < 9
    CloseProc,
#else
    NULL,
#endif
    InputProc, OutputProc, NULL, /* seekProc */
    IocpsockSetOption, IocpsockGetOption, WatchProc, GetHandleProc, Close2Proc,
    BlockModeProc, NULL,   /* flushProc */
    NULL,                  /* handlerProc */
    NULL,                  /* wideSeekProc */
    ThreadActionProc, NULL /* truncateProc */
};

/*
 * Names look like the core's, which show an address, and must not be one of
 * those. No address of the core's is odd.
 */

TCL_DECLARE_MUTEX(nameMutex)

static unsigned long long
NextNameNumber(void)
{
    static unsigned long long number = 1;
    unsigned long long next;

    Tcl_MutexLock(&nameMutex);
    next = number;
    number += 2;
    Tcl_MutexUnlock(&nameMutex);
    return next;
}

void
IocpsockNewChannel(IocpsockChan *chanPtr, int mask)
{
    char name[4 + 2 * sizeof(unsigned long long) + 1];

    snprintf(name, sizeof(name), "sock%0*llX", (int) (2 * sizeof(void *)),
        NextNameNumber());
    chanPtr->channel = Tcl_CreateChannel(&iocpsockChannelType, name, chanPtr,
        mask);
    if (mask != 0) {
        Tcl_SetChannelOption(NULL, chanPtr->channel, "-translation",
            "auto crlf");
    }
    Tcl_SetChannelOption(NULL, chanPtr->channel, "-eofchar", "");
}

/*
 * A connection that dials by name, which only -async has something to gain
 * from. A short wait lets answers that come at once, wrong names among them,
 * be what they are with the core.
 */

static CpConn *
DialName(Tcl_Interp *interp, IocpsockChan *chanPtr, CpPort *portPtr,
    const CpTarget *targetPtr)
{
    CpConn *connPtr = CpConnDialName(portPtr, targetPtr, IocpsockConnChanged,
        chanPtr);
    uint64_t nowMs = CpNowMs();
    uint64_t endMs = nowMs + RESOLVE_GRACE_MS;

    if (connPtr == NULL) {
        IocpsockPosixFailure(interp, COULD_NOT_OPEN, CP_ENOMEM);
        return NULL;
    }
    while (CpConnResolving(connPtr) && nowMs < endMs) {
        CpPortReap(portPtr, (int) (endMs - nowMs));
        nowMs = CpNowMs();
    }
    return connPtr;
}

static CpConn *
DialAddrs(Tcl_Interp *interp, IocpsockChan *chanPtr, CpPort *portPtr,
    const CpTarget *targetPtr, int wait)
{
    CpConn *connPtr;
    CpResolved resolved;
    char *message;

    if (!CpResolveTarget(targetPtr, &resolved, &message)) {
        IocpsockResolverFailure(interp, message);
        CpMessageFree(message);
        return NULL;
    }
    connPtr = CpConnDial(portPtr, &resolved, wait, IocpsockConnChanged,
        chanPtr);
    if (connPtr == NULL) {
        IocpsockPosixFailure(interp, COULD_NOT_OPEN, CP_ENOMEM);
        return NULL;
    }

    /* What fails at once, as for want of a route, is no background error. */
    while (CpConnGetState(connPtr) == CP_CONN_DIALLING) {
        if (CpPortReapFinished(portPtr) == 0) {
            break;
        }
    }
    return connPtr;
}

/* Says why there is to be no channel. */

static void
SayFailure(Tcl_Interp *interp, CpConn *connPtr)
{
    if (CpConnDialMessage(connPtr) != NULL) {
        IocpsockResolverFailure(interp, CpConnDialMessage(connPtr));
    } else {
        IocpsockPosixFailure(interp, COULD_NOT_OPEN, CpConnTakeError(connPtr));
    }
}

Tcl_Channel
IocpsockOpenClient(Tcl_Interp *interp, const CpTarget *targetPtr, int async)
{
    IocpsockThread *threadPtr = IocpsockGetThread(interp);
    IocpsockChan *chanPtr;
    int byName = async && !CpTargetIsNumeric(targetPtr);

    if (threadPtr == NULL) {
        return NULL;
    }
    chanPtr = IocpsockNewChan();
    if (chanPtr == NULL) {
        IocpsockPosixFailure(interp, COULD_NOT_OPEN, CP_ENOMEM);
        return NULL;
    }
    chanPtr->connPtr = byName
        ? DialName(interp, chanPtr, threadPtr->portPtr, targetPtr)
        : DialAddrs(interp, chanPtr, threadPtr->portPtr, targetPtr, !async);
    if (chanPtr->connPtr == NULL) {
        IocpsockReleaseChan(chanPtr);
        return NULL;
    }
    IocpsockAttach(chanPtr);

    /* A connect that was begun after a look-up fails in the background. */
    if (CpConnGetState(chanPtr->connPtr) == CP_CONN_FAILED
        && (!byName || CpConnDialMessage(chanPtr->connPtr) != NULL)) {
        SayFailure(interp, chanPtr->connPtr);
        CloseConn(chanPtr);
        IocpsockDetach(chanPtr);
        IocpsockReleaseChan(chanPtr);
        return NULL;
    }
    IocpsockNewChannel(chanPtr, TCL_READABLE | TCL_WRITABLE);
    return chanPtr->channel;
}
