/*
 * connTest.c --
 *
 *      Connections over the simulated port: each receive mode, both
 *      directions' ends, closes and errors.
 */

#include "cpBuf.h"
#include "pair.h"

#include <stdlib.h>

/* ---------------------------------------------------------- receiving */

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

/* Without a watch nothing is posted, and a read finds what there is. */

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

/* A probe that was outstanding while bytes were taken says nothing. */

static void
TestStaleProbe(CpPort *portPtr)
{
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ZERO_BYTE);
    CpConnWatchRead(pair.connPtr, 1);
    CHECK(CpSimPeerSend(pair.peerPtr, "hello", 5) == 5);
    Expect(&pair, "hello");
    Settle(&pair);
    CHECK(!Readable(&pair) && Stats(&pair).recvPending == 1);
    Say(&pair, "again");
    CHECK(Readable(&pair));
    Expect(&pair, "again");
    Done(&pair);
}

/* The same where buffers take them: its mode comes and goes. */

static void
TestStaleProbeOfBuffers(CpPort *portPtr)
{
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ZERO_BYTE);
    CpConnWatchRead(pair.connPtr, 1);
    CpConnSetRecvMode(pair.connPtr, CP_RECV_FLOW_CONTROLLED);
    CHECK(Stats(&pair).recvPending == 2);

    /* The probe's completion is on its way while the buffer's comes. */
    CpSimFailNth(CP_SIM_LATE, 1, 1, CP_OK);
    CHECK(CpSimPeerSend(pair.peerPtr, "hello", 5) == 5);
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

/* What a probe of an earlier mode has found is there for the next read. */

static void
TestProbeOfEarlierMode(CpPort *portPtr)
{
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ZERO_BYTE);
    CpConnWatchRead(pair.connPtr, 1);
    CpConnWatchRead(pair.connPtr, 0);
    CpConnSetRecvMode(pair.connPtr, CP_RECV_FLOW_CONTROLLED);
    Say(&pair, "hello");
    CHECK(Readable(&pair));
    CpSimFailNth(CP_SIM_LATE, 1, 1, CP_OK);
    Expect(&pair, "hello");
    Done(&pair);
}

/* A reader with a small buffer is served from a large one. */

static void
TestReadAhead(CpPort *portPtr)
{
    static char data[50000], large[70000];
    char buf[64];
    size_t bytes;
    Pair pair;

    memset(data, 'x', sizeof(data));
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CHECK(CpSimPeerSend(pair.peerPtr, data, sizeof(data)) == sizeof(data));
    CHECK_ERROR(CpConnRead(pair.connPtr, buf, sizeof(buf), &bytes), CP_OK);
    CHECK(bytes == sizeof(buf) && Readable(&pair));
    CHECK(Stats(&pair).recvBuffered == sizeof(data) - sizeof(buf));

    /* Two of the system's calls serve one large read. */
    CHECK(CpSimPeerSend(pair.peerPtr, data, 100) == 100);
    CHECK_ERROR(CpConnRead(pair.connPtr, large, sizeof(large), &bytes), CP_OK);
    CHECK(bytes == sizeof(data) - sizeof(buf) + 100);
    ExpectNone(&pair, CP_EAGAIN);

    /* With nothing behind it there is no buffer. */
    CHECK(CpSimPeerSend(pair.peerPtr, data, sizeof(buf)) == sizeof(buf));
    CHECK_ERROR(CpConnRead(pair.connPtr, buf, sizeof(buf), &bytes), CP_OK);
    CHECK(bytes == sizeof(buf) && !Readable(&pair));
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == 0);

    /* An end behind it comes after its bytes. */
    CHECK(CpSimPeerSend(pair.peerPtr, data, sizeof(buf)) == sizeof(buf));
    CpSimPeerShutdown(pair.peerPtr);
    CHECK_ERROR(CpConnRead(pair.connPtr, buf, sizeof(buf), &bytes), CP_OK);
    CHECK(bytes == sizeof(buf) && Readable(&pair));
    Expect(&pair, "");
    Done(&pair);
}

/* A byte for the reader, then what is behind it is taken ahead. */

