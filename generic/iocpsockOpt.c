/*
 * iocpsockOpt.c --
 *
 *	Channel options, in one table.
 *
 *	The listing (fconfigure $chan), the messages about unknown options and
 *	the abbreviations are those of the core's driver: the core's options
 *	come first in the table, and the others only answer by name.
 */

#include "iocpsock.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define ON_CONN 1
#define ON_SERVER 2
#define ON_BOTH (ON_CONN | ON_SERVER)
#define LISTED 4                /* Part of the listing. */

typedef struct Option Option;

typedef int GetOptionProc(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const Option *optionPtr, Tcl_DString *dsPtr);
typedef int SetOptionProc(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const Option *optionPtr, const char *value);

struct Option {
    const char *name;
    int flags;
    GetOptionProc *getProc;
    SetOptionProc *setProc;     /* NULL: read-only */
    CpSockOpt sockOpt;          /* For those of the socket itself. */
};

static const char *const recvModes[] = {
    [CP_RECV_ADAPTIVE] = "adaptive",
    [CP_RECV_ZERO_BYTE] = "zero-byte",
    [CP_RECV_FLOW_CONTROLLED] = "flow-controlled",
    [CP_RECV_BURST_DETECTION] = "burst-detection",
};
#define RECV_MODE_COUNT 4

static const char *const acceptModes[] = {
    [CP_ACCEPT_CONNECT] = "connect",
    [CP_ACCEPT_DATA] = "data",
};
#define ACCEPT_MODE_COUNT 2

/* ------------------------------------------------------------ values */

static int
BadValue(
    Tcl_Interp *interp,
    const Option *optionPtr,
    const char *value,
    const char *allowed)
{
    if (interp != NULL) {
        Tcl_SetObjResult(interp, Tcl_ObjPrintf(
            "bad value \"%s\" for %s: must be %s", value, optionPtr->name,
            allowed));
        Tcl_SetErrorCode(interp, "IOCPSOCK", "VALUE", optionPtr->name,
            (char *) NULL);
    }
    return TCL_ERROR;
}

static int
GetInteger(
    Tcl_Interp *interp,
    const Option *optionPtr,
    const char *value,
    int min,
    int max,
    int *resultPtr)
{
    char allowed[64];

    if (Tcl_GetInt(NULL, value, resultPtr) != TCL_OK || *resultPtr < min
            || *resultPtr > max) {
        snprintf(allowed, sizeof(allowed), "an integer from %d to %d", min,
            max);
        return BadValue(interp, optionPtr, value, allowed);
    }
    return TCL_OK;
}

static int
GetKeyword(
    Tcl_Interp *interp,
    const Option *optionPtr,
    const char *value,
    const char *const *keywords,
    int count,
    const char *allowed,
    int *resultPtr)
{
    int i;

    for (i = 0; i < count; i++) {
        if (strcmp(value, keywords[i]) == 0) {
            *resultPtr = i;
            return TCL_OK;
        }
    }
    return BadValue(interp, optionPtr, value, allowed);
}

static void
AppendInteger(
    Tcl_DString *dsPtr,
    int value)
{
    char string[32];

    snprintf(string, sizeof(string), "%d", value);
    Tcl_DStringAppend(dsPtr, string, -1);
}

static int
PosixFailure(
    Tcl_Interp *interp,
    const char *what,
    CpError error)
{
    Tcl_SetErrno(IocpsockErrno(error));
    if (interp != NULL) {
        Tcl_SetObjResult(interp, Tcl_ObjPrintf("%s: %s", what,
            Tcl_PosixError(interp)));
    }
    return TCL_ERROR;
}

/* ------------------------------------------------------------- names */

