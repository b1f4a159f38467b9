/*
 * threadInt.h --
 *
 *      What the files of threadTest share: owners, their handles, and the
 *      system that completes their operations.
 */

#ifndef THREAD_INT_H
#define THREAD_INT_H

#include "cpMem.h"
#include "cpWin.h"

#define OWNERS 4
#define HANDLES 24       /* Of each owner, at first. */
#define OPS 3            /* Outstanding on a handle, at most. */
#define SLEEP_LIMIT_S 30 /* A later wake-up counts as lost. */

#define CHECK(condition) \
    ((condition) ? (void) 0 : TestFail(__FILE__, __LINE__, #condition))

/* Waits for something that another thread does. */

#define AWAIT(condition) \
    { \
        unsigned tries = 0; \
\
        while (!(condition)) { \
            CHECK(tries++ < SLEEP_LIMIT_S * 1000); \
            TestPause(); \
        } \
    }

typedef struct TestOp {
    CpOp op;
    int outstanding;
    uint32_t value; /* What its completion must bring. */
} TestOp;

typedef struct TestHandle {
    CpHandle handle;
    struct Owner *ownerPtr; /* NULL between owners. */
    TestOp ops[OPS];
    struct TestHandle *nextPtr; /* In an owner's list, or the passed ones. */
} TestHandle;

typedef struct Owner {
    unsigned index;
    uint64_t random;
    CpPort *portPtr;
    TestHandle *firstPtr;
    unsigned handles;
    uint64_t completed;

    /* It takes the place of Tcl's notifier. */
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int alerted;
    int asleep; /* In the notifier. */
    unsigned alerts;
} Owner;

extern Owner testOwners[OWNERS];
extern uint64_t testSeed;
extern LONG64 testSubmitted; /* Operations, moves and sleeps of all owners. */
extern LONG64 testMoves;
extern LONG64 testSleeps;

_Noreturn void TestFail(const char *file, int line, const char *what);
unsigned TestRandom(uint64_t *statePtr, unsigned bound);

/* Sleeps for a millisecond. */
void TestPause(void);

/* threadSystem.c: threads complete the operations that they are given. While
 * the system is held, they complete nothing. */
void KernelStart(void);
void KernelStop(void);
void KernelGive(CpOp *opPtr);
void KernelHold(int on);

/* Completes an operation now: through its completion port, or as a look-up's
 * thread does. */
void KernelComplete(TestOp *testOpPtr);
void KernelHandOver(TestOp *testOpPtr);

/* threadOwner.c. All owners wait in OwnerMeet until the last one has come. */
void OwnersBegin(void);
void OwnerWake(void *clientData);
void OwnerMeet(void);

/* Handles: open and close one, keep it, pass it on, take one over. */
void OwnerOpen(Owner *ownerPtr);
void OwnerClose(TestHandle *testPtr);
void OwnerRetire(Owner *ownerPtr, TestHandle *testPtr);
TestHandle *OwnerTakeFirst(Owner *ownerPtr);
void OwnerAdd(Owner *ownerPtr, TestHandle *testPtr);
void OwnerPassOn(Owner *ownerPtr);
int OwnerTakeOver(Owner *ownerPtr);

/* Operations: submit one, wait, reap. */
void OwnerStart(Owner *ownerPtr, TestHandle *testPtr, TestOp *testOpPtr);
unsigned OwnerOutstanding(const Owner *ownerPtr);
unsigned OwnerReap(Owner *ownerPtr, int timeoutMs);
void OwnerSleep(Owner *ownerPtr);
void OwnerSettle(Owner *ownerPtr);

/* The notifier. */
void OwnerWaitInNotifier(Owner *ownerPtr);
int OwnerIsAsleep(Owner *ownerPtr);
unsigned OwnerAlerts(Owner *ownerPtr);
void OwnerResetAlerts(Owner *ownerPtr);

/* threadScenario.c: plays scenario `only`, or all of them if it is negative. */
void ScenariosPlay(Owner *ownerPtr, int only);

#endif /* THREAD_INT_H */
