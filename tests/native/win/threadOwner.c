/*
 * threadOwner.c --
 *
 *      The owners of threadTest: each has a port, and handles with operations.
 *      It checks each completion.
 */

#include "threadInt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

Owner testOwners[OWNERS];
uint64_t testSeed;
LONG64 testSubmitted;
LONG64 testMoves;
LONG64 testSleeps;

static pthread_barrier_t allThere;

/* Handles between owners. */
static pthread_mutex_t passedMutex = PTHREAD_MUTEX_INITIALIZER;
static TestHandle *passedPtr;

_Noreturn void
TestFail(const char *file, int line, const char *what)
{
    fprintf(stderr, "FAILED: %s:%d: not so: %s; seed %llu\n", file, line, what,
        (unsigned long long) testSeed);
    abort();
}

unsigned
TestRandom(uint64_t *statePtr, unsigned bound)
{
    uint64_t z = *statePtr += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (unsigned) ((z >> 33) % bound);
}

void
TestPause(void)
{
    struct timespec pause = {0, 1000000};

    nanosleep(&pause, NULL);
}

void
OwnersBegin(void)
{
    unsigned i;

    testSubmitted = testMoves = testSleeps = 0;
    memset(testOwners, 0, sizeof(testOwners));
    pthread_barrier_init(&allThere, NULL, OWNERS);
    for (i = 0; i < OWNERS; i++) {
        testOwners[i].index = i;
        testOwners[i].random = testSeed * 1000 + i;
        pthread_mutex_init(&testOwners[i].mutex, NULL);
        pthread_cond_init(&testOwners[i].cond, NULL);
    }
}

/* A thread that waits here blocks, and does not count as one that runs. */

void
OwnerMeet(void)
{
    TestBlock(1);
    (void) pthread_barrier_wait(&allThere);
    TestBlock(0);
}

/* --------------------------------------------------------------- handles */

TestHandle *
OwnerTakeFirst(Owner *ownerPtr)
{
    TestHandle *testPtr = ownerPtr->firstPtr;

    ownerPtr->firstPtr = testPtr->nextPtr;
    ownerPtr->handles--;
    return testPtr;
}

/* It is added at the end, so that all handles take turns. */

void
OwnerAdd(Owner *ownerPtr, TestHandle *testPtr)
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

void
OwnerPassOn(Owner *ownerPtr)
{
    TestHandle *testPtr = OwnerTakeFirst(ownerPtr);

    testPtr->ownerPtr = NULL;
    CpHandleMove(&testPtr->handle, NULL);
    InterlockedExchangeAdd64(&testMoves, 1);
    pthread_mutex_lock(&passedMutex);
    testPtr->nextPtr = passedPtr;
    passedPtr = testPtr;
    pthread_mutex_unlock(&passedMutex);
}

int
OwnerTakeOver(Owner *ownerPtr)
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
    OwnerAdd(ownerPtr, testPtr);
    CpHandleMove(&testPtr->handle, ownerPtr->portPtr);
    return 1;
}

void
OwnerOpen(Owner *ownerPtr)
{
    TestHandle *testPtr = CpCalloc(sizeof(TestHandle));

    CHECK(testPtr != NULL);
    testPtr->handle.sock = TestFileNew();
    testPtr->handle.ownerPtr = ownerPtr->portPtr;
    OwnerAdd(ownerPtr, testPtr);
}

void
OwnerClose(TestHandle *testPtr)
{
    CHECK(testPtr->handle.pending == 0);
    CpWinUnbindPort(&testPtr->handle);
    CHECK(CpListIsEmpty(&testPtr->handle.parked));
    CloseHandle(testPtr->handle.sock);
    CpFree(testPtr, sizeof(TestHandle));
}

/* Closes a handle of this owner. */

void
OwnerRetire(Owner *ownerPtr, TestHandle *testPtr)
{
    TestHandle **linkPtr = &ownerPtr->firstPtr;

    while (*linkPtr != testPtr) {
        linkPtr = &(*linkPtr)->nextPtr;
    }
    *linkPtr = testPtr->nextPtr;
    ownerPtr->handles--;
    OwnerClose(testPtr);
}

