/*
 * threadSystem.c --
 *
 *      The system of threadTest: threads that complete operations in any
 *      order, and as much of the rest of win/ as the port calls.
 */

#include "threadInt.h"

#include "cpPortWin.h"

#include <stdlib.h>

#define KERNELS 2

int cpWinSkipsOnSuccess = 1;

/* The operations that the system has. */
static pthread_mutex_t kernelMutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t kernelCond = PTHREAD_COND_INITIALIZER;
static CpOp *kernelOps[OWNERS * HANDLES * OPS];
static unsigned kernelCount;
static int kernelHolds; /* Completes nothing. */
static int kernelStops;
static pthread_t kernelThreads[KERNELS];
static uint64_t kernelRandoms[KERNELS];

/* ------------------------------------------------------ the rest of win/ */

CpError
CpWinInit(void)
{
    return CP_OK;
}

CpError
CpErrorOfWin(unsigned long code)
{
    return code == 0 ? CP_OK : CP_EINVAL;
}

CpError
CpErrorOfStatus(unsigned long status)
{
    return status == 0 ? CP_OK : CP_ECONNRESET;
}

/* Many, as on Windows, or a single one, as under Wine. */

ULONG
CpWineReapEntries(ULONG asked, ULONG count)
{
    return (asked + count) % 2 == 0 ? REAP_ENTRIES : 1;
}

void
CpWineForgetPort(CpPort *portPtr)
{
    (void) portPtr;
}

void
CpWinRecordSend(const CpOp *opPtr)
{
    (void) opPtr;
}

void
CpWinComplete(CpOp *opPtr)
{
    opPtr->handlePtr->pending--;
    CpStatAdd(CP_STAT_OPERATIONS, -1);
    opPtr->proc(opPtr);
}

/* ------------------------------------------------------------ completing */

void
KernelComplete(TestOp *testOpPtr)
{
    TestFileComplete(testOpPtr->op.handlePtr->sock,
        WIN_OVERLAPPED(&testOpPtr->op), 0, testOpPtr->value);
}

void
KernelHandOver(TestOp *testOpPtr)
{
    CpWinExpectNot(&testOpPtr->op);
    testOpPtr->op.bytes = testOpPtr->value;
    testOpPtr->op.error = CP_OK;
    CpWinHandOver(&testOpPtr->op);
}

void
KernelGive(CpOp *opPtr)
{
    pthread_mutex_lock(&kernelMutex);
    CHECK(kernelCount < OWNERS * HANDLES * OPS);
    kernelOps[kernelCount++] = opPtr;
    pthread_cond_signal(&kernelCond);
    pthread_mutex_unlock(&kernelMutex);
}

void
KernelHold(int on)
{
    pthread_mutex_lock(&kernelMutex);
    kernelHolds = on;
    pthread_cond_broadcast(&kernelCond);
    pthread_mutex_unlock(&kernelMutex);
}

static void *
KernelMain(void *clientData)
{
    uint64_t random = *(uint64_t *) clientData;

    for (;;) {
        CpOp *opPtr;
        unsigned which;

        pthread_mutex_lock(&kernelMutex);
        while ((kernelCount == 0 || kernelHolds) && !kernelStops) {
            pthread_cond_wait(&kernelCond, &kernelMutex);
        }
        if (kernelCount == 0) {
            pthread_mutex_unlock(&kernelMutex);
            return NULL;
        }
        which = TestRandom(&random, kernelCount);
        opPtr = kernelOps[which];
        kernelOps[which] = kernelOps[--kernelCount];
        pthread_mutex_unlock(&kernelMutex);

        if (TestRandom(&random, 8) == 0) {
            KernelHandOver(CP_OWNER_OF(opPtr, TestOp, op));
        } else {
            KernelComplete(CP_OWNER_OF(opPtr, TestOp, op));
        }
    }
}

void
KernelStart(void)
{
    unsigned i;

    kernelStops = 0;
    for (i = 0; i < KERNELS; i++) {
        kernelRandoms[i] = testSeed * 1000 + OWNERS + i;
        CHECK(pthread_create(&kernelThreads[i], NULL, KernelMain,
                  &kernelRandoms[i])
            == 0);
    }
}

void
KernelStop(void)
{
    unsigned i;

    pthread_mutex_lock(&kernelMutex);
    kernelStops = 1;
    pthread_cond_broadcast(&kernelCond);
    pthread_mutex_unlock(&kernelMutex);
    for (i = 0; i < KERNELS; i++) {
        pthread_join(kernelThreads[i], NULL);
    }
}
