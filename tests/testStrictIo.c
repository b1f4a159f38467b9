/*
 * testStrictIo.c --
 *
 *      Overlapped I/O as Windows does it, for tests. testStrict.c has the
 *      command, and says how these functions get between the driver and the
 *      system. Extension functions such as ConnectEx have no name to wrap: the
 *      driver asks WSAIoctl for them, and gets those of this file.
 *
 *      A refused connect is reported only after the time for which Windows
 *      repeats it (the setting "refusals"), unless the socket forbids that.
 *      Until then its completion is removed from those that the driver
 *      dequeues. (Windows would also connect if somebody began to listen.)
 *
 *      The process has a number of slots for TransmitFile ("slots"). Further
 *      calls pend, and begin when a slot is free. TransmitFile moves the
 *      position of its file handle.
 */

#define WIN32_NO_STATUS /* ntstatus.h has them all. */
#include "testStrict.h"
#undef WIN32_NO_STATUS

#include <winternl.h>
#include <ntstatus.h>

#define SOCK_BUCKETS 256

/* A socket of the driver. */

typedef struct Sock {
    SOCKET sock;
    HANDLE port; /* NULL before it is bound to one. */
    ULONG_PTR key;
    int skips;
    int refusesAtOnce;
    struct Sock *nextPtr;
} Sock;

typedef enum CallState {
    CALL_BEGUN,   /* The system has it. */
    CALL_WAITING, /* A TransmitFile without a slot. */
    CALL_LATE     /* A refused ConnectEx, held back. */
} CallState;

/* A ConnectEx or TransmitFile that the driver waits for. */

typedef struct Call {
    CallState state;
    SOCKET sock;
    HANDLE port;
    ULONG_PTR key;
    int skips; /* Copied from the socket. */
    OVERLAPPED *overlappedPtr;
    ULONGLONG startMs;
    HANDLE file; /* NULL for a ConnectEx. */
    DWORD bytes;
    PTP_TIMER timer; /* While it is late. */
    ULONG_PTR number;
    struct Call *nextPtr; /* In the order of their submits. */
} Call;

/* Guards the following. It is held during calls that do not wait. */
static SRWLOCK ioLock = SRWLOCK_INIT;
static Sock *sockBuckets[SOCK_BUCKETS];
static Call *firstCallPtr = NULL;
static ULONG_PTR lastNumber = 0;

static LPFN_CONNECTEX realConnectEx;
static LPFN_TRANSMITFILE realTransmitFile;

/* ------------------------------------------------------------ sockets */

static Sock **
SockLink(SOCKET sock)
{
    Sock **linkPtr = &sockBuckets[(sock >> 2) % SOCK_BUCKETS];

    while (*linkPtr != NULL && (*linkPtr)->sock != sock) {
        linkPtr = &(*linkPtr)->nextPtr;
    }
    return linkPtr;
}

void
StrictIoOpened(SOCKET sock)
{
    Sock *sockPtr = HeapAlloc(GetProcessHeap(), 0, sizeof(Sock));
    Sock **linkPtr;

    AcquireSRWLockExclusive(&ioLock);
    linkPtr = SockLink(sock);
    *sockPtr = (Sock){.sock = sock, .nextPtr = *linkPtr};
    *linkPtr = sockPtr;
    ReleaseSRWLockExclusive(&ioLock);
}

void
StrictIoSkips(SOCKET sock)
{
    Sock *sockPtr;

    AcquireSRWLockExclusive(&ioLock);
    sockPtr = *SockLink(sock);
    if (sockPtr != NULL) {
        sockPtr->skips = 1;
    }
    ReleaseSRWLockExclusive(&ioLock);
}

void
StrictIoRefusesAtOnce(SOCKET sock)
{
    Sock *sockPtr;

    AcquireSRWLockExclusive(&ioLock);
    sockPtr = *SockLink(sock);
    if (sockPtr != NULL) {
        sockPtr->refusesAtOnce = 1;
    }
    ReleaseSRWLockExclusive(&ioLock);
}

