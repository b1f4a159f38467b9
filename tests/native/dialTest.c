/*
 * dialTest.c --
 *
 *      Dialling over the simulated port: lists of addresses, local ones,
 *      names, cancels, and wants of all kinds.
 */

#include "check.h"
#include "cpConn.h"
#include "cpMem.h"

typedef struct Dialled {
    CpPort *portPtr;
    CpConn *connPtr;
    unsigned notified;
    int closed;
} Dialled;

static void
Notify(void *clientData)
{
    ((Dialled *) clientData)->notified++;
}

static void
Closed(void *clientData)
{
    ((Dialled *) clientData)->closed = 1;
}

static CpAddr *
Copy(const CpAddr *addrs, unsigned count)
{
    CpAddr *copy = NULL;

    if (count > 0) {
        copy = CpMalloc(count * sizeof(CpAddr));
        CHECK(copy != NULL);
        memcpy(copy, addrs, count * sizeof(CpAddr));
    }
    return copy;
}

static void
DialOrWait(Dialled *dialledPtr, CpPort *portPtr, const CpAddr *remotes,
    unsigned remoteCount, const CpAddr *locals, unsigned localCount, int wait)
{
    CpResolved resolved;

    memset(dialledPtr, 0, sizeof(Dialled));
    dialledPtr->portPtr = portPtr;
    resolved.remotes = Copy(remotes, remoteCount);
    resolved.remoteCount = remoteCount;
    resolved.locals = Copy(locals, localCount);
    resolved.localCount = localCount;
    dialledPtr->connPtr = CpConnDial(portPtr, &resolved, wait, Notify,
        dialledPtr);
    CHECK(dialledPtr->connPtr != NULL);
}

static void
Dial(Dialled *dialledPtr, CpPort *portPtr, const CpAddr *remotes,
    unsigned remoteCount, const CpAddr *locals, unsigned localCount)
{
    DialOrWait(dialledPtr, portPtr, remotes, remoteCount, locals, localCount,
        0);
}

static void
DialName(Dialled *dialledPtr, CpPort *portPtr, const char *host, unsigned port)
{
    CpTarget target = {host, port, NULL, 0, CP_FAMILY_ANY};

    memset(dialledPtr, 0, sizeof(Dialled));
    dialledPtr->portPtr = portPtr;
    dialledPtr->connPtr = CpConnDialName(portPtr, &target, Notify, dialledPtr);
    CHECK(dialledPtr->connPtr != NULL);
}

/* Waits until the dial has ended. Returns whether the connection is open. */

static int
Wait(Dialled *dialledPtr)
{
    unsigned notified = dialledPtr->notified;

    CHECK(CpConnReady(dialledPtr->connPtr) == 0);
    while (CpConnGetState(dialledPtr->connPtr) == CP_CONN_DIALLING) {
        CpPortReap(dialledPtr->portPtr, -1);
    }
    CHECK(dialledPtr->notified == notified + 1);
    return CpConnGetState(dialledPtr->connPtr) == CP_CONN_OPEN;
}

static void
Close(Dialled *dialledPtr)
{
    CpConnClose(dialledPtr->connPtr, Closed, dialledPtr);
    while (!dialledPtr->closed) {
        CpPortReap(dialledPtr->portPtr, -1);
    }
}

static void
ExpectFailure(Dialled *dialledPtr, CpError error)
{
    char buf[8];
    size_t bytes;
    CpConn *connPtr = dialledPtr->connPtr;

    CHECK(CpConnGetState(connPtr) == CP_CONN_FAILED);
    CHECK(CpConnReady(connPtr) == (CP_READ | CP_WRITE));
    CHECK_ERROR(CpConnRead(connPtr, buf, 8, &bytes), CP_ENOTCONN);
    CHECK_ERROR(CpConnWrite(connPtr, buf, 8, 0, &bytes), CP_ENOTCONN);
    CHECK_ERROR(CpConnShutdown(connPtr, CP_WRITE), CP_ENOTCONN);
    CHECK_ERROR(CpConnTakeError(connPtr), error);
    CHECK_ERROR(CpConnTakeError(connPtr), CP_OK);
}

/* Nobody listens at this port. */

static CpAddr
Nobody(void)
{
    return CpSimAddr4(CP_SIM_LOCALHOST, 9);
}

