/*
 * cpConn.h --
 *
 *      One TCP connection: dialling, receiving, sending, half-close and close.
 *      Every function is called by the thread that owns the connection.
 */

#ifndef CP_CONN_H
#define CP_CONN_H

#include "cpPort.h"
#include "cpResolve.h"

typedef struct CpConn CpConn;

typedef enum CpConnState {
    CP_CONN_DIALLING, /* No connection yet. */
    CP_CONN_OPEN,
    CP_CONN_FAILED, /* Dialling failed; waits for its close. */
    CP_CONN_CLOSING /* Closed by its user; ends by itself. */
} CpConnState;

typedef enum CpRecvMode {
    CP_RECV_ADAPTIVE,        /* A probe while idle; reads ahead into a
                                 * buffer when the peer answers at once, and
                                 * when it sends faster than the reader's own
                                 * buffer takes. */
    CP_RECV_ZERO_BYTE,       /* A probe, then straight to the reader. */
    CP_RECV_FLOW_CONTROLLED, /* One buffer, posted anew by the reader. */
    CP_RECV_BURST_DETECTION  /* As many as the burst wants. */
} CpRecvMode;

/*
 * Limits. What is received and unread stays under depth * bytes, 1 MiB; what
 * is written and not taken by the system under CP_SEND_CAP_MAX * bytes.
 */

#define CP_RECV_BYTES_MIN 4096
#define CP_RECV_BYTES_MAX 65536
#define CP_RECV_DEPTH_MAX 16
#define CP_SEND_BYTES_MIN 1024
#define CP_SEND_BYTES_MAX 65536
#define CP_SEND_CAP_DEFAULT 4
#define CP_SEND_CAP_MAX 64

typedef struct CpConnStats {
    uint64_t bytesIn;
    uint64_t bytesOut;
    unsigned recvPending;  /* Receives and probes outstanding. */
    unsigned sendPending;  /* Sends outstanding. */
    uint64_t recvBuffered; /* Bytes received and not read. */
    uint64_t sendBuffered; /* Bytes written and not sent. */
} CpConnStats;

/*
 * Called out of CpPortReap when the state or what is ready may have changed.
 * It must neither close the connection nor reap.
 */

typedef void CpConnProc(void *clientData);

/*
 * CpConnDial --
 *
 *      A connection that dials (see CpDialStart). When no attempt could be
 *      started the state is CP_CONN_FAILED at once.
 *
 * Results:
 *      The connection, or NULL when there is no memory.
 */

CpConn *CpConnDial(CpPort *portPtr, CpResolved *resolvedPtr, int wait,
    CpConnProc *proc, void *clientData);

/* The same by names (see CpDialStartName). */
CpConn *CpConnDialName(CpPort *portPtr, const CpTarget *targetPtr,
    CpConnProc *proc, void *clientData);

/* In CP_CONN_DIALLING: names are being looked up. */
int CpConnResolving(const CpConn *connPtr);

/* An open connection over an accepted handle; NULL when out of memory, and
 * the handle stays the caller's. */
CpConn *CpConnAccepted(CpPort *portPtr, CpHandle *handlePtr, CpConnProc *proc,
    void *clientData);

/*
 * CpConnRead --
 *
 *      Moves received bytes to the caller. A reset peer reads as end of file;
 *      a send that failed otherwise is told when there is nothing to read.
 *
 * Results:
 *      CP_OK and *bytesPtr (0 is end of file), CP_EAGAIN when there is nothing
 *      yet, or an error.
 */

CpError CpConnRead(CpConn *connPtr, void *destPtr, size_t lengthBytes,
    size_t *bytesPtr);

/*
 * CpConnWrite --
 *
 *      Takes bytes to send: hands them to the system at once, or copies them.
 *      With join they may wait until earlier ones are gone, and then go along
 *      with others: for many small writes, by a caller that reaps soon.
 *
 * Results:
 *      CP_OK and *bytesPtr, at least 1 and perhaps less than asked; CP_EAGAIN
 *      when the send cap is reached; the error of this or an earlier send.
 */

CpError CpConnWrite(CpConn *connPtr, const void *srcPtr, size_t lengthBytes,
    int join, size_t *bytesPtr);

/* CP_READ and CP_WRITE: what would not answer CP_EAGAIN. */
int CpConnReady(const CpConn *connPtr);

