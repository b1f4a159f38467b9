/*
 * recvTest.c --
 *
 *      A completed receive does not prove that there is something to read, and
 *      a failed one does not prove that nothing is left. Each case in each
 *      receive mode.
 */

#include "pair.h"

#define TEXT "34 bytes that a reset comes behind"

/* Reads this text, a few bytes at a time, until the end. Returns CP_OK for the
 * end of file, or the error of the last read. */

static CpError
ReadToEnd(Pair *pairPtr, const char *text, size_t step)
{
    char buf[256];
    size_t at = 0;

    for (;;) {
        size_t bytes;
        CpError error;

        CHECK(at + step <= sizeof(buf));
        CpConnForgetDrained(pairPtr->connPtr);
        error = CpConnRead(pairPtr->connPtr, buf + at, step, &bytes);
        at += bytes;
        if (error != CP_OK || bytes == 0) {
            CHECK(at == strlen(text) && memcmp(buf, text, at) == 0);
            return error;
        }
    }
}

/* A connection whose receive is outstanding. */

static void
OpenWaiting(Pair *pairPtr, CpPort *portPtr, CpRecvMode mode)
{
    OpenWatched(pairPtr, portPtr, mode);
    Settle(pairPtr);
    CHECK(!Readable(pairPtr) && Stats(pairPtr).recvPending == 1);
}

/* Bytes and a reset arrive together. The receive fails, but the bytes can be
 * read. */

static void
ResetBehind(Pair *pairPtr, const char *text)
{
    CpSimSetDelay(1);
    CpSimFailNth(CP_SIM_IN_FLIGHT, 1, 2, CP_OK);
    CpSimFailNth(CP_SIM_RESET_KEEPS, 1, 1, CP_OK);
    CpSimFailNth(CP_SIM_RECV_RESET_FIRST, 1, 1, CP_OK);
    PeerSendBytes(pairPtr, text, strlen(text));
    PeerReset(pairPtr);
    Settle(pairPtr);
}

static void
TestBeforeReset(CpPort *portPtr)
{
    static const size_t steps[] = {10, 34, 100};
    unsigned i, j;

    for (i = 0; i < MODE_COUNT; i++) {
        for (j = 0; j < sizeof(steps) / sizeof(steps[0]); j++) {
            uint64_t taken = CpSimTaken(CP_SIM_RECV_RESET_FIRST);
            Pair pair;

            OpenWaiting(&pair, portPtr, modes[i]);
            ResetBehind(&pair, TEXT);
            CHECK(CpSimTaken(CP_SIM_RECV_RESET_FIRST) == taken + 1);
            CHECK(Readable(&pair) && pair.notified > 0);
            CHECK_ERROR(ReadToEnd(&pair, TEXT, steps[j]), CP_OK);
            CHECK(Readable(&pair));
            Expect(&pair, "");
            Done(&pair);
        }
    }
}

/* A connection with four receives outstanding. */

static void
OpenBurst(Pair *pairPtr, CpPort *portPtr)
{
    static char data[300000];
    size_t bytes, total = 0;

    memset(data, 'x', sizeof(data));
    CpSimSetWindow(sizeof(data));
    OpenWaiting(pairPtr, portPtr, CP_RECV_BURST_DETECTION);
    while (Stats(pairPtr).recvPending < 4) {
        PeerSendBytes(pairPtr, data, sizeof(data));
        do {
            Settle(pairPtr);
            bytes = Read(pairPtr, data, sizeof(data));
            total += bytes;
        } while (total % sizeof(data) != 0);
        CpConnSubmitRecv(pairPtr->connPtr);
    }
}

static void
TestBeforeResetBurst(CpPort *portPtr)
{
    static char data[1000];
    char buf[64];
    size_t bytes, total;
    Pair pair;

    /* The first receive gets some of the bytes, and the others fail. */
    OpenBurst(&pair, portPtr);
    CpSimSetDelay(1);
    CpSimFailNth(CP_SIM_IN_FLIGHT, 1, 2, CP_OK);
    CpSimFailNth(CP_SIM_RESET_KEEPS, 1, 1, CP_OK);
    CpSimFailNth(CP_SIM_RECV_SHORT, 1, 1, CP_OK);
    CpSimFailNth(CP_SIM_RECV_RESET_FIRST, 2, 16, CP_OK);
    PeerSendBytes(&pair, data, sizeof(data));
    PeerReset(&pair);
    Settle(&pair);
    for (total = 0; Readable(&pair); total += bytes) {
        bytes = Read(&pair, buf, sizeof(buf));
        if (bytes == 0) {
            break;
        }
        Settle(&pair);
    }
    CHECK(total == sizeof(data));
    Expect(&pair, "");
    Done(&pair);
}

/* The first receive fails, and the second one gets the bytes. The others are
 * cancelled. The error waits for them, because they may have bytes. */

