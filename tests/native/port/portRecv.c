/*
 * portRecv.c --
 *
 *      Receives, with a buffer and without, and their cancels.
 */

#include "port/port.h"

static void
TestRecv(void)
{
    char buf[16];
    Op op;
    Pair pair;

    Connect(&pair);
    CpSubmitRecv(pair.serverPtr, Prepare(&op), buf, sizeof(buf));
    CHECK(op.done == 0);
    CHECK_COUNT(Reap(port, 0), 0);
    CHECK_COUNT(CpStatGet(CP_STAT_OPERATIONS), 1);
    Send(pair.clientPtr, "hello");
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK_COUNT(op.accept.op.bytes, 5);
    CHECK_BYTES(buf, "hello", 5);
    CHECK(op.accept.op.handlePtr == pair.serverPtr);
    CHECK(!op.accept.op.atOnce);

    /* What is there already comes out of a reap as well. */
    Send(pair.clientPtr, "again");
    WaitData(pair.serverPtr);
    CpSubmitRecv(pair.serverPtr, Prepare(&op), buf, 2);
    CHECK(op.done == 0);
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK_COUNT(op.accept.op.bytes, 2);
    CHECK_BYTES(buf, "ag", 2);
    Close(&pair);
}

static void
TestZeroByte(void)
{
    char buf[16];
    size_t bytes;
    Op op;
    Pair pair;

    Connect(&pair);
    CpSubmitRecv(pair.serverPtr, Prepare(&op), NULL, 0);
    CHECK_COUNT(Reap(port, 0), 0);
    CHECK_ERROR(CpTryPeek(pair.serverPtr, &bytes), CP_EAGAIN);

    /* An attempt beside a zero-byte receive is allowed. */
    CHECK_ERROR(CpTryRecv(pair.serverPtr, buf, sizeof(buf), &bytes), CP_EAGAIN);
    Send(pair.clientPtr, "hello");
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK_COUNT(op.accept.op.bytes, 0);
    CHECK_ERROR(CpTryPeek(pair.serverPtr, &bytes), CP_OK);
    CHECK(bytes > 0 && bytes <= 5);
    CHECK_ERROR(CpTryRecv(pair.serverPtr, buf, sizeof(buf), &bytes), CP_OK);
    CHECK_COUNT(bytes, 5);

    /* And the end of file. */
    CpSubmitRecv(pair.serverPtr, Prepare(&op), NULL, 0);
    CHECK_COUNT(Reap(port, 0), 0);
    CHECK_ERROR(CpHandleShutdown(pair.clientPtr, CP_WRITE), CP_OK);
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK_ERROR(CpTryPeek(pair.serverPtr, &bytes), CP_OK);
    CHECK_COUNT(bytes, 0);
    CHECK_ERROR(CpTryRecv(pair.serverPtr, buf, sizeof(buf), &bytes), CP_OK);
    CHECK_COUNT(bytes, 0);
    CpSubmitRecv(pair.serverPtr, Prepare(&op), buf, sizeof(buf));
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK_COUNT(op.accept.op.bytes, 0);
    Close(&pair);
}

/* A zero-byte receive takes nothing, and completes at once if bytes wait. */

static void
TestZeroByteBeforeData(void)
{
    char buf[16];
    size_t bytes;
    unsigned i;
    Op op;
    Pair pair;

    Connect(&pair);
    CpSubmitRecv(pair.serverPtr, Prepare(&op), NULL, 0);
    Send(pair.clientPtr, "data");
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK(!op.accept.op.atOnce);
    CHECK(CpHandleHasData(pair.serverPtr));
    for (i = 0; i < 3; i++) {
        CpSubmitRecv(pair.serverPtr, Prepare(&op), NULL, 0);
        CHECK(op.done == 0);
        CHECK_ERROR(Wait(&op), CP_OK);
        CHECK_COUNT(op.accept.op.bytes, 0);
    }
    CHECK_ERROR(CpTryRecv(pair.serverPtr, buf, 16, &bytes), CP_OK);
    CHECK_COUNT(bytes, 4);
    CHECK_BYTES(buf, "data", 4);
    CHECK(!CpHandleHasData(pair.serverPtr));
    Close(&pair);
}

/* Receives are filled in the order of their submits, sends carried out. */

