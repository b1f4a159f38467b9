/*
 * randomUdp.c --
 *
 *      Datagram endpoints beside the connections of a random world. What is
 *      received must be what somebody has sent.
 */

#include "randomInt.h"

#include "cpUdp.h"
#include "udpContent.h"

#define ENDS 4

typedef struct UdpEnd {
    CpUdp *udpPtr; /* NULL: free. */
    unsigned owner;
    int parked;
    int closing;
    CpAddr addr; /* lengthBytes is 0: not bound. */
} UdpEnd;

int randomUdp;
uint64_t randomDatagramsSent, randomDatagramsTaken;

static UdpEnd ends[ENDS];
static uint32_t lastNumber;

static void
Changed(void *clientData)
{
    const UdpEnd *endPtr = clientData;

    CHECK(!endPtr->closing && !endPtr->parked);
}

static void
Closed(void *clientData)
{
    memset(clientData, 0, sizeof(UdpEnd));
}

static void
CloseEnd(UdpEnd *endPtr)
{
    endPtr->closing = 1;
    CpUdpClose(endPtr->udpPtr, Closed, endPtr);
}

/* Where somebody may be. */

static CpAddr
SomeAddr(void)
{
    const UdpEnd *endPtr = &ends[CpSimRandom(ENDS)];

    return endPtr->addr.lengthBytes > 0 ? endPtr->addr
                                        : CpSimAddr4(CP_SIM_LOCALHOST, 9);
}

static CpTarget
SomeTarget(void)
{
    CpAddr addr = SomeAddr();
    CpTarget target = {.host = CpSimRandom(4) ? "localhost" : "nobody.test",
        .port = CpAddrPort(&addr),
        .family = CpSimRandom(2) ? CP_FAMILY_IP4 : CP_FAMILY_ANY};

    return target;
}

/* Some have a peer, and some of these look it up. */

static void
OpenEnd(UdpEnd *endPtr)
{
    CpAddr local = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    CpAddr peer = SomeAddr();
    CpTarget target = SomeTarget();
    uint32_t choice = CpSimRandom(4);
    CpError error;

    endPtr->owner = CpSimRandom(RANDOM_PORTS);
    endPtr->udpPtr = CpUdpNew(randomPorts[endPtr->owner], Changed, endPtr);
    if (endPtr->udpPtr == NULL) {
        return;
    }
    if (choice == 0) {
        error = CpUdpConnectName(endPtr->udpPtr, &target, 0);
    } else {
        error = CpUdpBind(endPtr->udpPtr, &local, 1, 0);
        if (error == CP_OK) {
            error = CpHandleLocal(CpUdpHandle(endPtr->udpPtr, 0),
                &endPtr->addr);
        }
        if (error == CP_OK && choice == 1) {
            error = CpUdpConnect(endPtr->udpPtr, &peer);
        }
    }
    if (error != CP_OK) {
        CloseEnd(endPtr);
    }
}

static void
SendOne(UdpEnd *endPtr)
{
    CpTarget target = SomeTarget();
    CpAddr addr = SomeAddr();
    UdpContent content;
    size_t lengthBytes = UdpContentFill(&content,
        endPtr->addr.lengthBytes > 0 ? CpAddrPort(&endPtr->addr) : 0,
        ++lastNumber);
    CpError error;

    switch (CpSimRandom(5)) {
    case 0:
        error = CpUdpSendName(endPtr->udpPtr, &content, lengthBytes, &target);
        break;
    case 1:
    case 2:
        error = CpUdpSendPeer(endPtr->udpPtr, &content, lengthBytes);
        break;
    default:
        error = CpUdpSend(endPtr->udpPtr, &content, lengthBytes, &addr);
        break;
    }
    randomDatagramsSent += error == CP_OK;
}

static void
Take(UdpEnd *endPtr)
{
    unsigned most = CpSimRandom(20);
    CpDatagram *datagramPtr;

    while (most-- > 0 && (datagramPtr = CpUdpTake(endPtr->udpPtr)) != NULL) {
        UdpContentCheck(datagramPtr);
        CpUdpFree(datagramPtr);
        randomDatagramsTaken++;
    }
}

