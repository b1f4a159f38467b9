/*
 * iocpsockChan.c --
 *
 *      The procedures of the channel type: a thin layer between Tcl's channels
 *      and the core's connections.
 */

#include "iocpsock.h"

#include <errno.h>

#define POLL_REAPS 100 /* So often IocpsockPollConnect reaps. */

#define SMALL_WRITE 512 /* Bytes; see MayJoin. */

void
IocpsockPollConnect(IocpsockChan *chanPtr)
{
    unsigned reaps = 0;

    if (chanPtr->threadPtr == NULL
        || (chanPtr->flags & IOCPSOCK_TEST_CONNECT)) {
        return;
    }

    /* Completions of other channels may come first. */
    while (IocpsockIsDialling(chanPtr) && reaps++ < POLL_REAPS
        && CpPortReap(chanPtr->threadPtr->portPtr, 0) > 0) {
    }
}

void
IocpsockConnChanged(void *clientData)
{
    IocpsockMarkIfReady((IocpsockChan *) clientData);
}

static int
BlockModeProc(void *instanceData, int mode)
{
    IocpsockChan *chanPtr = (IocpsockChan *) instanceData;

    if (mode == TCL_MODE_NONBLOCKING) {
        chanPtr->flags |= IOCPSOCK_NONBLOCKING;
    } else {
        chanPtr->flags &= ~IOCPSOCK_NONBLOCKING;
    }
    return 0;
}

/* The innermost event of the channel that is being served, or NULL. */

static IocpsockServing *
ServingOf(const IocpsockChan *chanPtr)
{
    IocpsockServing *servingPtr = chanPtr->threadPtr->servingPtr;

    while (servingPtr != NULL && servingPtr->chanPtr != chanPtr) {
        servingPtr = servingPtr->outerPtr;
    }
    return servingPtr;
}

/*
 * A handler may read without waiting until nothing is left. If the peer sends
 * faster than it reads, it would never end. So a read behind READ_LIMIT returns
 * nothing: the rest is for the next pass, or for a handler that insists.
 */

static int
InputProc(void *instanceData, char *buf, int toRead, int *errorCodePtr)
{
    IocpsockChan *chanPtr = (IocpsockChan *) instanceData;
    IocpsockServing *servingPtr;

    *errorCodePtr = 0;
    if (chanPtr->connPtr == NULL || chanPtr->threadPtr == NULL) {
        *errorCodePtr = ENOTCONN;
        return -1;
    }
    IocpsockPollConnect(chanPtr);
    if (CpConnIsAborted(chanPtr->connPtr)) {
        *errorCodePtr = IocpsockErrno(CP_ECONNABORTED);
        return -1;
    }
    servingPtr = ServingOf(chanPtr);
    if (servingPtr == NULL || servingPtr->pass != chanPtr->threadPtr->passes) {
        CpConnForgetDrained(chanPtr->connPtr);
    }
    if (servingPtr != NULL && servingPtr->readLeft <= 0
        && !IocpsockIsBlocking(chanPtr)) {
        servingPtr->readLeft = IOCPSOCK_READ_LIMIT;
        *errorCodePtr = EWOULDBLOCK;
        return -1;
    }
    for (;;) {
        size_t bytes;
        CpError error = CpConnRead(chanPtr->connPtr, buf, (size_t) toRead,
            &bytes);

        if (error == CP_OK) {
            chanPtr->threadPtr->passBytes += bytes;
            if (servingPtr != NULL) {
                servingPtr->readLeft -= (int) bytes;
            }
            return (int) bytes;
        }
        if (error != CP_EAGAIN || !IocpsockIsBlocking(chanPtr)) {
            *errorCodePtr = IocpsockChanErrno(chanPtr, "error reading", error);
            return -1;
        }
        CpConnSubmitRecv(chanPtr->connPtr);
        if (!(CpConnReady(chanPtr->connPtr) & CP_READ)) {
            IocpsockWait(chanPtr->threadPtr);
        }
    }
}

/*
 * Every direct write is a system call, so a thousand 1-byte writes cost as much
 * as sending megabytes. If a script makes many small non-blocking writes in a
 * row, the later ones are joined. The event loop sends them.
 */

