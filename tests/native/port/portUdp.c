/*
 * portUdp.c --
 *
 *      The contract of cpUdpPort.h. The loopback of a system loses no
 *      datagrams as long as there is room for them.
 */

#include "port/port.h"

#include "cpUdpPort.h"

#define PAYLOAD_MAX_4 65507 /* Of IPv4. */
#define PAYLOAD_MAX_6 65527

static char recvBuf[CP_UDP_BYTES_MAX];

static CpHandle *
OpenAt(const CpAddr *addrPtr, CpAddr *localPtr)
{
    CpHandle *handlePtr;

    CHECK_ERROR(CpUdpHandleOpen(port, addrPtr, &handlePtr), CP_OK);
    CHECK_ERROR(CpHandleBind(handlePtr, addrPtr), CP_OK);
    CHECK_ERROR(CpHandleLocal(handlePtr, localPtr), CP_OK);
    CHECK(CpAddrPort(localPtr) != 0);
    return handlePtr;
}

static CpHandle *
Open(CpAddr *localPtr)
{
    CpAddr addr = Loopback();

    return OpenAt(&addr, localPtr);
}

static CpAddr
AddrOf(const char *host, unsigned number)
{
    char *message;
    CpAddr *addrs, addr;
    unsigned count;

    CHECK(CpResolve(host, number, CP_FAMILY_ANY, 0, &addrs, &count, &message));
    addr = addrs[0];
    CpResolveFree(addrs, count);
    return addr;
}

static void
CheckSame(const CpAddr *seenPtr, const CpAddr *expectedPtr)
{
    char seen[CP_HOST_BYTES], expected[CP_HOST_BYTES];

    CpAddrHost(seenPtr, 1, seen);
    CpAddrHost(expectedPtr, 1, expected);
    if (strcmp(seen, expected) != 0
        || CpAddrPort(seenPtr) != CpAddrPort(expectedPtr)) {
        Fail(__FILE__, __LINE__, "expected the address %s %u, got %s %u",
            expected, CpAddrPort(expectedPtr), seen, CpAddrPort(seenPtr));
    }
}

static void
SendTo(CpHandle *handlePtr, const CpAddr *addrPtr, const char *text)
{
    CHECK_ERROR(CpTrySendTo(handlePtr, text, strlen(text), addrPtr), CP_OK);
}

/* Waits for one datagram by a receive, and checks it. */

static void
ExpectFrom(CpHandle *handlePtr, const CpAddr *peerPtr, const char *text)
{
    CpUdpInfo info;
    Op op;

    CpSubmitRecvFrom(handlePtr, Prepare(&op), recvBuf);
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK_COUNT(op.accept.op.bytes, strlen(text));
    CHECK_BYTES(recvBuf, text, strlen(text));
    CpRecvFromInfo(handlePtr, &info);
    CheckSame(&info.peer, peerPtr);
    CHECK(!info.truncated);
}

/* Nothing is there: a submitted receive does not end. */

static void
ExpectNothing(CpHandle *handlePtr)
{
    Op op;

    CpSubmitRecvFrom(handlePtr, Prepare(&op), recvBuf);
    Reap(port, 50);
    CHECK_COUNT(op.done, 0);
    CpCancel(handlePtr, &op.accept.op);
    CHECK_ERROR(Wait(&op), CP_ECANCELED);
}

/* --------------------------------------------------- receives, sends */

static void
TestRecv(void)
{
    CpAddr a, b, local;
    CpHandle *aPtr = Open(&a), *bPtr = Open(&b);
    CpUdpInfo info;
    Op op;

    /* The receive first, then the datagram. */
    CpSubmitRecvFrom(bPtr, Prepare(&op), recvBuf);
    CHECK_COUNT(Reap(port, 0), 0);
    SendTo(aPtr, &b, "hello");
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK_COUNT(op.accept.op.bytes, 5);
    CHECK_BYTES(recvBuf, "hello", 5);
    CpRecvFromInfo(bPtr, &info);
    CheckSame(&info.peer, &a);
    if (info.local.lengthBytes == 0) {
        NoteSkip("the system does not tell the local address");
    } else {
        local = b;
        CpAddrSetPort(&local, 0);
        CheckSame(&info.local, &local);
        CHECK(info.interfaceIndex != 0);
    }

    /* The datagram first. */
    SendTo(bPtr, &a, "there");
    ExpectFrom(aPtr, &b, "there");
    CpUdpHandleClose(aPtr);
    CpUdpHandleClose(bPtr);
}

