/*
 * cpRecv.c --
 *
 *      Reading from a connection: what the system has, what was taken ahead of
 *      the reader, and the end. Receives that wait for bytes are in cpRecvOp.c.
 *      Either way the bytes pass through recvQueue or go straight to the
 *      reader, in order.
 */

#include "cpConnInt.h"

#include <assert.h>
#include <string.h>

int
CpRecvEnded(const CpConn *connPtr)
{
    return connPtr->eof || connPtr->recvShut || connPtr->recvError != CP_OK;
}

CpBuf *
CpRecvFirst(const CpConn *connPtr)
{
    CpBuf *bufPtr = connPtr->recvQueue.firstPtr;

    return bufPtr != NULL && !bufPtr->pending ? bufPtr : NULL;
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
 * Bytes on their way were lost, without the peer's doing, and nobody knows:
 * who waits for an answer to them has to be told.
 */

static int
HasUnreportedLoss(const CpConn *connPtr)
{
    CpError error = CpConnUnreportedError(connPtr);

    return error != CP_OK && !IsReset(error);
}

/* A receive has failed, and no other one can still bring bytes. The next read
 * gets bytes that are left, or reports the failure. */

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

void
CpRecvDrop(CpConn *connPtr)
{
    connPtr->recvBufs--;
    CpBufGiveBack(connPtr->portPtr, CpBufTake(&connPtr->recvQueue));
}

/*
 * Takes bytes from the system, and notes the end and errors. A system may
 * report an error only once: after a receive that failed, the kept failure is
 * the reason for the end.
 */

static CpError
TryRecv(CpConn *connPtr, void *destPtr, size_t lengthBytes, size_t *bytesPtr)
{
    CpError error = CpTryRecv(connPtr->handlePtr, destPtr, lengthBytes,
        bytesPtr);

    connPtr->inputFound = 0;
    if (error == CP_OK && *bytesPtr > 0) {
        connPtr->bytesIn += *bytesPtr;
        CpStatAdd(CP_STAT_BYTES_IN, (int64_t) *bytesPtr);
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

static CpError
ReadQueue(CpConn *connPtr, CpBuf *bufPtr, void *destPtr, size_t lengthBytes,
    size_t *bytesPtr)
{
    *bytesPtr = CpBufRead(bufPtr, destPtr, lengthBytes);
    if (bufPtr->start == bufPtr->end) {
        CpRecvDrop(connPtr);
        CpRecvDropEmpty(connPtr);
        if (CpRecvUsesBuffers(connPtr)) {
            CpConnSubmitRecv(connPtr);
        }
    }
    return CP_OK;
}

/* It was filled a moment ago, with all that was there. */

static int
IsKnownDrained(const CpBuf *bufPtr)
{
    return bufPtr->knownDrained && bufPtr->start == 0
        && bufPtr->end < bufPtr->sizeBytes;
}

CpError
CpRecvTakeNow(CpConn *connPtr, uint32_t sizeBytes)
{
    CpBuf *bufPtr = CpBufNew(sizeBytes);

    if (bufPtr == NULL) {
        return CP_ENOMEM;
    }
    bufPtr = ReadAhead(connPtr, bufPtr);
    if (bufPtr == NULL) {
        return CP_EAGAIN;
    }
    bufPtr->knownDrained = 1;
    return CP_OK;
}

int
CpRecvTakesAhead(const CpConn *connPtr)
{
    return connPtr->recvMode == CP_RECV_ADAPTIVE && !connPtr->exposed;
}

/*
 * Reads as much as the reader will ask for, so that this is the call that the
 * reader would have made. It peeks if there is no memory for a buffer, or if
 * the bytes may not be taken.
 */

void
CpRecvCheck(CpConn *connPtr)
{
    uint32_t sizeBytes = connPtr->readBytes;
    CpError error;
    size_t bytes;

    if (sizeBytes < CP_RECV_BYTES_MIN) {
        sizeBytes = CP_RECV_BYTES_MIN;
    }
    if (connPtr->recvMode != CP_RECV_ZERO_BYTE && !connPtr->exposed
        && CpRecvTakeNow(connPtr, sizeBytes) != CP_ENOMEM) {
        return;
    }
    error = CpTryPeek(connPtr->handlePtr, &bytes);
    if (error == CP_EAGAIN) {
        return;
    }
    if (error != CP_OK && connPtr->recvFailure == CP_OK) {
        connPtr->recvFailure = error; /* May be reported only once. */
    }
    connPtr->inputFound = 1;
}

void
CpConnForgetDrained(CpConn *connPtr)
{
    CpBuf *bufPtr = CpRecvFirst(connPtr);

    if (bufPtr != NULL) {
        bufPtr->knownDrained = 0;
    }
    if (connPtr->exposed) {
        connPtr->inputFound = 0; /* A stranger may have taken it. */
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

    while (*bytesPtr < lengthBytes && (bufPtr = CpRecvFirst(connPtr)) != NULL) {
        fresh = IsKnownDrained(bufPtr);
        (void) ReadQueue(connPtr, bufPtr, destPtr + *bytesPtr,
            lengthBytes - *bytesPtr, &bytes);
        *bytesPtr += bytes;
    }
    if (*bytesPtr < lengthBytes && connPtr->recvBufs == 0
        && !CpRecvEnded(connPtr) && !CpRecvUsesBuffers(connPtr) && !fresh
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

    if (CpRecvUsesBuffers(connPtr) && CpRecvFirst(connPtr) == NULL
        && !connPtr->inputFound) {
        CpConnSubmitRecv(connPtr);
    }
    while (connPtr->recvBufsPending > 0 && CpRecvFirst(connPtr) == NULL) {
        if (CpPortReap(connPtr->portPtr, 0) == 0) {
            break;
        }
    }
    if (CpRecvFirst(connPtr) != NULL) {
        ReadAll(connPtr, destPtr, lengthBytes, bytesPtr);
        return CP_OK;
    }
    if (CpRecvEnded(connPtr)) {
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
    connPtr->readBytes = lengthBytes < CP_RECV_BYTES_MAX
        ? (uint32_t) lengthBytes
        : CP_RECV_BYTES_MAX;
    error = ReadOpen(connPtr, destPtr, lengthBytes, bytesPtr);

    /*
     * A reader whose buffer was filled will come back: one call serves many
     * reads of small buffers, and none is needed to see that there is more.
     */

    if (CpRecvTakesAhead(connPtr) && *bytesPtr == lengthBytes
        && connPtr->recvBufs == 0 && !CpRecvEnded(connPtr)) {
        (void) ReadAhead(connPtr, CpBufNewLarge(connPtr->portPtr));
    }
    if (error == CP_EAGAIN && HasUnreportedLoss(connPtr)) {
        connPtr->sendErrorReported = 1;
        error = connPtr->sendError;
    }
    return error;
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
    while (connPtr->recvQueue.firstPtr != NULL) {
        CpRecvDrop(connPtr);
    }
}