static int
MayJoin(IocpsockChan *chanPtr, int toWrite)
{
    IocpsockThread *threadPtr = chanPtr->threadPtr;

    if (IocpsockIsBlocking(chanPtr) || IocpsockIsExiting(threadPtr)
        || toWrite > SMALL_WRITE) {
        return 0;
    }
    if (chanPtr->writePass != threadPtr->passes) {
        chanPtr->writePass = threadPtr->passes;
        chanPtr->smallWrites = 0;
    }
    return ++chanPtr->smallWrites > IOCPSOCK_DIRECT_WRITES;
}

static int
OutputProc(void *instanceData, const char *buf, int toWrite, int *errorCodePtr)
{
    IocpsockChan *chanPtr = (IocpsockChan *) instanceData;
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
    toWrite = IocpsockSendRoom(chanPtr, toWrite);
    join = MayJoin(chanPtr, toWrite);

    /*
     * When a thread exits, Tcl repeats the write until a non-blocking channel
     * has taken everything. A peer that takes nothing must not delay the exit.
     */
    if (!IocpsockIsBlocking(chanPtr) && IocpsockIsExiting(chanPtr->threadPtr)) {
        IocpsockExitWait(chanPtr->threadPtr, chanPtr->connPtr);
        if (CpConnSending(chanPtr->connPtr)) {
            CpConnAbort(chanPtr->connPtr);
        }
    }
    for (;;) {
        size_t bytes;
        CpError error;

        /* Tcl closes the channel only after it has written all its output. */
        if (CpConnIsAborted(chanPtr->connPtr)) {
            return toWrite;
        }
        error = CpConnWrite(chanPtr->connPtr, buf, (size_t) toWrite, join,
            &bytes);

        if (error == CP_OK) {
            chanPtr->threadPtr->passBytes += bytes;
            IocpsockSendWritten(chanPtr, bytes);
            return (int) bytes;
        }
        if (error == CP_EAGAIN) {
            IocpsockAddHeld(chanPtr);
        } else {
            chanPtr->flags |= IOCPSOCK_WRITE_FAILED;
            IocpsockSendFail(chanPtr, error);
        }
        if (error != CP_EAGAIN || !IocpsockIsBlocking(chanPtr)) {
            *errorCodePtr = IocpsockChanErrno(chanPtr, "error writing", error);
            return -1;
        }
        IocpsockWait(chanPtr->threadPtr);
    }
}

static void
WatchProc(void *instanceData, int mask)
{
    IocpsockChan *chanPtr = (IocpsockChan *) instanceData;

    chanPtr->watchMask = mask;
    if (chanPtr->connPtr != NULL && chanPtr->threadPtr != NULL) {
        if (!(mask & TCL_READABLE)) {
            CpConnWatchRead(chanPtr->connPtr, 0);
        }
        if (mask != 0) {
            IocpsockMark(chanPtr);
        }
    }
}

static int
GetHandleProc(void *instanceData, int direction, void **handlePtr)
{
    IocpsockChan *chanPtr = (IocpsockChan *) instanceData;
    CpHandle *cpHandlePtr = NULL;

    (void) direction;
    if (chanPtr->serverPtr != NULL) {
        cpHandlePtr = CpListenerHandle(chanPtr->serverPtr->listeners[0]);
    } else if (chanPtr->connPtr != NULL) {
        cpHandlePtr = CpConnHandle(chanPtr->connPtr);
        if (cpHandlePtr != NULL) {
            CpConnExpose(chanPtr->connPtr);
        }
    }
    if (cpHandlePtr == NULL) {
        return TCL_ERROR;
    }
    *handlePtr = (void *) CpHandleNative(cpHandlePtr);
    return TCL_OK;
}

/*
 * Before a script moves a channel, Tcl stops watching it, and with that stops a
 * background flush. It does not start the flush again in the new thread, so its
 * output would stay unsent. One writable event starts it.
 */

static void
ThreadActionProc(void *instanceData, int action)
{
    IocpsockChan *chanPtr = (IocpsockChan *) instanceData;

    if (action == TCL_CHANNEL_THREAD_INSERT) {
        if (IocpsockAttach(chanPtr) && chanPtr->channel != NULL
            && Tcl_OutputBuffered(chanPtr->channel) > 0) {
            chanPtr->watchMask |= TCL_WRITABLE;
            IocpsockMark(chanPtr);
        }
    } else {
        IocpsockDetach(chanPtr);
    }
}

