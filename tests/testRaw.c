/*
 * testRaw.c --
 *
 *	Peers for the test suites. They do what no Tcl channel can: reset a
 *	connection, keep a full backlog, leave a shutdown half done. All their
 *	calls block. The file also has the watchdog for tests that block the
 *	whole interpreter.
 *
 *	    testraw listen ?backlog?	a listener on 127.0.0.1: {id port}
 *	    testraw connect port	a connection: id
 *	    testraw accept id		the listener's next connection: id
 *	    testraw send id bytes
 *	    testraw recv id count	up to count bytes; none at the end
 *	    testraw shutdown id		ends the sending direction
 *	    testraw reset id		closes with a reset
 *	    testraw close id
 *	    testraw ready id		the calls that would not wait: a list of
 *					"read" and "write"
 *	    testraw nodelay id		turns Nagle's algorithm off
 *	    testraw steal port		a listener on a port in use: id
 *	    testraw flags id		a list of "inherit" and "exclusive"
 *	    testraw urgent id bytes	sends; the last byte is urgent
 *	    testchantype channel	{type version port id}: id is the socket
 *					that is the channel's handle
 *	    testwatchdog milliseconds text
 *	    testcrash			crashes: reads where there is no memory
 */

#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#include <windows.h>
#include <stdio.h>
#include <string.h>
#include "tcl.h"
#include "testRaw.h"

#ifndef TCL_SIZE_MAX
typedef int Tcl_Size;
#endif

#define RECV_LIMIT 65536

static int
RawError(Tcl_Interp *interp, const char *call)
{
    Tcl_SetObjResult(interp,
        Tcl_ObjPrintf("%s: Winsock error %d", call, WSAGetLastError()));
    return TCL_ERROR;
}

static int
SetId(Tcl_Interp *interp, SOCKET sock)
{
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj((Tcl_WideInt) sock));
    return TCL_OK;
}

static void
Loopback(struct sockaddr_in *addrPtr, int port)
{
    memset(addrPtr, 0, sizeof(*addrPtr));
    addrPtr->sin_family = AF_INET;
    addrPtr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    addrPtr->sin_port = htons((u_short) port);
}

/* Makes a listener, shared with others or not. The system chooses port 0. */

static int
ListenOn(Tcl_Interp *interp, int port, BOOL share, int backlog, SOCKET *sockPtr,
    struct sockaddr_in *addrPtr)
{
    SOCKET sock = socket(AF_INET, SOCK_STREAM, 0);
    int size = sizeof(*addrPtr);

    Loopback(addrPtr, port);
    if (sock == INVALID_SOCKET
        || (share
            && setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, (char *) &share,
                   sizeof(share))
                != 0)
        || bind(sock, (struct sockaddr *) addrPtr, size) != 0
        || listen(sock, backlog) != 0
        || getsockname(sock, (struct sockaddr *) addrPtr, &size) != 0) {
        RawError(interp, "listen");
        closesocket(sock);
        return TCL_ERROR;
    }
    *sockPtr = sock;
    return TCL_OK;
}

static int
RawListen(Tcl_Interp *interp, int backlog)
{
    SOCKET sock;
    struct sockaddr_in addr;
    Tcl_Obj *pair[2];

    if (ListenOn(interp, 0, FALSE, backlog, &sock, &addr) != TCL_OK) {
        return TCL_ERROR;
    }
    pair[0] = Tcl_NewWideIntObj((Tcl_WideInt) sock);
    pair[1] = Tcl_NewWideIntObj(ntohs(addr.sin_port));
    Tcl_SetObjResult(interp, Tcl_NewListObj(2, pair));
    return TCL_OK;
}

static int
RawConnect(Tcl_Interp *interp, int port)
{
    SOCKET sock = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in addr;

    Loopback(&addr, port);
    if (sock == INVALID_SOCKET
        || connect(sock, (struct sockaddr *) &addr, sizeof(addr)) != 0) {
        RawError(interp, "connect");
        closesocket(sock);
        return TCL_ERROR;
    }
    return SetId(interp, sock);
}

static int
RawAccept(Tcl_Interp *interp, SOCKET listener)
{
    SOCKET sock = accept(listener, NULL, NULL);

    if (sock == INVALID_SOCKET) {
        return RawError(interp, "accept");
    }
    return SetId(interp, sock);
}

