/*
 * cpUdpSim.c --
 *
 *      Datagrams of the simulated network: they may be lost, doubled, late and
 *      so in another order, and nobody may have the port that they are for. A
 *      socket has limited room, and what it has no room for is lost.
 */

#include "cpSimInt.h"

#include "cpUdpPort.h"

#include <string.h>

#define PAYLOAD_MAX_4 65507 /* Of IPv4. */
#define PAYLOAD_MAX_6 65527
#define ROOM_BYTES 65536 /* For datagrams that nobody has received. */
#define GROUPS_MAX 8
#define HOPS 64
#define BROADCAST 0xffffffffu

static const CpError failErrors[] = {CP_ENOBUFS, CP_ENOMEM, CP_EIO,
    SIM_ENUMBER};
static const CpError openErrors[] = {CP_EMFILE, CP_ENOBUFS};

#define FAIL_ERROR(fault) \
    SimFaultError(fault, failErrors, sizeof(failErrors) / sizeof(failErrors[0]))

typedef struct SimDatagram {
    CpAddr from;
    CpAddr to;
    int loops;         /* Multicasts come back to this machine. */
    int hops;          /* What is left of its TTL: no router takes any. */
    int isUnreachable; /* It is on its way back. */
    size_t lengthBytes;
    CpListNode node; /* In a socket's list. */
} SimDatagram;       /* The bytes are behind it. */

struct SimUdp {
    CpAddr peer;    /* lengthBytes is 0: not connected. */
    CpList arrived; /* Datagrams, oldest first. */
    unsigned arrivedCount;
    size_t arrivedBytes;
    CpError icmpError; /* For the next receive or send. */
    CpUdpInfo info;    /* Of the last one received. */
    int opts[CP_UDP_OPT_COUNT];
    CpAddr groups[GROUPS_MAX];
    unsigned groupCount;
};

static int
SameAddr(const CpAddr *aPtr, const CpAddr *bPtr)
{
    return SimFamily(aPtr) == SimFamily(bPtr) && SimHost(aPtr) == SimHost(bPtr)
        && CpAddrPort(aPtr) == CpAddrPort(bPtr);
}

static SimDatagram *
FirstArrived(const CpHandle *handlePtr)
{
    return CP_LIST_OWNER(CpListFirst(&handlePtr->udpPtr->arrived), SimDatagram,
        node);
}

static unsigned char *
BytesOf(SimDatagram *datagramPtr)
{
    return (unsigned char *) (datagramPtr + 1);
}

/* ------------------------------------------------------------ sockets */

CpError
CpUdpHandleOpen(CpPort *portPtr, const CpAddr *addrPtr, CpHandle **handlePtrPtr)
{
    CpHandle *handlePtr;

    if (SimFault(CP_SIM_NO_HANDLE)) {
        return SimFaultError(CP_SIM_NO_HANDLE, openErrors, 2);
    }
    if (simHandleLimit != 0 && simHandleCount >= simHandleLimit) {
        return CP_EMFILE;
    }
    handlePtr = SimNewHandle(portPtr, SimFamily(addrPtr));
    handlePtr->udpPtr = SimAlloc(sizeof(struct SimUdp));
    handlePtr->udpPtr->opts[CP_UDP_TTL] = HOPS;
    handlePtr->udpPtr->opts[CP_UDP_MCAST_TTL] = 1;
    handlePtr->udpPtr->opts[CP_UDP_MCAST_LOOP] = 1;
    SimCountHandle(handlePtr);
    *handlePtrPtr = handlePtr;
    return CP_OK;
}

void
CpUdpHandleClose(CpHandle *handlePtr)
{
    struct SimUdp *udpPtr = handlePtr->udpPtr;
    SimDatagram *datagramPtr;

    for (; udpPtr->arrivedCount > 0; udpPtr->arrivedCount--) {
        datagramPtr = FirstArrived(handlePtr);
        CpListRemove(&datagramPtr->node);
        SimFree(datagramPtr);
    }
    handlePtr->udpPtr = NULL;
    SimFree(udpPtr);
    CpHandleClose(handlePtr);
}

/* The name that others see it by. */

static CpAddr
NameOf(const CpHandle *handlePtr)
{
    unsigned port = CpAddrPort(&handlePtr->local);

    if (SimHost(&handlePtr->local) != 0) {
        return handlePtr->local;
    }
    return handlePtr->family == SIM_FAMILY_IP6
        ? CpSimAddr6(1, port)
        : CpSimAddr4(CP_SIM_LOCALHOST, port);
}

