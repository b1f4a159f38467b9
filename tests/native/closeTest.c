/*
 * closeTest.c --
 *
 *      How connections end over the simulated port: with unread input, with a
 *      direction that was closed before, within limits of time, by a reset. As
 *      on Windows, a close with unread input is a reset there, and so is input
 *      after a half-close of the reading side that the system was told of.
 */

#include "cpClose.h"
#include "pair.h"

#include <stdlib.h>

static CpCloseList closeList;

static size_t
WriteBytes(Pair *pairPtr, size_t lengthBytes)
{
    static const char data[100000];
    size_t bytes;

    CHECK_ERROR(CpConnWrite(pairPtr->connPtr, data, lengthBytes, 0, &bytes),
        CP_OK);
    return bytes;
}

static void
BeginClose(Pair *pairPtr)
{
    CpConnCloseBegins(pairPtr->connPtr, &closeList);
    CpConnClose(pairPtr->connPtr, Closed, pairPtr);
    Settle(pairPtr);
}

/* A close with unread input, behind ten bytes of output. */

static void
CloseUnread(Pair *pairPtr, CpPort *portPtr)
{
    Open(pairPtr, portPtr, CP_RECV_ADAPTIVE);
    Say(pairPtr, "unread");
    CHECK(WriteBytes(pairPtr, 10) == 10);
    BeginClose(pairPtr);
}

static void
CloseDone(Pair *pairPtr)
{
    CHECK(pairPtr->closed);
    CHECK(CpListIsEmpty(&closeList.timed));
    CHECK(CpListIsEmpty(&closeList.untimed));
    CHECK(CpStatGet(CP_STAT_CLOSING) == 0);
    pairPtr->connPtr = NULL;
    Done(pairPtr);
}

/* Time passes, and the list checks its limits. Returns how long until the next
 * one. */

static int64_t
Tick(Pair *pairPtr, uint32_t ms)
{
    int64_t dueMs;

    CpSimAdvance(ms);
    dueMs = CpCloseTick(&closeList, CpNowMs());
    Settle(pairPtr);
    return dueMs;
}

/* ------------------------------------------------------------ lingering */

/* The peer gets everything, and the connection closes when the peer has
 * ended. */

static void
ExpectLinger(Pair *pairPtr, size_t sent)
{
    CHECK(!pairPtr->closed && CpStatGet(CP_STAT_CLOSING) == 1);
    CHECK(!CpSimPeerIsReset(pairPtr->peerPtr));
    Say(pairPtr, "this is not read either");
    CHECK(Drain(pairPtr) == sent && CpSimPeerEof(pairPtr->peerPtr));
    CHECK(!CpSimPeerIsReset(pairPtr->peerPtr));
    CHECK(!pairPtr->closed);
    CpSimPeerShutdown(pairPtr->peerPtr);
    Settle(pairPtr);
    CHECK(!CpSimPeerIsReset(pairPtr->peerPtr));
    CloseDone(pairPtr);
}

/* Unread input waits in the system, watched or not. */

static void
TestUnread(CpPort *portPtr)
{
    unsigned i, watched;

    for (i = 0; i < 2 * MODE_COUNT; i++) {
        Pair pair;
        size_t sent;

        watched = i % 2;
        Open(&pair, portPtr, modes[i / 2]);
        CpConnWatchRead(pair.connPtr, (int) watched);
        Say(&pair, "nobody reads this");
        sent = WriteBytes(&pair, 1000);
        BeginClose(&pair);
        ExpectLinger(&pair, sent);
    }
}

/* Bytes that the driver has read ahead count as unread. */

static void
TestReadAhead(CpPort *portPtr)
{
    static const char data[20000];
    char buf[10];
    size_t sent;
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    PeerSendBytes(&pair, data, sizeof(data));
    (void) Read(&pair, buf, sizeof(buf));
    sent = WriteBytes(&pair, 1000);
    BeginClose(&pair);
    ExpectLinger(&pair, sent);
}

/* A receive that a new mode has cancelled does not prove that no input came
 * since. */

static void
TestUnreadSinceCancel(CpPort *portPtr)
{
    size_t sent;
    Pair pair;

    OpenWatched(&pair, portPtr, CP_RECV_BURST_DETECTION);
    sent = WriteBytes(&pair, 1000);
    CpConnSetRecvMode(pair.connPtr, CP_RECV_ZERO_BYTE);
    PeerSend(&pair, "unread");
    BeginClose(&pair);
    ExpectLinger(&pair, sent);
}

/* Sends are outstanding. The input comes before them or meanwhile. */

