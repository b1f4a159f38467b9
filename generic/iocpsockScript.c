/*
 * iocpsockScript.c --
 *
 *      The accept function of the socket command's servers: it evaluates a
 *      script.
 */

#include "iocpsockPackage.h"

typedef struct AcceptScript {
    IocpsockInterpRef *interpRefPtr;
    Tcl_Obj *scriptPtr;
} AcceptScript;

/* As the core's driver: 8.6 evaluates in the scope that vwait was called in. */
#if TCL_MAJOR_VERSION < 9
#define ACCEPT_EVAL_FLAGS 0
#else
#define ACCEPT_EVAL_FLAGS (TCL_EVAL_DIRECT | TCL_EVAL_GLOBAL)
#endif

/* "script channel address port" */

static Tcl_Obj *
Command(Tcl_Obj *scriptPtr, Tcl_Channel channel, const char *host, int port)
{
    Tcl_Obj *parts[2];
    Tcl_Obj *cmdPtr;

    parts[0] = scriptPtr;
    parts[1] = Tcl_NewListObj(0, NULL);
    Tcl_ListObjAppendElement(NULL, parts[1],
        Tcl_NewStringObj(Tcl_GetChannelName(channel), -1));
    Tcl_ListObjAppendElement(NULL, parts[1], Tcl_NewStringObj(host, -1));
    Tcl_ListObjAppendElement(NULL, parts[1], Tcl_NewIntObj(port));
    Tcl_IncrRefCount(parts[1]);
    cmdPtr = Tcl_ConcatObj(2, parts);
    Tcl_IncrRefCount(cmdPtr);
    Tcl_DecrRefCount(parts[1]);
    return cmdPtr;
}

/* The script may close the server, which frees the data. */

static void
EvalAcceptScript(void *clientData, Tcl_Channel channel, char *host, int port)
{
    const AcceptScript *dataPtr = (const AcceptScript *) clientData;
    Tcl_Interp *interp = IocpsockInterpOf(dataPtr->interpRefPtr);
    Tcl_Obj *cmdPtr;
    int result;

    if (interp == NULL) {
        CpStatAdd(CP_STAT_ACCEPTS_FAILED, 1);
        Tcl_Close(NULL, channel);
        return;
    }
    cmdPtr = Command(dataPtr->scriptPtr, channel, host, port);

    /* The second registration keeps the channel while the script runs. */
    Tcl_Preserve(interp);
    Tcl_RegisterChannel(interp, channel);
    Tcl_RegisterChannel(NULL, channel);
    result = Tcl_EvalObjEx(interp, cmdPtr, ACCEPT_EVAL_FLAGS);
    if (result != TCL_OK) {
        Tcl_BackgroundException(interp, result);
        Tcl_UnregisterChannel(interp, channel);
    }
    Tcl_UnregisterChannel(NULL, channel);
    Tcl_Release(interp);
    Tcl_DecrRefCount(cmdPtr);
}

/* The script's interpreter belongs to a thread. If the server has moved to
 * another thread, its connections wait until it is back. */

static int
MustWait(void *clientData)
{
    const AcceptScript *dataPtr = (const AcceptScript *) clientData;

    return IocpsockInterpIsElsewhere(dataPtr->interpRefPtr);
}

static void
FreeScript(void *clientData)
{
    AcceptScript *dataPtr = (AcceptScript *) clientData;

    IocpsockReleaseInterp(dataPtr->interpRefPtr);
    Tcl_DecrRefCount(dataPtr->scriptPtr);
    IocpsockFree(dataPtr);
}

void
IocpsockAcceptScript(Tcl_Interp *interp, Tcl_Obj *scriptPtr,
    IocpsockAccept *acceptPtr)
{
    AcceptScript *dataPtr = IocpsockAlloc(sizeof(AcceptScript));

    dataPtr->interpRefPtr = IocpsockHoldInterp(interp);
    dataPtr->scriptPtr = scriptPtr;
    Tcl_IncrRefCount(scriptPtr);
    acceptPtr->proc = EvalAcceptScript;
    acceptPtr->clientData = dataPtr;
    acceptPtr->mustWaitProc = MustWait;
    acceptPtr->freeProc = FreeScript;
}
