/*
 * cpOpWin.c --
 *
 *      Operations of the Windows port: submitting and completing them.
 */

#include "cpWin.h"

#include <string.h>

/* cpPort.h declares these without windows.h. */

#define SAME_PLACE(member) \
    (offsetof(CpOverlapped, member) == offsetof(OVERLAPPED, member) \
        && sizeof(((CpOverlapped *) 0)->member) \
            == sizeof(((OVERLAPPED *) 0)->member))

CP_STATIC_ASSERT(CpOverlappedHasItsLayout,
    sizeof(CpOverlapped) == sizeof(OVERLAPPED) && SAME_PLACE(Internal)
        && SAME_PLACE(InternalHigh) && SAME_PLACE(Offset)
        && SAME_PLACE(OffsetHigh) && SAME_PLACE(hEvent));
CP_STATIC_ASSERT(CpAddrHasTheFamilyInItsPlace,
    offsetof(SOCKADDR, sa_family) == 0
        && sizeof(((CpAddr *) 0)->u.family)
            == sizeof(((SOCKADDR *) 0)->sa_family));
CP_STATIC_ASSERT(CpAcceptHasRoomForTwoAddresses,
    2 * ACCEPT_ADDR_BYTES <= sizeof(((CpAcceptOp *) 0)->space));

void
CpWinBegin(CpHandle *handlePtr, CpOp *opPtr, WinOpKind kind)
{
    WinOp *winOpPtr = WIN_OP(opPtr);

    memset(winOpPtr, 0, sizeof(WinOp));
    winOpPtr->kind = (unsigned char) kind;
    opPtr->handlePtr = handlePtr;
    opPtr->bytes = 0;
    opPtr->atOnce = 0;
    handlePtr->pending++;
    CpStatAdd(CP_STAT_OPERATIONS, 1);
}

/* A send may fail at its submit, for lack of memory, while the next would not.
 * */

void
CpWinRecordSend(const CpOp *opPtr)
{
    if (WIN_OP(opPtr)->kind == WIN_OP_SEND && opPtr->error != CP_OK
        && opPtr->handlePtr->sendError == CP_OK) {
        opPtr->handlePtr->sendError = opPtr->error;
    }
}

/*
 * The outcome of a submit: pending, failed, or completed. A completed one is
 * also queued to the completion port, unless the socket skips that.
 */

void
CpWinSubmitted(CpOp *opPtr, int ok)
{
    int code = ok ? 0 : WSAGetLastError();

    if (code == WSA_IO_PENDING || (code == 0 && !opPtr->handlePtr->skips)) {
        if (WIN_OP(opPtr)->kind == WIN_OP_SEND) {
            CpWineSendPending(opPtr->handlePtr);
        }
        return;
    }
    CpWinExpectNot(opPtr);
    if (code == 0) {
        opPtr->bytes = (uint32_t) WIN_OP(opPtr)->overlapped.InternalHigh;
    }
    CpWinFinishNow(opPtr, CpErrorOfSubmit((unsigned long) code));
}

void
CpSubmitAccept(CpHandle *listenerPtr, CpAcceptOp *acceptPtr)
{
    CpOp *opPtr = &acceptPtr->op;
    CpError error;
    DWORD bytes;

    CpWinBegin(listenerPtr, opPtr, WIN_OP_ACCEPT);
    acceptPtr->newHandlePtr = NULL;
    error = CpWinBindPort(listenerPtr);
    if (error == CP_OK) {
        error = CpWinHandleNew(listenerPtr->ownerPtr, listenerPtr->family,
            &acceptPtr->newHandlePtr);
    }
    if (error != CP_OK) {
        CpWinFinishNow(opPtr, error);
        return;
    }
    CpWinExpect(opPtr);
    CpWinSubmitted(opPtr,
        CpWinEx(listenerPtr->family)
            ->acceptEx(listenerPtr->sock, acceptPtr->newHandlePtr->sock,
                acceptPtr->space, 0, ACCEPT_ADDR_BYTES, ACCEPT_ADDR_BYTES,
                &bytes, WIN_OVERLAPPED(opPtr)));
}

/*
 * A connect that waits needs no local name and no completion. A connect is the
 * first call on a handle, so the socket is still blocking.
 */