static void
TestUnreadAndSends(CpPort *portPtr)
{
    unsigned i, before;

    for (i = 0; i < 2 * MODE_COUNT; i++) {
        Pair pair;
        size_t sent;

        before = i % 2;
        OpenWatched(&pair, portPtr, modes[i / 2]);
        if (before) {
            Say(&pair, "nobody reads this");
        }
        sent = Fill(&pair, 0);
        BeginClose(&pair);
        CHECK(!pair.closed);
        if (!before) {
            Say(&pair, "nobody reads this");
        }
        ExpectLinger(&pair, sent);
    }
}

/* The peer sends everything before it reads. It must not wait for ever. */

static void
TestBothFull(CpPort *portPtr)
{
    static const char data[10000];
    size_t sent, told = 0;
    unsigned rounds;
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    sent = Fill(&pair, 0);
    Settle(&pair);
    while (CpSimPeerSend(pair.peerPtr, data, sizeof(data)) == sizeof(data)) {
    }
    BeginClose(&pair);
    for (rounds = 0; told < 1000000 && rounds < 1000; rounds++) {
        told += CpSimPeerSend(pair.peerPtr, data, sizeof(data));
        Settle(&pair);
    }
    CHECK(told >= 1000000);
    ExpectLinger(&pair, sent);
}

/* If nothing can be lost, the close does not wait. */

static void
TestNothingLeft(CpPort *portPtr)
{
    char buf[10];
    size_t bytes;
    Pair pair;
    unsigned i;

    for (i = 0; i < MODE_COUNT; i++) {
        Open(&pair, portPtr, modes[i]);
        CHECK(WriteBytes(&pair, 10) == 10);
        BeginClose(&pair);
        CHECK(pair.closed && Drain(&pair) == 10);
        CHECK(CpSimPeerEof(pair.peerPtr));
        CloseDone(&pair);

        /* The peer has ended its side, behind unread bytes. */
        Open(&pair, portPtr, modes[i]);
        Say(&pair, "unread");
        CpSimPeerShutdown(pair.peerPtr);
        Settle(&pair);
        CHECK(WriteBytes(&pair, 10) == 10);
        BeginClose(&pair);
        CHECK(pair.closed && Drain(&pair) == 10);
        CHECK(!CpSimPeerIsReset(pair.peerPtr));
        CloseDone(&pair);

        /* The reader has seen the peer's end of file. */
        Open(&pair, portPtr, modes[i]);
        CpSimPeerShutdown(pair.peerPtr);
        Settle(&pair);
        bytes = Read(&pair, buf, sizeof(buf));
        CHECK(bytes == 0);
        BeginClose(&pair);
        CHECK(pair.closed);
        CloseDone(&pair);

        /* Nothing was written. */
        Open(&pair, portPtr, modes[i]);
        Say(&pair, "unread");
        BeginClose(&pair);
        CHECK(pair.closed);
        CloseDone(&pair);
    }
}

/* Input comes while receives are being cancelled. */

static void
TestLateInput(CpPort *portPtr)
{
    unsigned i;

    for (i = 0; i < MODE_COUNT; i++) {
        Pair pair;
        size_t sent;

        OpenWatched(&pair, portPtr, modes[i]);
        Settle(&pair);
        sent = WriteBytes(&pair, 10);
        CpSimFailNth(CP_SIM_CANCEL_LATE, 1, 100, CP_OK);
        CpConnCloseBegins(pair.connPtr, &closeList);
        StartClose(&pair);
        CHECK(!pair.closed);
        Say(&pair, "in between");
        CpSimFailNth(CP_SIM_CANCEL_LATE, 0, 0, CP_OK);
        ExpectLinger(&pair, sent);
    }
}

/* The sending side was closed before the connection. */

static void
TestAfterHalfClose(CpPort *portPtr)
{
    Pair pair;
    size_t sent;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    Say(&pair, "unread");
    sent = Fill(&pair, 0);
    CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_WRITE), CP_OK);
    BeginClose(&pair);
    ExpectLinger(&pair, sent);

    /* The end of file cannot be sent, so the close does not wait for the
     * peer. */
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    Say(&pair, "unread");
    CHECK(WriteBytes(&pair, 10) == 10);
    CpSimFailNth(CP_SIM_SHUTDOWN_FAIL, 1, 1, CP_ENOTCONN);
    BeginClose(&pair);
    CloseDone(&pair);
}

/* A reset by the peer ends the close at once. */

