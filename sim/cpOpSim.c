/*
 * cpOpSim.c --
 *
 *      Operations of the simulated port: submits, results and cancels. Also
 *      checks that the caller keeps the contract.
 */

#include "cpSimInt.h"

#include <stdlib.h>
#include <string.h>

/* Under AddressSanitizer the memory of an operation is poisoned for all other
 * code, from submit to completion. */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIM_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SIM_ASAN 1
#endif

#ifdef SIM_ASAN
#include <sanitizer/asan_interface.h>
#define LOCK(memPtr, sizeBytes) __asan_poison_memory_region(memPtr, sizeBytes)
#define UNLOCK(memPtr, sizeBytes) \
    __asan_unpoison_memory_region(memPtr, sizeBytes)
#else
#define LOCK(memPtr, sizeBytes) ((void) (memPtr), (void) (sizeBytes))
#define UNLOCK(memPtr, sizeBytes) ((void) (memPtr), (void) (sizeBytes))
#endif

#define MARK 0x5a /* The bytes of a buffer before its receive. */

static const CpError recvErrors[] = {CP_ECONNRESET, CP_ECONNABORTED, CP_ENOBUFS,
    CP_ENETRESET, CP_ETIMEDOUT, CP_ENOTCONN, CP_EIO, SIM_ENUMBER};
static const CpError sendErrors[] = {CP_ECONNRESET, CP_ECONNABORTED, CP_ENOBUFS,
    CP_ENETRESET, CP_ETIMEDOUT, CP_ENOMEM, SIM_ENUMBER};
static const CpError acceptErrors[] = {CP_ECONNRESET, CP_ECONNABORTED,
    CP_EMFILE, CP_ENOBUFS, CP_ENETDOWN};
static const CpError wantErrors[] = {CP_EMFILE, CP_ENOBUFS, CP_ENOMEM};
static const CpError connectErrors[] = {CP_ECONNREFUSED, CP_ETIMEDOUT,
    CP_ENETUNREACH, CP_EHOSTUNREACH, CP_EADDRINUSE, CP_ENOBUFS, SIM_ENUMBER};

#define ERROR_OF(fault, errors) \
    SimFaultError(fault, errors, sizeof(errors) / sizeof((errors)[0]))

CpError
SimRecvError(CpSimFault fault)
{
    return ERROR_OF(fault, recvErrors);
}

CpError
SimSendError(CpSimFault fault)
{
    return ERROR_OF(fault, sendErrors);
}

/* ------------------------------------------------------------ results */

/* A checksum of a buffer. It takes some of the bytes, as there may be many. */

static uint32_t
Sum(const unsigned char *bufPtr, size_t lengthBytes)
{
    size_t step = lengthBytes / 32 + 1;
    uint32_t sum = 2166136261u;
    size_t i;

    for (i = 0; i < lengthBytes; i += step) {
        sum = (sum ^ bufPtr[i]) * 16777619u;
    }
    return sum;
}

void
SimLock(SimOp *simOpPtr)
{
    LOCK(simOpPtr->bufPtr, simOpPtr->lengthBytes);
}

void
SimUnlock(SimOp *simOpPtr)
{
    UNLOCK(simOpPtr->bufPtr, simOpPtr->lengthBytes);
}

/* The result is known. It reaches the owner later. */

void
SimFinish(SimOp *simOpPtr, CpError error, uint32_t bytes)
{
    CpHandle *handlePtr = simOpPtr->handlePtr;

    if (simOpPtr->kind == SIM_OP_SEND && error != CP_OK
        && handlePtr->sendError == CP_OK) {
        handlePtr->sendError = error;
    }
    if (simOpPtr->kind == SIM_OP_RECV) {
        SimRecordReceive(handlePtr->endPtr, error);
    }
    SimCountError(error);
    SimRemove(&handlePtr->queues[simOpPtr->kind], simOpPtr);
    simOpPtr->state = SIM_OP_OVER;
    if (simOpPtr->isFile) {
        SimGiveSlot(simOpPtr);
    }
    simOpPtr->error = error;
    simOpPtr->bytes = bytes;
    simOpPtr->refs++;
    SimAfter(SimDelay(CP_SIM_LATE), SIM_EVENT_COMPLETE, simOpPtr);
}

void
SimFinishNow(SimOp *simOpPtr, CpError error)
{
    simOpPtr->atSubmit = 1;
    SimFinish(simOpPtr, error, 0);
}

