/*
 * threadTest.c --
 *
 *      The hand-over between threads of win/cpPortWin.c, with real threads:
 *
 *          threadTest ?SEED? ?OPERATIONS?
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
#define SLEEP_LIMIT_S 60 /* A wake-up this late is one that was lost. */

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
} Owner;

/* Operations in the system's hands, oldest first. */
static pthread_mutex_t kernelMutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t kernelCond = PTHREAD_COND_INITIALIZER;
static CpOp **kernelOps;
static unsigned kernelCount;
static unsigned kernelRoom;
static int kernelHolds; /* Completes nothing. */
static int kernelStops;
static int kernelPlain; /* All goes by the completion port. */

/* Handles between owners. */
static pthread_mutex_t passedMutex = PTHREAD_MUTEX_INITIALIZER;
static TestHandle *passedPtr;

static pthread_barrier_t allThere;
static pthread_barrier_t firstGone;
static pthread_barrier_t allTaken;

static uint64_t seed;
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
CpWinNoteSend(const CpOp *opPtr)
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
GiveToKernel(CpOp *opPtr)
{
    pthread_mutex_lock(&kernelMutex);
    CHECK(kernelCount < kernelRoom);
    kernelOps[kernelCount++] = opPtr;
    pthread_cond_signal(&kernelCond);
    pthread_mutex_unlock(&kernelMutex);
}

