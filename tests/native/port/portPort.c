/*
 * portPort.c --
 *
 *      Ports: reaping, sleeping, waking, and handles that move between them.
 */

#include "port/port.h"

#ifndef IOCPSOCK_SIM
#include "cpWin.h"
#endif

static void
TestReap(void)
{
    uint64_t startMs = CpNowMs();

    CHECK_COUNT(Reap(port, 0), 0);
    CHECK_COUNT(Reap(port, 60), 0);
    CHECK(CpNowMs() - startMs >= 40); /* A clock's tick may be 16 ms. */
    CHECK_COUNT(ReapFinished(port), 0);
}

static void
WaitWoken(void (*passTime)(void))
{
    uint64_t endMs = CpNowMs() + PATIENCE_MS;

    while (!woken && CpNowMs() < endMs) {
        passTime();
    }
    CHECK(woken);
}

static void
PauseABit(void)
{
    Pause(5);
}

/* A completion wakes an owner that sleeps. There may be one before. */

static void
TestSleep(void)
{
    char buf[8];
    size_t bytes;
    Op op;
    Pair pair;

    Connect(&pair);
    CpSubmitRecv(pair.serverPtr, Prepare(&op), buf, 8);
    woken = 0;
    CHECK(CpPortSleep(port, -1) == 1);
    CHECK_ERROR(CpTrySend(pair.clientPtr, "x", 1, &bytes), CP_OK);
    WaitWoken(PauseABit);
    CHECK(op.done == 0);
    CHECK(CpPortSleep(port, -1) == 0);
    CHECK_ERROR(Wait(&op), CP_OK);

    /* What was over at its submit is there before any sleep. */
    CloseEnd(&pair.clientPtr);
    WaitData(pair.serverPtr);
    CHECK_ERROR(CpHandleShutdown(pair.serverPtr, CP_WRITE), CP_OK);
    CpSubmitSend(pair.serverPtr, Prepare(&op), "x", 1);
    CHECK(CpPortSleep(port, -1) == 0);
    CHECK_COUNT(ReapFinished(port), 1);
    CHECK(op.done == 1 && op.accept.op.error != CP_OK);
    Close(&pair);
}

/*
 * The owner has dequeued from its completion port, says that it sleeps, and
 * computes instead. Windows counts its thread as a running one of that port,
 * and wakes no other one for the port beyond the port's limit. The owner is
 * woken nevertheless.
 */

static void
TestBusy(void)
{
    char buf[8];
    size_t bytes;
    Op op;
    Pair pair;
    unsigned i;

    Connect(&pair);
    for (i = 0; i < 5; i++) {
        CpSubmitRecv(pair.serverPtr, Prepare(&op), buf, 8);
        Send(pair.clientPtr, "x");
        CHECK_ERROR(Wait(&op), CP_OK);
        CpSubmitRecv(pair.serverPtr, Prepare(&op), buf, 8);
        woken = 0;
        CHECK(CpPortSleep(port, -1) == 1);
        CHECK_ERROR(CpTrySend(pair.clientPtr, "y", 1, &bytes), CP_OK);
        WaitWoken(Spin);
        CHECK_ERROR(Wait(&op), CP_OK);
    }
    Close(&pair);
}

/* An owner that has more to do is woken at once. */

static void
TestRecall(void)
{
    woken = 0;
    CpPortRecall(port);
    CHECK(woken);
    CHECK_COUNT(Reap(port, 0), 0);
    woken = 0;
    CpPortRecall(port);
    CHECK(woken);
    CHECK_COUNT(Reap(port, 0), 0);
}

#ifndef IOCPSOCK_SIM

/* Before that, its message loop gets time for what waits behind posted
 * messages: here, a timer. */

