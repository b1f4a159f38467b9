/*
 * worldRaw.c --
 *
 *      The commands of tests/testRaw.c in the simulated world. A raw socket is
 *      one of the simulator's peers; calls that block let time pass.
 */

#include "world.h"

#include "cpSimInt.h"
#include "testApi.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RECV_LIMIT 65536
#define LIMIT_US 30000000 /* No call of a peer lasts longer. */
#define STEP_US 1000
#define PEERS_MAX 1024

/* The watchdog's time passes outside, where sanitizers and a busy machine make
 * everything slow. */
#define WATCHDOG_FACTOR 10

static int
RawError(Tcl_Interp *interp, const char *text)
{
    Tcl_SetObjResult(interp, Tcl_NewStringObj(text, -1));
    return TCL_ERROR;
}

/* The peers that are open, by the numbers that scripts have. */

static CpSimPeer *peers[PEERS_MAX];

static Tcl_WideInt
NewId(CpSimPeer *peerPtr)
{
    Tcl_WideInt id = 1;

    while (id < PEERS_MAX && peers[id] != NULL) {
        id++;
    }
    if (id < PEERS_MAX) {
        peers[id] = peerPtr;
        return id;
    }
    Tcl_Panic("more than %d raw sockets are open", PEERS_MAX);
    return 0;
}

static int
SetPeer(Tcl_Interp *interp, CpSimPeer *peerPtr)
{
    if (peerPtr == NULL) {
        return RawError(interp, "the connection is refused");
    }
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj(NewId(peerPtr)));
    return TCL_OK;
}

/* The calling thread waits in the world, as it blocks in a call. */

static int
Block(uint64_t *waitedUsPtr)
{
    unsigned times = WorldLeaveAll();

    WorldSleep(STEP_US);
    WorldEnterAgain(times);
    *waitedUsPtr += STEP_US;
    return *waitedUsPtr < LIMIT_US;
}

static int
RawListen(Tcl_Interp *interp, int backlog)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    CpSimPeer *peerPtr = CpSimPeerListen(&addr, backlog);
    Tcl_Obj *pair[2];

    pair[0] = Tcl_NewWideIntObj(NewId(peerPtr));
    pair[1] = Tcl_NewWideIntObj((Tcl_WideInt) CpAddrPort(&addr));
    Tcl_SetObjResult(interp, Tcl_NewListObj(2, pair));
    return TCL_OK;
}

static int
RawAccept(Tcl_Interp *interp, CpSimPeer *listenerPtr)
{
    CpSimPeer *peerPtr = CpSimPeerAccept(listenerPtr);
    uint64_t waitedUs = 0;

    while (peerPtr == NULL && Block(&waitedUs)) {
        peerPtr = CpSimPeerAccept(listenerPtr);
    }
    return SetPeer(interp, peerPtr);
}

static int
RawSend(Tcl_Interp *interp, CpSimPeer *peerPtr, Tcl_Obj *bytesObj, int urgent)
{
    Tcl_Size length;
    const unsigned char *bytes = Tcl_GetByteArrayFromObj(bytesObj, &length);
    size_t left = (size_t) length - (urgent && length > 0);
    uint64_t waitedUs = 0;

    while (left > 0) {
        size_t sent = CpSimPeerSend(peerPtr, bytes, left);

        bytes += sent;
        left -= sent;
        if (CpSimPeerIsReset(peerPtr) || peerPtr->handle.endPtr->finSent) {
            return RawError(interp, "send: the connection is gone");
        }
        if (left > 0 && !Block(&waitedUs)) {
            return RawError(interp, "send: the peer takes nothing");
        }
    }
    if (urgent) {
        CpSimPeerUrgent(peerPtr);
    }
    return TCL_OK;
}

static int
RawRecv(Tcl_Interp *interp, CpSimPeer *peerPtr, int limit)
{
    static Tcl_ThreadDataKey key;
    unsigned char *buffer = Tcl_GetThreadData(&key, RECV_LIMIT);
    uint64_t waitedUs = 0;
    size_t count;

    if (limit > RECV_LIMIT) {
        limit = RECV_LIMIT;
    }
    count = CpSimPeerRecv(peerPtr, buffer, (size_t) limit);
    while (count == 0 && !CpSimPeerEof(peerPtr)) {
        if (CpSimPeerIsReset(peerPtr)) {
            return RawError(interp, "recv: reset by the peer");
        }
        if (!Block(&waitedUs)) {
            return RawError(interp, "recv: nothing comes");
        }
        count = CpSimPeerRecv(peerPtr, buffer, (size_t) limit);
    }
    Tcl_SetObjResult(interp, Tcl_NewByteArrayObj(buffer, (Tcl_Size) count));
    return TCL_OK;
}

