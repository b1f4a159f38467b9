/*
 * portEnd.c --
 *
 *      Resets, and closes that are resets.
 */

#include "port/port.h"

/* A close with bytes unread resets the connection, for all that waits. */

static void
TestReset(void)
{
    static const char data[65536];
    char buf[16];
    size_t bytes;
    Op recv, send;
    Pair pair;

    Connect(&pair);
    CpSubmitRecv(pair.serverPtr, Prepare(&recv), buf, sizeof(buf));
    Send(pair.serverPtr, "unread");
    WaitData(pair.clientPtr);
    CloseEnd(&pair.clientPtr);
    CHECK_ERROR(Wait(&recv), CP_ECONNRESET);

    /* Later receives are told of it too. Under Wine it is the end of file. */
    CHECK_ERROR_OR_WINE(CpTryRecv(pair.serverPtr, buf, sizeof(buf), &bytes),
        CP_ECONNRESET, CP_OK);
    CHECK_COUNT(bytes, 0);
    CpSubmitRecv(pair.serverPtr, Prepare(&recv), buf, sizeof(buf));
    CHECK_ERROR_OR_WINE(Wait(&recv), CP_ECONNRESET, CP_OK);
    CHECK_COUNT(recv.accept.op.bytes, 0);
    CpSubmitRecv(pair.serverPtr, Prepare(&recv), NULL, 0);
    CHECK_ERROR_OR_WINE(Wait(&recv), CP_ECONNRESET, CP_OK);

    /* And what is sent then fails, for good. */
    CpSubmitSend(pair.serverPtr, Prepare(&send), data, sizeof(data));
    CHECK_ERROR(Wait(&send), CP_ECONNRESET);
    CpSubmitSend(pair.serverPtr, Prepare(&send), data, 1);
    CHECK_ERROR(Wait(&send), CP_ECONNRESET);
    CHECK_ERROR(CpTrySend(pair.serverPtr, "x", 1, &bytes), CP_ECONNRESET);
    Close(&pair);
}

/* A connection that is aborted ends with a reset, whatever was read. */

static void
TestAbort(void)
{
    char buf[8];
    size_t bytes;
    Op recv;
    Pair pair;

    Connect(&pair);
    Send(pair.clientPtr, "part");
    Expect(pair.serverPtr, "part");
    CpSubmitRecv(pair.serverPtr, Prepare(&recv), buf, sizeof(buf));
    CpHandleAbort(pair.clientPtr);
    CloseEnd(&pair.clientPtr);
    CHECK_ERROR(Wait(&recv), CP_ECONNRESET);
    CHECK_ERROR(CpTrySend(pair.serverPtr, "x", 1, &bytes), CP_ECONNRESET);
    Close(&pair);
}

/* Sends that wait when the reset comes fail, each of them. */

static void
TestAbortBeforeSends(void)
{
    enum { SIZE = 8000000 };
    char *outPtr = NewBytes(3 * (size_t) SIZE);
    Op sends[3];
    unsigned i;
    Pair pair;

    Connect(&pair);
    CHECK_ERROR(CpHandleSetOpt(pair.serverPtr, CP_OPT_SNDBUF, 0), CP_OK);
    for (i = 0; i < 3; i++) {
        CpSubmitSend(pair.serverPtr, Prepare(&sends[i]),
            outPtr + (size_t) i * SIZE, SIZE);
    }
    CHECK_COUNT(Reap(port, 0), 0);
    CpHandleAbort(pair.clientPtr);
    CloseEnd(&pair.clientPtr);
    for (i = 0; i < 3; i++) {
        CHECK_RESET(Wait(&sends[i]));
    }
    Close(&pair);
    free(outPtr);
}

/* A close with unread input is a reset: see cpClose.c. */

static void
TestCloseUnread(void)
{
    char buf[8];
    Op recv;
    Pair pair;

    Connect(&pair);
    Send(pair.clientPtr, "unread");
    WaitData(pair.serverPtr);
    CHECK(CpHandleHasData(pair.serverPtr));
    CpSubmitRecv(pair.clientPtr, Prepare(&recv), buf, sizeof(buf));
    CloseEnd(&pair.serverPtr);
    CHECK_ERROR(Wait(&recv), CP_ECONNRESET);
    Close(&pair);
}

/*
 * It discards the output as well: the peer, which has received nothing yet,
 * does not get all that the system has taken, and no end of file.
 */

