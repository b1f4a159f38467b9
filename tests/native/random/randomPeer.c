/*
 * randomPeer.c --
 *
 *      The other side: peers that connect, listen, send, receive, stall, shut
 *      down, close and reset.
 */

#include "randomInt.h"

#define PEERS 12

typedef struct Peer {
    CpSimPeer *peerPtr; /* NULL: free. */
    unsigned port;
    unsigned out;
} Peer;

CpAddr randomPeerAddr;

static Peer peers[PEERS];
static CpSimPeer *listenerPtr;

static Peer *
AddPeer(CpSimPeer *peerPtr, unsigned out)
{
    CpAddr local, remote;
    unsigned i;

    for (i = 0; peers[i].peerPtr != NULL; i++) {
    }
    CpSimPeerNames(peerPtr, &local, &remote);
    peers[i].peerPtr = peerPtr;
    peers[i].out = out;
    peers[i].port = CpAddrPort(out == 0 ? &local : &remote);
    return &peers[i];
}

static void
ClosePeer(Peer *peerPtr, int reset)
{
    if (reset) {
        CpSimPeerReset(peerPtr->peerPtr);
    } else {
        CpSimPeerClose(peerPtr->peerPtr);
    }
    peerPtr->peerPtr = NULL;
}

static void
NewPeer(void)
{
    const RandomServer *serverPtr = &randomServers[CpSimRandom(RANDOM_SERVERS)];
    CpSimPeer *peerPtr = CpSimPeerAccept(listenerPtr);
    Peer *newPtr;
    unsigned out = 1;

    if (peerPtr == NULL && serverPtr->listenerPtr != NULL) {
        peerPtr = CpSimPeerConnect(&serverPtr->addr);
        out = 0;
    }
    if (peerPtr == NULL) {
        return;
    }
    newPtr = AddPeer(peerPtr, out);

    /* Gone again before it was accepted, perhaps. */
    if (CpSimRandom(10) == 0) {
        ClosePeer(newPtr, 1);
    }
}

static void
RecvPeer(Peer *peerPtr, size_t length)
{
    RandomCheckBuf(peerPtr->port, 1 - peerPtr->out,
        CpSimPeerRecv(peerPtr->peerPtr, randomBuf, length));
    if (CpSimPeerIsReset(peerPtr->peerPtr)) {
        RandomCheckReset(peerPtr->port, 1 - peerPtr->out,
            CpSimPeerCause(peerPtr->peerPtr));
    } else if (CpSimPeerEof(peerPtr->peerPtr)) {
        RandomCheckEnd(peerPtr->port, 1 - peerPtr->out);
    }
}

static void
SendPeer(Peer *peerPtr, size_t length)
{
    RandomFillBuf(peerPtr->port, peerPtr->out, length);

    /* Before the call, as bytes may be received out of it. */
    RandomStreamOf(peerPtr->port, peerPtr->out)->sent += length;
    RandomStreamOf(peerPtr->port, peerPtr->out)->sent -= length
        - CpSimPeerSend(peerPtr->peerPtr, randomBuf, length);
}

void
RandomStepPeer(void)
{
    unsigned first = CpSimRandom(PEERS);
    uint32_t choice = CpSimRandom(200);
    unsigned i;
    Peer *peerPtr = &peers[first];

    if (peerPtr->peerPtr == NULL && CpSimRandom(3) == 0) {
        NewPeer();
        return;
    }
    for (i = 0; i < PEERS && peerPtr->peerPtr == NULL; i++) {
        peerPtr = &peers[(first + i) % PEERS];
    }
    if (peerPtr->peerPtr == NULL) {
        return; /* There is none. */
    }
    if (choice < 90) {
        RecvPeer(peerPtr, RandomLength());
    } else if (choice < 180) {
        SendPeer(peerPtr, RandomLength());
    } else if (choice < 185) {
        CpSimPeerShutdown(peerPtr->peerPtr);
    } else if (choice < 187 || CpSimPeerIsReset(peerPtr->peerPtr)
        || (choice < 195 && CpSimPeerEof(peerPtr->peerPtr))) {
        ClosePeer(peerPtr, 0);
    } else if (choice < 188) {
        ClosePeer(peerPtr, 1);
    } else if (choice < 190) {
        CpSimPeerUrgent(peerPtr->peerPtr);
    } else if (choice < 191) {
        CpSimPeerRefuse(peerPtr->peerPtr);
    }
}

/* ------------------------------------------------------------ all of them */

void
RandomListenPeers(void)
{
    randomPeerAddr = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    listenerPtr = CpSimPeerListen(&randomPeerAddr, 4);
}

void
RandomWindUpPeers(void)
{
    unsigned i;

    for (i = 0; i < PEERS; i++) {
        if (peers[i].peerPtr != NULL) {
            RecvPeer(&peers[i], RANDOM_BUF_BYTES);
            if (CpSimPeerEof(peers[i].peerPtr)
                || CpSimPeerIsReset(peers[i].peerPtr)) {
                ClosePeer(&peers[i], 0);
            } else {
                CpSimPeerShutdown(peers[i].peerPtr);
            }
        }
    }
}

void
RandomStopPeers(void)
{
    CpSimPeerClose(listenerPtr);
}

void
RandomClosePeers(void)
{
    unsigned i;

    for (i = 0; i < PEERS; i++) {
        if (peers[i].peerPtr != NULL) {
            ClosePeer(&peers[i], 0);
        }
    }
}
