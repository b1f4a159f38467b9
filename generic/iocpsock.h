/*
 * iocpsock.h --
 *
 *      What the files of the Tcl side share.
 */

#ifndef IOCPSOCK_H
#define IOCPSOCK_H

#include <tcl.h>

#include "cpClose.h"
#include "cpConn.h"
#include "cpListener.h"
#include "cpMem.h"
#include "cpPort.h"
#include "cpResolve.h"

#ifndef TCL_SIZE_MAX
typedef int Tcl_Size;
#endif

typedef struct IocpsockThread IocpsockThread;
typedef struct IocpsockServer IocpsockServer;
typedef struct IocpsockChan IocpsockChan;
typedef struct IocpsockTransfer IocpsockTransfer;
typedef struct IocpsockServing IocpsockServing;
typedef struct IocpsockInterpRef IocpsockInterpRef;

/* Channels in the order in which their turn comes. */

typedef struct IocpsockChanList {
    IocpsockChan *firstPtr;
    IocpsockChan *lastPtr;
} IocpsockChanList;

/* Settings that a listener passes on to what it accepts; -1 is not set. */

typedef struct IocpsockInherit {
    CpRecvMode recvMode;
    unsigned sendCap;
    int closeTimeoutMs; /* 0 is none. */
    int keepAlive;
    int noDelay;
    int sndBuf; /* Bytes. */
    int rcvBuf; /* Bytes. */
} IocpsockInherit;

/*
 * A channel's instance data: a connection or a server. Queued events hold
 * references, so that it outlives its channel as long as one waits.
 */

struct IocpsockChan {
    Tcl_Channel channel; /* First two as in the core's structure: its */
    int flags;           /* testsocket command looks there. */
    int refCount;
    IocpsockThread *threadPtr; /* The owner; NULL between threads. */
    CpConn *connPtr;           /* A connection, or */
    IocpsockServer *serverPtr; /* a server. */
    int watchMask;             /* TCL_READABLE, TCL_WRITABLE */
    int eventQueued;           /* Its event is in Tcl's queue. */
    IocpsockChanList *listPtr; /* One of its thread's, or NULL. */
    IocpsockChan *nextPtr;     /* In that list. */
    IocpsockChan *prevPtr;
    unsigned rearmPass;            /* When it came to the re-arm list. */
    unsigned servedLook;           /* The thread's last look before its last
                                    * event. */
    IocpsockChan *nextServerPtr;   /* In its thread's list of servers. */
    unsigned writePass;            /* When smallWrites began. */
    unsigned smallWrites;          /* In that pass of the event loop. */
    uint64_t events;               /* Notifications and accepts. */
    uint64_t bytesWritten;         /* Taken of what Tcl had for it. */
    IocpsockTransfer *transferPtr; /* Files that wait for bytes of Tcl's. */
    int held;                      /* In its thread's list of held ones. */
    IocpsockChan *heldNextPtr;
    IocpsockChan *heldPrevPtr;
    IocpsockChan *nextChanPtr; /* In its thread's list of all channels. */
    IocpsockChan *prevChanPtr;
};

/* Bytes that a handler gets before its read ends: see IocpsockServingOf. */
#define IOCPSOCK_READ_LIMIT 262144

/* An event that is being served: its handler runs, or an event loop that this
 * has entered. */

struct IocpsockServing {
    IocpsockChan *chanPtr;     /* A reference; NULL when it was closed, or
                                * given to another thread. */
    int readLeft;              /* Bytes that the handler may yet read. */
    unsigned loopPass;         /* loopPasses when it began. */
    IocpsockServing *outerPtr; /* Served further out. */
};

/* A pass of the event loop: what was served since the setup proc. */

typedef struct IocpsockPass {
    uint64_t beginUs;
    unsigned events;
    uint64_t bytes;     /* Read and written, */
    uint64_t seenBytes; /* and before the events queued last. */
    unsigned accepts;
    uint64_t acceptUs; /* That accept scripts took. */
} IocpsockPass;

/* In IocpsockChan.flags: a write has returned an error to Tcl. The last one is
 * set by the command testsocket of Tcl's own tests: connecting goes on in the
 * event loop only. */
#define IOCPSOCK_NONBLOCKING 1
#define IOCPSOCK_WRITE_FAILED 2
#define IOCPSOCK_TEST_CONNECT (1 << 8)

