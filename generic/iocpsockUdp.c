/*
 * iocpsockUdp.c --
 *
 *      Datagram channels: the procedures of their channel type, and their part
 *      of the event source.
 */

#include "iocpsockUdp.h"

#include <errno.h>
#include <string.h>

/* One read has room for any datagram. */
#define BUFFER_BYTES CP_UDP_BYTES_MAX

static Tcl_TimerProc RetryProc;

int
IocpsockUdpErrno(CpError error)
{
    return error == CP_EACCES ? EACCES : IocpsockErrno(error);
}

int
IocpsockUdpFailure(Tcl_Interp *interp, const char *what, CpError error)
{
    if (error != CP_EACCES) {
        return IocpsockPosixFailure(interp, what, error);
    }
    Tcl_SetErrno(EACCES);
    if (interp != NULL) {
        Tcl_SetObjResult(interp,
            Tcl_ObjPrintf("%s: %s", what, Tcl_PosixError(interp)));
    }
    return TCL_ERROR;
}

/* ------------------------------------------------- the event source */

static int
IsOpenHere(const IocpsockUdp *dataPtr)
{
    return dataPtr->udpPtr != NULL && dataPtr->chanPtr->threadPtr != NULL;
}

/* The interpreter of -command belongs to a thread. In another one, datagrams
 * wait. If the peer's name is not found, there will be none. */

static int
UdpReady(const IocpsockChan *chanPtr)
{
    const IocpsockUdp *dataPtr = chanPtr->kindData;
    int mask = CpUdpReady(dataPtr->udpPtr) & chanPtr->watchMask;

    if ((mask & TCL_READABLE) && dataPtr->commandPtr != NULL
        && (CpUdpHasFailed(dataPtr->udpPtr)
            || IocpsockInterpIsElsewhere(dataPtr->interpRefPtr))) {
        mask &= ~TCL_READABLE;
    }
    return mask;
}

static void
UdpRearm(IocpsockChan *chanPtr)
{
    CpUdpRearm(((IocpsockUdp *) chanPtr->kindData)->udpPtr);
}

static void
ForgetTimer(IocpsockUdp *dataPtr)
{
    if (dataPtr->retryTimer != NULL) {
        Tcl_DeleteTimerHandler(dataPtr->retryTimer);
        dataPtr->retryTimer = NULL;
    }
}

static void
NeedTimer(IocpsockUdp *dataPtr)
{
    if (dataPtr->retryTimer == NULL && IsOpenHere(dataPtr)
        && !dataPtr->chanPtr->threadPtr->exiting) {
        dataPtr->retryTimer = Tcl_CreateTimerHandler(CP_UDP_RETRY_MS, RetryProc,
            dataPtr);
    }
}

static void
RetryProc(void *clientData)
{
    IocpsockUdp *dataPtr = clientData;

    dataPtr->retryTimer = NULL;
    CpUdpRetry(dataPtr->udpPtr);
}

/* The CpUdpProc. */

static void
UdpChanged(void *clientData)
{
    IocpsockUdp *dataPtr = clientData;

    if (CpUdpNeedsRetry(dataPtr->udpPtr)) {
        NeedTimer(dataPtr);
    }
    IocpsockMarkIfReady(dataPtr->chanPtr);
}

/* A channel may come to a thread between two receives. */

static void
UdpMove(IocpsockChan *chanPtr, CpPort *portPtr)
{
    IocpsockUdp *dataPtr = chanPtr->kindData;

    if (portPtr == NULL) {
        ForgetTimer(dataPtr);
        IocpsockUdpForgetMeta(dataPtr);
    }
    CpUdpMove(dataPtr->udpPtr, portPtr);
    if (portPtr != NULL) {
        if (CpUdpNeedsRetry(dataPtr->udpPtr)) {
            NeedTimer(dataPtr);
        }
        if (chanPtr->watchMask != 0) {
            IocpsockMark(chanPtr);
        }
    }
}

/* Calls -command with one datagram. It may close the channel. */

static void
CallCommand(IocpsockUdp *dataPtr, Tcl_Interp *interp, CpDatagram *datagramPtr)
{
    Tcl_Obj *cmdPtr = Tcl_DuplicateObj(dataPtr->commandPtr);
    int code = TCL_OK;

    Tcl_Preserve(interp);
    Tcl_IncrRefCount(cmdPtr);
    Tcl_ListObjAppendElement(NULL, cmdPtr,
        Tcl_NewStringObj(Tcl_GetChannelName(dataPtr->chanPtr->channel), -1));
    Tcl_ListObjAppendElement(NULL, cmdPtr,
        Tcl_NewByteArrayObj(datagramPtr->bytes,
            (int) datagramPtr->lengthBytes));
    Tcl_ListObjAppendElement(NULL, cmdPtr,
        IocpsockUdpMeta(dataPtr, &datagramPtr->info));
    CpUdpFree(datagramPtr);
    code = Tcl_EvalObjEx(interp, cmdPtr, TCL_EVAL_GLOBAL);
    if (code != TCL_OK) {
        Tcl_BackgroundException(interp, code);
    }
    Tcl_DecrRefCount(cmdPtr);
    Tcl_Release(interp);
}

