/*
 * cpPort.h --
 *
 *      The completion-port contract: everything that the core knows of an
 *      operating system. One port is linked in: win/ (I/O completion ports) or,
 *      for tests, a simulated one.
 *
 *      A CpPort belongs to one thread, its owner, and reports the completed
 *      operations of the handles that this thread owns. Only the owner may call
 *      functions that take a port, a handle or an operation.
 *
 *      Operations. The caller embeds a CpOp, sets its proc and submits it. From
 *      the submit until proc is called, the operation and its memory belong to
 *      the port. Every submit gives exactly one call of proc. CpPortReap makes
 *      that call, never the submit itself: immediate success and immediate
 *      failure are completions, too.
 */

#ifndef CP_PORT_H
#define CP_PORT_H

#include "cpError.h"
#include "cpList.h"

#include <stddef.h>
#include <stdint.h>

typedef struct CpPort CpPort;
typedef struct CpHandle CpHandle;
typedef struct CpOp CpOp;
typedef struct CpFile CpFile;

typedef void CpOpProc(CpOp *opPtr);
typedef void CpWakeProc(void *clientData);

/*
 * The port's own part of an operation. The system writes to an OVERLAPPED while
 * the operation is outstanding. This file cannot include its declaration, so it
 * declares the documented layout under the same names, and win/ checks that the
 * two agree. An array of words, cast to OVERLAPPED, would break C11 6.5.
 */

typedef struct CpOverlapped {
    uintptr_t Internal;
    uintptr_t InternalHigh;
    uint32_t Offset;
    uint32_t OffsetHigh;
    void *hEvent;
} CpOverlapped;

typedef struct CpWinOp {
    CpOverlapped overlapped;
    CpListNode node; /* In the pending set, or in a list of operations. */
    unsigned char kind;
    unsigned char cancelled; /* And the system has it. */
    const char *bytesPtr;    /* The bytes that a send has left, */
    CpFile *filePtr;         /* or the file that it sends. */
    uint32_t left;
    uint32_t moved; /* Bytes sent before these. */
} CpWinOp;

typedef struct CpSimOp {
    void *simOpPtr;
    uint32_t sum;
} CpSimOp;

typedef union CpOpSpace {
    CpWinOp win;
    CpSimOp sim;
} CpOpSpace;

struct CpOp {
    CpOpProc *proc;      /* Set by the caller before submit. */
    CpHandle *handlePtr; /* The handle of the submit. */
    CpError error;       /* Result, valid in proc. */
    uint32_t bytes;      /* Bytes moved, valid in proc. */
    int atOnce;          /* Completed at its submit, valid in proc. */
    CpOpSpace space;     /* The port's own. */
};

/*
 * A socket address: an opaque sockaddr of at most sockaddr_in6's size.
 * lengthBytes is 0 for no address.
 */

typedef struct CpAddr {
    uint32_t lengthBytes;
    union {
        uint32_t align;
        uint16_t family; /* First in each kind of sockaddr. */
        unsigned char bytes[28];
    } u;
} CpAddr;

typedef struct CpAcceptOp {
    CpOp op;
    CpHandle *newHandlePtr; /* The connection, when op.error is CP_OK: the
                                 * proc takes it over. NULL otherwise. */
    CpAddr peer;            /* Its far end. */
    uint64_t space[16];     /* The port's own. */
} CpAcceptOp;

/* -------------------------------------------------------------- ports */

/*
 * CpPortNew --
 *
 *      Makes the port of the calling thread. If completions wait for the owner,
 *      any thread may call wakeProc, with locks held, but at most once between
 *      two polls. A poll is a call of CpPortReap or CpPortSleep. An owner that
 *      has not polled for a while is woken in any case. wakeProc must only wake
 *      the owner, and may be called without a reason.
 *
 * Results:
 *      The port, or NULL and *errorPtr.
 */

CpPort *CpPortNew(CpWakeProc *wakeProc, void *clientData, CpError *errorPtr);

/*
 * CpPortRelease --
 *
 *      The owner gives its port up. It must own no handle any more. Handles
 *      that began here and moved to other threads keep what they need.
 */

