/*
 * iocpsockCmd.c --
 *
 *      The socket command. Its syntax, messages and error codes are those of
 *      the Tcl that runs it.
 */

#include "iocpsockPackage.h"

#include <string.h>

#if TCL_MAJOR_VERSION < 9
static const char *const socketOptions[] = {"-async", "-myaddr", "-myport",
    "-server", NULL};
enum SocketOption { OPT_ASYNC, OPT_MYADDR, OPT_MYPORT, OPT_SERVER };
#define CLIENT_USAGE "?-myaddr addr? ?-myport myport? ?-async? host port"
#define SERVER_USAGE "-server command ?-myaddr addr? port"
#else
static const char *const socketOptions[] = {"-async", "-backlog", "-myaddr",
    "-myport", "-reuseaddr", "-reuseport", "-server", NULL};
enum SocketOption {
    OPT_ASYNC,
    OPT_BACKLOG,
    OPT_MYADDR,
    OPT_MYPORT,
    OPT_REUSEADDR,
    OPT_REUSEPORT,
    OPT_SERVER
};
#define CLIENT_USAGE "?-async? ?-myaddr addr? ?-myport myport? host port"
#define SERVER_USAGE \
    "-server command ?-backlog count? ?-myaddr addr? " \
    "?-reuseaddr boolean? ?-reuseport boolean? port"
#endif

/* A command line. */

typedef struct SocketArgs {
    int async;
    Tcl_Obj *scriptPtr; /* Not NULL for a server. */
    const char *myAddr;
    int myPort;
    int backlog; /* Of the system; -1 if not given. */
    int reuseAddr;
    int reusePort;
    const char *host;
    int port;
} SocketArgs;

static int
Failure(Tcl_Interp *interp, const char *message)
{
    Tcl_SetObjResult(interp, Tcl_NewStringObj(message, -1));
    return TCL_ERROR;
}

/* A number, or the name of a TCP service. */

static int
GetPort(Tcl_Interp *interp, Tcl_Obj *objPtr, int *portPtr)
{
    const char *string = Tcl_GetString(objPtr);

    if (Tcl_GetInt(NULL, string, portPtr) != TCL_OK) {
        *portPtr = CpServicePort(string);
        if (*portPtr >= 0) {
            return TCL_OK;
        }
    }
    if (Tcl_GetInt(interp, string, portPtr) != TCL_OK) {
        return TCL_ERROR;
    }
    if (*portPtr > 0xFFFF) {
        return Failure(interp, "couldn't open socket: port number too high");
    }
    return TCL_OK;
}

/* Puts both usages into one message. No public function does that. */

static int
WrongArgs(Tcl_Interp *interp, Tcl_Obj *const objv[])
{
    static const char prefix[] = "wrong # args: should be ";
    Tcl_Obj *clientPtr;
    const char *server;

    Tcl_WrongNumArgs(interp, 1, objv, CLIENT_USAGE);
    clientPtr = Tcl_DuplicateObj(Tcl_GetObjResult(interp));
    Tcl_IncrRefCount(clientPtr);
    Tcl_WrongNumArgs(interp, 1, objv, SERVER_USAGE);
    server = Tcl_GetString(Tcl_GetObjResult(interp));
    if (strncmp(server, prefix, sizeof(prefix) - 1) == 0) {
        server += sizeof(prefix) - 1;
    }
    Tcl_AppendToObj(clientPtr, " or ", -1);
    Tcl_AppendToObj(clientPtr, server, -1);
    Tcl_SetObjResult(interp, clientPtr);
    Tcl_DecrRefCount(clientPtr);
    return TCL_ERROR;
}

/* Stores the value of one option. */

static int
ParseValue(Tcl_Interp *interp, enum SocketOption option, Tcl_Obj *valuePtr,
    SocketArgs *argsPtr)
{
    switch (option) {
    case OPT_ASYNC:
        break; /* It has no value. */
    case OPT_MYADDR:
        argsPtr->myAddr = Tcl_GetString(valuePtr);
        break;
    case OPT_MYPORT:
        return GetPort(interp, valuePtr, &argsPtr->myPort);
    case OPT_SERVER:
        argsPtr->scriptPtr = valuePtr;
        break;
#if TCL_MAJOR_VERSION >= 9
    case OPT_BACKLOG:
        return Tcl_GetIntFromObj(interp, valuePtr, &argsPtr->backlog);
    case OPT_REUSEADDR:
        return Tcl_GetBooleanFromObj(interp, valuePtr, &argsPtr->reuseAddr);
    case OPT_REUSEPORT:
        return Tcl_GetBooleanFromObj(interp, valuePtr, &argsPtr->reusePort);
#endif
    }
    return TCL_OK;
}

