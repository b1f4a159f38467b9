/*
 * cpRecv.c --
 *
 *      The receiving half of a connection, in its four modes. Zero-byte and
 *      adaptive post a probe and take the bytes when the reader asks;
 *      flow-controlled and burst-detection post buffers ahead. Either way the
 *      bytes pass through recvQueue or go straight to the reader, in order.
 */

#include "cpConnInt.h"

#include <assert.h>

static void ProbeDone(CpOp *opPtr);
static void RecvDone(CpOp *opPtr);

static int
PostsBuffers(const CpConn *connPtr)
{
    switch (connPtr->recvMode) {
    case CP_RECV_ADAPTIVE:
    case CP_RECV_ZERO_BYTE:
        return 0;
    case CP_RECV_FLOW_CONTROLLED:
    case CP_RECV_BURST_DETECTION:
        return 1;
    }
    return 0;
}

/* No byte can come any more. */

static int
Ended(const CpConn *connPtr)
{
    return connPtr->eof || connPtr->recvShut || connPtr->recvError != CP_OK;
}

/* Received bytes that wait for the reader. */

static CpBuf *
FirstFilled(const CpConn *connPtr)
{
    CpBuf *bufPtr = connPtr->recvQueue.firstPtr;

    return bufPtr != NULL && !bufPtr->pending ? bufPtr : NULL;
}

/* The peer reset: the receiving side sees it by itself. */

static int
IsReset(CpError error)
{
    return error == CP_ECONNRESET || error == CP_ECONNABORTED;
}

/*
 * Bytes on their way were lost, without the peer's doing, and nobody knows:
 * who waits for an answer to them has to be told.
 */

static int
LostUntold(const CpConn *connPtr)
{
    CpError error = CpConnUntoldError(connPtr);

    return error != CP_OK && !IsReset(error);
}

int
CpRecvReady(const CpConn *connPtr)
{
    /* Nobody can read from a direction that is closed. */
    return !connPtr->recvShut
        && (FirstFilled(connPtr) != NULL || connPtr->probed || Ended(connPtr)
            || LostUntold(connPtr));
}

unsigned
CpRecvPending(const CpConn *connPtr)
{
    return connPtr->recvBufsPending + connPtr->probePending;
}

uint64_t
CpRecvBuffered(const CpConn *connPtr)
{
    const CpBuf *bufPtr = connPtr->recvQueue.firstPtr;
    uint64_t bytes = 0;

    for (; bufPtr != NULL; bufPtr = bufPtr->nextPtr) {
        bytes += bufPtr->end - bufPtr->start;
    }
    return bytes;
}

static void
DropFirst(CpConn *connPtr)
{
    connPtr->recvBufs--;
    CpBufFree(CpBufTake(&connPtr->recvQueue));
}

static void
PostBuffers(CpConn *connPtr)
{
    while (connPtr->recvBufs < connPtr->recvDepth) {
        CpBuf *bufPtr = CpBufNew(connPtr->recvBytes);

        if (bufPtr == NULL) {
            break;
        }
        bufPtr->ownerPtr = connPtr;
        bufPtr->op.proc = RecvDone;
        bufPtr->pending = 1;
        CpBufAppend(&connPtr->recvQueue, bufPtr);
        connPtr->recvBufs++;
        connPtr->recvBufsPending++;
        connPtr->probed = 0;
        CpSubmitRecv(connPtr->handlePtr, &bufPtr->op, bufPtr->bytes,
            bufPtr->sizeBytes);
    }
}

void
CpConnPostRead(CpConn *connPtr)
{
    if (connPtr->state != CP_CONN_OPEN || Ended(connPtr)) {
        return;
    }
    if (PostsBuffers(connPtr)) {
        PostBuffers(connPtr);
    }

    /*
     * Behind buffers that a mode before this one left, a probe has to wait.
     * Where there is no memory for a buffer it stands in: what it finds goes
     * straight to the reader.
     */

    if (connPtr->recvBufs == 0 && !connPtr->probed && !connPtr->probePending) {
        connPtr->probe.proc = ProbeDone;
        connPtr->probePending = 1;
        connPtr->probeStale = 0;
        CpSubmitRecv(connPtr->handlePtr, &connPtr->probe, NULL, 0);
    }
}

void
CpRecvRefill(CpConn *connPtr)
{
    if (connPtr->watchRead) {
        CpConnPostRead(connPtr);
    }
}

/* A reset peer reads as end of file, as with the core's driver. */

static void
NoteError(CpConn *connPtr, CpError error)
{
    if (IsReset(error)) {
        connPtr->eof = 1;
    } else {
        connPtr->recvError = error;
    }
}

