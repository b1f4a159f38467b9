/*
 * randomTest.c --
 *
 *      Plays application and network by chance, over the simulated port, and
 *      checks what has to hold whatever happens:
 *
 *          randomTest ?SEED? ?COUNT?
 *
 *      COUNT worlds of STEPS steps, of which the first has that seed and each
 *      other one the next. A failure says which one it was.
 *
 *      Every byte of a connection follows from its client's port, its
 *      direction and its place, so that each end checks what it receives by
 *      itself: nothing is lost, doubled, swapped or from another connection.
 */

#include "check.h"
#include "cpConn.h"
#include "cpListener.h"
#include "cpMem.h"

#include <stdlib.h>

#define STEPS 2000
#define DEFAULT_COUNT 300
#define CONNS 12
#define PEERS 12
#define LISTENERS 3
#define PORTS 2
#define FIRST_PORT 49152
#define PORT_COUNT 16384
#define BUF_BYTES 70000

/* What is known of a connection, by its client's port and the direction: 0
 * from the client, 1 to it. */

typedef struct Stream {
    uint64_t sent;
    uint64_t received;
    int broken;  /* Something may be lost. */
    int closing; /* Its sender is a CpConn that has been closed. */
} Stream;

typedef struct Conn {
    CpConn *connPtr; /* NULL: free. */
    unsigned owner;  /* Of ports. */
    int parked;
    int open; /* The stream is known. */
    int closing;
    unsigned port;
    unsigned out; /* Direction of what it sends. */
    int eof;
    int shut;
} Conn;

typedef struct Peer {
    CpSimPeer *peerPtr; /* NULL: free. */
    unsigned port;
    unsigned out;
} Peer;

typedef struct Server {
    CpListener *listenerPtr; /* NULL: free. */
    unsigned owner;
    int parked;
    int closing;
    unsigned backlog;
    CpAddr addr;
} Server;

static CpPort *ports[PORTS];
static int woken[PORTS];
static Conn conns[CONNS];
static Peer peers[PEERS];
static Server servers[LISTENERS];
static CpSimPeer *peerListenerPtr;
static CpAddr peerListenerAddr;
static Stream streams[PORT_COUNT][2];
static unsigned char buf[BUF_BYTES];
static int harsh;    /* A world where things fail. */
static int readShut; /* Some direction was closed for reading. */
static int scarce;   /* And one where memory does. */
static uint64_t bytesMoved;
static uint64_t connsSeen;

static Stream *
StreamOf(unsigned port, unsigned direction)
{
    return &streams[port - FIRST_PORT][direction];
}

static unsigned char
ByteAt(unsigned port, unsigned direction, uint64_t place)
{
    return (unsigned char) (place * 131 + (place >> 8) * 31 + UINT64_C(7) * port
        + UINT64_C(101) * direction);
}

static void
FillBuf(unsigned port, unsigned direction, size_t lengthBytes)
{
    uint64_t place = StreamOf(port, direction)->sent;
    size_t i;

    for (i = 0; i < lengthBytes; i++) {
        buf[i] = ByteAt(port, direction, place + i);
    }
}

static void
CheckBuf(unsigned port, unsigned direction, size_t lengthBytes)
{
    Stream *streamPtr = StreamOf(port, direction);
    size_t i;

    for (i = 0; i < lengthBytes; i++) {
        if (buf[i] != ByteAt(port, direction, streamPtr->received + i)) {
            CpSimFail("port %u direction %u: byte %llu is wrong", port,
                direction, (unsigned long long) streamPtr->received + i);
        }
    }
    streamPtr->received += lengthBytes;
    bytesMoved += lengthBytes;
    CHECK(streamPtr->received <= streamPtr->sent);
}

/* The end of file: all that was sent has come. */

