/*
 * portTest.c --
 *
 *      The contract of cpPort.h and cpResolve.h, case by case, of whatever
 *      port it is linked with: the simulated one, so that it is known to be
 *      like the real one, and that one. Both ends of a connection are the
 *      port's own. Says 0 passed, 1 failed.
 */

#include "cpMem.h"
#include "cpPort.h"
#include "cpResolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef IOCPSOCK_SIM
#include "cpSim.h"
#define BEGIN() CpSimStart(1, NULL)
#define END() CpSimEnd()
#define PAUSE(ms) CpSimAdvance(ms)
#else
#include <windows.h>
#define BEGIN() ((void) 0)
#define END() ((void) 0)
#define PAUSE(ms) Sleep(ms)
#endif

#define PATIENCE_MS 10000

#define CHECK(condition) \
    ((condition) ? (void) 0 : Fail(__LINE__, #condition, CP_OK))
#define CHECK_ERROR(expression, expected) \
    CheckError(__LINE__, #expression, expression, expected)

static void
Fail(int line, const char *text, CpError error)
{
    fprintf(stderr, "portTest.c:%d: not so: %s (%s)\n", line, text,
        CpErrorName(error));
    exit(1);
}

static void
CheckError(int line, const char *text, CpError error, CpError expected)
{
    if (error != expected) {
        Fail(line, text, error);
    }
}

/* An operation that counts its completions. */

typedef struct Op {
    CpAcceptOp accept; /* Its op is used for all kinds. */
    int done;
    int order; /* Among all that completed. */
} Op;

static CpPort *port;
static int reaping;
static int completed;

static void
Done(CpOp *opPtr)
{
    Op *ownPtr = CP_OWNER_OF(opPtr, Op, accept.op);

    CHECK(reaping); /* Never out of a submit. */
    ownPtr->done++;
    ownPtr->order = ++completed;
}

static CpOp *
Prepare(Op *opPtr)
{
    memset(opPtr, 0, sizeof(Op));
    opPtr->accept.op.proc = Done;
    return &opPtr->accept.op;
}

static unsigned
Reap(CpPort *portPtr, int timeoutMs)
{
    unsigned count;

    reaping = 1;
    count = CpPortReap(portPtr, timeoutMs);
    reaping = 0;
    return count;
}

static CpError
WaitOn(CpPort *portPtr, const Op *opPtr)
{
    uint64_t endMs = CpNowMs() + PATIENCE_MS;

    while (!opPtr->done && CpNowMs() < endMs) {
        Reap(portPtr, 100);
    }
    CHECK(opPtr->done == 1);
    return opPtr->accept.op.error;
}

static CpError
Wait(const Op *opPtr)
{
    return WaitOn(port, opPtr);
}

static void
Wake(void *clientData)
{
    *(volatile int *) clientData = 1;
}

static volatile int woken;

static CpPort *
NewPort(void)
{
    CpError error;
    CpPort *portPtr = CpPortNew(Wake, (void *) &woken, &error);

    CHECK_ERROR(error, CP_OK);
    CHECK(portPtr != NULL);
    return portPtr;
}

/* Both ends of a connection, and the listener. */

typedef struct Pair {
    CpHandle *listenerPtr;
    CpHandle *clientPtr;
    CpHandle *serverPtr;
    CpAddr addr;
} Pair;

static CpAddr
Loopback(void)
{
    char *message;
    CpAddr *addrs, addr;
    unsigned count;

    CHECK(
        CpResolve("127.0.0.1", 0, CP_FAMILY_ANY, 1, &addrs, &count, &message));
    CHECK(count == 1);
    addr = addrs[0];
    CpResolveFree(addrs, count);
    return addr;
}

/* A name that nobody else can have, and nobody listens at. */

static CpHandle *
Refuse(CpAddr *addrPtr)
{
    CpAddr addr = Loopback();
    CpHandle *handlePtr;

    CHECK_ERROR(CpHandleOpen(port, &addr, &handlePtr), CP_OK);
    CHECK_ERROR(CpHandleBind(handlePtr, &addr), CP_OK);
    CHECK_ERROR(CpHandleLocal(handlePtr, addrPtr), CP_OK);
    CHECK(CpAddrPort(addrPtr) != 0);
    return handlePtr;
}

static CpHandle *
Listen(CpAddr *addrPtr)
{
    CpHandle *handlePtr = Refuse(addrPtr);

    CHECK_ERROR(CpHandleListen(handlePtr, 5), CP_OK);
    return handlePtr;
}

static void
Connect(Pair *pairPtr)
{
    Op accept, connect;
    CpAddr peer, local;

    pairPtr->listenerPtr = Listen(&pairPtr->addr);
    Prepare(&accept);
    CpSubmitAccept(pairPtr->listenerPtr, &accept.accept);
    CHECK_ERROR(CpHandleOpen(port, &pairPtr->addr, &pairPtr->clientPtr), CP_OK);
    CpSubmitConnect(pairPtr->clientPtr, Prepare(&connect), &pairPtr->addr, 0);
    CHECK_ERROR(Wait(&connect), CP_OK);
    CHECK_ERROR(Wait(&accept), CP_OK);
    pairPtr->serverPtr = accept.accept.newHandlePtr;
    CHECK(pairPtr->serverPtr != NULL);
    CHECK_ERROR(CpHandleLocal(pairPtr->clientPtr, &local), CP_OK);
    CHECK(CpAddrPort(&accept.accept.peer) == CpAddrPort(&local));
    CHECK_ERROR(CpHandlePeer(pairPtr->clientPtr, &peer), CP_OK);
    CHECK(CpAddrPort(&peer) == CpAddrPort(&pairPtr->addr));
    CHECK_ERROR(CpHandlePeer(pairPtr->serverPtr, &peer), CP_OK);
    CHECK(CpAddrPort(&peer) == CpAddrPort(&local));
}

static void
Close(Pair *pairPtr)
{
    if (pairPtr->clientPtr != NULL) {
        CpHandleClose(pairPtr->clientPtr);
    }
    if (pairPtr->serverPtr != NULL) {
        CpHandleClose(pairPtr->serverPtr);
    }
    CpHandleClose(pairPtr->listenerPtr);
}

static void
Send(CpHandle *handlePtr, const char *text)
{
    Op op;

    CpSubmitSend(handlePtr, Prepare(&op), text, strlen(text));
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK(op.accept.op.bytes == strlen(text));
}

/* Until there is something to receive. */

static void
WaitData(CpHandle *handlePtr)
{
    Op op;

    CpSubmitRecv(handlePtr, Prepare(&op), NULL, 0);
    (void) Wait(&op);
}

static int
HasData(CpHandle *handlePtr)
{
    size_t bytes;

    return CpTryPeek(handlePtr, &bytes) == CP_OK && bytes > 0;
}

/* --------------------------------------------------------------- cases */

static void
TestReap(void)
{
    uint64_t startMs = CpNowMs();

    CHECK(Reap(port, 0) == 0);
    CHECK(Reap(port, 60) == 0);
    CHECK(CpNowMs() - startMs >= 40); /* A clock's tick may be 16 ms. */
    CHECK(CpPortReapFinished(port) == 0);
}

static void
TestRecv(void)
{
    char buf[16];
    Op op;
    Pair pair;

    Connect(&pair);
    CpSubmitRecv(pair.serverPtr, Prepare(&op), buf, sizeof(buf));
    CHECK(op.done == 0 && Reap(port, 0) == 0);
    CHECK(CpStatGet(CP_STAT_OPERATIONS) == 1);
    Send(pair.clientPtr, "hello");
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK(op.accept.op.bytes == 5 && memcmp(buf, "hello", 5) == 0);
    CHECK(op.accept.op.handlePtr == pair.serverPtr);
    CHECK(!op.accept.op.atOnce);

    /* What is there already comes out of a reap as well. */
    Send(pair.clientPtr, "again");
    WaitData(pair.serverPtr);
    CpSubmitRecv(pair.serverPtr, Prepare(&op), buf, 2);
    CHECK(op.done == 0);
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK(op.accept.op.bytes == 2 && memcmp(buf, "ag", 2) == 0);
    Close(&pair);
}

static void
TestProbe(void)
{
    char buf[16];
    size_t bytes;
    Op op;
    Pair pair;

    Connect(&pair);
    CpSubmitRecv(pair.serverPtr, Prepare(&op), NULL, 0);
    CHECK(Reap(port, 0) == 0);
    CHECK_ERROR(CpTryPeek(pair.serverPtr, &bytes), CP_EAGAIN);

    /* An attempt beside a probe is allowed. */
    CHECK_ERROR(CpTryRecv(pair.serverPtr, buf, sizeof(buf), &bytes), CP_EAGAIN);
    Send(pair.clientPtr, "hello");
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK(op.accept.op.bytes == 0);
    CHECK_ERROR(CpTryPeek(pair.serverPtr, &bytes), CP_OK);
    CHECK(bytes > 0 && bytes <= 5);
    CHECK_ERROR(CpTryRecv(pair.serverPtr, buf, sizeof(buf), &bytes), CP_OK);
    CHECK(bytes == 5);

    /* And the end of file. */
    CpSubmitRecv(pair.serverPtr, Prepare(&op), NULL, 0);
    CHECK(Reap(port, 0) == 0);
    CHECK_ERROR(CpHandleShutdown(pair.clientPtr, CP_WRITE), CP_OK);
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK_ERROR(CpTryPeek(pair.serverPtr, &bytes), CP_OK);
    CHECK(bytes == 0);
    CHECK_ERROR(CpTryRecv(pair.serverPtr, buf, sizeof(buf), &bytes), CP_OK);
    CHECK(bytes == 0);
    CpSubmitRecv(pair.serverPtr, Prepare(&op), buf, sizeof(buf));
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK(op.accept.op.bytes == 0);
    Close(&pair);
}

/* Receives are filled in the order of their submits, sends carried out. */

static void
TestOrder(void)
{
    enum { COUNT = 20 };
    static char recvBufs[COUNT], sendBufs[COUNT];
    static Op recvs[COUNT], sends[COUNT];
    unsigned i;
    Pair pair;

    Connect(&pair);
    for (i = 0; i < COUNT; i++) {
        CpSubmitRecv(pair.serverPtr, Prepare(&recvs[i]), &recvBufs[i], 1);
    }
    for (i = 0; i < COUNT; i++) {
        sendBufs[i] = (char) ('a' + i);
        CpSubmitSend(pair.clientPtr, Prepare(&sends[i]), &sendBufs[i], 1);
    }
    for (i = 0; i < COUNT; i++) {
        CHECK_ERROR(Wait(&sends[i]), CP_OK);
        CHECK_ERROR(Wait(&recvs[i]), CP_OK);
        CHECK(recvs[i].accept.op.bytes == 1 && recvBufs[i] == sendBufs[i]);
    }
    Close(&pair);
}

/* However many have completed, each is reaped, once. */

static void
TestMany(void)
{
    enum { MOST = 250 };
    static char recvBufs[MOST];
    static Op recvs[MOST];
    unsigned count, i;
    Pair pair;

    Connect(&pair);
    for (count = 1; count <= MOST; count += count < 150 ? count / 3 + 1 : 7) {
        for (i = 0; i < count; i++) {
            CpSubmitRecv(pair.serverPtr, Prepare(&recvs[i]), &recvBufs[i], 1);
        }
        CHECK(CpStatGet(CP_STAT_OPERATIONS) == (int64_t) count);
        for (i = 0; i < count; i++) {
            Send(pair.clientPtr, "x");
        }
        for (i = 0; i < count; i++) {
            CHECK_ERROR(Wait(&recvs[i]), CP_OK);
        }
        for (i = 0; i < count; i++) {
            CHECK(recvs[i].done == 1);
        }
        CHECK(CpStatGet(CP_STAT_OPERATIONS) == 0);
    }
    Close(&pair);
}

/* A send that has to wait is whole in the end. */

static void
TestLargeSend(void)
{
    enum { SIZE = 8000000 };
    char *outPtr = malloc(SIZE), *inPtr = malloc(SIZE);
    size_t got = 0, bytes, i;
    Op op;
    Pair pair;

    CHECK(outPtr != NULL && inPtr != NULL);
    for (i = 0; i < SIZE; i++) {
        outPtr[i] = (char) (i * 31 + (i >> 8));
    }
    Connect(&pair);
    CpSubmitSend(pair.clientPtr, Prepare(&op), outPtr, SIZE);
    while (got < SIZE) {
        CpError error = CpTryRecv(pair.serverPtr, inPtr + got, SIZE - got,
            &bytes);

        if (error == CP_EAGAIN) {
            WaitData(pair.serverPtr);
            continue;
        }
        CHECK_ERROR(error, CP_OK);
        CHECK(bytes > 0);
        got += bytes;
    }
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK(op.accept.op.bytes == SIZE && memcmp(inPtr, outPtr, SIZE) == 0);
    Close(&pair);
    free(inPtr);
    free(outPtr);
}

static void
TestTrySend(void)
{
    static const char data[65536];
    static char buf[65536];
    size_t sent = 0, got = 0, bytes;
    CpError error;
    Pair pair;

    Connect(&pair);
    while ((error = CpTrySend(pair.clientPtr, data, sizeof(data), &bytes))
        == CP_OK) {
        CHECK(bytes > 0);
        sent += bytes;
        CHECK(sent < 100000000);
    }
    CHECK_ERROR(error, CP_EAGAIN);
    CHECK(bytes == 0);
    while (got < sent) {
        WaitData(pair.serverPtr);
        CHECK_ERROR(CpTryRecv(pair.serverPtr, buf, sizeof(buf), &bytes), CP_OK);
        got += bytes;
    }
    CHECK(got == sent);
    Close(&pair);
}

static void
TestCancel(void)
{
    char buf[16];
    Op probe, recvs[2], accept;
    unsigned i;
    Pair pair;

    Connect(&pair);
    CpSubmitRecv(pair.serverPtr, Prepare(&probe), NULL, 0);
    CpCancel(pair.serverPtr, &probe.accept.op);
    CHECK(probe.done == 0);
    CHECK_ERROR(Wait(&probe), CP_ECANCELED);

    /* One of two; then all that are left. */
    CpSubmitRecv(pair.serverPtr, Prepare(&recvs[0]), buf, 8);
    CpSubmitRecv(pair.serverPtr, Prepare(&recvs[1]), buf + 8, 8);
    CpCancel(pair.serverPtr, &recvs[0].accept.op);
    CHECK_ERROR(Wait(&recvs[0]), CP_ECANCELED);
    CHECK(recvs[1].done == 0);
    Send(pair.clientPtr, "hello");
    CHECK_ERROR(Wait(&recvs[1]), CP_OK);
    CHECK(memcmp(buf + 8, "hello", 5) == 0);
    for (i = 0; i < 2; i++) {
        CpSubmitRecv(pair.serverPtr, Prepare(&recvs[i]), i == 0 ? buf : buf + 8,
            8);
    }
    CpCancel(pair.serverPtr, NULL);
    for (i = 0; i < 2; i++) {
        CHECK_ERROR(Wait(&recvs[i]), CP_ECANCELED);
    }

    /* One that is over already has its result. */
    Send(pair.clientPtr, "x");
    WaitData(pair.serverPtr);
    CpSubmitRecv(pair.serverPtr, Prepare(&probe), NULL, 0);
    CpCancel(pair.serverPtr, &probe.accept.op);
    (void) Wait(&probe);
    CHECK(HasData(pair.serverPtr));

    Prepare(&accept);
    CpSubmitAccept(pair.listenerPtr, &accept.accept);
    CpCancel(pair.listenerPtr, NULL);
    CHECK_ERROR(Wait(&accept), CP_ECANCELED);
    CHECK(accept.accept.newHandlePtr == NULL);
    Close(&pair);
}

static void
TestRefused(void)
{
    CpAddr addr;
    CpHandle *refusingPtr = Refuse(&addr), *handlePtr;
    Op op;
    int wait;

    for (wait = 0; wait < 2; wait++) {
        CHECK_ERROR(CpHandleOpen(port, &addr, &handlePtr), CP_OK);
        CpSubmitConnect(handlePtr, Prepare(&op), &addr, wait);
        CHECK(op.done == 0);
        CHECK_ERROR(Wait(&op), CP_ECONNREFUSED);
        CpHandleClose(handlePtr);
    }
    CpHandleClose(refusingPtr);
}

/*
 * A connect that was waited for is told of without a look at the system, and
 * has its names and its bytes as any other, with a name of its own or without.
 */

static void
TestConnectWait(void)
{
    CpAddr addr, local = Loopback(), name, peer;
    CpHandle *listenerPtr = Listen(&addr);
    int named;

    for (named = 0; named < 2; named++) {
        CpHandle *clientPtr;
        Op accept, connect, recv;
        char buf[8];

        Prepare(&accept);
        CpSubmitAccept(listenerPtr, &accept.accept);
        CHECK_ERROR(CpHandleOpen(port, &addr, &clientPtr), CP_OK);
        if (named) {
            CHECK_ERROR(CpHandleBind(clientPtr, &local), CP_OK);
        }
        CpSubmitConnect(clientPtr, Prepare(&connect), &addr, 1);
        CHECK(connect.done == 0);
        reaping = 1;
        CpPortReapFinished(port);
        reaping = 0;
        CHECK(connect.done == 1 && connect.accept.op.atOnce);
        CHECK_ERROR(connect.accept.op.error, CP_OK);
        CHECK_ERROR(Wait(&accept), CP_OK);
        CHECK_ERROR(CpHandleLocal(clientPtr, &name), CP_OK);
        CHECK(CpAddrPort(&accept.accept.peer) == CpAddrPort(&name));
        CHECK_ERROR(CpHandlePeer(clientPtr, &peer), CP_OK);
        CHECK(CpAddrPort(&peer) == CpAddrPort(&addr));
        CpSubmitRecv(clientPtr, Prepare(&recv), buf, sizeof(buf));
        Send(accept.accept.newHandlePtr, "late");
        CHECK_ERROR(Wait(&recv), CP_OK);
        CHECK(recv.accept.op.bytes == 4 && memcmp(buf, "late", 4) == 0);
        CpHandleClose(accept.accept.newHandlePtr);
        CpHandleClose(clientPtr);
    }
    CpHandleClose(listenerPtr);
}

/* Accepts and clients find each other, whichever comes first. */

static void
TestAccepts(void)
{
    enum { COUNT = 4 };
    Op accepts[COUNT], connects[COUNT];
    CpHandle *clients[COUNT], *listenerPtr;
    CpAddr addr;
    unsigned i;

    listenerPtr = Listen(&addr);
    for (i = 0; i < COUNT; i++) {
        Prepare(&accepts[i]);
        if (i < COUNT / 2) {
            CpSubmitAccept(listenerPtr, &accepts[i].accept);
        }
    }

    /* A posted accept's spare handle is not counted as a socket. */
    CHECK(CpStatGet(CP_STAT_SOCKETS) == 1);
    CHECK(CpStatGet(CP_STAT_HANDLES) == 1 + COUNT / 2);
    for (i = 0; i < COUNT; i++) {
        CHECK_ERROR(CpHandleOpen(port, &addr, &clients[i]), CP_OK);
        CpSubmitConnect(clients[i], Prepare(&connects[i]), &addr, 0);
        CHECK_ERROR(Wait(&connects[i]), CP_OK);
    }
    for (i = COUNT / 2; i < COUNT; i++) {
        CpSubmitAccept(listenerPtr, &accepts[i].accept);
    }
    for (i = 0; i < COUNT; i++) {
        CHECK_ERROR(Wait(&accepts[i]), CP_OK);
        CpHandleClose(accepts[i].accept.newHandlePtr);
        CpHandleClose(clients[i]);
    }
    CpHandleClose(listenerPtr);
}

static int
IsReset(CpError error)
{
    return error == CP_ECONNRESET || error == CP_ECONNABORTED;
}

/*
 * A client that has gone before its accept: on Windows and under Wine the
 * accept may succeed, and what the client said can be read; it may also fail as
 * an aborted connection, after which the next one is accepted.
 */

static void
TestGoneClient(void)
{
    char buf[8];
    size_t bytes;
    CpAddr addr;
    CpHandle *listenerPtr = Listen(&addr), *clientPtr;
    CpError error;
    Op connect, accept;
    unsigned i;

    for (i = 0; i < 2; i++) {
        CHECK_ERROR(CpHandleOpen(port, &addr, &clientPtr), CP_OK);
        CpSubmitConnect(clientPtr, Prepare(&connect), &addr, 0);
        CHECK_ERROR(Wait(&connect), CP_OK);
        if (i == 0) {
            Send(clientPtr, "bye");
            CpHandleClose(clientPtr);
        }
    }
    Prepare(&accept);
    CpSubmitAccept(listenerPtr, &accept.accept);
    error = Wait(&accept);
    if (error == CP_OK) {
        CpHandle *serverPtr = accept.accept.newHandlePtr;

        WaitData(serverPtr);
        CHECK_ERROR(CpTryRecv(serverPtr, buf, 8, &bytes), CP_OK);
        CHECK(bytes == 3);
        CpHandleClose(serverPtr);
    } else {
        CHECK(IsReset(error) && accept.accept.newHandlePtr == NULL);
    }
    Prepare(&accept);
    CpSubmitAccept(listenerPtr, &accept.accept);
    CHECK_ERROR(Wait(&accept), CP_OK);
    CpHandleClose(accept.accept.newHandlePtr);
    CpHandleClose(clientPtr);
    CpHandleClose(listenerPtr);
}

/*
 * A connect that failed leaves a handle that is good for closing only: a second
 * one on it fails under Wine. A new handle connects.
 */

static void
TestConnectAgain(void)
{
    CpAddr addr;
    CpHandle *refusingPtr = Refuse(&addr), *handlePtr;
    Op op;
    Pair pair;

    CHECK_ERROR(CpHandleOpen(port, &addr, &handlePtr), CP_OK);
    CpSubmitConnect(handlePtr, Prepare(&op), &addr, 0);
    CHECK_ERROR(Wait(&op), CP_ECONNREFUSED);
    Connect(&pair);
    CpHandleClose(handlePtr);
    CpHandleClose(refusingPtr);
    Close(&pair);
}

/*
 * Options of an accepted handle: what is set before the accept does not count
 * under Wine. They read as 0 or 1, though Wine writes one byte of the four.
 */

static void
TestAcceptedOptions(void)
{
    static const CpSockOpt opts[] = {CP_OPT_KEEPALIVE, CP_OPT_NODELAY};
    unsigned i;
    int value;
    Pair pair;

    Connect(&pair);
    for (i = 0; i < 2; i++) {
        CHECK_ERROR(CpHandleGetOpt(pair.serverPtr, opts[i], &value), CP_OK);
        CHECK(value == 0);
        CHECK_ERROR(CpHandleSetOpt(pair.serverPtr, opts[i], 1), CP_OK);
        CHECK_ERROR(CpHandleGetOpt(pair.serverPtr, opts[i], &value), CP_OK);
        CHECK(value == 1);
        CHECK_ERROR(CpHandleSetOpt(pair.serverPtr, opts[i], 0), CP_OK);
        CHECK_ERROR(CpHandleGetOpt(pair.serverPtr, opts[i], &value), CP_OK);
        CHECK(value == 0);
    }
    CHECK_ERROR(CpHandleSetOpt(pair.serverPtr, CP_OPT_SNDBUF, 20000), CP_OK);
    CHECK_ERROR(CpHandleGetOpt(pair.serverPtr, CP_OPT_SNDBUF, &value), CP_OK);
    CHECK(value >= 20000);
    Close(&pair);
}

/*
 * A send that is cancelled on its way: whatever it says, its reader has a
 * beginning of it and nothing else.
 */

static void
TestCancelSend(void)
{
    enum { SIZE = 32000000 };
    char *outPtr = malloc(SIZE), *inPtr = malloc(SIZE);
    size_t got = 0, bytes = 1;
    Op op;
    Pair pair;

    CHECK(outPtr != NULL && inPtr != NULL);
    for (size_t i = 0; i < SIZE; i++) {
        outPtr[i] = (char) (i * 31 + (i >> 8));
    }
    Connect(&pair);
    CpSubmitSend(pair.clientPtr, Prepare(&op), outPtr, SIZE);
    CHECK(op.done == 0);
    CpCancel(pair.clientPtr, &op.accept.op);
    CHECK_ERROR(Wait(&op), CP_ECANCELED);
    CpHandleClose(pair.clientPtr);
    pair.clientPtr = NULL;
    while (bytes > 0) {
        WaitData(pair.serverPtr);
        CHECK_ERROR(CpTryRecv(pair.serverPtr, inPtr + got, SIZE - got, &bytes),
            CP_OK);
        got += bytes;
    }
    CHECK(got < SIZE && memcmp(inPtr, outPtr, got) == 0);
    Close(&pair);
    free(inPtr);
    free(outPtr);
}

/*
 * The peer ends its side while sends are outstanding, and a receive sees that:
 * under Wine, sends come back with success and a part of their bytes. Each is
 * carried out whole, in order; or, when they are cancelled then, the peer has a
 * beginning of them.
 */

#define PAST_END_SENDS 4
#define PAST_END_BYTES 1000000

static void
SendPastEnd(int cancel, char *outPtr, char *inPtr)
{
    const size_t size = (size_t) PAST_END_SENDS * PAST_END_BYTES;
    Op recv, ops[PAST_END_SENDS];
    size_t i, got = 0, bytes = 1;
    char end[8];
    Pair pair;

    Connect(&pair);
    CHECK_ERROR(CpHandleSetOpt(pair.serverPtr, CP_OPT_SNDBUF, 4096), CP_OK);
    CpSubmitRecv(pair.serverPtr, Prepare(&recv), end, sizeof(end));
    for (i = 0; i < PAST_END_SENDS; i++) {
        CpSubmitSend(pair.serverPtr, Prepare(&ops[i]),
            outPtr + i * PAST_END_BYTES, PAST_END_BYTES);
    }
    CHECK_ERROR(CpHandleShutdown(pair.clientPtr, CP_WRITE), CP_OK);
    CHECK_ERROR(Wait(&recv), CP_OK);
    CHECK(recv.accept.op.bytes == 0);
    if (cancel) {
        CpCancel(pair.serverPtr, NULL);
        for (i = 0; i < PAST_END_SENDS; i++) {
            (void) Wait(&ops[i]);
        }
        CpHandleClose(pair.serverPtr);
        pair.serverPtr = NULL;
    }
    while (got < size && bytes > 0) {
        WaitData(pair.clientPtr);
        CHECK_ERROR(CpTryRecv(pair.clientPtr, inPtr + got, size - got, &bytes),
            CP_OK);
        got += bytes;
    }
    for (i = 0; !cancel && i < PAST_END_SENDS; i++) {
        CHECK_ERROR(Wait(&ops[i]), CP_OK);
        CHECK(ops[i].accept.op.bytes == PAST_END_BYTES);
    }
    CHECK(cancel ? got < size : got == size);
    CHECK(memcmp(inPtr, outPtr, got) == 0);
    Close(&pair);
}

static void
TestSendPastEnd(void)
{
    const size_t size = (size_t) PAST_END_SENDS * PAST_END_BYTES;
    char *outPtr = malloc(size), *inPtr = malloc(size);

    CHECK(outPtr != NULL && inPtr != NULL);
    for (size_t i = 0; i < size; i++) {
        outPtr[i] = (char) (i * 31 + (i >> 8));
    }
    SendPastEnd(0, outPtr, inPtr);
    SendPastEnd(1, outPtr, inPtr);
    free(inPtr);
    free(outPtr);
}

/* A close with bytes unread is a reset, of all that is outstanding. */

static void
TestReset(void)
{
    static const char data[65536];
    char buf[16];
    size_t bytes;
    CpError error;
    Op recv, send;
    Pair pair;

    Connect(&pair);
    CpSubmitRecv(pair.serverPtr, Prepare(&recv), buf, sizeof(buf));
    Send(pair.serverPtr, "unread");
    WaitData(pair.clientPtr);
    CpHandleClose(pair.clientPtr);
    pair.clientPtr = NULL;
    CHECK(IsReset(Wait(&recv)));
    error = CpTryRecv(pair.serverPtr, buf, sizeof(buf), &bytes);
    CHECK(IsReset(error) || (error == CP_OK && bytes == 0));
    CpSubmitRecv(pair.serverPtr, Prepare(&recv), NULL, 0);
    error = Wait(&recv);
    CHECK(IsReset(error) || error == CP_OK);

    /* And what is sent then fails, for good. */
    CpSubmitSend(pair.serverPtr, Prepare(&send), data, sizeof(data));
    CHECK(Wait(&send) != CP_OK);
    CpSubmitSend(pair.serverPtr, Prepare(&send), data, 1);
    CHECK(Wait(&send) != CP_OK);
    Close(&pair);
}

/*
 * A connection that is aborted ends with a reset, whatever was read. Under Wine
 * only a receive that is outstanding is told of it, a later one reads the end
 * of file.
 */

static void
TestAbort(void)
{
    char buf[8];
    size_t bytes;
    Op recv;
    Pair pair;

    Connect(&pair);
    Send(pair.clientPtr, "part");
    WaitData(pair.serverPtr);
    CHECK_ERROR(CpTryRecv(pair.serverPtr, buf, 8, &bytes), CP_OK);
    CHECK(bytes == 4);
    CpSubmitRecv(pair.serverPtr, Prepare(&recv), buf, sizeof(buf));
    CpHandleAbort(pair.clientPtr);
    CpHandleClose(pair.clientPtr);
    pair.clientPtr = NULL;
    CHECK(IsReset(Wait(&recv)));
    CHECK(CpTrySend(pair.serverPtr, "x", 1, &bytes) != CP_OK);
    Close(&pair);
}

/* A close with unread input is a reset: see cpClose.c. */

static void
TestCloseUnread(void)
{
    char buf[8];
    Op recv;
    Pair pair;

    Connect(&pair);
    Send(pair.clientPtr, "unread");
    WaitData(pair.serverPtr);
    CHECK(CpHandleHasData(pair.serverPtr));
    CpSubmitRecv(pair.clientPtr, Prepare(&recv), buf, sizeof(buf));
    CpHandleClose(pair.serverPtr);
    pair.serverPtr = NULL;
    CHECK(IsReset(Wait(&recv)));
    Close(&pair);
}

/*
 * The same behind bytes, while a probe is outstanding. Windows and Wine 10
 * discard the bytes, even those that were counted before; Wine 8 delivers them,
 * though the probe may have failed. Never is there nothing.
 */

static void
TestAbortBehindData(void)
{
    char buf[8];
    size_t bytes;
    unsigned i;

    for (i = 0; i < 10; i++) {
        CpError error;
        Op probe;
        Pair pair;

        Connect(&pair);
        CpSubmitRecv(pair.serverPtr, Prepare(&probe), NULL, 0);
        CHECK(Reap(port, 0) == 0);
        Send(pair.clientPtr, "part");
        CpHandleAbort(pair.clientPtr);
        CpHandleClose(pair.clientPtr);
        pair.clientPtr = NULL;
        error = Wait(&probe);
        CHECK(error == CP_OK || IsReset(error));
        error = CpTryPeek(pair.serverPtr, &bytes);
        CHECK(error == CP_OK || IsReset(error));
        error = CpTryRecv(pair.serverPtr, buf, 8, &bytes);
        CHECK(bytes > 0 ? error == CP_OK : IsReset(error));
        CHECK(bytes == 0 || (bytes == 4 && memcmp(buf, "part", 4) == 0));
        Close(&pair);
    }
}

/* A connection without a reader of its own: the error comes by the submit. */

static void
TestNotConnected(void)
{
    CpAddr addr = Loopback(), name;
    CpHandle *handlePtr;
    CpError error;
    char buf[8];
    size_t bytes;
    Op op;

    CHECK_ERROR(CpHandleOpen(port, &addr, &handlePtr), CP_OK);
    CHECK_ERROR(CpHandlePeer(handlePtr, &name), CP_ENOTCONN);
    CHECK_ERROR(CpTryRecv(handlePtr, buf, 8, &bytes), CP_ENOTCONN);

    /* Windows: not connected. Wine: reset, as its system's own EPIPE. */
    error = CpTrySend(handlePtr, "x", 1, &bytes);
    CHECK(error == CP_ENOTCONN || error == CP_ECONNRESET);
    CpSubmitRecv(handlePtr, Prepare(&op), buf, 8);
    CHECK(op.done == 0);
    CHECK_ERROR(Wait(&op), CP_ENOTCONN);
    CHECK(CpHandleShutdown(handlePtr, CP_WRITE) != CP_OK);
    CHECK_ERROR(CpTryPeek(handlePtr, &bytes), CP_ENOTCONN);
    CpHandleClose(handlePtr);
}

static void
TestShutdown(void)
{
    char buf[8];
    size_t bytes;
    Op op;
    Pair pair;

    Connect(&pair);
    Send(pair.clientPtr, "last");
    CHECK_ERROR(CpHandleShutdown(pair.clientPtr, CP_WRITE), CP_OK);
    WaitData(pair.serverPtr);
    CHECK_ERROR(CpTryRecv(pair.serverPtr, buf, 8, &bytes), CP_OK);
    CHECK(bytes == 4);
    WaitData(pair.serverPtr);
    CHECK_ERROR(CpTryRecv(pair.serverPtr, buf, 8, &bytes), CP_OK);
    CHECK(bytes == 0);

    /* The other direction is open still. */
    Send(pair.serverPtr, "answer");
    WaitData(pair.clientPtr);
    CHECK_ERROR(CpTryRecv(pair.clientPtr, buf, 8, &bytes), CP_OK);
    CHECK(bytes == 6);
    CpSubmitSend(pair.clientPtr, Prepare(&op), "x", 1);
    CHECK_ERROR(Wait(&op), CP_EPIPE);
    CHECK_ERROR(CpTrySend(pair.serverPtr, "x", 1, &bytes), CP_OK);
    Close(&pair);
}

static void
TestBind(void)
{
    CpAddr addr;
    CpHandle *firstPtr = Listen(&addr), *secondPtr;
    int value;

    CHECK_ERROR(CpHandleOpen(port, &addr, &secondPtr), CP_OK);
    CHECK_ERROR(CpHandleBind(secondPtr, &addr), CP_EADDRINUSE);
    CHECK_ERROR(CpHandleListen(secondPtr, 5), CP_EINVAL);
    CHECK_ERROR(CpHandleSetOpt(secondPtr, CP_OPT_KEEPALIVE, 1), CP_OK);
    CHECK_ERROR(CpHandleGetOpt(secondPtr, CP_OPT_KEEPALIVE, &value), CP_OK);
    CHECK(value == 1);
    CHECK_ERROR(CpHandleGetOpt(secondPtr, CP_OPT_NODELAY, &value), CP_OK);
    CHECK(value == 0);
    CpHandleClose(secondPtr);
    CpHandleClose(firstPtr);
}

/* Who sleeps is woken by a completion; there may be one before. */

static void
TestSleep(void)
{
    char buf[8];
    size_t bytes;
    uint64_t endMs;
    Op op;
    Pair pair;

    Connect(&pair);
    CpSubmitRecv(pair.serverPtr, Prepare(&op), buf, 8);
    woken = 0;
    CHECK(CpPortSleep(port, -1) == 1);
    CHECK_ERROR(CpTrySend(pair.clientPtr, "x", 1, &bytes), CP_OK);
    endMs = CpNowMs() + PATIENCE_MS;
    while (!woken && CpNowMs() < endMs) {
        PAUSE(5);
    }
    CHECK(woken && op.done == 0);
    CHECK(CpPortSleep(port, -1) == 0);
    CHECK_ERROR(Wait(&op), CP_OK);

    /* What was over at its submit is there before any sleep. */
    CpHandleClose(pair.clientPtr);
    pair.clientPtr = NULL;
    WaitData(pair.serverPtr);
    CHECK_ERROR(CpHandleShutdown(pair.serverPtr, CP_WRITE), CP_OK);
    CpSubmitSend(pair.serverPtr, Prepare(&op), "x", 1);
    CHECK(CpPortSleep(port, -1) == 0);
    reaping = 1;
    CHECK(CpPortReapFinished(port) == 1);
    reaping = 0;
    CHECK(op.done == 1 && op.accept.op.error != CP_OK);
    Close(&pair);
}

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
            CHECK(op.accept.op.bytes == 5);
            CpSubmitRecv(pair.serverPtr, Prepare(&op), NULL, 0);
            CpCancel(pair.serverPtr, NULL);
            CHECK_ERROR(WaitOn(otherPtr, &op), CP_ECANCELED);
        }
        Close(&pair);
    }
    CpPortRelease(otherPtr);
}

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
        PAUSE(5);
    }
    CHECK(CpStatGet(CP_STAT_MEMORY_BYTES) <= before);
}

