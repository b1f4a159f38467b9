/*
 * iocpsockSendFile.c --
 *
 *      The command iocpsock::sendfile. The system itself sends a file on a
 *      disk over a socket of this driver; what has transforms above it, and
 *      what is no such file, Tcl copies.
 */

#include "iocpsock.h"

#include <string.h>

static const char *const sendFileOptions[] = {"-command", "-offset", "-size",
    NULL};
enum SendFileOption { SEND_COMMAND, SEND_OFFSET, SEND_SIZE };

/* What a command line says. */

typedef struct SendFileArgs {
    Tcl_Channel chan;
    Tcl_Channel file;
    int opened;         /* By this command, for this one time. */
    Tcl_WideInt offset; /* -1 is where the file's channel stands. */
    Tcl_WideInt size;   /* Bytes; -1 is up to the file's end. */
    Tcl_Obj *commandPtr;
} SendFileArgs;

/*
 * A file on its way. With a command it begins when Tcl's own buffer is empty
 * and the connection is there, and ends with an event in the thread that it
 * began in, wherever the channel has gone.
 */

struct IocpsockTransfer {
    CpFile *filePtr; /* The connection's once it has begun. */
    uint64_t offset;
    uint64_t length; /* Bytes. */
    uint64_t sent;
    CpError error;
    int done;

    /* With a command. */
    IocpsockTransfer *nextPtr; /* In its channel's list, while it waits. */
    Tcl_Interp *interp;        /* Preserved. */
    Tcl_ThreadId threadId;
    Tcl_Obj *commandPtr;
};

typedef struct DoneEvent {
    Tcl_Event header;
    IocpsockTransfer *transferPtr;
} DoneEvent;

/* Copies with both channels in binary mode, and restores theirs. */
static const char copyScript[] =
    "apply {{chan file opened offset size command} {\n"
    "    set restore {}\n"
    "    foreach c [list $chan $file] {\n"
    "        set o [list -translation [chan configure $c -translation]]\n"
    "        foreach n {-encoding -eofchar} {\n"
    "            lappend o $n [chan configure $c $n]\n"
    "        }\n"
    "        lappend restore [list chan configure $c {*}$o]\n"
    "        chan configure $c -translation binary\n"
    "    }\n"
    "    if {$opened} {\n"
    "        lappend restore [list close $file]\n"
    "    }\n"
    "    if {$offset >= 0} {\n"
    "        chan seek $file $offset\n"
    "    }\n"
    "    set o [expr {$size >= 0 ? [list -size $size] : {}}]\n"
    "    if {$command eq {}} {\n"
    "        try {\n"
    "            return [chan copy $file $chan {*}$o]\n"
    "        } finally {\n"
    "            foreach r $restore {\n"
    "                {*}$r\n"
    "            }\n"
    "        }\n"
    "    }\n"
    "    chan copy $file $chan {*}$o -command [list apply {\n"
    "            {restore command args} {\n"
    "        foreach r $restore {\n"
    "            catch {{*}$r}\n"
    "        }\n"
    "        uplevel #0 $command $args\n"
    "    }} $restore $command]\n"
    "    return\n"
    "} ::}";

static Tcl_Channel
GetChannel(Tcl_Interp *interp, Tcl_Obj *objPtr, int mode, const char *what)
{
    const char *name = Tcl_GetString(objPtr);
    int has;
    Tcl_Channel chan = Tcl_GetChannel(interp, name, &has);

    if (chan != NULL && !(has & mode)) {
        Tcl_SetObjResult(interp,
            Tcl_ObjPrintf("channel \"%s\" wasn't opened for %s", name, what));
        return NULL;
    }
    return chan;
}

/* The name of a channel, or else of a file. */

static int
GetFile(Tcl_Interp *interp, Tcl_Obj *objPtr, SendFileArgs *argsPtr)
{
    int mode;

    argsPtr->opened = Tcl_GetChannel(interp, Tcl_GetString(objPtr), &mode)
        == NULL;
    if (argsPtr->opened) {
        Tcl_ResetResult(interp);
        argsPtr->file = Tcl_FSOpenFileChannel(interp, objPtr, "r", 0);
        if (argsPtr->file != NULL) {
            Tcl_RegisterChannel(interp, argsPtr->file);
        }
    } else {
        argsPtr->file = GetChannel(interp, objPtr, TCL_READABLE, "reading");
    }
    return argsPtr->file != NULL ? TCL_OK : TCL_ERROR;
}

/* A number of bytes, at least 0. */

