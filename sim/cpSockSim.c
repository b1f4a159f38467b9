/*
 * cpSockSim.c --
 *
 *      Sockets of the simulated network, the driver's and its peers', and how
 *      they connect.
 */

#include "cpSimInt.h"

#include <stdlib.h>
#include <string.h>

static const CpError deadErrors[] = {CP_ECONNRESET, CP_ECONNABORTED,
    CP_ENETRESET, CP_ENOTCONN, CP_ETIMEDOUT};
static const CpError connectErrors[] = {CP_ECONNREFUSED, CP_ETIMEDOUT,
    CP_EHOSTUNREACH};
static const CpError openErrors[] = {CP_EMFILE, CP_ENOBUFS};
static const CpError bindErrors[] = {CP_EADDRINUSE, CP_EACCES,
    CP_EADDRNOTAVAIL};
static const CpError shutdownErrors[] = {CP_ENOTCONN, CP_ECONNRESET};

CpList simHandles; /* Oldest first. */
unsigned simHandleCount;

static unsigned lastPort = 49151;

/* ------------------------------------------------------------ sockets */

static void
InitHandle(CpHandle *handlePtr, uint16_t family)
{
    handlePtr->family = family;
    CpListAppend(&simHandles, &handlePtr->node);
}

static CpHandle *
HandleOf(CpListNode *nodePtr)
{
    return CP_LIST_OWNER(nodePtr, CpHandle, node);
}

CpHandle *
SimNewestHandle(void)
{
    return HandleOf(CpListLast(&simHandles));
}

CpHandle *
SimOlderHandle(const CpHandle *handlePtr)
{
    return HandleOf(CpListPrev(&simHandles, &handlePtr->node));
}

CpHandle *
SimNewHandle(CpPort *portPtr, uint16_t family)
{
    CpHandle *handlePtr = SimAlloc(sizeof(CpHandle));

    handlePtr->ownerPtr = portPtr;
    InitHandle(handlePtr, family);
    simHandleCount++;
    CpStatAdd(CP_STAT_HANDLES, 1);
    return handlePtr;
}

void
SimCountHandle(CpHandle *handlePtr)
{
    handlePtr->counted = 1;
    CpStatAdd(CP_STAT_SOCKETS, 1);
}

CpError
CpHandleOpen(CpPort *portPtr, const CpAddr *addrPtr, CpHandle **handlePtrPtr)
{
    if (SimFault(CP_SIM_NO_HANDLE)) {
        return SimFaultError(CP_SIM_NO_HANDLE, openErrors, 2);
    }
    if (simHandleLimit != 0 && simHandleCount >= simHandleLimit) {
        return CP_EMFILE;
    }
    *handlePtrPtr = SimNewHandle(portPtr, SimFamily(addrPtr));
    SimCountHandle(*handlePtrPtr);
    return CP_OK;
}

CpError
CpHandleOpenResolver(CpPort *portPtr, CpHandle **handlePtrPtr)
{
    CpHandle *handlePtr;

    if (SimFault(CP_SIM_NO_HANDLE)) {
        return CP_ENOMEM;
    }
    handlePtr = SimAlloc(sizeof(CpHandle));
    handlePtr->ownerPtr = portPtr;
    handlePtr->isResolver = 1;
    InitHandle(handlePtr, 0);
    *handlePtrPtr = handlePtr;
    return CP_OK;
}

/* The client that has waited longest leaves the backlog. */

static SimEnd *
TakeClient(CpHandle *listenerPtr)
{
    CpListNode *nodePtr = CpListFirst(&listenerPtr->backlogLinks);

    if (nodePtr == NULL) {
        return NULL;
    }
    CpListRemove(nodePtr);
    listenerPtr->clients--;
    return &CP_OWNER_OF(nodePtr, SimLink, node)->ends[1];
}

void
SimForgetClients(CpHandle *handlePtr)
{
    SimEnd *endPtr;

    while ((endPtr = TakeClient(handlePtr)) != NULL) {
        SimCloseEnd(endPtr, 1);
    }
}

static void
FreeHandle(CpHandle *handlePtr, int reset)
{
    SimForgetClients(handlePtr);
    if (handlePtr->endPtr != NULL) {
        SimCloseEnd(handlePtr->endPtr, reset);
    }
    CpListRemove(&handlePtr->node);
    free(handlePtr);
}

void
CpHandleAbort(CpHandle *handlePtr)
{
    handlePtr->aborts = 1;
}

