/*
 * sendTest.c --
 *
 *      Sending over the simulated port: the cap, joined writes, the end of the
 *      stream, and failures.
 */

#include "cpBuf.h"
#include "pair.h"

/* The end of file follows everything that was written. */

static void
TestShutdownWrite(CpPort *portPtr)
{
    size_t sent;
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_WRITE), CP_OK);
    CHECK(CpSimPeerEof(pair.peerPtr));
    Write(&pair, "x", CP_EPIPE);
    CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_WRITE), CP_OK);
    Say(&pair, "still there");
    Expect(&pair, "still there");
    Done(&pair);

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    sent = Fill(&pair, 0);
    CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_WRITE), CP_OK);
    CHECK(!CpSimPeerEof(pair.peerPtr));
    CHECK(Drain(&pair) == sent && CpSimPeerEof(pair.peerPtr));
    Done(&pair);

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpSimFailNth(CP_SIM_SHUTDOWN_FAIL, 1, 1, CP_ENOTCONN);
    CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_READ | CP_WRITE), CP_ENOTCONN);
    Done(&pair);
}

static void
TestSendCap(CpPort *portPtr)
{
    size_t sent;
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CHECK(CpConnSendCap(pair.connPtr) == CP_SEND_CAP_DEFAULT);
    CpConnSetSendCap(pair.connPtr, 2);
    sent = Fill(&pair, 0);
    CHECK(!Writable(&pair) && CpConnSending(pair.connPtr));
    CHECK(Stats(&pair).sendPending == 2);
    CHECK(Stats(&pair).sendBuffered <= UINT64_C(2) * CP_SEND_BYTES_MAX);
    CHECK(Drain(&pair) == sent);
    CHECK(Writable(&pair) && !CpConnSending(pair.connPtr));
    CHECK(Stats(&pair).bytesOut == sent && Stats(&pair).sendBuffered == 0);

    /* With a cap of 0, only the bytes that the system takes at once are
     * accepted. */
    CpConnSetSendCap(pair.connPtr, 0);
    sent = Fill(&pair, 0);
    CHECK(sent == 65536 && Stats(&pair).sendPending == 0);
    Done(&pair);
}

/* Small writes during a send are joined, in order. */

static void
TestJoin(CpPort *portPtr)
{
    static char buf[400000];
    size_t sent = 0, got = 0, bytes;
    unsigned i;
    Pair pair;

    CpSimSetWindow(10);
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    for (i = 0; i < 3000; i++) {
        char digit = (char) ('0' + i % 10);
        int join = i % 100 != 99;
        CpError error = CpConnWrite(pair.connPtr, &digit, 1, join, &bytes);

        if (error == CP_EAGAIN) {
            got += CpSimPeerRecv(pair.peerPtr, buf + got, 7);
            CpPortReap(portPtr, 0);
            i--;
            continue;
        }
        CHECK_ERROR(error, CP_OK);
        sent++;
        CHECK(Stats(&pair).sendPending <= CP_SEND_CAP_DEFAULT);
    }
    while (got < sent) {
        bytes = CpSimPeerRecv(pair.peerPtr, buf + got, sizeof(buf) - got);
        CHECK(bytes > 0);
        got += bytes;
        Settle(&pair);
    }
    for (i = 0; i < sent; i++) {
        CHECK(buf[i] == (char) ('0' + i % 10));
    }

    /* They are joined until a buffer is full. */
    sent = Fill(&pair, 1);
    CHECK(sent >= UINT64_C(3) * CP_SEND_BYTES_MAX);
    CHECK(Drain(&pair) == sent);
    Done(&pair);
}

/* If the connection is writable, joined bytes do not make the next write
 * fail. */

