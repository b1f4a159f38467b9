/*
 * threadTest.c --
 *
 *      The hand-over between threads of win/cpPortWin.c, with real threads:
 *
 *          threadTest ?SEED? ?OPERATIONS? ?SCENARIO?
 *
 *      It runs twice: on completion ports that wake threads as Windows does,
 *      and on ports that do it as Wine does (kernelWin.c). First come the
 *      scenarios, in which one wrong decision leaves a thread asleep for ever;
 *      a number from 0 on plays just that one.
 *
 *      OWNERS threads have a port each, submit operations on the handles they
 *      own, reap, sleep until they are woken, and pass handles on to each other
 *      with operations outstanding. KERNELS threads complete the operations in
 *      any order. Every operation must complete once, in the thread that owns
 *      its handle then; nobody may sleep for ever; nothing may be left.
 *
 *      What the rest of win/ does around the port is done here, just as far as
 *      the port needs it.
 */

#include "cpMem.h"
#include "cpWin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OWNERS 4
#define KERNELS 2
#define HANDLES 24 /* Of each owner, at first. */
#define OPS 3      /* Outstanding on a handle, at most. */
#define DEFAULT_OPERATIONS 60000
#define SLEEP_LIMIT_S 30 /* A wake-up this late is one that was lost. */

#define CHECK(condition) ((condition) ? (void) 0 : Fail(__LINE__, #condition))

typedef struct TestOp {
    CpOp op;
    int outstanding;
    uint32_t value; /* What its completion must bring. */
} TestOp;

typedef struct TestHandle {
    CpHandle handle;
    struct Owner *ownerPtr; /* NULL between owners. */
    TestOp ops[OPS];
    struct TestHandle *nextPtr; /* In an owner's list, or the passed ones. */
} TestHandle;

typedef struct Owner {
    unsigned index;
    uint64_t random;
    CpPort *portPtr;
    TestHandle *firstPtr;
    unsigned handles;
    uint64_t completed;

    /* What stands for Tcl's notifier. */
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int alerted;
    int asleep; /* In the notifier. */
    unsigned alerts;
} Owner;

/* Operations in the system's hands, oldest first. */
static pthread_mutex_t kernelMutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t kernelCond = PTHREAD_COND_INITIALIZER;
static CpOp **kernelOps;
static unsigned kernelCount;
static unsigned kernelRoom;
static int kernelHolds; /* Completes nothing. */
static int kernelStops;

/* Handles between owners. */
static pthread_mutex_t passedMutex = PTHREAD_MUTEX_INITIALIZER;
static TestHandle *passedPtr;

static Owner owners[OWNERS];
static pthread_barrier_t allThere;
static pthread_barrier_t firstGone;
static pthread_barrier_t allTaken;

static uint64_t seed;
static int onlyScenario = -1;
static LONG64 submitted;
static LONG64 limit;
static LONG64 moves;
static LONG64 sleeps;

int cpWinSkipsOnSuccess = 1;

static _Noreturn void
Fail(int line, const char *what)
{
    fprintf(stderr, "FAILED: line %d: not so: %s; seed %llu\n", line, what,
        (unsigned long long) seed);
    abort();
}

static unsigned
Random(uint64_t *statePtr, unsigned bound)
{
    uint64_t z = *statePtr += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (unsigned) ((z >> 33) % bound);
}

/* ------------------------------------------- the rest of the port */

CpError
CpWinInit(void)
{
    return CP_OK;
}

CpError
CpErrorOfWin(unsigned long code)
{
    return code == 0 ? CP_OK : CP_EINVAL;
}

CpError
CpErrorOfStatus(unsigned long status)
{
    return status == 0 ? CP_OK : CP_ECONNRESET;
}

void
CpWinRecordSend(const CpOp *opPtr)
{
    (void) opPtr;
}

void
CpWinComplete(CpOp *opPtr)
{
    opPtr->handlePtr->pending--;
    CpStatAdd(CP_STAT_OPERATIONS, -1);
    opPtr->proc(opPtr);
}

