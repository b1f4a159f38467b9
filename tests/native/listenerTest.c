/*
 * listenerTest.c --
 *
 *      Listeners over the simulated port: the pool, dead clients, both modes,
 *      the watchdog, wants, and closes.
 */

#include "check.h"
#include "cpListener.h"

typedef struct Server {
    CpPort *portPtr;
    CpListener *listenerPtr;
    CpAddr addr;
    unsigned offered;
    int closed;
} Server;

static void
Offer(void *clientData)
{
    ((Server *) clientData)->offered++;
}

static void
Closed(void *clientData)
{
    ((Server *) clientData)->closed = 1;
}

static void
Open(Server *serverPtr, CpPort *portPtr, unsigned backlog, CpAcceptMode mode)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    CpHandle *handlePtr;

    memset(serverPtr, 0, sizeof(Server));
    serverPtr->portPtr = portPtr;
    CHECK_ERROR(CpHandleOpen(portPtr, &addr, &handlePtr), CP_OK);
    CHECK_ERROR(CpHandleBind(handlePtr, &addr), CP_OK);
    CHECK_ERROR(CpHandleLocal(handlePtr, &serverPtr->addr), CP_OK);
    CHECK_ERROR(CpListenerNew(portPtr, handlePtr, 100, Offer, serverPtr,
                    &serverPtr->listenerPtr),
        CP_OK);
    CHECK(CpListenerHandle(serverPtr->listenerPtr) == handlePtr);
    CpListenerSetBacklog(serverPtr->listenerPtr, backlog);
    CpListenerSetMode(serverPtr->listenerPtr, mode);
    while (CpPortReap(portPtr, 0) > 0) {
    }
}

static CpListenerStats
Stats(const Server *serverPtr)
{
    CpListenerStats stats;

    CpListenerGetStats(serverPtr->listenerPtr, &stats);
    return stats;
}

static CpSimPeer *
ConnectPeer(Server *serverPtr)
{
    CpSimPeer *peerPtr = CpSimPeerConnect(&serverPtr->addr);

    CHECK(peerPtr != NULL);
    CpSimAdvance(0);
    while (CpPortReap(serverPtr->portPtr, 0) > 0) {
    }
    return peerPtr;
}

static void
Settle(Server *serverPtr)
{
    CpSimAdvance(0);
    while (CpPortReap(serverPtr->portPtr, 0) > 0) {
    }
}

static int
Take(Server *serverPtr)
{
    CpAddr peer, name;
    CpHandle *handlePtr = CpListenerTake(serverPtr->listenerPtr, &peer);

    if (handlePtr == NULL) {
        return 0;
    }
    CHECK_ERROR(CpHandlePeer(handlePtr, &name), CP_OK);
    CHECK(CheckSameAddr(&peer, &name));
    CpHandleClose(handlePtr);
    return 1;
}

static void
Close(Server *serverPtr)
{
    CpListenerClose(serverPtr->listenerPtr, Closed, serverPtr);
    while (!serverPtr->closed) {
        CpPortReap(serverPtr->portPtr, -1);
    }
}

static void
TestPool(CpPort *portPtr)
{
    CpListenerStats stats;
    unsigned i;
    Server server;

    Open(&server, portPtr, 3, CP_ACCEPT_CONNECT);
    CHECK(Stats(&server).posted == 3);
    CHECK(CpStatGet(CP_STAT_ACCEPTS_PENDING) == 3);
    CHECK(CpListenerTick(server.listenerPtr, CpNowMs()) == -1);
    CHECK(!Take(&server));
    for (i = 0; i < 5; i++) {
        ConnectPeer(&server);
        stats = Stats(&server);
        CHECK(stats.queued == (i < 3 ? i + 1 : 3));
        CHECK(stats.posted + stats.queued == 3);
    }
    CHECK(CpListenerReady(server.listenerPtr) == 3 && server.offered == 3);
    for (i = 0; i < 5; i++) {
        CHECK(Take(&server));
        Settle(&server);
    }
    stats = Stats(&server);
    CHECK(stats.posted == 3 && stats.accepted == 5 && server.offered == 5);
    CHECK(!Take(&server));
    Close(&server);
    CHECK(CpSimPeerConnect(&server.addr) == NULL);
}

