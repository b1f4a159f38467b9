/*
 * cpConn.c --
 *
 *      The connection's states: dialling, open, half-closed and closed.
 *      Receiving is in cpRecv.c, sending in cpSend.c, closing in cpClose.c.
 */

#include "cpConnInt.h"
#include "cpMem.h"

#include <assert.h>

static CpConn *
NewConn(CpPort *portPtr, CpConnProc *proc, void *clientData)
{
    CpConn *connPtr = (CpConn *) CpCalloc(sizeof(CpConn));

    if (connPtr == NULL) {
        return NULL;
    }
    CpStatAdd(CP_STAT_CONNECTIONS, 1);
    connPtr->portPtr = portPtr;
    connPtr->proc = proc;
    connPtr->clientData = clientData;
    connPtr->recvMode = CP_RECV_ADAPTIVE;
    connPtr->recvBytes = CP_RECV_BYTES_MIN;
    connPtr->recvDepth = 1;
    connPtr->burstBufs = CP_RECV_DEPTH_MAX;
    connPtr->burstUnits = CP_BURST_UNITS_MAX;
    connPtr->sendCap = CP_SEND_CAP_DEFAULT;
    return connPtr;
}

void
CpConnNotify(CpConn *connPtr)
{
    assert(connPtr->state != CP_CONN_CLOSING);
    connPtr->proc(connPtr->clientData);
}

/* Carries out a half-close that was asked for while dialling. Only files can
 * have been sent by then, and the end of file follows them. */

static void
HalfCloseLate(CpConn *connPtr)
{
    if (connPtr->recvShut) {
        CpDiscardBegin(connPtr);
    }
    if (connPtr->sendShut && !CpConnSending(connPtr)) {
        (void) CpSendFin(connPtr);
    }
}

static void
DialDone(void *clientData, CpError error, CpHandle *handlePtr, char *message)
{
    CpConn *connPtr = (CpConn *) clientData;

    connPtr->dialPtr = NULL;
    connPtr->handlePtr = handlePtr;
    connPtr->dialMessage = message;
    if (connPtr->aborted && handlePtr != NULL) {
        CpHandleAbort(handlePtr);
    }
    CpSendFileDialled(connPtr, error);
    if (connPtr->state == CP_CONN_CLOSING) {
        if (error == CP_OK && CpConnSending(connPtr) && !connPtr->aborted) {
            CpCloseBegin(connPtr);
        }
        CpConnFinish(connPtr);
        return;
    }
    if (error == CP_OK) {
        connPtr->state = CP_CONN_OPEN;
        HalfCloseLate(connPtr);
        CpRecvRearm(connPtr);
    } else {
        connPtr->state = CP_CONN_FAILED;
        connPtr->dialError = error;
    }
    CpConnNotify(connPtr);
}

/* Sets the state after dialling was started, or was not. */

static CpConn *
Dialling(CpConn *connPtr, CpError error)
{
    connPtr->state = CP_CONN_DIALLING;
    if (error != CP_EAGAIN) {
        connPtr->state = CP_CONN_FAILED;
        connPtr->dialError = error;
    }
    return connPtr;
}

CpConn *
CpConnDial(CpPort *portPtr, CpResolved *resolvedPtr, int wait, CpConnProc *proc,
    void *clientData)
{
    CpConn *connPtr = NewConn(portPtr, proc, clientData);

    if (connPtr == NULL) {
        CpResolvedFree(resolvedPtr);
        return NULL;
    }
    return Dialling(connPtr,
        CpDialStart(portPtr, resolvedPtr, wait, DialDone, connPtr,
            &connPtr->dialPtr));
}

CpConn *
CpConnDialName(CpPort *portPtr, const CpTarget *targetPtr, CpConnProc *proc,
    void *clientData)
{
    CpConn *connPtr = NewConn(portPtr, proc, clientData);

    if (connPtr == NULL) {
        return NULL;
    }
    return Dialling(connPtr,
        CpDialStartName(portPtr, targetPtr, DialDone, connPtr,
            &connPtr->dialPtr));
}

int
CpConnResolving(const CpConn *connPtr)
{
    return connPtr->dialPtr != NULL && CpDialResolving(connPtr->dialPtr);
}

CpConn *
CpConnAccepted(CpPort *portPtr, CpHandle *handlePtr, CpConnProc *proc,
    void *clientData)
{
    CpConn *connPtr = NewConn(portPtr, proc, clientData);

    if (connPtr != NULL) {
        connPtr->state = CP_CONN_OPEN;
        connPtr->handlePtr = handlePtr;
        connPtr->dataLikely = 1; /* Clients usually speak first. */
    }
    return connPtr;
}

CpError
CpConnUsable(const CpConn *connPtr)
{
    switch (connPtr->state) {
    case CP_CONN_DIALLING:
        return CP_EAGAIN;
    case CP_CONN_FAILED:
    case CP_CONN_CLOSING:
        return CP_ENOTCONN;
    case CP_CONN_OPEN:
        break;
    }
    return CP_OK;
}

int
CpConnReady(const CpConn *connPtr)
{
    switch (connPtr->state) {
    case CP_CONN_DIALLING:
    case CP_CONN_CLOSING:
        return 0;
    case CP_CONN_FAILED:
        return CP_READ | CP_WRITE;
    case CP_CONN_OPEN:
        break;
    }
    return (CpRecvReady(connPtr) ? CP_READ : 0)
        | (CpSendReady(connPtr) ? CP_WRITE : 0);
}