static void
TestRecallBehind(void)
{
    uint64_t endMs = CpNowMs() + PATIENCE_MS;
    UINT_PTR timer = SetTimer(NULL, 0, 10, NULL);

    while (HIWORD(GetQueueStatus(QS_TIMER)) == 0 && CpNowMs() < endMs) {
        Pause(5);
    }
    CHECK(HIWORD(GetQueueStatus(QS_TIMER)) != 0);
    CHECK_COUNT(Reap(port, 0), 0);
    woken = 0;
    CpPortRecall(port);
    CHECK(!woken);
    WaitWoken(PauseABit);
    KillTimer(NULL, timer);
    CHECK_COUNT(Reap(port, 0), 0);
}

#endif

/* Completions go along with their handle, and none is told of in between. */

static void
TestMove(void)
{
    CpPort *otherPtr = NewPort();
    unsigned before;

    for (before = 0; before < 2; before++) {
        char buf[8];
        Op op;
        Pair pair;

        Connect(&pair);
        CpSubmitRecv(pair.serverPtr, Prepare(&op), buf, 8);
        if (before) {
            Send(pair.clientPtr, "moved");
            CHECK(op.done == 0 || op.done == 1);
        }
        if (!op.done) {
            CpHandleMove(pair.serverPtr, NULL);
            if (!before) {
                Send(pair.clientPtr, "moved");
            }
            (void) Reap(port, 50);
            CHECK(op.done == 0);
            CpHandleMove(pair.serverPtr, otherPtr);
            CHECK_ERROR(WaitOn(otherPtr, &op), CP_OK);
            CHECK_COUNT(op.accept.op.bytes, 5);
            CpSubmitRecv(pair.serverPtr, Prepare(&op), NULL, 0);
            CpCancel(pair.serverPtr, NULL);
            CHECK_ERROR(WaitOn(otherPtr, &op), CP_ECANCELED);
        }
        Close(&pair);
    }
    CpPortRelease(otherPtr);
}

/* A receive that waits, on a handle of the given port; then its bytes come.
 * Returns how many completions were handed over meanwhile. */

static uint64_t
ReceiveOn(CpPort *portPtr, CpHandle *handlePtr, CpHandle *peerPtr)
{
    int64_t before = CpStatGet(CP_STAT_HAND_OVERS);
    char buf[8];
    size_t bytes;
    Op op;

    CpSubmitRecv(handlePtr, Prepare(&op), buf, 8);
    CHECK_ERROR(CpTrySend(peerPtr, "moved", 5, &bytes), CP_OK);
    CHECK_ERROR(WaitOn(portPtr, &op), CP_OK);
    CHECK_COUNT(op.accept.op.bytes, 5);
    return (uint64_t) (CpStatGet(CP_STAT_HAND_OVERS) - before);
}

static void
MoveTo(CpPort *portPtr, CpHandle *handlePtr)
{
    CpHandleMove(handlePtr, NULL);
    CpHandleMove(handlePtr, portPtr);
}

/*
 * The first submit binds a handle, and no earlier call does. So the completions
 * of one that moves before it come to its new owner's port. Those of one that
 * moves later come to the port of its first owner, and are handed over.
 */

