/*
 * iocpsockUdpCmd.c --
 *
 *      The commands iocpsock::udp, iocpsock::sendto and iocpsock::recv.
 */

#include "iocpsockUdp.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* ----------------------------------------------------------------- udp */

static const char *const udpOptions[] = {"-async", "-command", "-family",
    "-myaddr", "-myport", "-reuseaddr", "-reuseport", NULL};
enum UdpOption {
    OPT_ASYNC,
    OPT_COMMAND,
    OPT_FAMILY,
    OPT_MYADDR,
    OPT_MYPORT,
    OPT_REUSEADDR,
    OPT_REUSEPORT
};

typedef struct UdpArgs {
    int async;
    Tcl_Obj *commandPtr;
    int family; /* CpFamily */
    const char *myAddr;
    int myPort;
    int reuse;
    const char *host; /* NULL: not connected. */
    int port;
} UdpArgs;

static int
ParseOption(Tcl_Interp *interp, int option, Tcl_Obj *valuePtr, UdpArgs *argsPtr)
{
    static const char *const families[] = {"any", "inet", "inet6", NULL};
    Tcl_Size length;
    int on;

    switch ((enum UdpOption) option) {
    case OPT_ASYNC: /* It has no value. */
        break;
    case OPT_COMMAND:
        if (Tcl_ListObjLength(interp, valuePtr, &length) != TCL_OK) {
            return TCL_ERROR;
        }
        argsPtr->commandPtr = length > 0 ? valuePtr : NULL;
        return TCL_OK;
    case OPT_FAMILY:
        return Tcl_GetIndexFromObj(interp, valuePtr, families, "family",
            TCL_EXACT, &argsPtr->family);
    case OPT_MYADDR:
        argsPtr->myAddr = Tcl_GetString(valuePtr);
        return TCL_OK;
    case OPT_MYPORT:
        return IocpsockUdpPort(interp, valuePtr, &argsPtr->myPort);
    case OPT_REUSEADDR:
    case OPT_REUSEPORT:
        if (Tcl_GetBooleanFromObj(interp, valuePtr, &on) != TCL_OK) {
            return TCL_ERROR;
        }
        argsPtr->reuse |= on;
        break;
    }
    return TCL_OK;
}

static int
ParseArgs(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[], UdpArgs *argsPtr)
{
    int a, option;

    memset(argsPtr, 0, sizeof(UdpArgs));
    for (a = 1; a < objc && Tcl_GetString(objv[a])[0] == '-'; a += 2) {
        if (Tcl_GetIndexFromObj(interp, objv[a], udpOptions, "option",
                TCL_EXACT, &option)
            != TCL_OK) {
            return TCL_ERROR;
        }
        if (option == OPT_ASYNC) {
            argsPtr->async = 1;
            a--;
            continue;
        }
        if (a + 1 == objc) {
            Tcl_SetObjResult(interp,
                Tcl_ObjPrintf("no argument given for %s option",
                    udpOptions[option]));
            return TCL_ERROR;
        }
        if (ParseOption(interp, option, objv[a + 1], argsPtr) != TCL_OK) {
            return TCL_ERROR;
        }
    }
    if (a == objc && !argsPtr->async) {
        return TCL_OK;
    }
    if (a != objc - 2) {
        Tcl_WrongNumArgs(interp, 1, objv,
            argsPtr->async ? "-async ?-option value ...? host port"
                           : "?-option value ...? ?host port?");
        return TCL_ERROR;
    }
    argsPtr->host = Tcl_GetString(objv[a]);
    return IocpsockUdpPort(interp, objv[a + 1], &argsPtr->port);
}

/* Looks a host up: the local one, to bind to it, or the peer. */

static int
LookUp(Tcl_Interp *interp, const UdpArgs *argsPtr, int isLocal,
    CpAddr **addrsPtr, unsigned *countPtr)
{
    const char *host = isLocal ? argsPtr->myAddr : argsPtr->host;
    int port = isLocal ? argsPtr->myPort : argsPtr->port;
    char *message;

    if (!CpResolve(host, (unsigned) port, (CpFamily) argsPtr->family, isLocal,
            addrsPtr, countPtr, &message)) {
        IocpsockResolverFailure(interp, message);
        CpMessageFree(message);
        return 0;
    }
    return 1;
}

