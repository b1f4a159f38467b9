/*
 * udpFullTest.c --
 *
 *      Datagram endpoints over the simulated port that have no room for what
 *      comes.
 */

#include "udpEnd.h"

/* A few datagrams are dropped at a time, and those that wait are served in
 * between. */

static void
TestDropped(CpPort *portPtr)
{
    CpUdpLimits limits;
    End a, b;
    int i;

    Open(&a, portPtr);
    Open(&b, portPtr);
    CpUdpGetLimits(b.udpPtr, &limits);
    limits.queueCount = 3;
    CpUdpSetLimits(b.udpPtr, &limits);
    for (i = 0; i < 20; i++) {
        char text[16];

        snprintf(text, sizeof(text), "%d", i);
        Send(&a, &b, text);
    }
    CpUdpFill(b.udpPtr);
    CHECK(Stats(&b).queued == 3 && Stats(&b).dropped == 2);
    Expect(&b, "0");
    Settle(portPtr);
    CpUdpRearm(b.udpPtr);
    CHECK(Stats(&b).queued == 3 && Stats(&b).dropped == 4);
    Expect(&b, "1");
    Expect(&b, "2");
    Expect(&b, "5");
    CpUdpRearm(b.udpPtr);
    Expect(&b, "8");
    Expect(&b, "9");
    Expect(&b, "10");
    CHECK(Stats(&b).dropped == 6);
    CpUdpRearm(b.udpPtr);
    Expect(&b, "13");
    Expect(&b, "14");
    Expect(&b, "15");
    CpUdpRearm(b.udpPtr);
    CHECK(Stats(&b).datagramsIn == 20 && Stats(&b).dropped == 8);
    CHECK(Stats(&b).queued == 2 && Stats(&b).recvPending == 1);
    Close(&a);
    Close(&b);
}

/* With nothing to read, the reader does not come: a receive is submitted. */

static void
TestNoMemory(CpPort *portPtr)
{
    End a, b;
    int i;

    Open(&a, portPtr);
    Open(&b, portPtr);
    for (i = 0; i < 20; i++) {
        Send(&a, &b, "lost");
    }
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 20, CP_OK);
    Settle(portPtr);
    CpSimFailNth(CP_SIM_NO_MEMORY, 1000000, 1, CP_OK);
    CHECK(Stats(&b).dropped == 20 && Stats(&b).queued == 0);
    CHECK(Stats(&b).recvPending == 1);
    Send(&a, &b, "kept");
    Settle(portPtr);
    Expect(&b, "kept");
    Close(&a);
    Close(&b);
}

static const CheckCase cases[] = {{"dropped", TestDropped},
    {"no-memory", TestNoMemory}};

CHECK_MAIN(cases)