static void
CheckEnd(unsigned port, unsigned direction)
{
    const Stream *streamPtr = StreamOf(port, direction);

    if (!harsh && !streamPtr->broken
        && streamPtr->received != streamPtr->sent) {
        CpSimFail("port %u direction %u: %llu bytes sent, %llu received", port,
            direction, (unsigned long long) streamPtr->sent,
            (unsigned long long) streamPtr->received);
    }
}

static void
Break(unsigned port)
{
    StreamOf(port, 0)->broken = StreamOf(port, 1)->broken = 1;
}

/* Small ones mostly. */

static size_t
Length(void)
{
    static const uint32_t limits[] = {1, 10, 100, 1000, 5000, 20000, 65536};

    return 1 + CpSimRandom(limits[CpSimRandom(CpSimRandom(10) ? 5 : 7)]);
}

/* --------------------------------------------------------- connections */

static void
Notify(void *clientData)
{
    const Conn *slotPtr = clientData;

    CHECK(!slotPtr->closing && !slotPtr->parked);
}

static void
ConnClosed(void *clientData)
{
    memset(clientData, 0, sizeof(Conn));
}

static Conn *
FreeConn(void)
{
    unsigned i;

    for (i = 0; i < CONNS; i++) {
        if (conns[i].connPtr == NULL) {
            return &conns[i];
        }
    }
    return NULL;
}

static void
Dial(void)
{
    Conn *slotPtr = FreeConn();
    Server *serverPtr = &servers[CpSimRandom(LISTENERS)];
    CpAddr addr = peerListenerAddr;
    CpTarget target = {"localhost", 0, NULL, 0, CP_FAMILY_ANY};
    CpResolved resolved;
    unsigned i;

    if (slotPtr == NULL) {
        return;
    }
    if (serverPtr->listenerPtr != NULL && CpSimRandom(3)) {
        addr = serverPtr->addr;
    }
    slotPtr->owner = CpSimRandom(PORTS);
    if (CpSimRandom(4) == 0) {
        target.port = CpAddrPort(&addr);
        target.host = CpSimRandom(6) ? target.host : "unheard-of";
        slotPtr->connPtr = CpConnDialName(ports[slotPtr->owner], &target,
            Notify, slotPtr);
        return;
    }
    memset(&resolved, 0, sizeof(resolved));
    resolved.remoteCount = 1 + CpSimRandom(3);
    resolved.remotes = CpMalloc(resolved.remoteCount * sizeof(CpAddr));
    if (resolved.remotes == NULL) {
        return;
    }
    for (i = 0; i < resolved.remoteCount; i++) {
        resolved.remotes[i] = CpSimRandom(4) ? addr
            : CpSimRandom(2)                 ? CpSimAddr6(1, 9)
                             : CpSimAddr4(CP_SIM_UNREACHABLE, 9);
    }
    slotPtr->connPtr = CpConnDial(ports[slotPtr->owner], &resolved, Notify,
        slotPtr);
}

/* A connection whose dialling has ended well has its stream. */

static int
IsOpen(Conn *slotPtr)
{
    CpAddr addr;

    if (slotPtr->connPtr == NULL || slotPtr->parked || slotPtr->closing
        || CpConnGetState(slotPtr->connPtr) != CP_CONN_OPEN) {
        return 0;
    }
    if (!slotPtr->open) {
        CHECK_ERROR(CpHandleLocal(CpConnHandle(slotPtr->connPtr), &addr),
            CP_OK);
        slotPtr->port = CpAddrPort(&addr);
        slotPtr->out = 0;
        slotPtr->open = 1;
    }
    return 1;
}