static void
TestOrder(void)
{
    enum { COUNT = 20 };
    static char recvBufs[COUNT], sendBufs[COUNT];
    static Op recvs[COUNT], sends[COUNT];
    unsigned i;
    Pair pair;

    Connect(&pair);
    for (i = 0; i < COUNT; i++) {
        CpSubmitRecv(pair.serverPtr, Prepare(&recvs[i]), &recvBufs[i], 1);
    }
    for (i = 0; i < COUNT; i++) {
        sendBufs[i] = (char) ('a' + i);
        CpSubmitSend(pair.clientPtr, Prepare(&sends[i]), &sendBufs[i], 1);
    }
    for (i = 0; i < COUNT; i++) {
        CHECK_ERROR(Wait(&sends[i]), CP_OK);
        CHECK_ERROR(Wait(&recvs[i]), CP_OK);
        CHECK_COUNT(recvs[i].accept.op.bytes, 1);
        CHECK(recvBufs[i] == sendBufs[i]);
    }
    Close(&pair);
}

/* One send fills several receives. */

static void
TestSimultaneous(void)
{
    static const char text[] = "the first part, the second part, the third";
    char bufs[3][16];
    Op ops[3];
    unsigned i;
    Pair pair;

    Connect(&pair);
    for (i = 0; i < 3; i++) {
        CpSubmitRecv(pair.serverPtr, Prepare(&ops[i]), bufs[i], 16);
    }
    Send(pair.clientPtr, text);
    for (i = 0; i < 3; i++) {
        size_t count = i < 2 ? 16 : strlen(text) - 32;

        CHECK_ERROR(Wait(&ops[i]), CP_OK);
        CHECK_COUNT(ops[i].accept.op.bytes, count);
        CHECK_BYTES(bufs[i], text + 16 * (size_t) i, count);
    }
    Close(&pair);
}

/* Operations wait also on a handle that attempts have made non-blocking. */

static void
TestNonBlocking(void)
{
    enum { SIZE = 8000000 };
    char *outPtr = NewBytes(SIZE), *inPtr = malloc(SIZE), buf[8];
    CpError error;
    size_t bytes;
    Op recv, send;
    Pair pair;

    Connect(&pair);
    CHECK_ERROR(CpHandleSetOpt(pair.serverPtr, CP_OPT_SNDBUF, 0), CP_OK);
    CHECK_ERROR(CpTryRecv(pair.serverPtr, buf, 8, &bytes), CP_EAGAIN);
    CpSubmitRecv(pair.serverPtr, Prepare(&recv), buf, 8);
    CpSubmitSend(pair.serverPtr, Prepare(&send), outPtr, SIZE);
    CHECK_COUNT(Reap(port, 0), 0);
    Send(pair.clientPtr, "data");
    CHECK_ERROR(Wait(&recv), CP_OK);
    CHECK_COUNT(recv.accept.op.bytes, 4);
    CHECK_BYTES(buf, "data", 4);
    CHECK(send.done == 0);
    CHECK_ERROR(CpHandleSetOpt(pair.serverPtr, CP_OPT_SNDBUF, 1000000), CP_OK);
    bytes = 0;
    while (bytes < SIZE) {
        size_t part;

        error = CpTryRecv(pair.clientPtr, inPtr + bytes, SIZE - bytes, &part);
        if (error == CP_EAGAIN) {
            WaitData(pair.clientPtr);
            continue;
        }
        CHECK_ERROR(error, CP_OK);
        CHECK(part > 0);
        bytes += part;
    }
    CHECK_ERROR(Wait(&send), CP_OK);
    CHECK_COUNT(send.accept.op.bytes, SIZE);
    CHECK(memcmp(inPtr, outPtr, SIZE) == 0);
    Close(&pair);
    free(inPtr);
    free(outPtr);
}

/* However many have completed, each is reaped, once. */

static void
TestMany(void)
{
    enum { MOST = 250 };
    static const char sendBuf[MOST];
    static char recvBufs[MOST];
    static Op recvs[MOST];
    unsigned count, i;
    Op send;
    Pair pair;

    Connect(&pair);
    for (count = 1; count <= MOST; count += count < 150 ? count / 3 + 1 : 7) {
        for (i = 0; i < count; i++) {
            CpSubmitRecv(pair.serverPtr, Prepare(&recvs[i]), &recvBufs[i], 1);
        }
        CHECK_COUNT(CpStatGet(CP_STAT_OPERATIONS), count);
        CpSubmitSend(pair.clientPtr, Prepare(&send), sendBuf, count);
        for (i = 0; i < count; i++) {
            CHECK_ERROR(Wait(&recvs[i]), CP_OK);
        }
        for (i = 0; i < count; i++) {
            CHECK(recvs[i].done == 1);
        }
        CHECK_ERROR(Wait(&send), CP_OK);
        CHECK_COUNT(CpStatGet(CP_STAT_OPERATIONS), 0);
    }
    Close(&pair);
}

