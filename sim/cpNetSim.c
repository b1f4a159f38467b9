/*
 * cpNetSim.c --
 *
 *      The simulated network: connections, and the bytes on their way in each
 *      direction.
 */

#include "cpSimInt.h"

#include <stdlib.h>
#include <string.h>

static const CpError recvErrors[] = {CP_ECONNRESET, CP_ECONNABORTED, CP_ENOBUFS,
    CP_ETIMEDOUT};

/* -------------------------------------------------------- connections */

SimLink *
SimNewLink(size_t window)
{
    SimLink *linkPtr = SimAlloc(sizeof(SimLink));
    unsigned i;

    linkPtr->refs = 2;
    linkPtr->window = window;
    for (i = 0; i < 2; i++) {
        linkPtr->ends[i].linkPtr = linkPtr;
        linkPtr->ends[i].otherPtr = &linkPtr->ends[1 - i];
        linkPtr->ends[i].ring = SimAlloc(window);
    }
    return linkPtr;
}

void
SimUnrefLink(SimLink *linkPtr)
{
    if (--linkPtr->refs == 0) {
        free(linkPtr->ends[0].ring);
        free(linkPtr->ends[1].ring);
        free(linkPtr->ends[0].held);
        free(linkPtr->ends[1].held);
        free(linkPtr);
    }
}

size_t
SimArrived(const SimEnd *endPtr)
{
    return simNowMs >= endPtr->arriveMs ? endPtr->count : 0;
}

int
SimAtEof(const SimEnd *endPtr)
{
    return endPtr->count == 0 && endPtr->heldCount == 0
        && endPtr->otherPtr->finSent && !endPtr->otherPtr->outputLost
        && simNowMs >= endPtr->arriveMs;
}

/* New bytes may take time, and have to behind bytes on their way. */

static void
StartTransit(SimEnd *toPtr)
{
    uint32_t ms;

    if (simNowMs < toPtr->arriveMs) {
        return; /* Arrives with those. */
    }
    if (toPtr->count > 0) {
        return;
    }
    ms = SimDelay(CP_SIM_IN_FLIGHT);
    if (ms > 0) {
        toPtr->arriveMs = simNowMs + ms;
        toPtr->linkPtr->refs++;
        SimAfter(ms, SIM_EVENT_ARRIVE, toPtr);
    }
}

static void
DropHeld(SimEnd *endPtr)
{
    free(endPtr->held);
    endPtr->held = NULL;
    endPtr->heldStart = endPtr->heldCount = 0;
}

/* Unsent output is lost when its connection is reset. */

static void
LoseOutput(SimEnd *toPtr)
{
    int unsent = simNowMs < toPtr->arriveMs && toPtr->count > 0;

    if ((unsent || toPtr->heldCount > 0) && SimFault(CP_SIM_CLOSE_DISCARDS)) {
        DropHeld(toPtr);
        if (unsent) {
            toPtr->count = 0;
        }
        toPtr->otherPtr->outputLost = 1;
    }
}

static void
ResetLater(SimEnd *endPtr, CpSimCause cause)
{
    LoseOutput(endPtr);
    if (!endPtr->resetSent) {
        endPtr->cause = cause;
    }
    endPtr->resetSent = 1;
    endPtr->linkPtr->refs++;
    SimAfter(SimDelay(CP_SIM_IN_FLIGHT), SIM_EVENT_RESET, endPtr);
}

/* An end refuses input: both are reset, and bytes on their way are lost. */

static void
ResetConnection(SimEnd *endPtr)
{
    if (!endPtr->closed && !endPtr->isReset) {
        SimRecord(CP_SIM_REFUSE_RESETS);
        ResetLater(endPtr, CP_SIM_CAUSE_REFUSED);
    }
    if (!endPtr->otherPtr->isReset) {
        ResetLater(endPtr->otherPtr,
            endPtr->closed ? CP_SIM_CAUSE_LATE : CP_SIM_CAUSE_REFUSED);
    }
}

