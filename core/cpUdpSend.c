/*
 * cpUdpSend.c --
 *
 *      Sending datagrams. If no send is outstanding, a datagram goes straight
 *      to the system. One that it does not take now is copied and submitted. A
 *      datagram to a host name is copied, and sent when the name has been
 *      looked up.
 */

#include "cpUdpInt.h"

#include "cpMem.h"

#include <assert.h>
#include <string.h>

/* A send that is outstanding, with its bytes behind it. */

typedef struct Send {
    CpOp op;
    CpUdp *udpPtr;
    CpAddr addr; /* lengthBytes is 0: to the peer. */
    size_t lengthBytes;
    CpListNode node;
} Send;

/* A datagram whose name is looked up, with its bytes behind it. */

typedef struct Lookup {
    CpResolveOp resolve;
    CpUdp *udpPtr;
    CpHandle *handlePtr;
    size_t lengthBytes;
    CpListNode node;
} Lookup;

static void
Count(CpUdp *udpPtr, size_t lengthBytes)
{
    udpPtr->stats.datagramsOut++;
    udpPtr->stats.bytesOut += lengthBytes;
    CpStatAdd(CP_STAT_DATAGRAMS_OUT, 1);
    CpStatAdd(CP_STAT_BYTES_OUT, (int64_t) lengthBytes);
}

static void
FreeSend(Send *sendPtr)
{
    CpStatAdd(CP_STAT_BUFFER_BYTES, -(int64_t) sendPtr->lengthBytes);
    CpFree(sendPtr, sizeof(Send) + sendPtr->lengthBytes);
}

static void
SendDone(CpOp *opPtr)
{
    Send *sendPtr = CP_OWNER_OF(opPtr, Send, op);
    CpUdp *udpPtr = sendPtr->udpPtr;

    CpListRemove(&sendPtr->node);
    udpPtr->stats.sendPending--;
    udpPtr->sendBytes -= sendPtr->lengthBytes;
    if (opPtr->error == CP_OK) {
        Count(udpPtr, sendPtr->lengthBytes);
    } else {
        CpUdpLatch(udpPtr, opPtr->error);
    }
    FreeSend(sendPtr);
    if (udpPtr->closing) {
        CpUdpFinish(udpPtr);
    } else {
        CpUdpNotify(udpPtr);
    }
}

/* Submits a copy of the datagram. */

static CpError
Submit(CpUdp *udpPtr, CpHandle *handlePtr, const void *bytes,
    size_t lengthBytes, const CpAddr *addrPtr)
{
    Send *sendPtr;

    if (!(CpUdpReady(udpPtr) & CP_WRITE)) {
        return CP_EAGAIN;
    }
    sendPtr = CpMalloc(sizeof(Send) + lengthBytes);
    if (sendPtr == NULL) {
        return udpPtr->stats.sendPending > 0 ? CP_EAGAIN : CP_ENOMEM;
    }
    memset(sendPtr, 0, sizeof(Send));
    memcpy(sendPtr + 1, bytes, lengthBytes);
    sendPtr->op.proc = SendDone;
    sendPtr->udpPtr = udpPtr;
    sendPtr->lengthBytes = lengthBytes;
    if (addrPtr != NULL) {
        sendPtr->addr = *addrPtr;
    }
    CpListAppend(&udpPtr->sends, &sendPtr->node);
    udpPtr->stats.sendPending++;
    udpPtr->sendBytes += lengthBytes;
    CpStatAdd(CP_STAT_BUFFER_BYTES, (int64_t) lengthBytes);
    CpSubmitSendTo(handlePtr, &sendPtr->op, sendPtr + 1, lengthBytes,
        addrPtr != NULL ? &sendPtr->addr : NULL);
    return CP_OK;
}

CpError
CpUdpSend(CpUdp *udpPtr, const void *bytes, size_t lengthBytes,
    const CpAddr *addrPtr)
{
    const CpUdpSocket *socketPtr = addrPtr != NULL
        ? CpUdpSocketFor(udpPtr, addrPtr)
        : &udpPtr->sockets[0];
    CpError error;

    if (udpPtr->connected != (addrPtr == NULL)) {
        return addrPtr != NULL ? CP_EISCONN : CP_ENOTCONN;
    }
    if (socketPtr == NULL) {
        return CP_EAFNOSUPPORT;
    }
    if (lengthBytes >= CP_UDP_BYTES_MAX) {
        return CP_EMSGSIZE;
    }
    if (udpPtr->stats.sendPending == 0) {
        error = CpTrySendTo(socketPtr->handlePtr, bytes, lengthBytes, addrPtr);
        if (udpPtr->connected && CpUdpIsIcmp(error)) {
            /* It answers an earlier datagram. This one was not sent. */
            CpUdpLatch(udpPtr, error);
            error = CpTrySendTo(socketPtr->handlePtr, bytes, lengthBytes, NULL);
        }
        if (error == CP_OK) {
            Count(udpPtr, lengthBytes);
        }
        if (error != CP_EAGAIN) {
            return error;
        }
    }
    return Submit(udpPtr, socketPtr->handlePtr, bytes, lengthBytes, addrPtr);
}

