/*
 * sendFileTest.c --
 *
 *      Files over the simulated port. Each case runs twice: the system sends
 *      the file, then the driver reads it and sends its bytes.
 */

#include "sendFile.h"

static void
Both(CpPort *portPtr, void (*proc)(CpPort *portPtr))
{
    SetWay(0);
    proc(portPtr);
    SetWay(1);
    proc(portPtr);
}

/* --------------------------------------------------------------- cases */

/* A file follows the bytes that were written before it, and precedes those that
 * are written later. */

static void
Order(CpPort *portPtr)
{
    size_t filled;
    SentFile sent, other;
    Pair pair;

    OpenDialled(&pair, portPtr);
    Write(&pair, "head", CP_OK);
    CHECK_ERROR(SendFile(&pair, 5, sizeof(bytes) - 5, &sent), CP_OK);
    CHECK(CpConnSending(pair.connPtr) && !Writable(&pair));
    Write(&pair, "tail", CP_EAGAIN);
    CHECK_ERROR(SendFile(&pair, 1, 2, &other), CP_OK);
    (void) Collect(&pair);
    CHECK(sent.error == CP_OK && sent.bytes == sizeof(bytes) - 5);
    CHECK(other.error == CP_OK && other.bytes == 2);
    CHECK(sent.calls == 1 && other.calls == 1 && Writable(&pair));
    Write(&pair, "tail", CP_OK);
    (void) Collect(&pair);
    CHECK(have == 4 + sizeof(bytes) - 5 + 2 + 4);
    CHECK(memcmp(got, "head", 4) == 0);
    CHECK(memcmp(got + 4, bytes + 5, sizeof(bytes) - 5) == 0);
    CHECK(memcmp(got + have - 6, bytes + 1, 2) == 0);
    CHECK(memcmp(got + have - 4, "tail", 4) == 0);
    CHECK(Stats(&pair).bytesOut == have && Stats(&pair).sendBuffered == 0);

    /* A file waits for outstanding sends and joined bytes. */
    have = 0;
    filled = Fill(&pair, 0);
    CHECK_ERROR(SendFile(&pair, 0, 100, &sent), CP_OK);
    Settle(&pair);
    CHECK(sent.calls == 0);
    CHECK(Collect(&pair) == filled + 100);
    CHECK(sent.calls == 1 && sent.bytes == 100);
    Done(&pair);
}

static void
TestOrder(CpPort *portPtr)
{
    Both(portPtr, Order);
}

/* A half-close and a close deliver the file first. */

static void
Ends(CpPort *portPtr)
{
    SentFile sent;
    Pair pair;

    OpenDialled(&pair, portPtr);
    CHECK_ERROR(SendFile(&pair, 0, 200000, &sent), CP_OK);
    CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_WRITE), CP_OK);
    CHECK(!CpSimPeerEof(pair.peerPtr));
    CHECK(Collect(&pair) == 200000 && CpSimPeerEof(pair.peerPtr));
    CHECK(sent.calls == 1);
    CHECK_ERROR(SendFile(&pair, 0, 1, &sent), CP_EPIPE);
    Done(&pair);

    have = 0;
    OpenDialled(&pair, portPtr);
    CHECK_ERROR(SendFile(&pair, 0, sizeof(bytes), &sent), CP_OK);
    StartClose(&pair);
    CHECK(!pair.closed);
    CHECK(Collect(&pair) == sizeof(bytes));
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

/* A failed transfer reports its error once. Nothing is sent after it. */

