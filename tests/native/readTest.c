/*
 * readTest.c --
 *
 *      Reading over the simulated port in each receive mode, and changes
 *      between the modes.
 */

#include "pair.h"

/* -------------------------------------------------------------- each mode */

static void
TestRead(CpPort *portPtr)
{
    unsigned i;

    for (i = 0; i < MODE_COUNT; i++) {
        Pair pair;

        Open(&pair, portPtr, modes[i]);
        CHECK(!Readable(&pair));
        CpConnWatchRead(pair.connPtr, 1);
        CHECK(Stats(&pair).recvPending == 1);
        Settle(&pair);
        CHECK(!Readable(&pair) && pair.notified == 0);
        Say(&pair, "hello");
        CHECK(Readable(&pair) && pair.notified > 0);
        Expect(&pair, "hello");
        Settle(&pair);
        CHECK(!Readable(&pair));
        ExpectNone(&pair, CP_EAGAIN);
        CpSimPeerShutdown(pair.peerPtr);
        CpConnSubmitRecv(pair.connPtr);
        Settle(&pair);
        CHECK(Readable(&pair));
        Expect(&pair, "");
        Expect(&pair, "");
        CHECK(Readable(&pair) && Writable(&pair));
        CHECK(Stats(&pair).bytesIn == 5 && Stats(&pair).recvPending == 0);
        Done(&pair);
    }
}

/* Without a watch no receive is submitted, but a read finds the data. */

static void
TestReadUnwatched(CpPort *portPtr)
{
    unsigned i;

    for (i = 0; i < MODE_COUNT; i++) {
        Pair pair;

        Open(&pair, portPtr, modes[i]);
        Say(&pair, "hello");
        CHECK(Stats(&pair).recvPending == 0 && !Readable(&pair));
        Expect(&pair, "hello");
        Done(&pair);
    }
}

/* If a read takes the bytes while a zero-byte receive is outstanding, its
 * completion does not make the connection readable. */

static void
TestStaleZeroByte(CpPort *portPtr)
{
    Pair pair;

    OpenWatched(&pair, portPtr, CP_RECV_ZERO_BYTE);
    PeerSend(&pair, "hello");
    Expect(&pair, "hello");
    Settle(&pair);
    CHECK(!Readable(&pair) && Stats(&pair).recvPending == 1);
    Say(&pair, "again");
    CHECK(Readable(&pair));
    Expect(&pair, "again");
    Done(&pair);
}

/* The same if a buffer takes the bytes, because the mode changes and changes
 * back. */

static void
TestStaleZeroByteOfBuffers(CpPort *portPtr)
{
    Pair pair;

    OpenWatched(&pair, portPtr, CP_RECV_ZERO_BYTE);
    CpConnSetRecvMode(pair.connPtr, CP_RECV_FLOW_CONTROLLED);
    CHECK(Stats(&pair).recvPending == 2);

    /* The buffer's completion overtakes that of the zero-byte receive. */
    CpSimFailNth(CP_SIM_LATE, 1, 1, CP_OK);
    PeerSend(&pair, "hello");
    CHECK(CpPortReap(portPtr, 0) == 1);
    CpConnWatchRead(pair.connPtr, 0);
    Expect(&pair, "hello");
    CpConnSetRecvMode(pair.connPtr, CP_RECV_ZERO_BYTE);
    CpConnWatchRead(pair.connPtr, 1);
    Settle(&pair);
    CHECK(!Readable(&pair));
    ExpectNone(&pair, CP_EAGAIN);
    Done(&pair);
}

/* If a zero-byte receive of an earlier mode finds bytes, the next read gets
 * them. */

static void
TestZeroByteOfEarlierMode(CpPort *portPtr)
{
    Pair pair;

    OpenWatched(&pair, portPtr, CP_RECV_ZERO_BYTE);
    CpConnWatchRead(pair.connPtr, 0);
    CpConnSetRecvMode(pair.connPtr, CP_RECV_FLOW_CONTROLLED);
    Say(&pair, "hello");
    CHECK(Readable(&pair));
    CpSimFailNth(CP_SIM_LATE, 1, 1, CP_OK);
    Expect(&pair, "hello");
    Done(&pair);
}