/* Returns how long a refused connect of the socket takes. */

static ULONGLONG
RefusalMsLocked(SOCKET sock)
{
    const Sock *sockPtr = *SockLink(sock);

    return sockPtr != NULL && sockPtr->refusesAtOnce
        ? 0
        : (ULONGLONG) strictSettings[STRICT_REFUSALS];
}

/* -------------------------------------------------------------- calls */

/* The driver has bound the socket to its port. */

static Call *
NewCallLocked(SOCKET sock, OVERLAPPED *overlappedPtr)
{
    Call *callPtr = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof(Call));
    const Sock *sockPtr = *SockLink(sock);
    Call **linkPtr = &firstCallPtr;

    callPtr->sock = sock;
    if (sockPtr != NULL) {
        callPtr->port = sockPtr->port;
        callPtr->key = sockPtr->key;
        callPtr->skips = sockPtr->skips;
    }
    callPtr->overlappedPtr = overlappedPtr;
    callPtr->startMs = GetTickCount64();
    callPtr->number = ++lastNumber;
    while (*linkPtr != NULL) {
        linkPtr = &(*linkPtr)->nextPtr;
    }
    *linkPtr = callPtr;
    return callPtr;
}

static void
FreeCallLocked(Call *callPtr)
{
    Call **linkPtr = &firstCallPtr;

    while (*linkPtr != callPtr) {
        linkPtr = &(*linkPtr)->nextPtr;
    }
    *linkPtr = callPtr->nextPtr;
    if (callPtr->timer != NULL) {
        CloseThreadpoolTimer(callPtr->timer);
    }
    HeapFree(GetProcessHeap(), 0, callPtr);
}

/* Completes a call through the port, with this status or its own. */

static void
PostLocked(const Call *callPtr, NTSTATUS status)
{
    OVERLAPPED *overlappedPtr = callPtr->overlappedPtr;

    if (status != STATUS_PENDING) {
        overlappedPtr->Internal = (ULONG) status;
        overlappedPtr->InternalHigh = 0;
    }
    PostQueuedCompletionStatus(callPtr->port,
        (DWORD) overlappedPtr->InternalHigh, callPtr->key, overlappedPtr);
}

/* ------------------------------------------------------- TransmitFile */

/* Returns what TransmitFile returns, and sets its error. */

static BOOL
TransmitLocked(Call *callPtr)
{
    OVERLAPPED *overlappedPtr = callPtr->overlappedPtr;
    LARGE_INTEGER position;
    BOOL ok;
    int code;

    position.LowPart = overlappedPtr->Offset;
    position.HighPart = (LONG) overlappedPtr->OffsetHigh;
    position.QuadPart += callPtr->bytes;
    callPtr->state = CALL_BEGUN;
    ok = realTransmitFile(callPtr->sock, callPtr->file, callPtr->bytes, 0,
        overlappedPtr, NULL, 0);
    code = WSAGetLastError();
    SetFilePointerEx(callPtr->file, position, NULL, FILE_BEGIN);
    WSASetLastError(code);
    return ok;
}

/* Returns whether the completion of a begun call comes through the port. */

static int
IsQueued(const Call *callPtr, BOOL ok)
{
    return ok ? !callPtr->skips : WSAGetLastError() == WSA_IO_PENDING;
}

static LONG
SlotsInUseLocked(void)
{
    const Call *callPtr;
    LONG count = 0;

    for (callPtr = firstCallPtr; callPtr != NULL; callPtr = callPtr->nextPtr) {
        count += callPtr->file != NULL && callPtr->state == CALL_BEGUN;
    }
    return count;
}

static int
IsSlotFreeLocked(void)
{
    LONG slots = strictSettings[STRICT_SLOTS];

    return slots == 0 || SlotsInUseLocked() < slots;
}

/* A call that does not pend when it begins late completes by our own packet. */

