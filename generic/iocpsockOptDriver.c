/*
 * iocpsockOptDriver.c --
 *
 *      The values of the driver's own channel options. A server's settings are
 *      those of the connections that it will accept.
 */

#include "iocpsockOpt.h"

#include <limits.h>
#include <string.h>

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

static int
GetKeyword(Tcl_Interp *interp, const IocpsockOption *optionPtr,
    const char *value, const char *const *keywords, int count,
    const char *allowed, int *resultPtr)
{
    int i;

    for (i = 0; i < count; i++) {
        if (strcmp(value, keywords[i]) == 0) {
            *resultPtr = i;
            return TCL_OK;
        }
    }
    return IocpsockBadValue(interp, optionPtr, value, allowed);
}

/* The limits of burst-detection are shown if a script has lowered them. */

CpError
IocpsockGetRecvMode(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, Tcl_DString *dsPtr)
{
    CpRecvMode mode = chanPtr->serverPtr != NULL
        ? chanPtr->serverPtr->inherit.recvMode
        : CpConnRecvMode(chanPtr->connPtr);
    CpBurst burst = chanPtr->serverPtr != NULL
        ? chanPtr->serverPtr->inherit.burst
        : CpConnBurst(chanPtr->connPtr);

    (void) interp;
    (void) optionPtr;
    Tcl_DStringAppend(dsPtr, iocpsockRecvModes[mode], -1);
    if (mode == CP_RECV_BURST_DETECTION
        && (burst.bufs < CP_RECV_DEPTH_MAX
            || burst.units < CP_BURST_UNITS_MAX)) {
        Tcl_DStringAppend(dsPtr, " ", 1);
        IocpsockAppendInteger(dsPtr, (int) burst.bufs);
        Tcl_DStringAppend(dsPtr, " ", 1);
        IocpsockAppendInteger(dsPtr, (int) burst.units);
    }
    return CP_OK;
}

/* A limit of burst-detection. One above the driver's own has no effect. */

static int
GetBurstLimit(const char *value, unsigned most, unsigned *limitPtr)
{
    int limit;

    if (Tcl_GetInt(NULL, value, &limit) != TCL_OK || limit < 1) {
        return TCL_ERROR;
    }
    *limitPtr = (unsigned) limit < most ? (unsigned) limit : most;
    return TCL_OK;
}

/* The words of a mode: its name; behind burst-detection its limits too. A limit
 * that is not there stays as it is. */

static int
ParseRecvMode(Tcl_Size count, const char *const *words, CpRecvMode *modePtr,
    CpBurst *burstPtr)
{
    int mode = 0;

    if (count < 1
        || GetKeyword(NULL, NULL, words[0], iocpsockRecvModes, RECV_MODE_COUNT,
               NULL, &mode)
            != TCL_OK
        || count > (mode == CP_RECV_BURST_DETECTION ? 3 : 1)) {
        return TCL_ERROR;
    }
    *modePtr = (CpRecvMode) mode;
    if ((count > 1
            && GetBurstLimit(words[1], CP_RECV_DEPTH_MAX, &burstPtr->bufs)
                != TCL_OK)
        || (count > 2
            && GetBurstLimit(words[2], CP_BURST_UNITS_MAX, &burstPtr->units)
                != TCL_OK)) {
        return TCL_ERROR;
    }
    return TCL_OK;
}

int
IocpsockSetRecvMode(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, const char *value)
{
    CpRecvMode mode = CP_RECV_ADAPTIVE;
    CpBurst burst = {CP_RECV_DEPTH_MAX, CP_BURST_UNITS_MAX};
    Tcl_Size count;
    const char **words = NULL;
    int result = Tcl_SplitList(NULL, value, &count, &words);

    if (result == TCL_OK) {
        result = ParseRecvMode(count, words, &mode, &burst);
        IocpsockFree(words);
    }
    if (result != TCL_OK) {
        return IocpsockBadValue(interp, optionPtr, value,
            "zero-byte, flow-controlled, adaptive or "
            "burst-detection ?cap? ?buffercap?, with integers of 1 or more");
    }
    if (chanPtr->serverPtr != NULL) {
        chanPtr->serverPtr->inherit.recvMode = mode;
        chanPtr->serverPtr->inherit.burst = burst;
    } else {
        CpConnSetRecvMode(chanPtr->connPtr, mode);
        CpConnSetBurst(chanPtr->connPtr, burst);
    }
    return TCL_OK;
}

CpError
IocpsockGetSendCap(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    IocpsockAppendInteger(dsPtr,
        (int) (chanPtr->serverPtr != NULL ? chanPtr->serverPtr->inherit.sendCap
                                          : CpConnSendCap(chanPtr->connPtr)));
    return CP_OK;
}

int
IocpsockSetSendCap(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, const char *value)
{
    int cap;

    if (IocpsockParseInteger(interp, optionPtr, value, 1, CP_SEND_CAP_MAX, &cap)
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

CpError
IocpsockGetCloseTimeout(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    IocpsockAppendInteger(dsPtr,
        chanPtr->serverPtr != NULL
            ? chanPtr->serverPtr->inherit.closeTimeoutMs
            : (int) CpConnCloseTimeout(chanPtr->connPtr));
    return CP_OK;
}

int
IocpsockSetCloseTimeout(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, const char *value)
{
    int timeoutMs;

    if (IocpsockParseInteger(interp, optionPtr, value, 0, INT_MAX, &timeoutMs)
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

CpError
IocpsockGetBacklog(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    IocpsockAppendInteger(dsPtr, (int) chanPtr->serverPtr->backlog);
    return CP_OK;
}

int
IocpsockSetBacklog(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, const char *value)
{
    IocpsockServer *serverPtr = chanPtr->serverPtr;
    int backlog;
    unsigned i;

    if (IocpsockParseInteger(interp, optionPtr, value, 1, CP_BACKLOG_MAX,
            &backlog)
        != TCL_OK) {
        return TCL_ERROR;
    }
    serverPtr->backlog = (unsigned) backlog;
    for (i = 0; i < serverPtr->listenerCount; i++) {
        CpListenerSetBacklog(serverPtr->listeners[i], serverPtr->backlog);
    }
    return TCL_OK;
}

CpError
IocpsockGetAcceptMode(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    Tcl_DStringAppend(dsPtr, acceptModes[chanPtr->serverPtr->acceptMode], -1);
    return CP_OK;
}

int
IocpsockSetAcceptMode(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, const char *value)
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

CpError
IocpsockGetAcceptTimeout(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, Tcl_DString *dsPtr)
{
    (void) interp;
    (void) optionPtr;
    IocpsockAppendInteger(dsPtr, chanPtr->serverPtr->acceptTimeoutMs);
    return CP_OK;
}

int
IocpsockSetAcceptTimeout(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, const char *value)
{
    IocpsockServer *serverPtr = chanPtr->serverPtr;
    int timeoutMs;
    unsigned i;

    if (IocpsockParseInteger(interp, optionPtr, value, 0, INT_MAX, &timeoutMs)
        != TCL_OK) {
        return TCL_ERROR;
    }
    serverPtr->acceptTimeoutMs = timeoutMs;
    for (i = 0; i < serverPtr->listenerCount; i++) {
        CpListenerSetTimeout(serverPtr->listeners[i], (uint32_t) timeoutMs);
    }
    return TCL_OK;
}
