/*
 * portConnect.c --
 *
 *      Connects and accepts.
 */

#include "port/port.h"

static void
TestRefused(void)
{
    CpAddr addr;
    CpHandle *refusingPtr = Refuse(port, &addr), *handlePtr;
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
    CpHandle *listenerPtr = Listen(port, &addr);
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
        ReapFinished(port);
        CHECK(connect.done == 1 && connect.accept.op.atOnce);
        CHECK_ERROR(connect.accept.op.error, CP_OK);
        CHECK_ERROR(Wait(&accept), CP_OK);
        CHECK_ERROR(CpHandleLocal(clientPtr, &name), CP_OK);
        CHECK_COUNT(CpAddrPort(&accept.accept.peer), CpAddrPort(&name));
        CHECK_ERROR(CpHandlePeer(clientPtr, &peer), CP_OK);
        CHECK_COUNT(CpAddrPort(&peer), CpAddrPort(&addr));
        CpSubmitRecv(clientPtr, Prepare(&recv), buf, sizeof(buf));
        Send(accept.accept.newHandlePtr, "late");
        CHECK_ERROR(Wait(&recv), CP_OK);
        CHECK_COUNT(recv.accept.op.bytes, 4);
        CHECK_BYTES(buf, "late", 4);
        CpHandleClose(accept.accept.newHandlePtr);
        CpHandleClose(clientPtr);
    }
    CpHandleClose(listenerPtr);
}

/*
 * A connect that gets no answer: until it is over there is no peer and nothing
 * to receive or send. It can be cancelled.
 */

static void
CheckConnecting(CpHandle *handlePtr, Op *opPtr)
{
    CpAddr name;
    char buf[8];
    size_t bytes;

    CHECK_ERROR(CpHandleLocal(handlePtr, &name), CP_OK);
    CHECK(CpAddrPort(&name) != 0);
    CHECK_ERROR(CpHandlePeer(handlePtr, &name), CP_ENOTCONN);
    CHECK_ERROR_OR_WINE(CpTryRecv(handlePtr, buf, 8, &bytes), CP_ENOTCONN,
        CP_EAGAIN);
    CHECK_ERROR_OR_WINE(CpTrySend(handlePtr, "x", 1, &bytes), CP_ENOTCONN,
        CP_EAGAIN);
    CHECK(opPtr->done == 0);
    CpCancel(handlePtr, &opPtr->accept.op);
    CHECK_ERROR(Wait(opPtr), CP_ECANCELED);
}

/*
 * Connects to a listener that nobody serves. Linux does not answer when its
 * queue is full, Windows refuses.
 */

static int
ConnectToFull(void)
{
    enum { COUNT = 20 };
    CpHandle *clients[COUNT], *listenerPtr;
    CpAddr addr;
    Op ops[COUNT];
    unsigned count, i;
    int isFull = 0;

    listenerPtr = Refuse(port, &addr);
    CHECK_ERROR(CpHandleListen(listenerPtr, 1), CP_OK);
    for (count = 0; count < COUNT && !isFull; count++) {
        CHECK_ERROR(CpHandleOpen(port, &addr, &clients[count]), CP_OK);
        CpSubmitConnect(clients[count], Prepare(&ops[count]), &addr, 0);
        Reap(port, 200);
        if (!ops[count].done) {
            CheckConnecting(clients[count], &ops[count]);
            isFull = 1;
        }
    }
    for (i = 0; i < count; i++) {
        CpHandleClose(clients[i]);
    }
    CpHandleClose(listenerPtr);
    return isFull;
}

/* An address for documentation alone, which nobody has. */

#ifdef IOCPSOCK_SIM
#define SILENT "10.0.0.1"
#else
#define SILENT "192.0.2.1"
#endif

static void
TestConnecting(void)
{
    CpAddr *addrs;
    CpHandle *handlePtr;
    char *message;
    unsigned count;
    Op op;

    CHECK(CpResolve(SILENT, 9, CP_FAMILY_IP4, 0, &addrs, &count, &message));
    CHECK_ERROR(CpHandleOpen(port, &addrs[0], &handlePtr), CP_OK);
    CpSubmitConnect(handlePtr, Prepare(&op), &addrs[0], 0);
    Reap(port, 100);
    if (!op.done) {
        CheckConnecting(handlePtr, &op);
    } else if (!ConnectToFull()) {
        NoteSkip("a connect to %s is over at once: %s", SILENT,
            CpErrorName(op.accept.op.error));
    }
    CpResolveFree(addrs, count);
    CpHandleClose(handlePtr);
}

/* A connect that failed leaves a handle for closing. A new one connects. */

