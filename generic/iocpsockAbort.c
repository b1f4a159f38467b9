/*
 * iocpsockAbort.c --
 *
 *      The command iocpsock::abort: a close that delivers nothing more.
 */

#include "iocpsockPackage.h"

static int
Refuse(Tcl_Interp *interp, Tcl_Obj *namePtr, const char *why)
{
    Tcl_SetObjResult(interp,
        Tcl_ObjPrintf("can't abort \"%s\": %s", Tcl_GetString(namePtr), why));
    Tcl_SetErrorCode(interp, "IOCPSOCK", "ABORT", (char *) NULL);
    return TCL_ERROR;
}

/*
 * Tcl writes the output that it still holds, and the driver drops it. The
 * channel becomes a blocking one, so that this happens before the close
 * returns, even if Tcl has begun to write in the background.
 */

int
IocpsockAbortObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    IocpsockChan *chanPtr;
    Tcl_Channel chan;

    (void) clientData;
    if (objc != 2) {
        Tcl_WrongNumArgs(interp, 1, objv, "chan");
        return TCL_ERROR;
    }
    chan = Tcl_GetChannel(interp, Tcl_GetString(objv[1]), NULL);
    if (chan == NULL) {
        return TCL_ERROR;
    }
    if (Tcl_GetChannelType(chan) != &iocpsockChannelType) {
        return Refuse(interp, objv[1], "it is not a socket of iocpsock");
    }
    chanPtr = (IocpsockChan *) Tcl_GetChannelInstanceData(chan);
    if (chanPtr->serverPtr != NULL) {
        return Refuse(interp, objv[1], "it is a server, so close it");
    }
    if (chanPtr->connPtr != NULL) {
        CpConnAbort(chanPtr->connPtr);
    }
    Tcl_SetChannelOption(NULL, chan, "-blocking", "1");
    Tcl_UnregisterChannel(interp, chan);
    Tcl_ResetResult(interp);
    return TCL_OK;
}
