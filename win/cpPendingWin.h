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

/* 10 operations a bucket if a thread has 10,000 connections. A table that grew
 * would have to do so while an operation is submitted, and could fail. */
#define PENDING_BUCKETS 1024

typedef struct PendingSet {
    SRWLOCK lock;
    CpList buckets[PENDING_BUCKETS];
} PendingSet;

/* The rest of the set is zeroed memory. */
void CpPendingInit(PendingSet *setPtr);

/* Before the system is given the operation. */
void CpPendingAdd(PendingSet *setPtr, WinOp *winOpPtr);

/* Takes the operation of an OVERLAPPED out; NULL when that is none of ours. */
WinOp *CpPendingRemove(PendingSet *setPtr, const void *overlappedPtr);

#endif /* CP_PENDING_WIN_H */
