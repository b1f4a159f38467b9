/*
 * cpPortSim.c --
 *
 *      The simulated port: seed, clock, faults, and what happens when. An
 *      operation whose result is known waits in the events for its time, then
 *      in its owner's ready list for a reap.
 */

#include "cpSimInt.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_MS 1000000 /* A clock has no reason to begin at 0. */

typedef struct Event {
    uint64_t dueMs;
    uint64_t order; /* First come, first served. */
    SimEventKind kind;
    void *ptr;
} Event;

typedef struct FaultState {
    unsigned perMille;
    unsigned calls; /* Opportunities since CpSimFailNth. */
    unsigned first; /* 0 is none. */
    unsigned last;
    CpError error;
    int byTest; /* The last one that came was CpSimFailNth's. */
    uint64_t taken;
} FaultState;

CpHandle *simHandles;
SimOp *simOps;
uint64_t simNowMs;
size_t simWindow;
unsigned simHandleLimit;
unsigned simHandleCount;

static uint64_t seed;
static uint64_t randomState;
static const char *hint;
static uint32_t maxDelayMs;
static Event *events; /* A heap: the next one is the first. */
static size_t eventCount;
static size_t eventRoom;
static uint64_t eventOrder;
static CpPort *ports;
static FaultState faults[CP_SIM_FAULT_COUNT];
static int64_t stats[CP_STAT_COUNT];

static const char *const faultNames[CP_SIM_FAULT_COUNT] = {
    [CP_SIM_LATE] = "late",
    [CP_SIM_REORDER] = "reorder",
    [CP_SIM_REAP_PART] = "reap-part",
    [CP_SIM_REAP_EARLY] = "reap-early",
    [CP_SIM_IN_FLIGHT] = "in-flight",
    [CP_SIM_RECV_SHORT] = "recv-short",
    [CP_SIM_RECV_FAIL_SUBMIT] = "recv-fail-submit",
    [CP_SIM_RECV_FAIL] = "recv-fail",
    [CP_SIM_SEND_FAIL_SUBMIT] = "send-fail-submit",
    [CP_SIM_SEND_FAIL] = "send-fail",
    [CP_SIM_CONNECT_FAIL_SUBMIT] = "connect-fail-submit",
    [CP_SIM_CONNECT_FAIL] = "connect-fail",
    [CP_SIM_ACCEPT_FAIL_SUBMIT] = "accept-fail-submit",
    [CP_SIM_ACCEPT_FAIL] = "accept-fail",
    [CP_SIM_ACCEPT_DEAD] = "accept-dead",
    [CP_SIM_CANCEL_LATE] = "cancel-late",
    [CP_SIM_TRY_RECV_AGAIN] = "try-recv-again",
    [CP_SIM_TRY_RECV_SHORT] = "try-recv-short",
    [CP_SIM_TRY_RECV_FAIL] = "try-recv-fail",
    [CP_SIM_TRY_SEND_AGAIN] = "try-send-again",
    [CP_SIM_TRY_SEND_SHORT] = "try-send-short",
    [CP_SIM_TRY_SEND_FAIL] = "try-send-fail",
    [CP_SIM_RESET_KEEPS] = "reset-keeps",
    [CP_SIM_NO_HANDLE] = "no-handle",
    [CP_SIM_BIND_FAIL] = "bind-fail",
    [CP_SIM_LISTEN_FAIL] = "listen-fail",
    [CP_SIM_SHUTDOWN_FAIL] = "shutdown-fail",
    [CP_SIM_NO_MEMORY] = "no-memory",
    [CP_SIM_RESOLVE_FAIL_SUBMIT] = "resolve-fail-submit",
    [CP_SIM_RESOLVE_UNKNOWN] = "resolve-unknown",
};

const char *
CpSimFaultName(CpSimFault fault)
{
    return faultNames[fault];
}

void
CpSimFail(const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fprintf(stderr, "FAILED at %llu ms, seed %llu: ",
        (unsigned long long) (simNowMs - START_MS), (unsigned long long) seed);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    if (hint != NULL) {
        fprintf(stderr, "again: %s\n", hint);
    }
    abort();
}

