/*
 * iocpsockOpt.c --
 *
 *      Channel options, in one table.
 *
 *      The listing (fconfigure $chan), the messages about unknown options and
 *      the abbreviations are those of the core's driver. Its options come first
 *      in the table; the others are read by name only.
 */

#include "iocpsockOpt.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define ON_CONN 1
#define ON_SERVER 2
#define ON_BOTH (ON_CONN | ON_SERVER)
#define LISTED 4 /* Part of the listing. */

/* ------------------------------------------------------------ values */

int
IocpsockBadValue(Tcl_Interp *interp, const IocpsockOption *optionPtr,
    const char *value, const char *allowed)
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

int
IocpsockParseInteger(Tcl_Interp *interp, const IocpsockOption *optionPtr,
    const char *value, int min, int max, int *resultPtr)
{
    char allowed[64];

    if (Tcl_GetInt(NULL, value, resultPtr) != TCL_OK || *resultPtr < min
        || *resultPtr > max) {
        snprintf(allowed, sizeof(allowed), "an integer from %d to %d", min,
            max);
        return IocpsockBadValue(interp, optionPtr, value, allowed);
    }
    return TCL_OK;
}

void
IocpsockAppendInteger(Tcl_DString *dsPtr, int value)
{
    char string[32];

    snprintf(string, sizeof(string), "%d", value);
    Tcl_DStringAppend(dsPtr, string, -1);
}

/* ------------------------------------------------------------- state */

static CpError
GetPeerName(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, Tcl_DString *dsPtr)
{
    (void) optionPtr;
    return IocpsockPeerName(chanPtr, interp, dsPtr);
}

static CpError
GetSockName(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, Tcl_DString *dsPtr)
{
    (void) optionPtr;
    return IocpsockSockName(chanPtr, interp, dsPtr);
}

static CpError
GetError(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, Tcl_DString *dsPtr)
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
    const IocpsockOption *optionPtr, Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    IocpsockAppendInteger(dsPtr, IocpsockIsDialling(chanPtr));
    return CP_OK;
}

static CpError
GetStats(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, Tcl_DString *dsPtr)
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
GetSockSize(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, Tcl_DString *dsPtr)
{
    (void) interp;
    IocpsockAppendInteger(dsPtr,
        IocpsockReadSockOpt(chanPtr, optionPtr->sockOpt));
    return CP_OK;
}

static CpError
GetSockBoolean(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, Tcl_DString *dsPtr)
{
    (void) interp;
    IocpsockAppendInteger(dsPtr,
        IocpsockReadSockOpt(chanPtr, optionPtr->sockOpt) != 0);
    return CP_OK;
}

static CpError
GetNagle(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, Tcl_DString *dsPtr)
{
    (void) interp;
    IocpsockAppendInteger(dsPtr,
        IocpsockReadSockOpt(chanPtr, optionPtr->sockOpt) == 0);
    return CP_OK;
}

static int
SetSockBoolean(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, const char *value)
{
    int on;

    /* As Tcl 9, down to the message. */
    if (Tcl_GetBoolean(interp, value, &on) != TCL_OK) {
        return TCL_ERROR;
    }
    return IocpsockApplySockOpt(chanPtr, interp, optionPtr->sockOpt, on);
}

static int
SetNagle(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, const char *value)
{
    int on;

    if (Tcl_GetBoolean(NULL, value, &on) != TCL_OK) {
        return IocpsockBadValue(interp, optionPtr, value, "a boolean");
    }
    return IocpsockApplySockOpt(chanPtr, interp, CP_OPT_NODELAY, !on);
}

static int
SetSockSize(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, const char *value)
{
    int bytes;

    if (IocpsockParseInteger(interp, optionPtr, value, 0, INT_MAX, &bytes)
        != TCL_OK) {
        return TCL_ERROR;
    }
    return IocpsockApplySockOpt(chanPtr, interp, optionPtr->sockOpt, bytes);
}

/* ------------------------------------------------------- the table */

