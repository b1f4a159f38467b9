/*
 * cpPortWin.c --
 *
 *      The port over an I/O completion port: making, binding, reaping, waiting.
 *      cpHandOverWin.c brings completions to an owner that does none of that.
 */

#include "cpPortWin.h"

#include "cpMem.h"

#include <assert.h>
#include <string.h>

#define REAP_BATCHES 16 /* One reap makes so many calls. */

/*
 * The owner and the helper dequeue from a completion port, and neither must
 * make the other wait. An owner that computes counts as running.
 */
#define PORT_THREADS 2

/* A helper's stack has room for code that other software hooks into threads. */
#define HELPER_STACK_BYTES 262144

static volatile LONG64 counters[CP_STAT_COUNT];

void
CpStatAdd(CpStat stat, int64_t amount)
{
    InterlockedExchangeAdd64(&counters[stat], amount);
}

int64_t
CpStatGet(CpStat stat)
{
    return InterlockedExchangeAdd64(&counters[stat], 0);
}

uint64_t
CpNowMs(void)
{
    return GetTickCount64();
}

uint64_t
CpNowUs(void)
{
    static volatile LONG64 known = 0; /* Counts in a second. */
    LONG64 frequency = InterlockedExchangeAdd64(&known, 0);
    LARGE_INTEGER now;

    if (frequency == 0) {
        QueryPerformanceFrequency(&now);
        frequency = now.QuadPart;
        InterlockedExchange64(&known, frequency);
    }
    QueryPerformanceCounter(&now);
    return (uint64_t) (now.QuadPart / frequency * 1000000
        + now.QuadPart % frequency * 1000000 / frequency);
}

void
CpWinFinishNow(CpOp *opPtr, CpError error)
{
    opPtr->error = error;
    opPtr->atOnce = 1;
    CpWinRecordSend(opPtr);
    CpListAppend(&opPtr->handlePtr->ownerPtr->done, WIN_NODE(opPtr));
}

/* Copies a result from the system's OVERLAPPED. */

CpOp *
CpWinOpOfEntry(CpPort *portPtr, const OVERLAPPED_ENTRY *entryPtr)
{
    WinOp *winOpPtr;
    CpOp *opPtr;

    if (entryPtr->lpOverlapped == NULL) {
        return NULL; /* It only woke a thread. */
    }
    winOpPtr = CpPendingRemove(&portPtr->pending, entryPtr->lpOverlapped);
    if (winOpPtr == NULL) {
        return NULL; /* Of foreign code that uses the socket's handle. */
    }
    opPtr = CP_OWNER_OF(winOpPtr, CpOp, space);
    opPtr->error = CpErrorOfStatus(
        (unsigned long) (ULONG_PTR) winOpPtr->overlapped.Internal);
    opPtr->bytes = entryPtr->dwNumberOfBytesTransferred;
    return opPtr;
}

void
CpWinExpect(CpOp *opPtr)
{
    CpPendingAdd(&opPtr->handlePtr->boundPtr->pending, WIN_OP(opPtr));
}

void
CpWinExpectNot(CpOp *opPtr)
{
    (void) CpPendingRemove(&opPtr->handlePtr->boundPtr->pending,
        &WIN_OP(opPtr)->overlapped);
}

/* ----------------------------------------------------------- ports */

/* A helper may sleep in this library's code until the process ends. */

static void
PinModule(void)
{
    HMODULE module;

    GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS
            | GET_MODULE_HANDLE_EX_FLAG_PIN,
        (LPCWSTR) (void *) counters, &module);
}

