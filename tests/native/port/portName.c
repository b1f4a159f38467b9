/*
 * portName.c --
 *
 *      Names and options, and what a handle without a connection says.
 */

#include "port/port.h"

/* Options of an accepted handle read as 0 or 1, and as what was set. */

static void
TestAcceptedOptions(void)
{
    static const CpSockOpt opts[] = {CP_OPT_KEEPALIVE, CP_OPT_NODELAY};
    unsigned i;
    int value;
    Pair pair;

    Connect(&pair);
    for (i = 0; i < 2; i++) {
        CHECK_ERROR(CpHandleGetOpt(pair.serverPtr, opts[i], &value), CP_OK);
        CHECK_COUNT(value, 0);
        CHECK_ERROR(CpHandleSetOpt(pair.serverPtr, opts[i], 1), CP_OK);
        CHECK_ERROR(CpHandleGetOpt(pair.serverPtr, opts[i], &value), CP_OK);
        CHECK_COUNT(value, 1);
        CHECK_ERROR(CpHandleSetOpt(pair.serverPtr, opts[i], 0), CP_OK);
        CHECK_ERROR(CpHandleGetOpt(pair.serverPtr, opts[i], &value), CP_OK);
        CHECK_COUNT(value, 0);
    }
    CHECK_ERROR(CpHandleSetOpt(pair.serverPtr, CP_OPT_SNDBUF, 20000), CP_OK);
    CHECK_ERROR(CpHandleGetOpt(pair.serverPtr, CP_OPT_SNDBUF, &value), CP_OK);
    CHECK(value >= 20000);
    Close(&pair);
}

/* A handle without a connection: the error comes by the submit. */

static void
TestNotConnected(void)
{
    CpAddr addr = Loopback(), name;
    CpHandle *handlePtr, *listenerPtr;
    char buf[8];
    size_t bytes;
    Op op;

    CHECK_ERROR(CpHandleOpen(port, &addr, &handlePtr), CP_OK);
    CHECK_ERROR(CpHandleLocal(handlePtr, &name), CP_EINVAL);
    CHECK_ERROR(CpHandlePeer(handlePtr, &name), CP_ENOTCONN);
    CHECK_ERROR(CpTryRecv(handlePtr, buf, 8, &bytes), CP_ENOTCONN);
    CHECK_ERROR(CpTryPeek(handlePtr, &bytes), CP_ENOTCONN);
    CHECK(!CpHandleHasData(handlePtr));

    /* Wine passes its system's EPIPE on. */
    CHECK_ERROR_OR_WINE(CpTrySend(handlePtr, "x", 1, &bytes), CP_ENOTCONN,
        CP_ECONNRESET);
    CpSubmitRecv(handlePtr, Prepare(&op), buf, 8);
    CHECK(op.done == 0);
    CHECK_COUNT(ReapFinished(port), 1);
    CHECK_ERROR(Wait(&op), CP_ENOTCONN);
    CpSubmitRecv(handlePtr, Prepare(&op), NULL, 0);
    CHECK_ERROR(Wait(&op), CP_ENOTCONN);
    CpSubmitSend(handlePtr, Prepare(&op), "x", 1);
    CHECK_ERROR_OR_WINE(Wait(&op), CP_ENOTCONN, CP_ECONNRESET);
    CHECK_ERROR(CpHandleShutdown(handlePtr, CP_WRITE), CP_ENOTCONN);
    CHECK_ERROR(CpHandleShutdown(handlePtr, CP_READ), CP_ENOTCONN);
    CpHandleClose(handlePtr);

    listenerPtr = Listen(port, &addr);
    CHECK_ERROR(CpHandlePeer(listenerPtr, &name), CP_ENOTCONN);
    CHECK_ERROR(CpHandleShutdown(listenerPtr, CP_WRITE), CP_ENOTCONN);
    CHECK_ERROR(CpHandleShutdown(listenerPtr, CP_READ), CP_ENOTCONN);
    CpHandleClose(listenerPtr);
}

