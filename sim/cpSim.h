/*
 * cpSim.h --
 *
 *      Controls of the simulated port, for tests. The network, both ends of
 *      every connection, the clock and all that can go wrong are inside one
 *      thread, and follow from one seed.
 *
 *      Time is virtual: it passes in a CpPortReap that waits, and in
 *      CpSimAdvance. Whatever of the caller's breaks the contract of cpPort.h
 *      ends the process with a message, and so does a wait that nothing can
 *      end.
 */

#ifndef CP_SIM_H
#define CP_SIM_H

#include "cpPort.h"
#include "cpResolve.h"

/* What can go wrong, or come otherwise than usual. */

typedef enum CpSimFault {
    CP_SIM_LATE,             /* A completion comes later. */
    CP_SIM_REORDER,          /* A later completion is told of first. */
    CP_SIM_REAP_PART,        /* A reap leaves some for the next. */
    CP_SIM_REAP_EARLY,       /* A reap returns before its time. */
    CP_SIM_IN_FLIGHT,        /* Bytes take time to arrive. */
    CP_SIM_RECV_SHORT,       /* Fewer bytes than there are. */
    CP_SIM_RECV_FALSE_END,   /* None, when the end is on its way. */
    CP_SIM_RECV_SPURIOUS,    /* A receive of 0 bytes completes, with nothing
                                 * to receive. */
    CP_SIM_RECV_RESET_FIRST, /* A receive fails with the reset, though bytes
                                 * that came before it can be received. */
    CP_SIM_RECV_FAIL_SUBMIT, /* Over, with an error, when submitted. */
    CP_SIM_RECV_FAIL,        /* Fails when bytes come. */
    CP_SIM_SEND_FAIL_SUBMIT,
    CP_SIM_SEND_FAIL, /* Perhaps with part of its bytes sent. */
    CP_SIM_CONNECT_FAIL_SUBMIT,
    CP_SIM_CONNECT_FAIL,
    CP_SIM_ACCEPT_FAIL_SUBMIT, /* For want of handles. */
    CP_SIM_ACCEPT_FAIL,
    CP_SIM_ACCEPT_DEAD,    /* The accept of a client that is gone again
                                 * fails; otherwise the first receive. */
    CP_SIM_CANCEL_LATE,    /* A cancel takes time, and may lose. */
    CP_SIM_TRY_RECV_AGAIN, /* Nothing yet, though there is. */
    CP_SIM_TRY_RECV_SHORT,
    CP_SIM_TRY_RECV_FAIL,
    CP_SIM_TRY_SEND_AGAIN,
    CP_SIM_TRY_SEND_SHORT,
    CP_SIM_TRY_SEND_FAIL,
    CP_SIM_RESET_KEEPS, /* What came before a reset can be read. */
    CP_SIM_NO_HANDLE,   /* CpHandleOpen */
    CP_SIM_BIND_FAIL,
    CP_SIM_LISTEN_FAIL,
    CP_SIM_SHUTDOWN_FAIL,
    CP_SIM_NO_MEMORY, /* CpMalloc, CpCalloc */
    CP_SIM_RESOLVE_FAIL_SUBMIT,
    CP_SIM_RESOLVE_UNKNOWN,  /* The resolver says no. */
    CP_SIM_FILE_SHRINKS,     /* A file ends within what is to be sent. */
    CP_SIM_FILE_SHORT_FAILS, /* Its send fails, instead of moving fewer. */
    CP_SIM_FILE_READ_FAIL,

    /* Rules of Windows, see CpSimSetWindows. Those marked * always hold: their
     * rate means nothing, and they are counted where they cost something. */
    CP_SIM_RESET_DISCARDS, /* * A reset discards bytes that nobody has read,
                            * unless CP_SIM_RESET_KEEPS comes. */
    CP_SIM_CLOSE_DISCARDS, /* A reset that an end causes, as by a close with
                            * unread input, discards its unsent output. */
    CP_SIM_PROCESS_RESETS, /* * A process ends with this socket open. */
    CP_SIM_REFUSE_RESETS,  /* * Input comes after SD_RECEIVE, or was there. */
    CP_SIM_FILE_WAITS,     /* * A file is not sent before another one is. */
    CP_SIM_FILE_SHARED,    /* The driver's handle of a file shares the position
                            * of its caller's. */
    CP_SIM_REFUSED_LATE,   /* A connect that is refused is tried again. */
    CP_SIM_SEND_WHOLE,     /* The system takes all bytes of a send, whatever the
                            * peer has room for. */
    CP_SIM_ABORTED,        /* The driver's end of a connection that is reset
                            * reports CP_ECONNABORTED. */
    CP_SIM_ANY_STATUS,     /* An operation that fails does so with any error
                            * that a system reports, sensible or not. */
    CP_SIM_FOREIGN,        /* A packet of no operation comes to a port. */
    CP_SIM_FAULT_COUNT
} CpSimFault;

const char *CpSimFaultName(CpSimFault fault);

/* ------------------------------------------------------- the world */

/*
 * CpSimStart --
 *
 *      A new world without faults. The seed decides all that is left to
 *      chance; hint is said when the process ends for a failure (how to have
 *      it again) and may be NULL.
 */

void CpSimStart(uint64_t seed, const char *hint);

/*
 * CpSimEnd --
 *
 *      The world's end. Peers are gone with it; it is a failure if anything of
 *      the driver's is left: handles, ports, operations, memory.
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

/* What is left to chance from now on follows from another seed. */
void CpSimReseed(uint64_t seed);

/*
 * CpSimCutOnDeadlock --
 *
 *      Where a wait for ever that nothing can end is no mistake, the cable is
 *      pulled then (CpSimCut), which ends it. Off in a new world.
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

/* How many are left. */
size_t CpSimBytesLeft(void);

