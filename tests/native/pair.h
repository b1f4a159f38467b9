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
#include "cpMem.h"

typedef struct Pair {
    CpPort *portPtr;
    CpConn *connPtr;
    CpSimPeer *peerPtr;
    CpHandle *listenerPtr;      /* Where the driver accepted it... */
    CpSimPeer *peerListenerPtr; /* ...or the peer did. */
    unsigned notified;
    int closed;
    int ended;
} Pair;

/* -------------------------------------------------------- open and close */

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

/* Starts a connect. Nothing has been reaped yet. */

static inline void
Dial(Pair *pairPtr, CpPort *portPtr, CpAddr addr, int wait)
{
    CpResolved resolved;

    memset(pairPtr, 0, sizeof(Pair));
    memset(&resolved, 0, sizeof(resolved));
    pairPtr->portPtr = portPtr;
    resolved.remotes = CpMalloc(sizeof(CpAddr));
    CHECK(resolved.remotes != NULL);
    resolved.remotes[0] = addr;
    resolved.remoteCount = 1;
    pairPtr->connPtr = CpConnDial(portPtr, &resolved, wait, Notify, pairPtr);
    CHECK(pairPtr->connPtr != NULL);
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

/* The receive is outstanding unless something was there already. */

static inline void
OpenWatched(Pair *pairPtr, CpPort *portPtr, CpRecvMode mode)
{
    Open(pairPtr, portPtr, mode);
    CpConnWatchRead(pairPtr->connPtr, 1);
}

/* Closes the connection, and waits for the close until Done. */

static inline void
StartClose(Pair *pairPtr)
{
    CpConnClose(pairPtr->connPtr, Closed, pairPtr);
    pairPtr->connPtr = NULL;
}

static inline void
CloseConn(Pair *pairPtr)
{
    StartClose(pairPtr);
    while (!pairPtr->closed) {
        CpPortReap(pairPtr->portPtr, -1);
    }
}

/* Closes what is still open. */

static inline void
Done(Pair *pairPtr)
{
    if (pairPtr->connPtr != NULL) {
        StartClose(pairPtr);
    }
    while (!pairPtr->closed) {
        CpPortReap(pairPtr->portPtr, -1);
    }
    if (pairPtr->peerPtr != NULL) {
        CpSimPeerClose(pairPtr->peerPtr);
    }
    if (pairPtr->peerListenerPtr != NULL) {
        CpSimPeerClose(pairPtr->peerListenerPtr);
    }
    if (pairPtr->listenerPtr != NULL) {
        CpHandleClose(pairPtr->listenerPtr);
    }
    CpSimAdvance(0);
}

/* ------------------------------------------------------- what the peer does */

static inline void
PeerSendBytes(Pair *pairPtr, const void *data, size_t lengthBytes)
{
    CHECK(CpSimPeerSend(pairPtr->peerPtr, data, lengthBytes) == lengthBytes);
}

static inline void
PeerSend(Pair *pairPtr, const char *text)
{
    PeerSendBytes(pairPtr, text, strlen(text));
}

static inline void
PeerReset(Pair *pairPtr)
{
    CpSimPeerReset(pairPtr->peerPtr);
    pairPtr->peerPtr = NULL;
}

/* It sends, and the driver has noticed. */

static inline void
Say(Pair *pairPtr, const char *text)
{
    PeerSend(pairPtr, text);
    Settle(pairPtr);
}

/* The peer receives until nothing more comes. Returns the number of bytes. */

static inline size_t
Drain(Pair *pairPtr)
{
    static char buf[10000];
    size_t total = 0, bytes;

    while ((bytes = CpSimPeerRecv(pairPtr->peerPtr, buf, sizeof(buf))) > 0) {
        total += bytes;
        Settle(pairPtr);
    }
    return total;
}

/* ------------------------------------------------------ reading and writing */

/* Returns the number of bytes, which is 0 at the end of file. */

static inline size_t
Read(Pair *pairPtr, void *buf, size_t sizeBytes)
{
    size_t bytes;

    CHECK_ERROR(CpConnRead(pairPtr->connPtr, buf, sizeBytes, &bytes), CP_OK);
    return bytes;
}

/* The next read returns this text; "" is the end of file. */

static inline void
Expect(Pair *pairPtr, const char *text)
{
    char buf[256];
    size_t bytes = Read(pairPtr, buf, sizeof(buf));

    CHECK(bytes == strlen(text) && memcmp(buf, text, bytes) == 0);
}

/* The next reads return this text together. */

static inline void
ExpectParts(Pair *pairPtr, const char *text)
{
    char buf[256];
    size_t bytes, length;

    for (length = strlen(text); length > 0; length -= bytes) {
        bytes = Read(pairPtr, buf, length);
        CHECK(bytes > 0 && memcmp(buf, text, bytes) == 0);
        text += bytes;
        Settle(pairPtr);
    }
}

/* The next read fails with this error. */

static inline void
ExpectNone(Pair *pairPtr, CpError expected)
{
    char buf[256];
    size_t bytes;

    CHECK_ERROR(CpConnRead(pairPtr->connPtr, buf, sizeof(buf), &bytes),
        expected);
    CHECK(bytes == 0);
}

/* A write of this text has this outcome. A joined one may wait for others. */

static inline void
WriteOrJoin(Pair *pairPtr, const char *text, int join, CpError expected)
{
    size_t bytes;

    CHECK_ERROR(CpConnWrite(pairPtr->connPtr, text, strlen(text), join, &bytes),
        expected);
    CHECK(bytes == (expected == CP_OK ? strlen(text) : 0));
}

static inline void
Write(Pair *pairPtr, const char *text, CpError expected)
{
    WriteOrJoin(pairPtr, text, 0, expected);
}

/* Writes until the connection takes no more. Returns the number of bytes. */

static inline size_t
Fill(Pair *pairPtr, int join)
{
    static const char data[100000];
    size_t total = 0, bytes;

    while (CpConnWrite(pairPtr->connPtr, data, sizeof(data), join, &bytes)
        == CP_OK) {
        CHECK(bytes > 0);
        total += bytes;
    }
    return total;
}

/* The next write is queued, and its send fails: at its submit or later. */

static inline void
FailSend(CpSimFault fault, CpError error)
{
    CpSimFailNth(CP_SIM_TRY_SEND_AGAIN, 1, 1, CP_OK);
    CpSimFailNth(fault, 1, 1, error);
}

/* ------------------------------------------------------------- readiness */

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
