/*
 * udpRandomTest.c --
 *
 *      Datagram endpoints in random worlds, in which datagrams are lost,
 *      doubled and late, and everything else fails now and then. What is
 *      received must be what somebody has sent.
 */

#include "udpEnd.h"

#define ENDS 4
#define STEPS 300
#define WORLDS 200

static uint64_t randomSent, randomTaken;

/* A datagram holds the number of its sender and a number of its own. */

typedef struct Content {
    uint32_t from;
    uint32_t number;
    unsigned char rest[500];
} Content;

static void
CheckContent(End *ends, const CpDatagram *datagramPtr)
{
    Content content;
    uint32_t i;

    CHECK(datagramPtr->lengthBytes >= 8
        && datagramPtr->lengthBytes <= sizeof(content));
    memcpy(&content, datagramPtr->bytes, datagramPtr->lengthBytes);
    CHECK(content.from < ENDS);
    CHECK(datagramPtr->lengthBytes == 8 + content.number % 500);
    for (i = 0; i < content.number % 500; i++) {
        CHECK(content.rest[i] == (unsigned char) (content.number + i));
    }
    CHECK(CheckSameAddr(&datagramPtr->info.peer, &ends[content.from].addr));
}

static void
RandomSend(End *ends, uint32_t from, uint32_t number)
{
    const End *toPtr = &ends[CpSimRandom(ENDS)];
    CpTarget target = {.host = "127.0.0.1", .port = CpAddrPort(&toPtr->addr)};
    CpAddr nobody = CpSimAddr4(CP_SIM_LOCALHOST, 9);
    Content content;
    CpError error;
    uint32_t i;

    content.from = from;
    content.number = number;
    for (i = 0; i < number % 500; i++) {
        content.rest[i] = (unsigned char) (number + i);
    }
    switch (CpSimRandom(8)) {
    case 0:
        error = CpUdpSendName(ends[from].udpPtr, &content, 8 + number % 500,
            &target);
        break;
    case 1:
        error = CpUdpSend(ends[from].udpPtr, &content, 8 + number % 500,
            &nobody);
        break;
    default:
        error = CpUdpSend(ends[from].udpPtr, &content, 8 + number % 500,
            &toPtr->addr);
        break;
    }
    randomSent += error == CP_OK;
}

static void
RandomTake(End *ends, End *endPtr)
{
    CpDatagram *datagramPtr;
    unsigned most = CpSimRandom(20);

    while (most-- > 0 && (datagramPtr = CpUdpTake(endPtr->udpPtr)) != NULL) {
        CheckContent(ends, datagramPtr);
        CpUdpFree(datagramPtr);
        randomTaken++;
    }
}

static void
RandomStep(End *ends, uint32_t number)
{
    uint32_t which = CpSimRandom(ENDS);
    End *endPtr = &ends[which];
    CpUdpLimits limits;

    switch (CpSimRandom(10)) {
    case 0:
        CpUdpWatch(endPtr->udpPtr, (int) CpSimRandom(2));
        break;
    case 1:
        CpUdpFill(endPtr->udpPtr);
        break;
    case 2:
        CpUdpRearm(endPtr->udpPtr);
        break;
    case 3:
        RandomTake(ends, endPtr);
        break;
    case 4:
        CpPortReap(endPtr->portPtr, (int) CpSimRandom(20));
        break;
    case 5:
        CpUdpMove(endPtr->udpPtr, NULL);
        CpUdpMove(endPtr->udpPtr, endPtr->portPtr);
        break;
    case 6:
        CpUdpGetLimits(endPtr->udpPtr, &limits);
        limits.queueBytes = CpSimRandom(4000);
        limits.queueCount = CpSimRandom(20);
        CpUdpSetLimits(endPtr->udpPtr, &limits);
        break;
    default:
        RandomSend(ends, which, number);
        break;
    }
    if (CpUdpNeedsRetry(endPtr->udpPtr)) {
        CpUdpRetry(endPtr->udpPtr);
    }
}

