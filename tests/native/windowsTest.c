/*
 * windowsTest.c --
 *
 *      The rules of Windows in the simulated port (CpSimSetWindows), one by
 *      one: that the simulator keeps each, and what the core makes of it.
 */

#include "pair.h"

#include "cpClose.h"
#include "cpListener.h"
#include "cpMem.h"

/* The rule comes each time, until the next call. */

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

/*
 * Bytes in front of a reset that nobody has received are gone. A posted buffer
 * has received them.
 */

static void
TestResetDiscards(CpPort *portPtr)
{
    unsigned i;

    for (i = 0; i < MODE_COUNT; i++) {
        int posted = modes[i] == CP_RECV_FLOW_CONTROLLED
            || modes[i] == CP_RECV_BURST_DETECTION;
        uint64_t before = CpSimTaken(CP_SIM_RESET_DISCARDS);
        Pair pair;

        Open(&pair, portPtr, modes[i]);
        CpConnWatchRead(pair.connPtr, 1);
        Settle(&pair);
        CHECK(CpSimPeerSend(pair.peerPtr, "part", 4) == 4);
        CpSimPeerReset(pair.peerPtr);
        pair.peerPtr = NULL;
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
        size_t bytes;
        Pair pair;

        Open(&pair, portPtr, CP_RECV_ZERO_BYTE);
        Always(CP_SIM_CLOSE_DISCARDS);
        Say(&pair, "unread");
        CpSimFailNth(CP_SIM_IN_FLIGHT, 1, 1, CP_OK);
        CHECK_ERROR(CpConnWrite(pair.connPtr, "answer", 6, 0, &bytes), CP_OK);
        CHECK(CpSimPeerRecv(pair.peerPtr, buf, sizeof(buf)) == 0);
        if (lingers) {
            CpConnClose(pair.connPtr, Closed, &pair);
            Settle(&pair);
            CHECK(CpSimPeerRecv(pair.peerPtr, buf, sizeof(buf)) == 6);
            CHECK(CpSimPeerEof(pair.peerPtr));
            CpSimPeerShutdown(pair.peerPtr);
            Settle(&pair);
            CHECK(pair.closed && !CpSimPeerIsReset(pair.peerPtr));
            pair.connPtr = NULL;
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

/*
 * The end of the process resets what is open, and what the system had only
 * accepted is lost; what was closed in order has arrived.
 */

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
        CHECK_ERROR(CpConnWrite(pair.connPtr, "accepted, not sent", 18, 0,
                        &bytes),
            CP_OK);
        CHECK(bytes == 18);
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

/* Input that is refused resets the connection in both directions. */

static void
TestRefuseInput(CpPort *portPtr)
{
    int queued;

    for (queued = 0; queued < 2; queued++) {
        uint64_t before = CpSimTaken(CP_SIM_REFUSE_RESETS);
        size_t bytes;
        Pair pair;

        Open(&pair, portPtr, CP_RECV_ADAPTIVE);
        CpConnWatchRead(pair.connPtr, 1);
        if (!queued) {
            CpSimPeerRefuse(pair.peerPtr);
            Settle(&pair);
            CHECK(!CpSimPeerIsReset(pair.peerPtr));
        }
        CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &bytes), CP_OK);
        if (queued) {
            CpSimPeerRefuse(pair.peerPtr);
        }
        Settle(&pair);
        CHECK(Counted(CP_SIM_REFUSE_RESETS, before) == 1);
        CHECK(CpSimPeerIsReset(pair.peerPtr));
        CHECK(CpSimPeerCause(pair.peerPtr) == CP_SIM_CAUSE_REFUSED);
        Expect(&pair, "");
        CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &bytes),
            CP_ECONNRESET);
        Done(&pair);
    }
}

/* A failure on this side is never the end of file. */

static void
TestAborted(CpPort *portPtr)
{
    unsigned i;

    for (i = 0; i < MODE_COUNT; i++) {
        size_t bytes;
        Pair pair;

        Open(&pair, portPtr, modes[i]);
        CpConnWatchRead(pair.connPtr, 1);
        Say(&pair, "part");
        ExpectParts(&pair, "part");
        CpConnWatchRead(pair.connPtr, 1);
        CpSimFailNth(CP_SIM_ABORTED, 1, 1, CP_OK);
        CpSimPeerReset(pair.peerPtr);
        pair.peerPtr = NULL;
        CpSimAdvance(0);
        Settle(&pair);
        CHECK(Readable(&pair));
        ExpectNone(&pair, CP_ECONNABORTED);
        ExpectNone(&pair, CP_ECONNABORTED);
        CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &bytes),
            CP_ECONNABORTED);
        Done(&pair);
    }
}

/* -------------------------------------------------------------- sends */