static void
Read(Conn *slotPtr)
{
    size_t length = Length(), bytes = 0;
    int ready = CpConnReady(slotPtr->connPtr) & CP_READ;
    uint64_t faults = CpSimTaken(CP_SIM_TRY_RECV_AGAIN);
    CpError error = CpConnRead(slotPtr->connPtr, buf, length, &bytes);

    CHECK(bytes <= length && (error == CP_OK || bytes == 0));
    if (error == CP_EAGAIN && ready) {
        CHECK(faults != CpSimTaken(CP_SIM_TRY_RECV_AGAIN));
    }
    CHECK(error == CP_OK || error == CP_EAGAIN || harsh);
    CheckBuf(slotPtr->port, 1 - slotPtr->out, bytes);
    if (error == CP_OK && bytes == 0) {
        slotPtr->eof = 1;
        if (!slotPtr->shut) {
            CheckEnd(slotPtr->port, 1 - slotPtr->out);
        }
    } else if (error == CP_OK && !harsh) {
        CHECK(!slotPtr->eof || slotPtr->shut);
    }
    if (CpSimRandom(4)) {
        CpConnWatchRead(slotPtr->connPtr, 1);
    }
}

static void
Write(Conn *slotPtr)
{
    size_t length = Length(), bytes = 0;
    int ready = CpConnReady(slotPtr->connPtr) & CP_WRITE;
    uint64_t faults = CpSimTaken(CP_SIM_NO_MEMORY);
    CpError error;

    FillBuf(slotPtr->port, slotPtr->out, length);
    error = CpConnWrite(slotPtr->connPtr, buf, length, (int) CpSimRandom(2),
        &bytes);
    CHECK(bytes <= length && (error == CP_OK) == (bytes > 0));
    if (error == CP_EAGAIN && ready) {
        CHECK(faults != CpSimTaken(CP_SIM_NO_MEMORY));
    }

    /* A listener's end or its watchdog may reset what nobody took. */
    if (!harsh) {
        CHECK(error == CP_OK || error == CP_EAGAIN || error == CP_ENOMEM
            || error == CP_EPIPE || error == CP_ECONNRESET);
    }
    StreamOf(slotPtr->port, slotPtr->out)->sent += bytes;
}

static void
CheckConn(Conn *slotPtr)
{
    CpConnStats stats;
    unsigned cap = CpConnSendCap(slotPtr->connPtr);

    CpConnGetStats(slotPtr->connPtr, &stats);
    CHECK(stats.recvBuffered <= UINT64_C(16) * 65536);
    CHECK(stats.recvPending <= CP_RECV_DEPTH_MAX + 1);
    CHECK(stats.sendPending <= CP_SEND_CAP_MAX);
    CHECK(stats.sendBuffered
        <= (uint64_t) (stats.sendPending + 1) * CP_SEND_BYTES_MAX);
    CHECK((stats.sendPending > 0) == CpConnSending(slotPtr->connPtr));
    CHECK(stats.sendPending > 0 || stats.sendBuffered == 0);
    if (cap == CP_SEND_CAP_MAX) {
        CHECK(stats.sendPending < cap
            || stats.sendBuffered <= (uint64_t) cap * CP_SEND_BYTES_MAX);
    }
}

/*
 * Two ends that are closed with sends outstanding and never read would wait
 * for each other, as TCP has it: the second one has to read first.
 */

static void
CloseConn(Conn *slotPtr)
{
    if (slotPtr->open) {
        Stream *outPtr = StreamOf(slotPtr->port, slotPtr->out);

        if (StreamOf(slotPtr->port, 1 - slotPtr->out)->closing
            && CpConnSending(slotPtr->connPtr)) {
            return;
        }
        outPtr->closing = 1;
        if (!slotPtr->eof || slotPtr->shut) {
            Break(slotPtr->port);
        }
    }
    slotPtr->closing = 1;
    CpConnClose(slotPtr->connPtr, ConnClosed, slotPtr);
}

static void
MoveConn(Conn *slotPtr)
{
    slotPtr->parked = !slotPtr->parked;
    if (!slotPtr->parked) {
        slotPtr->owner = CpSimRandom(PORTS);
    }
    CpConnMove(slotPtr->connPtr,
        slotPtr->parked ? NULL : ports[slotPtr->owner]);
}

/* One of those in use, if there is any. */

