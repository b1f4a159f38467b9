/*
 * cpPendingWin.c --
 *
 *      A hash table over the addresses of OVERLAPPEDs, chained through the
 *      operations themselves. Without memory for more buckets its chains grow.
 */

#include "cpPendingWin.h"

#include "cpMem.h"

#include <assert.h>

#define BUCKETS_MIN 64

void
CpPendingInit(PendingSet *setPtr)
{
    InitializeSRWLock(&setPtr->lock);
    setPtr->buckets = &setPtr->onlyBucket;
    setPtr->onlyBucket = NULL;
    setPtr->bucketCount = 1;
    setPtr->count = 0;
}

static void
FreeBuckets(PendingSet *setPtr)
{
    if (setPtr->buckets != &setPtr->onlyBucket) {
        CpFree(setPtr->buckets, setPtr->bucketCount * sizeof(WinOp *));
    }
}

void
CpPendingFree(PendingSet *setPtr)
{
    assert(setPtr->count == 0);
    FreeBuckets(setPtr);
}

/* The lowest bits of an address are those of its alignment. */

static WinOp **
BucketOf(WinOp **buckets, size_t bucketCount, const void *overlappedPtr)
{
    uintptr_t address = (uintptr_t) overlappedPtr;

    return &buckets[((address >> 4) ^ (address >> 12)) & (bucketCount - 1)];
}

static void
Grow(PendingSet *setPtr)
{
    size_t newCount = setPtr->bucketCount < BUCKETS_MIN
        ? BUCKETS_MIN
        : 2 * setPtr->bucketCount;
    WinOp **newBuckets = CpCalloc(newCount * sizeof(WinOp *));
    size_t i;

    if (newBuckets == NULL) {
        return;
    }
    for (i = 0; i < setPtr->bucketCount; i++) {
        WinOp *winOpPtr = setPtr->buckets[i];

        while (winOpPtr != NULL) {
            WinOp *nextPtr = winOpPtr->nextPtr;
            WinOp **bucketPtr = BucketOf(newBuckets, newCount,
                &winOpPtr->overlapped);

            winOpPtr->nextPtr = *bucketPtr;
            *bucketPtr = winOpPtr;
            winOpPtr = nextPtr;
        }
    }
    FreeBuckets(setPtr);
    setPtr->buckets = newBuckets;
    setPtr->bucketCount = newCount;
}

void
CpPendingAdd(PendingSet *setPtr, WinOp *winOpPtr)
{
    WinOp **bucketPtr;

    AcquireSRWLockExclusive(&setPtr->lock);
    if (setPtr->count >= setPtr->bucketCount) {
        Grow(setPtr);
    }
    bucketPtr = BucketOf(setPtr->buckets, setPtr->bucketCount,
        &winOpPtr->overlapped);
    winOpPtr->nextPtr = *bucketPtr;
    *bucketPtr = winOpPtr;
    setPtr->count++;
    ReleaseSRWLockExclusive(&setPtr->lock);
}

WinOp *
CpPendingRemove(PendingSet *setPtr, const void *overlappedPtr)
{
    WinOp **linkPtr;
    WinOp *winOpPtr;

    AcquireSRWLockExclusive(&setPtr->lock);
    linkPtr = BucketOf(setPtr->buckets, setPtr->bucketCount, overlappedPtr);
    while (*linkPtr != NULL
        && (const void *) &(*linkPtr)->overlapped != overlappedPtr) {
        linkPtr = &(*linkPtr)->nextPtr;
    }
    winOpPtr = *linkPtr;
    if (winOpPtr != NULL) {
        *linkPtr = winOpPtr->nextPtr;
        setPtr->count--;
    }
    ReleaseSRWLockExclusive(&setPtr->lock);
    return winOpPtr;
}