static int
RawReady(Tcl_Interp *interp, const SimEnd *endPtr)
{
    Tcl_Obj *listObj = Tcl_NewListObj(0, NULL);
    int gone = endPtr->isReset;

    if (gone || SimArrived(endPtr) > 0 || SimAtEof(endPtr)) {
        Tcl_ListObjAppendElement(NULL, listObj, Tcl_NewStringObj("read", -1));
    }
    if (gone || endPtr->otherPtr->count < endPtr->linkPtr->window) {
        Tcl_ListObjAppendElement(NULL, listObj, Tcl_NewStringObj("write", -1));
    }
    Tcl_SetObjResult(interp, listObj);
    return TCL_OK;
}

/* Of a channel's own socket. No child gets one here. */

static int
RawFlags(Tcl_Interp *interp, CpHandle *handlePtr)
{
    Tcl_Obj *listObj = Tcl_NewListObj(0, NULL);
    int exclusive;

    (void) CpHandleGetOpt(handlePtr, CP_OPT_EXCLUSIVE, &exclusive);
    if (exclusive) {
        Tcl_ListObjAppendElement(NULL, listObj,
            Tcl_NewStringObj("exclusive", -1));
    }
    Tcl_SetObjResult(interp, listObj);
    return TCL_OK;
}

typedef enum RawOp {
    RAW_LISTEN,
    RAW_CONNECT,
    RAW_ACCEPT,
    RAW_SEND,
    RAW_RECV,
    RAW_SHUTDOWN,
    RAW_RESET,
    RAW_CLOSE,
    RAW_READY,
    RAW_NODELAY,
    RAW_FLAGS,
    RAW_URGENT
} RawOp;

/* The number is a peer's. */

static int
PeerDo(Tcl_Interp *interp, RawOp op, Tcl_WideInt number, Tcl_Obj *valueObj)
{
    CpSimPeer *peerPtr;
    int count;

    if (number < 1 || number >= PEERS_MAX || peers[number] == NULL) {
        return RawError(interp, "no such socket");
    }
    peerPtr = peers[number];
    switch (op) {
    case RAW_ACCEPT:
        return RawAccept(interp, peerPtr);
    case RAW_SEND:
    case RAW_URGENT:
        return RawSend(interp, peerPtr, valueObj, op == RAW_URGENT);
    case RAW_RECV:
        return Tcl_GetIntFromObj(interp, valueObj, &count) == TCL_OK
            ? RawRecv(interp, peerPtr, count)
            : TCL_ERROR;
    case RAW_SHUTDOWN:
        CpSimPeerShutdown(peerPtr);
        return TCL_OK;
    case RAW_RESET:
    case RAW_CLOSE:
        peers[number] = NULL;
        (op == RAW_RESET ? CpSimPeerReset : CpSimPeerClose)(peerPtr);
        return TCL_OK;
    case RAW_READY:
        return RawReady(interp, peerPtr->handle.endPtr);
    case RAW_NODELAY:
    case RAW_LISTEN:
    case RAW_CONNECT:
    case RAW_FLAGS:
        return TCL_OK;
    }
    return TCL_ERROR;
}

/* The number is a port, a backlog, a channel's handle or a peer's. */

static int
RawDo(Tcl_Interp *interp, RawOp op, Tcl_WideInt number, Tcl_Obj *valueObj)
{
    CpHandle *handlePtr;
    CpAddr addr;

    switch (op) {
    case RAW_LISTEN:
        return RawListen(interp, (int) number);
    case RAW_CONNECT:
        addr = CpSimAddr4(CP_SIM_LOCALHOST, (unsigned) number);
        return SetPeer(interp, CpSimPeerConnect(&addr));
    case RAW_FLAGS:
        return RawFlags(interp, (CpHandle *) (intptr_t) number);
    case RAW_READY:
        if (number >= PEERS_MAX) {
            handlePtr = (CpHandle *) (intptr_t) number;
            return RawReady(interp, handlePtr->endPtr);
        }
        return PeerDo(interp, op, number, valueObj);
    default:
        return PeerDo(interp, op, number, valueObj);
    }
}

