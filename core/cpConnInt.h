/*
 * cpConnInt.h --
 *
 *      The connection's structure, shared by cpConn.c, the files of its two
 *      directions and cpSendFile.c.
 */

#ifndef CP_CONN_INT_H
#define CP_CONN_INT_H

#include "cpBuf.h"
#include "cpClose.h"
#include "cpConn.h"
#include "cpDial.h"

typedef struct CpFileSend CpFileSend;

/* How far the close of a connection is that was open. */

typedef enum CpClosePhase {
    CP_CLOSE_NONE,      /* Not closing, or never open. */
    CP_CLOSE_SENDING,   /* Sends are outstanding; input is discarded. */
    CP_CLOSE_LOOKING,   /* Cancelled receives say whether input is left. */
    CP_CLOSE_LINGERING, /* Input is discarded until the peer's end. */
    CP_CLOSE_ENDING     /* Ends when nothing is outstanding. */
} CpClosePhase;

struct CpConn {
    CpPort *portPtr;     /* The owner's; NULL between owners. */
    CpHandle *handlePtr; /* NULL while dialling. A failed one's is
                                 * that of its last attempt, or NULL. */
    CpDial *dialPtr;     /* Non-NULL exactly in CP_CONN_DIALLING, and
                                 * in CP_CONN_CLOSING until it has ended. */
    CpConnState state;
    CpError dialError; /* Of CP_CONN_FAILED, until taken. */
    char *dialMessage; /* Of a resolver, or NULL. */
    CpConnProc *proc;  /* The closedProc in CP_CONN_CLOSING. */
    void *clientData;

    /* Receiving: cpRecv.c, cpRecvOp.c */
    CpRecvMode recvMode;
    CpOp zeroByteOp;
    unsigned zeroBytePending : 1;
    unsigned inputFound : 1; /* A probe found something, not yet taken. */
    unsigned watchRead : 1;
    unsigned recvShut : 1; /* Half-closed for reading. */
    unsigned exposed : 1;  /* Strangers use the socket: see CpConnExpose. */
    unsigned endSeen : 1;  /* A posted buffer came back with nothing. */
    unsigned eof : 1;
    unsigned dataLikely : 1;  /* The last look found something at once. */
    unsigned recvStopped : 1; /* A receive that is outstanding is cancelled. */
    unsigned sendShut : 1;    /* Half-closed for writing. */
    CpError recvFailure;      /* Of the first receive that failed. There may
                                 * be bytes to read yet; then it is the end. */
    CpError recvError;        /* Sticky: no byte can come any more. */
    uint32_t readBytes;       /* What the reader asked for last, in limits. */
    uint32_t recvBytes;       /* Size of the next posted buffer. */
    unsigned recvDepth;       /* Buffers wanted outstanding. */
    unsigned recvBufs;        /* In recvQueue. */
    unsigned recvBufsPending; /* Of these, outstanding. */
    CpBufQueue recvQueue;     /* In the order of the bytes. */
    uint64_t bytesIn;

    /* Sending: cpSend.c */
    unsigned sendCap;
    unsigned sendPending;
    CpError sendError;              /* The first, sticky. */
    unsigned sendErrorReported : 1; /* A write or read has returned it. */
    CpBuf *joinedPtr;               /* Small writes, not posted yet; only while
                                 * sends are outstanding. */
    CpFileSend *fileSendPtr; /* The first of the files: sent as soon as there
                                 * is a connection and no send outstanding. */
    uint64_t sendBuffered;
    uint64_t bytesOut;

    /* Closing: cpClose.c */
    CpClosePhase closePhase;
    unsigned finSent : 1;       /* The peer was sent the end of file. */
    unsigned aborted : 1;       /* Its close is a reset. */
    unsigned inputLeft : 1;     /* Input has come that nobody will read. */
    unsigned cancelTells : 1;   /* A receive that comes back cancelled was
                                 * outstanding when the close looked. */
    unsigned inputNone : 1;     /* There was none left a moment ago. */
    unsigned char discarded[8]; /* Of the receive that discards. */
    uint32_t closeTimeoutMs;    /* 0: none. */
    uint64_t closeDueMs;        /* When that is over; 0: none. */
    uint64_t lingerEndMs;       /* Of CP_CLOSE_LINGERING. */
    uint64_t lingerIdleMs;
    uint64_t closeSortMs;      /* Its place in that list: */
    CpCloseList *closeListPtr; /* or NULL. */
    CpConn *closeNextPtr;
    CpConn *closePrevPtr;
};

