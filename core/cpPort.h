/*
 * cpPort.h --
 *
 *      The completion-port contract: all that the core knows of an operating
 *      system. One port is linked in: win/ (I/O completion ports) or, for
 *      tests, a simulated one.
 *
 *      A CpPort belongs to one thread, its owner, and reports the completed
 *      operations of the handles that this thread owns. Every function that
 *      takes a port, a handle or an operation is called by the owner.
 *
 *      Operations. The caller embeds a CpOp, sets its proc and submits it. From
 *      submit until proc is called the operation, and the memory it works on,
 *      belong to the port. Every submit gives exactly one call of proc, always
 *      out of CpPortReap and never out of the submit itself: immediate success
 *      and immediate failure are completions too.
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
    unsigned char cancelled; /* A send that the system has. */
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
    CpHandle *handlePtr; /* What it was submitted on. */
    CpError error;       /* Result, valid in proc. */
    uint32_t bytes;      /* Bytes moved, valid in proc. */
    int atOnce;          /* Finished at its submit, valid in proc. */
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
 *      Makes the calling thread's port. wakeProc is called, from any thread
 *      and with locks held, when completions wait for an owner that has not
 *      looked, at most once between two looks; a look is a call of CpPortReap
 *      or CpPortSleep. An owner that has been busy for a while
 *      without a look is woken in any case. wakeProc must do no more than wake
 *      the owner, and may come without a reason.
 *
 * Results:
 *      The port, or NULL and *errorPtr.
 */

CpPort *CpPortNew(CpWakeProc *wakeProc, void *clientData, CpError *errorPtr);

/*
 * CpPortRelease --
 *
 *      The owner gives its port up; it must own no handle any more. Handles
 *      that began here and moved to other threads keep what they need.
 */

void CpPortRelease(CpPort *portPtr);

/*
 * CpPortReap --
 *
 *      Calls the procs of completed operations. Waits for the first one up to
 *      timeoutMs milliseconds, 0 not at all, -1 for ever. Work is bounded:
 *      operations submitted and finished by the procs may be left for the next
 *      call.
 *
 * Results:
 *      How many were completed; may be 0 before the time is over.
 */

unsigned CpPortReap(CpPort *portPtr, int timeoutMs);

/*
 * CpPortReapFinished --
 *
 *      Calls the procs of just those operations that were over when they were
 *      submitted; asks the system nothing.
 *
 * Results:
 *      How many there were.
 */

unsigned CpPortReapFinished(CpPort *portPtr);

/*
 * CpPortSleep --
 *
 *      The owner has nothing to do, and may be about to wait for something else
 *      than its port. It is woken by the first completion, or after timeoutMs
 *      milliseconds, -1 for never.
 *
 * Results:
 *      1, or 0 when completions are there already: reap instead.
 */

int CpPortSleep(CpPort *portPtr, int64_t timeoutMs);

/*
 * CpPortRemind --
 *
 *      The owner is busy, and has something to do that it does not want to
 *      forget: if it does not look again within a while it is woken. Unlike
 *      with CpPortSleep completions are left for it to find until then.
 */

void CpPortRemind(CpPort *portPtr);

/*
 * CpPortSpare --
 *
 *      Where the core keeps a block of memory until it needs one again, made by
 *      CpMalloc; memPtr is NULL for none. What is there when the owner gives
 *      the port up is freed.
 */

typedef struct CpSpare {
    void *memPtr;
    size_t sizeBytes;
} CpSpare;

CpSpare *CpPortSpare(CpPort *portPtr);

/* Clocks that never go back. Milliseconds come in steps, of 16 on Windows;
 * microseconds are finer, and cost no system call either. */
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
 *      A new TCP socket of the address family of *addrPtr, owned by the port's
 *      thread, not inherited by child processes; an IPv6 one is IPv6 only.
 *
 * Results:
 *      CP_OK and *handlePtrPtr, or an error.
 */

CpError CpHandleOpen(CpPort *portPtr, const CpAddr *addrPtr,
    CpHandle **handlePtrPtr);
CpError CpHandleBind(CpHandle *handlePtr, const CpAddr *addrPtr);
CpError CpHandleListen(CpHandle *handlePtr, int backlog);

/* Sends FIN (CP_WRITE), which may overtake outstanding sends, or refuses further
 * data (CP_READ): on Windows, data that is there or that comes then resets the
 * connection. Outstanding receives still get data. Nothing completes by it. */
CpError CpHandleShutdown(CpHandle *handlePtr, int directions);

/* No operation may be outstanding. With unread data it resets the connection,
 * and data that is on its way to the peer may be lost. */
void CpHandleClose(CpHandle *handlePtr);

/*
 * CpHandleAbort --
 *
 *      Makes the later CpHandleClose a reset, so that a peer does not take a
 *      stream that lacks its end for a whole one.
 */

void CpHandleAbort(CpHandle *handlePtr);

/*
 * CpHandleMove --
 *
 *      Another thread's port becomes the handle's; NULL parks it between
 *      owners. The first owner calls it with NULL, the next with its own port.
 *      Completions go along, none is lost.
 */

void CpHandleMove(CpHandle *handlePtr, CpPort *portPtr);