/* Receives that are outstanding at a SD_RECEIVE still get bytes. */

static int
Refuses(const SimEnd *endPtr)
{
    const CpHandle *handlePtr = endPtr->handlePtr;
    int waits = handlePtr != NULL && handlePtr->queues[SIM_OP_RECV].count > 0;

    return endPtr->closed || endPtr->isReset || (endPtr->recvShut && !waits);
}

/* Sends as many bytes as there is room for. */

static size_t
PutInRing(SimEnd *toPtr, const unsigned char *srcPtr, size_t lengthBytes)
{
    size_t window = toPtr->linkPtr->window;
    size_t room = window - toPtr->count;
    size_t at, first;

    if (lengthBytes > room) {
        lengthBytes = room;
    }
    if (lengthBytes == 0) {
        return 0;
    }
    StartTransit(toPtr);
    at = (toPtr->start + toPtr->count) % window;
    first = lengthBytes < window - at ? lengthBytes : window - at;
    memcpy(toPtr->ring + at, srcPtr, first);
    memcpy(toPtr->ring, srcPtr + first, lengthBytes - first);
    toPtr->count += lengthBytes;
    return lengthBytes;
}

/* The sender's system keeps bytes that there is no room for. */

static void
Hold(SimEnd *toPtr, const unsigned char *srcPtr, size_t lengthBytes)
{
    toPtr->held = SimAlloc(lengthBytes);
    memcpy(toPtr->held, srcPtr, lengthBytes);
    toPtr->heldStart = 0;
    toPtr->heldCount = lengthBytes;
}

/* It sends the bytes that it has kept. */

static int
SendHeld(SimEnd *toPtr)
{
    size_t bytes;

    if (toPtr->heldCount == 0) {
        return 0;
    }
    if (Refuses(toPtr)) {
        DropHeld(toPtr);
        ResetConnection(toPtr);
        return 0;
    }
    bytes = PutInRing(toPtr, toPtr->held + toPtr->heldStart, toPtr->heldCount);
    toPtr->heldStart += bytes;
    toPtr->heldCount -= bytes;
    if (toPtr->heldCount == 0) {
        DropHeld(toPtr);
    }
    return bytes > 0;
}

/* Sends bytes to the other end; returns how many were taken. */

static size_t
Put(SimEnd *toPtr, const unsigned char *srcPtr, size_t lengthBytes)
{
    size_t bytes;

    if (Refuses(toPtr)) {
        /* They are lost, and their sender gets a reset. */
        ResetConnection(toPtr);
        return lengthBytes;
    }
    if (toPtr->otherPtr->outputLost) {
        return lengthBytes; /* It would come behind a gap. */
    }
    if (toPtr->heldCount > 0) {
        return 0; /* These come first. */
    }
    bytes = PutInRing(toPtr, srcPtr, lengthBytes);
    if (bytes < lengthBytes && SimFault(CP_SIM_SEND_WHOLE)) {
        Hold(toPtr, srcPtr + bytes, lengthBytes - bytes);
        bytes = lengthBytes;
    }
    return bytes;
}

static size_t
Get(SimEnd *endPtr, unsigned char *destPtr, size_t lengthBytes)
{
    size_t window = endPtr->linkPtr->window;
    size_t have = SimArrived(endPtr);
    size_t first;

    if (lengthBytes > have) {
        lengthBytes = have;
    }
    first = lengthBytes < window - endPtr->start ? lengthBytes
                                                 : window - endPtr->start;
    memcpy(destPtr, endPtr->ring + endPtr->start, first);
    memcpy(destPtr + first, endPtr->ring, lengthBytes - first);
    endPtr->start = (endPtr->start + lengthBytes) % window;
    endPtr->count -= lengthBytes;
    endPtr->received += lengthBytes;
    return lengthBytes;
}

/* Sends on their way to this end go as far as there is room. */

