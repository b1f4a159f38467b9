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
#include "cpList.h"
#include "cpListener.h"
#include "cpMem.h"
#include "cpPort.h"
#include "cpResolve.h"

#ifndef TCL_SIZE_MAX
typedef int Tcl_Size;
#endif

/* Memory that Tcl frees, or counts as its own. */
#if TCL_MAJOR_VERSION < 9
#define IocpsockAlloc(bytes) ((void *) ckalloc(bytes))
#define IocpsockFree(memPtr) ckfree((char *) (memPtr))
#else
#define IocpsockAlloc(bytes) Tcl_Alloc(bytes)
#define IocpsockFree(memPtr) Tcl_Free(memPtr)
#endif

/*
 * Choices. Scripts can see each of them. With the second value, the driver does
 * what Tcl's own one does. core/cpClose.h has two more.
 */

/* A client with -async waits so long for the resolver; INT_MAX: for ever. */
#ifndef IOCPSOCK_RESOLVE_GRACE_MS
#define IOCPSOCK_RESOLVE_GRACE_MS 100
#endif

/* A handler can read so many bytes before a read returns nothing; INT_MAX. */
#ifndef IOCPSOCK_READ_LIMIT
#define IOCPSOCK_READ_LIMIT 262144
#endif

/* In each pass, so many small writes to a non-blocking channel are system calls
 * at once. Later ones are joined; INT_MAX. */
#ifndef IOCPSOCK_DIRECT_WRITES
#define IOCPSOCK_DIRECT_WRITES 32
#endif

/* Whether a server has its address for itself: 1 or 0. */
#ifndef IOCPSOCK_EXCLUSIVE
#define IOCPSOCK_EXCLUSIVE 1
#endif

/* At exit, how long to wait for output that does not move; 1. */
#ifndef IOCPSOCK_EXIT_STALL_MS
#define IOCPSOCK_EXIT_STALL_MS 5000
#endif

/* Whether channels have options that Tcl does not know: 1 or 0. */
#ifndef IOCPSOCK_OWN_OPTIONS
#define IOCPSOCK_OWN_OPTIONS 1
#endif

typedef struct IocpsockThread IocpsockThread;
typedef struct IocpsockServer IocpsockServer;
typedef struct IocpsockChan IocpsockChan;
typedef struct IocpsockServing IocpsockServing;

/*
 * What the event source calls for a channel that is neither a connection nor a
 * server. serveProc handles one event of a ready channel, as CpConnReady has
 * it, and returns whether the next event may follow in the same pass.
 */

typedef struct IocpsockKind {
    int (*readyProc)(const IocpsockChan *chanPtr);
    void (*rearmProc)(IocpsockChan *chanPtr);
    int (*serveProc)(IocpsockChan *chanPtr, const IocpsockServing *servingPtr,
        int mask);
    void (*moveProc)(IocpsockChan *chanPtr, CpPort *portPtr);
} IocpsockKind;

/* Settings that accepted connections inherit from their server; -1: not set. */

typedef struct IocpsockInherit {
    CpRecvMode recvMode;
    CpBurst burst;
    unsigned sendCap;
    int closeTimeoutMs; /* 0: none. */
    int keepAlive;
    int noDelay;
    int sndBuf; /* Bytes. */
    int rcvBuf; /* Bytes. */
} IocpsockInherit;

/* The watch masks of Tcl and the directions of the core are the same bits. */

CP_STATIC_ASSERT(CpReadinessIsTclMask,
    CP_READ == TCL_READABLE && CP_WRITE == TCL_WRITABLE);
CP_STATIC_ASSERT(CpDirectionsAreTclFlags,
    CP_READ == TCL_CLOSE_READ && CP_WRITE == TCL_CLOSE_WRITE);

/* The place of a channel in its thread's event source (iocpsockNotify.c). */

typedef enum IocpsockPlace {
    IOCPSOCK_IDLE,   /* A completion will mark it, if it watches anything. */
    IOCPSOCK_MARKED, /* In the list marked: it may be ready. */
    IOCPSOCK_REARM,  /* In the list rearm: it waits for bytes, and no receive
                      * is submitted yet. */
    IOCPSOCK_QUEUED  /* Its event is in Tcl's queue. */
} IocpsockPlace;