static void
TestOne(CpPort *portPtr)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    CpSimPeer *listenerPtr = CpSimPeerListen(&addr, 5);
    CpSimPeer *peerPtr;
    char buf[8];
    size_t bytes;
    Dialled dialled;

    Dial(&dialled, portPtr, &addr, 1, NULL, 0);
    CHECK(CpConnGetState(dialled.connPtr) == CP_CONN_DIALLING);
    CHECK(!CpConnResolving(dialled.connPtr));
    CHECK_ERROR(CpConnRead(dialled.connPtr, buf, 8, &bytes), CP_EAGAIN);
    CHECK_ERROR(CpConnWrite(dialled.connPtr, buf, 8, 0, &bytes), CP_EAGAIN);
    CpConnSetRecvMode(dialled.connPtr, CP_RECV_FLOW_CONTROLLED);
    CpConnSubmitRecv(dialled.connPtr);
    CpConnWatchRead(dialled.connPtr, 1);
    CHECK(Wait(&dialled));
    peerPtr = CpSimPeerAccept(listenerPtr);
    CHECK(peerPtr != NULL && CpSimPeerAccept(listenerPtr) == NULL);
    CHECK(CpSimPeerSend(peerPtr, "hello", 5) == 5);
    CpPortReap(portPtr, -1);
    CHECK(CpConnReady(dialled.connPtr) == (CP_READ | CP_WRITE));
    CHECK_ERROR(CpConnRead(dialled.connPtr, buf, 8, &bytes), CP_OK);
    CHECK(bytes == 5);
    Close(&dialled);
}

/* Three addresses do not answer, the last one does. */

static void
Several(CpAddr addrs[4])
{
    addrs[0] = CpSimAddr4(CP_SIM_UNREACHABLE, 7);
    addrs[1] = CpSimAddr4(CP_SIM_SILENT, 7);
    addrs[2] = Nobody();
    addrs[3] = CpSimAddr6(1, 0);
    CpSimPeerListen(&addrs[3], 5);
}

/* The addresses are tried in order until one answers. */

static void
TestSeveral(CpPort *portPtr)
{
    CpAddr addrs[4];
    CpAddr peer;
    Dialled dialled;

    Several(addrs);
    Dial(&dialled, portPtr, addrs, 4, NULL, 0);
    CHECK(Wait(&dialled));
    CHECK_ERROR(CpHandlePeer(CpConnHandle(dialled.connPtr), &peer), CP_OK);
    CHECK(CheckSameAddr(&peer, &addrs[3]));
    Close(&dialled);

    /* The error of the last address is reported. */
    Dial(&dialled, portPtr, addrs, 3, NULL, 0);
    CHECK(!Wait(&dialled));
    CHECK(CpConnHandle(dialled.connPtr) != NULL);
    ExpectFailure(&dialled, CP_ECONNREFUSED);
    Close(&dialled);
}

/* A dial that waits ends without a reap. */

static void
TestWait(CpPort *portPtr)
{
    CpAddr addrs[4];
    unsigned count;
    Dialled dialled;

    Several(addrs);
    for (count = 3; count <= 4; count++) {
        DialOrWait(&dialled, portPtr, addrs, count, NULL, 0, 1);
        CHECK(CpConnGetState(dialled.connPtr) == CP_CONN_DIALLING);
        CHECK(dialled.notified == 0);
        while (dialled.notified == 0) {
            CHECK(CpPortReapFinished(portPtr) > 0);
        }
        CHECK(dialled.notified == 1);
        if (count == 3) {
            ExpectFailure(&dialled, CP_ECONNREFUSED);
        } else {
            CHECK(CpConnGetState(dialled.connPtr) == CP_CONN_OPEN);
        }
        Close(&dialled);
    }
}

/* Each address is tried from each local address of its family. */

static void
TestLocals(CpPort *portPtr)
{
    CpAddr remotes[2], locals[3], name;
    Dialled dialled;

    remotes[0] = CpSimAddr6(1, 9);
    remotes[1] = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    CpSimPeerListen(&remotes[1], 5);
    locals[0] = CpSimAddr4(CP_SIM_SILENT, 0); /* Not of this machine. */
    locals[1] = CpSimAddr6(1, 0);
    locals[2] = CpSimAddr4(CP_SIM_LOCALHOST + 1, 0);
    Dial(&dialled, portPtr, remotes, 2, locals, 3);
    CHECK(Wait(&dialled));
    CHECK_ERROR(CpHandleLocal(CpConnHandle(dialled.connPtr), &name), CP_OK);
    CpAddrSetPort(&name, 0);
    CHECK(CheckSameAddr(&name, &locals[2]));
    Close(&dialled);

    /* No local address has its family, so the dial fails at once. */
    Dial(&dialled, portPtr, remotes, 1, locals, 1);
    ExpectFailure(&dialled, CP_EADDRNOTAVAIL);
    Close(&dialled);

    /* No local address can be bound. The dial fails at once, too. */
    CpSimFailNth(CP_SIM_BIND_FAIL, 1, 1, CP_EADDRINUSE);
    Dial(&dialled, portPtr, &remotes[1], 1, &locals[2], 1);
    ExpectFailure(&dialled, CP_EADDRINUSE);
    CHECK(CpConnHandle(dialled.connPtr) == NULL);
    Close(&dialled);
}

