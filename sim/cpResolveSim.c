/*
 * cpResolveSim.c --
 *
 *      Names and addresses of the simulated network. An address is a family
 *      and a port, 16 bits each, and a host of 32 bits: 127.0.0.1, ::1.
 */

#include "cpMem.h"
#include "cpSimInt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 16
#define ADDRS_MAX 8

typedef struct Name {
    char name[64];
    CpAddr addrs[ADDRS_MAX];
    unsigned count;
} Name;

static Name names[NAMES_MAX];
static unsigned nameCount;

/* ----------------------------------------------------------- addresses */

uint16_t
SimFamily(const CpAddr *addrPtr)
{
    uint16_t family;

    memcpy(&family, addrPtr->u.bytes, sizeof(family));
    return family;
}

uint32_t
SimHost(const CpAddr *addrPtr)
{
    uint32_t host;

    memcpy(&host, addrPtr->u.bytes + 4, sizeof(host));
    return host;
}

static CpAddr
Addr(uint16_t family, uint32_t host, unsigned port)
{
    CpAddr addr;

    memset(&addr, 0, sizeof(addr));
    addr.lengthBytes = family == SIM_FAMILY_IP6 ? 28 : 16;
    memcpy(addr.u.bytes, &family, sizeof(family));
    memcpy(addr.u.bytes + 4, &host, sizeof(host));
    CpAddrSetPort(&addr, port);
    return addr;
}

CpAddr
CpSimAddr4(uint32_t host, unsigned port)
{
    return Addr(SIM_FAMILY_IP4, host, port);
}

CpAddr
CpSimAddr6(uint32_t host, unsigned port)
{
    return Addr(SIM_FAMILY_IP6, host, port);
}

/* This machine's: 127.x, ::1 and any. */

int
SimIsLocal(const CpAddr *addrPtr)
{
    uint32_t host = SimHost(addrPtr);

    return SimFamily(addrPtr) == SIM_FAMILY_IP6
        ? host <= 1
        : host == 0 || host >> 24 == 127;
}

unsigned
CpAddrPort(const CpAddr *addrPtr)
{
    return addrPtr->u.bytes[2] * 256u + addrPtr->u.bytes[3];
}

void
CpAddrSetPort(CpAddr *addrPtr, unsigned port)
{
    addrPtr->u.bytes[2] = (unsigned char) (port >> 8);
    addrPtr->u.bytes[3] = (unsigned char) port;
}

int
CpAddrIsAny(const CpAddr *addrPtr)
{
    return SimHost(addrPtr) == 0;
}

void
CpAddrHost(const CpAddr *addrPtr, int numeric, char *host)
{
    uint32_t number = SimHost(addrPtr);

    if (!numeric && SimIsLocal(addrPtr) && number != 0) {
        strcpy(host, "localhost");
    } else if (SimFamily(addrPtr) == SIM_FAMILY_IP6) {
        if (number == 0) {
            strcpy(host, "::");
        } else {
            snprintf(host, CP_HOST_BYTES, "::%x", (unsigned) number);
        }
    } else {
        snprintf(host, CP_HOST_BYTES, "%u.%u.%u.%u", number >> 24,
            number >> 16 & 255, number >> 8 & 255, number & 255);
    }
}

static int
ParseNumeric(const char *host, CpAddr *addrPtr)
{
    unsigned a, b, c, d;
    char end;

    if (sscanf(host, "%u.%u.%u.%u%c", &a, &b, &c, &d, &end) == 4
        && (a | b | c | d) < 256) {
        *addrPtr = CpSimAddr4(a << 24 | b << 16 | c << 8 | d, 0);
        return 1;
    }
    if (strcmp(host, "::") == 0) {
        *addrPtr = CpSimAddr6(0, 0);
        return 1;
    }
    if (sscanf(host, "::%x%c", &a, &end) == 1) {
        *addrPtr = CpSimAddr6(a, 0);
        return 1;
    }
    return 0;
}

/* --------------------------------------------------------------- names */

void
CpSimSetName(const char *name, const CpAddr *addrs, unsigned count)
{
    Name *namePtr = &names[nameCount++];

    if (nameCount > NAMES_MAX || count > ADDRS_MAX
        || strlen(name) >= sizeof(namePtr->name)) {
        CpSimFail("a name too many, or too long");
    }
    strcpy(namePtr->name, name);
    memcpy(namePtr->addrs, addrs, count * sizeof(CpAddr));
    namePtr->count = count;
}

void
SimForgetNames(void)
{
    nameCount = 0;
}

static unsigned
LookUp(const char *host, int listening, CpAddr *addrs)
{
    unsigned i;

    if (host == NULL || strcmp(host, "localhost") == 0) {
        int any = host == NULL && listening;

        addrs[0] = CpSimAddr4(any ? 0 : CP_SIM_LOCALHOST, 0);
        addrs[1] = CpSimAddr6(any ? 0 : 1, 0);
        return 2;
    }
    if (ParseNumeric(host, &addrs[0])) {
        return 1;
    }
    for (i = 0; i < nameCount; i++) {
        if (strcmp(names[i].name, host) == 0) {
            memcpy(addrs, names[i].addrs, names[i].count * sizeof(CpAddr));
            return names[i].count;
        }
    }
    return 0;
}

int
CpResolve(const char *host, unsigned port, CpFamily family, int listening,
    CpAddr **addrsPtr, unsigned *countPtr, char **messagePtr)
{
    CpAddr found[ADDRS_MAX];
    unsigned foundCount = LookUp(host, listening, found);
    unsigned count = 0;
    unsigned i;

    *addrsPtr = NULL;
    *countPtr = 0;
    for (i = 0; i < foundCount; i++) {
        int isIp6 = SimFamily(&found[i]) == SIM_FAMILY_IP6;

        if (family == CP_FAMILY_ANY || (family == CP_FAMILY_IP6) == isIp6) {
            found[count] = found[i];
            CpAddrSetPort(&found[count++], port);
        }
    }
    if (count == 0) {
        *messagePtr = CpMessageNew("no such host is known");
        return 0;
    }
    *addrsPtr = CpMalloc(count * sizeof(CpAddr));
    if (*addrsPtr == NULL) {
        *messagePtr = NULL;
        return 0;
    }
    memcpy(*addrsPtr, found, count * sizeof(CpAddr));
    *countPtr = count;
    return 1;
}

int
CpTargetIsNumeric(const CpTarget *targetPtr)
{
    CpAddr addr;

    return (targetPtr->host == NULL || ParseNumeric(targetPtr->host, &addr))
        && (targetPtr->myHost == NULL
            || ParseNumeric(targetPtr->myHost, &addr));
}

int
CpServicePort(const char *name)
{
    return strcmp(name, "http") == 0 ? 80 : -1;
}
