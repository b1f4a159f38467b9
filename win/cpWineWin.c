/*
 * cpWineWin.c --
 *
 *      Workarounds for Wine, which do nothing on Windows.
 *
 *      Forgotten sends. Wine 8 resumes an outstanding send each time the socket
 *      can take more. If the peer resets the connection at that moment, Wine's
 *      server stops looking at the socket, and the send never completes. The
 *      server looks when it is asked about the socket. So it is asked about
 *      each socket with an outstanding send, a few times in a second.
 *
 *      Short sends. When Wine's server notices that the peer has ended its
 *      sending side, it completes every send that waits for room in the socket,
 *      with success and a part of the bytes. Later sends are carried out as
 *      usual, so the peer would get a stream with a gap. So each connection
 *      gives the system one send at a time, and the rest of a short send is
 *      submitted before the next one.
 *
 *      Missed cancels. When Wine has woken a thread to resume an operation, and
 *      until that thread has done so, a cancel does not see the operation. Then
 *      CancelIoEx says that it was not found, as for one that has completed,
 *      but it goes on. A handle that moves keeps the thread of the submit, so
 *      most cancels of a send that is being resumed are missed then. So a
 *      cancel is repeated until no cancelled operation is outstanding.
 *
 *      Different errors: see CpWineSocketError, CpWineDeniedIsInUse and
 *      CpWineBind.
 */

#ifndef CP_NO_WINE

#include "cpPortWin.h"

#include <string.h>

#include "cpResolve.h"

#define WATCH_PERIOD_MS 250

#define CANCEL_PERIOD_MS 20

#define PORTS_PRIVILEGED 1024

static int isWine = 0;
static PTP_TIMER timerPtr = NULL; /* NULL on Windows. */

/* Guards these, and keeps the sockets of the list open. */
static SRWLOCK watchLock = SRWLOCK_INIT;
static CpList watched; /* Handles, by watchedNode. */
static int timerRuns = 0;

/* Guards these, and which operations are cancelled. */
static SRWLOCK cancelLock = SRWLOCK_INIT;
static PTP_TIMER cancelTimerPtr = NULL; /* NULL on Windows. */
static CpList cancelPorts; /* With cancels to repeat, by cancelNode. */
static int cancelTimerRuns = 0;

void
CpWineSetPeriod(PTP_TIMER anyTimerPtr, DWORD periodMs)
{
    /* Relative times are below 0, in units of 100 ns. */
    ULARGE_INTEGER due;
    FILETIME fileTime;

    due.QuadPart = (ULONGLONG) - (LONGLONG) periodMs * 10000;
    fileTime.dwLowDateTime = due.LowPart;
    fileTime.dwHighDateTime = due.HighPart;
    SetThreadpoolTimer(anyTimerPtr, periodMs != 0 ? &fileTime : NULL, periodMs,
        0);
}

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
        struct fd_set writers;

        /* WSAPoll would also look for the end of the peer's sending side, and
         * that cuts the sends short. */
        FD_ZERO(&writers);
        while (nodePtr != NULL && writers.fd_count < FD_SETSIZE) {
            writers.fd_array[writers.fd_count++] =
                CP_OWNER_OF(nodePtr, CpHandle, watchedNode)->sock;
            nodePtr = CpListNext(&watched, nodePtr);
        }
        select(0, NULL, &writers, NULL, &noTime);
    }
    ReleaseSRWLockExclusive(&watchLock);
}

static int
IsPending(const WinOp *winOpPtr)
{
    return (DWORD) winOpPtr->overlapped.Internal == STATUS_PENDING;
}

/* Cancels an operation again if it goes on although it was cancelled, and
 * returns 1 then. */

static unsigned
CancelMissed(WinOp *winOpPtr)
{
    CpOp *opPtr = CP_OWNER_OF(winOpPtr, CpOp, space);

    if (!winOpPtr->cancelled || !IsPending(winOpPtr)) {
        return 0;
    }
    CancelIoEx((HANDLE) opPtr->handlePtr->sock, WIN_OVERLAPPED(opPtr));
    return 1;
}

/* Cancels operations of a port again. None of them ends meanwhile, because its
 * set is locked. Returns how many go on. */

static unsigned
CancelMissedOf(PendingSet *setPtr)
{
    unsigned count = 0, i;

    AcquireSRWLockExclusive(&setPtr->lock);
    for (i = 0; i < PENDING_BUCKETS; i++) {
        const CpList *bucketPtr = &setPtr->buckets[i];
        const CpListNode *nodePtr;

        for (nodePtr = CpListFirst(bucketPtr); nodePtr != NULL;
             nodePtr = CpListNext(bucketPtr, nodePtr)) {
            count += CancelMissed(CP_OWNER_OF(nodePtr, WinOp, node));
        }
    }
    ReleaseSRWLockExclusive(&setPtr->lock);
    return count;
}