static void
BeginWaitingLocked(void)
{
    Call *callPtr, *nextPtr;

    for (callPtr = firstCallPtr; callPtr != NULL; callPtr = nextPtr) {
        BOOL ok;

        nextPtr = callPtr->nextPtr;
        if (callPtr->state != CALL_WAITING || !IsSlotFreeLocked()) {
            continue;
        }
        ok = TransmitLocked(callPtr);
        if (!IsQueued(callPtr, ok)) {
            PostLocked(callPtr,
                ok ? STATUS_PENDING
                   : (NTSTATUS) HRESULT_FROM_WIN32(WSAGetLastError())
                        | (NTSTATUS) 0x40000000);
            FreeCallLocked(callPtr);
        }
    }
}

/* The driver always gives the bytes and the OVERLAPPED, nothing else. */

static BOOL PASCAL
StrictTransmitFile(SOCKET sock, HANDLE file, DWORD bytes, DWORD bytesPerSend,
    OVERLAPPED *overlappedPtr, TRANSMIT_FILE_BUFFERS *buffersPtr, DWORD flags)
{
    Call *callPtr;
    BOOL ok = FALSE;

    (void) bytesPerSend;
    (void) buffersPtr;
    (void) flags;
    if (StrictFails(STRICT_SENDFAILS)) {
        return FALSE;
    }
    AcquireSRWLockExclusive(&ioLock);
    callPtr = NewCallLocked(sock, overlappedPtr);
    callPtr->file = file;
    callPtr->bytes = bytes;
    callPtr->state = CALL_WAITING;
    if (IsSlotFreeLocked()) {
        ok = TransmitLocked(callPtr);
        if (!IsQueued(callPtr, ok)) {
            int code = WSAGetLastError();

            FreeCallLocked(callPtr);
            WSASetLastError(code);
        }
    } else {
        overlappedPtr->Internal = STATUS_PENDING;
        WSASetLastError(WSA_IO_PENDING);
    }
    ReleaseSRWLockExclusive(&ioLock);
    return ok;
}

/* ----------------------------------------------------------- connects */

static VOID CALLBACK
LateIsDue(PTP_CALLBACK_INSTANCE instance, PVOID context, PTP_TIMER timer)
{
    Call *callPtr;

    (void) instance;
    (void) timer;
    AcquireSRWLockExclusive(&ioLock);
    for (callPtr = firstCallPtr; callPtr != NULL; callPtr = callPtr->nextPtr) {
        if (callPtr->number == (ULONG_PTR) context) {
            PostLocked(callPtr, STATUS_PENDING);
            FreeCallLocked(callPtr);
            break;
        }
    }
    ReleaseSRWLockExclusive(&ioLock);
}

/* Returns whether a finished connect must be late; then it is posted later. */

static int
MakeLateLocked(Call *callPtr)
{
    ULONGLONG pastMs = GetTickCount64() - callPtr->startMs;
    ULONGLONG wholeMs = RefusalMsLocked(callPtr->sock);
    ULARGE_INTEGER due;
    FILETIME fileTime;

    if ((ULONG) callPtr->overlappedPtr->Internal
            != (ULONG) STATUS_CONNECTION_REFUSED
        || pastMs >= wholeMs) {
        return 0;
    }
    callPtr->timer = CreateThreadpoolTimer(LateIsDue, (PVOID) callPtr->number,
        NULL);
    if (callPtr->timer == NULL) {
        return 0;
    }
    callPtr->state = CALL_LATE;
    /* Relative times are below 0, in units of 100 ns. */
    due.QuadPart = (ULONGLONG) - (LONGLONG) ((wholeMs - pastMs) * 10000);
    fileTime.dwLowDateTime = due.LowPart;
    fileTime.dwHighDateTime = due.HighPart;
    SetThreadpoolTimer(callPtr->timer, &fileTime, 0, 0);
    return 1;
}

