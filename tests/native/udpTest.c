/*
 * udpTest.c --
 *
 *      Datagram endpoints over the simulated port: the queue and its limits,
 *      host names, moves, closes, and lack of memory.
 */

#include "udpEnd.h"

/* --------------------------------------------------------- receiving */

static void
TestOrder(CpPort *portPtr)
{
    End a, b;
    char text[16];
    int i;

    Open(&a, portPtr);
    Open(&b, portPtr);
    CHECK(CpUdpReady(b.udpPtr) == CP_WRITE);
    CHECK(Stats(&b).recvPending == 1);
    for (i = 0; i < 300; i++) {
        snprintf(text, sizeof(text), "%d", i);
        Send(&a, &b, text);
    }

    /* One by a receive. As more are there, 32 are then taken at a time. */
    Settle(portPtr);
    CHECK(Stats(&b).queued == 1);
    CHECK(CpUdpReady(b.udpPtr) == (CP_READ | CP_WRITE));
    CHECK(b.notified == 1);
    CpUdpRearm(b.udpPtr);
    Settle(portPtr);
    CHECK(Stats(&b).queued == 2);
    CpUdpRearm(b.udpPtr);
    CHECK(Stats(&b).queued == 34 && Stats(&b).recvPending == 0);
    for (i = 0; i < 9; i++) {
        CpUdpRearm(b.udpPtr);
    }
    CHECK(Stats(&b).queued == 300 && Stats(&b).recvPending == 1);
    for (i = 0; i < 300; i++) {
        snprintf(text, sizeof(text), "%d", i);
        Expect(&b, text);
    }
    CHECK(CpUdpTake(b.udpPtr) == NULL);
    CHECK(CpUdpReady(b.udpPtr) == CP_WRITE);
    CHECK(Stats(&b).datagramsIn == 300 && Stats(&a).datagramsOut == 300);
    CHECK(CpStatGet(CP_STAT_DATAGRAMS_IN) == 300);
    CHECK(CpStatGet(CP_STAT_DATAGRAMS_OUT) == 300);
    CHECK(CpStatGet(CP_STAT_UDP) == 2);
    Close(&a);
    Close(&b);
}

/* Nobody wants them: they stay in the system, except for one. */

static void
TestUnwatched(CpPort *portPtr)
{
    End a, b;

    Open(&a, portPtr);
    Open(&b, portPtr);
    CpUdpWatch(b.udpPtr, 0);
    Send(&a, &b, "one");
    Send(&a, &b, "two");
    Send(&a, &b, "");
    Settle(portPtr);
    CHECK(Stats(&b).queued == 1 && Stats(&b).recvPending == 0);
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == CP_UDP_BYTES_MAX + 3);
    CpUdpFill(b.udpPtr);
    CHECK(Stats(&b).queued == 3 && Stats(&b).recvPending == 0);
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == CP_UDP_BYTES_MAX + 6);
    Expect(&b, "one");
    Expect(&b, "two");
    Expect(&b, "");
    CpUdpFill(b.udpPtr);
    CHECK(Stats(&b).queued == 0);
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == CP_UDP_BYTES_MAX);
    Close(&a);
    Close(&b);
}

/* A reader with little room. */

static void
TestParts(CpPort *portPtr)
{
    CpDatagram *datagramPtr;
    End a, b;

    Open(&a, portPtr);
    Open(&b, portPtr);
    Send(&a, &b, "0123456789");
    Send(&a, &b, "next");
    CpUdpFill(b.udpPtr);
    datagramPtr = CpUdpTake(b.udpPtr);
    CHECK(datagramPtr != NULL);
    CpUdpFreeBegin(b.udpPtr, datagramPtr, 4);
    CHECK(Stats(&b).queued == 2 && Stats(&b).queuedBytes == 10);
    Expect(&b, "456789");
    datagramPtr = CpUdpTake(b.udpPtr);
    CHECK(datagramPtr != NULL);
    CpUdpFreeBegin(b.udpPtr, datagramPtr, 1);
    datagramPtr = CpUdpTake(b.udpPtr);
    CHECK(
        datagramPtr != NULL && CheckSameAddr(&datagramPtr->info.peer, &a.addr));
    CpUdpFreeBegin(b.udpPtr, datagramPtr, 3);
    CHECK(Stats(&b).queued == 0 && Stats(&b).queuedBytes == 0);
    CHECK(Stats(&b).datagramsIn == 2);

    /* A close frees the rest. */
    Send(&a, &b, "0123456789");
    CpUdpFill(b.udpPtr);
    CpUdpFreeBegin(b.udpPtr, CpUdpTake(b.udpPtr), 4);
    Close(&a);
    Close(&b);
}