CpError
CpUdpHandleConnect(CpHandle *handlePtr, const CpAddr *addrPtr)
{
    CpError error = SimNameSocket(handlePtr);

    if (handlePtr->queues[SIM_OP_RECV_FROM].count > 0) {
        CpSimFail("a datagram socket connects while it receives");
    }
    if (error == CP_OK && SimFamily(addrPtr) != handlePtr->family) {
        error = CP_EAFNOSUPPORT;
    }
    if (error != CP_OK) {
        return error;
    }
    if (SimFault(CP_SIM_CONNECT_FAIL_SUBMIT)) {
        return FAIL_ERROR(CP_SIM_CONNECT_FAIL_SUBMIT);
    }
    handlePtr->udpPtr->peer = *addrPtr;
    handlePtr->local = NameOf(handlePtr);
    return CP_OK;
}

CpError
CpUdpSetOpt(CpHandle *handlePtr, CpUdpOpt opt, int value)
{
    if (value < 0 || value > 255) {
        return CP_EINVAL;
    }
    handlePtr->udpPtr->opts[opt] = value;
    return CP_OK;
}

CpError
CpUdpGetOpt(CpHandle *handlePtr, CpUdpOpt opt, int *valuePtr)
{
    *valuePtr = handlePtr->udpPtr->opts[opt];
    return CP_OK;
}

static int
FindGroup(const struct SimUdp *udpPtr, const CpAddr *groupPtr)
{
    unsigned i;

    for (i = 0; i < udpPtr->groupCount; i++) {
        if (SimHost(&udpPtr->groups[i]) == SimHost(groupPtr)) {
            return (int) i;
        }
    }
    return -1;
}

/* The only interface is the loopback. An IPv4 address that begins with 0 is an
 * index. */

static int
IsInterface(const CpHandle *handlePtr, const CpUdpInterface *interfacePtr)
{
    uint32_t host;

    if (handlePtr->family == SIM_FAMILY_IP6) {
        return interfacePtr->index <= 1;
    }
    host = interfacePtr->addr.lengthBytes > 0 ? SimHost(&interfacePtr->addr)
                                              : 0;
    return host <= 1 || host == CP_SIM_LOCALHOST;
}

CpError
CpUdpJoin(CpHandle *handlePtr, const CpAddr *groupPtr,
    const CpUdpInterface *interfacePtr, int join)
{
    struct SimUdp *udpPtr = handlePtr->udpPtr;
    int at = FindGroup(udpPtr, groupPtr);

    if (!IsInterface(handlePtr, interfacePtr)) {
        return CP_EADDRNOTAVAIL;
    }
    if (join == (at >= 0)) {
        return join ? CP_EINVAL : CP_EADDRNOTAVAIL;
    }
    if (!join) {
        udpPtr->groups[at] = udpPtr->groups[--udpPtr->groupCount];
        return CP_OK;
    }
    if (!CpUdpIsMulticast(groupPtr)) {
        return CP_EINVAL;
    }
    if (udpPtr->groupCount == GROUPS_MAX) {
        return CP_ENOBUFS;
    }
    udpPtr->groups[udpPtr->groupCount++] = *groupPtr;
    return CP_OK;
}

CpError
CpUdpSetMcastInterface(CpHandle *handlePtr, const CpUdpInterface *interfacePtr)
{
    return IsInterface(handlePtr, interfacePtr) ? CP_OK : CP_EADDRNOTAVAIL;
}

/* ----------------------------------------------------------- receives */

static void
TakeInfo(CpHandle *handlePtr, const SimDatagram *datagramPtr, int truncated,
    CpUdpInfo *infoPtr)
{
    memset(infoPtr, 0, sizeof(CpUdpInfo));
    infoPtr->peer = datagramPtr->from;
    infoPtr->truncated = truncated;
    infoPtr->hops = -1;
    if (!SimFault(CP_SIM_UDP_TELLS_LESS)) {
        infoPtr->local = datagramPtr->to;
        CpAddrSetPort(&infoPtr->local, 0);
        infoPtr->interfaceIndex = 1;
        infoPtr->hops = datagramPtr->hops;
    }
    handlePtr->udpPtr->info = *infoPtr;
}

/* Takes the oldest datagram into a buffer; returns its bytes. */