/* ------------------------------------------------------------ kernel */

static void
CompleteByPort(TestOp *testOpPtr)
{
    TestFileComplete(testOpPtr->op.handlePtr->sock,
        WIN_OVERLAPPED(&testOpPtr->op), 0, testOpPtr->value);
}

static void
CompleteByHandOver(TestOp *testOpPtr)
{
    CpWinExpectNot(&testOpPtr->op);
    testOpPtr->op.bytes = testOpPtr->value;
    testOpPtr->op.error = CP_OK;
    CpWinHandOver(&testOpPtr->op);
}

static void
GiveToKernel(CpOp *opPtr)
{
    pthread_mutex_lock(&kernelMutex);
    CHECK(kernelCount < kernelRoom);
    kernelOps[kernelCount++] = opPtr;
    pthread_cond_signal(&kernelCond);
    pthread_mutex_unlock(&kernelMutex);
}

static void
HoldKernel(int on)
{
    pthread_mutex_lock(&kernelMutex);
    kernelHolds = on;
    pthread_cond_broadcast(&kernelCond);
    pthread_mutex_unlock(&kernelMutex);
}

static void *
KernelMain(void *clientData)
{
    uint64_t random = *(uint64_t *) clientData;

    for (;;) {
        CpOp *opPtr;
        unsigned which;

        pthread_mutex_lock(&kernelMutex);
        while ((kernelCount == 0 || kernelHolds) && !kernelStops) {
            pthread_cond_wait(&kernelCond, &kernelMutex);
        }
        if (kernelCount == 0) {
            pthread_mutex_unlock(&kernelMutex);
            return NULL;
        }
        which = Random(&random, kernelCount);
        opPtr = kernelOps[which];
        kernelOps[which] = kernelOps[--kernelCount];
        pthread_mutex_unlock(&kernelMutex);

        /* As a look-up's thread does, or as the system. */
        if (Random(&random, 8) == 0) {
            CompleteByHandOver(CP_OWNER_OF(opPtr, TestOp, op));
        } else {
            CompleteByPort(CP_OWNER_OF(opPtr, TestOp, op));
        }
    }
}

/* ------------------------------------------------------------ owners */

static void
Done(CpOp *opPtr)
{
    TestOp *testOpPtr = CP_OWNER_OF(opPtr, TestOp, op);
    TestHandle *testPtr = CP_OWNER_OF(opPtr->handlePtr, TestHandle, handle);

    CHECK(testOpPtr->outstanding);
    CHECK(testPtr->ownerPtr != NULL);
    CHECK(testPtr->ownerPtr->portPtr == testPtr->handle.ownerPtr);
    CHECK(opPtr->error == CP_OK);
    CHECK(opPtr->bytes == testOpPtr->value);
    testOpPtr->outstanding = 0;
    testPtr->ownerPtr->completed++;
}

/* Makes an operation outstanding; the caller sees to its completion. */

static void
Start(Owner *ownerPtr, TestHandle *testPtr, TestOp *testOpPtr)
{
    CpOp *opPtr = &testOpPtr->op;

    InterlockedExchangeAdd64(&submitted, 1);
    testOpPtr->outstanding = 1;
    testOpPtr->value = Random(&ownerPtr->random, 1000000);
    memset(WIN_OP(opPtr), 0, sizeof(WinOp));
    opPtr->proc = Done;
    opPtr->handlePtr = &testPtr->handle;
    testPtr->handle.pending++;
    CpStatAdd(CP_STAT_OPERATIONS, 1);
    CHECK(CpWinBindPort(&testPtr->handle) == CP_OK);
    CpWinExpect(opPtr);
}

static void
Submit(Owner *ownerPtr, TestHandle *testPtr)
{
    TestOp *testOpPtr = &testPtr->ops[Random(&ownerPtr->random, OPS)];

    if (testOpPtr->outstanding) {
        return;
    }
    Start(ownerPtr, testPtr, testOpPtr);
    if (Random(&ownerPtr->random, 4) == 0) {
        CpWinExpectNot(&testOpPtr->op);
        testOpPtr->op.bytes = testOpPtr->value;
        CpWinFinishNow(&testOpPtr->op, CP_OK);
    } else {
        GiveToKernel(&testOpPtr->op);
    }
}