static void
TestMoveFirst(void)
{
    CpPort *otherPtr = NewPort();
    unsigned i, waits;
    size_t bytes;
    Op op;
    Pair pair;

    Connect(&pair);
    CHECK_ERROR(CpTryPeek(pair.serverPtr, &bytes), CP_EAGAIN);
    CHECK_ERROR(CpTrySend(pair.serverPtr, "x", 1, &bytes), CP_OK);
    (void) CpHandleNative(pair.serverPtr);
    MoveTo(otherPtr, pair.serverPtr);
    for (i = 0; i < 3; i++) {
        CHECK_COUNT(ReceiveOn(otherPtr, pair.serverPtr, pair.clientPtr), 0);
    }
    MoveTo(port, pair.serverPtr);
    for (i = 0; i < 3; i++) {
        CHECK_COUNT(ReceiveOn(port, pair.serverPtr, pair.clientPtr), 1);
    }
    MoveTo(otherPtr, pair.serverPtr);
    CHECK_COUNT(ReceiveOn(otherPtr, pair.serverPtr, pair.clientPtr), 0);
    Close(&pair);

    /* A connect that waits is no first submit. */
    for (waits = 0; waits < 2; waits++) {
        pair.listenerPtr = Listen(port, &pair.addr);
        CHECK_ERROR(CpHandleOpen(port, &pair.addr, &pair.clientPtr), CP_OK);
        CpSubmitConnect(pair.clientPtr, Prepare(&op), &pair.addr, (int) waits);
        CHECK_ERROR(Wait(&op), CP_OK);
        Prepare(&op);
        CpSubmitAccept(pair.listenerPtr, &op.accept);
        CHECK_ERROR(Wait(&op), CP_OK);
        pair.serverPtr = op.accept.newHandlePtr;
        MoveTo(otherPtr, pair.clientPtr);
        CHECK_COUNT(ReceiveOn(otherPtr, pair.clientPtr, pair.serverPtr),
            !waits);
        Close(&pair);
    }
    CpPortRelease(otherPtr);
}

/*
 * Operations live on when the thread that submitted them has ended. On Windows
 * they do because they are bound to a completion port and have no event.
 */

typedef struct Left {
    Pair pair;
    Op recv, send, accept;
    char buf[8];
    char *bytesPtr;
    CpHandle *listenerPtr;
    CpAddr addr;
} Left;

#define LEFT_BYTES 8000000

static void
SubmitAndEnd(void *clientData)
{
    CpPort *ownPtr = NewPort();
    Left *leftPtr = clientData;
    Pair *pairPtr = &leftPtr->pair;

    ConnectOn(ownPtr, pairPtr);
    CHECK_ERROR(CpHandleSetOpt(pairPtr->serverPtr, CP_OPT_SNDBUF, 0), CP_OK);
    leftPtr->listenerPtr = Listen(ownPtr, &leftPtr->addr);
    Prepare(&leftPtr->accept);
    CpSubmitAccept(leftPtr->listenerPtr, &leftPtr->accept.accept);
    CpSubmitRecv(pairPtr->serverPtr, Prepare(&leftPtr->recv), leftPtr->buf, 8);
    CpSubmitSend(pairPtr->serverPtr, Prepare(&leftPtr->send), leftPtr->bytesPtr,
        LEFT_BYTES);
    CHECK_COUNT(Reap(ownPtr, 0), 0);
    CpHandleMove(pairPtr->serverPtr, NULL);
    CpHandleMove(pairPtr->clientPtr, NULL);
    CpHandleMove(pairPtr->listenerPtr, NULL);
    CpHandleMove(leftPtr->listenerPtr, NULL);
    CpPortRelease(ownPtr);
}

static void
TestThreadExit(void)
{
    static Left left;
    char *inPtr = malloc(LEFT_BYTES);
    CpHandle *clientPtr;
    CpError error;

    CHECK(inPtr != NULL);
    left.bytesPtr = NewBytes(LEFT_BYTES);
    RunThread(SubmitAndEnd, &left);
    CHECK_COUNT(CpStatGet(CP_STAT_OPERATIONS), 3);
    CpHandleMove(left.pair.serverPtr, port);
    CpHandleMove(left.pair.clientPtr, port);
    CpHandleMove(left.pair.listenerPtr, port);
    CpHandleMove(left.listenerPtr, port);
    Pause(50);
    CHECK_COUNT(Reap(port, 0), 0);
    Send(left.pair.clientPtr, "late");
    CHECK_ERROR(Wait(&left.recv), CP_OK);
    CHECK_COUNT(left.recv.accept.op.bytes, 4);
    CHECK_BYTES(left.buf, "late", 4);
    clientPtr = ConnectTo(&left.addr);
    CHECK_ERROR(Wait(&left.accept), CP_OK);
    CpHandleClose(left.accept.accept.newHandlePtr);
    CpHandleClose(clientPtr);
    CpHandleClose(left.listenerPtr);
    CHECK(left.send.done == 0);
    CHECK_ERROR(CpHandleSetOpt(left.pair.serverPtr, CP_OPT_SNDBUF, 1000000),
        CP_OK);
    while (!left.send.done) {
        size_t bytes;

        error = CpTryRecv(left.pair.clientPtr, inPtr, 65536, &bytes);
        CHECK(error == CP_OK || error == CP_EAGAIN);
        Reap(port, error == CP_OK ? 0 : 10);
    }
    CHECK_ERROR(Wait(&left.send), CP_OK);
    CHECK_COUNT(left.send.accept.op.bytes, LEFT_BYTES);
    Close(&left.pair);
    free(left.bytesPtr);
    free(inPtr);
}

