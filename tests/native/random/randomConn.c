/*
 * randomConn.c --
 *
 *      The application's connections: dials, reads, writes, moves and closes.
 */

#include "randomInt.h"
#include "cpClose.h"
#include "cpMem.h"

#include <stdlib.h>

#define CONNS 12

int randomReadShut;
int randomLimits;

static RandomConn conns[CONNS];
static CpCloseList closeLists[RANDOM_PORTS];

void
RandomNotify(void *clientData)
{
    RandomConn *slotPtr = clientData;

    CHECK(!slotPtr->closing && !slotPtr->parked);
    if (!CpConnSending(slotPtr->connPtr)) {
        slotPtr->cap = CpConnSendCap(slotPtr->connPtr);
    }
}

static void
ConnClosed(void *clientData)
{
    memset(clientData, 0, sizeof(RandomConn));
}

RandomConn *
RandomFreeConn(void)
{
    unsigned i;

    for (i = 0; i < CONNS; i++) {
        if (conns[i].connPtr == NULL) {
            return &conns[i];
        }
    }
    return NULL;
}

void
RandomDial(void)
{
    RandomConn *slotPtr = RandomFreeConn();
    RandomServer *serverPtr = &randomServers[CpSimRandom(RANDOM_SERVERS)];
    CpAddr addr = randomPeerAddr;
    CpTarget target = {"localhost", 0, NULL, 0, CP_FAMILY_ANY};
    CpResolved resolved;
    unsigned i;

    if (slotPtr == NULL) {
        return;
    }
    if (serverPtr->listenerPtr != NULL && CpSimRandom(3)) {
        addr = serverPtr->addr;
    }
    slotPtr->owner = CpSimRandom(RANDOM_PORTS);
    if (CpSimRandom(4) == 0) {
        target.port = CpAddrPort(&addr);
        target.host = CpSimRandom(6) ? target.host : "unheard-of";
        slotPtr->connPtr = CpConnDialName(randomPorts[slotPtr->owner], &target,
            RandomNotify, slotPtr);
        return;
    }
    memset(&resolved, 0, sizeof(resolved));
    resolved.remoteCount = 1 + CpSimRandom(3);
    resolved.remotes = CpMalloc(resolved.remoteCount * sizeof(CpAddr));
    if (resolved.remotes == NULL) {
        return;
    }
    for (i = 0; i < resolved.remoteCount; i++) {
        resolved.remotes[i] = CpSimRandom(4) ? addr
            : CpSimRandom(2)                 ? CpSimAddr6(1, 9)
                             : CpSimAddr4(CP_SIM_UNREACHABLE, 9);
    }
    slotPtr->connPtr = CpConnDial(randomPorts[slotPtr->owner], &resolved,
        CpSimRandom(4) == 0, RandomNotify, slotPtr);
}

/* A connection whose dialling has ended well has its stream. */

static int
IsOpen(RandomConn *slotPtr)
{
    CpAddr addr;

    if (slotPtr->connPtr == NULL || slotPtr->parked || slotPtr->closing
        || CpConnGetState(slotPtr->connPtr) != CP_CONN_OPEN) {
        return 0;
    }
    if (!slotPtr->open) {
        CHECK_ERROR(CpHandleLocal(CpConnHandle(slotPtr->connPtr), &addr),
            CP_OK);
        slotPtr->port = CpAddrPort(&addr);
        slotPtr->out = 0;
        slotPtr->open = 1;
    }
    return 1;
}

/* The connection was reset, which is told as CP_ECONNABORTED. */

static int
IsAborted(const RandomConn *slotPtr)
{
    return CpSimIsAborted(CpConnHandle(slotPtr->connPtr));
}

