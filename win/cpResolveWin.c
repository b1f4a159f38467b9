/*
 * cpResolveWin.c --
 *
 *      Names and addresses, by Winsock.
 */

#include "cpWin.h"

#include "cpMem.h"
#include "cpResolve.h"

#include <string.h>
#include <wchar.h>

/* A UTF-8 string in UTF-16, to be freed; NULL without memory. */

static WCHAR *
NewWide(const char *utf8)
{
    int length = MultiByteToWideChar(CP_UTF8, 0, utf8, -1, NULL, 0);
    WCHAR *wide = (WCHAR *) CpMalloc((size_t) length * sizeof(WCHAR));

    if (wide != NULL) {
        MultiByteToWideChar(CP_UTF8, 0, utf8, -1, wide, length);
    }
    return wide;
}

static void
FreeWide(WCHAR *wide)
{
    if (wide != NULL) {
        CpFree(wide, (wcslen(wide) + 1) * sizeof(WCHAR));
    }
}

/* A UTF-16 string as a message; NULL without memory. */

static char *
NewMessage(const WCHAR *wide)
{
    int bytes = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    char *message = bytes > 0 ? (char *) CpMalloc((size_t) bytes) : NULL;

    if (message != NULL) {
        WideCharToMultiByte(CP_UTF8, 0, wide, -1, message, bytes, NULL, NULL);
    }
    return message;
}

/* The system's message for an error of the resolver. Its length depends on the
 * language, so the system allocates it. */

static char *
ResolverMessage(int code)
{
    WCHAR *wide = NULL;
    char *message;

    /* Wine passes the host system's number on for a family mismatch. */
    if (code < 0) {
        code = WSAHOST_NOT_FOUND;
    }
    if (FormatMessageW(FORMAT_MESSAGE_ALLOCATE_BUFFER
                | FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS
                | FORMAT_MESSAGE_MAX_WIDTH_MASK,
            NULL, (DWORD) code, MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT),
            (WCHAR *) (void *) &wide, 0, NULL)
        == 0) {
        return CpMessageNew(""); /* Tcl's driver has no message, either. */
    }
    message = NewMessage(wide);
    LocalFree(wide);
    return message;
}

/* Copies the addresses of one family, or of all but one (exceptFamily). */

static unsigned
CopyAddrs(const ADDRINFOW *infoPtr, int family, int exceptFamily, CpAddr *addrs)
{
    unsigned count = 0;

    for (; infoPtr != NULL; infoPtr = infoPtr->ai_next) {
        if ((family != AF_UNSPEC && infoPtr->ai_family != family)
            || infoPtr->ai_family == exceptFamily
            || infoPtr->ai_addrlen > sizeof(addrs->u)) {
            continue;
        }
        if (addrs != NULL) {
            memset(&addrs[count], 0, sizeof(CpAddr));
            addrs[count].lengthBytes = (uint32_t) infoPtr->ai_addrlen;
            memcpy(addrs[count].u.bytes, infoPtr->ai_addr, infoPtr->ai_addrlen);
        }
        count++;
    }
    return count;
}

/* There is at least one. */

static CpAddr *
NewAddrs(const ADDRINFOW *infoPtr, int listening, unsigned count)
{
    CpAddr *addrs = (CpAddr *) CpMalloc(count * sizeof(CpAddr));

    if (addrs == NULL) {
        return NULL;
    }
    if (listening) {
        unsigned first = CopyAddrs(infoPtr, AF_INET, -1, addrs);

        CopyAddrs(infoPtr, AF_UNSPEC, AF_INET, addrs + first);
    } else {
        CopyAddrs(infoPtr, AF_UNSPEC, -1, addrs);
    }
    return addrs;
}

