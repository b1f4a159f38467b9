/*
 * cpRecvOp.c --
 *
 *      Receives that wait for bytes, in the four modes. Zero-byte and adaptive
 *      post a probe and take the bytes when the reader asks, adaptive also
 *      ahead, where there are some as a rule; flow-controlled and
 *      burst-detection post buffers.
 *
 *      A completed probe is no proof that there is something to read, and a
 *      failed receive none that there is nothing: cpRecv.c looks.
 */

#include "cpConnInt.h"

static void ZeroByteDone(CpOp *opPtr);
static void RecvDone(CpOp *opPtr);

int
CpRecvUsesBuffers(const CpConn *connPtr)
{
    if (connPtr->exposed) {
        return 0;
    }
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

unsigned
CpRecvPending(const CpConn *connPtr)
{
    return connPtr->recvBufsPending + connPtr->zeroBytePending;
}

void
CpRecvCompleted(CpConn *connPtr)
{
    if (CpRecvPending(connPtr) == 0) {
        connPtr->recvStopped = 0;
    }
}

static void
SubmitBuffers(CpConn *connPtr)
{
    while (connPtr->recvBufs < connPtr->recvDepth && !connPtr->endSeen) {
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
        connPtr->inputFound = 0;
        CpSubmitRecv(connPtr->handlePtr, &bufPtr->op, bufPtr->bytes,
            bufPtr->sizeBytes);
    }
}

static void
CancelBuffers(CpConn *connPtr)
{
    CpBuf *bufPtr = connPtr->recvQueue.firstPtr;

    for (; bufPtr != NULL; bufPtr = bufPtr->nextPtr) {
        if (bufPtr->pending) {
            connPtr->recvStopped = 1;
            CpCancel(connPtr->handlePtr, &bufPtr->op);
        }
    }
}

void
CpConnSubmitRecv(CpConn *connPtr)
{
    if (connPtr->state != CP_CONN_OPEN || CpRecvEnded(connPtr)
        || connPtr->recvFailure != CP_OK) {
        return;
    }
    if (CpRecvUsesBuffers(connPtr)) {
        SubmitBuffers(connPtr);
    }
    if (connPtr->recvBufs > 0 || connPtr->inputFound
        || connPtr->zeroBytePending) {
        return;
    }

    /*
     * Where the last one found something at once, the peer is quick: bytes are
     * taken without asking. Behind buffers that a mode before this one left, a
     * probe has to wait. Where there is no memory for a buffer it stands in:
     * what it finds goes straight to the reader.
     */

    if (CpRecvTakesAhead(connPtr) && connPtr->dataLikely) {
        connPtr->dataLikely = CpRecvTakeNow(connPtr, CP_RECV_BYTES_MIN)
            == CP_OK;
        if (connPtr->dataLikely || CpRecvEnded(connPtr)) {
            return;
        }
    }
    connPtr->zeroByteOp.proc = ZeroByteDone;
    connPtr->zeroBytePending = 1;
    CpSubmitRecv(connPtr->handlePtr, &connPtr->zeroByteOp, NULL, 0);
}

void
CpRecvRearm(CpConn *connPtr)
{
    if (connPtr->watchRead) {
        CpConnSubmitRecv(connPtr);
    }
}

/* Keeps the first failure. No receive is submitted after it. */

static void
LatchFailure(CpConn *connPtr, CpError error)
{
    if (error != CP_OK && error != CP_ECANCELED
        && connPtr->recvFailure == CP_OK) {
        connPtr->recvFailure = error;
        CancelBuffers(connPtr);
    }
}

static void
ZeroByteDone(CpOp *opPtr)
{
    CpConn *connPtr = CP_OWNER_OF(opPtr, CpConn, zeroByteOp);

    connPtr->zeroBytePending = 0;
    CpRecvCompleted(connPtr);
    connPtr->dataLikely = opPtr->error == CP_OK && opPtr->atOnce;
    if (CpDiscards(connPtr)) {
        CpDiscardNext(connPtr, opPtr->error);
        return;
    }
    LatchFailure(connPtr, opPtr->error);
    if (opPtr->error == CP_OK && connPtr->recvBufs == 0
        && !CpRecvEnded(connPtr)) {
        CpRecvCheck(connPtr);
    }
    if (!CpRecvReady(connPtr)) {
        CpRecvRearm(connPtr);
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

/*
 * A buffer without bytes that was neither cancelled nor failed means the end of
 * file. That is checked when the queue is empty: at a hang-up Wine 8 completes
 * the receives behind the first one with 0 bytes, even if there is more to
 * receive.
 */

void
CpRecvDropEmpty(CpConn *connPtr)
{
    CpBuf *bufPtr;

    while ((bufPtr = CpRecvFirst(connPtr)) != NULL
        && bufPtr->start == bufPtr->end) {
        if (bufPtr->op.error == CP_OK && bufPtr->op.bytes == 0) {
            connPtr->endSeen = 1;
        }
        LatchFailure(connPtr, bufPtr->op.error);
        CpRecvDrop(connPtr);
    }
    if (connPtr->endSeen && connPtr->recvBufs == 0 && !CpRecvEnded(connPtr)) {
        connPtr->endSeen = 0;
        CpRecvCheck(connPtr);
    }
}

static void
RecvDone(CpOp *opPtr)
{
    CpBuf *bufPtr = CP_OWNER_OF(opPtr, CpBuf, op);
    CpConn *connPtr = bufPtr->ownerPtr;

    bufPtr->pending = 0;
    connPtr->recvBufsPending--;
    CpRecvCompleted(connPtr);
    if (opPtr->error == CP_OK) {
        bufPtr->end = opPtr->bytes;
        connPtr->bytesIn += opPtr->bytes;
        CpStatAdd(CP_STAT_BYTES_IN, opPtr->bytes);
        Adapt(connPtr, bufPtr);
    }
    if (CpDiscards(connPtr)) {
        CpDiscardNext(connPtr, opPtr->error);
        return;
    }
    CpRecvDropEmpty(connPtr);
    CpRecvRearm(connPtr);
    CpConnNotify(connPtr);
}

void
CpConnWatchRead(CpConn *connPtr, int on)
{
    connPtr->watchRead = on ? 1 : 0;
    CpRecvRearm(connPtr);
}

void
CpRecvStop(CpConn *connPtr)
{
    if (connPtr->zeroBytePending) {
        connPtr->recvStopped = 1;
        CpCancel(connPtr->handlePtr, &connPtr->zeroByteOp);
    }
    CancelBuffers(connPtr);
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
    if (mode == connPtr->recvMode) {
        return;
    }
    connPtr->recvMode = mode;
    connPtr->recvBytes = CP_RECV_BYTES_MIN;
    connPtr->recvDepth = 1;
    connPtr->dataLikely = 0;
    connPtr->inputFound = 0;
    if (connPtr->state == CP_CONN_OPEN) {
        if (!CpRecvUsesBuffers(connPtr)) {
            CancelBuffers(connPtr);
        }
        CpRecvRearm(connPtr);
    }
}

/* Cancels receives with buffers. Bytes that they already have stay the
 * reader's. */

void
CpConnExpose(CpConn *connPtr)
{
    if (connPtr->exposed) {
        return;
    }
    connPtr->exposed = 1;
    connPtr->dataLikely = 0;
    if (connPtr->state != CP_CONN_OPEN || connPtr->portPtr == NULL) {
        return;
    }
    CancelBuffers(connPtr);
    while (connPtr->recvBufsPending > 0) {
        CpPortReap(connPtr->portPtr, -1);
    }
    CpRecvRearm(connPtr);
}