/*
 * A channel's instance data: a connection, a server or another kind. A queued
 * event holds a reference, so this may outlive the channel.
 */

struct IocpsockChan {
    Tcl_Channel channel; /* The first two fields are in the places where */
    int flags;           /* Tcl's command testsocket looks for them. */
    int refCount;
    IocpsockThread *threadPtr;   /* The owner; NULL between threads. */
    CpConn *connPtr;             /* A connection, or */
    IocpsockServer *serverPtr;   /* a server, or */
    const IocpsockKind *kindPtr; /* another kind, with its data. */
    void *kindData;

    /* The event source: iocpsockNotify.c */
    int watchMask; /* The events that Tcl wants: TCL_READABLE, TCL_WRITABLE. */
    IocpsockPlace place;
    CpListNode placeNode;  /* In the list of its place. */
    unsigned rearmPass;    /* The pass in which it came to the list rearm. */
    uint64_t servedPollUs; /* The last poll before its last event. */

    /* Joining small writes: iocpsockChan.c */
    unsigned writePass;   /* The pass that smallWrites is of. */
    unsigned smallWrites; /* So many were made in it. */

    uint64_t events;       /* Notifications and accepts. */
    uint64_t bytesWritten; /* Bytes that the driver took from Tcl. */
    CpList waitingFiles;   /* Transfers that wait for bytes of Tcl. */
    CpListNode heldNode;   /* In its thread's list held. */
    CpListNode chanNode;   /* In its thread's list chans. */
    CpListNode serverNode; /* A server is in its thread's list servers. */
};

/* An event that is being served. Its handler runs, or an event loop that the
 * handler has entered. */

struct IocpsockServing {
    IocpsockChan *chanPtr;     /* A reference. NULL after the channel was closed
                                * or given to another thread. */
    int readLeft;              /* Bytes that the handler may still read. */
    unsigned pass;             /* The pass in which it began. */
    IocpsockServing *outerPtr; /* The event whose handler led to this one. */
};

/* Flags of IocpsockChan. WRITE_FAILED: a write has returned an error to Tcl.
 * TEST_CONNECT is set by the command testsocket of Tcl's own tests, which have
 * to see a connect that has not finished. It then continues in the event loop
 * alone, not whenever a script asks for its state. */
#define IOCPSOCK_NONBLOCKING 1
#define IOCPSOCK_WRITE_FAILED 2
#define IOCPSOCK_TEST_CONNECT (1 << 8)

/*
 * What a server calls for each connection, from its thread's event loop: a
 * function as Tcl_OpenTcpServer takes it. The script of the socket command is
 * one such function (iocpsockScript.c).
 */

typedef struct IocpsockAccept {
    Tcl_TcpAcceptProc *proc;
    void *clientData;
    /* NULL, or whether connections have to wait, because the server is in a
     * thread in which the function cannot run. */
    int (*mustWaitProc)(void *clientData);
    /* NULL, or frees clientData at the end of the server. */
    void (*freeProc)(void *clientData);
} IocpsockAccept;

struct IocpsockServer {
    IocpsockChan *chanPtr;
    unsigned listenerCount;
    unsigned nextListener; /* Whose turn it is. */
    unsigned open;         /* Not closed yet. */
    IocpsockAccept accept;
    unsigned backlog;
    CpAcceptMode acceptMode;
    int acceptTimeoutMs;
    IocpsockInherit inherit;
    unsigned listenerMax;
    CpListener **listeners; /* One for each address, behind this. */
};

/* The last attempt to find something to do. */

typedef enum IocpsockFound {
    IOCPSOCK_FOUND_COMPLETIONS, /* The port had some, or was not asked yet. */
    IOCPSOCK_FOUND_BY_REARM,    /* It had none. A receive that was submitted
                                 * then found its bytes. */
    IOCPSOCK_FOUND_NOTHING,     /* Neither did. */
    IOCPSOCK_FOUND_TWICE        /* A channel was served twice since the last
                                 * poll: the others are due. */
} IocpsockFound;

