/*
 * iocpsockStatsCmd.c --
 *
 *      The command iocpsock::stats: the counters of the process.
 */

#include "iocpsockPackage.h"

int
IocpsockNoArgs(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[])
{
    if (objc != 1) {
        Tcl_WrongNumArgs(interp, 1, objv, NULL);
        return TCL_ERROR;
    }
    return TCL_OK;
}

int
IocpsockStatsObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    static const char *const keys[CP_STAT_COUNT] = {
        [CP_STAT_SOCKETS] = "sockets",
        [CP_STAT_OPERATIONS] = "operations",
        [CP_STAT_BYTES_IN] = "bytesIn",
        [CP_STAT_BYTES_OUT] = "bytesOut",
        [CP_STAT_LISTENERS] = "listeners",
        [CP_STAT_ACCEPTS_PENDING] = "acceptsPosted",
        [CP_STAT_ACCEPTED] = "accepted",
        [CP_STAT_ACCEPTS_FAILED] = "acceptsFailed",
        [CP_STAT_ACCEPTS_TIMED_OUT] = "acceptsTimedOut",
        [CP_STAT_BUFFER_BYTES] = "bufferBytes",
        [CP_STAT_HANDLES] = "handles",
        [CP_STAT_CONNECTIONS] = "connections",
        [CP_STAT_CLOSING] = "closing",
        [CP_STAT_MEMORY_BYTES] = "memoryBytes",
        [CP_STAT_UDP] = "udpChannels",
        [CP_STAT_DATAGRAMS_IN] = "datagramsIn",
        [CP_STAT_DATAGRAMS_OUT] = "datagramsOut",
        [CP_STAT_DATAGRAMS_DROPPED] = "datagramsDropped",
        [CP_STAT_WAKE_UPS] = "wakeUps",
        [CP_STAT_HAND_OVERS] = "handOvers",
    };
    Tcl_Obj *dictPtr;
    int stat;

    (void) clientData;
    if (IocpsockNoArgs(interp, objc, objv) != TCL_OK) {
        return TCL_ERROR;
    }
    dictPtr = Tcl_NewDictObj();
    for (stat = 0; stat < CP_STAT_COUNT; stat++) {
        Tcl_DictObjPut(NULL, dictPtr, Tcl_NewStringObj(keys[stat], -1),
            Tcl_NewWideIntObj((Tcl_WideInt) CpStatGet((CpStat) stat)));
    }
    Tcl_SetObjResult(interp, dictPtr);
    return TCL_OK;
}