static int resolved;

static void
ResolveDone(CpOp *opPtr)
{
    (void) opPtr;
    CHECK(reaping);
    resolved++;
}

static void
TestResolve(void)
{
    CpTarget target = {"127.0.0.1", 7, NULL, 0, CP_FAMILY_ANY};
    unsigned cancelled;

    CHECK(CpTargetIsNumeric(&target));
    for (cancelled = 0; cancelled < 2; cancelled++) {
        uint64_t endMs = CpNowMs() + PATIENCE_MS;
        CpHandle *handlePtr;
        CpResolveOp resolve;

        resolved = 0;
        CHECK_ERROR(CpHandleOpenResolver(port, &handlePtr), CP_OK);
        resolve.op.proc = ResolveDone;
        CpSubmitResolve(handlePtr, &resolve, &target);
        if (cancelled) {
            CpCancel(handlePtr, &resolve.op);
        }
        CHECK(resolved == 0);
        while (!resolved && CpNowMs() < endMs) {
            Reap(port, 100);
        }
        CHECK(resolved == 1);

        /* An answer may have been there before the cancel. */
        if (!cancelled || resolve.op.error != CP_ECANCELED) {
            CHECK_ERROR(resolve.op.error, CP_OK);
            CHECK(resolve.resolved.remoteCount == 1);
            CHECK(CpAddrPort(&resolve.resolved.remotes[0]) == 7);
            CHECK(resolve.resolved.locals == NULL);
            CpResolvedFree(&resolve.resolved);
        }
        CpHandleClose(handlePtr);
    }
}

