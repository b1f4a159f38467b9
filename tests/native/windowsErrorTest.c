/*
 * windowsErrorTest.c --
 *
 *      The failures of Windows in the simulated port: refused connects that
 *      take their time, and every error of the table of NTSTATUS for each kind
 *      of operation.
 */

#include "cpListener.h"
#include "pair.h"

/* Windows retries a refused connect for 2 s. It can be cancelled meanwhile. */

static void
TestRefusedLate(CpPort *portPtr)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 5000);
    int wait;
    Pair pair;

    for (wait = 0; wait < 2; wait++) {
        uint64_t startMs = CpNowMs();

        CpSimFailNth(CP_SIM_REFUSED_LATE, 1, 1, CP_OK);
        Dial(&pair, portPtr, addr, wait);
        while (CpConnGetState(pair.connPtr) == CP_CONN_DIALLING) {
            CpPortReap(portPtr, -1);
        }
        CHECK(CpNowMs() - startMs == 2000);
        CHECK(CpConnGetState(pair.connPtr) == CP_CONN_FAILED);
        CHECK_ERROR(CpConnTakeError(pair.connPtr), CP_ECONNREFUSED);
        CloseConn(&pair);
    }
    CpSimFailNth(CP_SIM_REFUSED_LATE, 1, 1, CP_OK);
    Dial(&pair, portPtr, addr, 0);
    CpSimAdvance(700);
    CpPortReap(portPtr, 0);
    CHECK(CpConnGetState(pair.connPtr) == CP_CONN_DIALLING);
    StartClose(&pair);
    CpPortReap(portPtr, 0);
    CHECK(pair.closed);
}

/* A listener that opens in time gets the connection. */

static void
TestRefusedThenAccepted(CpPort *portPtr)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 5000);
    CpSimPeer *listenerPtr;
    Pair pair;

    CpSimFailNth(CP_SIM_REFUSED_LATE, 1, 1, CP_OK);
    Dial(&pair, portPtr, addr, 0);
    CpSimAdvance(1200);
    listenerPtr = CpSimPeerListen(&addr, 1);
    CpSimAdvance(1000);
    CpPortReap(portPtr, 0);
    CHECK(CpConnGetState(pair.connPtr) == CP_CONN_OPEN);
    CloseConn(&pair);
    CpSimPeerClose(listenerPtr);
}

/* ------------------------------------------------------------- errors */

static const CpSimFault recvFailures[] = {CP_SIM_RECV_FAIL_SUBMIT,
    CP_SIM_RECV_FAIL};

/* After a receive has failed, reads return the bytes that are there, then the
 * error. Only a reset reads as the end of file. */

static void
FailRecv(CpPort *portPtr, CpRecvMode mode, CpSimFault failure, CpError error)
{
    Pair pair;

    Open(&pair, portPtr, mode);
    CpSimFailNth(failure, 1, 1, error);
    PeerSend(&pair, "bytes");
    CpConnSetRecvMode(pair.connPtr, CP_RECV_BURST_DETECTION);
    CpConnSetRecvMode(pair.connPtr, mode);
    CpConnSubmitRecv(pair.connPtr);
    Settle(&pair);
    CpSimFailNth(failure, 0, 0, CP_OK);
    CHECK(Readable(&pair));
    ExpectParts(&pair, "bytes");
    CHECK(Readable(&pair));
    ExpectNone(&pair, error == CP_ECONNRESET ? CP_OK : error);
    ExpectNone(&pair, error == CP_ECONNRESET ? CP_OK : error);
    Done(&pair);
}

static void
TestRecvErrors(CpPort *portPtr)
{
    unsigned count, i, mode, failure;
    const CpError *errors = CpSimStatusErrors(&count);

    for (i = 1; i < count; i++) {
        for (mode = 0; mode < MODE_COUNT; mode++) {
            for (failure = 0; failure < 2; failure++) {
                FailRecv(portPtr, modes[mode], recvFailures[failure],
                    errors[i]);
            }
        }
    }
}