#if TCL_MAJOR_VERSION < 9
#define LISTED_IN_9 0
#define CORE_OPTIONS 4 /* So many at the beginning of the table. */
#define GETTABLE "connecting peername sockname"
#define SETTABLE ""
#else
#define LISTED_IN_9 LISTED
#define CORE_OPTIONS 6
#define GETTABLE "connecting keepalive nodelay peername sockname"
#define SETTABLE "keepalive nodelay"
#endif

static const IocpsockOption options[] = {{"-error", ON_BOTH, GetError, NULL,
                                             CP_OPT_COUNT},
    {"-connecting", ON_BOTH, GetConnecting, NULL, CP_OPT_COUNT},
    {"-peername", ON_BOTH | LISTED, GetPeerName, NULL, CP_OPT_COUNT},
    {"-sockname", ON_BOTH | LISTED, GetSockName, NULL, CP_OPT_COUNT},
    {"-keepalive", ON_BOTH | LISTED_IN_9, GetSockBoolean, SetSockBoolean,
        CP_OPT_KEEPALIVE},
    {"-nodelay", ON_BOTH | LISTED_IN_9, GetSockBoolean, SetSockBoolean,
        CP_OPT_NODELAY},
    {"-nagle", ON_BOTH, GetNagle, SetNagle, CP_OPT_NODELAY},
    {"-sendcap", ON_BOTH, IocpsockGetSendCap, IocpsockSetSendCap, CP_OPT_COUNT},
    {"-closetimeout", ON_BOTH, IocpsockGetCloseTimeout, IocpsockSetCloseTimeout,
        CP_OPT_COUNT},
    {"-recvmode", ON_BOTH, IocpsockGetRecvMode, IocpsockSetRecvMode,
        CP_OPT_COUNT},
    {"-sosndbuf", ON_BOTH, GetSockSize, SetSockSize, CP_OPT_SNDBUF},
    {"-sorcvbuf", ON_BOTH, GetSockSize, SetSockSize, CP_OPT_RCVBUF},
    {"-stats", ON_BOTH, GetStats, NULL, CP_OPT_COUNT},
    {"-backlog", ON_SERVER, IocpsockGetBacklog, IocpsockSetBacklog,
        CP_OPT_COUNT},
    {"-acceptmode", ON_SERVER, IocpsockGetAcceptMode, IocpsockSetAcceptMode,
        CP_OPT_COUNT},
    {"-accepttimeout", ON_SERVER, IocpsockGetAcceptTimeout,
        IocpsockSetAcceptTimeout, CP_OPT_COUNT},
    {NULL, 0, NULL, NULL, CP_OPT_COUNT}};

/* Finds an option by its name or a beginning of it, as the core does. */

static const IocpsockOption *
FindOption(const IocpsockChan *chanPtr, const char *name)
{
    const IocpsockOption *optionPtr;
    size_t length = strlen(name);
    int on = chanPtr->serverPtr != NULL ? ON_SERVER : ON_CONN;

    for (optionPtr = options; optionPtr->name != NULL; optionPtr++) {
        if (!IOCPSOCK_OWN_OPTIONS && optionPtr == &options[CORE_OPTIONS]) {
            break;
        }
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
    IocpsockChan *chanPtr = (IocpsockChan *) instanceData;
    const IocpsockOption *optionPtr = FindOption(chanPtr, optionName);

    if (optionPtr == NULL || optionPtr->setProc == NULL) {
        return Tcl_BadChannelOption(interp, optionName, SETTABLE);
    }
    return optionPtr->setProc(chanPtr, interp, optionPtr, value);
}

/* All that are listed; one that has no value now is left out. */

static void
ListOptions(IocpsockChan *chanPtr, Tcl_Interp *interp, Tcl_DString *dsPtr)
{
    const IocpsockOption *optionPtr;

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
    IocpsockChan *chanPtr = (IocpsockChan *) instanceData;
    const IocpsockOption *optionPtr;
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
