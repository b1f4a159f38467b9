/*
 * cpRecv.c --
 *
 *      Reading from a connection: the part that all receive modes share. There
 *      are two strategies. The modes adaptive and zero-byte wait by a zero-byte
 *      receive and then take the bytes with calls that do not wait
 *      (cpRecvZero.c). The modes flow-controlled and burst-detection submit
 *      buffers that the system fills (cpRecvBuf.c).
 *
 *      Bytes that arrive before the reader asks for them wait in recvQueue, in
 *      their order. The mode can change at any time, so that each strategy
 *      first reads the bytes that the other one left there.
 */

#include "cpConnInt.h"

#include <assert.h>

/* -------------------------------------------------------------- facts */

/* Strangers that use the socket must find every byte that no read asked for. */

static CpRecvMode
PresentMode(const CpConn *connPtr)
{
    return connPtr->exposed ? CP_RECV_ZERO_BYTE : connPtr->recvMode;
}

int
CpRecvTakesAhead(const CpConn *connPtr)
{
    return PresentMode(connPtr) == CP_RECV_ADAPTIVE;
}

int
CpRecvUsesBuffers(const CpConn *connPtr)
{
    switch (PresentMode(connPtr)) {
    case CP_RECV_ADAPTIVE:
    case CP_RECV_ZERO_BYTE:
        return 0;
    case CP_RECV_FLOW_CONTROLLED:
    case CP_RECV_BURST_DETECTION:
        return 1;
    }
    return 0;
}

int
CpRecvEnded(const CpConn *connPtr)
{
    return connPtr->eof || connPtr->recvShut || connPtr->recvError != CP_OK;
}

unsigned
CpRecvPending(const CpConn *connPtr)
{
    return connPtr->recvBufsPending + connPtr->zeroBytePending;
}

/*
 * A reset by the peer reads as the end of file, as with the core's driver.
 * CP_ECONNABORTED does not: it means a time-out or a failure on this side, and
 * a truncated stream must not look complete.
 */

static int
IsReset(CpError error)
{
    return error == CP_ECONNRESET;
}

/*
 * Bytes that were written are lost, and the peer did not cause it. A reader
 * that waits for the answer to them has to learn this.
 */

static int
HasUnreportedLoss(const CpConn *connPtr)
{
    CpError error = CpConnUnreportedError(connPtr);

    return error != CP_OK && !IsReset(error);
}

/* A receive failed, and no other one can still bring bytes. The next read takes
 * the bytes that the system still has, or reports the failure. */

static int
FailureIsDue(const CpConn *connPtr)
{
    return connPtr->recvFailure != CP_OK && connPtr->recvBufsPending == 0;
}

int
CpRecvReady(const CpConn *connPtr)
{
    /* Nobody can read from a direction that is closed. */
    return !connPtr->recvShut
        && (CpRecvFirst(connPtr) != NULL || connPtr->inputFound
            || CpRecvEnded(connPtr) || FailureIsDue(connPtr)
            || HasUnreportedLoss(connPtr));
}

/* -------------------------------------------------------------- queue */

CpBuf *
CpRecvFirst(const CpConn *connPtr)
{
    CpBuf *bufPtr = CpBufFirst(&connPtr->recvQueue);

    return bufPtr != NULL && !bufPtr->pending ? bufPtr : NULL;
}

void
CpRecvAppend(CpConn *connPtr, CpBuf *bufPtr)
{
    CpListAppend(&connPtr->recvQueue, &bufPtr->node);
    connPtr->recvBufs++;
}

void
CpRecvDrop(CpConn *connPtr)
{
    CpBuf *bufPtr = CpBufFirst(&connPtr->recvQueue);

    assert(bufPtr != NULL);
    connPtr->recvBufs--;
    CpListRemove(&bufPtr->node);
    CpBufGiveBack(connPtr->portPtr, bufPtr);
}

uint64_t
CpRecvBuffered(const CpConn *connPtr)
{
    const CpBuf *bufPtr = CpBufFirst(&connPtr->recvQueue);
    uint64_t bytes = 0;

    for (; bufPtr != NULL; bufPtr = CpBufNext(&connPtr->recvQueue, bufPtr)) {
        bytes += bufPtr->end - bufPtr->start;
    }
    return bytes;
}

int
CpRecvDiscard(CpConn *connPtr)
{
    const CpBuf *bufPtr;
    int any = 0;

    while ((bufPtr = CpRecvFirst(connPtr)) != NULL) {
        any |= bufPtr->end > bufPtr->start;
        CpRecvDrop(connPtr);
    }
    return any;
}

void
CpRecvFree(CpConn *connPtr)
{
    assert(CpRecvPending(connPtr) == 0);
    while (connPtr->recvBufs > 0) {
        CpRecvDrop(connPtr);
    }
}

/* ------------------------------------------------------------ reading */

void
CpRecvCount(CpConn *connPtr, size_t bytes)
{
    connPtr->bytesIn += bytes;
    CpStatAdd(CP_STAT_BYTES_IN, (int64_t) bytes);
}

/*
 * A system may report an error only once: after a receive that failed, its
 * failure is the reason for the end.
 */

CpError
CpRecvTry(CpConn *connPtr, void *destPtr, size_t lengthBytes, size_t *bytesPtr)
{
    CpError error = CpTryRecv(connPtr->handlePtr, destPtr, lengthBytes,
        bytesPtr);

    connPtr->inputFound = 0;
    if (error == CP_OK && *bytesPtr > 0) {
        CpRecvCount(connPtr, *bytesPtr);
        return CP_OK;
    }
    if (connPtr->recvFailure != CP_OK) {
        error = connPtr->recvFailure;
    }
    if (error == CP_OK || IsReset(error)) {
        connPtr->eof = 1;
        return CP_OK;
    }
    if (error != CP_EAGAIN) {
        connPtr->recvError = error;
    }
    return error;
}