static size_t
TakeDatagram(CpHandle *handlePtr, void *bufPtr, size_t lengthBytes,
    CpUdpInfo *infoPtr)
{
    SimDatagram *datagramPtr = FirstArrived(handlePtr);
    size_t bytes = datagramPtr->lengthBytes < lengthBytes
        ? datagramPtr->lengthBytes
        : lengthBytes;

    memcpy(bufPtr, BytesOf(datagramPtr), bytes);
    TakeInfo(handlePtr, datagramPtr, datagramPtr->lengthBytes > lengthBytes,
        infoPtr);
    CpListRemove(&datagramPtr->node);
    handlePtr->udpPtr->arrivedCount--;
    handlePtr->udpPtr->arrivedBytes -= datagramPtr->lengthBytes;
    SimFree(datagramPtr);
    return bytes;
}

static CpError
TakeIcmp(CpHandle *handlePtr)
{
    CpError error = handlePtr->udpPtr->icmpError;

    handlePtr->udpPtr->icmpError = CP_OK;
    return error;
}

/* Completes the receive, if it can. */

static void
Pump(CpHandle *handlePtr)
{
    SimOp *simOpPtr = SimFirst(&handlePtr->queues[SIM_OP_RECV_FROM]);
    CpUdpInfo info;
    CpError error;
    size_t bytes;

    if (simOpPtr == NULL) {
        return;
    }
    error = TakeIcmp(handlePtr);
    if (error != CP_OK) {
        SimFinish(simOpPtr, error, 0);
    } else if (FirstArrived(handlePtr) == NULL) {
        return;
    } else if (SimFault(CP_SIM_RECV_FAIL)) {
        SimFinish(simOpPtr, FAIL_ERROR(CP_SIM_RECV_FAIL), 0);
    } else {
        SimUnlock(simOpPtr);
        bytes = TakeDatagram(handlePtr, simOpPtr->bufPtr, simOpPtr->lengthBytes,
            &info);
        SimLock(simOpPtr);
        SimFinish(simOpPtr, CP_OK, (uint32_t) bytes);
    }
}

void
CpSubmitRecvFrom(CpHandle *handlePtr, CpOp *opPtr, void *bufPtr)
{
    SimOp *simOpPtr = SimBegin(handlePtr, opPtr, SIM_OP_RECV_FROM);

    if (handlePtr->carrying[SIM_OP_RECV_FROM] > 0) {
        CpSimFail("a datagram socket has two receives");
    }
    SimHoldBytes(simOpPtr, bufPtr, CP_UDP_BYTES_MAX);
    if (handlePtr->local.lengthBytes == 0) {
        SimFinishNow(simOpPtr, CP_EINVAL);
    } else if (SimFault(CP_SIM_RECV_FAIL_SUBMIT)) {
        SimFinishNow(simOpPtr, FAIL_ERROR(CP_SIM_RECV_FAIL_SUBMIT));
    } else {
        Pump(handlePtr);
        simOpPtr->atSubmit = simOpPtr->state == SIM_OP_OVER;
    }
}

void
CpRecvFromInfo(CpHandle *handlePtr, CpUdpInfo *infoPtr)
{
    *infoPtr = handlePtr->udpPtr->info;
}

CpError
CpTryRecvFrom(CpHandle *handlePtr, void *bufPtr, size_t lengthBytes,
    size_t *bytesPtr, CpUdpInfo *infoPtr)
{
    CpError error;

    *bytesPtr = 0;
    if (handlePtr->carrying[SIM_OP_RECV_FROM] > 0) {
        CpSimFail("an attempt at once would overtake a receive");
    }
    if (handlePtr->local.lengthBytes == 0) {
        return CP_EINVAL;
    }
    if (SimFault(CP_SIM_TRY_RECV_FAIL)) {
        return FAIL_ERROR(CP_SIM_TRY_RECV_FAIL);
    }
    error = TakeIcmp(handlePtr);
    if (error != CP_OK) {
        return error;
    }
    if (FirstArrived(handlePtr) == NULL || SimFault(CP_SIM_TRY_RECV_AGAIN)) {
        return CP_EAGAIN;
    }
    *bytesPtr = TakeDatagram(handlePtr, bufPtr, lengthBytes, infoPtr);
    return CP_OK;
}

/* -------------------------------------------------- on the way */

/* A datagram, and perhaps a second one of it, begins its way. */