#ifndef IOCPSOCK_SIM

/*
 * A thread gives its handle away and computes, without a look at its port,
 * where the handle's completions are still queued. The handle's new owner gets
 * them.
 */

static HANDLE ready;
static volatile int mayEnd;

static DWORD WINAPI
GiveAndCompute(void *param)
{
    CpPort *ownPtr = NewPort();
    Pair *pairPtr = param;
    Op op;
    char buf[8];

    ConnectOn(ownPtr, pairPtr);
    CpSubmitRecv(pairPtr->serverPtr, Prepare(&op), buf, 8);
    CHECK_COUNT(Reap(ownPtr, 0), 0);
    CpCancel(pairPtr->serverPtr, NULL);
    (void) WaitOn(ownPtr, &op);
    CpHandleMove(pairPtr->serverPtr, NULL);
    CpHandleMove(pairPtr->clientPtr, NULL);
    CpHandleMove(pairPtr->listenerPtr, NULL);
    SetEvent(ready);
    while (!mayEnd) {
        Spin();
    }
    CpPortRelease(ownPtr);
    return 0;
}

static void
TestMovedBusy(void)
{
    char buf[8];
    unsigned i;
    HANDLE thread;
    Op op;
    Pair pair;

    ready = CreateEventW(NULL, TRUE, FALSE, NULL);
    mayEnd = 0;
    thread = CreateThread(NULL, 0, GiveAndCompute, &pair, 0, NULL);
    CHECK(ready != NULL && thread != NULL);
    CHECK(WaitForSingleObject(ready, PATIENCE_MS) == WAIT_OBJECT_0);
    CpHandleMove(pair.serverPtr, port);
    CpHandleMove(pair.clientPtr, port);
    CpHandleMove(pair.listenerPtr, port);
    for (i = 0; i < 20; i++) {
        CpSubmitRecv(pair.serverPtr, Prepare(&op), buf, 8);
        Send(pair.clientPtr, "moved");
        CHECK_ERROR(Wait(&op), CP_OK);
        CHECK_COUNT(op.accept.op.bytes, 5);
    }
    mayEnd = 1;
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
    CloseHandle(ready);
    Close(&pair);
}

/*
 * A thread gives its handle away with a send outstanding. The new owner cancels
 * it while the peer reads, that is, while the system has the first thread
 * resume it.
 */

typedef struct Gift {
    const char *outPtr;
    Pair pair;
    Op send;
    HANDLE given;
    HANDLE mayEnd;
} Gift;

#define GIFT_BYTES 32000000

static DWORD WINAPI
GiveSend(void *param)
{
    Gift *giftPtr = param;
    Pair *pairPtr = &giftPtr->pair;
    CpPort *ownPtr = NewPort();

    ConnectOn(ownPtr, pairPtr);
    CHECK_ERROR(CpHandleSetOpt(pairPtr->clientPtr, CP_OPT_SNDBUF, 0), CP_OK);
    CpSubmitSend(pairPtr->clientPtr, Prepare(&giftPtr->send), giftPtr->outPtr,
        GIFT_BYTES);
    CpHandleMove(pairPtr->serverPtr, NULL);
    CpHandleMove(pairPtr->clientPtr, NULL);
    CpHandleMove(pairPtr->listenerPtr, NULL);
    SetEvent(giftPtr->given);
    WaitForSingleObject(giftPtr->mayEnd, INFINITE);
    CpPortRelease(ownPtr);
    return 0;
}