/*
 * The system takes all of a send, of which the peer gets as much as it reads.
 * What is written then follows, and the end of file follows that.
 */

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

    /* Its buffer is full now. */
    CHECK_ERROR(CpConnWrite(pair.connPtr, data + 2000, 1000, 0, &bytes), CP_OK);
    CHECK(bytes == 1000 && CpConnSending(pair.connPtr));
    CpConnClose(pair.connPtr, Closed, &pair);
    while (!CpSimPeerEof(pair.peerPtr)) {
        count += CpSimPeerRecv(pair.peerPtr, got + count, sizeof(got) - count);
        Settle(&pair);
    }
    CHECK(pair.closed && count == 3000 && memcmp(got, data, 3000) == 0);
    pair.connPtr = NULL;
    Done(&pair);
}

/* -------------------------------------------------------------- files */

typedef struct Transfer {
    CpSimFile file;
    Pair pair;
    int done;
    CpError error;
    uint64_t sent;
} Transfer;

static unsigned char fileBytes[5000];

static void
Sent(void *clientData, uint64_t bytesSent, CpError error)
{
    Transfer *transferPtr = clientData;

    transferPtr->done++;
    transferPtr->sent = bytesSent;
    transferPtr->error = error;
}

static void
StartTransfer(Transfer *transferPtr, CpPort *portPtr)
{
    CpFile *filePtr;
    unsigned i;

    for (i = 0; i < sizeof(fileBytes); i++) {
        fileBytes[i] = (unsigned char) (i * 11 + (i >> 8));
    }
    memset(transferPtr, 0, sizeof(Transfer));
    Open(&transferPtr->pair, portPtr, CP_RECV_ADAPTIVE);
    transferPtr->file.bytes = fileBytes;
    transferPtr->file.sizeBytes = sizeof(fileBytes);
    transferPtr->file.position = 7;
    CHECK_ERROR(CpFileOpen((uintptr_t) &transferPtr->file, &filePtr), CP_OK);
    CHECK_ERROR(CpConnSendFile(transferPtr->pair.connPtr, filePtr, 100, 4000,
                    Sent, transferPtr),
        CP_OK);
    Settle(&transferPtr->pair);
}

/* The peer receives all there is, which is the file's. */

static size_t
Receive(Transfer *transferPtr, size_t from)
{
    static unsigned char got[sizeof(fileBytes)];
    size_t bytes, count = 0;

    do {
        bytes = CpSimPeerRecv(transferPtr->pair.peerPtr, got + count,
            sizeof(got) - count);
        count += bytes;
        Settle(&transferPtr->pair);
    } while (bytes > 0);
    CHECK(memcmp(got, fileBytes + from, count) == 0);
    return count;
}

/*
 * Where two peers do not receive, a third file waits for the system. On an
 * edition where that is so the core sends it by other means.
 */

static void
TestFileSlots(CpPort *portPtr)
{
    int limited;

    for (limited = 0; limited < 2; limited++) {
        uint64_t before = CpSimTaken(CP_SIM_FILE_WAITS);
        Transfer transfers[3];
        unsigned i;

        CpSimSetWindows(1);
        CpSimSetFilesLimited(limited);
        CpSimSetFault(CP_SIM_SEND_WHOLE, 0);
        CpSimSetWindow(1000);
        for (i = 0; i < 3; i++) {
            StartTransfer(&transfers[i], portPtr);
            CHECK(!transfers[i].done);
        }
        CHECK(Counted(CP_SIM_FILE_WAITS, before) == (limited ? 0 : 1));
        CHECK(Receive(&transfers[2], 100) == (limited ? 4000 : 0));
        CHECK(transfers[2].done == limited);

        /* One of the others ends, and the third one goes on. */
        CHECK(Receive(&transfers[1], 100) == 4000);
        CHECK(Receive(&transfers[2], 100) == (limited ? 0 : 4000));
        CHECK(Receive(&transfers[0], 100) == 4000);
        for (i = 0; i < 3; i++) {
            CHECK(transfers[i].done == 1);
            CHECK_ERROR(transfers[i].error, CP_OK);
            Done(&transfers[i].pair);
        }
        CpSimSetWindows(0);
    }
}

/* Transfers that are cancelled give their place up, also those that wait. */

static void
TestFileSlotsCancelled(CpPort *portPtr)
{
    Transfer transfers[4];
    unsigned i;

    CpSimSetFileSlots(2);
    CpSimSetWindow(1000);
    for (i = 0; i < 4; i++) {
        StartTransfer(&transfers[i], portPtr);
    }
    CpConnAbort(transfers[2].pair.connPtr);
    CpConnAbort(transfers[0].pair.connPtr);
    Settle(&transfers[0].pair);
    CHECK(transfers[2].done && transfers[2].error != CP_OK);
    CHECK(transfers[0].done && transfers[0].error != CP_OK);
    CHECK(Receive(&transfers[3], 100) == 4000);
    CHECK(Receive(&transfers[1], 100) == 4000);
    for (i = 0; i < 4; i++) {
        Done(&transfers[i].pair);
    }
}