/* If the interpreter is gone, so is its command. The datagrams stay, because
 * another interpreter may have the channel. */

static int
UdpServe(IocpsockChan *chanPtr, const IocpsockServing *servingPtr, int mask)
{
    IocpsockUdp *dataPtr = chanPtr->kindData;
    int hadCommand = (mask & TCL_READABLE) && dataPtr->commandPtr != NULL;

    if (hadCommand && IocpsockInterpOf(dataPtr->interpRefPtr) == NULL) {
        IocpsockUdpSetCommand(dataPtr, NULL, NULL);
        hadCommand = 0;
    }
    if (hadCommand) {
        CpDatagram *datagramPtr = CpUdpTake(dataPtr->udpPtr);

        if (datagramPtr != NULL) {
            chanPtr->threadPtr->passBytes += 1 + datagramPtr->lengthBytes;
            CallCommand(dataPtr, IocpsockInterpOf(dataPtr->interpRefPtr),
                datagramPtr);
        }
        mask &= ~TCL_READABLE;
    }
    if (servingPtr->chanPtr != NULL && (mask &= dataPtr->tclMask) != 0) {
        Tcl_NotifyChannel(chanPtr->channel, mask);
    }
    return hadCommand;
}

static const IocpsockKind udpKind = {UdpReady, UdpRearm, UdpServe, UdpMove};

/* --------------------------------------------------------- the channel */

static void
UpdateWatch(IocpsockUdp *dataPtr)
{
    IocpsockChan *chanPtr = dataPtr->chanPtr;

    chanPtr->watchMask = dataPtr->tclMask
        | (dataPtr->commandPtr != NULL ? TCL_READABLE : 0);
    CpUdpWatch(dataPtr->udpPtr, (chanPtr->watchMask & TCL_READABLE) != 0);
    if (chanPtr->watchMask != 0 && chanPtr->threadPtr != NULL) {
        IocpsockMark(chanPtr);
    }
}

static void
WatchProc(void *instanceData, int mask)
{
    IocpsockUdp *dataPtr = ((IocpsockChan *) instanceData)->kindData;

    dataPtr->tclMask = mask;
    if (dataPtr->udpPtr != NULL) {
        UpdateWatch(dataPtr);
    }
}

