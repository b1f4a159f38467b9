/*
 * cpRecv.c --
 *
 *      The receiving half of a connection, in its four modes. Zero-byte and
 *      adaptive post a probe and take the bytes when the reader asks, adaptive
 *      also ahead, where there are some as a rule; flow-controlled and
 *      burst-detection post buffers. Either way the bytes pass through
 *      recvQueue or go straight to the reader, in order.
 */

#include "cpConnInt.h"

#include <assert.h>
#include <string.h>

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
    CpBufGiveBack(connPtr->portPtr, CpBufTake(&connPtr->recvQueue));
}

static void
PostBuffers(CpConn *connPtr)
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
        connPtr->probed = 0;
        CpSubmitRecv(connPtr->handlePtr, &bufPtr->op, bufPtr->bytes,
            bufPtr->sizeBytes);
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

/* What the system has, or CP_EAGAIN; the end and errors are noted. */

static CpError
TryRecv(CpConn *connPtr, void *destPtr, size_t lengthBytes, size_t *bytesPtr)
{
    CpError error = CpTryRecv(connPtr->handlePtr, destPtr, lengthBytes,
        bytesPtr);

    connPtr->probed = 0;
    if (error == CP_OK && *bytesPtr > 0) {
        connPtr->probeStale = 1;
        connPtr->bytesIn += *bytesPtr;
        CpStatAdd(CP_STAT_BYTES_IN, (int64_t) *bytesPtr);
        return CP_OK;
    }
    connPtr->eof = (error == CP_OK);
    if (error != CP_OK && error != CP_EAGAIN) {
        NoteError(connPtr, error);
        error = connPtr->recvError;
    }
    return error;
}

/* What a large buffer has, in one that is not much larger. */

static CpBuf *
Shrink(CpConn *connPtr, CpBuf *bufPtr)
{
    CpBuf *smallPtr;

    if (bufPtr->end > bufPtr->sizeBytes / 4
        || bufPtr->sizeBytes < CP_BUF_LARGE_BYTES) {
        return bufPtr;
    }
    smallPtr = CpBufNew(bufPtr->end);
    if (smallPtr == NULL) {
        return bufPtr;
    }
    memcpy(smallPtr->bytes, bufPtr->bytes, bufPtr->end);
    smallPtr->end = bufPtr->end;
    CpBufGiveBack(connPtr->portPtr, bufPtr);
    return smallPtr;
}

/*
 * Takes what is there for the reader that will come, into a new buffer, or
 * NULL where there was no memory for it. Returns the one that has it; NULL for
 * nothing.
 */

static CpBuf *
ReadAhead(CpConn *connPtr, CpBuf *bufPtr)
{
    size_t bytes;

    if (bufPtr == NULL) {
        return NULL;
    }
    if (TryRecv(connPtr, bufPtr->bytes, bufPtr->sizeBytes, &bytes) != CP_OK
        || bytes == 0) {
        CpBufGiveBack(connPtr->portPtr, bufPtr);
        return NULL;
    }
    bufPtr->end = (uint32_t) bytes;
    bufPtr = Shrink(connPtr, bufPtr);
    CpBufAppend(&connPtr->recvQueue, bufPtr);
    connPtr->recvBufs++;
    return bufPtr;
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
    if (connPtr->recvBufs > 0 || connPtr->probed || connPtr->probePending) {
        return;
    }

    /*
     * Where the last one found something at once, the peer is quick: bytes are
     * taken without asking. Behind buffers that a mode before this one left, a
     * probe has to wait. Where there is no memory for a buffer it stands in:
     * what it finds goes straight to the reader.
     */

    if (connPtr->recvMode == CP_RECV_ADAPTIVE && connPtr->quick) {
        CpBuf *bufPtr = ReadAhead(connPtr, CpBufNew(CP_RECV_BYTES_MIN));

        connPtr->quick = bufPtr != NULL;
        if (bufPtr != NULL) {
            bufPtr->fresh = 1;
            return;
        }
        if (Ended(connPtr)) {
            return;
        }
    }
    connPtr->probe.proc = ProbeDone;
    connPtr->probePending = 1;
    connPtr->probeStale = 0;
    CpSubmitRecv(connPtr->handlePtr, &connPtr->probe, NULL, 0);
}

