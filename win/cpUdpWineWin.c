/*
 * cpUdpWineWin.c --
 *
 *      A workaround for Wine, which does nothing on Windows.
 *
 *      When an ICMP error comes to a connected datagram socket, Wine's server
 *      stops looking at the socket, and an outstanding receive never completes.
 *      The server looks when it is asked about the socket. So it is asked about
 *      each connected one, some times in a second.
 */

#include "cpUdpWin.h"

#define WATCH_PERIOD_MS 50

/* Guards the others, and keeps the sockets of the list open. */
static SRWLOCK watchLock = SRWLOCK_INIT;
static CpList watched; /* By watchedNode. */
static PTP_TIMER timerPtr = NULL;
static int timerRuns = 0;

static VOID CALLBACK
WatchTimerProc(PTP_CALLBACK_INSTANCE instance, PVOID context, PTP_TIMER timer)
{
    const CpListNode *nodePtr;

    (void) instance;
    (void) context;
    (void) timer;
    AcquireSRWLockExclusive(&watchLock);
    nodePtr = CpListFirst(&watched);
    if (nodePtr == NULL) {
        CpWineSetPeriod(timerPtr, 0);
        timerRuns = 0;
    }
    while (nodePtr != NULL) {
        struct timeval noTime = {0, 0};
        struct fd_set readers;

        FD_ZERO(&readers);
        while (nodePtr != NULL && readers.fd_count < FD_SETSIZE) {
            readers.fd_array[readers.fd_count++] =
                CP_OWNER_OF(nodePtr, CpHandle, watchedNode)->sock;
            nodePtr = CpListNext(&watched, nodePtr);
        }
        select(0, &readers, NULL, NULL, &noTime);
    }
    ReleaseSRWLockExclusive(&watchLock);
}

void
CpUdpWineWatch(CpHandle *handlePtr)
{
    if (!CpWineRuns()) {
        return;
    }
    AcquireSRWLockExclusive(&watchLock);
    if (timerPtr == NULL) {
        timerPtr = CreateThreadpoolTimer(WatchTimerProc, NULL, NULL);
    }
    if (timerPtr != NULL && !CpListIsLinked(&handlePtr->watchedNode)) {
        CpListAppend(&watched, &handlePtr->watchedNode);
        if (!timerRuns) {
            CpWineSetPeriod(timerPtr, WATCH_PERIOD_MS);
            timerRuns = 1;
        }
    }
    ReleaseSRWLockExclusive(&watchLock);
}

void
CpUdpWineForget(CpHandle *handlePtr)
{
    AcquireSRWLockExclusive(&watchLock);
    if (CpListIsLinked(&handlePtr->watchedNode)) {
        CpListRemove(&handlePtr->watchedNode);
    }
    ReleaseSRWLockExclusive(&watchLock);
}