void *
SimAlloc(size_t sizeBytes)
{
    void *memPtr = calloc(1, sizeBytes);

    if (memPtr == NULL) {
        CpSimFail("the simulator itself is out of memory");
    }
    return memPtr;
}

/* ------------------------------------------------------------ chance */

/* Steele and Vigna's SplitMix64: one word of state, any seed is good. */

static uint64_t
NextRandom(void)
{
    uint64_t z = randomState += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint32_t
CpSimRandom(uint32_t bound)
{
    return (uint32_t) (((NextRandom() >> 32) * bound) >> 32);
}

void
CpSimSetFault(CpSimFault fault, unsigned perMille)
{
    faults[fault].perMille = perMille;
}

void
CpSimFailNth(CpSimFault fault, unsigned nth, unsigned times, CpError error)
{
    faults[fault].calls = 0;
    faults[fault].first = nth;
    faults[fault].last = nth + times - 1;
    faults[fault].error = error;
}

uint64_t
CpSimTaken(CpSimFault fault)
{
    return faults[fault].taken;
}

int
SimFault(CpSimFault fault)
{
    FaultState *faultPtr = &faults[fault];

    faultPtr->calls++;
    faultPtr->byTest = faultPtr->first != 0
        && faultPtr->calls >= faultPtr->first
        && faultPtr->calls <= faultPtr->last;
    if (!faultPtr->byTest
        && (faultPtr->perMille == 0
            || CpSimRandom(1000) >= faultPtr->perMille)) {
        return 0;
    }
    faultPtr->taken++;
    return 1;
}

CpError
SimFaultError(CpSimFault fault, const CpError *errors, unsigned count)
{
    if (faults[fault].byTest && faults[fault].error != CP_OK) {
        return faults[fault].error;
    }
    return errors[CpSimRandom(count)];
}

void
CpSimSetDelay(uint32_t maxMs)
{
    maxDelayMs = maxMs;
}

void
CpSimSetWindow(size_t bytes)
{
    simWindow = bytes;
}

void
CpSimSetHandles(unsigned limit)
{
    simHandleLimit = limit;
}

uint32_t
SimDelay(CpSimFault fault)
{
    return SimFault(fault) ? 1 + CpSimRandom(maxDelayMs) : 0;
}

/* ------------------------------------------------------------- lists */

void
SimAppend(SimOpList *listPtr, SimOp *simOpPtr)
{
    simOpPtr->nextPtr = NULL;
    simOpPtr->prevPtr = listPtr->lastPtr;
    if (listPtr->lastPtr != NULL) {
        listPtr->lastPtr->nextPtr = simOpPtr;
    } else {
        listPtr->firstPtr = simOpPtr;
    }
    listPtr->lastPtr = simOpPtr;
    listPtr->count++;
}

void
SimRemove(SimOpList *listPtr, SimOp *simOpPtr)
{
    if (simOpPtr->prevPtr != NULL) {
        simOpPtr->prevPtr->nextPtr = simOpPtr->nextPtr;
    } else {
        listPtr->firstPtr = simOpPtr->nextPtr;
    }
    if (simOpPtr->nextPtr != NULL) {
        simOpPtr->nextPtr->prevPtr = simOpPtr->prevPtr;
    } else {
        listPtr->lastPtr = simOpPtr->prevPtr;
    }
    listPtr->count--;
}

void
SimUnrefOp(SimOp *simOpPtr)
{
    if (--simOpPtr->refs == 0) {
        free(simOpPtr);
    }
}

/* ------------------------------------------------------------ events */

static int
Before(const Event *aPtr, const Event *bPtr)
{
    return aPtr->dueMs != bPtr->dueMs ? aPtr->dueMs < bPtr->dueMs
                                      : aPtr->order < bPtr->order;
}

static void
Swap(size_t a, size_t b)
{
    Event event = events[a];

    events[a] = events[b];
    events[b] = event;
}

void
SimAfter(uint32_t ms, SimEventKind kind, void *ptr)
{
    size_t i = eventCount++;

    if (eventCount > eventRoom) {
        eventRoom = eventRoom == 0 ? 256 : 2 * eventRoom;
        events = realloc(events, eventRoom * sizeof(Event));
        if (events == NULL) {
            CpSimFail("the simulator itself is out of memory");
        }
    }
    events[i] = (Event){simNowMs + ms, eventOrder++, kind, ptr};
    for (; i > 0 && Before(&events[i], &events[(i - 1) / 2]); i = (i - 1) / 2) {
        Swap(i, (i - 1) / 2);
    }
}

static Event
TakeEvent(void)
{
    Event first = events[0];
    size_t i = 0;

    events[0] = events[--eventCount];
    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < eventCount
            && Before(&events[child + 1], &events[child])) {
            child++;
        }
        if (child >= eventCount || !Before(&events[child], &events[i])) {
            return first;
        }
        Swap(i, child);
        i = child;
    }
}