static void
SetLimits(UdpEnd *endPtr)
{
    CpUdpLimits limits = {.queueBytes = CpSimRandom(4000),
        .queueCount = CpSimRandom(20),
        .datagramBytes = UDP_CONTENT_MIN + CpSimRandom(600)};

    CpUdpSetLimits(endPtr->udpPtr, &limits);
}

static void
SetRemote(UdpEnd *endPtr)
{
    CpTarget target = SomeTarget();
    CpAddr addr = SomeAddr();

    if (CpSimRandom(2)) {
        (void) CpUdpSetRemoteName(endPtr->udpPtr, &target);
    } else {
        (void) CpUdpSetRemote(endPtr->udpPtr, CpSimRandom(4) ? &addr : NULL);
    }
}

static void
Park(UdpEnd *endPtr)
{
    endPtr->parked = 1;
    CpUdpMove(endPtr->udpPtr, NULL);
}

static void
Unpark(UdpEnd *endPtr)
{
    endPtr->owner = CpSimRandom(RANDOM_PORTS);
    endPtr->parked = 0;
    CpUdpMove(endPtr->udpPtr, randomPorts[endPtr->owner]);
}

static void
StepOpen(UdpEnd *endPtr)
{
    char *message;

    switch (CpSimRandom(14)) {
    case 0:
        CpUdpWatch(endPtr->udpPtr, (int) CpSimRandom(4) > 0);
        break;
    case 1:
        CpUdpFill(endPtr->udpPtr);
        break;
    case 2:
        CpUdpRearm(endPtr->udpPtr);
        break;
    case 3:
    case 4:
        Take(endPtr);
        break;
    case 5:
        SetLimits(endPtr);
        break;
    case 6:
        SetRemote(endPtr);
        break;
    case 7:
        (void) CpUdpTakeError(endPtr->udpPtr, &message);
        CpMessageFree(message);
        break;
    case 8:
        if (CpSimRandom(4) == 0) {
            CloseEnd(endPtr);
        } else {
            Park(endPtr);
        }
        return;
    default:
        SendOne(endPtr);
        break;
    }
    if (CpUdpNeedsRetry(endPtr->udpPtr)) {
        CpUdpRetry(endPtr->udpPtr);
    }
}

void
RandomStepUdp(void)
{
    UdpEnd *endPtr = &ends[CpSimRandom(ENDS)];

    if (endPtr->udpPtr == NULL) {
        OpenEnd(endPtr);
    } else if (endPtr->parked) {
        Unpark(endPtr);
    } else if (!endPtr->closing) {
        StepOpen(endPtr);
    }
}

int
RandomCountUdp(void)
{
    unsigned i;
    int count = 0;

    for (i = 0; i < ENDS; i++) {
        count += ends[i].udpPtr != NULL;
    }
    return count;
}

void
RandomCheckUdp(void)
{
    unsigned i;

    CHECK(CpStatGet(CP_STAT_UDP) == RandomCountUdp());
    for (i = 0; i < ENDS; i++) {
        CpUdpStats stats;

        if (ends[i].udpPtr != NULL) {
            CpUdpGetStats(ends[i].udpPtr, &stats);
            CHECK(stats.datagramsIn >= stats.dropped + stats.queued);
            CHECK(stats.lookups <= CP_UDP_LOOKUPS_MAX);
            CHECK(stats.sendPending
                <= CP_UDP_SEND_COUNT_MAX * (CP_UDP_LOOKUPS_MAX + 1));
        }
    }
}

void
RandomCloseUdp(void)
{
    unsigned i;

    for (i = 0; i < ENDS; i++) {
        if (ends[i].parked) {
            Unpark(&ends[i]);
        }
        if (ends[i].udpPtr != NULL && !ends[i].closing) {
            CloseEnd(&ends[i]);
        }
    }
}