static void
TestWants(CpPort *portPtr)
{
    CpAddr addrs[2];
    CpResolved resolved;
    Dialled dialled;
    int value;

    addrs[0] = Nobody();
    addrs[1] = Nobody();
    CpSimSetHandles(1);
    Dial(&dialled, portPtr, addrs, 2, NULL, 0);
    CHECK(!Wait(&dialled));
    ExpectFailure(&dialled, CP_EMFILE); /* The second one's. */
    Close(&dialled);
    CpSimSetHandles(0);

    CpSimFailNth(CP_SIM_NO_HANDLE, 1, 2, CP_EMFILE);
    Dial(&dialled, portPtr, addrs, 2, NULL, 0);
    ExpectFailure(&dialled, CP_EMFILE);
    CHECK_ERROR(CpConnSetOpt(dialled.connPtr, CP_OPT_NODELAY, 1), CP_ENOTCONN);
    CHECK_ERROR(CpConnGetOpt(dialled.connPtr, CP_OPT_NODELAY, &value),
        CP_ENOTCONN);
    CpConnMove(dialled.connPtr, NULL);
    CpConnMove(dialled.connPtr, portPtr);
    Close(&dialled);

    CpSimFailNth(CP_SIM_CONNECT_FAIL_SUBMIT, 1, 1, CP_ENOBUFS);
    CpSimFailNth(CP_SIM_CONNECT_FAIL, 1, 1, CP_ENETUNREACH);
    Dial(&dialled, portPtr, addrs, 2, NULL, 0);
    CHECK(!Wait(&dialled));
    ExpectFailure(&dialled, CP_ENETUNREACH);
    Close(&dialled);

    memset(&resolved, 0, sizeof(resolved));
    resolved.remotes = Copy(addrs, 2);
    resolved.remoteCount = 2;
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 1, CP_OK);
    CHECK(CpConnDial(portPtr, &resolved, 0, Notify, NULL) == NULL);
    resolved.remotes = Copy(addrs, 2);
    resolved.remoteCount = 2;
    CpSimFailNth(CP_SIM_NO_MEMORY, 2, 1, CP_OK);
    dialled.connPtr = CpConnDial(portPtr, &resolved, 0, Notify, NULL);
    ExpectFailure(&dialled, CP_ENOMEM);
    dialled.closed = 0;
    Close(&dialled);
}

static void
TestCancel(CpPort *portPtr)
{
    CpAddr addrs[2];
    CpSimPeer *listenerPtr;
    unsigned late;
    Dialled dialled;

    addrs[0] = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    addrs[1] = Nobody();
    listenerPtr = CpSimPeerListen(&addrs[0], 5);
    for (late = 0; late < 2; late++) {
        Dial(&dialled, portPtr, addrs, 2, NULL, 0);
        CpSimFailNth(CP_SIM_CANCEL_LATE, late, 1, CP_OK);
        Close(&dialled);
        CHECK(dialled.notified == 0);

        /* The cancel comes too late. The connection is closed as soon as it is
         * there. */
        if (late) {
            CpSimPeer *peerPtr = CpSimPeerAccept(listenerPtr);

            CHECK(peerPtr != NULL && CpSimPeerEof(peerPtr));
        } else {
            CHECK(CpSimPeerAccept(listenerPtr) == NULL);
        }
    }

    /* No attempt follows the outstanding one. */
    addrs[1] = addrs[0];
    addrs[0] = CpSimAddr4(CP_SIM_SILENT, 9);
    Dial(&dialled, portPtr, addrs, 2, NULL, 0);
    CHECK(CpPortReap(portPtr, 1000) == 0);
    Close(&dialled);
    CHECK(CpSimNextMs() > 1000);
    CHECK(CpSimPeerAccept(listenerPtr) == NULL);
}

/* Each attempt gets the options. */