/* An operation has reached its owner, or waits for one. */

static void
MakeReady(SimOp *simOpPtr)
{
    CpPort *portPtr = simOpPtr->handlePtr->ownerPtr;

    simOpPtr->state = SIM_OP_READY;
    if (portPtr == NULL) {
        SimAppend(&simOpPtr->handlePtr->parked, simOpPtr);
        return;
    }
    SimAppend(&portPtr->ready, simOpPtr);
    if (portPtr->sleeping) {
        portPtr->sleeping = 0;
        portPtr->wakeProc(portPtr->clientData);
    }
}

static void
Happen(const Event *eventPtr)
{
    SimOp *simOpPtr = eventPtr->ptr;
    SimEnd *endPtr = eventPtr->ptr;

    switch (eventPtr->kind) {
    case SIM_EVENT_COMPLETE:
        MakeReady(simOpPtr);
        break;
    case SIM_EVENT_CONNECT:
        if (simOpPtr->state == SIM_OP_QUEUED) {
            SimConnect(simOpPtr);
        }
        break;
    case SIM_EVENT_CANCEL:
        SimCancelNow(simOpPtr);
        break;
    case SIM_EVENT_ARRIVE:
        SimPump(endPtr);
        SimUnrefLink(endPtr->linkPtr);
        return;
    case SIM_EVENT_RESET:
        SimResetEnd(endPtr);
        SimUnrefLink(endPtr->linkPtr);
        return;
    }
    SimUnrefOp(simOpPtr);
}

static void
HappenUntilNow(void)
{
    while (eventCount > 0 && events[0].dueMs <= simNowMs) {
        Event event = TakeEvent();

        Happen(&event);
    }
}

int64_t
CpSimNextMs(void)
{
    if (eventCount == 0) {
        return -1;
    }
    return events[0].dueMs <= simNowMs ? 0
                                       : (int64_t) (events[0].dueMs - simNowMs);
}

void
CpSimAdvance(uint32_t ms)
{
    uint64_t untilMs = simNowMs + ms;

    while (eventCount > 0 && events[0].dueMs <= untilMs) {
        if (events[0].dueMs > simNowMs) {
            simNowMs = events[0].dueMs;
        }
        HappenUntilNow();
    }
    simNowMs = untilMs;
}

uint64_t
CpNowMs(void)
{
    return simNowMs;
}

/* ------------------------------------------------------------- ports */

CpPort *
CpPortNew(CpWakeProc *wakeProc, void *clientData, CpError *errorPtr)
{
    CpPort *portPtr = SimAlloc(sizeof(CpPort));

    portPtr->wakeProc = wakeProc;
    portPtr->clientData = clientData;
    portPtr->nextPtr = ports;
    ports = portPtr;
    *errorPtr = CP_OK;
    return portPtr;
}

void
CpPortRelease(CpPort *portPtr)
{
    CpPort **linkPtr = &ports;
    const CpHandle *handlePtr;

    for (handlePtr = simHandles; handlePtr != NULL;
         handlePtr = handlePtr->nextPtr) {
        if (handlePtr->ownerPtr == portPtr) {
            CpSimFail("a port is released that owns handles");
        }
    }
    while (*linkPtr != portPtr) {
        linkPtr = &(*linkPtr)->nextPtr;
    }
    *linkPtr = portPtr->nextPtr;
    free(portPtr);
}

/* Which one is told of next: mostly the first. */

