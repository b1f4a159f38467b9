/*
 * cpUdp.h --
 *
 *      A datagram endpoint: one socket, or one for each address family, and a
 *      bounded queue of datagrams that were received. Only the thread that owns
 *      it may call these functions.
 *
 *      Who owns what. The endpoint owns its sockets, its receive buffers and
 *      the queue. A datagram that is taken from the queue belongs to its taker.
 *      Bytes to send are copied if the system does not take them at once.
 *
 *      Order. Datagrams are queued in the order in which the system gives them.
 *      One that goes to a host name leaves when the name has been looked up,
 *      and later ones to other destinations may overtake it.
 *
 *      Losses. A datagram that the queue has no room for is dropped and
 *      counted. Errors end nothing: each is latched, and CpUdpTakeError reports
 *      it once.
 */

#ifndef CP_UDP_H
#define CP_UDP_H

#include "cpResolve.h"
#include "cpUdpPort.h"

typedef struct CpUdp CpUdp;

/* Called when its readiness may have changed, and at the end of a close. It
 * must neither close the endpoint nor reap. */
typedef void CpUdpProc(void *clientData);

typedef struct CpDatagram {
    CpUdpInfo info;
    CpListNode node;
    uint32_t lengthBytes;
    const unsigned char *bytes; /* In the same memory, behind it. */
} CpDatagram;

/* Limits of the queue, and of a datagram: a longer one is truncated. */

typedef struct CpUdpLimits {
    uint32_t queueBytes;
    uint32_t queueCount;
    uint32_t datagramBytes;
} CpUdpLimits;

#define CP_UDP_QUEUE_BYTES_DEFAULT 1048576
#define CP_UDP_QUEUE_COUNT_DEFAULT 4096

/* At most this much waits to be sent. */
#define CP_UDP_SEND_COUNT_MAX 64 /* Also for a name that is looked up. */
#define CP_UDP_SEND_BYTES_MAX 1048576
#define CP_UDP_LOOKUPS_MAX 64

#define CP_UDP_RETRY_MS 100 /* After a receive that failed. */

typedef struct CpUdpStats {
    uint64_t datagramsIn; /* With those that were dropped. */
    uint64_t datagramsOut;
    uint64_t bytesIn;
    uint64_t bytesOut;
    uint64_t dropped;   /* The queue was full, or there was no memory. */
    uint64_t truncated; /* Received in part. */
    uint64_t errors;    /* Receives, sends and look-ups that failed. */
    unsigned queued;    /* Datagrams that wait, and their bytes. */
    uint64_t queuedBytes;
    unsigned recvPending; /* Operations outstanding. */
    unsigned sendPending;
    unsigned lookups;
} CpUdpStats;

/* An endpoint without sockets; NULL if there is no memory. */
CpUdp *CpUdpNew(CpPort *portPtr, CpUdpProc *proc, void *clientData);

/*
 * CpUdpBind --
 *
 *      Opens a socket for the first address of each family, and binds it. If
 *      they have no port, all of them get the same one. With reuse, the port
 *      can be shared with other sockets that were opened so.
 *
 * Results:
 *      CP_OK if at least one socket is bound; or the last error.
 */

CpError CpUdpBind(CpUdp *udpPtr, const CpAddr *addrs, unsigned count,
    int reuse);

/* Connects it to one peer. Without a socket of that family, opens one, and
 * closes the others. */
CpError CpUdpConnect(CpUdp *udpPtr, const CpAddr *addrPtr);
int CpUdpIsConnected(const CpUdp *udpPtr);

/* Connects it to the first of these addresses that it can. */
CpError CpUdpConnectFirst(CpUdp *udpPtr, const CpAddr *addrs, unsigned count);

/*
 * CpUdpConnectName --
 *
 *      Looks up the names of the target, binds to its local addresses if it has
 *      some, and connects, all without waiting. Until then the endpoint, which
 *      must be new, has no sockets. If this fails, the error is latched and
 *      CpUdpHasFailed.
 */

CpError CpUdpConnectName(CpUdp *udpPtr, const CpTarget *targetPtr, int reuse);
int CpUdpHasFailed(const CpUdp *udpPtr);

/* Whether it has a peer, or was to have one. */
int CpUdpHasPeer(const CpUdp *udpPtr);