struct IocpsockServer {
    IocpsockChan *chanPtr;
    unsigned listenerCount;
    unsigned nextListener;           /* Whose turn it is. */
    unsigned open;                   /* Not closed yet. */
    IocpsockInterpRef *interpRefPtr; /* The script's interpreter. */
    Tcl_Obj *scriptPtr;
    unsigned backlog;
    CpAcceptMode acceptMode;
    int acceptTimeoutMs;
    IocpsockInherit inherit;
    unsigned listenerMax;
    CpListener **listeners; /* One for each address, behind this. */
};

/* One thread that has used sockets. */

struct IocpsockThread {
    CpPort *portPtr; /* NULL before the first socket. */
    Tcl_ThreadId threadId;
    int exiting;    /* Exit handlers have run. */
    int closesLast; /* A channel that Tcl closes last is there. */
    /* Guarded by iocpsockExit.c's mutex: another thread reads or writes them
     * when it ends the process. */
    int inUse;        /* There are channels or closes; the owner writes it. */
    int processExits; /* The process ends, */
    int exitBegun;    /* this thread has taken notice, */
    int exitDone;     /* and is ready. */
    IocpsockThread *nextThreadPtr;

    IocpsockChan *firstChanPtr; /* Of all its channels. */
    uint64_t exitStalledMs;     /* That nothing has moved at exit. */
    unsigned channels;          /* Channels of this thread. */
    unsigned closing;           /* Connections closed and not yet ended. */
    CpCloseList closeList;      /* These, and others that Tcl has closed. */
    uint64_t checkHeldMs;       /* When to look at the following next. */
    IocpsockChan *firstHeldPtr; /* Channels of which Tcl holds output. */
    unsigned eventsQueued;      /* Of its channels, in Tcl's queue. */
    IocpsockPass pass;
    unsigned passes;     /* Of the event loop, or parts of one. */
    unsigned loopPasses; /* Of the event loop. */
    unsigned looks;      /* At the port. */
    uint64_t lookUs;     /* When that was last. */
    int mustLook;        /* Since the last look a channel was served twice. */
    int polled;          /* A look found nothing, and nothing ran since. */
    int rearmFirst;      /* The last look found nothing, but a receive that was
                          * submitted behind it did. */
    IocpsockChanList recheck; /* May be ready. */
    IocpsockChanList ready;   /* Were ready; will get an event. */
    IocpsockChanList rearm;   /* Wait for bytes; no receive is submitted yet. */
    IocpsockServing *servingPtr; /* The innermost one. */
    IocpsockChan *firstServerPtr;
};

/* iocpsockThread.c */

/*
 * IocpsockGetThread --
 *
 *      The calling thread's data, with a port. NULL when there can be none;
 *      then errno, and the interpreter if it is not NULL, say why.
 */

IocpsockThread *IocpsockGetThread(Tcl_Interp *interp);

/* The channel becomes, or ceases to be, the calling thread's. Attach returns
 * 0 when this thread can have no port. */
int IocpsockAttach(IocpsockChan *chanPtr);
void IocpsockDetach(IocpsockChan *chanPtr);

IocpsockChan *IocpsockNewChan(void);
void IocpsockReleaseChan(IocpsockChan *chanPtr);

/* The channel moves to the end of a list, and is on no other one any more. */
void IocpsockAppend(IocpsockChanList *listPtr, IocpsockChan *chanPtr);
void IocpsockUnlist(IocpsockChan *chanPtr);

/* iocpsockNotify.c */

/* The thread's event source begins and ends. */
void IocpsockBeginEvents(IocpsockThread *threadPtr);
void IocpsockEndEvents(IocpsockThread *threadPtr);

/* The channel leaves its thread: its event is taken back, and the event that is
 * being served forgets the channel. */
void IocpsockDropEvents(IocpsockChan *chanPtr);

/* The channel may be ready: the next walk sees to it. */
void IocpsockRecheckIfReady(IocpsockChan *chanPtr);

/* The same, when what the channel watches has changed. */
void IocpsockRecheck(IocpsockChan *chanPtr);

/* The innermost event of the channel that is being served, or NULL. */
IocpsockServing *IocpsockServingOf(const IocpsockChan *chanPtr);

/* iocpsockExit.c */

/* The thread has a port from now on. */
void IocpsockThreadBegins(IocpsockThread *threadPtr);

/* The channel becomes, or ceases to be, one of its thread's. */
void IocpsockEnlist(IocpsockChan *chanPtr);
void IocpsockDelist(IocpsockChan *chanPtr);

/* A connection's close has begun while the thread ends. */
void IocpsockExitClosed(IocpsockThread *threadPtr);

/* So many channels, or connections that are closing, more or fewer. */
void IocpsockCount(IocpsockThread *threadPtr, int channels, int closing);