CpPort *
CpPortNew(CpWakeProc *wakeProc, void *clientData, CpError *errorPtr)
{
    CpPort *portPtr;
    HANDLE thread;

    *errorPtr = CpWinInit();
    if (*errorPtr != CP_OK) {
        return NULL;
    }
    *errorPtr = CP_ENOMEM;
    portPtr = (CpPort *) CpCalloc(sizeof(CpPort));
    if (portPtr == NULL) {
        return NULL;
    }
    portPtr->wakeProc = wakeProc;
    portPtr->clientData = clientData;
    portPtr->refs = 1;
    portPtr->reapEntries = CpWineReapEntries(0, 0);
    portPtr->ownerWait = OWNER_WAITS_NOT;
    InitializeSRWLock(&portPtr->lock);
    InitializeConditionVariable(&portPtr->ownerCond);
    InitializeConditionVariable(&portPtr->helperCond);
    CpPendingInit(&portPtr->pending);
    portPtr->iocp = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0,
        PORT_THREADS);
    if (portPtr->iocp == NULL) {
        goto freePort;
    }
    PinModule();
    thread = CreateThread(NULL, HELPER_STACK_BYTES, CpHelperMain, portPtr,
        STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
    if (thread == NULL) {
        goto closeIocp;
    }
    CloseHandle(thread);
    *errorPtr = CP_OK;
    return portPtr;

closeIocp:
    CloseHandle(portPtr->iocp);
freePort:
    CpFree(portPtr, sizeof(CpPort));
    return NULL;
}

void
CpPortRelease(CpPort *portPtr)
{
    CpFree(portPtr->spare.memPtr, portPtr->spare.sizeBytes);
    assert(CpListIsEmpty(&portPtr->done));
    CpPortForgetOwner(portPtr);
}

CpSpare *
CpPortSpare(CpPort *portPtr)
{
    return &portPtr->spare;
}

CpError
CpWinBindPort(CpHandle *handlePtr)
{
    CpPort *portPtr = handlePtr->ownerPtr;

    if (handlePtr->boundPtr != NULL) {
        return CP_OK;
    }
    if (CreateIoCompletionPort((HANDLE) handlePtr->sock, portPtr->iocp, 0, 0)
        == NULL) {
        return CpErrorOfWin(GetLastError());
    }
    handlePtr->skips = cpWinSkipsOnSuccess && handlePtr->udpPtr == NULL
        && SetFileCompletionNotificationModes((HANDLE) handlePtr->sock,
            FILE_SKIP_COMPLETION_PORT_ON_SUCCESS);
    AcquireSRWLockExclusive(&portPtr->lock);
    portPtr->refs++;
    handlePtr->boundPtr = portPtr;
    ReleaseSRWLockExclusive(&portPtr->lock);
    return CP_OK;
}

/* ------------------------------------------------------ completion */

static unsigned
CompleteAll(CpList *listPtr)
{
    CpListNode *nodePtr;
    unsigned count = 0;

    while ((nodePtr = CpListFirst(listPtr)) != NULL) {
        CpListRemove(nodePtr);
        CpWinComplete(WIN_OP_OF(nodePtr));
        count++;
    }
    return count;
}

unsigned
CpPortReapFinished(CpPort *portPtr)
{
    CpList done = {0};

    CpListAppendAll(&done, &portPtr->done);
    return CompleteAll(&done);
}

static unsigned
CompleteEntries(CpPort *portPtr, const OVERLAPPED_ENTRY *entries, ULONG count)
{
    unsigned completed = 0;
    ULONG i;

    for (i = 0; i < count; i++) {
        CpOp *opPtr = CpWinOpOfEntry(portPtr, &entries[i]);

        if (opPtr == NULL) {
            continue;
        }

        /* Unlocked: no other thread takes a handle away from this one. */
        if (CpOwnerOf(opPtr->handlePtr) == portPtr) {
            CpWinComplete(opPtr);
            completed++;
        } else {
            CpPortPassOn(opPtr);
        }
    }
    return completed;
}

/*
 * Takes what the port has, many completions with one call, and asks again only
 * if there may be more. After a call for a single completion, which only Wine
 * makes worthwhile, it does not ask again: two ends that take turns have no
 * second one.
 */

static unsigned
ReapPort(CpPort *portPtr, CpList *inboxPtr)
{
    OVERLAPPED_ENTRY entries[REAP_ENTRIES];
    ULONG asked, count;
    unsigned batch, completed = 0;

    for (batch = 0; batch < REAP_BATCHES; batch++) {
        BOOL any;

        asked = portPtr->reapEntries;
        any = GetQueuedCompletionStatusEx(portPtr->iocp, entries, asked, &count,
            0, FALSE);

        /* These come first. Operations that they submit are for the next reap.
         * */
        if (!CpListIsEmpty(inboxPtr)) {
            completed = CompleteAll(inboxPtr);
            return any ? completed + CompleteEntries(portPtr, entries, count)
                       : completed;
        }
        if (!any) {
            break;
        }
        portPtr->reapEntries = CpWineReapEntries(asked, count);
        completed += CompleteEntries(portPtr, entries, count);
        if (count < asked || asked == 1) {
            break;
        }
    }
    return completed;
}