static void
AppendAddr(
    Tcl_Interp *interp,
    const CpAddr *addrPtr,
    Tcl_DString *dsPtr)
{
    char host[CP_HOST_BYTES];
    int numeric = interp != NULL && Tcl_GetVar2(interp,
        "::tcl::unsupported::noReverseDNS", NULL, 0) != NULL;

    CpAddrHost(addrPtr, 1, host);
    Tcl_DStringAppendElement(dsPtr, host);
    if (!numeric && !CpAddrIsAny(addrPtr)) {
        CpAddrHost(addrPtr, 0, host);
    }
    Tcl_DStringAppendElement(dsPtr, host);
    snprintf(host, sizeof(host), "%u", CpAddrPort(addrPtr));
    Tcl_DStringAppendElement(dsPtr, host);
}

static int
IsDialling(
    const IocpsockChan *chanPtr)
{
    return chanPtr->connPtr != NULL
        && CpConnGetState(chanPtr->connPtr) == CP_CONN_DIALLING;
}

static CpHandle *
ConnHandle(
    const IocpsockChan *chanPtr)
{
    return chanPtr->connPtr != NULL ? CpConnHandle(chanPtr->connPtr) : NULL;
}

static int
GetPeerName(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    CpHandle *handlePtr = ConnHandle(chanPtr);
    CpError error = CP_ENOTCONN;
    CpAddr addr;

    (void) optionPtr;
    if (IsDialling(chanPtr)) {
        return TCL_OK;
    }
    if (handlePtr != NULL) {
        error = CpHandlePeer(handlePtr, &addr);
    }
    if (error != CP_OK) {
        return PosixFailure(interp, "can't get peername", error);
    }
    AppendAddr(interp, &addr, dsPtr);
    return TCL_OK;
}