/* The process ends, and this thread is not the one that ends it: whether that
 * is so, and what the thread does then. */
int IocpsockMustEnd(IocpsockThread *threadPtr);
void IocpsockEndForExit(IocpsockThread *threadPtr);

/* Releases the thread's port when nothing of it is in use at its exit. */
void IocpsockThreadDone(IocpsockThread *threadPtr);

/*
 * IocpsockExitWait --
 *
 *      At exit, waits until the system has taken all that was written to the
 *      connection, or when that is NULL, until all connections that were
 *      closed have ended; not longer than something moves.
 */

void IocpsockExitWait(IocpsockThread *threadPtr, const CpConn *connPtr);

/* iocpsockChan.c */

extern const Tcl_ChannelType iocpsockChannelType;

/* Scripts poll a connect without an event loop, by options or by reading and
 * writing: it goes on. */
void IocpsockPollConnect(IocpsockChan *chanPtr);

/* CpConnProc, of an IocpsockChan. */
void IocpsockConnChanged(void *clientData);

/* iocpsockClose.c */

int IocpsockIsBlocking(const IocpsockChan *chanPtr);

/* Waits for completions of the thread, or until a close reaches its limit. */
void IocpsockWait(IocpsockThread *threadPtr);

/* Ends closes that have reached their limits. Results: in how many milliseconds
 * the next one will, or -1. */
int64_t IocpsockTickCloses(IocpsockThread *threadPtr);

/* Tcl holds output that the driver has not taken: with a close timeout, it is
 * looked whether the script has closed the channel. And no longer. */
void IocpsockAddHeld(IocpsockChan *chanPtr);
void IocpsockRemoveHeld(IocpsockChan *chanPtr);

/* No interpreter has the channel any more, and Tcl keeps it for its output. */
int IocpsockIsClosedByScript(Tcl_Channel channel);

/* Gives up the channel's connection, which ends in the background. */
CpError IocpsockCloseConn(IocpsockChan *chanPtr);

/* Of the channel type. */
int IocpsockClose(void *instanceData, Tcl_Interp *interp);
int IocpsockClose2(void *instanceData, Tcl_Interp *interp, int flags);
Tcl_ObjCmdProc IocpsockAbortObjCmd;

/* iocpsockChan.c */

/* Makes the channel of instance data; names it as the core does. */
void IocpsockNewChannel(IocpsockChan *chanPtr, int mask);

/*
 * IocpsockOpenClient --
 *
 *      Resolves and connects. With async, a name that is not known at once is
 *      looked up in the background.
 *
 * Results:
 *      The channel, or NULL and why in the interpreter.
 */

Tcl_Channel IocpsockOpenClient(Tcl_Interp *interp, const CpTarget *targetPtr,
    int async);

/* iocpsockServer.c */

/*
 * IocpsockOpenServer --
 *
 *      Listens on each of the addresses that it can.
 *
 * Results:
 *      The channel, or NULL and the last failure in the interpreter.
 */

Tcl_Channel IocpsockOpenServer(Tcl_Interp *interp, CpAddr *addrs,
    unsigned addrCount, int reusePort, int systemBacklog, Tcl_Obj *scriptPtr);

/* How many connections its script can be given. */
unsigned IocpsockServerReady(const IocpsockServer *serverPtr);
void IocpsockServerAccept(IocpsockServer *serverPtr);
void IocpsockServerMove(IocpsockServer *serverPtr, CpPort *portPtr);

/* Stops listening, in the owner's thread; then what remains is freed. */
void IocpsockServerClose(IocpsockServer *serverPtr);
void IocpsockServerFree(IocpsockServer *serverPtr);

/* The watchdog; milliseconds until it is due again, -1 for never. */
int64_t IocpsockServerTick(IocpsockServer *serverPtr, uint64_t nowMs);

/* iocpsockInterp.c */

/* The interpreter may be deleted meanwhile; what is held is to be released. */
IocpsockInterpRef *IocpsockHoldInterp(Tcl_Interp *interp);
void IocpsockReleaseInterp(IocpsockInterpRef *refPtr);

/* NULL for one that cannot evaluate any more. For its own thread, or for one
 * that it is not elsewhere for. */
Tcl_Interp *IocpsockInterpOf(const IocpsockInterpRef *refPtr);

/* Whether it lives, in another thread. */
int IocpsockInterpIsElsewhere(IocpsockInterpRef *refPtr);

/* iocpsockOpt.c */

int IocpsockSetOption(void *instanceData, Tcl_Interp *interp,
    const char *optionName, const char *value);
