/*
 * tclWinSockApi.c --
 *
 *      The functions that Tcl's core expects of its socket driver
 *      (win/tclWinSock.c). tools/make-incore puts this file behind the driver's
 *      own files.
 */

#include "tclWinInt.h"

#include "cpWin.h"
#include "iocpsock.h"

#include <string.h>

/* ---------------------------------------------------- the end of a thread */

/* Tcl itself calls TclpFinalizeSockets, after it has closed the thread's
 * channels. It panics if there are new exit handlers by then. */

int
IocpsockWatchEnd(IocpsockThread *threadPtr)
{
    (void) threadPtr;
    return !TclInExit();
}

int
IocpsockIsExiting(const IocpsockThread *threadPtr)
{
    (void) threadPtr;
    return TclInThreadExit();
}

/*
 * TclpFinalizeSockets --
 *
 *      The calling thread ends, and its channels are closed. What was written
 *      is sent, within limits of time, and the thread's port ends. Exit
 *      handlers and channels that were closed before could still use sockets.
 */

void
TclpFinalizeSockets(void)
{
    IocpsockThread *threadPtr = IocpsockThisThread();

    if (threadPtr->portPtr != NULL && !threadPtr->exiting) {
        IocpsockThreadEnds(threadPtr);
        IocpsockEndSockets(threadPtr);
    }
}

/* ------------------------------------------------------------ the system */

#if TCL_MAJOR_VERSION < 9

/*
 * TclpHasSockets --
 *
 * Results:
 *      TCL_OK, or TCL_ERROR and a message in the interpreter, if it is not
 *      NULL.
 */

int
TclpHasSockets(Tcl_Interp *interp)
{
    if (CpWinInit() == CP_OK) {
        return TCL_OK;
    }
    if (interp != NULL) {
        Tcl_SetObjResult(interp,
            Tcl_NewStringObj("sockets are not available on this system", -1));
    }
    return TCL_ERROR;
}

#else

/* A thread's first socket starts everything. If that fails, the command reports
 * the reason. */

void
TclInitSockets(void)
{
}

#endif

/* Of letters, digits and dots in small letters, or empty. */

#define HOST_NAME_LENGTH 256

static char hostName[HOST_NAME_LENGTH * 3 + 1];

static BOOL CALLBACK
FindHostName(PINIT_ONCE oncePtr, PVOID param, PVOID *contextPtr)
{
    WCHAR wide[HOST_NAME_LENGTH];
    DWORD length = HOST_NAME_LENGTH;

    (void) oncePtr;
    (void) param;
    (void) contextPtr;
    if (GetComputerNameExW(ComputerNamePhysicalDnsFullyQualified, wide, &length)
            != 0
        && WideCharToMultiByte(CP_UTF8, 0, wide, -1, hostName, sizeof(hostName),
               NULL, NULL)
            > 0) {
        Tcl_UtfToLower(hostName);
    } else if (CpWinInit() != CP_OK
        || gethostname(hostName, sizeof(hostName)) != 0) {
        hostName[0] = '\0';
    }
    return TRUE;
}

/*
 * Tcl_GetHostName --
 *
 * Results:
 *      This machine's name. The caller must neither change nor free it.
 */

const char *
Tcl_GetHostName(void)
{
    static INIT_ONCE once = INIT_ONCE_STATIC_INIT;

    InitOnceExecuteOnce(&once, FindHostName, NULL, NULL);
    return hostName;
}

/* --------------------------------------------------- clients and servers */

/*
 * Tcl_OpenTcpClient --
 *
 * Results:
 *      The channel, or NULL; then errno, and the interpreter if it is not NULL,
 *      have the reason.
 */

Tcl_Channel
Tcl_OpenTcpClient(Tcl_Interp *interp, int port, const char *host,
    const char *myaddr, int myport, int async)
{
    return IocpsockOpenTcpClient(interp, port, host, myaddr, myport, async);
}