static void
TestEmpty(void)
{
    CpAddr a, b;
    CpHandle *aPtr = Open(&a), *bPtr = Open(&b);
    CpUdpInfo info;
    size_t bytes = 1;

    SendTo(aPtr, &b, "");
    SendTo(aPtr, &b, "more");
    SendTo(aPtr, &b, "");
    ExpectFrom(bPtr, &a, "");
    ExpectFrom(bPtr, &a, "more");
    CHECK_ERROR(CpTryRecvFrom(bPtr, recvBuf, 10, &bytes, &info), CP_OK);
    CHECK_COUNT(bytes, 0);
    CHECK(!info.truncated);
    CpUdpHandleClose(aPtr);
    CpUdpHandleClose(bPtr);
}

static void
TestOrder(void)
{
    CpAddr a, b;
    CpHandle *aPtr = Open(&a), *bPtr = Open(&b);
    char text[16];
    int i;

    for (i = 0; i < 50; i++) {
        snprintf(text, sizeof(text), "%d", i);
        SendTo(aPtr, &b, text);
    }
    for (i = 0; i < 50; i++) {
        snprintf(text, sizeof(text), "%d", i);
        ExpectFrom(bPtr, &a, text);
    }
    ExpectNothing(bPtr);
    CpUdpHandleClose(aPtr);
    CpUdpHandleClose(bPtr);
}

static void
TestTry(void)
{
    CpAddr a, b;
    CpHandle *aPtr = Open(&a), *bPtr = Open(&b);
    CpUdpInfo info;
    size_t bytes;

    CHECK_ERROR(CpTryRecvFrom(bPtr, recvBuf, sizeof(recvBuf), &bytes, &info),
        CP_EAGAIN);
    CHECK_COUNT(bytes, 0);
    SendTo(aPtr, &b, "0123456789");
    SendTo(aPtr, &b, "abc");
    Pause(10);

    /* The rest of a long one is lost, and not the next one's beginning. */
    CHECK_ERROR(CpTryRecvFrom(bPtr, recvBuf, 4, &bytes, &info), CP_OK);
    CHECK_COUNT(bytes, 4);
    CHECK_BYTES(recvBuf, "0123", 4);
    CHECK(info.truncated);
    CheckSame(&info.peer, &a);
    CHECK_ERROR(CpTryRecvFrom(bPtr, recvBuf, 4, &bytes, &info), CP_OK);
    CHECK_COUNT(bytes, 3);
    CHECK_BYTES(recvBuf, "abc", 3);
    CHECK(!info.truncated);
    CHECK_ERROR(CpTryRecvFrom(bPtr, recvBuf, 4, &bytes, &info), CP_EAGAIN);
    CpUdpHandleClose(aPtr);
    CpUdpHandleClose(bPtr);
}

/* Datagrams of 0, 1 and most bytes, and one that is too long, to a loopback
 * address. */

static void
CheckSizes(const CpAddr *addrPtr, size_t mostBytes)
{
    const size_t sizes[] = {0, 1, PAYLOAD_MAX_4, mostBytes};
    CpAddr a, b;
    CpHandle *aPtr = OpenAt(addrPtr, &a), *bPtr = OpenAt(addrPtr, &b);
    char *bytesPtr = NewBytes(CP_UDP_BYTES_MAX);
    unsigned i;
    Op op, send;

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        CpSubmitRecvFrom(bPtr, Prepare(&op), recvBuf);
        CHECK_ERROR(CpTrySendTo(aPtr, bytesPtr, sizes[i], &b), CP_OK);
        CHECK_ERROR(Wait(&op), CP_OK);
        CHECK_COUNT(op.accept.op.bytes, sizes[i]);
        CHECK(AreBytes(recvBuf, sizes[i]));
    }

    /* A longer one fails, and hinders no other one. */
    CHECK_ERROR(CpTrySendTo(aPtr, bytesPtr, mostBytes + 1, &b), CP_EMSGSIZE);
    CpSubmitSendTo(aPtr, Prepare(&send), bytesPtr, mostBytes + 1, &b);
    CHECK_ERROR(Wait(&send), CP_EMSGSIZE);
    CpSubmitSendTo(aPtr, Prepare(&send), "next", 4, &b);
    CHECK_ERROR(Wait(&send), CP_OK);
    CHECK_COUNT(send.accept.op.bytes, 4);
    ExpectFrom(bPtr, &a, "next");
    CpUdpHandleClose(aPtr);
    CpUdpHandleClose(bPtr);
    free(bytesPtr);
}

