/*
 * cpPortWin.c --
 *
 *      The port over an I/O completion port.
 *
 *      A port's owner reaps it itself while it is awake. Before it sleeps in
 *      its notifier it puts a helper thread on the completion port; the helper
 *      hands the first batch over (inbox), wakes the owner and leaves. The
 *      helper stays while handles that are bound to this completion port have
 *      another thread for their owner, as this port's own thread may be busy
 *      or gone.
 *
 *      portLock guards the hand-over: inboxes, the states of owners and
 *      helpers, who owns a handle. An owner takes it once per reap.
 */

#include "cpWin.h"

#include "cpMem.h"

#include <assert.h>
#include <string.h>

#define REAP_ENTRIES 64 /* Completions taken in one call, at most. */
#define REAP_BATCHES 16 /* Calls in one reap, at most. */

typedef enum OwnerState {
    OWNER_AWAKE,    /* Will reap before it sleeps. */
    OWNER_SLEEPING, /* In its notifier: wakeProc. */
    OWNER_IN_PORT,  /* Waits on the completion port itself. */
    OWNER_IN_COND,  /* Waits for what the helper hands over. */
    OWNER_GONE
} OwnerState;

struct CpPort {
    HANDLE iocp;
    CpWakeProc *wakeProc;
    void *clientData;

    /* The owner's own. */
    CpSpare spare;
    OpList done;       /* Finished at submit. */
    ULONG reapEntries; /* Completions to be asked for: see ReapNow. */

    /* Guarded by portLock. */
    OpList inbox; /* Completions for the owner. */
    OwnerState ownerState;
    CONDITION_VARIABLE ownerCond;
    int helperOn; /* The helper is, or will be, on the port. */
    CONDITION_VARIABLE helperCond;
    unsigned refs;    /* The owner and the handles bound. */
    unsigned foreign; /* Handles bound here, owned elsewhere. */
};

static SRWLOCK portLock = SRWLOCK_INIT;
static volatile LONG64 stats[CP_STAT_COUNT];

void
CpStatAdd(CpStat stat, int64_t amount)
{
    InterlockedExchangeAdd64(&stats[stat], amount);
}

int64_t
CpStatGet(CpStat stat)
{
    return InterlockedExchangeAdd64(&stats[stat], 0);
}

uint64_t
CpNowMs(void)
{
    return GetTickCount64();
}

static void
Append(OpList *listPtr, CpOp *opPtr)
{
    opPtr->nextPtr = NULL;
    if (listPtr->lastPtr != NULL) {
        listPtr->lastPtr->nextPtr = opPtr;
    } else {
        listPtr->firstPtr = opPtr;
    }
    listPtr->lastPtr = opPtr;
}

static OpList
TakeAll(OpList *listPtr)
{
    OpList taken = *listPtr;

    listPtr->firstPtr = listPtr->lastPtr = NULL;
    return taken;
}

void
CpWinFinishNow(CpOp *opPtr, CpError error)
{
    opPtr->error = error;
    opPtr->atOnce = 1;
    CpWinNoteSend(opPtr);
    Append(&opPtr->handlePtr->ownerPtr->done, opPtr);
}

/* ------------------------------------------------------- hand-over */

/* The owner as a thread sees it that may be another, and has no lock. */

static CpPort *
OwnerOf(CpHandle *handlePtr)
{
    return InterlockedCompareExchangePointer((PVOID volatile *) &handlePtr
                                                 ->ownerPtr,
        NULL, NULL);
}

static void
SetOwnerLocked(CpHandle *handlePtr, CpPort *portPtr)
{
    InterlockedExchangePointer((PVOID volatile *) &handlePtr->ownerPtr,
        portPtr);
}

/* Gives completions to their owner, and wakes it. */

