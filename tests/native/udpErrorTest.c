/*
 * udpErrorTest.c --
 *
 *      Datagram endpoints over the simulated port: errors of receives and of
 *      sends, and connected endpoints, which hear of them.
 */

#include "udpEnd.h"

static void
TestConnected(CpPort *portPtr)
{
    CpAddr nobody = CpSimAddr4(CP_SIM_LOCALHOST, 9);
    End a, b, c;

    Open(&a, portPtr);
    Open(&b, portPtr);
    memset(&c, 0, sizeof(c));
    c.portPtr = portPtr;
    c.udpPtr = CpUdpNew(portPtr, Changed, &c);
    CHECK_ERROR(CpUdpConnect(c.udpPtr, &a.addr), CP_OK);
    CHECK(CpUdpIsConnected(c.udpPtr) && !CpUdpIsConnected(a.udpPtr));
    CHECK_ERROR(CpHandleLocal(CpUdpHandle(c.udpPtr, 0), &c.addr), CP_OK);
    CpUdpWatch(c.udpPtr, 1);
    CpUdpRearm(c.udpPtr);
    CHECK_ERROR(CpUdpSend(c.udpPtr, "hi", 2, NULL), CP_OK);
    CHECK_ERROR(CpUdpSend(c.udpPtr, "hi", 2, &a.addr), CP_EISCONN);
    CHECK_ERROR(CpUdpSend(a.udpPtr, "hi", 2, NULL), CP_ENOTCONN);
    Send(&b, &c, "stranger");
    Send(&a, &c, "answer");
    Settle(portPtr);
    Expect(&c, "answer");
    CHECK(CpUdpTake(c.udpPtr) == NULL);

    /* The peer goes and comes back. */
    Close(&a);
    CpUdpRearm(c.udpPtr);
    CHECK_ERROR(CpUdpSend(c.udpPtr, "lost", 4, NULL), CP_OK);
    Settle(portPtr);
    CHECK_ERROR(TakeError(&c), CP_ECONNREFUSED);
    CHECK_ERROR(TakeError(&c), CP_OK);
    CHECK(Stats(&c).recvPending == 1);
    OpenAt(&a, portPtr, &a.addr, 1);
    Send(&a, &c, "back");
    Settle(portPtr);
    Expect(&c, "back");
    CHECK_ERROR(TakeError(&c), CP_OK);

    /* Without a connection nobody hears of it. */
    CHECK_ERROR(CpUdpSend(b.udpPtr, "lost", 4, &nobody), CP_OK);
    Settle(portPtr);
    CHECK_ERROR(TakeError(&b), CP_OK);
    Close(&a);
    Close(&b);
    Close(&c);
}

/* The ICMP error comes to a send, which is then made again. */

static void
TestRefusedSend(CpPort *portPtr)
{
    End a, c;

    Open(&a, portPtr);
    memset(&c, 0, sizeof(c));
    c.portPtr = portPtr;
    c.udpPtr = CpUdpNew(portPtr, Changed, &c);
    CHECK_ERROR(CpUdpConnect(c.udpPtr, &a.addr), CP_OK);
    CpSimSetWindows(1); /* It reports a reset. */
    CpSimSetFault(CP_SIM_RECV_SPURIOUS, 0);
    CpSimSetFault(CP_SIM_FOREIGN, 0);
    Close(&a);
    CHECK_ERROR(CpUdpSend(c.udpPtr, "lost", 4, NULL), CP_OK);
    Settle(portPtr);
    OpenAt(&a, portPtr, &a.addr, 1);
    CHECK_ERROR(CpUdpSend(c.udpPtr, "sent", 4, NULL), CP_OK);
    Settle(portPtr);
    CHECK_ERROR(TakeError(&c), CP_ECONNREFUSED);
    CpUdpFill(a.udpPtr);
    Expect(&a, "sent");
    CHECK(Stats(&c).datagramsOut == 2 && Stats(&c).errors == 1);
    Close(&a);
    Close(&c);
}

/* A connect to another family, and of an endpoint with both. */