static void
TestLargest(void)
{
    CpAddr addr = Loopback();

    CheckSizes(&addr, PAYLOAD_MAX_4);
}

/* Whether the machine has ::1. If not, the case notes that. */

static int
HasIp6(CpAddr *addrPtr)
{
    CpHandle *handlePtr;
    int has;

    *addrPtr = AddrOf("::1", 0);
    CHECK_ERROR(CpUdpHandleOpen(port, addrPtr, &handlePtr), CP_OK);
    has = CpHandleBind(handlePtr, addrPtr) == CP_OK;
    CpUdpHandleClose(handlePtr);
    if (!has) {
        NoteSkip("this machine has no ::1");
    }
    return has;
}

static void
TestLargest6(void)
{
    CpAddr addr;

    if (HasIp6(&addr)) {
        CheckSizes(&addr, PAYLOAD_MAX_6);
    }
}

static void
TestCancel(void)
{
    CpAddr a, b;
    CpHandle *aPtr = Open(&a), *bPtr = Open(&b);

    ExpectNothing(bPtr);
    SendTo(aPtr, &b, "after");
    ExpectFrom(bPtr, &a, "after");
    CpUdpHandleClose(aPtr);
    CpUdpHandleClose(bPtr);
}

static void
TestMove(void)
{
    CpAddr a, b;
    CpHandle *aPtr = Open(&a), *bPtr = Open(&b);
    CpPort *otherPtr = NewPort();
    CpUdpInfo info;
    Op op;

    CpSubmitRecvFrom(bPtr, Prepare(&op), recvBuf);
    CpHandleMove(bPtr, NULL);
    SendTo(aPtr, &b, "moved");
    Pause(10);
    CpHandleMove(bPtr, otherPtr);
    CHECK_ERROR(WaitOn(otherPtr, &op), CP_OK);
    CHECK_BYTES(recvBuf, "moved", 5);
    CpRecvFromInfo(bPtr, &info);
    CheckSame(&info.peer, &a);
    CpUdpHandleClose(aPtr);
    CpUdpHandleClose(bPtr);
    CpPortRelease(otherPtr);
}

/* -------------------------------------------------- connected, errors */

static void
TestConnected(void)
{
    CpAddr a, b, c, local;
    CpHandle *aPtr = Open(&a), *bPtr = Open(&b), *cPtr;
    CpAddr any = Loopback();

    CHECK_ERROR(CpUdpHandleOpen(port, &any, &cPtr), CP_OK);
    CHECK_ERROR(CpUdpHandleConnect(cPtr, &a), CP_OK);
    CHECK_ERROR(CpHandleLocal(cPtr, &c), CP_OK);
    local = Loopback();
    CpAddrSetPort(&local, CpAddrPort(&c));
    CheckSame(&c, &local);
    SendTo(cPtr, NULL, "question");
    ExpectFrom(aPtr, &c, "question");
    SendTo(bPtr, &c, "stranger");
    SendTo(aPtr, &c, "answer");
    ExpectFrom(cPtr, &a, "answer");
    CHECK_ERROR_OR_WINE(CpTrySendTo(aPtr, "x", 1, NULL), CP_ENOTCONN,
        CP_EINVAL);
    CpUdpHandleClose(aPtr);
    CpUdpHandleClose(bPtr);
    CpUdpHandleClose(cPtr);
}

/* An address where nobody is. */

static CpAddr
Nobody(void)
{
    CpAddr addr;

    CpUdpHandleClose(Open(&addr));
    return addr;
}

static void
TestUnreachable(void)
{
    CpAddr a, b, nobody = Nobody();
    CpHandle *aPtr = Open(&a), *bPtr = Open(&b);
    CpUdpInfo info;
    size_t bytes;
    Op op;

    /* The ICMP error reaches neither a receive that is outstanding, nor the
     * next one, nor a send. */
    CpSubmitRecvFrom(aPtr, Prepare(&op), recvBuf);
    SendTo(aPtr, &nobody, "lost");
    Reap(port, 50);
    CHECK_COUNT(op.done, 0);
    SendTo(bPtr, &a, "found");
    CHECK_ERROR(Wait(&op), CP_OK);
    SendTo(aPtr, &nobody, "lost");
    Pause(20);
    CHECK_ERROR(CpTryRecvFrom(aPtr, recvBuf, 10, &bytes, &info), CP_EAGAIN);
    SendTo(aPtr, &b, "sent");
    ExpectFrom(bPtr, &a, "sent");
    CpUdpHandleClose(aPtr);
    CpUdpHandleClose(bPtr);
}