static void
Read(RandomConn *slotPtr)
{
    size_t length = RandomLength(), bytes = 0;
    int ready = CpConnReady(slotPtr->connPtr) & CP_READ;
    uint64_t faults = CpSimTaken(CP_SIM_TRY_RECV_AGAIN);
    CpError untold = CpConnUnreportedError(slotPtr->connPtr);
    CpError error = CpConnRead(slotPtr->connPtr, randomBuf, length, &bytes);

    CHECK(bytes <= length && (error == CP_OK || bytes == 0));
    if (error == CP_EAGAIN && ready) {
        /* Or a file that was waiting has told of the failed send meanwhile. */
        CHECK(faults != CpSimTaken(CP_SIM_TRY_RECV_AGAIN)
            || untold != CpConnUnreportedError(slotPtr->connPtr));
    }
    CHECK(error == CP_OK || error == CP_EAGAIN || randomHarsh
        || (error == CP_ECONNABORTED && IsAborted(slotPtr)));
    RandomCheckBuf(slotPtr->port, 1 - slotPtr->out, bytes);
    if (error == CP_OK && bytes == 0) {
        const CpHandle *handlePtr = CpConnHandle(slotPtr->connPtr);

        slotPtr->eof = 1;

        /* A reset reads as end of file. Bytes in front of it that the driver
         * has received are not lost. */
        if (!slotPtr->shut) {
            CHECK(RandomStreamOf(slotPtr->port, 1 - slotPtr->out)->received
                == CpSimReceived(handlePtr));
        }
        if (!slotPtr->shut && !CpSimReportedReset(handlePtr)) {
            RandomCheckEnd(slotPtr->port, 1 - slotPtr->out);
        }
    } else if (error != CP_OK && error != CP_EAGAIN) {
        slotPtr->failed = 1;
    } else if (error == CP_OK && !randomHarsh) {
        CHECK(!slotPtr->eof || slotPtr->shut);
    }
    if (CpSimRandom(4)) {
        CpConnWatchRead(slotPtr->connPtr, 1);
    }
}

static void
Write(RandomConn *slotPtr)
{
    size_t length = RandomLength(), bytes = 0;
    int ready = CpConnReady(slotPtr->connPtr) & CP_WRITE;
    uint64_t faults = CpSimTaken(CP_SIM_NO_MEMORY);
    CpError error;

    RandomFillBuf(slotPtr->port, slotPtr->out, length);
    error = CpConnWrite(slotPtr->connPtr, randomBuf, length,
        (int) CpSimRandom(2), &bytes);
    CHECK(bytes <= length && (error == CP_OK) == (bytes > 0));
    if (error == CP_EAGAIN && ready) {
        CHECK(faults != CpSimTaken(CP_SIM_NO_MEMORY));
    }

    /* A listener's end or its watchdog may reset what nobody took. */
    if (!randomHarsh) {
        CHECK(error == CP_OK || error == CP_EAGAIN || error == CP_ENOMEM
            || error == CP_EPIPE || error == CP_ECONNRESET
            || (error == CP_ECONNABORTED && IsAborted(slotPtr)));
    }
    RandomStreamOf(slotPtr->port, slotPtr->out)->sent += bytes;
}

/* A file of the stream's next bytes, behind some others. */

typedef struct Content {
    CpSimFile file;
    uint64_t position; /* Where the application has left its handle. */
    RandomStream *streamPtr;
    size_t length;
    unsigned char bytes[];
} Content;

static Content *lastContentPtr; /* Of those that are being sent, or NULL. */

static void
FreeContent(Content *contentPtr)
{
    if (lastContentPtr == contentPtr) {
        lastContentPtr = NULL;
    }
    free(contentPtr);
}

static void
Sent(void *clientData, uint64_t bytesSent, CpError error)
{
    Content *contentPtr = clientData;

    CHECK(bytesSent <= contentPtr->length);
    CHECK(error != CP_OK || bytesSent == contentPtr->length);
    if (error != CP_OK) {
        contentPtr->streamPtr->broken = 1;
    }
    CHECK(contentPtr->file.isShared
        || contentPtr->file.position == contentPtr->position);
    FreeContent(contentPtr);
}

/* The application goes on with a file that is being sent. */

static void
DisturbFile(void)
{
    Content *contentPtr = lastContentPtr;

    if (contentPtr == NULL) {
        return;
    }
    contentPtr->position = CpSimRandom((uint32_t) contentPtr->length);
    contentPtr->file.position = contentPtr->position;
    if (randomHarsh && CpSimRandom(4) == 0) {
        contentPtr->file.sizeBytes = CpSimRandom(
            (uint32_t) contentPtr->file.sizeBytes + 1);
    }
}

static void
SendFile(RandomConn *slotPtr)
{
    size_t length = RandomLength(), offset = CpSimRandom(100);
    Content *contentPtr = malloc(sizeof(Content) + offset + length);
    CpFile *filePtr;

    CHECK(contentPtr != NULL);
    RandomFillBuf(slotPtr->port, slotPtr->out, length);
    memset(contentPtr->bytes, 0, offset);
    memcpy(contentPtr->bytes + offset, randomBuf, length);
    contentPtr->file.bytes = contentPtr->bytes;
    contentPtr->file.sizeBytes = offset + length;
    contentPtr->streamPtr = RandomStreamOf(slotPtr->port, slotPtr->out);
    contentPtr->length = length;
    contentPtr->position = contentPtr->file.position = offset;
    if (CpFileOpen((uintptr_t) &contentPtr->file, &filePtr) != CP_OK) {
        free(contentPtr);
        return;
    }
    lastContentPtr = contentPtr;
    if (CpConnSendFile(slotPtr->connPtr, filePtr, offset, length, Sent,
            contentPtr)
        == CP_OK) {
        RandomStreamOf(slotPtr->port, slotPtr->out)->sent += length;
    } else {
        CpFileClose(filePtr);
        FreeContent(contentPtr);
    }
}

