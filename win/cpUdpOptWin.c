/*
 * cpUdpOptWin.c --
 *
 *      Options and multicast groups of the Windows port's datagram sockets.
 */

#include "cpUdpWin.h"

#include <string.h>

typedef struct OptEntry {
    int level;
    int name;
} OptEntry;

/* By CpUdpOpt: of IPv4, and of IPv6. */

static const OptEntry opts4[CP_UDP_OPT_COUNT] = {
    [CP_UDP_BROADCAST] = {SOL_SOCKET, SO_BROADCAST},
    [CP_UDP_TTL] = {IPPROTO_IP, IP_TTL},
    [CP_UDP_MCAST_TTL] = {IPPROTO_IP, IP_MULTICAST_TTL},
    [CP_UDP_MCAST_LOOP] = {IPPROTO_IP, IP_MULTICAST_LOOP},
};
static const OptEntry opts6[CP_UDP_OPT_COUNT] = {
    [CP_UDP_BROADCAST] = {SOL_SOCKET, SO_BROADCAST},
    [CP_UDP_TTL] = {IPPROTO_IPV6, IPV6_UNICAST_HOPS},
    [CP_UDP_MCAST_TTL] = {IPPROTO_IPV6, IPV6_MULTICAST_HOPS},
    [CP_UDP_MCAST_LOOP] = {IPPROTO_IPV6, IPV6_MULTICAST_LOOP},
};

static const OptEntry *
EntryOf(const CpHandle *handlePtr, CpUdpOpt opt)
{
    return handlePtr->family == AF_INET6 ? &opts6[opt] : &opts4[opt];
}

static CpError
Set(CpHandle *handlePtr, int level, int name, const void *valuePtr,
    size_t bytes)
{
    return setsockopt(handlePtr->sock, level, name, valuePtr, (int) bytes) == 0
        ? CP_OK
        : CpErrorOfWin((unsigned long) WSAGetLastError());
}

CpError
CpUdpSetOpt(CpHandle *handlePtr, CpUdpOpt opt, int value)
{
    const OptEntry *entryPtr = EntryOf(handlePtr, opt);

    return Set(handlePtr, entryPtr->level, entryPtr->name, &value,
        sizeof(value));
}

CpError
CpUdpGetOpt(CpHandle *handlePtr, CpUdpOpt opt, int *valuePtr)
{
    const OptEntry *entryPtr = EntryOf(handlePtr, opt);
    int bytes = sizeof(*valuePtr);

    *valuePtr = 0; /* A boolean option may write only one byte. */
    return getsockopt(handlePtr->sock, entryPtr->level, entryPtr->name,
               (char *) valuePtr, &bytes)
            == 0
        ? CP_OK
        : CpErrorOfWin((unsigned long) WSAGetLastError());
}

/* The IPv4 address of an interface, or any. */

static struct in_addr
HostOf(const CpAddr *addrPtr)
{
    struct sockaddr_in in;

    memset(&in, 0, sizeof(in));
    if (addrPtr->lengthBytes >= sizeof(in)) {
        memcpy(&in, addrPtr->u.bytes, sizeof(in));
    }
    return in.sin_addr;
}

CpError
CpUdpJoin(CpHandle *handlePtr, const CpAddr *groupPtr,
    const CpUdpInterface *interfacePtr, int join)
{
    struct sockaddr_in6 group;
    struct ipv6_mreq request6;
    struct ip_mreq request4;

    if (handlePtr->family == AF_INET6) {
        memcpy(&group, groupPtr->u.bytes, sizeof(group));
        request6.ipv6mr_multiaddr = group.sin6_addr;
        request6.ipv6mr_interface = interfacePtr->index;
        return Set(handlePtr, IPPROTO_IPV6,
            join ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP, &request6,
            sizeof(request6));
    }
    request4.imr_multiaddr = HostOf(groupPtr);
    request4.imr_interface = HostOf(&interfacePtr->addr);
    return Set(handlePtr, IPPROTO_IP,
        join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &request4,
        sizeof(request4));
}

CpError
CpUdpSetMcastInterface(CpHandle *handlePtr, const CpUdpInterface *interfacePtr)
{
    DWORD index = interfacePtr->index;
    struct in_addr host = HostOf(&interfacePtr->addr);

    return handlePtr->family == AF_INET6
        ? Set(handlePtr, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index))
        : Set(handlePtr, IPPROTO_IP, IP_MULTICAST_IF, &host, sizeof(host));
}

int
CpUdpIsMulticast(const CpAddr *addrPtr)
{
    struct sockaddr_in6 in6;

    if (addrPtr->u.family != AF_INET6) {
        return (ntohl(HostOf(addrPtr).s_addr) >> 28) == 14;
    }
    memcpy(&in6, addrPtr->u.bytes, sizeof(in6));
    return in6.sin6_addr.s6_addr[0] == 0xff;
}

int
CpUdpFamily(const CpAddr *addrPtr)
{
    return addrPtr->u.family == AF_INET6 ? 2 : 1;
}
