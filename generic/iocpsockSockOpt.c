/*
 * iocpsockSockOpt.c --
 *
 *      Winsock's options of a channel's sockets, and the settings that accepted
 *      connections inherit from their server.
 */

#include "iocpsock.h"

/* Inherited settings are set again, as accepted sockets may lose them. */

static int *
InheritSlot(IocpsockInherit *inheritPtr, CpSockOpt opt)
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
    case CP_OPT_EXCLUSIVE:
    case CP_OPT_COUNT:
        break; /* Connections do not use these. */
    }
    return NULL;
}

/* All sockets of a server have the same settings. */

int
IocpsockReadSockOpt(IocpsockChan *chanPtr, CpSockOpt opt)
{
    int value = 0;

    /* As with the core's driver, a missing socket has a default. */
    if (chanPtr->serverPtr != NULL) {
        (void) CpHandleGetOpt(CpListenerHandle(
                                  chanPtr->serverPtr->listeners[0]),
            opt, &value);
    } else {
        (void) CpConnGetOpt(chanPtr->connPtr, opt, &value);
    }
    return value;
}

int
IocpsockApplySockOpt(IocpsockChan *chanPtr, Tcl_Interp *interp, CpSockOpt opt,
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
        return IocpsockPosixFailure(interp, "couldn't set socket option",
            error);
    }
    if (serverPtr != NULL) {
        *InheritSlot(&serverPtr->inherit, opt) = value;
    }
    return TCL_OK;
}

void
IocpsockInheritInit(IocpsockInherit *inheritPtr)
{
    inheritPtr->recvMode = CP_RECV_ADAPTIVE;
    inheritPtr->burst.bufs = CP_RECV_DEPTH_MAX;
    inheritPtr->burst.units = CP_BURST_UNITS_MAX;
    inheritPtr->sendCap = CP_SEND_CAP_DEFAULT;
    inheritPtr->closeTimeoutMs = 0;
    inheritPtr->keepAlive = -1;
    inheritPtr->noDelay = -1;
    inheritPtr->sndBuf = -1;
    inheritPtr->rcvBuf = -1;
}

void
IocpsockInheritApply(const IocpsockInherit *inheritPtr, CpConn *connPtr)
{
    static const CpSockOpt opts[] = {CP_OPT_KEEPALIVE, CP_OPT_NODELAY,
        CP_OPT_SNDBUF, CP_OPT_RCVBUF};
    IocpsockInherit inherit = *inheritPtr;
    size_t i;

    CpConnSetRecvMode(connPtr, inherit.recvMode);
    CpConnSetBurst(connPtr, inherit.burst);
    CpConnSetSendCap(connPtr, inherit.sendCap);
    CpConnSetCloseTimeout(connPtr, (uint32_t) inherit.closeTimeoutMs);
    for (i = 0; i < sizeof(opts) / sizeof(opts[0]); i++) {
        int value = *InheritSlot(&inherit, opts[i]);

        if (value >= 0) {
            (void) CpHandleSetOpt(CpConnHandle(connPtr), opts[i], value);
        }
    }
}
