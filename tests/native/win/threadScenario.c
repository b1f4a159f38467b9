/*
 * threadScenario.c --
 *
 *      Scenarios of threadTest in which one wrong decision leaves a thread
 *      asleep for ever. All owners play each of them together.
 */

#include "threadInt.h"

#include <string.h>

/* The handles that the first owner has started operations on, for the
 * others. */
static TestHandle *firstHandle;
static TestHandle *secondHandle;

/* An operation on each of two handles of this owner. */

static void
StartTwo(Owner *ownerPtr)
{
    firstHandle = ownerPtr->firstPtr;
    secondHandle = firstHandle->nextPtr;
    OwnerStart(ownerPtr, firstHandle, &firstHandle->ops[0]);
    OwnerStart(ownerPtr, secondHandle, &secondHandle->ops[0]);
}

/* An OVERLAPPED of foreign code, whose memory is freed. It must not be read. */
#define STRANGERS ((OVERLAPPED *) (uintptr_t) 16)

/* Waits until the helper of a file's port blocks again after an action. */

#define BESIDE_HELPER(file, action) \
    { \
        unsigned waits = TestHelperWaits(file); \
\
        action; \
        AWAIT(TestHelperWaits(file) > waits); \
    }

/* Waits on its port until all operations have completed. */

static void
ReapAll(Owner *ownerPtr)
{
    while (OwnerOutstanding(ownerPtr) > 0) {
        (void) OwnerReap(ownerPtr, SLEEP_LIMIT_S * 1000);
    }
}

/* An owner sleeps. Its operation completes on the port of another owner, which
 * blocks and does not reap. */

static void
SleepForAnothersPort(Owner *ownerPtr)
{
    if (ownerPtr->index == 0) {
        firstHandle = ownerPtr->firstPtr;
        OwnerStart(ownerPtr, firstHandle, &firstHandle->ops[0]);
        OwnerPassOn(ownerPtr);
    }
    OwnerMeet();
    if (ownerPtr->index == 1) {
        CHECK(OwnerTakeOver(ownerPtr));
        KernelComplete(&firstHandle->ops[0]);
        OwnerSettle(ownerPtr);
        OwnerRetire(ownerPtr, firstHandle);
    }
    OwnerMeet();
}

/* The same, but the port's owner has just dequeued from it, and computes. */

static void
SleepForBusyOwnersPort(Owner *ownerPtr)
{
    static int settled;

    if (ownerPtr->index == 0) {
        settled = 0;
        StartTwo(ownerPtr);
        OwnerPassOn(ownerPtr);
        CpPortRemind(ownerPtr->portPtr);
        AWAIT(TestPortWaiters(secondHandle->handle.sock) == 0);
        KernelComplete(&secondHandle->ops[0]);
        ReapAll(ownerPtr);
    }
    OwnerMeet();
    if (ownerPtr->index == 0) {
        AWAIT(__atomic_load_n(&settled, __ATOMIC_SEQ_CST));
    } else if (ownerPtr->index == 1) {
        CHECK(OwnerTakeOver(ownerPtr));
        KernelComplete(&firstHandle->ops[0]);
        OwnerSettle(ownerPtr);
        OwnerRetire(ownerPtr, firstHandle);
        __atomic_store_n(&settled, 1, __ATOMIC_SEQ_CST);
    }
    OwnerMeet();
}

/* While an owner sleeps, its port gets a completion for a handle without an
 * owner, then one for the sleeping owner. */

static void
SleepBehindDetached(Owner *ownerPtr)
{
    if (ownerPtr->index == 0) {
        StartTwo(ownerPtr);
        OwnerPassOn(ownerPtr);
    }
    OwnerMeet();
    if (ownerPtr->index == 0) {
        OwnerSettle(ownerPtr);
    } else if (ownerPtr->index == 1) {
        AWAIT(OwnerIsAsleep(&testOwners[0]));
        BESIDE_HELPER(firstHandle->handle.sock,
            KernelComplete(&firstHandle->ops[0]));
        KernelComplete(&secondHandle->ops[0]);
    }
    OwnerMeet();
    if (ownerPtr->index == 1) {
        CHECK(OwnerTakeOver(ownerPtr));
        OwnerSettle(ownerPtr);
        OwnerRetire(ownerPtr, firstHandle);
    }
    OwnerMeet();
}

