/*
 * iocpsockUdpOpt.c --
 *
 *      Options of datagram channels, in one table.
 */

#include "iocpsockUdp.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef struct UdpOption UdpOption;

typedef int GetProc(IocpsockUdp *dataPtr, Tcl_Interp *interp,
    const UdpOption *optionPtr, Tcl_DString *dsPtr);
typedef int SetProc(IocpsockUdp *dataPtr, Tcl_Interp *interp,
    const UdpOption *optionPtr, const char *value);

struct UdpOption {
    const char *name;
    int isListed; /* Part of the listing (fconfigure $chan). */
    GetProc *getProc;
    SetProc *setProc; /* NULL: read-only. */
    int which;        /* A CpUdpOpt, a CpSockOpt or a member of CpUdpLimits. */
    int min;
    int max;
    int family; /* Only sockets of this one (CpUdpFamily); 0: all. */
};

#define READABLE \
    "broadcast command connecting error family hops mcastgroups mcastif " \
    "mcastloop mcastttl maxsize myport peer queuebytes queuecount remote " \
    "sockname sorcvbuf sosndbuf stats ttl"
#define SETTABLE \
    "broadcast command hops mcastadd mcastdrop mcastif mcastloop mcastttl " \
    "maxsize queuebytes queuecount remote sorcvbuf sosndbuf ttl"

/* ------------------------------------------------------------- values */

static void
AppendInteger(Tcl_DString *dsPtr, int64_t value)
{
    char text[32];

    snprintf(text, sizeof(text), "%lld", (long long) value);
    Tcl_DStringAppend(dsPtr, text, -1);
}

static int
BadValue(Tcl_Interp *interp, const UdpOption *optionPtr, const char *value,
    const char *allowed)
{
    if (interp != NULL) {
        Tcl_SetObjResult(interp,
            Tcl_ObjPrintf("bad value \"%s\" for %s: must be %s", value,
                optionPtr->name, allowed));
        Tcl_SetErrorCode(interp, "IOCPSOCK", "VALUE", optionPtr->name,
            (char *) NULL);
    }
    return TCL_ERROR;
}

static int
ParseInteger(Tcl_Interp *interp, const UdpOption *optionPtr, const char *value,
    int *resultPtr)
{
    char allowed[64];

    if (Tcl_GetInt(NULL, value, resultPtr) != TCL_OK
        || *resultPtr < optionPtr->min || *resultPtr > optionPtr->max) {
        snprintf(allowed, sizeof(allowed), "an integer from %d to %d",
            optionPtr->min, optionPtr->max);
        return BadValue(interp, optionPtr, value, allowed);
    }
    return TCL_OK;
}

static void
AppendHostPort(Tcl_DString *dsPtr, const char *host, const CpAddr *addrPtr)
{
    char port[16];

    snprintf(port, sizeof(port), "%u", CpAddrPort(addrPtr));
    Tcl_DStringAppendElement(dsPtr, host);
    Tcl_DStringAppendElement(dsPtr, port);
}

/* An address and a port; nothing if there is none. */

static void
AppendAddr(Tcl_DString *dsPtr, const CpAddr *addrPtr)
{
    char host[CP_HOST_BYTES];

    if (addrPtr->lengthBytes > 0) {
        CpAddrHost(addrPtr, 1, host);
        AppendHostPort(dsPtr, host, addrPtr);
    }
}

/* -------------------------------------------------------- the channel */

static int
GetCommand(IocpsockUdp *dataPtr, Tcl_Interp *interp, const UdpOption *optionPtr,
    Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    if (dataPtr->commandPtr != NULL) {
        Tcl_DStringAppend(dsPtr, Tcl_GetString(dataPtr->commandPtr), -1);
    }
    return TCL_OK;
}

static int
SetCommand(IocpsockUdp *dataPtr, Tcl_Interp *interp, const UdpOption *optionPtr,
    const char *value)
{
    Tcl_Obj *commandPtr = Tcl_NewStringObj(value, -1);
    Tcl_Size length = 0;
    int code;

    (void) optionPtr;
    Tcl_IncrRefCount(commandPtr);
    code = interp != NULL ? Tcl_ListObjLength(interp, commandPtr, &length)
                          : TCL_ERROR;
    if (code == TCL_OK) {
        IocpsockUdpSetCommand(dataPtr, interp, length > 0 ? commandPtr : NULL);
    }
    Tcl_DecrRefCount(commandPtr);
    return code;
}

