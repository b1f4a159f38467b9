/*
 * cpHandOverWin.c --
 *
 *      The hand-over between threads. One rule:
 *
 *          Whoever finds a completion puts it into the inbox of the thread that
 *          owns its handle, and alerts that thread, once, until it has looked.
 *
 *      Somebody has to be there to find it. A port's owner does so itself
 *      while it is busy. An owner that rests (CpPortSleep) is stood in for by
 *      the port's helper thread, which waits on the completion port until it
 *      has filled the owner's inbox.
 *
 *      An owner that says nothing may compute for long, or wait in a message
 *      loop of which nobody knows. So the helper, where it has nothing else to
 *      do, watches that the owner looks: each look gives it LEASE_MS more. One
 *      that has lost its lease is alerted, and counts as resting.
 *
 *      The helper stays on the port as long as handles that are bound to it
 *      belong to other threads, since its owner need not care for these. An
 *      owner that waits on the port itself does all of this, and the helper is
 *      never there with it: so nothing depends on which of two waiting threads
 *      the system wakes, and a packet that is posted for one reaches it.
 *
 *      cpPortLock guards inboxes, alerts, who waits where and who owns what. An
 *      owner takes it once per look.
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
    CpListAppend(&lockedPortPtr->inbox, WIN_NODE(opPtr));
    lockedPortPtr->rests = 0;
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
    CpListAppend(&handlePtr->parked, WIN_NODE(opPtr));
}

void
CpWinHandOver(CpOp *opPtr)
{
    AcquireSRWLockExclusive(&cpPortLock);
    HandOverLocked(opPtr);
    ReleaseSRWLockExclusive(&cpPortLock);
}

void
CpOwnerLooksLocked(CpPort *lockedPortPtr)
{
    lockedPortPtr->looks++;
    lockedPortPtr->alerted = 0;
    lockedPortPtr->helperBrought = 0;
}

/* ------------------------------------------------------- the helper */

/* Whether the helper has to be on the completion port. */

static int
HelperIsWanted(const CpPort *lockedPortPtr)
{
    return lockedPortPtr->ownerWait != OWNER_IN_PORT
        && (lockedPortPtr->rests || lockedPortPtr->foreign > 0
            || lockedPortPtr->ownerWait == OWNER_IN_COND);
}

/* When it has to see to the owner. */

static uint64_t
HelperEndMs(const CpPort *lockedPortPtr)
{
    if (lockedPortPtr->ownerWait != OWNER_WAITS_NOT) {
        return CP_NEVER;
    }
    return lockedPortPtr->rests ? lockedPortPtr->wakeMs : CpNowMs() + LEASE_MS;
}

/* Interrupts the helper's wait: what is wanted of it has changed. */

static void
InterruptHelper(CpPort *lockedPortPtr)
{
    if (lockedPortPtr->helperInPort) {
        PostQueuedCompletionStatus(lockedPortPtr->iocp, 0, 0, NULL);
    } else {
        WakeConditionVariable(&lockedPortPtr->helperCond);
    }
}

void
CpOwnerRestsLocked(CpPort *lockedPortPtr, uint64_t wakeMs)
{
    lockedPortPtr->rests = 1;
    lockedPortPtr->wakeMs = wakeMs;
    if (!lockedPortPtr->helperInPort || lockedPortPtr->helperEndMs > wakeMs) {
        InterruptHelper(lockedPortPtr);
    }
}

void
CpOwnerIsBusyLocked(CpPort *lockedPortPtr)
{
    if (lockedPortPtr->rests) {
        lockedPortPtr->rests = 0;
        InterruptHelper(lockedPortPtr);
    }
    lockedPortPtr->looks++;
}

void
CpOwnerLeftPortLocked(CpPort *lockedPortPtr)
{
    lockedPortPtr->ownerWait = OWNER_WAITS_NOT;
    if (lockedPortPtr->helperEndMs == CP_NEVER
        || HelperIsWanted(lockedPortPtr)) {
        InterruptHelper(lockedPortPtr);
    }
}

static DWORD
MsUntil(uint64_t endMs)
{
    uint64_t nowMs = CpNowMs();

    if (endMs == CP_NEVER) {
        return INFINITE;
    }
    return endMs <= nowMs              ? 0
        : endMs - nowMs < INFINITE - 1 ? (DWORD) (endMs - nowMs)
                                       : INFINITE - 1;
}

