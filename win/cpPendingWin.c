/*
 * cpPendingWin.c --
 *
 *      A hash table over the addresses of OVERLAPPEDs, chained through the
 *      operations themselves.
 */

#include "cpPendingWin.h"

void
CpPendingInit(PendingSet *setPtr)
{
    InitializeSRWLock(&setPtr->lock);
}

/* The lowest bits of an address are those of its alignment. */

static WinOp **
BucketOf(PendingSet *setPtr, const void *overlappedPtr)
{
    uintptr_t address = (uintptr_t) overlappedPtr;

    return &setPtr
                ->buckets[((address >> 4) ^ (address >> 14)) % PENDING_BUCKETS];
}

void
CpPendingAdd(PendingSet *setPtr, WinOp *winOpPtr)
{
    WinOp **bucketPtr = BucketOf(setPtr, &winOpPtr->overlapped);

    AcquireSRWLockExclusive(&setPtr->lock);
    winOpPtr->nextPtr = *bucketPtr;
    *bucketPtr = winOpPtr;
    ReleaseSRWLockExclusive(&setPtr->lock);
}

WinOp *
CpPendingRemove(PendingSet *setPtr, const void *overlappedPtr)
{
    WinOp **linkPtr = BucketOf(setPtr, overlappedPtr);
    WinOp *winOpPtr;

    AcquireSRWLockExclusive(&setPtr->lock);
    while (*linkPtr != NULL
        && (const void *) &(*linkPtr)->overlapped != overlappedPtr) {
        linkPtr = &(*linkPtr)->nextPtr;
    }
    winOpPtr = *linkPtr;
    if (winOpPtr != NULL) {
        *linkPtr = winOpPtr->nextPtr;
    }
    ReleaseSRWLockExclusive(&setPtr->lock);
    return winOpPtr;
}
