/*
 * floor.c CASE SECONDS --
 *
 *      Some cases of cases.tcl in plain C, to show the limit of Wine's
 *      completion ports. Both ends are in one thread, receives are submitted
 *      before their bytes arrive, and operations that succeed at once queue no
 *      completion. The program writes a line as bench.tcl does.
 */

#include <winsock2.h>
#include <mswsock.h>
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One direction of a socket: an operation and its bytes. */

typedef struct Io {
    OVERLAPPED overlapped; /* First: its address is the Io's. */
    SOCKET sock;
    char *buf;
    DWORD size;
} Io;

static HANDLE iocp;
static SOCKET listener;
static struct sockaddr_in addr;

static void
Fail(const char *what)
{
    fprintf(stderr, "floor: %s: error %d\n", what, WSAGetLastError());
    exit(1);
}

static double
Now(void)
{
    LARGE_INTEGER frequency, count;

    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&count);
    return (double) count.QuadPart / (double) frequency.QuadPart;
}

static void
Bind(SOCKET sock)
{
    CreateIoCompletionPort((HANDLE) sock, iocp, 0, 0);
    SetFileCompletionNotificationModes((HANDLE) sock,
        FILE_SKIP_COMPLETION_PORT_ON_SUCCESS);
}

static SOCKET
NewSocket(void)
{
    SOCKET sock = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
        WSA_FLAG_OVERLAPPED);

    if (sock == INVALID_SOCKET) {
        Fail("WSASocket");
    }
    return sock;
}

static void
Listen(void)
{
    int length = sizeof(addr);

    listener = NewSocket();
    addr.sin_family = AF_INET;
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *) &addr, sizeof(addr)) != 0
        || listen(listener, 64) != 0
        || getsockname(listener, (struct sockaddr *) &addr, &length) != 0) {
        Fail("listen");
    }
    Bind(listener);
}

/* Waits for the next completion. */

static Io *
Reap(DWORD *bytesPtr)
{
    ULONG_PTR key;
    OVERLAPPED *overlappedPtr;

    if (!GetQueuedCompletionStatus(iocp, bytesPtr, &key, &overlappedPtr,
            10000)) {
        Fail("GetQueuedCompletionStatus");
    }
    return (Io *) overlappedPtr;
}

/* True, with *bytesPtr set, if the receive completed at once. */

static int
Recv(Io *ioPtr, DWORD *bytesPtr)
{
    WSABUF buf;
    DWORD flags = 0;

    buf.buf = ioPtr->buf;
    buf.len = ioPtr->size;
    memset(&ioPtr->overlapped, 0, sizeof(OVERLAPPED));
    if (WSARecv(ioPtr->sock, &buf, 1, bytesPtr, &flags, &ioPtr->overlapped,
            NULL)
        == 0) {
        return 1;
    }
    if (WSAGetLastError() != WSA_IO_PENDING) {
        Fail("WSARecv");
    }
    return 0;
}

static int
Send(Io *ioPtr, DWORD *bytesPtr)
{
    WSABUF buf;

    buf.buf = ioPtr->buf;
    buf.len = ioPtr->size;
    memset(&ioPtr->overlapped, 0, sizeof(OVERLAPPED));
    if (WSASend(ioPtr->sock, &buf, 1, bytesPtr, 0, &ioPtr->overlapped, NULL)
        == 0) {
        return 1;
    }
    if (WSAGetLastError() != WSA_IO_PENDING) {
        Fail("WSASend");
    }
    return 0;
}

/* Submits an accept, then makes a blocking connect. */

static void
Connect(SOCKET *clientPtr, SOCKET *serverPtr)
{
    static char names[2 * (sizeof(struct sockaddr_in) + 16)];
    Io accept;
    DWORD bytes;

    memset(&accept, 0, sizeof(accept));
    *serverPtr = NewSocket();
    *clientPtr = NewSocket();
    if (!AcceptEx(listener, *serverPtr, names, 0,
            sizeof(struct sockaddr_in) + 16, sizeof(struct sockaddr_in) + 16,
            &bytes, &accept.overlapped)
        && WSAGetLastError() != ERROR_IO_PENDING) {
        Fail("AcceptEx");
    }
    if (connect(*clientPtr, (struct sockaddr *) &addr, sizeof(addr)) != 0) {
        Fail("connect");
    }
    if (Reap(&bytes) != &accept) {
        Fail("accept");
    }
    setsockopt(*serverPtr, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
        (char *) &listener, sizeof(listener));
    Bind(*clientPtr);
    Bind(*serverPtr);
}