static int
GetConnecting(IocpsockUdp *dataPtr, Tcl_Interp *interp,
    const UdpOption *optionPtr, Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    AppendInteger(dsPtr, CpUdpIsLookingUp(dataPtr->udpPtr));
    return TCL_OK;
}

static int
GetError(IocpsockUdp *dataPtr, Tcl_Interp *interp, const UdpOption *optionPtr,
    Tcl_DString *dsPtr)
{
    char text[IOCPSOCK_TEXT_BYTES];
    char *message;
    CpError error = CpUdpTakeError(dataPtr->udpPtr, &message);

    (void) interp;
    (void) optionPtr;
    if (error != CP_OK) {
        Tcl_DStringAppend(dsPtr,
            message != NULL ? message : IocpsockErrorText(error, text), -1);
    }
    CpMessageFree(message);
    return TCL_OK;
}

static int
GetFamily(IocpsockUdp *dataPtr, Tcl_Interp *interp, const UdpOption *optionPtr,
    Tcl_DString *dsPtr)
{
    CpHandle *handlePtr = CpUdpHandle(dataPtr->udpPtr, 0);
    const char *family = "any";
    CpAddr local;

    (void) interp;
    (void) optionPtr;
    if (CpUdpHandle(dataPtr->udpPtr, 1) == NULL && handlePtr != NULL
        && CpHandleLocal(handlePtr, &local) == CP_OK) {
        family = CpUdpFamily(&local) == 1 ? "inet" : "inet6";
    }
    Tcl_DStringAppend(dsPtr, family, -1);
    return TCL_OK;
}

static int
GetSockName(IocpsockUdp *dataPtr, Tcl_Interp *interp,
    const UdpOption *optionPtr, Tcl_DString *dsPtr)
{
    CpHandle *handlePtr;
    unsigned i;

    (void) interp;
    (void) optionPtr;
    for (i = 0; (handlePtr = CpUdpHandle(dataPtr->udpPtr, i)) != NULL; i++) {
        CpAddr local;

        if (CpHandleLocal(handlePtr, &local) == CP_OK) {
            AppendAddr(dsPtr, &local);
        }
    }
    return TCL_OK;
}

/* As the package udp has it. */

static int
GetMyPort(IocpsockUdp *dataPtr, Tcl_Interp *interp, const UdpOption *optionPtr,
    Tcl_DString *dsPtr)
{
    CpHandle *handlePtr = CpUdpHandle(dataPtr->udpPtr, 0);
    CpAddr local;

    (void) interp;
    (void) optionPtr;
    if (handlePtr != NULL && CpHandleLocal(handlePtr, &local) == CP_OK) {
        AppendInteger(dsPtr, CpAddrPort(&local));
    }
    return TCL_OK;
}

static int
GetPeer(IocpsockUdp *dataPtr, Tcl_Interp *interp, const UdpOption *optionPtr,
    Tcl_DString *dsPtr)
{
    char host[CP_HOST_BYTES];

    (void) interp;
    (void) optionPtr;
    if (dataPtr->peer.addr.lengthBytes > 0) {
        IocpsockUdpPeerHost(dataPtr, host);
        AppendHostPort(dsPtr, host, &dataPtr->peer.addr);
    }
    return TCL_OK;
}

static int
GetRemote(IocpsockUdp *dataPtr, Tcl_Interp *interp, const UdpOption *optionPtr,
    Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    AppendAddr(dsPtr, CpUdpRemote(dataPtr->udpPtr));
    return TCL_OK;
}

static int
SetRemote(IocpsockUdp *dataPtr, Tcl_Interp *interp, const UdpOption *optionPtr,
    const char *value)
{
    Tcl_Obj *listPtr = Tcl_NewStringObj(value, -1);
    Tcl_Obj **parts;
    Tcl_Size count;
    int code;

    Tcl_IncrRefCount(listPtr);
    code = Tcl_ListObjGetElements(interp, listPtr, &count, &parts);
    if (code == TCL_OK && count != 2 && count != 0) {
        code = BadValue(interp, optionPtr, value, "a host and a port, or {}");
    } else if (code == TCL_OK && CpUdpHasPeer(dataPtr->udpPtr)) {
        code = IocpsockPosixFailure(interp, "can't set remote", CP_EISCONN);
    } else if (code == TCL_OK && count == 0) {
        (void) CpUdpSetRemote(dataPtr->udpPtr, NULL);
    } else if (code == TCL_OK) {
        code = IocpsockUdpUseRemote(dataPtr, interp, parts[0], parts[1]);
    }
    Tcl_DecrRefCount(listPtr);
    return code;
}