CpError
CpConnShutdown(CpConn *connPtr, int directions)
{
    CpError error = CP_OK;

    switch (connPtr->state) {
    case CP_CONN_DIALLING:
        connPtr->recvShut |= (directions & CP_READ) != 0;
        connPtr->sendShut |= (directions & CP_WRITE) != 0;
        return CP_OK;
    case CP_CONN_FAILED:
    case CP_CONN_CLOSING:
        return CP_ENOTCONN;
    case CP_CONN_OPEN:
        break;
    }

    /* The system is not asked to shut down reading: it would reset the
     * connection if there is input, or when more comes. */
    if ((directions & CP_READ) && !connPtr->recvShut) {
        connPtr->recvShut = 1;
        CpDiscardBegin(connPtr);
    }
    if ((directions & CP_WRITE) && !connPtr->sendShut) {
        error = CpSendShutdown(connPtr);
    }
    return error;
}

void
CpConnClose(CpConn *connPtr, CpConnProc *closedProc, void *clientData)
{
    int open = connPtr->state == CP_CONN_OPEN;

    assert(connPtr->state != CP_CONN_CLOSING);
    connPtr->state = CP_CONN_CLOSING;
    connPtr->proc = closedProc;
    connPtr->clientData = clientData;
    connPtr->watchRead = 0;
    CpStatAdd(CP_STAT_CLOSING, 1);
    if (connPtr->dialPtr != NULL) {
        /* Files that wait for the connection are still sent. */
        if (CpListIsEmpty(&connPtr->fileSends)) {
            CpDialCancel(connPtr->dialPtr);
        }
    } else if (open && !connPtr->aborted) {
        CpCloseBegin(connPtr);
    }
    CpConnFinish(connPtr);
}

/* The one place where a connection ends. It waits for outstanding operations,
 * then closes and frees. */

void
CpConnFinish(CpConn *connPtr)
{
    CpConnProc *closedProc = connPtr->proc;
    void *clientData = connPtr->clientData;

    assert(connPtr->state == CP_CONN_CLOSING);
    if (connPtr->dialPtr != NULL || connPtr->sendPending > 0
        || CpRecvPending(connPtr) > 0) {
        return;
    }
    assert(connPtr->closePhase == CP_CLOSE_NONE
        || connPtr->closePhase == CP_CLOSE_ENDING);
    CpCloseUnlist(connPtr);
    CpRecvFree(connPtr);
    if (connPtr->handlePtr != NULL) {
        if (connPtr->sendError != CP_OK && !connPtr->aborted) {
            CpHandleAbort(connPtr->handlePtr);
        }
        CpHandleClose(connPtr->handlePtr);
    }
    CpMessageFree(connPtr->dialMessage);
    CpFree(connPtr, sizeof(CpConn));
    CpStatAdd(CP_STAT_CONNECTIONS, -1);
    CpStatAdd(CP_STAT_CLOSING, -1);
    closedProc(clientData);
}

void
CpConnMove(CpConn *connPtr, CpPort *portPtr)
{
    CpCloseUnlist(connPtr);
    connPtr->portPtr = portPtr;
    if (connPtr->dialPtr != NULL) {
        CpDialMove(connPtr->dialPtr, portPtr);
    } else if (connPtr->handlePtr != NULL) {
        CpHandleMove(connPtr->handlePtr, portPtr);
    }
}

CpConnState
CpConnGetState(const CpConn *connPtr)
{
    return connPtr->state;
}

CpError
CpConnTakeError(CpConn *connPtr)
{
    CpError error = connPtr->dialError;

    connPtr->dialError = CP_OK;
    return error;
}

const char *
CpConnDialMessage(const CpConn *connPtr)
{
    return connPtr->dialMessage;
}

CpHandle *
CpConnHandle(const CpConn *connPtr)
{
    return connPtr->handlePtr;
}

CpError
CpConnSetOpt(CpConn *connPtr, CpSockOpt opt, int value)
{
    if (connPtr->dialPtr != NULL) {
        return CpDialSetOpt(connPtr->dialPtr, opt, value);
    }
    return connPtr->handlePtr != NULL
        ? CpHandleSetOpt(connPtr->handlePtr, opt, value)
        : CP_ENOTCONN;
}

CpError
CpConnGetOpt(CpConn *connPtr, CpSockOpt opt, int *valuePtr)
{
    if (connPtr->dialPtr != NULL) {
        return CpDialGetOpt(connPtr->dialPtr, opt, valuePtr);
    }
    return connPtr->handlePtr != NULL
        ? CpHandleGetOpt(connPtr->handlePtr, opt, valuePtr)
        : CP_ENOTCONN;
}

void
CpConnGetStats(const CpConn *connPtr, CpConnStats *statsPtr)
{
    statsPtr->bytesIn = connPtr->bytesIn;
    statsPtr->bytesOut = connPtr->bytesOut;
    statsPtr->recvPending = CpRecvPending(connPtr);
    statsPtr->sendPending = connPtr->sendPending;
    statsPtr->recvBuffered = CpRecvBuffered(connPtr);
    statsPtr->sendBuffered = connPtr->sendBuffered;
}