/* A fill finds a datagram that a receive has, and those behind it. */

static void
TestFillWatched(CpPort *portPtr)
{
    End a, b;

    Open(&a, portPtr);
    Open(&b, portPtr);
    Send(&a, &b, "one");
    Send(&a, &b, "two");
    CpUdpFill(b.udpPtr);
    CHECK(Stats(&b).queued == 2 && Stats(&b).recvPending == 1);
    Expect(&b, "one");
    Expect(&b, "two");
    Close(&a);
    Close(&b);
}

static void
TestLimits(CpPort *portPtr)
{
    CpUdpLimits limits;
    CpDatagram *datagramPtr;
    End a, b;

    Open(&a, portPtr);
    Open(&b, portPtr);
    CpUdpGetLimits(b.udpPtr, &limits);
    CHECK(limits.queueBytes == CP_UDP_QUEUE_BYTES_DEFAULT);
    CHECK(limits.queueCount == CP_UDP_QUEUE_COUNT_DEFAULT);
    limits.queueBytes = 10;
    limits.queueCount = 3;
    limits.datagramBytes = 8;
    CpUdpSetLimits(b.udpPtr, &limits);

    /* By number. The newest ones are dropped. */
    Send(&a, &b, "1");
    Send(&a, &b, "2");
    Send(&a, &b, "3");
    Send(&a, &b, "4");
    CpUdpFill(b.udpPtr);
    CHECK(Stats(&b).queued == 3 && Stats(&b).dropped == 1);
    CHECK(Stats(&b).datagramsIn == 4);
    CHECK(CpStatGet(CP_STAT_DATAGRAMS_DROPPED) == 1);
    Expect(&b, "1");
    Expect(&b, "2");
    Expect(&b, "3");

    /* By bytes: 10 of 11. */
    Send(&a, &b, "123456");
    Send(&a, &b, "12345");
    Send(&a, &b, "1234");
    CpUdpFill(b.udpPtr);
    CHECK(Stats(&b).queued == 2 && Stats(&b).dropped == 2);
    CHECK(Stats(&b).queuedBytes == 10);
    Expect(&b, "123456");
    Expect(&b, "1234");

    /* An empty queue takes any; a long one is cut. */
    limits.queueBytes = 1;
    CpUdpSetLimits(b.udpPtr, &limits);
    Send(&a, &b, "123456789");
    CpUdpFill(b.udpPtr);
    datagramPtr = CpUdpTake(b.udpPtr);
    CHECK(datagramPtr != NULL && datagramPtr->lengthBytes == 8);
    CHECK(datagramPtr->info.truncated);
    CHECK(CheckSameAddr(&datagramPtr->info.peer, &a.addr));
    CpUdpFree(datagramPtr);
    CHECK(Stats(&b).truncated == 1 && Stats(&b).bytesIn == 28);
    Close(&a);
    Close(&b);
}

static void
TestBoth(CpPort *portPtr)
{
    CpAddr addrs[3] = {CpSimAddr4(0, 0), CpSimAddr6(0, 0), CpSimAddr4(0, 0)};
    CpAddr local;
    End both, four, six;

    OpenAt(&both, portPtr, addrs, 3);
    CpUdpWatch(both.udpPtr, 1);
    CpUdpRearm(both.udpPtr);
    CHECK(CpUdpHandle(both.udpPtr, 1) != NULL);
    CHECK(CpUdpHandle(both.udpPtr, 2) == NULL);
    CHECK_ERROR(CpHandleLocal(CpUdpHandle(both.udpPtr, 1), &local), CP_OK);
    CHECK(CpAddrPort(&local) == CpAddrPort(&both.addr));
    CHECK(Stats(&both).recvPending == 2);
    Open(&four, portPtr);
    addrs[0] = CpSimAddr6(1, 0);
    OpenAt(&six, portPtr, addrs, 1);
    both.addr = CpSimAddr4(CP_SIM_LOCALHOST, CpAddrPort(&local));
    Send(&four, &both, "four");
    both.addr = CpSimAddr6(1, CpAddrPort(&local));
    Send(&six, &both, "six");
    CHECK_ERROR(CpUdpSend(six.udpPtr, "x", 1, &four.addr), CP_EAFNOSUPPORT);
    CpUdpFill(both.udpPtr);
    Expect(&both, "four");
    Expect(&both, "six");
    Send(&both, &four, "to four");
    Send(&both, &six, "to six");
    CpUdpFill(four.udpPtr);
    CpUdpFill(six.udpPtr);
    Expect(&four, "to four");
    Expect(&six, "to six");
    CHECK(CpUdpHandleFor(six.udpPtr, &four.addr) == NULL);
    CHECK(
        CpUdpHandleFor(both.udpPtr, &six.addr) == CpUdpHandle(both.udpPtr, 1));
    Close(&both);
    Close(&four);
    Close(&six);
}

