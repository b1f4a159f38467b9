/*
 * cpUdpLookup.c --
 *
 *      Host names of a datagram endpoint: of its peer, of its remote address,
 *      or of one datagram. They are looked up without waiting, and datagrams
 *      wait with the look-up that they need.
 */

#include "cpUdpInt.h"

#include "cpMem.h"

#include <string.h>

struct CpUdpLookup {
    CpResolveOp resolve;
    CpUdp *udpPtr;
    CpHandle *handlePtr;
    int connects; /* It is the peer's; with this setting for the local port. */
    int reuse;
    CpList waiting; /* CpUdpOuts, oldest first. */
    unsigned waitingCount;
    size_t waitingBytes;
    CpListNode node; /* In the endpoint's look-ups. */
};

static CpUdpOut *
OutOf(CpListNode *nodePtr)
{
    return CP_LIST_OWNER(nodePtr, CpUdpOut, node);
}

static CpUdpLookup *
LookupOf(CpListNode *nodePtr)
{
    return CP_LIST_OWNER(nodePtr, CpUdpLookup, node);
}

/* --------------------------------------------------------- a look-up */

static void LookupDone(CpOp *opPtr);

CpError
CpUdpNewLookup(CpUdp *udpPtr, CpUdpLookup **lookupPtrPtr)
{
    CpUdpLookup *lookupPtr;

    if (udpPtr->stats.lookups >= CP_UDP_LOOKUPS_MAX) {
        return CP_EAGAIN;
    }
    lookupPtr = CpCalloc(sizeof(CpUdpLookup));
    if (lookupPtr == NULL) {
        return CP_ENOMEM;
    }
    if (CpHandleOpenResolver(udpPtr->portPtr, &lookupPtr->handlePtr) != CP_OK) {
        CpFree(lookupPtr, sizeof(CpUdpLookup));
        return CP_ENOMEM;
    }
    lookupPtr->resolve.op.proc = LookupDone;
    lookupPtr->udpPtr = udpPtr;
    *lookupPtrPtr = lookupPtr;
    return CP_OK;
}

void
CpUdpLookUp(CpUdpLookup *lookupPtr, const CpTarget *targetPtr)
{
    CpUdp *udpPtr = lookupPtr->udpPtr;

    CpListAppend(&udpPtr->lookups, &lookupPtr->node);
    udpPtr->stats.lookups++;
    CpSubmitResolve(lookupPtr->handlePtr, &lookupPtr->resolve, targetPtr);
}

CpError
CpUdpAddOut(CpUdp *udpPtr, CpUdpLookup *lookupPtr, const void *bytes,
    size_t lengthBytes)
{
    CpUdpOut *outPtr;

    if (lengthBytes >= CP_UDP_BYTES_MAX) {
        return CP_EMSGSIZE;
    }
    if (lookupPtr->waitingCount >= CP_UDP_SEND_COUNT_MAX
        || lookupPtr->waitingBytes >= CP_UDP_SEND_BYTES_MAX) {
        return CP_EAGAIN;
    }
    outPtr = CpUdpNewOut(udpPtr, bytes, lengthBytes);
    if (outPtr == NULL) {
        return CP_ENOMEM;
    }
    CpListAppend(&lookupPtr->waiting, &outPtr->node);
    lookupPtr->waitingCount++;
    lookupPtr->waitingBytes += lengthBytes;
    return CP_OK;
}

/* What still waits with it is dropped. */

void
CpUdpFreeLookup(CpUdpLookup *lookupPtr)
{
    CpUdpOut *outPtr;

    while ((outPtr = OutOf(CpListFirst(&lookupPtr->waiting))) != NULL) {
        CpListRemove(&outPtr->node);
        CpUdpFreeOut(outPtr);
    }
    CpHandleClose(lookupPtr->handlePtr);
    CpFree(lookupPtr, sizeof(CpUdpLookup));
}

/* --------------------------------------------------------- the answer */

/* Each datagram that is lost counts as an error. */

static void
Fail(CpUdpLookup *lookupPtr, CpError error, char **messagePtr)
{
    CpUdp *udpPtr = lookupPtr->udpPtr;

    CpUdpLatch(udpPtr, error);
    if (lookupPtr->waitingCount > 1) {
        udpPtr->stats.errors += lookupPtr->waitingCount - 1;
    }
    udpPtr->message = *messagePtr;
    *messagePtr = NULL;
    udpPtr->failed = lookupPtr->connects;
}

static CpError
Connect(CpUdpLookup *lookupPtr, const CpResolved *namesPtr)
{
    CpUdp *udpPtr = lookupPtr->udpPtr;
    CpError error = CP_OK;

    if (namesPtr->localCount > 0) {
        error = CpUdpBind(udpPtr, namesPtr->locals, namesPtr->localCount,
            lookupPtr->reuse);
    }
    if (error == CP_OK) {
        error = CpUdpConnectFirst(udpPtr, namesPtr->remotes,
            namesPtr->remoteCount);
    }
    if (error != CP_OK) {
        CpUdpCloseSockets(udpPtr);
    }
    return error;
}

/* The first address that the endpoint has a socket for. */

static const CpAddr *
Choose(CpUdp *udpPtr, const CpResolved *namesPtr)
{
    unsigned i;

    for (i = 0; i < namesPtr->remoteCount; i++) {
        if (CpUdpSocketFor(udpPtr, &namesPtr->remotes[i]) != NULL) {
            return &namesPtr->remotes[i];
        }
    }
    return NULL;
}

/* They are within the limits of what waits already. */