/* ------------------------------------------------------------ look-ups */

static void
FreeLookup(Lookup *lookupPtr)
{
    CpStatAdd(CP_STAT_BUFFER_BYTES, -(int64_t) lookupPtr->lengthBytes);
    CpFree(lookupPtr, sizeof(Lookup) + lookupPtr->lengthBytes);
}

/* Sends to the first address that the endpoint has a socket for. */

static void
SendToFirst(CpUdp *udpPtr, const Lookup *lookupPtr, const CpResolved *namesPtr)
{
    CpError error = CP_EAFNOSUPPORT;
    unsigned i;

    for (i = 0; i < namesPtr->remoteCount; i++) {
        if (CpUdpSocketFor(udpPtr, &namesPtr->remotes[i]) != NULL) {
            error = CpUdpSend(udpPtr, lookupPtr + 1, lookupPtr->lengthBytes,
                &namesPtr->remotes[i]);
            break;
        }
    }
    if (error != CP_OK) {
        CpUdpLatch(udpPtr, error);
    }
}

static void
LookupDone(CpOp *opPtr)
{
    Lookup *lookupPtr = CP_OWNER_OF(opPtr, Lookup, resolve.op);
    CpUdp *udpPtr = lookupPtr->udpPtr;
    CpResolved names = lookupPtr->resolve.resolved;
    char *message = lookupPtr->resolve.message;

    CpListRemove(&lookupPtr->node);
    udpPtr->stats.lookups--;
    CpHandleClose(lookupPtr->handlePtr);
    if (udpPtr->closing) {
        udpPtr->stats.errors++;
    } else if (opPtr->error != CP_OK) {
        CpUdpLatch(udpPtr, opPtr->error);
    } else if (names.remotes != NULL) {
        SendToFirst(udpPtr, lookupPtr, &names);
    } else {
        CpUdpLatch(udpPtr, CP_EHOSTUNREACH);
        udpPtr->message = message;
        message = NULL;
    }
    CpMessageFree(message);
    CpResolvedFree(&names);
    FreeLookup(lookupPtr);
    if (udpPtr->closing) {
        CpUdpFinish(udpPtr);
    } else {
        CpUdpNotify(udpPtr);
    }
}

CpError
CpUdpSendName(CpUdp *udpPtr, const void *bytes, size_t lengthBytes,
    const CpTarget *targetPtr)
{
    Lookup *lookupPtr;

    if (udpPtr->connected) {
        return CP_EISCONN;
    }
    if (lengthBytes >= CP_UDP_BYTES_MAX) {
        return CP_EMSGSIZE;
    }
    if (udpPtr->stats.lookups >= CP_UDP_LOOKUPS_MAX) {
        return CP_EAGAIN;
    }
    lookupPtr = CpMalloc(sizeof(Lookup) + lengthBytes);
    if (lookupPtr == NULL) {
        return CP_ENOMEM;
    }
    memset(lookupPtr, 0, sizeof(Lookup));
    if (CpHandleOpenResolver(udpPtr->portPtr, &lookupPtr->handlePtr) != CP_OK) {
        CpFree(lookupPtr, sizeof(Lookup) + lengthBytes);
        return CP_ENOMEM;
    }
    memcpy(lookupPtr + 1, bytes, lengthBytes);
    lookupPtr->resolve.op.proc = LookupDone;
    lookupPtr->udpPtr = udpPtr;
    lookupPtr->lengthBytes = lengthBytes;
    CpStatAdd(CP_STAT_BUFFER_BYTES, (int64_t) lengthBytes);
    CpListAppend(&udpPtr->lookups, &lookupPtr->node);
    udpPtr->stats.lookups++;
    CpSubmitResolve(lookupPtr->handlePtr, &lookupPtr->resolve, targetPtr);
    return CP_OK;
}

static Lookup *
LookupOf(CpListNode *nodePtr)
{
    return CP_LIST_OWNER(nodePtr, Lookup, node);
}

void
CpUdpStopLookups(CpUdp *udpPtr)
{
    Lookup *lookupPtr = LookupOf(CpListFirst(&udpPtr->lookups));

    for (; lookupPtr != NULL;
         lookupPtr = LookupOf(CpListNext(&udpPtr->lookups, &lookupPtr->node))) {
        CpCancel(lookupPtr->handlePtr, &lookupPtr->resolve.op);
    }
}

void
CpUdpMoveLookups(CpUdp *udpPtr, CpPort *portPtr)
{
    Lookup *lookupPtr = LookupOf(CpListFirst(&udpPtr->lookups));

    for (; lookupPtr != NULL;
         lookupPtr = LookupOf(CpListNext(&udpPtr->lookups, &lookupPtr->node))) {
        CpHandleMove(lookupPtr->handlePtr, portPtr);
    }
}
