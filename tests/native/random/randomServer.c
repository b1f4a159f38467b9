/*
 * randomServer.c --
 *
 *      The application's listeners.
 */

#include "randomInt.h"

RandomServer randomServers[RANDOM_SERVERS];

static void
Offer(void *clientData)
{
    const RandomServer *serverPtr = clientData;

    CHECK(!serverPtr->closing && !serverPtr->parked);
}

static void
ServerClosed(void *clientData)
{
    memset(clientData, 0, sizeof(RandomServer));
}

static void
OpenServer(RandomServer *serverPtr)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    CpHandle *handlePtr;
    CpError error;

    serverPtr->owner = CpSimRandom(RANDOM_PORTS);
    if (CpHandleOpen(randomPorts[serverPtr->owner], &addr, &handlePtr)
        != CP_OK) {
        return;
    }
    error = CpHandleBind(handlePtr, &addr);
    if (error == CP_OK) {
        CHECK_ERROR(CpHandleLocal(handlePtr, &serverPtr->addr), CP_OK);
        error = CpListenerNew(randomPorts[serverPtr->owner], handlePtr,
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
    serverPtr->timeoutMs = CpSimRandom(2) * 300;
    CpListenerSetTimeout(serverPtr->listenerPtr, serverPtr->timeoutMs);
}

/*
 * The pool is full, or it is set when it will be filled. At time 0 nothing is
 * due, so that the call changes nothing; and without a watchdog its result is
 * the pool's.
 */

static void
CheckServer(RandomServer *serverPtr)
{
    CpListenerStats stats;
    int64_t retryMs;

    CpListenerGetStats(serverPtr->listenerPtr, &stats);
    if (stats.posted + stats.queued >= serverPtr->backlog) {
        return;
    }
    CpListenerSetTimeout(serverPtr->listenerPtr, 0);
    retryMs = CpListenerTick(serverPtr->listenerPtr, 0);
    CpListenerSetTimeout(serverPtr->listenerPtr, serverPtr->timeoutMs);
    CHECK(retryMs > 0);
    CHECK((uint64_t) retryMs <= CpNowMs() + CP_ACCEPT_RETRY_MS);
}

static void
Take(RandomServer *serverPtr)
{
    RandomConn *slotPtr = RandomFreeConn();
    CpHandle *handlePtr;
    CpAddr peer;

    if (slotPtr == NULL) {
        return;
    }
    handlePtr = CpListenerTake(serverPtr->listenerPtr, &peer);
    if (handlePtr == NULL) {
        return;
    }
    slotPtr->connPtr = CpConnAccepted(randomPorts[serverPtr->owner], handlePtr,
        RandomNotify, slotPtr);
    if (slotPtr->connPtr == NULL) {
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
CloseServer(RandomServer *serverPtr)
{
    serverPtr->closing = 1;
    CpListenerClose(serverPtr->listenerPtr, ServerClosed, serverPtr);
}

static void
MoveServer(RandomServer *serverPtr)
{
    serverPtr->parked = !serverPtr->parked;
    if (!serverPtr->parked) {
        serverPtr->owner = CpSimRandom(RANDOM_PORTS);
    }
    CpListenerMove(serverPtr->listenerPtr,
        serverPtr->parked ? NULL : randomPorts[serverPtr->owner]);
}

void
RandomStepServer(void)
{
    RandomServer *serverPtr = &randomServers[CpSimRandom(RANDOM_SERVERS)];
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
    } else if (choice < 190) {
        (void) CpListenerTick(serverPtr->listenerPtr, CpNowMs());
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

/* ------------------------------------------------------------ all of them */

void
RandomCheckServers(void)
{
    unsigned i;

    for (i = 0; i < RANDOM_SERVERS; i++) {
        RandomServer *serverPtr = &randomServers[i];

        if (serverPtr->listenerPtr != NULL && !serverPtr->parked
            && !serverPtr->closing) {
            CheckServer(serverPtr);
        }
    }
}

int
RandomCountServers(void)
{
    int count = 0;
    unsigned i;

    for (i = 0; i < RANDOM_SERVERS; i++) {
        count += randomServers[i].listenerPtr != NULL;
    }
    return count;
}

void
RandomCloseServers(void)
{
    unsigned i;

    for (i = 0; i < RANDOM_SERVERS; i++) {
        RandomServer *serverPtr = &randomServers[i];

        if (serverPtr->listenerPtr != NULL && !serverPtr->closing) {
            if (serverPtr->parked) {
                MoveServer(serverPtr);
            }
            CloseServer(serverPtr);
        }
    }
}

void
RandomDescribeServers(void)
{
    unsigned i;

    for (i = 0; i < RANDOM_SERVERS; i++) {
        CpListenerStats stats;

        if (randomServers[i].listenerPtr != NULL) {
            CpListenerGetStats(randomServers[i].listenerPtr, &stats);
            fprintf(stderr, "listener: posted %u queued %u waiting %u\n",
                stats.posted, stats.queued, stats.waiting);
        }
    }
}