static void
TakeAhead(Pair *pairPtr, size_t bytes)
{
    static char data[CP_BUF_LARGE_BYTES + 1];
    char byte;
    size_t got;

    CHECK(CpSimPeerSend(pairPtr->peerPtr, data, bytes + 1) == bytes + 1);
    CHECK_ERROR(CpConnRead(pairPtr->connPtr, &byte, 1, &got), CP_OK);
}

static void
ReadRest(Pair *pairPtr, size_t expected)
{
    static char data[CP_BUF_LARGE_BYTES];
    size_t bytes;

    CHECK_ERROR(CpConnRead(pairPtr->connPtr, data, sizeof(data), &bytes),
        CP_OK);
    CHECK(bytes == expected);
    CHECK(Stats(pairPtr).recvBuffered == 0);
}

/* The buffer for it is large and kept by the port; little goes into a small
 * one. */

static void
TestLargeBuffer(CpPort *portPtr)
{
    int64_t before;
    Pair pair, other;

    CpSimSetWindow((size_t) 2 * CP_BUF_LARGE_BYTES);
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    Open(&other, portPtr, CP_RECV_ADAPTIVE);
    before = CpStatGet(CP_STAT_MEMORY_BYTES);

    /* Where there is no memory for it, the reader's own has to do. */
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 1, CP_OK);
    TakeAhead(&pair, 100);
    CHECK(Stats(&pair).recvBuffered == 0);
    CHECK(CpPortSpare(portPtr)->memPtr == NULL);
    ReadRest(&pair, 100);

    TakeAhead(&pair, CP_BUF_LARGE_BYTES);
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == CP_BUF_LARGE_BYTES);
    CHECK(Stats(&pair).recvBuffered == CP_BUF_LARGE_BYTES);

    /* Another connection has one of its own, and one is enough to keep. */
    TakeAhead(&other, CP_BUF_LARGE_BYTES / 4 + 1);
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == INT64_C(2) * CP_BUF_LARGE_BYTES);
    CHECK(CpSimPeerSend(other.peerPtr, "behind", 6) == 6);
    ReadRest(&other, CP_BUF_LARGE_BYTES / 4 + 1 + 6);
    ReadRest(&pair, CP_BUF_LARGE_BYTES);
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == 0);
    CHECK(CpPortSpare(portPtr)->memPtr != NULL);
    CHECK(CpStatGet(CP_STAT_MEMORY_BYTES) - before
        == (int64_t) CpPortSpare(portPtr)->sizeBytes);

    TakeAhead(&pair, CP_BUF_LARGE_BYTES / 4);
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == CP_BUF_LARGE_BYTES / 4);
    CHECK(CpPortSpare(portPtr)->memPtr != NULL);
    ReadRest(&pair, CP_BUF_LARGE_BYTES / 4);

    /* Without memory for a small one, it is the large one. */
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 1, CP_OK);
    TakeAhead(&pair, 3);
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == CP_BUF_LARGE_BYTES);
    CHECK(CpPortSpare(portPtr)->memPtr == NULL);
    ReadRest(&pair, 3);
    Done(&other);
    Done(&pair);
}

/* A peer whose bytes are there at once is read without being asked. */

static void
TestQuick(CpPort *portPtr)
{
    static char data[5000], large[8192];
    char buf[3];
    size_t bytes;
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpConnWatchRead(pair.connPtr, 1);
    Say(&pair, "waited for");
    CHECK(Stats(&pair).recvBuffered == strlen("waited for"));
    Expect(&pair, "waited for");
    Say(&pair, "there");
    CpConnWatchRead(pair.connPtr, 1);
    CHECK(Stats(&pair).recvPending == 1);
    Settle(&pair);
    Expect(&pair, "there");

    /* From now on. */
    Say(&pair, "now");
    CpConnWatchRead(pair.connPtr, 1);
    CHECK(Readable(&pair) && Stats(&pair).recvPending == 0);
    CHECK(Stats(&pair).recvBuffered == 3);

    /* What comes a moment later is for the next read... */
    Say(&pair, "later");
    Expect(&pair, "now");
    Expect(&pair, "later");

    /* ...but not when a part was read, which makes the rest old. */
    Say(&pair, "abcdef");
    CpConnWatchRead(pair.connPtr, 1);
    CHECK_ERROR(CpConnRead(pair.connPtr, buf, sizeof(buf), &bytes), CP_OK);
    CHECK(bytes == 3 && memcmp(buf, "abc", 3) == 0);
    Say(&pair, "ghi");
    Expect(&pair, "defghi");

    /* A message that is larger than the buffer comes in one read, too. */
    CHECK(CpSimPeerSend(pair.peerPtr, data, sizeof(data)) == sizeof(data));
    CpConnWatchRead(pair.connPtr, 1);
    CHECK(Stats(&pair).recvBuffered == CP_RECV_BYTES_MIN);
    CHECK_ERROR(CpConnRead(pair.connPtr, large, sizeof(large), &bytes), CP_OK);
    CHECK(bytes == sizeof(data));

    Done(&pair);
}

