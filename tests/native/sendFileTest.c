/*
 * sendFileTest.c --
 *
 *      Files over the simulated port, each case in both ways: sent by the
 *      system, and read and sent as bytes.
 */

#include "check.h"
#include "cpBuf.h"
#include "cpConn.h"
#include "cpMem.h"

#include <stdlib.h>

#define PIECE 65536L /* Of a file that is read. */

static int limited; /* The way in which this run sends. */

typedef struct Pair {
    CpPort *portPtr;
    CpConn *connPtr;
    CpSimPeer *peerPtr;
    CpSimPeer *listenerPtr;
    int closed;
} Pair;

static void
Notify(void *clientData)
{
    (void) clientData;
}

static void
Closed(void *clientData)
{
    ((Pair *) clientData)->closed = 1;
}

/* Reaps until nothing more comes. */

static void
Settle(Pair *pairPtr)
{
    do {
        while (CpPortReap(pairPtr->portPtr, 0) > 0) {
        }
        if (CpSimNextMs() >= 0) {
            CpSimAdvance((uint32_t) CpSimNextMs());
        }
    } while (CpSimNextMs() >= 0 || CpPortReap(pairPtr->portPtr, 0) > 0);
}

/* A connection that dials; nobody has reaped yet. */

static void
Dial(Pair *pairPtr, CpPort *portPtr, CpAddr addr)
{
    CpResolved resolved;

    memset(pairPtr, 0, sizeof(Pair));
    memset(&resolved, 0, sizeof(resolved));
    pairPtr->portPtr = portPtr;
    resolved.remoteCount = 1;
    resolved.remotes = CpMalloc(sizeof(CpAddr));
    CHECK(resolved.remotes != NULL);
    resolved.remotes[0] = addr;
    pairPtr->connPtr = CpConnDial(portPtr, &resolved, 0, Notify, pairPtr);
    CHECK(pairPtr->connPtr != NULL);
}

static void
DialPeer(Pair *pairPtr, CpPort *portPtr)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    CpSimPeer *listenerPtr = CpSimPeerListen(&addr, 5);

    Dial(pairPtr, portPtr, addr);
    pairPtr->listenerPtr = listenerPtr;
}

static void
Open(Pair *pairPtr, CpPort *portPtr)
{
    DialPeer(pairPtr, portPtr);
    Settle(pairPtr);
    CHECK(CpConnGetState(pairPtr->connPtr) == CP_CONN_OPEN);
    pairPtr->peerPtr = CpSimPeerAccept(pairPtr->listenerPtr);
    CHECK(pairPtr->peerPtr != NULL);
}

static void
Done(Pair *pairPtr)
{
    if (pairPtr->connPtr != NULL) {
        CpConnClose(pairPtr->connPtr, Closed, pairPtr);
    }
    while (!pairPtr->closed) {
        CpPortReap(pairPtr->portPtr, -1);
    }
    if (pairPtr->peerPtr != NULL) {
        CpSimPeerClose(pairPtr->peerPtr);
    }
    if (pairPtr->listenerPtr != NULL) {
        CpSimPeerClose(pairPtr->listenerPtr);
    }
    CpSimAdvance(0);
}

static int
Writable(const Pair *pairPtr)
{
    return (CpConnReady(pairPtr->connPtr) & CP_WRITE) != 0;
}

static CpConnStats
Stats(const Pair *pairPtr)
{
    CpConnStats stats;

    CpConnGetStats(pairPtr->connPtr, &stats);
    return stats;
}

static void
Fill(Pair *pairPtr, int join, size_t *sentPtr)
{
    static const char data[100000];
    size_t bytes;

    while (CpConnWrite(pairPtr->connPtr, data, sizeof(data), join, &bytes)
        == CP_OK) {
        *sentPtr += bytes;
    }
}

/* What has come to the peer, and is on its way to it. */

static char got[9100000];
static size_t have;

static size_t
Drain(Pair *pairPtr)
{
    size_t before = have, bytes;

    Settle(pairPtr);
    while ((bytes = CpSimPeerRecv(pairPtr->peerPtr, got + have,
                sizeof(got) - have))
        > 0) {
        have += bytes;
        Settle(pairPtr);
    }
    return have - before;
}

/* --------------------------------------------------------------- files */

typedef struct SentFile {
    int calls;
    uint64_t bytes;
    CpError error;
} SentFile;