static void
TestBind(void)
{
    CpAddr addr, any = Loopback();
    CpAddr *addrs;
    CpHandle *firstPtr = Listen(port, &addr), *secondPtr;
    char *message;
    unsigned count;
    int value;

    CHECK_ERROR(CpHandleBind(firstPtr, &any), CP_EINVAL); /* It has a name. */
    CHECK_ERROR(CpHandleOpen(port, &addr, &secondPtr), CP_OK);
    CHECK_ERROR(CpHandleBind(secondPtr, &addr), CP_EADDRINUSE);
    CHECK_ERROR(CpHandleListen(secondPtr, 5), CP_EINVAL);
    CHECK_ERROR(CpHandleSetOpt(secondPtr, CP_OPT_KEEPALIVE, 1), CP_OK);
    CHECK_ERROR(CpHandleGetOpt(secondPtr, CP_OPT_KEEPALIVE, &value), CP_OK);
    CHECK_COUNT(value, 1);
    CHECK_ERROR(CpHandleGetOpt(secondPtr, CP_OPT_NODELAY, &value), CP_OK);
    CHECK_COUNT(value, 0);

    /* An address that no machine has. */
    CHECK(
        CpResolve("192.0.2.1", 0, CP_FAMILY_IP4, 0, &addrs, &count, &message));
    CHECK_ERROR(CpHandleBind(secondPtr, &addrs[0]), CP_EADDRNOTAVAIL);
    CpResolveFree(addrs, count);
    CpHandleClose(secondPtr);
    CpHandleClose(firstPtr);
}

/*
 * An IPv6 handle is for IPv6 alone: IPv4 can have the same port. Somebody else
 * may have it just now, but not each time.
 */

static CpError
BindBoth(const CpAddr *sixAddrPtr, const CpAddr *fourAddrPtr)
{
    CpAddr name, fourAddr = *fourAddrPtr;
    CpHandle *sixPtr, *fourPtr;
    CpError error;

    CHECK_ERROR(CpHandleOpen(port, sixAddrPtr, &sixPtr), CP_OK);
    CHECK_ERROR(CpHandleBind(sixPtr, sixAddrPtr), CP_OK);
    CHECK_ERROR(CpHandleLocal(sixPtr, &name), CP_OK);
    CpAddrSetPort(&fourAddr, CpAddrPort(&name));
    CHECK_ERROR(CpHandleOpen(port, &fourAddr, &fourPtr), CP_OK);
    error = CpHandleBind(fourPtr, &fourAddr);
    CpHandleClose(fourPtr);
    CpHandleClose(sixPtr);
    return error;
}

static int
HasIp6(const CpAddr *addrPtr)
{
    CpHandle *handlePtr;
    int has;

    if (CpHandleOpen(port, addrPtr, &handlePtr) != CP_OK) {
        return 0;
    }
    has = CpHandleBind(handlePtr, addrPtr) == CP_OK;
    CpHandleClose(handlePtr);
    return has;
}

static void
TestIp6Only(void)
{
    CpAddr *sixAddrs, *fourAddrs;
    char *message = NULL;
    unsigned sixCount, fourCount, i;
    CpError error = CP_EADDRINUSE;

    CHECK(CpResolve("0.0.0.0", 0, CP_FAMILY_IP4, 1, &fourAddrs, &fourCount,
        &message));
    if (!CpResolve("::", 0, CP_FAMILY_IP6, 1, &sixAddrs, &sixCount, &message)) {
        CpMessageFree(message);
        NoteSkip("this machine has no IPv6");
    } else {
        if (!HasIp6(&sixAddrs[0])) {
            NoteSkip("this machine has no IPv6");
            error = CP_OK;
        }
        for (i = 0; i < 10 && error != CP_OK; i++) {
            error = BindBoth(&sixAddrs[0], &fourAddrs[0]);
        }
        CHECK_ERROR(error, CP_OK);
        CpResolveFree(sixAddrs, sixCount);
    }
    CpResolveFree(fourAddrs, fourCount);
}

const Case nameCases[] = {
    {"accepted-options", TestAcceptedOptions},
    {"not-connected", TestNotConnected},
    {"bind", TestBind},
    {"ip6-only", TestIp6Only},
    {NULL, NULL},
};