/* Of one that was accepted, what is there is taken without a probe. */

static void
TestSpeaksFirst(CpPort *portPtr)
{
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    Say(&pair, "GET /");
    CpConnWatchRead(pair.connPtr, 1);
    CHECK(Readable(&pair) && Stats(&pair).recvPending == 0);
    CHECK(Stats(&pair).recvBuffered == 5);
    Expect(&pair, "GET /");
    Done(&pair);

    /* From one that is silent there is nothing to be taken. */
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpConnWatchRead(pair.connPtr, 1);
    CHECK(!Readable(&pair) && Stats(&pair).recvPending == 1);
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == 0);
    Done(&pair);
}

/* What was taken a while ago is not all that there is. */

static void
TestAge(CpPort *portPtr)
{
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    Say(&pair, "before");
    CpConnWatchRead(pair.connPtr, 1);
    CHECK(Stats(&pair).recvBuffered == 6);
    Say(&pair, "after");
    CpConnForgetDrained(pair.connPtr);
    Expect(&pair, "beforeafter");
    CpConnForgetDrained(pair.connPtr);
    Done(&pair);
}

/* Where its bytes are not there it is over. */

static void
TestQuickEnds(CpPort *portPtr)
{
    Pair pair;

    /* An idle connection has no buffer. */
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    Say(&pair, "at once");
    CpConnWatchRead(pair.connPtr, 1);
    Settle(&pair);
    Expect(&pair, "at once");
    CpConnWatchRead(pair.connPtr, 1);
    CHECK(Stats(&pair).recvPending == 1);
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == 0);
    Say(&pair, "waited for again");
    CHECK(Readable(&pair));
    Expect(&pair, "waited for again");
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == 0);

    /* Without memory a probe does. */
    Say(&pair, "there again");
    CpConnWatchRead(pair.connPtr, 1);
    Settle(&pair);
    Expect(&pair, "there again");
    Say(&pair, "last");
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 2, CP_OK);
    CpConnWatchRead(pair.connPtr, 1);
    CHECK(Stats(&pair).recvPending == 1);
    Settle(&pair);
    CHECK(Readable(&pair) && Stats(&pair).recvBuffered == 0);
    Expect(&pair, "last");

    /* The end is found as well. */
    CpSimPeerShutdown(pair.peerPtr);
    CpConnWatchRead(pair.connPtr, 1);
    CHECK(Readable(&pair) && Stats(&pair).recvPending == 0);
    Expect(&pair, "");
    Done(&pair);

    /* In a mode without buffers there are none. */
    Open(&pair, portPtr, CP_RECV_ZERO_BYTE);
    Say(&pair, "one");
    CpConnWatchRead(pair.connPtr, 1);
    Settle(&pair);
    Expect(&pair, "one");
    Say(&pair, "two");
    CpConnWatchRead(pair.connPtr, 1);
    CHECK(Stats(&pair).recvPending == 1 && Stats(&pair).recvBuffered == 0);
    Settle(&pair);
    Expect(&pair, "two");
    Done(&pair);
}

/* Buffers that come back empty before the end do not hide what is there. */