static void
Wake(void *clientData)
{
    Owner *ownerPtr = clientData;

    pthread_mutex_lock(&ownerPtr->mutex);
    ownerPtr->alerted = 1;
    ownerPtr->alerts++;
    pthread_cond_signal(&ownerPtr->cond);
    pthread_mutex_unlock(&ownerPtr->mutex);
}

/* Every operation that a reap says it has completed was this owner's. A wait
 * that brings nothing although something was outstanding has not used up its
 * time. */

static unsigned
Reap(Owner *ownerPtr, int timeoutMs)
{
    uint64_t before = ownerPtr->completed;
    uint64_t beginMs = CpNowMs();
    unsigned completed = CpPortReap(ownerPtr->portPtr, timeoutMs);

    CHECK(completed == ownerPtr->completed - before);
    CHECK(completed > 0 || timeoutMs < SLEEP_LIMIT_S * 1000
        || CpNowMs() - beginMs < SLEEP_LIMIT_S * 1000);
    return completed;
}

static unsigned
Outstanding(const Owner *ownerPtr)
{
    const TestHandle *testPtr;
    unsigned count = 0;

    for (testPtr = ownerPtr->firstPtr; testPtr != NULL;
         testPtr = testPtr->nextPtr) {
        count += testPtr->handle.pending;
    }
    return count;
}

/* Waits in the notifier, where nothing but the port can wake a thread. */

static void
WaitInNotifier(Owner *ownerPtr)
{
    struct timespec until;

    InterlockedExchangeAdd64(&sleeps, 1);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += SLEEP_LIMIT_S;
    TestBlock(1);
    pthread_mutex_lock(&ownerPtr->mutex);
    ownerPtr->asleep = 1;
    while (!ownerPtr->alerted) {
        CHECK(pthread_cond_timedwait(&ownerPtr->cond, &ownerPtr->mutex, &until)
            != ETIMEDOUT);
    }
    ownerPtr->alerted = 0;
    ownerPtr->asleep = 0;
    pthread_mutex_unlock(&ownerPtr->mutex);
    TestBlock(0);
}

/* As a thread in its event loop. */

static void
Sleep(Owner *ownerPtr)
{
    if (Outstanding(ownerPtr) > 0 && CpPortSleep(ownerPtr->portPtr, -1)) {
        WaitInNotifier(ownerPtr);
    }
}

static unsigned
Alerts(Owner *ownerPtr)
{
    unsigned alerts;

    pthread_mutex_lock(&ownerPtr->mutex);
    alerts = ownerPtr->alerts;
    pthread_mutex_unlock(&ownerPtr->mutex);
    return alerts;
}

static void
ResetAlerts(Owner *ownerPtr)
{
    pthread_mutex_lock(&ownerPtr->mutex);
    ownerPtr->alerts = 0;
    pthread_mutex_unlock(&ownerPtr->mutex);
}

/* Waits for what another thread does; each look is an expression. */

#define AWAIT(condition) \
    { \
        unsigned tries = 0; \
\
        while (!(condition)) { \
            CHECK(tries++ < SLEEP_LIMIT_S * 1000); \
            Pause(); \
        } \
    }

static void
Pause(void)
{
    struct timespec pause = {0, 1000000};

    nanosleep(&pause, NULL);
}

static int
IsAsleep(Owner *ownerPtr)
{
    int asleep;

    pthread_mutex_lock(&ownerPtr->mutex);
    asleep = ownerPtr->asleep;
    pthread_mutex_unlock(&ownerPtr->mutex);
    return asleep;
}

static TestHandle *
TakeFirst(Owner *ownerPtr)
{
    TestHandle *testPtr = ownerPtr->firstPtr;

    ownerPtr->firstPtr = testPtr->nextPtr;
    ownerPtr->handles--;
    return testPtr;
}