void
CpRecvRefill(CpConn *connPtr)
{
    if (connPtr->watchRead) {
        CpConnPostRead(connPtr);
    }
}

static void
ProbeDone(CpOp *opPtr)
{
    CpConn *connPtr = CP_OWNER_OF(opPtr, CpConn, probe);

    connPtr->probePending = 0;
    connPtr->quick = opPtr->error == CP_OK && opPtr->atOnce;
    if (CpDiscards(connPtr)) {
        CpDiscardNext(connPtr, opPtr->error);
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

/* Drops completed buffers without bytes from the queue's front: one that is not
 * a cancelled one says that this is the end, which is looked into when nothing
 * is left. */

static void
SettleFront(CpConn *connPtr)
{
    CpBuf *bufPtr;

    while ((bufPtr = FirstFilled(connPtr)) != NULL
        && bufPtr->start == bufPtr->end) {
        CpError error = bufPtr->op.error;

        if (error == CP_OK && bufPtr->op.bytes == 0) {
            connPtr->endSeen = 1;
        } else if (error != CP_OK && error != CP_ECANCELED && !Ended(connPtr)) {
            NoteError(connPtr, error);
        }
        DropFirst(connPtr);
    }

    /*
     * At the end Wine 8 completes receives behind the first one with 0 bytes,
     * whatever there is yet to be received.
     */

    if (connPtr->endSeen && connPtr->recvBufs == 0 && !Ended(connPtr)) {
        connPtr->endSeen = 0;
        (void) ReadAhead(connPtr, CpBufNew(CP_RECV_BYTES_MAX));
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
    if (CpDiscards(connPtr)) {
        CpDiscardNext(connPtr, opPtr->error);
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

/* It was filled a moment ago, with all that was there. */

static int
IsFresh(const CpBuf *bufPtr)
{
    return bufPtr->fresh && bufPtr->start == 0
        && bufPtr->end < bufPtr->sizeBytes;
}

void
CpConnAge(CpConn *connPtr)
{
    CpBuf *bufPtr = FirstFilled(connPtr);

    if (bufPtr != NULL) {
        bufPtr->fresh = 0;
    }
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
    int fresh = 0;

    while (*bytesPtr < lengthBytes && (bufPtr = FirstFilled(connPtr)) != NULL) {
        fresh = IsFresh(bufPtr);
        (void) ReadQueue(connPtr, bufPtr, destPtr + *bytesPtr,
            lengthBytes - *bytesPtr, &bytes);
        *bytesPtr += bytes;
    }
    if (*bytesPtr < lengthBytes && connPtr->recvBufs == 0 && !Ended(connPtr)
        && !PostsBuffers(connPtr) && !fresh
        && TryRecv(connPtr, destPtr + *bytesPtr, lengthBytes - *bytesPtr,
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
    while (connPtr->recvBufsPending > 0 && FirstFilled(connPtr) == NULL) {
        if (CpPortReap(connPtr->portPtr, 0) == 0) {
            break;
        }
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
    return TryRecv(connPtr, destPtr, lengthBytes, bytesPtr);
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

    /*
     * A reader whose buffer was filled will come back: one call serves many
     * reads of small buffers, and none is needed to see that there is more.
     */

    if (connPtr->recvMode == CP_RECV_ADAPTIVE && *bytesPtr == lengthBytes
        && connPtr->recvBufs == 0 && !Ended(connPtr)) {
        (void) ReadAhead(connPtr, CpBufNewLarge(connPtr->portPtr));
    }
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

int
CpRecvDrop(CpConn *connPtr)
{
    const CpBuf *bufPtr;
    int any = 0;

    while ((bufPtr = FirstFilled(connPtr)) != NULL) {
        any |= bufPtr->end > bufPtr->start;
        DropFirst(connPtr);
    }
    return any;
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
    if (mode == connPtr->recvMode) {
        return;
    }
    connPtr->recvMode = mode;
    connPtr->recvBytes = CP_RECV_BYTES_MIN;
    connPtr->recvDepth = 1;
    connPtr->quick = 0;
    connPtr->probed = 0;
    if (connPtr->state == CP_CONN_OPEN) {
        if (!PostsBuffers(connPtr)) {
            CancelBuffers(connPtr);
        }
        CpRecvRefill(connPtr);
    }
}