static void
TestFalseEnd(CpPort *portPtr)
{
    static char data[300000], got[sizeof(data) + 1];
    unsigned i;

    memset(data, 'x', sizeof(data));
    for (i = 2; i < MODE_COUNT; i++) {
        size_t have = 0, sent = 0, bytes = 1;
        Pair pair;

        Open(&pair, portPtr, modes[i]);
        CpConnWatchRead(pair.connPtr, 1);
        while (sent < sizeof(data) || bytes > 0) {
            sent += CpSimPeerSend(pair.peerPtr, data, sizeof(data) - sent);
            if (sent == sizeof(data) && !pair.ended) {
                CpSimPeerShutdown(pair.peerPtr);
                CpSimFailNth(CP_SIM_RECV_FALSE_END, 1, 3, CP_OK);
                pair.ended = 1;
            }
            Settle(&pair);
            CHECK(Readable(&pair));
            CHECK_ERROR(CpConnRead(pair.connPtr, got, sizeof(got), &bytes),
                CP_OK);
            have += bytes;
        }
        CHECK(have == sizeof(data));
        Expect(&pair, "");
        Done(&pair);
    }
}

/* Full buffers make larger ones, then more; then the peer is stopped. */

static void
TestBurst(CpPort *portPtr)
{
    static char data[65536];
    size_t sent = 0, got = 0, bytes;
    Pair pair;
    int i;

    CpSimSetWindow(65536);
    Open(&pair, portPtr, CP_RECV_BURST_DETECTION);
    CpConnWatchRead(pair.connPtr, 1);
    for (i = 0; i < 1000; i++) {
        size_t length = CpSimPeerSend(pair.peerPtr, data, sizeof(data));

        sent += length;
        Settle(&pair);
        CHECK(Stats(&pair).recvBuffered <= UINT64_C(16) * 65536);
        if (i < 40) {
            CHECK_ERROR(CpConnRead(pair.connPtr, data, sizeof(data), &bytes),
                CP_OK);
            got += bytes;
        } else if (length == 0) {
            break;
        }
    }
    CHECK(i < 1000 && Stats(&pair).recvBuffered > UINT64_C(15) * 65536);
    while (got < sent) {
        CHECK_ERROR(CpConnRead(pair.connPtr, data, sizeof(data), &bytes),
            CP_OK);
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

/* One buffer at a time, which grows and stays one. */

static void
TestFlow(CpPort *portPtr)
{
    static char data[65536];
    size_t bytes;
    unsigned i;
    Pair pair;

    Open(&pair, portPtr, CP_RECV_FLOW_CONTROLLED);
    CpConnWatchRead(pair.connPtr, 1);
    for (i = 0; i < 10; i++) {
        (void) CpSimPeerSend(pair.peerPtr, data, sizeof(data));
        Settle(&pair);
        CHECK(Stats(&pair).recvBuffered <= CP_RECV_BYTES_MAX);
        CHECK_ERROR(CpConnRead(pair.connPtr, data, sizeof(data), &bytes),
            CP_OK);
        CHECK(Stats(&pair).recvPending == 1);
        Settle(&pair);
    }
    CHECK(Stats(&pair).recvBuffered == CP_RECV_BYTES_MAX);
    Done(&pair);
}

/* A change of mode loses nothing. */

static void
TestChangeMode(CpPort *portPtr)
{
    unsigned from, to;

    for (from = 0; from < MODE_COUNT; from++) {
        for (to = 0; to < MODE_COUNT; to++) {
            Pair pair;

            Open(&pair, portPtr, modes[from]);
            CpConnWatchRead(pair.connPtr, 1);
            Settle(&pair);
            CHECK(CpSimPeerSend(pair.peerPtr, "one", 3) == 3);
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

/* What is cancelled for a change of mode is made good. */

static void
TestChangeModeIdle(CpPort *portPtr)
{
    unsigned from, to;

    for (from = 0; from < MODE_COUNT; from++) {
        for (to = 0; to < MODE_COUNT; to++) {
            Pair pair;

            Open(&pair, portPtr, modes[from]);
            CpConnWatchRead(pair.connPtr, 1);
            CpConnSetRecvMode(pair.connPtr, modes[to]);
            Settle(&pair);
            CHECK(Stats(&pair).recvPending >= 1);
            Say(&pair, "hello");
            CHECK(Readable(&pair));
            Expect(&pair, "hello");

            /* A reader that empties a buffer posts the next by itself. */
            if (modes[to] == CP_RECV_FLOW_CONTROLLED
                || modes[to] == CP_RECV_BURST_DETECTION) {
                CHECK(Stats(&pair).recvPending == 1);
            }
            Done(&pair);
        }
    }
}

/* A cancelled buffer may have its bytes after all. */

static void
TestChangeModeLate(CpPort *portPtr)
{
    Pair pair;

    CpSimSetFault(CP_SIM_CANCEL_LATE, 1000);
    Open(&pair, portPtr, CP_RECV_FLOW_CONTROLLED);
    CpConnWatchRead(pair.connPtr, 1);
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

/* Without memory for a buffer a probe stands in. */

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

static void
TestResetWhileReading(CpPort *portPtr)
{
    unsigned i;

    for (i = 0; i < MODE_COUNT; i++) {
        Pair pair;

        Open(&pair, portPtr, modes[i]);
        CpConnWatchRead(pair.connPtr, 1);
        CpSimPeerReset(pair.peerPtr);
        pair.peerPtr = NULL;
        Settle(&pair);
        CHECK(Readable(&pair));
        Expect(&pair, ""); /* As with the core's driver. */
        Done(&pair);

        Open(&pair, portPtr, modes[i]);
        CpSimPeerReset(pair.peerPtr);
        pair.peerPtr = NULL;
        CpSimAdvance(0);
        Expect(&pair, "");
        Expect(&pair, "");
        Done(&pair);
    }
}

/* What else befalls a receive is its reader's to know, again and again. */

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

/* --------------------------------------------------------- half-close */

static void
TestShutdownRead(CpPort *portPtr)
{
    unsigned i;

    for (i = 0; i < MODE_COUNT; i++) {
        Pair pair;

        Open(&pair, portPtr, modes[i]);
        CpConnWatchRead(pair.connPtr, 1);
        CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_READ), CP_OK);
        Settle(&pair);
        CHECK(!Readable(&pair));
        Expect(&pair, "");
        CHECK(Writable(&pair));
        CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_READ), CP_OK);
        Done(&pair);
    }
}

static void
Fill(Pair *pairPtr, int join, size_t *sentPtr)
{
    static const char data[100000];
    size_t bytes;

    while (CpConnWrite(pairPtr->connPtr, data, sizeof(data), join, &bytes)
        == CP_OK) {
        CHECK(bytes > 0);
        *sentPtr += bytes;
    }
}

static size_t
Drain(Pair *pairPtr)
{
    static char buf[10000];
    size_t total = 0, bytes;

    while ((bytes = CpSimPeerRecv(pairPtr->peerPtr, buf, sizeof(buf))) > 0) {
        total += bytes;
        Settle(pairPtr);
    }
    return total;
}

/* The end of file follows all that was written. */

static void
TestShutdownWrite(CpPort *portPtr)
{
    size_t sent = 0, bytes;
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_WRITE), CP_OK);
    CHECK(CpSimPeerEof(pair.peerPtr));
    CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &bytes), CP_EPIPE);
    CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_WRITE), CP_OK);
    Say(&pair, "still there");
    Expect(&pair, "still there");
    Done(&pair);

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    Fill(&pair, 0, &sent);
    CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_WRITE), CP_OK);
    CHECK(!CpSimPeerEof(pair.peerPtr));
    CHECK(Drain(&pair) == sent && CpSimPeerEof(pair.peerPtr));
    Done(&pair);

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpSimFailNth(CP_SIM_SHUTDOWN_FAIL, 1, 1, CP_ENOTCONN);
    CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_READ | CP_WRITE), CP_ENOTCONN);
    Done(&pair);
}

