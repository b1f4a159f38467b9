/*
 * cpSim.h --
 *
 *      Controls of the simulated port, for tests. The network, both ends of
 *      every connection, the clock and all faults are in one thread, and one
 *      seed determines them.
 *
 *      Time is virtual: it passes in a CpPortReap that waits, and in
 *      CpSimAdvance. If the caller breaks the contract of cpPort.h, the process
 *      ends with a message. A wait that nothing can end does the same.
 */

#ifndef CP_SIM_H
#define CP_SIM_H

#include "cpPort.h"
#include "cpResolve.h"

/* Faults, and unusual behaviour that is allowed. */

typedef enum CpSimFault {
    CP_SIM_LATE,           /* A completion comes later. */
    CP_SIM_REORDER,        /* A later completion is reported first. */
    CP_SIM_REAP_PART,      /* A reap leaves some for the next. */
    CP_SIM_REAP_EARLY,     /* A reap returns before its time. */
    CP_SIM_IN_FLIGHT,      /* Bytes take time to arrive. */
    CP_SIM_RECV_SHORT,     /* Fewer bytes than there are. */
    CP_SIM_RECV_FALSE_END, /* No bytes, although only the end is on its way. */
    CP_SIM_RECV_SPURIOUS,  /* A zero-byte receive completes with nothing
                                 * to receive. */
    CP_SIM_RECV_RESET_FIRST, /* A receive fails with the reset, though bytes
                                 * that came before it can be received. */
    CP_SIM_RECV_FAIL_SUBMIT, /* A receive fails at its submit. */
    CP_SIM_RECV_FAIL,        /* Fails when bytes come. */
    CP_SIM_SEND_FAIL_SUBMIT,
    CP_SIM_SEND_FAIL, /* Perhaps with part of its bytes sent. */
    CP_SIM_CONNECT_FAIL_SUBMIT,
    CP_SIM_CONNECT_FAIL,
    CP_SIM_ACCEPT_FAIL_SUBMIT, /* For lack of handles. */
    CP_SIM_ACCEPT_FAIL,
    CP_SIM_ACCEPT_DEAD,    /* The accept of a client that has left fails;
                                 * otherwise its first receive does. */
    CP_SIM_CANCEL_LATE,    /* A cancel takes time, and may lose. */
    CP_SIM_TRY_RECV_AGAIN, /* CP_EAGAIN, although there is something. */
    CP_SIM_TRY_RECV_SHORT,
    CP_SIM_TRY_RECV_FAIL,
    CP_SIM_TRY_SEND_AGAIN,
    CP_SIM_TRY_SEND_SHORT,
    CP_SIM_TRY_SEND_FAIL,
    CP_SIM_RESET_KEEPS, /* Bytes before a reset can be read. */
    CP_SIM_NO_HANDLE,   /* CpHandleOpen */
    CP_SIM_BIND_FAIL,
    CP_SIM_LISTEN_FAIL,
    CP_SIM_SHUTDOWN_FAIL,
    CP_SIM_NO_MEMORY, /* CpMalloc, CpCalloc */
    CP_SIM_RESOLVE_FAIL_SUBMIT,
    CP_SIM_RESOLVE_UNKNOWN,  /* The resolver does not know the name. */
    CP_SIM_FILE_SHRINKS,     /* A file becomes shorter while it is sent. */
    CP_SIM_FILE_SHORT_FAILS, /* Its send fails, instead of moving fewer. */
    CP_SIM_FILE_READ_FAIL,

    /* Rules of Windows, see CpSimSetWindows. Those marked * always hold. Their
     * rate has no meaning, and they are counted when they have an effect. */
    CP_SIM_RESET_DISCARDS, /* * A reset discards bytes that were not read,
                            * unless CP_SIM_RESET_KEEPS comes. */
    CP_SIM_CLOSE_DISCARDS, /* A reset that an end causes, as by a close with
                            * unread input, discards its unsent output. */
    CP_SIM_PROCESS_RESETS, /* * A process ends with this socket open. */
    CP_SIM_REFUSE_RESETS,  /* * There is input at SD_RECEIVE, or later. */
    CP_SIM_FILE_WAITS,     /* * A file waits until another one is sent. */
    CP_SIM_FILE_SHARED,    /* The driver's handle of a file shares the position
                            * of its caller's. */
    CP_SIM_REFUSED_LATE,   /* A refused connect is repeated. */
    CP_SIM_SEND_WHOLE,     /* The system takes all bytes of a send, however
                            * little room the peer has. */
    CP_SIM_ABORTED,        /* The driver's end of a connection that is reset
                            * reports CP_ECONNABORTED. */
    CP_SIM_ANY_STATUS,     /* An operation fails with any error that a system
                            * reports, sensible or not. */
    CP_SIM_FOREIGN,        /* A packet comes that belongs to no operation. */

    /* Datagrams: cpUdpSim.c. Those marked * hold as above. */
    CP_SIM_UDP_LOSE,        /* A datagram is lost. It also counts those that a
                             * socket has no room for. */
    CP_SIM_UDP_TWICE,       /* It arrives twice. */
    CP_SIM_UDP_LATE,        /* It takes time, so that others overtake it. */
    CP_SIM_UDP_TELLS_LESS,  /* The system only tells its sender. */
    CP_SIM_UDP_UNREACHABLE, /* * Nobody has the port that it is for. */
    CP_SIM_FAULT_COUNT
} CpSimFault;

