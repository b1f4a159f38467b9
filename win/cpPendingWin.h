/*
 * cpPendingWin.h --
 *
 *      The operations whose completions a completion port has yet to bring.
 *
 *      Whoever has a socket's handle can start overlapped I/O of its own on it,
 *      and the packet for that comes to our completion port too. Its OVERLAPPED
 *      may be gone by then, so that only its address can be asked about.
 */

#ifndef CP_PENDING_WIN_H
#define CP_PENDING_WIN_H

#include "cpWin.h"

typedef struct PendingSet {
    SRWLOCK lock;
    WinOp **buckets; /* NULL for the one bucket of an empty set. */
    WinOp *onlyBucket;
    size_t bucketCount; /* A power of 2. */
    size_t count;
} PendingSet;

void CpPendingInit(PendingSet *setPtr);

/* Frees the set, which must be empty. */
void CpPendingFree(PendingSet *setPtr);

/* Before the system is given the operation. */
void CpPendingAdd(PendingSet *setPtr, WinOp *winOpPtr);

/* Takes the operation of an OVERLAPPED out; NULL when that is none of ours. */
WinOp *CpPendingRemove(PendingSet *setPtr, const void *overlappedPtr);

#endif /* CP_PENDING_WIN_H */