static int
GetBytes(Tcl_Interp *interp, const char *option, Tcl_Obj *objPtr,
    Tcl_WideInt *valuePtr)
{
    if (Tcl_GetWideIntFromObj(NULL, objPtr, valuePtr) != TCL_OK
        || *valuePtr < 0) {
        Tcl_SetObjResult(interp,
            Tcl_ObjPrintf("bad %s \"%s\": must be an integer of 0 or more",
                option, Tcl_GetString(objPtr)));
        Tcl_SetErrorCode(interp, "TCL", "VALUE", "NUMBER", (char *) NULL);
        return TCL_ERROR;
    }
    return TCL_OK;
}

static int
GetArgs(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[],
    SendFileArgs *argsPtr)
{
    int i, option;

    if (objc < 3 || objc % 2 == 0) {
        Tcl_WrongNumArgs(interp, 1, objv,
            "chan file ?-offset n? ?-size n? ?-command cb?");
        return TCL_ERROR;
    }
    argsPtr->offset = -1;
    argsPtr->size = -1;
    argsPtr->commandPtr = NULL;
    argsPtr->chan = GetChannel(interp, objv[1], TCL_WRITABLE, "writing");
    if (argsPtr->chan == NULL) {
        return TCL_ERROR;
    }
    for (i = 3; i < objc; i += 2) {
        int code = TCL_OK;

        if (Tcl_GetIndexFromObj(interp, objv[i], sendFileOptions, "option",
                TCL_EXACT, &option)
            != TCL_OK) {
            return TCL_ERROR;
        }
        switch ((enum SendFileOption) option) {
        case SEND_COMMAND:
            argsPtr->commandPtr = objv[i + 1];
            break;
        case SEND_OFFSET:
            code = GetBytes(interp, "-offset", objv[i + 1], &argsPtr->offset);
            break;
        case SEND_SIZE:
            code = GetBytes(interp, "-size", objv[i + 1], &argsPtr->size);
            break;
        }
        if (code != TCL_OK) {
            return TCL_ERROR;
        }
    }
    return GetFile(interp, objv[2], argsPtr);
}

static int
CopyByTcl(Tcl_Interp *interp, const SendFileArgs *argsPtr, Tcl_Obj *chanPtr)
{
    Tcl_Obj *listPtr = Tcl_NewStringObj(copyScript, -1);
    int code;

    Tcl_IncrRefCount(listPtr);
    code = Tcl_ListObjAppendElement(interp, listPtr, chanPtr);
    if (code == TCL_OK) {
        Tcl_ListObjAppendElement(interp, listPtr,
            Tcl_NewStringObj(Tcl_GetChannelName(argsPtr->file), -1));
        Tcl_ListObjAppendElement(interp, listPtr,
            Tcl_NewWideIntObj(argsPtr->opened));
        Tcl_ListObjAppendElement(interp, listPtr,
            Tcl_NewWideIntObj(argsPtr->offset));
        Tcl_ListObjAppendElement(interp, listPtr,
            Tcl_NewWideIntObj(argsPtr->size));
        Tcl_ListObjAppendElement(interp, listPtr,
            argsPtr->commandPtr != NULL ? argsPtr->commandPtr : Tcl_NewObj());
        code = Tcl_EvalObjEx(interp, listPtr, TCL_EVAL_DIRECT);
    }
    Tcl_DecrRefCount(listPtr);
    return code;
}

/*
 * Whether the system can do it: then *filePtrPtr is the file, and the transfer
 * has its part of it. Its channel stands behind that from now on.
 */

static int
OpenFile(const SendFileArgs *argsPtr, IocpsockTransfer *transferPtr)
{
    Tcl_WideInt offset = argsPtr->offset;
    uint64_t size;
    void *handle;

    if (Tcl_GetChannelType(Tcl_GetTopChannel(argsPtr->chan))
            != &iocpsockChannelType
        || strcmp(Tcl_ChannelName(
                      Tcl_GetChannelType(Tcl_GetTopChannel(argsPtr->file))),
               "file")
            != 0
        || Tcl_GetChannelHandle(argsPtr->file, TCL_READABLE, &handle)
            != TCL_OK) {
        return 0;
    }
    if (offset < 0) {
        offset = Tcl_Tell(argsPtr->file);
    }
    if (offset < 0
        || CpFileOpen((uintptr_t) handle, &transferPtr->filePtr) != CP_OK) {
        return 0;
    }
    if ((Tcl_GetChannelMode(argsPtr->file) & TCL_WRITABLE)) {
        Tcl_Flush(argsPtr->file);
    }
    if (CpFileSize(transferPtr->filePtr, &size) != CP_OK) {
        CpFileClose(transferPtr->filePtr);
        return 0;
    }
    transferPtr->offset = (uint64_t) offset;
    transferPtr->length = transferPtr->offset < size
        ? size - transferPtr->offset
        : 0;
    if (argsPtr->size >= 0 && (uint64_t) argsPtr->size < transferPtr->length) {
        transferPtr->length = (uint64_t) argsPtr->size;
    }
    Tcl_Seek(argsPtr->file,
        (Tcl_WideInt) (transferPtr->offset + transferPtr->length), SEEK_SET);
    return 1;
}

