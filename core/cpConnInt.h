/*
 * cpConnInt.h --
 *
 *      The connection's structure, shared by cpConn.c, cpRecv.c and cpSend.c.
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

    /* Receiving: cpRecv.c */
    CpRecvMode recvMode;
    CpOp probe;
    unsigned probePending : 1;
    unsigned probeStale : 1; /* Something was taken since its submit: its
                                 * completion says nothing. */
    unsigned probed : 1;     /* A probe found something, not yet taken. */
    unsigned watchRead : 1;
    unsigned recvShut : 1; /* Half-closed for reading. */
    unsigned endSeen : 1;  /* A posted buffer came back with nothing. */
    unsigned eof : 1;
    unsigned quick : 1;       /* The last look found something at once. */
    unsigned sendShut : 1;    /* Half-closed for writing. */
    CpError recvError;        /* Sticky. */
    uint32_t recvBytes;       /* Size of the next posted buffer. */
    unsigned recvDepth;       /* Buffers wanted outstanding. */
    unsigned recvBufs;        /* In recvQueue. */
    unsigned recvBufsPending; /* Of these, outstanding. */
    CpBufQueue recvQueue;     /* In the order of the bytes. */
    uint64_t bytesIn;

    /* Sending: cpSend.c */
    unsigned sendCap;
    unsigned sendPending;
    CpError sendError;          /* The first, sticky. */
    unsigned sendErrorTold : 1; /* A write or read has returned it. */
    CpBuf *joinedPtr;           /* Small writes, not posted yet; only while
                                 * sends are outstanding. */
    CpFileSend *fileSendPtr;    /* The first of the files: sent as soon as no
                                 * send is outstanding. */
    uint64_t sendBuffered;
    uint64_t bytesOut;

    /* Closing: cpClose.c */
    CpClosePhase closePhase;
    unsigned finSent : 1;       /* The peer was sent the end of file. */
    unsigned aborted : 1;       /* Its close is a reset. */
    unsigned inputLeft : 1;     /* Input has come that nobody will read. */
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

/* Posts what the mode wants posted, if the reader watches. */
void CpRecvRefill(CpConn *connPtr);

/* Cancels all receives. */
void CpRecvStop(CpConn *connPtr);
void CpRecvFree(CpConn *connPtr);

/* Frees what was received and not read; whether there were any bytes. */
int CpRecvDrop(CpConn *connPtr);
int CpRecvReady(const CpConn *connPtr);
unsigned CpRecvPending(const CpConn *connPtr);
uint64_t CpRecvBuffered(const CpConn *connPtr);

int CpSendReady(const CpConn *connPtr);

/* Why nothing can be sent any more, of which the caller tells; or CP_OK. */
CpError CpSendRefusal(CpConn *connPtr);

/* A send is over: what waits for that goes on. */
void CpSendSettle(CpConn *connPtr);

/* cpSendFile.c: nothing is outstanding that the file has to wait for. */
void CpSendFileNext(CpConn *connPtr);

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
