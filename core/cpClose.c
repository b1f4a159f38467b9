/*
 * cpClose.c --
 *
 *      The end of a connection. If a socket is closed with unread input, the
 *      system resets the connection, and output on its way to the peer is
 *      lost. So a close sends everything that was written and then the end of
 *      file. If there is unread input, it reads and discards input until the
 *      peer's end of file, within limits of time (a lingering close). Input
 *      after a half-close for reading is discarded in the same way.
 */

#include "cpClose.h"
#include "cpConnInt.h"

#include <assert.h>

#define NEVER UINT64_MAX

/* At most this is discarded at one completion, to give others their turn. */
#define DISCARD_BYTES 262144
#define DISCARD_CHUNK 16384

static void DiscardDone(CpOp *opPtr);

/* -------------------------------------------------------- time limits */

static uint64_t
Due(const CpConn *connPtr)
{
    uint64_t dueMs = connPtr->closeDueMs != 0 ? connPtr->closeDueMs : NEVER;

    if (connPtr->closePhase == CP_CLOSE_LINGERING) {
        if (connPtr->lingerEndMs < dueMs) {
            dueMs = connPtr->lingerEndMs;
        }
        if (connPtr->lingerIdleMs < dueMs) {
            dueMs = connPtr->lingerIdleMs;
        }
    }
    return dueMs;
}

void
CpCloseUnlist(CpConn *connPtr)
{
    if (connPtr->closeListPtr != NULL) {
        CpListRemove(&connPtr->closeNode);
        connPtr->closeListPtr = NULL;
    }
}

static CpConn *
ConnOf(CpListNode *nodePtr)
{
    return CP_LIST_OWNER(nodePtr, CpConn, closeNode);
}

/* Most connections have the same limits: the place is near the end. */

static void
Enlist(CpConn *connPtr, CpCloseList *listPtr)
{
    CpListNode *prevPtr, *nextPtr = NULL;

    CpCloseUnlist(connPtr);
    connPtr->closeListPtr = listPtr;
    connPtr->closeSortMs = Due(connPtr);
    if (connPtr->closeSortMs == NEVER) {
        CpListAppend(&listPtr->untimed, &connPtr->closeNode);
        return;
    }
    prevPtr = CpListLast(&listPtr->timed);
    while (prevPtr != NULL
        && ConnOf(prevPtr)->closeSortMs > connPtr->closeSortMs) {
        nextPtr = prevPtr;
        prevPtr = CpListPrev(&listPtr->timed, prevPtr);
    }
    if (nextPtr != NULL) {
        CpListInsertBefore(nextPtr, &connPtr->closeNode);
    } else {
        CpListAppend(&listPtr->timed, &connPtr->closeNode);
    }
}

void
CpConnCloseBegins(CpConn *connPtr, CpCloseList *listPtr)
{
    if (connPtr->closeTimeoutMs > 0 && connPtr->closeDueMs == 0) {
        connPtr->closeDueMs = CpNowMs() + connPtr->closeTimeoutMs;
    }
    Enlist(connPtr, listPtr);
}

void
CpConnSetCloseTimeout(CpConn *connPtr, uint32_t timeoutMs)
{
    connPtr->closeTimeoutMs = timeoutMs;
}

uint32_t
CpConnCloseTimeout(const CpConn *connPtr)
{
    return connPtr->closeTimeoutMs;
}

/* -------------------------------------------------------- discarding */

/* No input can come any more. */

static int
NoInput(const CpConn *connPtr)
{
    return connPtr->eof || connPtr->recvError != CP_OK;
}

/*
 * This receive has a buffer: if urgent data waits, a zero-byte receive would
 * complete again and again.
 */

static void
SubmitDiscard(CpConn *connPtr)
{
    connPtr->zeroByteOp.proc = DiscardDone;
    connPtr->zeroBytePending = 1;
    CpSubmitRecv(connPtr->handlePtr, &connPtr->zeroByteOp, connPtr->discarded,
        sizeof(connPtr->discarded));
}

static void
CountDiscarded(CpConn *connPtr, size_t bytes)
{
    connPtr->bytesIn += bytes;
    CpStatAdd(CP_STAT_BYTES_IN, (int64_t) bytes);
    connPtr->inputLeft = 1;
    if (connPtr->closePhase == CP_CLOSE_LINGERING) {
        connPtr->lingerIdleMs = CpNowMs() + CP_LINGER_IDLE_MS;
    }
}