static int
GetStats(IocpsockUdp *dataPtr, Tcl_Interp *interp, const UdpOption *optionPtr,
    Tcl_DString *dsPtr)
{
    Tcl_Obj *dictPtr = IocpsockUdpStats(dataPtr);

    (void) interp;
    (void) optionPtr;
    Tcl_IncrRefCount(dictPtr);
    Tcl_DStringAppend(dsPtr, Tcl_GetString(dictPtr), -1);
    Tcl_DecrRefCount(dictPtr);
    return TCL_OK;
}

/* ------------------------------------------------------------- limits */

static uint32_t *
LimitOf(CpUdpLimits *limitsPtr, const UdpOption *optionPtr)
{
    return (uint32_t *) (void *) ((char *) limitsPtr + optionPtr->which);
}

static int
GetLimit(IocpsockUdp *dataPtr, Tcl_Interp *interp, const UdpOption *optionPtr,
    Tcl_DString *dsPtr)
{
    CpUdpLimits limits;

    (void) interp;
    CpUdpGetLimits(dataPtr->udpPtr, &limits);
    AppendInteger(dsPtr, *LimitOf(&limits, optionPtr));
    return TCL_OK;
}

static int
SetLimit(IocpsockUdp *dataPtr, Tcl_Interp *interp, const UdpOption *optionPtr,
    const char *value)
{
    CpUdpLimits limits;
    int number;

    if (ParseInteger(interp, optionPtr, value, &number) != TCL_OK) {
        return TCL_ERROR;
    }
    CpUdpGetLimits(dataPtr->udpPtr, &limits);
    *LimitOf(&limits, optionPtr) = (uint32_t) number;
    CpUdpSetLimits(dataPtr->udpPtr, &limits);
    return TCL_OK;
}

/* ------------------------------------------- options of the sockets */

/* The next socket that an option is of, from *indexPtr on; NULL: no more. */

static CpHandle *
NextSocket(const IocpsockUdp *dataPtr, const UdpOption *optionPtr,
    unsigned *indexPtr)
{
    CpHandle *handlePtr;

    while ((handlePtr = CpUdpHandle(dataPtr->udpPtr, (*indexPtr)++)) != NULL) {
        CpAddr local;

        if (optionPtr->family == 0
            || (CpHandleLocal(handlePtr, &local) == CP_OK
                && CpUdpFamily(&local) == optionPtr->family)) {
            return handlePtr;
        }
    }
    return NULL;
}

static int
IsSockOpt(const UdpOption *optionPtr)
{
    return optionPtr->which >= CP_UDP_OPT_COUNT;
}

#define SOCK_OPT(opt) ((opt) + CP_UDP_OPT_COUNT)

static CpError
ReadOption(CpHandle *handlePtr, const UdpOption *optionPtr, int *valuePtr)
{
    return IsSockOpt(optionPtr)
        ? CpHandleGetOpt(handlePtr,
            (CpSockOpt) (optionPtr->which - CP_UDP_OPT_COUNT), valuePtr)
        : CpUdpGetOpt(handlePtr, (CpUdpOpt) optionPtr->which, valuePtr);
}

static CpError
WriteOption(CpHandle *handlePtr, const UdpOption *optionPtr, int value)
{
    return IsSockOpt(optionPtr)
        ? CpHandleSetOpt(handlePtr,
            (CpSockOpt) (optionPtr->which - CP_UDP_OPT_COUNT), value)
        : CpUdpSetOpt(handlePtr, (CpUdpOpt) optionPtr->which, value);
}

