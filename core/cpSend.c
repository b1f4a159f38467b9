/*
 * cpSend.c --
 *
 *      The sending half of a connection. If no send is outstanding, bytes go
 *      straight to the system. Bytes that it does not take are copied and
 *      submitted, up to sendCap sends. Small writes that may wait are joined in
 *      a buffer, which is submitted when it is full or when the sends before it
 *      have completed.
 */

#include "cpConnInt.h"

#include <assert.h>
#include <string.h>

static void SendDone(CpOp *opPtr);

static void
SubmitBuf(CpConn *connPtr, CpBuf *bufPtr)
{
    bufPtr->ownerPtr = connPtr;
    bufPtr->op.proc = SendDone;
    bufPtr->pending = 1;
    connPtr->sendPending++;
    CpSubmitSend(connPtr->handlePtr, &bufPtr->op, bufPtr->bytes, bufPtr->end);
}

/* Submits the joined writes, or drops them after an error. */

static void
SubmitJoined(CpConn *connPtr)
{
    CpBuf *bufPtr = connPtr->joinedPtr;

    if (bufPtr == NULL) {
        return;
    }
    connPtr->joinedPtr = NULL;
    if (connPtr->sendError != CP_OK) {
        connPtr->sendBuffered -= bufPtr->end;
        CpBufFree(bufPtr);
    } else {
        SubmitBuf(connPtr, bufPtr);
    }
}

/* A port must not complete a send with only a part of its bytes. If one does,
 * the stream has a gap, and the close must show it to the peer. */

static void
SendDone(CpOp *opPtr)
{
    CpBuf *bufPtr = CP_OWNER_OF(opPtr, CpBuf, op);
    CpConn *connPtr = (CpConn *) bufPtr->ownerPtr;
    CpError error = opPtr->error;

    if (error == CP_OK && opPtr->bytes < bufPtr->end) {
        error = CP_ECONNABORTED;
    }
    bufPtr->pending = 0;
    connPtr->sendPending--;
    connPtr->sendBuffered -= bufPtr->end;
    if (opPtr->error == CP_OK) {
        connPtr->bytesOut += opPtr->bytes;
        CpStatAdd(CP_STAT_BYTES_OUT, opPtr->bytes);
    }
    if (error != CP_OK && connPtr->sendError == CP_OK) {
        connPtr->sendError = error;
    }
    CpBufFree(bufPtr);
    CpSendPump(connPtr);
}

void
CpSendPump(CpConn *connPtr)
{
    if (connPtr->sendPending == 0) {
        SubmitJoined(connPtr);
    }
    while (connPtr->sendPending == 0 && !CpListIsEmpty(&connPtr->fileSends)) {
        CpSendFileNext(connPtr);
    }
    if (connPtr->state == CP_CONN_CLOSING) {
        CpCloseAdvance(connPtr);
        CpConnFinish(connPtr);
        return;
    }
    if (connPtr->sendShut && connPtr->sendPending == 0
        && connPtr->sendError == CP_OK) {
        (void) CpSendFin(connPtr);
    }
    CpConnNotify(connPtr);
}

CpBuf *
CpSendBufNew(size_t sizeBytes)
{
    uint32_t size = sizeBytes < CP_SEND_BYTES_MAX ? (uint32_t) sizeBytes
                                                  : CP_SEND_BYTES_MAX;
    CpBuf *bufPtr = CpBufNew(size);

    while (bufPtr == NULL && size > CP_SEND_BYTES_MIN) {
        size /= 4;
        bufPtr = CpBufNew(size);
    }
    return bufPtr;
}

/* Copies bytes to the end of *bufPtrPtr, or to a new buffer of at most
 * sizeBytes; returns how many, 0 without memory. */

static size_t
Copy(CpConn *connPtr, CpBuf **bufPtrPtr, size_t sizeBytes, const void *srcPtr,
    size_t lengthBytes)
{
    CpBuf *bufPtr = *bufPtrPtr;

    if (bufPtr == NULL) {
        bufPtr = CpSendBufNew(sizeBytes);
        if (bufPtr == NULL) {
            return 0;
        }
        *bufPtrPtr = bufPtr;
    }
    if (lengthBytes > bufPtr->sizeBytes - bufPtr->end) {
        lengthBytes = bufPtr->sizeBytes - bufPtr->end;
    }
    memcpy(bufPtr->bytes + bufPtr->end, srcPtr, lengthBytes);
    bufPtr->end += (uint32_t) lengthBytes;
    connPtr->sendBuffered += lengthBytes;
    return lengthBytes;
}

/* Takes bytes behind all others; returns how many. */