static void
PushLocked(CpPort *lockedPortPtr, CpOp *opPtr)
{
    Append(&lockedPortPtr->inbox, opPtr);
    switch (lockedPortPtr->ownerState) {
    case OWNER_AWAKE:
    case OWNER_GONE:
        return;
    case OWNER_SLEEPING:
        lockedPortPtr->wakeProc(lockedPortPtr->clientData);
        break;
    case OWNER_IN_PORT:
        PostQueuedCompletionStatus(lockedPortPtr->iocp, 0, 0, NULL);
        break;
    case OWNER_IN_COND:
        WakeConditionVariable(&lockedPortPtr->ownerCond);
        break;
    }
    lockedPortPtr->ownerState = OWNER_AWAKE;
}

/* Hands a completion to whoever owns its handle now. */

static void
HandOverLocked(CpOp *opPtr)
{
    CpHandle *handlePtr = opPtr->handlePtr;

    if (handlePtr->ownerPtr != NULL) {
        PushLocked(handlePtr->ownerPtr, opPtr);
        return;
    }
    Append(&handlePtr->parked, opPtr);
}

void
CpWinHandOver(CpOp *opPtr)
{
    AcquireSRWLockExclusive(&portLock);
    HandOverLocked(opPtr);
    ReleaseSRWLockExclusive(&portLock);
}

static void
PutHelperOnLocked(CpPort *lockedPortPtr)
{
    if (!lockedPortPtr->helperOn) {
        lockedPortPtr->helperOn = 1;
        WakeConditionVariable(&lockedPortPtr->helperCond);
    }
}

/* Takes a result over from the system's OVERLAPPED. */

static CpOp *
OpOfEntry(const OVERLAPPED_ENTRY *entryPtr)
{
    WinOp *winOpPtr = CP_OWNER_OF(entryPtr->lpOverlapped, WinOp, overlapped);
    CpOp *opPtr = CP_OWNER_OF(winOpPtr, CpOp, space);

    opPtr->error = CpErrorOfStatus(
        (unsigned long) (ULONG_PTR) winOpPtr->overlapped.Internal);
    opPtr->bytes = entryPtr->dwNumberOfBytesTransferred;
    return opPtr;
}

static void
HandOverEntries(CpPort *portPtr, const OVERLAPPED_ENTRY *entries, ULONG count)
{
    ULONG i;

    AcquireSRWLockExclusive(&portLock);
    for (i = 0; i < count; i++) {
        if (entries[i].lpOverlapped != NULL) {
            HandOverLocked(OpOfEntry(&entries[i]));
        }
    }
    portPtr->helperOn = portPtr->foreign > 0;
    ReleaseSRWLockExclusive(&portLock);
}

static DWORD WINAPI
HelperMain(LPVOID param)
{
    CpPort *portPtr = param;
    OVERLAPPED_ENTRY entries[REAP_ENTRIES];
    ULONG count;

    for (;;) {
        unsigned refs;

        AcquireSRWLockExclusive(&portLock);
        while (!portPtr->helperOn && portPtr->refs > 0) {
            SleepConditionVariableSRW(&portPtr->helperCond, &portLock, INFINITE,
                0);
        }
        refs = portPtr->refs;
        ReleaseSRWLockExclusive(&portLock);
        if (refs == 0) {
            break;
        }
        if (GetQueuedCompletionStatusEx(portPtr->iocp, entries, REAP_ENTRIES,
                &count, INFINITE, FALSE)) {
            HandOverEntries(portPtr, entries, count);
        }
    }
    CloseHandle(portPtr->iocp);
    CpFree(portPtr, sizeof(CpPort));
    return 0;
}

/* ----------------------------------------------------------- ports */

/* A helper may sleep in this library's code until the process ends. */

