/*
 * testApi.c --
 *
 *      The command testapi calls Tcl's functions for sockets in C, as
 *      extensions do, without an interpreter:
 *
 *          testapi client HOST PORT ?ASYNC? ?MYADDR MYPORT?
 *          testapi server HOST PORT ?SERVICE FLAGS BACKLOG?
 *          testapi adopt KIND HOST PORT
 *          testapi hostname
 *          testapi atexit process|thread HOST PORT
 *          testapi exitprocess STATUS
 *
 *      An empty HOST is NULL. A client or server that cannot be opened is an
 *      error, POSIX and the name of errno. A server's accept function gives
 *      each connection to the interpreter of the command, and appends its name,
 *      the address and the port to the global variable testapi. With SERVICE it
 *      is opened by Tcl_OpenTcpServerEx (Tcl 9).
 *
 *      "adopt" makes a channel of a connected socket of Winsock. KIND is
 *      overlapped; plain, without overlapped I/O; or bound, to a completion
 *      port.
 *
 *      "atexit" makes an exit handler, which connects and sends a line.
 *      "exitprocess" ends the process as a program without Tcl does.
 *
 *      As a part of the native shell (TEST_API_DRIVER) it calls the functions
 *      that these are made of in Tcl's core.
 */

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#include <windows.h>
#endif
#include <stdio.h>
#include <string.h>

#include "testApi.h"

#ifdef TEST_API_DRIVER
#include "iocpsock.h"
#endif

/* What a server's accept function has. */

typedef struct Accepting {
    Tcl_Interp *interp;
} Accepting;

/* Adds the connection to the list in the global variable testapi. */

static void
Accepted(void *clientData, Tcl_Channel channel, char *host, int port)
{
    Accepting *acceptingPtr = clientData;
    Tcl_Interp *interp = acceptingPtr->interp;
    int flags = TCL_GLOBAL_ONLY | TCL_APPEND_VALUE | TCL_LIST_ELEMENT;
    char number[32];

    Tcl_RegisterChannel(interp, channel);
    Tcl_SetVar2(interp, "testapi", NULL, Tcl_GetChannelName(channel), flags);
    Tcl_SetVar2(interp, "testapi", NULL, host, flags);
    snprintf(number, sizeof(number), "%d", port);
    Tcl_SetVar2(interp, "testapi", NULL, number, flags);
}

static void
ServerCloses(void *clientData)
{
    Tcl_Free(clientData);
}

static Tcl_Channel
OpenClient(const char *host, int port, int async, const char *myAddr,
    int myPort)
{
#ifdef TEST_API_DRIVER
    return IocpsockOpenTcpClient(NULL, port, host, myAddr, myPort, async);
#else
    return Tcl_OpenTcpClient(NULL, port, host, myAddr, myPort, async);
#endif
}

static Tcl_Channel
OpenServer(const char *host, int port, Accepting *acceptingPtr)
{
#if defined(TEST_API_DRIVER)
    IocpsockAccept accept = {NULL, NULL, NULL, NULL};

    accept.proc = Accepted;
    accept.clientData = acceptingPtr;
    return IocpsockOpenTcpServer(NULL, port, host, 0, -1, &accept);
#else
    return Tcl_OpenTcpServer(NULL, port, host, Accepted, acceptingPtr);
#endif
}

/* Registers the channel and returns its name, or errno. */

static int
ChannelResult(Tcl_Interp *interp, Tcl_Channel channel)
{
    if (channel == NULL) {
        Tcl_SetObjResult(interp, Tcl_ObjPrintf("POSIX %s", Tcl_ErrnoId()));
        return TCL_ERROR;
    }
    Tcl_RegisterChannel(interp, channel);
    Tcl_SetObjResult(interp, Tcl_NewStringObj(Tcl_GetChannelName(channel), -1));
    return TCL_OK;
}

/* An argument that may be absent or empty. */

static const char *
Optional(int objc, Tcl_Obj *const objv[], int index)
{
    const char *value = index < objc ? Tcl_GetString(objv[index]) : "";

    return value[0] != '\0' ? value : NULL;
}

static int
OptionalInt(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[], int index,
    int *valuePtr)
{
    *valuePtr = 0;
    return index < objc ? Tcl_GetIntFromObj(interp, objv[index], valuePtr)
                        : TCL_OK;
}

static int
Client(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[])
{
    int port, async, myPort;

    if (OptionalInt(interp, objc, objv, 3, &port) != TCL_OK
        || OptionalInt(interp, objc, objv, 4, &async) != TCL_OK
        || OptionalInt(interp, objc, objv, 6, &myPort) != TCL_OK) {
        return TCL_ERROR;
    }
    return ChannelResult(interp,
        OpenClient(Optional(objc, objv, 2), port, async,
            Optional(objc, objv, 5), myPort));
}

static Tcl_Channel
OpenServerEx(const char *host, const char *service, int flags, int backlog,
    Accepting *acceptingPtr)
{
#if TCL_MAJOR_VERSION >= 9 && !defined(TEST_API_DRIVER)
    return Tcl_OpenTcpServerEx(NULL, service, host, (unsigned) flags, backlog,
        Accepted, acceptingPtr);
#else
    (void) service;
    (void) flags;
    (void) backlog;
    return OpenServer(host, 0, acceptingPtr);
#endif
}

