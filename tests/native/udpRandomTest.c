/*
 * udpRandomTest.c --
 *
 *      Datagram endpoints in random worlds, in which datagrams are lost,
 *      doubled, late and truncated, and everything else fails now and then.
 *      What is received must be what somebody has sent.
 *
 *          udpRandomTest ?SEED? ?COUNT?
 *
 *      COUNT worlds, of which the first has that seed and each other one the
 *      next. A failure says which one it was.
 */

#include "udpContent.h"
#include "udpEnd.h"

#include <stdlib.h>

#define ENDS 4
#define STEPS 300
#define WORLDS 200

static uint64_t randomSent, randomTaken, randomCut;

static void
RandomSend(End *ends, uint32_t from, uint32_t number)
{
    CpUdp *udpPtr = ends[from].udpPtr;
    const End *toPtr = &ends[CpSimRandom(ENDS)];
    CpTarget target = {.host = "127.0.0.1", .port = CpAddrPort(&toPtr->addr)};
    CpAddr nobody = CpSimAddr4(CP_SIM_LOCALHOST, 9);
    UdpContent content;
    size_t lengthBytes = UdpContentFill(&content, CpAddrPort(&ends[from].addr),
        number);
    CpError error;

    switch (CpSimRandom(10)) {
    case 0:
        error = CpUdpSendName(udpPtr, &content, lengthBytes, &target);
        break;
    case 1:
        error = CpUdpSend(udpPtr, &content, lengthBytes, &nobody);
        break;
    case 2:
        error = CpUdpSetRemoteName(udpPtr, &target);
        break;
    case 3:
        error = CpUdpSendPeer(udpPtr, &content, lengthBytes);
        break;
    default:
        error = CpUdpSend(udpPtr, &content, lengthBytes, &toPtr->addr);
        break;
    }
    randomSent += error == CP_OK;
}

static void
RandomTake(End *endPtr)
{
    CpDatagram *datagramPtr;
    unsigned most = CpSimRandom(20);

    while (most-- > 0 && (datagramPtr = CpUdpTake(endPtr->udpPtr)) != NULL) {
        UdpContentCheck(datagramPtr);
        randomCut += datagramPtr->info.truncated != 0;
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
        RandomTake(endPtr);
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
        limits.datagramBytes = UDP_CONTENT_MIN + CpSimRandom(1000);
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

/* An endpoint whose peer does not exist; perhaps it is looked up. */

static void
OpenLonely(End *endPtr, CpPort *portPtr)
{
    CpAddr nobody = CpSimAddr4(CP_SIM_LOCALHOST, 9);
    CpTarget target = {.host = "localhost", .port = 9, .family = CP_FAMILY_IP4};

    memset(endPtr, 0, sizeof(End));
    endPtr->portPtr = portPtr;
    endPtr->udpPtr = CpUdpNew(portPtr, Changed, endPtr);
    CHECK_ERROR(CpSimRandom(2) ? CpUdpConnect(endPtr->udpPtr, &nobody)
                               : CpUdpConnectName(endPtr->udpPtr, &target, 0),
        CP_OK);
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
            (void) CpUdpSendPeer(lonely.udpPtr, "x", 1);
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
RunWorld(uint64_t seed)
{
    static char hint[80];
    CpError error;
    CpPort *portPtr;

    snprintf(hint, sizeof(hint), "build/native-clang/udpRandomTest %llu 1",
        (unsigned long long) seed);
    CpSimStart(seed, hint);
    portPtr = CpPortNew(CheckNoWake, NULL, &error);
    RandomWorld(portPtr);
    CpPortRelease(portPtr);
    CpSimEnd();
}

int
main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : WORLDS;
    unsigned fault;
    uint64_t i;

    for (i = 0; i < count; i++) {
        RunWorld(seed + i);
    }
    printf("%llu worlds from seed %llu, %llu datagrams sent, %llu taken, "
           "%llu of them truncated\n",
        (unsigned long long) count, (unsigned long long) seed,
        (unsigned long long) randomSent, (unsigned long long) randomTaken,
        (unsigned long long) randomCut);
    for (fault = CP_SIM_UDP_LOSE; fault < CP_SIM_FAULT_COUNT; fault++) {
        printf("  %-20s %llu\n", CpSimFaultName((CpSimFault) fault),
            (unsigned long long) CpSimTaken((CpSimFault) fault));
        CHECK(count < WORLDS || CpSimTaken((CpSimFault) fault) > 0);
    }
    CHECK(count < WORLDS
        || (randomSent > count * 50 && randomTaken > count * 20
            && randomCut > 0));
    return 0;
}