static void
TestConnectFamilies(CpPort *portPtr)
{
    CpAddr addrs[2] = {CpSimAddr4(0, 0), CpSimAddr6(0, 0)};
    CpAddr six = CpSimAddr6(1, 9);
    End a, b;

    OpenAt(&a, portPtr, addrs, 2);
    CHECK_ERROR(CpUdpConnect(a.udpPtr, &six), CP_OK);
    CHECK(CpUdpHandle(a.udpPtr, 1) == NULL);
    CHECK(CpUdpHandleFor(a.udpPtr, &six) != NULL);
    CHECK_ERROR(CpUdpSend(a.udpPtr, "x", 1, NULL), CP_OK);
    Close(&a);
    OpenAt(&b, portPtr, addrs, 1);
    CHECK_ERROR(CpUdpConnect(b.udpPtr, &six), CP_OK);
    CHECK(CpUdpHandle(b.udpPtr, 1) == NULL);
    Close(&b);
    CpSimFailNth(CP_SIM_CONNECT_FAIL_SUBMIT, 1, 1, CP_ENOBUFS);
    OpenAt(&b, portPtr, addrs, 1);
    addrs[0] = CpSimAddr4(CP_SIM_LOCALHOST, 9);
    CHECK_ERROR(CpUdpConnect(b.udpPtr, &addrs[0]), CP_ENOBUFS);
    CHECK(!CpUdpIsConnected(b.udpPtr));
    Close(&b);
}

/* A receive that fails for another reason is tried again, later. */

static void
TestRetry(CpPort *portPtr)
{
    End a, b;

    Open(&a, portPtr);
    CpSimFailNth(CP_SIM_RECV_FAIL_SUBMIT, 1, 2, CP_ENOBUFS);
    Open(&b, portPtr);
    Settle(portPtr);
    CHECK(CpUdpNeedsRetry(b.udpPtr) && b.notified == 1);
    CHECK(Stats(&b).recvPending == 0);
    CpUdpRearm(b.udpPtr); /* Not yet. */
    CHECK(Stats(&b).recvPending == 0);
    Send(&a, &b, "kept");
    CpUdpRetry(b.udpPtr);
    Settle(portPtr);
    CHECK(CpUdpNeedsRetry(b.udpPtr) && Stats(&b).errors == 2);
    CpUdpRetry(b.udpPtr);
    Settle(portPtr);
    CHECK(!CpUdpNeedsRetry(b.udpPtr));
    Expect(&b, "kept");
    CHECK_ERROR(TakeError(&b), CP_ENOBUFS);
    CHECK_ERROR(TakeError(&b), CP_OK);

    /* One that is retried tells when it has found something. */
    CpUdpRearm(b.udpPtr);
    Send(&a, &b, "1");
    Send(&a, &b, "2");
    Settle(portPtr);
    CpUdpRearm(b.udpPtr);
    Settle(portPtr);
    Send(&a, &b, "3");
    CpSimFailNth(CP_SIM_TRY_RECV_FAIL, 1, 1, CP_ENOBUFS);
    CpUdpRearm(b.udpPtr);
    CHECK(CpUdpNeedsRetry(b.udpPtr));
    b.notified = 0;
    CpUdpRetry(b.udpPtr);
    CHECK(b.notified == 1 && Stats(&b).queued == 3);
    Close(&a);
    Close(&b);
}

/* Many ICMP errors without a datagram in between also wait. */

static void
TestManyRefused(CpPort *portPtr)
{
    CpAddr nobody = CpSimAddr4(CP_SIM_LOCALHOST, 9);
    unsigned i;
    End c;

    memset(&c, 0, sizeof(c));
    c.portPtr = portPtr;
    c.udpPtr = CpUdpNew(portPtr, Changed, &c);
    CHECK_ERROR(CpUdpConnect(c.udpPtr, &nobody), CP_OK);
    CpUdpWatch(c.udpPtr, 1);
    CpUdpRearm(c.udpPtr);
    for (i = 0; i < 20; i++) {
        CHECK_ERROR(CpUdpSend(c.udpPtr, "x", 1, NULL), CP_OK);
        Settle(portPtr);
        CHECK(CpUdpNeedsRetry(c.udpPtr) == (i >= 16));
    }
    CHECK_ERROR(TakeError(&c), CP_ECONNREFUSED);
    Close(&c);
}

static const CheckCase cases[] = {{"connected", TestConnected},
    {"refused-send", TestRefusedSend},
    {"connect-families", TestConnectFamilies}, {"retry", TestRetry},
    {"many-refused", TestManyRefused}};

CHECK_MAIN(cases)