/* ------------------------------------------------------------- sending */

static void
TestSendCap(CpPort *portPtr)
{
    size_t sent = 0;
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CHECK(CpConnSendCap(pair.connPtr) == CP_SEND_CAP_DEFAULT);
    CpConnSetSendCap(pair.connPtr, 2);
    Fill(&pair, 0, &sent);
    CHECK(!Writable(&pair) && CpConnSending(pair.connPtr));
    CHECK(Stats(&pair).sendPending == 2);
    CHECK(Stats(&pair).sendBuffered <= UINT64_C(2) * CP_SEND_BYTES_MAX);
    CHECK(Drain(&pair) == sent);
    CHECK(Writable(&pair) && !CpConnSending(pair.connPtr));
    CHECK(Stats(&pair).bytesOut == sent && Stats(&pair).sendBuffered == 0);

    /* A cap of 0: what the system takes at once, and no more. */
    CpConnSetSendCap(pair.connPtr, 0);
    sent = 0;
    Fill(&pair, 0, &sent);
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
    sent = 0;
    Fill(&pair, 1, &sent);
    CHECK(sent >= UINT64_C(3) * CP_SEND_BYTES_MAX);
    CHECK(Drain(&pair) == sent);
    Done(&pair);
}

/* A writer that was told it can write is not refused for what is joined. */

