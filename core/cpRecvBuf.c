/*
 * cpRecvBuf.c --
 *
 *      Receiving into submitted buffers, in the modes flow-controlled and
 *      burst-detection: the system fills the buffers, in their order in the
 *      queue, before the reader asks. The buffers grow while they come back
 *      full. Burst-detection then submits several at a time; flow-controlled is
 *      burst-detection with a depth of one. A reader that pauses stops the
 *      peer, since no buffer is submitted until one of them has been read.
 */

#include "cpConnInt.h"

static void RecvDone(CpOp *opPtr);

/* ------------------------------------------------------------- submit */

void
CpRecvSubmitBuffers(CpConn *connPtr)
{
    while (connPtr->recvBufs < connPtr->recvDepth && !connPtr->endSeen) {
        CpBuf *bufPtr = CpBufNew(connPtr->recvBytes);

        if (bufPtr == NULL) {
            break;
        }
        bufPtr->ownerPtr = connPtr;
        bufPtr->op.proc = RecvDone;
        bufPtr->pending = 1;
        CpRecvAppend(connPtr, bufPtr);
        connPtr->recvBufsPending++;
        connPtr->inputFound = 0;
        CpSubmitRecv(connPtr->handlePtr, &bufPtr->op, bufPtr->bytes,
            bufPtr->sizeBytes);
    }
}

void
CpRecvCancelBuffers(CpConn *connPtr)
{
    CpBuf *bufPtr = CpBufFirst(&connPtr->recvQueue);

    for (; bufPtr != NULL; bufPtr = CpBufNext(&connPtr->recvQueue, bufPtr)) {
        if (bufPtr->pending) {
            connPtr->recvStopped = 1;
            CpCancel(connPtr->handlePtr, &bufPtr->op);
        }
    }
}

/* ----------------------------------------------------------- complete */

/*
 * A full buffer means that the peer sends faster than receives are submitted.
 * Larger buffers come first, then more of them. One that is not full means that
 * the burst is over.
 */

static void
Adapt(CpConn *connPtr, const CpBuf *bufPtr)
{
    int burst = connPtr->recvMode == CP_RECV_BURST_DETECTION;
    unsigned mostBufs = burst ? connPtr->burstBufs : 1;
    uint32_t mostBytes = burst ? connPtr->burstUnits * CP_RECV_BYTES_MIN
                               : CP_RECV_BYTES_MAX;
    uint32_t bytes = connPtr->recvDepth * connPtr->recvBytes;

    if (bufPtr->end < bufPtr->sizeBytes) {
        connPtr->recvDepth = 1;
    } else if (connPtr->recvBytes < CP_RECV_BYTES_MAX
        && 4 * bytes <= mostBytes) {
        connPtr->recvBytes *= 4;
    } else if (2 * connPtr->recvDepth <= mostBufs && 2 * bytes <= mostBytes) {
        connPtr->recvDepth *= 2;
    }
}

/*
 * A buffer that came back without bytes, neither cancelled nor failed, means
 * the end of file. As the port's contract says, it has to be confirmed, when
 * everything in front of it was read.
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
        CpRecvLatchFailure(connPtr, bufPtr->op.error);
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
    CpConn *connPtr = (CpConn *) bufPtr->ownerPtr;

    bufPtr->pending = 0;
    connPtr->recvBufsPending--;
    CpRecvCompleted(connPtr);
    if (opPtr->error == CP_OK) {
        bufPtr->end = opPtr->bytes;
        CpRecvCount(connPtr, opPtr->bytes);
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

/* -------------------------------------------------------------- reader */

/* The first submit may find bytes that are there already. */

CpError
CpRecvReadBuffers(CpConn *connPtr, void *destPtr, size_t lengthBytes,
    size_t *bytesPtr)
{
    if (CpRecvFirst(connPtr) == NULL && !connPtr->inputFound) {
        CpConnSubmitRecv(connPtr);
    }
    *bytesPtr = CpRecvReadQueue(connPtr, (char *) destPtr, lengthBytes);
    if (*bytesPtr > 0) {
        return CP_OK;
    }
    return CpRecvReadSystem(connPtr, destPtr, lengthBytes, bytesPtr);
}