static void
Errors(CpPort *portPtr)
{
    SentFile sent, other;
    Pair pair;

    OpenDialled(&pair, portPtr);
    CpSimFailNth(CP_SIM_SEND_FAIL, 1, 1, CP_ETIMEDOUT);
    CHECK_ERROR(SendFile(&pair, 0, 1000, &sent), CP_OK);
    Settle(&pair);
    CHECK(sent.calls == 1 && sent.error == CP_ETIMEDOUT && sent.bytes == 0);
    CHECK_ERROR(CpConnUnreportedError(pair.connPtr), CP_OK);
    Write(&pair, "x", CP_ETIMEDOUT);
    CHECK_ERROR(SendFile(&pair, 0, 1, &sent), CP_ETIMEDOUT);
    CHECK(sent.calls == 0);
    Done(&pair);

    /* If a send before the file fails, the transfer never starts. */
    OpenDialled(&pair, portPtr);
    (void) Fill(&pair, 0);
    CHECK_ERROR(SendFile(&pair, 0, 1000, &sent), CP_OK);
    CHECK_ERROR(SendFile(&pair, 0, 1000, &other), CP_OK);
    PeerReset(&pair);
    Settle(&pair);
    CHECK(sent.calls == 1 && sent.error == CP_ECONNRESET && sent.bytes == 0);
    CHECK(other.calls == 1 && other.error == CP_ECONNRESET);
    Done(&pair);

    /* The peer resets during the transfer. */
    OpenDialled(&pair, portPtr);
    CHECK_ERROR(SendFile(&pair, 0, sizeof(bytes), &sent), CP_OK);
    Settle(&pair);
    CHECK(sent.calls == 0);
    PeerReset(&pair);
    Settle(&pair);
    CHECK(sent.calls == 1);
    CHECK_ERROR(sent.error, CP_ECONNRESET);
    Done(&pair);

    /* Without memory nothing starts, and the connection still works. */
    OpenDialled(&pair, portPtr);
    CpSimFailNth(CP_SIM_NO_MEMORY, 2, 1, CP_OK);
    CHECK_ERROR(SendFile(&pair, 0, 1, &sent), CP_ENOMEM);
    CHECK(sent.calls == 0);
    Write(&pair, "x", CP_OK);
    Done(&pair);
}

static void
TestErrors(CpPort *portPtr)
{
    Both(portPtr, Errors);
}

/* The file has become shorter: the transfer reports how much it sent, and
 * the error. Nothing follows, and the peer gets a reset instead of the end
 * of file. */

static void
CheckShort(Pair *pairPtr, const SentFile *sentPtr, uint64_t least)
{

    Settle(pairPtr);
    CHECK(sentPtr->calls == 1);
    CHECK_ERROR(sentPtr->error, CP_ETRUNCATED);
    CHECK(sentPtr->bytes == least);
    CHECK_ERROR(CpConnUnreportedError(pairPtr->connPtr), CP_OK);
    Write(pairPtr, "x", CP_EPIPE);
    (void) Collect(pairPtr);
    StartClose(pairPtr);
    Settle(pairPtr);
    CHECK(pairPtr->closed && CpSimPeerIsReset(pairPtr->peerPtr));
    Done(pairPtr);
}