static void
TestOptions(CpPort *portPtr)
{
    CpAddr addrs[2];
    int value;
    Dialled dialled;

    addrs[0] = Nobody();
    addrs[1] = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    CpSimPeerListen(&addrs[1], 5);
    Dial(&dialled, portPtr, addrs, 2, NULL, 0);
    CHECK_ERROR(CpConnSetOpt(dialled.connPtr, CP_OPT_NODELAY, 1), CP_OK);
    CHECK_ERROR(CpConnSetOpt(dialled.connPtr, CP_OPT_SNDBUF, -1), CP_EINVAL);
    CHECK_ERROR(CpConnGetOpt(dialled.connPtr, CP_OPT_NODELAY, &value), CP_OK);
    CHECK(Wait(&dialled));
    CHECK_ERROR(CpConnGetOpt(dialled.connPtr, CP_OPT_NODELAY, &value), CP_OK);
    CHECK(value == 1);
    Close(&dialled);

    CpSimSetName("two", addrs, 2);
    DialName(&dialled, portPtr, "two", CpAddrPort(&addrs[1]));
    CHECK(CpConnResolving(dialled.connPtr));
    CHECK_ERROR(CpConnGetOpt(dialled.connPtr, CP_OPT_KEEPALIVE, &value),
        CP_ENOTCONN);
    CHECK_ERROR(CpConnSetOpt(dialled.connPtr, CP_OPT_KEEPALIVE, 1), CP_OK);
    CHECK_ERROR(CpConnGetOpt(dialled.connPtr, CP_OPT_KEEPALIVE, &value), CP_OK);
    CHECK(value == 1 && Wait(&dialled));
    CHECK_ERROR(CpConnGetOpt(dialled.connPtr, CP_OPT_KEEPALIVE, &value), CP_OK);
    CHECK(value == 1);
    Close(&dialled);
}

static void
TestNames(CpPort *portPtr)
{
    CpAddr addrs[2];
    Dialled dialled;

    addrs[0] = CpSimAddr6(1, 0);
    addrs[1] = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    CpSimPeerListen(&addrs[1], 5);
    CpSimSetName("two", addrs, 2);
    DialName(&dialled, portPtr, "two", CpAddrPort(&addrs[1]));
    CHECK(Wait(&dialled));
    Close(&dialled);

    DialName(&dialled, portPtr, "unheard-of", 7);
    CHECK(!Wait(&dialled));
    CHECK(strstr(CpConnDialMessage(dialled.connPtr), "no such host") != NULL);
    ExpectFailure(&dialled, CP_EHOSTUNREACH);
    Close(&dialled);

    /* No memory for the message. */
    DialName(&dialled, portPtr, "unheard-of", 7);
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 1, CP_OK);
    CHECK(!Wait(&dialled));
    CHECK(CpConnDialMessage(dialled.connPtr) == NULL);
    Close(&dialled);

    CpSimFailNth(CP_SIM_RESOLVE_FAIL_SUBMIT, 1, 1, CP_OK);
    DialName(&dialled, portPtr, "two", 7);
    CHECK(!Wait(&dialled));
    ExpectFailure(&dialled, CP_ENOMEM);
    Close(&dialled);

    /* The name is known, but has no address to try. */
    CpSimFailNth(CP_SIM_NO_HANDLE, 2, 2, CP_EMFILE);
    DialName(&dialled, portPtr, "two", 7);
    CHECK(!Wait(&dialled));
    ExpectFailure(&dialled, CP_EMFILE);
    Close(&dialled);
}

static void
TestNameCancel(CpPort *portPtr)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    CpSimPeer *listenerPtr = CpSimPeerListen(&addr, 5);
    unsigned late;
    Dialled dialled;

    CpSimSetName("one", &addr, 1);
    for (late = 0; late < 2; late++) {
        CpSimFailNth(CP_SIM_IN_FLIGHT, late, 1, CP_OK);
        DialName(&dialled, portPtr, late ? "one" : "unheard-of",
            CpAddrPort(&addr));
        Close(&dialled);

        /* The answer is there, but was not reaped yet. */
        CpSimFailNth(CP_SIM_LATE, 1, 1, CP_OK);
        DialName(&dialled, portPtr, late ? "one" : "unheard-of",
            CpAddrPort(&addr));
        CpSimAdvance(0);
        Close(&dialled);
        CHECK(dialled.notified == 0);
        CHECK(CpSimPeerAccept(listenerPtr) == NULL);
    }
}