static int
RawSend(Tcl_Interp *interp, SOCKET sock, Tcl_Obj *bytesObj, int flags)
{
    Tcl_Size length;
    const char *bytes = (char *) Tcl_GetByteArrayFromObj(bytesObj, &length);
    Tcl_Size sent = 0;

    while (sent < length) {
        int count = send(sock, bytes + sent, (int) (length - sent), flags);

        if (count < 0) {
            return RawError(interp, "send");
        }
        sent += count;
    }
    return TCL_OK;
}

static int
RawRecv(Tcl_Interp *interp, SOCKET sock, int limit)
{
    static Tcl_ThreadDataKey key;
    unsigned char *buffer = Tcl_GetThreadData(&key, RECV_LIMIT);
    int count;

    if (limit > RECV_LIMIT) {
        limit = RECV_LIMIT;
    }
    count = recv(sock, (char *) buffer, limit, 0);
    if (count < 0) {
        return RawError(interp, "recv");
    }
    Tcl_SetObjResult(interp, Tcl_NewByteArrayObj(buffer, count));
    return TCL_OK;
}

static int
RawReset(Tcl_Interp *interp, SOCKET sock)
{
    struct linger linger = {1, 0};

    if (setsockopt(sock, SOL_SOCKET, SO_LINGER, (char *) &linger,
            sizeof(linger))
        != 0) {
        return RawError(interp, "setsockopt");
    }
    return closesocket(sock) == 0 ? TCL_OK : RawError(interp, "closesocket");
}

/* An error makes both ready, in select as in scripts. */

static int
RawReady(Tcl_Interp *interp, SOCKET sock)
{
    struct timeval now = {0, 0};
    Tcl_Obj *listObj;
    fd_set readSet;
    fd_set writeSet;

    FD_ZERO(&readSet);
    FD_ZERO(&writeSet);
    FD_SET(sock, &readSet);
    FD_SET(sock, &writeSet);
    if (select(0, &readSet, &writeSet, NULL, &now) < 0) {
        return RawError(interp, "select");
    }
    listObj = Tcl_NewListObj(0, NULL);
    if (FD_ISSET(sock, &readSet)) {
        Tcl_ListObjAppendElement(NULL, listObj, Tcl_NewStringObj("read", -1));
    }
    if (FD_ISSET(sock, &writeSet)) {
        Tcl_ListObjAppendElement(NULL, listObj, Tcl_NewStringObj("write", -1));
    }
    Tcl_SetObjResult(interp, listObj);
    return TCL_OK;
}

static int
RawNoDelay(Tcl_Interp *interp, SOCKET sock)
{
    BOOL on = TRUE;

    if (setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, (char *) &on, sizeof(on))
        != 0) {
        return RawError(interp, "setsockopt");
    }
    return TCL_OK;
}

/* Listens on a port that another socket may have, if the system allows it. */

static int
RawSteal(Tcl_Interp *interp, int port)
{
    SOCKET sock;
    struct sockaddr_in addr;

    return ListenOn(interp, port, TRUE, 1, &sock, &addr) == TCL_OK
        ? SetId(interp, sock)
        : TCL_ERROR;
}

/* Returns which of these the socket has: inherit, exclusive. */

static int
RawFlags(Tcl_Interp *interp, SOCKET sock)
{
    Tcl_Obj *listObj = Tcl_NewListObj(0, NULL);
    DWORD flags = 0;
    DWORD exclusive = 0;
    int size = sizeof(exclusive);

    if (!GetHandleInformation((HANDLE) sock, &flags)
        || getsockopt(sock, SOL_SOCKET, SO_EXCLUSIVEADDRUSE,
               (char *) &exclusive, &size)
            != 0) {
        Tcl_DecrRefCount(listObj);
        return RawError(interp, "flags");
    }
    if (flags & HANDLE_FLAG_INHERIT) {
        Tcl_ListObjAppendElement(NULL, listObj,
            Tcl_NewStringObj("inherit", -1));
    }
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
    RAW_STEAL,
    RAW_FLAGS,
    RAW_URGENT
} RawOp;

/*
 * The number is a port, a backlog or a socket. The value is the bytes of send
 * or the count of recv.
 */