const char *CpSimFaultName(CpSimFault fault);

/* ------------------------------------------------------- the world */

/*
 * CpSimStart --
 *
 *      Starts a new world without faults. The seed determines every random
 *      choice. hint says how to repeat a failure, and is printed with it; it
 *      may be NULL.
 */

void CpSimStart(uint64_t seed, const char *hint);

/*
 * CpSimEnd --
 *
 *      Ends the world and its peers. It is a failure if the driver still has a
 *      handle, a port, an operation or memory.
 */

void CpSimEnd(void);

/* Ends the process, with the seed and the hint. */
_Noreturn void CpSimFail(const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 1, 2)))
#endif
    ;

/* A number below bound, from the seed. */
uint32_t CpSimRandom(uint32_t bound);

/* Another seed determines the random choices from now on. */
void CpSimReseed(uint64_t seed);

/*
 * CpSimCutOnDeadlock --
 *
 *      If a wait without a limit that nothing can end is no mistake of the
 *      test, all peers become unreachable then (CpSimCut), and each datagram
 *      socket gets a datagram. That ends it. Off in a new world.
 */

void CpSimCutOnDeadlock(int on);

/*
 * CpSimUseBytes --
 *
 *      Lets a fuzzer choose: CpSimRandom draws from these bytes until they are
 *      used up, then from the seed; one for a bound of up to 256, else as many
 *      as it needs. They stay the caller's. CpSimStart ends it.
 */

void CpSimUseBytes(const unsigned char *bytes, size_t count);

/* How many of them are left. */
size_t CpSimBytesLeft(void);

/* Lets time pass. Events that are due happen, and sleepers are woken. */
void CpSimAdvance(uint32_t ms);

/* Milliseconds until the next event; -1: never. */
int64_t CpSimNextMs(void);

/* ------------------------------------------------------------ faults */

/* How often a fault comes in 1000 opportunities. */
void CpSimSetFault(CpSimFault fault, unsigned perMille);

/*
 * CpSimFailNth --
 *
 *      The fault comes at its nth opportunity from now (1 is the next), and
 *      then again, until it has come so many times. error is its error; CP_OK
 *      means a random one that fits.
 */

void CpSimFailNth(CpSimFault fault, unsigned nth, unsigned times,
    CpError error);

/* The next successful send reports that it has moved no bytes, which breaks the
 * contract. */
void CpSimBreakSend(void);

/* How often it has come in all worlds of the process. */
uint64_t CpSimTaken(CpSimFault fault);

/*
 * CpSimSetWindows --
 *
 *      Makes the world like Windows, or ends that. The seed determines how
 *      often each rule comes. Behaviour of Wine alone does not come: a reset
 *      discards unread bytes, a receive fails only if there are none, and a
 *      TransmitFile of a file that is too short fails. Two TransmitFiles run at
 *      a time, and the clock has steps of 15.625 ms.
 */

void CpSimSetWindows(int on);

/*
 * CpSimEndProcess --
 *
 *      The driver's process ends. Each of its sockets that is still open is
 *      reset, and output that the system has not sent is lost. Everything that
 *      the driver does with these sockets fails from then on, so that a test
 *      can still free what it has.
 *
 * Results:
 *      How many of them were connected.
 */

unsigned CpSimEndProcess(void);

/* How often an operation has ended with this error, over all worlds, and the
 * errors that any operation may end with: those of cpStatusSim.h. */
uint64_t CpSimErrorTaken(CpError error);
const CpError *CpSimStatusErrors(unsigned *countPtr);

/* How long CP_SIM_LATE and its like take, at most; 50 at first. */
void CpSimSetDelay(uint32_t maxMs);

/* Bytes on their way in each direction of new connections; 65536 at first. */
void CpSimSetWindow(size_t bytes);

