/*
 * cpPortSim.c --
 *
 *      The simulated port. An operation whose result is known waits in the
 *      world's events until its time, and then in the ready list of its owner
 *      until a reap.
 */

#include "cpSimInt.h"

#include "cpMem.h"

#include <stdlib.h>
#include <string.h>

CpList simPorts;
CpList simOps;

static int64_t stats[CP_STAT_COUNT];
static unsigned newestPort; /* Its number. */

/* ------------------------------------------------------------- lists */

void
SimAppend(SimOpList *listPtr, SimOp *simOpPtr)
{
    CpListAppend(&listPtr->ops, &simOpPtr->node);
    listPtr->count++;
}

void
SimRemove(SimOpList *listPtr, SimOp *simOpPtr)
{
    CpListRemove(&simOpPtr->node);
    listPtr->count--;
}

static SimOp *
OpOf(CpListNode *nodePtr)
{
    return CP_LIST_OWNER(nodePtr, SimOp, node);
}

SimOp *
SimFirst(const SimOpList *listPtr)
{
    return OpOf(CpListFirst(&listPtr->ops));
}

SimOp *
SimNext(const SimOpList *listPtr, const SimOp *simOpPtr)
{
    return OpOf(CpListNext(&listPtr->ops, &simOpPtr->node));
}

void
SimUnrefOp(SimOp *simOpPtr)
{
    if (--simOpPtr->refs == 0) {
        free(simOpPtr->ownedPtr);
        free(simOpPtr);
    }
}

/* The completion of an operation comes to the port that its handle is bound
 * to. */

static void
CountHandOver(const SimOp *simOpPtr)
{
    const CpHandle *handlePtr = simOpPtr->handlePtr;

    if (!simOpPtr->atSubmit && handlePtr->boundPort != 0
        && (handlePtr->ownerPtr == NULL
            || handlePtr->ownerPtr->number != handlePtr->boundPort)) {
        CpStatAdd(CP_STAT_HAND_OVERS, 1);
    }
}

/* An operation has reached its owner, or waits for one. */

void
SimMakeReady(SimOp *simOpPtr)
{
    CpPort *portPtr = simOpPtr->handlePtr->ownerPtr;

    if (simOpPtr->state != SIM_OP_READY) {
        CountHandOver(simOpPtr);
    }
    simOpPtr->state = SIM_OP_READY;
    if (portPtr == NULL) {
        SimAppend(&simOpPtr->handlePtr->parked, simOpPtr);
        return;
    }
    SimAppend(&portPtr->ready, simOpPtr);
    if (portPtr->sleeping) {
        portPtr->sleeping = 0;
        CpStatAdd(CP_STAT_WAKE_UPS, 1);
        portPtr->wakeProc(portPtr->clientData);
    }
}

/* Foreign code that uses a socket's handle gets its completions here. The port
 * may be gone. */

void
SimForeign(const CpPort *portPtr)
{
    CpListNode *nodePtr;

    for (nodePtr = CpListFirst(&simPorts); nodePtr != NULL;
         nodePtr = CpListNext(&simPorts, nodePtr)) {
        CpPort *knownPtr = CP_OWNER_OF(nodePtr, CpPort, node);

        if (knownPtr == portPtr) {
            knownPtr->foreign++;
        }
    }
}

/* Its caller is in another file, so that the linker's --wrap can put something
 * between the two that lets other threads in meanwhile. */

void
SimCallProc(CpOp *opPtr)
{
    opPtr->proc(opPtr);
}

/* ------------------------------------------------------------- ports */

CpPort *
CpPortNew(CpWakeProc *wakeProc, void *clientData, CpError *errorPtr)
{
    CpPort *portPtr = SimAlloc(sizeof(CpPort));

    portPtr->wakeProc = wakeProc;
    portPtr->clientData = clientData;
    portPtr->number = ++newestPort;
    CpListAppend(&simPorts, &portPtr->node);
    *errorPtr = CP_OK;
    return portPtr;
}

void
CpPortRelease(CpPort *portPtr)
{
    const CpHandle *handlePtr;

    for (handlePtr = SimNewestHandle(); handlePtr != NULL;
         handlePtr = SimOlderHandle(handlePtr)) {
        if (handlePtr->ownerPtr == portPtr) {
            CpSimFail("a port is released that owns handles");
        }
    }
    CpListRemove(&portPtr->node);
    CpFree(portPtr->spare.memPtr, portPtr->spare.sizeBytes);
    free(portPtr);
}

CpSpare *
CpPortSpare(CpPort *portPtr)
{
    return &portPtr->spare;
}

/* Chooses the completion that is reported next: mostly the first. */