static void
TestReset(CpPort *portPtr)
{
    Pair pair;

    CloseUnread(&pair, portPtr);
    CHECK(!pair.closed);
    PeerReset(&pair);
    Settle(&pair);
    CloseDone(&pair);

    /* A receive that cannot be submitted ends it, too. */
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    Say(&pair, "unread");
    CHECK(WriteBytes(&pair, 10) == 10);
    CpSimFailNth(CP_SIM_RECV_FAIL_SUBMIT, 1, 1, CP_ENOBUFS);
    BeginClose(&pair);
    CloseDone(&pair);

    /* So does a failed send. The connection is reset. */
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    Say(&pair, "unread");
    FailSend(CP_SIM_SEND_FAIL, CP_ENOBUFS);
    CHECK(WriteBytes(&pair, 10) == 10);
    BeginClose(&pair);
    CHECK(CpSimPeerIsReset(pair.peerPtr));
    CloseDone(&pair);
}

/* --------------------------------------------------------- time limits */

static void
TestLingerLimits(CpPort *portPtr)
{
    Pair pair;
    unsigned i;

    /* No input comes. */
    CloseUnread(&pair, portPtr);
    CHECK(Tick(&pair, CP_LINGER_IDLE_MS - 1) == 1);
    CHECK(!pair.closed);
    CHECK(Tick(&pair, 1) == -1);
    CloseDone(&pair);

    /* Input comes from time to time. */
    CloseUnread(&pair, portPtr);
    for (i = 1; i <= CP_LINGER_MS / 4000; i++) {
        CHECK(Tick(&pair, 4000) > 0);
        Say(&pair, "and more");
        CHECK(!pair.closed);
    }
    CHECK(Tick(&pair, CP_LINGER_MS % 4000 - 1) == 1);
    CHECK(!pair.closed);
    CHECK(Tick(&pair, 1) == -1);
    CloseDone(&pair);
}

/* After the user's time limit, the connection is reset. */

static void
TestCloseTimeout(CpPort *portPtr)
{
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CHECK(CpConnCloseTimeout(pair.connPtr) == 0);
    CpConnSetCloseTimeout(pair.connPtr, 3000);
    CHECK(CpConnCloseTimeout(pair.connPtr) == 3000);
    CHECK(Fill(&pair, 0) > 0);
    BeginClose(&pair);
    CHECK(Tick(&pair, 2999) == 1);
    CHECK(!pair.closed && !CpSimPeerIsReset(pair.peerPtr));
    CHECK(Tick(&pair, 1) == -1);
    CHECK(pair.closed && CpSimPeerIsReset(pair.peerPtr));
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == 0);
    CloseDone(&pair);

    /* The time limit starts before the close, and its error is reported
     * then. */
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpConnSetCloseTimeout(pair.connPtr, 3000);
    CHECK(Fill(&pair, 0) > 0);
    CpConnCloseBegins(pair.connPtr, &closeList);
    CpConnMove(pair.connPtr, NULL);
    CHECK(Tick(&pair, 2000) == -1);
    CpConnMove(pair.connPtr, portPtr);
    CpConnCloseBegins(pair.connPtr, &closeList);
    CHECK(Tick(&pair, 999) == 1);
    CHECK(!CpConnIsAborted(pair.connPtr));
    CHECK(Tick(&pair, 1) == -1);
    CHECK(CpConnIsAborted(pair.connPtr));
    CHECK(CpConnReady(pair.connPtr) == (CP_READ | CP_WRITE));
    CHECK_ERROR(CpConnUnreportedError(pair.connPtr), CP_ETIMEDOUT);
    BeginClose(&pair);
    CHECK(CpSimPeerIsReset(pair.peerPtr));
    CloseDone(&pair);

    /* The limit includes the time of lingering. */
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CpConnSetCloseTimeout(pair.connPtr, 100);
    Say(&pair, "unread");
    CHECK(WriteBytes(&pair, 10) == 10);
    BeginClose(&pair);
    CHECK(Tick(&pair, 100) == -1);
    CHECK(CpSimPeerIsReset(pair.peerPtr));
    CloseDone(&pair);
}

/* Limits end in the order of their times. */