/* Both ends at once: where one has no address, none of the other is left. */

static void
TestTarget(void)
{
    CpTarget target = {"127.0.0.1", 7, "127.0.0.1", 9, CP_FAMILY_IP4};
    char *message = NULL;
    CpResolved ends;

    CHECK(CpResolveTarget(&target, &ends, &message));
    CHECK(ends.remoteCount == 1 && ends.localCount == 1);
    CHECK(CpAddrPort(&ends.remotes[0]) == 7);
    CHECK(CpAddrPort(&ends.locals[0]) == 9);
    CpResolvedFree(&ends);
    target.myHost = "::1";
    CHECK(!CpResolveTarget(&target, &ends, &message));
    CHECK(ends.remotes == NULL && ends.locals == NULL);
    CHECK(message != NULL && message[0] != '\0');
    CpMessageFree(message);
}

static void
TestAddr(void)
{
    CpAddr addr = Loopback();
    char host[CP_HOST_BYTES];

    CpAddrHost(&addr, 1, host);
    CHECK(strcmp(host, "127.0.0.1") == 0);
    CpAddrSetPort(&addr, 4711);
    CHECK(CpAddrPort(&addr) == 4711 && !CpAddrIsAny(&addr));
    CHECK(CpServicePort("http") == 80 && CpServicePort("no-such") == -1);
}

