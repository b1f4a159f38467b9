/*
 * windowsTest.c --
 *
 *      Each rule of Windows in the simulated port (CpSimSetWindows): the
 *      simulator keeps it, and the core copes with it. windowsFileTest and
 *      windowsErrorTest have the rules of files and of failures.
 */

#include "cpClose.h"
#include "pair.h"

/* The rule applies each time. */

static void
Always(CpSimFault rule)
{
    CpSimSetFault(rule, 1000);
}

static uint64_t
Counted(CpSimFault rule, uint64_t before)
{
    return CpSimTaken(rule) - before;
}

/* ------------------------------------------------------------- resets */

/* A reset discards the bytes before it that were not received. A submitted
 * buffer has received them. */

static void
TestResetDiscards(CpPort *portPtr)
{
    unsigned i;

    for (i = 0; i < MODE_COUNT; i++) {
        int posted = modes[i] == CP_RECV_FLOW_CONTROLLED
            || modes[i] == CP_RECV_BURST_DETECTION;
        uint64_t before = CpSimTaken(CP_SIM_RESET_DISCARDS);
        Pair pair;

        OpenWatched(&pair, portPtr, modes[i]);
        Settle(&pair);
        PeerSend(&pair, "part");
        PeerReset(&pair);
        CpSimAdvance(0);
        Settle(&pair);
        CHECK(Counted(CP_SIM_RESET_DISCARDS, before) == (posted ? 0 : 1));
        CHECK(Readable(&pair));
        if (posted) {
            Expect(&pair, "part");
        }
        Expect(&pair, "");
        Done(&pair);
    }
}

/*
 * A close with unread input loses output that is still on its way. A close of a
 * connection lingers, so that the peer gets everything.
 */

static void
TestCloseDiscards(CpPort *portPtr)
{
    int lingers;

    for (lingers = 0; lingers < 2; lingers++) {
        uint64_t before = CpSimTaken(CP_SIM_CLOSE_DISCARDS);
        char buf[16];
        Pair pair;

        Open(&pair, portPtr, CP_RECV_ZERO_BYTE);
        Always(CP_SIM_CLOSE_DISCARDS);
        Say(&pair, "unread");
        CpSimFailNth(CP_SIM_IN_FLIGHT, 1, 1, CP_OK);
        Write(&pair, "answer", CP_OK);
        CHECK(CpSimPeerRecv(pair.peerPtr, buf, sizeof(buf)) == 0);
        if (lingers) {
            StartClose(&pair);
            Settle(&pair);
            CHECK(CpSimPeerRecv(pair.peerPtr, buf, sizeof(buf)) == 6);
            CHECK(CpSimPeerEof(pair.peerPtr));
            CpSimPeerShutdown(pair.peerPtr);
            Settle(&pair);
            CHECK(pair.closed && !CpSimPeerIsReset(pair.peerPtr));
            CHECK(Counted(CP_SIM_CLOSE_DISCARDS, before) == 0);
        } else {
            CpConnAbort(pair.connPtr);
            CloseConn(&pair);
            Settle(&pair);
            CHECK(CpSimPeerRecv(pair.peerPtr, buf, sizeof(buf)) == 0);
            CHECK(!CpSimPeerEof(pair.peerPtr));
            CHECK(CpSimPeerIsReset(pair.peerPtr));
            CHECK(CpSimPeerCause(pair.peerPtr) == CP_SIM_CAUSE_ABORT);
            CHECK(Counted(CP_SIM_CLOSE_DISCARDS, before) == 1);
        }
        Done(&pair);
    }
}

/* The end of the process resets open connections and discards their unsent
 * output. The bytes of a closed connection have arrived. */

static void
TestProcessEnd(CpPort *portPtr)
{
    int closes;

    for (closes = 0; closes < 2; closes++) {
        char buf[64];
        size_t bytes;
        Pair pair;

        CpSimSetWindow(8);
        Open(&pair, portPtr, CP_RECV_ADAPTIVE);
        CpSimFailNth(CP_SIM_SEND_WHOLE, 1, 1, CP_OK);
        Write(&pair, "accepted, not sent", CP_OK);
        if (closes) {
            CloseConn(&pair);
            CHECK(CpSimEndProcess() == 0);
        } else {
            CHECK(CpSimEndProcess() == 1);
        }
        CpSimAdvance(0);
        for (bytes = 0; bytes < sizeof(buf);) {
            size_t more = CpSimPeerRecv(pair.peerPtr, buf + bytes,
                sizeof(buf) - bytes);

            if (more == 0) {
                break;
            }
            bytes += more;
        }
        CHECK(bytes == (closes ? 18 : 0));
        CHECK(CpSimPeerEof(pair.peerPtr) == closes);
        CHECK(CpSimPeerIsReset(pair.peerPtr) == !closes);
        CHECK(CpSimPeerCause(pair.peerPtr)
            == (closes ? CP_SIM_CAUSE_NONE : CP_SIM_CAUSE_PROCESS));
        Done(&pair);
    }
}