static void
TestNameWants(CpPort *portPtr)
{
    CpTarget target = {"localhost", 9, NULL, 0, CP_FAMILY_ANY};
    unsigned nth;
    Dialled dialled;

    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 1, CP_OK);
    CHECK(CpConnDialName(portPtr, &target, Notify, NULL) == NULL);
    for (nth = 2; nth < 4; nth++) {
        CpSimFailNth(CP_SIM_NO_MEMORY, nth, 1, CP_OK);
        DialName(&dialled, portPtr, "localhost", 9);
        ExpectFailure(&dialled, CP_ENOMEM);
        Close(&dialled);
    }
    CpSimFailNth(CP_SIM_NO_MEMORY, 0, 0, CP_OK);
    CpSimFailNth(CP_SIM_NO_HANDLE, 1, 1, CP_OK);
    DialName(&dialled, portPtr, "localhost", 9);
    ExpectFailure(&dialled, CP_ENOMEM);
    Close(&dialled);
}

/* A dial and a look-up move with their connection, finished or not. */

static void
TestMove(CpPort *portPtr)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    CpError error;
    CpPort *otherPtr = CpPortNew(CheckNoWake, NULL, &error);
    unsigned done;
    Dialled dialled;

    CpSimPeerListen(&addr, 9);
    for (done = 0; done < 4; done++) {
        if (done < 2) {
            Dial(&dialled, portPtr, &addr, 1, NULL, 0);
        } else {
            DialName(&dialled, portPtr, "127.0.0.1", CpAddrPort(&addr));
        }
        if (done % 2) {
            CpSimAdvance(0);
        }
        CpConnMove(dialled.connPtr, NULL);
        CpSimAdvance(100);
        CHECK(CpPortReap(portPtr, 0) == 0);
        CpConnMove(dialled.connPtr, otherPtr);
        dialled.portPtr = otherPtr;
        CHECK(Wait(&dialled));
        Close(&dialled);
    }
    CpPortRelease(otherPtr);
}

/* A half-close before the connection is open takes effect once it is open. */

static void
TestHalfClose(CpPort *portPtr)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    CpSimPeer *listenerPtr = CpSimPeerListen(&addr, 5);
    static const int choices[] = {CP_READ, CP_WRITE, CP_READ | CP_WRITE};
    unsigned i;

    for (i = 0; i < 3; i++) {
        int directions = choices[i];
        CpSimPeer *peerPtr;
        Dialled dialled;
        size_t bytes;
        CpError error;

        Dial(&dialled, portPtr, &addr, 1, NULL, 0);
        CHECK(CpConnGetState(dialled.connPtr) == CP_CONN_DIALLING);
        CHECK_ERROR(CpConnShutdown(dialled.connPtr, directions), CP_OK);
        CHECK(Wait(&dialled));
        peerPtr = CpSimPeerAccept(listenerPtr);
        CHECK(peerPtr != NULL);
        CHECK(CpSimPeerEof(peerPtr) == ((directions & CP_WRITE) != 0));
        error = CpConnWrite(dialled.connPtr, "x", 1, 0, &bytes);
        CHECK(error == (directions & CP_WRITE ? CP_EPIPE : CP_OK));
        CHECK(CpSimPeerSend(peerPtr, "more", 4) == 4);
        while (CpPortReap(portPtr, 0) > 0) {
        }
        CHECK(!CpSimPeerIsReset(peerPtr));
        CHECK(((CpConnReady(dialled.connPtr) & CP_READ) != 0) == 0);
        CpSimPeerClose(peerPtr);
        Close(&dialled);
    }

    /* If the connect fails, the half-close has no effect. */
    {
        Dialled dialled;

        CpSimPeerClose(listenerPtr);
        Dial(&dialled, portPtr, &addr, 1, NULL, 0);
        CHECK_ERROR(CpConnShutdown(dialled.connPtr, CP_READ | CP_WRITE), CP_OK);
        (void) Wait(&dialled);
        CHECK(CpConnGetState(dialled.connPtr) == CP_CONN_FAILED);
        CHECK_ERROR(CpConnTakeError(dialled.connPtr), CP_ECONNREFUSED);
        CHECK_ERROR(CpConnShutdown(dialled.connPtr, CP_READ), CP_ENOTCONN);
        Close(&dialled);
    }
}

static const CheckCase cases[] = {
    {"half-close", TestHalfClose},
    {"one", TestOne},
    {"several", TestSeveral},
    {"wait", TestWait},
    {"locals", TestLocals},
    {"wants", TestWants},
    {"cancel", TestCancel},
    {"options", TestOptions},
    {"names", TestNames},
    {"name-cancel", TestNameCancel},
    {"name-wants", TestNameWants},
    {"move", TestMove},
};

CHECK_MAIN(cases)