/* Binds to the local addresses; a connected channel only if some are given. */

static int
Bind(Tcl_Interp *interp, IocpsockUdp *dataPtr, const UdpArgs *argsPtr)
{
    CpAddr *addrs;
    unsigned count;
    CpError error;

    if (argsPtr->host != NULL && argsPtr->myAddr == NULL
        && argsPtr->myPort == 0) {
        return TCL_OK;
    }
    if (!LookUp(interp, argsPtr, 1, &addrs, &count)) {
        return TCL_ERROR;
    }
    error = CpUdpBind(dataPtr->udpPtr, addrs, count, argsPtr->reuse);
    CpResolveFree(addrs, count);
    return error == CP_OK ? TCL_OK
                          : IocpsockUdpFailure(interp, COULD_NOT_OPEN, error);
}

static int
Connect(Tcl_Interp *interp, IocpsockUdp *dataPtr, const UdpArgs *argsPtr)
{
    CpAddr *addrs;
    unsigned count;
    CpError error;

    if (argsPtr->host == NULL) {
        return TCL_OK;
    }
    if (!LookUp(interp, argsPtr, 0, &addrs, &count)) {
        return TCL_ERROR;
    }
    error = CpUdpConnectFirst(dataPtr->udpPtr, addrs, count);
    CpResolveFree(addrs, count);
    return error == CP_OK ? TCL_OK
                          : IocpsockUdpFailure(interp, COULD_NOT_OPEN, error);
}

/* Gives the channel its sockets, or begins to look up the names for them. */

static int
OpenSockets(Tcl_Interp *interp, IocpsockUdp *dataPtr, const UdpArgs *argsPtr)
{
    CpTarget target = {.host = argsPtr->host,
        .port = (unsigned) argsPtr->port,
        .myHost = argsPtr->myAddr,
        .myPort = (unsigned) argsPtr->myPort,
        .family = (CpFamily) argsPtr->family};
    CpError error;

    if (argsPtr->host != NULL && (argsPtr->async || argsPtr->commandPtr != NULL)
        && !CpTargetIsNumeric(&target)) {
        error = CpUdpConnectName(dataPtr->udpPtr, &target, argsPtr->reuse);
        return error == CP_OK
            ? TCL_OK
            : IocpsockUdpFailure(interp, COULD_NOT_OPEN, error);
    }
    return Bind(interp, dataPtr, argsPtr) == TCL_OK
        ? Connect(interp, dataPtr, argsPtr)
        : TCL_ERROR;
}

static int
UdpObjCmd(void *clientData, Tcl_Interp *interp, int objc, Tcl_Obj *const objv[])
{
    IocpsockUdp *dataPtr;
    Tcl_Channel channel;
    UdpArgs args;

    (void) clientData;
    if (ParseArgs(interp, objc, objv, &args) != TCL_OK) {
        return TCL_ERROR;
    }
    dataPtr = IocpsockUdpNew(interp);
    if (dataPtr == NULL) {
        return TCL_ERROR;
    }
    if (OpenSockets(interp, dataPtr, &args) != TCL_OK) {
        IocpsockUdpFree(dataPtr);
        return TCL_ERROR;
    }
    if (args.commandPtr != NULL) {
        IocpsockUdpSetCommand(dataPtr, interp, args.commandPtr);
    }
    channel = IocpsockUdpOpen(dataPtr);
    Tcl_RegisterChannel(interp, channel);
    Tcl_SetObjResult(interp, Tcl_NewStringObj(Tcl_GetChannelName(channel), -1));
    return TCL_OK;
}

/* The data of a datagram channel that a command names. */