/* The same with packets that are no completions: a late one that was posted to
 * wake a thread, and one of foreign code. */

static void
SleepBehindStrayPackets(Owner *ownerPtr)
{
    if (ownerPtr->index == 0) {
        firstHandle = ownerPtr->firstPtr;
        OwnerStart(ownerPtr, firstHandle, &firstHandle->ops[0]);
    }
    OwnerMeet();
    if (ownerPtr->index == 0) {
        OwnerSettle(ownerPtr);
    } else if (ownerPtr->index == 1) {
        HANDLE file = firstHandle->handle.sock;

        AWAIT(OwnerIsAsleep(&testOwners[0]));
        BESIDE_HELPER(file, TestPostStale(file, NULL));
        BESIDE_HELPER(file, TestPostStale(file, STRANGERS));
        KernelComplete(&firstHandle->ops[0]);
    }
    OwnerMeet();
}

/* While an owner waits on its port, another one takes over a handle that is
 * bound to it. The helper must not wait there as well. */

static void
WaitOnPortBesideAttach(Owner *ownerPtr)
{
    if (ownerPtr->index == 0) {
        StartTwo(ownerPtr);
        OwnerPassOn(ownerPtr);
    }
    OwnerMeet();
    if (ownerPtr->index == 0) {
        ReapAll(ownerPtr);
    } else if (ownerPtr->index == 1) {
        HANDLE file = firstHandle->handle.sock;
        unsigned pauses;

        AWAIT(TestPortWaiters(file) > 0);
        CHECK(OwnerTakeOver(ownerPtr));

        /* This leaves the helper the time to come to the port. */
        for (pauses = 0; pauses < 50 && TestPortWaiters(file) < 2; pauses++) {
            TestPause();
        }
        CHECK(TestPortWaiters(file) < 2);
        KernelComplete(&secondHandle->ops[0]);
    }
    OwnerMeet();
    if (ownerPtr->index == 1) {
        KernelComplete(&firstHandle->ops[0]);
        OwnerSettle(ownerPtr);
        OwnerRetire(ownerPtr, firstHandle);
    }
    OwnerMeet();
}

/* An owner waits while its helper is still on the port, and a packet comes that
 * is no completion. */

static void
WaitBesideHelper(Owner *ownerPtr)
{
    if (ownerPtr->index == 0) {
        StartTwo(ownerPtr);
        CHECK(CpPortSleep(ownerPtr->portPtr, -1) == 1);
    }
    OwnerMeet();
    if (ownerPtr->index == 1) {
        AWAIT(TestPortWaiters(firstHandle->handle.sock) > 0);
        KernelHandOver(&firstHandle->ops[0]);
    }
    OwnerMeet();
    if (ownerPtr->index == 0) {
        CHECK(OwnerReap(ownerPtr, 0) == 1);
        ReapAll(ownerPtr);
    } else if (ownerPtr->index == 1) {
        HANDLE file = firstHandle->handle.sock;

        BESIDE_HELPER(file, TestPostStale(file, NULL));
        KernelComplete(&secondHandle->ops[0]);
    }
    OwnerMeet();
}

/* An owner waits on its port, and gets a completion that does not come through
 * it. */

static void
WaitOnPortForHandOver(Owner *ownerPtr)
{
    if (ownerPtr->index == 0) {
        firstHandle = ownerPtr->firstPtr;
        OwnerStart(ownerPtr, firstHandle, &firstHandle->ops[0]);

        /* The helper may still be on the port: a packet makes it leave. */
        TestPostStale(firstHandle->handle.sock, NULL);
        AWAIT(TestPortWaiters(firstHandle->handle.sock) == 0);
    }
    OwnerMeet();
    if (ownerPtr->index == 0) {
        ReapAll(ownerPtr);
    } else if (ownerPtr->index == 1) {
        AWAIT(TestPortWaiters(firstHandle->handle.sock) > 0);
        KernelHandOver(&firstHandle->ops[0]);
    }
    OwnerMeet();
}

/* A message loop other than that of Tcl: the owner reaps nothing, and waits
 * without a call of CpPortSleep after that. It may have called it before. */