static int
RawDo(Tcl_Interp *interp, RawOp op, Tcl_WideInt number, Tcl_Obj *valueObj)
{
    SOCKET sock = (SOCKET) number;
    int count;

    switch (op) {
    case RAW_LISTEN:
        return RawListen(interp, (int) number);
    case RAW_CONNECT:
        return RawConnect(interp, (int) number);
    case RAW_ACCEPT:
        return RawAccept(interp, sock);
    case RAW_SEND:
        return RawSend(interp, sock, valueObj, 0);
    case RAW_RECV:
        if (Tcl_GetIntFromObj(interp, valueObj, &count) != TCL_OK) {
            return TCL_ERROR;
        }
        return RawRecv(interp, sock, count);
    case RAW_SHUTDOWN:
        return shutdown(sock, SD_SEND) == 0 ? TCL_OK
                                            : RawError(interp, "shutdown");
    case RAW_RESET:
        return RawReset(interp, sock);
    case RAW_CLOSE:
        return closesocket(sock) == 0 ? TCL_OK
                                      : RawError(interp, "closesocket");
    case RAW_READY:
        return RawReady(interp, sock);
    case RAW_NODELAY:
        return RawNoDelay(interp, sock);
    case RAW_STEAL:
        return RawSteal(interp, (int) number);
    case RAW_FLAGS:
        return RawFlags(interp, sock);
    case RAW_URGENT:
        return RawSend(interp, sock, valueObj, MSG_OOB);
    }
    return TCL_ERROR;
}

static int
TestRawObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    static const char *const names[] = {"listen", "connect", "accept", "send",
        "recv", "shutdown", "reset", "close", "ready", "nodelay", "steal",
        "flags", "urgent", NULL};
    Tcl_WideInt number = SOMAXCONN;
    int index;
    int wanted;
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
    return RawDo(interp, (RawOp) index, number, objc > 3 ? objv[3] : NULL);
}

static int
TestCrashObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    static const int *volatile nowherePtr;

    (void) clientData;
    (void) objc;
    (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewIntObj(*nowherePtr));
    return TCL_OK;
}

static int
TestChannelObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    struct sockaddr_storage addr;
    int size = sizeof(addr);
    const Tcl_ChannelType *typePtr;
    Tcl_Channel chan;
    void *handle;
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
        || getsockname((SOCKET) handle, (struct sockaddr *) &addr, &size)
            != 0) {
        return RawError(interp, "getsockname");
    }
    typePtr = Tcl_GetChannelType(chan);
    parts[0] = Tcl_NewStringObj(Tcl_ChannelName(typePtr), -1);
    parts[1] = Tcl_NewWideIntObj(
        (Tcl_WideInt) (intptr_t) Tcl_ChannelVersion(typePtr));

    /* The port is at the same place in addresses of both families. */
    parts[2] = Tcl_NewWideIntObj(
        ntohs(((struct sockaddr_in *) &addr)->sin_port));
    parts[3] = Tcl_NewWideIntObj((Tcl_WideInt) (intptr_t) handle);
    Tcl_SetObjResult(interp, Tcl_NewListObj(4, parts));
    return TCL_OK;
}

/*
 * The watchdog: one timer for the process. Its thread, which no blocked call
 * can delay, names the test and ends the run.
 */

static HANDLE watchdogTimer;
static char watchdogText[200];

static VOID CALLBACK
WatchdogFires(PVOID context, BOOLEAN fired)
{
    DWORD written;
    (void) context;
    (void) fired;

    WriteFile(GetStdHandle(STD_ERROR_HANDLE), watchdogText,
        (DWORD) strlen(watchdogText), &written, NULL);
    TerminateProcess(GetCurrentProcess(), 1);
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
    if (watchdogTimer != NULL) {
        DeleteTimerQueueTimer(NULL, watchdogTimer, INVALID_HANDLE_VALUE);
        watchdogTimer = NULL;
    }
    if (ms > 0) {
        snprintf(watchdogText, sizeof(watchdogText), "%s",
            Tcl_GetString(objv[2]));
        CreateTimerQueueTimer(&watchdogTimer, NULL, WatchdogFires, NULL,
            (DWORD) ms, 0, WT_EXECUTEONLYONCE);
    }
    return TCL_OK;
}

/*
 * TestRawCreateCommands --
 *
 *	Creates testraw and testwatchdog in an interpreter, and starts Winsock
 *	for the life of the process.
 */

void
TestRawCreateCommands(Tcl_Interp *interp)
{
    WSADATA data;

    WSAStartup(MAKEWORD(2, 2), &data);
    Tcl_CreateObjCommand(interp, "testraw", TestRawObjCmd, NULL, NULL);
    Tcl_CreateObjCommand(interp, "testcrash", TestCrashObjCmd, NULL, NULL);
    Tcl_CreateObjCommand(interp, "testchantype", TestChannelObjCmd, NULL, NULL);
    Tcl_CreateObjCommand(interp, "testwatchdog", TestWatchdogObjCmd, NULL,
        NULL);
}