static void
HoldKernel(int on, int plain)
{
    pthread_mutex_lock(&kernelMutex);
    kernelHolds = on;
    kernelPlain = plain;
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
        int plain;

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
        plain = kernelPlain;
        kernelOps[which] = kernelOps[--kernelCount];
        pthread_mutex_unlock(&kernelMutex);

        /* As a look-up's thread does, or as the system. */
        if (!plain && Random(&random, 8) == 0) {
            opPtr->bytes = ((TestOp *) (void *) opPtr)->value;
            opPtr->error = CP_OK;
            CpWinHandOver(opPtr);
        } else {
            TestFileComplete(opPtr->handlePtr->sock, WIN_OVERLAPPED(opPtr), 0,
                ((TestOp *) (void *) opPtr)->value);
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

static void
Submit(Owner *ownerPtr, TestHandle *testPtr, int plain)
{
    TestOp *testOpPtr = &testPtr->ops[Random(&ownerPtr->random, OPS)];
    CpOp *opPtr = &testOpPtr->op;

    if (testOpPtr->outstanding) {
        return;
    }
    InterlockedExchangeAdd64(&submitted, 1);
    testOpPtr->outstanding = 1;
    testOpPtr->value = Random(&ownerPtr->random, 1000000);
    memset(WIN_OP(opPtr), 0, sizeof(WinOp));
    opPtr->proc = Done;
    opPtr->handlePtr = &testPtr->handle;
    testPtr->handle.pending++;
    CpStatAdd(CP_STAT_OPERATIONS, 1);
    CHECK(CpWinBindPort(&testPtr->handle) == CP_OK);
    if (!plain && Random(&ownerPtr->random, 4) == 0) {
        opPtr->bytes = testOpPtr->value;
        CpWinFinishNow(opPtr, CP_OK);
    } else {
        GiveToKernel(opPtr);
    }
}

static void
Wake(void *clientData)
{
    Owner *ownerPtr = clientData;

    pthread_mutex_lock(&ownerPtr->mutex);
    CHECK(!ownerPtr->alerted); /* Once for each sleep. */
    ownerPtr->alerted = 1;
    pthread_cond_signal(&ownerPtr->cond);
    pthread_mutex_unlock(&ownerPtr->mutex);
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

/* As a thread in its event loop, which nothing but the port can wake. */

static void
Sleep(Owner *ownerPtr)
{
    struct timespec until;

    if (Outstanding(ownerPtr) == 0 || !CpPortSleep(ownerPtr->portPtr)) {
        return;
    }
    InterlockedExchangeAdd64(&sleeps, 1);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += SLEEP_LIMIT_S;
    pthread_mutex_lock(&ownerPtr->mutex);
    while (!ownerPtr->alerted) {
        CHECK(pthread_cond_timedwait(&ownerPtr->cond, &ownerPtr->mutex, &until)
            != ETIMEDOUT);
    }
    ownerPtr->alerted = 0;
    pthread_mutex_unlock(&ownerPtr->mutex);
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
    CHECK(testPtr->handle.parked.firstPtr == NULL);
    CloseHandle(testPtr->handle.sock);
    CpFree(testPtr, sizeof(TestHandle));
}

static void
Step(Owner *ownerPtr)
{
    unsigned choice = Random(&ownerPtr->random, 100);

    if (choice < 60) {
        TestHandle *testPtr = TakeFirst(ownerPtr);

        Submit(ownerPtr, testPtr, 0);
        Add(ownerPtr, testPtr);
    } else if (choice < 70) {
        (void) CpPortReap(ownerPtr->portPtr, 0);
    } else if (choice < 75) {
        (void) CpPortReapFinished(ownerPtr->portPtr);
    } else if (choice < 78) {
        (void) CpPortReap(ownerPtr->portPtr,
            (int) Random(&ownerPtr->random, 3));
    } else if (choice < 79 && Outstanding(ownerPtr) > 0) {
        (void) CpPortReap(ownerPtr->portPtr, SLEEP_LIMIT_S * 1000);
    } else if (choice < 84) {
        Sleep(ownerPtr);
        (void) CpPortReap(ownerPtr->portPtr, 0);
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
        (void) CpPortReap(ownerPtr->portPtr, 0);
    }
}

/*
 * Where just a helper can notice: the second owner sleeps for what completes on
 * the port of the first one, who does nothing about it; then the third one for
 * what completes on its own.
 */

static void
Begin(Owner *ownerPtr)
{
    if (ownerPtr->index == 0) {
        HoldKernel(1, 1);
        Submit(ownerPtr, ownerPtr->firstPtr, 1);
        PassOn(ownerPtr);
    }
    (void) pthread_barrier_wait(&allThere);
    if (ownerPtr->index == 1) {
        CHECK(TakeOver(ownerPtr));
        HoldKernel(0, 1);
        Settle(ownerPtr);
    }
    (void) pthread_barrier_wait(&allThere);
    if (ownerPtr->index == 2) {
        Submit(ownerPtr, ownerPtr->firstPtr, 1);
        Settle(ownerPtr);
        HoldKernel(0, 0);
    }
    (void) pthread_barrier_wait(&allThere);
}

/*
 * The first one goes before the others, and its port with it. The operations on
 * handles that are bound to it, which others have taken over, complete after
 * that: only its helper can notice.
 */

static void
GoFirst(Owner *ownerPtr)
{
    HoldKernel(1, 0);
    while (ownerPtr->firstPtr != NULL) {
        Submit(ownerPtr, ownerPtr->firstPtr, 0);
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
    HoldKernel(0, 0);
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
    Begin(ownerPtr);
    while (InterlockedExchangeAdd64(&submitted, 0) < limit) {
        Step(ownerPtr);
    }

    (void) pthread_barrier_wait(&allThere);
    if (ownerPtr->index == 0) {
        GoFirst(ownerPtr);
    } else {
        GoLast(ownerPtr);
    }
    return NULL;
}

/* -------------------------------------------------------------- main */

static void
WaitForHelpers(void)
{
    struct timespec pause = {0, 1000000};
    unsigned i;

    for (i = 0; TestThreads() > 0 && i < SLEEP_LIMIT_S * 1000; i++) {
        nanosleep(&pause, NULL);
    }
    CHECK(TestThreads() == 0);
}

int
main(int argc, char **argv)
{
    static Owner owners[OWNERS];
    pthread_t ownerThreads[OWNERS], kernelThreads[KERNELS];
    uint64_t randoms[KERNELS];
    uint64_t completed = 0;
    unsigned i;

    seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    limit = argc > 2 ? strtoll(argv[2], NULL, 10) : DEFAULT_OPERATIONS;
    kernelRoom = OWNERS * HANDLES * OPS;
    kernelOps = calloc(kernelRoom, sizeof(CpOp *));
    CHECK(kernelOps != NULL);
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
    WaitForHelpers();
    CHECK(completed == (uint64_t) submitted);
    CHECK(CpStatGet(CP_STAT_OPERATIONS) == 0);
    CHECK(CpStatGet(CP_STAT_MEMORY_BYTES) == 0);
    CHECK(TestObjects() == 0);
    free(kernelOps);
    printf("seed %llu: %llu operations, %lld moves, %lld sleeps\n",
        (unsigned long long) seed, (unsigned long long) completed,
        (long long) moves, (long long) sleeps);
    return 0;
}
