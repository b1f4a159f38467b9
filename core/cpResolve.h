/*
 * cpResolve.h --
 *
 *      Names and addresses: the second half of a port. These calls may block
 *      unless they say otherwise, and any thread may make them.
 */

#ifndef CP_RESOLVE_H
#define CP_RESOLVE_H

#include "cpPort.h"

typedef enum CpFamily { CP_FAMILY_ANY, CP_FAMILY_IP4, CP_FAMILY_IP6 } CpFamily;

#define CP_HOST_BYTES 1026 /* A host name with its end. */

/*
 * CpResolve --
 *
 *      The stream addresses of a host (UTF-8, NULL for none) and a port. For
 *      listening, no host is every local address, and IPv4 comes before IPv6.
 *
 * Results:
 *      1 and a list (*addrsPtr) that the caller frees with CpResolveFree; or 0
 *      and the resolver's own message (*messagePtr: UTF-8, of any length, NULL
 *      without memory) that the caller frees with CpMessageFree.
 */

int CpResolve(const char *host, unsigned port, CpFamily family, int listening,
    CpAddr **addrsPtr, unsigned *countPtr, char **messagePtr);
void CpResolveFree(CpAddr *addrs, unsigned count);

/* Copies a message, NULL without memory; and frees one that is not NULL. */
char *CpMessageNew(const char *text);
void CpMessageFree(char *message);

/* The two ends of a connection, by name. */

typedef struct CpTarget {
    const char *host; /* UTF-8. */
    unsigned port;
    const char *myHost; /* The local end's; NULL for any. */
    unsigned myPort;    /* 0 for any. */
    CpFamily family;
} CpTarget;

typedef struct CpResolved {
    CpAddr *remotes;
    unsigned remoteCount;
    CpAddr *locals; /* NULL: any. */
    unsigned localCount;
} CpResolved;

/*
 * CpResolveTarget --
 *
 *      Looks up the addresses of both ends.
 *
 * Results:
 *      1 and lists that the caller frees with CpResolvedFree; or 0 and a
 *      message as from CpResolve.
 */

int CpResolveTarget(const CpTarget *targetPtr, CpResolved *resolvedPtr,
    char **messagePtr);
void CpResolvedFree(CpResolved *resolvedPtr);

/* Whether its hosts are addresses, which need no look-up. */
int CpTargetIsNumeric(const CpTarget *targetPtr);

/*
 * CpSubmitResolve --
 *
 *      CpResolveTarget as an operation, on a handle of CpHandleOpenResolver.
 *      The target is copied. If op.error is CP_OK, either resolved is set, or
 *      its remotes are NULL and message says why, if there was memory for it.
 *      The proc owns both. A cancelled operation completes at once, although
 *      the resolver still works on it.
 */

typedef struct CpResolveOp {
    CpOp op;
    CpResolved resolved;
    char *message;    /* Or NULL. */
    void *clientData; /* The caller's. */
    void *request;    /* The port's own. */
} CpResolveOp;

/* A handle without a socket, only for look-ups, moving and closing. */
CpError CpHandleOpenResolver(CpPort *portPtr, CpHandle **handlePtrPtr);
void CpSubmitResolve(CpHandle *handlePtr, CpResolveOp *resolvePtr,
    const CpTarget *targetPtr);

/* The port of a TCP service name; -1 if it is unknown. */
int CpServicePort(const char *name);

/*
 * CpAddrHost --
 *
 *      Writes the host of an address to host[CP_HOST_BYTES]: its number or, by
 *      a reverse look-up, its name if it has one.
 */

void CpAddrHost(const CpAddr *addrPtr, int numeric, char *host);

unsigned CpAddrPort(const CpAddr *addrPtr);
void CpAddrSetPort(CpAddr *addrPtr, unsigned port);

/* 0.0.0.0 or ::, mapped or not. */
int CpAddrIsAny(const CpAddr *addrPtr);

#endif /* CP_RESOLVE_H */
