/*
 * cpConn.h --
 *
 *      One TCP connection: dialling, receiving, sending, half-close and close.
 *      Only the thread that owns the connection may call these functions.
 */

#ifndef CP_CONN_H
#define CP_CONN_H

#include "cpPort.h"
#include "cpResolve.h"

typedef struct CpConn CpConn;

typedef enum CpConnState {
    CP_CONN_DIALLING, /* No connection yet. */
    CP_CONN_OPEN,
    CP_CONN_FAILED, /* Dialling failed; the user has to close it. */
    CP_CONN_CLOSING /* The user has closed it; it ends by itself. */
} CpConnState;

typedef enum CpRecvMode {
    CP_RECV_ADAPTIVE,        /* A zero-byte receive while idle. Takes bytes
                              * ahead when the peer answers at once, or sends
                              * more than fits into the reader's buffer. */
    CP_RECV_ZERO_BYTE,       /* A zero-byte receive; the bytes then go
                              * straight to the reader. */
    CP_RECV_FLOW_CONTROLLED, /* One buffer; a read submits the next one. */
    CP_RECV_BURST_DETECTION  /* As many buffers as the burst fills. */
} CpRecvMode;

/*
 * Limits. Bytes that are received and unread stay under depth * bytes, 1 MiB.
 * Bytes that are written, and that the system has not taken, stay under
 * CP_SEND_CAP_MAX * bytes.
 */

#define CP_RECV_BYTES_MIN 4096
#define CP_RECV_BYTES_MAX 65536
#define CP_RECV_DEPTH_MAX 16
#define CP_BURST_UNITS_MAX \
    (CP_RECV_DEPTH_MAX * (CP_RECV_BYTES_MAX / CP_RECV_BYTES_MIN))
#define CP_SEND_BYTES_MIN 1024
#define CP_SEND_BYTES_MAX 65536
#define CP_SEND_CAP_DEFAULT 4
#define CP_SEND_CAP_MAX 64

/* How many buffers the mode burst-detection may submit at a time. */

typedef struct CpBurst {
    unsigned bufs;  /* 1 to CP_RECV_DEPTH_MAX. */
    unsigned units; /* Their size together in units of CP_RECV_BYTES_MIN, 1 to
                     * CP_BURST_UNITS_MAX. */
} CpBurst;

typedef struct CpConnStats {
    uint64_t bytesIn;
    uint64_t bytesOut;
    unsigned recvPending;  /* Receives outstanding. */
    unsigned sendPending;  /* Sends outstanding. */
    uint64_t recvBuffered; /* Bytes that are received and unread. */
    uint64_t sendBuffered; /* Bytes that are written and unsent. */
} CpConnStats;

/*
 * CpPortReap calls it when the state or the readiness may have changed. It must
 * neither close the connection nor reap.
 */

typedef void CpConnProc(void *clientData);

/*
 * CpConnDial --
 *
 *      Makes a connection that dials (see CpDialStart). If no attempt can be
 *      started, its state is CP_CONN_FAILED at once.
 *
 * Results:
 *      The connection, or NULL if there is no memory.
 */

CpConn *CpConnDial(CpPort *portPtr, CpResolved *resolvedPtr, int wait,
    CpConnProc *proc, void *clientData);

/* The same for a host name (see CpDialStartName). */
CpConn *CpConnDialName(CpPort *portPtr, const CpTarget *targetPtr,
    CpConnProc *proc, void *clientData);

/* Whether it dials and still looks up names. */
int CpConnResolving(const CpConn *connPtr);

/* Makes an open connection from an accepted handle. Without memory returns
 * NULL, and the handle stays the caller's. */
CpConn *CpConnAccepted(CpPort *portPtr, CpHandle *handlePtr, CpConnProc *proc,
    void *clientData);

/*
 * CpConnRead --
 *
 *      Moves received bytes to the caller. A reset by the peer reads as the end
 *      of file. If there is nothing to read, it reports a send that failed for
 *      another reason.
 *
 * Results:
 *      CP_OK and *bytesPtr (0 is the end of file), CP_EAGAIN if there is
 *      nothing yet, or an error.
 */

CpError CpConnRead(CpConn *connPtr, void *destPtr, size_t lengthBytes,
    size_t *bytesPtr);

/*
 * CpConnWrite --
 *
 *      Takes bytes to send: hands them to the system at once, or copies them.
 *      With join they may wait for outstanding sends, and are then sent
 *      together with others. That suits many small writes, by a caller that
 *      reaps soon.
 *
 * Results:
 *      CP_OK and *bytesPtr, at least 1 and perhaps less than lengthBytes;
 *      CP_EAGAIN if the send cap is reached; the error of this or an earlier
 *      send.
 */

CpError CpConnWrite(CpConn *connPtr, const void *srcPtr, size_t lengthBytes,
    int join, size_t *bytesPtr);