static void
Shrinks(CpPort *portPtr)
{
    SentFile sent, other;
    Pair pair;

    /* The file ends in the first piece. The next file is not sent. */
    OpenDialled(&pair, portPtr);
    content.sizeBytes = 50;
    CHECK_ERROR(SendFile(&pair, 10, 100, &sent), CP_OK);
    CHECK_ERROR(SendFile(&pair, 0, 10, &other), CP_OK);
    Settle(&pair);
    CHECK(other.calls == 1 && other.bytes == 0);
    CHECK_ERROR(other.error, CP_EPIPE);
    CheckShort(&pair, &sent, 40);

    /* The system fails, reports no count of bytes, and perhaps another
     * error. */
    if (!limited) {
        OpenDialled(&pair, portPtr);
        CpSimFailNth(CP_SIM_FILE_SHORT_FAILS, 1, 1, CP_ETRUNCATED);
        CHECK_ERROR(SendFile(&pair, 10, 100, &sent), CP_OK);
        CheckShort(&pair, &sent, 0);
        OpenDialled(&pair, portPtr);
        CpSimFailNth(CP_SIM_FILE_SHORT_FAILS, 1, 1, CP_EINVAL);
        CHECK_ERROR(SendFile(&pair, 10, 100, &sent), CP_OK);
        CheckShort(&pair, &sent, 0);
    }

    /* The file ends between two pieces. */
    content.sizeBytes = sizeof(bytes);
    have = 0;
    OpenDialled(&pair, portPtr);
    CHECK_ERROR(SendFile(&pair, 0, sizeof(bytes), &sent), CP_OK);
    content.sizeBytes = limited ? 2 * PIECE : 4194304;
    (void) Collect(&pair);
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

/* A file that is sent while dialling follows once the connection is open, even
 * after a close. */

static void
Dialling(CpPort *portPtr)
{
    SentFile sent, other;
    Pair pair;

    DialPeer(&pair, portPtr);
    CHECK(CpConnGetState(pair.connPtr) == CP_CONN_DIALLING);
    CHECK_ERROR(SendFile(&pair, 0, 300000, &sent), CP_OK);
    CHECK_ERROR(SendFile(&pair, 7, 3, &other), CP_OK);
    CHECK(CpConnSending(pair.connPtr) && sent.calls == 0);
    Write(&pair, "x", CP_EAGAIN);
    Settle(&pair);
    CHECK(CpConnGetState(pair.connPtr) == CP_CONN_OPEN && !Writable(&pair));
    Write(&pair, "x", CP_EAGAIN);
    pair.peerPtr = CpSimPeerAccept(pair.peerListenerPtr);
    CHECK(Collect(&pair) == 300003 && Writable(&pair));
    CHECK(memcmp(got, bytes, 300000) == 0);
    CHECK(memcmp(got + 300000, bytes + 7, 3) == 0);
    CHECK(sent.calls == 1 && other.calls == 1);
    Done(&pair);

    have = 0;
    DialPeer(&pair, portPtr);
    CHECK_ERROR(SendFile(&pair, 0, 300000, &sent), CP_OK);
    StartClose(&pair);
    Settle(&pair);
    CHECK(!pair.closed && sent.calls == 0);
    pair.peerPtr = CpSimPeerAccept(pair.peerListenerPtr);
    CHECK(pair.peerPtr != NULL && Collect(&pair) == 300000);
    CHECK(pair.closed && sent.calls == 1 && sent.error == CP_OK);
    CHECK(CpSimPeerEof(pair.peerPtr) && !CpSimPeerIsReset(pair.peerPtr));
    Done(&pair);
}

static void
TestDialling(CpPort *portPtr)
{
    Both(portPtr, Dialling);
}

/* If the connect fails, the transfer reports its error, also after a close. */

static void
DialFails(CpPort *portPtr)
{
    SentFile sent, other;
    Pair pair;

    Dial(&pair, portPtr, CpSimAddr4(CP_SIM_LOCALHOST, 9), 0);
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

    Dial(&pair, portPtr, CpSimAddr4(CP_SIM_LOCALHOST, 9), 0);
    CHECK_ERROR(SendFile(&pair, 0, 10, &sent), CP_OK);
    StartClose(&pair);
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

/* A connection moves to another port during a transfer, or before one. */

static void
Moves(CpPort *portPtr)
{
    CpError error;
    CpPort *otherPtr = CpPortNew(CheckNoWake, NULL, &error);
    SentFile sent;
    Pair pair;

    CHECK_ERROR(error, CP_OK);
    OpenDialled(&pair, portPtr);
    CHECK_ERROR(SendFile(&pair, 0, 300000, &sent), CP_OK);
    CpConnMove(pair.connPtr, NULL);
    CpConnMove(pair.connPtr, otherPtr);
    pair.portPtr = otherPtr;
    CHECK(Collect(&pair) == 300000 && sent.calls == 1);
    Done(&pair);

    have = 0;
    DialPeer(&pair, portPtr);
    CHECK_ERROR(SendFile(&pair, 0, 300000, &sent), CP_OK);
    CpConnMove(pair.connPtr, NULL);
    CpConnMove(pair.connPtr, otherPtr);
    pair.portPtr = otherPtr;
    Settle(&pair);
    pair.peerPtr = CpSimPeerAccept(pair.peerListenerPtr);
    CHECK(Collect(&pair) == 300000 && sent.calls == 1);
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
    {"moves", TestMoves},
};

CHECK_MAIN(cases)