static void
TestFailedBurst(CpPort *portPtr)
{
    Pair pair;

    OpenBurst(&pair, portPtr);
    CpSimFailNth(CP_SIM_RECV_FAIL, 1, 1, CP_ETIMEDOUT);
    CpSimFailNth(CP_SIM_CANCEL_LATE, 1, 4, CP_OK);
    PeerSend(&pair, "hello");
    CHECK(CpPortReap(portPtr, 0) == 2);
    CHECK(Readable(&pair));
    Expect(&pair, "hello");
    CHECK(!Readable(&pair));
    ExpectNone(&pair, CP_EAGAIN);
    Settle(&pair);
    CHECK(Readable(&pair) && Stats(&pair).recvPending == 0);
    ExpectNone(&pair, CP_ETIMEDOUT);
    Done(&pair);
}

/* Every error except the peer's reset is reported as an error, never as the end
 * of file, even if the system reports an end of file afterwards. */

static void
TestAborted(CpPort *portPtr)
{
    static const CpError errors[] = {CP_ECONNABORTED, CP_ENETRESET,
        CP_ETIMEDOUT};
    unsigned i, j;

    for (i = 0; i < MODE_COUNT; i++) {
        for (j = 0; j < sizeof(errors) / sizeof(errors[0]); j++) {
            Pair pair;

            OpenWaiting(&pair, portPtr, modes[i]);
            CpSimFailNth(CP_SIM_RECV_FAIL, 1, 1, errors[j]);
            Say(&pair, TEXT);
            CHECK(Readable(&pair));
            CpSimPeerShutdown(pair.peerPtr);
            CHECK_ERROR(ReadToEnd(&pair, TEXT, 10), errors[j]);
            CHECK(Readable(&pair));
            ExpectNone(&pair, errors[j]);
            Done(&pair);
        }
    }
}

/* If a peek meets an error, the system reports it only once. The reader must
 * still get it. */

static void
TestPeekedError(CpPort *portPtr)
{
    Pair pair;

    OpenWaiting(&pair, portPtr, CP_RECV_ZERO_BYTE);
    CpSimFailNth(CP_SIM_TRY_RECV_FAIL, 1, 1, CP_ETIMEDOUT);
    CpSimPeerUrgent(pair.peerPtr);
    Settle(&pair);
    CHECK(Readable(&pair));
    ExpectNone(&pair, CP_ETIMEDOUT);
    ExpectNone(&pair, CP_ETIMEDOUT);
    Done(&pair);
}

/* A zero-byte receive completes without data, because an urgent byte came. */

static void
TestUrgent(CpPort *portPtr)
{
    unsigned i;

    for (i = 0; i < MODE_COUNT; i++) {
        Pair pair;

        OpenWaiting(&pair, portPtr, modes[i]);
        CpSimPeerUrgent(pair.peerPtr);
        Settle(&pair);
        CHECK(!Readable(&pair) && Stats(&pair).recvPending == 1);
        ExpectNone(&pair, CP_EAGAIN);
        CHECK(!Readable(&pair) && Stats(&pair).recvPending == 1);
        Say(&pair, "def");
        CHECK(Readable(&pair));
        Expect(&pair, "def");

        /* The urgent byte comes behind bytes, and before the end of file. */
        Settle(&pair);
        CpConnWatchRead(pair.connPtr, 1);
        CpSimPeerUrgent(pair.peerPtr);
        Say(&pair, "ghi");
        Expect(&pair, "ghi");
        CpConnWatchRead(pair.connPtr, 1);
        Settle(&pair);
        CHECK(!Readable(&pair));
        CpSimPeerUrgent(pair.peerPtr);
        CpSimPeerShutdown(pair.peerPtr);
        CpConnWatchRead(pair.connPtr, 1);
        Settle(&pair);
        CHECK(Readable(&pair));
        Expect(&pair, "");
        Done(&pair);
    }
}

/* The same at random, many times: data still wakes the reader. */

static void
TestSpurious(CpPort *portPtr)
{
    unsigned i, round;

    for (i = 0; i < MODE_COUNT; i++) {
        Pair pair;

        OpenWaiting(&pair, portPtr, modes[i]);
        CpSimSetFault(CP_SIM_RECV_SPURIOUS, 500);
        for (round = 0; round < 50; round++) {
            CpConnWatchRead(pair.connPtr, 1);
            Settle(&pair);
            CHECK(!Readable(&pair));
            ExpectNone(&pair, CP_EAGAIN);
            Say(&pair, "text");
            CHECK(Readable(&pair));
            Expect(&pair, "text");
        }
        CpSimSetFault(CP_SIM_RECV_SPURIOUS, 0);
        Done(&pair);
    }
}

/* Without memory for a buffer, an urgent byte does not make the connection
 * readable either. */

