/*
 * portWinsock.c --
 *
 *      What win/ takes Winsock to do: which calls queue a completion, which do
 *      not, and with what result. For Windows alone, without the port.
 */

#include "port/port.h"

#define WIN32_NO_STATUS /* ntstatus.h has them all. */
#include "cpWin.h"
#undef WIN32_NO_STATUS

#include <winternl.h>
#include <ntstatus.h>

/* How long to look for a completion that must not come. */
#define QUIET_MS 30

#define ADDR_BYTES (sizeof(struct sockaddr_in) + 16)

/* A completion port, and a connection whose server end is bound to it. */

typedef struct Raw {
    HANDLE iocp;
    SOCKET listener;
    SOCKET client;
    SOCKET server;
    struct sockaddr_in addr;
    OVERLAPPED overlapped;
} Raw;

static SOCKET
NewSocket(void)
{
    SOCKET sock = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
        WSA_FLAG_OVERLAPPED);

    CHECK(sock != INVALID_SOCKET);
    return sock;
}

static void
BindLoopback(SOCKET sock, struct sockaddr_in *addrPtr)
{
    int length = sizeof(*addrPtr);

    memset(addrPtr, 0, sizeof(*addrPtr));
    addrPtr->sin_family = AF_INET;
    addrPtr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(sock, (struct sockaddr *) addrPtr, length) == 0);
    CHECK(getsockname(sock, (struct sockaddr *) addrPtr, &length) == 0);
}