CpError CpHandleSetOpt(CpHandle *handlePtr, CpSockOpt opt, int value);
CpError CpHandleGetOpt(CpHandle *handlePtr, CpSockOpt opt, int *valuePtr);
CpError CpHandleLocal(CpHandle *handlePtr, CpAddr *addrPtr);
CpError CpHandlePeer(CpHandle *handlePtr, CpAddr *addrPtr);

/* Whether there are bytes to receive now: not at end of file. */
int CpHandleHasData(CpHandle *handlePtr);

/* The system's own socket, for a stranger, whose calls on it do not wait. */
uintptr_t CpHandleNative(CpHandle *handlePtr);

/* -------------------------------------------------------------- files */

/*
 * CpFileOpen --
 *
 *      A file to send from, by the system's own handle. That handle stays the
 *      caller's and may be closed. It has a position of its own: reads, writes
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

/* How long it is now, in bytes. */
CpError CpFileSize(CpFile *filePtr, uint64_t *sizePtr);

/*
 * CpFileRead --
 *
 *      Reads bytes from an offset, and waits for them.
 *
 * Results:
 *      CP_OK and *bytesPtr, less than asked for only where the file ends; or an
 *      error and 0.
 */

CpError CpFileRead(CpFile *filePtr, uint64_t offset, void *bufPtr,
    size_t lengthBytes, size_t *bytesPtr);

/*
 * Whether the system carries out only a few CpSubmitSendFile at a time, for all
 * processes: one for a peer that does not receive would hold up all others.
 * Then files are to be read and their bytes sent. The answer does not change.
 */

int CpSendFileIsLimited(void);

/* --------------------------------------------------------- operations */

/*
 * Submits. Accept completes when a client has connected; connect when it
 * succeeded or failed, after which a failed handle is only good for closing;
 * with wait it is over when the submit returns, for a caller that has nothing
 * else to do and will not cancel it, as some systems do that for less.
 * A receive of length 0 is a probe: it takes nothing and completes when there
 * is something to receive (data, end of file, error), and now and then when
 * there is nothing: an urgent byte, say, which nobody receives. CpTryRecv and
 * CpTryPeek tell. Any receive may fail while there are bytes that CpTryRecv
 * gets. A receive of 0 bytes into a buffer is the end of file, if CpTryRecv
 * says so too. A send completes with all of its bytes or an error. Sends are
 * carried out in the order of their submits, and receives are filled in it.
 * After a send that failed no other one is carried out: the peer would get the
 * bytes behind a gap.
 */

void CpSubmitAccept(CpHandle *listenerPtr, CpAcceptOp *acceptPtr);
void CpSubmitConnect(CpHandle *handlePtr, CpOp *opPtr, const CpAddr *addrPtr,
    int wait);
void CpSubmitRecv(CpHandle *handlePtr, CpOp *opPtr, void *bufPtr,
    size_t lengthBytes);
void CpSubmitSend(CpHandle *handlePtr, CpOp *opPtr, const void *bufPtr,
    size_t lengthBytes);

/*
 * A send of bytes of a file, 1 to CP_SEND_FILE_MAX, from an offset. If the file
 * has fewer, it fails (with CP_ETRUNCATED if the system tells that from other
 * failures) or succeeds and moves fewer. In the first case the peer may still
 * get some of them.
 */

#define CP_SEND_FILE_MAX 0x7ffffffe

void CpSubmitSendFile(CpHandle *handlePtr, CpOp *opPtr, CpFile *filePtr,
    uint64_t offset, uint32_t lengthBytes);

/*
 * CpCancel --
 *
 *      Asks for an early end. The operation still completes exactly once, with
 *      CP_ECANCELED or whatever it came to before. A NULL operation is every
 *      one of the handle.
 */

void CpCancel(CpHandle *handlePtr, CpOp *opPtr);

/*
 * CpTryRecv, CpTrySend --
 *
 *      Move what can be moved now. Not to be used while a receive with a buffer
 *      (a send) is outstanding, as bytes would overtake.
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
 *      What CpTryRecv would say, without taking anything.
 *
 * Results:
 *      The same, *bytesPtr being some of the bytes that are there.
 */

CpError CpTryPeek(CpHandle *handlePtr, size_t *bytesPtr);

/* ----------------------------------------------------------- counters */

typedef enum CpStat {
    CP_STAT_SOCKETS,    /* Handles open, but for spare ones of
                                 * accepts that wait for a client. */
    CP_STAT_OPERATIONS, /* Submitted and not completed. */
    CP_STAT_BYTES_IN,
    CP_STAT_BYTES_OUT,
    CP_STAT_LISTENERS,       /* Listening handles open. */
    CP_STAT_ACCEPTS_PENDING, /* Accepts outstanding. */
    CP_STAT_ACCEPTED,
    CP_STAT_ACCEPTS_FAILED,
    CP_STAT_ACCEPTS_TIMED_OUT,
    CP_STAT_BUFFER_BYTES, /* Memory of receive and send buffers. */
    CP_STAT_HANDLES,      /* The system's sockets open, all. */
    CP_STAT_CONNECTIONS,  /* CpConns, whatever their state. */
    CP_STAT_CLOSING,      /* Of these, closed and not yet ended. */
    CP_STAT_MEMORY_BYTES, /* All of the driver's memory. */
    CP_STAT_COUNT
} CpStat;

/* Process-wide, from any thread. */
void CpStatAdd(CpStat stat, int64_t amount);
int64_t CpStatGet(CpStat stat);

#endif /* CP_PORT_H */