static void
TestJoinAtCap(CpPort *portPtr)
{
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpConnSetSendCap(pair.connPtr, 2);
    CpSimFailNth(CP_SIM_TRY_SEND_AGAIN, 1, 1, CP_OK);
    Write(&pair, "a", CP_OK);
    WriteOrJoin(&pair, "b", 1, CP_OK);
    CHECK(Writable(&pair));
    Write(&pair, "c", CP_OK);

    /* A smaller cap applies at once. */
    CpConnSetSendCap(pair.connPtr, 1);
    CHECK(!Writable(&pair));
    CHECK(Stats(&pair).sendPending == 1);
    Settle(&pair);
    CHECK(Drain(&pair) == 3);
    Done(&pair);
}

/* --------------------------------------------------------------- failures */

static void
TestSendError(CpPort *portPtr)
{
    size_t sent;
    Pair pair;

    /* The write itself fails. */
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpSimFailNth(CP_SIM_TRY_SEND_FAIL, 1, 1, CP_ENOBUFS);
    Write(&pair, "x", CP_ENOBUFS);
    Write(&pair, "x", CP_ENOBUFS);
    CHECK_ERROR(CpConnUnreportedError(pair.connPtr), CP_OK);
    ExpectNone(&pair, CP_EAGAIN);
    Done(&pair);

    /* The send fails later. The writer meets the error first, so it is not
     * reported to the reader. */
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpSimFailNth(CP_SIM_SEND_FAIL, 2, 1, CP_ENOBUFS);
    sent = Fill(&pair, 0);
    Settle(&pair);
    CHECK(!Readable(&pair) && Writable(&pair));
    Say(&pair, "hello");
    Expect(&pair, "hello");
    ExpectNone(&pair, CP_EAGAIN);
    CHECK(Drain(&pair) < sent); /* Nothing behind the gap. */
    Done(&pair);

    /* Nobody writes after the failure. It is reported to the reader once, to a
     * writer each time. */
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpSimFailNth(CP_SIM_TRY_SEND_AGAIN, 1, 100, CP_OK);
    CpSimFailNth(CP_SIM_SEND_FAIL, 1, 1, CP_ENOBUFS);
    Write(&pair, "x", CP_OK);
    WriteOrJoin(&pair, "x", 1, CP_OK);
    Settle(&pair);
    CHECK_ERROR(CpConnUnreportedError(pair.connPtr), CP_ENOBUFS);
    CHECK(Readable(&pair));
    ExpectNone(&pair, CP_ENOBUFS);
    ExpectNone(&pair, CP_EAGAIN);
    CHECK_ERROR(CpConnUnreportedError(pair.connPtr), CP_OK);
    Write(&pair, "x", CP_ENOBUFS);
    Done(&pair);

    /* If nothing reported it before, the close does. */
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpSimFailNth(CP_SIM_TRY_SEND_AGAIN, 1, 100, CP_OK);
    CpSimFailNth(CP_SIM_SEND_FAIL_SUBMIT, 1, 1, CP_ENOMEM);
    Write(&pair, "x", CP_OK);
    Settle(&pair);
    CHECK_ERROR(CpConnUnreportedError(pair.connPtr), CP_ENOMEM);
    Done(&pair);
}

/* After a failed send, the peer gets a reset instead of the end of file. */

static void
TestBrokenEnd(CpPort *portPtr)
{
    unsigned i;

    /* The close comes before or after the failure, with or without an
     * outstanding receive. */
    for (i = 0; i < 4; i++) {
        Pair pair;

        Open(&pair, portPtr, CP_RECV_ADAPTIVE);
        CpConnWatchRead(pair.connPtr, i & 1);
        FailSend(CP_SIM_SEND_FAIL, CP_ENOBUFS);
        Write(&pair, "x", CP_OK);
        if (i & 2) {
            Settle(&pair);
        }
        CloseConn(&pair);
        Settle(&pair);
        CHECK(CpSimPeerIsReset(pair.peerPtr));
        Done(&pair);
    }

    /* A half-close sends no end of file either. */
    for (i = 0; i < 2; i++) {
        Pair pair;

        Open(&pair, portPtr, CP_RECV_ADAPTIVE);
        FailSend(CP_SIM_SEND_FAIL, CP_ENOBUFS);
        Write(&pair, "x", CP_OK);
        if (i == 1) {
            Settle(&pair);
        }
        CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_WRITE),
            i == 1 ? CP_ENOBUFS : CP_OK);
        Settle(&pair);
        CHECK(!CpSimPeerEof(pair.peerPtr));
        CHECK(!CpSimPeerIsReset(pair.peerPtr));
        CHECK_ERROR(CpConnUnreportedError(pair.connPtr),
            i == 1 ? CP_OK : CP_ENOBUFS);
        CloseConn(&pair);
        Settle(&pair);
        CHECK(CpSimPeerIsReset(pair.peerPtr));
        Done(&pair);
    }
}

