/*
 * cpListener.h --
 *
 *      A listening socket with its pool of outstanding accepts. Only the thread
 *      that owns the listener may call these functions.
 *
 *      The pool has backlog accepts outstanding, minus the connections that
 *      wait to be taken, so that a slow user leaves clients in the system's own
 *      queue. Each accept that completes, successfully or not, is replaced.
 *
 *      CP_ACCEPT_DATA: a connection is offered when its first bytes have come.
 *      Until then it waits beside the pool, so a silent peer occupies no
 *      accept. The watchdog closes it when timeoutMs is over.
 */

#ifndef CP_LISTENER_H
#define CP_LISTENER_H

#include "cpPort.h"

typedef struct CpListener CpListener;

typedef enum CpAcceptMode {
    CP_ACCEPT_CONNECT, /* Offered when connected. */
    CP_ACCEPT_DATA     /* Offered when the first bytes are there. */
} CpAcceptMode;

#define CP_BACKLOG_DEFAULT 64
#define CP_BACKLOG_MAX 1024
#define CP_ACCEPT_TIMEOUT_DEFAULT_MS 120000
#define CP_ACCEPT_RETRY_MS 100 /* After a failed submit. */

typedef struct CpListenerStats {
    unsigned posted;  /* Accepts outstanding. */
    unsigned queued;  /* Connections that can be taken. */
    unsigned waiting; /* Connections without a first byte. */
    uint64_t accepted;
    uint64_t failed;
    uint64_t timedOut;
} CpListenerStats;

/* Called when a connection can be taken. It must neither close nor reap. */
typedef void CpListenerProc(void *clientData);

/*
 * CpListenerNew --
 *
 *      Listens on a bound handle, and owns the handle from then on.
 *
 * Results:
 *      CP_OK and *listenerPtrPtr; or an error, and the handle stays the
 *      caller's.
 */

CpError CpListenerNew(CpPort *portPtr, CpHandle *handlePtr, int systemBacklog,
    CpListenerProc *proc, void *clientData, CpListener **listenerPtrPtr);

/*
 * CpListenerTake --
 *
 *      Takes the connection that has waited longest.
 *
 * Results:
 *      Its handle, which is the caller's from now on, and *peerPtr; NULL if
 *      there is none.
 */

CpHandle *CpListenerTake(CpListener *listenerPtr, CpAddr *peerPtr);

/* How many connections can be taken. */
unsigned CpListenerReady(const CpListener *listenerPtr);

/*
 * CpListenerTick --
 *
 *      Runs the watchdog, and replaces accepts that could not be submitted
 *      before, when it is time.
 *
 * Results:
 *      Milliseconds until the next call is due; -1: never.
 */

int64_t CpListenerTick(CpListener *listenerPtr, uint64_t nowMs);

/*
 * CpListenerClose --
 *
 *      Stops listening, and closes connections that were not taken. closedProc
 *      is called at the end, perhaps before this returns.
 */

void CpListenerClose(CpListener *listenerPtr, CpListenerProc *closedProc,
    void *clientData);

/* As CpHandleMove. */
void CpListenerMove(CpListener *listenerPtr, CpPort *portPtr);

CpHandle *CpListenerHandle(const CpListener *listenerPtr);
void CpListenerSetBacklog(CpListener *listenerPtr, unsigned backlog);
void CpListenerSetMode(CpListener *listenerPtr, CpAcceptMode mode);
void CpListenerSetTimeout(CpListener *listenerPtr, uint32_t timeoutMs);
void CpListenerGetStats(const CpListener *listenerPtr,
    CpListenerStats *statsPtr);

#endif /* CP_LISTENER_H */