static void
TestCancel(void)
{
    char buf[16];
    Op zeroByte, recvs[2], accept;
    unsigned i;
    Pair pair;

    Connect(&pair);
    CpSubmitRecv(pair.serverPtr, Prepare(&zeroByte), NULL, 0);
    CpCancel(pair.serverPtr, &zeroByte.accept.op);
    CHECK(zeroByte.done == 0);
    CHECK_ERROR(Wait(&zeroByte), CP_ECANCELED);

    /* One of two; then all that are left. */
    CpSubmitRecv(pair.serverPtr, Prepare(&recvs[0]), buf, 8);
    CpSubmitRecv(pair.serverPtr, Prepare(&recvs[1]), buf + 8, 8);
    CpCancel(pair.serverPtr, &recvs[0].accept.op);
    CHECK_ERROR(Wait(&recvs[0]), CP_ECANCELED);
    CHECK(recvs[1].done == 0);
    Send(pair.clientPtr, "hello");
    CHECK_ERROR(Wait(&recvs[1]), CP_OK);
    CHECK_BYTES(buf + 8, "hello", 5);
    for (i = 0; i < 2; i++) {
        CpSubmitRecv(pair.serverPtr, Prepare(&recvs[i]), i == 0 ? buf : buf + 8,
            8);
    }
    CpCancel(pair.serverPtr, NULL);
    for (i = 0; i < 2; i++) {
        CHECK_ERROR(Wait(&recvs[i]), CP_ECANCELED);
    }

    /* One that is over already has its result. */
    Send(pair.clientPtr, "x");
    WaitData(pair.serverPtr);
    CpSubmitRecv(pair.serverPtr, Prepare(&zeroByte), NULL, 0);
    CpCancel(pair.serverPtr, &zeroByte.accept.op);
    CHECK_ERROR(Wait(&zeroByte), CP_OK);
    CHECK(HasData(pair.serverPtr));

    Prepare(&accept);
    CpSubmitAccept(pair.listenerPtr, &accept.accept);
    CpCancel(pair.listenerPtr, NULL);
    CHECK_ERROR(Wait(&accept), CP_ECANCELED);
    CHECK(accept.accept.newHandlePtr == NULL);

    /* With nothing outstanding a cancel does nothing. */
    CpCancel(pair.serverPtr, NULL);
    CHECK_COUNT(Reap(port, 0), 0);
    Expect(pair.serverPtr, "x");
    Close(&pair);
}

/*
 * Several receives wait when the peer's last bytes and its end of file come:
 * they are filled in order, and those behind the bytes get the end. Under Wine
 * one may get 0 bytes while there are some, which an attempt still gets.
 */

static void
TestRecvsAtEnd(void)
{
    unsigned round;

    for (round = 0; round < 10; round++) {
        char bufs[3][4], rest[16];
        Op ops[3];
        Pair pair;
        size_t got = 0;
        unsigned i;
        CpError error;

        Connect(&pair);
        for (i = 0; i < 3; i++) {
            CpSubmitRecv(pair.serverPtr, Prepare(&ops[i]), bufs[i], 4);
        }
        Send(pair.clientPtr, "12345678");
        CHECK_ERROR(CpHandleShutdown(pair.clientPtr, CP_WRITE), CP_OK);
        for (i = 0; i < 3; i++) {
            CHECK_ERROR(Wait(&ops[i]), CP_OK);
            memcpy(rest + got, bufs[i], ops[i].accept.op.bytes);
            got += ops[i].accept.op.bytes;
        }
        CHECK_OR_WINE(got == 8 && ops[2].accept.op.bytes == 0, got < 8,
            "a receive gets 0 bytes before the last ones");
        got += ReceiveAll(pair.serverPtr, rest + got, sizeof(rest) - got,
            &error);
        CHECK_ERROR(error, CP_OK);
        CHECK_COUNT(got, 8);
        CHECK_BYTES(rest, "12345678", 8);
        Close(&pair);
    }
}

const Case recvCases[] = {
    {"recv", TestRecv},
    {"zero-byte", TestZeroByte},
    {"zero-byte-before-data", TestZeroByteBeforeData},
    {"order", TestOrder},
    {"simultaneous", TestSimultaneous},
    {"nonblocking", TestNonBlocking},
    {"many", TestMany},
    {"cancel", TestCancel},
    {"recvs-at-end", TestRecvsAtEnd},
    {NULL, NULL},
};
