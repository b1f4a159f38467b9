/*
 * kernelWin.c --
 *
 *      The completion ports, locks and threads of this folder's windows.h.
 */

#include <windows.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A completion port, or a file that is bound to one. */

struct WinObject {
    HANDLE boundTo; /* A file's; its user's to guard. */
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    OVERLAPPED_ENTRY *entries; /* A ring. */
    unsigned first;
    unsigned count;
    unsigned room;
};

typedef struct Start {
    LPTHREAD_START_ROUTINE proc;
    LPVOID param;
} Start;

static int threads;
static int objects;

static void
Must(int code, const char *what)
{
    if (code != 0) {
        fprintf(stderr, "FAILED: %s: %s\n", what, strerror(code));
        abort();
    }
}

static void *
Alloc(size_t sizeBytes)
{
    void *memPtr = calloc(1, sizeBytes);

    Must(memPtr == NULL ? ENOMEM : 0, "calloc");
    return memPtr;
}

/* ----------------------------------------------------------- threads */

void
AcquireSRWLockExclusive(SRWLOCK *lockPtr)
{
    Must(pthread_mutex_lock(&lockPtr->mutex), "lock");
}

void
ReleaseSRWLockExclusive(SRWLOCK *lockPtr)
{
    Must(pthread_mutex_unlock(&lockPtr->mutex), "unlock");
}

void
InitializeConditionVariable(CONDITION_VARIABLE *condPtr)
{
    Must(pthread_cond_init(&condPtr->cond, NULL), "cond_init");
}

void
WakeConditionVariable(CONDITION_VARIABLE *condPtr)
{
    Must(pthread_cond_signal(&condPtr->cond), "signal");
}

/* Whether it was in time. */

