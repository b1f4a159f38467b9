/*
 * portForeign.c --
 *
 *      Sockets of the port that foreign code uses as well, by their native
 *      handles, and peers that are no handles of the port's. For Windows alone.
 */

#include "port/port.h"

#include "cpWin.h"

typedef struct Foreign {
    OVERLAPPED overlapped;
    WSABUF buf;
    char bytes[16];
} Foreign;

/* A receive that pends, with an OVERLAPPED that is not the port's. */

static void
ForeignRecv(Foreign *foreignPtr, SOCKET sock, HANDLE event)
{
    DWORD flags = 0;

    memset(foreignPtr, 0, sizeof(Foreign));
    foreignPtr->overlapped.hEvent = event;
    foreignPtr->buf.buf = foreignPtr->bytes;
    foreignPtr->buf.len = sizeof(foreignPtr->bytes);
    CHECK(WSARecv(sock, &foreignPtr->buf, 1, NULL, &flags,
              &foreignPtr->overlapped, NULL)
        == SOCKET_ERROR);
    CHECK_COUNT(WSAGetLastError(), WSA_IO_PENDING);
}

static void
CheckForeign(Foreign *foreignPtr, SOCKET sock, HANDLE waitFor, const char *text)
{
    DWORD bytes = 0;

    CHECK(WaitForSingleObject(waitFor, PATIENCE_MS) == WAIT_OBJECT_0);
    CHECK(GetOverlappedResult((HANDLE) sock, &foreignPtr->overlapped, &bytes,
        FALSE));
    CHECK_COUNT(bytes, strlen(text));
    CHECK_BYTES(foreignPtr->bytes, text, bytes);
}

/* Receives as an operation of the port does. */

static void
RecvOwn(const Pair *pairPtr)
{
    char buf[8];
    Op op;

    CpSubmitRecv(pairPtr->serverPtr, Prepare(&op), buf, sizeof(buf));
    Send(pairPtr->clientPtr, "own");
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK_COUNT(op.accept.op.bytes, 3);
    CHECK_BYTES(buf, "own", 3);
}

/* A connection whose completion port is known, because the port has had an
 * operation on it. */

static SOCKET
ConnectOwn(Pair *pairPtr)
{
    Connect(pairPtr);
    RecvOwn(pairPtr);
    return (SOCKET) CpHandleNative(pairPtr->serverPtr);
}

/* Foreign code receives. Its completion comes to the completion port, and the
 * port ignores it. */

static void
TestForeignRecv(void)
{
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    Foreign foreign;
    Pair pair;
    SOCKET sock;
    unsigned i;

    CHECK(event != NULL);
    sock = ConnectOwn(&pair);
    for (i = 0; i < 2; i++) {
        ResetEvent(event);
        ForeignRecv(&foreign, sock, event);
        CHECK_COUNT(CpStatGet(CP_STAT_OPERATIONS), 0);
        Send(pair.clientPtr, "foreign");
        CheckForeign(&foreign, sock, event, "foreign");
        CHECK_COUNT(Reap(port, 50), 0);

        /* The port's own operations complete as before. */
        RecvOwn(&pair);
    }
    CloseHandle(event);
    Close(&pair);
}

/* Foreign code can keep its completions from the completion port. */

static void
TestForeignHidden(void)
{
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    Foreign foreign;
    Pair pair;
    SOCKET sock;

    CHECK(event != NULL);
    sock = ConnectOwn(&pair);
    ForeignRecv(&foreign, sock, (HANDLE) ((ULONG_PTR) event | 1));
    Send(pair.clientPtr, "foreign");
    CheckForeign(&foreign, sock, event, "foreign");
    CHECK_COUNT(Reap(port, 50), 0);
    CloseHandle(event);
    Close(&pair);
}

/*
 * Foreign code may wait for the socket itself. Such a wait would never end if
 * the port had told the system not to signal its handles.
 */

static void
TestForeignWait(void)
{
    char buf[8];
    Foreign foreign;
    Op op;
    Pair pair;
    SOCKET sock;

    Connect(&pair);
    CpSubmitRecv(pair.serverPtr, Prepare(&op), buf, sizeof(buf));
    Send(pair.clientPtr, "own");
    CHECK_ERROR(Wait(&op), CP_OK);
    sock = (SOCKET) CpHandleNative(pair.serverPtr);
    ForeignRecv(&foreign, sock, NULL);
    CHECK(WaitForSingleObject((HANDLE) sock, 0) == WAIT_TIMEOUT);
    Send(pair.clientPtr, "foreign");
    CheckForeign(&foreign, sock, (HANDLE) sock, "foreign");
    CHECK_COUNT(Reap(port, 50), 0);
    Close(&pair);
}

/* No child process gets a socket, whether opened or accepted. */

static void
TestNotInherited(void)
{
    CpHandle *handles[3];
    DWORD flags;
    unsigned i;
    Pair pair;

    Connect(&pair);
    handles[0] = pair.listenerPtr;
    handles[1] = pair.clientPtr;
    handles[2] = pair.serverPtr;
    for (i = 0; i < 3; i++) {
        flags = HANDLE_FLAG_INHERIT;
        CHECK(
            GetHandleInformation((HANDLE) CpHandleNative(handles[i]), &flags));
        CHECK_COUNT(flags & HANDLE_FLAG_INHERIT, 0);
    }
    Close(&pair);
}