int
CpResolve(const char *host, unsigned port, CpFamily family, int listening,
    CpAddr **addrsPtr, unsigned *countPtr, char **messagePtr)
{
    static const int families[] = {AF_UNSPEC, AF_INET, AF_INET6};
    ADDRINFOW hints, *infoPtr = NULL;
    WCHAR *wideHost = NULL;
    WCHAR portString[16];
    int code;

    *addrsPtr = NULL;
    *messagePtr = NULL;
    if (CpWinInit() != CP_OK) {
        *messagePtr = CpMessageNew("Winsock cannot be started");
        return 0;
    }
    if (host != NULL && (wideHost = NewWide(host)) == NULL) {
        return 0;
    }
    memset(&hints, 0, sizeof(hints));
    hints.ai_family = families[family];
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = listening ? AI_PASSIVE : 0;
    swprintf(portString, sizeof(portString) / sizeof(WCHAR), L"%u", port);
    code = GetAddrInfoW(wideHost, host != NULL && port == 0 ? NULL : portString,
        &hints, &infoPtr);
    FreeWide(wideHost);
    if (code != 0) {
        *messagePtr = ResolverMessage(code);
        return 0;
    }
    *countPtr = CopyAddrs(infoPtr, AF_UNSPEC, -1, NULL);
    if (*countPtr == 0) {
        *messagePtr = CpMessageNew("host has no usable address");
    } else {
        *addrsPtr = NewAddrs(infoPtr, listening, *countPtr);
    }
    FreeAddrInfoW(infoPtr);
    return *addrsPtr != NULL;
}

static int
IsNumeric(const char *host)
{
    ADDRINFOW hints, *infoPtr = NULL;
    WCHAR *wideHost;
    int code;

    if (host == NULL || host[0] == '\0') {
        return 1;
    }
    wideHost = NewWide(host);
    if (wideHost == NULL) {
        return 0;
    }
    memset(&hints, 0, sizeof(hints));
    hints.ai_flags = AI_NUMERICHOST;
    code = GetAddrInfoW(wideHost, NULL, &hints, &infoPtr);
    FreeWide(wideHost);
    if (code == 0) {
        FreeAddrInfoW(infoPtr);
    }
    return code == 0;
}

int
CpTargetIsNumeric(const CpTarget *targetPtr)
{
    return CpWinInit() == CP_OK && IsNumeric(targetPtr->host)
        && IsNumeric(targetPtr->myHost);
}

int
CpServicePort(const char *name)
{
    const struct servent *entryPtr = NULL;

    if (CpWinInit() == CP_OK) {
        entryPtr = getservbyname(name, "tcp");
    }
    return entryPtr != NULL ? ntohs((u_short) entryPtr->s_port) : -1;
}

static int
GetHost(const CpAddr *addrPtr, int flags, char *host)
{
    WCHAR wide[NI_MAXHOST];

    return GetNameInfoW((const SOCKADDR *) (const void *) addrPtr->u.bytes,
               (socklen_t) addrPtr->lengthBytes, wide, NI_MAXHOST, NULL, 0,
               flags)
        == 0
        && WideCharToMultiByte(CP_UTF8, 0, wide, -1, host, CP_HOST_BYTES, NULL,
               NULL)
        != 0;
}

void
CpAddrHost(const CpAddr *addrPtr, int numeric, char *host)
{
    if ((numeric || !GetHost(addrPtr, 0, host))
        && !GetHost(addrPtr, NI_NUMERICHOST, host)) {
        host[0] = '\0';
    }
}

/* Both families keep the port in one place. */

unsigned
CpAddrPort(const CpAddr *addrPtr)
{
    struct sockaddr_in in;

    memcpy(&in, addrPtr->u.bytes, sizeof(in));
    return ntohs(in.sin_port);
}

void
CpAddrSetPort(CpAddr *addrPtr, unsigned port)
{
    u_short netPort = htons((u_short) port);

    memcpy(addrPtr->u.bytes + offsetof(struct sockaddr_in, sin_port), &netPort,
        sizeof(netPort));
}

int
CpAddrIsAny(const CpAddr *addrPtr)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    memcpy(&in, addrPtr->u.bytes, sizeof(in));
    if (in.sin_family == AF_INET) {
        return in.sin_addr.s_addr == INADDR_ANY;
    }
    memcpy(&in6, addrPtr->u.bytes, sizeof(in6));
    if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
        static const unsigned char zeros[4] = {0};

        return memcmp(in6.sin6_addr.s6_addr + 12, zeros, 4) == 0;
    }
    return IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr) != 0;
}