static Conn *
AnyConn(void)
{
    unsigned first = CpSimRandom(CONNS);
    unsigned i;

    for (i = 0; i < CONNS; i++) {
        Conn *slotPtr = &conns[(first + i) % CONNS];

        if (slotPtr->connPtr != NULL && !slotPtr->closing) {
            return slotPtr;
        }
    }
    return NULL;
}

static void
StepConn(void)
{
    Conn *slotPtr = AnyConn();
    uint32_t choice = CpSimRandom(200);
    CpConn *connPtr;

    if (slotPtr == NULL) {
        return;
    }
    connPtr = slotPtr->connPtr;
    if (slotPtr->parked || choice == 0) {
        MoveConn(slotPtr);
        return;
    }
    if (!IsOpen(slotPtr)) {
        if (choice < 4 || CpConnGetState(connPtr) == CP_CONN_FAILED) {
            CloseConn(slotPtr);
        } else if (choice < 20) {
            (void) CpConnSetOpt(connPtr, CP_OPT_NODELAY, 1);
        } else if (choice < 30) {
            CpConnWatchRead(connPtr, 1);
        }
        return;
    }
    CheckConn(slotPtr);
    if (choice < 80) {
        Read(slotPtr);
    } else if (choice < 150) {
        Write(slotPtr);
    } else if (choice < 170) {
        CpConnWatchRead(connPtr, (int) CpSimRandom(2));
    } else if (choice < 180) {
        CpConnPostRead(connPtr);
    } else if (choice < 185) {
        CpConnSetRecvMode(connPtr, (CpRecvMode) CpSimRandom(4));
    } else if (choice < 190) {
        CpConnSetSendCap(connPtr, CpSimRandom(9));
    } else if (choice < 193) {
        (void) CpConnShutdown(connPtr, CP_WRITE);
    } else if (choice < 194) {
        slotPtr->shut = readShut = 1;
        Break(slotPtr->port);
        (void) CpConnShutdown(connPtr, CP_READ);
    } else if (choice < 197 || slotPtr->eof) {
        CloseConn(slotPtr);
    }
}

/* ----------------------------------------------------------- listeners */

static void
Offer(void *clientData)
{
    const Server *serverPtr = clientData;

    CHECK(!serverPtr->closing && !serverPtr->parked);
}

static void
ServerClosed(void *clientData)
{
    memset(clientData, 0, sizeof(Server));
}

static void
OpenServer(Server *serverPtr)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    CpHandle *handlePtr;
    CpError error;

    serverPtr->owner = CpSimRandom(PORTS);
    if (CpHandleOpen(ports[serverPtr->owner], &addr, &handlePtr) != CP_OK) {
        return;
    }
    error = CpHandleBind(handlePtr, &addr);
    if (error == CP_OK) {
        CHECK_ERROR(CpHandleLocal(handlePtr, &serverPtr->addr), CP_OK);
        error = CpListenerNew(ports[serverPtr->owner], handlePtr,
            (int) CpSimRandom(5), Offer, serverPtr, &serverPtr->listenerPtr);
    }
    if (error != CP_OK) {
        serverPtr->listenerPtr = NULL;
        CpHandleClose(handlePtr);
        return;
    }
    serverPtr->backlog = 1 + CpSimRandom(6);
    CpListenerSetBacklog(serverPtr->listenerPtr, serverPtr->backlog);
    CpListenerSetMode(serverPtr->listenerPtr,
        CpSimRandom(2) ? CP_ACCEPT_DATA : CP_ACCEPT_CONNECT);
    CpListenerSetTimeout(serverPtr->listenerPtr, CpSimRandom(2) * 300);
}

/* The pool is full, or will be filled. */