/* CP_READ and CP_WRITE: the directions that would not return CP_EAGAIN. */
int CpConnReady(const CpConn *connPtr);

#ifndef CP_NO_FILES

/*
 * A file was sent, or a part of it: bytesSent bytes, and CP_OK or the reason
 * why not all. CpPortReap calls it, perhaps after the connection was closed or
 * has moved to another thread. It must neither close the connection nor reap.
 */

typedef void CpSentProc(void *clientData, uint64_t bytesSent, CpError error);

/*
 * CpConnSendFile --
 *
 *      Sends lengthBytes, at least 1, of a file from an offset. They follow all
 *      earlier writes and files. In CP_CONN_DIALLING the file waits for the
 *      connection, and fails with it. The connection owns the file from now
 *      on. proc is called exactly once; until then nothing can be written. If
 *      the file turns out to be shorter, proc gets CP_ETRUNCATED and nothing
 *      else can be sent: the peer would take later bytes for the missing ones.
 *
 * Results:
 *      CP_OK, or the reason why nothing can be sent: then the file stays the
 *      caller's and proc is not called.
 */

CpError CpConnSendFile(CpConn *connPtr, CpFile *filePtr, uint64_t offset,
    uint64_t lengthBytes, CpSentProc *proc, void *clientData);

/*
 * CpConnBreakSends --
 *
 *      The caller cannot send some bytes that were due now, and reports that
 *      itself. Nothing else is sent: the peer would take it for these bytes.
 */

void CpConnBreakSends(CpConn *connPtr, CpError error);

#endif /* CP_NO_FILES */

/*
 * Whether receives stay submitted, so that the connection becomes readable. A
 * read submits no zero-byte receive, so the caller turns it on again behind it.
 */

void CpConnWatchRead(CpConn *connPtr, int on);

/* Time has passed: the next read asks the system for bytes behind those that
 * were taken ahead. */
void CpConnForgetDrained(CpConn *connPtr);

/*
 * CpConnExpose --
 *
 *      Other code has the handle's native socket, and may receive from it and
 *      send to it. From now on the driver takes only bytes that a CpConnRead
 *      asks for, in every receive mode. Bytes that it already has stay the
 *      reader's. May reap.
 */

void CpConnExpose(CpConn *connPtr);

/* Submits receives once, for a caller that will then read, and reap if there is
 * nothing to read. */
void CpConnSubmitRecv(CpConn *connPtr);

/* Whether bytes wait for the system to take them. */
int CpConnSending(const CpConn *connPtr);

/* The error of the first failed send, for a close to report; CP_OK without one,
 * or if a write or read has returned it. */

CpError CpConnUnreportedError(const CpConn *connPtr);

/*
 * CpConnShutdown --
 *
 *      Half-close. The end of file follows everything that was written. Input
 *      for a closed read side is discarded. While dialling, the shutdown waits
 *      for the connection.
 */

CpError CpConnShutdown(CpConn *connPtr, int directions);

/*
 * CpConnClose --
 *
 *      Closes: stops receiving, sends everything that was written (files that
 *      wait for the connection too), discards input that would turn the close
 *      into a reset (cpClose.h), closes the handle and frees the connection.
 *      closedProc is called once at the end, perhaps before this returns. No
 *      other call follows.
 */

void CpConnClose(CpConn *connPtr, CpConnProc *closedProc, void *clientData);

/* Moves it to another port, as CpHandleMove. */
void CpConnMove(CpConn *connPtr, CpPort *portPtr);

CpConnState CpConnGetState(const CpConn *connPtr);

/* Why dialling failed: returned once, then CP_OK. */
CpError CpConnTakeError(CpConn *connPtr);

/* The resolver's message if it caused the failure; otherwise NULL. */
const char *CpConnDialMessage(const CpConn *connPtr);

/*
 * Options of the socket; while dialling, of each socket that is tried.
 * CP_ENOTCONN if there is no socket.
 */

CpError CpConnSetOpt(CpConn *connPtr, CpSockOpt opt, int value);
CpError CpConnGetOpt(CpConn *connPtr, CpSockOpt opt, int *valuePtr);

/* NULL while there is no connection. */
CpHandle *CpConnHandle(const CpConn *connPtr);

CpRecvMode CpConnRecvMode(const CpConn *connPtr);
void CpConnSetRecvMode(CpConn *connPtr, CpRecvMode mode);
CpBurst CpConnBurst(const CpConn *connPtr);
void CpConnSetBurst(CpConn *connPtr, CpBurst burst);
unsigned CpConnSendCap(const CpConn *connPtr);

/* With 0 a write takes only bytes that the system takes at once. */
void CpConnSetSendCap(CpConn *connPtr, unsigned cap);
void CpConnGetStats(const CpConn *connPtr, CpConnStats *statsPtr);

#endif /* CP_CONN_H */
