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

#define UDP_SOCKETS_MAX 2 /* One for each family. */

struct CpUdp {
    CpPort *portPtr; /* The owner's; NULL between owners. */
    CpUdpProc *proc; /* The closedProc when closing. */
    void *clientData;
    CpUdpSocket sockets[UDP_SOCKETS_MAX];
    unsigned socketCount;
    int connected;
    int closing;
    int watched;
    int needsRetry;
    CpUdpLimits limits;
    CpList queue; /* Datagrams, oldest first. */
    CpList sends; /* Outstanding, oldest first. */
    CpList lookups;
    uint64_t sendBytes;
    CpError error; /* Not reported yet. */
    char *message; /* The resolver's, for that error; or NULL. */
    CpUdpStats stats;
};

CpUdpSocket *CpUdpSocketFor(CpUdp *udpPtr, const CpAddr *addrPtr);
void CpUdpNotify(CpUdp *udpPtr);

/* Whether an ICMP error has caused it; and latches an error. */
int CpUdpIsIcmp(CpError error);
void CpUdpLatch(CpUdp *udpPtr, CpError error);

/* Ends a close when nothing is outstanding. May free the endpoint. */
void CpUdpFinish(CpUdp *udpPtr);

/* cpUdpRecv.c, cpUdpSend.c: cancel what is outstanding. */
void CpUdpStopReceives(CpUdp *udpPtr);
void CpUdpStopLookups(CpUdp *udpPtr);
void CpUdpMoveLookups(CpUdp *udpPtr, CpPort *portPtr);
void CpUdpFreeBuffer(CpUdpSocket *socketPtr);

#endif /* CP_UDP_INT_H */