static VOID CALLBACK
CancelTimerProc(PTP_CALLBACK_INSTANCE instance, PVOID context, PTP_TIMER timer)
{
    CpListNode *nodePtr;

    (void) instance;
    (void) context;
    (void) timer;
    AcquireSRWLockExclusive(&cancelLock);
    nodePtr = CpListFirst(&cancelPorts);
    while (nodePtr != NULL) {
        CpListNode *nextPtr = CpListNext(&cancelPorts, nodePtr);
        CpPort *portPtr = CP_OWNER_OF(nodePtr, CpPort, cancelNode);

        if (CancelMissedOf(&portPtr->pending) == 0) {
            CpListRemove(nodePtr);
            portPtr->cancelsAgain = 0;
        }
        nodePtr = nextPtr;
    }
    if (CpListIsEmpty(&cancelPorts)) {
        CpWineSetPeriod(cancelTimerPtr, 0);
        cancelTimerRuns = 0;
    }
    ReleaseSRWLockExclusive(&cancelLock);
}

/*
 * A call that does not get as many completions as it asked for makes one more
 * request to Wine's server. So under Wine a call asks for as many as the last
 * one returned, and for twice as many if it got all.
 */

ULONG
CpWineReapEntries(ULONG asked, ULONG count)
{
    if (!isWine) {
        return REAP_ENTRIES;
    }
    if (asked == 0) {
        return 1;
    }
    return count < asked           ? count
        : asked < REAP_ENTRIES / 2 ? 2 * asked
                                   : REAP_ENTRIES;
}

int
CpWineRuns(void)
{
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");

    return ntdll != NULL && GetProcAddress(ntdll, "wine_get_version") != NULL;
}

#ifndef CP_NO_FILES
int
CpWineCutsFilesShort(void)
{
    return CpWineRuns();
}
#endif

void
CpWineInit(void)
{
    if (CpWineRuns()) {
        isWine = 1;
        timerPtr = CreateThreadpoolTimer(WatchTimerProc, NULL, NULL);
        cancelTimerPtr = CreateThreadpoolTimer(CancelTimerProc, NULL, NULL);
    }
}

/* Wine reports a lack of handles as an invalid argument. */

CpError
CpWineSocketError(CpError error)
{
    return error == CP_EINVAL && isWine ? CP_EMFILE : error;
}

/*
 * Wine has no reserved ports except the privileged ones of the host system. It
 * denies access to another port only if a socket has it exclusively.
 */

int
CpWineDeniedIsInUse(unsigned port)
{
    return isWine && port >= PORTS_PRIVILEGED;
}

/*
 * If a socket has a port exclusively and on all addresses, another socket that
 * wants it on all addresses gets "in use" from Windows, and "access denied"
 * from Wine. Tcl's own driver reports that as an invalid argument. So under
 * Wine such a socket is not made exclusive. Wine lets no other socket take its
 * port anyway.
 */

void
CpWineBind(CpHandle *handlePtr, const CpAddr *addrPtr)
{
    const BOOL off = FALSE;

    if (handlePtr->exclusive && isWine && CpAddrIsAny(addrPtr)) {
        setsockopt(handlePtr->sock, SOL_SOCKET, SO_EXCLUSIVEADDRUSE,
            (const char *) &off, sizeof(off));
    }
}

void
CpWineSendPending(CpHandle *handlePtr)
{
    if (timerPtr == NULL || handlePtr->sendsPending++ > 0) {
        return;
    }
    AcquireSRWLockExclusive(&watchLock);
    CpListAppend(&watched, &handlePtr->watchedNode);
    if (!timerRuns) {
        CpWineSetPeriod(timerPtr, WATCH_PERIOD_MS);
        timerRuns = 1;
    }
    ReleaseSRWLockExclusive(&watchLock);
}

void
CpWineSendDone(CpHandle *handlePtr)
{
    if (timerPtr == NULL || --handlePtr->sendsPending > 0) {
        return;
    }
    AcquireSRWLockExclusive(&watchLock);
    CpListRemove(&handlePtr->watchedNode);
    ReleaseSRWLockExclusive(&watchLock);
}

/* Completes the sends that wait for their turn, or only one of them. */

static void
FinishHeld(CpHandle *handlePtr, const CpOp *onlyPtr, CpError error)
{
    CpListNode *nodePtr = CpListFirst(&handlePtr->heldSends);

    while (nodePtr != NULL) {
        CpListNode *nextPtr = CpListNext(&handlePtr->heldSends, nodePtr);
        CpOp *opPtr = WIN_OP_OF(nodePtr);

        if (onlyPtr == NULL || opPtr == onlyPtr) {
            CpListRemove(nodePtr);
            CpWinFinishNow(opPtr, error);
        }
        nodePtr = nextPtr;
    }
}

int
CpWineHoldSend(CpOp *opPtr)
{
    CpHandle *handlePtr = opPtr->handlePtr;

    if (timerPtr == NULL) {
        return 0;
    }
    if (handlePtr->activeSendPtr != NULL) {
        CpListAppend(&handlePtr->heldSends, WIN_NODE(opPtr));
        return 1;
    }
    handlePtr->activeSendPtr = opPtr;
    return 0;
}

/*
 * A TransmitFile that was cut short cannot be resumed: it counts the bytes that
 * Wine has read, not those that were sent. So under Wine the core reads the
 * files (CpSendFileIsLimited).
 */

