/*
 * cpUdpPort.h --
 *
 *      Datagrams: the third part of the completion-port contract. A port
 *      without UDP leaves out the files that include this header.
 *
 *      A datagram handle is a CpHandle. CpHandleBind, CpHandleLocal,
 *      CpHandleMove, CpHandleNative, CpCancel, and CpHandleSetOpt and
 *      CpHandleGetOpt for buffer sizes and sharing also apply to it.
 */

#ifndef CP_UDP_PORT_H
#define CP_UDP_PORT_H

#include "cpPort.h"

#define CP_UDP_BYTES_MAX 65536 /* Every datagram is shorter. */

/* What is known of a datagram that was received. */

typedef struct CpUdpInfo {
    CpAddr peer;             /* Its sender. */
    CpAddr local;            /* The address that it was sent to, with port 0.
                              * lengthBytes is 0 if the system did not tell. */
    uint32_t interfaceIndex; /* Where it came in; 0: not told. */
    int hops;                /* What is left of its TTL or hop limit; -1: not
                              * told. */
    int truncated;           /* Its end is lost, as it was too long. */
} CpUdpInfo;

/*
 * CpUdpHandleOpen --
 *
 *      Opens a UDP socket of the address family of *addrPtr. The port's thread
 *      owns it, child processes do not inherit it, and an IPv6 socket is IPv6
 *      only. Until it is connected, ICMP errors reach neither its receives nor
 *      its sends.
 *
 * Results:
 *      CP_OK and *handlePtrPtr, or an error.
 */

CpError CpUdpHandleOpen(CpPort *portPtr, const CpAddr *addrPtr,
    CpHandle **handlePtrPtr);

/* No operation may be outstanding. CpHandleClose must not be used instead. */
void CpUdpHandleClose(CpHandle *handlePtr);

/*
 * CpUdpHandleConnect --
 *
 *      Sets the one peer. From then on the handle receives only what that peer
 *      sends. If an ICMP error answers a datagram, one later receive or send
 *      fails, and no more. An unreachable port is CP_ECONNRESET on Windows, and
 *      CP_ECONNREFUSED elsewhere. No receive may be outstanding.
 */

CpError CpUdpHandleConnect(CpHandle *handlePtr, const CpAddr *addrPtr);

/*
 * CpSubmitRecvFrom --
 *
 *      Receives one datagram into CP_UDP_BYTES_MAX bytes. It may have no bytes
 *      at all. The handle must be bound or connected, and at most one receive
 *      may be outstanding. CpRecvFromInfo tells about the datagram, in the proc
 *      of a receive that succeeded.
 */

void CpSubmitRecvFrom(CpHandle *handlePtr, CpOp *opPtr, void *bufPtr);
void CpRecvFromInfo(CpHandle *handlePtr, CpUdpInfo *infoPtr);

/*
 * CpTryRecvFrom --
 *
 *      Receives a datagram that is there. It must not be called while a receive
 *      is outstanding. The end of a datagram that is longer than the buffer is
 *      lost.
 *
 * Results:
 *      CP_OK, *bytesPtr and *infoPtr; CP_EAGAIN; or an error.
 */

CpError CpTryRecvFrom(CpHandle *handlePtr, void *bufPtr, size_t lengthBytes,
    size_t *bytesPtr, CpUdpInfo *infoPtr);

/*
 * CpSubmitSendTo, CpTrySendTo --
 *
 *      Send one datagram: to the address or, from a connected handle, to its
 *      peer, with NULL. A datagram that the system cannot carry fails with
 *      CP_EMSGSIZE. A send that fails has no effect on others. The bytes and
 *      the address of a submit stay valid until it completes.
 */

void CpSubmitSendTo(CpHandle *handlePtr, CpOp *opPtr, const void *bufPtr,
    size_t lengthBytes, const CpAddr *addrPtr);
CpError CpTrySendTo(CpHandle *handlePtr, const void *bufPtr, size_t lengthBytes,
    const CpAddr *addrPtr);

/* ------------------------------------------------------------ options */

typedef enum CpUdpOpt {
    CP_UDP_BROADCAST,  /* 0, 1: may send to broadcast addresses */
    CP_UDP_TTL,        /* 1 to 255: TTL or hop limit of unicasts */
    CP_UDP_MCAST_TTL,  /* 0 to 255: of multicasts */
    CP_UDP_MCAST_LOOP, /* 0, 1: multicasts also come back to this machine */
    CP_UDP_OPT_COUNT
} CpUdpOpt;

CpError CpUdpSetOpt(CpHandle *handlePtr, CpUdpOpt opt, int value);
CpError CpUdpGetOpt(CpHandle *handlePtr, CpUdpOpt opt, int *valuePtr);

/* An interface: by its address for IPv4, by its index for IPv6. No address, or
 * index 0, lets the system choose. */

typedef struct CpUdpInterface {
    CpAddr addr;
    uint32_t index;
} CpUdpInterface;

/* Joins a multicast group, or leaves it; chooses where multicasts go out. */
CpError CpUdpJoin(CpHandle *handlePtr, const CpAddr *groupPtr,
    const CpUdpInterface *interfacePtr, int join);
CpError CpUdpSetMcastInterface(CpHandle *handlePtr,
    const CpUdpInterface *interfacePtr);

/* Whether this is a multicast address; and 1, 2 for IPv4, IPv6. */
int CpUdpIsMulticast(const CpAddr *addrPtr);
int CpUdpFamily(const CpAddr *addrPtr);

/* The port of a UDP service name; -1 if it is unknown. */
int CpUdpServicePort(const char *name);

#endif /* CP_UDP_PORT_H */
