/*
 * udpEnd.h --
 *
 *      An endpoint of the programs udp*Test.
 */

#ifndef UDP_END_H
#define UDP_END_H

#include "check.h"
#include "cpUdp.h"

typedef struct End {
    CpPort *portPtr;
    CpUdp *udpPtr;
    CpAddr addr; /* Of its first socket. */
    unsigned notified;
    int closed;
} End;

static inline void
Changed(void *clientData)
{
    ((End *) clientData)->notified++;
}

static inline void
Closed(void *clientData)
{
    ((End *) clientData)->closed = 1;
}

static inline void
Settle(CpPort *portPtr)
{
    do {
        CpSimAdvance(0);
    } while (CpPortReap(portPtr, 0) > 0);
}

static inline void
OpenAt(End *endPtr, CpPort *portPtr, const CpAddr *addrs, unsigned count)
{
    CpAddr copies[3];

    memcpy(copies, addrs, count * sizeof(CpAddr)); /* Perhaps its own. */
    memset(endPtr, 0, sizeof(End));
    endPtr->portPtr = portPtr;
    endPtr->udpPtr = CpUdpNew(portPtr, Changed, endPtr);
    CHECK(endPtr->udpPtr != NULL);
    CHECK_ERROR(CpUdpBind(endPtr->udpPtr, copies, count, 0), CP_OK);
    CHECK_ERROR(CpHandleLocal(CpUdpHandle(endPtr->udpPtr, 0), &endPtr->addr),
        CP_OK);
}

static inline void
Open(End *endPtr, CpPort *portPtr)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 0);

    OpenAt(endPtr, portPtr, &addr, 1);
    CpUdpWatch(endPtr->udpPtr, 1);
    CpUdpRearm(endPtr->udpPtr);
}

static inline void
Close(End *endPtr)
{
    CpUdpClose(endPtr->udpPtr, Closed, endPtr);
    while (!endPtr->closed) {
        CpPortReap(endPtr->portPtr, -1);
    }
}

static inline CpUdpStats
Stats(const End *endPtr)
{
    CpUdpStats stats;

    CpUdpGetStats(endPtr->udpPtr, &stats);
    return stats;
}

static inline void
Send(End *fromPtr, const End *toPtr, const char *text)
{
    CHECK_ERROR(CpUdpSend(fromPtr->udpPtr, text, strlen(text), &toPtr->addr),
        CP_OK);
    CpSimAdvance(0);
}

/* Takes the next datagram, and checks it. */

static inline void
Expect(End *endPtr, const char *text)
{
    CpDatagram *datagramPtr = CpUdpTake(endPtr->udpPtr);

    CHECK(datagramPtr != NULL);
    CHECK(datagramPtr->lengthBytes == strlen(text));
    CHECK(memcmp(datagramPtr->bytes, text, strlen(text)) == 0);
    CpUdpFree(datagramPtr);
}

static inline CpError
TakeError(End *endPtr)
{
    char *message;
    CpError error = CpUdpTakeError(endPtr->udpPtr, &message);

    CpMessageFree(message);
    return error;
}

#endif /* UDP_END_H */
