/*
 * readAheadTest.c --
 *
 *      Adaptive mode over the simulated port: it reads ahead of small reads,
 *      and receives without waiting where data is likely.
 */

#include "cpBuf.h"
#include "pair.h"

/* ------------------------------------------------ more than was asked for */

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
    PeerSendBytes(&pair, data, sizeof(data));
    bytes = Read(&pair, buf, sizeof(buf));
    CHECK(bytes == sizeof(buf) && Readable(&pair));
    CHECK(Stats(&pair).recvBuffered == sizeof(data) - sizeof(buf));

    /* Two of the system's calls serve one large read. */
    PeerSendBytes(&pair, data, 100);
    bytes = Read(&pair, large, sizeof(large));
    CHECK(bytes == sizeof(data) - sizeof(buf) + 100);
    ExpectNone(&pair, CP_EAGAIN);

    /* With nothing behind it there is no buffer. */
    PeerSendBytes(&pair, data, sizeof(buf));
    bytes = Read(&pair, buf, sizeof(buf));
    CHECK(bytes == sizeof(buf) && !Readable(&pair));
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == 0);

    /* An end behind it comes after its bytes. */
    PeerSendBytes(&pair, data, sizeof(buf));
    CpSimPeerShutdown(pair.peerPtr);
    bytes = Read(&pair, buf, sizeof(buf));
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

    PeerSendBytes(pairPtr, data, bytes + 1);
    CHECK_ERROR(CpConnRead(pairPtr->connPtr, &byte, 1, &got), CP_OK);
}

static void
ReadRest(Pair *pairPtr, size_t expected)
{
    static char data[CP_BUF_LARGE_BYTES];
    size_t bytes;

    bytes = Read(pairPtr, data, sizeof(data));
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
    PeerSend(&other, "behind");
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

/* ------------------------------------------ before anything was asked for */

/* A peer whose bytes are there at once is read without being asked. */

static void
TestDataLikely(CpPort *portPtr)
{
    static char data[5000], large[8192];
    char buf[3];
    size_t bytes;
    Pair pair;

    OpenWatched(&pair, portPtr, CP_RECV_ADAPTIVE);
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
    bytes = Read(&pair, buf, sizeof(buf));
    CHECK(bytes == 3 && memcmp(buf, "abc", 3) == 0);
    Say(&pair, "ghi");
    Expect(&pair, "defghi");

    /* A message that is larger than the buffer comes in one read, too. */
    PeerSendBytes(&pair, data, sizeof(data));
    CpConnWatchRead(pair.connPtr, 1);
    CHECK(Stats(&pair).recvBuffered == CP_RECV_BYTES_MIN);
    bytes = Read(&pair, large, sizeof(large));
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
    OpenWatched(&pair, portPtr, CP_RECV_ADAPTIVE);
    CHECK(!Readable(&pair) && Stats(&pair).recvPending == 1);
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == 0);
    Done(&pair);
}

/* What was taken a while ago is not all that there is. */

static void
TestForgetDrained(CpPort *portPtr)
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
TestDataUnlikely(CpPort *portPtr)
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

static const CheckCase cases[] = {
    {"read-ahead", TestReadAhead},
    {"large-buffer", TestLargeBuffer},
    {"data-likely", TestDataLikely},
    {"speaks-first", TestSpeaksFirst},
    {"forget-drained", TestForgetDrained},
    {"data-unlikely", TestDataUnlikely},
};

CHECK_MAIN(cases)
