/*
 * iocpsockOpt.c --
 *
 *      Channel options, in one table.
 *
 *      The listing (fconfigure $chan), the messages about unknown options and
 *      the abbreviations are those of the core's driver: the core's options
 *      come first in the table, and the others only answer by name.
 */

#include "iocpsock.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define ON_CONN 1
#define ON_SERVER 2
#define ON_BOTH (ON_CONN | ON_SERVER)
#define LISTED 4 /* Part of the listing. */

typedef struct Option Option;

/* The interpreter has variables that names depend on, and may be NULL. */
typedef CpError GetOptionProc(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const Option *optionPtr, Tcl_DString *dsPtr);
typedef int SetOptionProc(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const Option *optionPtr, const char *value);

struct Option {
    const char *name;
    int flags;
    GetOptionProc *getProc;
    SetOptionProc *setProc; /* NULL: read-only */
    CpSockOpt sockOpt;      /* For those of the socket itself. */
};

const char *const iocpsockRecvModes[] = {
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
BadValue(Tcl_Interp *interp, const Option *optionPtr, const char *value,
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
GetInteger(Tcl_Interp *interp, const Option *optionPtr, const char *value,
    int min, int max, int *resultPtr)
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
GetKeyword(Tcl_Interp *interp, const Option *optionPtr, const char *value,
    const char *const *keywords, int count, const char *allowed, int *resultPtr)
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
AppendInteger(Tcl_DString *dsPtr, int value)
{
    char string[32];

    snprintf(string, sizeof(string), "%d", value);
    Tcl_DStringAppend(dsPtr, string, -1);
}

/* ------------------------------------------------------------- state */

static CpError
GetPeerName(IocpsockChan *chanPtr, Tcl_Interp *interp, const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    (void) optionPtr;
    return IocpsockPeerName(chanPtr, interp, dsPtr);
}

static CpError
GetSockName(IocpsockChan *chanPtr, Tcl_Interp *interp, const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    (void) optionPtr;
    return IocpsockSockName(chanPtr, interp, dsPtr);
}

static CpError
GetError(IocpsockChan *chanPtr, Tcl_Interp *interp, const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    CpError error = CP_OK;
    const char *message = NULL;
    char text[IOCPSOCK_TEXT_BYTES];

    (void) interp;
    (void) optionPtr;
    if (chanPtr->connPtr != NULL) {
        message = CpConnDialMessage(chanPtr->connPtr);
        error = CpConnTakeError(chanPtr->connPtr);
        if (error == CP_OK
            && CpConnGetState(chanPtr->connPtr) == CP_CONN_OPEN) {
            error = CpConnUnreportedError(chanPtr->connPtr);
        }
    }
    if (error != CP_OK) {
        Tcl_DStringAppend(dsPtr,
            message != NULL ? message : IocpsockErrorText(error, text), -1);
    }
    return CP_OK;
}

static CpError
GetConnecting(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const Option *optionPtr, Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    AppendInteger(dsPtr, IocpsockIsDialling(chanPtr));
    return CP_OK;
}

static CpError
GetStats(IocpsockChan *chanPtr, Tcl_Interp *interp, const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    Tcl_Obj *dictPtr = IocpsockChanStats(chanPtr);

    (void) interp;
    (void) optionPtr;
    Tcl_IncrRefCount(dictPtr);
    Tcl_DStringAppend(dsPtr, Tcl_GetString(dictPtr), -1);
    Tcl_DecrRefCount(dictPtr);
    return CP_OK;
}

/* ------------------------------------------- options of the socket */

static CpError
GetSockSize(IocpsockChan *chanPtr, Tcl_Interp *interp, const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    (void) interp;
    AppendInteger(dsPtr, IocpsockReadSockOpt(chanPtr, optionPtr->sockOpt));
    return CP_OK;
}

static CpError
GetSockBoolean(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const Option *optionPtr, Tcl_DString *dsPtr)
{
    (void) interp;
    AppendInteger(dsPtr, IocpsockReadSockOpt(chanPtr, optionPtr->sockOpt) != 0);
    return CP_OK;
}

static CpError
GetNagle(IocpsockChan *chanPtr, Tcl_Interp *interp, const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    (void) interp;
    AppendInteger(dsPtr, IocpsockReadSockOpt(chanPtr, optionPtr->sockOpt) == 0);
    return CP_OK;
}

static int
SetSockBoolean(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const Option *optionPtr, const char *value)
{
    int on;

    /* As Tcl 9, down to the message. */
    if (Tcl_GetBoolean(interp, value, &on) != TCL_OK) {
        return TCL_ERROR;
    }
    return IocpsockApplySockOpt(chanPtr, interp, optionPtr->sockOpt, on);
}

static int
SetNagle(IocpsockChan *chanPtr, Tcl_Interp *interp, const Option *optionPtr,
    const char *value)
{
    int on;

    if (Tcl_GetBoolean(NULL, value, &on) != TCL_OK) {
        return BadValue(interp, optionPtr, value, "a boolean");
    }
    return IocpsockApplySockOpt(chanPtr, interp, CP_OPT_NODELAY, !on);
}

static int
SetSockSize(IocpsockChan *chanPtr, Tcl_Interp *interp, const Option *optionPtr,
    const char *value)
{
    int bytes;

    if (GetInteger(interp, optionPtr, value, 0, INT_MAX, &bytes) != TCL_OK) {
        return TCL_ERROR;
    }
    return IocpsockApplySockOpt(chanPtr, interp, optionPtr->sockOpt, bytes);
}

/* ------------------------------------------- options of the driver */

static CpError
GetRecvMode(IocpsockChan *chanPtr, Tcl_Interp *interp, const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    Tcl_DStringAppend(dsPtr,
        iocpsockRecvModes[chanPtr->serverPtr != NULL
                ? chanPtr->serverPtr->inherit.recvMode
                : CpConnRecvMode(chanPtr->connPtr)],
        -1);
    return CP_OK;
}

static int
SetRecvMode(IocpsockChan *chanPtr, Tcl_Interp *interp, const Option *optionPtr,
    const char *value)
{
    int mode = 0;

    if (GetKeyword(interp, optionPtr, value, iocpsockRecvModes, RECV_MODE_COUNT,
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

static CpError
GetSendCap(IocpsockChan *chanPtr, Tcl_Interp *interp, const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    AppendInteger(dsPtr,
        (int) (chanPtr->serverPtr != NULL ? chanPtr->serverPtr->inherit.sendCap
                                          : CpConnSendCap(chanPtr->connPtr)));
    return CP_OK;
}

static int
SetSendCap(IocpsockChan *chanPtr, Tcl_Interp *interp, const Option *optionPtr,
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

static CpError
GetCloseTimeout(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const Option *optionPtr, Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    AppendInteger(dsPtr,
        chanPtr->serverPtr != NULL
            ? chanPtr->serverPtr->inherit.closeTimeoutMs
            : (int) CpConnCloseTimeout(chanPtr->connPtr));
    return CP_OK;
}

static int
SetCloseTimeout(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const Option *optionPtr, const char *value)
{
    int timeoutMs;

    if (GetInteger(interp, optionPtr, value, 0, INT_MAX, &timeoutMs)
        != TCL_OK) {
        return TCL_ERROR;
    }
    if (chanPtr->serverPtr != NULL) {
        chanPtr->serverPtr->inherit.closeTimeoutMs = timeoutMs;
    } else {
        CpConnSetCloseTimeout(chanPtr->connPtr, (uint32_t) timeoutMs);
        if (chanPtr->threadPtr != NULL) {
            IocpsockAddHeld(chanPtr);
        }
    }
    return TCL_OK;
}

static CpError
GetBacklog(IocpsockChan *chanPtr, Tcl_Interp *interp, const Option *optionPtr,
    Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    AppendInteger(dsPtr, (int) chanPtr->serverPtr->backlog);
    return CP_OK;
}

static int
SetBacklog(IocpsockChan *chanPtr, Tcl_Interp *interp, const Option *optionPtr,
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

static CpError
GetAcceptMode(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const Option *optionPtr, Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    Tcl_DStringAppend(dsPtr, acceptModes[chanPtr->serverPtr->acceptMode], -1);
    return CP_OK;
}

static int
SetAcceptMode(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const Option *optionPtr, const char *value)
{
    IocpsockServer *serverPtr = chanPtr->serverPtr;
    int mode = 0;
    unsigned i;

    if (GetKeyword(interp, optionPtr, value, acceptModes, ACCEPT_MODE_COUNT,
            "connect or data", &mode)
        != TCL_OK) {
        return TCL_ERROR;
    }
    serverPtr->acceptMode = (CpAcceptMode) mode;
    for (i = 0; i < serverPtr->listenerCount; i++) {
        CpListenerSetMode(serverPtr->listeners[i], serverPtr->acceptMode);
    }
    return TCL_OK;
}

static CpError
GetAcceptTimeout(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const Option *optionPtr, Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    AppendInteger(dsPtr, chanPtr->serverPtr->acceptTimeoutMs);
    return CP_OK;
}

static int
SetAcceptTimeout(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const Option *optionPtr, const char *value)
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

static const Option options[] = {{"-error", ON_BOTH, GetError, NULL, 0},
    {"-connecting", ON_BOTH, GetConnecting, NULL, 0},
    {"-peername", ON_BOTH | LISTED, GetPeerName, NULL, 0},
    {"-sockname", ON_BOTH | LISTED, GetSockName, NULL, 0},
    {"-keepalive", ON_BOTH | LISTED_IN_9, GetSockBoolean, SetSockBoolean,
        CP_OPT_KEEPALIVE},
    {"-nodelay", ON_BOTH | LISTED_IN_9, GetSockBoolean, SetSockBoolean,
        CP_OPT_NODELAY},
    {"-nagle", ON_BOTH, GetNagle, SetNagle, CP_OPT_NODELAY},
    {"-sendcap", ON_BOTH, GetSendCap, SetSendCap, 0},
    {"-closetimeout", ON_BOTH, GetCloseTimeout, SetCloseTimeout, 0},
    {"-recvmode", ON_BOTH, GetRecvMode, SetRecvMode, 0},
    {"-sosndbuf", ON_BOTH, GetSockSize, SetSockSize, CP_OPT_SNDBUF},
    {"-sorcvbuf", ON_BOTH, GetSockSize, SetSockSize, CP_OPT_RCVBUF},
    {"-stats", ON_BOTH, GetStats, NULL, 0},
    {"-backlog", ON_SERVER, GetBacklog, SetBacklog, 0},
    {"-acceptmode", ON_SERVER, GetAcceptMode, SetAcceptMode, 0},
    {"-accepttimeout", ON_SERVER, GetAcceptTimeout, SetAcceptTimeout, 0},
    {NULL, 0, NULL, NULL, 0}};

/* Finds an option by its name or a beginning of it, as the core does. */

static const Option *
FindOption(const IocpsockChan *chanPtr, const char *name)
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
IocpsockSetOption(void *instanceData, Tcl_Interp *interp,
    const char *optionName, const char *value)
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
ListOptions(IocpsockChan *chanPtr, Tcl_Interp *interp, Tcl_DString *dsPtr)
{
    const Option *optionPtr;

    for (optionPtr = options; optionPtr->name != NULL; optionPtr++) {
        Tcl_DString value;

        if (!(optionPtr->flags & LISTED)) {
            continue;
        }
        Tcl_DStringInit(&value);
        if (optionPtr->getProc(chanPtr, interp, optionPtr, &value) == CP_OK) {
            Tcl_DStringAppendElement(dsPtr, optionPtr->name);
            Tcl_DStringAppendElement(dsPtr, Tcl_DStringValue(&value));
        }
        Tcl_DStringFree(&value);
    }
}

int
IocpsockGetOption(void *instanceData, Tcl_Interp *interp,
    const char *optionName, Tcl_DString *dsPtr)
{
    IocpsockChan *chanPtr = instanceData;
    const Option *optionPtr;
    CpError error;

    IocpsockPollConnect(chanPtr);
    if (optionName == NULL || optionName[0] == '\0') {
        ListOptions(chanPtr, interp, dsPtr);
        return TCL_OK;
    }
    optionPtr = FindOption(chanPtr, optionName);
    if (optionPtr == NULL) {
        return Tcl_BadChannelOption(interp, optionName, GETTABLE);
    }
    error = optionPtr->getProc(chanPtr, interp, optionPtr, dsPtr);
    if (error != CP_OK) {
        char what[32];

        snprintf(what, sizeof(what), "can't get %s", optionPtr->name + 1);
        return IocpsockPosixFailure(interp, what, error);
    }
    return TCL_OK;
}
