/*
 * sendTest.c --
 *
 *      Sending over the simulated port: the cap, joined writes, the end of the
 *      stream, and failures.
 */

#include "cpBuf.h"
#include "pair.h"

/* The end of file follows all that was written. */

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

    /* A cap of 0: what the system takes at once, and no more. */
    CpConnSetSendCap(pair.connPtr, 0);
    sent = Fill(&pair, 0);
    CHECK(sent == 65536 && Stats(&pair).sendPending == 0);
    Done(&pair);
}

/* Small writes behind a send are joined, and keep their order. */

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

    /* Until a buffer of joined ones is full. */
    sent = Fill(&pair, 1);
    CHECK(sent >= UINT64_C(3) * CP_SEND_BYTES_MAX);
    CHECK(Drain(&pair) == sent);
    Done(&pair);
}

/* A writer that was told it can write is not refused for what is joined. */

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

    /* And a cap that was made smaller holds. */
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

    /* At once. */
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpSimFailNth(CP_SIM_TRY_SEND_FAIL, 1, 1, CP_ENOBUFS);
    Write(&pair, "x", CP_ENOBUFS);
    Write(&pair, "x", CP_ENOBUFS);
    CHECK_ERROR(CpConnUnreportedError(pair.connPtr), CP_OK);
    ExpectNone(&pair, CP_EAGAIN);
    Done(&pair);

    /* Later, where the writer meets it first: the reader need not know. */
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

    /* And where nobody writes: the reader is told once, the writer always. */
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

    /* By the close, where nobody asked before. */
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpSimFailNth(CP_SIM_TRY_SEND_AGAIN, 1, 100, CP_OK);
    CpSimFailNth(CP_SIM_SEND_FAIL_SUBMIT, 1, 1, CP_ENOMEM);
    Write(&pair, "x", CP_OK);
    Settle(&pair);
    CHECK_ERROR(CpConnUnreportedError(pair.connPtr), CP_ENOMEM);
    Done(&pair);
}

/* A stream that lacks its end is not ended: its peer is reset. */

static void
TestBrokenEnd(CpPort *portPtr)
{
    unsigned i;

    /* With the connection closed before or after; with or without a receive
     * that is outstanding then. */
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

    /* And no half-close makes it look whole. */
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

/* A port says that a send is done, and it lacks bytes: an error, and no end
 * that looks whole. */

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

/* A reset peer takes nothing more, and its readers see the end of file. */

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

    /* None for what would be joined. */
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 100, CP_OK);
    CHECK_ERROR(CpConnWrite(pair.connPtr, data, 1, 1, &bytes), CP_EAGAIN);

    /* None at all: what is under way will give its own back. */
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