static int
TestRawObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    static const char *const names[] = {"listen", "connect", "accept", "send",
        "recv", "shutdown", "reset", "close", "ready", "nodelay", "flags",
        "urgent", NULL};
    Tcl_WideInt number = 200;
    int index, wanted, result;

    (void) clientData;
    if (objc < 2) {
        Tcl_WrongNumArgs(interp, 1, objv, "subcommand ?id? ?value?");
        return TCL_ERROR;
    }
    if (Tcl_GetIndexFromObj(interp, objv[1], names, "subcommand", TCL_EXACT,
            &index)
        != TCL_OK) {
        return TCL_ERROR;
    }
    wanted = index == RAW_SEND || index == RAW_RECV || index == RAW_URGENT ? 4
                                                                           : 3;
    if (objc != wanted && !(index == RAW_LISTEN && objc == 2)) {
        Tcl_WrongNumArgs(interp, 2, objv, "?id? ?value?");
        return TCL_ERROR;
    }
    if (objc > 2 && Tcl_GetWideIntFromObj(interp, objv[2], &number) != TCL_OK) {
        return TCL_ERROR;
    }
    WorldEnter();
    result = RawDo(interp, (RawOp) index, number, objc > 3 ? objv[3] : NULL);
    WorldLeave();
    return result;
}

static int
TestChannelObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    const Tcl_ChannelType *typePtr;
    Tcl_Channel chan;
    void *handle;
    CpAddr addr;
    Tcl_Obj *parts[4];

    (void) clientData;
    if (objc != 2) {
        Tcl_WrongNumArgs(interp, 1, objv, "channel");
        return TCL_ERROR;
    }
    chan = Tcl_GetChannel(interp, Tcl_GetString(objv[1]), NULL);
    if (chan == NULL) {
        return TCL_ERROR;
    }
    if (Tcl_GetChannelHandle(chan, TCL_READABLE, &handle) != TCL_OK
        || CpHandleLocal(handle, &addr) != CP_OK) {
        return RawError(interp, "the channel has no socket");
    }
    typePtr = Tcl_GetChannelType(chan);
    parts[0] = Tcl_NewStringObj(Tcl_ChannelName(typePtr), -1);
    parts[1] = Tcl_NewWideIntObj(
        (Tcl_WideInt) (intptr_t) Tcl_ChannelVersion(typePtr));
    parts[2] = Tcl_NewWideIntObj((Tcl_WideInt) CpAddrPort(&addr));
    parts[3] = Tcl_NewWideIntObj((Tcl_WideInt) (intptr_t) handle);
    Tcl_SetObjResult(interp, Tcl_NewListObj(4, parts));
    return TCL_OK;
}

static int
TestWatchdogObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    int ms;

    (void) clientData;
    if (objc != 3) {
        Tcl_WrongNumArgs(interp, 1, objv, "milliseconds text");
        return TCL_ERROR;
    }
    if (Tcl_GetIntFromObj(interp, objv[1], &ms) != TCL_OK) {
        return TCL_ERROR;
    }
    /* Its signal ends the process; the test was named when it began. */
    alarm((unsigned) ms / 1000 * WATCHDOG_FACTOR);
    return TCL_OK;
}

/* testworld: virtual microseconds since the world began. That there is such a
 * command tells the suites where they are. */

static int
TestWorldObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    (void) clientData;
    (void) objc;
    (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj((Tcl_WideInt) WorldNowUs(0)));
    return TCL_OK;
}

void
TestWorldCreateCommand(Tcl_Interp *interp)
{
    Tcl_CreateObjCommand(interp, "testworld", TestWorldObjCmd, NULL, NULL);
}

void
TestRawCreateCommands(Tcl_Interp *interp)
{
    TestWorldCreateCommand(interp);
    Tcl_CreateObjCommand(interp, "testraw", TestRawObjCmd, NULL, NULL);
    Tcl_CreateObjCommand(interp, "testchantype", TestChannelObjCmd, NULL, NULL);
    Tcl_CreateObjCommand(interp, "testwatchdog", TestWatchdogObjCmd, NULL,
        NULL);
    TestApiCreateCommand(interp);
}

/* There are no message loops but Tcl's own. */

void
TestPumpCreateCommand(Tcl_Interp *interp)
{
    (void) interp;
}
