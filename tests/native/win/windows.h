/*
 * windows.h --
 *
 *      As much of Windows as win/cpPortWin.c calls, over POSIX threads: the
 *      file itself, not a copy of its ideas, runs under ThreadSanitizer.
 *      kernelWin.c and syncWin.c implement it.
 */

#ifndef TEST_WINDOWS_H
#define TEST_WINDOWS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

typedef int BOOL;
typedef uint32_t DWORD;
typedef uint32_t ULONG;
typedef int64_t LONG64;
typedef uintptr_t ULONG_PTR;
typedef struct LARGE_INTEGER {
    int64_t QuadPart;
} LARGE_INTEGER;
typedef void *LPVOID;
typedef void *PVOID;
typedef const wchar_t *LPCWSTR;
typedef struct WinObject *HANDLE;
typedef struct WinModule *HMODULE;
typedef struct WinTimer *PTP_TIMER;

#define TRUE 1
#define FALSE 0
#define WINAPI
#define INFINITE 0xffffffffu
#define INVALID_HANDLE_VALUE ((HANDLE) (intptr_t) -1)
#define STACK_SIZE_PARAM_IS_A_RESERVATION 0x10000u
#define GET_MODULE_HANDLE_EX_FLAG_PIN 1u
#define GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS 4u
#define FILE_SKIP_COMPLETION_PORT_ON_SUCCESS 1

/* ----------------------------------------------------------- threads */

typedef DWORD(WINAPI *LPTHREAD_START_ROUTINE)(LPVOID param);

typedef struct SRWLOCK {
    pthread_mutex_t mutex; /* Held by an exclusive holder. */
    pthread_cond_t noReaders;
    unsigned readers;
} SRWLOCK;

typedef struct CONDITION_VARIABLE {
    pthread_cond_t cond;
} CONDITION_VARIABLE;

#define SRWLOCK_INIT \
    { \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 \
    }

void InitializeSRWLock(SRWLOCK *lockPtr);
void AcquireSRWLockExclusive(SRWLOCK *lockPtr);
void ReleaseSRWLockExclusive(SRWLOCK *lockPtr);
void AcquireSRWLockShared(SRWLOCK *lockPtr);
void ReleaseSRWLockShared(SRWLOCK *lockPtr);
void InitializeConditionVariable(CONDITION_VARIABLE *condPtr);
void WakeConditionVariable(CONDITION_VARIABLE *condPtr);
BOOL SleepConditionVariableSRW(CONDITION_VARIABLE *condPtr, SRWLOCK *lockPtr,
    DWORD ms, ULONG flags);
HANDLE CreateThread(void *attributes, size_t stackBytes,
    LPTHREAD_START_ROUTINE proc, LPVOID param, DWORD flags, DWORD *idPtr);
LONG64 InterlockedExchangeAdd64(volatile LONG64 *valuePtr, LONG64 amount);
PVOID InterlockedExchangePointer(PVOID volatile *valuePtr, PVOID value);
PVOID InterlockedCompareExchangePointer(PVOID volatile *valuePtr, PVOID value,
    PVOID expected);

/* -------------------------------------------------- completion ports */

typedef struct OVERLAPPED {
    ULONG_PTR Internal;
    ULONG_PTR InternalHigh;
    uint64_t Offset;
    HANDLE hEvent;
} OVERLAPPED;

typedef struct OVERLAPPED_ENTRY {
    ULONG_PTR lpCompletionKey;
    OVERLAPPED *lpOverlapped;
    ULONG_PTR Internal;
    DWORD dwNumberOfBytesTransferred;
} OVERLAPPED_ENTRY;

HANDLE CreateIoCompletionPort(HANDLE file, HANDLE port, ULONG_PTR key,
    DWORD threads);
BOOL GetQueuedCompletionStatusEx(HANDLE port, OVERLAPPED_ENTRY *entries,
    ULONG room, ULONG *countPtr, DWORD ms, BOOL alertable);
BOOL PostQueuedCompletionStatus(HANDLE port, DWORD bytes, ULONG_PTR key,
    OVERLAPPED *overlappedPtr);
BOOL SetFileCompletionNotificationModes(HANDLE file, unsigned char flags);
BOOL CloseHandle(HANDLE handle);

/* ------------------------------------------------------------- others */

DWORD GetLastError(void);
uint64_t GetTickCount64(void);
BOOL QueryPerformanceFrequency(LARGE_INTEGER *valuePtr);
BOOL QueryPerformanceCounter(LARGE_INTEGER *valuePtr);
LONG64 InterlockedExchange64(volatile LONG64 *valuePtr, LONG64 value);
BOOL GetModuleHandleExW(DWORD flags, LPCWSTR name, HMODULE *modulePtr);

/* Winsock: just what cpWin.h declares with. */
typedef HANDLE SOCKET;
struct sockaddr_in6 {
    unsigned char bytes[28];
};
typedef void *LPFN_ACCEPTEX;
typedef void *LPFN_CONNECTEX;
typedef void *LPFN_GETACCEPTEXSOCKADDRS;
typedef void *LPFN_TRANSMITFILE;

/* ---------------------------------------------- for tests only */

/* A file. Its operations complete at the port that it is bound to. */
HANDLE TestFileNew(void);

/* The system completes an operation on it. */
void TestFileComplete(HANDLE file, OVERLAPPED *overlappedPtr, ULONG_PTR status,
    DWORD bytes);

/* The calling thread begins or ends to block in another function than those
 * above. */
void TestBlock(int on);

/* Completion ports behave as Wine's; otherwise as those of Windows. */
void TestPortsRace(int on);

/* Of the port that a file is bound to: how many threads wait on it, and how
 * often a thread of CreateThread that belongs to it has begun to block. */
unsigned TestPortWaiters(HANDLE file);
unsigned TestHelperWaits(HANDLE file);

/* Posts a packet that no operation of ours belongs to on that port. */
void TestPostStale(HANDLE file, OVERLAPPED *overlappedPtr);

/* Threads of CreateThread that run. */
int TestThreads(void);

/* Completion ports and files open. */
int TestObjects(void);

#endif /* TEST_WINDOWS_H */
