/*
 * cpUdp.c --
 *
 *      A datagram endpoint: its sockets, its errors and its end. Receiving is
 *      in cpUdpRecv.c, sending in cpUdpSend.c, names in cpUdpLookup.c.
 */

#include "cpUdpInt.h"

#include "cpMem.h"

#include <assert.h>

#define PORT_TRIES 16 /* To find one that both families have. */

CpUdp *
CpUdpNew(CpPort *portPtr, CpUdpProc *proc, void *clientData)
{
    CpUdp *udpPtr = CpCalloc(sizeof(CpUdp));

    if (udpPtr == NULL) {
        return NULL;
    }
    CpStatAdd(CP_STAT_UDP, 1);
    udpPtr->portPtr = portPtr;
    udpPtr->proc = proc;
    udpPtr->clientData = clientData;
    udpPtr->limits.queueBytes = CP_UDP_QUEUE_BYTES_DEFAULT;
    udpPtr->limits.queueCount = CP_UDP_QUEUE_COUNT_DEFAULT;
    udpPtr->limits.datagramBytes = CP_UDP_BYTES_MAX;
    return udpPtr;
}

void
CpUdpNotify(CpUdp *udpPtr)
{
    assert(!udpPtr->closing);
    udpPtr->proc(udpPtr->clientData);
}

/* ------------------------------------------------------------ sockets */

/* The index of the socket of an address's family; socketCount without one. */

static unsigned
IndexFor(const CpUdp *udpPtr, const CpAddr *addrPtr)
{
    int family = CpUdpFamily(addrPtr);
    unsigned i = 0;

    while (i < udpPtr->socketCount && udpPtr->sockets[i].family != family) {
        i++;
    }
    return i;
}

CpUdpSocket *
CpUdpSocketFor(CpUdp *udpPtr, const CpAddr *addrPtr)
{
    unsigned i = IndexFor(udpPtr, addrPtr);

    return i < udpPtr->socketCount ? &udpPtr->sockets[i] : NULL;
}

CpHandle *
CpUdpHandle(const CpUdp *udpPtr, unsigned index)
{
    return index < udpPtr->socketCount ? udpPtr->sockets[index].handlePtr
                                       : NULL;
}

CpHandle *
CpUdpHandleFor(const CpUdp *udpPtr, const CpAddr *addrPtr)
{
    return CpUdpHandle(udpPtr, IndexFor(udpPtr, addrPtr));
}

static void
AddSocket(CpUdp *udpPtr, CpHandle *handlePtr, int family)
{
    CpUdpSocket *socketPtr = &udpPtr->sockets[udpPtr->socketCount++];

    socketPtr->udpPtr = udpPtr;
    socketPtr->handlePtr = handlePtr;
    socketPtr->family = family;
}

void
CpUdpCloseSockets(CpUdp *udpPtr)
{
    while (udpPtr->socketCount > 0) {
        CpUdpSocket *socketPtr = &udpPtr->sockets[--udpPtr->socketCount];

        assert(!socketPtr->recvPending);
        CpUdpFreeBuffer(socketPtr);
        CpUdpHandleClose(socketPtr->handlePtr);
    }
}

static CpError
OpenBound(CpUdp *udpPtr, const CpAddr *addrPtr, int reuse)
{
    CpHandle *handlePtr;
    CpError error = CpUdpHandleOpen(udpPtr->portPtr, addrPtr, &handlePtr);

    if (error != CP_OK) {
        return error;
    }
    /* Windows lets a socket with SO_REUSEADDR share the port of any socket that
     * is not exclusive. */
    error = CpHandleSetOpt(handlePtr,
        reuse ? CP_OPT_REUSEADDR : CP_OPT_EXCLUSIVE, 1);
    if (error == CP_OK) {
        error = CpHandleBind(handlePtr, addrPtr);
    }
    if (error != CP_OK) {
        CpUdpHandleClose(handlePtr);
        return error;
    }
    AddSocket(udpPtr, handlePtr, CpUdpFamily(addrPtr));
    return CP_OK;
}

/* Binds each address. If the port is 0, the first socket chooses it. Another
 * socket may have it already: then *isTakenPtr. */

static CpError
BindAll(CpUdp *udpPtr, const CpAddr *addrs, unsigned count, int reuse,
    int *isTakenPtr)
{
    CpError last = CP_EADDRNOTAVAIL;
    unsigned chosenPort = 0;
    unsigned i;

    for (i = 0; i < count; i++) {
        CpAddr addr = addrs[i];
        CpAddr local;
        CpError error;

        if (CpUdpSocketFor(udpPtr, &addr) != NULL) {
            continue;
        }
        if (CpAddrPort(&addr) == 0) {
            CpAddrSetPort(&addr, chosenPort);
        }
        error = OpenBound(udpPtr, &addr, reuse);
        if (error != CP_OK) {
            *isTakenPtr |= chosenPort != 0 && error == CP_EADDRINUSE;
            last = error;
        } else if (CpHandleLocal(CpUdpHandleFor(udpPtr, &addr), &local)
            == CP_OK) {
            chosenPort = CpAddrPort(&local);
        }
    }
    return udpPtr->socketCount > 0 ? CP_OK : last;
}

CpError
CpUdpBind(CpUdp *udpPtr, const CpAddr *addrs, unsigned count, int reuse)
{
    unsigned tries;

    for (tries = 1;; tries++) {
        int isTaken = 0;
        CpError error = BindAll(udpPtr, addrs, count, reuse, &isTaken);

        if (!isTaken || tries == PORT_TRIES || CpAddrPort(&addrs[0]) != 0) {
            return error;
        }
        CpUdpCloseSockets(udpPtr);
    }
}