static void
CheckOp(const SimOp *simOpPtr)
{
    const CpOp *opPtr = simOpPtr->opPtr;

    if (opPtr->handlePtr != simOpPtr->handlePtr
        || opPtr->space.sim.simOpPtr != simOpPtr) {
        CpSimFail("an operation was changed, or submitted a second time, "
                  "while it was the port's");
    }
    if ((simOpPtr->kind == SIM_OP_SEND || simOpPtr->kind == SIM_OP_SEND_TO)
        && opPtr->space.sim.sum
            != Sum(simOpPtr->bufPtr, simOpPtr->lengthBytes)) {
        CpSimFail("the bytes of a send were changed while they were "
                  "the port's");
    }
}

/* The connection of an accept, or the end of its spare handle. */

static void
CompleteAccept(SimOp *simOpPtr, CpAcceptOp *acceptPtr)
{
    CpHandle *newPtr = simOpPtr->newHandlePtr;

    acceptPtr->newHandlePtr = NULL;
    if (newPtr == NULL) {
        return;
    }
    if (simOpPtr->error != CP_OK) {
        CpHandleClose(newPtr);
        return;
    }
    newPtr->ownerPtr = simOpPtr->handlePtr->ownerPtr;
    SimCountHandle(newPtr);
    acceptPtr->newHandlePtr = newPtr;
    acceptPtr->peer = newPtr->endPtr->otherPtr->local;
}

static void
CompleteResolve(SimOp *simOpPtr, CpResolveOp *resolvePtr)
{
    resolvePtr->resolved = simOpPtr->resolved;
    memset(&simOpPtr->resolved, 0, sizeof(CpResolved));
    if (simOpPtr->unknown) {
        resolvePtr->message = CpMessageNew("no such host is known");
    }
    if (simOpPtr->error != CP_OK) {
        CpResolvedFree(&resolvePtr->resolved);
    }
}

static int breaksSend = 0;

void
CpSimBreakSend(void)
{
    breaksSend = 1;
}

/* Calls the proc. */

void
SimComplete(SimOp *simOpPtr)
{
    CpOp *opPtr = simOpPtr->opPtr;

    SimUnlock(simOpPtr);
    CheckOp(simOpPtr);
    opPtr->error = simOpPtr->error;
    opPtr->bytes = simOpPtr->bytes;
    opPtr->atOnce = simOpPtr->atSubmit;
    switch (simOpPtr->kind) {
    case SIM_OP_SEND:
        if (breaksSend && opPtr->error == CP_OK) {
            breaksSend = 0;
            opPtr->bytes = 0;
        }
        break;
    case SIM_OP_RECV:
    case SIM_OP_RECV_FROM:
    case SIM_OP_SEND_TO:
        break; /* The result is complete. */
    case SIM_OP_ACCEPT:
        CompleteAccept(simOpPtr, CP_OWNER_OF(opPtr, CpAcceptOp, op));
        break;
    case SIM_OP_CONNECT:
        simOpPtr->handlePtr->failed = opPtr->error != CP_OK;
        break;
    case SIM_OP_RESOLVE:
        CompleteResolve(simOpPtr, CP_OWNER_OF(opPtr, CpResolveOp, op));
        break;
    case SIM_OP_KIND_COUNT:
        break; /* No kind. */
    }
    CpListRemove(&simOpPtr->allNode);
    simOpPtr->state = SIM_OP_GONE;
    simOpPtr->handlePtr->pending--;
    simOpPtr->handlePtr->carrying[simOpPtr->kind] -= simOpPtr->lengthBytes > 0;
    CpStatAdd(CP_STAT_OPERATIONS, -1);
    SimUnrefOp(simOpPtr);
    SimCallProc(opPtr);
}

/* Whether some operation still needs this memory. */

int
SimOpEnds(const void *memPtr, size_t sizeBytes)
{
    const char *first = memPtr;
    const char *end = first + sizeBytes;
    const CpListNode *nodePtr;

    for (nodePtr = CpListFirst(&simOps); nodePtr != NULL;
         nodePtr = CpListNext(&simOps, nodePtr)) {
        const SimOp *simOpPtr = CP_OWNER_OF(nodePtr, SimOp, allNode);
        const char *opPtr = (const char *) simOpPtr->opPtr;
        const char *bufPtr = (const char *) simOpPtr->bufPtr;

        if ((opPtr >= first && opPtr < end)
            || (bufPtr != NULL && bufPtr >= first && bufPtr < end)) {
            return 1;
        }
    }
    return 0;
}

/* ------------------------------------------------------------ submits */

/* From now on completions of the handle come to this port. */

