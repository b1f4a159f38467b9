/*
 * cpHandOverWin.c --
 *
 *      The hand-over between threads. One rule:
 *
 *          Whoever finds a completion puts it into the inbox of the thread that
 *          owns its handle, and alerts that thread, once, until it has looked.
 *
 *      A busy owner finds completions itself. For an owner that rests
 *      (CpPortSleep), the port's helper thread waits on the completion port
 *      until it has filled the owner's inbox.
 *
 *      An owner that does neither may compute for long, or wait in a message
 *      loop that the driver does not know. So the helper, if it has nothing
 *      else to do, watches that the owner looks. Each look extends the owner's
 *      lease by LEASE_MS. When the lease is over, the helper alerts the owner,
 *      and treats it as resting.
 *
 *      The helper stays on the port as long as handles that are bound to it
 *      belong to other threads, since the owner need not serve these. An owner
 *      that waits on the port itself does all of this, and the helper is never
 *      there with it. So nothing depends on which of two waiting threads the
 *      system wakes, and a packet that is posted for one thread reaches it.
 *
 *      Two kinds of locks. Each port has one, which guards its inbox, its
 *      alerts and who waits where: its owner takes it once per look, and it is
 *      held while the owner is alerted. ownerLock is the process's. A handle
 *      changes its owner, and is parked, with both held: ownerLock
 *      exclusively, and the lock of the port that loses or gets the handle. So
 *      one of the two locks is enough to rely on an owner. The helper has its
 *      own port's lock, and a thread that hands over to another port has
 *      ownerLock shared: it also keeps that port's memory. ownerLock is taken
 *      first, and no thread holds the locks of two ports.
 */

#include "cpPortWin.h"

#include "cpMem.h"

#include <assert.h>

#define LEASE_MS 10

static SRWLOCK ownerLock = SRWLOCK_INIT;

/* ------------------------------------------------------- hand-over */