/* One thread that has used sockets. */

struct IocpsockThread {
    CpPort *portPtr; /* NULL before the first socket. */
    Tcl_ThreadId threadId;
    int exiting;    /* Its event source has ended. */
    int closesLast; /* Something ends it after its last channel. */
    /* iocpsockExit.c's mutex guards these: the thread that ends the process
     * reads and writes them, too. */
    int inUse;        /* It has channels or closes. The owner writes it. */
    int processExits; /* The process ends, */
    int exitBegun;    /* this thread has noticed, */
    int exitDone;     /* and is ready for the end. */
    CpListNode threadNode;

    CpList chans;           /* All its channels. */
    CpList servers;         /* Those that are servers. */
    uint64_t exitStalledMs; /* At exit: for so long nothing has moved. */
    unsigned channels;      /* How many channels it has. */
    unsigned closing;       /* How many closed connections have not ended. */
    CpCloseList closeList;  /* These, and channels that only Tcl still has. */
    CpList held;            /* Channels that Tcl holds output of. */
    uint64_t checkHeldMs;   /* When to check these next. */

    /* The event source: iocpsockNotify.c */
    CpList marked; /* Channels that may be ready, in their turn. */
    CpList rearm;  /* Channels whose receives wait for a quiet moment. */
    unsigned eventsQueued; /* So many of its events are in Tcl's queue. */
    unsigned passes;       /* So many passes of the event loop have begun. */
    uint64_t passBeginUs;  /* When the present one did. */
    unsigned passEvents;   /* So many events were served in it. */
    uint64_t passBytes;    /* So many bytes were read and written in it, */
    uint64_t roundBytes;   /* and so many before the events queued last. */
    uint64_t pollUs;       /* When the port was asked last. */
    IocpsockFound found;
    IocpsockServing *servingPtr; /* The innermost one, or NULL. */
    int recalls; /* An idle event will recall it from a message loop. */
};

/* iocpsockThread.c */

/* The calling thread's data, perhaps without a port. */
IocpsockThread *IocpsockThisThread(void);

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

/* iocpsockNotify.c */

/* The thread's event source begins and ends. */
void IocpsockBeginEvents(IocpsockThread *threadPtr);
void IocpsockEndEvents(IocpsockThread *threadPtr);

/* The channel leaves its thread: it loses its place and its event, and the
 * event that is being served forgets it. */
void IocpsockForgetEvents(IocpsockChan *chanPtr);

/* Marks a channel that may be ready, or has become ready. */
void IocpsockMark(IocpsockChan *chanPtr);
void IocpsockMarkIfReady(IocpsockChan *chanPtr);

/* iocpsockExit.c */

/* The thread has a port from now on. */
void IocpsockThreadBegins(IocpsockThread *threadPtr);

/* The thread's event source ends; its channels may still be open. */
void IocpsockThreadEnds(IocpsockThread *threadPtr);

/* The last step of a thread's end: Tcl has closed its channels. */
void IocpsockEndSockets(IocpsockThread *threadPtr);

/* A connection's close has begun while the thread ends. */
void IocpsockExitClosed(IocpsockThread *threadPtr);

/* Adds to the numbers of channels and of connections that are closing. */
void IocpsockCount(IocpsockThread *threadPtr, int channels, int closing);

/* Whether another thread is ending the process; and what this thread does
 * then. */
int IocpsockMustEnd(IocpsockThread *threadPtr);
void IocpsockEndForExit(IocpsockThread *threadPtr);

/* Releases the port of an exiting thread if nothing uses it any more. */
void IocpsockThreadDone(IocpsockThread *threadPtr);

/*
 * IocpsockExitWait --
 *
 *      At exit, waits until the system has taken everything that was written to
 *      the connection or, if that is NULL, until all closed connections have
 *      ended. It gives up if nothing moves.
 */

void IocpsockExitWait(IocpsockThread *threadPtr, const CpConn *connPtr);

/* iocpsockLast.c for the package; Tcl's core has it in incore/ */