static void
CheckServer(Server *serverPtr)
{
    CpListenerStats stats;
    int64_t dueMs;

    CpListenerGetStats(serverPtr->listenerPtr, &stats);
    if (stats.posted + stats.queued >= serverPtr->backlog) {
        return;
    }
    dueMs = CpListenerTick(serverPtr->listenerPtr, CpNowMs());
    CpListenerGetStats(serverPtr->listenerPtr, &stats);
    CHECK(dueMs >= 0 || stats.posted + stats.queued >= serverPtr->backlog);
}

static void
Take(Server *serverPtr)
{
    Conn *slotPtr = FreeConn();
    CpHandle *handlePtr;
    CpAddr peer;

    if (slotPtr == NULL) {
        return;
    }
    handlePtr = CpListenerTake(serverPtr->listenerPtr, &peer);
    if (handlePtr == NULL) {
        return;
    }
    slotPtr->connPtr = CpConnAccepted(ports[serverPtr->owner], handlePtr,
        Notify, slotPtr);
    if (slotPtr->connPtr == NULL) {
        Break(CpAddrPort(&peer));
        CpHandleClose(handlePtr);
        return;
    }
    slotPtr->owner = serverPtr->owner;
    slotPtr->port = CpAddrPort(&peer);
    slotPtr->out = 1;
    slotPtr->open = 1;
    CpConnSetRecvMode(slotPtr->connPtr, (CpRecvMode) CpSimRandom(4));
}

static void
CloseServer(Server *serverPtr)
{
    serverPtr->closing = 1;
    CpListenerClose(serverPtr->listenerPtr, ServerClosed, serverPtr);
}

static void
MoveServer(Server *serverPtr)
{
    serverPtr->parked = !serverPtr->parked;
    if (!serverPtr->parked) {
        serverPtr->owner = CpSimRandom(PORTS);
    }
    CpListenerMove(serverPtr->listenerPtr,
        serverPtr->parked ? NULL : ports[serverPtr->owner]);
}

static void
StepServer(void)
{
    Server *serverPtr = &servers[CpSimRandom(LISTENERS)];
    uint32_t choice = CpSimRandom(200);

    if (serverPtr->closing) {
        return;
    }
    if (serverPtr->listenerPtr == NULL) {
        OpenServer(serverPtr);
        return;
    }
    if (serverPtr->parked || choice == 0) {
        MoveServer(serverPtr);
        return;
    }
    if (choice < 150) {
        Take(serverPtr);
    } else if (choice < 170) {
        (void) CpListenerTick(serverPtr->listenerPtr, CpNowMs());
    } else if (choice < 190) {
        CheckServer(serverPtr);
    } else if (choice < 195) {
        serverPtr->backlog = 1 + CpSimRandom(6);
        CpListenerSetBacklog(serverPtr->listenerPtr, serverPtr->backlog);
    } else if (choice < 198) {
        CpListenerSetMode(serverPtr->listenerPtr,
            CpSimRandom(2) ? CP_ACCEPT_DATA : CP_ACCEPT_CONNECT);
    } else if (choice < 199) {
        CloseServer(serverPtr);
    }
}

/* --------------------------------------------------------------- peers */

static Peer *
AddPeer(CpSimPeer *peerPtr, unsigned out)
{
    CpAddr local, remote;
    unsigned i;

    for (i = 0; peers[i].peerPtr != NULL; i++) {
    }
    CpSimPeerNames(peerPtr, &local, &remote);
    peers[i].peerPtr = peerPtr;
    peers[i].out = out;
    peers[i].port = CpAddrPort(out == 0 ? &local : &remote);
    return &peers[i];
}

static void
ClosePeer(Peer *peerPtr, int reset)
{
    if (reset || !CpSimPeerEof(peerPtr->peerPtr)) {
        Break(peerPtr->port);
    }
    if (reset) {
        CpSimPeerReset(peerPtr->peerPtr);
    } else {
        CpSimPeerClose(peerPtr->peerPtr);
    }
    peerPtr->peerPtr = NULL;
}

