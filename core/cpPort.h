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

#include <stddef.h>
#include <stdint.h>

typedef struct CpPort CpPort;
typedef struct CpHandle CpHandle;
typedef struct CpOp CpOp;
typedef struct CpFile CpFile;

typedef void CpOpProc(CpOp *opPtr);
typedef void CpWakeProc(void *clientData);

/* Room for an OVERLAPPED or its like, in words. */
#define CP_OP_SPACE 5

struct CpOp {
    CpOpProc *proc;              /* Set by the caller before submit. */
    CpHandle *handlePtr;         /* What it was submitted on. */
    CpError error;               /* Result, valid in proc. */
    uint32_t bytes;              /* Bytes moved, valid in proc. */
    int atOnce;                  /* Finished at its submit, valid in proc. */
    CpOp *nextPtr;               /* The port's own. */
    uint64_t space[CP_OP_SPACE]; /* The port's own. */
};

/* The structure that embeds an operation. */
#define CP_OWNER_OF(opPtr, type, member) \
    ((type *) (void *) ((char *) (opPtr) -offsetof(type, member)))

/*
 * A socket address: an opaque sockaddr of at most sockaddr_in6's size.
 * lengthBytes is 0 for no address.
 */

typedef struct CpAddr {
    uint32_t lengthBytes;
    union {
        uint32_t align;
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
 *      and with locks held, when completions wait for an owner that sleeps
 *      (CpPortSleep); it must do no more than wake the owner.
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
 *      The owner is about to wait for something else than its port. From now
 *      to its next CpPortReap, the first completion calls the wake proc.
 *
 * Results:
 *      1, or 0 when completions are there already: reap instead.
 */

int CpPortSleep(CpPort *portPtr);

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

/* Milliseconds of a clock that never goes back. */
uint64_t CpNowMs(void);

/* ------------------------------------------------------------ handles */

typedef enum CpDirection { CP_READ = 1, CP_WRITE = 2 } CpDirection;

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

/* Sends FIN (CP_WRITE) or refuses further data (CP_READ). */
CpError CpHandleShutdown(CpHandle *handlePtr, int directions);

/* No operation may be outstanding. */
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

/* The system's own socket. */
uintptr_t CpHandleNative(CpHandle *handlePtr);

/* -------------------------------------------------------------- files */

/*
 * CpFileOpen --
 *
 *      A file to send from, by the system's own handle, which stays the
 *      caller's and may be closed.
 *
 * Results:
 *      CP_OK and *filePtrPtr; an error where it is no file on a disk.
 */

CpError CpFileOpen(uintptr_t native, CpFile **filePtrPtr);

/* No operation may be outstanding. */
void CpFileClose(CpFile *filePtr);

/* How long it is now, in bytes. */
CpError CpFileSize(CpFile *filePtr, uint64_t *sizePtr);

/* --------------------------------------------------------- operations */

/*
 * Submits. Accept completes when a client has connected; connect when it
 * succeeded or failed, after which a failed handle is only good for closing;
 * with wait it is over when the submit returns, for a caller that has nothing
 * else to do and will not cancel it, as some systems do that for less.
 * A receive of length 0 is a probe: it completes when there is something to
 * receive (data, end of file, error) and takes nothing. A receive of 0 bytes
 * into a buffer is the end of file, if CpTryRecv says so too. A send completes
 * with all of its bytes or an error. Sends are carried out in the order of
 * their submits, and receives are filled in it. After a send that failed no
 * other one is carried out: the peer would get the bytes behind a gap.
 */

void CpSubmitAccept(CpHandle *listenerPtr, CpAcceptOp *acceptPtr);
void CpSubmitConnect(CpHandle *handlePtr, CpOp *opPtr, const CpAddr *addrPtr,
    int wait);
void CpSubmitRecv(CpHandle *handlePtr, CpOp *opPtr, void *bufPtr,
    size_t lengthBytes);
void CpSubmitSend(CpHandle *handlePtr, CpOp *opPtr, const void *bufPtr,
    size_t lengthBytes);

/*
 * A send of bytes of a file, 1 to CP_SEND_FILE_MAX, from an offset. It moves
 * fewer where the file ends before.
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

/* ----------------------------------------------------------- counters */

typedef enum CpStat {
    CP_STAT_SOCKETS,    /* Handles open, but for spare ones of
                                 * accepts that wait for a client. */
    CP_STAT_OPERATIONS, /* Submitted and not completed. */
    CP_STAT_BYTES_IN,
    CP_STAT_BYTES_OUT,
    CP_STAT_LISTENERS,      /* Listening handles open. */
    CP_STAT_ACCEPTS_POSTED, /* Accepts outstanding. */
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