/* Time passes; what it brings happens, and sleepers are woken. */
void CpSimAdvance(uint32_t ms);

/* Milliseconds until the next thing happens by itself; -1 for never. */
int64_t CpSimNextMs(void);

/* ------------------------------------------------------------ faults */

/* How often a fault comes, of 1000 opportunities. */
void CpSimSetFault(CpSimFault fault, unsigned perMille);

/*
 * CpSimFailNth --
 *
 *      The fault comes at its nth opportunity from now (1 is the next), and at
 *      those after it, times in all. Where it is an error it is this one, or,
 *      with CP_OK, one by chance of those that fit.
 */

void CpSimFailNth(CpSimFault fault, unsigned nth, unsigned times,
    CpError error);

/* The next send that succeeds says that it has moved no bytes: a port that
 * breaks the contract. */
void CpSimBreakSend(void);

/* How often it has come since the process began: over all worlds. */
uint64_t CpSimTaken(CpSimFault fault);

/*
 * CpSimSetWindows --
 *
 *      The world is like Windows, or no longer so. The seed decides how often
 *      each of its rules comes. What only Wine does never comes: a reset
 *      discards unread bytes, a receive fails only if there are none, and a
 *      TransmitFile of a file that is too short fails. Two of these run at a
 *      time, and the clock has steps of 15.625 ms.
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

/* Whether CpSendFileIsLimited says so; not at first. */
void CpSimSetFilesLimited(int on);

/* How many CpSubmitSendFile the system carries out at a time; 0, at first, is
 * any number. */
void CpSimSetFileSlots(unsigned count);

/* A host name; without an address it is known to be wrong. */
void CpSimSetName(const char *name, const CpAddr *addrs, unsigned count);

/* ------------------------------------------------------------- peers */

/*
 * The other side of a connection, outside of the driver. Calls return at
 * once. A peer that does not receive stalls its sender.
 */

typedef struct CpSimPeer CpSimPeer;

/* What CpFileOpen takes the address of here. It may change. */

typedef struct CpSimFile {
    const unsigned char *bytes;
    size_t sizeBytes;
    uint64_t position; /* Of the caller's handle. */
    int isShared;      /* The driver's own moves it: CP_SIM_FILE_SHARED. */
} CpSimFile;

/* NULL when nobody listens there or the backlog is full. */
CpSimPeer *CpSimPeerConnect(const CpAddr *addrPtr);

/* Listens on any port where the address has none, and says on which. */
CpSimPeer *CpSimPeerListen(CpAddr *addrPtr, int backlog);

/* The client that waits longest, or NULL. */
CpSimPeer *CpSimPeerAccept(CpSimPeer *listenerPtr);

/* How many bytes were moved. */
size_t CpSimPeerSend(CpSimPeer *peerPtr, const void *srcPtr,
    size_t lengthBytes);
size_t CpSimPeerRecv(CpSimPeer *peerPtr, void *destPtr, size_t lengthBytes);

/* All that came is received, and the end of file behind it. */
int CpSimPeerEof(const CpSimPeer *peerPtr);
int CpSimPeerIsReset(const CpSimPeer *peerPtr);

/* Why an end was reset, or is about to be. */

typedef enum CpSimCause {
    CP_SIM_CAUSE_NONE,    /* It is not. */
    CP_SIM_CAUSE_ABORT,   /* The other end wanted it. */
    CP_SIM_CAUSE_UNREAD,  /* The other end was closed with unread input. */
    CP_SIM_CAUSE_LATE,    /* This end has sent to one that was closed. */
    CP_SIM_CAUSE_REFUSED, /* One of the ends refuses input. */
    CP_SIM_CAUSE_PROCESS, /* The driver's process has ended. */
    CP_SIM_CAUSE_CUT      /* The cable was pulled. */
} CpSimCause;

CpSimCause CpSimPeerCause(const CpSimPeer *peerPtr);

/*
 * Sends an urgent byte. Nobody receives it, but receives of 0 bytes complete
 * until the system was asked for bytes that are behind it.
 */

void CpSimPeerUrgent(CpSimPeer *peerPtr);

/* Sends FIN. */
void CpSimPeerShutdown(CpSimPeer *peerPtr);

/* Refuses further data, as by SD_RECEIVE. From then on it receives nothing, no
 * end of file either. */
void CpSimPeerRefuse(CpSimPeer *peerPtr);

/* The addresses of its own end and of the other one. */
void CpSimPeerNames(const CpSimPeer *peerPtr, CpAddr *localPtr,
    CpAddr *remotePtr);

/* Both free the peer. With bytes unread a close is a reset. */
void CpSimPeerClose(CpSimPeer *peerPtr);
void CpSimPeerReset(CpSimPeer *peerPtr);

/* How many bytes were received at this end, by receives and attempts. */
uint64_t CpSimReceived(const CpHandle *handlePtr);

/* Whether a receive at this end was told of a reset, faults included; and
 * whether this end reports its reset as CP_ECONNABORTED. */
int CpSimReportedReset(const CpHandle *handlePtr);
int CpSimIsAborted(const CpHandle *handlePtr);

/* The cable is pulled: every connection is reset, on both sides. */
void CpSimCut(void);

/* Addresses without a resolver: 127.0.0.1 with that port, and ::1. */
CpAddr CpSimAddr4(uint32_t host, unsigned port);
CpAddr CpSimAddr6(uint32_t host, unsigned port);

#define CP_SIM_LOCALHOST 0x7f000001u   /* For CpSimAddr4. */
#define CP_SIM_SILENT 0x0a000001u      /* 10.x: never answers. */
#define CP_SIM_UNREACHABLE 0xc0000201u /* 192.0.2.x: no way there. */

#endif /* CP_SIM_H */
