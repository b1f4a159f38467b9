/*
 * iocpsockTransfer.c --
 *
 *      The queue of files to send. A file follows the bytes that were written
 *      to its channel before, and Tcl may still hold some of them. So the file
 *      waits here until Tcl has written these, and then goes to the connection.
 *      Later bytes stay with Tcl: the connection takes none until the file has
 *      ended.
 */

#include "iocpsockPackage.h"

#include <assert.h>

/*
 * A transfer with a command belongs to the thread that began it, even if the
 * channel moves: that thread has the interpreter, and gets the event.
 */

struct IocpsockTransfer {
    IocpsockFilePart part; /* The connection owns the file when it sends it. */
    uint64_t start;        /* It follows so many bytes from Tcl. */
    CpListNode waitNode;   /* In its channel's list, while it waits. */
    uint64_t sent;
    CpError error;
    int done;

    /* With a command. */
    Tcl_ThreadId threadId;
    IocpsockInterpRef *interpRefPtr; /* NULL after the thread has ended. */
    Tcl_Obj *commandPtr;
    CpListNode threadNode; /* In its thread's list. */
};

typedef struct DoneEvent {
    Tcl_Event header;
    IocpsockTransfer *transferPtr;
} DoneEvent;

/* The transfers of a thread that have not been reported to it. */

typedef struct TransferThread {
    CpList transfers;
    int hasExitHandler;
} TransferThread;

static Tcl_ThreadDataKey transferKey;

/* Guards done and interpRefPtr: a transfer and its thread can end at once. */
TCL_DECLARE_MUTEX(transferMutex)

/* Leaves a message from errno. */

static int
WriteFailure(Tcl_Interp *interp, Tcl_Channel chan)
{
    Tcl_SetObjResult(interp,
        Tcl_ObjPrintf("error writing \"%s\": %s", Tcl_GetChannelName(chan),
            Tcl_PosixError(interp)));
    return TCL_ERROR;
}

/* This error has no errno. */

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
LatchResult(void *clientData, uint64_t bytesSent, CpError error)
{
    IocpsockTransfer *transferPtr = (IocpsockTransfer *) clientData;

    transferPtr->sent = bytesSent;
    transferPtr->error = error;
    transferPtr->done = 1;
}