static void
ProbeDone(CpOp *opPtr)
{
    CpConn *connPtr = CP_OWNER_OF(opPtr, CpConn, probe);

    connPtr->probePending = 0;
    if (connPtr->state == CP_CONN_CLOSING) {
        CpConnFinish(connPtr);
        return;
    }
    if (opPtr->error == CP_OK && !connPtr->probeStale
        && connPtr->recvBufs == 0) {
        connPtr->probed = 1;
    } else if (opPtr->error != CP_OK && opPtr->error != CP_ECANCELED
        && !Ended(connPtr)) {
        NoteError(connPtr, opPtr->error);
    } else {
        CpRecvRefill(connPtr);
    }
    CpConnNotify(connPtr);
}

/*
 * A full buffer says that the peer sends faster than receives are posted:
 * larger ones first, then more. One that is not full says the burst is over.
 */

static void
Adapt(CpConn *connPtr, const CpBuf *bufPtr)
{
    if (bufPtr->end < bufPtr->sizeBytes) {
        connPtr->recvDepth = 1;
    } else if (connPtr->recvBytes < CP_RECV_BYTES_MAX) {
        connPtr->recvBytes *= 4;
    } else if (connPtr->recvMode == CP_RECV_BURST_DETECTION
        && connPtr->recvDepth < CP_RECV_DEPTH_MAX) {
        connPtr->recvDepth *= 2;
    }
}

/* Drops completed buffers without bytes from the queue's front: the first
 * that is not a cancelled one is the end. */

static void
SettleFront(CpConn *connPtr)
{
    CpBuf *bufPtr;

    while ((bufPtr = FirstFilled(connPtr)) != NULL
        && bufPtr->start == bufPtr->end) {
        CpError error = bufPtr->op.error;

        if (error == CP_OK && bufPtr->op.bytes == 0) {
            connPtr->eof = 1;
        } else if (error != CP_OK && error != CP_ECANCELED && !Ended(connPtr)) {
            NoteError(connPtr, error);
        }
        DropFirst(connPtr);
    }
}

static void
RecvDone(CpOp *opPtr)
{
    CpBuf *bufPtr = CP_OWNER_OF(opPtr, CpBuf, op);
    CpConn *connPtr = bufPtr->ownerPtr;

    bufPtr->pending = 0;
    connPtr->recvBufsPending--;
    if (opPtr->error == CP_OK) {
        bufPtr->end = opPtr->bytes;
        connPtr->probeStale = 1;
        connPtr->bytesIn += opPtr->bytes;
        CpStatAdd(CP_STAT_BYTES_IN, opPtr->bytes);
        Adapt(connPtr, bufPtr);
    }
    if (connPtr->state == CP_CONN_CLOSING) {
        CpConnFinish(connPtr);
        return;
    }
    SettleFront(connPtr);
    CpRecvRefill(connPtr);
    CpConnNotify(connPtr);
}

static CpError
ReadQueue(CpConn *connPtr, CpBuf *bufPtr, void *destPtr, size_t lengthBytes,
    size_t *bytesPtr)
{
    *bytesPtr = CpBufRead(bufPtr, destPtr, lengthBytes);
    if (bufPtr->start == bufPtr->end) {
        DropFirst(connPtr);
        SettleFront(connPtr);
        if (PostsBuffers(connPtr)) {
            CpConnPostRead(connPtr);
        }
    }
    return CP_OK;
}

/*
 * Takes what the system has, straight to the reader; or into a large buffer
 * when the peer sends more than the reader's small one holds, so that one
 * system call serves many reads.
 */

static CpError
ReadSystem(CpConn *connPtr, void *destPtr, size_t lengthBytes, size_t *bytesPtr)
{
    CpBuf *bufPtr = NULL;
    CpError error;

    if (connPtr->recvMode == CP_RECV_ADAPTIVE && connPtr->burst
        && lengthBytes < CP_RECV_BYTES_MAX) {
        bufPtr = CpBufNew(CP_RECV_BYTES_MAX);
    }
    error = CpTryRecv(connPtr->handlePtr,
        bufPtr != NULL ? (void *) bufPtr->bytes : destPtr,
        bufPtr != NULL ? bufPtr->sizeBytes : lengthBytes, bytesPtr);
    connPtr->probed = 0;
    if (error != CP_OK || *bytesPtr == 0) {
        if (bufPtr != NULL) {
            CpBufFree(bufPtr);
        }
        connPtr->burst = 0;
        connPtr->eof = (error == CP_OK);
        if (error != CP_OK && error != CP_EAGAIN) {
            NoteError(connPtr, error);
            error = connPtr->recvError;
        }
        return error;
    }
    connPtr->probeStale = 1;
    connPtr->burst = *bytesPtr >= lengthBytes;
    connPtr->bytesIn += *bytesPtr;
    CpStatAdd(CP_STAT_BYTES_IN, (int64_t) *bytesPtr);
    if (bufPtr != NULL) {
        bufPtr->end = (uint32_t) *bytesPtr;
        CpBufAppend(&connPtr->recvQueue, bufPtr);
        connPtr->recvBufs++;
        return ReadQueue(connPtr, bufPtr, destPtr, lengthBytes, bytesPtr);
    }
    return CP_OK;
}