static void
PinModule(void)
{
    HMODULE module;

    GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS
            | GET_MODULE_HANDLE_EX_FLAG_PIN,
        (LPCWSTR) (void *) &portLock, &module);
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
    portPtr = CpCalloc(sizeof(CpPort));
    if (portPtr == NULL) {
        return NULL;
    }
    portPtr->wakeProc = wakeProc;
    portPtr->clientData = clientData;
    portPtr->refs = 1;
    portPtr->reapEntries = 1;
    portPtr->ownerState = OWNER_AWAKE;
    InitializeConditionVariable(&portPtr->ownerCond);
    InitializeConditionVariable(&portPtr->helperCond);
    portPtr->iocp = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    if (portPtr->iocp == NULL) {
        goto freePort;
    }
    PinModule();
    thread = CreateThread(NULL, 65536, HelperMain, portPtr,
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

/* The last one to leave sends the helper away, which frees the port. */

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
CpPortRelease(CpPort *portPtr)
{
    CpFree(portPtr->spare.memPtr, portPtr->spare.sizeBytes);
    AcquireSRWLockExclusive(&portLock);
    assert(portPtr->inbox.firstPtr == NULL && portPtr->done.firstPtr == NULL);
    portPtr->ownerState = OWNER_GONE;
    UnrefLocked(portPtr);
    ReleaseSRWLockExclusive(&portLock);
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
    handlePtr->skips = cpWinSkipsOnSuccess
        && SetFileCompletionNotificationModes((HANDLE) handlePtr->sock,
            FILE_SKIP_COMPLETION_PORT_ON_SUCCESS
                | FILE_SKIP_SET_EVENT_ON_HANDLE);
    AcquireSRWLockExclusive(&portLock);
    portPtr->refs++;
    handlePtr->boundPtr = portPtr;
    ReleaseSRWLockExclusive(&portLock);
    return CP_OK;
}

static int
IsForeign(const CpHandle *handlePtr)
{
    return handlePtr->ownerPtr != NULL && handlePtr->boundPtr != NULL
        && handlePtr->ownerPtr != handlePtr->boundPtr;
}

void
CpWinUnbindPort(CpHandle *handlePtr)
{
    CpPort *portPtr = handlePtr->boundPtr;

    if (portPtr == NULL) {
        return;
    }
    AcquireSRWLockExclusive(&portLock);
    portPtr->foreign -= IsForeign(handlePtr);
    handlePtr->boundPtr = NULL;
    UnrefLocked(portPtr);
    ReleaseSRWLockExclusive(&portLock);
}

/* Moves a handle's operations from one list to its parked ones. */

static void
ParkOps(OpList *listPtr, CpHandle *handlePtr)
{
    OpList all = TakeAll(listPtr);
    CpOp *opPtr = all.firstPtr;

    while (opPtr != NULL) {
        CpOp *nextPtr = opPtr->nextPtr;

        if (opPtr->handlePtr == handlePtr) {
            HandOverLocked(opPtr);
        } else {
            Append(listPtr, opPtr);
        }
        opPtr = nextPtr;
    }
}

void
CpHandleMove(CpHandle *handlePtr, CpPort *portPtr)
{
    CpPort *boundPtr = handlePtr->boundPtr;
    CpPort *oldPtr = handlePtr->ownerPtr;
    CpOp *opPtr;

    if (oldPtr == portPtr) {
        return;
    }
    AcquireSRWLockExclusive(&portLock);
    if (boundPtr != NULL) {
        boundPtr->foreign -= IsForeign(handlePtr);
    }
    SetOwnerLocked(handlePtr, portPtr);
    if (boundPtr != NULL && IsForeign(handlePtr)) {
        boundPtr->foreign++;
        PutHelperOnLocked(boundPtr);
    }
    if (portPtr == NULL) {
        assert(oldPtr != NULL);
        ParkOps(&oldPtr->done, handlePtr);
        ParkOps(&oldPtr->inbox, handlePtr);
    } else {
        opPtr = TakeAll(&handlePtr->parked).firstPtr;
        while (opPtr != NULL) {
            CpOp *nextPtr = opPtr->nextPtr;

            PushLocked(portPtr, opPtr);
            opPtr = nextPtr;
        }
    }
    ReleaseSRWLockExclusive(&portLock);
}

/* ------------------------------------------------------ completion */

static unsigned
CompleteAll(OpList list)
{
    CpOp *opPtr = list.firstPtr;
    unsigned count = 0;

    while (opPtr != NULL) {
        CpOp *nextPtr = opPtr->nextPtr;

        CpWinComplete(opPtr);
        opPtr = nextPtr;
        count++;
    }
    return count;
}

unsigned
CpPortReapFinished(CpPort *portPtr)
{
    return CompleteAll(TakeAll(&portPtr->done));
}

static unsigned
CompleteEntries(CpPort *portPtr, const OVERLAPPED_ENTRY *entries, ULONG count)
{
    unsigned completed = 0;
    ULONG i;

    for (i = 0; i < count; i++) {
        CpOp *opPtr;

        if (entries[i].lpOverlapped == NULL) {
            continue; /* Woken by another thread. */
        }
        opPtr = OpOfEntry(&entries[i]);

        /* Unlocked: nobody else takes a handle away from this thread. */
        if (OwnerOf(opPtr->handlePtr) == portPtr) {
            CpWinComplete(opPtr);
            completed++;
        } else {
            CpWinHandOver(opPtr);
        }
    }
    return completed;
}

/*
 * Asks for as many completions as the last call had, and then for twice as many
 * until it gets fewer: under Wine each call looks once more than it finds, and
 * that is a request to its server. A single one is not looked behind: where one
 * connection goes to and fro there is none.
 */

static unsigned
ReapNow(CpPort *portPtr)
{
    OVERLAPPED_ENTRY entries[REAP_ENTRIES];
    OpList inbox;
    ULONG asked, count;
    unsigned completed, batch;

    AcquireSRWLockExclusive(&portLock);
    portPtr->ownerState = OWNER_AWAKE;
    inbox = TakeAll(&portPtr->inbox);
    ReleaseSRWLockExclusive(&portLock);
    completed = CpPortReapFinished(portPtr);
    if (inbox.firstPtr != NULL) {
        /* The helper has just been on the port: no need to look there. */
        return completed + CompleteAll(inbox);
    }
    for (batch = 0; batch < REAP_BATCHES; batch++) {
        asked = portPtr->reapEntries;
        if (!GetQueuedCompletionStatusEx(portPtr->iocp, entries, asked, &count,
                0, FALSE)) {
            break;
        }
        portPtr->reapEntries = count < asked ? count
            : asked < REAP_ENTRIES / 2       ? 2 * asked
                                             : REAP_ENTRIES;
        completed += CompleteEntries(portPtr, entries, count);
        if (count < asked || asked == 1) {
            break;
        }
    }
    return completed;
}

/*
 * Waits for a completion: on the completion port, or where the helper is on
 * it, for what that hands over.
 */

static unsigned
Wait(CpPort *portPtr, int timeoutMs)
{
    DWORD winTimeout = timeoutMs < 0 ? INFINITE : (DWORD) timeoutMs;
    OVERLAPPED_ENTRY entries[REAP_ENTRIES];
    ULONG count = 0;

    AcquireSRWLockExclusive(&portLock);
    if (portPtr->inbox.firstPtr != NULL || portPtr->done.firstPtr != NULL) {
        ReleaseSRWLockExclusive(&portLock);
        return 0;
    }
    if (portPtr->helperOn) {
        portPtr->ownerState = OWNER_IN_COND;
        SleepConditionVariableSRW(&portPtr->ownerCond, &portLock, winTimeout,
            0);
        portPtr->ownerState = OWNER_AWAKE;
        ReleaseSRWLockExclusive(&portLock);
        return 0;
    }
    portPtr->ownerState = OWNER_IN_PORT;
    ReleaseSRWLockExclusive(&portLock);
    if (!GetQueuedCompletionStatusEx(portPtr->iocp, entries,
            portPtr->reapEntries, &count, winTimeout, FALSE)) {
        count = 0;
    }
    AcquireSRWLockExclusive(&portLock);
    portPtr->ownerState = OWNER_AWAKE;
    ReleaseSRWLockExclusive(&portLock);
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
CpPortSleep(CpPort *portPtr)
{
    int sleeps;

    AcquireSRWLockExclusive(&portLock);
    sleeps = portPtr->inbox.firstPtr == NULL && portPtr->done.firstPtr == NULL;
    if (sleeps) {
        portPtr->ownerState = OWNER_SLEEPING;
        PutHelperOnLocked(portPtr);
    }
    ReleaseSRWLockExclusive(&portLock);
    return sleeps;
}