/* The port that the first family chooses may be taken in the second. */

static void
TestPortTaken(CpPort *portPtr)
{
    CpAddr addrs[2] = {CpSimAddr4(0, 0), CpSimAddr6(0, 0)};
    CpAddr four, six;
    End taker, both;

    addrs[1] = CpSimAddr6(0, 49152);
    OpenAt(&taker, portPtr, &addrs[1], 1);
    addrs[1] = CpSimAddr6(0, 0);
    OpenAt(&both, portPtr, addrs, 2);
    CHECK_ERROR(CpHandleLocal(CpUdpHandle(both.udpPtr, 0), &four), CP_OK);
    CHECK(CpUdpHandle(both.udpPtr, 1) != NULL);
    CHECK_ERROR(CpHandleLocal(CpUdpHandle(both.udpPtr, 1), &six), CP_OK);
    CHECK(CpAddrPort(&four) == CpAddrPort(&six));
    CHECK(CpAddrPort(&four) != 49152);
    Close(&both);
    Close(&taker);
}

/* A socket that shares its port gets only the port of one that shares it. */

static CpError
BindShared(CpPort *portPtr, const CpAddr *addrPtr)
{
    End end = {.portPtr = portPtr};
    CpError error;

    end.udpPtr = CpUdpNew(portPtr, Changed, &end);
    CHECK(end.udpPtr != NULL);
    error = CpUdpBind(end.udpPtr, addrPtr, 1, 1);
    CpUdpClose(end.udpPtr, Closed, &end);
    Settle(portPtr);
    CHECK(end.closed);
    return error;
}

static void
TestShared(CpPort *portPtr)
{
    CpAddr any = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    End alone, sharing = {.portPtr = portPtr};

    Open(&alone, portPtr);
    CHECK_ERROR(BindShared(portPtr, &alone.addr), CP_EADDRINUSE);
    sharing.udpPtr = CpUdpNew(portPtr, Changed, &sharing);
    CHECK(sharing.udpPtr != NULL);
    CHECK_ERROR(CpUdpBind(sharing.udpPtr, &any, 1, 1), CP_OK);
    CHECK_ERROR(CpHandleLocal(CpUdpHandle(sharing.udpPtr, 0), &sharing.addr),
        CP_OK);
    CHECK_ERROR(BindShared(portPtr, &sharing.addr), CP_OK);
    Close(&alone);
    Close(&sharing);
}

/* ------------------------------------------------------------ sending */