/* Refused input resets the connection in both directions. */

static void
TestRefuseInput(CpPort *portPtr)
{
    int queued;

    for (queued = 0; queued < 2; queued++) {
        uint64_t before = CpSimTaken(CP_SIM_REFUSE_RESETS);
        Pair pair;

        OpenWatched(&pair, portPtr, CP_RECV_ADAPTIVE);
        if (!queued) {
            CpSimPeerRefuse(pair.peerPtr);
            Settle(&pair);
            CHECK(!CpSimPeerIsReset(pair.peerPtr));
        }
        Write(&pair, "x", CP_OK);
        if (queued) {
            CpSimPeerRefuse(pair.peerPtr);
        }
        Settle(&pair);
        CHECK(Counted(CP_SIM_REFUSE_RESETS, before) == 1);
        CHECK(CpSimPeerIsReset(pair.peerPtr));
        CHECK(CpSimPeerCause(pair.peerPtr) == CP_SIM_CAUSE_REFUSED);
        Expect(&pair, "");
        Write(&pair, "x", CP_ECONNRESET);
        Done(&pair);
    }
}

/* A failure on this side never reads as the end of file. */

static void
TestAborted(CpPort *portPtr)
{
    unsigned i;

    for (i = 0; i < MODE_COUNT; i++) {
        Pair pair;

        OpenWatched(&pair, portPtr, modes[i]);
        Say(&pair, "part");
        ExpectParts(&pair, "part");
        CpConnWatchRead(pair.connPtr, 1);
        CpSimFailNth(CP_SIM_ABORTED, 1, 1, CP_OK);
        PeerReset(&pair);
        CpSimAdvance(0);
        Settle(&pair);
        CHECK(Readable(&pair));
        ExpectNone(&pair, CP_ECONNABORTED);
        ExpectNone(&pair, CP_ECONNABORTED);
        Write(&pair, "x", CP_ECONNABORTED);
        Done(&pair);
    }
}

/* -------------------------------------------------------------- sends */

/* The system takes a whole send, and delivers it as the peer reads. Later
 * writes follow it, then the end of file. */

static void
TestSendWhole(CpPort *portPtr)
{
    static unsigned char data[3000], got[4000];
    size_t bytes, count = 0;
    unsigned i;
    Pair pair;

    for (i = 0; i < sizeof(data); i++) {
        data[i] = (unsigned char) (i * 7 + (i >> 8));
    }
    CpSimSetWindow(10);
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpSimFailNth(CP_SIM_SEND_WHOLE, 1, 1, CP_OK);
    CHECK_ERROR(CpConnWrite(pair.connPtr, data, 2000, 0, &bytes), CP_OK);
    CHECK(bytes == 2000 && !CpConnSending(pair.connPtr));

    /* The system's buffer is full now. */
    CHECK_ERROR(CpConnWrite(pair.connPtr, data + 2000, 1000, 0, &bytes), CP_OK);
    CHECK(bytes == 1000 && CpConnSending(pair.connPtr));
    StartClose(&pair);
    while (!CpSimPeerEof(pair.peerPtr)) {
        count += CpSimPeerRecv(pair.peerPtr, got + count, sizeof(got) - count);
        Settle(&pair);
    }
    CHECK(pair.closed && count == 3000 && memcmp(got, data, 3000) == 0);
    Done(&pair);
}

/* ------------------------------------------------------------ packets */

/* A zero-byte receive that completes without data does not make the connection
 * readable. */

static void
TestSpurious(CpPort *portPtr)
{
    unsigned i;

    for (i = 0; i < 2; i++) {
        Pair pair;

        Open(&pair, portPtr, modes[i]);
        CpSimFailNth(CP_SIM_RECV_SPURIOUS, 1, 3, CP_OK);
        CpConnWatchRead(pair.connPtr, 1);
        Settle(&pair);
        CHECK(!Readable(&pair));
        CHECK(Stats(&pair).recvPending == 1);
        ExpectNone(&pair, CP_EAGAIN);
        Say(&pair, "bytes");
        CHECK(Readable(&pair));
        ExpectParts(&pair, "bytes");
        Done(&pair);
    }
}

