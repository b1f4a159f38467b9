/*
 * iocpsockName.c --
 *
 *      The names of a channel's ends: -peername and -sockname.
 */

#include "iocpsock.h"

#include <stdio.h>

static void
AppendAddr(Tcl_Interp *interp, const CpAddr *addrPtr, Tcl_DString *dsPtr)
{
    char host[CP_HOST_BYTES];
    int numeric = interp != NULL
        && Tcl_GetVar2(interp, "::tcl::unsupported::noReverseDNS", NULL, 0)
            != NULL;

    CpAddrHost(addrPtr, 1, host);
    Tcl_DStringAppendElement(dsPtr, host);
    if (!numeric && !CpAddrIsAny(addrPtr)) {
        CpAddrHost(addrPtr, 0, host);
    }
    Tcl_DStringAppendElement(dsPtr, host);
    snprintf(host, sizeof(host), "%u", CpAddrPort(addrPtr));
    Tcl_DStringAppendElement(dsPtr, host);
}

int
IocpsockIsDialling(const IocpsockChan *chanPtr)
{
    return chanPtr->connPtr != NULL
        && CpConnGetState(chanPtr->connPtr) == CP_CONN_DIALLING;
}

static CpHandle *
ConnHandle(const IocpsockChan *chanPtr)
{
    return chanPtr->connPtr != NULL ? CpConnHandle(chanPtr->connPtr) : NULL;
}

CpError
IocpsockPeerName(IocpsockChan *chanPtr, Tcl_Interp *interp, Tcl_DString *dsPtr)
{
    CpHandle *handlePtr = ConnHandle(chanPtr);
    CpError error = CP_ENOTCONN;
    CpAddr addr;

    if (IocpsockIsDialling(chanPtr)) {
        return CP_OK;
    }
    if (handlePtr != NULL) {
        error = CpHandlePeer(handlePtr, &addr);
    }
    if (error == CP_OK) {
        AppendAddr(interp, &addr, dsPtr);
    }
    return error;
}

CpError
IocpsockSockName(IocpsockChan *chanPtr, Tcl_Interp *interp, Tcl_DString *dsPtr)
{
    IocpsockServer *serverPtr = chanPtr->serverPtr;
    CpError error = CP_ENOTCONN;
    CpAddr addr;
    unsigned i;

    if (IocpsockIsDialling(chanPtr)) {
        return CP_OK;
    }
    if (serverPtr == NULL) {
        CpHandle *handlePtr = ConnHandle(chanPtr);

        if (handlePtr != NULL) {
            error = CpHandleLocal(handlePtr, &addr);
        }
        if (error == CP_OK) {
            AppendAddr(interp, &addr, dsPtr);
        }
    } else {
        for (i = 0; i < serverPtr->listenerCount; i++) {
            error = CpHandleLocal(CpListenerHandle(serverPtr->listeners[i]),
                &addr);
            if (error != CP_OK) {
                break;
            }
            AppendAddr(interp, &addr, dsPtr);
        }
    }
    return error;
}