/* A thread begins to have sockets: sees to it that both functions above are
 * called at its end. Results: 0 if it is too late for an exit handler. */
int IocpsockWatchEnd(IocpsockThread *threadPtr);

/* Whether Tcl has begun to close the channels of the calling thread. */
int IocpsockIsExiting(const IocpsockThread *threadPtr);

/* iocpsockChan.c */

extern const Tcl_ChannelType iocpsockChannelType;

/* Lets a connect make progress. Scripts without an event loop poll it by
 * reading options, or by reading and writing. */
void IocpsockPollConnect(IocpsockChan *chanPtr);

/* The CpConnProc of an IocpsockChan. */
void IocpsockConnChanged(void *clientData);

/* iocpsockClose.c */

int IocpsockIsBlocking(const IocpsockChan *chanPtr);

/* Waits for completions of the thread, or until a close reaches its limit. */
void IocpsockWait(IocpsockThread *threadPtr);

/* Ends closes that have reached their limits. Results: milliseconds to the next
 * limit, or -1. */
int64_t IocpsockTickCloses(IocpsockThread *threadPtr);

/* Tcl holds output that the driver has not taken. With a close timeout, the
 * driver checks now and then whether the script has closed the channel. Remove
 * ends that. */
void IocpsockAddHeld(IocpsockChan *chanPtr);
void IocpsockRemoveHeld(IocpsockChan *chanPtr);

/* Whether no interpreter has the channel, and Tcl keeps it for its output. */
int IocpsockIsClosedByScript(Tcl_Channel channel);

/* Closes the channel's connection, which then ends in the background. */
CpError IocpsockCloseConn(IocpsockChan *chanPtr);

/* Procedures of the channel type. */
int IocpsockClose(void *instanceData, Tcl_Interp *interp);
int IocpsockClose2(void *instanceData, Tcl_Interp *interp, int flags);

/* iocpsockChan.c */

/* Makes the channel, with a name like those of the core's driver; and one of
 * another type. */
void IocpsockNewChannel(IocpsockChan *chanPtr, int mask);
void IocpsockNameChannel(IocpsockChan *chanPtr, const Tcl_ChannelType *typePtr,
    int mask);

/*
 * IocpsockOpenClient --
 *
 *      Resolves and connects. With async, names are looked up in the
 *      background.
 *
 * Results:
 *      The channel, or NULL; then the interpreter, if it is not NULL, has a
 *      message.
 */

Tcl_Channel IocpsockOpenClient(Tcl_Interp *interp, const CpTarget *targetPtr,
    int async);

/* iocpsockServer.c */

/*
 * IocpsockOpenServer --
 *
 *      Listens on as many of the addresses as possible. It owns the accept
 *      function's data from now on, even if it fails.
 *
 * Results:
 *      The channel, or NULL; then errno, and the interpreter if it is not NULL,
 *      have the last failure.
 */

Tcl_Channel IocpsockOpenServer(Tcl_Interp *interp, CpAddr *addrs,
    unsigned addrCount, int reusePort, int systemBacklog,
    const IocpsockAccept *acceptPtr);
void IocpsockFreeAccept(const IocpsockAccept *acceptPtr);

/* How many connections are ready for its accept function. */
unsigned IocpsockServerReady(const IocpsockServer *serverPtr);
void IocpsockServerAccept(IocpsockServer *serverPtr);
void IocpsockServerMove(IocpsockServer *serverPtr, CpPort *portPtr);

/* Stops listening, in the owner's thread; and then frees the server. */
void IocpsockServerClose(IocpsockServer *serverPtr);
void IocpsockServerFree(IocpsockServer *serverPtr);

/* The watchdogs of all servers; milliseconds until one is due, -1 for never. */
int64_t IocpsockTickServers(IocpsockThread *threadPtr);

/* The sooner of two times in milliseconds; -1 is never. */
int64_t IocpsockSooner(int64_t oneMs, int64_t otherMs);

/* iocpsockOpen.c: the same, by host and port. The family of addresses is the
 * one that a variable of the interpreter wants. */

