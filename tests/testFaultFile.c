/*
 * testFaultFile.c --
 *
 *      Files as other systems send them, for tests. Like testFault.c it stands
 *      between the driver and its port. A send of a file moves the position of
 *      its handle, as Windows may do, and so does a read. The command:
 *
 *          iocpsock::filefault way ?system|read|transmit?
 *                      sets and returns the way of sending files
 *          iocpsock::filefault fail NTH
 *                      the NTH read of a file from now on fails (EACCES)
 *          iocpsock::filefault count
 *                      a dict: the sends and the reads since the reset
 *          iocpsock::filefault reset
 *
 *      testStrict.c limits how many files are sent at a time.
 */

#include <tcl.h>

#include "cpPort.h"
#include "cpWin.h"

#include <string.h>

Tcl_ObjCmdProc TestFileFaultObjCmd;

typedef enum Way { WAY_SYSTEM, WAY_READ, WAY_TRANSMIT } Way;

static const char *const wayNames[] = {
    [WAY_SYSTEM] = "system",
    [WAY_READ] = "read",
    [WAY_TRANSMIT] = "transmit",
    NULL,
};

static Way way = WAY_SYSTEM;
static volatile LONG sends;
static volatile LONG reads;
static LONG failAt; /* A number of reads; 0 is none. */

int __real_CpSendFileIsLimited(void);
int __wrap_CpSendFileIsLimited(void);
CpError __real_CpFileRead(CpFile *filePtr, uint64_t offset, void *bufPtr,
    size_t lengthBytes, size_t *bytesPtr);
CpError __wrap_CpFileRead(CpFile *filePtr, uint64_t offset, void *bufPtr,
    size_t lengthBytes, size_t *bytesPtr);
void __real_CpSubmitSendFile(CpHandle *handlePtr, CpOp *opPtr, CpFile *filePtr,
    uint64_t offset, uint32_t lengthBytes);
void __wrap_CpSubmitSendFile(CpHandle *handlePtr, CpOp *opPtr, CpFile *filePtr,
    uint64_t offset, uint32_t lengthBytes);

int
__wrap_CpSendFileIsLimited(void)
{
    return way == WAY_SYSTEM ? __real_CpSendFileIsLimited() : way == WAY_READ;
}

static void
MovePosition(const CpFile *filePtr, uint64_t offset)
{
    LARGE_INTEGER position;

    position.QuadPart = (LONGLONG) offset;
    SetFilePointerEx(filePtr->handle, position, NULL, FILE_BEGIN);
}

CpError
__wrap_CpFileRead(CpFile *filePtr, uint64_t offset, void *bufPtr,
    size_t lengthBytes, size_t *bytesPtr)
{
    CpError error;

    *bytesPtr = 0;
    if (InterlockedIncrement(&reads) == failAt) {
        return CP_EACCES;
    }
    error = __real_CpFileRead(filePtr, offset, bufPtr, lengthBytes, bytesPtr);
    MovePosition(filePtr, offset + *bytesPtr);
    return error;
}

void
__wrap_CpSubmitSendFile(CpHandle *handlePtr, CpOp *opPtr, CpFile *filePtr,
    uint64_t offset, uint32_t lengthBytes)
{
    InterlockedIncrement(&sends);
    __real_CpSubmitSendFile(handlePtr, opPtr, filePtr, offset, lengthBytes);
    MovePosition(filePtr, offset + lengthBytes);
}

/* ------------------------------------------------------------ command */

static int
SetWay(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[])
{
    int value = way;

    if (objc > 2
        && Tcl_GetIndexFromObj(interp, objv[2], wayNames, "way", 0, &value)
            != TCL_OK) {
        return TCL_ERROR;
    }
    way = (Way) value;
    value = __wrap_CpSendFileIsLimited() ? WAY_READ : WAY_TRANSMIT;
    Tcl_SetObjResult(interp, Tcl_NewStringObj(wayNames[value], -1));
    return TCL_OK;
}

typedef enum FileFaultCmd {
    CMD_COUNT,
    CMD_FAIL,
    CMD_RESET,
    CMD_WAY
} FileFaultCmd;

int
TestFileFaultObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    static const char *const names[] = {
        [CMD_COUNT] = "count",
        [CMD_FAIL] = "fail",
        [CMD_RESET] = "reset",
        [CMD_WAY] = "way",
        NULL,
    };
    int cmd, nth;

    (void) clientData;
    if (objc < 2) {
        Tcl_WrongNumArgs(interp, 1, objv, "command ?arg ...?");
        return TCL_ERROR;
    }
    if (Tcl_GetIndexFromObj(interp, objv[1], names, "command", 0, &cmd)
        != TCL_OK) {
        return TCL_ERROR;
    }
    switch ((FileFaultCmd) cmd) {
    case CMD_COUNT:
        Tcl_SetObjResult(interp,
            Tcl_ObjPrintf("sends %d reads %d", (int) sends, (int) reads));
        return TCL_OK;
    case CMD_FAIL:
        if (objc != 3) {
            Tcl_WrongNumArgs(interp, 2, objv, "count");
            return TCL_ERROR;
        }
        if (Tcl_GetIntFromObj(interp, objv[2], &nth) != TCL_OK) {
            return TCL_ERROR;
        }
        failAt = reads + nth;
        return TCL_OK;
    case CMD_RESET:
        way = WAY_SYSTEM;
        sends = reads = failAt = 0;
        return TCL_OK;
    case CMD_WAY:
        return SetWay(interp, objc, objv);
    }
    return TCL_ERROR;
}