static void
TestJoinAtCap(CpPort *portPtr)
{
    size_t bytes;
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpConnSetSendCap(pair.connPtr, 2);
    CpSimFailNth(CP_SIM_TRY_SEND_AGAIN, 1, 1, CP_OK);
    CHECK_ERROR(CpConnWrite(pair.connPtr, "a", 1, 0, &bytes), CP_OK);
    CHECK_ERROR(CpConnWrite(pair.connPtr, "b", 1, 1, &bytes), CP_OK);
    CHECK(Writable(&pair));
    CHECK_ERROR(CpConnWrite(pair.connPtr, "c", 1, 0, &bytes), CP_OK);

    /* And a cap that was made smaller holds. */
    CpConnSetSendCap(pair.connPtr, 1);
    CHECK(!Writable(&pair));
    CHECK(Stats(&pair).sendPending == 1);
    Settle(&pair);
    CHECK(Drain(&pair) == 3);
    Done(&pair);
}

static void
TestSendError(CpPort *portPtr)
{
    size_t bytes, sent = 0;
    Pair pair;

    /* At once. */
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpSimFailNth(CP_SIM_TRY_SEND_FAIL, 1, 1, CP_ENOBUFS);
    CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &bytes), CP_ENOBUFS);
    CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &bytes), CP_ENOBUFS);
    CHECK_ERROR(CpConnUnreportedError(pair.connPtr), CP_OK);
    ExpectNone(&pair, CP_EAGAIN);
    Done(&pair);

    /* Later, where the writer meets it first: the reader need not know. */
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpSimFailNth(CP_SIM_SEND_FAIL, 2, 1, CP_ENOBUFS);
    Fill(&pair, 0, &sent);
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
    CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &bytes), CP_OK);
    CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 1, &bytes), CP_OK);
    Settle(&pair);
    CHECK_ERROR(CpConnUnreportedError(pair.connPtr), CP_ENOBUFS);
    CHECK(Readable(&pair));
    ExpectNone(&pair, CP_ENOBUFS);
    ExpectNone(&pair, CP_EAGAIN);
    CHECK_ERROR(CpConnUnreportedError(pair.connPtr), CP_OK);
    CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &bytes), CP_ENOBUFS);
    Done(&pair);

    /* By the close, where nobody asked before. */
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpSimFailNth(CP_SIM_TRY_SEND_AGAIN, 1, 100, CP_OK);
    CpSimFailNth(CP_SIM_SEND_FAIL_SUBMIT, 1, 1, CP_ENOMEM);
    CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &bytes), CP_OK);
    Settle(&pair);
    CHECK_ERROR(CpConnUnreportedError(pair.connPtr), CP_ENOMEM);
    Done(&pair);
}

/* A stream that lacks its end is not ended: its peer is reset. */

static void
TestBrokenEnd(CpPort *portPtr)
{
    size_t bytes;
    unsigned i;

    /* With the connection closed before or after; with or without a receive
     * that is outstanding then. */
    for (i = 0; i < 4; i++) {
        Pair pair;

        Open(&pair, portPtr, CP_RECV_ADAPTIVE);
        CpConnWatchRead(pair.connPtr, i & 1);
        CpSimFailNth(CP_SIM_TRY_SEND_AGAIN, 1, 1, CP_OK);
        CpSimFailNth(CP_SIM_SEND_FAIL, 1, 1, CP_ENOBUFS);
        CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &bytes), CP_OK);
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
        CpSimFailNth(CP_SIM_TRY_SEND_AGAIN, 1, 1, CP_OK);
        CpSimFailNth(CP_SIM_SEND_FAIL, 1, 1, CP_ENOBUFS);
        CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &bytes), CP_OK);
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
    size_t bytes;
    unsigned i;

    for (i = 0; i < 2; i++) {
        Pair pair;

        Open(&pair, portPtr, CP_RECV_ADAPTIVE);
        CpSimFailNth(CP_SIM_TRY_SEND_AGAIN, 1, 1, CP_OK);
        CpSimBreakSend();
        CHECK_ERROR(CpConnWrite(pair.connPtr, "xyz", 3, 0, &bytes), CP_OK);
        if (i == 1) {
            Settle(&pair);
            CHECK_ERROR(CpConnUnreportedError(pair.connPtr), CP_ECONNABORTED);
            CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &bytes),
                CP_ECONNABORTED);
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
    size_t sent = 0, bytes;
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpConnWatchRead(pair.connPtr, 1);
    Fill(&pair, 0, &sent);
    CpSimPeerReset(pair.peerPtr);
    pair.peerPtr = NULL;
    Settle(&pair);
    CHECK(Writable(&pair) && Readable(&pair));
    Expect(&pair, "");
    CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &bytes), CP_ECONNRESET);
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

