/*
 * cpTrySim.c --
 *
 *      Calls of the simulated port that do not wait. Also checks that they
 *      overtake no operation.
 */

#include "cpSimInt.h"

static void
CheckNone(const CpHandle *handlePtr, SimOpKind kind)
{
    if (handlePtr->carrying[kind] > 0) {
        CpSimFail("an attempt at once would overtake an operation");
    }
}

static size_t
Shorten(CpSimFault fault, size_t lengthBytes)
{
    return lengthBytes > 1 && SimFault(fault)
        ? 1 + CpSimRandom((uint32_t) lengthBytes - 1)
        : lengthBytes;
}

static CpError
TryRecv(CpHandle *handlePtr, void *bufPtr, size_t lengthBytes, size_t *bytesPtr)
{
    SimEnd *endPtr = handlePtr->endPtr;

    CheckNone(handlePtr, SIM_OP_RECV);
    if (endPtr == NULL) {
        return CP_ENOTCONN;
    }
    if (SimFault(CP_SIM_TRY_RECV_FAIL)) {
        return SimRecvError(CP_SIM_TRY_RECV_FAIL);
    }
    if (endPtr->recvShut) {
        return CP_EPIPE;
    }
    if (SimArrived(endPtr) > 0) {
        if (SimFault(CP_SIM_TRY_RECV_AGAIN)) {
            return CP_EAGAIN;
        }
        *bytesPtr = SimTake(endPtr, bufPtr,
            Shorten(CP_SIM_TRY_RECV_SHORT, lengthBytes));
        return CP_OK;
    }
    endPtr->urgent = 0;
    if (endPtr->isReset) {
        return endPtr->resetError;
    }
    return SimAtEof(endPtr) ? CP_OK : CP_EAGAIN;
}

CpError
CpTryPeek(CpHandle *handlePtr, size_t *bytesPtr)
{
    SimEnd *endPtr = handlePtr->endPtr;
    size_t arrived = endPtr != NULL ? SimArrived(endPtr) : 0;
    CpError error;

    *bytesPtr = 0;
    if (arrived == 0 || endPtr->recvShut) {
        /* It takes nothing, as there is nothing. */
        error = CpTryRecv(handlePtr, NULL, 0, bytesPtr);
    } else if (SimFault(CP_SIM_TRY_RECV_AGAIN)) {
        error = CP_EAGAIN;
    } else {
        *bytesPtr = arrived;
        error = CP_OK;
    }
    return error;
}

CpError
CpTryRecv(CpHandle *handlePtr, void *bufPtr, size_t lengthBytes,
    size_t *bytesPtr)
{
    CpError error;

    *bytesPtr = 0;
    error = TryRecv(handlePtr, bufPtr, lengthBytes, bytesPtr);
    SimRecordReceive(handlePtr->endPtr, error);
    return error;
}

CpError
CpTrySend(CpHandle *handlePtr, const void *bufPtr, size_t lengthBytes,
    size_t *bytesPtr)
{
    SimEnd *endPtr = handlePtr->endPtr;

    *bytesPtr = 0;
    CheckNone(handlePtr, SIM_OP_SEND);
    if (endPtr == NULL) {
        return CP_ENOTCONN;
    }
    if (SimFault(CP_SIM_TRY_SEND_FAIL)) {
        return SimSendError(CP_SIM_TRY_SEND_FAIL);
    }
    if (endPtr->finSent) {
        return CP_EPIPE;
    }
    if (endPtr->isReset) {
        return endPtr->resetError;
    }
    if (SimFault(CP_SIM_TRY_SEND_AGAIN)) {
        return CP_EAGAIN;
    }
    *bytesPtr = SimGive(endPtr, bufPtr,
        Shorten(CP_SIM_TRY_SEND_SHORT, lengthBytes));
    return *bytesPtr > 0 ? CP_OK : CP_EAGAIN;
}