static void
TestSendLater(CpPort *portPtr)
{
    static char big[CP_UDP_BYTES_MAX];
    End a, b;
    unsigned i, sent = 0;

    Open(&a, portPtr);
    Open(&b, portPtr);
    CHECK_ERROR(CpUdpSend(a.udpPtr, big, 65508, &b.addr), CP_EMSGSIZE);
    CHECK_ERROR(CpUdpSend(a.udpPtr, big, CP_UDP_BYTES_MAX, &b.addr),
        CP_EMSGSIZE);
    CHECK_ERROR(TakeError(&a), CP_OK);

    /* The system is full: so many wait, and no more. */
    CpSimSetFault(CP_SIM_TRY_SEND_AGAIN, 1000);
    CpSimSetFault(CP_SIM_LATE, 1000);
    for (i = 0; i < 2 * CP_UDP_SEND_COUNT_MAX; i++) {
        CpError error = CpUdpSend(a.udpPtr, "wait", 4, &b.addr);

        if (i < CP_UDP_SEND_COUNT_MAX) {
            CHECK_ERROR(error, CP_OK);
            sent++;
        } else {
            CHECK_ERROR(error, CP_EAGAIN);
        }
    }
    CHECK(!(CpUdpReady(a.udpPtr) & CP_WRITE));
    CHECK(Stats(&a).sendPending == sent);
    while (Stats(&a).sendPending > 0) {
        CpPortReap(portPtr, -1);
    }
    CHECK(CpUdpReady(a.udpPtr) & CP_WRITE);
    CHECK(Stats(&a).datagramsOut == sent);
    CpSimSetFault(CP_SIM_LATE, 0);

    /* One that fails then is reported, and hinders no other one. */
    CpSimFailNth(CP_SIM_SEND_FAIL_SUBMIT, 1, 1, CP_ENOBUFS);
    Send(&a, &b, "bad");
    Send(&a, &b, "good");
    Settle(portPtr);
    CHECK_ERROR(TakeError(&a), CP_ENOBUFS);
    CHECK(Stats(&a).datagramsOut == sent + 1);

    /* A close waits for them. */
    Close(&a);
    OpenAt(&a, portPtr, &a.addr, 1);
    CpSimSetFault(CP_SIM_LATE, 1000);
    Send(&a, &b, "last");
    CpUdpClose(a.udpPtr, Closed, &a);
    CHECK(!a.closed);
    while (!a.closed) {
        CpPortReap(portPtr, -1);
    }
    CpSimSetFault(CP_SIM_LATE, 0);
    Close(&b);
}

static void
TestNames(CpPort *portPtr)
{
    CpTarget target = {.family = CP_FAMILY_ANY};
    CpAddr addrs[2];
    char *message;
    unsigned i;
    End a, b;

    Open(&a, portPtr);
    Open(&b, portPtr);
    addrs[0] = CpSimAddr6(1, 0);
    addrs[1] = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    CpSimSetName("both.test", addrs, 2);
    CpSimSetName("six.test", addrs, 1);
    target.host = "both.test";
    target.port = CpAddrPort(&b.addr);
    CHECK_ERROR(CpUdpSendName(a.udpPtr, "named", 5, &target), CP_OK);
    CHECK(Stats(&a).lookups == 1);
    Settle(portPtr);
    Expect(&b, "named");
    CHECK(Stats(&a).lookups == 0);
    target.host = "six.test";
    CHECK_ERROR(CpUdpSendName(a.udpPtr, "x", 1, &target), CP_OK);
    Settle(portPtr);
    CHECK_ERROR(TakeError(&a), CP_EAFNOSUPPORT);
    target.host = "nobody.test";
    CHECK_ERROR(CpUdpSendName(a.udpPtr, "x", 1, &target), CP_OK);
    Settle(portPtr);
    CHECK_ERROR(CpUdpTakeError(a.udpPtr, &message), CP_EHOSTUNREACH);
    CHECK(message != NULL && strcmp(message, "no such host is known") == 0);
    CpMessageFree(message);
    CHECK_ERROR(CpUdpSendName(a.udpPtr, "x", CP_UDP_BYTES_MAX, &target),
        CP_EMSGSIZE);

    /* So many at a time; a close cancels them. */
    target.host = "both.test";
    for (i = 0; i < CP_UDP_LOOKUPS_MAX; i++) {
        CHECK_ERROR(CpUdpSendName(a.udpPtr, "x", 1, &target), CP_OK);
    }
    CHECK_ERROR(CpUdpSendName(a.udpPtr, "x", 1, &target), CP_EAGAIN);
    Close(&a);
    Close(&b);
}