static SimOp *
TakeReady(CpPort *portPtr)
{
    SimOp *simOpPtr = portPtr->ready.firstPtr;

    if (simOpPtr->nextPtr != NULL && SimFault(CP_SIM_REORDER)) {
        unsigned skip = 1 + CpSimRandom(portPtr->ready.count - 1);

        while (skip-- > 0) {
            simOpPtr = simOpPtr->nextPtr;
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
    if (count > 1 && SimFault(CP_SIM_REAP_PART)) {
        count = 1 + CpSimRandom(count - 1);
    }
    portPtr->reaping = 1;
    for (i = 0; i < count && portPtr->ready.firstPtr != NULL; i++) {
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
    HappenUntilNow();
    while (portPtr->ready.firstPtr == NULL && timeoutMs != 0) {
        if (SimFault(CP_SIM_REAP_EARLY)) {
            return 0;
        }
        if (eventCount == 0 && timeoutMs < 0) {
            CpSimFail("deadlock: a wait for ever, and nothing to come");
        }
        if (timeoutMs > 0 && (eventCount == 0 || events[0].dueMs > endMs)) {
            simNowMs = endMs;
            return 0;
        }
        simNowMs = events[0].dueMs;
        HappenUntilNow();
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
    HappenUntilNow();
    portPtr->reaping = 1;
    for (simOpPtr = portPtr->ready.firstPtr; simOpPtr != NULL;
         simOpPtr = nextPtr) {
        nextPtr = simOpPtr->nextPtr;
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
CpPortSleep(CpPort *portPtr)
{
    HappenUntilNow();
    portPtr->sleeping = portPtr->ready.firstPtr == NULL;
    return portPtr->sleeping;
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
    for (simOpPtr = fromPtr->firstPtr; simOpPtr != NULL; simOpPtr = nextPtr) {
        nextPtr = simOpPtr->nextPtr;
        if (simOpPtr->handlePtr == handlePtr) {
            SimRemove(fromPtr, simOpPtr);
            MakeReady(simOpPtr);
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

/* --------------------------------------------------------- the world */

void
CpSimStart(uint64_t newSeed, const char *newHint)
{
    unsigned i;

    if (simHandles != NULL || simOps != NULL || ports != NULL) {
        CpSimFail("a world begins before the one before it has ended");
    }
    seed = randomState = newSeed;
    hint = newHint;
    simNowMs = START_MS;
    maxDelayMs = 50;
    simWindow = 65536;
    simHandleLimit = 0;
    memset(stats, 0, sizeof(stats));
    for (i = 0; i < CP_SIM_FAULT_COUNT; i++) {
        uint64_t taken = faults[i].taken;

        memset(&faults[i], 0, sizeof(FaultState));
        faults[i].taken = taken;
    }
}

static const char *const gaugeNames[CP_STAT_COUNT] = {
    [CP_STAT_SOCKETS] = "sockets",
    [CP_STAT_OPERATIONS] = "operations",
    [CP_STAT_LISTENERS] = "listeners",
    [CP_STAT_ACCEPTS_POSTED] = "accepts posted",
    [CP_STAT_BUFFER_BYTES] = "bytes of buffers",
    [CP_STAT_HANDLES] = "handles",
    [CP_STAT_CONNECTIONS] = "connections",
    [CP_STAT_MEMORY_BYTES] = "bytes of memory",
};

void
CpSimEnd(void)
{
    CpHandle *handlePtr, *nextPtr;
    unsigned i;

    for (handlePtr = simHandles; handlePtr != NULL; handlePtr = nextPtr) {
        nextPtr = handlePtr->nextPtr;
        if (handlePtr->isPeer) {
            CpSimPeerClose((CpSimPeer *) (void *) handlePtr);
        }
    }
    if (simHandles != NULL) {
        CpSimFail("a handle is left open");
    }
    if (simOps != NULL) {
        CpSimFail("an operation is left");
    }
    if (ports != NULL) {
        CpSimFail("a port is left");
    }
    for (i = 0; i < CP_STAT_COUNT; i++) {
        if (gaugeNames[i] != NULL && stats[i] != 0) {
            CpSimFail("%lld %s are left", (long long) stats[i], gaugeNames[i]);
        }
    }
    CpSimAdvance(1000000);
    free(events);
    events = NULL;
    eventCount = eventRoom = 0;
    SimForgetNames();
}
