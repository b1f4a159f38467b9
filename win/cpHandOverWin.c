/*
 * cpHandOverWin.c --
 *
 *      The hand-over between threads. One rule:
 *
 *          Whoever finds a completion puts it into the inbox of the thread that
 *          owns its handle, and alerts that thread, once, until it has looked.
 *
 *      Somebody has to be there to find it. A port's owner does so itself
 *      while it is busy: each look at its port renews a lease. An owner that
 *      is about to wait for something else (CpPortSleep) gives the lease up, and
 *      one that has not looked for LEASE_MS has lost it: it may compute, or wait
 *      in a message loop that nobody told us about. Then the port's helper
 *      thread waits on the completion port in its place. When it has filled the
 *      owner's inbox it leaves the port, and the owner has a lease again.
 *
 *      The helper stays where the owner cannot be relied on: as long as handles
 *      that are bound to the port belong to other threads. It is never on the
 *      port together with an owner that waits there, who does all this as well:
 *      so nothing depends on which of two waiting threads the system wakes, and
 *      a packet that is posted for the owner reaches it.
 *
 *      cpPortLock guards inboxes, alerts, who waits where and who owns a handle.
 *      An owner takes it once per look.
 */

#include "cpPortWin.h"

#include "cpMem.h"

#include <assert.h>

#define LEASE_MS 10

SRWLOCK cpPortLock = SRWLOCK_INIT;

/* ------------------------------------------------------- hand-over */

static void
AlertLocked(CpPort *lockedPortPtr)
{
    if (!lockedPortPtr->alerted && lockedPortPtr->wakeProc != NULL) {
        lockedPortPtr->alerted = 1;
        lockedPortPtr->wakeProc(lockedPortPtr->clientData);
    }
}

static void
PushLocked(CpPort *lockedPortPtr, CpOp *opPtr)
{
    CpOpAppend(&lockedPortPtr->inbox, opPtr);
    lockedPortPtr->armed = 0;
    switch (lockedPortPtr->ownerWait) {
    case OWNER_WAITS_NOT:
        AlertLocked(lockedPortPtr);
        break;
    case OWNER_IN_PORT:
        if (!lockedPortPtr->alerted) {
            lockedPortPtr->alerted = 1;
            PostQueuedCompletionStatus(lockedPortPtr->iocp, 0, 0, NULL);
        }
        break;
    case OWNER_IN_COND:
        WakeConditionVariable(&lockedPortPtr->ownerCond);
        break;
    }
}

/* Hands a completion to whoever owns its handle now. */

static void
HandOverLocked(CpOp *opPtr)
{
    CpHandle *handlePtr = opPtr->handlePtr;

    if (handlePtr->ownerPtr != NULL) {
        PushLocked(handlePtr->ownerPtr, opPtr);
        return;
    }
    CpOpAppend(&handlePtr->parked, opPtr);
}

void
CpWinHandOver(CpOp *opPtr)
{
    AcquireSRWLockExclusive(&cpPortLock);
    HandOverLocked(opPtr);
    ReleaseSRWLockExclusive(&cpPortLock);
}

OpList
CpLookLocked(CpPort *lockedPortPtr)
{
    lockedPortPtr->looks++;
    lockedPortPtr->alerted = 0;
    lockedPortPtr->helperBrought = 0;
    return CpOpTakeAll(&lockedPortPtr->inbox);
}

/* ------------------------------------------------------- the helper */

int
CpHelperWantedLocked(const CpPort *lockedPortPtr)
{
    return lockedPortPtr->ownerWait != OWNER_IN_PORT
        && (lockedPortPtr->armed || lockedPortPtr->foreign > 0
            || lockedPortPtr->ownerWait == OWNER_IN_COND);
}

void
CpHelperWakeLocked(CpPort *lockedPortPtr)
{
    if (!lockedPortPtr->helperInPort) {
        WakeConditionVariable(&lockedPortPtr->helperCond);
    }
}

/*
 * While the helper is not wanted, it sees to it that the owner looks. Beside an
 * owner that waits on the port itself it has nothing to do.
 */

static void
WatchLeaseLocked(CpPort *lockedPortPtr)
{
    unsigned looks = lockedPortPtr->looks;
    BOOL woken;

    lockedPortPtr->helperRests = lockedPortPtr->ownerWait == OWNER_IN_PORT;
    woken = SleepConditionVariableSRW(&lockedPortPtr->helperCond, &cpPortLock,
        lockedPortPtr->helperRests ? INFINITE : LEASE_MS, 0);
    lockedPortPtr->helperRests = 0;
    if (!woken && looks == lockedPortPtr->looks
        && lockedPortPtr->ownerWait == OWNER_WAITS_NOT) {
        lockedPortPtr->armed = 1;
        AlertLocked(lockedPortPtr);
    }
}