static void
FileSent(void *clientData, uint64_t bytesSent, CpError error)
{
    SentFile *sentPtr = clientData;

    sentPtr->calls++;
    sentPtr->bytes = bytesSent;
    sentPtr->error = error;
}

static unsigned char bytes[9000000];
static CpSimFile content;

static CpError
SendFile(Pair *pairPtr, uint64_t offset, uint64_t length, SentFile *sentPtr)
{
    CpFile *filePtr;
    CpError error;

    memset(sentPtr, 0, sizeof(*sentPtr));
    CHECK_ERROR(CpFileOpen((uintptr_t) &content, &filePtr), CP_OK);
    error = CpConnSendFile(pairPtr->connPtr, filePtr, offset, length, FileSent,
        sentPtr);
    if (error != CP_OK) {
        CpFileClose(filePtr);
    }
    return error;
}

static void
Both(CpPort *portPtr, void (*proc)(CpPort *portPtr))
{
    size_t i;

    for (i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char) (i * 7 + i / 251);
    }
    for (limited = 0; limited < 2; limited++) {
        CpSimSetFilesLimited(limited);
        content.bytes = bytes;
        content.sizeBytes = sizeof(bytes);
        have = 0;
        proc(portPtr);
    }
}

/* --------------------------------------------------------------- cases */

/* Pieces, behind what was written; what is written later comes behind. */

static void
Order(CpPort *portPtr)
{
    size_t took, filled = 0;
    SentFile sent, other;
    Pair pair;

    Open(&pair, portPtr);
    CHECK_ERROR(CpConnWrite(pair.connPtr, "head", 4, 0, &took), CP_OK);
    CHECK_ERROR(SendFile(&pair, 5, sizeof(bytes) - 5, &sent), CP_OK);
    CHECK(CpConnSending(pair.connPtr) && !Writable(&pair));
    CHECK_ERROR(CpConnWrite(pair.connPtr, "tail", 4, 0, &took), CP_EAGAIN);
    CHECK_ERROR(SendFile(&pair, 1, 2, &other), CP_OK);
    (void) Drain(&pair);
    CHECK(sent.error == CP_OK && sent.bytes == sizeof(bytes) - 5);
    CHECK(other.error == CP_OK && other.bytes == 2);
    CHECK(sent.calls == 1 && other.calls == 1 && Writable(&pair));
    CHECK_ERROR(CpConnWrite(pair.connPtr, "tail", 4, 0, &took), CP_OK);
    (void) Drain(&pair);
    CHECK(have == 4 + sizeof(bytes) - 5 + 2 + 4);
    CHECK(memcmp(got, "head", 4) == 0);
    CHECK(memcmp(got + 4, bytes + 5, sizeof(bytes) - 5) == 0);
    CHECK(memcmp(got + have - 6, bytes + 1, 2) == 0);
    CHECK(memcmp(got + have - 4, "tail", 4) == 0);
    CHECK(Stats(&pair).bytesOut == have && Stats(&pair).sendBuffered == 0);

    /* It waits for sends that are outstanding, joined ones too. */
    have = 0;
    Fill(&pair, 0, &filled);
    CHECK_ERROR(SendFile(&pair, 0, 100, &sent), CP_OK);
    Settle(&pair);
    CHECK(sent.calls == 0);
    CHECK(Drain(&pair) == filled + 100);
    CHECK(sent.calls == 1 && sent.bytes == 100);
    Done(&pair);
}

static void
TestOrder(CpPort *portPtr)
{
    Both(portPtr, Order);
}

/* A half-close and a close deliver it first. */

static void
Ends(CpPort *portPtr)
{
    SentFile sent;
    Pair pair;

    Open(&pair, portPtr);
    CHECK_ERROR(SendFile(&pair, 0, 200000, &sent), CP_OK);
    CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_WRITE), CP_OK);
    CHECK(!CpSimPeerEof(pair.peerPtr));
    CHECK(Drain(&pair) == 200000 && CpSimPeerEof(pair.peerPtr));
    CHECK(sent.calls == 1);
    CHECK_ERROR(SendFile(&pair, 0, 1, &sent), CP_EPIPE);
    Done(&pair);

    have = 0;
    Open(&pair, portPtr);
    CHECK_ERROR(SendFile(&pair, 0, sizeof(bytes), &sent), CP_OK);
    CpConnClose(pair.connPtr, Closed, &pair);
    pair.connPtr = NULL;
    CHECK(!pair.closed);
    CHECK(Drain(&pair) == sizeof(bytes));
    CHECK(memcmp(got, bytes, sizeof(bytes)) == 0);
    CHECK(pair.closed && sent.calls == 1 && sent.error == CP_OK);
    CHECK(CpSimPeerEof(pair.peerPtr) && !CpSimPeerIsReset(pair.peerPtr));
    Done(&pair);
}

