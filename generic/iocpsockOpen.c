/*
 * iocpsockOpen.c --
 *
 *      Clients and servers by host and port: for the socket command, and for
 *      Tcl's functions in C.
 */

#include "iocpsock.h"

#include <string.h>

/* The address family that a script can choose by a variable. */

static CpFamily
WantedFamily(Tcl_Interp *interp)
{
    const char *wanted = NULL;

    if (interp != NULL) {
        wanted = Tcl_GetVar2(interp, "::tcl::unsupported::socketAF", NULL, 0);
    }
    if (wanted != NULL && strcmp(wanted, "inet") == 0) {
        return CP_FAMILY_IP4;
    }
    if (wanted != NULL && strcmp(wanted, "inet6") == 0) {
        return CP_FAMILY_IP6;
    }
    return CP_FAMILY_ANY;
}

Tcl_Channel
IocpsockOpenTcpClient(Tcl_Interp *interp, int port, const char *host,
    const char *myAddr, int myPort, int async)
{
    CpTarget target;

    target.host = host;
    target.port = (unsigned) port;
    target.myHost = myAddr;
    target.myPort = (unsigned) myPort;
    target.family = WantedFamily(interp);
    return IocpsockOpenClient(interp, &target, async);
}

IocpsockChan *
IocpsockNewConnected(IocpsockThread *threadPtr, CpHandle *handlePtr)
{
    IocpsockChan *chanPtr = IocpsockNewChan();

    if (chanPtr == NULL) {
        return NULL;
    }
    chanPtr->connPtr = CpConnAccepted(threadPtr->portPtr, handlePtr,
        IocpsockConnChanged, chanPtr);
    if (chanPtr->connPtr == NULL) {
        IocpsockReleaseChan(chanPtr);
        return NULL;
    }
    IocpsockAttach(chanPtr);
    return chanPtr;
}

Tcl_Channel
IocpsockOpenTcpServer(Tcl_Interp *interp, int port, const char *host,
    int reusePort, int systemBacklog, const IocpsockAccept *acceptPtr)
{
    char *message;
    CpAddr *addrs = NULL;
    unsigned count = 0;
    Tcl_Channel channel;

    if (!CpResolve(host, (unsigned) port, WantedFamily(interp), 1, &addrs,
            &count, &message)) {
        IocpsockResolverFailure(interp, message);
        CpMessageFree(message);
        IocpsockFreeAccept(acceptPtr);
        return NULL;
    }
    channel = IocpsockOpenServer(interp, addrs, count, reusePort, systemBacklog,
        acceptPtr);
    CpResolveFree(addrs, count);
    return channel;
}