static int
FillRing(SimEnd *endPtr)
{
    CpHandle *senderPtr = endPtr->otherPtr->handlePtr;
    SimOp *simOpPtr;
    int moved = SendHeld(endPtr);

    if (senderPtr == NULL || endPtr->otherPtr->resetSent) {
        return moved; /* Sends that wait fail with the reset. */
    }
    while ((simOpPtr = SimFirst(&senderPtr->queues[SIM_OP_SEND])) != NULL) {
        size_t bytes;

        if (simOpPtr->isFile && !SimTakeSlot(simOpPtr)) {
            break;
        }
        SimUnlock(simOpPtr);
        bytes = Put(endPtr, simOpPtr->bufPtr + simOpPtr->movedBytes,
            simOpPtr->lengthBytes - simOpPtr->movedBytes);
        SimLock(simOpPtr);
        simOpPtr->movedBytes += bytes;
        moved |= bytes > 0;
        if (simOpPtr->movedBytes < simOpPtr->lengthBytes) {
            break;
        }
        SimFinish(simOpPtr, CP_OK, (uint32_t) simOpPtr->lengthBytes);
    }
    return moved;
}

/* Completes a receive if it can; returns 0 if it has to wait. */

static int
FillReceive(SimEnd *endPtr, SimOp *simOpPtr)
{
    size_t have = SimArrived(endPtr);
    size_t length = simOpPtr->lengthBytes;

    if (have == 0) {
        if (!endPtr->isReset && !SimAtEof(endPtr)) {
            if (length > 0) {
                endPtr->urgent = 0; /* A receive with a buffer skips it. */
                return 0;
            }
            if (!endPtr->urgent && !SimFault(CP_SIM_RECV_SPURIOUS)) {
                return 0;
            }
            SimFinish(simOpPtr, CP_OK, 0);
            return 1;
        }
        SimFinish(simOpPtr, endPtr->isReset ? endPtr->resetError : CP_OK, 0);
        return 1;
    }
    if (endPtr->resetSent && SimFault(CP_SIM_RECV_RESET_FIRST)) {
        SimFinish(simOpPtr, CP_ECONNRESET, 0);
        return 1;
    }
    if (SimFault(CP_SIM_RECV_FAIL)) {
        SimFinish(simOpPtr,
            SimFaultError(CP_SIM_RECV_FAIL, recvErrors,
                sizeof(recvErrors) / sizeof(recvErrors[0])),
            0);
        return 1;
    }
    if (length > 0 && endPtr->otherPtr->finSent
        && SimFault(CP_SIM_RECV_FALSE_END)) {
        SimFinish(simOpPtr, CP_OK, 0);
        return 1;
    }
    if (length > 1 && SimFault(CP_SIM_RECV_SHORT)) {
        length = 1 + CpSimRandom((uint32_t) length - 1);
    }
    if (length > 0) {
        SimUnlock(simOpPtr);
        length = Get(endPtr, simOpPtr->bufPtr, length);
        SimLock(simOpPtr);
    }
    SimFinish(simOpPtr, CP_OK, (uint32_t) length);
    return 1;
}

/* On Windows input that is refused resets the connection, sooner or later. */

static void
RefuseRest(SimEnd *endPtr)
{
    if (endPtr->recvShut && !endPtr->resetSent && Refuses(endPtr)
        && (endPtr->count > 0 || endPtr->heldCount > 0)) {
        ResetConnection(endPtr);
    }
}

/* Moves bytes and events towards this end, as far as they can go. */

void
SimPump(SimEnd *endPtr)
{
    int moved;

    do {
        moved = FillRing(endPtr);
        while (endPtr->handlePtr != NULL
            && endPtr->handlePtr->queues[SIM_OP_RECV].count > 0
            && FillReceive(endPtr,
                SimFirst(&endPtr->handlePtr->queues[SIM_OP_RECV]))) {
            moved = 1;
        }
    } while (moved);
    RefuseRest(endPtr);
}

/* It happens when the caller has returned. */

void
SimPumpLater(SimEnd *endPtr)
{
    endPtr->linkPtr->refs++;
    SimAfter(0, SIM_EVENT_ARRIVE, endPtr);
}

