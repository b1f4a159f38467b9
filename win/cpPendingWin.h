/*
 * cpPendingWin.h --
 *
 *      The operations that a completion port will bring completions of.
 *
 *      Foreign code that has a socket's handle can start overlapped I/O of its
 *      own on it, and its packet comes to our completion port, too. Its
 *      OVERLAPPED may be gone by then, so only its address can be examined.
 */

#ifndef CP_PENDING_WIN_H
#define CP_PENDING_WIN_H

#include "cpWin.h"

/* With 10,000 connections a thread has 10 operations in a bucket. A table that
 * grows could fail to do so while an operation is submitted. */
#define PENDING_BUCKETS 1024

typedef struct PendingSet {
    SRWLOCK lock;
    CpList buckets[PENDING_BUCKETS];
} PendingSet;

/* The rest of the set is zeroed memory. */
void CpPendingInit(PendingSet *setPtr);

/* Before the system gets the operation. */
void CpPendingAdd(PendingSet *setPtr, WinOp *winOpPtr);

/* Removes the operation of an OVERLAPPED; NULL if it is not ours. */
WinOp *CpPendingRemove(PendingSet *setPtr, const void *overlappedPtr);

#endif /* CP_PENDING_WIN_H */