static void
Sent(void *clientData, uint64_t bytesSent, CpError error)
{
    IocpsockTransfer *transferPtr = clientData;

    transferPtr->sent = bytesSent;
    transferPtr->error = error;
    transferPtr->done = 1;
}

/* With CP_OK the file is gone, and proc is called. CP_EAGAIN is not yet. */

static CpError
Begin(IocpsockTransfer *transferPtr, IocpsockChan *chanPtr, CpSentProc *proc)
{
    if (chanPtr->connPtr == NULL || chanPtr->threadPtr == NULL) {
        return CP_ENOTCONN;
    }
    if (transferPtr->length == 0) {
        CpFileClose(transferPtr->filePtr);
        proc(transferPtr, 0, CP_OK);
        return CP_OK;
    }
    return CpConnSendFile(chanPtr->connPtr, transferPtr->filePtr,
        transferPtr->offset, transferPtr->length, proc, transferPtr);
}

/* Says why, which errno has. */

static int
WriteFailure(Tcl_Interp *interp, Tcl_Channel chan)
{
    Tcl_SetObjResult(interp,
        Tcl_ObjPrintf("error writing \"%s\": %s", Tcl_GetChannelName(chan),
            Tcl_PosixError(interp)));
    return TCL_ERROR;
}

/* Hands all to the system that Tcl has for the channel, and waits for it. */

static int
FlushAll(Tcl_Interp *interp, Tcl_Channel chan, IocpsockChan *chanPtr)
{
    int nonBlocking = chanPtr->flags & IOCPSOCK_NONBLOCKING;
    int code;

    if (nonBlocking
        && Tcl_SetChannelOption(interp, chan, "-blocking", "1") != TCL_OK) {
        return TCL_ERROR;
    }
    code = Tcl_Flush(chan);
    if (nonBlocking) {
        Tcl_SetChannelOption(NULL, chan, "-blocking", "0");
    }
    return code == TCL_OK ? TCL_OK : WriteFailure(interp, chan);
}

static int
SendAndWait(Tcl_Interp *interp, Tcl_Channel chan, IocpsockTransfer *transferPtr)
{
    IocpsockChan *chanPtr = Tcl_GetChannelInstanceData(chan);
    CpError error;

    if (FlushAll(interp, chan, chanPtr) != TCL_OK) {
        CpFileClose(transferPtr->filePtr);
        return TCL_ERROR;
    }
    while ((error = Begin(transferPtr, chanPtr, Sent)) == CP_EAGAIN) {
        CpPortReap(chanPtr->threadPtr->portPtr, -1);
    }
    if (error != CP_OK) {
        CpFileClose(transferPtr->filePtr);
        transferPtr->error = error;
        transferPtr->done = 1;
    }
    while (!transferPtr->done) {
        CpPortReap(chanPtr->threadPtr->portPtr, -1);
    }
    if (transferPtr->error != CP_OK) {
        Tcl_SetErrno(IocpsockErrno(transferPtr->error));
        return WriteFailure(interp, chan);
    }
    Tcl_SetObjResult(interp,
        Tcl_NewWideIntObj((Tcl_WideInt) transferPtr->sent));
    return TCL_OK;
}

/* ----------------------------------------------------- with a command */

static void
FreeTransfer(IocpsockTransfer *transferPtr)
{
    Tcl_DecrRefCount(transferPtr->commandPtr);
    Tcl_Release(transferPtr->interp);
    CpFree(transferPtr, sizeof(IocpsockTransfer));
}

static int
DoneEventProc(Tcl_Event *eventPtr, int flags)
{
    IocpsockTransfer *transferPtr = ((DoneEvent *) eventPtr)->transferPtr;
    Tcl_Interp *interp = transferPtr->interp;

    if (!(flags & TCL_FILE_EVENTS)) {
        return 0;
    }
    if (!Tcl_InterpDeleted(interp)) {
        Tcl_Obj *listPtr = Tcl_DuplicateObj(transferPtr->commandPtr);
        int code;

        Tcl_IncrRefCount(listPtr);
        code = Tcl_ListObjAppendElement(interp, listPtr,
            Tcl_NewWideIntObj((Tcl_WideInt) transferPtr->sent));
        if (code == TCL_OK && transferPtr->error != CP_OK) {
            Tcl_ListObjAppendElement(interp, listPtr,
                Tcl_NewStringObj(Tcl_ErrnoMsg(
                                     IocpsockErrno(transferPtr->error)),
                    -1));
        }
        if (code == TCL_OK) {
            code = Tcl_EvalObjEx(interp, listPtr, TCL_EVAL_GLOBAL);
        }
        if (code != TCL_OK) {
            Tcl_BackgroundException(interp, code);
        }
        Tcl_DecrRefCount(listPtr);
    }
    FreeTransfer(transferPtr);
    return 1;
}

