/*
 * syncWin.c --
 *
 *      The locks, atomic operations and clocks of this folder's windows.h.
 */

#include "kernelWin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void
TestMust(int code, const char *what)
{
    if (code != 0) {
        fprintf(stderr, "FAILED: %s: %s\n", what, strerror(code));
        abort();
    }
}

BOOL
TestWaitCond(pthread_cond_t *condPtr, pthread_mutex_t *mutexPtr, DWORD ms)
{
    struct timespec until;
    int code;

    if (ms == INFINITE) {
        TestMust(pthread_cond_wait(condPtr, mutexPtr), "wait");
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
    TestMust(code, "timedwait");
    return TRUE;
}

/* ----------------------------------------------------------------- locks */

void
InitializeSRWLock(SRWLOCK *lockPtr)
{
    TestMust(pthread_mutex_init(&lockPtr->mutex, NULL), "mutex_init");
    TestMust(pthread_cond_init(&lockPtr->noReaders, NULL), "cond_init");
    lockPtr->readers = 0;
}

void
AcquireSRWLockExclusive(SRWLOCK *lockPtr)
{
    TestMust(pthread_mutex_lock(&lockPtr->mutex), "lock");
    while (lockPtr->readers > 0) {
        TestMust(pthread_cond_wait(&lockPtr->noReaders, &lockPtr->mutex),
            "wait");
    }
}

void
ReleaseSRWLockExclusive(SRWLOCK *lockPtr)
{
    TestMust(pthread_mutex_unlock(&lockPtr->mutex), "unlock");
}

void
AcquireSRWLockShared(SRWLOCK *lockPtr)
{
    TestMust(pthread_mutex_lock(&lockPtr->mutex), "lock");
    lockPtr->readers++;
    TestMust(pthread_mutex_unlock(&lockPtr->mutex), "unlock");
}

void
ReleaseSRWLockShared(SRWLOCK *lockPtr)
{
    TestMust(pthread_mutex_lock(&lockPtr->mutex), "lock");
    if (--lockPtr->readers == 0) {
        TestMust(pthread_cond_broadcast(&lockPtr->noReaders), "broadcast");
    }
    TestMust(pthread_mutex_unlock(&lockPtr->mutex), "unlock");
}

void
InitializeConditionVariable(CONDITION_VARIABLE *condPtr)
{
    TestMust(pthread_cond_init(&condPtr->cond, NULL), "cond_init");
}

void
WakeConditionVariable(CONDITION_VARIABLE *condPtr)
{
    TestMust(pthread_cond_signal(&condPtr->cond), "signal");
}

BOOL
SleepConditionVariableSRW(CONDITION_VARIABLE *condPtr, SRWLOCK *lockPtr,
    DWORD ms, ULONG flags)
{
    BOOL inTime;

    (void) flags;
    TestBlock(1);
    inTime = TestWaitCond(&condPtr->cond, &lockPtr->mutex, ms);
    TestBlock(0);
    return inTime;
}

/* ----------------------------------------------------- atomic operations */

LONG64
InterlockedExchangeAdd64(volatile LONG64 *valuePtr, LONG64 amount)
{
    return __atomic_fetch_add(valuePtr, amount, __ATOMIC_SEQ_CST);
}

LONG64
InterlockedExchange64(volatile LONG64 *valuePtr, LONG64 value)
{
    return __atomic_exchange_n(valuePtr, value, __ATOMIC_SEQ_CST);
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

/* -------------------------------------------------------------- the rest */

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
QueryPerformanceFrequency(LARGE_INTEGER *valuePtr)
{
    valuePtr->QuadPart = 1000000000;
    return TRUE;
}

BOOL
QueryPerformanceCounter(LARGE_INTEGER *valuePtr)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    valuePtr->QuadPart = (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
    return TRUE;
}

BOOL
GetModuleHandleExW(DWORD flags, LPCWSTR name, HMODULE *modulePtr)
{
    (void) flags;
    (void) name;
    *modulePtr = NULL;
    return TRUE;
}
