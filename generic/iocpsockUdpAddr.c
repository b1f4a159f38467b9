/*
 * iocpsockUdpAddr.c --
 *
 *      Addresses of datagrams, as text and as the system has them, and the
 *      facts that a script gets with a datagram.
 *
 *      Most datagrams come from the sender of the last one, and go to the last
 *      destination or back to the sender. To format an address, to look one up
 *      and to build the facts costs as much as to receive a datagram. So the
 *      last ones are kept.
 */

#include "iocpsockUdp.h"

#include <string.h>

/* ---------------------------------------------------------- addresses */

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

static int
IsSameAddr(const CpAddr *aPtr, const CpAddr *bPtr)
{
    return aPtr->lengthBytes == bPtr->lengthBytes
        && memcmp(aPtr->u.bytes, bPtr->u.bytes, aPtr->lengthBytes) == 0;
}

/* Keeps the text of an address, unless it is unusually long. */

static void
Know(IocpsockKnownAddr *knownPtr, const char *host, const CpAddr *addrPtr)
{
    knownPtr->addr = *addrPtr;
    knownPtr->host[0] = '\0';
    if (strlen(host) < sizeof(knownPtr->host)) {
        strcpy(knownPtr->host, host);
    }
}

static int
IsKnown(const IocpsockKnownAddr *knownPtr, const char *host, int port)
{
    return knownPtr->host[0] != '\0' && strcmp(knownPtr->host, host) == 0
        && CpAddrPort(&knownPtr->addr) == (unsigned) port;
}

int
IocpsockUdpKnows(const IocpsockUdp *dataPtr, const char *host, int port,
    CpAddr *addrPtr)
{
    if (IsKnown(&dataPtr->peer, host, port)) {
        *addrPtr = dataPtr->peer.addr;
        return 1;
    }
    if (IsKnown(&dataPtr->destination, host, port)) {
        *addrPtr = dataPtr->destination.addr;
        return 1;
    }
    return 0;
}

int
IocpsockUdpAddr(Tcl_Interp *interp, IocpsockUdp *dataPtr, const char *host,
    int port, CpAddr *addrPtr)
{
    CpTarget target = {.host = host, .port = (unsigned) port};
    CpAddr *addrs;
    unsigned count, i;
    char *message;
    int found = 0;

    if (IocpsockUdpKnows(dataPtr, host, port, addrPtr)) {
        return TCL_OK;
    }
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
    if (found && CpTargetIsNumeric(&target)) {
        Know(&dataPtr->destination, host, addrPtr);
    }
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

/* ----------------------------------------------------------- the peer */

void
IocpsockUdpSetPeer(IocpsockUdp *dataPtr, const CpAddr *addrPtr)
{
    if (!IsSameAddr(&dataPtr->peer.addr, addrPtr)) {
        Know(&dataPtr->peer, "", addrPtr);
    }
}

void
IocpsockUdpPeerHost(IocpsockUdp *dataPtr, char *host)
{
    if (dataPtr->peer.host[0] != '\0') {
        strcpy(host, dataPtr->peer.host);
    } else {
        CpAddr addr = dataPtr->peer.addr;

        CpAddrHost(&addr, 1, host);
        Know(&dataPtr->peer, host, &addr);
    }
}

/* ---------------------------------------------------------- the facts */

static void
PutString(Tcl_Obj *dictPtr, const char *key, const char *value)
{
    Tcl_DictObjPut(NULL, dictPtr, Tcl_NewStringObj(key, -1),
        Tcl_NewStringObj(value, -1));
}

static void
PutNumber(Tcl_Obj *dictPtr, const char *key, Tcl_WideInt value)
{
    Tcl_DictObjPut(NULL, dictPtr, Tcl_NewStringObj(key, -1),
        Tcl_NewWideIntObj(value));
}

/* The facts of a datagram from the peer. A socket that is bound to an address
 * gets nothing else. */

static Tcl_Obj *
NewMeta(IocpsockUdp *dataPtr, const CpUdpInfo *infoPtr)
{
    CpHandle *handlePtr = CpUdpHandleFor(dataPtr->udpPtr, &infoPtr->peer);
    CpAddr local = infoPtr->local;
    char host[CP_HOST_BYTES];
    Tcl_Obj *dictPtr = Tcl_NewDictObj();

    if (local.lengthBytes == 0 && handlePtr != NULL
        && (CpHandleLocal(handlePtr, &local) != CP_OK || CpAddrIsAny(&local))) {
        local.lengthBytes = 0;
    }
    IocpsockUdpPeerHost(dataPtr, host);
    PutString(dictPtr, "address", host);
    PutNumber(dictPtr, "port", CpAddrPort(&infoPtr->peer));
    host[0] = '\0';
    if (local.lengthBytes > 0) {
        CpAddrHost(&local, 1, host);
    }
    PutString(dictPtr, "local", host);
    PutNumber(dictPtr, "interface", infoPtr->interfaceIndex);
    PutNumber(dictPtr, "hops", infoPtr->hops);
    PutNumber(dictPtr, "truncated", infoPtr->truncated != 0);
    return dictPtr;
}

static int
IsSameInfo(const CpUdpInfo *aPtr, const CpUdpInfo *bPtr)
{
    return IsSameAddr(&aPtr->peer, &bPtr->peer)
        && IsSameAddr(&aPtr->local, &bPtr->local)
        && aPtr->interfaceIndex == bPtr->interfaceIndex
        && aPtr->hops == bPtr->hops && aPtr->truncated == bPtr->truncated;
}

Tcl_Obj *
IocpsockUdpMeta(IocpsockUdp *dataPtr, const CpUdpInfo *infoPtr)
{
    IocpsockUdpSetPeer(dataPtr, &infoPtr->peer);
    if (dataPtr->metaPtr == NULL || !IsSameInfo(infoPtr, &dataPtr->metaInfo)) {
        IocpsockUdpForgetMeta(dataPtr);
        dataPtr->metaPtr = NewMeta(dataPtr, infoPtr);
        dataPtr->metaInfo = *infoPtr;
        Tcl_IncrRefCount(dataPtr->metaPtr);
    }
    return dataPtr->metaPtr;
}

void
IocpsockUdpForgetMeta(IocpsockUdp *dataPtr)
{
    if (dataPtr->metaPtr != NULL) {
        Tcl_DecrRefCount(dataPtr->metaPtr);
        dataPtr->metaPtr = NULL;
    }
}