static void
TestEnds(CpPort *portPtr)
{
    Both(portPtr, Ends);
}

/* Its failure is reported once, by it; nothing else is sent after it. */

static void
Errors(CpPort *portPtr)
{
    size_t filled = 0, took;
    SentFile sent, other;
    Pair pair;

    Open(&pair, portPtr);
    CpSimFailNth(CP_SIM_SEND_FAIL, 1, 1, CP_ETIMEDOUT);
    CHECK_ERROR(SendFile(&pair, 0, 1000, &sent), CP_OK);
    Settle(&pair);
    CHECK(sent.calls == 1 && sent.error == CP_ETIMEDOUT && sent.bytes == 0);
    CHECK_ERROR(CpConnUnreportedError(pair.connPtr), CP_OK);
    CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &took), CP_ETIMEDOUT);
    CHECK_ERROR(SendFile(&pair, 0, 1, &sent), CP_ETIMEDOUT);
    CHECK(sent.calls == 0);
    Done(&pair);

    /* One before it fails: it never begins. */
    Open(&pair, portPtr);
    Fill(&pair, 0, &filled);
    CHECK_ERROR(SendFile(&pair, 0, 1000, &sent), CP_OK);
    CHECK_ERROR(SendFile(&pair, 0, 1000, &other), CP_OK);
    CpSimPeerReset(pair.peerPtr);
    pair.peerPtr = NULL;
    Settle(&pair);
    CHECK(sent.calls == 1 && sent.error == CP_ECONNRESET && sent.bytes == 0);
    CHECK(other.calls == 1 && other.error == CP_ECONNRESET);
    Done(&pair);

    /* The peer goes while it is on its way. */
    Open(&pair, portPtr);
    CHECK_ERROR(SendFile(&pair, 0, sizeof(bytes), &sent), CP_OK);
    Settle(&pair);
    CHECK(sent.calls == 0);
    CpSimPeerReset(pair.peerPtr);
    pair.peerPtr = NULL;
    Settle(&pair);
    CHECK(sent.calls == 1);
    CHECK_ERROR(sent.error, CP_ECONNRESET);
    Done(&pair);

    /* No memory: nothing was begun, and the connection is as good as before. */
    Open(&pair, portPtr);
    CpSimFailNth(CP_SIM_NO_MEMORY, 2, 1, CP_OK);
    CHECK_ERROR(SendFile(&pair, 0, 1, &sent), CP_ENOMEM);
    CHECK(sent.calls == 0);
    CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &took), CP_OK);
    Done(&pair);
}

static void
TestErrors(CpPort *portPtr)
{
    Both(portPtr, Errors);
}

/* A file that is shorter by now: what was sent is reported, and why there is
 * no more. What would follow it does not, and the peer does not take the stream
 * for a whole one. */

static void
CheckShort(Pair *pairPtr, const SentFile *sentPtr, uint64_t least)
{
    size_t took;

    Settle(pairPtr);
    CHECK(sentPtr->calls == 1);
    CHECK_ERROR(sentPtr->error, CP_ETRUNCATED);
    CHECK(sentPtr->bytes == least);
    CHECK_ERROR(CpConnUnreportedError(pairPtr->connPtr), CP_OK);
    CHECK_ERROR(CpConnWrite(pairPtr->connPtr, "x", 1, 0, &took), CP_EPIPE);
    (void) Drain(pairPtr);
    CpConnClose(pairPtr->connPtr, Closed, pairPtr);
    pairPtr->connPtr = NULL;
    Settle(pairPtr);
    CHECK(pairPtr->closed && CpSimPeerIsReset(pairPtr->peerPtr));
    Done(pairPtr);
}

