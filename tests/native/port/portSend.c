/*
 * portSend.c --
 *
 *      Sends, their cancels, and what a close leaves of them.
 */

#include "port/port.h"

/* A send that has to wait is whole in the end. */

static void
TestLargeSend(void)
{
    enum { SIZE = 8000000 };
    char *outPtr = NewBytes(SIZE), *inPtr = malloc(SIZE);
    size_t got = 0, bytes;
    Op op;
    Pair pair;

    CHECK(inPtr != NULL);
    Connect(&pair);
    CpSubmitSend(pair.clientPtr, Prepare(&op), outPtr, SIZE);
    while (got < SIZE) {
        CpError error = CpTryRecv(pair.serverPtr, inPtr + got, SIZE - got,
            &bytes);

        if (error == CP_EAGAIN) {
            WaitData(pair.serverPtr);
            continue;
        }
        CHECK_ERROR(error, CP_OK);
        CHECK(bytes > 0);
        got += bytes;
    }
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK_COUNT(op.accept.op.bytes, SIZE);
    CHECK(memcmp(inPtr, outPtr, SIZE) == 0);
    Close(&pair);
    free(inPtr);
    free(outPtr);
}

static void
TestTrySend(void)
{
    char *inPtr = malloc(MOST_BYTES);
    size_t sent, got = 0, bytes;
    Pair pair;

    CHECK(inPtr != NULL);
    Connect(&pair);
    sent = SendUntilFull(pair.clientPtr);
    CHECK_ERROR(CpTrySend(pair.clientPtr, "x", 1, &bytes), CP_EAGAIN);
    CHECK_COUNT(bytes, 0);
    while (got < sent) {
        WaitData(pair.serverPtr);
        CHECK_ERROR(CpTryRecv(pair.serverPtr, inPtr + got, MOST_BYTES - got,
                        &bytes),
            CP_OK);
        got += bytes;
    }
    CHECK_COUNT(got, sent);
    CHECK(AreBytes(inPtr, got));
    Close(&pair);
    free(inPtr);
}

/*
 * A send that is cancelled on its way: its reader has a beginning of it and
 * nothing else, and then the end of file or a reset. Without a send buffer
 * Windows cannot take the whole of it at once.
 */

static void
TestCancelSend(void)
{
    enum { SIZE = 32000000 };
    char *outPtr = NewBytes(SIZE), *inPtr = malloc(SIZE);
    size_t got;
    CpError error;
    Op op;
    Pair pair;

    CHECK(inPtr != NULL);
    Connect(&pair);
    CHECK_ERROR(CpHandleSetOpt(pair.clientPtr, CP_OPT_SNDBUF, 0), CP_OK);
    CpSubmitSend(pair.clientPtr, Prepare(&op), outPtr, SIZE);
    CHECK(op.done == 0);
    CpCancel(pair.clientPtr, &op.accept.op);
    CHECK_ERROR(Wait(&op), CP_ECANCELED);
    CloseEnd(&pair.clientPtr);
    got = ReceiveAll(pair.serverPtr, inPtr, SIZE, &error);
    CHECK(error == CP_OK || IsReset(error));
    CHECK(got < SIZE && memcmp(inPtr, outPtr, got) == 0);
    Close(&pair);
    free(inPtr);
    free(outPtr);
}

/* A send that is cancelled while its peer reads, and so while the system
 * resumes it, ends all the same. */

static void
TestCancelResumed(void)
{
    enum { SIZE = 32000000, ROUNDS = 100, READS = 8 };
    char *outPtr = NewBytes(SIZE), *inPtr = malloc(PIECE_BYTES);
    unsigned round, i;
    size_t bytes;
    Op op;
    Pair pair;

    CHECK(inPtr != NULL);
    for (round = 0; round < ROUNDS; round++) {
        Connect(&pair);
        CHECK_ERROR(CpHandleSetOpt(pair.clientPtr, CP_OPT_SNDBUF, 0), CP_OK);
        CpSubmitSend(pair.clientPtr, Prepare(&op), outPtr, SIZE);
        for (i = 0; i < round % READS; i++) {
            (void) CpTryRecv(pair.serverPtr, inPtr, PIECE_BYTES, &bytes);
        }
        CpCancel(pair.clientPtr, round % 2 == 0 ? &op.accept.op : NULL);
        CHECK_ERROR(Wait(&op), CP_ECANCELED);
        Close(&pair);
    }
    free(inPtr);
    free(outPtr);
}

/*
 * The peer ends its side while sends are outstanding, and a receive sees that:
 * under Wine, sends come back with success and a part of their bytes. Each is
 * carried out whole, in order; or, when they are cancelled then, the peer has a
 * beginning of them.
 */

#define PAST_END_SENDS 4

