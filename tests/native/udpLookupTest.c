/*
 * udpLookupTest.c --
 *
 *      The peer and the remote address of a datagram endpoint, by name: what
 *      waits for the look-up, and what becomes of it.
 */

#include "udpEnd.h"

#define WAITERS 3

/* An endpoint whose peer, the host peer.test, is looked up. */

static void
OpenNamed(End *endPtr, CpPort *portPtr, const CpTarget *targetPtr)
{
    memset(endPtr, 0, sizeof(End));
    endPtr->portPtr = portPtr;
    endPtr->udpPtr = CpUdpNew(portPtr, Changed, endPtr);
    CpUdpWatch(endPtr->udpPtr, 1);
    CHECK_ERROR(CpUdpConnectName(endPtr->udpPtr, targetPtr, 0), CP_OK);
    CHECK(CpUdpIsLookingUp(endPtr->udpPtr));
    CHECK(CpUdpHasPeer(endPtr->udpPtr) && !CpUdpIsConnected(endPtr->udpPtr));
    CHECK(CpUdpHandle(endPtr->udpPtr, 0) == NULL);
    CHECK(CpUdpReady(endPtr->udpPtr) == 0);
}

static void
NamePeer(void)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 0);

    CpSimSetName("peer.test", &addr, 1);
}

static CpTarget
TargetOf(const char *host, const End *endPtr)
{
    CpTarget target = {.host = host,
        .port = CpAddrPort(&endPtr->addr),
        .family = CP_FAMILY_ANY};

    return target;
}

static void
SendWaiting(End *endPtr)
{
    CHECK_ERROR(CpUdpSendPeer(endPtr->udpPtr, "one", 3), CP_OK);
    CHECK_ERROR(CpUdpSendPeer(endPtr->udpPtr, "two", 3), CP_OK);
    CHECK_ERROR(CpUdpSendPeer(endPtr->udpPtr, "", 0), CP_OK);
}

/* Lets all datagrams that are on their way arrive. */

static void
Arrive(End *endPtr)
{
    Settle(endPtr->portPtr);
    CpUdpFill(endPtr->udpPtr);
}

/* Datagrams wait for the peer's name, and keep their order. */

static void
TestPeer(CpPort *portPtr)
{
    CpTarget target;
    End a, b;

    NamePeer();
    Open(&b, portPtr);
    target = TargetOf("peer.test", &b);
    OpenNamed(&a, portPtr, &target);
    SendWaiting(&a);
    CHECK_ERROR(CpUdpSend(a.udpPtr, "x", 1, &b.addr), CP_EISCONN);
    CHECK_ERROR(CpUdpSendName(a.udpPtr, "x", 1, &target), CP_EISCONN);
    CHECK_ERROR(CpUdpSetRemote(a.udpPtr, &b.addr), CP_EISCONN);
    CHECK_ERROR(CpUdpSetRemoteName(a.udpPtr, &target), CP_EISCONN);
    CHECK(CpUdpRemote(a.udpPtr)->lengthBytes == 0);
    CHECK(Stats(&a).datagramsOut == 0 && Stats(&a).lookups == 1);
    Settle(portPtr);
    CHECK(CpUdpIsConnected(a.udpPtr) && !CpUdpIsLookingUp(a.udpPtr));
    CHECK(CheckSameAddr(CpUdpRemote(a.udpPtr), &b.addr));
    CHECK(CpUdpReady(a.udpPtr) == CP_WRITE && a.notified > 0);
    CHECK_ERROR(CpUdpSendPeer(a.udpPtr, "three", 5), CP_OK);
    Arrive(&b);
    Expect(&b, "one");
    Expect(&b, "two");
    Expect(&b, "");
    Expect(&b, "three");
    CHECK(Stats(&a).datagramsOut == 4 && Stats(&a).bytesOut == 11);

    /* It was watched all the time, so that it receives now. */
    CHECK_ERROR(CpHandleLocal(CpUdpHandle(a.udpPtr, 0), &a.addr), CP_OK);
    Send(&b, &a, "answer");
    Settle(portPtr);
    Expect(&a, "answer");
    Close(&a);
    Close(&b);
}

/* A name that is not found loses what has waited for it. */

