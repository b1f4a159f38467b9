/*
 * cpConnInt.h --
 *
 *      The connection's structure. cpConn.c and the files of receiving, sending
 *      and closing share it.
 */

#ifndef CP_CONN_INT_H
#define CP_CONN_INT_H

#include "cpBuf.h"
#include "cpClose.h"
#include "cpConn.h"
#include "cpDial.h"

typedef struct CpFileSend CpFileSend;

/* The progress of closing a connection that was open. */

typedef enum CpClosePhase {
    CP_CLOSE_NONE,      /* It is not closing, or never was open. */
    CP_CLOSE_SENDING,   /* Sends are outstanding; input is discarded. */
    CP_CLOSE_CHECKING,  /* Cancelled receives will say if input is left. */
    CP_CLOSE_LINGERING, /* Input is discarded until the peer's end. */
    CP_CLOSE_ENDING     /* It ends when nothing is outstanding. */
} CpClosePhase;

struct CpConn {
    CpPort *portPtr;     /* The owner's; NULL between owners. */
    CpHandle *handlePtr; /* NULL while dialling. If dialling failed: the
                          * handle of the last attempt, or NULL. */
    CpDial *dialPtr;     /* Not NULL exactly in CP_CONN_DIALLING, and in
                          * CP_CONN_CLOSING until dialling has ended. */
    CpConnState state;
    CpError dialError; /* Why dialling failed, until it is reported. */
    char *dialMessage; /* The resolver's message, or NULL. */
    CpConnProc *proc;  /* In CP_CONN_CLOSING: the closedProc. */
    void *clientData;

    /* Receiving: cpRecv.c, cpRecvZero.c, cpRecvBuf.c */
    CpRecvMode recvMode;
    CpOp zeroByteOp;              /* The zero-byte receive; while input is
                                   * discarded, the receive that does it. */
    unsigned zeroBytePending : 1; /* zeroByteOp is outstanding. */
    unsigned inputFound : 1;      /* The system has input that no read took. */
    unsigned dataLikely : 1;   /* The last receive found its bytes at once. */
    unsigned knownDrained : 1; /* The system had no more than the queue has
                                * when it was asked, a moment ago. */
    unsigned watchRead : 1;    /* The reader wants to know of input. */
    unsigned recvShut : 1;     /* Reading was shut down. */
    unsigned exposed : 1;      /* Strangers use the socket (CpConnExpose). */
    unsigned endSeen : 1;      /* A submitted buffer came back empty: this is
                                * probably the end of file. */
    unsigned eof : 1;          /* The end of file was read. */
    unsigned recvStopped : 1;  /* An outstanding receive was cancelled. */
    unsigned sendShut : 1;     /* Writing was shut down. */
    unsigned burstBufs : 5;    /* CpBurst. */
    unsigned burstUnits : 9;
    CpError recvFailure;      /* Of the first receive that failed. The system
                                * may still have bytes in front of it. */
    CpError recvError;        /* Not CP_OK: no byte can come any more. */
    uint32_t readBytes;       /* The last read's length, within limits. */
    uint32_t recvBytes;       /* The size of the next submitted buffer. */
    unsigned recvDepth;       /* So many buffers may be in the queue. */
    unsigned recvBufs;        /* So many are there, */
    unsigned recvBufsPending; /* and so many of these are outstanding. */
    CpList recvQueue;         /* CpBufs in the order of their bytes. */
    uint64_t bytesIn;

    /* Sending: cpSend.c, cpSendFile.c */
    unsigned sendCap;               /* So many sends may be outstanding. */
    unsigned sendPending;           /* So many are. */
    CpError sendError;              /* Of the first send that failed. */
    unsigned sendErrorReported : 1; /* A write or read has returned it. */
    CpBuf *joinedPtr;               /* Small writes that wait for outstanding
                                     * sends; NULL without any. */
    CpList fileSends;               /* CpFileSends, one after the other. The
                                     * first one is sent as soon as there is a
                                     * connection and no other send. */
    uint64_t sendBuffered;          /* Bytes written and not sent. */
    uint64_t bytesOut;

    /* Closing: cpClose.c */
    CpClosePhase closePhase;
    unsigned finSent : 1;       /* The peer was sent the end of file. */
    unsigned aborted : 1;       /* The close is a reset. */
    unsigned inputLeft : 1;     /* Input has come that nobody will read. */
    unsigned inputNone : 1;     /* There was no input a moment ago. */
    unsigned cancelTells : 1;   /* A receive that returns cancelled proves
                                   * that there was no input. */
    unsigned char discarded[8]; /* Where discarded bytes are received. */
    uint32_t closeTimeoutMs;    /* 0: none. */
    uint64_t closeDueMs;        /* When it is over; 0: it has not begun. */
    uint64_t lingerEndMs;       /* In CP_CLOSE_LINGERING: when that ends. */
    uint64_t lingerIdleMs;      /* The same, unless input comes. */
    uint64_t closeSortMs;       /* Its key in the list. */
    CpCloseList *closeListPtr;  /* The list it is in, or NULL. */
    CpListNode closeNode;
};

/* Calls the user's proc. The connection must not be closing. */
void CpConnNotify(CpConn *connPtr);