/* --------------------------------------------------------------- files */

#define FILE_BYTES 1000000

/* A file of these bytes, by the system's own handle, which is kept here. */

typedef struct NativeFile {
    unsigned char *bytes;
#ifdef IOCPSOCK_SIM
    CpSimFile content;
#else
    HANDLE handle;
    char path[MAX_PATH];
#endif
} NativeFile;

static uintptr_t
MakeFile(NativeFile *filePtr)
{
    size_t i;

    filePtr->bytes = malloc(FILE_BYTES);
    CHECK(filePtr->bytes != NULL);
    for (i = 0; i < FILE_BYTES; i++) {
        filePtr->bytes[i] = (unsigned char) (i * 7 + i / 251);
    }
#ifdef IOCPSOCK_SIM
    filePtr->content.bytes = filePtr->bytes;
    filePtr->content.sizeBytes = FILE_BYTES;
    return (uintptr_t) &filePtr->content;
#else
    {
        char folder[MAX_PATH];
        DWORD bytes;

        CHECK(GetTempPathA(sizeof(folder), folder) > 0);
        CHECK(GetTempFileNameA(folder, "cp", 0, filePtr->path) != 0);
        filePtr->handle = CreateFileA(filePtr->path,
            GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
            NULL, CREATE_ALWAYS, 0, NULL);
        CHECK(filePtr->handle != INVALID_HANDLE_VALUE);
        CHECK(WriteFile(filePtr->handle, filePtr->bytes, FILE_BYTES, &bytes,
            NULL));
        CHECK(bytes == FILE_BYTES);
        return (uintptr_t) filePtr->handle;
    }
#endif
}