/* At the end, so that all have their turn. */

static void
Add(Owner *ownerPtr, TestHandle *testPtr)
{
    TestHandle **linkPtr = &ownerPtr->firstPtr;

    while (*linkPtr != NULL) {
        linkPtr = &(*linkPtr)->nextPtr;
    }
    *linkPtr = testPtr;
    testPtr->nextPtr = NULL;
    testPtr->ownerPtr = ownerPtr;
    ownerPtr->handles++;
}

static void
PassOn(Owner *ownerPtr)
{
    TestHandle *testPtr = TakeFirst(ownerPtr);

    testPtr->ownerPtr = NULL;
    CpHandleMove(&testPtr->handle, NULL);
    InterlockedExchangeAdd64(&moves, 1);
    pthread_mutex_lock(&passedMutex);
    testPtr->nextPtr = passedPtr;
    passedPtr = testPtr;
    pthread_mutex_unlock(&passedMutex);
}

static int
TakeOver(Owner *ownerPtr)
{
    TestHandle *testPtr;

    pthread_mutex_lock(&passedMutex);
    testPtr = passedPtr;
    if (testPtr != NULL) {
        passedPtr = testPtr->nextPtr;
    }
    pthread_mutex_unlock(&passedMutex);
    if (testPtr == NULL) {
        return 0;
    }
    Add(ownerPtr, testPtr);
    CpHandleMove(&testPtr->handle, ownerPtr->portPtr);
    return 1;
}

static void
Open(Owner *ownerPtr)
{
    TestHandle *testPtr = CpCalloc(sizeof(TestHandle));

    CHECK(testPtr != NULL);
    testPtr->handle.sock = TestFileNew();
    testPtr->handle.ownerPtr = ownerPtr->portPtr;
    Add(ownerPtr, testPtr);
}

static void
Close(TestHandle *testPtr)
{
    CHECK(testPtr->handle.pending == 0);
    CpWinUnbindPort(&testPtr->handle);
    CHECK(CpListIsEmpty(&testPtr->handle.parked));
    CloseHandle(testPtr->handle.sock);
    CpFree(testPtr, sizeof(TestHandle));
}

/* Closes a handle of this owner, so that no port has it any more. */

static void
Retire(Owner *ownerPtr, TestHandle *testPtr)
{
    TestHandle **linkPtr = &ownerPtr->firstPtr;

    while (*linkPtr != testPtr) {
        linkPtr = &(*linkPtr)->nextPtr;
    }
    *linkPtr = testPtr->nextPtr;
    ownerPtr->handles--;
    Close(testPtr);
}

static void
Step(Owner *ownerPtr)
{
    unsigned choice = Random(&ownerPtr->random, 100);

    if (choice < 60) {
        TestHandle *testPtr = TakeFirst(ownerPtr);

        Submit(ownerPtr, testPtr);
        Add(ownerPtr, testPtr);
    } else if (choice < 70) {
        (void) Reap(ownerPtr, 0);
    } else if (choice < 75) {
        uint64_t before = ownerPtr->completed;

        CHECK(CpPortReapFinished(ownerPtr->portPtr)
            == ownerPtr->completed - before);
    } else if (choice < 78) {
        (void) Reap(ownerPtr, (int) Random(&ownerPtr->random, 3));
    } else if (choice < 79 && Outstanding(ownerPtr) > 0) {
        (void) Reap(ownerPtr, SLEEP_LIMIT_S * 1000);
    } else if (choice < 84) {
        Sleep(ownerPtr);
        (void) Reap(ownerPtr, 0);
    } else if (choice < 90 && ownerPtr->handles > HANDLES / 2) {
        PassOn(ownerPtr);
    } else if (choice < 96) {
        (void) TakeOver(ownerPtr);
    } else if (choice < 98) {
        TestHandle *testPtr = TakeFirst(ownerPtr);

        if (testPtr->handle.pending == 0) {
            Close(testPtr);
            Open(ownerPtr);
        } else {
            Add(ownerPtr, testPtr);
        }
    }
}