static void
Bind(HANDLE iocp, SOCKET sock, int skip)
{
    CHECK(CreateIoCompletionPort((HANDLE) sock, iocp, 7, 0) == iocp);
    CHECK(!skip
        || SetFileCompletionNotificationModes((HANDLE) sock,
            FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
}

static void
OpenListener(Raw *rawPtr)
{
    memset(rawPtr, 0, sizeof(Raw));
    rawPtr->client = rawPtr->server = INVALID_SOCKET;
    rawPtr->iocp = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    CHECK(rawPtr->iocp != NULL);
    rawPtr->listener = NewSocket();
    BindLoopback(rawPtr->listener, &rawPtr->addr);
    CHECK(listen(rawPtr->listener, 5) == 0);
}

static void
ConnectClient(Raw *rawPtr)
{
    rawPtr->client = NewSocket();
    CHECK(connect(rawPtr->client, (struct sockaddr *) &rawPtr->addr,
              sizeof(rawPtr->addr))
        == 0);
}

static void
OpenRaw(Raw *rawPtr, int skip)
{
    OpenListener(rawPtr);
    ConnectClient(rawPtr);
    rawPtr->server = accept(rawPtr->listener, NULL, NULL);
    CHECK(rawPtr->server != INVALID_SOCKET);
    Bind(rawPtr->iocp, rawPtr->server, skip);
}

static void
CloseRaw(Raw *rawPtr)
{
    if (rawPtr->client != INVALID_SOCKET) {
        closesocket(rawPtr->client);
    }
    if (rawPtr->server != INVALID_SOCKET) {
        closesocket(rawPtr->server);
    }
    closesocket(rawPtr->listener);
    CloseHandle(rawPtr->iocp);
}

static void
CheckQuiet(int line, const Raw *rawPtr)
{
    OVERLAPPED *overlappedPtr;
    ULONG_PTR key;
    DWORD bytes;

    if (GetQueuedCompletionStatus(rawPtr->iocp, &bytes, &key, &overlappedPtr,
            QUIET_MS)
        || overlappedPtr != NULL) {
        Fail(__FILE__, line, "a completion was queued");
    }
}

/* One completion, of this operation, with this error of Win32 and status. */

static void
CheckQueued(int line, const Raw *rawPtr, const OVERLAPPED *expectedPtr,
    DWORD expectedError, unsigned long status, DWORD expectedBytes)
{
    OVERLAPPED *overlappedPtr;
    ULONG_PTR key;
    DWORD bytes, error;

    error = GetQueuedCompletionStatus(rawPtr->iocp, &bytes, &key,
                &overlappedPtr, PATIENCE_MS)
        ? 0
        : GetLastError();
    if (overlappedPtr != expectedPtr || key != 7) {
        Fail(__FILE__, line, "no completion of the operation was queued");
    }
    if (error != expectedError || bytes != expectedBytes
        || (unsigned long) overlappedPtr->Internal != status) {
        Fail(__FILE__, line,
            "expected error %lu (0x%08lx) and %lu bytes, got error %lu "
            "(0x%08lx) and %lu bytes",
            expectedError, status, expectedBytes, error,
            (unsigned long) overlappedPtr->Internal, bytes);
    }
}

#define CHECK_QUIET(rawPtr) CheckQuiet(__LINE__, rawPtr)
#define CHECK_QUEUED(rawPtr, bytes) \
    CheckQueued(__LINE__, rawPtr, &(rawPtr)->overlapped, 0, 0, bytes)
#define CHECK_FAILED(rawPtr, error, status) \
    CheckQueued(__LINE__, rawPtr, &(rawPtr)->overlapped, error, \
        (unsigned long) STATUS_##status, 0)

/* One completion, whatever it says. */

static void
CheckEnds(int line, const Raw *rawPtr)
{
    OVERLAPPED *overlappedPtr;
    ULONG_PTR key;
    DWORD bytes;

    GetQueuedCompletionStatus(rawPtr->iocp, &bytes, &key, &overlappedPtr,
        PATIENCE_MS);
    if (overlappedPtr != &rawPtr->overlapped) {
        Fail(__FILE__, line, "no completion of the operation was queued");
    }
}

#define CHECK_ENDS(rawPtr) CheckEnds(__LINE__, rawPtr)

/* What an overlapped call returned: 0, or Winsock's error. */

static int
Recv(Raw *rawPtr, char *bufPtr, size_t count)
{
    WSABUF buf = {(ULONG) count, bufPtr};
    DWORD flags = 0;

    memset(&rawPtr->overlapped, 0, sizeof(OVERLAPPED));
    return WSARecv(rawPtr->server, &buf, 1, NULL, &flags, &rawPtr->overlapped,
               NULL)
            == 0
        ? 0
        : WSAGetLastError();
}

static int
SendRaw(Raw *rawPtr, char *bufPtr, size_t count)
{
    WSABUF buf = {(ULONG) count, bufPtr};

    memset(&rawPtr->overlapped, 0, sizeof(OVERLAPPED));
    return WSASend(rawPtr->server, &buf, 1, NULL, 0, &rawPtr->overlapped, NULL)
            == 0
        ? 0
        : WSAGetLastError();
}

static int
Accept(Raw *rawPtr, char *bufPtr)
{
    DWORD bytes;

    memset(&rawPtr->overlapped, 0, sizeof(OVERLAPPED));
    return AcceptEx(rawPtr->listener, rawPtr->server, bufPtr, 0, ADDR_BYTES,
               ADDR_BYTES, &bytes, &rawPtr->overlapped)
        ? 0
        : WSAGetLastError();
}

static int
ConnectRaw(Raw *rawPtr)
{
    static LPFN_CONNECTEX connectEx;
    GUID guid = WSAID_CONNECTEX;
    DWORD bytes;

    CHECK(WSAIoctl(rawPtr->client, SIO_GET_EXTENSION_FUNCTION_POINTER, &guid,
              sizeof(guid), &connectEx, sizeof(connectEx), &bytes, NULL, NULL)
        == 0);
    memset(&rawPtr->overlapped, 0, sizeof(OVERLAPPED));
    return connectEx(rawPtr->client, (struct sockaddr *) &rawPtr->addr,
               sizeof(rawPtr->addr), NULL, 0, NULL, &rawPtr->overlapped)
        ? 0
        : WSAGetLastError();
}

/* Until there is something to receive. */

static void
WaitReadable(SOCKET sock)
{
    struct timeval timeout = {PATIENCE_MS / 1000, 0};
    fd_set readers;

    FD_ZERO(&readers);
    readers.fd_array[readers.fd_count++] = sock;
    CHECK(select(0, &readers, NULL, NULL, &timeout) == 1);
}

static void
ResetClient(Raw *rawPtr)
{
    const struct linger abort = {1, 0};

    CHECK(setsockopt(rawPtr->client, SOL_SOCKET, SO_LINGER,
              (const char *) &abort, sizeof(abort))
        == 0);
    closesocket(rawPtr->client);
    rawPtr->client = INVALID_SOCKET;
}

/* -------------------------------------------------------------- cases */

/*
 * ConnectEx pends and completes through the port, also where what succeeds at
 * once queues nothing. connect queues nothing.
 */

static void
TestConnectEx(void)
{
    int skip;

    for (skip = 0; skip < 2; skip++) {
        struct sockaddr_in name;
        int length = sizeof(name);
        Raw raw;

        OpenListener(&raw);
        raw.client = NewSocket();
        Bind(raw.iocp, raw.client, skip);
        CHECK_COUNT(ConnectRaw(&raw), WSAEINVAL); /* It has no name. */
        CHECK_QUIET(&raw);
        BindLoopback(raw.client, &name);
        CHECK_COUNT(ConnectRaw(&raw), WSA_IO_PENDING);
        CHECK_QUEUED(&raw, 0);
        CHECK_QUIET(&raw);
        CHECK(setsockopt(raw.client, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT,
                  NULL, 0)
            == 0);
        CHECK(getpeername(raw.client, (struct sockaddr *) &name, &length) == 0);
        CHECK_COUNT(name.sin_port, raw.addr.sin_port);
        CHECK_COUNT(ConnectRaw(&raw), WSAEISCONN);
        CHECK_QUIET(&raw);
        CloseRaw(&raw);

        OpenListener(&raw);
        raw.client = NewSocket();
        Bind(raw.iocp, raw.client, skip);
        CHECK(
            connect(raw.client, (struct sockaddr *) &raw.addr, sizeof(raw.addr))
            == 0);
        CHECK_QUIET(&raw);
        CloseRaw(&raw);
    }
}

/* A refused one completes through the port too. */

static void
TestConnectExRefused(void)
{
    struct sockaddr_in name;
    Raw raw;
    SOCKET refusing = NewSocket();

    OpenListener(&raw);
    BindLoopback(refusing, &raw.addr);
    raw.client = NewSocket();
    Bind(raw.iocp, raw.client, 1);
    BindLoopback(raw.client, &name);
    CHECK_COUNT(ConnectRaw(&raw), WSA_IO_PENDING);
    CHECK_FAILED(&raw, ERROR_CONNECTION_REFUSED, CONNECTION_REFUSED);
    CHECK_QUIET(&raw);
    closesocket(refusing);
    CloseRaw(&raw);
}

/*
 * AcceptEx needs 16 more bytes than each address has and no more. Each accept
 * is told of once: by the call if it was over then and the socket skips, or by
 * the port.
 */

static void
TestAcceptEx(void)
{
    int early, skip;

    for (skip = 0; skip < 2; skip++) {
        for (early = 0; early < 2; early++) {
            struct sockaddr *localPtr, *peerPtr;
            struct sockaddr_in name;
            int localLength, peerLength, length = sizeof(name), code;
            char buf[2 * ADDR_BYTES];
            Raw raw;

            OpenListener(&raw);
            Bind(raw.iocp, raw.listener, skip);
            raw.server = NewSocket();
            if (early) {
                ConnectClient(&raw);
            }
            code = Accept(&raw, buf);
            CHECK(code == WSA_IO_PENDING || (early && code == 0));
            if (!early) {
                CHECK_QUIET(&raw);
                ConnectClient(&raw);
            }
            if (code != 0 || !skip) {
                CHECK_QUEUED(&raw, 0);
            }
            CHECK_QUIET(&raw);
            GetAcceptExSockaddrs(buf, 0, ADDR_BYTES, ADDR_BYTES, &localPtr,
                &localLength, &peerPtr, &peerLength);
            CHECK(getsockname(raw.client, (struct sockaddr *) &name, &length)
                == 0);
            CHECK_COUNT(localLength, sizeof(struct sockaddr_in));
            CHECK_COUNT(peerLength, sizeof(struct sockaddr_in));
            CHECK(memcmp(peerPtr, &name, sizeof(name)) == 0);
            CHECK(setsockopt(raw.server, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                      (const char *) &raw.listener, sizeof(SOCKET))
                == 0);
            CHECK(getsockname(raw.server, (struct sockaddr *) &name, &length)
                == 0);
            CHECK_COUNT(name.sin_port, raw.addr.sin_port);
            CloseRaw(&raw);
        }
    }
}

/* A receive that is over at once returns 0. It is queued unless skipped. */

static void
TestRecvAtOnce(void)
{
    int skip;

    for (skip = 0; skip < 2; skip++) {
        char buf[16];
        Raw raw;

        OpenRaw(&raw, skip);

        /* One of 0 bytes, that waits, and one that does not. */
        CHECK_COUNT(Recv(&raw, buf, 0), WSA_IO_PENDING);
        CHECK_QUIET(&raw);
        CHECK(send(raw.client, "data", 4, 0) == 4);
        CHECK_QUEUED(&raw, 0);
        CHECK_COUNT(Recv(&raw, buf, 0), 0);
        if (!skip) {
            CHECK_QUEUED(&raw, 0);
        }
        CHECK_QUIET(&raw);
        CHECK_COUNT(Recv(&raw, buf, sizeof(buf)), 0);
        CHECK_COUNT(raw.overlapped.InternalHigh, 4);
        CHECK_BYTES(buf, "data", 4);
        if (!skip) {
            CHECK_QUEUED(&raw, 4);
        }
        CHECK_QUIET(&raw);

        /* The end of file. */
        closesocket(raw.client);
        raw.client = INVALID_SOCKET;
        WaitReadable(raw.server);
        CHECK_COUNT(Recv(&raw, buf, sizeof(buf)), 0);
        CHECK_COUNT(raw.overlapped.InternalHigh, 0);
        if (!skip) {
            CHECK_QUEUED(&raw, 0);
        }
        CHECK_QUIET(&raw);
        CloseRaw(&raw);
    }
}

/* What fails at its call queues nothing. */

static void
TestFailsAtOnce(void)
{
    int skip;

    for (skip = 0; skip < 2; skip++) {
        char buf[16] = "bytes";
        SOCKET server;
        Raw raw;

        OpenRaw(&raw, skip);
        server = raw.server;
        raw.server = NewSocket();
        Bind(raw.iocp, raw.server, skip);
        CHECK_COUNT(Recv(&raw, buf, sizeof(buf)), WSAENOTCONN);
        CHECK_QUIET(&raw);
        closesocket(raw.server);
        raw.server = server;
        CHECK(shutdown(raw.server, SD_SEND) == 0);
        CHECK_QUIET(&raw);
        CHECK_COUNT(SendRaw(&raw, buf, 5), WSAESHUTDOWN);
        CHECK_QUIET(&raw);
        CHECK(shutdown(raw.server, SD_RECEIVE) == 0);
        CHECK_QUIET(&raw);
        CHECK_COUNT(Recv(&raw, buf, sizeof(buf)), WSAESHUTDOWN);
        CHECK_QUIET(&raw);
        CloseRaw(&raw);
    }
}

/* A reset: of what waits, and of what is called later. */

static void
TestResetCodes(void)
{
    char buf[16];
    int code;
    Raw raw;

    OpenRaw(&raw, 1);
    CHECK_COUNT(Recv(&raw, buf, sizeof(buf)), WSA_IO_PENDING);
    CHECK_QUIET(&raw);
    ResetClient(&raw);
    CHECK_FAILED(&raw, ERROR_NETNAME_DELETED, CONNECTION_RESET);
    CHECK_COUNT(SendRaw(&raw, buf, 5), WSAECONNRESET);
    CHECK_QUIET(&raw);
    code = Recv(&raw, buf, sizeof(buf));
    CHECK_OR_WINE(code == WSAECONNRESET, code == 0,
        "a receive behind a reset gets the end of file");
    CHECK_QUIET(&raw);
    CloseRaw(&raw);
}

/* Cancels complete what waits; with nothing to cancel they say so. */

static void
TestCancelIoEx(void)
{
    enum { SIZE = 8000000 };
    const int none = 0;
    char buf[2 * ADDR_BYTES], *bytesPtr = NewBytes(SIZE);
    int ok;
    Raw raw;

    OpenRaw(&raw, 1);
    CHECK_COUNT(Recv(&raw, buf, sizeof(buf)), WSA_IO_PENDING);
    CHECK(CancelIoEx((HANDLE) raw.server, &raw.overlapped));
    CHECK_FAILED(&raw, ERROR_OPERATION_ABORTED, CANCELLED);
    ok = CancelIoEx((HANDLE) raw.server, NULL);
    CHECK_OR_WINE(!ok && GetLastError() == ERROR_NOT_FOUND, ok,
        "a cancel of nothing succeeds");
    CHECK_QUIET(&raw);
    CloseRaw(&raw);

    OpenListener(&raw);
    Bind(raw.iocp, raw.listener, 1);
    raw.server = NewSocket();
    CHECK_COUNT(Accept(&raw, buf), WSA_IO_PENDING);
    CHECK(CancelIoEx((HANDLE) raw.listener, NULL));
    CHECK_FAILED(&raw, ERROR_OPERATION_ABORTED, CANCELLED);
    CHECK_QUIET(&raw);
    CloseRaw(&raw);

    /* Without a buffer of the system's a send waits for its peer. */
    OpenRaw(&raw, 1);
    CHECK(setsockopt(raw.server, SOL_SOCKET, SO_SNDBUF, (const char *) &none,
              sizeof(none))
        == 0);
    CHECK_COUNT(SendRaw(&raw, bytesPtr, SIZE), WSA_IO_PENDING);
    CHECK_QUIET(&raw);
    ok = CancelIoEx((HANDLE) raw.server, NULL);
    CHECK_OR_WINE(ok, !ok, "a send that is being resumed is not found");
    while (OnWine() && raw.overlapped.Internal == STATUS_PENDING) {
        Sleep(1);
        CancelIoEx((HANDLE) raw.server, NULL);
    }
    CHECK_ENDS(&raw);
    CloseRaw(&raw);
    free(bytesPtr);
}

/*
 * The errors of a completed OVERLAPPED are those that Winsock itself makes of
 * the status.
 */

static void
TestStatus(void)
{
    static const unsigned long statuses[] = {
#define STATUS(name) (unsigned long) STATUS_##name
        STATUS(CANCELLED), STATUS(CONNECTION_RESET), STATUS(REMOTE_DISCONNECT),
        STATUS(CONNECTION_DISCONNECTED), STATUS(LINK_FAILED),
        STATUS(PORT_UNREACHABLE), STATUS(GRACEFUL_DISCONNECT),
        STATUS(LOCAL_DISCONNECT), STATUS(TRANSACTION_ABORTED),
        STATUS(CONNECTION_ABORTED), STATUS(LINK_TIMEOUT), STATUS(IO_TIMEOUT),
        STATUS(CONNECTION_REFUSED), STATUS(REMOTE_NOT_LISTENING),
        STATUS(NETWORK_UNREACHABLE), STATUS(BAD_NETWORK_PATH),
        STATUS(PROTOCOL_UNREACHABLE), STATUS(HOST_UNREACHABLE),
        STATUS(INVALID_CONNECTION), STATUS(CONNECTION_ACTIVE),
        STATUS(PIPE_DISCONNECTED), STATUS(INSUFFICIENT_RESOURCES),
        STATUS(PAGEFILE_QUOTA), STATUS(COMMITMENT_LIMIT),
        STATUS(WORKING_SET_QUOTA), STATUS(NO_MEMORY), STATUS(QUOTA_EXCEEDED),
        STATUS(REMOTE_RESOURCES), STATUS(ADDRESS_ALREADY_EXISTS),
        STATUS(SHARING_VIOLATION), STATUS(ACCESS_DENIED),
        STATUS(INVALID_ADDRESS), STATUS(INVALID_ADDRESS_COMPONENT),
        STATUS(NETWORK_BUSY), STATUS(NO_SUCH_DEVICE),
        STATUS(UNEXPECTED_NETWORK_ERROR), STATUS(REQUEST_ABORTED),
        STATUS(BUFFER_TOO_SMALL), STATUS(INVALID_HANDLE), STATUS(NOT_SUPPORTED),
        STATUS(SUCCESS)};
#undef STATUS
    SOCKET sock = NewSocket();
    unsigned i;

    for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        OVERLAPPED overlapped;
        DWORD bytes, flags;
        CpError own = CpErrorOfStatus(statuses[i]), system = CP_OK;

        memset(&overlapped, 0, sizeof(overlapped));
        overlapped.Internal = statuses[i];
        if (!WSAGetOverlappedResult(sock, &overlapped, &bytes, FALSE, &flags)) {
            system = CpErrorOfWin((unsigned long) WSAGetLastError());
        }
        if (own != system) {
            char name[32];

            snprintf(name, sizeof(name), "%s", CpErrorName(own));
            Fail(__FILE__, __LINE__, "status 0x%08lx is %s here, and %s in %s",
                statuses[i], name, CpErrorName(system), "Winsock");
        }
    }
    closesocket(sock);
}

const Case winsockCases[] = {
    {"winsock-connect", TestConnectEx},
    {"winsock-refused", TestConnectExRefused},
    {"winsock-accept", TestAcceptEx},
    {"winsock-recv", TestRecvAtOnce},
    {"winsock-fails", TestFailsAtOnce},
    {"winsock-reset", TestResetCodes},
    {"winsock-cancel", TestCancelIoEx},
    {"winsock-status", TestStatus},
    {NULL, NULL},
};
