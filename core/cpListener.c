/*
 * cpListener.c --
 *
 *      A listening socket, its pool of accepts, and the watchdog.
 */

#include "cpListener.h"

#include "cpMem.h"

#include <assert.h>

/*
 * The states of an accept: outstanding; waiting for a first byte
 * (CP_ACCEPT_DATA only); queued to be taken. Each state has its list, oldest
 * first.
 */

typedef enum AcceptState {
    ACCEPT_PENDING,
    ACCEPT_WAITING,
    ACCEPT_QUEUED,
    ACCEPT_DROPPED, /* Its cancelled receive is still pending. */
    ACCEPT_STATE_COUNT
} AcceptState;

typedef struct Accept {
    CpAcceptOp accept; /* Pending exactly in ACCEPT_PENDING. */
    CpOp zeroByteOp;   /* For the first byte. */
    int zeroBytePending;
    AcceptState state;
    CpListener *listenerPtr;
    CpHandle *handlePtr; /* The connection. */
    uint64_t acceptedMs;
    CpListNode node; /* In the list of its state. */
} Accept;

typedef struct AcceptList {
    CpList accepts; /* Oldest first. */
    unsigned count;
} AcceptList;

struct CpListener {
    CpPort *portPtr; /* The owner's; NULL between owners. */
    CpHandle *handlePtr;
    int closing;
    CpListenerProc *proc; /* The closedProc when closing. */
    void *clientData;
    unsigned backlog;
    CpAcceptMode mode;
    uint32_t timeoutMs;
    uint64_t retryMs; /* When to submit again; 0: never. */
    AcceptList lists[ACCEPT_STATE_COUNT];
    uint64_t accepted;
    uint64_t failed;
    uint64_t timedOut;
};

static void AcceptDone(CpOp *opPtr);
static void FirstByteDone(CpOp *opPtr);

static void
Link(Accept *acceptPtr, AcceptState state)
{
    AcceptList *listPtr = &acceptPtr->listenerPtr->lists[state];

    acceptPtr->state = state;
    CpListAppend(&listPtr->accepts, &acceptPtr->node);
    listPtr->count++;
}

static void
Unlink(Accept *acceptPtr)
{
    CpListRemove(&acceptPtr->node);
    acceptPtr->listenerPtr->lists[acceptPtr->state].count--;
}

/* The oldest accept of a state, or NULL. */

static Accept *
First(const CpListener *listenerPtr, AcceptState state)
{
    return CP_LIST_OWNER(CpListFirst(&listenerPtr->lists[state].accepts),
        Accept, node);
}

/* The one place where a listener ends. */

static void
Finish(CpListener *listenerPtr)
{
    CpListenerProc *closedProc = listenerPtr->proc;
    void *clientData = listenerPtr->clientData;

    assert(listenerPtr->closing);
    if (listenerPtr->lists[ACCEPT_PENDING].count > 0
        || listenerPtr->lists[ACCEPT_DROPPED].count > 0) {
        return;
    }
    CpHandleClose(listenerPtr->handlePtr);
    CpStatAdd(CP_STAT_LISTENERS, -1);
    CpFree(listenerPtr, sizeof(CpListener));
    closedProc(clientData);
}

/* Fills the pool. CpListenerTick tries again if memory or handles are short. */

static void
Refill(CpListener *listenerPtr)
{
    AcceptList *postedPtr = &listenerPtr->lists[ACCEPT_PENDING];
    AcceptList *queuedPtr = &listenerPtr->lists[ACCEPT_QUEUED];

    if (listenerPtr->closing || listenerPtr->retryMs != 0) {
        return;
    }
    while (postedPtr->count + queuedPtr->count < listenerPtr->backlog) {
        Accept *acceptPtr = (Accept *) CpCalloc(sizeof(Accept));

        if (acceptPtr == NULL) {
            listenerPtr->retryMs = CpNowMs() + CP_ACCEPT_RETRY_MS;
            return;
        }
        acceptPtr->listenerPtr = listenerPtr;
        acceptPtr->accept.op.proc = AcceptDone;
        Link(acceptPtr, ACCEPT_PENDING);
        CpStatAdd(CP_STAT_ACCEPTS_PENDING, 1);
        CpSubmitAccept(listenerPtr->handlePtr, &acceptPtr->accept);
    }
}