/* Handles that can be open at once; no limit at first. */
void CpSimSetHandles(unsigned limit);

/* The answer of CpSendFileIsLimited; 0 at first. */
void CpSimSetFilesLimited(int on);

/* How many CpSubmitSendFile the system carries out at a time; 0, at first, is
 * any number. */
void CpSimSetFileSlots(unsigned count);

/* Defines a host name. Without an address the name is known to be wrong. */
void CpSimSetName(const char *name, const CpAddr *addrs, unsigned count);

/* ------------------------------------------------------------- peers */

/* The other end of a connection, outside the driver. Its calls return at once.
 * A peer that does not receive stalls its sender. */

typedef struct CpSimPeer CpSimPeer;

/* A file: CpFileOpen takes its address. The test may change it. */

typedef struct CpSimFile {
    const unsigned char *bytes;
    size_t sizeBytes;
    uint64_t position; /* Of the caller's handle. */
    int isShared;      /* The driver's own moves it: CP_SIM_FILE_SHARED. */
} CpSimFile;

/* NULL if no socket listens there, or if the backlog is full. */
CpSimPeer *CpSimPeerConnect(const CpAddr *addrPtr);

/* Listens. If the address has no port, chooses one and stores it. */
CpSimPeer *CpSimPeerListen(CpAddr *addrPtr, int backlog);

/* The client that has waited longest, or NULL. */
CpSimPeer *CpSimPeerAccept(CpSimPeer *listenerPtr);

/* How many bytes were moved. */
size_t CpSimPeerSend(CpSimPeer *peerPtr, const void *srcPtr,
    size_t lengthBytes);
size_t CpSimPeerRecv(CpSimPeer *peerPtr, void *destPtr, size_t lengthBytes);

/* Whether everything was received, and then the end of file. */
int CpSimPeerEof(const CpSimPeer *peerPtr);
int CpSimPeerIsReset(const CpSimPeer *peerPtr);

/* Why an end was reset, or will be. */

typedef enum CpSimCause {
    CP_SIM_CAUSE_NONE,    /* It was not reset. */
    CP_SIM_CAUSE_ABORT,   /* The other end asked for it. */
    CP_SIM_CAUSE_UNREAD,  /* The other end was closed with unread input. */
    CP_SIM_CAUSE_LATE,    /* This end has sent to one that was closed. */
    CP_SIM_CAUSE_REFUSED, /* One of the ends refuses input. */
    CP_SIM_CAUSE_PROCESS, /* The driver's process has ended. */
    CP_SIM_CAUSE_CUT      /* The peer became unreachable. */
} CpSimCause;

CpSimCause CpSimPeerCause(const CpSimPeer *peerPtr);

/* Sends an urgent byte. It cannot be received, but zero-byte receives complete
 * until the system is asked for bytes behind it. */

void CpSimPeerUrgent(CpSimPeer *peerPtr);

/* Sends FIN. */
void CpSimPeerShutdown(CpSimPeer *peerPtr);

/* Refuses further data, as by SD_RECEIVE. From then on the peer receives
 * nothing, not even the end of file. */
void CpSimPeerRefuse(CpSimPeer *peerPtr);

/* The addresses of its own end and of the other one. */
void CpSimPeerNames(const CpSimPeer *peerPtr, CpAddr *localPtr,
    CpAddr *remotePtr);

/* Both free the peer. A close with unread bytes is a reset. */
void CpSimPeerClose(CpSimPeer *peerPtr);
void CpSimPeerReset(CpSimPeer *peerPtr);

/* How many bytes were received at this end, by receives and attempts. */
uint64_t CpSimReceived(const CpHandle *handlePtr);

/* Whether a reset was reported to a receive at this end, including faults; and
 * whether this end reports its reset as CP_ECONNABORTED. */
int CpSimReportedReset(const CpHandle *handlePtr);
int CpSimIsAborted(const CpHandle *handlePtr);

/* Makes all peers unreachable: resets every connection, at both ends. */
void CpSimCut(void);

/* Addresses without a resolver: 127.0.0.1 with that port, and ::1. */
CpAddr CpSimAddr4(uint32_t host, unsigned port);
CpAddr CpSimAddr6(uint32_t host, unsigned port);

#define CP_SIM_LOCALHOST 0x7f000001u   /* For CpSimAddr4. */
#define CP_SIM_SILENT 0x0a000001u      /* 10.x: never answers. */
#define CP_SIM_UNREACHABLE 0xc0000201u /* 192.0.2.x: no way there. */

#endif /* CP_SIM_H */
