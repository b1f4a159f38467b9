/*
 * portShutdown.c --
 *
 *      Half-closed connections.
 */

#include "port/port.h"

static void
TestShutdown(void)
{
    char buf[8];
    size_t bytes;
    unsigned i;
    CpAddr name;
    Op op;
    Pair pair;

    Connect(&pair);
    Send(pair.clientPtr, "last");
    CHECK_ERROR(CpHandleShutdown(pair.clientPtr, CP_WRITE), CP_OK);
    CHECK_ERROR(CpHandleShutdown(pair.clientPtr, CP_WRITE), CP_OK);
    Expect(pair.serverPtr, "last");
    WaitData(pair.serverPtr);
    for (i = 0; i < 2; i++) {
        CHECK_ERROR(CpTryRecv(pair.serverPtr, buf, 8, &bytes), CP_OK);
        CHECK_COUNT(bytes, 0);
    }

    /* The other direction is open still. */
    Send(pair.serverPtr, "answer");
    Expect(pair.clientPtr, "answer");
    CHECK_ERROR(CpTrySend(pair.clientPtr, "x", 1, &bytes), CP_EPIPE);
    CpSubmitSend(pair.clientPtr, Prepare(&op), "x", 1);
    CHECK_ERROR(Wait(&op), CP_EPIPE);
    CHECK_ERROR(CpTrySend(pair.serverPtr, "x", 1, &bytes), CP_OK);

    /* The names remain. */
    CHECK_ERROR(CpHandlePeer(pair.clientPtr, &name), CP_OK);
    CHECK_COUNT(CpAddrPort(&name), CpAddrPort(&pair.addr));
    CHECK_ERROR(CpHandlePeer(pair.serverPtr, &name), CP_OK);
    Close(&pair);
}

/* A shutdown completes nothing, neither by itself nor of what waits. */

static void
TestShutdownQuiet(void)
{
    char buf[8];
    Op recv;
    Pair pair;

    Connect(&pair);
    CpSubmitRecv(pair.clientPtr, Prepare(&recv), buf, sizeof(buf));
    CHECK_ERROR(CpHandleShutdown(pair.clientPtr, CP_WRITE), CP_OK);
    CHECK_COUNT(Reap(port, 50), 0);
    CHECK(recv.done == 0);
    Send(pair.serverPtr, "answer");
    CHECK_ERROR(Wait(&recv), CP_OK);
    CHECK_COUNT(recv.accept.op.bytes, 6);
    CHECK_ERROR(CpHandleShutdown(pair.serverPtr, CP_READ | CP_WRITE), CP_OK);
    CHECK_COUNT(Reap(port, 50), 0);
    Close(&pair);
}

/* Both directions at once. */

static void
TestShutdownBoth(void)
{
    char buf[8];
    size_t bytes;
    CpAddr name;
    CpError error;
    Op op;
    Pair pair;

    Connect(&pair);
    CHECK_ERROR(CpHandleShutdown(pair.clientPtr, CP_READ | CP_WRITE), CP_OK);
    CHECK_ERROR(CpTryRecv(pair.clientPtr, buf, 8, &bytes), CP_EPIPE);
    CHECK_ERROR(CpTrySend(pair.clientPtr, "x", 1, &bytes), CP_EPIPE);
    CpSubmitRecv(pair.clientPtr, Prepare(&op), buf, 8);
    CHECK_ERROR(Wait(&op), CP_EPIPE);
    WaitData(pair.serverPtr);
    CHECK_ERROR(CpTryRecv(pair.serverPtr, buf, 8, &bytes), CP_OK);
    CHECK_COUNT(bytes, 0);
    CHECK_ERROR(CpHandleShutdown(pair.serverPtr, CP_READ | CP_WRITE), CP_OK);
    CHECK_ERROR(CpTryRecv(pair.serverPtr, buf, 8, &bytes), CP_EPIPE);
    CHECK_ERROR(CpTrySend(pair.serverPtr, "x", 1, &bytes), CP_EPIPE);
    error = CpHandlePeer(pair.clientPtr, &name);
    CHECK_ERROR_OR_WINE(error, CP_OK, CP_ENOTCONN);
    if (error == CP_OK) {
        CHECK_COUNT(CpAddrPort(&name), CpAddrPort(&pair.addr));
    }
    Close(&pair);
}

/*
 * A receive that waits when its direction is shut down still gets what comes;
 * no later one is accepted.
 */

static void
TestShutdownReadPending(void)
{
    char buf[8], more[8];
    size_t bytes;
    Op recv, later;
    Pair pair;

    Connect(&pair);
    CpSubmitRecv(pair.clientPtr, Prepare(&recv), buf, sizeof(buf));
    CHECK_ERROR(CpHandleShutdown(pair.clientPtr, CP_READ), CP_OK);
    CHECK_COUNT(Reap(port, 0), 0);
    CpSubmitRecv(pair.clientPtr, Prepare(&later), more, sizeof(more));
    CHECK_ERROR(Wait(&later), CP_EPIPE);
    CHECK(recv.done == 0);
    Send(pair.serverPtr, "test");
    CHECK_ERROR(Wait(&recv), CP_OK);
    CHECK_COUNT(recv.accept.op.bytes, 4);
    CHECK_BYTES(buf, "test", 4);
    CHECK_ERROR(CpTryRecv(pair.clientPtr, more, 8, &bytes), CP_EPIPE);

    /* The other direction is open still. */
    Send(pair.clientPtr, "answer");
    Expect(pair.serverPtr, "answer");
    Close(&pair);
}

/*
 * Input that nobody can receive any more resets the connection, whether it was
 * there at the shutdown or comes later. Under Wine it waits.
 */

static void
TestShutdownRead(void)
{
    int later;

    for (later = 0; later < 2; later++) {
        char buf[8];
        Op recv;
        Pair pair;

        Connect(&pair);
        CpSubmitRecv(pair.clientPtr, Prepare(&recv), buf, sizeof(buf));
        if (!later) {
            Send(pair.clientPtr, "unread");
            WaitData(pair.serverPtr);
        }
        CHECK_ERROR(CpHandleShutdown(pair.serverPtr, CP_READ), CP_OK);
        if (later) {
            Send(pair.clientPtr, "unread");
        }
        Reap(port, 200);
        if (OnWine() && !recv.done) {
            NoteWine("input behind a shutdown of the reading side waits");
            CpCancel(pair.clientPtr, NULL);
            CHECK_ERROR(Wait(&recv), CP_ECANCELED);
        } else {
            CHECK_RESET(Wait(&recv));
        }
        Close(&pair);
    }
}

const Case shutdownCases[] = {
    {"shutdown", TestShutdown},
    {"shutdown-quiet", TestShutdownQuiet},
    {"shutdown-both", TestShutdownBoth},
    {"shutdown-read-pending", TestShutdownReadPending},
    {"shutdown-read", TestShutdownRead},
    {NULL, NULL},
};
