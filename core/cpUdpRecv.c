/*
 * cpUdpRecv.c --
 *
 *      Receiving datagrams. Each socket that is watched has one receive
 *      outstanding, into a buffer with room for any datagram. The bytes are
 *      then copied into the queue, and the buffer serves the next receive.
 *
 *      If a receive found its datagram waiting, there are probably more. These
 *      are taken by calls that do not wait, which cost less, before the next
 *      receive is submitted. When the queue is full, a few of them are dropped
 *      and counted. The system keeps the others, as far as it can: to take them
 *      all would cost a flooded process the time to serve any.
 */

#include "cpUdpInt.h"

#include "cpMem.h"

#include <assert.h>
#include <string.h>

/* So many datagrams are taken, and so many of these are dropped, before those
 * that wait are served. */
#define TAKE_MAX 32
#define DROP_MAX 2

/* ICMP errors that may come one after the other. */
#define FAILURES_MAX 16

static void RecvDone(CpOp *opPtr);
static void RearmSocket(CpUdpSocket *socketPtr);

/* -------------------------------------------------------------- queue */

static size_t
SizeOf(uint32_t lengthBytes)
{
    return sizeof(CpDatagram) + lengthBytes;
}

static void
Drop(CpUdp *udpPtr)
{
    udpPtr->stats.dropped++;
    CpStatAdd(CP_STAT_DATAGRAMS_DROPPED, 1);
}

/* An empty queue takes any datagram. */

static int
IsFull(const CpUdp *udpPtr, uint32_t lengthBytes)
{
    return udpPtr->stats.queued > 0
        && (udpPtr->stats.queued >= udpPtr->limits.queueCount
            || udpPtr->stats.queuedBytes + lengthBytes
                > udpPtr->limits.queueBytes);
}

/* One more that waits, or with -1 one less. */

static void
CountQueued(CpUdp *udpPtr, const CpDatagram *datagramPtr, int change)
{
    int64_t bytes = change * (int64_t) datagramPtr->lengthBytes;

    udpPtr->stats.queued += (unsigned) change;
    udpPtr->stats.queuedBytes += (uint64_t) bytes;
    CpStatAdd(CP_STAT_BUFFER_BYTES, bytes);
}

static void
Queue(CpUdp *udpPtr, const void *bytes, size_t count, const CpUdpInfo *infoPtr)
{
    uint32_t lengthBytes = (uint32_t) count;
    int truncated = infoPtr->truncated;
    CpDatagram *datagramPtr;

    if (lengthBytes > udpPtr->limits.datagramBytes) {
        lengthBytes = udpPtr->limits.datagramBytes;
        truncated = 1;
    }
    udpPtr->stats.datagramsIn++;
    udpPtr->stats.bytesIn += count;
    udpPtr->stats.truncated += truncated ? 1 : 0;
    CpStatAdd(CP_STAT_DATAGRAMS_IN, 1);
    CpStatAdd(CP_STAT_BYTES_IN, (int64_t) count);
    datagramPtr = IsFull(udpPtr, lengthBytes) ? NULL
                                              : CpMalloc(SizeOf(lengthBytes));
    if (datagramPtr == NULL) {
        Drop(udpPtr);
        return;
    }
    memset(datagramPtr, 0, sizeof(CpDatagram));
    memcpy(datagramPtr + 1, bytes, lengthBytes);
    datagramPtr->bytes = (const unsigned char *) (datagramPtr + 1);
    datagramPtr->lengthBytes = lengthBytes;
    datagramPtr->info = *infoPtr;
    datagramPtr->info.truncated = truncated;
    CpListAppend(&udpPtr->queue, &datagramPtr->node);
    CountQueued(udpPtr, datagramPtr, 1);
}

CpDatagram *
CpUdpTake(CpUdp *udpPtr)
{
    CpDatagram *datagramPtr = CP_LIST_OWNER(CpListFirst(&udpPtr->queue),
        CpDatagram, node);

    if (datagramPtr != NULL) {
        CpListRemove(&datagramPtr->node);
        CountQueued(udpPtr, datagramPtr, -1);
    }
    return datagramPtr;
}

