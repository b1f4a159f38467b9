/*
 * iocpsockUdpStats.c --
 *
 *      Counters of a datagram channel.
 */

#include "iocpsockUdp.h"

static void
PutCounter(Tcl_Obj *dictPtr, const char *key, uint64_t value)
{
    Tcl_DictObjPut(NULL, dictPtr, Tcl_NewStringObj(key, -1),
        Tcl_NewWideIntObj((Tcl_WideInt) value));
}

Tcl_Obj *
IocpsockUdpStats(const IocpsockUdp *dataPtr)
{
    Tcl_Obj *dictPtr = Tcl_NewDictObj();
    CpUdpStats stats;

    CpUdpGetStats(dataPtr->udpPtr, &stats);
    PutCounter(dictPtr, "datagramsIn", stats.datagramsIn);
    PutCounter(dictPtr, "datagramsOut", stats.datagramsOut);
    PutCounter(dictPtr, "bytesIn", stats.bytesIn);
    PutCounter(dictPtr, "bytesOut", stats.bytesOut);
    PutCounter(dictPtr, "dropped", stats.dropped);
    PutCounter(dictPtr, "truncated", stats.truncated);
    PutCounter(dictPtr, "errors", stats.errors);
    PutCounter(dictPtr, "queued", stats.queued);
    PutCounter(dictPtr, "queuedBytes", stats.queuedBytes);
    PutCounter(dictPtr, "recvPending", stats.recvPending);
    PutCounter(dictPtr, "sendPending", stats.sendPending);
    PutCounter(dictPtr, "lookups", stats.lookups);
    PutCounter(dictPtr, "events", dataPtr->chanPtr->events);
    return dictPtr;
}
