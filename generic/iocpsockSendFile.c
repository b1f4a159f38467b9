/*
 * iocpsockSendFile.c --
 *
 *      The command iocpsock::sendfile. The driver sends a file on a disk over a
 *      socket of its own; Tcl copies everything else.
 */

#include "iocpsockPackage.h"

#include <string.h>

static const char *const sendFileOptions[] = {"-command", "-offset", "-size",
    NULL};
enum SendFileOption { SEND_COMMAND, SEND_OFFSET, SEND_SIZE };

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
GetFile(Tcl_Interp *interp, Tcl_Obj *objPtr, IocpsockSendArgs *argsPtr)
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

/* Parses a number of bytes, at least 0. */

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
    IocpsockSendArgs *argsPtr)
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

/*
 * Opens a file on a disk by a handle of its own, so that its channel and the
 * transfer do not disturb each other. Results: 1 and *partPtr, the part to
 * send; 0 if it is no such file.
 */

static int
OpenPart(const IocpsockSendArgs *argsPtr, IocpsockFilePart *partPtr)
{
    Tcl_Channel file = Tcl_GetTopChannel(argsPtr->file);
    Tcl_WideInt offset = argsPtr->offset;
    uint64_t size;
    void *handle;

    if (strcmp(Tcl_ChannelName(Tcl_GetChannelType(file)), "file") != 0
        || Tcl_GetChannelHandle(argsPtr->file, TCL_READABLE, &handle)
            != TCL_OK) {
        return 0;
    }
    if (offset < 0) {
        offset = Tcl_Tell(argsPtr->file);
    }
    if (offset < 0
        || CpFileOpen((uintptr_t) handle, &partPtr->filePtr) != CP_OK) {
        return 0;
    }
    if ((Tcl_GetChannelMode(argsPtr->file) & TCL_WRITABLE)) {
        Tcl_Flush(argsPtr->file);
    }
    if (CpFileSize(partPtr->filePtr, &size) != CP_OK) {
        CpFileClose(partPtr->filePtr);
        return 0;
    }
    partPtr->offset = (uint64_t) offset;
    partPtr->length = partPtr->offset < size ? size - partPtr->offset : 0;
    if (argsPtr->size >= 0 && (uint64_t) argsPtr->size < partPtr->length) {
        partPtr->length = (uint64_t) argsPtr->size;
    }
    return 1;
}

static void
CloseOpened(Tcl_Interp *interp, const IocpsockSendArgs *argsPtr)
{
    if (argsPtr->opened) {
        Tcl_UnregisterChannel(interp, argsPtr->file);
    }
}

/* Tcl copies the same part, by a channel of its own. */

static int
CopyPart(Tcl_Interp *interp, IocpsockSendArgs *argsPtr,
    const IocpsockFilePart *partPtr)
{
    CloseOpened(interp, argsPtr);
    argsPtr->file = Tcl_MakeFileChannel((void *) CpFileDetach(partPtr->filePtr),
        TCL_READABLE);
    Tcl_RegisterChannel(interp, argsPtr->file);
    argsPtr->opened = 1;
    argsPtr->offset = (Tcl_WideInt) partPtr->offset;
    argsPtr->size = (Tcl_WideInt) partPtr->length;
    return IocpsockCopyByTcl(interp, argsPtr);
}

int
IocpsockSendFileObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    IocpsockSendArgs args;
    IocpsockFilePart part;

    (void) clientData;
    if (GetArgs(interp, objc, objv, &args) != TCL_OK) {
        return TCL_ERROR;
    }
    if (!OpenPart(&args, &part)) {
        return IocpsockCopyByTcl(interp, &args);
    }
    if (Tcl_GetChannelType(Tcl_GetTopChannel(args.chan))
        != &iocpsockChannelType) {
        return CopyPart(interp, &args, &part);
    }
    CloseOpened(interp, &args);
    return args.commandPtr == NULL
        ? IocpsockSendWait(interp, args.chan, &part)
        : IocpsockSendLater(interp, args.chan, &part, args.commandPtr);
}