int
CpWineResumeSend(CpOp *opPtr)
{
    CpHandle *handlePtr = opPtr->handlePtr;
    WinOp *winOpPtr = WIN_OP(opPtr);

    if (handlePtr->activeSendPtr != opPtr || winOpPtr->filePtr != NULL) {
        return 0;
    }
    if (opPtr->error == CP_OK && opPtr->bytes < winOpPtr->left
        && winOpPtr->cancelled) {
        opPtr->error = CP_ECANCELED;
    }
    if (opPtr->error != CP_OK || opPtr->bytes >= winOpPtr->left) {
        opPtr->bytes += winOpPtr->moved;
        return 0;
    }
    winOpPtr->moved += opPtr->bytes;
    winOpPtr->bytesPtr += opPtr->bytes;
    winOpPtr->left -= opPtr->bytes;
    memset(&winOpPtr->overlapped, 0, sizeof(winOpPtr->overlapped));
    opPtr->bytes = 0;
    opPtr->atOnce = 0;
    CpWinStartSend(opPtr);
    return 1;
}

void
CpWineNextSend(CpOp *opPtr)
{
    CpHandle *handlePtr = opPtr->handlePtr;

    if (handlePtr->activeSendPtr != opPtr) {
        return;
    }
    handlePtr->activeSendPtr = NULL;
    if (handlePtr->sendError != CP_OK) {
        FinishHeld(handlePtr, NULL, handlePtr->sendError);
    } else if (!CpListIsEmpty(&handlePtr->heldSends)) {
        CpListNode *nodePtr = CpListFirst(&handlePtr->heldSends);

        CpListRemove(nodePtr);
        handlePtr->activeSendPtr = WIN_OP_OF(nodePtr);
        CpWinStartSend(handlePtr->activeSendPtr);
    }
}

void
CpWineCancelHeld(CpHandle *handlePtr, const CpOp *opPtr)
{
    CpOp *activePtr = handlePtr->activeSendPtr;

    /* If it was cut short already, its rest is not submitted. */
    if (activePtr != NULL && (opPtr == NULL || opPtr == activePtr)) {
        AcquireSRWLockExclusive(&cancelLock);
        WIN_OP(activePtr)->cancelled = 1;
        ReleaseSRWLockExclusive(&cancelLock);
    }
    FinishHeld(handlePtr, opPtr, CP_ECANCELED);
}

/*
 * If all operations were cancelled, the system may have found others and missed
 * the active send. Others complete once it has woken a thread for them.
 */

void
CpWineCancelAgain(CpHandle *handlePtr, CpOp *opPtr, int found)
{
    CpPort *portPtr = handlePtr->boundPtr;

    if (opPtr == NULL) {
        opPtr = handlePtr->activeSendPtr;
        found = 0;
    }
    if (cancelTimerPtr == NULL || opPtr == NULL || found
        || !IsPending(WIN_OP(opPtr))) {
        return;
    }
    AcquireSRWLockExclusive(&cancelLock);
    WIN_OP(opPtr)->cancelled = 1;
    if (!portPtr->cancelsAgain) {
        CpListAppend(&cancelPorts, &portPtr->cancelNode);
        portPtr->cancelsAgain = 1;
    }
    if (!cancelTimerRuns) {
        CpWineSetPeriod(cancelTimerPtr, CANCEL_PERIOD_MS);
        cancelTimerRuns = 1;
    }
    ReleaseSRWLockExclusive(&cancelLock);
}

void
CpWineForgetPort(CpPort *portPtr)
{
    AcquireSRWLockExclusive(&cancelLock);
    if (portPtr->cancelsAgain) {
        CpListRemove(&portPtr->cancelNode);
    }
    ReleaseSRWLockExclusive(&cancelLock);
}

/*
 * Linux skips an urgent byte in a receive with a buffer, but not in one of 0
 * bytes. So while an urgent byte is next, receives of 0 bytes complete at once,
 * again and again. With SO_OOBINLINE it is a byte like all others: if it is the
 * only one, it is taken here. (If the peer sends a second urgent byte at this
 * very moment, Linux skips the first one, and the second one is taken. An
 * ordinary byte would be lost only if the announcement of the second one came
 * together with that byte alone.)
 */

static void
SetInLine(SOCKET sock, BOOL on)
{
    setsockopt(sock, SOL_SOCKET, SO_OOBINLINE, (const char *) &on, sizeof(on));
}

void
CpWineSkipUrgent(CpHandle *handlePtr)
{
    u_long allRead = 1, waiting = 0;
    char byte;

    if (timerPtr == NULL
        || ioctlsocket(handlePtr->sock, (long) SIOCATMARK, &allRead) != 0
        || allRead) {
        return;
    }
    SetInLine(handlePtr->sock, TRUE);
    if (ioctlsocket(handlePtr->sock, FIONREAD, &waiting) == 0 && waiting == 1) {
        recv(handlePtr->sock, &byte, 1, 0);
    }
    SetInLine(handlePtr->sock, FALSE);
}

#endif /* CP_NO_WINE */
