/*
 * cpUdpWin.c --
 *
 *      Datagrams of the Windows port: sockets, receives and sends.
 *
 *      WSARecvMsg tells where a datagram was sent to and where it came in. At
 *      most one receive of a handle is outstanding, so its WSAMSG is the
 *      handle's.
 *
 *      A receive that is submitted has room for any datagram. If it had not,
 *      it could fail at its submit with WSAEMSGSIZE. That is a warning to the
 *      I/O manager, which may queue a completion for it or not.
 *
 *      Datagram sockets skip no completions. Windows 7 has a fault there, of
 *      which libuv and .NET report that completions come although they should
 *      be skipped.
 */

#include "cpUdpWin.h"

#include "cpMem.h"
#include "cpResolve.h"

#include <string.h>

static CpError
LastError(void)
{
    return CpErrorOfWin((unsigned long) WSAGetLastError());
}

/* ------------------------------------------------------------ sockets */

static INIT_ONCE recvMsgOnce = INIT_ONCE_STATIC_INIT;
static LPFN_WSARECVMSG recvMsg;

/* All providers of one system have the same function, as far as they have it.
 */

static BOOL CALLBACK
FindRecvMsg(PINIT_ONCE oncePtr, PVOID param, PVOID *contextPtr)
{
    GUID guid = WSAID_WSARECVMSG;
    SOCKET sock = *(const SOCKET *) param;
    DWORD bytes;

    (void) oncePtr;
    (void) contextPtr;
    if (WSAIoctl(sock, SIO_GET_EXTENSION_FUNCTION_POINTER, &guid, sizeof(guid),
            (void *) &recvMsg, sizeof(recvMsg), &bytes, NULL, NULL)
        != 0) {
        recvMsg = NULL;
    }
    return TRUE;
}

/* From a newer mstcpip.h. */
#ifndef SIO_UDP_CONNRESET
#define SIO_UDP_CONNRESET _WSAIOW(IOC_VENDOR, 12)
#endif
#ifndef SIO_UDP_NETRESET
#define SIO_UDP_NETRESET _WSAIOW(IOC_VENDOR, 15)
#endif

/*
 * Otherwise each ICMP "port unreachable" or "TTL expired" that a datagram
 * causes makes a later receive fail, also if it has another peer.
 */

static void
ReportIcmp(SOCKET sock, BOOL on)
{
    DWORD bytes;

    WSAIoctl(sock, SIO_UDP_CONNRESET, &on, sizeof(on), NULL, 0, &bytes, NULL,
        NULL);
    WSAIoctl(sock, SIO_UDP_NETRESET, &on, sizeof(on), NULL, 0, &bytes, NULL,
        NULL);
}

static void
SetFlag(SOCKET sock, int level, int name)
{
    const DWORD on = 1;

    setsockopt(sock, level, name, (const char *) &on, sizeof(on));
}

/* Asks for what WSARecvMsg can tell. A system that cannot tell is no error. */

static void
AskForInfo(SOCKET sock, int family)
{
    if (family == AF_INET6) {
        SetFlag(sock, IPPROTO_IPV6, IPV6_PKTINFO);
        SetFlag(sock, IPPROTO_IPV6, IPV6_HOPLIMIT);
    } else {
        SetFlag(sock, IPPROTO_IP, IP_PKTINFO);
        SetFlag(sock, IPPROTO_IP, IP_RECVTTL);
    }
}

CpError
CpUdpHandleOpen(CpPort *portPtr, const CpAddr *addrPtr, CpHandle **handlePtrPtr)
{
    CpHandle *handlePtr = CpCalloc(sizeof(CpHandle));
    struct WinUdp *udpPtr = CpCalloc(sizeof(struct WinUdp));
    CpError error = CP_ENOMEM;

    if (handlePtr == NULL || udpPtr == NULL) {
        goto freeBoth;
    }
    handlePtr->family = addrPtr->u.family;
    handlePtr->ownerPtr = portPtr;
    handlePtr->udpPtr = udpPtr;
    handlePtr->sock = CpWinSocket(handlePtr->family, SOCK_DGRAM);
    if (handlePtr->sock == INVALID_SOCKET) {
        error = CpWineSocketError(LastError());
        goto freeBoth;
    }
    if (handlePtr->family == AF_INET6) {
        SetFlag(handlePtr->sock, IPPROTO_IPV6, IPV6_V6ONLY);
    }
    InitOnceExecuteOnce(&recvMsgOnce, FindRecvMsg, &handlePtr->sock, NULL);
    AskForInfo(handlePtr->sock, handlePtr->family);
    ReportIcmp(handlePtr->sock, FALSE);
    CpStatAdd(CP_STAT_HANDLES, 1);
    CpWinHandleCount(handlePtr);
    *handlePtrPtr = handlePtr;
    return CP_OK;

freeBoth:
    CpFree(udpPtr, sizeof(struct WinUdp));
    CpFree(handlePtr, sizeof(CpHandle));
    return error;
}