static BOOL PASCAL
StrictConnectEx(SOCKET sock, const SOCKADDR *addrPtr, int length, void *bufPtr,
    DWORD bufBytes, DWORD *sentPtr, OVERLAPPED *overlappedPtr)
{
    Call *callPtr;
    BOOL ok;

    if (StrictFails(STRICT_CONNECTFAILS)) {
        return FALSE;
    }
    AcquireSRWLockExclusive(&ioLock);
    callPtr = NewCallLocked(sock, overlappedPtr);
    ok = realConnectEx(sock, addrPtr, length, bufPtr, bufBytes, sentPtr,
        overlappedPtr);
    if (!IsQueued(callPtr, ok)) {
        int code = WSAGetLastError();

        FreeCallLocked(callPtr);
        WSASetLastError(code);
    }
    ReleaseSRWLockExclusive(&ioLock);
    return ok;
}

/* The procedures are pointers to functions of these types. */

void
StrictIoExtension(const GUID *guidPtr, void *procPtrPtr)
{
    static const GUID acceptEx = WSAID_ACCEPTEX;
    static const GUID connectEx = WSAID_CONNECTEX;
    static const GUID transmitFile = WSAID_TRANSMITFILE;

    if (IsEqualGUID(guidPtr, &acceptEx)) {
        LPFN_ACCEPTEX *acceptPtr = procPtrPtr;

        *acceptPtr = StrictFailAcceptEx(*acceptPtr);
    } else if (IsEqualGUID(guidPtr, &connectEx)) {
        LPFN_CONNECTEX *connectPtr = procPtrPtr;

        realConnectEx = *connectPtr;
        *connectPtr = StrictConnectEx;
    } else if (IsEqualGUID(guidPtr, &transmitFile)) {
        LPFN_TRANSMITFILE *transmitPtr = procPtrPtr;

        realTransmitFile = *transmitPtr;
        *transmitPtr = StrictTransmitFile;
    }
}

/* --------------------------------------------- functions with a name */

typedef int WSAAPI ConnectProc(SOCKET sock, const SOCKADDR *addrPtr,
    int length);
typedef int WSAAPI CloseProc(SOCKET sock);
typedef HANDLE WINAPI PortProc(HANDLE file, HANDLE port, ULONG_PTR key,
    DWORD threads);
typedef BOOL WINAPI DequeueProc(HANDLE port, OVERLAPPED_ENTRY *entries,
    ULONG most, ULONG *countPtr, DWORD timeoutMs, BOOL alertable);
typedef BOOL WINAPI CancelProc(HANDLE handle, OVERLAPPED *overlappedPtr);

extern ConnectProc *__real___imp_connect;
extern CloseProc *__real___imp_closesocket;
extern PortProc *__real___imp_CreateIoCompletionPort;
extern DequeueProc *__real___imp_GetQueuedCompletionStatusEx;
extern CancelProc *__real___imp_CancelIoEx;

static int WSAAPI
StrictConnect(SOCKET sock, const SOCKADDR *addrPtr, int length)
{
    ULONGLONG startMs = GetTickCount64();
    ULONGLONG wholeMs, pastMs;
    int code;

    if (__real___imp_connect(sock, addrPtr, length) == 0) {
        return 0;
    }
    code = WSAGetLastError();
    AcquireSRWLockShared(&ioLock);
    wholeMs = RefusalMsLocked(sock);
    ReleaseSRWLockShared(&ioLock);
    pastMs = GetTickCount64() - startMs;
    if (code == WSAECONNREFUSED && pastMs < wholeMs) {
        Sleep((DWORD) (wholeMs - pastMs));
    }
    WSASetLastError(code);
    return SOCKET_ERROR;
}

static int WSAAPI
StrictClose(SOCKET sock)
{
    Sock **linkPtr, *sockPtr;

    AcquireSRWLockExclusive(&ioLock);
    linkPtr = SockLink(sock);
    sockPtr = *linkPtr;
    if (sockPtr != NULL) {
        *linkPtr = sockPtr->nextPtr;
        HeapFree(GetProcessHeap(), 0, sockPtr);
    }
    ReleaseSRWLockExclusive(&ioLock);
    return __real___imp_closesocket(sock);
}