/* Closes a connection that was not taken. Frees it, at once or when its
 * zero-byte receive has completed. */

static void
Drop(Accept *acceptPtr)
{
    Unlink(acceptPtr);
    if (acceptPtr->zeroBytePending) {
        Link(acceptPtr, ACCEPT_DROPPED);
        CpCancel(acceptPtr->handlePtr, &acceptPtr->zeroByteOp);
        return;
    }
    CpHandleClose(acceptPtr->handlePtr);
    CpFree(acceptPtr, sizeof(Accept));
}

static void
DropAll(CpListener *listenerPtr, AcceptState state)
{
    Accept *acceptPtr;

    while ((acceptPtr = First(listenerPtr, state)) != NULL) {
        Drop(acceptPtr);
    }
}

/* The client has already left: this says nothing about the next accept. */

static int
IsDeadClient(CpError error)
{
    return error == CP_ECONNRESET || error == CP_ECONNABORTED
        || error == CP_ENETRESET || error == CP_ENOTCONN
        || error == CP_ETIMEDOUT;
}

/*
 * Any other reason (a lack of handles or memory, say) would make the next
 * accept fail at once, too. So the next try has to wait.
 */

static void
AcceptFailed(Accept *acceptPtr, CpError error)
{
    CpListener *listenerPtr = acceptPtr->listenerPtr;

    CpFree(acceptPtr, sizeof(Accept));
    if (listenerPtr->closing) {
        Finish(listenerPtr);
        return;
    }

    /* A smaller backlog has cancelled it. */
    if (error != CP_ECANCELED) {
        listenerPtr->failed++;
        CpStatAdd(CP_STAT_ACCEPTS_FAILED, 1);
        if (!IsDeadClient(error)) {
            listenerPtr->retryMs = CpNowMs() + CP_ACCEPT_RETRY_MS;
        }
    }
    Refill(listenerPtr);
}

static void
SubmitProbe(Accept *acceptPtr)
{
    acceptPtr->zeroByteOp.proc = FirstByteDone;
    acceptPtr->zeroBytePending = 1;
    CpSubmitRecv(acceptPtr->handlePtr, &acceptPtr->zeroByteOp, NULL, 0);
}

static void
AcceptDone(CpOp *opPtr)
{
    Accept *acceptPtr = CP_OWNER_OF(opPtr, Accept, accept.op);
    CpListener *listenerPtr = acceptPtr->listenerPtr;

    Unlink(acceptPtr);
    CpStatAdd(CP_STAT_ACCEPTS_PENDING, -1);
    if (opPtr->error != CP_OK) {
        AcceptFailed(acceptPtr, opPtr->error);
        return;
    }
    acceptPtr->handlePtr = acceptPtr->accept.newHandlePtr;
    if (listenerPtr->closing) {
        CpHandleClose(acceptPtr->handlePtr);
        CpFree(acceptPtr, sizeof(Accept));
        Finish(listenerPtr);
        return;
    }
    listenerPtr->accepted++;
    CpStatAdd(CP_STAT_ACCEPTED, 1);
    switch (listenerPtr->mode) {
    case CP_ACCEPT_CONNECT:
        Link(acceptPtr, ACCEPT_QUEUED);
        break;
    case CP_ACCEPT_DATA:
        Link(acceptPtr, ACCEPT_WAITING);
        acceptPtr->acceptedMs = CpNowMs();
        SubmitProbe(acceptPtr);
        break;
    }
    Refill(listenerPtr);
    if (acceptPtr->state == ACCEPT_QUEUED) {
        listenerPtr->proc(listenerPtr->clientData);
    }
}

