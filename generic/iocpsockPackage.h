/*
 * iocpsockPackage.h --
 *
 *      What the files of the package share: its commands, and what they need.
 *      None of this is in Tcl's core.
 */

#ifndef IOCPSOCK_PACKAGE_H
#define IOCPSOCK_PACKAGE_H

#include "iocpsock.h"

typedef struct IocpsockTransfer IocpsockTransfer;
typedef struct IocpsockInterpRef IocpsockInterpRef;

/* iocpsockStubs.c */

/*
 * IocpsockInitStubs --
 *
 *      Must come before every other call of Tcl. TCL_ERROR and a message if the
 *      library is for another Tcl.
 */

int IocpsockInitStubs(Tcl_Interp *interp);

/* iocpsockBuildInfo.c */

Tcl_ObjCmdProc IocpsockBuildInfoObjCmd;

/* iocpsockCmd.c */

Tcl_ObjCmdProc IocpsockSocketObjCmd;

/* iocpsockScript.c */

/* Makes an accept function that evaluates the script with the channel, the
 * address and the port, in this interpreter. */
void IocpsockAcceptScript(Tcl_Interp *interp, Tcl_Obj *scriptPtr,
    IocpsockAccept *acceptPtr);

/* iocpsockInterp.c */

/* A reference outlives the deletion of its interpreter. Release frees it. */
IocpsockInterpRef *IocpsockHoldInterp(Tcl_Interp *interp);
void IocpsockReleaseInterp(IocpsockInterpRef *refPtr);

/* NULL if the interpreter cannot evaluate any more. Only its own thread may
 * call this, or a thread that it is not "elsewhere" for. */
Tcl_Interp *IocpsockInterpOf(const IocpsockInterpRef *refPtr);

/* Whether the interpreter exists, and belongs to another thread. */
int IocpsockInterpIsElsewhere(IocpsockInterpRef *refPtr);

/* iocpsockAbort.c */

Tcl_ObjCmdProc IocpsockAbortObjCmd;

/* iocpsockStatsCmd.c */

Tcl_ObjCmdProc IocpsockStatsObjCmd;

/* Whether a command has no arguments; leaves a message otherwise. */
int IocpsockNoArgs(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[]);

/* iocpsockSendFile.c */

Tcl_ObjCmdProc IocpsockSendFileObjCmd;

/* The arguments of the command, checked. */

typedef struct IocpsockSendArgs {
    Tcl_Channel chan;
    Tcl_Channel file;
    int opened;         /* The command has opened the file. */
    Tcl_WideInt offset; /* -1: the position of the file's channel. */
    Tcl_WideInt size;   /* Bytes; -1: to the end of the file. */
    Tcl_Obj *commandPtr;
} IocpsockSendArgs;

/* iocpsockCopy.c: sends by Tcl's copying. Closes a file that was opened. */
int IocpsockCopyByTcl(Tcl_Interp *interp, const IocpsockSendArgs *argsPtr);

/* iocpsockTransfer.c */

/* A part of a file. */

typedef struct IocpsockFilePart {
    CpFile *filePtr;
    uint64_t offset;
    uint64_t length; /* Bytes. */
} IocpsockFilePart;

/* Send a file behind everything that was written to the channel, and own it
 * from now on. Wait leaves the number of bytes in the interpreter. Later
 * returns at once, and calls the command with that number at the end. A failure
 * leaves a message in the interpreter. */
int IocpsockSendWait(Tcl_Interp *interp, Tcl_Channel chan,
    const IocpsockFilePart *partPtr);
int IocpsockSendLater(Tcl_Interp *interp, Tcl_Channel chan,
    const IocpsockFilePart *partPtr, Tcl_Obj *commandPtr);

#endif /* IOCPSOCK_PACKAGE_H */