static void
Shrinks(CpPort *portPtr)
{
    SentFile sent, other;
    Pair pair;

    /* Within the first piece; the next file does not follow. */
    Open(&pair, portPtr);
    content.sizeBytes = 50;
    CHECK_ERROR(SendFile(&pair, 10, 100, &sent), CP_OK);
    CHECK_ERROR(SendFile(&pair, 0, 10, &other), CP_OK);
    Settle(&pair);
    CHECK(other.calls == 1 && other.bytes == 0);
    CHECK_ERROR(other.error, CP_EPIPE);
    CheckShort(&pair, &sent, 40);

    /* A system that fails, and does not say how much it has sent, nor perhaps
     * why it fails. */
    if (!limited) {
        Open(&pair, portPtr);
        CpSimFailNth(CP_SIM_FILE_SHORT_FAILS, 1, 1, CP_ETRUNCATED);
        CHECK_ERROR(SendFile(&pair, 10, 100, &sent), CP_OK);
        CheckShort(&pair, &sent, 0);
        Open(&pair, portPtr);
        CpSimFailNth(CP_SIM_FILE_SHORT_FAILS, 1, 1, CP_EINVAL);
        CHECK_ERROR(SendFile(&pair, 10, 100, &sent), CP_OK);
        CheckShort(&pair, &sent, 0);
    }

    /* Between two pieces. */
    content.sizeBytes = sizeof(bytes);
    have = 0;
    Open(&pair, portPtr);
    CHECK_ERROR(SendFile(&pair, 0, sizeof(bytes), &sent), CP_OK);
    content.sizeBytes = limited ? 2 * PIECE : 4194304;
    (void) Drain(&pair);
    CHECK(have == content.sizeBytes);
    CheckShort(&pair, &sent, have);
    content.sizeBytes = sizeof(bytes);
}

static void
TestShrinks(CpPort *portPtr)
{
    Both(portPtr, Shrinks);
}

/* ------------------------------------------------------ while dialling */

/* It follows the connection, and a close does not end that before. */

static void
Dialling(CpPort *portPtr)
{
    size_t took;
    SentFile sent, other;
    Pair pair;

    DialPeer(&pair, portPtr);
    CHECK(CpConnGetState(pair.connPtr) == CP_CONN_DIALLING);
    CHECK_ERROR(SendFile(&pair, 0, 300000, &sent), CP_OK);
    CHECK_ERROR(SendFile(&pair, 7, 3, &other), CP_OK);
    CHECK(CpConnSending(pair.connPtr) && sent.calls == 0);
    CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &took), CP_EAGAIN);
    Settle(&pair);
    CHECK(CpConnGetState(pair.connPtr) == CP_CONN_OPEN && !Writable(&pair));
    CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &took), CP_EAGAIN);
    pair.peerPtr = CpSimPeerAccept(pair.listenerPtr);
    CHECK(Drain(&pair) == 300003 && Writable(&pair));
    CHECK(memcmp(got, bytes, 300000) == 0);
    CHECK(memcmp(got + 300000, bytes + 7, 3) == 0);
    CHECK(sent.calls == 1 && other.calls == 1);
    Done(&pair);

    have = 0;
    DialPeer(&pair, portPtr);
    CHECK_ERROR(SendFile(&pair, 0, 300000, &sent), CP_OK);
    CpConnClose(pair.connPtr, Closed, &pair);
    pair.connPtr = NULL;
    Settle(&pair);
    CHECK(!pair.closed && sent.calls == 0);
    pair.peerPtr = CpSimPeerAccept(pair.listenerPtr);
    CHECK(pair.peerPtr != NULL && Drain(&pair) == 300000);
    CHECK(pair.closed && sent.calls == 1 && sent.error == CP_OK);
    CHECK(CpSimPeerEof(pair.peerPtr) && !CpSimPeerIsReset(pair.peerPtr));
    Done(&pair);
}

static void
TestDialling(CpPort *portPtr)
{
    Both(portPtr, Dialling);
}

/* A connect that fails is why the file was not sent; closed or not. */

