/*
 * cpBindWin.c --
 *
 *      Binding, and connects to this machine.
 */

#include "cpWin.h"

#include "cpResolve.h"

#include <string.h>

struct sockaddr *
CpWinSockaddr(const CpAddr *addrPtr)
{
    return (struct sockaddr *) (void *) addrPtr->u.bytes;
}

void
CpWinAnyAddr(int family, CpAddr *addrPtr)
{
    memset(addrPtr, 0, sizeof(CpAddr));
    addrPtr->u.family = (uint16_t) family;
    addrPtr->lengthBytes = family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                              : sizeof(struct sockaddr_in);
}

/*
 * Whether a port that was denied is in use. If not, the system has reserved it,
 * as for Hyper-V. To find out, this binds a socket exclusively to the port on
 * all addresses. If any socket has the port, with any options, Windows answers
 * that it is in use. (The table is in Microsoft's documentation, "Sharing
 * Transport Addresses".)
 */

static int
IsInUse(int family, int type, unsigned port)
{
    const BOOL on = TRUE;
    int inUse = 0;
    CpAddr any;
    SOCKET sock;

    if (port == 0 || CpWineDeniedIsInUse(port)) {
        return port != 0;
    }
    sock = CpWinSocket(family, type);
    if (sock == INVALID_SOCKET) {
        return 0;
    }
    CpWinAnyAddr(family, &any);
    CpAddrSetPort(&any, port);
    if (setsockopt(sock, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *) &on,
            sizeof(on))
            == 0
        && bind(sock, CpWinSockaddr(&any), (int) any.lengthBytes) != 0) {
        inUse = WSAGetLastError() == WSAEADDRINUSE;
    }
    closesocket(sock);
    return inUse;
}

CpError
CpHandleBind(CpHandle *handlePtr, const CpAddr *addrPtr)
{
    CpWineBind(handlePtr, addrPtr);
    if (bind(handlePtr->sock, CpWinSockaddr(addrPtr),
            (int) addrPtr->lengthBytes)
        != 0) {
        CpError error = CpErrorOfWin((unsigned long) WSAGetLastError());

        if (error == CP_EACCES
            && IsInUse(handlePtr->family,
                handlePtr->udpPtr != NULL ? SOCK_DGRAM : SOCK_STREAM,
                CpAddrPort(addrPtr))) {
            error = CP_EADDRINUSE;
        }
        return error;
    }
    handlePtr->hasName = 1;
    return CP_OK;
}

/* From a newer mstcpip.h. */
#define SIO_INITIAL_RTO _WSAIOW(IOC_VENDOR, 17)

typedef struct InitialRto {
    USHORT rttMs; /* 0: the system's default. */
    UCHAR maxSynRetransmissions;
} InitialRto;

#define NO_SYN_RETRANSMISSIONS 0xfe /* -2 */

static int
IsLoopback(const CpAddr *addrPtr)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    memcpy(&in, addrPtr->u.bytes, sizeof(in));
    if (in.sin_family == AF_INET) {
        return ntohl(in.sin_addr.s_addr) >> 24 == 127;
    }
    memcpy(&in6, addrPtr->u.bytes, sizeof(in6));
    return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr)
        || (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)
            && in6.sin6_addr.s6_addr[12] == 127);
}

/*
 * Windows repeats a refused connect for 2 s, which is useless on this machine.
 * From Windows 10 1709 on this call turns it off. A system that does not know
 * the call (Wine, for example) is asked only once.
 */

void
CpWinRefuseAtOnce(CpHandle *handlePtr, const CpAddr *addrPtr)
{
    static volatile LONG unknown = 0;
    InitialRto rto = {0, NO_SYN_RETRANSMISSIONS};
    DWORD bytes;

    if (!unknown && IsLoopback(addrPtr)
        && WSAIoctl(handlePtr->sock, SIO_INITIAL_RTO, &rto, sizeof(rto), NULL,
               0, &bytes, NULL, NULL)
            != 0) {
        InterlockedExchange(&unknown, 1);
    }
}