static unsigned
ReapNow(CpPort *portPtr)
{
    CpList inbox = {0};
    unsigned completed;
    int leaveIt;

    /*
     * The helper may have dequeued completions that it has not handed over yet.
     * Later ones, of the same listener for example, must not come first. If the
     * helper was there a moment ago, asking the port is needless.
     */

    AcquireSRWLockExclusive(&portPtr->lock);
    leaveIt = portPtr->helperInPort || portPtr->helperBrought;
    CpOwnerLooksLocked(portPtr);
    CpListAppendAll(&inbox, &portPtr->inbox);
    ReleaseSRWLockExclusive(&portPtr->lock);
    completed = CpPortReapFinished(portPtr);
    return completed
        + (leaveIt ? CompleteAll(&inbox) : ReapPort(portPtr, &inbox));
}

static int
HasResults(const CpPort *lockedPortPtr)
{
    return !CpListIsEmpty(&lockedPortPtr->inbox)
        || !CpListIsEmpty(&lockedPortPtr->done);
}

/* Waits for a completion: on the completion port or, if the helper is there,
 * for a hand-over. */

static unsigned
Wait(CpPort *portPtr, int timeoutMs)
{
    DWORD winTimeout = timeoutMs < 0 ? INFINITE : (DWORD) timeoutMs;
    OVERLAPPED_ENTRY entries[REAP_ENTRIES];
    ULONG count = 0;

    AcquireSRWLockExclusive(&portPtr->lock);
    if (HasResults(portPtr)) {
        ReleaseSRWLockExclusive(&portPtr->lock);
        return 0;
    }
    CpOwnerLooksLocked(portPtr);
    if (portPtr->helperInPort) {
        portPtr->ownerWait = OWNER_IN_COND;
        SleepConditionVariableSRW(&portPtr->ownerCond, &portPtr->lock,
            winTimeout, 0);
        portPtr->ownerWait = OWNER_WAITS_NOT;
        ReleaseSRWLockExclusive(&portPtr->lock);
        return 0;
    }
    portPtr->ownerWait = OWNER_IN_PORT;
    ReleaseSRWLockExclusive(&portPtr->lock);
    if (!GetQueuedCompletionStatusEx(portPtr->iocp, entries,
            portPtr->reapEntries, &count, winTimeout, FALSE)) {
        count = 0;
    }
    AcquireSRWLockExclusive(&portPtr->lock);
    CpOwnerLeftPortLocked(portPtr);
    ReleaseSRWLockExclusive(&portPtr->lock);
    return CompleteEntries(portPtr, entries, count);
}

unsigned
CpPortReap(CpPort *portPtr, int timeoutMs)
{
    unsigned completed = ReapNow(portPtr);

    if (completed == 0 && timeoutMs != 0) {
        completed = Wait(portPtr, timeoutMs);
        if (completed == 0) {
            completed = ReapNow(portPtr);
        }
    }
    return completed;
}

int
CpPortSleep(CpPort *portPtr, int64_t timeoutMs)
{
    uint64_t wakeMs = timeoutMs < 0 ? CP_NEVER
                                    : CpNowMs() + (uint64_t) timeoutMs;
    int sleeps;

    AcquireSRWLockExclusive(&portPtr->lock);
    sleeps = !HasResults(portPtr);
    if (sleeps) {
        CpOwnerLooksLocked(portPtr);
        CpOwnerRestsLocked(portPtr, wakeMs);
    }
    ReleaseSRWLockExclusive(&portPtr->lock);
    return sleeps;
}

void
CpPortRemind(CpPort *portPtr)
{
    AcquireSRWLockExclusive(&portPtr->lock);
    CpOwnerIsBusyLocked(portPtr);
    ReleaseSRWLockExclusive(&portPtr->lock);
}