Tcl_Channel IocpsockOpenTcpClient(Tcl_Interp *interp, int port,
    const char *host, const char *myAddr, int myPort, int async);
Tcl_Channel IocpsockOpenTcpServer(Tcl_Interp *interp, int port,
    const char *host, int reusePort, int systemBacklog,
    const IocpsockAccept *acceptPtr);

/* A connection of the calling thread, still without a channel, from a handle
 * that is connected. Without memory returns NULL, and the handle stays the
 * caller's. */
IocpsockChan *IocpsockNewConnected(IocpsockThread *threadPtr,
    CpHandle *handlePtr);

/* iocpsockOpt.c */

int IocpsockSetOption(void *instanceData, Tcl_Interp *interp,
    const char *optionName, const char *value);
int IocpsockGetOption(void *instanceData, Tcl_Interp *interp,
    const char *optionName, Tcl_DString *dsPtr);
extern const char *const iocpsockRecvModes[]; /* By CpRecvMode. */

/* iocpsockName.c: append a name, nothing while connecting; or an error. */

CpError IocpsockPeerName(IocpsockChan *chanPtr, Tcl_Interp *interp,
    Tcl_DString *dsPtr);
CpError IocpsockSockName(IocpsockChan *chanPtr, Tcl_Interp *interp,
    Tcl_DString *dsPtr);
int IocpsockIsDialling(const IocpsockChan *chanPtr);

/* iocpsockStats.c */

/* A new dict of a channel's counters. */
Tcl_Obj *IocpsockChanStats(const IocpsockChan *chanPtr);

/* iocpsockSockOpt.c */

int IocpsockReadSockOpt(IocpsockChan *chanPtr, CpSockOpt opt);
int IocpsockApplySockOpt(IocpsockChan *chanPtr, Tcl_Interp *interp,
    CpSockOpt opt, int value);
void IocpsockInheritInit(IocpsockInherit *inheritPtr);
void IocpsockInheritApply(const IocpsockInherit *inheritPtr, CpConn *connPtr);

/* iocpsockTransfer.c; nothing with CP_NO_FILES */

#ifndef CP_NO_FILES

/* How many of these bytes from Tcl precede the next file that waits. */
int IocpsockSendRoom(const IocpsockChan *chanPtr, int bytes);

/* The driver took bytes from Tcl: files that waited for them follow. */
void IocpsockSendWritten(IocpsockChan *chanPtr, size_t bytes);

/* No bytes from Tcl will follow: files that wait end with an error. */
void IocpsockSendFail(IocpsockChan *chanPtr, CpError error);

#else /* CP_NO_FILES */

#define IocpsockSendRoom(chanPtr, bytes) (bytes)
#define IocpsockSendWritten(chanPtr, bytes) ((void) 0)
#define IocpsockSendFail(chanPtr, error) ((void) 0)

#endif /* CP_NO_FILES */

/* iocpsockErrno.c */

/* The errno of a core error, for Tcl_SetErrno. */
int IocpsockErrno(CpError error);

/* The text of an error: Tcl's, or else in text, of IOCPSOCK_TEXT_BYTES. */
#define IOCPSOCK_TEXT_BYTES 64
const char *IocpsockErrorText(CpError error, char *text);

/* IocpsockErrno, for a procedure of the channel type. If Tcl has no message for
 * the error, it also sets one, which begins with what ("error reading"). */
int IocpsockChanErrno(IocpsockChan *chanPtr, const char *what, CpError error);

/* The same for a close: the interpreter, if not NULL, gets the message. */
int IocpsockCloseErrno(Tcl_Interp *interp, CpError error);

#define COULD_NOT_OPEN "couldn't open socket"

/* Leaves "what: message" and a POSIX errorCode; returns TCL_ERROR. */
int IocpsockPosixFailure(Tcl_Interp *interp, const char *what, CpError error);

/* The same for a resolver's message, which has no code. The message is NULL if
 * there was no memory for one. */
void IocpsockResolverFailure(Tcl_Interp *interp, const char *message);

#endif /* IOCPSOCK_H */
