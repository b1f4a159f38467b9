/*
 * cpHandleWin.c --
 *
 *      Sockets of the Windows port: opening, names, options, and calls that do
 *      not wait.
 */

#include "cpWin.h"

#include "cpMem.h"
#include "cpResolve.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

static INIT_ONCE initOnce = INIT_ONCE_STATIC_INIT;
static CpError initError = CP_OK;
static WinsockEx winsockEx4;
static WinsockEx winsockEx6;
int cpWinSkipsOnSuccess = 0;

static int
GetExtension(SOCKET sock, GUID guid, void *procPtrPtr, DWORD sizeBytes)
{
    DWORD bytes;

    return WSAIoctl(sock, SIO_GET_EXTENSION_FUNCTION_POINTER, &guid,
               sizeof(guid), procPtrPtr, sizeBytes, &bytes, NULL, NULL)
        == 0;
}

/* Windows before 7 SP1 and some layered providers refuse the flag that keeps a
 * socket from being inherited. */

SOCKET
CpWinSocket(int family, int type)
{
    int protocol = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
    SOCKET sock = WSASocketW(family, type, protocol, NULL, 0,
        WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);

    if (sock == INVALID_SOCKET && WSAGetLastError() == WSAEINVAL) {
        sock = WSASocketW(family, type, protocol, NULL, 0, WSA_FLAG_OVERLAPPED);
        if (sock != INVALID_SOCKET) {
            SetHandleInformation((HANDLE) sock, HANDLE_FLAG_INHERIT, 0);
        }
    }
    return sock;
}

/*
 * Finds the extension functions of a family. Skip-on-success is safe only if
 * its sockets are true file system handles. Those of old layered providers are
 * not.
 */

static int
InitFamily(int family, WinsockEx *exPtr, int *ifsPtr)
{
    GUID acceptEx = WSAID_ACCEPTEX;
    GUID connectEx = WSAID_CONNECTEX;
    GUID sockaddrs = WSAID_GETACCEPTEXSOCKADDRS;
    GUID transmitFile = WSAID_TRANSMITFILE;
    WSAPROTOCOL_INFOW info;
    int infoBytes = sizeof(info);
    SOCKET sock = CpWinSocket(family, SOCK_STREAM);
    int ok;

    if (sock == INVALID_SOCKET) {
        return 0;
    }
    ok = GetExtension(sock, acceptEx, &exPtr->acceptEx, sizeof(void *))
        && GetExtension(sock, connectEx, &exPtr->connectEx, sizeof(void *))
        && GetExtension(sock, sockaddrs, &exPtr->getAcceptExSockaddrs,
            sizeof(void *))
        && GetExtension(sock, transmitFile, &exPtr->transmitFile,
            sizeof(void *));
    memset(&info, 0, sizeof(info));
    *ifsPtr = getsockopt(sock, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *) &info,
                  &infoBytes)
            == 0
        && (info.dwServiceFlags1 & XP1_IFS_HANDLES) != 0;
    closesocket(sock);
    return ok;
}

static BOOL CALLBACK
InitWinsock(PINIT_ONCE oncePtr, PVOID param, PVOID *contextPtr)
{
    WSADATA data;
    int code = WSAStartup(MAKEWORD(2, 2), &data);
    int ifs4 = 1, ifs6 = 1;
    int ok4, ok6;

    (void) oncePtr;
    (void) param;
    (void) contextPtr;
    if (code != 0) {
        initError = CpErrorOfWin((unsigned long) code);
        return TRUE;
    }
    ok4 = InitFamily(AF_INET, &winsockEx4, &ifs4);
    ok6 = InitFamily(AF_INET6, &winsockEx6, &ifs6);
    if (!ok4 && !ok6) {
        initError = CP_EAFNOSUPPORT;
    }
    cpWinSkipsOnSuccess = (!ok4 || ifs4) && (!ok6 || ifs6);
    CpWineInit();
    return TRUE;
}

CpError
CpWinInit(void)
{
    InitOnceExecuteOnce(&initOnce, InitWinsock, NULL, NULL);
    return initError;
}

const WinsockEx *
CpWinEx(int family)
{
    return family == AF_INET6 ? &winsockEx6 : &winsockEx4;
}

static CpError
LastError(void)
{
    return CpErrorOfWin((unsigned long) WSAGetLastError());
}