static HANDLE WINAPI
StrictPort(HANDLE file, HANDLE port, ULONG_PTR key, DWORD threads)
{
    HANDLE result = __real___imp_CreateIoCompletionPort(file, port, key,
        threads);
    Sock *sockPtr;

    AcquireSRWLockExclusive(&ioLock);
    sockPtr = *SockLink((SOCKET) file);
    if (sockPtr != NULL && result != NULL) {
        sockPtr->port = result;
        sockPtr->key = key;
    }
    ReleaseSRWLockExclusive(&ioLock);
    return result;
}

/* Removes the completions that must be late. Returns how many are left. */

static ULONG
TakeLate(OVERLAPPED_ENTRY *entries, ULONG count)
{
    ULONG i, kept = 0;

    AcquireSRWLockExclusive(&ioLock);
    for (i = 0; i < count; i++) {
        Call *callPtr = firstCallPtr;

        while (callPtr != NULL
            && callPtr->overlappedPtr != entries[i].lpOverlapped) {
            callPtr = callPtr->nextPtr;
        }
        if (callPtr != NULL) {
            if (callPtr->file == NULL && MakeLateLocked(callPtr)) {
                continue;
            }
            FreeCallLocked(callPtr);
        }
        entries[kept++] = entries[i];
    }
    BeginWaitingLocked();
    ReleaseSRWLockExclusive(&ioLock);
    return kept;
}

static BOOL WINAPI
StrictDequeue(HANDLE port, OVERLAPPED_ENTRY *entries, ULONG most,
    ULONG *countPtr, DWORD timeoutMs, BOOL alertable)
{
    ULONGLONG endMs = GetTickCount64() + timeoutMs;
    DWORD leftMs = timeoutMs;

    for (;;) {
        ULONGLONG nowMs;

        if (!__real___imp_GetQueuedCompletionStatusEx(port, entries, most,
                countPtr, leftMs, alertable)) {
            return FALSE;
        }
        *countPtr = TakeLate(entries, *countPtr);
        if (*countPtr > 0) {
            return TRUE;
        }
        nowMs = GetTickCount64();
        if (timeoutMs != INFINITE) {
            leftMs = nowMs < endMs ? (DWORD) (endMs - nowMs) : 0;
        }
    }
}

static BOOL WINAPI
StrictCancel(HANDLE handle, OVERLAPPED *overlappedPtr)
{
    Call *callPtr, *nextPtr;
    int any = 0;

    AcquireSRWLockExclusive(&ioLock);
    for (callPtr = firstCallPtr; callPtr != NULL; callPtr = nextPtr) {
        nextPtr = callPtr->nextPtr;
        if (callPtr->sock == (SOCKET) handle && callPtr->state != CALL_BEGUN
            && (overlappedPtr == NULL
                || overlappedPtr == callPtr->overlappedPtr)) {
            PostLocked(callPtr, STATUS_CANCELLED);
            FreeCallLocked(callPtr);
            any = 1;
        }
    }
    ReleaseSRWLockExclusive(&ioLock);
    return __real___imp_CancelIoEx(handle, overlappedPtr) || any;
}

extern ConnectProc *__wrap___imp_connect;
extern CloseProc *__wrap___imp_closesocket;
extern PortProc *__wrap___imp_CreateIoCompletionPort;
extern DequeueProc *__wrap___imp_GetQueuedCompletionStatusEx;
extern CancelProc *__wrap___imp_CancelIoEx;

ConnectProc *__wrap___imp_connect = StrictConnect;
CloseProc *__wrap___imp_closesocket = StrictClose;
PortProc *__wrap___imp_CreateIoCompletionPort = StrictPort;
DequeueProc *__wrap___imp_GetQueuedCompletionStatusEx = StrictDequeue;
CancelProc *__wrap___imp_CancelIoEx = StrictCancel;