static void
FreeTransfer(IocpsockTransfer *transferPtr)
{
    CpFree(transferPtr, sizeof(IocpsockTransfer));
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

/* The command may end the thread, so the transfer leaves its list before. */

static int
DoneEventProc(Tcl_Event *eventPtr, int flags)
{
    IocpsockTransfer *transferPtr = ((DoneEvent *) eventPtr)->transferPtr;
    Tcl_Interp *interp = IocpsockInterpOf(transferPtr->interpRefPtr);

    if (!(flags & TCL_FILE_EVENTS)) {
        return 0;
    }
    CpListRemove(&transferPtr->threadNode);
    if (interp != NULL) {
        CallCommand(interp, transferPtr);
    }
    Tcl_DecrRefCount(transferPtr->commandPtr);
    IocpsockReleaseInterp(transferPtr->interpRefPtr);
    FreeTransfer(transferPtr);
    return 1;
}

/*
 * The channel may belong to another thread by now. The alert is needed even for
 * this one: the event source's own procs may have called, and the notifier does
 * not look for new events behind them.
 */

static void
QueueDone(void *clientData, uint64_t bytesSent, CpError error)
{
    IocpsockTransfer *transferPtr = (IocpsockTransfer *) clientData;
    DoneEvent *eventPtr;

    Tcl_MutexLock(&transferMutex);
    if (transferPtr->interpRefPtr == NULL) {
        Tcl_MutexUnlock(&transferMutex);
        FreeTransfer(transferPtr);
        return;
    }
    LatchResult(transferPtr, bytesSent, error);
    eventPtr = (DoneEvent *) IocpsockAlloc(sizeof(DoneEvent));
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

/* The thread's transfers are reported no more. Those that continue are freed at
 * their end. */

static void
ThreadExitProc(void *clientData)
{
    TransferThread *threadPtr = (TransferThread *) clientData;
    CpListNode *nodePtr = CpListFirst(&threadPtr->transfers), *nextPtr;

    for (; nodePtr != NULL; nodePtr = nextPtr) {
        IocpsockTransfer *transferPtr = CP_OWNER_OF(nodePtr, IocpsockTransfer,
            threadNode);
        IocpsockInterpRef *interpRefPtr = transferPtr->interpRefPtr;
        Tcl_Obj *commandPtr = transferPtr->commandPtr;
        int done;

        nextPtr = CpListNext(&threadPtr->transfers, nodePtr);
        CpListRemove(nodePtr);
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

/* The connection takes the file, or proc gets the reason why not. A script that
 * did not wait may have written bytes that follow the file; these must not take
 * its place. */

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

static IocpsockTransfer *
FirstWaiting(const IocpsockChan *chanPtr)
{
    return CP_LIST_OWNER(CpListFirst(&chanPtr->waitingFiles), IocpsockTransfer,
        waitNode);
}

int
IocpsockSendRoom(const IocpsockChan *chanPtr, int bytes)
{
    const IocpsockTransfer *transferPtr = FirstWaiting(chanPtr);

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
    while ((transferPtr = FirstWaiting(chanPtr)) != NULL
        && transferPtr->start == chanPtr->bytesWritten) {
        CpListRemove(&transferPtr->waitNode);
        Begin(chanPtr, transferPtr, QueueDone);
    }
}

void
IocpsockSendFail(IocpsockChan *chanPtr, CpError error)
{
    IocpsockTransfer *transferPtr;

    while ((transferPtr = FirstWaiting(chanPtr)) != NULL) {
        CpListRemove(&transferPtr->waitNode);
        CpFileClose(transferPtr->part.filePtr);
        QueueDone(transferPtr, 0, error);
    }
}

/* ------------------------------------------------------ without a command */

/* Hands all output that Tcl holds to the connection. */

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

    /* Earlier files have only waited for bytes of Tcl. */
    assert(CpListIsEmpty(&chanPtr->waitingFiles));
    Begin(chanPtr, &transfer, LatchResult);
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
    IocpsockTransfer *transferPtr = (IocpsockTransfer *) CpCalloc(
        sizeof(IocpsockTransfer));

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
    CpListAppend(&threadPtr->transfers, &transferPtr->threadNode);
    return transferPtr;
}

/*
 * The file's place is recorded before anything else is written. The first flush
 * may only report an error of the background, and leave Tcl's bytes in place.
 * The second one writes them or drops them.
 */

int
IocpsockSendLater(Tcl_Interp *interp, Tcl_Channel chan,
    const IocpsockFilePart *partPtr, Tcl_Obj *commandPtr)
{
    IocpsockChan *chanPtr = Tcl_GetChannelInstanceData(chan);
    IocpsockTransfer *transferPtr = NewTransfer(interp, partPtr, commandPtr);

    if (transferPtr == NULL) {
        CpFileClose(partPtr->filePtr);
        return TransferFailure(interp, chan, CP_ENOMEM);
    }
    transferPtr->start = chanPtr->bytesWritten
        + (uint64_t) Tcl_OutputBuffered(chan);
    CpListAppend(&chanPtr->waitingFiles, &transferPtr->waitNode);
    IocpsockSendWritten(chanPtr, 0);
    if (!CpListIsEmpty(&chanPtr->waitingFiles) && Tcl_Flush(chan) != TCL_OK
        && !CpListIsEmpty(&chanPtr->waitingFiles)
        && Tcl_Flush(chan) != TCL_OK) {
        IocpsockSendFail(chanPtr, CP_EPIPE);
    }
    return TCL_OK;
}