void
CpHandleClose(CpHandle *handlePtr)
{
    if (handlePtr->pending > 0) {
        CpSimFail("a handle is closed with %u operations outstanding",
            handlePtr->pending);
    }
    if (handlePtr->udpPtr != NULL) {
        CpSimFail("a datagram socket is closed like a connection");
    }
    if (!handlePtr->isResolver) {
        simHandleCount--;
        CpStatAdd(CP_STAT_HANDLES, -1);
    }
    if (handlePtr->counted) {
        CpStatAdd(CP_STAT_SOCKETS, -1);
    }
    FreeHandle(handlePtr, handlePtr->aborts);
}

static int
Overlap(const CpAddr *aPtr, const CpAddr *bPtr)
{
    return SimFamily(aPtr) == SimFamily(bPtr)
        && CpAddrPort(aPtr) == CpAddrPort(bPtr)
        && (SimHost(aPtr) == SimHost(bPtr) || SimHost(aPtr) == 0
            || SimHost(bPtr) == 0);
}

/* The socket that listens there, or is bound there, for datagrams or not. */

static CpHandle *
Find(const CpAddr *addrPtr, int listening, int isUdp)
{
    CpHandle *handlePtr;

    for (handlePtr = SimNewestHandle(); handlePtr != NULL;
         handlePtr = SimOlderHandle(handlePtr)) {
        if (handlePtr->local.lengthBytes > 0 && handlePtr->endPtr == NULL
            && (handlePtr->listening || !listening)
            && (handlePtr->udpPtr != NULL) == isUdp
            && Overlap(&handlePtr->local, addrPtr)) {
            return handlePtr;
        }
    }
    return NULL;
}

void
SimForgetPorts(void)
{
    lastPort = 49151;
}

static unsigned
NextPort(void)
{
    lastPort = lastPort == 65535 ? 49152 : lastPort + 1;
    return lastPort;
}

CpError
CpHandleBind(CpHandle *handlePtr, const CpAddr *addrPtr)
{
    int isUdp = handlePtr->udpPtr != NULL;
    CpAddr addr = *addrPtr;

    if (SimFault(CP_SIM_BIND_FAIL)) {
        return SimFaultError(CP_SIM_BIND_FAIL, bindErrors, 3);
    }
    if (handlePtr->local.lengthBytes > 0) {
        return CP_EINVAL;
    }
    if (SimFamily(addrPtr) != handlePtr->family) {
        return CP_EFAULT;
    }
    if (!SimIsLocal(addrPtr)) {
        return CP_EADDRNOTAVAIL;
    }
    if (CpAddrPort(addrPtr) != 0) {
        const CpHandle *otherPtr = Find(addrPtr, 0, isUdp);

        if (otherPtr != NULL
            && !(handlePtr->opts[CP_OPT_REUSEADDR]
                && !otherPtr->opts[CP_OPT_EXCLUSIVE])) {
            return CP_EADDRINUSE;
        }
    } else {
        do {
            CpAddrSetPort(&addr, NextPort());
        } while (Find(&addr, 0, isUdp) != NULL);
    }
    handlePtr->local = addr;
    return CP_OK;
}

/* Binds a socket that connects, if its user has not. */

CpError
SimNameSocket(CpHandle *handlePtr)
{
    CpAddr any = handlePtr->family == SIM_FAMILY_IP6 ? CpSimAddr6(0, 0)
                                                     : CpSimAddr4(0, 0);

    return handlePtr->local.lengthBytes > 0 ? CP_OK
                                            : CpHandleBind(handlePtr, &any);
}

CpError
CpHandleListen(CpHandle *handlePtr, int backlog)
{
    if (SimFault(CP_SIM_LISTEN_FAIL)) {
        return SimFaultError(CP_SIM_LISTEN_FAIL, bindErrors, 3);
    }
    if (handlePtr->local.lengthBytes == 0) {
        return CP_EINVAL;
    }
    handlePtr->listening = 1;
    handlePtr->backlog = backlog < 0 ? 200 : backlog;
    return CP_OK;
}

CpError
CpHandleShutdown(CpHandle *handlePtr, int directions)
{
    SimEnd *endPtr = handlePtr->endPtr;

    if (SimFault(CP_SIM_SHUTDOWN_FAIL)) {
        return SimFaultError(CP_SIM_SHUTDOWN_FAIL, shutdownErrors, 2);
    }
    if (endPtr == NULL) {
        return CP_ENOTCONN;
    }
    if (directions & CP_READ) {
        SimRefuseInput(endPtr);
    }
    if (directions & CP_WRITE) {
        if (handlePtr->queues[SIM_OP_SEND].count > 0) {
            CpSimFail("a shutdown may overtake a send that is outstanding");
        }
        SimSendFin(endPtr);
    }
    return CP_OK;
}

