/*
 * pair.h --
 *
 *      A connection of the driver and its simulated peer, for the programs of
 *      tests/native that test connections.
 */

#ifndef PAIR_H
#define PAIR_H

#include "check.h"
#include "cpConn.h"

/* A connection of the driver's and its peer. */

typedef struct Pair {
    CpPort *portPtr;
    CpConn *connPtr;
    CpSimPeer *peerPtr;
    CpHandle *listenerPtr;
    unsigned notified;
    int closed;
    int ended;
} Pair;

static inline void
Notify(void *clientData)
{
    ((Pair *) clientData)->notified++;
}

static inline void
Closed(void *clientData)
{
    ((Pair *) clientData)->closed = 1;
}

static inline void
AcceptDone(CpOp *opPtr)
{
    CHECK_ERROR(opPtr->error, CP_OK);
}

/* A listening handle, without the listener of the core. */

static inline CpHandle *
Listen(CpPort *portPtr, CpAddr *addrPtr)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    CpHandle *handlePtr;

    CHECK_ERROR(CpHandleOpen(portPtr, &addr, &handlePtr), CP_OK);
    CHECK_ERROR(CpHandleBind(handlePtr, &addr), CP_OK);
    CHECK_ERROR(CpHandleListen(handlePtr, 5), CP_OK);
    CHECK_ERROR(CpHandleLocal(handlePtr, addrPtr), CP_OK);
    return handlePtr;
}

static inline void
Open(Pair *pairPtr, CpPort *portPtr, CpRecvMode mode)
{
    CpAddr addr;
    CpAcceptOp accept;

    memset(pairPtr, 0, sizeof(Pair));
    pairPtr->portPtr = portPtr;
    pairPtr->listenerPtr = Listen(portPtr, &addr);
    accept.op.proc = AcceptDone;
    CpSubmitAccept(pairPtr->listenerPtr, &accept);
    pairPtr->peerPtr = CpSimPeerConnect(&addr);
    CHECK(pairPtr->peerPtr != NULL);
    CHECK(CpPortReap(portPtr, -1) == 1);
    pairPtr->connPtr = CpConnAccepted(portPtr, accept.newHandlePtr, Notify,
        pairPtr);
    CHECK(pairPtr->connPtr != NULL);
    CpConnSetRecvMode(pairPtr->connPtr, mode);
    CHECK(CpConnRecvMode(pairPtr->connPtr) == mode);
}

/* Reaps until nothing more comes. */

static inline void
Settle(Pair *pairPtr)
{
    do {
        while (CpPortReap(pairPtr->portPtr, 0) > 0) {
        }
        if (CpSimNextMs() >= 0) {
            CpSimAdvance((uint32_t) CpSimNextMs());
        }
    } while (CpSimNextMs() >= 0 || CpPortReap(pairPtr->portPtr, 0) > 0);
}

static inline void
CloseConn(Pair *pairPtr)
{
    CpConnClose(pairPtr->connPtr, Closed, pairPtr);
    while (!pairPtr->closed) {
        CpPortReap(pairPtr->portPtr, -1);
    }
    pairPtr->connPtr = NULL;
}

static inline void
Done(Pair *pairPtr)
{
    if (pairPtr->connPtr != NULL) {
        CloseConn(pairPtr);
    }
    if (pairPtr->peerPtr != NULL) {
        CpSimPeerClose(pairPtr->peerPtr);
    }
    CpHandleClose(pairPtr->listenerPtr);
    CpSimAdvance(0);
}

static inline void
Say(Pair *pairPtr, const char *text)
{
    CHECK(CpSimPeerSend(pairPtr->peerPtr, text, strlen(text)) == strlen(text));
    Settle(pairPtr);
}

/* The next read gives this; "" is end of file. */

static inline void
Expect(Pair *pairPtr, const char *text)
{
    char buf[256];
    size_t bytes;

    CHECK_ERROR(CpConnRead(pairPtr->connPtr, buf, sizeof(buf), &bytes), CP_OK);
    CHECK(bytes == strlen(text) && memcmp(buf, text, bytes) == 0);
}

/* The next reads give this. */

static inline void
ExpectParts(Pair *pairPtr, const char *text)
{
    char buf[256];
    size_t bytes, length;

    for (length = strlen(text); length > 0; length -= bytes) {
        CHECK_ERROR(CpConnRead(pairPtr->connPtr, buf, length, &bytes), CP_OK);
        CHECK(bytes > 0 && memcmp(buf, text, bytes) == 0);
        text += bytes;
        Settle(pairPtr);
    }
}

static inline void
ExpectNone(Pair *pairPtr, CpError expected)
{
    char buf[256];
    size_t bytes;

    CHECK_ERROR(CpConnRead(pairPtr->connPtr, buf, sizeof(buf), &bytes),
        expected);
    CHECK(bytes == 0);
}

static inline int
Readable(const Pair *pairPtr)
{
    return (CpConnReady(pairPtr->connPtr) & CP_READ) != 0;
}

static inline int
Writable(const Pair *pairPtr)
{
    return (CpConnReady(pairPtr->connPtr) & CP_WRITE) != 0;
}

static inline CpConnStats
Stats(const Pair *pairPtr)
{
    CpConnStats stats;

    CpConnGetStats(pairPtr->connPtr, &stats);
    return stats;
}

static const CpRecvMode modes[] = {CP_RECV_ADAPTIVE, CP_RECV_ZERO_BYTE,
    CP_RECV_FLOW_CONTROLLED, CP_RECV_BURST_DETECTION};

#define MODE_COUNT (sizeof(modes) / sizeof(modes[0]))

#endif /* PAIR_H */
