/*
 * iocpsockTransfer.c --
 *
 *      Files on their way. A file follows what was written to its channel
 *      before, of which Tcl may hold a part. So a file waits here until that
 *      part has been taken; then it is the connection's. What is written later
 *      stays with Tcl: the connection refuses it until the file is over.
 */

#include "iocpsock.h"

#include <assert.h>

/*
 * With a command, a transfer belongs to the thread that began it, wherever its
 * channel goes: that thread has the interpreter, and gets the event.
 */

struct IocpsockTransfer {
    IocpsockFilePart part; /* The connection's, once it is there. */
    uint64_t start;        /* Follows this byte of all that Tcl writes. */
    IocpsockTransfer *waitingPtr; /* In its channel's list, while it waits. */
    uint64_t sent;
    CpError error;
    int done;

    /* With a command. */
    Tcl_ThreadId threadId;
    IocpsockInterpRef *interpRefPtr; /* NULL when the thread has ended. */
    Tcl_Obj *commandPtr;
    IocpsockTransfer *nextPtr; /* In its thread's list. */
    IocpsockTransfer *prevPtr;
};

typedef struct DoneEvent {
    Tcl_Event header;
    IocpsockTransfer *transferPtr;
} DoneEvent;

/* The transfers that a thread has begun and not yet been told of. */

typedef struct TransferThread {
    IocpsockTransfer *firstPtr;
    int hasExitHandler;
} TransferThread;

static Tcl_ThreadDataKey transferKey;

/* Guards done and interpRefPtr, at the end of a transfer and of its thread. */
TCL_DECLARE_MUTEX(transferMutex)

/* Says why, from errno. */

static int
WriteFailure(Tcl_Interp *interp, Tcl_Channel chan)
{
    Tcl_SetObjResult(interp,
        Tcl_ObjPrintf("error writing \"%s\": %s", Tcl_GetChannelName(chan),
            Tcl_PosixError(interp)));
    return TCL_ERROR;
}

/* Errors of files have no errno of their own. */

static const char *
Message(CpError error)
{
    return error == CP_ETRUNCATED ? "file became shorter while it was sent"
                                  : Tcl_ErrnoMsg(IocpsockErrno(error));
}

static int
TransferFailure(Tcl_Interp *interp, Tcl_Channel chan, CpError error)
{
    Tcl_SetErrno(IocpsockErrno(error));
    if (error != CP_ETRUNCATED) {
        return WriteFailure(interp, chan);
    }
    Tcl_SetObjResult(interp,
        Tcl_ObjPrintf("error writing \"%s\": %s", Tcl_GetChannelName(chan),
            Message(error)));
    Tcl_SetErrorCode(interp, "IOCPSOCK", "SENDFILE", "TRUNCATED",
        (char *) NULL);
    return TCL_ERROR;
}

/* ------------------------------------------------------- the last step */

static void
Note(void *clientData, uint64_t bytesSent, CpError error)
{
    IocpsockTransfer *transferPtr = clientData;

    transferPtr->sent = bytesSent;
    transferPtr->error = error;
    transferPtr->done = 1;
}

static void
FreeTransfer(IocpsockTransfer *transferPtr)
{
    CpFree(transferPtr, sizeof(IocpsockTransfer));
}

/* The thread that has begun it is told now, or never. */

static void
Unlink(const IocpsockTransfer *transferPtr)
{
    TransferThread *threadPtr = Tcl_GetThreadData(&transferKey,
        sizeof(TransferThread));

    if (transferPtr->prevPtr != NULL) {
        transferPtr->prevPtr->nextPtr = transferPtr->nextPtr;
    } else {
        threadPtr->firstPtr = transferPtr->nextPtr;
    }
    if (transferPtr->nextPtr != NULL) {
        transferPtr->nextPtr->prevPtr = transferPtr->prevPtr;
    }
}

static void
CallCommand(Tcl_Interp *interp, const IocpsockTransfer *transferPtr)
{
    Tcl_Obj *listPtr = Tcl_DuplicateObj(transferPtr->commandPtr);
    int code;

    Tcl_Preserve(interp);
    Tcl_IncrRefCount(listPtr);
    code = Tcl_ListObjAppendElement(interp, listPtr,
        Tcl_NewWideIntObj((Tcl_WideInt) transferPtr->sent));
    if (code == TCL_OK && transferPtr->error != CP_OK) {
        Tcl_ListObjAppendElement(interp, listPtr,
            Tcl_NewStringObj(Message(transferPtr->error), -1));
    }
    if (code == TCL_OK) {
        code = Tcl_EvalObjEx(interp, listPtr, TCL_EVAL_GLOBAL);
    }
    if (code != TCL_OK) {
        Tcl_BackgroundException(interp, code);
    }
    Tcl_DecrRefCount(listPtr);
    Tcl_Release(interp);
}