static void
Bind(CpHandle *handlePtr)
{
    if (handlePtr->boundPort == 0) {
        handlePtr->boundPort = handlePtr->ownerPtr->number;
    }
}

SimOp *
SimBegin(CpHandle *handlePtr, CpOp *opPtr, SimOpKind kind)
{
    const CpListNode *nodePtr;
    SimOp *simOpPtr;

    if (opPtr->proc == NULL) {
        CpSimFail("an operation is submitted without a proc");
    }
    if (handlePtr->ownerPtr == NULL) {
        CpSimFail("an operation is submitted on a handle without an owner");
    }
    if (handlePtr->isResolver != (kind == SIM_OP_RESOLVE)
        || (handlePtr->udpPtr != NULL) != (kind >= SIM_OP_RECV_FROM)) {
        CpSimFail("an operation is submitted on the wrong kind of handle");
    }
    for (nodePtr = CpListFirst(&simOps); nodePtr != NULL;
         nodePtr = CpListNext(&simOps, nodePtr)) {
        if (CP_OWNER_OF(nodePtr, SimOp, allNode)->opPtr == opPtr) {
            CpSimFail("an operation is submitted that is outstanding");
        }
    }
    simOpPtr = SimAlloc(sizeof(SimOp));
    simOpPtr->opPtr = opPtr;
    simOpPtr->handlePtr = handlePtr;
    simOpPtr->kind = kind;
    simOpPtr->refs = 1;
    SimAppend(&handlePtr->queues[kind], simOpPtr);
    CpListAppend(&simOps, &simOpPtr->allNode);
    opPtr->handlePtr = handlePtr;
    opPtr->space.sim.simOpPtr = simOpPtr;
    opPtr->bytes = 0;
    handlePtr->pending++;
    CpStatAdd(CP_STAT_OPERATIONS, 1);
    if (kind != SIM_OP_CONNECT && kind != SIM_OP_RESOLVE) {
        Bind(handlePtr);
    }
    if (SimFault(CP_SIM_FOREIGN)) {
        SimAfter(SimSomeMs(), SIM_EVENT_FOREIGN, handlePtr->ownerPtr);
    }
    return simOpPtr;
}

void
CpSubmitRecv(CpHandle *handlePtr, CpOp *opPtr, void *bufPtr, size_t lengthBytes)
{
    SimOp *simOpPtr = SimBegin(handlePtr, opPtr, SIM_OP_RECV);

    if (lengthBytes > 0) {
        memset(bufPtr, MARK, lengthBytes);
        simOpPtr->bufPtr = bufPtr;
        simOpPtr->lengthBytes = lengthBytes;
        handlePtr->carrying[SIM_OP_RECV]++;
        LOCK(bufPtr, lengthBytes);
    }
    if (SimFault(CP_SIM_RECV_FAIL_SUBMIT)) {
        SimFinishNow(simOpPtr, ERROR_OF(CP_SIM_RECV_FAIL_SUBMIT, recvErrors));
    } else if (handlePtr->endPtr == NULL) {
        SimFinishNow(simOpPtr, CP_ENOTCONN);
    } else if (handlePtr->endPtr->recvShut) {
        SimFinishNow(simOpPtr, CP_EPIPE);
    } else {
        SimPump(handlePtr->endPtr);
        simOpPtr->atSubmit = simOpPtr->state == SIM_OP_OVER;
    }
}

void
SimHoldBytes(SimOp *simOpPtr, const void *bufPtr, size_t lengthBytes)
{
    simOpPtr->bufPtr = (unsigned char *) bufPtr;
    simOpPtr->lengthBytes = lengthBytes;
    simOpPtr->handlePtr->carrying[simOpPtr->kind] += lengthBytes > 0;
    simOpPtr->opPtr->space.sim.sum = Sum(bufPtr, lengthBytes);
    LOCK(bufPtr, lengthBytes);
}