static int
IsRefused(CpError error)
{
    return error == CP_ECONNREFUSED || error == CP_ECONNRESET;
}

static void
TestRefused(void)
{
    CpAddr local, nobody = Nobody();
    CpHandle *aPtr, *bPtr;
    Op op;

    CHECK_ERROR(CpUdpHandleOpen(port, &nobody, &aPtr), CP_OK);
    CHECK_ERROR(CpUdpHandleConnect(aPtr, &nobody), CP_OK);
    CHECK_ERROR(CpHandleLocal(aPtr, &local), CP_OK);
    CpSubmitRecvFrom(aPtr, Prepare(&op), recvBuf);
    SendTo(aPtr, NULL, "lost");
    CHECK(IsRefused(Wait(&op)));

    /* Once: and if somebody comes there, everything is as it should be. */
    bPtr = OpenAt(&nobody, &nobody);
    SendTo(aPtr, NULL, "found");
    ExpectFrom(bPtr, &local, "found");
    SendTo(bPtr, &local, "answer");
    ExpectFrom(aPtr, &nobody, "answer");

    /* Also with a receive that has begun before. */
    CpSubmitRecvFrom(aPtr, Prepare(&op), recvBuf);
    Reap(port, 20);
    SendTo(bPtr, &local, "more");
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK_COUNT(op.accept.op.bytes, 4);
    CpUdpHandleClose(aPtr);
    CpUdpHandleClose(bPtr);
}

static void
TestBind(void)
{
    CpAddr a, b;
    CpHandle *aPtr = Open(&a), *bPtr;

    CHECK_ERROR(CpUdpHandleOpen(port, &a, &bPtr), CP_OK);
    CHECK_ERROR(CpHandleBind(bPtr, &a), CP_EADDRINUSE);
    CpUdpHandleClose(bPtr);
    CpUdpHandleClose(aPtr);
    bPtr = OpenAt(&a, &b);
    CheckSame(&b, &a);
    CpUdpHandleClose(bPtr);

    /* With this option on both, they share it. */
    CHECK_ERROR(CpUdpHandleOpen(port, &a, &aPtr), CP_OK);
    CHECK_ERROR(CpUdpHandleOpen(port, &a, &bPtr), CP_OK);
    CHECK_ERROR(CpHandleSetOpt(aPtr, CP_OPT_REUSEADDR, 1), CP_OK);
    CHECK_ERROR(CpHandleSetOpt(bPtr, CP_OPT_REUSEADDR, 1), CP_OK);
    CHECK_ERROR(CpHandleBind(aPtr, &a), CP_OK);
    CHECK_ERROR(CpHandleBind(bPtr, &a), CP_OK);
    CpUdpHandleClose(aPtr);
    CpUdpHandleClose(bPtr);
}

/* ------------------------------------------------------------ options */

static void
TestOptions(void)
{
    static const int values[CP_UDP_OPT_COUNT] = {[CP_UDP_BROADCAST] = 1,
        [CP_UDP_TTL] = 17,
        [CP_UDP_MCAST_TTL] = 3,
        [CP_UDP_MCAST_LOOP] = 0};
    CpAddr a, everybody = AddrOf("255.255.255.255", 9);
    CpHandle *aPtr = Open(&a);
    int opt, value;

    CHECK_ERROR(CpTrySendTo(aPtr, "x", 1, &everybody), CP_EACCES);
    for (opt = 0; opt < CP_UDP_OPT_COUNT; opt++) {
        CHECK_ERROR(CpUdpSetOpt(aPtr, (CpUdpOpt) opt, values[opt]), CP_OK);
        CHECK_ERROR(CpUdpGetOpt(aPtr, (CpUdpOpt) opt, &value), CP_OK);
        CHECK_COUNT(value != 0, values[opt] != 0);
        if (opt == CP_UDP_TTL || opt == CP_UDP_MCAST_TTL) {
            CHECK_COUNT(value, values[opt]);
        }
    }
    CpUdpHandleClose(aPtr);
}

/* Two members of a group, by the loopback interface. */