/* Where reads by the caller's own handle are. */

static void
CheckPosition(NativeFile *filePtr, uint64_t expected)
{
#ifdef IOCPSOCK_SIM
    (void) filePtr;
    (void) expected;
#else
    LARGE_INTEGER none, position;

    none.QuadPart = 0;
    CHECK(SetFilePointerEx(filePtr->handle, none, &position, FILE_CURRENT));
    CHECK((uint64_t) position.QuadPart == expected);
#endif
}

static void
Truncate(NativeFile *filePtr, uint32_t sizeBytes)
{
#ifdef IOCPSOCK_SIM
    filePtr->content.sizeBytes = sizeBytes;
#else
    CHECK(SetFilePointer(filePtr->handle, (LONG) sizeBytes, NULL, FILE_BEGIN)
        == sizeBytes);
    CHECK(SetEndOfFile(filePtr->handle));
#endif
}

static void
DropFile(NativeFile *filePtr)
{
#ifndef IOCPSOCK_SIM
    CHECK(CloseHandle(filePtr->handle));
    CHECK(DeleteFileA(filePtr->path));
#endif
    free(filePtr->bytes);
}

static void
TestFile(void)
{
    static unsigned char buf[FILE_BYTES];
    NativeFile native;
    CpFile *filePtr;
    uint64_t size;
    size_t bytes;

    CHECK_ERROR(CpFileOpen(MakeFile(&native), &filePtr), CP_OK);
    CHECK_ERROR(CpFileSize(filePtr, &size), CP_OK);
    CHECK(size == FILE_BYTES);
    CHECK_ERROR(CpFileRead(filePtr, 1000, buf, sizeof(buf), &bytes), CP_OK);
    CHECK(bytes == FILE_BYTES - 1000);
    CHECK(memcmp(buf, native.bytes + 1000, bytes) == 0);
    CHECK_ERROR(CpFileRead(filePtr, 5, buf, 10, &bytes), CP_OK);
    CHECK(bytes == 10 && memcmp(buf, native.bytes + 5, bytes) == 0);
    CHECK_ERROR(CpFileRead(filePtr, FILE_BYTES, buf, 10, &bytes), CP_OK);
    CHECK(bytes == 0);
    CHECK_ERROR(CpFileRead(filePtr, UINT64_C(5000000000), buf, 10, &bytes),
        CP_OK);
    CHECK(bytes == 0);
    CheckPosition(&native, FILE_BYTES);
    Truncate(&native, 100);
    CHECK_ERROR(CpFileRead(filePtr, 50, buf, 100, &bytes), CP_OK);
    CHECK(bytes == 50);
    CHECK(CpSendFileIsLimited() == CpSendFileIsLimited());
    CpFileClose(filePtr);
    DropFile(&native);
}