/* What is outstanding and held stays within the bounds. */

static void
CheckConn(RandomConn *slotPtr)
{
    CpConnStats stats;

    CpConnGetStats(slotPtr->connPtr, &stats);
    if (stats.sendPending == 0) {
        slotPtr->cap = CpConnSendCap(slotPtr->connPtr);
    }
    CHECK(stats.recvBuffered <= UINT64_C(16) * 65536);
    CHECK(stats.recvPending <= CP_RECV_DEPTH_MAX + 1);
    /* A file, of which the first piece is beside the cap, has one. */
    CHECK(stats.sendPending <= slotPtr->cap || stats.sendPending == 1);
    CHECK(stats.sendBuffered
        <= (uint64_t) (slotPtr->cap + 1) * CP_SEND_BYTES_MAX);
    CHECK(stats.sendBuffered
        <= (uint64_t) (stats.sendPending + 1) * CP_SEND_BYTES_MAX);
    CHECK((stats.sendPending > 0) == CpConnSending(slotPtr->connPtr));
    CHECK(stats.sendPending > 0 || stats.sendBuffered == 0);

    /* Nothing is taken that nobody reads. */
    if (slotPtr->exposed) {
        CHECK(stats.recvBuffered <= slotPtr->buffered);
    }
    slotPtr->buffered = stats.recvBuffered;
}

static void
Expose(RandomConn *slotPtr)
{
    CpConnStats stats;

    CpConnExpose(slotPtr->connPtr);
    CpConnGetStats(slotPtr->connPtr, &stats);
    CHECK(stats.recvPending <= 1);
    slotPtr->exposed = 1;
    slotPtr->buffered = stats.recvBuffered;
}

/* Input that the system has or the connection. */

static int
HasUnread(const RandomConn *slotPtr)
{
    CpConnStats stats;

    CpConnGetStats(slotPtr->connPtr, &stats);
    return stats.recvBuffered > 0
        || CpHandleHasData(CpConnHandle(slotPtr->connPtr));
}

/* Some are reset, now or after a while: their peers get a part and no end of
 * file. */

static void
CloseConn(RandomConn *slotPtr)
{
    if (slotPtr->open && randomHarsh && CpSimRandom(20) == 0) {
        CpConnAbort(slotPtr->connPtr);
    } else if (slotPtr->open && !randomLimits && !slotPtr->eof) {
        RandomStreamOf(slotPtr->port, slotPtr->out)->lingers = HasUnread(
            slotPtr);
    }
    if (randomLimits) {
        CpConnSetCloseTimeout(slotPtr->connPtr,
            CpSimRandom(4) ? 0 : CpSimRandom(1000));
        CpConnCloseBegins(slotPtr->connPtr, &closeLists[slotPtr->owner]);
    }
    slotPtr->closing = 1;
    CpConnClose(slotPtr->connPtr, ConnClosed, slotPtr);
}

static void
MoveConn(RandomConn *slotPtr)
{
    slotPtr->parked = !slotPtr->parked;
    if (!slotPtr->parked) {
        slotPtr->owner = CpSimRandom(RANDOM_PORTS);
    }
    CpConnMove(slotPtr->connPtr,
        slotPtr->parked ? NULL : randomPorts[slotPtr->owner]);
}

static void
SetCap(RandomConn *slotPtr, unsigned cap)
{
    CpConnSetSendCap(slotPtr->connPtr, cap);
    if (cap > slotPtr->cap) {
        slotPtr->cap = cap;
    }
}

/* One of those in use, if there is any. */

static RandomConn *
AnyConn(void)
{
    unsigned first = CpSimRandom(CONNS);
    unsigned i;

    for (i = 0; i < CONNS; i++) {
        RandomConn *slotPtr = &conns[(first + i) % CONNS];

        if (slotPtr->connPtr != NULL && !slotPtr->closing) {
            return slotPtr;
        }
    }
    return NULL;
}