static int
GetSocket(IocpsockUdp *dataPtr, Tcl_Interp *interp, const UdpOption *optionPtr,
    Tcl_DString *dsPtr)
{
    unsigned index = 0;
    CpHandle *handlePtr = NextSocket(dataPtr, optionPtr, &index);
    CpError error = CP_EAFNOSUPPORT;
    char what[32];
    int value = 0;

    if (CpUdpHandle(dataPtr->udpPtr, 0) == NULL) {
        error = CP_ENOTCONN;
    } else if (handlePtr != NULL) {
        error = ReadOption(handlePtr, optionPtr, &value);
    }
    if (error != CP_OK) {
        snprintf(what, sizeof(what), "can't get %s", optionPtr->name + 1);
        return IocpsockPosixFailure(interp, what, error);
    }
    AppendInteger(dsPtr, optionPtr->max == 1 ? value != 0 : value);
    return TCL_OK;
}

static int
SetSocket(IocpsockUdp *dataPtr, Tcl_Interp *interp, const UdpOption *optionPtr,
    const char *value)
{
    CpError error = CP_EAFNOSUPPORT;
    CpHandle *handlePtr;
    unsigned index = 0;
    char what[32];
    int number;

    if (optionPtr->max == 1) {
        if (Tcl_GetBoolean(NULL, value, &number) != TCL_OK) {
            return BadValue(interp, optionPtr, value, "a boolean");
        }
    } else if (ParseInteger(interp, optionPtr, value, &number) != TCL_OK) {
        return TCL_ERROR;
    }
    while ((handlePtr = NextSocket(dataPtr, optionPtr, &index)) != NULL) {
        error = WriteOption(handlePtr, optionPtr, number);
        if (error != CP_OK) {
            break;
        }
    }
    if (error != CP_OK) {
        snprintf(what, sizeof(what), "can't set %s", optionPtr->name + 1);
        return IocpsockUdpFailure(interp, what, error);
    }
    return TCL_OK;
}

/* ----------------------------------------------------------- multicast */

static int
SetMcastAdd(IocpsockUdp *dataPtr, Tcl_Interp *interp,
    const UdpOption *optionPtr, const char *value)
{
    (void) optionPtr;
    return IocpsockUdpJoin(dataPtr, interp, value, 1);
}

static int
SetMcastDrop(IocpsockUdp *dataPtr, Tcl_Interp *interp,
    const UdpOption *optionPtr, const char *value)
{
    (void) optionPtr;
    return IocpsockUdpJoin(dataPtr, interp, value, 0);
}

static int
GetMcastGroups(IocpsockUdp *dataPtr, Tcl_Interp *interp,
    const UdpOption *optionPtr, Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    IocpsockUdpListGroups(dataPtr, dsPtr);
    return TCL_OK;
}

static int
GetMcastIf(IocpsockUdp *dataPtr, Tcl_Interp *interp, const UdpOption *optionPtr,
    Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    Tcl_DStringAppend(dsPtr, dataPtr->mcastIf, -1);
    return TCL_OK;
}

static int
SetMcastIf(IocpsockUdp *dataPtr, Tcl_Interp *interp, const UdpOption *optionPtr,
    const char *value)
{
    (void) optionPtr;
    return IocpsockUdpSetMcastIf(dataPtr, interp, value);
}

/* ------------------------------------------------------------ the table */

#define LIMIT(member) ((int) offsetof(CpUdpLimits, member))

