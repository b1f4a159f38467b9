/*
 * worldTime.c --
 *
 *      Tcl's own clock and waits: they follow the clock of worldClock.c.
 */

#include "world.h"

#include <time.h>

#define LOOK_US 5 /* What a look at Tcl's clock takes. */

static uint64_t tclBaseUs; /* Tcl's time minus the clock. */

static uint64_t
TclNowUs(void)
{
    return tclBaseUs + WorldNowUs(LOOK_US);
}

static void
GetTclTime(Tcl_Time *timePtr, void *clientData)
{
    uint64_t us = TclNowUs();

    (void) clientData;
    timePtr->sec = (long) (us / 1000000);
    timePtr->usec = (long) (us % 1000000);
}

#if TCL_MAJOR_VERSION < 9 || (TCL_MAJOR_VERSION == 9 && TCL_MINOR_VERSION == 0)

/* Tcl_Sleep asks how long it has to sleep really: the time has passed then. */

static void
ScaleTclTime(Tcl_Time *timePtr, void *clientData)
{
    (void) clientData;
    if (timePtr->sec > 0 || timePtr->usec > 0) {
        WorldSleep(
            (uint64_t) timePtr->sec * 1000000 + (uint64_t) timePtr->usec);
    }
    timePtr->sec = 0;
    timePtr->usec = 0;
}

static void
ReplaceTclClock(void)
{
    Tcl_SetTimeProc(GetTclTime, ScaleTclTime, NULL);
}

#else

/*
 * Tcl 9.1 has no Tcl_SetTimeProc any more. It calls the following functions
 * through the dynamic linker, which takes these.
 */

void
Tcl_GetTime(Tcl_Time *timePtr)
{
    GetTclTime(timePtr, NULL);
}

long long
Tcl_GetDayTime(void)
{
    return (long long) TclNowUs();
}

long long
Tcl_GetMonotonicTime(void)
{
    return (long long) WorldNowUs(LOOK_US);
}

void
Tcl_SleepMicroSeconds(long long us)
{
    if (us > 0) {
        WorldSleep((uint64_t) us);
    }
}

static void
ReplaceTclClock(void)
{
}

#endif

void
WorldSetTclClock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    tclBaseUs = (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000
        - WorldNowUs(0);
    ReplaceTclClock();
}

/* In place of Tcl's own: a wait with a limit of time lasts that long in virtual
 * time. Its callers look again afterwards, as they must. */

void __real_Tcl_ConditionWait(Tcl_Condition *condPtr, Tcl_Mutex *mutexPtr,
    const Tcl_Time *timePtr);
void __wrap_Tcl_ConditionWait(Tcl_Condition *condPtr, Tcl_Mutex *mutexPtr,
    const Tcl_Time *timePtr);

void
__wrap_Tcl_ConditionWait(Tcl_Condition *condPtr, Tcl_Mutex *mutexPtr,
    const Tcl_Time *timePtr)
{
    if (timePtr == NULL) {
        __real_Tcl_ConditionWait(condPtr, mutexPtr, NULL);
        return;
    }
    Tcl_MutexUnlock(mutexPtr);
    WorldSleep((uint64_t) timePtr->sec * 1000000 + (uint64_t) timePtr->usec);
    Tcl_MutexLock(mutexPtr);
}