/* A packet of foreign code ends a wait, but is no completion. Completions of
 * the driver arrive behind it. */

static void
TestForeign(CpPort *portPtr)
{
    uint64_t startMs;
    unsigned i;
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ZERO_BYTE);
    CpSimSetDelay(10);
    CpSimFailNth(CP_SIM_FOREIGN, 1, 1, CP_OK);
    CpConnWatchRead(pair.connPtr, 1);
    startMs = CpNowMs();
    CHECK(CpPortReap(portPtr, 1000) == 0);
    CHECK(CpNowMs() - startMs <= 10);
    CHECK(CpPortReap(portPtr, 1000) == 0);
    CHECK(CpNowMs() - startMs >= 1000);
    CHECK(!Readable(&pair));

    Done(&pair);

    /* The owner sleeps when the packet comes; or a completion follows the
     * packet. */
    for (i = 0; i < 2; i++) {
        Open(&pair, portPtr, CP_RECV_ZERO_BYTE);
        CpSimFailNth(CP_SIM_FOREIGN, 1, 1, CP_OK);
        CpConnWatchRead(pair.connPtr, 1);
        CHECK(i == 1 || CpPortSleep(portPtr, -1) == 1);
        CpSimAdvance(10);
        CHECK(i == 1 || CpPortSleep(portPtr, -1) == 1);
        CpSimFailNth(CP_SIM_FOREIGN, 0, 0, CP_OK);
        PeerSend(&pair, "bytes");
        CHECK(CpPortReap(portPtr, -1) == 1);
        Expect(&pair, "bytes");
        Done(&pair);
    }
}

/* Foreign code gets the handle when all buffers are back, even if the wait for
 * them ends early several times. */

static void
TestForeignExpose(CpPort *portPtr)
{
    Pair pair;

    Open(&pair, portPtr, CP_RECV_BURST_DETECTION);
    CpSimSetDelay(50);
    CpConnWatchRead(pair.connPtr, 1);
    CpSimFailNth(CP_SIM_CANCEL_LATE, 1, 1, CP_OK);
    CpSimFailNth(CP_SIM_REAP_EARLY, 1, 5, CP_OK);
    CpConnExpose(pair.connPtr);
    CHECK(Stats(&pair).recvPending == 1); /* A zero-byte receive. */
    PeerSend(&pair, "bytes");
    CHECK(CpHandleHasData(CpConnHandle(pair.connPtr)));
    Settle(&pair);
    Expect(&pair, "bytes");
    Done(&pair);
}

static void
TestClock(CpPort *portPtr)
{
    uint64_t lastMs, steps = 0;
    unsigned i;

    (void) portPtr;
    CpSimSetWindows(1);
    lastMs = CpNowMs();
    for (i = 0; i < 1000; i++) {
        CpSimAdvance(1);
        if (CpNowMs() != lastMs) {
            CHECK(CpNowMs() - lastMs >= 15 && CpNowMs() - lastMs <= 16);
            lastMs = CpNowMs();
            steps++;
        }
    }
    CHECK(steps == 64);
}

/* With the rules of Windows, a reset always discards unread bytes. */

static void
TestSettings(CpPort *portPtr)
{
    uint64_t keeps;
    Pair pair;

    CpSimSetFault(CP_SIM_RESET_KEEPS, 1000);
    CpSimSetWindows(1);
    CpSimSetFault(CP_SIM_ABORTED, 0);
    keeps = CpSimTaken(CP_SIM_RESET_KEEPS);
    Open(&pair, portPtr, CP_RECV_ZERO_BYTE);
    PeerSend(&pair, "gone");
    PeerReset(&pair);
    CpSimAdvance(0);
    Expect(&pair, "");
    CHECK(CpSimTaken(CP_SIM_RESET_KEEPS) == keeps);
    Done(&pair);
}

static const CheckCase cases[] = {
    {"reset-discards", TestResetDiscards},
    {"close-discards", TestCloseDiscards},
    {"process-end", TestProcessEnd},
    {"refuse-input", TestRefuseInput},
    {"aborted", TestAborted},
    {"send-whole", TestSendWhole},
    {"spurious", TestSpurious},
    {"foreign", TestForeign},
    {"foreign-expose", TestForeignExpose},
    {"clock", TestClock},
    {"settings", TestSettings},
};

CHECK_MAIN(cases)