/* Tcl compares this name, for "-translation auto" and more. */

const Tcl_ChannelType iocpsockChannelType = {
    "tcp", TCL_CHANNEL_VERSION_5,
#if TCL_MAJOR_VERSION < 9
    IocpsockClose,
#else
    NULL,
#endif
    InputProc, OutputProc, NULL, /* seekProc */
    IocpsockSetOption, IocpsockGetOption, WatchProc, GetHandleProc,
    IocpsockClose2, BlockModeProc, NULL, /* flushProc */
    NULL,                                /* handlerProc */
    NULL,                                /* wideSeekProc */
    ThreadActionProc, NULL               /* truncateProc */
};

/*
 * Names look like those of the core's sockets, which contain an address, and
 * must differ from all of them. These addresses are even, so our numbers are
 * odd. As Tcl's own driver it has even ones.
 */

#ifndef IOCPSOCK_FIRST_NAME
#define IOCPSOCK_FIRST_NAME 1
#endif

TCL_DECLARE_MUTEX(nameMutex)

static uint64_t
NextNameNumber(void)
{
    static uint64_t number = IOCPSOCK_FIRST_NAME;
    uint64_t next;

    Tcl_MutexLock(&nameMutex);
    next = number;
    number += 2;
    Tcl_MutexUnlock(&nameMutex);
    return next;
}

void
IocpsockNameChannel(IocpsockChan *chanPtr, const Tcl_ChannelType *typePtr,
    int mask)
{
    char name[4 + 2 * sizeof(uint64_t) + 1] = "sock";
    uint64_t number = NextNameNumber();
    size_t digits = 2
        * (number <= UINT32_MAX ? sizeof(void *) : sizeof(number));

    for (; digits > 0; digits--, number >>= 4) {
        name[3 + digits] = "0123456789ABCDEF"[number & 15];
    }
    chanPtr->channel = Tcl_CreateChannel(typePtr, name, chanPtr, mask);
}

void
IocpsockNewChannel(IocpsockChan *chanPtr, int mask)
{
    IocpsockNameChannel(chanPtr, &iocpsockChannelType, mask);
    if (mask != 0) {
        Tcl_SetChannelOption(NULL, chanPtr->channel, "-translation",
            "auto crlf");
    }
    Tcl_SetChannelOption(NULL, chanPtr->channel, "-eofchar", "");
}

/*
 * Dials by name: the look-up runs in the background, as -async needs. If the
 * answer comes within a short wait, the command behaves as the core's does. In
 * particular, it reports a wrong name itself.
 */

static CpConn *
DialName(Tcl_Interp *interp, IocpsockChan *chanPtr, CpPort *portPtr,
    const CpTarget *targetPtr)
{
    CpConn *connPtr = CpConnDialName(portPtr, targetPtr, IocpsockConnChanged,
        chanPtr);
    uint64_t nowMs = CpNowMs();
    uint64_t endMs = nowMs + IOCPSOCK_RESOLVE_GRACE_MS;

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

    /* A connect that fails at once (no route, say) is an error of the command,
     * and not one in the background. */
    while (CpConnGetState(connPtr) == CP_CONN_DIALLING) {
        if (CpPortReapFinished(portPtr) == 0) {
            break;
        }
    }
    return connPtr;
}

/* Leaves the reason of a failed connect in the interpreter. */

static void
ReportFailure(Tcl_Interp *interp, CpConn *connPtr)
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

    /* A connect that follows a look-up fails in the background. */
    if (CpConnGetState(chanPtr->connPtr) == CP_CONN_FAILED
        && (!byName || CpConnDialMessage(chanPtr->connPtr) != NULL)) {
        ReportFailure(interp, chanPtr->connPtr);
        IocpsockCloseConn(chanPtr);
        IocpsockDetach(chanPtr);
        IocpsockReleaseChan(chanPtr);
        return NULL;
    }
    IocpsockNewChannel(chanPtr, TCL_READABLE | TCL_WRITABLE);
    return chanPtr->channel;
}