CpError
CpWinHandleNew(CpPort *ownerPtr, int family, CpHandle **handlePtrPtr)
{
    CpHandle *handlePtr = (CpHandle *) CpCalloc(sizeof(CpHandle));

    if (handlePtr == NULL) {
        return CP_ENOMEM;
    }
    handlePtr->family = family;
    handlePtr->ownerPtr = ownerPtr;
    handlePtr->sock = CpWinSocket(family, SOCK_STREAM);
    if (handlePtr->sock == INVALID_SOCKET) {
        CpError error = LastError();

        CpFree(handlePtr, sizeof(CpHandle));
        return CpWineSocketError(error);
    }
    CpStatAdd(CP_STAT_HANDLES, 1);
    *handlePtrPtr = handlePtr;
    return CP_OK;
}

CpError
CpHandleOpenResolver(CpPort *portPtr, CpHandle **handlePtrPtr)
{
    CpHandle *handlePtr = (CpHandle *) CpCalloc(sizeof(CpHandle));

    if (handlePtr == NULL) {
        return CP_ENOMEM;
    }
    handlePtr->ownerPtr = portPtr;
    handlePtr->sock = INVALID_SOCKET;
    *handlePtrPtr = handlePtr;
    return CP_OK;
}

void
CpWinHandleCount(CpHandle *handlePtr)
{
    handlePtr->counted = 1;
    CpStatAdd(CP_STAT_SOCKETS, 1);
}

CpError
CpHandleOpen(CpPort *portPtr, const CpAddr *addrPtr, CpHandle **handlePtrPtr)
{
    int family = addrPtr->u.family;
    CpError error = CpWinHandleNew(portPtr, family, handlePtrPtr);
    int on = 1;

    if (error != CP_OK) {
        return error;
    }
    CpWinHandleCount(*handlePtrPtr);
    if (family == AF_INET6
        && setsockopt((*handlePtrPtr)->sock, IPPROTO_IPV6, IPV6_V6ONLY,
               (const char *) &on, sizeof(on))
            != 0) {
        error = LastError();
        CpHandleClose(*handlePtrPtr);
        *handlePtrPtr = NULL;
    }
    return error;
}

CpError
CpHandleListen(CpHandle *handlePtr, int backlog)
{
    if (listen(handlePtr->sock, backlog < 0 ? SOMAXCONN : backlog) != 0) {
        return LastError();
    }
    return CP_OK;
}

CpError
CpHandleShutdown(CpHandle *handlePtr, int directions)
{
    int how = SD_BOTH;

    if (!(directions & CP_READ)) {
        how = SD_SEND;
    } else if (!(directions & CP_WRITE)) {
        how = SD_RECEIVE;
    }
    return shutdown(handlePtr->sock, how) == 0 ? CP_OK : LastError();
}

void
CpHandleAbort(CpHandle *handlePtr)
{
    const struct linger abort = {1, 0};

    setsockopt(handlePtr->sock, SOL_SOCKET, SO_LINGER, (const char *) &abort,
        sizeof(abort));
}

void
CpHandleClose(CpHandle *handlePtr)
{
    assert(handlePtr->pending == 0);
    assert(CpListIsEmpty(&handlePtr->parked));
    if (handlePtr->sock != INVALID_SOCKET) {
        closesocket(handlePtr->sock);
        CpStatAdd(CP_STAT_HANDLES, -1);
    }
    if (handlePtr->counted) {
        CpStatAdd(CP_STAT_SOCKETS, -1);
    }
    CpWinUnbindPort(handlePtr);
    CpFree(handlePtr, sizeof(CpHandle));
}

typedef struct OptEntry {
    int level;
    int name;
} OptEntry;

static const OptEntry optTable[CP_OPT_COUNT] = {
    [CP_OPT_KEEPALIVE] = {SOL_SOCKET, SO_KEEPALIVE},
    [CP_OPT_NODELAY] = {IPPROTO_TCP, TCP_NODELAY},
    [CP_OPT_SNDBUF] = {SOL_SOCKET, SO_SNDBUF},
    [CP_OPT_RCVBUF] = {SOL_SOCKET, SO_RCVBUF},
    [CP_OPT_REUSEADDR] = {SOL_SOCKET, SO_REUSEADDR},
    [CP_OPT_EXCLUSIVE] = {SOL_SOCKET, SO_EXCLUSIVEADDRUSE},
};

CpError
CpHandleSetOpt(CpHandle *handlePtr, CpSockOpt opt, int value)
{
    if (setsockopt(handlePtr->sock, optTable[opt].level, optTable[opt].name,
            (const char *) &value, sizeof(value))
        != 0) {
        return LastError();
    }
    if (opt == CP_OPT_EXCLUSIVE) {
        handlePtr->exclusive = value;
    }
    return CP_OK;
}

