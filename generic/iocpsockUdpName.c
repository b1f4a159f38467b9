/*
 * iocpsockUdpName.c --
 *
 *      Hosts and ports of datagram channels.
 */

#include "iocpsockUdp.h"

int
IocpsockUdpPort(Tcl_Interp *interp, Tcl_Obj *objPtr, int *portPtr)
{
    const char *string = Tcl_GetString(objPtr);

    if (Tcl_GetIntFromObj(NULL, objPtr, portPtr) != TCL_OK) {
        *portPtr = CpUdpServicePort(string);
        if (*portPtr < 0) {
            return Tcl_GetIntFromObj(interp, objPtr, portPtr);
        }
    }
    if (*portPtr < 0 || *portPtr > 0xFFFF) {
        Tcl_SetObjResult(interp,
            Tcl_ObjPrintf("bad port \"%s\": must be from 0 to 65535", string));
        Tcl_SetErrorCode(interp, "IOCPSOCK", "VALUE", "port", (char *) NULL);
        return TCL_ERROR;
    }
    return TCL_OK;
}

int
IocpsockUdpAddr(Tcl_Interp *interp, const IocpsockUdp *dataPtr,
    const char *host, int port, CpAddr *addrPtr)
{
    CpAddr *addrs;
    unsigned count, i;
    char *message;
    int found = 0;

    if (!CpResolve(host, (unsigned) port, CP_FAMILY_ANY, 0, &addrs, &count,
            &message)) {
        if (interp != NULL) {
            Tcl_SetObjResult(interp,
                Tcl_ObjPrintf("can't find host \"%s\": %s", host,
                    message != NULL ? message : "not enough memory"));
            Tcl_SetErrorCode(interp, "IOCPSOCK", "HOST", (char *) NULL);
        }
        CpMessageFree(message);
        return TCL_ERROR;
    }
    for (i = 0; i < count && !found; i++) {
        found = CpUdpHandle(dataPtr->udpPtr, 0) == NULL
            || CpUdpHandleFor(dataPtr->udpPtr, &addrs[i]) != NULL;
        if (found) {
            *addrPtr = addrs[i];
        }
    }
    CpResolveFree(addrs, count);
    return found ? TCL_OK
                 : IocpsockPosixFailure(interp, "can't send", CP_EAFNOSUPPORT);
}

int
IocpsockUdpAwaitsNames(const IocpsockUdp *dataPtr)
{
    return IocpsockIsBlocking(dataPtr->chanPtr) && dataPtr->commandPtr == NULL;
}

int
IocpsockUdpUseRemote(IocpsockUdp *dataPtr, Tcl_Interp *interp, Tcl_Obj *hostPtr,
    Tcl_Obj *portPtr)
{
    CpTarget target = {.host = Tcl_GetString(hostPtr), .family = CP_FAMILY_ANY};
    CpAddr addr;
    CpError error;
    int port;

    if (IocpsockUdpPort(interp, portPtr, &port) != TCL_OK) {
        return TCL_ERROR;
    }
    target.port = (unsigned) port;
    if (!IocpsockUdpAwaitsNames(dataPtr) && !CpTargetIsNumeric(&target)) {
        error = CpUdpSetRemoteName(dataPtr->udpPtr, &target);
    } else if (IocpsockUdpAddr(interp, dataPtr, target.host, port, &addr)
        != TCL_OK) {
        return TCL_ERROR;
    } else {
        error = CpUdpSetRemote(dataPtr->udpPtr, &addr);
    }
    return error == CP_OK
        ? TCL_OK
        : IocpsockPosixFailure(interp, "can't set remote", error);
}
