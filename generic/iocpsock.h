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

typedef struct IocpsockThread IocpsockThread;
typedef struct IocpsockServer IocpsockServer;
typedef struct IocpsockChan IocpsockChan;
typedef struct IocpsockTransfer IocpsockTransfer;
typedef struct IocpsockServing IocpsockServing;
typedef struct IocpsockInterpRef IocpsockInterpRef;

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
    unsigned sendCap;
    int closeTimeoutMs; /* 0: none. */
    int keepAlive;
    int noDelay;
    int sndBuf; /* Bytes. */
    int rcvBuf; /* Bytes. */
} IocpsockInherit;

/* The watch masks of Tcl and the directions of the core are the same bits. */

_Static_assert(CP_READ == TCL_READABLE && CP_WRITE == TCL_WRITABLE,
    "readiness has one representation");
_Static_assert(CP_READ == TCL_CLOSE_READ && CP_WRITE == TCL_CLOSE_WRITE,
    "directions have one representation");

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

/* A handler can read so many bytes before a read returns nothing. */
#define IOCPSOCK_READ_LIMIT 262144

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
    int exiting;    /* Exit handlers have run. */
    int closesLast; /* It has a channel that Tcl closes last of all. */
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
Tcl_ObjCmdProc IocpsockAbortObjCmd;

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
 *      The channel, or NULL and a message in the interpreter.
 */

Tcl_Channel IocpsockOpenClient(Tcl_Interp *interp, const CpTarget *targetPtr,
    int async);

/* iocpsockServer.c */

/*
 * IocpsockOpenServer --
 *
 *      Listens on as many of the addresses as possible.
 *
 * Results:
 *      The channel, or NULL and the last failure in the interpreter.
 */

Tcl_Channel IocpsockOpenServer(Tcl_Interp *interp, CpAddr *addrs,
    unsigned addrCount, int reusePort, int systemBacklog, Tcl_Obj *scriptPtr);

/* How many connections are ready for its accept script. */
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

/* iocpsockInterp.c */

/* A reference outlives the deletion of its interpreter. Release frees it. */
IocpsockInterpRef *IocpsockHoldInterp(Tcl_Interp *interp);
void IocpsockReleaseInterp(IocpsockInterpRef *refPtr);

/* NULL if the interpreter cannot evaluate any more. Only its own thread may
 * call this, or a thread that it is not "elsewhere" for. */
Tcl_Interp *IocpsockInterpOf(const IocpsockInterpRef *refPtr);

/* Whether the interpreter exists, and belongs to another thread. */
int IocpsockInterpIsElsewhere(IocpsockInterpRef *refPtr);

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
Tcl_ObjCmdProc IocpsockStatsObjCmd;

/* Whether a command has no arguments; leaves a message otherwise. */
int IocpsockNoArgs(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[]);

/* iocpsockSockOpt.c */

int IocpsockReadSockOpt(IocpsockChan *chanPtr, CpSockOpt opt);
int IocpsockApplySockOpt(IocpsockChan *chanPtr, Tcl_Interp *interp,
    CpSockOpt opt, int value);
void IocpsockInheritInit(IocpsockInherit *inheritPtr);
void IocpsockInheritApply(const IocpsockInherit *inheritPtr, CpConn *connPtr);

/* iocpsockSendFile.c */

Tcl_ObjCmdProc IocpsockSendFileObjCmd;

/* The arguments of the command, checked. */

typedef struct IocpsockSendArgs {
    Tcl_Channel chan;
    Tcl_Channel file;
    int opened;         /* The command has opened the file. */
    Tcl_WideInt offset; /* -1: the position of the file's channel. */
    Tcl_WideInt size;   /* Bytes; -1: to the end of the file. */
    Tcl_Obj *commandPtr;
} IocpsockSendArgs;

/* iocpsockCopy.c: sends by Tcl's copying. Closes a file that was opened. */
int IocpsockCopyByTcl(Tcl_Interp *interp, const IocpsockSendArgs *argsPtr);

/* iocpsockTransfer.c */

/* A part of a file. */

typedef struct IocpsockFilePart {
    CpFile *filePtr;
    uint64_t offset;
    uint64_t length; /* Bytes. */
} IocpsockFilePart;

/* Send a file behind everything that was written to the channel, and own it
 * from now on. Wait leaves the number of bytes in the interpreter. Later
 * returns at once, and calls the command with that number at the end. A failure
 * leaves a message in the interpreter. */
int IocpsockSendWait(Tcl_Interp *interp, Tcl_Channel chan,
    const IocpsockFilePart *partPtr);
int IocpsockSendLater(Tcl_Interp *interp, Tcl_Channel chan,
    const IocpsockFilePart *partPtr, Tcl_Obj *commandPtr);

/* How many of these bytes from Tcl precede the next file that waits. */
int IocpsockSendRoom(const IocpsockChan *chanPtr, int bytes);

/* The driver took bytes from Tcl: files that waited for them follow. */
void IocpsockSendWritten(IocpsockChan *chanPtr, size_t bytes);

/* No bytes from Tcl will follow: files that wait end with an error. */
void IocpsockSendFail(IocpsockChan *chanPtr, CpError error);

/* iocpsockCmd.c */

Tcl_ObjCmdProc IocpsockSocketObjCmd;

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

/* The same for a resolver's message, which has no code. NULL means that there
 * was no memory for one. */
void IocpsockResolverFailure(Tcl_Interp *interp, const char *message);

#endif /* IOCPSOCK_H */