static size_t
Queue(CpConn *connPtr, const void *srcPtr, size_t lengthBytes, int join)
{
    CpBuf *bufPtr = NULL;
    size_t bytes;

    if (join && connPtr->sendPending > 0) {
        bytes = Copy(connPtr, &connPtr->joinedPtr, CP_SEND_BYTES_MAX, srcPtr,
            lengthBytes);
        if (bytes > 0
            && connPtr->joinedPtr->end == connPtr->joinedPtr->sizeBytes) {
            SubmitJoined(connPtr);
        }
        return bytes;
    }
    bytes = Copy(connPtr, &bufPtr, lengthBytes, srcPtr, lengthBytes);
    if (bytes > 0) {
        SubmitBuf(connPtr, bufPtr);
    }
    return bytes;
}

/* No write is possible now. */

static int
IsFull(const CpConn *connPtr)
{
    return connPtr->sendPending >= connPtr->sendCap
        || !CpListIsEmpty(&connPtr->fileSends);
}

CpError
CpSendReportError(CpConn *connPtr)
{
    if (connPtr->sendError != CP_OK) {
        connPtr->sendErrorReported = 1;
        return connPtr->sendError;
    }
    return connPtr->sendShut ? CP_EPIPE : CP_OK;
}

CpError
CpConnWrite(CpConn *connPtr, const void *srcPtr, size_t lengthBytes, int join,
    size_t *bytesPtr)
{
    CpError error = CpConnUsable(connPtr);
    unsigned i;

    assert(lengthBytes > 0);
    *bytesPtr = 0;
    if (error != CP_OK) {
        return error;
    }

    /* Some callers write again and again without reaping, as Tcl does when a
     * thread exits. They must see sends complete. The port may hold a send back
     * until then, and complete it at once. */
    for (i = 0; i <= connPtr->sendPending && IsFull(connPtr); i++) {
        if (CpPortReap(connPtr->portPtr, 0) == 0) {
            break;
        }
    }
    error = CpSendReportError(connPtr);
    if (error != CP_OK) {
        return error;
    }
    if (!CpListIsEmpty(&connPtr->fileSends)) {
        return CP_EAGAIN;
    }

    /* Joined writes go first. If they would reach the cap, this joins them. */
    if (!join && connPtr->joinedPtr != NULL) {
        join = connPtr->sendPending + 1 >= connPtr->sendCap;
        if (!join) {
            SubmitJoined(connPtr);
        }
    }
    if (connPtr->sendPending == 0 && !join) {
        error = CpTrySend(connPtr->handlePtr, srcPtr, lengthBytes, bytesPtr);
        if (error == CP_OK) {
            connPtr->bytesOut += *bytesPtr;
            CpStatAdd(CP_STAT_BYTES_OUT, (int64_t) *bytesPtr);
            return CP_OK;
        }
        if (error != CP_EAGAIN) {
            connPtr->sendError = error;
            connPtr->sendErrorReported = 1;
            return error;
        }
    }
    if (connPtr->sendPending >= connPtr->sendCap) {
        return CP_EAGAIN;
    }
    *bytesPtr = Queue(connPtr, srcPtr, lengthBytes, join);
    if (*bytesPtr > 0) {
        return CP_OK;
    }

    /* There is no memory. Outstanding sends will return theirs. */
    return connPtr->sendPending > 0 ? CP_EAGAIN : CP_ENOMEM;
}

int
CpSendReady(const CpConn *connPtr)
{
    return !IsFull(connPtr) || connPtr->sendError != CP_OK;
}

/*
 * The shutdown waits for the last send, as a port may let it overtake
 * outstanding sends. After a send that failed there is none: the peer would
 * take the stream for a complete one.
 */

CpError
CpSendShutdown(CpConn *connPtr)
{
    CpError error = CpConnUnreportedError(connPtr);

    connPtr->sendShut = 1;
    if (connPtr->sendPending > 0) {
        return CP_OK;
    }
    if (connPtr->sendError != CP_OK) {
        connPtr->sendErrorReported = 1;
        return error;
    }
    return CpSendFin(connPtr);
}

CpError
CpSendFin(CpConn *connPtr)
{
    CpError error = CP_OK;

    assert(connPtr->sendPending == 0);
    if (!connPtr->finSent) {
        error = CpHandleShutdown(connPtr->handlePtr, CP_WRITE);
        connPtr->finSent = error == CP_OK;
    }
    return error;
}

int
CpConnSending(const CpConn *connPtr)
{
    return connPtr->sendPending > 0 || !CpListIsEmpty(&connPtr->fileSends);
}

CpError
CpConnUnreportedError(const CpConn *connPtr)
{
    return connPtr->sendErrorReported ? CP_OK : connPtr->sendError;
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