/* Until all its operations have completed. */

static void
Settle(Owner *ownerPtr)
{
    while (Outstanding(ownerPtr) > 0) {
        Sleep(ownerPtr);
        (void) Reap(ownerPtr, 0);
    }
}

/* --------------------------------------------------------- scenarios */

/* Every owner comes here; the limit of the ports does not count those who wait
 * here, as they block. */

static void
Meet(void)
{
    TestBlock(1);
    (void) pthread_barrier_wait(&allThere);
    TestBlock(0);
}

/* What the first owner has begun for the others to go on with. */
static TestHandle *firstHandle;
static TestHandle *secondHandle;

/* An operation on each of two handles of this owner. */

static void
StartTwo(Owner *ownerPtr)
{
    firstHandle = ownerPtr->firstPtr;
    secondHandle = firstHandle->nextPtr;
    Start(ownerPtr, firstHandle, &firstHandle->ops[0]);
    Start(ownerPtr, secondHandle, &secondHandle->ops[0]);
}

/* An OVERLAPPED of foreign code, which is gone: nobody may look into it. */
#define STRANGERS ((OVERLAPPED *) (uintptr_t) 16)

/* Waits until the helper of a file's port blocks again after an action. */

#define BESIDE_HELPER(file, action) \
    { \
        unsigned waits = TestHelperWaits(file); \
\
        action; \
        AWAIT(TestHelperWaits(file) > waits); \
    }

/* Waits on its port until all has come. */

static void
ReapAll(Owner *ownerPtr)
{
    while (Outstanding(ownerPtr) > 0) {
        (void) Reap(ownerPtr, SLEEP_LIMIT_S * 1000);
    }
}

/* An owner sleeps for what completes on the port of another one, who blocks and
 * does nothing about it. */

static void
SleepForAnothersPort(Owner *ownerPtr)
{
    if (ownerPtr->index == 0) {
        firstHandle = ownerPtr->firstPtr;
        Start(ownerPtr, firstHandle, &firstHandle->ops[0]);
        PassOn(ownerPtr);
    }
    Meet();
    if (ownerPtr->index == 1) {
        CHECK(TakeOver(ownerPtr));
        CompleteByPort(&firstHandle->ops[0]);
        Settle(ownerPtr);
        Retire(ownerPtr, firstHandle);
    }
    Meet();
}

/* The same, but the port's owner has just dequeued from it, and computes. */

static void
SleepForBusyOwnersPort(Owner *ownerPtr)
{
    static int settled;

    if (ownerPtr->index == 0) {
        settled = 0;
        StartTwo(ownerPtr);
        PassOn(ownerPtr);
        CpPortRemind(ownerPtr->portPtr);
        AWAIT(TestPortWaiters(secondHandle->handle.sock) == 0);
        CompleteByPort(&secondHandle->ops[0]);
        ReapAll(ownerPtr);
    }
    Meet();
    if (ownerPtr->index == 0) {
        AWAIT(__atomic_load_n(&settled, __ATOMIC_SEQ_CST));
    } else if (ownerPtr->index == 1) {
        CHECK(TakeOver(ownerPtr));
        CompleteByPort(&firstHandle->ops[0]);
        Settle(ownerPtr);
        Retire(ownerPtr, firstHandle);
        __atomic_store_n(&settled, 1, __ATOMIC_SEQ_CST);
    }
    Meet();
}

/* While an owner sleeps, its port has a completion for a handle that nobody
 * owns just now; then one for the owner. */

