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
 *      with operations outstanding. The system's threads complete them in any
 *      order. Every operation must complete once, in the thread that owns its
 *      handle then. No thread may sleep for ever, and nothing may be left.
 *
 *      threadSystem.c has the completing threads, and as much of the rest of
 *      win/ as the port needs; threadOwner.c has the owners, threadScenario.c
 *      the scenarios.
 */

#include "threadInt.h"

#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_OPERATIONS 60000

static pthread_barrier_t firstGone;
static pthread_barrier_t allTaken;
static int onlyScenario = -1;
static LONG64 limit;

static void
Submit(Owner *ownerPtr, TestHandle *testPtr)
{
    TestOp *testOpPtr = &testPtr->ops[TestRandom(&ownerPtr->random, OPS)];

    if (testOpPtr->outstanding) {
        return;
    }
    OwnerStart(ownerPtr, testPtr, testOpPtr);
    if (TestRandom(&ownerPtr->random, 4) == 0) {
        CpWinExpectNot(&testOpPtr->op);
        testOpPtr->op.bytes = testOpPtr->value;
        CpWinFinishNow(&testOpPtr->op, CP_OK);
    } else {
        KernelGive(&testOpPtr->op);
    }
}

static void
Step(Owner *ownerPtr)
{
    unsigned choice = TestRandom(&ownerPtr->random, 100);

    if (choice < 60) {
        TestHandle *testPtr = OwnerTakeFirst(ownerPtr);

        Submit(ownerPtr, testPtr);
        OwnerAdd(ownerPtr, testPtr);
    } else if (choice < 70) {
        (void) OwnerReap(ownerPtr, 0);
    } else if (choice < 75) {
        uint64_t before = ownerPtr->completed;

        CHECK(CpPortReapFinished(ownerPtr->portPtr)
            == ownerPtr->completed - before);
    } else if (choice < 78) {
        (void) OwnerReap(ownerPtr, (int) TestRandom(&ownerPtr->random, 3));
    } else if (choice < 79 && OwnerOutstanding(ownerPtr) > 0) {
        (void) OwnerReap(ownerPtr, SLEEP_LIMIT_S * 1000);
    } else if (choice < 84) {
        OwnerSleep(ownerPtr);
        (void) OwnerReap(ownerPtr, 0);
    } else if (choice < 90 && ownerPtr->handles > HANDLES / 2) {
        OwnerPassOn(ownerPtr);
    } else if (choice < 96) {
        (void) OwnerTakeOver(ownerPtr);
    } else if (choice < 98) {
        TestHandle *testPtr = OwnerTakeFirst(ownerPtr);

        if (testPtr->handle.pending == 0) {
            OwnerClose(testPtr);
            OwnerOpen(ownerPtr);
        } else {
            OwnerAdd(ownerPtr, testPtr);
        }
    }
}

/* The first owner ends before the others, and its port with it. Others have
 * taken over the handles that are bound to this port. Their operations complete
 * later, and only the helper of the port can reap them. */

static void
GoFirst(Owner *ownerPtr)
{
    KernelHold(1);
    while (ownerPtr->firstPtr != NULL) {
        Submit(ownerPtr, ownerPtr->firstPtr);
        OwnerPassOn(ownerPtr);
    }
    CpPortRelease(ownerPtr->portPtr);
    (void) pthread_barrier_wait(&firstGone);
}

static void
GoLast(Owner *ownerPtr)
{
    (void) pthread_barrier_wait(&firstGone);
    while (OwnerTakeOver(ownerPtr)) {
    }
    (void) pthread_barrier_wait(&allTaken);
    KernelHold(0);
    OwnerSettle(ownerPtr);
    while (ownerPtr->firstPtr != NULL) {
        OwnerClose(OwnerTakeFirst(ownerPtr));
    }
    CpPortRelease(ownerPtr->portPtr);
}

static void *
OwnerMain(void *clientData)
{
    Owner *ownerPtr = clientData;
    CpError error;
    unsigned i;

    ownerPtr->portPtr = CpPortNew(OwnerWake, ownerPtr, &error);
    CHECK(error == CP_OK);
    for (i = 0; i < HANDLES; i++) {
        OwnerOpen(ownerPtr);
    }
    ScenariosPlay(ownerPtr, onlyScenario);
    while (InterlockedExchangeAdd64(&testSubmitted, 0) < limit) {
        Step(ownerPtr);
    }

    OwnerMeet();
    if (ownerPtr->index == 0) {
        GoFirst(ownerPtr);
    } else {
        GoLast(ownerPtr);
    }
    return NULL;
}

/* Plays everything once, on ports of Windows' kind, or of Wine's. */

static void
Run(int race)
{
    pthread_t ownerThreads[OWNERS];
    uint64_t completed = 0;
    unsigned i;

    TestPortsRace(race);
    OwnersBegin();
    KernelStart();
    pthread_barrier_init(&firstGone, NULL, OWNERS);
    pthread_barrier_init(&allTaken, NULL, OWNERS - 1);
    for (i = 0; i < OWNERS; i++) {
        pthread_create(&ownerThreads[i], NULL, OwnerMain, &testOwners[i]);
    }
    for (i = 0; i < OWNERS; i++) {
        pthread_join(ownerThreads[i], NULL);
        completed += testOwners[i].completed;
    }
    KernelStop();
    AWAIT(TestThreads() == 0);
    CHECK(completed == (uint64_t) testSubmitted);
    CHECK(CpStatGet(CP_STAT_OPERATIONS) == 0);
    CHECK(CpStatGet(CP_STAT_MEMORY_BYTES) == 0);
    CHECK(TestObjects() == 0);
    printf("seed %llu, %s: %llu operations, %lld moves, %lld sleeps\n",
        (unsigned long long) testSeed, race ? "as Wine" : "as Windows",
        (unsigned long long) completed, (long long) testMoves,
        (long long) testSleeps);
}

int
main(int argc, char **argv)
{
    testSeed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    limit = argc > 2 ? strtoll(argv[2], NULL, 10) : DEFAULT_OPERATIONS;
    onlyScenario = argc > 3 ? atoi(argv[3]) : -1;
    Run(0);
    Run(1);
    return 0;
}
