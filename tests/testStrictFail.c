/*
 * testStrictFail.c --
 *
 *      Submits that fail, for tests, at a rate for each kind (testStrict.c,
 *      "acceptfails" and so on): three of four with WSAENOBUFS, one with
 *      WSAEWOULDBLOCK. The seed and the number of earlier submits decide which
 *      ones fail. Calls without an OVERLAPPED do not fail.
 */

#include "testStrict.h"

#define THOUSAND 1000

static volatile LONG drawn = 0;
static volatile LONG failed = 0;
static LPFN_ACCEPTEX realAcceptEx;

int
StrictFailed(void)
{
    return failed;
}

void
StrictFailReset(void)
{
    InterlockedExchange(&drawn, 0);
    InterlockedExchange(&failed, 0);
}

int
StrictFails(StrictSetting rate)
{
    uint32_t x;

    if (strictSettings[rate] == 0) {
        return 0;
    }
    x = (uint32_t) strictSettings[STRICT_SEED]
        + 0x9e3779b9U * (uint32_t) InterlockedIncrement(&drawn);
    x = (x ^ (x >> 16)) * 0x85ebca6bU;
    x = (x ^ (x >> 13)) * 0xc2b2ae35U;
    x ^= x >> 16;
    if (x % THOUSAND >= (uint32_t) strictSettings[rate]) {
        return 0;
    }
    InterlockedIncrement(&failed);
    WSASetLastError((x / THOUSAND) % 4 == 0 ? WSAEWOULDBLOCK : WSAENOBUFS);
    return 1;
}

static BOOL PASCAL
StrictAcceptEx(SOCKET listener, SOCKET sock, void *bufPtr, DWORD bufBytes,
    DWORD localBytes, DWORD peerBytes, DWORD *bytesPtr,
    OVERLAPPED *overlappedPtr)
{
    return !StrictFails(STRICT_ACCEPTFAILS)
        && realAcceptEx(listener, sock, bufPtr, bufBytes, localBytes, peerBytes,
            bytesPtr, overlappedPtr);
}

LPFN_ACCEPTEX
StrictFailAcceptEx(LPFN_ACCEPTEX acceptEx)
{
    realAcceptEx = acceptEx;
    return StrictAcceptEx;
}

typedef int WSAAPI RecvProc(SOCKET sock, WSABUF *bufPtr, DWORD bufs,
    DWORD *bytesPtr, DWORD *flagsPtr, WSAOVERLAPPED *overlappedPtr,
    LPWSAOVERLAPPED_COMPLETION_ROUTINE proc);
typedef int WSAAPI SendProc(SOCKET sock, WSABUF *bufPtr, DWORD bufs,
    DWORD *bytesPtr, DWORD flags, WSAOVERLAPPED *overlappedPtr,
    LPWSAOVERLAPPED_COMPLETION_ROUTINE proc);

extern RecvProc *__real___imp_WSARecv;
extern SendProc *__real___imp_WSASend;

static int WSAAPI
StrictRecv(SOCKET sock, WSABUF *bufPtr, DWORD bufs, DWORD *bytesPtr,
    DWORD *flagsPtr, WSAOVERLAPPED *overlappedPtr,
    LPWSAOVERLAPPED_COMPLETION_ROUTINE proc)
{
    if (overlappedPtr != NULL && StrictFails(STRICT_RECVFAILS)) {
        return SOCKET_ERROR;
    }
    return __real___imp_WSARecv(sock, bufPtr, bufs, bytesPtr, flagsPtr,
        overlappedPtr, proc);
}

static int WSAAPI
StrictSend(SOCKET sock, WSABUF *bufPtr, DWORD bufs, DWORD *bytesPtr,
    DWORD flags, WSAOVERLAPPED *overlappedPtr,
    LPWSAOVERLAPPED_COMPLETION_ROUTINE proc)
{
    if (overlappedPtr != NULL && StrictFails(STRICT_SENDFAILS)) {
        return SOCKET_ERROR;
    }
    return __real___imp_WSASend(sock, bufPtr, bufs, bytesPtr, flags,
        overlappedPtr, proc);
}

extern RecvProc *__wrap___imp_WSARecv;
extern SendProc *__wrap___imp_WSASend;

RecvProc *__wrap___imp_WSARecv = StrictRecv;
SendProc *__wrap___imp_WSASend = StrictSend;