void CpPortRelease(CpPort *portPtr);

/*
 * CpPortReap --
 *
 *      Calls the procs of completed operations. Waits for the first one up to
 *      timeoutMs milliseconds, 0 not at all, -1 for ever. The work is bounded:
 *      operations that the procs submit, and that complete at once, may be left
 *      for the next call.
 *
 * Results:
 *      How many completed. It may be 0 before the time is over.
 */

unsigned CpPortReap(CpPort *portPtr, int timeoutMs);

/*
 * CpPortReapFinished --
 *
 *      Calls the procs of operations that completed at their submits. Makes no
 *      system call.
 *
 * Results:
 *      How many there were.
 */

unsigned CpPortReapFinished(CpPort *portPtr);

/*
 * CpPortSleep --
 *
 *      The owner has nothing to do, and may now wait for something else than
 *      its port. The first completion wakes it, or timeoutMs milliseconds; -1
 *      is no limit.
 *
 * Results:
 *      1, or 0 if completions are there already. Then the owner has to reap.
 */

int CpPortSleep(CpPort *portPtr, int64_t timeoutMs);

/*
 * CpPortRemind --
 *
 *      The owner is busy, and has more to do. If it does not poll again within
 *      a while, it is woken. Until then, unlike after CpPortSleep, completions
 *      wait for its poll.
 */

void CpPortRemind(CpPort *portPtr);

/*
 * CpPortRecall --
 *
 *      The owner has more to do, and returns to a message loop that does not
 *      know of it. It is woken at once. If the user's input waits, the loop
 *      gets time for it first, as after CpPortRemind.
 */

void CpPortRecall(CpPort *portPtr);

/*
 * CpPortSpare --
 *
 *      The place where the core keeps one block of CpMalloc for its next use;
 *      memPtr is NULL without one. When the owner gives the port up, the block
 *      is freed.
 */

typedef struct CpSpare {
    void *memPtr;
    size_t sizeBytes;
} CpSpare;

CpSpare *CpPortSpare(CpPort *portPtr);

/* Clocks that never go back. Neither makes a system call. The first one has
 * steps of 16 ms on Windows. */
uint64_t CpNowMs(void);
uint64_t CpNowUs(void);

/* ------------------------------------------------------------ handles */

/* The values of TCL_READABLE and TCL_WRITABLE, which generic/ checks. */
typedef enum CpDirection { CP_READ = 2, CP_WRITE = 4 } CpDirection;

typedef enum CpSockOpt {
    CP_OPT_KEEPALIVE, /* 0, 1 */
    CP_OPT_NODELAY,   /* 0, 1 */
    CP_OPT_SNDBUF,    /* bytes */
    CP_OPT_RCVBUF,    /* bytes */
    CP_OPT_REUSEADDR, /* 0, 1: share the address with any socket */
    CP_OPT_EXCLUSIVE, /* 0, 1: no other socket can share it */
    CP_OPT_COUNT
} CpSockOpt;

/*
 * CpHandleOpen --
 *
 *      Opens a TCP socket of the address family of *addrPtr. The port's thread
 *      owns it, child processes do not inherit it, and an IPv6 socket is IPv6
 *      only.
 *
 * Results:
 *      CP_OK and *handlePtrPtr, or an error.
 */

CpError CpHandleOpen(CpPort *portPtr, const CpAddr *addrPtr,
    CpHandle **handlePtrPtr);
CpError CpHandleBind(CpHandle *handlePtr, const CpAddr *addrPtr);
CpError CpHandleListen(CpHandle *handlePtr, int backlog);

/* Sends FIN (CP_WRITE), which may overtake outstanding sends, or refuses
 * further data (CP_READ): on Windows, data that is there or that comes then
 * resets the connection. Outstanding receives still get data. Nothing completes
 * by it. */
CpError CpHandleShutdown(CpHandle *handlePtr, int directions);

/* No operation may be outstanding. If there is unread data, this resets the
 * connection, and data on its way to the peer may be lost. */