static void
SleepBehindDetached(Owner *ownerPtr)
{
    if (ownerPtr->index == 0) {
        StartTwo(ownerPtr);
        PassOn(ownerPtr);
    }
    Meet();
    if (ownerPtr->index == 0) {
        Settle(ownerPtr);
    } else if (ownerPtr->index == 1) {
        AWAIT(IsAsleep(&owners[0]));
        BESIDE_HELPER(firstHandle->handle.sock,
            CompleteByPort(&firstHandle->ops[0]));
        CompleteByPort(&secondHandle->ops[0]);
    }
    Meet();
    if (ownerPtr->index == 1) {
        CHECK(TakeOver(ownerPtr));
        Settle(ownerPtr);
        Retire(ownerPtr, firstHandle);
    }
    Meet();
}

/* The same with packets that are for nobody: one that was posted to wake
 * a thread that is awake by now, and a stranger's. */

static void
SleepBehindStrayPackets(Owner *ownerPtr)
{
    if (ownerPtr->index == 0) {
        firstHandle = ownerPtr->firstPtr;
        Start(ownerPtr, firstHandle, &firstHandle->ops[0]);
    }
    Meet();
    if (ownerPtr->index == 0) {
        Settle(ownerPtr);
    } else if (ownerPtr->index == 1) {
        HANDLE file = firstHandle->handle.sock;

        AWAIT(IsAsleep(&owners[0]));
        BESIDE_HELPER(file, TestPostStale(file, NULL));
        BESIDE_HELPER(file, TestPostStale(file, STRANGERS));
        CompleteByPort(&firstHandle->ops[0]);
    }
    Meet();
}

/* While an owner waits on its port, another one takes over a handle that is
 * bound to it, for which the helper may be wanted there too. */

static void
WaitOnPortBesideAttach(Owner *ownerPtr)
{
    if (ownerPtr->index == 0) {
        StartTwo(ownerPtr);
        PassOn(ownerPtr);
    }
    Meet();
    if (ownerPtr->index == 0) {
        ReapAll(ownerPtr);
    } else if (ownerPtr->index == 1) {
        HANDLE file = firstHandle->handle.sock;
        unsigned pauses;

        AWAIT(TestPortWaiters(file) > 0);
        CHECK(TakeOver(ownerPtr));

        /* A helper that comes to the port as well has the time for it. */
        for (pauses = 0; pauses < 50 && TestPortWaiters(file) < 2; pauses++) {
            Pause();
        }
        CHECK(TestPortWaiters(file) < 2);
        CompleteByPort(&secondHandle->ops[0]);
    }
    Meet();
    if (ownerPtr->index == 1) {
        CompleteByPort(&firstHandle->ops[0]);
        Settle(ownerPtr);
        Retire(ownerPtr, firstHandle);
    }
    Meet();
}

/* An owner waits while its helper is still on the port, and a packet comes that
 * is for nobody. */

static void
WaitBesideHelper(Owner *ownerPtr)
{
    if (ownerPtr->index == 0) {
        StartTwo(ownerPtr);
        CHECK(CpPortSleep(ownerPtr->portPtr, -1) == 1);
    }
    Meet();
    if (ownerPtr->index == 1) {
        AWAIT(TestPortWaiters(firstHandle->handle.sock) > 0);
        CompleteByHandOver(&firstHandle->ops[0]);
    }
    Meet();
    if (ownerPtr->index == 0) {
        CHECK(Reap(ownerPtr, 0) == 1);
        ReapAll(ownerPtr);
    } else if (ownerPtr->index == 1) {
        HANDLE file = firstHandle->handle.sock;

        BESIDE_HELPER(file, TestPostStale(file, NULL));
        CompleteByPort(&secondHandle->ops[0]);
    }
    Meet();
}

/* An owner waits on its port, and gets what never passes through it. */

static void
WaitOnPortForHandOver(Owner *ownerPtr)
{
    if (ownerPtr->index == 0) {
        firstHandle = ownerPtr->firstPtr;
        Start(ownerPtr, firstHandle, &firstHandle->ops[0]);

        /* The helper may be on the port still: a packet makes it leave. */
        TestPostStale(firstHandle->handle.sock, NULL);
        AWAIT(TestPortWaiters(firstHandle->handle.sock) == 0);
    }
    Meet();
    if (ownerPtr->index == 0) {
        ReapAll(ownerPtr);
    } else if (ownerPtr->index == 1) {
        AWAIT(TestPortWaiters(firstHandle->handle.sock) > 0);
        CompleteByHandOver(&firstHandle->ops[0]);
    }
    Meet();
}

