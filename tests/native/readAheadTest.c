/*
 * readAheadTest.c --
 *
 *      Adaptive mode over the simulated port: it reads ahead of small reads,
 *      and receives without waiting where data is likely.
 */

#include "cpBuf.h"
#include "pair.h"

/* ------------------------------------------------ more than was asked for */

/* The driver receives into a large buffer, and serves small reads from it. */

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

    /* A large read may take two system calls. */
    PeerSendBytes(&pair, data, 100);
    bytes = Read(&pair, large, sizeof(large));
    CHECK(bytes == sizeof(data) - sizeof(buf) + 100);
    ExpectNone(&pair, CP_EAGAIN);

    /* If nothing follows the bytes that were read, no buffer is kept. */
    PeerSendBytes(&pair, data, sizeof(buf));
    bytes = Read(&pair, buf, sizeof(buf));
    CHECK(bytes == sizeof(buf) && !Readable(&pair));
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == 0);

    /* The end of file comes after the bytes. */
    PeerSendBytes(&pair, data, sizeof(buf));
    CpSimPeerShutdown(pair.peerPtr);
    bytes = Read(&pair, buf, sizeof(buf));
    CHECK(bytes == sizeof(buf) && Readable(&pair));
    Expect(&pair, "");
    Done(&pair);
}

/* The peer sends this many bytes and one more, and the reader takes one. The
 * driver reads the others ahead. */

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

/* The buffer is large, and the port keeps it. A few bytes move to a small
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

    /* Without memory for it, only the reader's own buffer is filled. */
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 1, CP_OK);
    TakeAhead(&pair, 100);
    CHECK(Stats(&pair).recvBuffered == 0);
    CHECK(CpPortSpare(portPtr)->memPtr == NULL);
    ReadRest(&pair, 100);

    TakeAhead(&pair, CP_BUF_LARGE_BYTES);
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == CP_BUF_LARGE_BYTES);
    CHECK(Stats(&pair).recvBuffered == CP_BUF_LARGE_BYTES);

    /* Another connection gets its own buffer. The port keeps one of the two. */
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

    /* Without memory for a small buffer, the bytes stay in the large one. */
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 1, CP_OK);
    TakeAhead(&pair, 3);
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == CP_BUF_LARGE_BYTES);
    CHECK(CpPortSpare(portPtr)->memPtr == NULL);
    ReadRest(&pair, 3);
    Done(&other);
    Done(&pair);
}

/* ------------------------------------------ before anything was asked for */

/* If the bytes were there at once the last time, the driver receives before a
 * read asks for them. */

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

    /* Data is likely from now on. */
    Say(&pair, "now");
    CpConnWatchRead(pair.connPtr, 1);
    CHECK(Readable(&pair) && Stats(&pair).recvPending == 0);
    CHECK(Stats(&pair).recvBuffered == 3);

    /* Bytes that come a moment later are left to the next read... */
    Say(&pair, "later");
    Expect(&pair, "now");
    Expect(&pair, "later");

    /* ...unless a read has taken a part: then the system is asked again. */
    Say(&pair, "abcdef");
    CpConnWatchRead(pair.connPtr, 1);
    bytes = Read(&pair, buf, sizeof(buf));
    CHECK(bytes == 3 && memcmp(buf, "abc", 3) == 0);
    Say(&pair, "ghi");
    Expect(&pair, "defghi");

    /* One read also returns a message that is larger than the buffer. */
    PeerSendBytes(&pair, data, sizeof(data));
    CpConnWatchRead(pair.connPtr, 1);
    CHECK(Stats(&pair).recvBuffered == CP_RECV_BYTES_MIN);
    bytes = Read(&pair, large, sizeof(large));
    CHECK(bytes == sizeof(data));

    Done(&pair);
}

/* After an accept, the first bytes are received without a zero-byte receive. */

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

    /* If the client is silent, a zero-byte receive is submitted. */
    OpenWatched(&pair, portPtr, CP_RECV_ADAPTIVE);
    CHECK(!Readable(&pair) && Stats(&pair).recvPending == 1);
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == 0);
    Done(&pair);
}

/* After CpConnForgetDrained, a read asks the system for more. */

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

/* Data is no longer likely once the bytes were not there. */

static void
TestDataUnlikely(CpPort *portPtr)
{
    Pair pair;

    /* An idle connection holds no buffer. */
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

    /* Without memory, a zero-byte receive is submitted. */
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

    /* The end of file is found as well. */
    CpSimPeerShutdown(pair.peerPtr);
    CpConnWatchRead(pair.connPtr, 1);
    CHECK(Readable(&pair) && Stats(&pair).recvPending == 0);
    Expect(&pair, "");
    Done(&pair);

    /* In a mode without buffers, nothing is received ahead. */
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