static int
Server(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[])
{
    const char *host = Optional(objc, objv, 2);
    const char *service = Optional(objc, objv, 4);
    Accepting *acceptingPtr;
    Tcl_Channel channel;
    int port, flags, backlog;

    if (OptionalInt(interp, objc, objv, 3, &port) != TCL_OK
        || OptionalInt(interp, objc, objv, 5, &flags) != TCL_OK
        || OptionalInt(interp, objc, objv, 6, &backlog) != TCL_OK) {
        return TCL_ERROR;
    }
    acceptingPtr = (Accepting *) Tcl_Alloc(sizeof(Accepting));
    acceptingPtr->interp = interp;
    channel = service != NULL
        ? OpenServerEx(host, service, flags, backlog, acceptingPtr)
        : OpenServer(host, port, acceptingPtr);
    if (channel == NULL) {
        Tcl_Free((void *) acceptingPtr);
    } else {
        Tcl_CreateCloseHandler(channel, ServerCloses, acceptingPtr);
    }
    return ChannelResult(interp, channel);
}

typedef struct LateClient {
    char host[64];
    int port;
} LateClient;

static void
AtExit(void *clientData)
{
    LateClient *latePtr = (LateClient *) clientData;
    Tcl_Channel channel = OpenClient(latePtr->host, latePtr->port, 0, NULL, 0);

    if (channel != NULL) {
        Tcl_WriteChars(channel, "a line from an exit handler\n", -1);
        Tcl_Close(NULL, channel);
    }
    Tcl_Free((void *) latePtr);
}

static int
MakeExitHandler(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[])
{
    static const char *const kinds[] = {"process", "thread", NULL};
    LateClient *latePtr;
    int kind, port;

    if (objc != 5) {
        Tcl_WrongNumArgs(interp, 2, objv, "process|thread host port");
        return TCL_ERROR;
    }
    if (Tcl_GetIndexFromObj(interp, objv[2], kinds, "kind", 0, &kind) != TCL_OK
        || Tcl_GetIntFromObj(interp, objv[4], &port) != TCL_OK) {
        return TCL_ERROR;
    }
    latePtr = (LateClient *) Tcl_Alloc(sizeof(LateClient));
    snprintf(latePtr->host, sizeof(latePtr->host), "%s",
        Tcl_GetString(objv[3]));
    latePtr->port = port;
    if (kind == 0) {
        Tcl_CreateExitHandler(AtExit, latePtr);
    } else {
        Tcl_CreateThreadExitHandler(AtExit, latePtr);
    }
    return TCL_OK;
}

#ifdef _WIN32

/* A socket of this kind; a bound one belongs to a port that nobody waits on. */

static SOCKET
OpenSocket(int kind)
{
    static HANDLE iocp = NULL;
    SOCKET sock = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
        kind == 1 ? 0 : WSA_FLAG_OVERLAPPED);

    if (sock != INVALID_SOCKET && kind == 2) {
        iocp = CreateIoCompletionPort((HANDLE) sock, iocp, 0, 1);
    }
    return sock;
}

static int
Adopt(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[])
{
    static const char *const kinds[] = {"overlapped", "plain", "bound", NULL};
    struct sockaddr_in addr;
    Tcl_Channel channel;
    SOCKET sock;
    int kind, port;

    if (objc != 5) {
        Tcl_WrongNumArgs(interp, 2, objv, "kind host port");
        return TCL_ERROR;
    }
    if (Tcl_GetIndexFromObj(interp, objv[2], kinds, "kind", 0, &kind) != TCL_OK
        || Tcl_GetIntFromObj(interp, objv[4], &port) != TCL_OK) {
        return TCL_ERROR;
    }
    memset(&addr, 0, sizeof(addr));
    addr.sin_family = AF_INET;
    addr.sin_port = htons((u_short) port);
    addr.sin_addr.s_addr = inet_addr(Tcl_GetString(objv[3]));
    sock = OpenSocket(kind);
    if (connect(sock, (struct sockaddr *) &addr, sizeof(addr)) != 0) {
        closesocket(sock);
        Tcl_SetObjResult(interp, Tcl_NewStringObj("can't connect", -1));
        return TCL_ERROR;
    }
    channel = Tcl_MakeTcpClientChannel((void *) sock);
    if (channel == NULL) {
        closesocket(sock);
    }
    return ChannelResult(interp, channel);
}

static int
EndProcess(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[])
{
    int status;

    if (OptionalInt(interp, objc, objv, 2, &status) != TCL_OK) {
        return TCL_ERROR;
    }
    ExitProcess((UINT) status);
}

#else

static int
Adopt(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[])
{
    (void) objc;
    (void) objv;
    Tcl_SetObjResult(interp, Tcl_NewStringObj("only on Windows", -1));
    return TCL_ERROR;
}

static int
EndProcess(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[])
{
    return Adopt(interp, objc, objv);
}

#endif

static int
TestApiObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    static const char *const names[] = {"adopt", "atexit", "client",
        "exitprocess", "hostname", "server", NULL};
    enum { ADOPT, ATEXIT, CLIENT, EXITPROCESS, HOSTNAME, SERVER };
    int index;

    (void) clientData;
    if (objc < 2) {
        Tcl_WrongNumArgs(interp, 1, objv, "what ?arg ...?");
        return TCL_ERROR;
    }
    if (Tcl_GetIndexFromObj(interp, objv[1], names, "subcommand", 0, &index)
        != TCL_OK) {
        return TCL_ERROR;
    }
    switch (index) {
    case ADOPT:
        return Adopt(interp, objc, objv);
    case ATEXIT:
        return MakeExitHandler(interp, objc, objv);
    case EXITPROCESS:
        return EndProcess(interp, objc, objv);
    case CLIENT:
        return Client(interp, objc, objv);
    case SERVER:
        return Server(interp, objc, objv);
    default:
        Tcl_SetObjResult(interp, Tcl_NewStringObj(Tcl_GetHostName(), -1));
        return TCL_OK;
    }
}

int
TestApiCreateCommand(Tcl_Interp *interp)
{
    Tcl_CreateObjCommand(interp, "testapi", TestApiObjCmd, NULL, NULL);
    return TCL_OK;
}