/* Waits on the completion port once, and hands over what it gives. */

static void
ServePort(CpPort *portPtr)
{
    OVERLAPPED_ENTRY entries[REAP_ENTRIES];
    CpOp *ops[REAP_ENTRIES];
    ULONG i, count = 0;

    if (!GetQueuedCompletionStatusEx(portPtr->iocp, entries, REAP_ENTRIES,
            &count, INFINITE, FALSE)) {
        count = 0;
    }
    for (i = 0; i < count; i++) {
        ops[i] = CpWinOpOfEntry(portPtr, &entries[i]);
    }
    AcquireSRWLockExclusive(&cpPortLock);
    portPtr->helperInPort = 0;
    for (i = 0; i < count; i++) {
        if (ops[i] != NULL) {
            HandOverLocked(ops[i]);
        }
    }
    portPtr->helperBrought = portPtr->inbox.firstPtr != NULL;
}

DWORD WINAPI
CpHelperMain(LPVOID param)
{
    CpPort *portPtr = param;

    AcquireSRWLockExclusive(&cpPortLock);
    while (portPtr->refs > 0) {
        if (!CpHelperWantedLocked(portPtr)) {
            WatchLeaseLocked(portPtr);
            continue;
        }
        portPtr->helperInPort = 1;
        ReleaseSRWLockExclusive(&cpPortLock);
        ServePort(portPtr); /* Takes the lock again. */
    }
    ReleaseSRWLockExclusive(&cpPortLock);
    CloseHandle(portPtr->iocp);
    CpPendingFree(&portPtr->pending);
    CpFree(portPtr, sizeof(CpPort));
    return 0;
}

/* ------------------------------------------------- who owns a handle */

static void
SetOwnerLocked(CpHandle *handlePtr, CpPort *portPtr)
{
    InterlockedExchangePointer((PVOID volatile *) &handlePtr->ownerPtr,
        portPtr);
}

static int
IsForeign(const CpHandle *handlePtr)
{
    return handlePtr->ownerPtr != NULL && handlePtr->boundPtr != NULL
        && handlePtr->ownerPtr != handlePtr->boundPtr;
}

/* The last one to leave sends the helper away, which frees the port. */

void
CpWinUnrefPortLocked(CpPort *lockedPortPtr)
{
    assert(lockedPortPtr->refs > 0);
    if (--lockedPortPtr->refs == 0) {
        WakeConditionVariable(&lockedPortPtr->helperCond);
        PostQueuedCompletionStatus(lockedPortPtr->iocp, 0, 0, NULL);
    }
}

void
CpWinUnbindPort(CpHandle *handlePtr)
{
    CpPort *portPtr = handlePtr->boundPtr;

    if (portPtr == NULL) {
        return;
    }
    AcquireSRWLockExclusive(&cpPortLock);
    portPtr->foreign -= IsForeign(handlePtr);
    handlePtr->boundPtr = NULL;
    CpWinUnrefPortLocked(portPtr);
    ReleaseSRWLockExclusive(&cpPortLock);
}

/* Moves a handle's operations from one list to its parked ones. */

static void
ParkOps(OpList *listPtr, CpHandle *handlePtr)
{
    OpList all = CpOpTakeAll(listPtr);
    CpOp *opPtr = all.firstPtr;

    while (opPtr != NULL) {
        CpOp *nextPtr = opPtr->nextPtr;

        if (opPtr->handlePtr == handlePtr) {
            HandOverLocked(opPtr);
        } else {
            CpOpAppend(listPtr, opPtr);
        }
        opPtr = nextPtr;
    }
}

void
CpHandleMove(CpHandle *handlePtr, CpPort *portPtr)
{
    CpPort *boundPtr = handlePtr->boundPtr;
    CpPort *oldPtr = handlePtr->ownerPtr;
    CpOp *opPtr;

    if (oldPtr == portPtr) {
        return;
    }
    AcquireSRWLockExclusive(&cpPortLock);
    if (boundPtr != NULL) {
        boundPtr->foreign -= IsForeign(handlePtr);
    }
    SetOwnerLocked(handlePtr, portPtr);
    if (boundPtr != NULL && IsForeign(handlePtr)) {
        boundPtr->foreign++;
        CpHelperWakeLocked(boundPtr);
    }
    if (portPtr == NULL) {
        assert(oldPtr != NULL);
        ParkOps(&oldPtr->done, handlePtr);
        ParkOps(&oldPtr->inbox, handlePtr);
    } else {
        opPtr = CpOpTakeAll(&handlePtr->parked).firstPtr;
        while (opPtr != NULL) {
            CpOp *nextPtr = opPtr->nextPtr;

            PushLocked(portPtr, opPtr);
            opPtr = nextPtr;
        }
    }
    ReleaseSRWLockExclusive(&cpPortLock);
}