/* Waits once, on the port or off it, and hands over what comes. The lock is
 * given up meanwhile. */

static void
HelperWait(CpPort *lockedPortPtr)
{
    OVERLAPPED_ENTRY entries[REAP_ENTRIES];
    CpOp *ops[REAP_ENTRIES];
    DWORD timeoutMs = MsUntil(lockedPortPtr->helperEndMs);
    ULONG i, count = 0;

    if (!HelperIsWanted(lockedPortPtr)) {
        SleepConditionVariableSRW(&lockedPortPtr->helperCond, &cpPortLock,
            timeoutMs, 0);
        return;
    }
    lockedPortPtr->helperInPort = 1;
    ReleaseSRWLockExclusive(&cpPortLock);
    if (!GetQueuedCompletionStatusEx(lockedPortPtr->iocp, entries, REAP_ENTRIES,
            &count, timeoutMs, FALSE)) {
        count = 0;
    }
    for (i = 0; i < count; i++) {
        ops[i] = CpWinOpOfEntry(lockedPortPtr, &entries[i]);
    }
    AcquireSRWLockExclusive(&cpPortLock);
    lockedPortPtr->helperInPort = 0;
    for (i = 0; i < count; i++) {
        if (ops[i] != NULL) {
            HandOverLocked(ops[i]);
        }
    }
    lockedPortPtr->helperBrought = !CpListIsEmpty(&lockedPortPtr->inbox);
}

/* Alerts an owner whose time to be woken, or lease, is over. */

static void
SeeToOwner(CpPort *lockedPortPtr, unsigned looksBefore)
{
    uint64_t endMs = lockedPortPtr->rests ? lockedPortPtr->wakeMs
                                          : lockedPortPtr->helperEndMs;

    if (lockedPortPtr->ownerWait == OWNER_WAITS_NOT && CpNowMs() >= endMs
        && (lockedPortPtr->rests || lockedPortPtr->looks == looksBefore)) {
        lockedPortPtr->rests = 1;
        lockedPortPtr->wakeMs = CP_NEVER;
        AlertLocked(lockedPortPtr);
    }
}

/* The helper's thread; ends, and frees the port, when nobody refers to it. */

DWORD WINAPI
CpHelperMain(LPVOID clientData)
{
    CpPort *portPtr = clientData;

    AcquireSRWLockExclusive(&cpPortLock);
    while (portPtr->refs > 0) {
        unsigned looks = portPtr->looks;

        portPtr->helperEndMs = HelperEndMs(portPtr);
        HelperWait(portPtr);
        SeeToOwner(portPtr, looks);
    }
    ReleaseSRWLockExclusive(&cpPortLock);
    CloseHandle(portPtr->iocp);
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

static unsigned
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
ParkOps(CpList *listPtr, CpHandle *handlePtr)
{
    CpListNode *nodePtr = CpListFirst(listPtr);

    while (nodePtr != NULL) {
        CpListNode *nextPtr = CpListNext(listPtr, nodePtr);

        if (WIN_OP_OF(nodePtr)->handlePtr == handlePtr) {
            CpListRemove(nodePtr);
            CpListAppend(&handlePtr->parked, nodePtr);
        }
        nodePtr = nextPtr;
    }
}

void
CpHandleMove(CpHandle *handlePtr, CpPort *portPtr)
{
    CpPort *boundPtr = handlePtr->boundPtr;
    CpPort *oldPtr = handlePtr->ownerPtr;
    CpListNode *nodePtr;

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
        if (!boundPtr->helperInPort) {
            InterruptHelper(boundPtr);
        }
    }
    if (portPtr == NULL) {
        assert(oldPtr != NULL);
        ParkOps(&oldPtr->done, handlePtr);
        ParkOps(&oldPtr->inbox, handlePtr);
    } else {
        while ((nodePtr = CpListFirst(&handlePtr->parked)) != NULL) {
            CpListRemove(nodePtr);
            PushLocked(portPtr, WIN_OP_OF(nodePtr));
        }
    }
    ReleaseSRWLockExclusive(&cpPortLock);
}
