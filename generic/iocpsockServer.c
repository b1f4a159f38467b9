/*
 * iocpsockServer.c --
 *
 *      Server channels: one or more listeners, and the accept function.
 */

#include "iocpsock.h"

#include <string.h>

static void
ListenerChanged(void *clientData)
{
    IocpsockServer *serverPtr = (IocpsockServer *) clientData;

    if (serverPtr->chanPtr != NULL) {
        IocpsockMarkIfReady(serverPtr->chanPtr);
    }
}

static void
ListenerClosed(void *clientData)
{
    ((IocpsockServer *) clientData)->open--;
}

unsigned
IocpsockServerReady(const IocpsockServer *serverPtr)
{
    const IocpsockAccept *acceptPtr = &serverPtr->accept;
    unsigned i, ready = 0;

    if (acceptPtr->mustWaitProc != NULL
        && acceptPtr->mustWaitProc(acceptPtr->clientData)) {
        return 0;
    }
    for (i = 0; i < serverPtr->listenerCount; i++) {
        ready += CpListenerReady(serverPtr->listeners[i]);
    }
    return ready;
}

/* Takes connections from the listeners in turn, so that none starves. */

static CpHandle *
TakeConnection(IocpsockServer *serverPtr, CpAddr *peerPtr)
{
    unsigned i;

    for (i = 0; i < serverPtr->listenerCount; i++) {
        unsigned turn = serverPtr->nextListener;
        CpHandle *handlePtr = CpListenerTake(serverPtr->listeners[turn],
            peerPtr);

        serverPtr->nextListener = (turn + 1) % serverPtr->listenerCount;
        if (handlePtr != NULL) {
            return handlePtr;
        }
    }
    return NULL;
}

void
IocpsockServerAccept(IocpsockServer *serverPtr)
{
    IocpsockChan *chanPtr;
    CpHandle *handlePtr;
    CpAddr peer;
    char host[CP_HOST_BYTES];

    handlePtr = TakeConnection(serverPtr, &peer);
    if (handlePtr == NULL) {
        return;
    }

    /* Without memory the connection is closed. */
    chanPtr = IocpsockNewConnected(serverPtr->chanPtr->threadPtr, handlePtr);
    if (chanPtr == NULL) {
        CpStatAdd(CP_STAT_ACCEPTS_FAILED, 1);
        CpHandleClose(handlePtr);
        return;
    }
    IocpsockInheritApply(&serverPtr->inherit, chanPtr->connPtr);
    IocpsockNewChannel(chanPtr, TCL_READABLE | TCL_WRITABLE);
    CpAddrHost(&peer, 1, host);

    /* It may close the server. */
    serverPtr->accept.proc(serverPtr->accept.clientData, chanPtr->channel, host,
        (int) CpAddrPort(&peer));
}

int64_t
IocpsockSooner(int64_t oneMs, int64_t otherMs)
{
    if (oneMs < 0 || otherMs < 0) {
        return oneMs < 0 ? otherMs : oneMs;
    }
    return oneMs < otherMs ? oneMs : otherMs;
}

int64_t
IocpsockTickServers(IocpsockThread *threadPtr)
{
    CpListNode *nodePtr = CpListFirst(&threadPtr->servers);
    uint64_t nowMs = nodePtr != NULL ? CpNowMs() : 0;
    int64_t dueMs = -1;
    unsigned i;

    for (; nodePtr != NULL;
         nodePtr = CpListNext(&threadPtr->servers, nodePtr)) {
        const IocpsockServer *serverPtr =
            CP_OWNER_OF(nodePtr, IocpsockChan, serverNode)->serverPtr;

        for (i = 0; i < serverPtr->listenerCount; i++) {
            dueMs = IocpsockSooner(dueMs,
                CpListenerTick(serverPtr->listeners[i], nowMs));
        }
    }
    return dueMs;
}

void
IocpsockServerMove(IocpsockServer *serverPtr, CpPort *portPtr)
{
    unsigned i;

    for (i = 0; i < serverPtr->listenerCount; i++) {
        CpListenerMove(serverPtr->listeners[i], portPtr);
    }
}

/*
 * Returns when the addresses are free, because the next server may want the
 * same port. Cancelled accepts wait for no peer.
 */

void
IocpsockServerClose(IocpsockServer *serverPtr)
{
    CpPort *portPtr = serverPtr->chanPtr->threadPtr->portPtr;
    unsigned i, count = serverPtr->listenerCount;

    serverPtr->listenerCount = 0;
    for (i = 0; i < count; i++) {
        CpListenerClose(serverPtr->listeners[i], ListenerClosed, serverPtr);
    }
    while (serverPtr->open > 0) {
        CpPortReap(portPtr, -1);
    }
}

static size_t
ServerBytes(unsigned listeners)
{
    return sizeof(IocpsockServer) + listeners * sizeof(CpListener *);
}

void
IocpsockFreeAccept(const IocpsockAccept *acceptPtr)
{
    if (acceptPtr->freeProc != NULL) {
        acceptPtr->freeProc(acceptPtr->clientData);
    }
}

void
IocpsockServerFree(IocpsockServer *serverPtr)
{
    IocpsockFreeAccept(&serverPtr->accept);
    CpFree(serverPtr, ServerBytes(serverPtr->listenerMax));
}

/* Opens a socket, sets an option and binds it. */

