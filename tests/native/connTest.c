/*
 * connTest.c --
 *
 *      Connections over the simulated port: simple closes, moves to another
 *      port, and options. closeTest has the closes with unread input.
 */

#include "pair.h"

static void
TestShutdownRead(CpPort *portPtr)
{
    unsigned i;

    for (i = 0; i < MODE_COUNT; i++) {
        Pair pair;

        OpenWatched(&pair, portPtr, modes[i]);
        CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_READ), CP_OK);
        Settle(&pair);
        CHECK(!Readable(&pair));
        Expect(&pair, "");
        CHECK(Writable(&pair));
        CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_READ), CP_OK);
        Done(&pair);
    }
}

/* ------------------------------------------------------------------ close */

/* A close delivers everything that was written, then the end of file. */

static void
TestCloseWithSends(CpPort *portPtr)
{
    unsigned join;

    for (join = 0; join < 2; join++) {
        size_t sent;
        Pair pair;

        OpenWatched(&pair, portPtr, CP_RECV_ADAPTIVE);
        sent = Fill(&pair, (int) join);
        StartClose(&pair);
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

            OpenWatched(&pair, portPtr, modes[i]);
            CpSimFailNth(CP_SIM_CANCEL_LATE, late, 1, CP_OK);
            StartClose(&pair);
            CHECK(!pair.closed);

            /* The peer does not wait for cancelled receives. */
            CHECK(CpSimPeerEof(pair.peerPtr));
            if (late) {
                PeerSend(&pair, "too late");
            }
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
    StartClose(&pair);
    CHECK(pair.closed);
    Done(&pair);

    /* Bytes that were not read are dropped. */
    OpenWatched(&pair, portPtr, CP_RECV_FLOW_CONTROLLED);
    Say(&pair, "unread");
    CHECK(Stats(&pair).recvBuffered == 6);
    CHECK_ERROR(CpConnShutdown(pair.connPtr, CP_WRITE), CP_OK);
    CloseConn(&pair);
    Done(&pair);
}

static void
TestCloseFailedSends(CpPort *portPtr)
{
    Pair pair;

    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    (void) Fill(&pair, 0);
    StartClose(&pair);
    PeerReset(&pair);
    Settle(&pair);
    CHECK(pair.closed);
    Done(&pair);

    /* A failed send drops the joined bytes behind it. */
    Open(&pair, portPtr, CP_RECV_ADAPTIVE);
    FailSend(CP_SIM_SEND_FAIL, CP_ENOBUFS);
    Write(&pair, "a", CP_OK);
    WriteOrJoin(&pair, "b", 1, CP_OK);
    CloseConn(&pair);
    Done(&pair);
}

/* --------------------------------------------------------------- the rest */

static void
TestMove(CpPort *portPtr)
{
    CpError error;
    CpPort *otherPtr = CpPortNew(CheckNoWake, NULL, &error);
    unsigned i;

    for (i = 0; i < MODE_COUNT; i++) {
        Pair pair;

        OpenWatched(&pair, portPtr, modes[i]);
        PeerSend(&pair, "moved");
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
    {"shutdown-read", TestShutdownRead},
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