/* The command may end the thread: so the transfer is in no list any more. */

static int
DoneEventProc(Tcl_Event *eventPtr, int flags)
{
    IocpsockTransfer *transferPtr = ((DoneEvent *) eventPtr)->transferPtr;
    Tcl_Interp *interp = IocpsockInterpOf(transferPtr->interpRefPtr);

    if (!(flags & TCL_FILE_EVENTS)) {
        return 0;
    }
    Unlink(transferPtr);
    if (interp != NULL) {
        CallCommand(interp, transferPtr);
    }
    Tcl_DecrRefCount(transferPtr->commandPtr);
    IocpsockReleaseInterp(transferPtr->interpRefPtr);
    FreeTransfer(transferPtr);
    return 1;
}

/*
 * The channel may be another thread's by now. As this may be called out of the
 * event source's own procs, the notifier is told that there is an event.
 */

static void
QueueDone(void *clientData, uint64_t bytesSent, CpError error)
{
    IocpsockTransfer *transferPtr = clientData;
    DoneEvent *eventPtr;

    Tcl_MutexLock(&transferMutex);
    if (transferPtr->interpRefPtr == NULL) {
        Tcl_MutexUnlock(&transferMutex);
        FreeTransfer(transferPtr);
        return;
    }
    Note(transferPtr, bytesSent, error);
    eventPtr = (DoneEvent *) (void *) Tcl_Alloc(sizeof(DoneEvent));
    eventPtr->header.proc = DoneEventProc;
    eventPtr->transferPtr = transferPtr;
    Tcl_ThreadQueueEvent(transferPtr->threadId, &eventPtr->header,
        TCL_QUEUE_TAIL);
    Tcl_ThreadAlert(transferPtr->threadId);
    Tcl_MutexUnlock(&transferMutex);
}

static int
IsDoneEvent(Tcl_Event *eventPtr, void *clientData)
{
    return eventPtr->proc == DoneEventProc
        && ((DoneEvent *) eventPtr)->transferPtr == clientData;
}

/* Nobody hears of this thread's transfers any more. Those that go on are freed
 * at their end. */

static void
ThreadExitProc(void *clientData)
{
    TransferThread *threadPtr = clientData;
    IocpsockTransfer *transferPtr;

    while ((transferPtr = threadPtr->firstPtr) != NULL) {
        IocpsockInterpRef *interpRefPtr = transferPtr->interpRefPtr;
        Tcl_Obj *commandPtr = transferPtr->commandPtr;
        int done;

        Unlink(transferPtr);
        Tcl_MutexLock(&transferMutex);
        transferPtr->interpRefPtr = NULL;
        done = transferPtr->done;
        Tcl_MutexUnlock(&transferMutex);
        if (done) {
            Tcl_DeleteEvents(IsDoneEvent, transferPtr);
            FreeTransfer(transferPtr);
        }
        Tcl_DecrRefCount(commandPtr);
        IocpsockReleaseInterp(interpRefPtr);
    }
    threadPtr->hasExitHandler = 0;
}

/* --------------------------------------------------------- the first one */

/* The connection takes the file over, or proc is called with why not. A script
 * that has gone on already has perhaps written what is to follow the file. */

static void
Begin(IocpsockChan *chanPtr, IocpsockTransfer *transferPtr, CpSentProc *proc)
{
    const IocpsockFilePart *partPtr = &transferPtr->part;
    CpError error = chanPtr->connPtr == NULL ? CP_ENOTCONN : CP_OK;

    if (error == CP_OK && partPtr->length > 0) {
        error = CpConnSendFile(chanPtr->connPtr, partPtr->filePtr,
            partPtr->offset, partPtr->length, proc, transferPtr);
        if (error == CP_OK) {
            return;
        }
        if (proc == QueueDone && error != CP_ENOTCONN) {
            CpConnBreakSends(chanPtr->connPtr, error);
        }
    }
    CpFileClose(partPtr->filePtr);
    proc(transferPtr, 0, error);
}

int
IocpsockSendRoom(const IocpsockChan *chanPtr, int bytes)
{
    const IocpsockTransfer *transferPtr = chanPtr->transferPtr;

    if (transferPtr != NULL
        && transferPtr->start - chanPtr->bytesWritten < (uint64_t) bytes) {
        return (int) (transferPtr->start - chanPtr->bytesWritten);
    }
    return bytes;
}

void
IocpsockSendWritten(IocpsockChan *chanPtr, size_t bytes)
{
    IocpsockTransfer *transferPtr;

    chanPtr->bytesWritten += bytes;
    while ((transferPtr = chanPtr->transferPtr) != NULL
        && transferPtr->start == chanPtr->bytesWritten) {
        chanPtr->transferPtr = transferPtr->waitingPtr;
        Begin(chanPtr, transferPtr, QueueDone);
    }
}