/* ------------------------------------------------------------ operations */

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

/* Submits an operation. The caller completes it. */

void
OwnerStart(Owner *ownerPtr, TestHandle *testPtr, TestOp *testOpPtr)
{
    CpOp *opPtr = &testOpPtr->op;

    InterlockedExchangeAdd64(&testSubmitted, 1);
    testOpPtr->outstanding = 1;
    testOpPtr->value = TestRandom(&ownerPtr->random, 1000000);
    memset(WIN_OP(opPtr), 0, sizeof(WinOp));
    opPtr->proc = Done;
    opPtr->handlePtr = &testPtr->handle;
    testPtr->handle.pending++;
    CpStatAdd(CP_STAT_OPERATIONS, 1);
    CHECK(CpWinBindPort(&testPtr->handle) == CP_OK);
    CpWinExpect(opPtr);
}

unsigned
OwnerOutstanding(const Owner *ownerPtr)
{
    const TestHandle *testPtr;
    unsigned count = 0;

    for (testPtr = ownerPtr->firstPtr; testPtr != NULL;
         testPtr = testPtr->nextPtr) {
        count += testPtr->handle.pending;
    }
    return count;
}

/* A reap counts only operations of this owner. A wait with operations
 * outstanding may end early, but not by its time limit. */

unsigned
OwnerReap(Owner *ownerPtr, int timeoutMs)
{
    uint64_t before = ownerPtr->completed;
    uint64_t beginMs = CpNowMs();
    unsigned completed = CpPortReap(ownerPtr->portPtr, timeoutMs);

    CHECK(completed == ownerPtr->completed - before);
    CHECK(completed > 0 || timeoutMs < SLEEP_LIMIT_S * 1000
        || CpNowMs() - beginMs < SLEEP_LIMIT_S * 1000);
    return completed;
}

/* ---------------------------------------------------------- the notifier */

void
OwnerWake(void *clientData)
{
    Owner *ownerPtr = clientData;

    pthread_mutex_lock(&ownerPtr->mutex);
    ownerPtr->alerted = 1;
    ownerPtr->alerts++;
    pthread_cond_signal(&ownerPtr->cond);
    pthread_mutex_unlock(&ownerPtr->mutex);
}

/* Waits in the notifier, where only the port can wake a thread. */

void
OwnerWaitInNotifier(Owner *ownerPtr)
{
    struct timespec until;

    InterlockedExchangeAdd64(&testSleeps, 1);
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

/* Sleeps as a thread in its event loop does. */

void
OwnerSleep(Owner *ownerPtr)
{
    if (OwnerOutstanding(ownerPtr) > 0 && CpPortSleep(ownerPtr->portPtr, -1)) {
        OwnerWaitInNotifier(ownerPtr);
    }
}

/* Waits until all its operations have completed. */

void
OwnerSettle(Owner *ownerPtr)
{
    while (OwnerOutstanding(ownerPtr) > 0) {
        OwnerSleep(ownerPtr);
        (void) OwnerReap(ownerPtr, 0);
    }
}

int
OwnerIsAsleep(Owner *ownerPtr)
{
    int asleep;

    pthread_mutex_lock(&ownerPtr->mutex);
    asleep = ownerPtr->asleep;
    pthread_mutex_unlock(&ownerPtr->mutex);
    return asleep;
}

unsigned
OwnerAlerts(Owner *ownerPtr)
{
    unsigned alerts;

    pthread_mutex_lock(&ownerPtr->mutex);
    alerts = ownerPtr->alerts;
    pthread_mutex_unlock(&ownerPtr->mutex);
    return alerts;
}

void
OwnerResetAlerts(Owner *ownerPtr)
{
    pthread_mutex_lock(&ownerPtr->mutex);
    ownerPtr->alerts = 0;
    pthread_mutex_unlock(&ownerPtr->mutex);
}