static void
Launch(SimDatagram *datagramPtr)
{
    if (SimFault(CP_SIM_UDP_LOSE)) {
        SimFree(datagramPtr);
        return;
    }
    if (SimFault(CP_SIM_UDP_TWICE)) {
        size_t sizeBytes = sizeof(SimDatagram) + datagramPtr->lengthBytes;
        SimDatagram *twinPtr = SimAlloc(sizeBytes);

        memcpy(twinPtr, datagramPtr, sizeBytes);
        SimAfter(SimDelay(CP_SIM_UDP_LATE), SIM_EVENT_DATAGRAM, twinPtr);
    }
    SimAfter(SimDelay(CP_SIM_UDP_LATE), SIM_EVENT_DATAGRAM, datagramPtr);
}

/* Whether this socket gets the datagram. */

static int
Gets(const CpHandle *handlePtr, const SimDatagram *datagramPtr)
{
    const struct SimUdp *udpPtr = handlePtr->udpPtr;
    const CpAddr *toPtr = &datagramPtr->to;
    uint32_t host;

    if (udpPtr == NULL || handlePtr->local.lengthBytes == 0
        || handlePtr->family != SimFamily(toPtr)
        || CpAddrPort(&handlePtr->local) != CpAddrPort(toPtr)
        || (udpPtr->peer.lengthBytes > 0
            && !SameAddr(&udpPtr->peer, &datagramPtr->from))) {
        return 0;
    }
    if (CpUdpIsMulticast(toPtr)) {
        return datagramPtr->loops && FindGroup(udpPtr, toPtr) >= 0;
    }
    host = SimHost(&handlePtr->local);
    return SimHost(toPtr) == BROADCAST || host == 0 || host == SimHost(toPtr);
}

static void
Deliver(CpHandle *handlePtr, const SimDatagram *datagramPtr)
{
    struct SimUdp *udpPtr = handlePtr->udpPtr;
    size_t sizeBytes = sizeof(SimDatagram) + datagramPtr->lengthBytes;
    SimDatagram *copyPtr;

    if (udpPtr->arrivedBytes > 0
        && udpPtr->arrivedBytes + datagramPtr->lengthBytes > ROOM_BYTES) {
        SimRecord(CP_SIM_UDP_LOSE);
        return;
    }
    copyPtr = SimAlloc(sizeBytes);
    memcpy(copyPtr, datagramPtr, sizeBytes);
    memset(&copyPtr->node, 0, sizeof(copyPtr->node));
    CpListAppend(&udpPtr->arrived, &copyPtr->node);
    udpPtr->arrivedCount++;
    udpPtr->arrivedBytes += copyPtr->lengthBytes;
    Pump(handlePtr);
}

/* An ICMP error is back: only a connected sender hears of it. */

static void
ReportUnreachable(const SimDatagram *datagramPtr)
{
    CpHandle *handlePtr;

    for (handlePtr = SimNewestHandle(); handlePtr != NULL;
         handlePtr = SimOlderHandle(handlePtr)) {
        if (handlePtr->udpPtr != NULL
            && SameAddr(&handlePtr->local, &datagramPtr->from)
            && handlePtr->udpPtr->peer.lengthBytes > 0
            && SameAddr(&handlePtr->udpPtr->peer, &datagramPtr->to)) {
            SimRecord(CP_SIM_UDP_UNREACHABLE);
            handlePtr->udpPtr->icmpError = simClockIsCoarse ? CP_ECONNRESET
                                                            : CP_ECONNREFUSED;
            Pump(handlePtr);
        }
    }
}

void
SimArriveDatagram(void *ptr)
{
    SimDatagram *datagramPtr = ptr;
    int many = CpUdpIsMulticast(&datagramPtr->to)
        || SimHost(&datagramPtr->to) == BROADCAST;
    CpHandle *handlePtr;
    int got = 0;

    if (datagramPtr->isUnreachable) {
        ReportUnreachable(datagramPtr);
        SimFree(datagramPtr);
        return;
    }
    for (handlePtr = SimNewestHandle(); handlePtr != NULL && (many || !got);
         handlePtr = SimOlderHandle(handlePtr)) {
        if (Gets(handlePtr, datagramPtr)) {
            Deliver(handlePtr, datagramPtr);
            got = 1;
        }
    }
    if (got || many) {
        SimFree(datagramPtr);
        return;
    }
    datagramPtr->isUnreachable = 1;
    SimAfter(SimDelay(CP_SIM_IN_FLIGHT), SIM_EVENT_DATAGRAM, datagramPtr);
}

/* A socket without a local address can receive nothing. */