CpError
CpHandleSetOpt(CpHandle *handlePtr, CpSockOpt opt, int value)
{
    if (opt < CP_OPT_KEEPALIVE || opt >= CP_OPT_COUNT || value < 0) {
        return CP_EINVAL;
    }
    handlePtr->opts[opt] = value;
    return CP_OK;
}

CpError
CpHandleGetOpt(CpHandle *handlePtr, CpSockOpt opt, int *valuePtr)
{
    *valuePtr = handlePtr->opts[opt];
    return CP_OK;
}

CpError
CpHandleLocal(CpHandle *handlePtr, CpAddr *addrPtr)
{
    *addrPtr = handlePtr->endPtr != NULL ? handlePtr->endPtr->local
                                         : handlePtr->local;
    return addrPtr->lengthBytes > 0 ? CP_OK : CP_EINVAL;
}

CpError
CpHandlePeer(CpHandle *handlePtr, CpAddr *addrPtr)
{
    memset(addrPtr, 0, sizeof(CpAddr));
    if (handlePtr->endPtr == NULL) {
        return CP_ENOTCONN;
    }
    *addrPtr = handlePtr->endPtr->otherPtr->local;
    return CP_OK;
}

int
CpHandleHasData(CpHandle *handlePtr)
{
    return handlePtr->endPtr != NULL && SimArrived(handlePtr->endPtr) > 0;
}

uintptr_t
CpHandleNative(CpHandle *handlePtr)
{
    return (uintptr_t) handlePtr;
}

/* --------------------------------------------- connecting, accepting */

/* Connects to the socket that listens there, in its backlog; NULL: refused. */

static SimLink *
NewClientLink(const CpAddr *addrPtr, const CpAddr *fromPtr)
{
    CpHandle *listenerPtr = Find(addrPtr, 1, 0);
    SimLink *linkPtr;

    if (listenerPtr == NULL
        || (listenerPtr->clients >= (unsigned) listenerPtr->backlog
            && listenerPtr->queues[SIM_OP_ACCEPT].count == 0)) {
        return NULL;
    }
    linkPtr = SimNewLink(simWindow);
    linkPtr->ends[0].local = *fromPtr;
    linkPtr->ends[1].local = *addrPtr;
    CpListAppend(&listenerPtr->backlogLinks, &linkPtr->node);
    listenerPtr->clients++;
    return linkPtr;
}

void
SimAccept(CpHandle *listenerPtr)
{
    SimOp *simOpPtr;
    SimEnd *endPtr;

    while ((simOpPtr = SimFirst(&listenerPtr->queues[SIM_OP_ACCEPT])) != NULL
        && (endPtr = TakeClient(listenerPtr)) != NULL) {
        if (endPtr->isReset && SimFault(CP_SIM_ACCEPT_DEAD)) {
            SimCloseEnd(endPtr, 1);
            SimFinish(simOpPtr,
                SimFaultError(CP_SIM_ACCEPT_DEAD, deadErrors, 5), 0);
            continue;
        }
        endPtr->handlePtr = simOpPtr->newHandlePtr;
        endPtr->handlePtr->endPtr = endPtr;
        SimFinish(simOpPtr, CP_OK, 0);
    }
}

/* The SYN of a connect arrives, or the answer of a resolver. */

void
SimConnect(SimOp *simOpPtr)
{
    CpHandle *handlePtr = simOpPtr->handlePtr;
    CpAddr from = handlePtr->local;
    SimLink *linkPtr;
    CpHandle *listenerPtr;

    if (simOpPtr->kind == SIM_OP_RESOLVE) {
        SimFinish(simOpPtr, CP_OK, 0);
        return;
    }
    if (SimFault(CP_SIM_CONNECT_FAIL)) {
        SimFinish(simOpPtr,
            SimFaultError(CP_SIM_CONNECT_FAIL, connectErrors, 3), 0);
        return;
    }
    if (!SimIsLocal(&simOpPtr->addr)) {
        SimFinish(simOpPtr,
            SimHost(&simOpPtr->addr) >> 24 == CP_SIM_SILENT >> 24
                ? CP_ETIMEDOUT
                : CP_EHOSTUNREACH,
            0);
        return;
    }
    if (SimHost(&from) == 0) {
        unsigned port = CpAddrPort(&from);

        from = simOpPtr->addr;
        CpAddrSetPort(&from, port);
    }
    listenerPtr = Find(&simOpPtr->addr, 1, 0);
    linkPtr = NewClientLink(&simOpPtr->addr, &from);
    if (linkPtr == NULL) {
        SimRefuse(simOpPtr);
        return;
    }
    handlePtr->endPtr = &linkPtr->ends[0];
    handlePtr->endPtr->handlePtr = handlePtr;
    SimFinish(simOpPtr, CP_OK, 0);
    SimAccept(listenerPtr);
}