static IocpsockUdp *
GetUdp(Tcl_Interp *interp, Tcl_Obj *namePtr)
{
    Tcl_Channel chan = Tcl_GetChannel(interp, Tcl_GetString(namePtr), NULL);
    IocpsockChan *chanPtr;

    if (chan == NULL) {
        return NULL;
    }
    if (Tcl_GetChannelType(chan) != &iocpsockUdpType) {
        Tcl_SetObjResult(interp,
            Tcl_ObjPrintf("\"%s\" is not a channel of iocpsock::udp",
                Tcl_GetString(namePtr)));
        Tcl_SetErrorCode(interp, "IOCPSOCK", "UDP", (char *) NULL);
        return NULL;
    }
    chanPtr = Tcl_GetChannelInstanceData(chan);
    return chanPtr->kindData;
}

/* -------------------------------------------------------------- sendto */

static int
Failure(Tcl_Interp *interp, const IocpsockUdp *dataPtr, const char *doing,
    CpError error)
{
    char what[80];

    snprintf(what, sizeof(what), "error %s \"%s\"", doing,
        Tcl_GetChannelName(dataPtr->chanPtr->channel));
    return IocpsockUdpFailure(interp, what, error);
}

/* Sends to an address; a blocking channel waits until it can. */

static CpError
Send(IocpsockUdp *dataPtr, const unsigned char *bytes, size_t length,
    const CpAddr *addrPtr)
{
    CpError error;

    while ((error = CpUdpSend(dataPtr->udpPtr, bytes, length, addrPtr))
            == CP_EAGAIN
        && IocpsockIsBlocking(dataPtr->chanPtr)) {
        IocpsockWait(dataPtr->chanPtr->threadPtr);
    }
    if (error == CP_OK) {
        dataPtr->chanPtr->threadPtr->passBytes += 1 + length;
    }
    return error;
}

/* Sends to a host. Only a blocking channel without a command waits for the
 * resolver. */

static int
SendToHost(Tcl_Interp *interp, IocpsockUdp *dataPtr, const unsigned char *bytes,
    size_t length, const char *host, int port)
{
    CpTarget target = {.host = host,
        .port = (unsigned) port,
        .family = CP_FAMILY_ANY};
    CpAddr addr;
    CpError error;

    if (IocpsockUdpKnows(dataPtr, host, port, &addr)) {
        error = Send(dataPtr, bytes, length, &addr);
    } else if (CpTargetIsNumeric(&target) || IocpsockUdpAwaitsNames(dataPtr)) {
        if (IocpsockUdpAddr(interp, dataPtr, host, port, &addr) != TCL_OK) {
            return TCL_ERROR;
        }
        error = Send(dataPtr, bytes, length, &addr);
    } else {
        error = CpUdpSendName(dataPtr->udpPtr, bytes, length, &target);
    }
    return error == CP_OK ? TCL_OK : Failure(interp, dataPtr, "writing", error);
}

static int
SendToObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    IocpsockUdp *dataPtr;
    const unsigned char *bytes;
    Tcl_Size length;
    CpError error;
    int port = 0;

    (void) clientData;
    if (objc != 3 && objc != 5) {
        Tcl_WrongNumArgs(interp, 1, objv, "chan bytes ?host port?");
        return TCL_ERROR;
    }
    dataPtr = GetUdp(interp, objv[1]);
    if (dataPtr == NULL) {
        return TCL_ERROR;
    }
    /* The bytes come last: reading the port would free them, if it is the same
     * Tcl_Obj. */
    if (objc == 5 && IocpsockUdpPort(interp, objv[4], &port) != TCL_OK) {
        return TCL_ERROR;
    }
#if TCL_MAJOR_VERSION < 9
    bytes = Tcl_GetByteArrayFromObj(objv[2], &length);
#else
    bytes = Tcl_GetBytesFromObj(interp, objv[2], &length);
    if (bytes == NULL) {
        return TCL_ERROR;
    }
#endif
    if (objc == 5) {
        return SendToHost(interp, dataPtr, bytes, (size_t) length,
            Tcl_GetString(objv[3]), port);
    }
    error = IocpsockUdpSendPeer(dataPtr, bytes, (size_t) length);
    return error == CP_OK ? TCL_OK : Failure(interp, dataPtr, "writing", error);
}

/* ---------------------------------------------------------------- recv */

static const char *const recvOptions[] = {"-max", "-timeout", NULL};
enum RecvOption { OPT_MAX, OPT_TIMEOUT };