void
SimSendStrays(void)
{
    static const char line[] = "stray\n";
    CpHandle *handlePtr;

    for (handlePtr = SimNewestHandle(); handlePtr != NULL;
         handlePtr = SimOlderHandle(handlePtr)) {
        const struct SimUdp *udpPtr = handlePtr->udpPtr;
        SimDatagram *strayPtr;

        if (udpPtr == NULL || handlePtr->local.lengthBytes == 0) {
            continue;
        }
        strayPtr = SimAlloc(sizeof(SimDatagram) + sizeof(line) - 1);
        strayPtr->to = NameOf(handlePtr);
        strayPtr->from = udpPtr->peer.lengthBytes > 0 ? udpPtr->peer
                                                      : strayPtr->to;
        strayPtr->lengthBytes = sizeof(line) - 1;
        memcpy(BytesOf(strayPtr), line, sizeof(line) - 1);
        SimAfter(1, SIM_EVENT_DATAGRAM, strayPtr);
    }
}

/* -------------------------------------------------------------- sends */

static CpError
CheckSend(CpHandle *handlePtr, size_t lengthBytes, const CpAddr *addrPtr)
{
    const struct SimUdp *udpPtr = handlePtr->udpPtr;
    CpError error;

    if (udpPtr->peer.lengthBytes > 0 && addrPtr != NULL) {
        CpSimFail("a connected datagram socket sends to an address");
    }
    if (udpPtr->peer.lengthBytes == 0 && addrPtr == NULL) {
        return CP_ENOTCONN;
    }
    if (addrPtr != NULL && SimFamily(addrPtr) != handlePtr->family) {
        return CP_EAFNOSUPPORT;
    }
    if (lengthBytes > (handlePtr->family == SIM_FAMILY_IP6 ? PAYLOAD_MAX_6
                                                           : PAYLOAD_MAX_4)) {
        return CP_EMSGSIZE;
    }
    if (addrPtr != NULL && SimHost(addrPtr) == BROADCAST
        && !udpPtr->opts[CP_UDP_BROADCAST]) {
        return CP_EACCES;
    }
    error = SimNameSocket(handlePtr);
    return error != CP_OK ? error : TakeIcmp(handlePtr);
}

static void
Send(CpHandle *handlePtr, const void *bufPtr, size_t lengthBytes,
    const CpAddr *addrPtr)
{
    SimDatagram *datagramPtr = SimAlloc(sizeof(SimDatagram) + lengthBytes);
    CpUdpOpt ttl;

    datagramPtr->from = NameOf(handlePtr);
    datagramPtr->to = addrPtr != NULL ? *addrPtr : handlePtr->udpPtr->peer;
    datagramPtr->loops = handlePtr->udpPtr->opts[CP_UDP_MCAST_LOOP];
    ttl = CpUdpIsMulticast(&datagramPtr->to) ? CP_UDP_MCAST_TTL : CP_UDP_TTL;
    datagramPtr->hops = handlePtr->udpPtr->opts[ttl];
    datagramPtr->lengthBytes = lengthBytes;
    memcpy(BytesOf(datagramPtr), bufPtr, lengthBytes);
    Launch(datagramPtr);
}

void
CpSubmitSendTo(CpHandle *handlePtr, CpOp *opPtr, const void *bufPtr,
    size_t lengthBytes, const CpAddr *addrPtr)
{
    SimOp *simOpPtr = SimBegin(handlePtr, opPtr, SIM_OP_SEND_TO);
    CpError error = CheckSend(handlePtr, lengthBytes, addrPtr);

    if (error == CP_OK) {
        Send(handlePtr, bufPtr, lengthBytes, addrPtr);
    }
    SimHoldBytes(simOpPtr, bufPtr, lengthBytes);
    if (SimFault(CP_SIM_SEND_FAIL_SUBMIT)) {
        error = FAIL_ERROR(CP_SIM_SEND_FAIL_SUBMIT);
    }
    if (error != CP_OK) {
        SimFinishNow(simOpPtr, error);
    } else {
        SimFinish(simOpPtr, CP_OK, (uint32_t) lengthBytes);
    }
}

CpError
CpTrySendTo(CpHandle *handlePtr, const void *bufPtr, size_t lengthBytes,
    const CpAddr *addrPtr)
{
    CpError error = CheckSend(handlePtr, lengthBytes, addrPtr);

    if (error != CP_OK) {
        return error;
    }
    if (SimFault(CP_SIM_TRY_SEND_FAIL)) {
        return FAIL_ERROR(CP_SIM_TRY_SEND_FAIL);
    }
    if (SimFault(CP_SIM_TRY_SEND_AGAIN)) {
        return CP_EAGAIN;
    }
    Send(handlePtr, bufPtr, lengthBytes, addrPtr);
    return CP_OK;
}