/*
 * The application moves its handle's position meanwhile. The bytes do not
 * depend on that, and its position stays unless both share it.
 */

static void
TestFilePosition(CpPort *portPtr)
{
    int shared, limited;

    for (shared = 0; shared < 2; shared++) {
        for (limited = 0; limited < 2; limited++) {
            Transfer transfer;

            CpSimSetFilesLimited(limited);
            CpSimSetWindow(1000);
            CpSimSetFault(CP_SIM_FILE_SHARED, shared ? 1000 : 0);
            StartTransfer(&transfer, portPtr);
            CHECK(transfer.file.isShared == shared);
            CHECK(transfer.file.position == (shared ? 4100 : 7));
            transfer.file.position = 3;
            CHECK(Receive(&transfer, 100) == 4000);
            CHECK(transfer.done == 1 && transfer.error == CP_OK);
            CHECK(transfer.file.position == 3);
            Done(&transfer.pair);
        }
    }
}

/*
 * A file that is shorter than what is to be sent of it. The documentation does
 * not say which error that is; on editions that read files it is none.
 */

static void
TestFileShrank(CpPort *portPtr)
{
    static const CpError errors[] = {CP_OK, CP_ETRUNCATED, CP_EINVAL, CP_EIO};
    unsigned i;

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        char byte;
        size_t bytes;
        Transfer transfer;
        CpFile *filePtr;

        CpSimSetFilesLimited(i == 0);
        CpSimSetWindow(10000);
        StartTransfer(&transfer, portPtr);
        CHECK(Receive(&transfer, 100) == 4000 && transfer.done == 1);
        transfer.file.sizeBytes = 50;
        CHECK_ERROR(CpFileOpen((uintptr_t) &transfer.file, &filePtr), CP_OK);
        CpSimFailNth(CP_SIM_FILE_SHORT_FAILS, 1, 1, errors[i]);
        CHECK_ERROR(CpConnSendFile(transfer.pair.connPtr, filePtr, 0, 60, Sent,
                        &transfer),
            CP_OK);
        Settle(&transfer.pair);
        CHECK(transfer.done == 2);
        CHECK_ERROR(transfer.error, CP_ETRUNCATED);
        CHECK(Receive(&transfer, 0) <= 50);

        /* Nothing follows, and the end is not that of a whole stream. */
        CHECK_ERROR(CpConnWrite(transfer.pair.connPtr, "x", 1, 0, &bytes),
            CP_EPIPE);
        CloseConn(&transfer.pair);
        CpSimAdvance(0);
        CHECK(CpSimPeerRecv(transfer.pair.peerPtr, &byte, 1) == 0);
        CHECK(CpSimPeerIsReset(transfer.pair.peerPtr));
        Done(&transfer.pair);
    }
}

/* ----------------------------------------------------------- connects */

static void
Dial(Pair *pairPtr, CpPort *portPtr, const CpAddr *addrPtr, int wait)
{
    CpResolved resolved;

    memset(pairPtr, 0, sizeof(Pair));
    memset(&resolved, 0, sizeof(resolved));
    pairPtr->portPtr = portPtr;
    resolved.remotes = CpMalloc(sizeof(CpAddr));
    CHECK(resolved.remotes != NULL);
    resolved.remotes[0] = *addrPtr;
    resolved.remoteCount = 1;
    pairPtr->connPtr = CpConnDial(portPtr, &resolved, wait, Notify, pairPtr);
    CHECK(pairPtr->connPtr != NULL);
}

/* A refused connect is tried for 2 s. It can be cancelled meanwhile. */

static void
TestRefusedLate(CpPort *portPtr)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 5000);
    int wait;
    Pair pair;

    for (wait = 0; wait < 2; wait++) {
        uint64_t startMs = CpNowMs();

        CpSimFailNth(CP_SIM_REFUSED_LATE, 1, 1, CP_OK);
        Dial(&pair, portPtr, &addr, wait);
        while (CpConnGetState(pair.connPtr) == CP_CONN_DIALLING) {
            CpPortReap(portPtr, -1);
        }
        CHECK(CpNowMs() - startMs == 2000);
        CHECK(CpConnGetState(pair.connPtr) == CP_CONN_FAILED);
        CHECK_ERROR(CpConnTakeError(pair.connPtr), CP_ECONNREFUSED);
        CloseConn(&pair);
    }
    CpSimFailNth(CP_SIM_REFUSED_LATE, 1, 1, CP_OK);
    Dial(&pair, portPtr, &addr, 0);
    CpSimAdvance(700);
    CpPortReap(portPtr, 0);
    CHECK(CpConnGetState(pair.connPtr) == CP_CONN_DIALLING);
    CpConnClose(pair.connPtr, Closed, &pair);
    CpPortReap(portPtr, 0);
    CHECK(pair.closed);
}