static void
NewPeer(void)
{
    const Server *serverPtr = &servers[CpSimRandom(LISTENERS)];
    CpSimPeer *peerPtr = CpSimPeerAccept(peerListenerPtr);
    Peer *newPtr;
    unsigned out = 1;

    if (peerPtr == NULL && serverPtr->listenerPtr != NULL) {
        peerPtr = CpSimPeerConnect(&serverPtr->addr);
        out = 0;
    }
    if (peerPtr == NULL) {
        return;
    }
    newPtr = AddPeer(peerPtr, out);

    /* Gone again before it was accepted, perhaps. */
    if (CpSimRandom(10) == 0) {
        ClosePeer(newPtr, 1);
    }
}

static void
RecvPeer(Peer *peerPtr, size_t length)
{
    CheckBuf(peerPtr->port, 1 - peerPtr->out,
        CpSimPeerRecv(peerPtr->peerPtr, buf, length));
    if (CpSimPeerEof(peerPtr->peerPtr) && !CpSimPeerIsReset(peerPtr->peerPtr)) {
        CheckEnd(peerPtr->port, 1 - peerPtr->out);
    }
}

static void
SendPeer(Peer *peerPtr, size_t length)
{
    FillBuf(peerPtr->port, peerPtr->out, length);

    /* Before the call, as bytes may be received out of it. */
    StreamOf(peerPtr->port, peerPtr->out)->sent += length;
    StreamOf(peerPtr->port, peerPtr->out)->sent -= length
        - CpSimPeerSend(peerPtr->peerPtr, buf, length);
}

static void
StepPeer(void)
{
    unsigned first = CpSimRandom(PEERS);
    uint32_t choice = CpSimRandom(200);
    unsigned i;
    Peer *peerPtr = &peers[first];

    if (peerPtr->peerPtr == NULL && CpSimRandom(3) == 0) {
        NewPeer();
        return;
    }
    for (i = 0; i < PEERS && peerPtr->peerPtr == NULL; i++) {
        peerPtr = &peers[(first + i) % PEERS];
    }
    if (peerPtr->peerPtr == NULL) {
        return; /* There is none. */
    }
    if (choice < 90) {
        RecvPeer(peerPtr, Length());
    } else if (choice < 180) {
        SendPeer(peerPtr, Length());
    } else if (choice < 185) {
        CpSimPeerShutdown(peerPtr->peerPtr);
    } else if (choice < 187 || CpSimPeerIsReset(peerPtr->peerPtr)
        || (choice < 195 && CpSimPeerEof(peerPtr->peerPtr))) {
        ClosePeer(peerPtr, 0);
    } else if (choice < 188) {
        ClosePeer(peerPtr, 1);
    }
}

/* ------------------------------------------------------------- worlds */

static void
Wake(void *clientData)
{
    *(int *) clientData = 1;
}

/* Who sleeps is woken when, and only when, there is something to reap. */

static void
StepSleep(unsigned port)
{
    woken[port] = 0;
    if (CpPortSleep(ports[port])) {
        CpSimAdvance(CpSimRandom(20));
        CHECK(woken[port] == !CpPortSleep(ports[port]));
    } else {
        CHECK(CpPortReap(ports[port], 0) > 0);
    }
    (void) CpPortReap(ports[port], 0);
}

static void
StepTime(void)
{
    unsigned port = CpSimRandom(PORTS);
    uint32_t choice = CpSimRandom(20);

    if (choice < 14) {
        (void) CpPortReap(ports[port], 0);
    } else if (choice < 16) {
        (void) CpPortReapFinished(ports[port]);
    } else if (choice < 18) {
        (void) CpPortReap(ports[port], (int) CpSimRandom(20));
    } else if (choice < 19) {
        CpSimAdvance(CpSimRandom(100));
    } else {
        StepSleep(port);
    }
}