/* Receives that many bytes of the file from an offset on. */

static void
CheckReceived(CpHandle *handlePtr, const NativeFile *filePtr, size_t offset,
    size_t count)
{
    static unsigned char buf[65536];

    while (count > 0) {
        size_t bytes;
        CpError error = CpTryRecv(handlePtr, buf, sizeof(buf), &bytes);

        if (error == CP_EAGAIN) {
            Reap(port, 10);
            continue;
        }
        CHECK_ERROR(error, CP_OK);
        CHECK(bytes > 0 && bytes <= count);
        CHECK(memcmp(buf, filePtr->bytes + offset, bytes) == 0);
        offset += bytes;
        count -= bytes;
    }
}

/* A file that is shorter is an error, or fewer bytes. */

static void
TestSendFile(void)
{
    NativeFile native;
    CpFile *filePtr;
    Op op;
    Pair pair;

    Connect(&pair);
    CHECK_ERROR(CpFileOpen(MakeFile(&native), &filePtr), CP_OK);
    CpSubmitSendFile(pair.clientPtr, Prepare(&op), filePtr, 7, FILE_BYTES - 10);
    CHECK(op.done == 0);
    CheckReceived(pair.serverPtr, &native, 7, FILE_BYTES - 10);
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK(op.accept.op.bytes == FILE_BYTES - 10);
    CheckPosition(&native, FILE_BYTES);
    Truncate(&native, 100);
    CpSubmitSendFile(pair.clientPtr, Prepare(&op), filePtr, 0, 200);
    if (Wait(&op) == CP_OK) {
        CHECK(op.accept.op.bytes == 100);
        CheckReceived(pair.serverPtr, &native, 0, 100);
    } else {
        CpError error = op.accept.op.error;

        CpSubmitSend(pair.clientPtr, Prepare(&op), "x", 1);
        CHECK_ERROR(Wait(&op), error);
    }
    CpFileClose(filePtr);
    DropFile(&native);
    Close(&pair);
}