/* A message loop that is not Tcl's: the owner looks at its port, finds nothing,
 * and waits, without a word to its port about it. It may have said before the
 * look that it would rest. */

static void
WaitUnannounced(Owner *ownerPtr, int rests)
{
    if (ownerPtr->index == 0) {
        firstHandle = ownerPtr->firstPtr;
        Start(ownerPtr, firstHandle, &firstHandle->ops[0]);
        if (!rests) {
            CpPortRemind(ownerPtr->portPtr);
        }
        CHECK(Reap(ownerPtr, 0) == 0);
    }
    Meet();
    if (ownerPtr->index == 0) {
        while (Outstanding(ownerPtr) > 0) {
            WaitInNotifier(ownerPtr);
            (void) Reap(ownerPtr, 0);
        }
    } else if (ownerPtr->index == 1) {
        AWAIT(IsAsleep(&owners[0]));
        CompleteByPort(&firstHandle->ops[0]);
    }
    Meet();
}

static void
WaitInForeignLoop(Owner *ownerPtr)
{
    WaitUnannounced(ownerPtr, 0);
}

static void
WaitInForeignLoopAfterSleep(Owner *ownerPtr)
{
    if (ownerPtr->index == 0) {
        CHECK(CpPortSleep(ownerPtr->portPtr, -1) == 1);
    }
    WaitUnannounced(ownerPtr, 1);
}

/* An owner polls its port where there is a stranger's packet. */

static void
PollStrayPacket(Owner *ownerPtr)
{
    if (ownerPtr->index == 0) {
        firstHandle = ownerPtr->firstPtr;
        Start(ownerPtr, firstHandle, &firstHandle->ops[0]);
        TestPostStale(firstHandle->handle.sock, STRANGERS);
        CompleteByPort(&firstHandle->ops[0]);
        ReapAll(ownerPtr);
    }
    Meet();
}

/* An owner that has been alerted and has not looked is not alerted again. */

static void
AlertOnce(Owner *ownerPtr)
{
    if (ownerPtr->index == 0) {
        StartTwo(ownerPtr);
        CHECK(CpPortSleep(ownerPtr->portPtr, -1) == 1);
        ResetAlerts(ownerPtr);
    }
    Meet();
    if (ownerPtr->index == 1) {
        CompleteByHandOver(&firstHandle->ops[0]);
        CompleteByHandOver(&secondHandle->ops[0]);
        CHECK(Alerts(&owners[0]) == 1);
    }
    Meet();
    if (ownerPtr->index == 0) {
        CHECK(Reap(ownerPtr, 0) == 2);
    }
    Meet();
}

static void (*const scenarios[])(Owner *ownerPtr) = {SleepForAnothersPort,
    SleepForBusyOwnersPort, SleepBehindDetached, SleepBehindStrayPackets,
    WaitOnPortBesideAttach, WaitBesideHelper, WaitOnPortForHandOver,
    WaitInForeignLoop, WaitInForeignLoopAfterSleep, PollStrayPacket, AlertOnce};

static void
PlayScenarios(Owner *ownerPtr)
{
    size_t i;

    for (i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        if (onlyScenario < 0 || onlyScenario == (int) i) {
            scenarios[i](ownerPtr);
        }
    }
}

/*
 * The first one goes before the others, and its port with it. The operations on
 * handles that are bound to it, which others have taken over, complete after
 * that: only its helper can notice.
 */

static void
GoFirst(Owner *ownerPtr)
{
    HoldKernel(1);
    while (ownerPtr->firstPtr != NULL) {
        Submit(ownerPtr, ownerPtr->firstPtr);
        PassOn(ownerPtr);
    }
    CpPortRelease(ownerPtr->portPtr);
    (void) pthread_barrier_wait(&firstGone);
}