/* A listener that comes in time gets the connection. */

static void
TestRefusedThenAccepted(CpPort *portPtr)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 5000);
    CpSimPeer *listenerPtr;
    Pair pair;

    CpSimFailNth(CP_SIM_REFUSED_LATE, 1, 1, CP_OK);
    Dial(&pair, portPtr, &addr, 0);
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

/*
 * A receive that fails, in whatever way, leaves the bytes that are there. Then
 * comes its error, and only a reset is the end of file.
 */

static void
FailRecv(CpPort *portPtr, CpRecvMode mode, CpSimFault failure, CpError error)
{
    Pair pair;

    Open(&pair, portPtr, mode);
    CpSimFailNth(failure, 1, 1, error);
    CHECK(CpSimPeerSend(pair.peerPtr, "bytes", 5) == 5);
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

/* A send that fails, cancelled ones too, is the last one, and is reported. */

static void
TestSendErrors(CpPort *portPtr)
{
    static const CpSimFault failures[] = {CP_SIM_SEND_FAIL_SUBMIT,
        CP_SIM_SEND_FAIL};
    unsigned count, i, failure;
    const CpError *errors = CpSimStatusErrors(&count);

    for (i = 0; i < 2 * count; i++) {
        CpError error = errors[i / 2];
        size_t bytes;
        char byte;
        Pair pair;

        failure = i % 2;
        Open(&pair, portPtr, CP_RECV_ADAPTIVE);
        CpSimFailNth(CP_SIM_TRY_SEND_AGAIN, 1, 1, CP_OK);
        CpSimFailNth(failures[failure], 1, 1, error);
        CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &bytes), CP_OK);
        Settle(&pair);
        CHECK_ERROR(CpConnUnreportedError(pair.connPtr), error);
        CHECK_ERROR(CpConnWrite(pair.connPtr, "x", 1, 0, &bytes), error);
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
        Dial(&pair, portPtr, &addr, 0);
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

/* Whatever an accept fails with, its place in the pool is filled again: at
 * once, or by the tick. */

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

/* ------------------------------------------------------------ packets */

/* A probe that completes with nothing is no reason to be readable. */

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

/*
 * A packet of foreign code ends a wait and is no completion. Behind one the own
 * completions come as ever.
 */

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

    /* One for an owner that sleeps, and one in front of an own one. */
    for (i = 0; i < 2; i++) {
        Open(&pair, portPtr, CP_RECV_ZERO_BYTE);
        CpSimFailNth(CP_SIM_FOREIGN, 1, 1, CP_OK);
        CpConnWatchRead(pair.connPtr, 1);
        CHECK(i == 1 || CpPortSleep(portPtr, -1) == 1);
        CpSimAdvance(10);
        CHECK(i == 1 || CpPortSleep(portPtr, -1) == 1);
        CpSimFailNth(CP_SIM_FOREIGN, 0, 0, CP_OK);
        CHECK(CpSimPeerSend(pair.peerPtr, "bytes", 5) == 5);
        CHECK(CpPortReap(portPtr, -1) == 1);
        Expect(&pair, "bytes");
        Done(&pair);
    }
}

/* A stranger gets the handle when the posted buffers are back, however often
 * the wait for them ends early. */

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
    CHECK(Stats(&pair).recvPending == 1); /* A probe. */
    CHECK(CpSimPeerSend(pair.peerPtr, "bytes", 5) == 5);
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

/* A world that is like Windows never keeps bytes behind a reset. */

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
    CHECK(CpSimPeerSend(pair.peerPtr, "gone", 4) == 4);
    CpSimPeerReset(pair.peerPtr);
    pair.peerPtr = NULL;
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
    {"file-slots", TestFileSlots},
    {"file-slots-cancelled", TestFileSlotsCancelled},
    {"file-position", TestFilePosition},
    {"file-shrank", TestFileShrank},
    {"refused-late", TestRefusedLate},
    {"refused-then-accepted", TestRefusedThenAccepted},
    {"recv-errors", TestRecvErrors},
    {"send-errors", TestSendErrors},
    {"connect-errors", TestConnectErrors},
    {"accept-errors", TestAcceptErrors},
    {"spurious", TestSpurious},
    {"foreign", TestForeign},
    {"foreign-expose", TestForeignExpose},
    {"clock", TestClock},
    {"settings", TestSettings},
};

CHECK_MAIN(cases)