/* A dead client does not use up an accept. */

static void
TestDeadClients(CpPort *portPtr)
{
    unsigned i;
    Server server;

    Open(&server, portPtr, 1, CP_ACCEPT_CONNECT);
    CpSimFailNth(CP_SIM_ACCEPT_DEAD, 1, 100, CP_OK);
    for (i = 0; i < 5; i++) {
        ConnectPeer(&server);
    }
    CHECK(Stats(&server).queued == 1 && Stats(&server).posted == 0);
    CHECK(Stats(&server).failed == 0);

    /* The others wait in the backlog. Three of them leave. */
    Close(&server);

    Open(&server, portPtr, 1, CP_ACCEPT_CONNECT);
    ConnectPeer(&server);
    for (i = 0; i < 3; i++) {
        CpSimPeerReset(ConnectPeer(&server));
    }
    ConnectPeer(&server);
    Settle(&server);
    CHECK(Take(&server));
    Settle(&server);
    CHECK(Stats(&server).failed == 3);
    CHECK(Take(&server));
    CHECK(Stats(&server).posted == 1);
    CHECK(CpListenerTick(server.listenerPtr, CpNowMs()) == -1);
    Close(&server);
}

/* Any other failure would return at once, so the next accept waits. */

static void
TestWant(CpPort *portPtr)
{
    CpSimFault kinds[] = {CP_SIM_ACCEPT_FAIL, CP_SIM_ACCEPT_FAIL_SUBMIT,
        CP_SIM_NO_MEMORY};
    unsigned kind;

    for (kind = 0; kind < 3; kind++) {
        int64_t dueMs;
        Server server;

        Open(&server, portPtr, 2, CP_ACCEPT_CONNECT);
        CpSimFailNth(kinds[kind], 1, 2, CP_EMFILE);
        ConnectPeer(&server);
        CHECK(Take(&server));
        Settle(&server);
        CHECK(Stats(&server).posted == 1);
        dueMs = CpListenerTick(server.listenerPtr, CpNowMs());
        CHECK(dueMs > 0 && dueMs <= CP_ACCEPT_RETRY_MS);
        CpSimAdvance((uint32_t) dueMs);
        (void) CpListenerTick(server.listenerPtr, CpNowMs());
        Settle(&server);
        CHECK(Stats(&server).posted == 1);
        CpSimAdvance(CP_ACCEPT_RETRY_MS);
        CHECK(CpListenerTick(server.listenerPtr, CpNowMs()) == -1);
        Settle(&server);
        CHECK(Stats(&server).posted == 2);
        Close(&server);
    }
}

static void
TestNew(CpPort *portPtr)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    CpHandle *handlePtr;
    CpListener *listenerPtr;

    CHECK_ERROR(CpHandleOpen(portPtr, &addr, &handlePtr), CP_OK);
    CHECK_ERROR(CpHandleBind(handlePtr, &addr), CP_OK);
    CpSimFailNth(CP_SIM_NO_MEMORY, 1, 1, CP_OK);
    CHECK_ERROR(CpListenerNew(portPtr, handlePtr, 5, Offer, NULL, &listenerPtr),
        CP_ENOMEM);
    CpSimFailNth(CP_SIM_LISTEN_FAIL, 1, 1, CP_EADDRINUSE);
    CHECK_ERROR(CpListenerNew(portPtr, handlePtr, 5, Offer, NULL, &listenerPtr),
        CP_EADDRINUSE);
    CpHandleClose(handlePtr);
}