static void
TestCloseUnreadDiscards(void)
{
    char *inPtr = malloc(MOST_BYTES);
    size_t sent, got;
    CpError error;
    Pair pair;

    CHECK(inPtr != NULL);
    Connect(&pair);
    sent = SendUntilFull(pair.serverPtr);
    Send(pair.clientPtr, "unread");
    WaitData(pair.serverPtr);
    CloseEnd(&pair.serverPtr);

    /* Until the reset is there, the bytes before it may be received. Wine 10
     * sends what it has taken before it closes, so that there is none. */
    error = WaitSendFails(pair.clientPtr, OnWine() ? 1000 : PATIENCE_MS);
    CHECK_ERROR_OR_WINE(error, CP_ECONNRESET, CP_OK);
    if (error != CP_OK) {
        got = ReceiveAll(pair.clientPtr, inPtr, MOST_BYTES, &error);
        CHECK_OR_WINE(got == 0, got > 0,
            "the bytes before a reset can be received");
        CHECK(got < sent && AreBytes(inPtr, got));
        CHECK_ERROR_OR_WINE(error, CP_ECONNRESET, CP_OK);
    }
    Close(&pair);
    free(inPtr);
}

/*
 * A reset discards the bytes that were received before it and have not been
 * read. Linux keeps them, and Wine delivers them.
 */

static void
TestResetDiscards(void)
{
    char buf[8];
    size_t bytes;
    CpError error;
    Pair pair;

    Connect(&pair);
    Send(pair.clientPtr, "lost");
    WaitData(pair.serverPtr);
    CpHandleAbort(pair.clientPtr);
    CloseEnd(&pair.clientPtr);
    CHECK_ERROR(WaitSendFails(pair.serverPtr, PATIENCE_MS), CP_ECONNRESET);
    error = CpTryRecv(pair.serverPtr, buf, sizeof(buf), &bytes);
    CHECK_OR_WINE(error == CP_ECONNRESET, error == CP_OK && bytes == 4,
        "the bytes before a reset can be received");
    Close(&pair);
}

/* A reset comes right behind bytes, while a zero-byte receive waits. The bytes
 * come first and it succeeds. They can be read until the reset is there. Under
 * Wine it may fail, and the bytes can be read nevertheless. */

static void
TestAbortBehindData(void)
{
    unsigned i;

    for (i = 0; i < 10; i++) {
        char buf[8];
        size_t bytes;
        CpError error;
        Op zeroByte;
        Pair pair;

        Connect(&pair);
        CpSubmitRecv(pair.serverPtr, Prepare(&zeroByte), NULL, 0);
        CHECK_COUNT(Reap(port, 0), 0);
        Send(pair.clientPtr, "part");
        CpHandleAbort(pair.clientPtr);
        CloseEnd(&pair.clientPtr);
        CHECK_ERROR_OR_WINE(Wait(&zeroByte), CP_OK, CP_ECONNRESET);
        error = CpTryPeek(pair.serverPtr, &bytes);
        CHECK_ERROR(error, bytes > 0 ? CP_OK : CP_ECONNRESET);
        error = CpTryRecv(pair.serverPtr, buf, 8, &bytes);
        CHECK_ERROR(error, bytes == 4 ? CP_OK : CP_ECONNRESET);
        if (bytes > 0) {
            CHECK_BYTES(buf, "part", 4);
        }
        Close(&pair);
    }
}

/*
 * The peer has closed its end, and is sent something: then the connection is
 * given up. Windows calls that an aborted connection, though an end of file had
 * come before. With Wine 8 it still is the end of file, with Wine 10 a reset.
 */

static void
TestSendToClosed(void)
{
    char buf[8];
    size_t bytes;
    CpError error;
    Pair pair;

    Connect(&pair);
    CHECK_ERROR(CpHandleShutdown(pair.clientPtr, CP_WRITE), CP_OK);
    CloseEnd(&pair.clientPtr);
    WaitData(pair.serverPtr);
    CHECK_ERROR(CpTrySend(pair.serverPtr, "x", 1, &bytes), CP_OK);
#ifdef IOCPSOCK_SIM
    CpSimFailNth(CP_SIM_ABORTED, 1, 1, CP_OK);
#endif
    error = WaitSendFails(pair.serverPtr, PATIENCE_MS);
    CHECK_RESET(error);
    error = CpTryRecv(pair.serverPtr, buf, 8, &bytes);
    CHECK_OR_WINE(error == CP_ECONNABORTED,
        error == CP_OK || error == CP_ECONNRESET,
        "it is an end of file, or in Wine 10 a reset");
    CHECK_COUNT(bytes, 0);
    Close(&pair);
}

const Case endCases[] = {
    {"reset", TestReset},
    {"reset-discards", TestResetDiscards},
    {"abort", TestAbort},
    {"abort-before-sends", TestAbortBeforeSends},
    {"abort-behind-data", TestAbortBehindData},
    {"close-unread", TestCloseUnread},
    {"close-unread-discards", TestCloseUnreadDiscards},
    {"send-to-closed", TestSendToClosed},
    {NULL, NULL},
};