CpError
CpHandleGetOpt(CpHandle *handlePtr, CpSockOpt opt, int *valuePtr)
{
    int bytes = sizeof(*valuePtr);

    *valuePtr = 0; /* A boolean option may write only one byte. */
    return getsockopt(handlePtr->sock, optTable[opt].level, optTable[opt].name,
               (char *) valuePtr, &bytes)
            == 0
        ? CP_OK
        : LastError();
}

typedef int WSAAPI NameProc(SOCKET sock, SOCKADDR *addrPtr, int *lengthPtr);

static CpError
GetName(CpHandle *handlePtr, NameProc *proc, CpAddr *addrPtr)
{
    int length = sizeof(addrPtr->u);

    memset(addrPtr, 0, sizeof(CpAddr));
    if (proc(handlePtr->sock, CpWinSockaddr(addrPtr), &length) != 0) {
        return LastError();
    }
    addrPtr->lengthBytes = (uint32_t) length;
    return CP_OK;
}

CpError
CpHandleLocal(CpHandle *handlePtr, CpAddr *addrPtr)
{
    return GetName(handlePtr, getsockname, addrPtr);
}

CpError
CpHandlePeer(CpHandle *handlePtr, CpAddr *addrPtr)
{
    return GetName(handlePtr, getpeername, addrPtr);
}

/* The first call that must not wait makes the socket non-blocking. Overlapped
 * operations do not depend on that. */

static void
SetNonBlocking(CpHandle *handlePtr)
{
    u_long on = 1;

    if (!handlePtr->nonBlocking
        && ioctlsocket(handlePtr->sock, (long) FIONBIO, &on) == 0) {
        handlePtr->nonBlocking = 1;
    }
}

uintptr_t
CpHandleNative(CpHandle *handlePtr)
{
    SetNonBlocking(handlePtr);
    return (uintptr_t) handlePtr->sock;
}

static ULONG
WinLength(size_t lengthBytes)
{
    return lengthBytes > LONG_MAX ? (ULONG) LONG_MAX : (ULONG) lengthBytes;
}

CpError
CpTryRecv(CpHandle *handlePtr, void *bufPtr, size_t lengthBytes,
    size_t *bytesPtr)
{
    WSABUF buf;
    DWORD bytes = 0, flags = 0;

    SetNonBlocking(handlePtr);
    buf.buf = (char *) bufPtr;
    buf.len = WinLength(lengthBytes);
    *bytesPtr = 0;
    if (WSARecv(handlePtr->sock, &buf, 1, &bytes, &flags, NULL, NULL) != 0) {
        return LastError();
    }
    *bytesPtr = bytes;
    return CP_OK;
}

/*
 * FIONREAD is the cheaper call. If it returns 0, only a peek can tell the end
 * of file from no data, and from bytes behind an urgent one.
 */

int
CpHandleHasData(CpHandle *handlePtr)
{
    u_long bytes = 0;

    return ioctlsocket(handlePtr->sock, FIONREAD, &bytes) == 0 && bytes > 0;
}

CpError
CpTryPeek(CpHandle *handlePtr, size_t *bytesPtr)
{
    u_long waiting = 0;
    char byte;
    WSABUF buf = {1, &byte};
    DWORD bytes = 0, flags = MSG_PEEK;
    CpError error;

    *bytesPtr = 0;
    if (ioctlsocket(handlePtr->sock, FIONREAD, &waiting) == 0 && waiting > 0) {
        *bytesPtr = waiting;
        return CP_OK;
    }
    SetNonBlocking(handlePtr);
    if (WSARecv(handlePtr->sock, &buf, 1, &bytes, &flags, NULL, NULL) == 0) {
        *bytesPtr = bytes;
        return CP_OK;
    }
    error = LastError();
    if (error == CP_EAGAIN) {
        CpWineSkipUrgent(handlePtr);
    }
    return error;
}

CpError
CpTrySend(CpHandle *handlePtr, const void *bufPtr, size_t lengthBytes,
    size_t *bytesPtr)
{
    WSABUF buf;
    DWORD bytes = 0;

    SetNonBlocking(handlePtr);
    buf.buf = (char *) bufPtr;
    buf.len = WinLength(lengthBytes);
    *bytesPtr = 0;
    if (WSASend(handlePtr->sock, &buf, 1, &bytes, 0, NULL, NULL) != 0) {
        return LastError();
    }
    *bytesPtr = bytes;
    return bytes > 0 ? CP_OK : CP_EAGAIN;
}