/*
 * The zero-byte receive of a waiting connection has completed: there are bytes,
 * or an end without any, or nothing at all. There may be bytes even if it
 * failed. A peek tells, and needs no place to keep a first byte.
 */

static void
FirstByteDone(CpOp *opPtr)
{
    Accept *acceptPtr = CP_OWNER_OF(opPtr, Accept, zeroByteOp);
    CpListener *listenerPtr = acceptPtr->listenerPtr;
    CpError error;
    size_t bytes;

    acceptPtr->zeroBytePending = 0;
    if (acceptPtr->state == ACCEPT_DROPPED) {
        Unlink(acceptPtr);
        CpHandleClose(acceptPtr->handlePtr);
        CpFree(acceptPtr, sizeof(Accept));
        if (listenerPtr->closing) {
            Finish(listenerPtr);
        }
        return;
    }
    error = CpTryPeek(acceptPtr->handlePtr, &bytes);
    if (error == CP_EAGAIN && opPtr->error == CP_OK) {
        SubmitProbe(acceptPtr);
        return;
    }
    if (bytes == 0) {
        listenerPtr->failed++;
        CpStatAdd(CP_STAT_ACCEPTS_FAILED, 1);
        Drop(acceptPtr);
        return;
    }
    Unlink(acceptPtr);
    Link(acceptPtr, ACCEPT_QUEUED);
    listenerPtr->proc(listenerPtr->clientData);
}

CpError
CpListenerNew(CpPort *portPtr, CpHandle *handlePtr, int systemBacklog,
    CpListenerProc *proc, void *clientData, CpListener **listenerPtrPtr)
{
    CpListener *listenerPtr = (CpListener *) CpCalloc(sizeof(CpListener));
    CpError error;

    if (listenerPtr == NULL) {
        return CP_ENOMEM;
    }
    error = CpHandleListen(handlePtr, systemBacklog);
    if (error != CP_OK) {
        CpFree(listenerPtr, sizeof(CpListener));
        return error;
    }
    listenerPtr->portPtr = portPtr;
    listenerPtr->handlePtr = handlePtr;
    listenerPtr->proc = proc;
    listenerPtr->clientData = clientData;
    listenerPtr->backlog = CP_BACKLOG_DEFAULT;
    listenerPtr->mode = CP_ACCEPT_CONNECT;
    listenerPtr->timeoutMs = CP_ACCEPT_TIMEOUT_DEFAULT_MS;
    CpStatAdd(CP_STAT_LISTENERS, 1);
    Refill(listenerPtr);
    *listenerPtrPtr = listenerPtr;
    return CP_OK;
}

unsigned
CpListenerReady(const CpListener *listenerPtr)
{
    return listenerPtr->lists[ACCEPT_QUEUED].count;
}

CpHandle *
CpListenerTake(CpListener *listenerPtr, CpAddr *peerPtr)
{
    Accept *acceptPtr = First(listenerPtr, ACCEPT_QUEUED);
    CpHandle *handlePtr;

    if (acceptPtr == NULL) {
        return NULL;
    }
    Unlink(acceptPtr);
    handlePtr = acceptPtr->handlePtr;
    *peerPtr = acceptPtr->accept.peer;
    CpFree(acceptPtr, sizeof(Accept));
    Refill(listenerPtr);
    return handlePtr;
}

/* Closes clients that were silent for too long. Returns when the time of the
 * next one is over. */

static uint64_t
Watchdog(CpListener *listenerPtr, uint64_t nowMs)
{
    Accept *acceptPtr;

    if (listenerPtr->timeoutMs == 0) {
        return UINT64_MAX;
    }
    while ((acceptPtr = First(listenerPtr, ACCEPT_WAITING)) != NULL) {
        uint64_t endMs = acceptPtr->acceptedMs + listenerPtr->timeoutMs;

        if (nowMs < endMs) {
            return endMs;
        }
        listenerPtr->timedOut++;
        CpStatAdd(CP_STAT_ACCEPTS_TIMED_OUT, 1);
        Drop(acceptPtr);
    }
    return UINT64_MAX;
}