static void
CheckWorld(void)
{
    int64_t count = 0;
    unsigned i;

    for (i = 0; i < CONNS; i++) {
        count += conns[i].connPtr != NULL;
    }
    CHECK(CpStatGet(CP_STAT_CONNECTIONS) == count);
    count = 0;
    for (i = 0; i < LISTENERS; i++) {
        count += servers[i].listenerPtr != NULL;
    }
    CHECK(CpStatGet(CP_STAT_LISTENERS) == count);
}

static void
SetFaults(void)
{
    static const CpSimFault failures[] = {CP_SIM_RECV_FAIL_SUBMIT,
        CP_SIM_RECV_FAIL, CP_SIM_SEND_FAIL_SUBMIT, CP_SIM_SEND_FAIL,
        CP_SIM_TRY_RECV_FAIL, CP_SIM_TRY_SEND_FAIL, CP_SIM_SHUTDOWN_FAIL};
    static const unsigned rates[] = {0, 0, 0, 2, 10, 50, 300};
    unsigned i;

    harsh = CpSimRandom(2) == 0;
    readShut = 0;
    for (i = 0; i < CP_SIM_FAULT_COUNT; i++) {
        CpSimSetFault((CpSimFault) i, rates[CpSimRandom(7)]);
    }
    for (i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        CpSimSetFault(failures[i],
            harsh && CpSimRandom(2) ? CpSimRandom(10) : 0);
    }
    scarce = CpSimRandom(3) == 0;
    CpSimSetFault(CP_SIM_NO_MEMORY, scarce ? CpSimRandom(200) : 0);
    CpSimSetDelay(1 + CpSimRandom(50));
    CpSimSetWindow(1 + CpSimRandom(CpSimRandom(4) ? 3000 : 70000));
    CpSimSetHandles(CpSimRandom(4) ? 0 : 10 + CpSimRandom(30));
}

static int
Left(void)
{
    int left = 0;
    unsigned i;

    for (i = 0; i < CONNS; i++) {
        left |= conns[i].connPtr != NULL;
    }
    for (i = 0; i < LISTENERS; i++) {
        left |= servers[i].listenerPtr != NULL;
    }
    return left;
}

static void
DescribeLeft(void)
{
    unsigned i;

    for (i = 0; i < CONNS; i++) {
        const Conn *slotPtr = &conns[i];
        CpConnStats stats;

        if (slotPtr->connPtr != NULL) {
            CpConnGetStats(slotPtr->connPtr, &stats);
            fprintf(stderr,
                "port %u direction %u: state %d closing %d eof %d shut %d, "
                "pending %u receives %u sends, mode %d\n",
                slotPtr->port, slotPtr->out,
                (int) CpConnGetState(slotPtr->connPtr), slotPtr->closing,
                slotPtr->eof, slotPtr->shut, stats.recvPending,
                stats.sendPending, (int) CpConnRecvMode(slotPtr->connPtr));
        }
    }
    for (i = 0; i < LISTENERS; i++) {
        CpListenerStats stats;

        if (servers[i].listenerPtr != NULL) {
            CpListenerGetStats(servers[i].listenerPtr, &stats);
            fprintf(stderr, "listener: posted %u queued %u waiting %u\n",
                stats.posted, stats.queued, stats.waiting);
        }
    }
}

/* Everybody reads what there is; who has read all is closed. */

static void
WindUpOnce(void)
{
    unsigned i;

    for (i = 0; i < PEERS; i++) {
        if (peers[i].peerPtr != NULL) {
            RecvPeer(&peers[i], BUF_BYTES);
            if (CpSimPeerEof(peers[i].peerPtr)
                || CpSimPeerIsReset(peers[i].peerPtr)) {
                ClosePeer(&peers[i], 0);
            } else {
                CpSimPeerShutdown(peers[i].peerPtr);
            }
        }
    }
    for (i = 0; i < CONNS; i++) {
        Conn *slotPtr = &conns[i];

        if (slotPtr->connPtr == NULL || slotPtr->closing) {
            continue;
        }
        if (IsOpen(slotPtr)) {
            Read(slotPtr);
            if (slotPtr->connPtr != NULL && !slotPtr->closing
                && !slotPtr->eof) {
                (void) CpConnShutdown(slotPtr->connPtr, CP_WRITE);
            }
        }
        if (slotPtr->eof || harsh
            || CpConnGetState(slotPtr->connPtr) != CP_CONN_OPEN) {
            CloseConn(slotPtr);
        }
    }
    for (i = 0; i < PORTS; i++) {
        (void) CpPortReap(ports[i], 0);
    }
    if (CpSimNextMs() > 0) {
        CpSimAdvance((uint32_t) CpSimNextMs());
    }
}