/*
 * A file was sent, or a part of it: bytesSent, and CP_OK or why there are no
 * more. Called out of CpPortReap, also behind a close of the connection, whose
 * owner may be another thread's by then; it must do neither.
 */

typedef void CpSentProc(void *clientData, uint64_t bytesSent, CpError error);

/*
 * CpConnSendFile --
 *
 *      Sends lengthBytes, at least 1, of a file from an offset, behind all that
 *      was written and all files before it. In CP_CONN_DIALLING it waits for
 *      the connection, and fails with it. Until proc is called, which is
 *      exactly once, nothing can be written. The file is the connection's from
 *      then on. If it turns out to be shorter, proc gets CP_ETRUNCATED and no
 *      more can be sent: the peer would take what follows for the missing
 *      bytes.
 *
 * Results:
 *      CP_OK, or why nothing can be sent: then the file stays the caller's and
 *      proc is not called.
 */

CpError CpConnSendFile(CpConn *connPtr, CpFile *filePtr, uint64_t offset,
    uint64_t lengthBytes, CpSentProc *proc, void *clientData);

/*
 * CpConnBreakSends --
 *
 *      Something that was to be sent here cannot be, and the caller reports
 *      that: nothing else is sent, as the peer would take it for that.
 */

void CpConnBreakSends(CpConn *connPtr, CpError error);

/*
 * Whether receives are kept posted, so that readiness is noticed. Turned on
 * again when something was read: a read itself posts no probe.
 */

void CpConnWatchRead(CpConn *connPtr, int on);

/* What was taken without a receive may not be all any more: the next read looks
 * for more behind it. */
void CpConnForgetDrained(CpConn *connPtr);

/*
 * CpConnExpose --
 *
 *      Somebody else has the handle's native socket, and may receive from it
 *      and send to it: from now on the driver takes no bytes but those that a
 *      CpConnRead asks for, in every receive mode. What it had taken before
 *      stays its reader's. May reap.
 */

void CpConnExpose(CpConn *connPtr);

/* Posts receives once, for a caller that is going to reap if there is nothing
 * to read after it, and to read. */
void CpConnSubmitRecv(CpConn *connPtr);

/* Bytes wait to be taken by the system. */
int CpConnSending(const CpConn *connPtr);

/*
 * What the first failed send failed with, unless a write or read has returned
 * it: for a close to report. CP_OK without one.
 */

CpError CpConnUnreportedError(const CpConn *connPtr);

/*
 * CpConnShutdown --
 *
 *      Half-close. The write side's end of file follows all that was written.
 *      What comes for a read side that is closed is discarded. While dialling
 *      it is carried out when there is a connection.
 */

CpError CpConnShutdown(CpConn *connPtr, int directions);

/*
 * CpConnClose --
 *
 *      Closes: stops receiving, sends what was written (if files wait for the
 *      connection, once it is there), discards input that would make it a
 *      reset (cpClose.h), closes the handle and frees the
 *      connection. closedProc is called once at the end, perhaps
 *      before this returns; no other call follows.
 */

void CpConnClose(CpConn *connPtr, CpConnProc *closedProc, void *clientData);

/* As CpHandleMove. */
void CpConnMove(CpConn *connPtr, CpPort *portPtr);

CpConnState CpConnGetState(const CpConn *connPtr);

/* Why dialling failed: given once, then CP_OK. */
CpError CpConnTakeError(CpConn *connPtr);

/* What the resolver said, where it is to blame; otherwise NULL. */
const char *CpConnDialMessage(const CpConn *connPtr);

/*
 * Options of the socket; while dialling, of each one that is tried. CP_ENOTCONN
 * where there is none.
 */

CpError CpConnSetOpt(CpConn *connPtr, CpSockOpt opt, int value);
CpError CpConnGetOpt(CpConn *connPtr, CpSockOpt opt, int *valuePtr);

/* NULL while there is none. */
CpHandle *CpConnHandle(const CpConn *connPtr);

CpRecvMode CpConnRecvMode(const CpConn *connPtr);
void CpConnSetRecvMode(CpConn *connPtr, CpRecvMode mode);
unsigned CpConnSendCap(const CpConn *connPtr);

/* 0 lets only that be written which the system takes at once. */
void CpConnSetSendCap(CpConn *connPtr, unsigned cap);
void CpConnGetStats(const CpConn *connPtr, CpConnStats *statsPtr);

#endif /* CP_CONN_H */
