/*
 * cpWin.h --
 *
 *      What the files of the Windows port share.
 */

#ifndef CP_WIN_H
#define CP_WIN_H

#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0601 /* Windows 7 */
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>

#include "cpErrorWin.h"
#include "cpPort.h"

struct CpHandle {
    SOCKET sock; /* INVALID_SOCKET in a resolver's. */
    int family;
    CpPort *ownerPtr;  /* Whose thread's; NULL between owners. */
    CpPort *boundPtr;  /* Whose completion port its operations are
                                 * queued to: for good, from the first one. */
    CpList parked;     /* Completed between owners. */
    unsigned pending;  /* Operations outstanding. */
    CpError sendError; /* Of the first send that failed. */
    int hasName;       /* bind was called. */
    int nonBlocking;
    int skips;     /* What finishes at once queues no completion. */
    int exclusive; /* CP_OPT_EXCLUSIVE was set. */
    int counted;   /* In CP_STAT_SOCKETS. */

    /* cpWineWin.c's own. */
    unsigned sendsPending;
    CpOp *activeSendPtr; /* The one send that the system has. */
    CpList heldSends;    /* Those behind it. */
    CpListNode watchedNode;
};

struct CpFile {
    HANDLE handle; /* With a position of its own, as a rule. */
};

/* An operation's own space; kind is a WinOpKind. */

typedef CpWinOp WinOp;

typedef enum WinOpKind {
    WIN_OP_RECV,
    WIN_OP_SEND,
    WIN_OP_ACCEPT,
    WIN_OP_CONNECT,
    WIN_OP_CONNECT_NOW,
    WIN_OP_RESOLVE
} WinOpKind;

#define WIN_OP(opPtr) (&(opPtr)->space.win)

/* An operation as a node of a list, oldest first, and back. */
#define WIN_NODE(opPtr) (&WIN_OP(opPtr)->node)
#define WIN_OP_OF(nodePtr) CP_OWNER_OF(nodePtr, CpOp, space.win.node)

/*
 * Its OVERLAPPED, for the system alone: whoever reads or writes it here uses
 * WIN_OP(opPtr)->overlapped, which has the same layout (cpOpWin.c checks).
 */

#define WIN_OVERLAPPED(opPtr) \
    ((OVERLAPPED *) (void *) &WIN_OP(opPtr)->overlapped)

/* AcceptEx's buffer: room for two addresses, laid over CpAcceptOp.space. */
#define ACCEPT_ADDR_BYTES (sizeof(struct sockaddr_in6) + 16)

/* Winsock's extension functions of one address family. */

typedef struct WinsockEx {
    LPFN_ACCEPTEX acceptEx;
    LPFN_CONNECTEX connectEx;
    LPFN_GETACCEPTEXSOCKADDRS getAcceptExSockaddrs;
    LPFN_TRANSMITFILE transmitFile;
} WinsockEx;

/*
 * CpWinInit --
 *
 *      Starts Winsock once. Results: CP_OK or why there are no sockets.
 */

CpError CpWinInit(void);
const WinsockEx *CpWinEx(int family);

/* A new socket that no child process inherits, or INVALID_SOCKET. */
SOCKET CpWinSocket(int family);

/* A handle over a new socket: a spare one, until it is counted. */
CpError CpWinHandleNew(CpPort *ownerPtr, int family, CpHandle **handlePtrPtr);

void CpWinHandleCount(CpHandle *handlePtr);

/* Associates a handle with its owner's completion port, once. */
CpError CpWinBindPort(CpHandle *handlePtr);

/* The handle's completion port can forget it. */
void CpWinUnbindPort(CpHandle *handlePtr);

/* Hands a completion to the owner of its handle, from any thread. */
void CpWinHandOver(CpOp *opPtr);

/* The completion port will bring the operation's completion, if what is called
 * next says that it pends; and it will not. */
void CpWinExpect(CpOp *opPtr);
void CpWinExpectNot(CpOp *opPtr);

/* The begin of every submit. */
void CpWinBegin(CpHandle *handlePtr, CpOp *opPtr, WinOpKind kind);

/*
 * CpWinSubmitSend --
 *
 *      Submits a send. *winOpPtr describes it: the bytes, or the file and, in
 *      its overlapped, the offset. CpWinStartSend passes it to the system,
 *      under Wine perhaps later, and again with the rest of its bytes.
 */

void CpWinSubmitSend(CpHandle *handlePtr, CpOp *opPtr, const WinOp *winOpPtr);
void CpWinStartSend(CpOp *opPtr);

/* The end of every submit: what the call that it made has returned. The
 * operation was expected. */
void CpWinSubmitted(CpOp *opPtr, int ok);

/* An operation's result is known: if it is a failed send, it is the last. */
void CpWinRecordSend(const CpOp *opPtr);

/* An operation that is over already: completes in its owner's next reap. */
void CpWinFinishNow(CpOp *opPtr, CpError error);

/* CpCancel for a look-up. */
void CpWinCancelResolve(CpOp *opPtr);

/* The wildcard address of a family, with port 0. */
void CpWinAnyAddr(int family, CpAddr *addrPtr);

/* A connect to this machine that is refused is refused at once. */
void CpWinRefuseAtOnce(CpHandle *handlePtr, const CpAddr *addrPtr);

/* cpWineWin.c: what is different under Wine, each named there. */
int CpWineRuns(void);

/* Whether a TransmitFile may report success and send only a part. */
int CpWineCutsFilesShort(void);
void CpWineInit(void);
CpError CpWineSocketError(CpError error);
int CpWineDeniedIsInUse(unsigned port);
void CpWineBind(CpHandle *handlePtr, const CpAddr *addrPtr);

/* For Wine: a send is outstanding; it is so no more. */
void CpWineSendPending(CpHandle *handlePtr);
void CpWineSendDone(CpHandle *handlePtr);

/*
 * For Wine, which completes sends short. None of these does anything on
 * Windows. CpWineHoldSend returns 1 if the send has to wait for the one before
 * it. CpWineResumeSend returns 1 if a completed send lacks bytes: then it has
 * submitted the rest. CpWineNextSend starts the send that waits behind a
 * finished one. CpWineCancelHeld cancels the sends that wait, or only the
 * given one.
 */

int CpWineHoldSend(CpOp *opPtr);
int CpWineResumeSend(CpOp *opPtr);
void CpWineNextSend(CpOp *opPtr);
void CpWineCancelHeld(CpHandle *handlePtr, const CpOp *opPtr);

/* For Wine: if the next byte is an urgent one, it is passed. */
void CpWineSkipUrgent(CpHandle *handlePtr);

/* Ends an operation whose result is known: calls its proc. */
void CpWinComplete(CpOp *opPtr);

/* Whether sockets may be told to queue no completion of what ends at once. */
extern int cpWinSkipsOnSuccess;

#endif /* CP_WIN_H */
