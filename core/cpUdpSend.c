/*
 * cpUdpSend.c --
 *
 *      Sending datagrams. If no send is outstanding, a datagram goes straight
 *      to the system. One that it does not take now is copied and submitted.
 *      Datagrams that wait for a name are in cpUdpLookup.c.
 */

#include "cpUdpInt.h"

#include "cpMem.h"

#include <assert.h>
#include <string.h>

static void
Count(CpUdp *udpPtr, size_t lengthBytes)
{
    udpPtr->stats.datagramsOut++;
    udpPtr->stats.bytesOut += lengthBytes;
    CpStatAdd(CP_STAT_DATAGRAMS_OUT, 1);
    CpStatAdd(CP_STAT_BYTES_OUT, (int64_t) lengthBytes);
}

CpUdpOut *
CpUdpNewOut(CpUdp *udpPtr, const void *bytes, size_t lengthBytes)
{
    CpUdpOut *outPtr = CpMalloc(sizeof(CpUdpOut) + lengthBytes);

    if (outPtr != NULL) {
        memset(outPtr, 0, sizeof(CpUdpOut));
        memcpy(outPtr + 1, bytes, lengthBytes);
        outPtr->udpPtr = udpPtr;
        outPtr->lengthBytes = lengthBytes;
        CpStatAdd(CP_STAT_BUFFER_BYTES, (int64_t) lengthBytes);
    }
    return outPtr;
}

void
CpUdpFreeOut(CpUdpOut *outPtr)
{
    CpStatAdd(CP_STAT_BUFFER_BYTES, -(int64_t) outPtr->lengthBytes);
    CpFree(outPtr, sizeof(CpUdpOut) + outPtr->lengthBytes);
}

static void
SendDone(CpOp *opPtr)
{
    CpUdpOut *outPtr = CP_OWNER_OF(opPtr, CpUdpOut, op);
    CpUdp *udpPtr = outPtr->udpPtr;

    CpListRemove(&outPtr->node);
    udpPtr->stats.sendPending--;
    udpPtr->sendBytes -= outPtr->lengthBytes;
    if (opPtr->error == CP_OK) {
        Count(udpPtr, outPtr->lengthBytes);
    } else {
        CpUdpLatch(udpPtr, opPtr->error);
    }
    CpUdpFreeOut(outPtr);
    if (udpPtr->closing) {
        CpUdpFinish(udpPtr);
    } else {
        CpUdpNotify(udpPtr);
    }
}

void
CpUdpSubmitOut(CpUdpOut *outPtr, CpHandle *handlePtr, const CpAddr *addrPtr)
{
    CpUdp *udpPtr = outPtr->udpPtr;

    outPtr->op.proc = SendDone;
    if (addrPtr != NULL) {
        outPtr->addr = *addrPtr;
    }
    CpListAppend(&udpPtr->sends, &outPtr->node);
    udpPtr->stats.sendPending++;
    udpPtr->sendBytes += outPtr->lengthBytes;
    CpSubmitSendTo(handlePtr, &outPtr->op, outPtr + 1, outPtr->lengthBytes,
        addrPtr != NULL ? &outPtr->addr : NULL);
}

int
CpUdpHasRoom(const CpUdp *udpPtr)
{
    return udpPtr->stats.sendPending < CP_UDP_SEND_COUNT_MAX
        && udpPtr->sendBytes < CP_UDP_SEND_BYTES_MAX;
}

/* Submits a copy of the datagram. */

static CpError
Submit(CpUdp *udpPtr, CpHandle *handlePtr, const void *bytes,
    size_t lengthBytes, const CpAddr *addrPtr)
{
    CpUdpOut *outPtr;

    if (!CpUdpHasRoom(udpPtr)) {
        return CP_EAGAIN;
    }
    outPtr = CpUdpNewOut(udpPtr, bytes, lengthBytes);
    if (outPtr == NULL) {
        return udpPtr->stats.sendPending > 0 ? CP_EAGAIN : CP_ENOMEM;
    }
    CpUdpSubmitOut(outPtr, handlePtr, addrPtr);
    return CP_OK;
}

/* Whether it can send to any address, which a connected one cannot. */

static CpError
CheckAnyAddr(const CpUdp *udpPtr)
{
    return udpPtr->failed ? CP_ENOTCONN : udpPtr->connects ? CP_EISCONN : CP_OK;
}

CpError
CpUdpSend(CpUdp *udpPtr, const void *bytes, size_t lengthBytes,
    const CpAddr *addrPtr)
{
    const CpUdpSocket *socketPtr = addrPtr != NULL
        ? CpUdpSocketFor(udpPtr, addrPtr)
        : &udpPtr->sockets[0];
    CpError error;

    error = addrPtr != NULL ? CheckAnyAddr(udpPtr)
        : udpPtr->connected ? CP_OK
                            : CP_ENOTCONN;
    if (error != CP_OK) {
        return error;
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

CpError
CpUdpSendPeer(CpUdp *udpPtr, const void *bytes, size_t lengthBytes)
{
    if (udpPtr->peerPtr != NULL) {
        return CpUdpAddOut(udpPtr, udpPtr->peerPtr, bytes, lengthBytes);
    }
    return CpUdpSend(udpPtr, bytes, lengthBytes,
        udpPtr->connected || udpPtr->remote.lengthBytes == 0 ? NULL
                                                             : &udpPtr->remote);
}

CpError
CpUdpSendName(CpUdp *udpPtr, const void *bytes, size_t lengthBytes,
    const CpTarget *targetPtr)
{
    CpUdpLookup *lookupPtr;
    CpError error = CheckAnyAddr(udpPtr);

    if (error != CP_OK) {
        return error;
    }
    error = CpUdpNewLookup(udpPtr, &lookupPtr);
    if (error != CP_OK) {
        return error;
    }
    error = CpUdpAddOut(udpPtr, lookupPtr, bytes, lengthBytes);
    if (error != CP_OK) {
        CpUdpFreeLookup(lookupPtr);
        return error;
    }
    CpUdpLookUp(lookupPtr, targetPtr);
    return CP_OK;
}