/* An endpoint whose peer does not exist. */

static void
OpenLonely(End *endPtr, CpPort *portPtr)
{
    CpAddr nobody = CpSimAddr4(CP_SIM_LOCALHOST, 9);

    memset(endPtr, 0, sizeof(End));
    endPtr->portPtr = portPtr;
    endPtr->udpPtr = CpUdpNew(portPtr, Changed, endPtr);
    CHECK_ERROR(CpUdpConnect(endPtr->udpPtr, &nobody), CP_OK);
    CpUdpWatch(endPtr->udpPtr, 1);
}

static void
RandomWorld(CpPort *portPtr)
{
    static const CpSimFault faults[] = {CP_SIM_LATE, CP_SIM_REORDER,
        CP_SIM_REAP_PART, CP_SIM_IN_FLIGHT, CP_SIM_RECV_FAIL_SUBMIT,
        CP_SIM_RECV_FAIL, CP_SIM_SEND_FAIL_SUBMIT, CP_SIM_CANCEL_LATE,
        CP_SIM_TRY_RECV_AGAIN, CP_SIM_TRY_RECV_FAIL, CP_SIM_TRY_SEND_AGAIN,
        CP_SIM_TRY_SEND_FAIL, CP_SIM_NO_MEMORY, CP_SIM_RESOLVE_UNKNOWN,
        CP_SIM_ANY_STATUS, CP_SIM_FOREIGN, CP_SIM_UDP_LOSE, CP_SIM_UDP_TWICE,
        CP_SIM_UDP_LATE, CP_SIM_UDP_TELLS_LESS};
    static const unsigned rates[] = {0, 0, 30, 300};
    End ends[ENDS], lonely;
    unsigned i;

    for (i = 0; i < ENDS; i++) {
        Open(&ends[i], portPtr);
    }
    OpenLonely(&lonely, portPtr);
    if (CpSimRandom(2)) {
        CpSimSetWindows(1);
    }
    for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        CpSimSetFault(faults[i], rates[CpSimRandom(4)]);
    }
    for (i = 0; i < STEPS; i++) {
        RandomStep(ends, i + 1);
        if (CpSimRandom(20) == 0) {
            (void) CpUdpSend(lonely.udpPtr, "x", 1, NULL);
            CpUdpRearm(lonely.udpPtr);
        }
    }
    for (i = 0; i < ENDS; i++) {
        CpUdpStats stats = Stats(&ends[i]);

        CHECK(stats.datagramsIn >= stats.dropped + stats.queued);
        Close(&ends[i]);
    }
    Close(&lonely);
}

static void
TestRandom(CpPort *portPtr)
{
    unsigned world, fault;

    (void) portPtr;
    for (world = 0; world < WORLDS; world++) {
        CpError error;
        CpPort *newPtr;

        /* The world of the case ends for the first of these. */
        CpSimReseed(world + 1);
        newPtr = CpPortNew(CheckNoWake, NULL, &error);
        RandomWorld(newPtr);
        CpSimSetWindows(0);
        for (fault = 0; fault < CP_SIM_FAULT_COUNT; fault++) {
            CpSimSetFault((CpSimFault) fault, 0);
        }
        CpPortRelease(newPtr);
    }
    printf("  %llu sent, %llu taken\n", (unsigned long long) randomSent,
        (unsigned long long) randomTaken);
    CHECK(randomSent / WORLDS > 50 && randomTaken / WORLDS > 20);
    for (fault = CP_SIM_UDP_LOSE; fault < CP_SIM_FAULT_COUNT; fault++) {
        printf("  %-20s %llu\n", CpSimFaultName((CpSimFault) fault),
            (unsigned long long) CpSimTaken((CpSimFault) fault));
        CHECK(CpSimTaken((CpSimFault) fault) > 0);
    }
}

static const CheckCase cases[] = {{"random", TestRandom}};

CHECK_MAIN(cases)