int IocpsockGetOption(void *instanceData, Tcl_Interp *interp,
    const char *optionName, Tcl_DString *dsPtr);
extern const char *const iocpsockRecvModes[]; /* By CpRecvMode. */

/* iocpsockName.c: a name's value, empty while connecting, or an error. */

CpError IocpsockPeerName(IocpsockChan *chanPtr, Tcl_Interp *interp,
    Tcl_DString *dsPtr);
CpError IocpsockSockName(IocpsockChan *chanPtr, Tcl_Interp *interp,
    Tcl_DString *dsPtr);
int IocpsockIsDialling(const IocpsockChan *chanPtr);

/* iocpsockStats.c */

/* A new dict of a channel's counters. */
Tcl_Obj *IocpsockChanStats(const IocpsockChan *chanPtr);
Tcl_ObjCmdProc IocpsockStatsObjCmd;

/* Whether a command has no arguments; says so otherwise. */
int IocpsockNoArgs(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[]);

/* iocpsockSockOpt.c */

int IocpsockReadSockOpt(IocpsockChan *chanPtr, CpSockOpt opt);
int IocpsockApplySockOpt(IocpsockChan *chanPtr, Tcl_Interp *interp,
    CpSockOpt opt, int value);
void IocpsockInheritInit(IocpsockInherit *inheritPtr);
void IocpsockInheritApply(const IocpsockInherit *inheritPtr, CpConn *connPtr);

/* iocpsockSendFile.c */

Tcl_ObjCmdProc IocpsockSendFileObjCmd;

/* What is to be sent: what a command line says, checked. */

typedef struct IocpsockSendArgs {
    Tcl_Channel chan;
    Tcl_Channel file;
    int opened;         /* By this command, for this one time. */
    Tcl_WideInt offset; /* -1 is where the file's channel stands. */
    Tcl_WideInt size;   /* Bytes; -1 is up to the file's end. */
    Tcl_Obj *commandPtr;
} IocpsockSendArgs;

/* iocpsockCopy.c: Tcl sends the file. Closes it if this command opened it. */
int IocpsockCopyByTcl(Tcl_Interp *interp, const IocpsockSendArgs *argsPtr);

/* iocpsockTransfer.c */

/* A part of a file. */

typedef struct IocpsockFilePart {
    CpFile *filePtr;
    uint64_t offset;
    uint64_t length; /* Bytes. */
} IocpsockFilePart;

/* Sends a file behind all that was written to the channel, and takes it over.
 * Wait leaves the number of bytes in the interpreter; Later calls the command
 * with it in the end. Without success the interpreter has a message. */
int IocpsockSendWait(Tcl_Interp *interp, Tcl_Channel chan,
    const IocpsockFilePart *partPtr);
int IocpsockSendLater(Tcl_Interp *interp, Tcl_Channel chan,
    const IocpsockFilePart *partPtr, Tcl_Obj *commandPtr);

/* How many of Tcl's bytes, of so many, go before the next file that waits. */
int IocpsockSendRoom(const IocpsockChan *chanPtr, int bytes);

/* Tcl's bytes were taken: files that have waited for them follow. */
void IocpsockSendWritten(IocpsockChan *chanPtr, size_t bytes);

/* No more of Tcl's bytes will come: files that wait end with an error. */
void IocpsockSendFail(IocpsockChan *chanPtr, CpError error);

/* iocpsockCmd.c */

Tcl_ObjCmdProc IocpsockSocketObjCmd;

/* iocpsockErrno.c */

/* The errno of a core error, as Tcl_SetErrno takes it. */
int IocpsockErrno(CpError error);

/* An error in words: Tcl's own, or made in text, of IOCPSOCK_TEXT_BYTES. */
#define IOCPSOCK_TEXT_BYTES 64
const char *IocpsockErrorText(CpError error, char *text);

/* IocpsockErrno, for a procedure of the channel type. What has failed ("error
 * reading") goes into the message if Tcl would have none of its own. */
int IocpsockChanErrno(IocpsockChan *chanPtr, const char *what, CpError error);

/* The same of a close: the message is the interpreter's, which may be NULL. */
int IocpsockCloseErrno(Tcl_Interp *interp, CpError error);

#define COULD_NOT_OPEN "couldn't open socket"

/* Leaves "what: message" and a POSIX errorCode; returns TCL_ERROR. */
int IocpsockPosixFailure(Tcl_Interp *interp, const char *what, CpError error);

/* The same for what a resolver said, which has no code. NULL is that there was
 * no memory for it. */
void IocpsockResolverFailure(Tcl_Interp *interp, const char *message);

#endif /* IOCPSOCK_H */