size_t
CpRecvReadQueue(CpConn *connPtr, char *destPtr, size_t lengthBytes)
{
    CpBuf *bufPtr;
    size_t bytes = 0;

    /* A receive may have completed without having been reaped. */
    while (connPtr->recvBufsPending > 0 && CpRecvFirst(connPtr) == NULL) {
        if (CpPortReap(connPtr->portPtr, 0) == 0) {
            break;
        }
    }
    while (bytes < lengthBytes && (bufPtr = CpRecvFirst(connPtr)) != NULL) {
        bytes += CpBufRead(bufPtr, destPtr + bytes, lengthBytes - bytes);
        if (bufPtr->start == bufPtr->end) {
            CpRecvDrop(connPtr);
            CpRecvDropEmpty(connPtr);
            if (CpRecvUsesBuffers(connPtr)) {
                CpConnSubmitRecv(connPtr);
            }
        }
    }
    return bytes;
}

CpError
CpRecvReadSystem(CpConn *connPtr, void *destPtr, size_t lengthBytes,
    size_t *bytesPtr)
{
    if (CpRecvEnded(connPtr)) {
        return connPtr->recvError;
    }
    if (connPtr->recvBufsPending > 0) {
        return CP_EAGAIN;
    }
    return CpRecvTry(connPtr, destPtr, lengthBytes, bytesPtr);
}

CpError
CpConnRead(CpConn *connPtr, void *destPtr, size_t lengthBytes, size_t *bytesPtr)
{
    CpError error = CpConnUsable(connPtr);

    *bytesPtr = 0;
    if (error != CP_OK) {
        return error;
    }
    connPtr->readBytes = lengthBytes < CP_RECV_BYTES_MAX
        ? (uint32_t) lengthBytes
        : CP_RECV_BYTES_MAX;
    if (CpRecvUsesBuffers(connPtr)) {
        error = CpRecvReadBuffers(connPtr, destPtr, lengthBytes, bytesPtr);
    } else {
        error = CpRecvReadZeroByte(connPtr, destPtr, lengthBytes, bytesPtr);
    }
    if (error == CP_EAGAIN && HasUnreportedLoss(connPtr)) {
        connPtr->sendErrorReported = 1;
        error = connPtr->sendError;
    }
    return error;
}

/* -------------------------------------------------- submits and cancels */

void
CpConnSubmitRecv(CpConn *connPtr)
{
    if (connPtr->state != CP_CONN_OPEN || CpRecvEnded(connPtr)
        || connPtr->recvFailure != CP_OK) {
        return;
    }
    if (CpRecvUsesBuffers(connPtr)) {
        CpRecvSubmitBuffers(connPtr);
    }
    /* Without memory for a buffer, a zero-byte receive takes its place. */
    if (connPtr->recvBufs == 0) {
        CpRecvSubmitZeroByte(connPtr);
    }
}

void
CpRecvRearm(CpConn *connPtr)
{
    if (connPtr->watchRead) {
        CpConnSubmitRecv(connPtr);
    }
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
    CpRecvCancelBuffers(connPtr);
}

void
CpRecvCompleted(CpConn *connPtr)
{
    if (CpRecvPending(connPtr) == 0) {
        connPtr->recvStopped = 0;
    }
}

/* The first failure counts. No receive is submitted after it. */

void
CpRecvLatchFailure(CpConn *connPtr, CpError error)
{
    if (error != CP_OK && error != CP_ECANCELED
        && connPtr->recvFailure == CP_OK) {
        connPtr->recvFailure = error;
        CpRecvCancelBuffers(connPtr);
    }
}

/* -------------------------------------------------------------- modes */

CpRecvMode
CpConnRecvMode(const CpConn *connPtr)
{
    return connPtr->recvMode;
}

/*
 * The receives of the mode before lose nothing: the completion of a zero-byte
 * receive only makes the driver check for input, and a cancelled buffer that
 * has bytes keeps its place in the queue.
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
    connPtr->knownDrained = 0;
    connPtr->inputFound = 0;
    if (connPtr->state == CP_CONN_OPEN) {
        if (!CpRecvUsesBuffers(connPtr)) {
            CpRecvCancelBuffers(connPtr);
        }
        CpRecvRearm(connPtr);
    }
}

CpBurst
CpConnBurst(const CpConn *connPtr)
{
    CpBurst burst = {connPtr->burstBufs, connPtr->burstUnits};

    return burst;
}

/* Buffers above a smaller limit stay until they are read. */

void
CpConnSetBurst(CpConn *connPtr, CpBurst burst)
{
    assert(burst.bufs >= 1 && burst.bufs <= CP_RECV_DEPTH_MAX);
    assert(burst.units >= 1 && burst.units <= CP_BURST_UNITS_MAX);
    connPtr->burstBufs = burst.bufs;
    connPtr->burstUnits = burst.units;
    connPtr->recvBytes = CP_RECV_BYTES_MIN;
    connPtr->recvDepth = 1;
}

/* Bytes that a cancelled receive already has stay the reader's. */

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
    CpRecvCancelBuffers(connPtr);
    while (connPtr->recvBufsPending > 0) {
        CpPortReap(connPtr->portPtr, -1);
    }
    CpRecvRearm(connPtr);
}