/* A buffer that comes back empty before the end of file hides no bytes. */

static void
TestFalseEnd(CpPort *portPtr)
{
    static char data[300000], got[sizeof(data) + 1];
    unsigned i;

    memset(data, 'x', sizeof(data));
    for (i = 2; i < MODE_COUNT; i++) {
        size_t have = 0, sent = 0, bytes = 1;
        Pair pair;

        OpenWatched(&pair, portPtr, modes[i]);
        while (sent < sizeof(data) || bytes > 0) {
            sent += CpSimPeerSend(pair.peerPtr, data, sizeof(data) - sent);
            if (sent == sizeof(data) && !pair.ended) {
                CpSimPeerShutdown(pair.peerPtr);
                CpSimFailNth(CP_SIM_RECV_FALSE_END, 1, 3, CP_OK);
                pair.ended = 1;
            }
            Settle(&pair);
            CHECK(Readable(&pair));
            bytes = Read(&pair, got, sizeof(got));
            have += bytes;
        }
        CHECK(have == sizeof(data));
        Expect(&pair, "");
        Done(&pair);
    }
}

/* -------------------------------------------------------- growing buffers */

/* Full buffers make the next ones larger, then more numerous. Then unread data
 * stops the peer. */

static void
TestBurst(CpPort *portPtr)
{
    static char data[65536];
    size_t sent = 0, got = 0, bytes;
    Pair pair;
    int i;

    CpSimSetWindow(65536);
    OpenWatched(&pair, portPtr, CP_RECV_BURST_DETECTION);
    for (i = 0; i < 1000; i++) {
        size_t length = CpSimPeerSend(pair.peerPtr, data, sizeof(data));

        sent += length;
        Settle(&pair);
        CHECK(Stats(&pair).recvBuffered <= UINT64_C(16) * 65536);
        if (i < 40) {
            bytes = Read(&pair, data, sizeof(data));
            got += bytes;
        } else if (length == 0) {
            break;
        }
    }
    CHECK(i < 1000 && Stats(&pair).recvBuffered > UINT64_C(15) * 65536);
    while (got < sent) {
        bytes = Read(&pair, data, sizeof(data));
        CHECK(bytes > 0);
        got += bytes;
        Settle(&pair);
    }
    Say(&pair, "end");
    Expect(&pair, "end");
    Settle(&pair);
    Say(&pair, "burst over");
    Expect(&pair, "burst over");
    Done(&pair);
}

/* The limits of a burst hold, in buffers and in bytes. Raising them later takes
 * effect; lowering them loses nothing. */

static void
TestBurstLimits(CpPort *portPtr)
{
    static const struct {
        CpBurst burst;
        unsigned mostBytes; /* That a fast peer fills. */
    } cases[] = {{{1, CP_BURST_UNITS_MAX}, 65536},
        {{4, CP_BURST_UNITS_MAX}, 4 * 65536},
        {{7, CP_BURST_UNITS_MAX}, 4 * 65536}, {{16, 1}, 4096},
        {{16, 2}, 2 * 4096}, {{16, 4}, 16384}, {{16, 30}, 65536},
        {{16, 32}, 2 * 65536}, {{2, 1}, 4096},
        {{16, CP_BURST_UNITS_MAX}, 16 * 65536}, {{1, 1}, 4096}};
    static char data[65536];
    size_t sent = 0, got = 0;
    unsigned i, j;
    Pair pair;

    CpSimSetWindow(65536);
    OpenWatched(&pair, portPtr, CP_RECV_BURST_DETECTION);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CpConnSetBurst(pair.connPtr, cases[i].burst);
        CHECK(CpConnBurst(pair.connPtr).bufs == cases[i].burst.bufs);
        CHECK(CpConnBurst(pair.connPtr).units == cases[i].burst.units);
        while (got < sent) {
            got += Read(&pair, data, sizeof(data));
            Settle(&pair);
        }
        for (j = 0; j < 100; j++) {
            sent += CpSimPeerSend(pair.peerPtr, data, sizeof(data));
            Settle(&pair);
            CHECK(Stats(&pair).recvBuffered <= cases[i].mostBytes);
            CHECK(Stats(&pair).recvPending <= cases[i].burst.bufs);
            if (j < 60) {
                got += Read(&pair, data, sizeof(data));
            }
        }
        CHECK(2 * Stats(&pair).recvBuffered > cases[i].mostBytes);
    }
    while (got < sent) {
        got += Read(&pair, data, sizeof(data));
        Settle(&pair);
    }
    Done(&pair);
}