void
IocpsockUdpSetCommand(IocpsockUdp *dataPtr, Tcl_Interp *interp,
    Tcl_Obj *commandPtr)
{
    if (commandPtr != NULL) {
        Tcl_IncrRefCount(commandPtr);
    }
    if (dataPtr->commandPtr != NULL) {
        Tcl_DecrRefCount(dataPtr->commandPtr);
        IocpsockReleaseInterp(dataPtr->interpRefPtr);
    }
    dataPtr->commandPtr = commandPtr;
    dataPtr->interpRefPtr = commandPtr != NULL ? IocpsockHoldInterp(interp)
                                               : NULL;
    if (dataPtr->chanPtr->channel != NULL) {
        UpdateWatch(dataPtr);
    }
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

CpDatagram *
IocpsockUdpTake(IocpsockUdp *dataPtr)
{
    CpDatagram *datagramPtr = CpUdpTake(dataPtr->udpPtr);

    if (datagramPtr == NULL) {
        CpUdpFill(dataPtr->udpPtr);
        datagramPtr = CpUdpTake(dataPtr->udpPtr);
    }
    return datagramPtr;
}

/* Receives are wanted while this waits. */

void
IocpsockUdpWait(IocpsockUdp *dataPtr, int64_t timeoutMs)
{
    IocpsockChan *chanPtr = dataPtr->chanPtr;
    int ms = timeoutMs > CP_UDP_RETRY_MS || timeoutMs < 0 ? CP_UDP_RETRY_MS
                                                          : (int) timeoutMs;

    CpUdpWatch(dataPtr->udpPtr, 1);
    CpUdpRearm(dataPtr->udpPtr);
    if (CpUdpNeedsRetry(dataPtr->udpPtr)) {
        CpPortReap(chanPtr->threadPtr->portPtr, ms);
        CpUdpRetry(dataPtr->udpPtr);
    } else if (timeoutMs >= 0) {
        CpPortReap(chanPtr->threadPtr->portPtr, (int) timeoutMs);
    } else {
        IocpsockWait(chanPtr->threadPtr);
    }
    CpUdpWatch(dataPtr->udpPtr, (chanPtr->watchMask & TCL_READABLE) != 0);
}

/* One read returns one datagram, or the rest of one that had no room. Tcl would
 * take an empty one for the end of file, so it reads as nothing. */

static int
InputProc(void *instanceData, char *buf, int toRead, int *errorCodePtr)
{
    IocpsockChan *chanPtr = instanceData;
    IocpsockUdp *dataPtr = chanPtr->kindData;
    uint32_t bytes = 0;

    *errorCodePtr = 0;
    if (!IsOpenHere(dataPtr)) {
        *errorCodePtr = ENOTCONN;
        return -1;
    }
    while (bytes == 0) {
        CpDatagram *datagramPtr = IocpsockUdpTake(dataPtr);

        if (datagramPtr != NULL) {
            bytes = datagramPtr->lengthBytes < (uint32_t) toRead
                ? datagramPtr->lengthBytes
                : (uint32_t) toRead;
            memcpy(buf, datagramPtr->bytes, bytes);
            IocpsockUdpSetPeer(dataPtr, &datagramPtr->info.peer);
            chanPtr->threadPtr->passBytes += 1 + bytes;
            CpUdpFreeBegin(dataPtr->udpPtr, datagramPtr, bytes);
        } else if (CpUdpHasFailed(dataPtr->udpPtr)) {
            *errorCodePtr = ENOTCONN;
            return -1;
        } else if (IocpsockIsBlocking(chanPtr)) {
            IocpsockUdpWait(dataPtr, -1);
        }
        if (bytes == 0 && !IocpsockIsBlocking(chanPtr)) {
            *errorCodePtr = EWOULDBLOCK;
            return -1;
        }
    }
    return (int) bytes;
}

CpError
IocpsockUdpSendPeer(IocpsockUdp *dataPtr, const void *bytes, size_t lengthBytes)
{
    IocpsockThread *threadPtr = dataPtr->chanPtr->threadPtr;
    CpError error;

    while (CpUdpIsLookingUp(dataPtr->udpPtr) && IocpsockUdpAwaitsNames(dataPtr)
        && !threadPtr->exiting) {
        IocpsockWait(threadPtr);
    }
    while ((error = CpUdpSendPeer(dataPtr->udpPtr, bytes, lengthBytes))
            == CP_EAGAIN
        && IocpsockIsBlocking(dataPtr->chanPtr) && !threadPtr->exiting) {
        IocpsockWait(threadPtr);
    }
    if (error == CP_OK) {
        threadPtr->passBytes += 1 + lengthBytes;
    }
    return error;
}

/*
 * One flush sends one datagram. If too many wait, it fails: Tcl would join the
 * bytes that it keeps with those of the next flush.
 */

static int
OutputProc(void *instanceData, const char *buf, int toWrite, int *errorCodePtr)
{
    IocpsockChan *chanPtr = instanceData;
    IocpsockUdp *dataPtr = chanPtr->kindData;
    CpError error;

    *errorCodePtr = 0;
    if (!IsOpenHere(dataPtr)) {
        *errorCodePtr = ENOTCONN;
        return -1;
    }
    error = IocpsockUdpSendPeer(dataPtr, buf, (size_t) toWrite);
    if (error == CP_ENOTCONN && !CpUdpHasFailed(dataPtr->udpPtr)) {
        *errorCodePtr = EDESTADDRREQ;
        return -1;
    }
    if (error != CP_OK) {
        *errorCodePtr = IocpsockUdpErrno(
            error == CP_EAGAIN ? CP_ENOBUFS : error);
        if (CpErrorNumber(error) != 0) {
            *errorCodePtr = IocpsockChanErrno(chanPtr, "error writing", error);
        }
        return -1;
    }
    return toWrite;
}

static int
GetHandleProc(void *instanceData, int direction, void **handlePtr)
{
    const IocpsockUdp *dataPtr = ((IocpsockChan *) instanceData)->kindData;

    (void) direction;
    if (dataPtr->udpPtr == NULL || CpUdpHandle(dataPtr->udpPtr, 0) == NULL) {
        return TCL_ERROR;
    }
    *handlePtr = (void *) CpHandleNative(CpUdpHandle(dataPtr->udpPtr, 0));
    return TCL_OK;
}

static void
ThreadActionProc(void *instanceData, int action)
{
    if (action == TCL_CHANNEL_THREAD_INSERT) {
        IocpsockAttach(instanceData);
    } else {
        IocpsockDetach(instanceData);
    }
}

/* --------------------------------------------------------------- close */

static void
EndpointClosed(void *clientData)
{
    IocpsockCount(clientData, 0, -1);
}

void
IocpsockUdpFree(IocpsockUdp *dataPtr)
{
    IocpsockChan *chanPtr = dataPtr->chanPtr;
    IocpsockThread *threadPtr = chanPtr->threadPtr;

    chanPtr->watchMask = 0;
    ForgetTimer(dataPtr);
    IocpsockUdpForgetGroups(dataPtr);
    IocpsockUdpForgetMeta(dataPtr);
    IocpsockUdpSetCommand(dataPtr, NULL, NULL);
    IocpsockCount(threadPtr, 0, 1);
    CpUdpClose(dataPtr->udpPtr, EndpointClosed, threadPtr);
    dataPtr->udpPtr = NULL;
    chanPtr->kindPtr = NULL;
    chanPtr->kindData = NULL;
    CpFree(dataPtr, sizeof(IocpsockUdp));

    /* Cancelled operations usually complete at once. */
    CpPortReap(threadPtr->portPtr, 0);
    if (threadPtr->exiting) {
        IocpsockExitClosed(threadPtr);
    }
    IocpsockDetach(chanPtr);
    IocpsockReleaseChan(chanPtr);
    IocpsockThreadDone(threadPtr);
}

static int
CloseProc(void *instanceData, Tcl_Interp *interp)
{
    IocpsockChan *chanPtr = instanceData;

    (void) interp;
    if (!IocpsockAttach(chanPtr)) {
        return Tcl_GetErrno();
    }
    chanPtr->channel = NULL;
    IocpsockUdpFree(chanPtr->kindData);
    return 0;
}

/* Tcl 9 begins every close by closing the reading side. */

static int
Close2Proc(void *instanceData, Tcl_Interp *interp, int flags)
{
    const IocpsockChan *chanPtr = instanceData;

    if ((flags & (TCL_CLOSE_READ | TCL_CLOSE_WRITE)) == 0) {
        return CloseProc(instanceData, interp);
    }
    return flags == TCL_CLOSE_READ && interp != NULL
            && !Tcl_IsChannelRegistered(interp, chanPtr->channel)
        ? 0
        : EINVAL;
}

const Tcl_ChannelType iocpsockUdpType = {
    "udp", TCL_CHANNEL_VERSION_5,
#if TCL_MAJOR_VERSION < 9
    CloseProc,
#else
    NULL,
#endif
    InputProc, OutputProc, NULL, /* seekProc */
    IocpsockUdpSetOption, IocpsockUdpGetOption, WatchProc, GetHandleProc,
    Close2Proc, BlockModeProc, NULL, /* flushProc */
    NULL,                            /* handlerProc */
    NULL,                            /* wideSeekProc */
    ThreadActionProc, NULL           /* truncateProc */
};

/* ---------------------------------------------------------------- open */

IocpsockUdp *
IocpsockUdpNew(Tcl_Interp *interp)
{
    IocpsockThread *threadPtr = IocpsockGetThread(interp);
    IocpsockChan *chanPtr;
    IocpsockUdp *dataPtr;

    if (threadPtr == NULL) {
        return NULL;
    }
    chanPtr = IocpsockNewChan();
    dataPtr = CpCalloc(sizeof(IocpsockUdp));
    if (chanPtr == NULL || dataPtr == NULL) {
        goto noMemory;
    }
    dataPtr->chanPtr = chanPtr;
    dataPtr->udpPtr = CpUdpNew(threadPtr->portPtr, UdpChanged, dataPtr);
    if (dataPtr->udpPtr == NULL) {
        goto noMemory;
    }
    IocpsockAttach(chanPtr);
    chanPtr->kindPtr = &udpKind;
    chanPtr->kindData = dataPtr;
    return dataPtr;

noMemory:
    CpFree(dataPtr, sizeof(IocpsockUdp));
    if (chanPtr != NULL) {
        IocpsockReleaseChan(chanPtr);
    }
    IocpsockPosixFailure(interp, COULD_NOT_OPEN, CP_ENOMEM);
    return NULL;
}

Tcl_Channel
IocpsockUdpOpen(IocpsockUdp *dataPtr)
{
    IocpsockChan *chanPtr = dataPtr->chanPtr;

    IocpsockNameChannel(chanPtr, &iocpsockUdpType, TCL_READABLE | TCL_WRITABLE);
    Tcl_SetChannelOption(NULL, chanPtr->channel, "-translation", "binary");
    Tcl_SetChannelBufferSize(chanPtr->channel, BUFFER_BYTES);
    UpdateWatch(dataPtr);
    return chanPtr->channel;
}