static void
TestMove(CpPort *portPtr)
{
    CpTarget target = {.host = "127.0.0.1", .family = CP_FAMILY_ANY};
    CpError error;
    CpPort *otherPtr = CpPortNew(CheckNoWake, NULL, &error);
    End a, b;

    Open(&a, portPtr);
    Open(&b, portPtr);
    Send(&a, &b, "one");
    Settle(portPtr);
    CpUdpRearm(b.udpPtr);
    Send(&a, &b, "two");
    target.port = CpAddrPort(&a.addr);
    CHECK_ERROR(CpUdpSendName(b.udpPtr, "x", 1, &target), CP_OK);
    CpUdpMove(b.udpPtr, NULL);
    Send(&a, &b, "three");
    CpUdpMove(b.udpPtr, otherPtr);
    b.portPtr = otherPtr;
    CpUdpFill(b.udpPtr);
    Settle(otherPtr);
    CHECK(Stats(&b).lookups == 0);
    Expect(&b, "one");
    Expect(&b, "two");
    Expect(&b, "three");
    Settle(portPtr);
    Expect(&a, "x");
    Close(&a);
    Close(&b);
    CpPortRelease(otherPtr);
}

static void
TestNoMemory(CpPort *portPtr)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    CpTarget target = {.host = "127.0.0.1", .port = 9};
    unsigned nth;
    End a, b;

    Open(&a, portPtr);
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 1, CP_OK);
    CHECK(CpUdpNew(portPtr, Changed, &b) == NULL);
    OpenAt(&b, portPtr, &addr, 1);
    CpUdpWatch(b.udpPtr, 1);

    /* For the receive's buffer: it is tried again. */
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 1, CP_OK);
    CpUdpRearm(b.udpPtr);
    CHECK(CpUdpNeedsRetry(b.udpPtr) && b.notified == 1);
    CpUdpRetry(b.udpPtr);
    CHECK(Stats(&b).recvPending == 1);

    /* For a datagram: it is dropped and counted. */
    Send(&a, &b, "lost");
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 1, CP_OK);
    Settle(portPtr);
    CHECK(Stats(&b).dropped == 1 && Stats(&b).queued == 0);
    CHECK(Stats(&b).recvPending == 1);

    /* For a send, and for a look-up. */
    CpSimSetFault(CP_SIM_TRY_SEND_AGAIN, 1000);
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 1, CP_OK);
    CHECK_ERROR(CpUdpSend(a.udpPtr, "x", 1, &b.addr), CP_ENOMEM);
    CHECK_ERROR(CpUdpSend(a.udpPtr, "x", 1, &b.addr), CP_OK);
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 1, CP_OK);
    CHECK_ERROR(CpUdpSend(a.udpPtr, "x", 1, &b.addr), CP_EAGAIN);
    CpSimSetFault(CP_SIM_TRY_SEND_AGAIN, 0);
    for (nth = 1; nth < 5; nth++) {
        CpSimFailNth(CP_SIM_NO_MEMORY, nth, 1, CP_OK);
        (void) CpUdpSendName(a.udpPtr, "x", 1, &target);
        Settle(portPtr);
    }
    CpSimFailNth(CP_SIM_NO_MEMORY, 1000000, 1, CP_OK);
    CpSimFailNth(CP_SIM_NO_HANDLE, 1, 1, CP_OK);
    CHECK_ERROR(CpUdpSendName(a.udpPtr, "x", 1, &target), CP_ENOMEM);
    Close(&a);
    Close(&b);

    /* No socket, and no name. */
    b.udpPtr = CpUdpNew(portPtr, Changed, &b);
    b.closed = 0;
    CpSimFailNth(CP_SIM_NO_HANDLE, 1, 1, CP_EMFILE);
    CHECK_ERROR(CpUdpBind(b.udpPtr, &addr, 1, 0), CP_EMFILE);
    CpSimFailNth(CP_SIM_BIND_FAIL, 1, 1, CP_EACCES);
    CHECK_ERROR(CpUdpBind(b.udpPtr, &addr, 1, 1), CP_EACCES);
    CpSimFailNth(CP_SIM_NO_HANDLE, 1, 1, CP_EMFILE);
    CHECK_ERROR(CpUdpConnect(b.udpPtr, &a.addr), CP_EMFILE);
    Close(&b);
}

static const CheckCase cases[] = {{"order", TestOrder},
    {"unwatched", TestUnwatched}, {"parts", TestParts},
    {"fill-watched", TestFillWatched}, {"limits", TestLimits},
    {"both", TestBoth}, {"port-taken", TestPortTaken}, {"shared", TestShared},
    {"send-later", TestSendLater}, {"names", TestNames}, {"move", TestMove},
    {"no-memory", TestNoMemory}};

CHECK_MAIN(cases)