static void
TestData(CpPort *portPtr)
{
    CpSimPeer *silentPtr, *talkerPtr;
    Server server;

    Open(&server, portPtr, 2, CP_ACCEPT_DATA);
    silentPtr = ConnectPeer(&server);
    ConnectPeer(&server);
    talkerPtr = ConnectPeer(&server);
    CHECK(Stats(&server).waiting == 3 && Stats(&server).posted == 2);
    CHECK(server.offered == 0);
    CHECK(CpSimPeerSend(talkerPtr, "x", 1) == 1);
    Settle(&server);
    CHECK(Stats(&server).waiting == 2 && server.offered == 1);
    CHECK(Take(&server) && !Take(&server));

    /* A client that ends without a byte is not offered. */
    CpSimPeerShutdown(silentPtr);
    Settle(&server);
    CHECK(Stats(&server).waiting == 1 && Stats(&server).failed == 1);
    CpSimPeerReset(ConnectPeer(&server));
    Settle(&server);
    CHECK(Stats(&server).waiting == 1 && Stats(&server).failed == 2);
    CHECK(server.offered == 1);

    /* A client that waits is dropped with its listener. */
    Close(&server);
}

/* A completed zero-byte receive does not prove that a first byte came. */

static void
TestFirstByte(CpPort *portPtr)
{
    CpSimPeer *peerPtr;
    Server server;

    Open(&server, portPtr, 2, CP_ACCEPT_DATA);
    peerPtr = ConnectPeer(&server);
    CpSimPeerUrgent(peerPtr);
    Settle(&server);
    CHECK(Stats(&server).waiting == 1 && Stats(&server).failed == 0);
    CHECK(server.offered == 0);
    CHECK(CpSimPeerSend(peerPtr, "x", 1) == 1);
    Settle(&server);
    CHECK(server.offered == 1 && Take(&server));

    /* An urgent byte and the end of file come. */
    peerPtr = ConnectPeer(&server);
    CpSimPeerUrgent(peerPtr);
    CpSimPeerShutdown(peerPtr);
    Settle(&server);
    CHECK(Stats(&server).waiting == 0 && Stats(&server).failed == 1);

    /* Bytes come before a reset. */
    peerPtr = ConnectPeer(&server);
    CpSimSetDelay(1);
    CpSimFailNth(CP_SIM_IN_FLIGHT, 1, 2, CP_OK);
    CpSimFailNth(CP_SIM_RESET_KEEPS, 1, 1, CP_OK);
    CpSimFailNth(CP_SIM_RECV_RESET_FIRST, 1, 1, CP_OK);
    CHECK(CpSimPeerSend(peerPtr, "x", 1) == 1);
    CpSimPeerReset(peerPtr);
    CpSimAdvance(1);
    Settle(&server);
    CHECK(Stats(&server).failed == 1 && server.offered == 2);
    CHECK(Take(&server) && !Take(&server));
    Close(&server);
}

static void
TestWatchdog(CpPort *portPtr)
{
    CpSimPeer *peerPtr;
    Server server;

    Open(&server, portPtr, 2, CP_ACCEPT_DATA);
    CpListenerSetTimeout(server.listenerPtr, 0);
    ConnectPeer(&server);
    CHECK(CpListenerTick(server.listenerPtr, CpNowMs()) == -1);
    CpListenerSetTimeout(server.listenerPtr, 1000);
    CpSimAdvance(400);
    ConnectPeer(&server);
    peerPtr = ConnectPeer(&server);
    CHECK(CpListenerTick(server.listenerPtr, CpNowMs()) == 600);
    CpSimAdvance(600);
    CHECK(CpListenerTick(server.listenerPtr, CpNowMs()) == 400);
    CHECK(Stats(&server).timedOut == 1 && Stats(&server).waiting == 2);
    Settle(&server);
    CpSimAdvance(400);

    /* A byte that comes while its zero-byte receive is being cancelled is too
     * late. */
    CpSimFailNth(CP_SIM_CANCEL_LATE, 1, 2, CP_OK);
    CHECK(CpListenerTick(server.listenerPtr, CpNowMs()) == -1);
    CHECK(CpSimPeerSend(peerPtr, "x", 1) == 1);
    Settle(&server);
    CHECK(Stats(&server).timedOut == 3 && Stats(&server).waiting == 0);
    CHECK(server.offered == 0);

    /* The earliest deadline is returned. */
    CpSimFailNth(CP_SIM_ACCEPT_FAIL, 1, 1, CP_EMFILE);
    ConnectPeer(&server);
    CpSimAdvance(950);
    CHECK(CpListenerTick(server.listenerPtr, CpNowMs()) == 50);
    Close(&server);
}