static const UdpOption options[] = {{"-broadcast", 0, GetSocket, SetSocket,
                                        CP_UDP_BROADCAST, 0, 1, 1},
    {"-command", 1, GetCommand, SetCommand, 0, 0, 0, 0},
    {"-connecting", 0, GetConnecting, NULL, 0, 0, 0, 0},
    {"-error", 0, GetError, NULL, 0, 0, 0, 0},
    {"-family", 1, GetFamily, NULL, 0, 0, 0, 0},
    {"-hops", 0, GetSocket, SetSocket, CP_UDP_TTL, 1, 255, 2},
    {"-maxsize", 1, GetLimit, SetLimit, LIMIT(datagramBytes), 1,
        CP_UDP_BYTES_MAX, 0},
    {"-mcastadd", 0, NULL, SetMcastAdd, 0, 0, 0, 0},
    {"-mcastdrop", 0, NULL, SetMcastDrop, 0, 0, 0, 0},
    {"-mcastgroups", 1, GetMcastGroups, NULL, 0, 0, 0, 0},
    {"-mcastif", 1, GetMcastIf, SetMcastIf, 0, 0, 0, 0},
    {"-mcastloop", 0, GetSocket, SetSocket, CP_UDP_MCAST_LOOP, 0, 1, 0},
    {"-mcastttl", 0, GetSocket, SetSocket, CP_UDP_MCAST_TTL, 0, 255, 0},
    {"-myport", 0, GetMyPort, NULL, 0, 0, 0, 0},
    {"-peer", 1, GetPeer, NULL, 0, 0, 0, 0},
    {"-queuebytes", 1, GetLimit, SetLimit, LIMIT(queueBytes), 1, INT_MAX, 0},
    {"-queuecount", 1, GetLimit, SetLimit, LIMIT(queueCount), 1, INT_MAX, 0},
    {"-remote", 1, GetRemote, SetRemote, 0, 0, 0, 0},
    {"-sockname", 1, GetSockName, NULL, 0, 0, 0, 0},
    {"-sorcvbuf", 0, GetSocket, SetSocket, SOCK_OPT(CP_OPT_RCVBUF), 0, INT_MAX,
        0},
    {"-sosndbuf", 0, GetSocket, SetSocket, SOCK_OPT(CP_OPT_SNDBUF), 0, INT_MAX,
        0},
    {"-stats", 0, GetStats, NULL, 0, 0, 0, 0},
    {"-ttl", 0, GetSocket, SetSocket, CP_UDP_TTL, 1, 255, 1},
    {NULL, 0, NULL, NULL, 0, 0, 0, 0}};

static const UdpOption *
FindOption(const char *name)
{
    const UdpOption *optionPtr;

    for (optionPtr = options; optionPtr->name != NULL; optionPtr++) {
        if (strcmp(name, optionPtr->name) == 0) {
            return optionPtr;
        }
    }
    return NULL;
}

/* While its peer's name is looked up, a channel has no sockets. */

static int
NeedsSocket(const UdpOption *optionPtr)
{
    return optionPtr->setProc == SetSocket || optionPtr->setProc == SetMcastAdd
        || optionPtr->setProc == SetMcastDrop
        || optionPtr->setProc == SetMcastIf;
}

int
IocpsockUdpSetOption(void *instanceData, Tcl_Interp *interp,
    const char *optionName, const char *value)
{
    IocpsockUdp *dataPtr = ((IocpsockChan *) instanceData)->kindData;
    const UdpOption *optionPtr = FindOption(optionName);
    char what[32];

    if (optionPtr == NULL || optionPtr->setProc == NULL) {
        return Tcl_BadChannelOption(interp, optionName, SETTABLE);
    }
    if (NeedsSocket(optionPtr) && CpUdpHandle(dataPtr->udpPtr, 0) == NULL) {
        snprintf(what, sizeof(what), "can't set %s", optionPtr->name + 1);
        return IocpsockPosixFailure(interp, what, CP_ENOTCONN);
    }
    return optionPtr->setProc(dataPtr, interp, optionPtr, value);
}

static void
ListOptions(IocpsockUdp *dataPtr, Tcl_DString *dsPtr)
{
    const UdpOption *optionPtr;

    for (optionPtr = options; optionPtr->name != NULL; optionPtr++) {
        Tcl_DString value;

        if (!optionPtr->isListed) {
            continue;
        }
        Tcl_DStringInit(&value);
        if (optionPtr->getProc(dataPtr, NULL, optionPtr, &value) == TCL_OK) {
            Tcl_DStringAppendElement(dsPtr, optionPtr->name);
            Tcl_DStringAppendElement(dsPtr, Tcl_DStringValue(&value));
        }
        Tcl_DStringFree(&value);
    }
}

int
IocpsockUdpGetOption(void *instanceData, Tcl_Interp *interp,
    const char *optionName, Tcl_DString *dsPtr)
{
    IocpsockUdp *dataPtr = ((IocpsockChan *) instanceData)->kindData;
    const UdpOption *optionPtr;

    if (optionName == NULL || optionName[0] == '\0') {
        ListOptions(dataPtr, dsPtr);
        return TCL_OK;
    }
    optionPtr = FindOption(optionName);
    if (optionPtr == NULL || optionPtr->getProc == NULL) {
        return Tcl_BadChannelOption(interp, optionName, READABLE);
    }
    return optionPtr->getProc(dataPtr, interp, optionPtr, dsPtr);
}
