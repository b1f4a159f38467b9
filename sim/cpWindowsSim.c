/*
 * cpWindowsSim.c --
 *
 *      Behaviour of Windows that Wine does not have: the settings of a world
 *      that is like Windows, and the rules that concern more than one
 *      connection. The other rules are in the files of the operations.
 */

#include "cpSimInt.h"
#include "cpStatusSim.h"

#define FILE_SLOTS 2 /* Of a client edition, in the whole system. */

int simClockIsCoarse;
unsigned simFileSlots;

static unsigned filesRunning;
static uint64_t errorsTaken[CP_ERROR_COUNT];

void
CpSimSetWindows(int on)
{
    static const CpSimFault rules[] = {CP_SIM_CLOSE_DISCARDS,
        CP_SIM_FILE_SHARED, CP_SIM_REFUSED_LATE, CP_SIM_SEND_WHOLE,
        CP_SIM_ABORTED, CP_SIM_ANY_STATUS, CP_SIM_RECV_SPURIOUS,
        CP_SIM_FOREIGN};
    static const CpSimFault never[] = {CP_SIM_RESET_KEEPS,
        CP_SIM_RECV_RESET_FIRST, CP_SIM_RECV_FALSE_END};
    static const unsigned rates[] = {30, 200, 500, 1000};
    unsigned i;

    for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        CpSimSetFault(rules[i], on ? rates[CpSimRandom(4)] : 0);
    }
    for (i = 0; on && i < sizeof(never) / sizeof(never[0]); i++) {
        CpSimSetFault(never[i], 0);
    }

    /* If every zero-byte receive completed at once, a reader could never wait.
     * */
    CpSimSetFault(CP_SIM_RECV_SPURIOUS, on ? CpSimRandom(500) : 0);
    CpSimSetFault(CP_SIM_FILE_SHORT_FAILS, on ? 1000 : 0);
    simFileSlots = on ? FILE_SLOTS : 0;
    simClockIsCoarse = on;
}

void
SimForgetWindows(void)
{
    simClockIsCoarse = 0;
    simFileSlots = 0;
    filesRunning = 0;
}

/* ------------------------------------------------------------- errors */

const CpError *
CpSimStatusErrors(unsigned *countPtr)
{
    *countPtr = SIM_STATUS_COUNT;
    return simStatusErrors;
}

CpError
SimAnyStatus(void)
{
    return simStatusErrors[1 + CpSimRandom(SIM_STATUS_COUNT - 1)];
}

void
SimCountError(CpError error)
{
    if (error < CP_ERROR_COUNT) {
        errorsTaken[error]++;
    }
}

uint64_t
CpSimErrorTaken(CpError error)
{
    return errorsTaken[error];
}

/* -------------------------------------------------------------- files */

void
CpSimSetFileSlots(unsigned count)
{
    simFileSlots = count;
}

int
SimTakeSlot(SimOp *simOpPtr)
{
    if (simOpPtr->hasSlot) {
        return 1;
    }
    if (simFileSlots > 0 && filesRunning >= simFileSlots) {
        if (!simOpPtr->waits) {
            simOpPtr->waits = 1;
            SimRecord(CP_SIM_FILE_WAITS);
        }
        return 0;
    }
    filesRunning++;
    simOpPtr->hasSlot = 1;
    return 1;
}

/* All that wait are tried again, the oldest first. One of them may have been
 * tried and cancelled meanwhile. */

void
SimGiveSlot(SimOp *simOpPtr)
{
    const CpListNode *nodePtr;

    filesRunning -= simOpPtr->hasSlot ? 1 : 0;
    simOpPtr->hasSlot = 0;
    for (nodePtr = CpListFirst(&simOps); nodePtr != NULL;
         nodePtr = CpListNext(&simOps, nodePtr)) {
        const SimOp *waiterPtr = CP_OWNER_OF(nodePtr, SimOp, allNode);

        if (waiterPtr->waits && !waiterPtr->hasSlot
            && waiterPtr->state == SIM_OP_QUEUED) {
            SimPumpLater(waiterPtr->handlePtr->endPtr->otherPtr);
        }
    }
}

/* ----------------------------------------------------------- connects */

#define REFUSED_TRIES 4 /* These take about 2 s. */
#define REFUSED_MS 500

void
SimRefuse(SimOp *simOpPtr)
{
    if (++simOpPtr->tries <= REFUSED_TRIES
        && (simOpPtr->tries > 1 || SimFault(CP_SIM_REFUSED_LATE))) {
        simOpPtr->refs++;
        SimAfter(REFUSED_MS, SIM_EVENT_CONNECT, simOpPtr);
        return;
    }
    SimFinish(simOpPtr, CP_ECONNREFUSED, 0);
}

/* ------------------------------------------------- the process's end */

unsigned
CpSimEndProcess(void)
{
    CpHandle *handlePtr;
    unsigned count = 0;

    for (handlePtr = SimNewestHandle(); handlePtr != NULL;
         handlePtr = SimOlderHandle(handlePtr)) {
        if (handlePtr->isPeer) {
            continue;
        }
        SimForgetClients(handlePtr);
        handlePtr->listening = 0;
        if (handlePtr->endPtr != NULL && !handlePtr->endPtr->isReset) {
            SimRecord(CP_SIM_PROCESS_RESETS);
            SimEndWithProcess(handlePtr->endPtr);
            count++;
        }
    }
    return count;
}
