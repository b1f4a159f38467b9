/*
 * worldPort.c --
 *
 *      Stands between the driver and the simulator (the linker's --wrap, from
 *      the list of CALL and VOID_CALL below): one thread at a time is in the
 *      simulator, its clock is the world's, and a thread that waits for its
 *      port waits like all others. A completed operation's proc runs outside,
 *      so that the driver's threads hold no lock of the simulator's while they
 *      touch what is their own.
 */

#include "world.h"

#include "cpSimInt.h"
#include "cpUdpPort.h"

#include <pthread.h>

/* The suites expect as much of a connection as systems have it. */
#define WINDOW_BYTES 2097152
#define BACKLOG 1000

static pthread_mutex_t worldMutex = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local unsigned depth;

/* ------------------------------------------------------- in and out */

void
WorldSimCatchUp(void)
{
    uint64_t nowMs;

    WorldEnter();
    nowMs = WorldNowUs(0) / 1000;
    /* What is due at once happens even where no time has passed. */
    CpSimAdvance(nowMs > simNowMs ? (uint32_t) (nowMs - simNowMs) : 0);
    WorldLeave();
}

void
WorldEnter(void)
{
    if (depth++ == 0) {
        pthread_mutex_lock(&worldMutex);
        WorldSimCatchUp();
    }
}

/* Some of the simulator's calls let time pass themselves. */

void
WorldLeave(void)
{
    if (depth == 1) {
        WorldRaiseClock(simNowMs * 1000);
        pthread_mutex_unlock(&worldMutex);
    }
    depth--;
}

unsigned
WorldLeaveAll(void)
{
    unsigned times = depth;

    if (times > 0) {
        depth = 1;
        WorldLeave();
    }
    return times;
}

void
WorldEnterAgain(unsigned times)
{
    if (times > 0) {
        WorldEnter();
        depth = times;
    }
}

uint64_t
WorldSimNextUs(void)
{
    uint64_t us = WORLD_NEVER;
    int64_t ms;

    WorldEnter();
    ms = CpSimNextMs();
    if (ms >= 0) {
        us = (simNowMs + (uint64_t) ms) * 1000;
    }
    WorldLeave();
    return us;
}

void
WorldBegin(void)
{
    WorldSetNotifier();
    WorldSetTclClock();
    CpSimStart(1, NULL);
    CpSimSetWindow(WINDOW_BYTES);
}

void
WorldEnd(void)
{
    if (!WorldHasThreads()) {
        CpSimEnd();
    }
}

/* ---------------------------------------------------- calls of the contract */

#define CALL(type, name, params, args) \
    type __real_##name params; \
    type __wrap_##name params; \
    type __wrap_##name params \
    { \
        type result; \
\
        WorldEnter(); \
        result = __real_##name args; \
        WorldLeave(); \
        return result; \
    }

#define VOID_CALL(name, params, args) \
    void __real_##name params; \
    void __wrap_##name params; \
    void __wrap_##name params \
    { \
        WorldEnter(); \
        __real_##name args; \
        WorldLeave(); \
    }

/* clang-format off */
CALL(CpPort *, CpPortNew, (CpWakeProc *a, void *b, CpError *c), (a, b, c))
VOID_CALL(CpPortRelease, (CpPort *a), (a))
CALL(unsigned, CpPortReapFinished, (CpPort *a), (a))
CALL(int, CpPortSleep, (CpPort *a, int64_t b), (a, b))
VOID_CALL(CpPortRemind, (CpPort *a), (a))
VOID_CALL(CpPortRecall, (CpPort *a), (a))
CALL(CpError, CpHandleOpen, (CpPort *a, const CpAddr *b, CpHandle **c),
    (a, b, c))
CALL(CpError, CpHandleOpenResolver, (CpPort *a, CpHandle **b), (a, b))
CALL(CpError, CpHandleBind, (CpHandle *a, const CpAddr *b), (a, b))
CALL(CpError, CpHandleShutdown, (CpHandle *a, int b), (a, b))
VOID_CALL(CpHandleClose, (CpHandle *a), (a))
VOID_CALL(CpHandleAbort, (CpHandle *a), (a))
VOID_CALL(CpHandleMove, (CpHandle *a, CpPort *b), (a, b))
CALL(CpError, CpHandleSetOpt, (CpHandle *a, CpSockOpt b, int c), (a, b, c))
CALL(CpError, CpHandleGetOpt, (CpHandle *a, CpSockOpt b, int *c), (a, b, c))
CALL(CpError, CpHandleLocal, (CpHandle *a, CpAddr *b), (a, b))
CALL(CpError, CpHandlePeer, (CpHandle *a, CpAddr *b), (a, b))
CALL(int, CpHandleHasData, (CpHandle *a), (a))
VOID_CALL(CpSubmitAccept, (CpHandle *a, CpAcceptOp *b), (a, b))
VOID_CALL(CpSubmitConnect, (CpHandle *a, CpOp *b, const CpAddr *c, int d),
    (a, b, c, d))