static void
GoLast(Owner *ownerPtr)
{
    (void) pthread_barrier_wait(&firstGone);
    while (TakeOver(ownerPtr)) {
    }
    (void) pthread_barrier_wait(&allTaken);
    HoldKernel(0);
    Settle(ownerPtr);
    while (ownerPtr->firstPtr != NULL) {
        Close(TakeFirst(ownerPtr));
    }
    CpPortRelease(ownerPtr->portPtr);
}

static void *
OwnerMain(void *clientData)
{
    Owner *ownerPtr = clientData;
    CpError error;
    unsigned i;

    ownerPtr->portPtr = CpPortNew(Wake, ownerPtr, &error);
    CHECK(error == CP_OK);
    for (i = 0; i < HANDLES; i++) {
        Open(ownerPtr);
    }
    PlayScenarios(ownerPtr);
    while (InterlockedExchangeAdd64(&submitted, 0) < limit) {
        Step(ownerPtr);
    }

    Meet();
    if (ownerPtr->index == 0) {
        GoFirst(ownerPtr);
    } else {
        GoLast(ownerPtr);
    }
    return NULL;
}

/* -------------------------------------------------------------- main */

/* On ports of Windows' kind, or of Wine's. */

static void
Run(int race)
{
    pthread_t ownerThreads[OWNERS], kernelThreads[KERNELS];
    uint64_t randoms[KERNELS];
    uint64_t completed = 0;
    unsigned i;

    TestPortsRace(race);
    submitted = moves = sleeps = 0;
    kernelStops = 0;
    memset(owners, 0, sizeof(owners));
    for (i = 0; i < KERNELS; i++) {
        randoms[i] = seed * 1000 + OWNERS + i;
        pthread_create(&kernelThreads[i], NULL, KernelMain, &randoms[i]);
    }
    pthread_barrier_init(&allThere, NULL, OWNERS);
    pthread_barrier_init(&firstGone, NULL, OWNERS);
    pthread_barrier_init(&allTaken, NULL, OWNERS - 1);
    for (i = 0; i < OWNERS; i++) {
        owners[i].index = i;
        owners[i].random = seed * 1000 + i;
        pthread_mutex_init(&owners[i].mutex, NULL);
        pthread_cond_init(&owners[i].cond, NULL);
    }
    for (i = 0; i < OWNERS; i++) {
        pthread_create(&ownerThreads[i], NULL, OwnerMain, &owners[i]);
    }
    for (i = 0; i < OWNERS; i++) {
        pthread_join(ownerThreads[i], NULL);
        completed += owners[i].completed;
    }
    pthread_mutex_lock(&kernelMutex);
    kernelStops = 1;
    pthread_cond_broadcast(&kernelCond);
    pthread_mutex_unlock(&kernelMutex);
    for (i = 0; i < KERNELS; i++) {
        pthread_join(kernelThreads[i], NULL);
    }
    AWAIT(TestThreads() == 0);
    CHECK(completed == (uint64_t) submitted);
    CHECK(CpStatGet(CP_STAT_OPERATIONS) == 0);
    CHECK(CpStatGet(CP_STAT_MEMORY_BYTES) == 0);
    CHECK(TestObjects() == 0);
    printf("seed %llu, %s: %llu operations, %lld moves, %lld sleeps\n",
        (unsigned long long) seed, race ? "as Wine" : "as Windows",
        (unsigned long long) completed, (long long) moves, (long long) sleeps);
}

int
main(int argc, char **argv)
{
    seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    limit = argc > 2 ? strtoll(argv[2], NULL, 10) : DEFAULT_OPERATIONS;
    onlyScenario = argc > 3 ? atoi(argv[3]) : -1;
    kernelRoom = OWNERS * HANDLES * OPS;
    kernelOps = calloc(kernelRoom, sizeof(CpOp *));
    CHECK(kernelOps != NULL);
    Run(0);
    Run(1);
    free(kernelOps);
    return 0;
}