void
CpUdpFree(CpDatagram *datagramPtr)
{
    const unsigned char *endPtr = datagramPtr->bytes + datagramPtr->lengthBytes;

    CpFree(datagramPtr, (size_t) (endPtr - (unsigned char *) datagramPtr));
}

void
CpUdpFreeBegin(CpUdp *udpPtr, CpDatagram *datagramPtr, uint32_t lengthBytes)
{
    CpListNode *firstPtr = CpListFirst(&udpPtr->queue);

    if (lengthBytes == datagramPtr->lengthBytes) {
        CpUdpFree(datagramPtr);
        return;
    }
    datagramPtr->bytes += lengthBytes;
    datagramPtr->lengthBytes -= lengthBytes;
    if (firstPtr != NULL) {
        CpListInsertBefore(firstPtr, &datagramPtr->node);
    } else {
        CpListAppend(&udpPtr->queue, &datagramPtr->node);
    }
    CountQueued(udpPtr, datagramPtr, 1);
}

/* ------------------------------------------------------------- buffers */

static int
NeedBuffer(CpUdpSocket *socketPtr)
{
    if (socketPtr->buf == NULL) {
        socketPtr->buf = CpMalloc(CP_UDP_BYTES_MAX);
        if (socketPtr->buf == NULL) {
            return 0;
        }
        CpStatAdd(CP_STAT_BUFFER_BYTES, CP_UDP_BYTES_MAX);
    }
    return 1;
}

void
CpUdpFreeBuffer(CpUdpSocket *socketPtr)
{
    if (socketPtr->buf != NULL) {
        CpStatAdd(CP_STAT_BUFFER_BYTES, -CP_UDP_BYTES_MAX);
        CpFree(socketPtr->buf, CP_UDP_BYTES_MAX);
        socketPtr->buf = NULL;
    }
}

/* ------------------------------------------------------------- errors */

/*
 * An ICMP error only answers an earlier datagram, so the next receive can
 * follow at once. Any other failure would probably repeat: it has to wait.
 */

static void
Failed(CpUdpSocket *socketPtr, CpError error)
{
    CpUdp *udpPtr = socketPtr->udpPtr;

    if (error == CP_ECANCELED) {
        return;
    }
    socketPtr->failures++;
    if (!CpUdpIsIcmp(error) || udpPtr->connected) {
        CpUdpLatch(udpPtr, error);
    }
    if (!CpUdpIsIcmp(error) || socketPtr->failures > FAILURES_MAX) {
        udpPtr->needsRetry = 1;
    }
}

int
CpUdpNeedsRetry(const CpUdp *udpPtr)
{
    return udpPtr->needsRetry;
}

void
CpUdpRetry(CpUdp *udpPtr)
{
    udpPtr->needsRetry = 0;
    CpUdpRearm(udpPtr);
}

/* ----------------------------------------------------------- receives */

/* Takes in what is there. No receive may be outstanding. */

static void
TakeIn(CpUdpSocket *socketPtr)
{
    CpUdp *udpPtr = socketPtr->udpPtr;
    uint64_t droppedBefore = udpPtr->stats.dropped;
    unsigned taken;

    for (taken = 0;
         taken < TAKE_MAX && udpPtr->stats.dropped - droppedBefore < DROP_MAX;
         taken++) {
        CpUdpInfo info;
        size_t bytes;
        CpError error = CpTryRecvFrom(socketPtr->handlePtr, socketPtr->buf,
            CP_UDP_BYTES_MAX, &bytes, &info);

        if (error == CP_EAGAIN) {
            socketPtr->dataLikely = 0;
            return;
        }
        if (error == CP_OK) {
            socketPtr->failures = 0;
            Queue(udpPtr, socketPtr->buf, bytes, &info);
            continue;
        }
        Failed(socketPtr, error);
        if (udpPtr->needsRetry) {
            return;
        }
    }

    /* With nothing to read, nobody would come back to take more. */
    if (udpPtr->stats.queued == 0) {
        socketPtr->dataLikely = 0;
    }
}