/* --------------------------------------------------------------- close */

/* All that was written is delivered, and then the end of file. */

static void
TestCloseWithSends(CpPort *portPtr)
{
    unsigned join;

    for (join = 0; join < 2; join++) {
        size_t sent = 0;
        Pair pair;

        Open(&pair, portPtr, CP_RECV_ADAPTIVE);
        CpConnWatchRead(pair.connPtr, 1);
        Fill(&pair, (int) join, &sent);
        CpConnClose(pair.connPtr, Closed, &pair);
        pair.connPtr = NULL;
        Settle(&pair);
        CHECK(!pair.closed);
        CHECK(Drain(&pair) == sent);
        CHECK(pair.closed && CpSimPeerEof(pair.peerPtr));
        Done(&pair);
    }
}

static void
TestCloseIdle(CpPort *portPtr)
{
    unsigned i, late;

    for (i = 0; i < MODE_COUNT; i++) {
        for (late = 0; late < 2; late++) {
            Pair pair;

            Open(&pair, portPtr, modes[i]);
            CpConnWatchRead(pair.connPtr, 1);
            CpSimFailNth(CP_SIM_CANCEL_LATE, late, 1, CP_OK);
            CpConnClose(pair.connPtr, Closed, &pair);
            CHECK(!pair.closed);

            /* The peer need not wait for cancelled receives. */
            CHECK(CpSimPeerEof(pair.peerPtr));
            if (late) {
                CHECK(CpSimPeerSend(pair.peerPtr, "too late", 8) == 8);
            }
            pair.connPtr = NULL;
            Settle(&pair);
            CHECK(pair.closed);
            Done(&pair);
        }
    }
}

static void
TestCloseAtOnce(CpPort *portPtr)
{
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpConnClose(pair.connPtr, Closed, &pair);
    CHECK(pair.closed);
    pair.connPtr = NULL;
    Done(&pair);

    /* Bytes that nobody read are dropped. */
    Open(&pair, portPtr, CP_RECV_FLOW_CONTROLLED);
    CpConnWatchRead(pair.connPtr, 1);
    Say(&pair, "unread");
    CHECK(Stats(&pair).recvBuffered == 6);
    CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_WRITE), CP_OK);
    CloseConn(&pair);
    Done(&pair);
}

static void
TestCloseFailedSends(CpPort *portPtr)
{
    size_t sent = 0, bytes;
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    Fill(&pair, 0, &sent);
    CpConnClose(pair.connPtr, Closed, &pair);
    CpSimPeerReset(pair.peerPtr);
    pair.peerPtr = NULL;
    pair.connPtr = NULL;
    Settle(&pair);
    CHECK(pair.closed);
    Done(&pair);

    /* What was joined is dropped with the send before it. */
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpSimFailNth(CP_SIM_TRY_SEND_AGAIN, 1, 1, CP_OK);
    CpSimFailNth(CP_SIM_SEND_FAIL, 1, 1, CP_ENOBUFS);
    CHECK_ERROR(CpConnWrite(pair.connPtr, "a", 1, 0, &bytes), CP_OK);
    CHECK_ERROR(CpConnWrite(pair.connPtr, "b", 1, 1, &bytes), CP_OK);
    CloseConn(&pair);
    Done(&pair);
}

/* --------------------------------------------------------------- others */