void CpHandleClose(CpHandle *handlePtr);

/*
 * CpHandleAbort --
 *
 *      Makes the later CpHandleClose a reset, so that the peer does not take an
 *      incomplete stream for a complete one.
 */

void CpHandleAbort(CpHandle *handlePtr);

/*
 * CpHandleMove --
 *
 *      Moves the handle to another thread's port. The old owner calls it with
 *      NULL, which parks the handle, and the new owner with its own port.
 *      Completions move along, and none is lost.
 *
 *      The first submit binds a handle to its owner's port for good. It is not
 *      the accept, nor a connect that waits. If a bound handle belongs to
 *      another thread, each of its completions has to be handed over
 *      (CP_STAT_HAND_OVERS). A handle that moves before its first submit costs
 *      no hand-over.
 */

void CpHandleMove(CpHandle *handlePtr, CpPort *portPtr);

CpError CpHandleSetOpt(CpHandle *handlePtr, CpSockOpt opt, int value);
CpError CpHandleGetOpt(CpHandle *handlePtr, CpSockOpt opt, int *valuePtr);
CpError CpHandleLocal(CpHandle *handlePtr, CpAddr *addrPtr);
CpError CpHandlePeer(CpHandle *handlePtr, CpAddr *addrPtr);

/* Whether there are bytes to receive now; 0 at the end of file. */
int CpHandleHasData(CpHandle *handlePtr);

/* The native socket, for foreign code. Calls on it do not wait. */
uintptr_t CpHandleNative(CpHandle *handlePtr);

/* -------------------------------------------------------------- files */

#ifndef CP_NO_FILES

/*
 * CpFileOpen --
 *
 *      Opens a file for sending, by a native handle. That handle stays the
 *      caller's, and may be closed. It has a position of its own: reads, writes
 *      and seeks through it do not disturb the sends, and the sends do not move
 *      its position.
 *
 * Results:
 *      CP_OK and *filePtrPtr; an error if it is no file on a disk.
 */

CpError CpFileOpen(uintptr_t native, CpFile **filePtrPtr);

/* No operation may be outstanding. */
void CpFileClose(CpFile *filePtr);

/* Frees the file and gives its handle to the caller, who closes it. */
uintptr_t CpFileDetach(CpFile *filePtr);

/* The present length in bytes. */
CpError CpFileSize(CpFile *filePtr, uint64_t *sizePtr);

/*
 * CpFileRead --
 *
 *      Reads bytes from an offset, and waits for them.
 *
 * Results:
 *      CP_OK and *bytesPtr, fewer than lengthBytes only at the end of the file;
 *      or an error and 0.
 */

CpError CpFileRead(CpFile *filePtr, uint64_t offset, void *bufPtr,
    size_t lengthBytes, size_t *bytesPtr);

/*
 * Whether the system carries out only a few CpSubmitSendFile at a time, for all
 * processes, so that a peer that does not receive would delay all others. Then
 * the caller has to read files and send their bytes. The answer never changes.
 */

int CpSendFileIsLimited(void);

#endif /* CP_NO_FILES */

/* --------------------------------------------------------- operations */

/*
 * Submits.
 *
 * An accept completes when a client has connected.
 *
 * A connect completes when it has succeeded or failed. After a failure the
 * handle can only be closed. With wait it has completed when the submit
 * returns. That costs less on some systems, and suits a caller that has nothing
 * else to do and will not cancel it.
 *
 * A receive of length 0 is a zero-byte receive. It takes nothing, and completes
 * when there is something to receive (data, end of file, an error). It may also
 * complete with nothing to receive, for example at an urgent byte. CpTryRecv
 * and CpTryPeek tell. Any receive may fail while there are bytes that CpTryRecv
 * gets. A receive with a buffer that completes with 0 bytes is the end of file
 * if CpTryRecv says so, too.
 *
 * A send completes with all of its bytes or with an error. Sends are carried
 * out, and receives are filled, in the order of their submits. After a failed
 * send no other one is carried out: the peer would see a gap.
 */