static void
DialFails(CpPort *portPtr)
{
    SentFile sent, other;
    Pair pair;

    Dial(&pair, portPtr, CpSimAddr4(CP_SIM_LOCALHOST, 9));
    CHECK_ERROR(SendFile(&pair, 0, 10, &sent), CP_OK);
    CHECK_ERROR(SendFile(&pair, 0, 10, &other), CP_OK);
    Settle(&pair);
    CHECK(CpConnGetState(pair.connPtr) == CP_CONN_FAILED);
    CHECK(sent.calls == 1 && other.calls == 1 && sent.bytes == 0);
    CHECK_ERROR(sent.error, CP_ECONNREFUSED);
    CHECK_ERROR(other.error, CP_ECONNREFUSED);
    CHECK_ERROR(CpConnTakeError(pair.connPtr), CP_ECONNREFUSED);
    CHECK_ERROR(SendFile(&pair, 0, 10, &sent), CP_ENOTCONN);
    Done(&pair);

    Dial(&pair, portPtr, CpSimAddr4(CP_SIM_LOCALHOST, 9));
    CHECK_ERROR(SendFile(&pair, 0, 10, &sent), CP_OK);
    CpConnClose(pair.connPtr, Closed, &pair);
    pair.connPtr = NULL;
    Settle(&pair);
    CHECK(pair.closed && sent.calls == 1);
    CHECK_ERROR(sent.error, CP_ECONNREFUSED);
    Done(&pair);
}

static void
TestDialFails(CpPort *portPtr)
{
    Both(portPtr, DialFails);
}

/* ------------------------------------------------------- files read here */

/* How much is held for a peer that takes nothing, and for one that does. */

static void
TestReadBounded(CpPort *portPtr)
{
    SentFile sent;
    Pair pair;

    content.bytes = bytes;
    content.sizeBytes = sizeof(bytes);
    have = 0;
    CpSimSetFilesLimited(1);
    Open(&pair, portPtr);
    CHECK_ERROR(SendFile(&pair, 0, sizeof(bytes), &sent), CP_OK);
    CHECK(Stats(&pair).sendPending == 2);
    CHECK(Stats(&pair).sendBuffered == 2 * PIECE);
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == 2 * PIECE);
    while (sent.calls == 0) {
        have += CpSimPeerRecv(pair.peerPtr, got + have, 10000);
        Settle(&pair);
        CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) <= 2 * PIECE);
    }
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == 0);
    (void) Drain(&pair);
    CHECK(have == sizeof(bytes) && memcmp(got, bytes, have) == 0);

    /* No more than the cap allows, and one of it. */
    CpConnSetSendCap(pair.connPtr, 1);
    CHECK_ERROR(SendFile(&pair, 0, sizeof(bytes), &sent), CP_OK);
    CHECK(Stats(&pair).sendPending == 1);
    CpSimPeerReset(pair.peerPtr);
    pair.peerPtr = NULL;
    Done(&pair);
}

/* One that cannot be read, at the beginning and later. */

static void
TestReadFails(CpPort *portPtr)
{
    size_t took;
    SentFile sent;
    Pair pair;

    content.bytes = bytes;
    content.sizeBytes = sizeof(bytes);
    have = 0;
    CpSimSetFilesLimited(1);
    Open(&pair, portPtr);
    CpSimFailNth(CP_SIM_FILE_READ_FAIL, 1, 1, CP_EACCES);
    CHECK_ERROR(SendFile(&pair, 0, 200000, &sent), CP_EACCES);
    CHECK(sent.calls == 0);
    CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &took), CP_OK);
    CHECK(Drain(&pair) == 1);
    CpConnBreakSends(pair.connPtr, CP_EACCES);
    CHECK_ERROR(CpConnUnreportedError(pair.connPtr), CP_OK);
    CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &took), CP_EACCES);
    Done(&pair);
    Open(&pair, portPtr);
    have = 0;
    CpSimFailNth(CP_SIM_FILE_READ_FAIL, 3, 1, CP_EIO);
    CHECK_ERROR(SendFile(&pair, 0, 200000, &sent), CP_OK);
    CHECK(Drain(&pair) == 2 * PIECE);
    CHECK(sent.calls == 1 && sent.bytes == 2 * PIECE);
    CHECK_ERROR(sent.error, CP_EIO);
    CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &took), CP_EIO);
    Done(&pair);

    /* Behind other sends: it was accepted, and its failure is reported. */
    took = 0;
    Open(&pair, portPtr);
    Fill(&pair, 0, &took);
    CpSimFailNth(CP_SIM_FILE_READ_FAIL, 1, 1, CP_EIO);
    CHECK_ERROR(SendFile(&pair, 0, 200000, &sent), CP_OK);
    CHECK(Drain(&pair) == took);
    CHECK(sent.calls == 1 && sent.bytes == 0);
    CHECK_ERROR(sent.error, CP_EIO);
    Done(&pair);
}

/* With one buffer, or a small one, it goes on; with none it fails. */