static void
TakeAndCancel(Gift *giftPtr, CpOp *opPtr)
{
    Pair *pairPtr = &giftPtr->pair;
    HANDLE thread = CreateThread(NULL, 0, GiveSend, giftPtr, 0, NULL);
    char buf[PIECE_BYTES];
    size_t bytes;
    unsigned i;

    CHECK(thread != NULL);
    CHECK(WaitForSingleObject(giftPtr->given, PATIENCE_MS) == WAIT_OBJECT_0);
    CpHandleMove(pairPtr->serverPtr, port);
    CpHandleMove(pairPtr->clientPtr, port);
    CpHandleMove(pairPtr->listenerPtr, port);
    for (i = 0; i < 3; i++) {
        (void) CpTryRecv(pairPtr->serverPtr, buf, sizeof(buf), &bytes);
    }
    CpCancel(pairPtr->clientPtr, opPtr);
    CHECK_ERROR(Wait(&giftPtr->send), CP_ECANCELED);
    SetEvent(giftPtr->mayEnd);
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
    Close(pairPtr);
}

static void
TestMovedCancel(void)
{
    char *outPtr = NewBytes(GIFT_BYTES);
    Gift gift = {.outPtr = outPtr};
    unsigned i;

    gift.given = CreateEventW(NULL, FALSE, FALSE, NULL);
    gift.mayEnd = CreateEventW(NULL, FALSE, FALSE, NULL);
    CHECK(gift.given != NULL && gift.mayEnd != NULL);
    for (i = 0; i < 10; i++) {
        TakeAndCancel(&gift, i % 2 == 0 ? &gift.send.accept.op : NULL);
    }
    CloseHandle(gift.given);
    CloseHandle(gift.mayEnd);
    free(outPtr);
}

#endif

/* Each port keeps what it is given, and frees it. */

static void
TestSpare(void)
{
    int64_t before = CpStatGet(CP_STAT_MEMORY_BYTES);
    CpPort *otherPtr = NewPort();
    CpSpare *sparePtr = CpPortSpare(otherPtr);
    uint64_t endMs;

    CHECK(sparePtr->memPtr == NULL && CpPortSpare(otherPtr) == sparePtr);
    CHECK(CpPortSpare(port) != sparePtr);
    sparePtr->sizeBytes = 1000;
    sparePtr->memPtr = CpMalloc(sparePtr->sizeBytes);
    CHECK(CpPortSpare(otherPtr)->memPtr != NULL);
    CpPortRelease(otherPtr);

    /* The port itself may go a moment later, as that of the case before. */
    endMs = CpNowMs() + PATIENCE_MS;
    while (CpStatGet(CP_STAT_MEMORY_BYTES) > before && CpNowMs() < endMs) {
        Pause(5);
    }
    CHECK(CpStatGet(CP_STAT_MEMORY_BYTES) <= before);
}

const Case portCases[] = {
    {"reap", TestReap},
    {"sleep", TestSleep},
    {"busy", TestBusy},
    {"recall", TestRecall},
#ifndef IOCPSOCK_SIM
    {"recall-behind", TestRecallBehind},
#endif
    {"move", TestMove},
    {"move-first", TestMoveFirst},
    {"thread-exit", TestThreadExit},
#ifndef IOCPSOCK_SIM
    {"moved-busy", TestMovedBusy},
    {"moved-cancel", TestMovedCancel},
#endif
    {"spare", TestSpare},
    {NULL, NULL},
};