static void
TestUrgentWithoutMemory(CpPort *portPtr)
{
    unsigned i;

    for (i = 0; i < MODE_COUNT; i++) {
        Pair pair;

        Open(&pair, portPtr, modes[i]);
        CpSimSetFault(CP_SIM_NO_MEMORY, 1000);
        CpConnWatchRead(pair.connPtr, 1);
        CpSimPeerUrgent(pair.peerPtr);
        Settle(&pair);
        CHECK(!Readable(&pair) && Stats(&pair).recvPending == 1);
        Say(&pair, TEXT);
        CHECK(Readable(&pair));
        Expect(&pair, TEXT);
        CpSimSetFault(CP_SIM_NO_MEMORY, 0);
        Done(&pair);
    }
}

/* Foreign code receives from the socket. The driver reports when there is data,
 * but takes none, not even into buffers that were submitted before. */

static void
Stranger(Pair *pairPtr, const char *text, size_t step)
{
    char buf[256] = "";
    size_t at = 0, bytes;

    while (at < strlen(text)) {
        CHECK(Readable(pairPtr));
        CHECK_ERROR(CpTryRecv(CpConnHandle(pairPtr->connPtr), buf + at, step,
                        &bytes),
            CP_OK);
        at += bytes;
        CpConnForgetDrained(pairPtr->connPtr);
        CpConnWatchRead(pairPtr->connPtr, 1);
        Settle(pairPtr);
    }
    CHECK(at == strlen(text) && memcmp(buf, text, at) == 0);
    CHECK(!Readable(pairPtr));
    CHECK(Stats(pairPtr).recvPending == 1);
}

static void
TestExposed(CpPort *portPtr)
{
    unsigned i, late;

    for (i = 0; i < MODE_COUNT; i++) {
        for (late = 0; late < 2; late++) {
            Pair pair;

            OpenWaiting(&pair, portPtr, modes[i]);
            if (late) {
                CpSimFailNth(CP_SIM_CANCEL_LATE, 1, 1, CP_OK);
            }
            CpConnExpose(pair.connPtr);
            CHECK(Stats(&pair).recvPending == 1);
            CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == 0);
            Say(&pair, TEXT);
            Stranger(&pair, TEXT, 10);
            CpSimPeerUrgent(pair.peerPtr);
            Settle(&pair);
            CHECK(!Readable(&pair) && Stats(&pair).recvPending == 1);
            Say(&pair, "again");
            Stranger(&pair, "again", 100);
            CHECK(Stats(&pair).bytesIn == 0);

            /* Both see the end of file. */
            CpSimPeerShutdown(pair.peerPtr);
            Settle(&pair);
            CHECK(Readable(&pair));
            CpConnForgetDrained(pair.connPtr);
            CpConnWatchRead(pair.connPtr, 1);
            Settle(&pair);
            CHECK(Readable(&pair));
            Expect(&pair, "");
            Done(&pair);
        }
    }
}

/* A reader still gets the bytes that were received before, and those it asks
 * for. */

static void
TestExposedLate(CpPort *portPtr)
{
    static char data[20000];
    char buf[10];
    size_t bytes;
    unsigned i;

    for (i = 0; i < MODE_COUNT; i++) {
        size_t before;
        Pair pair;

        OpenWaiting(&pair, portPtr, modes[i]);
        Say(&pair, TEXT);
        bytes = Read(&pair, buf, sizeof(buf));
        CHECK(bytes == sizeof(buf) && memcmp(buf, TEXT, bytes) == 0);
        CpConnExpose(pair.connPtr);
        Expect(&pair, &TEXT[sizeof(buf)]);
        Settle(&pair);
        CHECK(!Readable(&pair));

        /* Small reads take no more than they ask for. */
        before = (size_t) Stats(&pair).bytesIn;
        PeerSendBytes(&pair, data, sizeof(data));
        Settle(&pair);
        bytes = Read(&pair, buf, sizeof(buf));
        CHECK(bytes == sizeof(buf));
        CpConnWatchRead(pair.connPtr, 1);
        Settle(&pair);
        CHECK(Stats(&pair).bytesIn == before + sizeof(buf));
        CHECK(Stats(&pair).recvBuffered == 0);

        /* Another mode takes no more either. */
        CpConnSetRecvMode(pair.connPtr, modes[(i + 1) % MODE_COUNT]);
        CpConnForgetDrained(pair.connPtr);
        CpConnWatchRead(pair.connPtr, 1);
        Settle(&pair);
        CHECK(Readable(&pair));
        CHECK(Stats(&pair).bytesIn == before + sizeof(buf));
        Done(&pair);
    }
}

static const CheckCase cases[] = {
    {"before-reset", TestBeforeReset},
    {"before-reset-burst", TestBeforeResetBurst},
    {"failed-burst", TestFailedBurst},
    {"aborted", TestAborted},
    {"peeked-error", TestPeekedError},
    {"urgent", TestUrgent},
    {"spurious", TestSpurious},
    {"urgent-without-memory", TestUrgentWithoutMemory},
    {"exposed", TestExposed},
    {"exposed-late", TestExposedLate},
};

CHECK_MAIN(cases)