/* After a send has failed or was cancelled, nothing more is sent, and the error
 * is reported. */

static void
TestSendErrors(CpPort *portPtr)
{
    static const CpSimFault failures[] = {CP_SIM_SEND_FAIL_SUBMIT,
        CP_SIM_SEND_FAIL};
    unsigned count, i, failure;
    const CpError *errors = CpSimStatusErrors(&count);

    for (i = 0; i < 2 * count; i++) {
        CpError error = errors[i / 2];
        char byte;
        Pair pair;

        failure = i % 2;
        Open(&pair, portPtr, CP_RECV_ADAPTIVE);
        FailSend(failures[failure], error);
        Write(&pair, "x", CP_OK);
        Settle(&pair);
        CHECK_ERROR(CpConnUnreportedError(pair.connPtr), error);
        Write(&pair, "x", error);
        CloseConn(&pair);
        CpSimAdvance(0);
        CHECK(CpSimPeerRecv(pair.peerPtr, &byte, 1) == 0);
        CHECK(CpSimPeerIsReset(pair.peerPtr));
        Done(&pair);
    }
}

static void
TestConnectErrors(CpPort *portPtr)
{
    static const CpSimFault failures[] = {CP_SIM_CONNECT_FAIL_SUBMIT,
        CP_SIM_CONNECT_FAIL};
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 5000);
    unsigned count, i;
    const CpError *errors = CpSimStatusErrors(&count);

    for (i = 0; i < 2 * count; i++) {
        Pair pair;

        CpSimFailNth(failures[i % 2], 1, 1, errors[i / 2]);
        Dial(&pair, portPtr, addr, 0);
        while (CpConnGetState(pair.connPtr) == CP_CONN_DIALLING) {
            CpPortReap(portPtr, -1);
        }
        CHECK(CpConnGetState(pair.connPtr) == CP_CONN_FAILED);
        CHECK_ERROR(CpConnTakeError(pair.connPtr), errors[i / 2]);
        CloseConn(&pair);
    }
}

static void
ListenerClosed(void *clientData)
{
    *(int *) clientData = 1;
}

/* After any failure of an accept, another one is submitted: at once, or by the
 * tick. */

static void
TestAcceptErrors(CpPort *portPtr)
{
    unsigned count, i;
    const CpError *errors = CpSimStatusErrors(&count);
    CpAddr addr;
    CpHandle *handlePtr = Listen(portPtr, &addr);
    CpListener *listenerPtr;
    CpListenerStats stats;
    int closed = 0;

    CHECK_ERROR(CpListenerNew(portPtr, handlePtr, 5, CheckNoWake, NULL,
                    &listenerPtr),
        CP_OK);
    for (i = 0; i < count; i++) {
        CpListenerSetBacklog(listenerPtr, 1);
        (void) CpPortReap(portPtr, 0);
        CpSimFailNth(CP_SIM_ACCEPT_FAIL, 1, 1, errors[i]);
        CpListenerSetBacklog(listenerPtr, 2);
        CHECK(CpPortReap(portPtr, 0) == 1);
        CpSimAdvance(CP_ACCEPT_RETRY_MS);
        (void) CpListenerTick(listenerPtr, CpNowMs());
        CpListenerGetStats(listenerPtr, &stats);
        CHECK(stats.posted == 2);
    }
    CpListenerClose(listenerPtr, ListenerClosed, &closed);
    while (!closed) {
        CpPortReap(portPtr, -1);
    }
}

static const CheckCase cases[] = {
    {"refused-late", TestRefusedLate},
    {"refused-then-accepted", TestRefusedThenAccepted},
    {"recv-errors", TestRecvErrors},
    {"send-errors", TestSendErrors},
    {"connect-errors", TestConnectErrors},
    {"accept-errors", TestAcceptErrors},
};

CHECK_MAIN(cases)