static void
Send(SimOp *simOpPtr, const void *bufPtr, size_t lengthBytes)
{
    CpHandle *handlePtr = simOpPtr->handlePtr;

    SimHoldBytes(simOpPtr, bufPtr, lengthBytes);
    if (handlePtr->sendError != CP_OK) {
        SimFinishNow(simOpPtr, handlePtr->sendError);
    } else if (SimFault(CP_SIM_SEND_FAIL_SUBMIT)) {
        SimFinishNow(simOpPtr, ERROR_OF(CP_SIM_SEND_FAIL_SUBMIT, sendErrors));
    } else if (handlePtr->endPtr == NULL) {
        SimFinishNow(simOpPtr, CP_ENOTCONN);
    } else if (handlePtr->endPtr->finSent) {
        SimFinishNow(simOpPtr, CP_EPIPE);
    } else if (handlePtr->endPtr->isReset) {
        SimFinishNow(simOpPtr, handlePtr->endPtr->resetError);
    } else if (SimFault(CP_SIM_SEND_FAIL)) {
        size_t part = CpSimRandom((uint32_t) lengthBytes);
        int first = handlePtr->queues[SIM_OP_SEND].count == 1;

        SimFinish(simOpPtr, ERROR_OF(CP_SIM_SEND_FAIL, sendErrors), 0);
        if (first) { /* If it is not the first, none of it was sent. */
            SimUnlock(simOpPtr);
            (void) SimGive(handlePtr->endPtr, bufPtr, part);
            SimLock(simOpPtr);
        }
    } else {
        SimPump(handlePtr->endPtr->otherPtr);
    }
}

void
CpSubmitSend(CpHandle *handlePtr, CpOp *opPtr, const void *bufPtr,
    size_t lengthBytes)
{
    if (lengthBytes == 0) {
        CpSimFail("a send of nothing");
    }
    Send(SimBegin(handlePtr, opPtr, SIM_OP_SEND), bufPtr, lengthBytes);
}

/* A send of more of a file than there is: it may have sent some of that. */

static void
FailShort(SimOp *simOpPtr, size_t bytes)
{
    static const CpError errors[] = {CP_ETRUNCATED, CP_EINVAL, CP_EIO};
    CpHandle *handlePtr = simOpPtr->handlePtr;
    SimEnd *endPtr = handlePtr->endPtr;
    int mayGive = bytes > 0 && handlePtr->sendError == CP_OK && endPtr != NULL
        && !endPtr->finSent && !endPtr->isReset;

    SimFinishNow(simOpPtr, ERROR_OF(CP_SIM_FILE_SHORT_FAILS, errors));
    if (mayGive) {
        (void) SimGive(endPtr, simOpPtr->ownedPtr,
            CpSimRandom((uint32_t) bytes));
    }
}

/* The file's bytes are taken now. */

void
CpSubmitSendFile(CpHandle *handlePtr, CpOp *opPtr, CpFile *filePtr,
    uint64_t offset, uint32_t lengthBytes)
{
    SimOp *simOpPtr = SimBegin(handlePtr, opPtr, SIM_OP_SEND);
    size_t bytes;

    if (lengthBytes == 0 || lengthBytes > CP_SEND_FILE_MAX) {
        CpSimFail("a send of nothing, or of too much");
    }
    simOpPtr->isFile = 1;
    simOpPtr->ownedPtr = SimFileCopy(filePtr, offset, lengthBytes, &bytes);
    if (bytes < lengthBytes && SimFault(CP_SIM_FILE_SHORT_FAILS)) {
        opPtr->space.sim.sum = Sum(NULL, 0);
        FailShort(simOpPtr, bytes);
    } else if (bytes == 0) {
        opPtr->space.sim.sum = Sum(NULL, 0);
        simOpPtr->atSubmit = 1;
        SimFinish(simOpPtr, CP_OK, 0);
    } else {
        Send(simOpPtr, simOpPtr->ownedPtr, bytes);
    }
}

void
CpSubmitAccept(CpHandle *listenerPtr, CpAcceptOp *acceptPtr)
{
    SimOp *simOpPtr = SimBegin(listenerPtr, &acceptPtr->op, SIM_OP_ACCEPT);

    acceptPtr->newHandlePtr = NULL;
    if (!listenerPtr->listening) {
        SimFinishNow(simOpPtr, CP_EINVAL);
    } else if (SimFault(CP_SIM_ACCEPT_FAIL_SUBMIT)) {
        SimFinishNow(simOpPtr, ERROR_OF(CP_SIM_ACCEPT_FAIL_SUBMIT, wantErrors));
    } else if (simHandleLimit != 0 && simHandleCount >= simHandleLimit) {
        SimFinishNow(simOpPtr, CP_EMFILE);
    } else {
        simOpPtr->newHandlePtr = SimNewHandle(NULL, listenerPtr->family);
        if (SimFault(CP_SIM_ACCEPT_FAIL)) {
            SimFinish(simOpPtr, ERROR_OF(CP_SIM_ACCEPT_FAIL, acceptErrors), 0);
        } else {
            SimAccept(listenerPtr);
        }
    }
}