static void
RoundTrips(double seconds)
{
    static char bytes[3];
    SOCKET client, server;
    Io recvs[2], send;
    DWORD count;
    double start, end;
    unsigned long ops = 0;
    unsigned i;

    Connect(&client, &server);
    memset(recvs, 0, sizeof(recvs));
    for (i = 0; i < 2; i++) {
        recvs[i].sock = i == 0 ? client : server;
        recvs[i].buf = &bytes[i];
        recvs[i].size = 1;
        Recv(&recvs[i], &count);
    }
    memset(&send, 0, sizeof(send));
    send.buf = &bytes[2];
    send.size = 1;
    send.sock = client;
    start = Now();
    Send(&send, &count);
    do {
        Io *ioPtr = Reap(&count);

        ops += ioPtr == &recvs[0];
        Recv(ioPtr, &count);
        send.sock = ioPtr->sock;
        Send(&send, &count);
        end = Now();
    } while (end - start < seconds);
    printf("RESULT ops %lu us %.3f\n", ops, (end - start) * 1e6 / (double) ops);
}

/* An operation that completes at once is repeated; the directions alternate. */

static void
Bulk(double seconds, DWORD size)
{
    SOCKET client, server;
    Io recv, send;
    DWORD count;
    double start, end, received = 0;
    int sends = 0, recvs = 0;

    Connect(&client, &server);
    memset(&recv, 0, sizeof(recv));
    memset(&send, 0, sizeof(send));
    recv.sock = server;
    send.sock = client;
    recv.size = send.size = size;
    recv.buf = malloc(size);
    send.buf = calloc(1, size);
    start = Now();
    do {
        if (!sends) {
            sends = !Send(&send, &count);
        }
        if (!recvs) {
            recvs = !Recv(&recv, &count);
            received += recvs ? 0 : count;
        }
        if (sends || recvs) {
            Io *ioPtr = Reap(&count);

            sends = ioPtr == &send ? 0 : sends;
            received += ioPtr == &recv ? count : 0;
            recvs = ioPtr == &recv ? 0 : recvs;
        }
        end = Now();
    } while (end - start < seconds);
    printf("RESULT ops %.0f mibs %.3f\n", received / size,
        received / 1048576 / (end - start));
}

/* Connect, accept, send a line, close both ends. */

static void
Connections(double seconds)
{
    char line[16] = "a line\n", got[16];
    double start = Now(), end;
    unsigned long ops = 0;
    DWORD count;

    do {
        SOCKET client, server;
        Io recv, send;

        Connect(&client, &server);
        memset(&recv, 0, sizeof(recv));
        memset(&send, 0, sizeof(send));
        send.sock = client;
        send.buf = line;
        send.size = 7;
        recv.sock = server;
        recv.buf = got;
        recv.size = sizeof(got);
        if (!Send(&send, &count)) {
            Reap(&count);
        }
        if (!Recv(&recv, &count)) {
            Reap(&count);
        }
        closesocket(client);
        closesocket(server);
        ops++;
        end = Now();
    } while (end - start < seconds);
    printf("RESULT ops %lu us %.3f perSecond %.3f\n", ops,
        (end - start) * 1e6 / (double) ops, (double) ops / (end - start));
}

int
main(int argc, char **argv)
{
    const char *name = argc == 3 ? argv[1] : "";
    double seconds = argc == 3 ? atof(argv[2]) : 0;
    WSADATA data;

    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        Fail("WSAStartup");
    }
    iocp = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    Listen();
    if (strcmp(name, "rt1") == 0) {
        RoundTrips(seconds);
    } else if (strcmp(name, "bulk4k") == 0) {
        Bulk(seconds, 4096);
    } else if (strcmp(name, "bulk64k") == 0) {
        Bulk(seconds, 65536);
    } else if (strcmp(name, "bulk1m") == 0) {
        Bulk(seconds, 1048576);
    } else if (strcmp(name, "conn-seq") == 0) {
        Connections(seconds);
    } else {
        fprintf(stderr,
            "usage: floor rt1|bulk4k|bulk64k|bulk1m|conn-seq "
            "SECONDS\n");
        return 2;
    }
    return 0;
}
