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
    unsigned eventsPending;    /* Its events in Tcl's queue. */
    IocpsockChanList *listPtr; /* One of its thread's, or NULL. */
    IocpsockChan *nextPtr;     /* In that list. */
    IocpsockChan *prevPtr;
    unsigned postPass;             /* When it came to the list to be posted. */
    IocpsockChan *nextServerPtr;   /* In its thread's list of servers. */
    unsigned writePass;            /* When smallWrites began. */
    unsigned smallWrites;          /* In that pass of the event loop. */
    uint64_t events;               /* Notifications and accepts. */
    IocpsockTransfer *transferPtr; /* Files that wait for their turn. */
    int readLimited;               /* In a handler: readLeft counts. */
    int readLeft;                  /* Bytes it may yet read. */
    unsigned notifyPass;           /* The handler's: loopPasses then. */
    int held;                      /* In its thread's list of held ones. */
    IocpsockChan *heldNextPtr;
    IocpsockChan *heldPrevPtr;
    IocpsockChan *nextChanPtr; /* In its thread's list of all channels. */
    IocpsockChan *prevChanPtr;
};

/* Bytes that a handler gets before its read ends: see Notify. */
#define IOCPSOCK_READ_LIMIT 262144

/* In IocpsockChan.flags. The second one is set by the command testsocket of
 * Tcl's own tests: connecting goes on in the event loop only. */
#define IOCPSOCK_NONBLOCKING 1
#define IOCPSOCK_TEST_CONNECT (1 << 8)

struct IocpsockServer {
    IocpsockChan *chanPtr;
    unsigned listenerCount;
    unsigned nextListener; /* Whose turn it is. */
    unsigned open;         /* Not closed yet. */
    Tcl_Interp *interp;    /* NULL when it was deleted. */
    Tcl_ThreadId interpThread;
    Tcl_Obj *scriptPtr;
    unsigned backlog;
    CpAcceptMode acceptMode;
    int acceptTimeoutMs;
    IocpsockInherit inherit;
    unsigned listenerMax;
    CpListener *listeners[]; /* One for each address. */
};

/* One thread that has used sockets. */

struct IocpsockThread {
    CpPort *portPtr; /* NULL before the first socket. */
    Tcl_ThreadId threadId;
    int exiting;      /* Exit handlers have run. */
    int closesLast;   /* A channel that Tcl closes last is there. */
    int processExits; /* Another thread ends the process: */
    int exitBegun;    /* this one has taken notice, */
    int exitDone;     /* and is ready. Guarded, as is the list. */
    IocpsockThread *nextThreadPtr;
    IocpsockChan *firstChanPtr; /* Of all its channels. */
    uint64_t exitStalledMs;     /* That nothing has moved at exit. */
    unsigned channels;          /* Channels of this thread. */
    unsigned closing;           /* Connections closed and not yet ended. */
    CpCloseList closeList;      /* These, and others that Tcl has closed. */
    uint64_t checkHeldMs;       /* When to look at the following next. */
    IocpsockChan *firstHeldPtr; /* Channels of which Tcl holds output. */
    unsigned eventsQueued;      /* In Tcl's queue. */
    unsigned eventsServed;      /* Since the last pass of the notifier. */
    unsigned passes;            /* Of the event loop, or parts of one. */
    unsigned loopPasses;        /* Of the event loop. */
    uint64_t passBytes;         /* Read and written in the last of these, */
    uint64_t seenBytes;         /* and up to the last queued event. */
    int polled;                 /* Nothing had completed a moment ago. */
    int postFirst;              /* Before looking for completions. */
    int found;                  /* By the setup proc, for the check proc. */
    IocpsockChanList look;      /* Looked at in the next pass: may be ready. */
    IocpsockChanList post;      /* Wait for bytes, no receive is posted yet. */
    IocpsockChan *firstServerPtr;
};

/* iocpsockReady.c */

/* What of that which the channel watches it is ready for. */
int IocpsockReadyMask(const IocpsockChan *chanPtr);
int IocpsockWatchesRead(const IocpsockChan *chanPtr);

/* The channel may be ready: its event is queued in the next pass. */
void IocpsockNoteReady(IocpsockChan *chanPtr);

/* What the channel watches has changed: its receives are posted, and it is
 * looked at, in the next pass. */
void IocpsockNoteWatch(IocpsockChan *chanPtr);

/* The channel is on no list any more. */
void IocpsockUnlist(IocpsockChan *chanPtr);

/* Whether any channel that is to be looked at is ready. */
int IocpsockAnyReady(IocpsockThread *threadPtr);

/* Posts receives that were put off: those that have waited for a whole pass of
 * the event loop, or one after the other until one finds something. Results:
 * how many operations completed or channels became ready. */
unsigned IocpsockPostOld(IocpsockThread *threadPtr);
unsigned IocpsockPostUntilDone(IocpsockThread *threadPtr);

/* Takes in what has completed, or if nothing has, what is there at once. */
unsigned IocpsockCollect(IocpsockThread *threadPtr);

/* iocpsockNotify.c */

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

/* The thread's event source is no more. */
void IocpsockEndEvents(IocpsockThread *threadPtr);

/* iocpsockExit.c */

/* The thread has a port from now on. */
void IocpsockThreadBegins(IocpsockThread *threadPtr);

/* The channel becomes, or ceases to be, one of its thread's. */
void IocpsockEnlist(IocpsockChan *chanPtr);
void IocpsockDelist(IocpsockChan *chanPtr);

/* A connection's close has begun while the thread ends. */
void IocpsockExitClosed(IocpsockThread *threadPtr);

/* The process ends, and this thread is not the one that ends it. */
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

/* Ends closes that have reached their limits; sets how long Tcl may sleep. */
void IocpsockTickCloses(IocpsockThread *threadPtr);

/* Tcl holds output that the driver has not taken: with a close timeout, it is
 * looked whether the script has closed the channel. And no longer. */
void IocpsockNoteHeld(IocpsockChan *chanPtr);
void IocpsockForgetHeld(IocpsockChan *chanPtr);

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

/* iocpsockOpt.c */

int IocpsockSetOption(void *instanceData, Tcl_Interp *interp,
    const char *optionName, const char *value);
int IocpsockGetOption(void *instanceData, Tcl_Interp *interp,
    const char *optionName, Tcl_DString *dsPtr);
extern const char *const iocpsockRecvModes[]; /* By CpRecvMode. */

/* iocpsockName.c: a name's value, empty while connecting, or TCL_ERROR. */

int IocpsockPeerName(IocpsockChan *chanPtr, Tcl_Interp *interp,
    Tcl_DString *dsPtr);
int IocpsockSockName(IocpsockChan *chanPtr, Tcl_Interp *interp,
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

/* The channel closes, and Tcl has written all that it had for it: files that
 * wait follow that, or end with an error. */
void IocpsockSendWaiting(IocpsockChan *chanPtr);

/* iocpsockCmd.c */

Tcl_ObjCmdProc IocpsockSocketObjCmd;

/* iocpsockErrno.c */

/* The errno of a core error, as Tcl_SetErrno takes it. */
int IocpsockErrno(CpError error);

#define COULD_NOT_OPEN "couldn't open socket"

/* Leaves "what: message" and a POSIX errorCode; returns TCL_ERROR. */
int IocpsockPosixFailure(Tcl_Interp *interp, const char *what, CpError error);

/* The same for what a resolver said, which has no code. */
void IocpsockResolverFailure(Tcl_Interp *interp, const char *message);

#endif /* IOCPSOCK_H */
