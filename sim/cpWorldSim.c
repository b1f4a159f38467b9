/*
 * cpWorldSim.c --
 *
 *      The simulated world: its seed, its clock, its faults, and its events in
 *      their order.
 */

#define _POSIX_C_SOURCE 200809L /* sigaction */

#include "cpSimInt.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

uint64_t simNowMs;
size_t simWindow;
unsigned simHandleLimit;
int simCutOnDeadlock;

static uint64_t lastNowMs; /* The last result of CpNowMs. */
static uint64_t randomState;
static const unsigned char *bytesPtr; /* Drawn from before the seed. */
static size_t bytesLeft;
static uint32_t maxDelayMs;
static Event *events; /* A heap: the next one is the first. */
static size_t eventCount;
static size_t eventRoom;
static uint64_t eventOrder;
static FaultState faults[CP_SIM_FAULT_COUNT];

static const char *const faultNames[CP_SIM_FAULT_COUNT] = {
    [CP_SIM_LATE] = "late",
    [CP_SIM_REORDER] = "reorder",
    [CP_SIM_REAP_PART] = "reap-part",
    [CP_SIM_REAP_EARLY] = "reap-early",
    [CP_SIM_IN_FLIGHT] = "in-flight",
    [CP_SIM_RECV_SHORT] = "recv-short",
    [CP_SIM_RECV_FALSE_END] = "recv-false-end",
    [CP_SIM_RECV_SPURIOUS] = "recv-spurious",
    [CP_SIM_RECV_RESET_FIRST] = "recv-reset-first",
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
    [CP_SIM_FILE_SHRINKS] = "file-shrinks",
    [CP_SIM_FILE_SHORT_FAILS] = "file-short-fails",
    [CP_SIM_FILE_READ_FAIL] = "file-read-fail",
    [CP_SIM_RESET_DISCARDS] = "reset-discards",
    [CP_SIM_CLOSE_DISCARDS] = "close-discards",
    [CP_SIM_PROCESS_RESETS] = "process-resets",
    [CP_SIM_REFUSE_RESETS] = "refuse-resets",
    [CP_SIM_FILE_WAITS] = "file-waits",
    [CP_SIM_FILE_SHARED] = "file-shared",
    [CP_SIM_REFUSED_LATE] = "refused-late",
    [CP_SIM_SEND_WHOLE] = "send-whole",
    [CP_SIM_ABORTED] = "aborted",
    [CP_SIM_ANY_STATUS] = "any-status",
    [CP_SIM_FOREIGN] = "foreign",
    [CP_SIM_UDP_LOSE] = "udp-lose",
    [CP_SIM_UDP_TWICE] = "udp-twice",
    [CP_SIM_UDP_LATE] = "udp-late",
    [CP_SIM_UDP_TELLS_LESS] = "udp-tells-less",
    [CP_SIM_UDP_UNREACHABLE] = "udp-unreachable",
};

const char *
CpSimFaultName(CpSimFault fault)
{
    return faultNames[fault];
}

/* Prints how to repeat the failure, whether a check, an assertion or a
 * sanitizer ends the process. */

static char howText[200];

static void
Aborted(int number)
{
    (void) number;
    (void) !write(STDERR_FILENO, howText, strlen(howText));
}

/* A fuzzer keeps its input itself. */

static void
CatchAbort(void)
{
    struct sigaction action;

    if (sigaction(SIGABRT, NULL, &action) == 0
        && !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_DFL) {
        signal(SIGABRT, Aborted);
    }
}

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *
__asan_default_options(void)
{
    /* What was freed stays out of use for some worlds, not for thousands. */
    return "abort_on_error=1:quarantine_size_mb=16";
}

const char *
__ubsan_default_options(void)
{
    return "abort_on_error=1:print_stacktrace=1";
}