/* Reads the input that is there, up to a limit, and waits for more. */

static void
Discard(CpConn *connPtr)
{
    unsigned char chunk[DISCARD_CHUNK];
    size_t bytes, total = 0;
    CpError error = CP_OK;

    assert(CpRecvPending(connPtr) == 0);
    while (error == CP_OK && total < DISCARD_BYTES) {
        error = CpTryRecv(connPtr->handlePtr, chunk, sizeof(chunk), &bytes);
        if (error != CP_EAGAIN && bytes == 0) {
            connPtr->eof = 1;
            return;
        }
        total += bytes;
    }
    if (total > 0) {
        CountDiscarded(connPtr, total);
    }
    SubmitDiscard(connPtr);
}

static void
DiscardDone(CpOp *opPtr)
{
    CpConn *connPtr = CP_OWNER_OF(opPtr, CpConn, zeroByteOp);

    connPtr->zeroBytePending = 0;
    CpRecvCompleted(connPtr);
    if (opPtr->error == CP_OK && opPtr->bytes > 0) {
        CountDiscarded(connPtr, opPtr->bytes);
    }
    CpDiscardNext(connPtr, opPtr->error);
}

/* ----------------------------------------------------------- phases */

/* There is unread input: sends the peer the end of file, and discards what it
 * still sends. */

static void
Linger(CpConn *connPtr)
{
    uint64_t nowMs = CpNowMs();

    if (CpSendFin(connPtr) != CP_OK) {
        connPtr->closePhase = CP_CLOSE_ENDING;
        return;
    }
    connPtr->closePhase = CP_CLOSE_LINGERING;
    connPtr->lingerEndMs = nowMs + CP_LINGER_MS;
    connPtr->lingerIdleMs = nowMs + CP_LINGER_IDLE_MS;
    if (connPtr->closeListPtr != NULL) {
        Enlist(connPtr, connPtr->closeListPtr);
    }
}

/*
 * Everything is sent. A receive that is cancelled now shows whether there is
 * input. One that was cancelled earlier does not: input may have come since.
 */

static void
CheckInput(CpConn *connPtr)
{
    if (connPtr->sendError != CP_OK || NoInput(connPtr)) {
        connPtr->closePhase = CP_CLOSE_ENDING;
    } else {
        connPtr->closePhase = CP_CLOSE_CHECKING;
        connPtr->inputNone = 0;
        connPtr->cancelTells = !connPtr->recvStopped;
        if (CpRecvPending(connPtr) > 0) {
            /* The peer sees the end before the receives have completed. */
            (void) CpSendFin(connPtr);
        }
    }
    CpRecvStop(connPtr);
}

/* No receive is outstanding any more. If nothing was ever sent, a reset can
 * take nothing away. */

static void
Decide(CpConn *connPtr)
{
    if (!NoInput(connPtr) && connPtr->bytesOut > 0
        && (connPtr->inputLeft
            || (!connPtr->inputNone && CpHandleHasData(connPtr->handlePtr)))) {
        Linger(connPtr);
    } else {
        connPtr->closePhase = CP_CLOSE_ENDING;
    }
}

void
CpCloseAdvance(CpConn *connPtr)
{
    if (connPtr->closePhase == CP_CLOSE_SENDING && connPtr->sendPending == 0) {
        CheckInput(connPtr);
    }
    if (CpRecvPending(connPtr) > 0) {
        return;
    }
    if (connPtr->closePhase == CP_CLOSE_CHECKING) {
        Decide(connPtr);
    }
    switch (connPtr->closePhase) {
    case CP_CLOSE_SENDING:
        if (!NoInput(connPtr)) {
            Discard(connPtr);
        }
        break;
    case CP_CLOSE_LINGERING:
        if (!NoInput(connPtr)) {
            Discard(connPtr);
        }
        if (NoInput(connPtr)) {
            connPtr->closePhase = CP_CLOSE_ENDING;
        }
        break;
    case CP_CLOSE_NONE:
    case CP_CLOSE_CHECKING:
    case CP_CLOSE_ENDING:
        break; /* No input is read in these phases. */
    }
}

void
CpCloseBegin(CpConn *connPtr)
{
    connPtr->closePhase = CP_CLOSE_SENDING;
    if (CpRecvDiscard(connPtr)) {
        connPtr->inputLeft = 1;
    }
    if (connPtr->sendPending == 0) {
        CpCloseAdvance(connPtr);
    } else if (CpRecvPending(connPtr) == 0 && !NoInput(connPtr)) {
        SubmitDiscard(connPtr);
    }
}