/* If a port completes a send with too few bytes, this is an error, and the peer
 * gets no end of file. */

static void
TestShortSend(CpPort *portPtr)
{
    unsigned i;

    for (i = 0; i < 2; i++) {
        Pair pair;

        Open(&pair, portPtr, CP_RECV_ADAPTIVE);
        CpSimFailNth(CP_SIM_TRY_SEND_AGAIN, 1, 1, CP_OK);
        CpSimBreakSend();
        Write(&pair, "xyz", CP_OK);
        if (i == 1) {
            Settle(&pair);
            CHECK_ERROR(CpConnUnreportedError(pair.connPtr), CP_ECONNABORTED);
            Write(&pair, "x", CP_ECONNABORTED);
        }
        CloseConn(&pair);
        Settle(&pair);
        CHECK(CpSimPeerIsReset(pair.peerPtr));
        Done(&pair);
    }
}

/* After a reset by the peer, writes fail, and reads return the end of file. */

static void
TestResetWhileSending(CpPort *portPtr)
{
    Pair pair;

    OpenWatched(&pair, portPtr, CP_RECV_ADAPTIVE);
    (void) Fill(&pair, 0);
    PeerReset(&pair);
    Settle(&pair);
    CHECK(Writable(&pair) && Readable(&pair));
    Expect(&pair, "");
    Write(&pair, "x", CP_ECONNRESET);
    Done(&pair);
}

static void
TestSendNoMemory(CpPort *portPtr)
{
    static const char data[100000];
    size_t sent = 65536, bytes;
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CHECK_ERROR(CpConnWrite(pair.connPtr, data, 65536, 0, &bytes), CP_OK);

    /* A smaller buffer is tried. */
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 2, CP_OK);
    CHECK_ERROR(CpConnWrite(pair.connPtr, data, 65536, 0, &bytes), CP_OK);
    CHECK(bytes == 4096);
    sent += bytes;

    /* There is no memory to join a write. */
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 100, CP_OK);
    CHECK_ERROR(CpConnWrite(pair.connPtr, data, 1, 1, &bytes), CP_EAGAIN);

    /* There is no memory at all. An outstanding send will free some. */
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 100, CP_OK);
    CHECK_ERROR(CpConnWrite(pair.connPtr, data, 65536, 0, &bytes), CP_EAGAIN);
    CHECK(Drain(&pair) == sent);
    CHECK_ERROR(CpConnWrite(pair.connPtr, data, 65536, 0, &bytes), CP_OK);
    CHECK_ERROR(CpConnWrite(pair.connPtr, data, 65536, 0, &bytes), CP_ENOMEM);
    Done(&pair);
}

static const CheckCase cases[] = {
    {"shutdown-write", TestShutdownWrite},
    {"send-cap", TestSendCap},
    {"join", TestJoin},
    {"join-at-cap", TestJoinAtCap},
    {"send-error", TestSendError},
    {"broken-end", TestBrokenEnd},
    {"short-send", TestShortSend},
    {"reset-while-sending", TestResetWhileSending},
    {"send-no-memory", TestSendNoMemory},
};

CHECK_MAIN(cases)
