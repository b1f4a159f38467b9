/*
 * cpPendingWin.c --
 *
 *      A hash table of the addresses of OVERLAPPEDs. The operations themselves
 *      are the nodes.
 */

#include "cpPendingWin.h"

void
CpPendingInit(PendingSet *setPtr)
{
    InitializeSRWLock(&setPtr->lock);
}

/* The lowest bits of an address only show its alignment. */

static CpList *
BucketOf(PendingSet *setPtr, const void *overlappedPtr)
{
    uintptr_t address = (uintptr_t) overlappedPtr;

    return &setPtr
                ->buckets[((address >> 4) ^ (address >> 14)) % PENDING_BUCKETS];
}

void
CpPendingAdd(PendingSet *setPtr, WinOp *winOpPtr)
{
    AcquireSRWLockExclusive(&setPtr->lock);
    CpListAppend(BucketOf(setPtr, &winOpPtr->overlapped), &winOpPtr->node);
    ReleaseSRWLockExclusive(&setPtr->lock);
}

WinOp *
CpPendingRemove(PendingSet *setPtr, const void *overlappedPtr)
{
    const CpList *bucketPtr = BucketOf(setPtr, overlappedPtr);
    WinOp *foundPtr = NULL;
    CpListNode *nodePtr;

    AcquireSRWLockExclusive(&setPtr->lock);
    for (nodePtr = CpListFirst(bucketPtr); nodePtr != NULL;
         nodePtr = CpListNext(bucketPtr, nodePtr)) {
        WinOp *winOpPtr = CP_OWNER_OF(nodePtr, WinOp, node);

        if ((const void *) &winOpPtr->overlapped == overlappedPtr) {
            CpListRemove(nodePtr);
            foundPtr = winOpPtr;
            break;
        }
    }
    ReleaseSRWLockExclusive(&setPtr->lock);
    return foundPtr;
}
