/*
 * iocpsockStats.c --
 *
 *      The counters of a channel, for its option -stats.
 */

#include "iocpsock.h"

#include <string.h>

static void
PutCounter(Tcl_Obj *dictPtr, const char *key, int64_t value)
{
    Tcl_DictObjPut(NULL, dictPtr, Tcl_NewStringObj(key, -1),
        Tcl_NewWideIntObj((Tcl_WideInt) value));
}

static void
PutListenerStats(Tcl_Obj *dictPtr, const IocpsockServer *serverPtr)
{
    CpListenerStats all;
    unsigned i;

    memset(&all, 0, sizeof(all));
    for (i = 0; i < serverPtr->listenerCount; i++) {
        CpListenerStats one;

        CpListenerGetStats(serverPtr->listeners[i], &one);
        all.posted += one.posted;
        all.queued += one.queued;
        all.waiting += one.waiting;
        all.accepted += one.accepted;
        all.failed += one.failed;
        all.timedOut += one.timedOut;
    }
    PutCounter(dictPtr, "acceptsPosted", all.posted);
    PutCounter(dictPtr, "acceptsQueued", all.queued);
    PutCounter(dictPtr, "waiting", all.waiting);
    PutCounter(dictPtr, "accepted", (int64_t) all.accepted);
    PutCounter(dictPtr, "acceptsFailed", (int64_t) all.failed);
    PutCounter(dictPtr, "timedOut", (int64_t) all.timedOut);
}

static void
PutConnStats(Tcl_Obj *dictPtr, const CpConn *connPtr)
{
    static const char *const states[] = {
        [CP_CONN_DIALLING] = "connecting",
        [CP_CONN_OPEN] = "open",
        [CP_CONN_FAILED] = "failed",
        [CP_CONN_CLOSING] = "closing",
    };
    CpConnStats stats;

    CpConnGetStats(connPtr, &stats);
    Tcl_DictObjPut(NULL, dictPtr, Tcl_NewStringObj("state", -1),
        Tcl_NewStringObj(states[CpConnGetState(connPtr)], -1));
    Tcl_DictObjPut(NULL, dictPtr, Tcl_NewStringObj("recvMode", -1),
        Tcl_NewStringObj(iocpsockRecvModes[CpConnRecvMode(connPtr)], -1));
    PutCounter(dictPtr, "bytesIn", (int64_t) stats.bytesIn);
    PutCounter(dictPtr, "bytesOut", (int64_t) stats.bytesOut);
    PutCounter(dictPtr, "recvPending", stats.recvPending);
    PutCounter(dictPtr, "sendPending", stats.sendPending);
    PutCounter(dictPtr, "recvBuffered", (int64_t) stats.recvBuffered);
    PutCounter(dictPtr, "sendBuffered", (int64_t) stats.sendBuffered);
}

Tcl_Obj *
IocpsockChanStats(const IocpsockChan *chanPtr)
{
    Tcl_Obj *dictPtr = Tcl_NewDictObj();

    if (chanPtr->serverPtr != NULL) {
        PutListenerStats(dictPtr, chanPtr->serverPtr);
    } else {
        PutConnStats(dictPtr, chanPtr->connPtr);
        PutCounter(dictPtr, "events", (int64_t) chanPtr->events);
    }
    return dictPtr;
}