static void
SendWaiting(CpUdpLookup *lookupPtr, const CpAddr *addrPtr)
{
    CpUdp *udpPtr = lookupPtr->udpPtr;
    CpHandle *handlePtr = addrPtr != NULL ? CpUdpHandleFor(udpPtr, addrPtr)
                                          : CpUdpHandle(udpPtr, 0);
    CpUdpOut *outPtr;

    while ((outPtr = OutOf(CpListFirst(&lookupPtr->waiting))) != NULL) {
        CpListRemove(&outPtr->node);
        CpUdpSubmitOut(outPtr, handlePtr, addrPtr);
    }
}

static CpError
UseAnswer(CpUdpLookup *lookupPtr, const CpResolved *namesPtr, int isPeers)
{
    CpUdp *udpPtr = lookupPtr->udpPtr;
    const CpAddr *addrPtr = NULL;
    CpError error = CP_OK;

    if (lookupPtr->connects) {
        error = Connect(lookupPtr, namesPtr);
    } else {
        addrPtr = Choose(udpPtr, namesPtr);
        error = addrPtr != NULL ? CP_OK : CP_EAFNOSUPPORT;
    }
    if (error == CP_OK) {
        if (isPeers && addrPtr != NULL) {
            udpPtr->remote = *addrPtr;
        }
        SendWaiting(lookupPtr, addrPtr);
    }
    return error;
}

static void
LookupDone(CpOp *opPtr)
{
    CpUdpLookup *lookupPtr = CP_OWNER_OF(opPtr, CpUdpLookup, resolve.op);
    CpUdp *udpPtr = lookupPtr->udpPtr;
    CpResolved names = lookupPtr->resolve.resolved;
    char *message = lookupPtr->resolve.message;
    int isPeers = udpPtr->peerPtr == lookupPtr;
    CpError error = opPtr->error;

    CpListRemove(&lookupPtr->node);
    udpPtr->stats.lookups--;
    if (isPeers) {
        udpPtr->peerPtr = NULL;
    }
    if (!udpPtr->closing) {
        if (error == CP_OK) {
            error = names.remotes != NULL
                ? UseAnswer(lookupPtr, &names, isPeers)
                : CP_EHOSTUNREACH;
        }
        /* If there is another remote address by now, and nothing has waited for
         * this one, nobody misses it. */
        if (error != CP_OK && (isPeers || lookupPtr->waitingCount > 0)) {
            Fail(lookupPtr, error, &message);
        }
    }
    CpMessageFree(message);
    CpResolvedFree(&names);
    CpUdpFreeLookup(lookupPtr);
    if (udpPtr->closing) {
        CpUdpFinish(udpPtr);
    } else {
        CpUdpRearm(udpPtr);
        CpUdpNotify(udpPtr);
    }
}

/* ------------------------------------------- the peer and the remote */

CpError
CpUdpConnectName(CpUdp *udpPtr, const CpTarget *targetPtr, int reuse)
{
    CpError error = CpUdpNewLookup(udpPtr, &udpPtr->peerPtr);

    if (error == CP_OK) {
        udpPtr->peerPtr->connects = 1;
        udpPtr->peerPtr->reuse = reuse;
        udpPtr->connects = 1;
        CpUdpLookUp(udpPtr->peerPtr, targetPtr);
    }
    return error;
}

CpError
CpUdpSetRemote(CpUdp *udpPtr, const CpAddr *addrPtr)
{
    if (udpPtr->connects) {
        return CP_EISCONN;
    }
    memset(&udpPtr->remote, 0, sizeof(CpAddr));
    if (addrPtr != NULL) {
        udpPtr->remote = *addrPtr;
    }
    udpPtr->peerPtr = NULL;
    return CP_OK;
}

CpError
CpUdpSetRemoteName(CpUdp *udpPtr, const CpTarget *targetPtr)
{
    CpUdpLookup *lookupPtr = NULL;
    CpError error = udpPtr->connects ? CP_EISCONN
                                     : CpUdpNewLookup(udpPtr, &lookupPtr);

    if (error == CP_OK) {
        (void) CpUdpSetRemote(udpPtr, NULL);
        udpPtr->peerPtr = lookupPtr;
        CpUdpLookUp(lookupPtr, targetPtr);
    }
    return error;
}

const CpAddr *
CpUdpRemote(const CpUdp *udpPtr)
{
    return &udpPtr->remote;
}

int
CpUdpIsLookingUp(const CpUdp *udpPtr)
{
    return udpPtr->peerPtr != NULL;
}

int
CpUdpHasPeer(const CpUdp *udpPtr)
{
    return udpPtr->connects;
}

int
CpUdpHasFailed(const CpUdp *udpPtr)
{
    return udpPtr->failed;
}

/* --------------------------------------------------- all look-ups */

void
CpUdpStopLookups(CpUdp *udpPtr)
{
    CpUdpLookup *lookupPtr = LookupOf(CpListFirst(&udpPtr->lookups));

    for (; lookupPtr != NULL;
         lookupPtr = LookupOf(CpListNext(&udpPtr->lookups, &lookupPtr->node))) {
        CpCancel(lookupPtr->handlePtr, &lookupPtr->resolve.op);
    }
}

void
CpUdpMoveLookups(CpUdp *udpPtr, CpPort *portPtr)
{
    CpUdpLookup *lookupPtr = LookupOf(CpListFirst(&udpPtr->lookups));

    for (; lookupPtr != NULL;
         lookupPtr = LookupOf(CpListNext(&udpPtr->lookups, &lookupPtr->node))) {
        CpHandleMove(lookupPtr->handlePtr, portPtr);
    }
}