static void
ConnectNow(CpHandle *handlePtr, CpOp *opPtr, const CpAddr *addrPtr)
{
    int ok;

    CpWinBegin(handlePtr, opPtr, WIN_OP_CONNECT_NOW);
    ok = connect(handlePtr->sock,
             (const SOCKADDR *) (const void *) addrPtr->u.bytes,
             (int) addrPtr->lengthBytes)
        == 0;
    CpWinFinishNow(opPtr,
        ok ? CP_OK : CpErrorOfWin((unsigned long) WSAGetLastError()));
}

/* From a newer ws2def.h. */
#ifndef SO_PORT_SCALABILITY
#define SO_PORT_SCALABILITY 0x3006
#endif
#ifndef SO_REUSE_UNICASTPORT
#define SO_REUSE_UNICASTPORT 0x3007
#endif

/*
 * ConnectEx needs a bound socket. A port that bind chooses belongs to this
 * connection alone, and such ports run out. A port that connect chooses can
 * serve connections to different peers. These options give bound ports that
 * property: the first from Windows 10 on, the second before. Wine 8 has
 * neither.
 */

static void
SharePorts(SOCKET sock)
{
    const DWORD on = 1;

    if (setsockopt(sock, SOL_SOCKET, SO_REUSE_UNICASTPORT, (const char *) &on,
            sizeof(on))
        != 0) {
        setsockopt(sock, SOL_SOCKET, SO_PORT_SCALABILITY, (const char *) &on,
            sizeof(on));
    }
}

static CpError
BindAny(CpHandle *handlePtr)
{
    CpAddr any;

    if (handlePtr->hasName) {
        return CP_OK;
    }
    SharePorts(handlePtr->sock);
    CpWinAnyAddr(handlePtr->family, &any);
    return CpHandleBind(handlePtr, &any);
}

void
CpSubmitConnect(CpHandle *handlePtr, CpOp *opPtr, const CpAddr *addrPtr,
    int wait)
{
    CpError error;

    CpWinRefuseAtOnce(handlePtr, addrPtr);
    if (wait) {
        ConnectNow(handlePtr, opPtr, addrPtr);
        return;
    }
    CpWinBegin(handlePtr, opPtr, WIN_OP_CONNECT);
    error = BindAny(handlePtr);
    if (error == CP_OK) {
        error = CpWinBindPort(handlePtr);
    }
    if (error != CP_OK) {
        CpWinFinishNow(opPtr, error);
        return;
    }
    CpWinExpect(opPtr);
    CpWinSubmitted(opPtr,
        CpWinEx(handlePtr->family)
            ->connectEx(handlePtr->sock,
                (const SOCKADDR *) (const void *) addrPtr->u.bytes,
                (int) addrPtr->lengthBytes, NULL, 0, NULL,
                WIN_OVERLAPPED(opPtr)));
}

void
CpSubmitRecv(CpHandle *handlePtr, CpOp *opPtr, void *bufPtr, size_t lengthBytes)
{
    WSABUF buf;
    DWORD flags = 0;
    CpError error;

    CpWinBegin(handlePtr, opPtr, WIN_OP_RECV);
    error = CpWinBindPort(handlePtr);
    if (error != CP_OK) {
        CpWinFinishNow(opPtr, error);
        return;
    }
    buf.buf = (char *) bufPtr;
    buf.len = (ULONG) lengthBytes;
    CpWinExpect(opPtr);
    CpWinSubmitted(opPtr,
        WSARecv(handlePtr->sock, &buf, 1, NULL, &flags, WIN_OVERLAPPED(opPtr),
            NULL)
            == 0);
}

void
CpWinStartSend(CpOp *opPtr)
{
    CpHandle *handlePtr = opPtr->handlePtr;
    WinOp *winOpPtr = WIN_OP(opPtr);
    WSABUF buf;
    int ok;

    CpWinExpect(opPtr);
    if (winOpPtr->filePtr != NULL) {
        ok = CpWinEx(handlePtr->family)
                 ->transmitFile(handlePtr->sock, winOpPtr->filePtr->handle,
                     winOpPtr->left, 0, WIN_OVERLAPPED(opPtr), NULL, 0);
    } else {
        buf.buf = (char *) winOpPtr->bytesPtr;
        buf.len = winOpPtr->left;
        ok = WSASend(handlePtr->sock, &buf, 1, NULL, 0, WIN_OVERLAPPED(opPtr),
                 NULL)
            == 0;
    }
    CpWinSubmitted(opPtr, ok);
}