/* -------------------------------------------------------------- peers */

static CpSimPeer *
NewPeer(uint16_t family)
{
    CpSimPeer *peerPtr = SimAlloc(sizeof(CpSimPeer));

    InitHandle(&peerPtr->handle, family);
    peerPtr->handle.isPeer = 1;
    return peerPtr;
}

CpSimPeer *
CpSimPeerConnect(const CpAddr *addrPtr)
{
    CpAddr from = *addrPtr;
    CpHandle *listenerPtr = Find(addrPtr, 1, 0);
    CpSimPeer *peerPtr;
    SimLink *linkPtr;

    CpAddrSetPort(&from, NextPort());
    linkPtr = NewClientLink(addrPtr, &from);
    if (linkPtr == NULL) {
        return NULL;
    }
    peerPtr = NewPeer(SimFamily(addrPtr));
    peerPtr->handle.endPtr = &linkPtr->ends[0];
    linkPtr->ends[0].handlePtr = &peerPtr->handle;
    SimAccept(listenerPtr);
    return peerPtr;
}

CpSimPeer *
CpSimPeerListen(CpAddr *addrPtr, int backlog)
{
    CpSimPeer *peerPtr = NewPeer(SimFamily(addrPtr));

    if (CpAddrPort(addrPtr) == 0) {
        do {
            CpAddrSetPort(addrPtr, NextPort());
        } while (Find(addrPtr, 0, 0) != NULL);
    }
    peerPtr->handle.local = *addrPtr;
    peerPtr->handle.listening = 1;
    peerPtr->handle.backlog = backlog;
    return peerPtr;
}

CpSimPeer *
CpSimPeerAccept(CpSimPeer *listenerPtr)
{
    SimEnd *endPtr = TakeClient(&listenerPtr->handle);
    CpSimPeer *peerPtr;

    if (endPtr == NULL) {
        return NULL;
    }
    peerPtr = NewPeer(listenerPtr->handle.family);
    peerPtr->handle.endPtr = endPtr;
    endPtr->handlePtr = &peerPtr->handle;
    return peerPtr;
}

size_t
CpSimPeerSend(CpSimPeer *peerPtr, const void *srcPtr, size_t lengthBytes)
{
    SimEnd *endPtr = peerPtr->handle.endPtr;

    return endPtr->isReset || endPtr->finSent
        ? 0
        : SimGive(endPtr, srcPtr, lengthBytes);
}

size_t
CpSimPeerRecv(CpSimPeer *peerPtr, void *destPtr, size_t lengthBytes)
{
    SimEnd *endPtr = peerPtr->handle.endPtr;

    return endPtr->recvShut ? 0 : SimTake(endPtr, destPtr, lengthBytes);
}

int
CpSimPeerEof(const CpSimPeer *peerPtr)
{
    const SimEnd *endPtr = peerPtr->handle.endPtr;

    return !endPtr->recvShut && SimAtEof(endPtr);
}

int
CpSimPeerIsReset(const CpSimPeer *peerPtr)
{
    return peerPtr->handle.endPtr->isReset;
}

void
CpSimPeerNames(const CpSimPeer *peerPtr, CpAddr *localPtr, CpAddr *remotePtr)
{
    *localPtr = peerPtr->handle.endPtr->local;
    *remotePtr = peerPtr->handle.endPtr->otherPtr->local;
}

void
CpSimPeerUrgent(CpSimPeer *peerPtr)
{
    SimEnd *endPtr = peerPtr->handle.endPtr->otherPtr;

    endPtr->urgent = 1;
    SimPump(endPtr);
}

void
CpSimPeerShutdown(CpSimPeer *peerPtr)
{
    SimSendFin(peerPtr->handle.endPtr);
}

void
CpSimPeerRefuse(CpSimPeer *peerPtr)
{
    SimRefuseInput(peerPtr->handle.endPtr);
}

void
CpSimPeerClose(CpSimPeer *peerPtr)
{
    FreeHandle(&peerPtr->handle, 0);
}

void
CpSimPeerReset(CpSimPeer *peerPtr)
{
    FreeHandle(&peerPtr->handle, 1);
}

void
CpSimCut(void)
{
    CpHandle *handlePtr;

    for (handlePtr = SimNewestHandle(); handlePtr != NULL;
         handlePtr = SimOlderHandle(handlePtr)) {
        if (handlePtr->endPtr != NULL) {
            SimResetEnd(handlePtr->endPtr, CP_SIM_CAUSE_CUT);
        }
    }
}