static void
TestOrder(CpPort *portPtr)
{
    static const uint32_t limits[] = {300, 0, 100, 200, 0, 100};
    CpCloseList list;
    Pair pairs[6];
    unsigned i;

    for (i = 0; i < 6; i++) {
        Open(&pairs[i], portPtr, CP_RECV_ADAPTIVE);
    }
    memset(&list, 0, sizeof(list));
    for (i = 0; i < 6; i++) {
        CpConnSetCloseTimeout(pairs[i].connPtr, limits[i]);
        CHECK(Fill(&pairs[i], 0) > 0);
        CpConnCloseBegins(pairs[i].connPtr, &list);
        CpConnClose(pairs[i].connPtr, Closed, &pairs[i]);
    }
    CpSimAdvance(100);
    CHECK(CpCloseTick(&list, CpNowMs()) == 100);
    Settle(&pairs[0]);
    CHECK(pairs[2].closed && pairs[5].closed && !pairs[3].closed);
    CpSimAdvance(100);
    CHECK(CpCloseTick(&list, CpNowMs()) == 100);
    Settle(&pairs[0]);
    CHECK(pairs[3].closed && !pairs[0].closed);
    CpSimAdvance(100);
    CHECK(CpCloseTick(&list, CpNowMs()) == -1);
    Settle(&pairs[0]);
    CHECK(pairs[0].closed && !pairs[1].closed && !pairs[4].closed);

    /* CpCloseEndAll ends all others at once. */
    CpCloseEndAll(&list);
    Settle(&pairs[0]);
    CHECK(CpListIsEmpty(&list.timed) && CpListIsEmpty(&list.untimed));
    for (i = 0; i < 6; i++) {
        CHECK(CpSimPeerIsReset(pairs[i].peerPtr));
        CloseDone(&pairs[i]);
    }
}

/* --------------------------------------------------------------- abort */

static void
TestAbort(CpPort *portPtr)
{
    unsigned i;

    for (i = 0; i < 3 * MODE_COUNT; i++) {
        Pair pair;

        OpenWatched(&pair, portPtr, modes[i / 3]);
        CHECK(Fill(&pair, 0) > 0);
        if (i % 3 == 0) {
            Say(&pair, "unread");
        }
        if (i % 3 == 1) {
            BeginClose(&pair); /* It is closing already. */
            CHECK(!pair.closed);
            CpConnAbort(pair.connPtr);
        } else {
            CpConnAbort(pair.connPtr);
            CpConnAbort(pair.connPtr);
            CHECK(CpConnReady(pair.connPtr) == (CP_READ | CP_WRITE));
            CHECK_ERROR(CpConnUnreportedError(pair.connPtr), CP_OK);
            CpConnWatchRead(pair.connPtr, 1);
            BeginClose(&pair);
        }
        Settle(&pair);
        CHECK(CpSimPeerIsReset(pair.peerPtr));
        CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == 0);
        CloseDone(&pair);
    }
}

/* ------------------------------------------------- the reading side alone */

/* After a half-close of the reading side, input must not cost output. */

static void
TestReadSide(CpPort *portPtr)
{
    unsigned i, before;

    for (i = 0; i < 2 * MODE_COUNT; i++) {
        static const char data[50000];
        unsigned round;
        size_t sent;
        Pair pair;

        before = i % 2;
        OpenWatched(&pair, portPtr, modes[i / 2]);
        if (before) {
            Say(&pair, "unread");
        }
        CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_READ), CP_OK);
        Settle(&pair);
        CHECK(!(CpConnReady(pair.connPtr) & CP_READ));
        sent = Fill(&pair, 0);
        for (round = 0; round < 10; round++) {
            PeerSendBytes(&pair, data, sizeof(data));
            Settle(&pair);
        }
        CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) <= (int64_t) sent + 65536);
        CHECK(Drain(&pair) == sent);
        sent = WriteBytes(&pair, 1000);
        BeginClose(&pair);

        /* The peer has sent a moment ago, and goes on. */
        ExpectLinger(&pair, sent);
    }
}

/* The peer's end of file and its reset are noticed. */

static void
TestReadSideEnds(CpPort *portPtr)
{
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_READ), CP_OK);
    Say(&pair, "more");
    CpSimPeerShutdown(pair.peerPtr);
    Settle(&pair);
    CHECK(WriteBytes(&pair, 10) == 10);
    BeginClose(&pair);
    CHECK(pair.closed && Drain(&pair) == 10);
    CloseDone(&pair);

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_READ), CP_OK);
    PeerReset(&pair);
    Settle(&pair);
    Write(&pair, "x", CP_ECONNRESET);
    BeginClose(&pair);
    CloseDone(&pair);
}

static const CheckCase cases[] = {
    {"unread", TestUnread},
    {"read-ahead", TestReadAhead},
    {"unread-since-cancel", TestUnreadSinceCancel},
    {"unread-and-sends", TestUnreadAndSends},
    {"both-full", TestBothFull},
    {"nothing-left", TestNothingLeft},
    {"late-input", TestLateInput},
    {"after-half-close", TestAfterHalfClose},
    {"reset", TestReset},
    {"linger-limits", TestLingerLimits},
    {"close-timeout", TestCloseTimeout},
    {"order", TestOrder},
    {"abort", TestAbort},
    {"read-side", TestReadSide},
    {"read-side-ends", TestReadSideEnds},
};

CHECK_MAIN(cases)
