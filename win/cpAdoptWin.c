/*
 * cpAdoptWin.c --
 *
 *      Sockets that other code has opened.
 */

#include "cpWin.h"

#include "cpMem.h"

#include <string.h>

static int
FamilyOf(SOCKET sock)
{
    WSAPROTOCOL_INFOW info;
    int bytes = sizeof(info);

    memset(&info, 0, sizeof(info));
    if (getsockopt(sock, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *) &info, &bytes)
        != 0) {
        return AF_UNSPEC;
    }
    return info.iAddressFamily;
}

/*
 * The system refuses to bind a socket without overlapped I/O, and one that is
 * bound already. Nothing can change that: a duplicate of the socket has the
 * same properties.
 */

CpError
CpWinAdopt(CpPort *ownerPtr, SOCKET sock, CpHandle **handlePtrPtr)
{
    int family = FamilyOf(sock);
    CpHandle *handlePtr;

    if (family == AF_UNSPEC) {
        return CpErrorOfWin((unsigned long) WSAGetLastError());
    }
    handlePtr = (CpHandle *) CpCalloc(sizeof(CpHandle));
    if (handlePtr == NULL) {
        return CP_ENOMEM;
    }
    handlePtr->sock = sock;
    handlePtr->family = family;
    handlePtr->ownerPtr = ownerPtr;
    handlePtr->hasName = 1;
    if (CpWinBindPort(handlePtr) != CP_OK) {
        CpFree(handlePtr, sizeof(CpHandle));
        return CP_EINVAL;
    }
    CpStatAdd(CP_STAT_HANDLES, 1);
    CpWinHandleCount(handlePtr);
    *handlePtrPtr = handlePtr;
    return CP_OK;
}

void
CpWinRelease(CpHandle *handlePtr)
{
    CpStatAdd(CP_STAT_HANDLES, -1);
    CpStatAdd(CP_STAT_SOCKETS, -1);
    CpWinUnbindPort(handlePtr);
    CpFree(handlePtr, sizeof(CpHandle));
}