/*
 * Tcl takes a read that is short for the end of what is there. So the rest
 * comes from further buffers, and behind the last one from the system; an
 * error or the end there is for the next read.
 */

static void
ReadAll(CpConn *connPtr, char *destPtr, size_t lengthBytes, size_t *bytesPtr)
{
    CpBuf *bufPtr;
    size_t bytes;

    while (*bytesPtr < lengthBytes && (bufPtr = FirstFilled(connPtr)) != NULL) {
        (void) ReadQueue(connPtr, bufPtr, destPtr + *bytesPtr,
            lengthBytes - *bytesPtr, &bytes);
        *bytesPtr += bytes;
    }
    if (*bytesPtr < lengthBytes && connPtr->recvBufs == 0 && !Ended(connPtr)
        && !PostsBuffers(connPtr)
        && ReadSystem(connPtr, destPtr + *bytesPtr, lengthBytes - *bytesPtr,
               &bytes)
            == CP_OK) {
        *bytesPtr += bytes;
    }
}

static CpError
ReadOpen(CpConn *connPtr, void *destPtr, size_t lengthBytes, size_t *bytesPtr)
{
    /*
     * Where receives are posted, what is there may be there unreaped. What a
     * probe has found needs none: it goes straight to the reader.
     */

    if (PostsBuffers(connPtr) && FirstFilled(connPtr) == NULL
        && !connPtr->probed) {
        CpConnPostRead(connPtr);
    }
    if (connPtr->recvBufsPending > 0 && FirstFilled(connPtr) == NULL) {
        CpPortReap(connPtr->portPtr, 0);
    }
    if (FirstFilled(connPtr) != NULL) {
        ReadAll(connPtr, destPtr, lengthBytes, bytesPtr);
        return CP_OK;
    }
    if (Ended(connPtr)) {
        return connPtr->recvError;
    }
    if (connPtr->recvBufsPending > 0) {
        return CP_EAGAIN;
    }
    return ReadSystem(connPtr, destPtr, lengthBytes, bytesPtr);
}

CpError
CpConnRead(CpConn *connPtr, void *destPtr, size_t lengthBytes, size_t *bytesPtr)
{
    CpError error = CpConnUsable(connPtr);

    *bytesPtr = 0;
    if (error != CP_OK) {
        return error;
    }
    error = ReadOpen(connPtr, destPtr, lengthBytes, bytesPtr);
    if (error == CP_EAGAIN && LostUntold(connPtr)) {
        connPtr->sendErrorTold = 1;
        error = connPtr->sendError;
    }
    return error;
}

void
CpConnWatchRead(CpConn *connPtr, int on)
{
    connPtr->watchRead = on ? 1 : 0;
    CpRecvRefill(connPtr);
}

static void
CancelBuffers(CpConn *connPtr)
{
    CpBuf *bufPtr = connPtr->recvQueue.firstPtr;

    for (; bufPtr != NULL; bufPtr = bufPtr->nextPtr) {
        if (bufPtr->pending) {
            CpCancel(connPtr->handlePtr, &bufPtr->op);
        }
    }
}

void
CpRecvStop(CpConn *connPtr)
{
    if (connPtr->probePending) {
        CpCancel(connPtr->handlePtr, &connPtr->probe);
    }
    CancelBuffers(connPtr);
}

void
CpRecvFree(CpConn *connPtr)
{
    assert(CpRecvPending(connPtr) == 0);
    while (connPtr->recvQueue.firstPtr != NULL) {
        DropFirst(connPtr);
    }
}

CpRecvMode
CpConnRecvMode(const CpConn *connPtr)
{
    return connPtr->recvMode;
}

/*
 * What an earlier mode posted is not lost: a probe's completion is passed
 * over, and a cancelled buffer that has bytes keeps its place in the queue.
 */

void
CpConnSetRecvMode(CpConn *connPtr, CpRecvMode mode)
{
    connPtr->recvMode = mode;
    connPtr->recvBytes = CP_RECV_BYTES_MIN;
    connPtr->recvDepth = 1;
    connPtr->burst = 0;
    connPtr->probed = 0;
    if (connPtr->state == CP_CONN_OPEN) {
        if (!PostsBuffers(connPtr)) {
            CancelBuffers(connPtr);
        }
        CpRecvRefill(connPtr);
    }
}