/* A smaller pool cancels accepts, a larger one submits more. */

static void
TestBacklog(CpPort *portPtr)
{
    unsigned late;

    for (late = 0; late < 2; late++) {
        Server server;

        Open(&server, portPtr, 8, CP_ACCEPT_CONNECT);
        CpSimFailNth(CP_SIM_CANCEL_LATE, late, 100, CP_OK);
        CpListenerSetBacklog(server.listenerPtr, 2);
        CpListenerSetBacklog(server.listenerPtr, 1);
        CpSimAdvance(100);
        Settle(&server);
        CHECK(Stats(&server).posted == 1 && Stats(&server).failed == 0);
        CpListenerSetBacklog(server.listenerPtr, 4);
        CHECK(Stats(&server).posted == 4);
        CpListenerSetBacklog(server.listenerPtr, 2);
        CpListenerSetBacklog(server.listenerPtr, 6);
        CpSimAdvance(100);
        Settle(&server);
        CHECK(Stats(&server).posted == 6 && Stats(&server).failed == 0);
        Close(&server);
    }
}

/* The close ends with accepts outstanding and with clients not taken. */

static void
TestClose(CpPort *portPtr)
{
    unsigned late;

    for (late = 0; late < 2; late++) {
        Server server;

        Open(&server, portPtr, 4, CP_ACCEPT_DATA);
        ConnectPeer(&server);
        CpListenerSetMode(server.listenerPtr, CP_ACCEPT_CONNECT);
        ConnectPeer(&server);
        CHECK(Stats(&server).waiting == 1 && Stats(&server).queued == 1);

        /* A client is accepted during the cancels. */
        CpSimFailNth(CP_SIM_CANCEL_LATE, late, 100, CP_OK);
        CpListenerClose(server.listenerPtr, Closed, &server);
        CHECK(CpSimPeerConnect(&server.addr) != NULL);
        while (!server.closed) {
            CpPortReap(portPtr, -1);
        }
        CHECK(server.offered == 1);
    }
}

static void
TestMove(CpPort *portPtr)
{
    CpError error;
    CpPort *otherPtr = CpPortNew(CheckNoWake, NULL, &error);
    CpSimPeer *peerPtr;
    Server server;

    Open(&server, portPtr, 2, CP_ACCEPT_DATA);
    peerPtr = ConnectPeer(&server);
    CpListenerSetMode(server.listenerPtr, CP_ACCEPT_CONNECT);
    ConnectPeer(&server);
    CHECK(CpSimPeerConnect(&server.addr) != NULL);
    CpListenerMove(server.listenerPtr, NULL);
    CHECK(CpSimPeerSend(peerPtr, "x", 1) == 1);
    CpSimAdvance(100);
    CHECK(CpPortReap(portPtr, 0) == 0);
    CpListenerMove(server.listenerPtr, otherPtr);
    server.portPtr = otherPtr;
    Settle(&server);
    CHECK(CpListenerReady(server.listenerPtr) == 3);
    CHECK(Take(&server) && Take(&server) && Take(&server));
    Close(&server);
    CpPortRelease(otherPtr);
}

static const CheckCase cases[] = {
    {"pool", TestPool},
    {"dead-clients", TestDeadClients},
    {"want", TestWant},
    {"new", TestNew},
    {"data", TestData},
    {"first-byte", TestFirstByte},
    {"watchdog", TestWatchdog},
    {"backlog", TestBacklog},
    {"close", TestClose},
    {"move", TestMove},
};

CHECK_MAIN(cases)
