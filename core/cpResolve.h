/*
 * cpResolve.h --
 *
 *      Names and addresses: the second half of a port. These calls may block,
 *      and any thread may make them.
 */

#ifndef CP_RESOLVE_H
#define CP_RESOLVE_H

#include "cpPort.h"

typedef enum CpFamily { CP_FAMILY_ANY, CP_FAMILY_IP4, CP_FAMILY_IP6 } CpFamily;

#define CP_HOST_BYTES 1026 /* A host name with its end. */
#define CP_MESSAGE_BYTES 256

/*
 * CpResolve --
 *
 *      The stream addresses of a host (UTF-8, NULL for none) and a port. For
 *      listening, no host is every local address, and IPv4 comes before IPv6.
 *
 * Results:
 *      1 and a list (*addrsPtr) that the caller frees with CpResolveFree; or 0
 *      and the resolver's own message (UTF-8) in message[CP_MESSAGE_BYTES].
 */

int CpResolve(const char *host, unsigned port, CpFamily family, int listening,
    CpAddr **addrsPtr, unsigned *countPtr, char *message);
void CpResolveFree(CpAddr *addrs);

/* The port of a TCP service name; -1 when it is not known. */
int CpServicePort(const char *name);

/*
 * CpAddrHost --
 *
 *      Writes an address's host to host[CP_HOST_BYTES]: numeric, or by a
 *      reverse look-up where that gives a name.
 */

void CpAddrHost(const CpAddr *addrPtr, int numeric, char *host);

unsigned CpAddrPort(const CpAddr *addrPtr);
void CpAddrSetPort(CpAddr *addrPtr, unsigned port);

/* 0.0.0.0 or ::, mapped or not. */
int CpAddrIsAny(const CpAddr *addrPtr);

#endif /* CP_RESOLVE_H */