void
CpWinSubmitSend(CpHandle *handlePtr, CpOp *opPtr, const WinOp *winOpPtr)
{
    CpError error;

    CpWinBegin(handlePtr, opPtr, WIN_OP_SEND);
    error = handlePtr->sendError != CP_OK ? handlePtr->sendError
                                          : CpWinBindPort(handlePtr);
    if (error != CP_OK) {
        CpWinFinishNow(opPtr, error);
        return;
    }
    *WIN_OP(opPtr) = *winOpPtr;
    WIN_OP(opPtr)->kind = WIN_OP_SEND;
    if (!CpWineHoldSend(opPtr)) {
        CpWinStartSend(opPtr);
    }
}

void
CpSubmitSend(CpHandle *handlePtr, CpOp *opPtr, const void *bufPtr,
    size_t lengthBytes)
{
    WinOp send = {.bytesPtr = (const char *) bufPtr,
        .left = (uint32_t) lengthBytes};

    CpWinSubmitSend(handlePtr, opPtr, &send);
}

void
CpCancel(CpHandle *handlePtr, CpOp *opPtr)
{
    int found;

    if (opPtr != NULL && WIN_OP(opPtr)->kind == WIN_OP_RESOLVE) {
        CpWinCancelResolve(opPtr);
        return;
    }
    CpWineCancelHeld(handlePtr, opPtr);
    found = CancelIoEx((HANDLE) handlePtr->sock,
        opPtr != NULL ? WIN_OVERLAPPED(opPtr) : NULL);
    CpWineCancelAgain(handlePtr, opPtr, found);
}

/* An accepted socket inherits the listener's properties, and from then on has
 * names. */

static void
FinishAccept(CpAcceptOp *acceptPtr)
{
    CpHandle *listenerPtr = acceptPtr->op.handlePtr;
    CpHandle *newPtr = acceptPtr->newHandlePtr;
    SOCKADDR *localPtr, *peerPtr;
    int localLength, peerLength;

    if (newPtr == NULL) {
        return;
    }
    if (acceptPtr->op.error == CP_OK
        && setsockopt(newPtr->sock, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
               (const char *) &listenerPtr->sock, sizeof(SOCKET))
            != 0) {
        acceptPtr->op.error = CP_ECONNABORTED;
    }
    if (acceptPtr->op.error != CP_OK) {
        CpHandleClose(newPtr);
        acceptPtr->newHandlePtr = NULL;
        return;
    }
    newPtr->ownerPtr = listenerPtr->ownerPtr;
    CpWinHandleCount(newPtr);
    CpWinEx(listenerPtr->family)
        ->getAcceptExSockaddrs(acceptPtr->space, 0, ACCEPT_ADDR_BYTES,
            ACCEPT_ADDR_BYTES, &localPtr, &localLength, &peerPtr, &peerLength);
    memset(&acceptPtr->peer, 0, sizeof(CpAddr));
    if (peerLength > 0 && (size_t) peerLength <= sizeof(acceptPtr->peer.u)) {
        acceptPtr->peer.lengthBytes = (uint32_t) peerLength;
        memcpy(acceptPtr->peer.u.bytes, peerPtr, (size_t) peerLength);
    }
}

void
CpWinComplete(CpOp *opPtr)
{
    switch ((WinOpKind) WIN_OP(opPtr)->kind) {
    case WIN_OP_RECV:
    case WIN_OP_CONNECT_NOW:
    case WIN_OP_RESOLVE:
    case WIN_OP_DATAGRAM:
        break; /* The result is complete. */
    case WIN_OP_SEND:
        if (!opPtr->atOnce) {
            CpWineSendDone(opPtr->handlePtr);
        }
        if (CpWineResumeSend(opPtr)) {
            return;
        }
        CpWinRecordSend(opPtr);
        CpWineNextSend(opPtr);
        break;
    case WIN_OP_ACCEPT:
        FinishAccept(CP_OWNER_OF(opPtr, CpAcceptOp, op));
        break;
    case WIN_OP_CONNECT:
        if (opPtr->error == CP_OK
            && setsockopt(opPtr->handlePtr->sock, SOL_SOCKET,
                   SO_UPDATE_CONNECT_CONTEXT, NULL, 0)
                != 0) {
            opPtr->error = CpErrorOfWin((unsigned long) WSAGetLastError());
        }
        break;
    }
    opPtr->handlePtr->pending--;
    CpStatAdd(CP_STAT_OPERATIONS, -1);
    opPtr->proc(opPtr);
}