/* Sets the destination of CpUdpSendPeer; NULL: none. A name is looked up
 * without waiting, and there is none if that fails. CP_EISCONN if the endpoint
 * has a peer. */
CpError CpUdpSetRemote(CpUdp *udpPtr, const CpAddr *addrPtr);
CpError CpUdpSetRemoteName(CpUdp *udpPtr, const CpTarget *targetPtr);

/* That destination or its peer, of lengthBytes 0 if there is none yet; and
 * whether its name is still looked up. */
const CpAddr *CpUdpRemote(const CpUdp *udpPtr);
int CpUdpIsLookingUp(const CpUdp *udpPtr);

/* Closes it, perhaps before this returns. Receives and look-ups are cancelled;
 * what is on its way to the system is still sent. */
void CpUdpClose(CpUdp *udpPtr, CpUdpProc *closedProc, void *clientData);

/* As CpHandleMove. */
void CpUdpMove(CpUdp *udpPtr, CpPort *portPtr);

/* ---------------------------------------------------------- receiving */

/* Whether datagrams are wanted. If not, the system keeps them, except for one
 * of each socket that a receive is outstanding for. */
void CpUdpWatch(CpUdp *udpPtr, int on);

/* Takes in datagrams that are there, if some are likely to be, and submits
 * receives if they are wanted. */
void CpUdpRearm(CpUdp *udpPtr);

/* A receive has failed. The caller lets CP_UDP_RETRY_MS pass, and then calls
 * CpUdpRetry. */
int CpUdpNeedsRetry(const CpUdp *udpPtr);
void CpUdpRetry(CpUdp *udpPtr);

/* Takes in datagrams that are there, up to the limits of the queue. */
void CpUdpFill(CpUdp *udpPtr);

/* The oldest datagram, which is the caller's from now on; NULL without one. */
CpDatagram *CpUdpTake(CpUdp *udpPtr);
void CpUdpFree(CpDatagram *datagramPtr);

/* Frees the first bytes of a datagram that was taken, or all of it. The rest is
 * the oldest datagram again. */
void CpUdpFreeBegin(CpUdp *udpPtr, CpDatagram *datagramPtr,
    uint32_t lengthBytes);

/* CP_READ if datagrams are queued; CP_WRITE if one can be sent, and its
 * destination's name is not looked up. After CpUdpHasFailed both. */
int CpUdpReady(const CpUdp *udpPtr);

/* ------------------------------------------------------------ sending */

/*
 * CpUdpSend --
 *
 *      Sends a datagram to an address or, with NULL, to the peer.
 *
 * Results:
 *      CP_OK if the system has it, or will get it; CP_EAGAIN if too many wait;
 *      or why it cannot be sent.
 */

CpError CpUdpSend(CpUdp *udpPtr, const void *bytes, size_t lengthBytes,
    const CpAddr *addrPtr);

/* The same to its peer or its remote address. If the name of that is still
 * looked up, the datagram waits for it. */
CpError CpUdpSendPeer(CpUdp *udpPtr, const void *bytes, size_t lengthBytes);

/* The same to a host name. A name that is not found is an error that is
 * latched. */
CpError CpUdpSendName(CpUdp *udpPtr, const void *bytes, size_t lengthBytes,
    const CpTarget *targetPtr);

/* ------------------------------------------------------------- others */

/* The latched error, once: CP_OK if there is none. *messagePtr is NULL or the
 * resolver's message, which the caller frees with CpMessageFree. */
CpError CpUdpTakeError(CpUdp *udpPtr, char **messagePtr);

/* Its sockets, IPv4 before IPv6; NULL behind the last one. */
CpHandle *CpUdpHandle(const CpUdp *udpPtr, unsigned index);

/* The socket for addresses of the same family; NULL if it has none. */
CpHandle *CpUdpHandleFor(const CpUdp *udpPtr, const CpAddr *addrPtr);

void CpUdpGetLimits(const CpUdp *udpPtr, CpUdpLimits *limitsPtr);
void CpUdpSetLimits(CpUdp *udpPtr, const CpUdpLimits *limitsPtr);
void CpUdpGetStats(const CpUdp *udpPtr, CpUdpStats *statsPtr);

#endif /* CP_UDP_H */
