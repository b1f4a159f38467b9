/*
 * cpUdpInt.h --
 *
 *      What the files of a datagram endpoint share.
 */

#ifndef CP_UDP_INT_H
#define CP_UDP_INT_H

#include "cpUdp.h"

/* A socket of an endpoint. */

typedef struct CpUdpSocket {
    CpUdp *udpPtr;
    CpHandle *handlePtr;
    int family; /* Of CpUdpFamily. */
    CpOp recvOp;
    int recvPending;
    int dataLikely;     /* The last receive found its datagram waiting. */
    unsigned failures;  /* Receives that failed, one after the other. */
    unsigned char *buf; /* CP_UDP_BYTES_MAX, or NULL. */
} CpUdpSocket;

/* A datagram that waits for its look-up, or whose send is outstanding. Its
 * bytes are behind it. */

typedef struct CpUdpOut {
    CpOp op;
    CpUdp *udpPtr;
    CpAddr addr; /* lengthBytes is 0: to the peer. */
    size_t lengthBytes;
    CpListNode node;
} CpUdpOut;

/* A name that is looked up: cpUdpLookup.c. */

typedef struct CpUdpLookup CpUdpLookup;

#define UDP_SOCKETS_MAX 2 /* One for each family. */

struct CpUdp {
    CpPort *portPtr; /* The owner's; NULL between owners. */
    CpUdpProc *proc; /* The closedProc when closing. */
    void *clientData;
    CpUdpSocket sockets[UDP_SOCKETS_MAX];
    unsigned socketCount;
    int connects;  /* It has a peer, or will have one. */
    int connected; /* It has one. */
    int failed;    /* It will never have the one that it was to have. */
    int closing;
    int watched;
    int needsRetry;
    CpUdpLimits limits;
    CpList queue; /* Datagrams, oldest first. */
    CpList sends; /* Outstanding, oldest first. */
    CpList lookups;
    CpUdpLookup *peerPtr; /* That of its peer or its remote address, or NULL. */
    CpAddr remote;        /* Its peer's, or where CpUdpSendPeer sends;
                           * lengthBytes is 0: none. */
    uint64_t sendBytes;
    CpError error; /* Not reported yet. */
    char *message; /* The resolver's, for that error; or NULL. */
    CpUdpStats stats;
};

CpUdpSocket *CpUdpSocketFor(CpUdp *udpPtr, const CpAddr *addrPtr);
void CpUdpNotify(CpUdp *udpPtr);

/* No receive may be outstanding. */
void CpUdpCloseSockets(CpUdp *udpPtr);

/* Whether an ICMP error has caused it; and latches an error. */
int CpUdpIsIcmp(CpError error);
void CpUdpLatch(CpUdp *udpPtr, CpError error);

/* Ends a close when nothing is outstanding. May free the endpoint. */
void CpUdpFinish(CpUdp *udpPtr);

/* cpUdpRecv.c */
void CpUdpStopReceives(CpUdp *udpPtr);
void CpUdpFreeBuffer(CpUdpSocket *socketPtr);

/* cpUdpSend.c: a copy of a datagram, NULL without memory; its submit, whatever
 * waits; and whether there is room for another one. */
CpUdpOut *CpUdpNewOut(CpUdp *udpPtr, const void *bytes, size_t lengthBytes);
void CpUdpFreeOut(CpUdpOut *outPtr);
void CpUdpSubmitOut(CpUdpOut *outPtr, CpHandle *handlePtr,
    const CpAddr *addrPtr);
int CpUdpHasRoom(const CpUdp *udpPtr);

/* cpUdpLookup.c: makes a look-up; lets a copy of a datagram wait with it;
 * begins it; and frees one that has not begun. */
CpError CpUdpNewLookup(CpUdp *udpPtr, CpUdpLookup **lookupPtrPtr);
CpError CpUdpAddOut(CpUdp *udpPtr, CpUdpLookup *lookupPtr, const void *bytes,
    size_t lengthBytes);
void CpUdpLookUp(CpUdpLookup *lookupPtr, const CpTarget *targetPtr);
void CpUdpFreeLookup(CpUdpLookup *lookupPtr);
void CpUdpStopLookups(CpUdp *udpPtr);
void CpUdpMoveLookups(CpUdp *udpPtr, CpPort *portPtr);

#endif /* CP_UDP_INT_H */