static CpError
OpenBound(CpPort *portPtr, const CpAddr *addrPtr, CpSockOpt opt, int value,
    CpHandle **handlePtrPtr)
{
    CpError error = CpHandleOpen(portPtr, addrPtr, handlePtrPtr);

    if (error != CP_OK) {
        return error;
    }
    (void) CpHandleSetOpt(*handlePtrPtr, opt, value);
    error = CpHandleBind(*handlePtrPtr, addrPtr);
    if (error != CP_OK) {
        CpHandleClose(*handlePtrPtr);
    }
    return error;
}

/*
 * On Windows, SO_REUSEADDR is what other systems call SO_REUSEPORT: any process
 * can take the port of a socket that is not exclusive. An exclusive socket does
 * not get the port of a closed listener while that has connections. The core's
 * driver does get it in some cases, and then this one does, too.
 */

static CpError
Open(CpPort *portPtr, const CpAddr *addrPtr, int reusePort,
    CpHandle **handlePtrPtr)
{
    CpError error;

    if (reusePort) {
        return OpenBound(portPtr, addrPtr, CP_OPT_REUSEADDR, 1, handlePtrPtr);
    }
    error = OpenBound(portPtr, addrPtr, CP_OPT_EXCLUSIVE, IOCPSOCK_EXCLUSIVE,
        handlePtrPtr);
    if (IOCPSOCK_EXCLUSIVE && error == CP_EADDRINUSE) {
        error = OpenBound(portPtr, addrPtr, CP_OPT_EXCLUSIVE, 0, handlePtrPtr);
    }
    return error;
}

/* Listens on one address. If the port is 0, the first address to be bound sets
 * the port of the others. */

static CpError
Listen(IocpsockServer *serverPtr, CpPort *portPtr, CpAddr *addrPtr,
    unsigned *chosenPortPtr, int reusePort, int systemBacklog)
{
    CpHandle *handlePtr;
    CpAddr local;
    CpError error;

    if (CpAddrPort(addrPtr) == 0) {
        CpAddrSetPort(addrPtr, *chosenPortPtr);
    }
    error = Open(portPtr, addrPtr, reusePort, &handlePtr);
    if (error != CP_OK) {
        return error;
    }
    error = CpListenerNew(portPtr, handlePtr, systemBacklog, ListenerChanged,
        serverPtr, &serverPtr->listeners[serverPtr->listenerCount]);
    if (error != CP_OK) {
        CpHandleClose(handlePtr);
        return error;
    }
    if (CpHandleLocal(handlePtr, &local) == CP_OK) {
        *chosenPortPtr = CpAddrPort(&local);
    }
    serverPtr->listenerCount++;
    serverPtr->open++;
    return CP_OK;
}

static IocpsockServer *
NewServer(unsigned addrCount, const IocpsockAccept *acceptPtr)
{
    IocpsockServer *serverPtr = (IocpsockServer *) CpCalloc(
        ServerBytes(addrCount));

    if (serverPtr == NULL) {
        return NULL;
    }
    serverPtr->accept = *acceptPtr;
    serverPtr->listeners = (CpListener **) (void *) (serverPtr + 1);
    serverPtr->listenerMax = addrCount;
    serverPtr->backlog = CP_BACKLOG_DEFAULT;
    serverPtr->acceptMode = CP_ACCEPT_CONNECT;
    serverPtr->acceptTimeoutMs = CP_ACCEPT_TIMEOUT_DEFAULT_MS;
    IocpsockInheritInit(&serverPtr->inherit);
    return serverPtr;
}

/* Makes the channel without listeners. On failure frees the accept data. */

static IocpsockChan *
NewServerChan(Tcl_Interp *interp, unsigned addrCount,
    const IocpsockAccept *acceptPtr)
{
    IocpsockChan *chanPtr = IocpsockNewChan();
    IocpsockServer *serverPtr = NULL;

    if (chanPtr != NULL) {
        serverPtr = NewServer(addrCount, acceptPtr);
    }
    if (serverPtr == NULL) {
        IocpsockFreeAccept(acceptPtr);
        if (chanPtr != NULL) {
            IocpsockReleaseChan(chanPtr);
        }
        IocpsockPosixFailure(interp, COULD_NOT_OPEN, CP_ENOMEM);
        return NULL;
    }
    serverPtr->chanPtr = chanPtr;
    chanPtr->serverPtr = serverPtr;
    return chanPtr;
}

Tcl_Channel
IocpsockOpenServer(Tcl_Interp *interp, CpAddr *addrs, unsigned addrCount,
    int reusePort, int systemBacklog, const IocpsockAccept *acceptPtr)
{
    IocpsockThread *threadPtr = IocpsockGetThread(interp);
    IocpsockChan *chanPtr;
    IocpsockServer *serverPtr;
    CpError error = CP_EADDRNOTAVAIL;
    unsigned i, chosenPort = 0;

    if (threadPtr == NULL) {
        IocpsockFreeAccept(acceptPtr);
        return NULL;
    }
    chanPtr = NewServerChan(interp, addrCount, acceptPtr);
    if (chanPtr == NULL) {
        return NULL;
    }
    serverPtr = chanPtr->serverPtr;
    for (i = 0; i < addrCount; i++) {
        CpError last = Listen(serverPtr, threadPtr->portPtr, &addrs[i],
            &chosenPort, reusePort, systemBacklog);

        error = last != CP_OK ? last : error;
    }
    IocpsockAttach(chanPtr);
    if (serverPtr->listenerCount == 0) {
        IocpsockDetach(chanPtr);
        IocpsockServerFree(serverPtr);
        IocpsockReleaseChan(chanPtr);
        IocpsockPosixFailure(interp, COULD_NOT_OPEN, error);
        return NULL;
    }
    IocpsockNewChannel(chanPtr, 0);
    return chanPtr->channel;
}