void
CpDiscardBegin(CpConn *connPtr)
{
    (void) CpRecvDiscard(connPtr);
    if (!connPtr->zeroBytePending) {
        CpRecvStop(connPtr);
    }
    if (CpRecvPending(connPtr) == 0 && !NoInput(connPtr)) {
        SubmitDiscard(connPtr);
    }
}

void
CpDiscardNext(CpConn *connPtr, CpError error)
{
    if (CpRecvDiscard(connPtr)) {
        connPtr->inputLeft = 1;
    }
    if (error == CP_ECANCELED) {
        connPtr->inputNone = connPtr->cancelTells;
    } else if (error != CP_OK) {
        connPtr->eof = 1;
    }
    if (connPtr->state == CP_CONN_CLOSING) {
        CpCloseAdvance(connPtr);
        CpConnFinish(connPtr);
    } else if (CpRecvPending(connPtr) == 0 && !NoInput(connPtr)) {
        Discard(connPtr);
    }
}

int
CpDiscards(const CpConn *connPtr)
{
    return connPtr->state == CP_CONN_CLOSING || connPtr->recvShut;
}

/* --------------------------------------------------------- early ends */

static void
Abort(CpConn *connPtr, CpError why)
{
    connPtr->aborted = 1;
    connPtr->eof = 1;
    connPtr->watchRead = 0;
    if (connPtr->sendError == CP_OK) {
        connPtr->sendError = why;
    }
    CpCloseUnlist(connPtr);
    if (connPtr->closePhase != CP_CLOSE_NONE) {
        connPtr->closePhase = CP_CLOSE_ENDING;
    }
    if (connPtr->dialPtr != NULL) {
        CpDialCancel(connPtr->dialPtr);
    } else if (connPtr->handlePtr != NULL) {
        CpHandleAbort(connPtr->handlePtr);
        CpCancel(connPtr->handlePtr, NULL);
    }
    if (connPtr->state == CP_CONN_CLOSING) {
        CpConnFinish(connPtr);
    } else {
        CpConnNotify(connPtr);
    }
}

void
CpConnAbort(CpConn *connPtr)
{
    if (!connPtr->aborted) {
        connPtr->sendErrorReported = 1;
        Abort(connPtr, CP_ECONNABORTED);
    }
}

int
CpConnIsAborted(const CpConn *connPtr)
{
    return connPtr->aborted;
}

static void
EndLinger(CpConn *connPtr)
{
    CpCloseUnlist(connPtr);
    connPtr->closePhase = CP_CLOSE_ENDING;
    CpRecvStop(connPtr);
    CpConnFinish(connPtr);
}

/* A limit is reached: the close timeout, or a limit of lingering. */

static void
Expire(CpConn *connPtr, uint64_t nowMs)
{
    if (connPtr->closeDueMs != 0 && connPtr->closeDueMs <= nowMs) {
        Abort(connPtr, CP_ETIMEDOUT);
        return;
    }
    EndLinger(connPtr);
}

int64_t
CpCloseTick(CpCloseList *listPtr, uint64_t nowMs)
{
    CpConn *connPtr;

    while ((connPtr = ConnOf(CpListFirst(&listPtr->timed))) != NULL
        && connPtr->closeSortMs <= nowMs) {
        if (Due(connPtr) > nowMs) {
            Enlist(connPtr, listPtr); /* Input has come since. */
        } else {
            Expire(connPtr, nowMs);
        }
    }
    return connPtr != NULL ? (int64_t) (connPtr->closeSortMs - nowMs) : -1;
}

static void
EndAll(CpList *listPtr)
{
    CpListNode *nodePtr = CpListFirst(listPtr);

    while (nodePtr != NULL) {
        CpConn *connPtr = ConnOf(nodePtr);

        nodePtr = CpListNext(listPtr, nodePtr);
        if (connPtr->closePhase == CP_CLOSE_LINGERING) {
            EndLinger(connPtr);
        } else if (connPtr->state == CP_CONN_CLOSING) {
            CpConnAbort(connPtr);
        }
    }
}

void
CpCloseEndAll(CpCloseList *listPtr)
{
    EndAll(&listPtr->timed);
    EndAll(&listPtr->untimed);
}
