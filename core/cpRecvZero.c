/*
 * cpRecvZero.c --
 *
 *      Receiving without submitted buffers, in the modes adaptive and
 *      zero-byte. An idle connection keeps no buffer: a zero-byte receive
 *      completes when there is input, and the reader then takes the bytes
 *      straight from the system.
 *
 *      Adaptive mode takes bytes ahead of the reader in three places, since
 *      each saves system calls: in place of a zero-byte receive where bytes are
 *      likely to be there already, when a zero-byte receive has completed, and
 *      behind a read that filled the reader's buffer. doc/performance.md has
 *      the gain of each.
 */

#include "cpConnInt.h"

#include <string.h>

static void ZeroByteDone(CpOp *opPtr);
static CpError TakeAhead(CpConn *connPtr, CpBuf *bufPtr);
static CpError TakeNow(CpConn *connPtr, uint32_t sizeBytes);

/* ------------------------------------------------------------- submit */

/* Each receive waits behind input that is known, and behind buffers that an
 * earlier mode left. */

void
CpRecvSubmitZeroByte(CpConn *connPtr)
{
    if (connPtr->inputFound || connPtr->zeroBytePending) {
        return;
    }
    if (CpRecvTakesAhead(connPtr) && connPtr->dataLikely) {
        connPtr->dataLikely = TakeNow(connPtr, CP_RECV_BYTES_MIN) == CP_OK;
        if (connPtr->dataLikely || CpRecvEnded(connPtr)) {
            return;
        }
    }
    connPtr->zeroByteOp.proc = ZeroByteDone;
    connPtr->zeroBytePending = 1;
    CpSubmitRecv(connPtr->handlePtr, &connPtr->zeroByteOp, NULL, 0);
}

/* ----------------------------------------------------------- complete */

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
    CpRecvLatchFailure(connPtr, opPtr->error);
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
 * Takes as much as the reader will ask for, so that this is the call that the
 * reader would have made. Peeks if the bytes must stay in the system, or if
 * there is no memory for a buffer.
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
    if ((CpRecvTakesAhead(connPtr) || CpRecvUsesBuffers(connPtr))
        && TakeNow(connPtr, sizeBytes) != CP_ENOMEM) {
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

/* -------------------------------------------------------------- reader */

/*
 * Tcl takes a read that returns less than it asked for as the end of the
 * input. So a read goes on behind the queue, in the system, unless the queue is
 * known to have held all of it. An error or the end there is for the next read.
 */

static CpError
ReadAll(CpConn *connPtr, char *destPtr, size_t lengthBytes, size_t *bytesPtr)
{
    int drained = connPtr->knownDrained;
    size_t bytes = CpRecvReadQueue(connPtr, destPtr, lengthBytes);
    size_t more;

    connPtr->knownDrained = 0;
    *bytesPtr = bytes;
    if (bytes == 0) {
        return CpRecvReadSystem(connPtr, destPtr, lengthBytes, bytesPtr);
    }
    if (bytes < lengthBytes && connPtr->recvBufs == 0 && !CpRecvEnded(connPtr)
        && !drained
        && CpRecvTry(connPtr, destPtr + bytes, lengthBytes - bytes, &more)
            == CP_OK) {
        *bytesPtr += more;
    }
    return CP_OK;
}

/*
 * A reader that got all it asked for will ask again. So further bytes are taken
 * now, many with one call: this serves many reads of small buffers, and shows
 * whether there is more.
 */

CpError
CpRecvReadZeroByte(CpConn *connPtr, void *destPtr, size_t lengthBytes,
    size_t *bytesPtr)
{
    CpError error = ReadAll(connPtr, (char *) destPtr, lengthBytes, bytesPtr);

    if (CpRecvTakesAhead(connPtr) && *bytesPtr == lengthBytes
        && connPtr->recvBufs == 0 && !CpRecvEnded(connPtr)) {
        (void) TakeAhead(connPtr, CpBufNewLarge(connPtr->portPtr));
    }
    return error;
}

/* -------------------------------------------------------- taking ahead */

/* Copies the content of a large buffer that is nearly empty to a small one, as
 * a reader that pauses would keep the large one. */

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
 * Takes the bytes that the system has into a new buffer, NULL if there was no
 * memory for it, and puts that into the queue. Returns CP_EAGAIN if there were
 * no bytes; an end or an error has been recorded then.
 */

static CpError
TakeAhead(CpConn *connPtr, CpBuf *bufPtr)
{
    size_t bytes;

    if (bufPtr == NULL) {
        return CP_ENOMEM;
    }
    if (CpRecvTry(connPtr, bufPtr->bytes, bufPtr->sizeBytes, &bytes) != CP_OK
        || bytes == 0) {
        CpBufGiveBack(connPtr->portPtr, bufPtr);
        return CP_EAGAIN;
    }
    bufPtr->end = (uint32_t) bytes;
    CpRecvAppend(connPtr, Shrink(connPtr, bufPtr));
    return CP_OK;
}

/* The next read follows at once, as a rule, and need not ask the system again
 * if a buffer was left with room. */

static CpError
TakeNow(CpConn *connPtr, uint32_t sizeBytes)
{
    CpError error = TakeAhead(connPtr, CpBufNew(sizeBytes));

    if (error == CP_OK) {
        connPtr->knownDrained = CpRecvFirst(connPtr)->end < sizeBytes;
    }
    return error;
}

void
CpConnForgetDrained(CpConn *connPtr)
{
    connPtr->knownDrained = 0;
    if (connPtr->exposed) {
        connPtr->inputFound = 0; /* A stranger may have taken it. */
    }
}