static int
GetSockName(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    IocpsockServer *serverPtr = chanPtr->serverPtr;
    CpError error = CP_ENOTCONN;
    CpAddr addr;
    unsigned i;

    (void) optionPtr;
    if (IsDialling(chanPtr)) {
        return TCL_OK;
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
    if (error != CP_OK) {
        return PosixFailure(interp, "can't get sockname", error);
    }
    return TCL_OK;
}

/* ------------------------------------------------------------- state */

static int
GetError(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    CpError error = CP_OK;

    (void) interp;
    (void) optionPtr;
    if (chanPtr->connPtr != NULL) {
        error = CpConnTakeError(chanPtr->connPtr);
        if (error == CP_OK
                && CpConnGetState(chanPtr->connPtr) == CP_CONN_OPEN) {
            error = CpConnSendError(chanPtr->connPtr);
        }
    }
    if (error != CP_OK) {
        Tcl_DStringAppend(dsPtr, Tcl_ErrnoMsg(IocpsockErrno(error)), -1);
    }
    return TCL_OK;
}

static int
GetConnecting(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    AppendInteger(dsPtr, IsDialling(chanPtr));
    return TCL_OK;
}

void
IocpsockPutCounter(
    Tcl_Obj *dictPtr,
    const char *key,
    int64_t value)
{
    Tcl_DictObjPut(NULL, dictPtr, Tcl_NewStringObj(key, -1),
        Tcl_NewWideIntObj((Tcl_WideInt) value));
}

static void
PutListenerStats(
    Tcl_Obj *dictPtr,
    const IocpsockServer *serverPtr)
{
    CpListenerStats all;
    unsigned i;

    memset(&all, 0, sizeof(all));
    for (i = 0; i < serverPtr->listenerCount; i++) {
        CpListenerStats one;

        CpListenerGetStats(serverPtr->listeners[i], &one);
        all.posted += one.posted;
        all.queued += one.queued;
        all.waiting += one.waiting;
        all.accepted += one.accepted;
        all.failed += one.failed;
        all.timedOut += one.timedOut;
    }
    IocpsockPutCounter(dictPtr, "acceptsPosted", all.posted);
    IocpsockPutCounter(dictPtr, "acceptsQueued", all.queued);
    IocpsockPutCounter(dictPtr, "waiting", all.waiting);
    IocpsockPutCounter(dictPtr, "accepted", (int64_t) all.accepted);
    IocpsockPutCounter(dictPtr, "acceptsFailed", (int64_t) all.failed);
    IocpsockPutCounter(dictPtr, "timedOut", (int64_t) all.timedOut);
}

static void
PutConnStats(
    Tcl_Obj *dictPtr,
    const CpConn *connPtr)
{
    static const char *const states[] = {
        [CP_CONN_DIALLING] = "connecting",
        [CP_CONN_OPEN] = "open",
        [CP_CONN_FAILED] = "failed",
        [CP_CONN_CLOSING] = "closing",
    };
    CpConnStats stats;

    CpConnGetStats(connPtr, &stats);
    Tcl_DictObjPut(NULL, dictPtr, Tcl_NewStringObj("state", -1),
        Tcl_NewStringObj(states[CpConnGetState(connPtr)], -1));
    Tcl_DictObjPut(NULL, dictPtr, Tcl_NewStringObj("recvMode", -1),
        Tcl_NewStringObj(recvModes[CpConnRecvMode(connPtr)], -1));
    IocpsockPutCounter(dictPtr, "bytesIn", (int64_t) stats.bytesIn);
    IocpsockPutCounter(dictPtr, "bytesOut", (int64_t) stats.bytesOut);
    IocpsockPutCounter(dictPtr, "recvPending", stats.recvPending);
    IocpsockPutCounter(dictPtr, "sendPending", stats.sendPending);
    IocpsockPutCounter(dictPtr, "recvBuffered", (int64_t) stats.recvBuffered);
    IocpsockPutCounter(dictPtr, "sendBuffered", (int64_t) stats.sendBuffered);
}

static int
GetStats(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    Tcl_Obj *dictPtr = Tcl_NewDictObj();

    (void) interp;
    (void) optionPtr;
    Tcl_IncrRefCount(dictPtr);
    if (chanPtr->serverPtr != NULL) {
        PutListenerStats(dictPtr, chanPtr->serverPtr);
    } else {
        PutConnStats(dictPtr, chanPtr->connPtr);
        IocpsockPutCounter(dictPtr, "events", (int64_t) chanPtr->events);
    }
    Tcl_DStringAppend(dsPtr, Tcl_GetString(dictPtr), -1);
    Tcl_DecrRefCount(dictPtr);
    return TCL_OK;
}

/* ------------------------------------------- options of the socket */

/* A listener's sockets all have the same settings. */

static int
ReadSockOpt(
    IocpsockChan *chanPtr,
    CpSockOpt opt)
{
    int value = 0;

    /* As with the core, a socket that is not there has a default. */
    if (chanPtr->serverPtr != NULL) {
        (void) CpHandleGetOpt(
            CpListenerHandle(chanPtr->serverPtr->listeners[0]), opt, &value);
    } else {
        (void) CpConnGetOpt(chanPtr->connPtr, opt, &value);
    }
    return value;
}

/* What a listener passes on, since accepted sockets may lose it. */

static int *
InheritSlot(
    IocpsockInherit *inheritPtr,
    CpSockOpt opt)
{
    switch (opt) {
    case CP_OPT_KEEPALIVE:
        return &inheritPtr->keepAlive;
    case CP_OPT_NODELAY:
        return &inheritPtr->noDelay;
    case CP_OPT_SNDBUF:
        return &inheritPtr->sndBuf;
    case CP_OPT_RCVBUF:
        return &inheritPtr->rcvBuf;
    case CP_OPT_REUSEADDR:
    case CP_OPT_COUNT:
        break;                  /* Of no use to a connection. */
    }
    return NULL;
}

static int
GetSockSize(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    (void) interp;
    AppendInteger(dsPtr, ReadSockOpt(chanPtr, optionPtr->sockOpt));
    return TCL_OK;
}

static int
GetSockBoolean(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    (void) interp;
    AppendInteger(dsPtr, ReadSockOpt(chanPtr, optionPtr->sockOpt) != 0);
    return TCL_OK;
}

static int
GetNagle(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    (void) interp;
    AppendInteger(dsPtr, ReadSockOpt(chanPtr, optionPtr->sockOpt) == 0);
    return TCL_OK;
}

static int
ApplySockOpt(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    CpSockOpt opt,
    int value)
{
    IocpsockServer *serverPtr = chanPtr->serverPtr;
    CpError error = CP_OK;
    unsigned i;

    if (serverPtr != NULL) {
        for (i = 0; i < serverPtr->listenerCount && error == CP_OK; i++) {
            error = CpHandleSetOpt(CpListenerHandle(serverPtr->listeners[i]),
                opt, value);
        }
    } else {
        error = CpConnSetOpt(chanPtr->connPtr, opt, value);
    }
    if (error != CP_OK) {
        return PosixFailure(interp, "couldn't set socket option", error);
    }
    if (serverPtr != NULL) {
        *InheritSlot(&serverPtr->inherit, opt) = value;
    }
    return TCL_OK;
}

static int
SetSockBoolean(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    const char *value)
{
    int on;

    /* As Tcl 9, down to the message. */
    if (Tcl_GetBoolean(interp, value, &on) != TCL_OK) {
        return TCL_ERROR;
    }
    return ApplySockOpt(chanPtr, interp, optionPtr->sockOpt, on);
}

static int
SetNagle(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    const char *value)
{
    int on;

    if (Tcl_GetBoolean(NULL, value, &on) != TCL_OK) {
        return BadValue(interp, optionPtr, value, "a boolean");
    }
    return ApplySockOpt(chanPtr, interp, CP_OPT_NODELAY, !on);
}

static int
SetSockSize(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    const char *value)
{
    int bytes;

    if (GetInteger(interp, optionPtr, value, 0, INT_MAX, &bytes) != TCL_OK) {
        return TCL_ERROR;
    }
    return ApplySockOpt(chanPtr, interp, optionPtr->sockOpt, bytes);
}

/* ------------------------------------------- options of the driver */

static int
GetRecvMode(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    Tcl_DStringAppend(dsPtr, recvModes[chanPtr->serverPtr != NULL
        ? chanPtr->serverPtr->inherit.recvMode
        : CpConnRecvMode(chanPtr->connPtr)], -1);
    return TCL_OK;
}

static int
SetRecvMode(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    const char *value)
{
    int mode = 0;

    if (GetKeyword(interp, optionPtr, value, recvModes, RECV_MODE_COUNT,
            "zero-byte, flow-controlled, burst-detection or adaptive", &mode)
            != TCL_OK) {
        return TCL_ERROR;
    }
    if (chanPtr->serverPtr != NULL) {
        chanPtr->serverPtr->inherit.recvMode = (CpRecvMode) mode;
    } else {
        CpConnSetRecvMode(chanPtr->connPtr, (CpRecvMode) mode);
    }
    return TCL_OK;
}

static int
GetSendCap(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    AppendInteger(dsPtr, (int) (chanPtr->serverPtr != NULL
        ? chanPtr->serverPtr->inherit.sendCap
        : CpConnSendCap(chanPtr->connPtr)));
    return TCL_OK;
}

static int
SetSendCap(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    const char *value)
{
    int cap;

    if (GetInteger(interp, optionPtr, value, 1, CP_SEND_CAP_MAX, &cap)
            != TCL_OK) {
        return TCL_ERROR;
    }
    if (chanPtr->serverPtr != NULL) {
        chanPtr->serverPtr->inherit.sendCap = (unsigned) cap;
    } else {
        CpConnSetSendCap(chanPtr->connPtr, (unsigned) cap);
    }
    return TCL_OK;
}

static int
GetBacklog(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    AppendInteger(dsPtr, (int) chanPtr->serverPtr->backlog);
    return TCL_OK;
}

static int
SetBacklog(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    const char *value)
{
    IocpsockServer *serverPtr = chanPtr->serverPtr;
    int backlog;
    unsigned i;

    if (GetInteger(interp, optionPtr, value, 1, CP_BACKLOG_MAX, &backlog)
            != TCL_OK) {
        return TCL_ERROR;
    }
    serverPtr->backlog = (unsigned) backlog;
    for (i = 0; i < serverPtr->listenerCount; i++) {
        CpListenerSetBacklog(serverPtr->listeners[i], serverPtr->backlog);
    }
    return TCL_OK;
}

static int
GetAcceptMode(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    Tcl_DStringAppend(dsPtr, acceptModes[chanPtr->serverPtr->acceptMode], -1);
    return TCL_OK;
}

static int
SetAcceptMode(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    const char *value)
{
    IocpsockServer *serverPtr = chanPtr->serverPtr;
    int mode = 0;
    unsigned i;

    if (GetKeyword(interp, optionPtr, value, acceptModes, ACCEPT_MODE_COUNT,
            "connect or data", &mode) != TCL_OK) {
        return TCL_ERROR;
    }
    serverPtr->acceptMode = (CpAcceptMode) mode;
    for (i = 0; i < serverPtr->listenerCount; i++) {
        CpListenerSetMode(serverPtr->listeners[i], serverPtr->acceptMode);
    }
    return TCL_OK;
}

static int
GetAcceptTimeout(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    AppendInteger(dsPtr, chanPtr->serverPtr->acceptTimeoutMs);
    return TCL_OK;
}

static int
SetAcceptTimeout(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    const Option *optionPtr,
    const char *value)
{
    IocpsockServer *serverPtr = chanPtr->serverPtr;
    int timeoutMs;
    unsigned i;

    if (GetInteger(interp, optionPtr, value, 0, INT_MAX, &timeoutMs)
            != TCL_OK) {
        return TCL_ERROR;
    }
    serverPtr->acceptTimeoutMs = timeoutMs;
    for (i = 0; i < serverPtr->listenerCount; i++) {
        CpListenerSetTimeout(serverPtr->listeners[i], (uint32_t) timeoutMs);
    }
    return TCL_OK;
}

/* ------------------------------------------------------- the table */

#if TCL_MAJOR_VERSION < 9
#define LISTED_IN_9 0
#define GETTABLE "connecting peername sockname"
#define SETTABLE ""
#else
#define LISTED_IN_9 LISTED
#define GETTABLE "connecting keepalive nodelay peername sockname"
#define SETTABLE "keepalive nodelay"
#endif

static const Option options[] = {
    {"-error", ON_BOTH, GetError, NULL, 0},
    {"-connecting", ON_BOTH, GetConnecting, NULL, 0},
    {"-peername", ON_BOTH | LISTED, GetPeerName, NULL, 0},
    {"-sockname", ON_BOTH | LISTED, GetSockName, NULL, 0},
    {"-keepalive", ON_BOTH | LISTED_IN_9, GetSockBoolean, SetSockBoolean,
        CP_OPT_KEEPALIVE},
    {"-nodelay", ON_BOTH | LISTED_IN_9, GetSockBoolean, SetSockBoolean,
        CP_OPT_NODELAY},
    {"-nagle", ON_BOTH, GetNagle, SetNagle, CP_OPT_NODELAY},
    {"-sendcap", ON_BOTH, GetSendCap, SetSendCap, 0},
    {"-recvmode", ON_BOTH, GetRecvMode, SetRecvMode, 0},
    {"-sosndbuf", ON_BOTH, GetSockSize, SetSockSize, CP_OPT_SNDBUF},
    {"-sorcvbuf", ON_BOTH, GetSockSize, SetSockSize, CP_OPT_RCVBUF},
    {"-stats", ON_BOTH, GetStats, NULL, 0},
    {"-backlog", ON_SERVER, GetBacklog, SetBacklog, 0},
    {"-acceptmode", ON_SERVER, GetAcceptMode, SetAcceptMode, 0},
    {"-accepttimeout", ON_SERVER, GetAcceptTimeout, SetAcceptTimeout, 0},
    {NULL, 0, NULL, NULL, 0}
};

/* Finds an option by its name or a beginning of it, as the core does. */

static const Option *
FindOption(
    const IocpsockChan *chanPtr,
    const char *name)
{
    const Option *optionPtr;
    size_t length = strlen(name);
    int on = chanPtr->serverPtr != NULL ? ON_SERVER : ON_CONN;

    for (optionPtr = options; optionPtr->name != NULL; optionPtr++) {
        if ((optionPtr->flags & on) && length > 1
                && strncmp(name, optionPtr->name, length) == 0) {
            return optionPtr;
        }
    }
    return NULL;
}

int
IocpsockSetOption(
    void *instanceData,
    Tcl_Interp *interp,
    const char *optionName,
    const char *value)
{
    IocpsockChan *chanPtr = instanceData;
    const Option *optionPtr = FindOption(chanPtr, optionName);

    if (optionPtr == NULL || optionPtr->setProc == NULL) {
        return Tcl_BadChannelOption(interp, optionName, SETTABLE);
    }
    return optionPtr->setProc(chanPtr, interp, optionPtr, value);
}

/* All that are listed; one that has no value now is left out. */

static void
ListOptions(
    IocpsockChan *chanPtr,
    Tcl_Interp *interp,
    Tcl_DString *dsPtr)
{
    const Option *optionPtr;

    for (optionPtr = options; optionPtr->name != NULL; optionPtr++) {
        Tcl_DString value;

        if (!(optionPtr->flags & LISTED)) {
            continue;
        }
        Tcl_DStringInit(&value);
        if (optionPtr->getProc(chanPtr, NULL, optionPtr, &value) == TCL_OK) {
            Tcl_DStringAppendElement(dsPtr, optionPtr->name);
            Tcl_DStringAppendElement(dsPtr, Tcl_DStringValue(&value));
        }
        Tcl_DStringFree(&value);
    }
    (void) interp;
}

int
IocpsockGetOption(
    void *instanceData,
    Tcl_Interp *interp,
    const char *optionName,
    Tcl_DString *dsPtr)
{
    IocpsockChan *chanPtr = instanceData;
    const Option *optionPtr;

    /* Scripts poll a connect with -connecting or -error, without events. */
    if (IsDialling(chanPtr) && chanPtr->threadPtr != NULL) {
        CpPortReap(chanPtr->threadPtr->portPtr, 0);
    }
    if (optionName == NULL) {
        ListOptions(chanPtr, interp, dsPtr);
        return TCL_OK;
    }
    optionPtr = FindOption(chanPtr, optionName);
    if (optionPtr == NULL) {
        return Tcl_BadChannelOption(interp, optionName, GETTABLE);
    }
    return optionPtr->getProc(chanPtr, interp, optionPtr, dsPtr);
}

/* ---------------------------------------------------- inheritance */

void
IocpsockInheritInit(
    IocpsockInherit *inheritPtr)
{
    inheritPtr->recvMode = CP_RECV_ADAPTIVE;
    inheritPtr->sendCap = CP_SEND_CAP_DEFAULT;
    inheritPtr->keepAlive = -1;
    inheritPtr->noDelay = -1;
    inheritPtr->sndBuf = -1;
    inheritPtr->rcvBuf = -1;
}

void
IocpsockInheritApply(
    const IocpsockInherit *inheritPtr,
    CpConn *connPtr)
{
    static const CpSockOpt opts[] = {
        CP_OPT_KEEPALIVE, CP_OPT_NODELAY, CP_OPT_SNDBUF, CP_OPT_RCVBUF
    };
    IocpsockInherit inherit = *inheritPtr;
    size_t i;

    CpConnSetRecvMode(connPtr, inherit.recvMode);
    CpConnSetSendCap(connPtr, inherit.sendCap);
    for (i = 0; i < sizeof(opts) / sizeof(opts[0]); i++) {
        int value = *InheritSlot(&inherit, opts[i]);

        if (value >= 0) {
            (void) CpHandleSetOpt(CpConnHandle(connPtr), opts[i], value);
        }
    }
}