/* Tells the user; the connection must not be closing. */
void CpConnNotify(CpConn *connPtr);

/* CP_OK when there is a connection to read from and to write to; CP_EAGAIN
 * when there will be one. */
CpError CpConnUsable(const CpConn *connPtr);

/* Ends a closing connection when nothing is outstanding. */
void CpConnFinish(CpConn *connPtr);

/* cpRecvOp.c: posts what the mode wants posted, if the reader watches. */
void CpRecvRearm(CpConn *connPtr);

/* Cancels all receives. */
void CpRecvStop(CpConn *connPtr);
unsigned CpRecvPending(const CpConn *connPtr);

/* A receive is back. */
void CpRecvCompleted(CpConn *connPtr);

/* Receives have buffers, in the present mode. */
int CpRecvUsesBuffers(const CpConn *connPtr);

/* Completed buffers without bytes leave the front of the queue. */
void CpRecvDropEmpty(CpConn *connPtr);

/* cpRecv.c */
void CpRecvFree(CpConn *connPtr);

/* Frees what was received and not read; whether there were any bytes. */
int CpRecvDiscard(CpConn *connPtr);
int CpRecvReady(const CpConn *connPtr);
uint64_t CpRecvBuffered(const CpConn *connPtr);

/* No byte can come any more. */
int CpRecvEnded(const CpConn *connPtr);

/* The buffer whose bytes are the next ones for the reader, or NULL. */
CpBuf *CpRecvFirst(const CpConn *connPtr);

/* The first buffer leaves the queue. */
void CpRecvDrop(CpConn *connPtr);

/* Bytes may be taken before the reader asks for them, without a receive. */
int CpRecvTakesAhead(const CpConn *connPtr);

/*
 * CpRecvTakeNow --
 *
 *      Takes what is there for the reader that will come, up to sizeBytes.
 *
 * Results:
 *      CP_OK when there was something: it is in the queue. CP_EAGAIN for
 *      nothing, or for the end, which is noted. CP_ENOMEM.
 */

CpError CpRecvTakeNow(CpConn *connPtr, uint32_t sizeBytes);

/*
 * CpRecvCheck --
 *
 *      A receive says that there is something to read. That need not be so:
 *      looks, and makes the connection readable if it is.
 */

void CpRecvCheck(CpConn *connPtr);

int CpSendReady(const CpConn *connPtr);

/* Why nothing can be sent any more, of which the caller tells; or CP_OK. */
CpError CpSendReportError(CpConn *connPtr);

/* A send is over: what waits for that goes on. */
void CpSendPump(CpConn *connPtr);

/* A buffer of at most CP_SEND_BYTES_MAX, less where memory is short; NULL
 * without any. */
CpBuf *CpSendBufNew(size_t sizeBytes);

/* cpSendFile.c: nothing is outstanding that the file has to wait for. */
void CpSendFileNext(CpConn *connPtr);

/* Dialling is over: files that have waited for it are sent, or fail. */
void CpSendFileDialled(CpConn *connPtr, CpError error);

CpError CpSendShutdown(CpConn *connPtr);

/* Sends the end of file, once; no send may be outstanding. */
CpError CpSendFin(CpConn *connPtr);

/* cpClose.c: the close of an open connection begins; goes on, as sends or
 * receives are back. CpConnFinish has to follow both. */
void CpCloseBegin(CpConn *connPtr);
void CpCloseAdvance(CpConn *connPtr);
void CpCloseUnlist(CpConn *connPtr);

/* Input is discarded from now on; whether it is; and a receive is back while it
 * is, which may free the connection. */
void CpDiscardBegin(CpConn *connPtr);
int CpDiscards(const CpConn *connPtr);
void CpDiscardNext(CpConn *connPtr, CpError error);

#endif /* CP_CONN_INT_H */