/* The other family can receive nothing from the peer. */

static void
KeepOnly(CpUdp *udpPtr, const CpUdpSocket *socketPtr)
{
    if (udpPtr->socketCount > 1) {
        unsigned other = socketPtr == &udpPtr->sockets[0] ? 1 : 0;

        CpUdpHandleClose(udpPtr->sockets[other].handlePtr);
        if (other == 0) {
            udpPtr->sockets[0] = udpPtr->sockets[1];
        }
        udpPtr->socketCount = 1;
    }
}

CpError
CpUdpConnect(CpUdp *udpPtr, const CpAddr *addrPtr)
{
    CpUdpSocket *socketPtr = CpUdpSocketFor(udpPtr, addrPtr);
    CpHandle *handlePtr;
    CpError error;

    assert(!udpPtr->connected);
    if (socketPtr != NULL) {
        error = CpUdpHandleConnect(socketPtr->handlePtr, addrPtr);
        if (error != CP_OK) {
            return error;
        }
        KeepOnly(udpPtr, socketPtr);
    } else {
        error = CpUdpHandleOpen(udpPtr->portPtr, addrPtr, &handlePtr);
        if (error != CP_OK) {
            return error;
        }
        error = CpUdpHandleConnect(handlePtr, addrPtr);
        if (error != CP_OK) {
            CpUdpHandleClose(handlePtr);
            return error;
        }
        CpUdpCloseSockets(udpPtr);
        AddSocket(udpPtr, handlePtr, CpUdpFamily(addrPtr));
    }
    udpPtr->connects = 1;
    udpPtr->connected = 1;
    udpPtr->remote = *addrPtr;
    return CP_OK;
}

CpError
CpUdpConnectFirst(CpUdp *udpPtr, const CpAddr *addrs, unsigned count)
{
    CpError error = CP_EADDRNOTAVAIL;
    unsigned i;

    for (i = 0; i < count && error != CP_OK; i++) {
        if (udpPtr->socketCount == 0
            || CpUdpSocketFor(udpPtr, &addrs[i]) != NULL) {
            error = CpUdpConnect(udpPtr, &addrs[i]);
        }
    }
    return error;
}

int
CpUdpIsConnected(const CpUdp *udpPtr)
{
    return udpPtr->connected;
}

void
CpUdpMove(CpUdp *udpPtr, CpPort *portPtr)
{
    unsigned i;

    udpPtr->portPtr = portPtr;
    for (i = 0; i < udpPtr->socketCount; i++) {
        CpHandleMove(udpPtr->sockets[i].handlePtr, portPtr);
    }
    CpUdpMoveLookups(udpPtr, portPtr);
}

/* ------------------------------------------------------------- errors */

int
CpUdpIsIcmp(CpError error)
{
    return error == CP_ECONNREFUSED || error == CP_ECONNRESET
        || error == CP_ENETRESET || error == CP_EHOSTUNREACH
        || error == CP_ENETUNREACH;
}

/* A port that is unreachable resets on Windows. There is no connection, so it
 * is reported as a refusal. */

void
CpUdpLatch(CpUdp *udpPtr, CpError error)
{
    udpPtr->stats.errors++;
    CpMessageFree(udpPtr->message);
    udpPtr->message = NULL;
    udpPtr->error = error == CP_ECONNRESET ? CP_ECONNREFUSED : error;
}

CpError
CpUdpTakeError(CpUdp *udpPtr, char **messagePtr)
{
    CpError error = udpPtr->error;

    *messagePtr = udpPtr->message;
    udpPtr->message = NULL;
    udpPtr->error = CP_OK;
    return error;
}

/* ------------------------------------------------------------- others */

void
CpUdpGetLimits(const CpUdp *udpPtr, CpUdpLimits *limitsPtr)
{
    *limitsPtr = udpPtr->limits;
}

void
CpUdpSetLimits(CpUdp *udpPtr, const CpUdpLimits *limitsPtr)
{
    udpPtr->limits = *limitsPtr;
}

void
CpUdpGetStats(const CpUdp *udpPtr, CpUdpStats *statsPtr)
{
    unsigned i;

    *statsPtr = udpPtr->stats;
    for (i = 0; i < udpPtr->socketCount; i++) {
        statsPtr->recvPending += (unsigned) udpPtr->sockets[i].recvPending;
    }
}

/* --------------------------------------------------------------- close */

void
CpUdpClose(CpUdp *udpPtr, CpUdpProc *closedProc, void *clientData)
{
    assert(!udpPtr->closing);
    udpPtr->closing = 1;
    udpPtr->watched = 0;
    udpPtr->proc = closedProc;
    udpPtr->clientData = clientData;
    CpUdpStopReceives(udpPtr);
    CpUdpStopLookups(udpPtr);
    CpUdpFinish(udpPtr);
}

void
CpUdpFinish(CpUdp *udpPtr)
{
    CpUdpProc *closedProc = udpPtr->proc;
    void *clientData = udpPtr->clientData;
    CpDatagram *datagramPtr;
    unsigned i;

    assert(udpPtr->closing);
    for (i = 0; i < udpPtr->socketCount; i++) {
        if (udpPtr->sockets[i].recvPending) {
            return;
        }
    }
    if (!CpListIsEmpty(&udpPtr->sends) || !CpListIsEmpty(&udpPtr->lookups)) {
        return;
    }
    while ((datagramPtr = CpUdpTake(udpPtr)) != NULL) {
        CpUdpFree(datagramPtr);
    }
    CpUdpCloseSockets(udpPtr);
    CpMessageFree(udpPtr->message);
    CpFree(udpPtr, sizeof(CpUdp));
    CpStatAdd(CP_STAT_UDP, -1);
    closedProc(clientData);
}