static void
TestUnknown(CpPort *portPtr)
{
    CpTarget target = {.host = "nobody.test", .port = 9};
    char *message;
    End a;

    OpenNamed(&a, portPtr, &target);
    SendWaiting(&a);
    Settle(portPtr);
    CHECK(CpUdpHasFailed(a.udpPtr) && CpUdpHasPeer(a.udpPtr));
    CHECK(!CpUdpIsConnected(a.udpPtr) && !CpUdpIsLookingUp(a.udpPtr));
    CHECK(CpUdpReady(a.udpPtr) == (CP_READ | CP_WRITE) && a.notified > 0);
    CHECK(Stats(&a).errors == WAITERS);
    CHECK_ERROR(CpUdpTakeError(a.udpPtr, &message), CP_EHOSTUNREACH);
    CHECK(message != NULL && strcmp(message, "no such host is known") == 0);
    CpMessageFree(message);
    CHECK_ERROR(TakeError(&a), CP_OK);
    CHECK_ERROR(CpUdpSendPeer(a.udpPtr, "x", 1), CP_ENOTCONN);
    CHECK_ERROR(CpUdpSendName(a.udpPtr, "x", 1, &target), CP_ENOTCONN);
    CHECK_ERROR(CpUdpSetRemote(a.udpPtr, NULL), CP_EISCONN);
    CpUdpFill(a.udpPtr);
    CHECK(CpUdpTake(a.udpPtr) == NULL);
    Close(&a);

    /* A look-up that fails otherwise. */
    CpSimFailNth(CP_SIM_RESOLVE_FAIL_SUBMIT, 1, 1, CP_OK);
    OpenNamed(&a, portPtr, &target);
    Settle(portPtr);
    CHECK(CpUdpHasFailed(a.udpPtr) && Stats(&a).errors == 1);
    CHECK_ERROR(TakeError(&a), CP_ENOMEM);
    Close(&a);
}

/* The local port is bound when the names are known. */

static void
TestLocal(CpPort *portPtr)
{
    CpTarget target;
    CpAddr local;
    End a, b;

    NamePeer();
    Open(&b, portPtr);
    target = TargetOf("peer.test", &b);
    target.myPort = 5000;
    OpenNamed(&a, portPtr, &target);
    Settle(portPtr);
    CHECK_ERROR(CpHandleLocal(CpUdpHandle(a.udpPtr, 0), &local), CP_OK);
    CHECK(CpAddrPort(&local) == 5000);
    CHECK(CpUdpHandle(a.udpPtr, 1) == NULL);
    Close(&a);

    target.myPort = CpAddrPort(&b.addr);
    target.myHost = "peer.test";
    OpenNamed(&a, portPtr, &target);
    Settle(portPtr);
    CHECK(CpUdpHasFailed(a.udpPtr) && CpUdpHandle(a.udpPtr, 0) == NULL);
    CHECK_ERROR(TakeError(&a), CP_EADDRINUSE);
    Close(&a);
    Close(&b);
}

/* Of several addresses the first one is taken that it can connect to. */

static void
TestSecond(CpPort *portPtr)
{
    CpAddr addrs[2] = {CpSimAddr6(1, 0), CpSimAddr4(CP_SIM_LOCALHOST, 0)};
    unsigned myPort;

    CpSimSetName("both.test", addrs, 2);
    for (myPort = 0; myPort < 5001; myPort += 5000) {
        CpTarget target;
        End a, b;

        Open(&b, portPtr);
        target = TargetOf("both.test", &b);
        target.myPort = myPort;
        CpSimFailNth(CP_SIM_CONNECT_FAIL_SUBMIT, 1, 1, CP_ENETUNREACH);
        OpenNamed(&a, portPtr, &target);
        CHECK_ERROR(CpUdpSendPeer(a.udpPtr, "x", 1), CP_OK);
        Settle(portPtr);
        CHECK(CheckSameAddr(CpUdpRemote(a.udpPtr), &b.addr));
        CHECK(CpUdpHandle(a.udpPtr, 1) == NULL);
        Expect(&b, "x");
        Close(&a);

        CpSimFailNth(CP_SIM_CONNECT_FAIL_SUBMIT, 1, 2, CP_ENETUNREACH);
        OpenNamed(&a, portPtr, &target);
        Settle(portPtr);
        CHECK(CpUdpHasFailed(a.udpPtr) && CpUdpHandle(a.udpPtr, 0) == NULL);
        CHECK_ERROR(TakeError(&a), CP_ENETUNREACH);
        Close(&a);
        Close(&b);
    }
}

/* Each datagram goes to the remote address of its time. */