/* As it may come out of the event source's own procs, the notifier has to be
 * told that an event is there. */

static void
QueueDone(void *clientData, uint64_t bytesSent, CpError error)
{
    IocpsockTransfer *transferPtr = clientData;
    DoneEvent *eventPtr = (DoneEvent *) (void *) Tcl_Alloc(sizeof(DoneEvent));

    Sent(transferPtr, bytesSent, error);
    eventPtr->header.proc = DoneEventProc;
    eventPtr->transferPtr = transferPtr;
    Tcl_ThreadQueueEvent(transferPtr->threadId, &eventPtr->header,
        TCL_QUEUE_TAIL);
    Tcl_ThreadAlert(transferPtr->threadId);
}

static void WritableProc(void *clientData, int mask);

/*
 * Begins what waits for the channel, in order, as soon as Tcl's own buffer is
 * empty. At its close nothing waits any longer. One that has begun may be over,
 * and gone, by now: its event is another thread's.
 */

static void
BeginWaiting(IocpsockChan *chanPtr, int closing)
{
    IocpsockTransfer *transferPtr;

    while ((transferPtr = chanPtr->transferPtr) != NULL) {
        IocpsockTransfer *nextPtr = transferPtr->nextPtr;
        CpError error = CP_EAGAIN;

        if (closing || Tcl_OutputBuffered(chanPtr->channel) == 0) {
            error = Begin(transferPtr, chanPtr, QueueDone);
        }
        if (error == CP_EAGAIN && !closing) {
            return;
        }
        chanPtr->transferPtr = nextPtr;
        if (error != CP_OK) {
            CpFileClose(transferPtr->filePtr);
            QueueDone(transferPtr, 0, error == CP_EAGAIN ? CP_EPIPE : error);
        }
    }
    if (chanPtr->channel != NULL) {
        Tcl_DeleteChannelHandler(chanPtr->channel, WritableProc, chanPtr);
    }
}

static void
WritableProc(void *clientData, int mask)
{
    (void) mask;
    BeginWaiting(clientData, 0);
}

void
IocpsockSendWaiting(IocpsockChan *chanPtr)
{
    if (chanPtr->transferPtr != NULL) {
        BeginWaiting(chanPtr, 1);
    }
}

static int
SendLater(Tcl_Interp *interp, const SendFileArgs *argsPtr,
    const IocpsockTransfer *fromPtr)
{
    IocpsockChan *chanPtr = Tcl_GetChannelInstanceData(argsPtr->chan);
    IocpsockTransfer *transferPtr = CpCalloc(sizeof(IocpsockTransfer));
    IocpsockTransfer **linkPtr = &chanPtr->transferPtr;

    if (transferPtr == NULL) {
        CpFileClose(fromPtr->filePtr);
        Tcl_SetErrno(IocpsockErrno(CP_ENOMEM));
        return WriteFailure(interp, argsPtr->chan);
    }
    *transferPtr = *fromPtr;
    transferPtr->interp = interp;
    Tcl_Preserve(interp);
    transferPtr->threadId = Tcl_GetCurrentThread();
    transferPtr->commandPtr = argsPtr->commandPtr;
    Tcl_IncrRefCount(transferPtr->commandPtr);
    while (*linkPtr != NULL) {
        linkPtr = &(*linkPtr)->nextPtr;
    }
    *linkPtr = transferPtr;
    Tcl_Flush(argsPtr->chan);
    BeginWaiting(chanPtr, 0);
    if (chanPtr->transferPtr != NULL) {
        Tcl_CreateChannelHandler(argsPtr->chan, TCL_WRITABLE, WritableProc,
            chanPtr);
    }
    return TCL_OK;
}

int
IocpsockSendFileObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    SendFileArgs args;
    IocpsockTransfer transfer;

    (void) clientData;
    if (GetArgs(interp, objc, objv, &args) != TCL_OK) {
        return TCL_ERROR;
    }
    memset(&transfer, 0, sizeof(transfer));
    if (!OpenFile(&args, &transfer)) {
        return CopyByTcl(interp, &args, objv[1]);
    }
    if (args.opened) {
        Tcl_UnregisterChannel(interp, args.file);
    }
    return args.commandPtr == NULL ? SendAndWait(interp, args.chan, &transfer)
                                   : SendLater(interp, &args, &transfer);
}