/* Parses the options. *nextPtr becomes the first argument behind them. */

static int
ParseOptions(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[],
    SocketArgs *argsPtr, int *nextPtr)
{
    int a;

    for (a = 1; a < objc; a++) {
        int option;

        if (Tcl_GetString(objv[a])[0] != '-') {
            break;
        }
        if (Tcl_GetIndexFromObj(interp, objv[a], socketOptions, "option",
                TCL_EXACT, &option)
            != TCL_OK) {
            return TCL_ERROR;
        }
        argsPtr->async |= option == OPT_ASYNC;
        if (argsPtr->async
            && (option == OPT_SERVER || argsPtr->scriptPtr != NULL)) {
            return Failure(interp,
                "cannot set -async option for server sockets");
        }
        if (option == OPT_ASYNC) {
            continue;
        }
        if (++a >= objc) {
            Tcl_SetObjResult(interp,
                Tcl_ObjPrintf("no argument given for %s option",
                    socketOptions[option]));
            return TCL_ERROR;
        }
        if (ParseValue(interp, (enum SocketOption) option, objv[a], argsPtr)
            != TCL_OK) {
            return TCL_ERROR;
        }
    }
    *nextPtr = a;
    return TCL_OK;
}

static int
ParseArgs(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[],
    SocketArgs *argsPtr)
{
    int a;

    memset(argsPtr, 0, sizeof(SocketArgs));
    argsPtr->backlog = argsPtr->reuseAddr = argsPtr->reusePort = -1;
    if (ParseOptions(interp, objc, objv, argsPtr, &a) != TCL_OK) {
        return TCL_ERROR;
    }
    if (argsPtr->scriptPtr != NULL) {
        argsPtr->host = argsPtr->myAddr;
        if (argsPtr->myPort != 0) {
            return Failure(interp, "option -myport is not valid for servers");
        }
    } else if (a < objc) {
        argsPtr->host = Tcl_GetString(objv[a++]);
    } else {
        return WrongArgs(interp, objv);
    }
    if (argsPtr->scriptPtr == NULL
        && (argsPtr->backlog != -1 || argsPtr->reuseAddr != -1
            || argsPtr->reusePort != -1)) {
        return Failure(interp,
            "options -backlog, -reuseaddr, and "
            "-reuseport are only valid for servers");
    }
    if (a != objc - 1) {
        return WrongArgs(interp, objv);
    }
    if (GetPort(interp, objv[a], &argsPtr->port) != TCL_OK) {
#if TCL_MAJOR_VERSION >= 9
        if (argsPtr->scriptPtr != NULL) {
            return Failure(interp, "couldn't open socket: invalid port number");
        }
#endif
        return TCL_ERROR;
    }
    return TCL_OK;
}

static Tcl_Channel
OpenServer(Tcl_Interp *interp, const SocketArgs *argsPtr)
{
    IocpsockAccept accept;

    IocpsockAcceptScript(interp, argsPtr->scriptPtr, &accept);
    return IocpsockOpenTcpServer(interp, argsPtr->port, argsPtr->host,
        argsPtr->reusePort == 1, argsPtr->backlog, &accept);
}

int
IocpsockSocketObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    SocketArgs args;
    Tcl_Channel channel;

    (void) clientData;
    if (ParseArgs(interp, objc, objv, &args) != TCL_OK) {
        return TCL_ERROR;
    }
    channel = args.scriptPtr != NULL
        ? OpenServer(interp, &args)
        : IocpsockOpenTcpClient(interp, args.port, args.host, args.myAddr,
            args.myPort, args.async);
    if (channel == NULL) {
        return TCL_ERROR;
    }
    Tcl_RegisterChannel(interp, channel);
    Tcl_SetObjResult(interp, Tcl_NewStringObj(Tcl_GetChannelName(channel), -1));
    return TCL_OK;
}