void
CpOwnerAlertLocked(CpPort *lockedPortPtr)
{
    if (!lockedPortPtr->alerted && lockedPortPtr->wakeProc != NULL) {
        lockedPortPtr->alerted = 1;
        CpStatAdd(CP_STAT_WAKE_UPS, 1);
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
        CpOwnerAlertLocked(lockedPortPtr);
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

CpPort *
CpOwnerOf(CpHandle *handlePtr)
{
    return (CpPort *) InterlockedCompareExchangePointer(
        (PVOID volatile *) &handlePtr->ownerPtr, NULL, NULL);
}

/* Puts a completion into its owner's inbox; returns 0 between owners. The
 * caller holds ownerLock. */

static int
PushToOwner(CpOp *opPtr)
{
    CpPort *ownerPtr = CpOwnerOf(opPtr->handlePtr);

    if (ownerPtr == NULL) {
        return 0;
    }
    AcquireSRWLockExclusive(&ownerPtr->lock);
    PushLocked(ownerPtr, opPtr);
    ReleaseSRWLockExclusive(&ownerPtr->lock);
    return 1;
}

void
CpWinHandOver(CpOp *opPtr)
{
    int pushed;

    AcquireSRWLockShared(&ownerLock);
    pushed = PushToOwner(opPtr);
    ReleaseSRWLockShared(&ownerLock);
    if (pushed) {
        return;
    }

    /* Only now and then: the next owner may have come meanwhile. */
    AcquireSRWLockExclusive(&ownerLock);
    if (!PushToOwner(opPtr)) {
        CpListAppend(&opPtr->handlePtr->parked, WIN_NODE(opPtr));
    }
    ReleaseSRWLockExclusive(&ownerLock);
}

void
CpPortPassOn(CpOp *opPtr)
{
    CpStatAdd(CP_STAT_HAND_OVERS, 1);
    CpWinHandOver(opPtr);
}

void
CpOwnerLooksLocked(CpPort *lockedPortPtr)
{
    lockedPortPtr->looks++;
    lockedPortPtr->alerted = 0;
    lockedPortPtr->helperBrought = 0;
}

/* ------------------------------------------------------- the helper */

/* Whether the helper must be on the completion port. */

static int
HelperIsWanted(const CpPort *lockedPortPtr)
{
    return lockedPortPtr->ownerWait != OWNER_IN_PORT
        && (lockedPortPtr->rests || lockedPortPtr->foreign > 0
            || lockedPortPtr->ownerWait == OWNER_IN_COND);
}

/* When it has to check the owner. */

static uint64_t
HelperEndMs(const CpPort *lockedPortPtr)
{
    if (lockedPortPtr->ownerWait != OWNER_WAITS_NOT) {
        return CP_NEVER;
    }
    return lockedPortPtr->rests ? lockedPortPtr->wakeMs : CpNowMs() + LEASE_MS;
}

/* Interrupts the helper's wait, because its task has changed. */

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

/*
 * Hands one completion over, with the port's lock held. Most completions are
 * for the port's own thread. For another thread the lock is released meanwhile.
 * helperInPort is still set, so the owner does not dequeue later completions
 * and hand them over first.
 */

static void
HelperHandOver(CpPort *lockedPortPtr, CpOp *opPtr)
{
    if (CpOwnerOf(opPtr->handlePtr) == lockedPortPtr) {
        PushLocked(lockedPortPtr, opPtr);
        return;
    }
    ReleaseSRWLockExclusive(&lockedPortPtr->lock);
    CpPortPassOn(opPtr);
    AcquireSRWLockExclusive(&lockedPortPtr->lock);
}

/* Waits once, on the port or off it, and hands over completions. The lock is
 * released meanwhile. */

static void
HelperWait(CpPort *lockedPortPtr)
{
    OVERLAPPED_ENTRY entries[REAP_ENTRIES];
    CpOp *ops[REAP_ENTRIES];
    DWORD timeoutMs = MsUntil(lockedPortPtr->helperEndMs);
    ULONG i, count = 0;

    if (!HelperIsWanted(lockedPortPtr)) {
        SleepConditionVariableSRW(&lockedPortPtr->helperCond,
            &lockedPortPtr->lock, timeoutMs, 0);
        return;
    }
    lockedPortPtr->helperInPort = 1;
    ReleaseSRWLockExclusive(&lockedPortPtr->lock);
    if (!GetQueuedCompletionStatusEx(lockedPortPtr->iocp, entries, REAP_ENTRIES,
            &count, timeoutMs, FALSE)) {
        count = 0;
    }
    for (i = 0; i < count; i++) {
        ops[i] = CpWinOpOfEntry(lockedPortPtr, &entries[i]);
    }
    AcquireSRWLockExclusive(&lockedPortPtr->lock);
    for (i = 0; i < count; i++) {
        if (ops[i] != NULL) {
            HelperHandOver(lockedPortPtr, ops[i]);
        }
    }
    lockedPortPtr->helperInPort = 0;
    lockedPortPtr->helperBrought = !CpListIsEmpty(&lockedPortPtr->inbox);
}

/* Alerts an owner if it is to be woken by now, or if its lease is over. */

static void
SeeToOwner(CpPort *lockedPortPtr, unsigned looksBefore)
{
    uint64_t endMs = lockedPortPtr->rests ? lockedPortPtr->wakeMs
                                          : lockedPortPtr->helperEndMs;

    if (lockedPortPtr->ownerWait == OWNER_WAITS_NOT && CpNowMs() >= endMs
        && (lockedPortPtr->rests || lockedPortPtr->looks == looksBefore)) {
        lockedPortPtr->rests = 1;
        lockedPortPtr->wakeMs = CP_NEVER;
        CpOwnerAlertLocked(lockedPortPtr);
    }
}

/* The helper's thread. It ends, and frees the port, without references to it.
 * */

DWORD WINAPI
CpHelperMain(LPVOID clientData)
{
    CpPort *portPtr = (CpPort *) clientData;

    AcquireSRWLockExclusive(&portPtr->lock);
    while (portPtr->refs > 0) {
        unsigned looks = portPtr->looks;

        portPtr->helperEndMs = HelperEndMs(portPtr);
        HelperWait(portPtr);
        SeeToOwner(portPtr, looks);
    }
    ReleaseSRWLockExclusive(&portPtr->lock);

    /* The thread that let the port go last may not have left its lock yet. */
    AcquireSRWLockExclusive(&ownerLock);
    ReleaseSRWLockExclusive(&ownerLock);
    CpWineForgetPort(portPtr);
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

/* Without references the helper ends, and frees the port. The caller holds
 * ownerLock too, so that the port's lock outlives the caller's use of it. */

static void
UnrefLocked(CpPort *lockedPortPtr)
{
    assert(lockedPortPtr->refs > 0);
    if (--lockedPortPtr->refs == 0) {
        WakeConditionVariable(&lockedPortPtr->helperCond);
        PostQueuedCompletionStatus(lockedPortPtr->iocp, 0, 0, NULL);
    }
}

void
CpPortForgetOwner(CpPort *portPtr)
{
    AcquireSRWLockShared(&ownerLock);
    AcquireSRWLockExclusive(&portPtr->lock);
    assert(CpListIsEmpty(&portPtr->inbox));
    portPtr->wakeProc = NULL;
    UnrefLocked(portPtr);
    ReleaseSRWLockExclusive(&portPtr->lock);
    ReleaseSRWLockShared(&ownerLock);
}

void
CpWinUnbindPort(CpHandle *handlePtr)
{
    CpPort *portPtr = handlePtr->boundPtr;

    if (portPtr == NULL) {
        return;
    }
    AcquireSRWLockShared(&ownerLock);
    AcquireSRWLockExclusive(&portPtr->lock);
    portPtr->foreign -= IsForeign(handlePtr);
    handlePtr->boundPtr = NULL;
    UnrefLocked(portPtr);
    ReleaseSRWLockExclusive(&portPtr->lock);
    ReleaseSRWLockShared(&ownerLock);
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

/* The port that the handle is bound to counts those of other threads. */

static void
CountForeign(const CpHandle *handlePtr, unsigned wasForeign)
{
    CpPort *boundPtr = handlePtr->boundPtr;
    unsigned isForeign = IsForeign(handlePtr);

    if (isForeign == wasForeign) {
        return;
    }
    AcquireSRWLockExclusive(&boundPtr->lock);
    boundPtr->foreign += isForeign;
    boundPtr->foreign -= wasForeign;
    if (isForeign && !boundPtr->helperInPort) {
        InterruptHelper(boundPtr);
    }
    ReleaseSRWLockExclusive(&boundPtr->lock);
}

void
CpHandleMove(CpHandle *handlePtr, CpPort *portPtr)
{
    CpPort *oldPtr = handlePtr->ownerPtr;
    CpListNode *nodePtr;
    unsigned wasForeign;

    if (oldPtr == portPtr) {
        return;
    }
    assert(oldPtr == NULL || portPtr == NULL);
    AcquireSRWLockExclusive(&ownerLock);
    wasForeign = IsForeign(handlePtr);
    if (oldPtr != NULL) {
        AcquireSRWLockExclusive(&oldPtr->lock);
        SetOwnerLocked(handlePtr, NULL);
        ParkOps(&oldPtr->done, handlePtr);
        ParkOps(&oldPtr->inbox, handlePtr);
        ReleaseSRWLockExclusive(&oldPtr->lock);
    } else {
        AcquireSRWLockExclusive(&portPtr->lock);
        SetOwnerLocked(handlePtr, portPtr);
        while ((nodePtr = CpListFirst(&handlePtr->parked)) != NULL) {
            CpListRemove(nodePtr);
            PushLocked(portPtr, WIN_OP_OF(nodePtr));
        }
        ReleaseSRWLockExclusive(&portPtr->lock);
    }
    CountForeign(handlePtr, wasForeign);
    ReleaseSRWLockExclusive(&ownerLock);
}