void
RandomStepConn(void)
{
    RandomConn *slotPtr = AnyConn();
    uint32_t choice = CpSimRandom(200);
    CpConn *connPtr;

    if (slotPtr == NULL) {
        return;
    }
    connPtr = slotPtr->connPtr;
    if (slotPtr->parked || choice == 0) {
        MoveConn(slotPtr);
        return;
    }
    if (!IsOpen(slotPtr)) {
        if (choice < 4 || CpConnGetState(connPtr) == CP_CONN_FAILED) {
            CloseConn(slotPtr);
        } else if (choice < 20) {
            (void) CpConnSetOpt(connPtr, CP_OPT_NODELAY, 1);
        } else if (choice < 30) {
            CpConnWatchRead(connPtr, 1);
        } else if (choice < 31) {
            CHECK_ERROR(CpConnShutdown(connPtr, CP_WRITE), CP_OK);
        }
        return;
    }
    if (choice < 80) {
        Read(slotPtr);
    } else if (choice < 140) {
        Write(slotPtr);
    } else if (choice < 148) {
        SendFile(slotPtr);
    } else if (choice < 150) {
        DisturbFile();
    } else if (choice < 170) {
        CpConnWatchRead(connPtr, (int) CpSimRandom(2));
    } else if (choice < 180) {
        CpConnSubmitRecv(connPtr);
    } else if (choice < 185) {
        CpConnSetRecvMode(connPtr, (CpRecvMode) CpSimRandom(4));
    } else if (choice < 190) {
        SetCap(slotPtr, CpSimRandom(9));
    } else if (choice < 193) {
        (void) CpConnShutdown(connPtr, CP_WRITE);
    } else if (choice < 194) {
        slotPtr->shut = randomReadShut = 1;
        (void) CpConnShutdown(connPtr, CP_READ);
    } else if (choice < 197 || slotPtr->eof) {
        CloseConn(slotPtr);
    } else if (choice < 198) {
        Expose(slotPtr);
    }
}

/* ------------------------------------------------------------ all of them */

int
RandomCountConns(void)
{
    int count = 0;
    unsigned i;

    for (i = 0; i < CONNS; i++) {
        count += conns[i].connPtr != NULL;
    }
    return count;
}

void
RandomUnparkConns(void)
{
    unsigned i;

    for (i = 0; i < CONNS; i++) {
        if (conns[i].connPtr != NULL && conns[i].parked) {
            MoveConn(&conns[i]);
        }
    }
}

void
RandomTickConns(void)
{
    unsigned i;

    for (i = 0; i < RANDOM_PORTS; i++) {
        (void) CpCloseTick(&closeLists[i], CpNowMs());
    }
}

void
RandomEndConns(void)
{
    unsigned i;

    for (i = 0; i < CONNS; i++) {
        if (conns[i].connPtr != NULL && !conns[i].closing) {
            CloseConn(&conns[i]);
        }
    }
    for (i = 0; i < RANDOM_PORTS; i++) {
        CpCloseEndAll(&closeLists[i]);
    }
}

void
RandomCheckConns(void)
{
    unsigned i;

    for (i = 0; i < CONNS; i++) {
        if (conns[i].connPtr != NULL) {
            CheckConn(&conns[i]);
        }
    }
}

void
RandomWindUpConns(int force)
{
    unsigned i;

    for (i = 0; i < CONNS; i++) {
        RandomConn *slotPtr = &conns[i];

        if (slotPtr->connPtr == NULL || slotPtr->closing) {
            continue;
        }
        if (IsOpen(slotPtr)) {
            Read(slotPtr);
            if (!slotPtr->eof) {
                (void) CpConnShutdown(slotPtr->connPtr, CP_WRITE);
            }
        }
        if (slotPtr->eof || slotPtr->failed || force
            || CpConnGetState(slotPtr->connPtr) != CP_CONN_OPEN) {
            CloseConn(slotPtr);
        }
    }
}

void
RandomDescribeConns(void)
{
    unsigned i;

    for (i = 0; i < CONNS; i++) {
        const RandomConn *slotPtr = &conns[i];
        CpConnStats stats;

        if (slotPtr->connPtr != NULL) {
            CpConnGetStats(slotPtr->connPtr, &stats);
            fprintf(stderr,
                "port %u direction %u: state %d closing %d eof %d shut %d, "
                "pending %u receives %u sends, mode %d\n",
                slotPtr->port, slotPtr->out,
                (int) CpConnGetState(slotPtr->connPtr), slotPtr->closing,
                slotPtr->eof, slotPtr->shut, stats.recvPending,
                stats.sendPending, (int) CpConnRecvMode(slotPtr->connPtr));
        }
    }
}