static void
WaitUnannounced(Owner *ownerPtr, int rests)
{
    if (ownerPtr->index == 0) {
        firstHandle = ownerPtr->firstPtr;
        OwnerStart(ownerPtr, firstHandle, &firstHandle->ops[0]);
        if (!rests) {
            CpPortRemind(ownerPtr->portPtr);
        }
        CHECK(OwnerReap(ownerPtr, 0) == 0);
    }
    OwnerMeet();
    if (ownerPtr->index == 0) {
        while (OwnerOutstanding(ownerPtr) > 0) {
            OwnerWaitInNotifier(ownerPtr);
            (void) OwnerReap(ownerPtr, 0);
        }
    } else if (ownerPtr->index == 1) {
        AWAIT(OwnerIsAsleep(&testOwners[0]));
        KernelComplete(&firstHandle->ops[0]);
    }
    OwnerMeet();
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

/* An owner polls its port, which has a packet of foreign code. */

static void
PollStrayPacket(Owner *ownerPtr)
{
    if (ownerPtr->index == 0) {
        firstHandle = ownerPtr->firstPtr;
        OwnerStart(ownerPtr, firstHandle, &firstHandle->ops[0]);
        TestPostStale(firstHandle->handle.sock, STRANGERS);
        KernelComplete(&firstHandle->ops[0]);
        ReapAll(ownerPtr);
    }
    OwnerMeet();
}

/* An owner that was alerted and has not reaped yet is not alerted again. */

static void
AlertOnce(Owner *ownerPtr)
{
    if (ownerPtr->index == 0) {
        StartTwo(ownerPtr);
        CHECK(CpPortSleep(ownerPtr->portPtr, -1) == 1);
        OwnerResetAlerts(ownerPtr);
    }
    OwnerMeet();
    if (ownerPtr->index == 1) {
        KernelHandOver(&firstHandle->ops[0]);
        KernelHandOver(&secondHandle->ops[0]);
        CHECK(OwnerAlerts(&testOwners[0]) == 1);
    }
    OwnerMeet();
    if (ownerPtr->index == 0) {
        CHECK(OwnerReap(ownerPtr, 0) == 2);
    }
    OwnerMeet();
}

/* The first operation binds a handle. One that has moved before it is served
 * by its new owner's port alone; when it moves on, its completions are handed
 * over. */

static void
ServeMoved(Owner *ownerPtr, unsigned handOvers)
{
    int64_t before = CpStatGet(CP_STAT_HAND_OVERS);
    unsigned i;

    CHECK(OwnerTakeOver(ownerPtr));
    for (i = 0; i < 3; i++) {
        OwnerStart(ownerPtr, firstHandle, &firstHandle->ops[0]);
        KernelComplete(&firstHandle->ops[0]);
        OwnerSettle(ownerPtr);
    }
    CHECK(CpStatGet(CP_STAT_HAND_OVERS) - before == 3 * handOvers);
}

static void
MoveBeforeFirstOperation(Owner *ownerPtr)
{
    if (ownerPtr->index == 0) {
        OwnerOpen(ownerPtr);
        while (ownerPtr->firstPtr->handle.boundPtr != NULL) {
            OwnerAdd(ownerPtr, OwnerTakeFirst(ownerPtr));
        }
        firstHandle = ownerPtr->firstPtr;
        OwnerPassOn(ownerPtr);
    }
    OwnerMeet();
    if (ownerPtr->index == 1) {
        ServeMoved(ownerPtr, 0);
        while (ownerPtr->firstPtr != firstHandle) {
            OwnerAdd(ownerPtr, OwnerTakeFirst(ownerPtr));
        }
        OwnerPassOn(ownerPtr);
    }
    OwnerMeet();
    if (ownerPtr->index == 2) {
        ServeMoved(ownerPtr, 1);
        OwnerRetire(ownerPtr, firstHandle);
    }
    OwnerMeet();
}

static void (*const scenarios[])(Owner *ownerPtr) = {SleepForAnothersPort,
    SleepForBusyOwnersPort, SleepBehindDetached, SleepBehindStrayPackets,
    WaitOnPortBesideAttach, WaitBesideHelper, WaitOnPortForHandOver,
    WaitInForeignLoop, WaitInForeignLoopAfterSleep, PollStrayPacket, AlertOnce,
    MoveBeforeFirstOperation};

void
ScenariosPlay(Owner *ownerPtr, int only)
{
    size_t i;

    for (i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        if (only < 0 || only == (int) i) {
            scenarios[i](ownerPtr);
        }
    }
}