static void
TestConnectAgain(void)
{
    CpAddr addr;
    CpHandle *refusingPtr = Refuse(port, &addr), *handlePtr;
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

/* Accepts and clients find each other, whichever comes first. */

static void
TestAccepts(void)
{
    enum { COUNT = 4 };
    Op accepts[COUNT];
    CpHandle *clients[COUNT], *listenerPtr;
    CpAddr addr;
    unsigned i;

    listenerPtr = Listen(port, &addr);
    for (i = 0; i < COUNT; i++) {
        Prepare(&accepts[i]);
        if (i < COUNT / 2) {
            CpSubmitAccept(listenerPtr, &accepts[i].accept);
        }
    }

    /* The spare handle of a submitted accept does not count as a socket. */
    CHECK_COUNT(CpStatGet(CP_STAT_SOCKETS), 1);
    CHECK_COUNT(CpStatGet(CP_STAT_HANDLES), 1 + COUNT / 2);
    for (i = 0; i < COUNT; i++) {
        clients[i] = ConnectTo(&addr);
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

/*
 * Clients are accepted in the order in which they came, whether they have said
 * something or not, and each with its own name.
 */

static void
TestAcceptOrder(void)
{
    enum { COUNT = 4 };
    CpHandle *clients[COUNT];
    CpAddr addr, local, name;
    CpHandle *listenerPtr = Listen(port, &addr);
    unsigned i;

    for (i = 0; i < COUNT; i++) {
        clients[i] = ConnectTo(&addr);
        if (i % 2 == 1) {
            Send(clients[i], "early");
        }
    }
    for (i = 0; i < COUNT; i++) {
        CpHandle *serverPtr;
        Op accept;

        Prepare(&accept);
        CpSubmitAccept(listenerPtr, &accept.accept);
        CHECK_ERROR(Wait(&accept), CP_OK);
        CHECK_COUNT(accept.accept.op.bytes, 0);
        serverPtr = accept.accept.newHandlePtr;
        CHECK_ERROR(CpHandleLocal(clients[i], &local), CP_OK);
        CHECK_COUNT(CpAddrPort(&accept.accept.peer), CpAddrPort(&local));
        CHECK_ERROR(CpHandleLocal(serverPtr, &name), CP_OK);
        CHECK_COUNT(CpAddrPort(&name), CpAddrPort(&addr));
        if (i % 2 == 1) {
            Expect(serverPtr, "early");
        } else {
            CHECK(!HasData(serverPtr));
        }
        CpHandleClose(serverPtr);
        CpHandleClose(clients[i]);
    }
    CpHandleClose(listenerPtr);
}

/* A handle that does not listen accepts nobody. */

static void
TestAcceptWithoutListen(void)
{
    CpAddr addr;
    CpHandle *handlePtr = Refuse(port, &addr);
    Op accept;

    Prepare(&accept);
    CpSubmitAccept(handlePtr, &accept.accept);
    Reap(port, 50);
    if (OnWine() && !accept.done) {
        NoteWine("an accept on a handle that does not listen waits");
        CpCancel(handlePtr, NULL);
        CHECK_ERROR(Wait(&accept), CP_ECANCELED);
    } else {
        CHECK_ERROR(Wait(&accept), CP_EINVAL);
        CHECK(accept.accept.op.atOnce);
    }
    CHECK(accept.accept.newHandlePtr == NULL);
    CpHandleClose(handlePtr);
}

/*
 * A client that has gone before its accept. If it said goodbye, the accept
 * succeeds, and its bytes can be read. If it reset the connection, the accept
 * may fail, as Microsoft documents for AcceptEx; or it succeeds, and the first
 * receive has the reset; or the system has forgotten the client. The next one
 * is accepted in any case.
 */

static void
AcceptClosed(CpHandle *listenerPtr)
{
    char buf[8];
    CpError error;
    Op accept;

    Prepare(&accept);
    CpSubmitAccept(listenerPtr, &accept.accept);
    CHECK_ERROR(Wait(&accept), CP_OK);
    CHECK_COUNT(ReceiveAll(accept.accept.newHandlePtr, buf, 8, &error), 3);
    CHECK_BYTES(buf, "bye", 3);
    CHECK_ERROR(error, CP_OK);
    CpHandleClose(accept.accept.newHandlePtr);
}

/* Accepts until that client comes, which is the first or the second time. */

static void
AcceptNext(CpHandle *listenerPtr, unsigned clientPort, int first)
{
    char buf[8];
    CpError error;
    Op accept;

    Prepare(&accept);
    CpSubmitAccept(listenerPtr, &accept.accept);
    error = Wait(&accept);
    if (error == CP_OK && CpAddrPort(&accept.accept.peer) == clientPort) {
        CpHandleClose(accept.accept.newHandlePtr);
        return;
    }
    CHECK(first);
    if (error == CP_OK) {
        (void) ReceiveAll(accept.accept.newHandlePtr, buf, 8, &error);
        CHECK_RESET(error);
        CpHandleClose(accept.accept.newHandlePtr);
    } else {
        CHECK_OR_WINE(IsReset(error), error == CP_ENOTCONN,
            "the accept of a client that has gone says ENOTCONN");
        CHECK(accept.accept.newHandlePtr == NULL);
    }
    AcceptNext(listenerPtr, clientPort, 0);
}

static void
TestGoneClient(void)
{
    int resets;

    for (resets = 0; resets < 2; resets++) {
        CpAddr addr, name;
        CpHandle *listenerPtr = Listen(port, &addr);
        CpHandle *gonePtr = ConnectTo(&addr), *nextPtr;

        Send(gonePtr, "bye");
        if (resets) {
            CpHandleAbort(gonePtr);
        }
        CpHandleClose(gonePtr);
        nextPtr = ConnectTo(&addr);
        CHECK_ERROR(CpHandleLocal(nextPtr, &name), CP_OK);
        if (!resets) {
            AcceptClosed(listenerPtr);
        }
        AcceptNext(listenerPtr, CpAddrPort(&name), resets);
        CpHandleClose(nextPtr);
        CpHandleClose(listenerPtr);
    }
}

const Case connectCases[] = {
    {"refused", TestRefused},
    {"connect-wait", TestConnectWait},
    {"connecting", TestConnecting},
    {"connect-again", TestConnectAgain},
    {"accepts", TestAccepts},
    {"accept-order", TestAcceptOrder},
    {"accept-without-listen", TestAcceptWithoutListen},
    {"gone-client", TestGoneClient},
    {NULL, NULL},
};