/* ---------------------------------------------------------------- main */

typedef struct Case {
    const char *name;
    void (*proc)(void);
} Case;

static const Case cases[] = {
    {"reap", TestReap},
    {"recv", TestRecv},
    {"probe", TestProbe},
    {"order", TestOrder},
    {"many", TestMany},
    {"large-send", TestLargeSend},
    {"try-send", TestTrySend},
    {"cancel", TestCancel},
    {"accepts", TestAccepts},
    {"refused", TestRefused},
    {"connect-wait", TestConnectWait},
    {"gone-client", TestGoneClient},
    {"connect-again", TestConnectAgain},
    {"accepted-options", TestAcceptedOptions},
    {"cancel-send", TestCancelSend},
    {"send-past-end", TestSendPastEnd},
    {"reset", TestReset},
    {"abort", TestAbort},
    {"close-unread", TestCloseUnread},
    {"abort-behind-data", TestAbortBehindData},
    {"not-connected", TestNotConnected},
    {"shutdown", TestShutdown},
    {"bind", TestBind},
    {"sleep", TestSleep},
    {"move", TestMove},
    {"spare", TestSpare},
    {"resolve", TestResolve},
    {"target", TestTarget},
    {"addr", TestAddr},
    {"file", TestFile},
    {"send-file", TestSendFile},
};

int
main(int argc, char **argv)
{
    unsigned i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (argc > 1 && strcmp(argv[1], cases[i].name) != 0) {
            continue;
        }
        printf("%s\n", cases[i].name);
        fflush(stdout);
        BEGIN();
        port = NewPort();
        cases[i].proc();
        CpPortRelease(port);
        CHECK(CpStatGet(CP_STAT_OPERATIONS) == 0);
        CHECK(CpStatGet(CP_STAT_SOCKETS) == 0);
        CHECK(CpStatGet(CP_STAT_HANDLES) == 0);
        END();
    }
    return 0;
}