static void
WindUp(void)
{
    unsigned i;

    for (i = 0; i < CONNS; i++) {
        if (conns[i].connPtr != NULL && conns[i].parked) {
            MoveConn(&conns[i]);
        }
    }
    for (i = 0; i < LISTENERS; i++) {
        if (servers[i].listenerPtr != NULL && !servers[i].closing) {
            if (servers[i].parked) {
                MoveServer(&servers[i]);
            }
            CloseServer(&servers[i]);
        }
    }
    CpSimPeerClose(peerListenerPtr);
    for (i = 0; Left(); i++) {
        WindUpOnce();

        /* An end that cannot be read any more, as a receive failed or its
         * direction was closed, may leave both with sends outstanding: they
         * wait for each other, as TCP has it. */
        if ((harsh || readShut) && i == 1000) {
            CpSimCut();
            harsh = 1;
        }
        if (i > 100000) {
            DescribeLeft();
            CpSimFail("a close does not come to its end");
        }
    }
    for (i = 0; i < PEERS; i++) {
        if (peers[i].peerPtr != NULL) {
            ClosePeer(&peers[i], 0);
        }
    }
}

static void
RunWorld(uint64_t seed)
{
    static char hint[80];
    CpError error;
    unsigned i;

    snprintf(hint, sizeof(hint), "make sim SEED=%llu COUNT=1",
        (unsigned long long) seed);
    CpSimStart(seed, hint);
    memset(streams, 0, sizeof(streams));
    for (i = 0; i < PORTS; i++) {
        ports[i] = CpPortNew(Wake, &woken[i], &error);
    }
    peerListenerAddr = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    peerListenerPtr = CpSimPeerListen(&peerListenerAddr, 4);
    SetFaults();
    for (i = 0; i < STEPS; i++) {
        uint32_t choice = CpSimRandom(100);

        if (choice < 45) {
            StepConn();
        } else if (choice < 65) {
            StepPeer();
        } else if (choice < 75) {
            StepServer();
        } else if (choice < 78) {
            Dial();
        } else {
            StepTime();
        }
        CheckWorld();
    }
    WindUp();
    connsSeen += (uint64_t) CpStatGet(CP_STAT_ACCEPTED);
    for (i = 0; i < PORTS; i++) {
        CpPortRelease(ports[i]);
    }
    CpSimEnd();
}

int
main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : DEFAULT_COUNT;
    uint64_t i;
    unsigned fault;

    for (i = 0; i < count; i++) {
        RunWorld(seed + i);
    }
    printf("%llu worlds from seed %llu, %llu steps, %llu accepts, %llu bytes\n",
        (unsigned long long) count, (unsigned long long) seed,
        (unsigned long long) count * STEPS, (unsigned long long) connsSeen,
        (unsigned long long) bytesMoved);
    for (fault = 0; fault < CP_SIM_FAULT_COUNT; fault++) {
        uint64_t taken = CpSimTaken((CpSimFault) fault);

        printf("  %-20s %llu\n", CpSimFaultName((CpSimFault) fault),
            (unsigned long long) taken);
        if (count >= DEFAULT_COUNT && taken == 0) {
            CpSimFail("the fault %s has never come",
                CpSimFaultName((CpSimFault) fault));
        }
    }
    return 0;
}