int64_t
CpListenerTick(CpListener *listenerPtr, uint64_t nowMs)
{
    uint64_t dueMs = Watchdog(listenerPtr, nowMs);

    if (listenerPtr->retryMs != 0 && nowMs >= listenerPtr->retryMs) {
        listenerPtr->retryMs = 0;
        Refill(listenerPtr);
    }
    if (listenerPtr->retryMs != 0 && listenerPtr->retryMs < dueMs) {
        dueMs = listenerPtr->retryMs;
    }
    return dueMs == UINT64_MAX ? -1 : (int64_t) (dueMs - nowMs);
}

void
CpListenerClose(CpListener *listenerPtr, CpListenerProc *closedProc,
    void *clientData)
{
    assert(!listenerPtr->closing);
    listenerPtr->closing = 1;
    listenerPtr->proc = closedProc;
    listenerPtr->clientData = clientData;
    CpCancel(listenerPtr->handlePtr, NULL);
    DropAll(listenerPtr, ACCEPT_WAITING);
    DropAll(listenerPtr, ACCEPT_QUEUED);
    Finish(listenerPtr);
}

void
CpListenerMove(CpListener *listenerPtr, CpPort *portPtr)
{
    unsigned state;

    listenerPtr->portPtr = portPtr;
    CpHandleMove(listenerPtr->handlePtr, portPtr);
    for (state = ACCEPT_WAITING; state < ACCEPT_STATE_COUNT; state++) {
        const CpList *listPtr = &listenerPtr->lists[state].accepts;
        const CpListNode *nodePtr;

        for (nodePtr = CpListFirst(listPtr); nodePtr != NULL;
             nodePtr = CpListNext(listPtr, nodePtr)) {
            CpHandleMove(CP_OWNER_OF(nodePtr, Accept, node)->handlePtr,
                portPtr);
        }
    }
}

CpHandle *
CpListenerHandle(const CpListener *listenerPtr)
{
    return listenerPtr->handlePtr;
}

/* A smaller pool cancels its newest accepts. */

void
CpListenerSetBacklog(CpListener *listenerPtr, unsigned backlog)
{
    const AcceptList *pendingPtr = &listenerPtr->lists[ACCEPT_PENDING];
    const CpListNode *nodePtr = CpListLast(&pendingPtr->accepts);
    unsigned pending = pendingPtr->count;

    assert(backlog >= 1 && backlog <= CP_BACKLOG_MAX);
    listenerPtr->backlog = backlog;
    for (; pending > backlog; pending--) {
        CpCancel(listenerPtr->handlePtr,
            &CP_OWNER_OF(nodePtr, Accept, node)->accept.op);
        nodePtr = CpListPrev(&pendingPtr->accepts, nodePtr);
    }
    Refill(listenerPtr);
}

void
CpListenerSetMode(CpListener *listenerPtr, CpAcceptMode mode)
{
    listenerPtr->mode = mode;
}

void
CpListenerSetTimeout(CpListener *listenerPtr, uint32_t timeoutMs)
{
    listenerPtr->timeoutMs = timeoutMs;
}

void
CpListenerGetStats(const CpListener *listenerPtr, CpListenerStats *statsPtr)
{
    statsPtr->posted = listenerPtr->lists[ACCEPT_PENDING].count;
    statsPtr->queued = listenerPtr->lists[ACCEPT_QUEUED].count;
    statsPtr->waiting = listenerPtr->lists[ACCEPT_WAITING].count;
    statsPtr->accepted = listenerPtr->accepted;
    statsPtr->failed = listenerPtr->failed;
    statsPtr->timedOut = listenerPtr->timedOut;
}