void
CpUdpHandleClose(CpHandle *handlePtr)
{
    struct WinUdp *udpPtr = handlePtr->udpPtr;

    CpUdpWineForget(handlePtr);
    CpHandleClose(handlePtr);
    CpFree(udpPtr, sizeof(struct WinUdp));
}

CpError
CpUdpHandleConnect(CpHandle *handlePtr, const CpAddr *addrPtr)
{
    if (connect(handlePtr->sock,
            (const SOCKADDR *) (const void *) addrPtr->u.bytes,
            (int) addrPtr->lengthBytes)
        != 0) {
        return LastError();
    }
    handlePtr->hasName = 1;
    ReportIcmp(handlePtr->sock, TRUE);
    CpUdpWineWatch(handlePtr);
    return CP_OK;
}

int
CpUdpServicePort(const char *name)
{
    const struct servent *entryPtr = NULL;

    if (CpWinInit() == CP_OK) {
        entryPtr = getservbyname(name, "udp");
    }
    return entryPtr != NULL ? ntohs((u_short) entryPtr->s_port) : -1;
}

/* ----------------------------------------------------------- receives */

static void
PrepareMsg(struct WinUdp *udpPtr, void *bufPtr, size_t lengthBytes)
{
    memset(&udpPtr->msg, 0, sizeof(udpPtr->msg));
    udpPtr->buf.buf = bufPtr;
    udpPtr->buf.len = (ULONG) lengthBytes;
    udpPtr->msg.name = (SOCKADDR *) (void *) udpPtr->peer.u.bytes;
    udpPtr->msg.namelen = sizeof(udpPtr->peer.u);
    udpPtr->msg.lpBuffers = &udpPtr->buf;
    udpPtr->msg.dwBufferCount = 1;
    udpPtr->msg.Control.buf = udpPtr->control.bytes;
    udpPtr->msg.Control.len = sizeof(udpPtr->control.bytes);
}

void
CpSubmitRecvFrom(CpHandle *handlePtr, CpOp *opPtr, void *bufPtr)
{
    struct WinUdp *udpPtr = handlePtr->udpPtr;
    CpError error;
    int ok;

    CpWinBegin(handlePtr, opPtr, WIN_OP_DATAGRAM);
    error = recvMsg != NULL ? CpWinBindPort(handlePtr) : CP_EOPNOTSUPP;
    if (error != CP_OK) {
        CpWinFinishNow(opPtr, error);
        return;
    }
    PrepareMsg(udpPtr, bufPtr, CP_UDP_BYTES_MAX);
    CpWinExpect(opPtr);
    ok = recvMsg(handlePtr->sock, &udpPtr->msg, NULL, WIN_OVERLAPPED(opPtr),
             NULL)
        == 0;
    CpWinSubmitted(opPtr, ok);
    opPtr->atOnce |= ok;
}

static void
CopyAddr(CpAddr *addrPtr, int family, const void *hostPtr, size_t hostBytes,
    size_t offset)
{
    CpWinAnyAddr(family, addrPtr);
    memcpy(addrPtr->u.bytes + offset, hostPtr, hostBytes);
}

/* Takes over one fact that came with a datagram. */