VOID_CALL(CpSubmitRecv, (CpHandle *a, CpOp *b, void *c, size_t d), (a, b, c, d))
VOID_CALL(CpSubmitSend, (CpHandle *a, CpOp *b, const void *c, size_t d),
    (a, b, c, d))
VOID_CALL(CpSubmitResolve, (CpHandle *a, CpResolveOp *b, const CpTarget *c),
    (a, b, c))
VOID_CALL(CpCancel, (CpHandle *a, CpOp *b), (a, b))
CALL(CpError, CpTryRecv, (CpHandle *a, void *b, size_t c, size_t *d),
    (a, b, c, d))
CALL(CpError, CpTrySend, (CpHandle *a, const void *b, size_t c, size_t *d),
    (a, b, c, d))
CALL(CpError, CpTryPeek, (CpHandle *a, size_t *b), (a, b))
CALL(CpError, CpUdpHandleOpen, (CpPort *a, const CpAddr *b, CpHandle **c),
    (a, b, c))
VOID_CALL(CpUdpHandleClose, (CpHandle *a), (a))
CALL(CpError, CpUdpHandleConnect, (CpHandle *a, const CpAddr *b), (a, b))
VOID_CALL(CpSubmitRecvFrom, (CpHandle *a, CpOp *b, void *c), (a, b, c))
CALL(CpError, CpTryRecvFrom,
    (CpHandle *a, void *b, size_t c, size_t *d, CpUdpInfo *e), (a, b, c, d, e))
VOID_CALL(CpSubmitSendTo,
    (CpHandle *a, CpOp *b, const void *c, size_t d, const CpAddr *e),
    (a, b, c, d, e))
CALL(CpError, CpTrySendTo,
    (CpHandle *a, const void *b, size_t c, const CpAddr *d), (a, b, c, d))
CALL(CpError, CpUdpSetOpt, (CpHandle *a, CpUdpOpt b, int c), (a, b, c))
CALL(CpError, CpUdpGetOpt, (CpHandle *a, CpUdpOpt b, int *c), (a, b, c))
CALL(CpError, CpUdpJoin,
    (CpHandle *a, const CpAddr *b, const CpUdpInterface *c, int d),
    (a, b, c, d))
VOID_CALL(CpStatAdd, (CpStat a, int64_t b), (a, b))
CALL(int64_t, CpStatGet, (CpStat a), (a))
CALL(int, SimFault, (CpSimFault a), (a))
CALL(int, SimOpEnds, (const void *a, size_t b), (a, b))
/* clang-format on */

/* --------------------------------------------------- those that are others */

uint64_t __wrap_CpNowMs(void);
uint64_t __wrap_CpNowUs(void);
CpError __real_CpHandleListen(CpHandle *handlePtr, int backlog);
CpError __wrap_CpHandleListen(CpHandle *handlePtr, int backlog);
void __real_SimCallProc(CpOp *opPtr);
void __wrap_SimCallProc(CpOp *opPtr);
unsigned __real_CpPortReap(CpPort *portPtr, int timeoutMs);
unsigned __wrap_CpPortReap(CpPort *portPtr, int timeoutMs);

uint64_t
__wrap_CpNowMs(void)
{
    return WorldNowUs(1) / 1000;
}

uint64_t
__wrap_CpNowUs(void)
{
    return WorldNowUs(1);
}

/* Clients that have gone take their place in a backlog here. */

CpError
__wrap_CpHandleListen(CpHandle *handlePtr, int backlog)
{
    CpError error;

    WorldEnter();
    error = __real_CpHandleListen(handlePtr,
        backlog < 0 || backlog > BACKLOG ? BACKLOG : backlog);
    WorldLeave();
    return error;
}

void
__wrap_SimCallProc(CpOp *opPtr)
{
    unsigned times = WorldLeaveAll();

    __real_SimCallProc(opPtr);
    WorldEnterAgain(times);
}

unsigned
__wrap_CpPortReap(CpPort *portPtr, int timeoutMs)
{
    uint64_t dueUs = WORLD_NEVER;

    if (timeoutMs >= 0) {
        dueUs = WorldNowUs(0) + (uint64_t) timeoutMs * 1000;
    }
    for (;;) {
        unsigned count;
        int sleeps = 0;

        WorldEnter();
        count = __real_CpPortReap(portPtr, 0);
        if (count == 0 && timeoutMs != 0) {
            sleeps = __real_CpPortSleep(portPtr, -1);
        }
        WorldLeave();
        if (count > 0 || timeoutMs == 0 || dueUs <= WorldNowUs(0)) {
            return count;
        }
        if (sleeps) {
            (void) WorldWait(dueUs);
        }
    }
}