/* There is one buffer at a time. It grows. */

static void
TestFlow(CpPort *portPtr)
{
    static char data[65536];
    unsigned i;
    Pair pair;

    OpenWatched(&pair, portPtr, CP_RECV_FLOW_CONTROLLED);
    for (i = 0; i < 10; i++) {
        (void) CpSimPeerSend(pair.peerPtr, data, sizeof(data));
        Settle(&pair);
        CHECK(Stats(&pair).recvBuffered <= CP_RECV_BYTES_MAX);
        (void) Read(&pair, data, sizeof(data));
        CHECK(Stats(&pair).recvPending == 1);
        Settle(&pair);
    }
    CHECK(Stats(&pair).recvBuffered == CP_RECV_BYTES_MAX);
    Done(&pair);
}

/* -------------------------------------------------------- changes of mode */

/* A change of mode loses no bytes. */

static void
TestChangeMode(CpPort *portPtr)
{
    unsigned from, to;

    for (from = 0; from < MODE_COUNT; from++) {
        for (to = 0; to < MODE_COUNT; to++) {
            Pair pair;

            OpenWatched(&pair, portPtr, modes[from]);
            Settle(&pair);
            PeerSend(&pair, "one");
            CpConnSetRecvMode(pair.connPtr, modes[to]);
            Settle(&pair);
            CHECK(Readable(&pair));
            Say(&pair, "two");
            ExpectParts(&pair, "onetwo");
            CpConnWatchRead(pair.connPtr, 1);
            CpConnSetRecvMode(pair.connPtr, modes[from]);
            Settle(&pair);
            CHECK(!Readable(&pair));
            Say(&pair, "three");
            Expect(&pair, "three");
            Done(&pair);
        }
    }
}

/* After a change of mode has cancelled receives, others are submitted. */

static void
TestChangeModeIdle(CpPort *portPtr)
{
    unsigned from, to;

    for (from = 0; from < MODE_COUNT; from++) {
        for (to = 0; to < MODE_COUNT; to++) {
            Pair pair;

            OpenWatched(&pair, portPtr, modes[from]);
            CpConnSetRecvMode(pair.connPtr, modes[to]);
            Settle(&pair);
            CHECK(Stats(&pair).recvPending >= 1);
            Say(&pair, "hello");
            CHECK(Readable(&pair));
            Expect(&pair, "hello");

            /* A read that empties a buffer submits the next one. */
            if (modes[to] == CP_RECV_FLOW_CONTROLLED
                || modes[to] == CP_RECV_BURST_DETECTION) {
                CHECK(Stats(&pair).recvPending == 1);
            }
            Done(&pair);
        }
    }
}

/* A cancelled receive may have got bytes. */

static void
TestChangeModeLate(CpPort *portPtr)
{
    Pair pair;

    CpSimSetFault(CP_SIM_CANCEL_LATE, 1000);
    OpenWatched(&pair, portPtr, CP_RECV_FLOW_CONTROLLED);
    CpConnSetRecvMode(pair.connPtr, CP_RECV_ADAPTIVE);
    Say(&pair, "late");
    CHECK(Readable(&pair));
    Expect(&pair, "late");
    CpConnWatchRead(pair.connPtr, 1);
    Settle(&pair);
    CHECK(!Readable(&pair));
    Say(&pair, "more");
    CHECK(Readable(&pair));
    ExpectParts(&pair, "more");
    Done(&pair);
}