static void
ReadFact(const WSACMSGHDR *factPtr, CpUdpInfo *infoPtr)
{
    const void *dataPtr = WSA_CMSG_DATA(factPtr);

    if (factPtr->cmsg_level == IPPROTO_IP && factPtr->cmsg_type == IP_PKTINFO) {
        IN_PKTINFO info;

        memcpy(&info, dataPtr, sizeof(info));
        infoPtr->interfaceIndex = info.ipi_ifindex;
        CopyAddr(&infoPtr->local, AF_INET, &info.ipi_addr,
            sizeof(info.ipi_addr), offsetof(struct sockaddr_in, sin_addr));
    } else if (factPtr->cmsg_level == IPPROTO_IPV6
        && factPtr->cmsg_type == IPV6_PKTINFO) {
        IN6_PKTINFO info;

        memcpy(&info, dataPtr, sizeof(info));
        infoPtr->interfaceIndex = info.ipi6_ifindex;
        CopyAddr(&infoPtr->local, AF_INET6, &info.ipi6_addr,
            sizeof(info.ipi6_addr), offsetof(struct sockaddr_in6, sin6_addr));
    } else if ((factPtr->cmsg_level == IPPROTO_IP
                   && factPtr->cmsg_type == IP_TTL)
        || (factPtr->cmsg_level == IPPROTO_IPV6
            && factPtr->cmsg_type == IPV6_HOPLIMIT)) {
        memcpy(&infoPtr->hops, dataPtr, sizeof(infoPtr->hops));
    }
}

void
CpRecvFromInfo(CpHandle *handlePtr, CpUdpInfo *infoPtr)
{
    struct WinUdp *udpPtr = handlePtr->udpPtr;
    WSACMSGHDR *factPtr;

    memset(infoPtr, 0, sizeof(CpUdpInfo));
    infoPtr->hops = -1;
    infoPtr->peer = udpPtr->peer;
    infoPtr->peer.lengthBytes = handlePtr->family == AF_INET6
        ? sizeof(struct sockaddr_in6)
        : sizeof(struct sockaddr_in);
    for (factPtr = WSA_CMSG_FIRSTHDR(&udpPtr->msg); factPtr != NULL;
         factPtr = WSA_CMSG_NXTHDR(&udpPtr->msg, factPtr)) {
        ReadFact(factPtr, infoPtr);
    }
}

CpError
CpTryRecvFrom(CpHandle *handlePtr, void *bufPtr, size_t lengthBytes,
    size_t *bytesPtr, CpUdpInfo *infoPtr)
{
    SOCKET sock = (SOCKET) CpHandleNative(handlePtr);
    struct WinUdp *udpPtr = handlePtr->udpPtr;
    int truncated = 0;
    DWORD bytes = 0;

    *bytesPtr = 0;
    if (recvMsg == NULL) {
        return CP_EOPNOTSUPP;
    }
    PrepareMsg(udpPtr, bufPtr, lengthBytes);
    if (recvMsg(sock, &udpPtr->msg, &bytes, NULL, NULL) != 0) {
        CpError error = LastError();

        if (error != CP_EMSGSIZE) {
            return error;
        }
        truncated = 1;
        bytes = (DWORD) lengthBytes;
    }
    CpRecvFromInfo(handlePtr, infoPtr);
    infoPtr->truncated = truncated;
    *bytesPtr = bytes;
    return CP_OK;
}

/* -------------------------------------------------------------- sends */

/* Without an address, the socket has a peer. */

static int
SendTo(SOCKET sock, const void *bufPtr, size_t lengthBytes,
    const CpAddr *addrPtr, OVERLAPPED *overlappedPtr)
{
    WSABUF buf = {(ULONG) lengthBytes, (char *) bufPtr};
    DWORD bytes;

    return WSASendTo(sock, &buf, 1, &bytes, 0,
               addrPtr != NULL
                   ? (const SOCKADDR *) (const void *) addrPtr->u.bytes
                   : NULL,
               addrPtr != NULL ? (int) addrPtr->lengthBytes : 0, overlappedPtr,
               NULL)
        == 0;
}

void
CpSubmitSendTo(CpHandle *handlePtr, CpOp *opPtr, const void *bufPtr,
    size_t lengthBytes, const CpAddr *addrPtr)
{
    CpError error;

    CpWinBegin(handlePtr, opPtr, WIN_OP_DATAGRAM);
    error = CpWinBindPort(handlePtr);
    if (error != CP_OK) {
        CpWinFinishNow(opPtr, error);
        return;
    }
    CpWinExpect(opPtr);
    CpWinSubmitted(opPtr,
        SendTo(handlePtr->sock, bufPtr, lengthBytes, addrPtr,
            WIN_OVERLAPPED(opPtr)));
}

CpError
CpTrySendTo(CpHandle *handlePtr, const void *bufPtr, size_t lengthBytes,
    const CpAddr *addrPtr)
{
    SOCKET sock = (SOCKET) CpHandleNative(handlePtr);

    return SendTo(sock, bufPtr, lengthBytes, addrPtr, NULL) ? CP_OK
                                                            : LastError();
}
