/*
 * cpSend.c --
 *
 *      The sending half of a connection. With nothing outstanding the bytes go
 *      straight to the system; what it does not take is copied and posted, up
 *      to sendCap sends.
 */

#include "cpConnInt.h"

#include <assert.h>
#include <string.h>

static void
SendDone(CpOp *opPtr)
{
    CpBuf *bufPtr = CP_OWNER_OF(opPtr, CpBuf, op);
    CpConn *connPtr = bufPtr->ownerPtr;

    bufPtr->pending = 0;
    connPtr->sendPending--;
    connPtr->sendBuffered -= bufPtr->end;
    if (opPtr->error == CP_OK) {
        connPtr->bytesOut += opPtr->bytes;
        CpStatAdd(CP_STAT_BYTES_OUT, opPtr->bytes);
    } else if (connPtr->sendError == CP_OK) {
        connPtr->sendError = opPtr->error;
    }
    CpBufFree(bufPtr);
    if (connPtr->state == CP_CONN_CLOSING) {
        CpConnFinish(connPtr);
        return;
    }
    if (connPtr->sendShut && connPtr->sendPending == 0) {
        (void) CpHandleShutdown(connPtr->handlePtr, CP_WRITE);
    }
    CpConnNotify(connPtr);
}

/* Copies bytes and posts them; returns how many, 0 without memory. */

static size_t
PostSend(CpConn *connPtr, const void *srcPtr, size_t lengthBytes)
{
    uint32_t size = lengthBytes < CP_SEND_BYTES_MAX ? (uint32_t) lengthBytes
                                                    : CP_SEND_BYTES_MAX;
    CpBuf *bufPtr = CpBufNew(size);

    if (bufPtr == NULL) {
        return 0;
    }
    memcpy(bufPtr->bytes, srcPtr, size);
    bufPtr->end = size;
    bufPtr->ownerPtr = connPtr;
    bufPtr->op.proc = SendDone;
    bufPtr->pending = 1;
    connPtr->sendPending++;
    connPtr->sendBuffered += size;
    CpSubmitSend(connPtr->handlePtr, &bufPtr->op, bufPtr->bytes, size);
    return size;
}

CpError
CpConnWrite(CpConn *connPtr, const void *srcPtr, size_t lengthBytes,
    size_t *bytesPtr)
{
    CpError error;

    assert(lengthBytes > 0);
    *bytesPtr = 0;
    switch (connPtr->state) {
    case CP_CONN_DIALLING:
        return CP_EAGAIN;
    case CP_CONN_FAILED:
    case CP_CONN_CLOSING:
        return CP_ENOTCONN;
    case CP_CONN_OPEN:
        break;
    }

    /* A writer that polls, as Tcl at a thread's exit, sees sends complete. */
    if (connPtr->sendPending >= connPtr->sendCap) {
        CpPortReap(connPtr->portPtr, 0);
    }
    if (connPtr->sendError != CP_OK) {
        connPtr->sendErrorTold = 1;
        return connPtr->sendError;
    }
    if (connPtr->sendShut) {
        return CP_EPIPE;
    }
    if (connPtr->sendPending == 0) {
        error = CpTrySend(connPtr->handlePtr, srcPtr, lengthBytes, bytesPtr);
        if (error == CP_OK) {
            connPtr->bytesOut += *bytesPtr;
            CpStatAdd(CP_STAT_BYTES_OUT, (int64_t) *bytesPtr);
            return CP_OK;
        }
        if (error != CP_EAGAIN) {
            connPtr->sendError = error;
            connPtr->sendErrorTold = 1;
            return error;
        }
    }
    if (connPtr->sendPending >= connPtr->sendCap) {
        return CP_EAGAIN;
    }
    *bytesPtr = PostSend(connPtr, srcPtr, lengthBytes);
    return *bytesPtr > 0 ? CP_OK : CP_ENOMEM;
}

int
CpSendReady(const CpConn *connPtr)
{
    return connPtr->sendPending < connPtr->sendCap
        || connPtr->sendError != CP_OK;
}

/* The shutdown follows the last send: under Wine it would overtake it. */

CpError
CpSendShutdown(CpConn *connPtr)
{
    connPtr->sendShut = 1;
    if (connPtr->sendPending > 0) {
        return CP_OK;
    }
    return CpHandleShutdown(connPtr->handlePtr, CP_WRITE);
}

int
CpConnSending(const CpConn *connPtr)
{
    return connPtr->sendPending > 0;
}

CpError
CpConnSendError(const CpConn *connPtr)
{
    return connPtr->sendError;
}

CpError
CpConnUntoldError(const CpConn *connPtr)
{
    return connPtr->sendErrorTold ? CP_OK : connPtr->sendError;
}

unsigned
CpConnSendCap(const CpConn *connPtr)
{
    return connPtr->sendCap;
}

void
CpConnSetSendCap(CpConn *connPtr, unsigned cap)
{
    assert(cap <= CP_SEND_CAP_MAX);
    connPtr->sendCap = cap;
}