static BOOL
WaitCond(pthread_cond_t *condPtr, pthread_mutex_t *mutexPtr, DWORD ms)
{
    struct timespec until;
    int code;

    if (ms == INFINITE) {
        Must(pthread_cond_wait(condPtr, mutexPtr), "wait");
        return TRUE;
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long) (ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    code = pthread_cond_timedwait(condPtr, mutexPtr, &until);
    if (code == ETIMEDOUT) {
        return FALSE;
    }
    Must(code, "timedwait");
    return TRUE;
}

BOOL
SleepConditionVariableSRW(CONDITION_VARIABLE *condPtr, SRWLOCK *lockPtr,
    DWORD ms, ULONG flags)
{
    (void) flags;
    return WaitCond(&condPtr->cond, &lockPtr->mutex, ms);
}

static void *
ThreadMain(void *clientData)
{
    Start start = *(Start *) clientData;

    free(clientData);
    start.proc(start.param);
    __atomic_sub_fetch(&threads, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

/* The handle is for closing only. */

HANDLE
CreateThread(void *attributes, size_t stackBytes, LPTHREAD_START_ROUTINE proc,
    LPVOID param, DWORD flags, DWORD *idPtr)
{
    Start *startPtr = Alloc(sizeof(Start));
    pthread_t thread;

    (void) attributes;
    (void) stackBytes;
    (void) flags;
    (void) idPtr;
    startPtr->proc = proc;
    startPtr->param = param;
    __atomic_add_fetch(&threads, 1, __ATOMIC_SEQ_CST);
    Must(pthread_create(&thread, NULL, ThreadMain, startPtr), "create");
    Must(pthread_detach(thread), "detach");
    return TestFileNew();
}

int
TestThreads(void)
{
    return __atomic_load_n(&threads, __ATOMIC_SEQ_CST);
}

int
TestObjects(void)
{
    return __atomic_load_n(&objects, __ATOMIC_SEQ_CST);
}

LONG64
InterlockedExchangeAdd64(volatile LONG64 *valuePtr, LONG64 amount)
{
    return __atomic_fetch_add(valuePtr, amount, __ATOMIC_SEQ_CST);
}

PVOID
InterlockedExchangePointer(PVOID volatile *valuePtr, PVOID value)
{
    return __atomic_exchange_n(valuePtr, value, __ATOMIC_SEQ_CST);
}

PVOID
InterlockedCompareExchangePointer(PVOID volatile *valuePtr, PVOID value,
    PVOID expected)
{
    /* Windows' way to load: changes nothing, whatever stands there. */
    if (value == expected) {
        return __atomic_load_n(valuePtr, __ATOMIC_SEQ_CST);
    }
    __atomic_compare_exchange_n(valuePtr, &expected, value, 0, __ATOMIC_SEQ_CST,
        __ATOMIC_SEQ_CST);
    return expected;
}

/* -------------------------------------------------- completion ports */

HANDLE
TestFileNew(void)
{
    HANDLE object = Alloc(sizeof(struct WinObject));

    Must(pthread_mutex_init(&object->mutex, NULL), "mutex_init");
    Must(pthread_cond_init(&object->cond, NULL), "cond_init");
    __atomic_add_fetch(&objects, 1, __ATOMIC_SEQ_CST);
    return object;
}

HANDLE
CreateIoCompletionPort(HANDLE file, HANDLE port, ULONG_PTR key, DWORD limit)
{
    (void) key;
    (void) limit;
    if (file == INVALID_HANDLE_VALUE) {
        return TestFileNew();
    }
    file->boundTo = port;
    return port;
}

BOOL
SetFileCompletionNotificationModes(HANDLE file, unsigned char flags)
{
    (void) file;
    (void) flags;
    return TRUE;
}

static void
Post(HANDLE port, const OVERLAPPED_ENTRY *entryPtr)
{
    Must(pthread_mutex_lock(&port->mutex), "lock");
    if (port->count == port->room) {
        unsigned room = port->room == 0 ? 16 : 2 * port->room;
        OVERLAPPED_ENTRY *entries = Alloc(room * sizeof(*entries));
        unsigned i;

        for (i = 0; i < port->count; i++) {
            entries[i] = port->entries[(port->first + i) % port->room];
        }
        free(port->entries);
        port->entries = entries;
        port->room = room;
        port->first = 0;
    }
    port->entries[(port->first + port->count++) % port->room] = *entryPtr;
    Must(pthread_cond_signal(&port->cond), "signal");
    Must(pthread_mutex_unlock(&port->mutex), "unlock");
}

BOOL
PostQueuedCompletionStatus(HANDLE port, DWORD bytes, ULONG_PTR key,
    OVERLAPPED *overlappedPtr)
{
    OVERLAPPED_ENTRY entry = {key, overlappedPtr, 0, bytes};

    Post(port, &entry);
    return TRUE;
}

void
TestFileComplete(HANDLE file, OVERLAPPED *overlappedPtr, ULONG_PTR status,
    DWORD bytes)
{
    OVERLAPPED_ENTRY entry = {0, overlappedPtr, status, bytes};

    overlappedPtr->Internal = status;
    overlappedPtr->InternalHigh = bytes;
    Post(file->boundTo, &entry);
}

BOOL
GetQueuedCompletionStatusEx(HANDLE port, OVERLAPPED_ENTRY *entries, ULONG room,
    ULONG *countPtr, DWORD ms, BOOL alertable)
{
    ULONG count = 0;

    (void) alertable;
    Must(pthread_mutex_lock(&port->mutex), "lock");
    while (port->count == 0 && ms != 0) {
        if (!WaitCond(&port->cond, &port->mutex, ms)) {
            break;
        }
    }
    while (port->count > 0 && count < room) {
        entries[count++] = port->entries[port->first];
        port->first = (port->first + 1) % port->room;
        port->count--;
    }
    Must(pthread_mutex_unlock(&port->mutex), "unlock");
    *countPtr = count;
    return count > 0;
}

BOOL
CloseHandle(HANDLE handle)
{
    Must(pthread_mutex_destroy(&handle->mutex), "mutex_destroy");
    Must(pthread_cond_destroy(&handle->cond), "cond_destroy");
    free(handle->entries);
    free(handle);
    __atomic_sub_fetch(&objects, 1, __ATOMIC_SEQ_CST);
    return TRUE;
}

/* ------------------------------------------------------------- others */

DWORD
GetLastError(void)
{
    return 0;
}

uint64_t
GetTickCount64(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}

BOOL
GetModuleHandleExW(DWORD flags, LPCWSTR name, HMODULE *modulePtr)
{
    (void) flags;
    (void) name;
    *modulePtr = NULL;
    return TRUE;
}