static int
ParseRecv(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[], int *maxPtr,
    int *timeoutPtr)
{
    int a, option, value;

    *maxPtr = INT_MAX;
    *timeoutPtr = 0;
    for (a = 2; a < objc; a += 2) {
        if (Tcl_GetIndexFromObj(interp, objv[a], recvOptions, "option",
                TCL_EXACT, &option)
                != TCL_OK
            || Tcl_GetIntFromObj(interp, objv[a + 1], &value) != TCL_OK) {
            return TCL_ERROR;
        }
        if (value < (option == OPT_MAX ? 1 : -1)) {
            Tcl_SetObjResult(interp,
                Tcl_ObjPrintf("bad value \"%d\" for %s: must be %s", value,
                    recvOptions[option],
                    option == OPT_MAX ? "positive" : "-1 or more"));
            Tcl_SetErrorCode(interp, "IOCPSOCK", "VALUE", recvOptions[option],
                (char *) NULL);
            return TCL_ERROR;
        }
        *(option == OPT_MAX ? maxPtr : timeoutPtr) = value;
    }
    return TCL_OK;
}

/* The first datagram, which it waits for. */

static CpDatagram *
FirstDatagram(IocpsockUdp *dataPtr, int timeoutMs)
{
    uint64_t endMs = CpNowMs() + (uint64_t) timeoutMs;
    CpDatagram *datagramPtr;

    while ((datagramPtr = IocpsockUdpTake(dataPtr)) == NULL && timeoutMs != 0
        && !CpUdpHasFailed(dataPtr->udpPtr)) {
        uint64_t nowMs = CpNowMs();

        if (timeoutMs > 0 && nowMs >= endMs) {
            break;
        }
        IocpsockUdpWait(dataPtr,
            timeoutMs < 0 ? -1 : (int64_t) (endMs - nowMs));
    }
    return datagramPtr;
}

/* A sender that is faster must not keep it busy for ever. */

static int
RecvObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    CpDatagram *datagramPtr;
    IocpsockUdp *dataPtr;
    CpUdpLimits limits;
    Tcl_Obj *listPtr;
    int max, timeoutMs;

    (void) clientData;
    if (objc < 2 || objc % 2 != 0) {
        Tcl_WrongNumArgs(interp, 1, objv, "chan ?-max count? ?-timeout ms?");
        return TCL_ERROR;
    }
    dataPtr = GetUdp(interp, objv[1]);
    if (dataPtr == NULL
        || ParseRecv(interp, objc, objv, &max, &timeoutMs) != TCL_OK) {
        return TCL_ERROR;
    }
    CpUdpGetLimits(dataPtr->udpPtr, &limits);
    if (max > (int) limits.queueCount) {
        max = (int) limits.queueCount;
    }
    datagramPtr = FirstDatagram(dataPtr, timeoutMs);
    if (CpUdpHasFailed(dataPtr->udpPtr)) {
        return Failure(interp, dataPtr, "reading", CP_ENOTCONN);
    }
    listPtr = Tcl_NewListObj(0, NULL);
    while (datagramPtr != NULL) {
        Tcl_ListObjAppendElement(NULL, listPtr,
            Tcl_NewByteArrayObj(datagramPtr->bytes,
                (int) datagramPtr->lengthBytes));
        Tcl_ListObjAppendElement(NULL, listPtr,
            IocpsockUdpMeta(dataPtr, &datagramPtr->info));
        dataPtr->chanPtr->threadPtr->passBytes += 1 + datagramPtr->lengthBytes;
        CpUdpFree(datagramPtr);
        datagramPtr = --max > 0 ? IocpsockUdpTake(dataPtr) : NULL;
    }
    Tcl_SetObjResult(interp, listPtr);
    return TCL_OK;
}

void
IocpsockUdpInit(Tcl_Interp *interp)
{
    Tcl_CreateObjCommand(interp, "::iocpsock::udp", UdpObjCmd, NULL, NULL);
    Tcl_CreateObjCommand(interp, "::iocpsock::sendto", SendToObjCmd, NULL,
        NULL);
    Tcl_CreateObjCommand(interp, "::iocpsock::recv", RecvObjCmd, NULL, NULL);
}