size_t
SimTake(SimEnd *endPtr, void *destPtr, size_t lengthBytes)
{
    size_t bytes = Get(endPtr, destPtr, lengthBytes);

    SimPump(endPtr);
    return bytes;
}

size_t
SimGive(SimEnd *fromPtr, const void *srcPtr, size_t lengthBytes)
{
    size_t bytes = Put(fromPtr->otherPtr, srcPtr, lengthBytes);

    SimPump(fromPtr->otherPtr);
    return bytes;
}

/* A reset arrives. */

void
SimResetEnd(SimEnd *endPtr, CpSimCause cause)
{
    CpHandle *handlePtr = endPtr->handlePtr;
    int isPeer = handlePtr != NULL && handlePtr->isPeer;

    if (endPtr->isReset) {
        return;
    }
    endPtr->isReset = endPtr->resetSent = 1;
    endPtr->cause = cause;
    endPtr->resetError = !isPeer && SimFault(CP_SIM_ABORTED) ? CP_ECONNABORTED
                                                             : CP_ECONNRESET;
    if (!SimFault(CP_SIM_RESET_KEEPS)) {
        if (endPtr->count > 0) {
            SimRecord(CP_SIM_RESET_DISCARDS);
        }
        endPtr->count = 0;
    }
    DropHeld(endPtr); /* It was not sent yet. */
    if (handlePtr == NULL) {
        return;
    }
    while (handlePtr->queues[SIM_OP_SEND].count > 0) {
        SimFinish(SimFirst(&handlePtr->queues[SIM_OP_SEND]), endPtr->resetError,
            0);
    }
    SimPump(endPtr);
}

void
SimRefuseInput(SimEnd *endPtr)
{
    endPtr->recvShut = 1;
    RefuseRest(endPtr);
}

/* The socket ends without a close. */

void
SimEndWithProcess(SimEnd *endPtr)
{
    if (!endPtr->otherPtr->closed && !endPtr->otherPtr->isReset) {
        ResetLater(endPtr->otherPtr, CP_SIM_CAUSE_PROCESS);
    }
    SimResetEnd(endPtr, CP_SIM_CAUSE_PROCESS);
}

/* This end's FIN follows what it has sent. */

void
SimSendFin(SimEnd *endPtr)
{
    if (!endPtr->finSent) {
        StartTransit(endPtr->otherPtr);
        endPtr->finSent = 1;
        SimPump(endPtr->otherPtr);
    }
}

/* This end is gone. What it has not received makes that a reset. */

void
SimCloseEnd(SimEnd *endPtr, int reset)
{
    if (reset || (endPtr->count > 0 && !endPtr->isReset)) {
        ResetLater(endPtr->otherPtr,
            reset ? CP_SIM_CAUSE_ABORT : CP_SIM_CAUSE_UNREAD);
    } else if (!endPtr->isReset) {
        SimSendFin(endPtr);
    }
    endPtr->closed = 1;
    endPtr->handlePtr = NULL;
    endPtr->count = 0;
    SimPump(endPtr); /* Bytes that are still sent here are lost. */
    SimUnrefLink(endPtr->linkPtr);
}

/* ------------------------------------------------------- what befell it */

void
SimRecordReceive(SimEnd *endPtr, CpError error)
{
    if (endPtr != NULL && error == CP_ECONNRESET) {
        endPtr->reportedReset = 1;
    }
}

int
CpSimIsAborted(const CpHandle *handlePtr)
{
    return handlePtr->endPtr->isReset
        && handlePtr->endPtr->resetError == CP_ECONNABORTED;
}

uint64_t
CpSimReceived(const CpHandle *handlePtr)
{
    return handlePtr->endPtr->received;
}

CpSimCause
CpSimPeerCause(const CpSimPeer *peerPtr)
{
    return peerPtr->handle.endPtr->cause;
}

int
CpSimReportedReset(const CpHandle *handlePtr)
{
    return handlePtr->endPtr->reportedReset;
}