/* Without memory for a buffer, a zero-byte receive is submitted. */

static void
TestNoBuffer(CpPort *portPtr)
{
    Pair pair;

    Open(&pair, portPtr, CP_RECV_FLOW_CONTROLLED);
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 1000, CP_OK);
    CpConnWatchRead(pair.connPtr, 1);
    CHECK(Stats(&pair).recvPending == 1);
    Say(&pair, "hello");
    CHECK(Readable(&pair));
    Expect(&pair, "hello");
    CpSimFailNth(CP_SIM_NO_MEMORY, 0, 0, CP_OK);
    CpConnWatchRead(pair.connPtr, 1);
    Say(&pair, "again");
    Expect(&pair, "again");
    Done(&pair);
}

/* ----------------------------------------------------------------- errors */

static void
TestResetWhileReading(CpPort *portPtr)
{
    unsigned i;

    for (i = 0; i < MODE_COUNT; i++) {
        Pair pair;

        OpenWatched(&pair, portPtr, modes[i]);
        PeerReset(&pair);
        Settle(&pair);
        CHECK(Readable(&pair));
        Expect(&pair, ""); /* As with the core's driver. */
        Done(&pair);

        Open(&pair, portPtr, modes[i]);
        PeerReset(&pair);
        CpSimAdvance(0);
        Expect(&pair, "");
        Expect(&pair, "");
        Done(&pair);
    }
}

/* Any other failure of a receive is reported to each read. */

static void
TestRecvError(CpPort *portPtr)
{
    static const CpSimFault kinds[] = {CP_SIM_RECV_FAIL_SUBMIT,
        CP_SIM_RECV_FAIL};
    unsigned i, kind;

    for (i = 0; i < MODE_COUNT; i++) {
        Pair pair;

        for (kind = 0; kind < 2; kind++) {
            Open(&pair, portPtr, modes[i]);
            CpSimFailNth(kinds[kind], 1, 1, CP_ETIMEDOUT);
            CpConnWatchRead(pair.connPtr, 1);
            Say(&pair, "hello");
            CHECK(Readable(&pair));
            Expect(&pair, "hello");
            CHECK(Readable(&pair));
            ExpectNone(&pair, CP_ETIMEDOUT);
            ExpectNone(&pair, CP_ETIMEDOUT);
            Done(&pair);
        }
    }
    for (i = 0; i < 2; i++) {
        Pair pair;

        Open(&pair, portPtr, modes[i]);
        CpSimFailNth(CP_SIM_TRY_RECV_FAIL, 1, 1, CP_ENOBUFS);
        ExpectNone(&pair, CP_ENOBUFS);
        ExpectNone(&pair, CP_ENOBUFS);
        CHECK(Readable(&pair));
        Done(&pair);
    }
}

static const CheckCase cases[] = {
    {"read", TestRead},
    {"read-unwatched", TestReadUnwatched},
    {"stale-zero-byte", TestStaleZeroByte},
    {"stale-zero-byte-of-buffers", TestStaleZeroByteOfBuffers},
    {"zero-byte-of-earlier-mode", TestZeroByteOfEarlierMode},
    {"false-end", TestFalseEnd},
    {"burst", TestBurst},
    {"burst-limits", TestBurstLimits},
    {"flow", TestFlow},
    {"change-mode", TestChangeMode},
    {"change-mode-idle", TestChangeModeIdle},
    {"change-mode-late", TestChangeModeLate},
    {"no-buffer", TestNoBuffer},
    {"reset-while-reading", TestResetWhileReading},
    {"recv-error", TestRecvError},
};

CHECK_MAIN(cases)