static void
SubmitPastEnd(Pair *pairPtr, Op *ops, const char *outPtr, size_t pieceBytes)
{
    char end[8];
    Op recv;
    unsigned i;

    Connect(pairPtr);
    CHECK_ERROR(CpHandleSetOpt(pairPtr->serverPtr, CP_OPT_SNDBUF, 4096), CP_OK);
    CpSubmitRecv(pairPtr->serverPtr, Prepare(&recv), end, sizeof(end));
    for (i = 0; i < PAST_END_SENDS; i++) {
        CpSubmitSend(pairPtr->serverPtr, Prepare(&ops[i]),
            outPtr + i * pieceBytes, pieceBytes);
    }
    CHECK_ERROR(CpHandleShutdown(pairPtr->clientPtr, CP_WRITE), CP_OK);
    CHECK_ERROR(Wait(&recv), CP_OK);
    CHECK_COUNT(recv.accept.op.bytes, 0);
}

static void
TestSendPastEnd(void)
{
    enum { PIECE = 1000000 };
    const size_t size = (size_t) PAST_END_SENDS * PIECE;
    char *outPtr = NewBytes(size), *inPtr = malloc(size);
    size_t got = 0, bytes;
    Op ops[PAST_END_SENDS];
    unsigned i;
    Pair pair;

    CHECK(inPtr != NULL);
    SubmitPastEnd(&pair, ops, outPtr, PIECE);
    while (got < size) {
        WaitData(pair.clientPtr);
        CHECK_ERROR(CpTryRecv(pair.clientPtr, inPtr + got, size - got, &bytes),
            CP_OK);
        CHECK(bytes > 0);
        got += bytes;
    }
    for (i = 0; i < PAST_END_SENDS; i++) {
        CHECK_ERROR(Wait(&ops[i]), CP_OK);
        CHECK_COUNT(ops[i].accept.op.bytes, PIECE);
    }
    CHECK(memcmp(inPtr, outPtr, size) == 0);
    Close(&pair);
    free(inPtr);
    free(outPtr);
}

static void
TestCancelPastEnd(void)
{
    enum { PIECE = 8000000 };
    const size_t size = (size_t) PAST_END_SENDS * PIECE;
    char *outPtr = NewBytes(size), *inPtr = malloc(size);
    size_t got;
    CpError error;
    Op ops[PAST_END_SENDS];
    unsigned i;
    Pair pair;

    CHECK(inPtr != NULL);
    SubmitPastEnd(&pair, ops, outPtr, PIECE);
    CpCancel(pair.serverPtr, NULL);
    for (i = 0; i < PAST_END_SENDS; i++) {
        (void) Wait(&ops[i]);
    }
    CHECK_ERROR(ops[PAST_END_SENDS - 1].accept.op.error, CP_ECANCELED);
    CloseEnd(&pair.serverPtr);
    got = ReceiveAll(pair.clientPtr, inPtr, size, &error);
    CHECK(error == CP_OK || IsReset(error));
    CHECK(got < size && memcmp(inPtr, outPtr, got) == 0);
    Close(&pair);
    free(inPtr);
    free(outPtr);
}

/*
 * What the system has taken it delivers, with an end of file behind it, though
 * the handle is closed while the peer has received nothing yet.
 */

static void
TestCloseDelivers(void)
{
    char *inPtr = malloc(MOST_BYTES);
    size_t sent, got;
    CpError error;
    Pair pair;

    CHECK(inPtr != NULL);
    Connect(&pair);
    sent = SendUntilFull(pair.clientPtr);
    CloseEnd(&pair.clientPtr);
    got = ReceiveAll(pair.serverPtr, inPtr, MOST_BYTES, &error);
    CHECK_ERROR(error, CP_OK);
    CHECK_COUNT(got, sent);
    CHECK(AreBytes(inPtr, got));
    Close(&pair);
    free(inPtr);
}

/* The same of a few bytes that are sent just before: none is lost. */

static void
TestSendAndClose(void)
{
    unsigned i;

    for (i = 0; i < 50; i++) {
        char buf[32];
        CpError error;
        size_t got, bytes;
        Pair pair;

        Connect(&pair);
        CHECK_ERROR(CpTrySend(pair.clientPtr, "goodbye", 7, &bytes), CP_OK);
        CHECK_COUNT(bytes, 7);
        CloseEnd(&pair.clientPtr);
        got = ReceiveAll(pair.serverPtr, buf, sizeof(buf), &error);
        CHECK_ERROR(error, CP_OK);
        CHECK_COUNT(got, 7);
        CHECK_BYTES(buf, "goodbye", 7);
        Close(&pair);
    }
}

const Case sendCases[] = {
    {"large-send", TestLargeSend},
    {"try-send", TestTrySend},
    {"cancel-send", TestCancelSend},
    {"cancel-resumed", TestCancelResumed},
    {"send-past-end", TestSendPastEnd},
    {"cancel-past-end", TestCancelPastEnd},
    {"close-delivers", TestCloseDelivers},
    {"send-and-close", TestSendAndClose},
    {NULL, NULL},
};