void CpSubmitAccept(CpHandle *listenerPtr, CpAcceptOp *acceptPtr);
void CpSubmitConnect(CpHandle *handlePtr, CpOp *opPtr, const CpAddr *addrPtr,
    int wait);
void CpSubmitRecv(CpHandle *handlePtr, CpOp *opPtr, void *bufPtr,
    size_t lengthBytes);
void CpSubmitSend(CpHandle *handlePtr, CpOp *opPtr, const void *bufPtr,
    size_t lengthBytes);

#ifndef CP_NO_FILES

/*
 * Sends 1 to CP_SEND_FILE_MAX bytes of a file from an offset. If the file has
 * fewer, it fails, and the peer may still get some of them; or it succeeds with
 * fewer bytes. The failure is CP_ETRUNCATED if the system can tell.
 */

#define CP_SEND_FILE_MAX 0x7ffffffe

void CpSubmitSendFile(CpHandle *handlePtr, CpOp *opPtr, CpFile *filePtr,
    uint64_t offset, uint32_t lengthBytes);

#endif /* CP_NO_FILES */

/*
 * CpCancel --
 *
 *      Asks for an early end. The operation still completes exactly once, with
 *      CP_ECANCELED or with its own result. NULL cancels all operations of the
 *      handle.
 */

void CpCancel(CpHandle *handlePtr, CpOp *opPtr);

/*
 * CpTryRecv, CpTrySend --
 *
 *      Move the bytes that can be moved now. While a receive with a buffer (or
 *      a send) is outstanding they must not be called: bytes would overtake.
 *
 * Results:
 *      CP_OK and *bytesPtr (0 for a receive is end of file), CP_EAGAIN, or an
 *      error.
 */

CpError CpTryRecv(CpHandle *handlePtr, void *bufPtr, size_t lengthBytes,
    size_t *bytesPtr);
CpError CpTrySend(CpHandle *handlePtr, const void *bufPtr, size_t lengthBytes,
    size_t *bytesPtr);

/*
 * CpTryPeek --
 *
 *      Returns what CpTryRecv would return, and takes nothing.
 *
 * Results:
 *      As CpTryRecv. *bytesPtr may be fewer than there are.
 */

CpError CpTryPeek(CpHandle *handlePtr, size_t *bytesPtr);

/* ----------------------------------------------------------- counters */

typedef enum CpStat {
    CP_STAT_SOCKETS,    /* Open handles, without the spare
                                 * ones of outstanding accepts. */
    CP_STAT_OPERATIONS, /* Submitted and not completed. */
    CP_STAT_BYTES_IN,
    CP_STAT_BYTES_OUT,
    CP_STAT_LISTENERS,       /* Listening handles open. */
    CP_STAT_ACCEPTS_PENDING, /* Accepts outstanding. */
    CP_STAT_ACCEPTED,
    CP_STAT_ACCEPTS_FAILED,
    CP_STAT_ACCEPTS_TIMED_OUT,
    CP_STAT_BUFFER_BYTES, /* Memory of receive and send buffers. */
    CP_STAT_HANDLES,      /* All open native sockets. */
    CP_STAT_CONNECTIONS,  /* CpConns in any state. */
    CP_STAT_CLOSING,      /* Closed ones that have not ended. */
    CP_STAT_MEMORY_BYTES, /* All of the driver's memory. */
    CP_STAT_UDP,          /* CpUdps: cpUdp.h. */
    CP_STAT_DATAGRAMS_IN,
    CP_STAT_DATAGRAMS_OUT,
    CP_STAT_DATAGRAMS_DROPPED, /* Received and lost: a queue was full. */
    CP_STAT_WAKE_UPS,          /* Calls of wakeProc. */
    CP_STAT_HAND_OVERS,        /* Completions that came to another port than
                                 * that of their handle's owner. */
    CP_STAT_COUNT
} CpStat;

/* Process-wide, from any thread. */
void CpStatAdd(CpStat stat, int64_t amount);
int64_t CpStatGet(CpStat stat);

#endif /* CP_PORT_H */