static void
TestMove(CpPort *portPtr)
{
    CpError error;
    CpPort *otherPtr = CpPortNew(CheckNoWake, NULL, &error);
    unsigned i;

    for (i = 0; i < MODE_COUNT; i++) {
        Pair pair;

        Open(&pair, portPtr, modes[i]);
        CpConnWatchRead(pair.connPtr, 1);
        CHECK(CpSimPeerSend(pair.peerPtr, "moved", 5) == 5);
        CpSimAdvance(0);
        CpConnMove(pair.connPtr, NULL);
        CHECK(CpPortReap(portPtr, 0) == 0);
        CpConnMove(pair.connPtr, otherPtr);
        CHECK(CpPortReap(otherPtr, 0) == 1);
        CHECK(Readable(&pair));
        Expect(&pair, "moved");
        CpConnMove(pair.connPtr, NULL);
        CpConnMove(pair.connPtr, portPtr);
        Done(&pair);
    }
    CpPortRelease(otherPtr);
}

static void
TestOptions(CpPort *portPtr)
{
    int value;
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CHECK(CpConnHandle(pair.connPtr) != NULL);
    CHECK(CpConnGetState(pair.connPtr) == CP_CONN_OPEN);
    CHECK(!CpConnResolving(pair.connPtr));
    CHECK(CpConnDialMessage(pair.connPtr) == NULL);
    CHECK_ERROR(CpConnTakeError(pair.connPtr), CP_OK);
    CHECK_ERROR(CpConnSetOpt(pair.connPtr, CP_OPT_NODELAY, 1), CP_OK);
    CHECK_ERROR(CpConnGetOpt(pair.connPtr, CP_OPT_NODELAY, &value), CP_OK);
    CHECK(value == 1);
    Done(&pair);
}

static void
TestErrorNames(CpPort *portPtr)
{
    int error;

    (void) portPtr;
    CHECK(strcmp(CpErrorName(CP_OK), "OK") == 0);
    for (error = CP_OK + 1; error < CP_ERROR_COUNT; error++) {
        CHECK(CpErrorName((CpError) error)[0] == 'E');
    }
}

static void
TestNoMemory(CpPort *portPtr)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    CpHandle *handlePtr;

    CHECK_ERROR(CpHandleOpen(portPtr, &addr, &handlePtr), CP_OK);
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 1, CP_OK);
    CHECK(CpConnAccepted(portPtr, handlePtr, Notify, NULL) == NULL);
    CpHandleClose(handlePtr);
}

static const CheckCase cases[] = {
    {"read", TestRead},
    {"read-unwatched", TestReadUnwatched},
    {"stale-probe", TestStaleProbe},
    {"stale-probe-of-buffers", TestStaleProbeOfBuffers},
    {"probe-of-earlier-mode", TestProbeOfEarlierMode},
    {"false-end", TestFalseEnd},
    {"read-ahead", TestReadAhead},
    {"large-buffer", TestLargeBuffer},
    {"quick", TestQuick},
    {"speaks-first", TestSpeaksFirst},
    {"age", TestAge},
    {"quick-ends", TestQuickEnds},
    {"burst", TestBurst},
    {"flow", TestFlow},
    {"change-mode", TestChangeMode},
    {"change-mode-idle", TestChangeModeIdle},
    {"change-mode-late", TestChangeModeLate},
    {"no-buffer", TestNoBuffer},
    {"reset-while-reading", TestResetWhileReading},
    {"recv-error", TestRecvError},
    {"shutdown-read", TestShutdownRead},
    {"shutdown-write", TestShutdownWrite},
    {"send-cap", TestSendCap},
    {"join", TestJoin},
    {"join-at-cap", TestJoinAtCap},
    {"send-error", TestSendError},
    {"broken-end", TestBrokenEnd},
    {"short-send", TestShortSend},
    {"reset-while-sending", TestResetWhileSending},
    {"send-no-memory", TestSendNoMemory},
    {"close-with-sends", TestCloseWithSends},
    {"close-idle", TestCloseIdle},
    {"close-at-once", TestCloseAtOnce},
    {"close-failed-sends", TestCloseFailedSends},
    {"move", TestMove},
    {"options", TestOptions},
    {"error-names", TestErrorNames},
    {"no-memory", TestNoMemory},
};

CHECK_MAIN(cases)