void
CpSimFail(const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fprintf(stderr,
        "FAILED at %llu ms: ", (unsigned long long) (simNowMs - START_MS));
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is. */
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
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

void
SimFree(void *memPtr)
{
    free(memPtr);
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

void
CpSimUseBytes(const unsigned char *bytes, size_t count)
{
    bytesPtr = bytes;
    bytesLeft = count;
}

size_t
CpSimBytesLeft(void)
{
    return bytesLeft;
}

/* The last number may be of fewer bytes than it needs. */

static uint32_t
FromBytes(uint32_t bound)
{
    uint32_t value = 0;
    uint32_t rest;

    for (rest = bound - 1; rest > 0 && bytesLeft > 0; rest >>= 8) {
        value = value << 8 | *bytesPtr++;
        bytesLeft--;
    }
    return value % bound;
}

uint32_t
CpSimRandom(uint32_t bound)
{
    if (bytesLeft > 0) {
        return FromBytes(bound);
    }
    return (uint32_t) (((NextRandom() >> 32) * bound) >> 32);
}

void
CpSimReseed(uint64_t seed)
{
    randomState = seed;
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

void
SimRecord(CpSimFault fault)
{
    faults[fault].taken++;
}

/* Whether the fault is that of a send or receive, a connect or an accept, and
 * not that of a call. */

static int
IsOfOperation(CpSimFault fault)
{
    return (fault >= CP_SIM_RECV_FAIL_SUBMIT && fault <= CP_SIM_ACCEPT_DEAD)
        || fault == CP_SIM_TRY_RECV_FAIL || fault == CP_SIM_TRY_SEND_FAIL;
}

CpError
SimFaultError(CpSimFault fault, const CpError *errors, unsigned count)
{
    if (faults[fault].byTest && faults[fault].error != CP_OK) {
        return faults[fault].error;
    }
    if (IsOfOperation(fault) && SimFault(CP_SIM_ANY_STATUS)) {
        return SimAnyStatus();
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
CpSimCutOnDeadlock(int on)
{
    simCutOnDeadlock = on;
}

void
CpSimSetHandles(unsigned limit)
{
    simHandleLimit = limit;
}

uint32_t
SimSomeMs(void)
{
    return 1 + CpSimRandom(maxDelayMs);
}

uint32_t
SimDelay(CpSimFault fault)
{
    return SimFault(fault) ? SimSomeMs() : 0;
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

static void
RunEvent(const Event *eventPtr)
{
    SimOp *simOpPtr = eventPtr->ptr;
    SimEnd *endPtr = eventPtr->ptr;

    switch (eventPtr->kind) {
    case SIM_EVENT_COMPLETE:
        SimMakeReady(simOpPtr);
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
        SimResetEnd(endPtr, endPtr->cause);
        SimUnrefLink(endPtr->linkPtr);
        return;
    case SIM_EVENT_FOREIGN:
        SimForeign(eventPtr->ptr);
        return;
    case SIM_EVENT_DATAGRAM:
        SimArriveDatagram(eventPtr->ptr);
        return;
    }
    SimUnrefOp(simOpPtr);
}

void
SimRunDueEvents(void)
{
    while (eventCount > 0 && events[0].dueMs <= simNowMs) {
        Event event = TakeEvent();

        RunEvent(&event);
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
        SimRunDueEvents();
    }
    simNowMs = untilMs;
}

#define STEPS_PER_S 64 /* Of Windows' clock. */

/* It does not go back when it gets coarse. */

uint64_t
CpNowMs(void)
{
    uint64_t nowMs = simClockIsCoarse
        ? simNowMs * STEPS_PER_S / 1000 * 1000 / STEPS_PER_S
        : simNowMs;

    if (nowMs > lastNowMs) {
        lastNowMs = nowMs;
    }
    return lastNowMs;
}

uint64_t
CpNowUs(void)
{
    return simNowMs * 1000;
}

/* --------------------------------------------------------- the world */

void
CpSimStart(uint64_t seed, const char *hint)
{
    unsigned i;

    if (!CpListIsEmpty(&simHandles) || !CpListIsEmpty(&simOps)
        || !CpListIsEmpty(&simPorts)) {
        CpSimFail("a world begins before the one before it has ended");
    }
    randomState = seed;
    bytesLeft = 0;
    snprintf(howText, sizeof(howText), "seed %llu%s%s\n",
        (unsigned long long) seed, hint != NULL ? ", again: " : "",
        hint != NULL ? hint : "");
    CatchAbort();
    simNowMs = lastNowMs = START_MS;
    maxDelayMs = 50;
    simWindow = 65536;
    simHandleLimit = 0;
    simFilesLimited = 0;
    SimForgetWindows();
    simCutOnDeadlock = 0;
    eventOrder = 0;
    SimForgetStats();
    SimForgetPorts();
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
    [CP_STAT_ACCEPTS_PENDING] = "accepts posted",
    [CP_STAT_BUFFER_BYTES] = "bytes of buffers",
    [CP_STAT_HANDLES] = "handles",
    [CP_STAT_CONNECTIONS] = "connections",
    [CP_STAT_MEMORY_BYTES] = "bytes of memory",
    [CP_STAT_UDP] = "datagram endpoints",
};

void
CpSimEnd(void)
{
    CpHandle *handlePtr, *olderPtr;
    unsigned i;

    for (handlePtr = SimNewestHandle(); handlePtr != NULL;
         handlePtr = olderPtr) {
        olderPtr = SimOlderHandle(handlePtr);
        if (handlePtr->isPeer) {
            CpSimPeerClose((CpSimPeer *) (void *) handlePtr);
        }
    }
    if (!CpListIsEmpty(&simHandles)) {
        CpSimFail("a handle is left open");
    }
    if (!CpListIsEmpty(&simOps)) {
        CpSimFail("an operation is left");
    }
    if (!CpListIsEmpty(&simPorts)) {
        CpSimFail("a port is left");
    }
    for (i = 0; i < CP_STAT_COUNT; i++) {
        if (gaugeNames[i] != NULL && CpStatGet((CpStat) i) != 0) {
            CpSimFail("%lld %s are left", (long long) CpStatGet((CpStat) i),
                gaugeNames[i]);
        }
    }
    CpSimAdvance(1000000);
    free(events);
    events = NULL;
    eventCount = eventRoom = 0;
    SimForgetNames();
}