static void
TestMulticast(void)
{
    CpUdpInterface loopback;
    CpAddr group = AddrOf("239.255.17.4", 0);
    CpAddr any = AddrOf("0.0.0.0", 0), a, b, from;
    CpHandle *aPtr, *bPtr, *senderPtr = Open(&from);
    CpUdpInfo info;
    Op op;

    memset(&loopback, 0, sizeof(loopback));
    loopback.addr = Loopback();
    aPtr = OpenAt(&any, &a);
    bPtr = OpenAt(&any, &b);
    CHECK(CpUdpIsMulticast(&group));
    CHECK(!CpUdpIsMulticast(&a));
    CHECK_ERROR(CpUdpJoin(aPtr, &group, &loopback, 1), CP_OK);
    CHECK_ERROR(CpUdpSetMcastInterface(senderPtr, &loopback), CP_OK);
    CpAddrSetPort(&group, CpAddrPort(&a));
    CpSubmitRecvFrom(aPtr, Prepare(&op), recvBuf);
    SendTo(senderPtr, &group, "all");
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK_BYTES(recvBuf, "all", 3);
    CpRecvFromInfo(aPtr, &info);
    CheckSame(&info.peer, &from);
    CpAddrSetPort(&group, 0);
    if (info.local.lengthBytes > 0) {
        CheckSame(&info.local, &group);
    }
    CHECK_ERROR(CpUdpJoin(aPtr, &group, &loopback, 0), CP_OK);
    CpAddrSetPort(&group, CpAddrPort(&a));
    SendTo(senderPtr, &group, "gone");
    ExpectNothing(aPtr);
    CpUdpHandleClose(aPtr);
    CpUdpHandleClose(bPtr);
    CpUdpHandleClose(senderPtr);
}

/* By the index of its interface. Wine does not know that. */

static void
TestMulticastIndex(void)
{
    CpUdpInterface loopback;
    CpAddr group = AddrOf("239.255.17.5", 0);
    CpAddr any = AddrOf("0.0.0.0", 0), a;
    CpHandle *aPtr = OpenAt(&any, &a);
    CpError error;
    Op op;

    memset(&loopback, 0, sizeof(loopback));
    loopback.addr = AddrOf("0.0.0.1", 0);
    loopback.index = 1;
    error = CpUdpJoin(aPtr, &group, &loopback, 1);
    CHECK_ERROR_OR_WINE(error, CP_OK, CP_EINVAL);
    CHECK_ERROR(CpUdpSetMcastInterface(aPtr, &loopback), error);
    if (error == CP_OK) {
        CpAddrSetPort(&group, CpAddrPort(&a));
        CpSubmitRecvFrom(aPtr, Prepare(&op), recvBuf);
        SendTo(aPtr, &group, "all");
        CHECK_ERROR(Wait(&op), CP_OK);
        CHECK_BYTES(recvBuf, "all", 3);
    }
    CpUdpHandleClose(aPtr);
}

static void
TestIp6(void)
{
    CpAddr any, a, b;
    CpHandle *aPtr, *bPtr;
    CpUdpInfo info;
    Op op;

    if (!HasIp6(&any)) {
        return;
    }
    aPtr = OpenAt(&any, &a);
    bPtr = OpenAt(&any, &b);
    CHECK_COUNT(CpUdpFamily(&a), 2);
    CpSubmitRecvFrom(bPtr, Prepare(&op), recvBuf);
    SendTo(aPtr, &b, "six");
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK_BYTES(recvBuf, "six", 3);
    CpRecvFromInfo(bPtr, &info);
    CheckSame(&info.peer, &a);
    if (info.local.lengthBytes > 0) {
        CheckSame(&info.local, &any);
    }
    CpUdpHandleClose(aPtr);
    CpUdpHandleClose(bPtr);
}

const Case udpCases[] = {{"udp-recv", TestRecv}, {"udp-empty", TestEmpty},
    {"udp-order", TestOrder}, {"udp-try", TestTry},
    {"udp-largest", TestLargest}, {"udp-largest-6", TestLargest6},
    {"udp-cancel", TestCancel}, {"udp-move", TestMove},
    {"udp-connected", TestConnected}, {"udp-unreachable", TestUnreachable},
    {"udp-refused", TestRefused}, {"udp-bind", TestBind},
    {"udp-options", TestOptions}, {"udp-multicast", TestMulticast},
    {"udp-multicast-index", TestMulticastIndex}, {"udp-ip6", TestIp6},
    {NULL, NULL}};