/*
 * Tcl_MakeTcpClientChannel --
 *
 *      Makes a channel of a connected socket, which the channel then owns. The
 *      socket must have overlapped I/O, as all have that are opened by socket,
 *      accept or WSASocket with WSA_FLAG_OVERLAPPED, and must not be bound to
 *      another completion port.
 *
 * Results:
 *      The channel, or NULL: then errno has the reason (EINVAL for a socket of
 *      the wrong kind), and the socket stays the caller's.
 */

Tcl_Channel
Tcl_MakeTcpClientChannel(void *sock)
{
    IocpsockThread *threadPtr = IocpsockGetThread(NULL);
    IocpsockChan *chanPtr;
    CpHandle *handlePtr = NULL;
    CpError error;

    if (threadPtr == NULL) {
        return NULL;
    }
    error = CpWinAdopt(threadPtr->portPtr, (SOCKET) sock, &handlePtr);
    if (error != CP_OK) {
        Tcl_SetErrno(IocpsockErrno(error));
        return NULL;
    }
    chanPtr = IocpsockNewConnected(threadPtr, handlePtr);
    if (chanPtr == NULL) {
        CpWinRelease(handlePtr);
        Tcl_SetErrno(ENOMEM);
        return NULL;
    }
    IocpsockNewChannel(chanPtr, TCL_READABLE | TCL_WRITABLE);
    return chanPtr->channel;
}

static Tcl_Channel
OpenServer(Tcl_Interp *interp, int port, const char *host, int reusePort,
    int backlog, Tcl_TcpAcceptProc *acceptProc, void *acceptProcData)
{
    IocpsockAccept accepts;

    accepts.proc = acceptProc;
    accepts.clientData = acceptProcData;
    accepts.mustWaitProc = NULL;
    accepts.freeProc = NULL;
    return IocpsockOpenTcpServer(interp, port, host, reusePort, backlog,
        &accepts);
}

#if TCL_MAJOR_VERSION < 9

/*
 * Tcl_OpenTcpServer --
 *
 * Results:
 *      As Tcl_OpenTcpClient.
 */

Tcl_Channel
Tcl_OpenTcpServer(Tcl_Interp *interp, int port, const char *host,
    Tcl_TcpAcceptProc *acceptProc, void *acceptProcData)
{
    return OpenServer(interp, port, host, 0, -1, acceptProc, acceptProcData);
}

#else

/*
 * Tcl_OpenTcpServerEx --
 *
 *      service is a port or the name of a service.
 *
 * Results:
 *      As Tcl_OpenTcpClient.
 */

Tcl_Channel
Tcl_OpenTcpServerEx(Tcl_Interp *interp, const char *service, const char *myHost,
    unsigned int flags, int backlog, Tcl_TcpAcceptProc *acceptProc,
    void *acceptProcData)
{
    int port;

    if (TclSockGetPort(interp, service, "tcp", &port) != TCL_OK) {
        Tcl_SetErrno(EINVAL);
        if (interp != NULL) {
            Tcl_SetObjResult(interp,
                Tcl_NewStringObj(COULD_NOT_OPEN ": invalid port number", -1));
        }
        return NULL;
    }
    return OpenServer(interp, port, myHost,
        (flags & TCL_TCPSERVER_REUSEPORT) != 0, backlog, acceptProc,
        acceptProcData);
}

#endif

/* --------------------------------------- Tcl 8's own names for Winsock's */

#if TCL_MAJOR_VERSION < 9

#undef TclWinGetSockOpt
#undef TclWinSetSockOpt
#undef TclWinGetServByName
#undef TclpInetNtoa

int
TclWinGetSockOpt(SOCKET s, int level, int optname, char *optval, int *optlen)
{
    return getsockopt(s, level, optname, optval, optlen);
}

int
TclWinSetSockOpt(SOCKET s, int level, int optname, const char *optval,
    int optlen)
{
    return setsockopt(s, level, optname, optval, optlen);
}

struct servent *
TclWinGetServByName(const char *nm, const char *proto)
{
    return getservbyname(nm, proto);
}

char *
TclpInetNtoa(struct in_addr addr)
{
    return inet_ntoa(addr);
}

#endif