static void
TestReadNoMemory(CpPort *portPtr)
{
    SentFile sent;
    Pair pair;

    content.bytes = bytes;
    content.sizeBytes = sizeof(bytes);
    have = 0;
    CpSimSetFilesLimited(1);
    Open(&pair, portPtr);
    CpSimFailNth(CP_SIM_NO_MEMORY, 3, 3, CP_OK); /* The first buffer's. */
    CHECK_ERROR(SendFile(&pair, 0, 300000, &sent), CP_OK);
    CHECK(Stats(&pair).sendPending == 2);
    CHECK(Drain(&pair) == 300000 && memcmp(got, bytes, 300000) == 0);
    CHECK(sent.calls == 1 && sent.error == CP_OK);

    have = 0;
    CpSimFailNth(CP_SIM_NO_MEMORY, 4, 4, CP_OK); /* The second one's. */
    CHECK_ERROR(SendFile(&pair, 0, 300000, &sent), CP_OK);
    CHECK(Stats(&pair).sendPending == 1);
    CHECK(Drain(&pair) == 300000 && memcmp(got, bytes, 300000) == 0);

    CpSimFailNth(CP_SIM_NO_MEMORY, 4, 100, CP_OK); /* All further ones. */
    CHECK_ERROR(SendFile(&pair, 0, 300000, &sent), CP_OK);
    (void) Drain(&pair);
    CHECK(sent.calls == 1 && sent.bytes == PIECE);
    CHECK_ERROR(sent.error, CP_ENOMEM);
    Done(&pair);
}

/* Two connections take turns, piece by piece. */

static void
TestReadTurns(CpPort *portPtr)
{
    SentFile sents[2];
    Pair pairs[2];
    unsigned i;

    content.bytes = bytes;
    content.sizeBytes = sizeof(bytes);
    CpSimSetFilesLimited(1);
    CpSimSetWindow(1000000);
    for (i = 0; i < 2; i++) {
        Open(&pairs[i], portPtr);
    }
    for (i = 0; i < 2; i++) {
        CHECK_ERROR(SendFile(&pairs[i], 0, 640000, &sents[i]), CP_OK);
    }
    while (sents[0].calls == 0) {
        CpPortReap(portPtr, -1);
        CHECK(
            Stats(&pairs[0]).bytesOut <= Stats(&pairs[1]).bytesOut + 3 * PIECE);
    }
    for (i = 0; i < 2; i++) {
        have = 0;
        CHECK(Drain(&pairs[i]) == 640000 && sents[i].calls == 1);
        Done(&pairs[i]);
    }
}

/* A connection moves with a file on its way, and with one that waits for it. */

static void
Moves(CpPort *portPtr)
{
    CpError error;
    CpPort *otherPtr = CpPortNew(CheckNoWake, NULL, &error);
    SentFile sent;
    Pair pair;

    CHECK_ERROR(error, CP_OK);
    Open(&pair, portPtr);
    CHECK_ERROR(SendFile(&pair, 0, 300000, &sent), CP_OK);
    CpConnMove(pair.connPtr, NULL);
    CpConnMove(pair.connPtr, otherPtr);
    pair.portPtr = otherPtr;
    CHECK(Drain(&pair) == 300000 && sent.calls == 1);
    Done(&pair);

    have = 0;
    DialPeer(&pair, portPtr);
    CHECK_ERROR(SendFile(&pair, 0, 300000, &sent), CP_OK);
    CpConnMove(pair.connPtr, NULL);
    CpConnMove(pair.connPtr, otherPtr);
    pair.portPtr = otherPtr;
    Settle(&pair);
    pair.peerPtr = CpSimPeerAccept(pair.listenerPtr);
    CHECK(Drain(&pair) == 300000 && sent.calls == 1);
    CHECK(memcmp(got, bytes, 300000) == 0);
    Done(&pair);
    CpPortRelease(otherPtr);
}

static void
TestMoves(CpPort *portPtr)
{
    Both(portPtr, Moves);
}

static const CheckCase cases[] = {
    {"order", TestOrder},
    {"ends", TestEnds},
    {"errors", TestErrors},
    {"shrinks", TestShrinks},
    {"dialling", TestDialling},
    {"dial-fails", TestDialFails},
    {"read-bounded", TestReadBounded},
    {"read-fails", TestReadFails},
    {"read-no-memory", TestReadNoMemory},
    {"read-turns", TestReadTurns},
    {"moves", TestMoves},
};

CHECK_MAIN(cases)