/* CP_OK if bytes can be read and written; CP_EAGAIN while dialling. */
CpError CpConnUsable(const CpConn *connPtr);

/* Ends a closing connection if nothing is outstanding. May free it. */
void CpConnFinish(CpConn *connPtr);

/* ------------------------------------------------------------ cpRecv.c */

/* The strategy: bytes may be taken ahead of the reader without a receive, or
 * receives have buffers. */
int CpRecvTakesAhead(const CpConn *connPtr);
int CpRecvUsesBuffers(const CpConn *connPtr);

/* No byte can come any more. */
int CpRecvEnded(const CpConn *connPtr);
int CpRecvReady(const CpConn *connPtr);

/* How many receives are outstanding. */
unsigned CpRecvPending(const CpConn *connPtr);

/* The queue. First is the buffer with the reader's next bytes, or NULL; Drop
 * removes the front one. Discard frees all buffers that are not outstanding,
 * and returns whether they had bytes. Buffered counts unread bytes. */
CpBuf *CpRecvFirst(const CpConn *connPtr);
void CpRecvAppend(CpConn *connPtr, CpBuf *bufPtr);
void CpRecvDrop(CpConn *connPtr);
uint64_t CpRecvBuffered(const CpConn *connPtr);
int CpRecvDiscard(CpConn *connPtr);
void CpRecvFree(CpConn *connPtr);

/* So many bytes were received. */
void CpRecvCount(CpConn *connPtr, size_t bytes);

/*
 * CpRecvTry --
 *
 *      Takes bytes from the system without waiting, and records the end and
 *      errors.
 *
 * Results:
 *      As CpConnRead.
 */

CpError CpRecvTry(CpConn *connPtr, void *destPtr, size_t lengthBytes,
    size_t *bytesPtr);

/* The two steps of a read: bytes of the queue, of which it returns the number;
 * and with an empty queue, bytes of the system. */
size_t CpRecvReadQueue(CpConn *connPtr, char *destPtr, size_t lengthBytes);
CpError CpRecvReadSystem(CpConn *connPtr, void *destPtr, size_t lengthBytes,
    size_t *bytesPtr);

/* Submits receives if the reader watches. */
void CpRecvRearm(CpConn *connPtr);

/* Cancels all receives. */
void CpRecvStop(CpConn *connPtr);

/* A receive has completed, well or badly. */
void CpRecvCompleted(CpConn *connPtr);

/* A receive has completed with this error. */
void CpRecvLatchFailure(CpConn *connPtr, CpError error);

/* -------------------------------------------------------- cpRecvZero.c */

void CpRecvSubmitZeroByte(CpConn *connPtr);
CpError CpRecvReadZeroByte(CpConn *connPtr, void *destPtr, size_t lengthBytes,
    size_t *bytesPtr);

/* A receive says that there is input, which need not be true. If it is, the
 * connection becomes readable. */
void CpRecvCheck(CpConn *connPtr);

/* --------------------------------------------------------- cpRecvBuf.c */

void CpRecvSubmitBuffers(CpConn *connPtr);
void CpRecvCancelBuffers(CpConn *connPtr);
CpError CpRecvReadBuffers(CpConn *connPtr, void *destPtr, size_t lengthBytes,
    size_t *bytesPtr);

/* Removes completed buffers without bytes from the front of the queue. */
void CpRecvDropEmpty(CpConn *connPtr);

/* ------------------------------------------------------------ cpSend.c */

int CpSendReady(const CpConn *connPtr);

/* Why nothing can be sent any more, or CP_OK. The caller reports it. */
CpError CpSendReportError(CpConn *connPtr);

/* A send has completed: what has waited for it goes on. May free the
 * connection. */
void CpSendPump(CpConn *connPtr);

/* A buffer of at most CP_SEND_BYTES_MAX, smaller if memory is short; NULL
 * without any. */
CpBuf *CpSendBufNew(size_t sizeBytes);
CpError CpSendShutdown(CpConn *connPtr);

/* Sends the end of file, once. No send may be outstanding. */
CpError CpSendFin(CpConn *connPtr);

/* -------------------------------------------------------- cpSendFile.c */

#ifndef CP_NO_FILES

/* Starts the first file. No send may be outstanding. */
void CpSendFileNext(CpConn *connPtr);

/* Dialling has ended: files that have waited for it are sent, or fail. */
void CpSendFileDialled(CpConn *connPtr, CpError error);

#else /* CP_NO_FILES: there are no files to send. */

#define CpSendFileNext(connPtr) ((void) 0)
#define CpSendFileDialled(connPtr, error) ((void) 0)

#endif /* CP_NO_FILES */

/* ----------------------------------------------------------- cpClose.c */

/* Begin the close of an open connection, and continue it when sends or receives
 * have completed. CpConnFinish has to follow both. */
void CpCloseBegin(CpConn *connPtr);
void CpCloseAdvance(CpConn *connPtr);
void CpCloseUnlist(CpConn *connPtr);

/* Input is discarded from now on; whether it is; and a receive has completed
 * while it is, which may free the connection. */
void CpDiscardBegin(CpConn *connPtr);
int CpDiscards(const CpConn *connPtr);
void CpDiscardNext(CpConn *connPtr, CpError error);

#endif /* CP_CONN_INT_H */