void
IocpsockSendFail(IocpsockChan *chanPtr, CpError error)
{
    IocpsockTransfer *transferPtr;

    while ((transferPtr = chanPtr->transferPtr) != NULL) {
        chanPtr->transferPtr = transferPtr->waitingPtr;
        CpFileClose(transferPtr->part.filePtr);
        QueueDone(transferPtr, 0, error);
    }
}

/* ------------------------------------------------------ without a command */

/* Hands all that Tcl has for the channel to the connection. */

static int
FlushAll(Tcl_Interp *interp, Tcl_Channel chan, const IocpsockChan *chanPtr)
{
    int nonBlocking = chanPtr->flags & IOCPSOCK_NONBLOCKING;
    int code;

    if (nonBlocking
        && Tcl_SetChannelOption(interp, chan, "-blocking", "1") != TCL_OK) {
        return TCL_ERROR;
    }
    code = Tcl_Flush(chan);
    if (nonBlocking) {
        int error = Tcl_GetErrno();

        Tcl_SetChannelOption(NULL, chan, "-blocking", "0");
        Tcl_SetErrno(error);
    }
    return code == TCL_OK ? TCL_OK : WriteFailure(interp, chan);
}

int
IocpsockSendWait(Tcl_Interp *interp, Tcl_Channel chan,
    const IocpsockFilePart *partPtr)
{
    IocpsockChan *chanPtr = Tcl_GetChannelInstanceData(chan);
    IocpsockTransfer transfer = {.part = *partPtr};

    if (FlushAll(interp, chan, chanPtr) != TCL_OK) {
        CpFileClose(partPtr->filePtr);
        return TCL_ERROR;
    }

    /* Files before it have waited for Tcl's bytes alone. */
    assert(chanPtr->transferPtr == NULL);
    Begin(chanPtr, &transfer, Note);
    while (!transfer.done) {
        CpPortReap(chanPtr->threadPtr->portPtr, -1);
    }
    if (transfer.error != CP_OK) {
        return TransferFailure(interp, chan, transfer.error);
    }
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj((Tcl_WideInt) transfer.sent));
    return TCL_OK;
}

/* ---------------------------------------------------------- with a command */

static IocpsockTransfer *
NewTransfer(Tcl_Interp *interp, const IocpsockFilePart *partPtr,
    Tcl_Obj *commandPtr)
{
    TransferThread *threadPtr = Tcl_GetThreadData(&transferKey,
        sizeof(TransferThread));
    IocpsockTransfer *transferPtr = CpCalloc(sizeof(IocpsockTransfer));

    if (transferPtr == NULL) {
        return NULL;
    }
    if (!threadPtr->hasExitHandler) {
        Tcl_CreateThreadExitHandler(ThreadExitProc, threadPtr);
        threadPtr->hasExitHandler = 1;
    }
    transferPtr->part = *partPtr;
    transferPtr->interpRefPtr = IocpsockHoldInterp(interp);
    transferPtr->threadId = Tcl_GetCurrentThread();
    transferPtr->commandPtr = commandPtr;
    Tcl_IncrRefCount(commandPtr);
    transferPtr->nextPtr = threadPtr->firstPtr;
    if (threadPtr->firstPtr != NULL) {
        threadPtr->firstPtr->prevPtr = transferPtr;
    }
    threadPtr->firstPtr = transferPtr;
    return transferPtr;
}

/*
 * The mark is set before anything else is written. A first flush may do no more
 * than report an error of the background, and leave Tcl's bytes where they are;
 * the second one has them written or thrown away.
 */

int
IocpsockSendLater(Tcl_Interp *interp, Tcl_Channel chan,
    const IocpsockFilePart *partPtr, Tcl_Obj *commandPtr)
{
    IocpsockChan *chanPtr = Tcl_GetChannelInstanceData(chan);
    IocpsockTransfer *transferPtr = NewTransfer(interp, partPtr, commandPtr);
    IocpsockTransfer **linkPtr = &chanPtr->transferPtr;

    if (transferPtr == NULL) {
        CpFileClose(partPtr->filePtr);
        return TransferFailure(interp, chan, CP_ENOMEM);
    }
    transferPtr->start = chanPtr->bytesWritten
        + (uint64_t) Tcl_OutputBuffered(chan);
    while (*linkPtr != NULL) {
        linkPtr = &(*linkPtr)->waitingPtr;
    }
    *linkPtr = transferPtr;
    IocpsockSendWritten(chanPtr, 0);
    if (chanPtr->transferPtr != NULL && Tcl_Flush(chan) != TCL_OK
        && chanPtr->transferPtr != NULL && Tcl_Flush(chan) != TCL_OK) {
        IocpsockSendFail(chanPtr, CP_EPIPE);
    }
    return TCL_OK;
}