static void
StartConnect(SimOp *simOpPtr)
{
    CpHandle *handlePtr = simOpPtr->handlePtr;
    CpError error = SimNameSocket(handlePtr);
    uint32_t host = SimHost(&simOpPtr->addr) >> 24;

    if (handlePtr->endPtr != NULL || handlePtr->failed) {
        CpSimFail("a socket connects a second time");
    }
    if (error != CP_OK) {
        SimFinishNow(simOpPtr, error);
        return;
    }
    if (SimFault(CP_SIM_CONNECT_FAIL_SUBMIT)) {
        SimFinishNow(simOpPtr,
            ERROR_OF(CP_SIM_CONNECT_FAIL_SUBMIT, connectErrors));
        return;
    }
    simOpPtr->refs++;
    SimAfter(host == CP_SIM_SILENT >> 24 ? 21000 : SimDelay(CP_SIM_IN_FLIGHT),
        SIM_EVENT_CONNECT, simOpPtr);
}

/* While the caller waits, the rest of the world goes on. */

void
CpSubmitConnect(CpHandle *handlePtr, CpOp *opPtr, const CpAddr *addrPtr,
    int wait)
{
    SimOp *simOpPtr = SimBegin(handlePtr, opPtr, SIM_OP_CONNECT);

    simOpPtr->addr = *addrPtr;
    if (!wait) {
        Bind(handlePtr);
    }
    StartConnect(simOpPtr);
    if (wait) {
        simOpPtr->atSubmit = 1;
        while (simOpPtr->state != SIM_OP_READY) {
            simNowMs += (uint64_t) CpSimNextMs();
            SimRunDueEvents();
        }
    }
}

void
CpSubmitResolve(CpHandle *handlePtr, CpResolveOp *resolvePtr,
    const CpTarget *targetPtr)
{
    SimOp *simOpPtr = SimBegin(handlePtr, &resolvePtr->op, SIM_OP_RESOLVE);
    char *message = NULL;

    memset(&resolvePtr->resolved, 0, sizeof(CpResolved));
    resolvePtr->message = NULL;
    if (SimFault(CP_SIM_RESOLVE_FAIL_SUBMIT)) {
        SimFinishNow(simOpPtr, CP_ENOMEM);
        return;
    }
    simOpPtr->unknown = SimFault(CP_SIM_RESOLVE_UNKNOWN)
        || !CpResolveTarget(targetPtr, &simOpPtr->resolved, &message);
    CpMessageFree(message); /* It comes with the completion. */

    /* Over, but for the answer: until then it can be cancelled. */
    simOpPtr->refs++;
    SimAfter(SimDelay(CP_SIM_IN_FLIGHT), SIM_EVENT_CONNECT, simOpPtr);
}

/* -------------------------------------------------------------- cancel */

void
SimCancelNow(SimOp *simOpPtr)
{
    SimOp *nextPtr;

    if (simOpPtr->state == SIM_OP_QUEUED) {
        CpResolvedFree(&simOpPtr->resolved);
        simOpPtr->unknown = 0;
        nextPtr = simOpPtr->kind == SIM_OP_SEND
            ? SimNext(&simOpPtr->handlePtr->queues[SIM_OP_SEND], simOpPtr)
            : NULL;
        SimFinish(simOpPtr, CP_ECANCELED, 0);

        /* No send is carried out behind a failed one. */
        if (nextPtr != NULL) {
            SimCancelNow(nextPtr);
        }
    }
}

static void
CancelLater(SimOp *simOpPtr)
{
    /* A resolver cannot be cancelled, so its result is abandoned at once. */
    uint32_t ms = simOpPtr->kind == SIM_OP_RESOLVE
        ? 0
        : SimDelay(CP_SIM_CANCEL_LATE);

    if (ms == 0) {
        SimCancelNow(simOpPtr);
        return;
    }
    simOpPtr->refs++;
    SimAfter(ms, SIM_EVENT_CANCEL, simOpPtr);
}

void
CpCancel(CpHandle *handlePtr, CpOp *opPtr)
{
    unsigned kind;

    for (kind = 0; kind < SIM_OP_KIND_COUNT; kind++) {
        const SimOpList *queuePtr = &handlePtr->queues[kind];
        SimOp *simOpPtr = SimFirst(queuePtr);
        SimOp *nextPtr;

        for (; simOpPtr != NULL; simOpPtr = nextPtr) {
            nextPtr = SimNext(queuePtr, simOpPtr);
            if (opPtr == NULL || simOpPtr->opPtr == opPtr) {
                CancelLater(simOpPtr);
            }
        }
    }
}