/* An urgent byte is not part of the stream: a zero-byte receive waits, and an
 * attempt gets nothing. Under Wine a zero-byte receive completes, and the next
 * attempt removes the byte. */

static void
TestUrgent(void)
{
    char buf[8];
    size_t bytes;
    Op zeroByte;
    Pair pair;
    SOCKET sock;

    Connect(&pair);
    sock = (SOCKET) CpHandleNative(pair.clientPtr);
    CpSubmitRecv(pair.serverPtr, Prepare(&zeroByte), NULL, 0);
    CHECK(send(sock, "!", 1, MSG_OOB) == 1);
    Reap(port, 100);
    CHECK_OR_WINE(!zeroByte.done, zeroByte.done,
        "a zero-byte receive completes for an urgent byte");
    if (zeroByte.done) {
        CHECK_ERROR(CpTryPeek(pair.serverPtr, &bytes), CP_EAGAIN);
        CpSubmitRecv(pair.serverPtr, Prepare(&zeroByte), NULL, 0);
        Reap(port, 100);
        CHECK(!zeroByte.done);
    }
    CHECK(!CpHandleHasData(pair.serverPtr));
    CHECK_ERROR(CpTryRecv(pair.serverPtr, buf, 8, &bytes), CP_EAGAIN);
    Send(pair.clientPtr, "after");
    CHECK_ERROR(Wait(&zeroByte), CP_OK);
    Expect(pair.serverPtr, "after");
    CHECK_ERROR(CpTryRecv(pair.serverPtr, buf, 8, &bytes), CP_EAGAIN);
    Close(&pair);
}

/* Windows takes the whole of what it is asked to send at once, or nothing. */

static void
TestSendWhole(void)
{
    enum { SIZE = 20000000 };
    char *outPtr = NewBytes(SIZE);
    size_t bytes;
    Pair pair;

    Connect(&pair);
    CHECK_ERROR(CpTrySend(pair.clientPtr, outPtr, SIZE, &bytes), CP_OK);
    CHECK_OR_WINE(bytes == SIZE, bytes > 0,
        "a part of the bytes is taken at once");
    Close(&pair);
    free(outPtr);
}

/*
 * Windows tries a refused connect again for 2 s, unless it can be told not to,
 * as the port does for connects to this machine.
 */

#define SIO_INITIAL_RTO _WSAIOW(IOC_VENDOR, 17)

static void
TestRefusedAtOnce(void)
{
    const struct {
        USHORT rttMs;
        UCHAR maxSynRetransmissions;
    } rto = {0, (UCHAR) -2};
    CpAddr addr;
    CpHandle *refusingPtr = Refuse(port, &addr), *handlePtr;
    DWORD bytes;
    SOCKET sock = CpWinSocket(AF_INET, SOCK_STREAM);
    int known = WSAIoctl(sock, SIO_INITIAL_RTO, (void *) &rto, sizeof(rto),
                    NULL, 0, &bytes, NULL, NULL)
        == 0;
    int wait;

    closesocket(sock);
    for (wait = 0; wait < 2; wait++) {
        uint64_t startMs = CpNowMs();
        Op op;

        CHECK_ERROR(CpHandleOpen(port, &addr, &handlePtr), CP_OK);
        CpSubmitConnect(handlePtr, Prepare(&op), &addr, wait);
        CHECK_ERROR(Wait(&op), CP_ECONNREFUSED);
        if (known) {
            CHECK(CpNowMs() - startMs < 1500);
        }
        CpHandleClose(handlePtr);
    }
    if (!known) {
        NoteSkip("this system cannot be told to refuse at once");
    }
    CpHandleClose(refusingPtr);
}

/*
 * A process ends and has a socket open. Windows resets the connection; Wine's
 * system closes it, which is an end of file.
 */

static void
TestProcessExit(void)
{
    char arguments[32], buf[8];
    CpAddr addr;
    CpHandle *listenerPtr = Listen(port, &addr), *serverPtr;
    HANDLE process;
    Op accept, recv;

    Prepare(&accept);
    CpSubmitAccept(listenerPtr, &accept.accept);
    snprintf(arguments, sizeof(arguments), "-exit %u", CpAddrPort(&addr));
    process = StartProgram(arguments);
    CHECK(process != NULL);
    CHECK_ERROR(Wait(&accept), CP_OK);
    serverPtr = accept.accept.newHandlePtr;
    CpSubmitRecv(serverPtr, Prepare(&recv), buf, sizeof(buf));
    Send(serverPtr, "x");
    CHECK(WaitForSingleObject(process, PATIENCE_MS) == WAIT_OBJECT_0);
    CHECK_ERROR_OR_WINE(Wait(&recv), CP_ECONNRESET, CP_OK);
    CHECK_COUNT(recv.accept.op.bytes, 0);
    CloseHandle(process);
    CpHandleClose(serverPtr);
    CpHandleClose(listenerPtr);
}

const Case foreignCases[] = {
    {"foreign-recv", TestForeignRecv},
    {"foreign-hidden", TestForeignHidden},
    {"foreign-wait", TestForeignWait},
    {"not-inherited", TestNotInherited},
    {"urgent", TestUrgent},
    {"send-whole", TestSendWhole},
    {"refused-at-once", TestRefusedAtOnce},
    {"process-exit", TestProcessExit},
    {NULL, NULL},
};