static void
TestRemote(CpPort *portPtr)
{
    CpTarget nobody = {.host = "nobody.test", .port = 9};
    CpTarget target;
    End a, b, c;

    NamePeer();
    Open(&a, portPtr);
    Open(&b, portPtr);
    Open(&c, portPtr);
    target = TargetOf("peer.test", &b);
    CHECK_ERROR(CpUdpSetRemoteName(a.udpPtr, &target), CP_OK);
    CHECK(CpUdpIsLookingUp(a.udpPtr) && CpUdpReady(a.udpPtr) == 0);
    CHECK_ERROR(CpUdpSendPeer(a.udpPtr, "to b", 4), CP_OK);
    target = TargetOf("peer.test", &c);
    CHECK_ERROR(CpUdpSetRemoteName(a.udpPtr, &target), CP_OK);
    CHECK_ERROR(CpUdpSendPeer(a.udpPtr, "to c", 4), CP_OK);
    Send(&a, &b, "first");
    Arrive(&b);
    CHECK(CheckSameAddr(CpUdpRemote(a.udpPtr), &c.addr));
    Expect(&b, "first");
    Expect(&b, "to b");
    Expect(&c, "to c");

    /* One that was replaced before its name was found. */
    CHECK_ERROR(CpUdpSetRemoteName(a.udpPtr, &target), CP_OK);
    CHECK_ERROR(CpUdpSetRemote(a.udpPtr, &b.addr), CP_OK);
    Settle(portPtr);
    CHECK(CheckSameAddr(CpUdpRemote(a.udpPtr), &b.addr));
    CHECK_ERROR(CpUdpSetRemoteName(a.udpPtr, &nobody), CP_OK);
    CHECK_ERROR(CpUdpSetRemote(a.udpPtr, &b.addr), CP_OK);
    Settle(portPtr);
    CHECK_ERROR(TakeError(&a), CP_OK);
    CHECK(CheckSameAddr(CpUdpRemote(a.udpPtr), &b.addr));
    CHECK_ERROR(CpUdpSetRemoteName(a.udpPtr, &nobody), CP_OK);
    CHECK_ERROR(CpUdpSendPeer(a.udpPtr, "x", 1), CP_OK);
    CHECK_ERROR(CpUdpSetRemote(a.udpPtr, NULL), CP_OK);
    Settle(portPtr);
    CHECK_ERROR(TakeError(&a), CP_EHOSTUNREACH);
    CHECK(!CpUdpHasFailed(a.udpPtr));
    CHECK_ERROR(CpUdpSendPeer(a.udpPtr, "x", 1), CP_ENOTCONN);
    Send(&a, &b, "still works");
    Arrive(&b);
    Expect(&b, "still works");
    Close(&a);
    Close(&b);
    Close(&c);
}

/* What waits is bounded, and a close drops it. */

static void
TestLimits(CpPort *portPtr)
{
    static const unsigned char bytes[CP_UDP_BYTES_MAX];
    CpTarget target = {.host = "peer.test", .port = 9};
    unsigned i;
    End a;

    NamePeer();
    OpenNamed(&a, portPtr, &target);
    CHECK_ERROR(CpUdpSendPeer(a.udpPtr, bytes, CP_UDP_BYTES_MAX), CP_EMSGSIZE);
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 1, CP_OK);
    CHECK_ERROR(CpUdpSendPeer(a.udpPtr, "x", 1), CP_ENOMEM);
    for (i = 0; i < CP_UDP_SEND_COUNT_MAX; i++) {
        CHECK_ERROR(CpUdpSendPeer(a.udpPtr, "x", 1), CP_OK);
    }
    CHECK_ERROR(CpUdpSendPeer(a.udpPtr, "x", 1), CP_EAGAIN);
    Close(&a);

    OpenNamed(&a, portPtr, &target);
    for (i = 0; i <= CP_UDP_SEND_BYTES_MAX / (CP_UDP_BYTES_MAX - 1); i++) {
        CHECK_ERROR(CpUdpSendPeer(a.udpPtr, bytes, CP_UDP_BYTES_MAX - 1),
            CP_OK);
    }
    CHECK_ERROR(CpUdpSendPeer(a.udpPtr, "x", 1), CP_EAGAIN);
    Close(&a);

    for (i = 1; i <= 2; i++) {
        memset(&a, 0, sizeof(a));
        a.portPtr = portPtr;
        a.udpPtr = CpUdpNew(portPtr, Changed, &a);
        CpSimFailNth(i == 1 ? CP_SIM_NO_MEMORY : CP_SIM_NO_HANDLE, 1, 1, CP_OK);
        CHECK_ERROR(CpUdpConnectName(a.udpPtr, &target, 0), CP_ENOMEM);
        CHECK(!CpUdpIsLookingUp(a.udpPtr) && !CpUdpHasPeer(a.udpPtr));
        Close(&a);
    }
}

/* The owner changes during the look-up. */

static void
TestMove(CpPort *portPtr)
{
    CpError error;
    CpPort *otherPtr = CpPortNew(CheckNoWake, NULL, &error);
    CpTarget target;
    End a, b;

    NamePeer();
    Open(&b, portPtr);
    target = TargetOf("peer.test", &b);
    OpenNamed(&a, portPtr, &target);
    SendWaiting(&a);
    CpUdpMove(a.udpPtr, NULL);
    CpSimAdvance(1);
    CpUdpMove(a.udpPtr, otherPtr);
    a.portPtr = otherPtr;
    Settle(otherPtr);
    CHECK(CpUdpIsConnected(a.udpPtr));
    Settle(portPtr);
    Expect(&b, "one");
    Close(&a);
    Close(&b);
    CpPortRelease(otherPtr);
}

static const CheckCase cases[] = {{"peer", TestPeer}, {"unknown", TestUnknown},
    {"local", TestLocal}, {"second", TestSecond}, {"remote", TestRemote},
    {"limits", TestLimits}, {"move", TestMove}};

CHECK_MAIN(cases)