static SimOp *
TakeReady(CpPort *portPtr)
{
    SimOp *simOpPtr = SimFirst(&portPtr->ready);

    if (portPtr->ready.count > 1 && SimFault(CP_SIM_REORDER)) {
        unsigned skip = 1 + CpSimRandom(portPtr->ready.count - 1);

        while (skip-- > 0) {
            simOpPtr = SimNext(&portPtr->ready, simOpPtr);
        }
    }
    SimRemove(&portPtr->ready, simOpPtr);
    return simOpPtr;
}

static unsigned
ReapReady(CpPort *portPtr)
{
    unsigned count = portPtr->ready.count;
    unsigned i;

    if (portPtr->reaping) {
        CpSimFail("a proc reaps");
    }
    portPtr->foreign = 0; /* Dropped, and not counted. */
    if (count > 1 && SimFault(CP_SIM_REAP_PART)) {
        count = 1 + CpSimRandom(count - 1);
    }
    portPtr->reaping = 1;
    for (i = 0; i < count && portPtr->ready.count > 0; i++) {
        SimComplete(TakeReady(portPtr));
    }
    portPtr->reaping = 0;
    return i;
}

unsigned
CpPortReap(CpPort *portPtr, int timeoutMs)
{
    uint64_t endMs = simNowMs + (uint64_t) timeoutMs;

    portPtr->sleeping = 0;
    SimRunDueEvents();
    while (portPtr->ready.count == 0 && timeoutMs != 0) {
        int64_t nextMs = CpSimNextMs();

        if (portPtr->foreign > 0 || SimFault(CP_SIM_REAP_EARLY)) {
            portPtr->foreign = 0;
            return 0;
        }
        if (nextMs < 0 && timeoutMs < 0) {
            if (simCutOnDeadlock) {
                CpSimCut();
                SimSendStrays();
            }
            nextMs = CpSimNextMs();
        }
        if (nextMs < 0 && timeoutMs < 0 && portPtr->ready.count == 0) {
            CpSimFail("deadlock: a wait for ever, and nothing to come");
        }
        if (timeoutMs > 0
            && (nextMs < 0 || simNowMs + (uint64_t) nextMs > endMs)) {
            simNowMs = endMs;
            return 0;
        }
        simNowMs += nextMs > 0 ? (uint64_t) nextMs : 0;
        SimRunDueEvents();
    }
    return ReapReady(portPtr);
}

unsigned
CpPortReapFinished(CpPort *portPtr)
{
    SimOp *simOpPtr, *nextPtr;
    unsigned count = 0;

    if (portPtr->reaping) {
        CpSimFail("a proc reaps");
    }
    SimRunDueEvents();
    portPtr->reaping = 1;
    for (simOpPtr = SimFirst(&portPtr->ready); simOpPtr != NULL;
         simOpPtr = nextPtr) {
        nextPtr = SimNext(&portPtr->ready, simOpPtr);
        if (simOpPtr->atSubmit) {
            SimRemove(&portPtr->ready, simOpPtr);
            SimComplete(simOpPtr);
            count++;
        }
    }
    portPtr->reaping = 0;
    return count;
}

int
CpPortSleep(CpPort *portPtr, int64_t timeoutMs)
{
    (void) timeoutMs;
    SimRunDueEvents();
    portPtr->foreign = 0; /* It wakes no thread. */
    portPtr->sleeping = portPtr->ready.count == 0;
    return portPtr->sleeping;
}

/* Only a reap waits here. */

void
CpPortRemind(CpPort *portPtr)
{
    portPtr->sleeping = 0;
}

void
CpPortRecall(CpPort *portPtr)
{
    portPtr->sleeping = 0;
    portPtr->wakeProc(portPtr->clientData);
}

void
CpHandleMove(CpHandle *handlePtr, CpPort *portPtr)
{
    CpPort *oldPtr = handlePtr->ownerPtr;
    SimOpList *fromPtr = oldPtr != NULL ? &oldPtr->ready : &handlePtr->parked;
    SimOp *simOpPtr, *nextPtr;

    if (oldPtr == portPtr) {
        return;
    }
    if (oldPtr != NULL && portPtr != NULL) {
        CpSimFail("a handle moves without being parked");
    }
    handlePtr->ownerPtr = portPtr;
    for (simOpPtr = SimFirst(fromPtr); simOpPtr != NULL; simOpPtr = nextPtr) {
        nextPtr = SimNext(fromPtr, simOpPtr);
        if (simOpPtr->handlePtr == handlePtr) {
            SimRemove(fromPtr, simOpPtr);
            SimMakeReady(simOpPtr);
        }
    }
}

/* ---------------------------------------------------------- counters */

void
CpStatAdd(CpStat stat, int64_t amount)
{
    stats[stat] += amount;
}

int64_t
CpStatGet(CpStat stat)
{
    return stats[stat];
}

void
SimForgetStats(void)
{
    memset(stats, 0, sizeof(stats));
}