static void
RearmSocket(CpUdpSocket *socketPtr)
{
    CpUdp *udpPtr = socketPtr->udpPtr;

    if (!udpPtr->watched || socketPtr->recvPending || udpPtr->needsRetry) {
        return;
    }
    if (!NeedBuffer(socketPtr)) {
        udpPtr->needsRetry = 1;
        return;
    }
    if (socketPtr->dataLikely) {
        TakeIn(socketPtr);
    }
    if (!socketPtr->dataLikely && !udpPtr->needsRetry) {
        socketPtr->recvOp.proc = RecvDone;
        socketPtr->recvPending = 1;
        CpSubmitRecvFrom(socketPtr->handlePtr, &socketPtr->recvOp,
            socketPtr->buf);
    }
}

static void
RecvDone(CpOp *opPtr)
{
    CpUdpSocket *socketPtr = CP_OWNER_OF(opPtr, CpUdpSocket, recvOp);
    CpUdp *udpPtr = socketPtr->udpPtr;
    CpUdpInfo info;

    socketPtr->recvPending = 0;
    if (udpPtr->closing) {
        CpUdpFinish(udpPtr);
        return;
    }
    if (opPtr->error == CP_OK) {
        CpRecvFromInfo(socketPtr->handlePtr, &info);
        socketPtr->failures = 0;
        socketPtr->dataLikely = opPtr->atOnce;
        Queue(udpPtr, socketPtr->buf, opPtr->bytes, &info);
    } else {
        Failed(socketPtr, opPtr->error);
    }

    /* With nothing to read, the reader would not come and do it. */
    if (udpPtr->stats.queued == 0) {
        RearmSocket(socketPtr);
    }
    if (!udpPtr->watched && !socketPtr->recvPending) {
        CpUdpFreeBuffer(socketPtr);
    }
    CpUdpNotify(udpPtr);
}

/* Its caller may not be the event source, which looks at the queue itself. */

void
CpUdpRearm(CpUdp *udpPtr)
{
    unsigned before = udpPtr->stats.queued;
    unsigned i;

    for (i = 0; i < udpPtr->socketCount; i++) {
        RearmSocket(&udpPtr->sockets[i]);
    }
    if (udpPtr->needsRetry || udpPtr->stats.queued > before) {
        CpUdpNotify(udpPtr);
    }
}

void
CpUdpWatch(CpUdp *udpPtr, int on)
{
    unsigned i;

    udpPtr->watched = on;
    for (i = 0; !on && i < udpPtr->socketCount; i++) {
        if (!udpPtr->sockets[i].recvPending) {
            CpUdpFreeBuffer(&udpPtr->sockets[i]);
        }
    }
}

void
CpUdpFill(CpUdp *udpPtr)
{
    unsigned i;

    for (i = 0; i < udpPtr->socketCount; i++) {
        CpUdpSocket *socketPtr = &udpPtr->sockets[i];

        /* A receive may have completed without having been reaped. */
        if (socketPtr->recvPending) {
            (void) CpPortReap(udpPtr->portPtr, 0);
        }
        if (socketPtr->recvPending || udpPtr->needsRetry
            || !NeedBuffer(socketPtr)) {
            continue;
        }
        TakeIn(socketPtr);
        if (!udpPtr->watched) {
            CpUdpFreeBuffer(socketPtr);
        }
    }
    CpUdpRearm(udpPtr);
    if (udpPtr->stats.queued > 0) {
        CpUdpNotify(udpPtr);
    }
}

void
CpUdpStopReceives(CpUdp *udpPtr)
{
    unsigned i;

    for (i = 0; i < udpPtr->socketCount; i++) {
        if (udpPtr->sockets[i].recvPending) {
            CpCancel(udpPtr->sockets[i].handlePtr, &udpPtr->sockets[i].recvOp);
        }
    }
}

int
CpUdpReady(const CpUdp *udpPtr)
{
    if (udpPtr->failed) {
        return CP_READ | CP_WRITE;
    }
    return (udpPtr->stats.queued > 0 ? CP_READ : 0)
        | (udpPtr->peerPtr == NULL && CpUdpHasRoom(udpPtr) ? CP_WRITE : 0);
}
