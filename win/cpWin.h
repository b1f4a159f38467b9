/*
 * cpWin.h --
 *
 *      Declarations that the files of the Windows port share.
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
    SOCKET sock; /* INVALID_SOCKET for a resolver. */
    int family;
    CpPort *ownerPtr;  /* The owner's port; NULL between owners. */
    CpPort *boundPtr;  /* The port that its completions come to,
                                 * for ever after the first operation. */
    CpList parked;     /* Completed between owners. */
    unsigned pending;  /* Operations outstanding. */
    CpError sendError; /* Of the first send that failed. */
    int hasName;       /* bind was called. */
    int nonBlocking;
    int skips;             /* Immediate success queues no completion. */
    int exclusive;         /* CP_OPT_EXCLUSIVE was set. */
    int counted;           /* In CP_STAT_SOCKETS. */
    struct WinUdp *udpPtr; /* Not NULL for datagrams: cpUdpWin.c. */

    /* cpWineWin.c's own. */
    unsigned sendsPending;
    CpOp *activeSendPtr; /* The one send that the system has. */
    CpList heldSends;    /* Those behind it. */
    CpListNode watchedNode;
};

struct CpFile {
    HANDLE handle; /* It usually has a position of its own. */
};

/* An operation's own space; kind is a WinOpKind. */

typedef CpWinOp WinOp;

typedef enum WinOpKind {
    WIN_OP_RECV,
    WIN_OP_SEND,
    WIN_OP_ACCEPT,
    WIN_OP_CONNECT,
    WIN_OP_CONNECT_NOW,
    WIN_OP_RESOLVE,
    WIN_OP_DATAGRAM
} WinOpKind;

#define WIN_OP(opPtr) (&(opPtr)->space.win)

/* An operation as a node of a list, oldest first, and back. */
#define WIN_NODE(opPtr) (&WIN_OP(opPtr)->node)
#define WIN_OP_OF(nodePtr) CP_OWNER_OF(nodePtr, CpOp, space.win.node)

/*
 * Its OVERLAPPED, for calls of the system only. Our code reads and writes
 * WIN_OP(opPtr)->overlapped, which has the same layout (cpOpWin.c checks that).
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

/* Opens a socket of a type (SOCK_STREAM, SOCK_DGRAM) that no child process
 * inherits, or returns INVALID_SOCKET. */
SOCKET CpWinSocket(int family, int type);

/* Makes a handle with a new socket, a spare one until it is counted. */
CpError CpWinHandleNew(CpPort *ownerPtr, int family, CpHandle **handlePtrPtr);

void CpWinHandleCount(CpHandle *handlePtr);

/* Associates a handle with its owner's completion port, once. */
CpError CpWinBindPort(CpHandle *handlePtr);

/* The handle's completion port can forget it. */
void CpWinUnbindPort(CpHandle *handlePtr);

/* Hands a completion to the owner of its handle, from any thread. */
void CpWinHandOver(CpOp *opPtr);

/* The completion port will bring the operation's completion if the next call
 * makes it pending; or will not bring it. */
void CpWinExpect(CpOp *opPtr);
void CpWinExpectNot(CpOp *opPtr);

/* The beginning of every submit. */
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

/* The end of every submit: ok is the result of its call. The operation was
 * expected. */
void CpWinSubmitted(CpOp *opPtr, int ok);

/* The result of an operation is known. No send follows a failed one. */
void CpWinRecordSend(const CpOp *opPtr);

/* Completes an operation, in the next reap of its owner. */
void CpWinFinishNow(CpOp *opPtr, CpError error);

/* CpCancel for a look-up. */
void CpWinCancelResolve(CpOp *opPtr);

/* The address as Winsock's functions want it. */
struct sockaddr *CpWinSockaddr(const CpAddr *addrPtr);

/*
 * CpWinAdopt --
 *
 *      Makes a handle of a connected socket that other code has opened, and
 *      binds it to the owner's completion port.
 *
 * Results:
 *      CP_OK and *handlePtrPtr, which owns the socket. An error, and the socket
 *      stays the caller's: CP_EINVAL for a socket without overlapped I/O, or
 *      one that is bound to another completion port.
 */

CpError CpWinAdopt(CpPort *ownerPtr, SOCKET sock, CpHandle **handlePtrPtr);

/* Frees the handle, and gives the socket back to its opener. No operation was
 * submitted. */
void CpWinRelease(CpHandle *handlePtr);

/* The wildcard address of a family, with port 0. */
void CpWinAnyAddr(int family, CpAddr *addrPtr);

/* Makes a refused connect to this machine fail at once. */
void CpWinRefuseAtOnce(CpHandle *handlePtr, const CpAddr *addrPtr);

/*
 * cpWineWin.c: workarounds for Wine, which do nothing on Windows. With
 * CP_NO_WINE they are left out.
 */

#ifndef CP_NO_WINE

int CpWineRuns(void);

#ifndef CP_NO_FILES
/* Whether a TransmitFile may report success and send only a part. */
int CpWineCutsFilesShort(void);
#endif
void CpWineInit(void);

/* Runs a timer each so many ms from now on; with 0, stops it. */
void CpWineSetPeriod(PTP_TIMER anyTimerPtr, DWORD periodMs);

CpError CpWineSocketError(CpError error);
int CpWineDeniedIsInUse(unsigned port);
void CpWineBind(CpHandle *handlePtr, const CpAddr *addrPtr);

/* How many completions to ask the port for, after a call that asked for so many
 * and got so many; 0 and 0 before the first call. */
ULONG CpWineReapEntries(ULONG asked, ULONG count);

/* For Wine: a send is outstanding, or is so no longer. */
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

/*
 * For Wine, which may miss a cancel. CpWineCancelAgain repeats it until the
 * operation has completed. Its arguments are those of CpCancel and the result
 * of CancelIoEx. CpWineForgetPort is called before a port is freed.
 */

void CpWineCancelAgain(CpHandle *handlePtr, CpOp *opPtr, int found);
void CpWineForgetPort(CpPort *portPtr);

/* For Wine: skips the next byte if it is an urgent one. */
void CpWineSkipUrgent(CpHandle *handlePtr);

#else /* CP_NO_WINE */

#define CpWineRuns() 0
#define CpWineReapEntries(asked, count) REAP_ENTRIES
#define CpWineCutsFilesShort() 0
#define CpWineInit() ((void) 0)
#define CpWineSetPeriod(anyTimerPtr, periodMs) ((void) 0)
#define CpWineSocketError(error) (error)
#define CpWineDeniedIsInUse(port) 0
#define CpWineBind(handlePtr, addrPtr) ((void) 0)
#define CpWineSendPending(handlePtr) ((void) 0)
#define CpWineSendDone(handlePtr) ((void) 0)
#define CpWineHoldSend(opPtr) 0
#define CpWineResumeSend(opPtr) 0
#define CpWineNextSend(opPtr) ((void) 0)
#define CpWineCancelHeld(handlePtr, opPtr) ((void) 0)
#define CpWineCancelAgain(handlePtr, opPtr, found) ((void) (found))
#define CpWineForgetPort(portPtr) ((void) 0)
#define CpWineSkipUrgent(handlePtr) ((void) 0)

#endif /* CP_NO_WINE */

/* Calls the proc of an operation whose result is known. */
void CpWinComplete(CpOp *opPtr);

/* Whether sockets can be set to queue no completions of immediate success. */
extern int cpWinSkipsOnSuccess;

#endif /* CP_WIN_H */
