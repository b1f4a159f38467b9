/*
 * cpSimInt.h --
 *
 *      What the files of the simulated port share.
 */

#ifndef CP_SIM_INT_H
#define CP_SIM_INT_H

#include "cpSim.h"

/* An error without a name, which keeps its number. */
#define SIM_ENUMBER ((CpError) (CP_ERROR_NUMBERS + 10108))

typedef struct SimOp SimOp;
typedef struct SimEnd SimEnd;
typedef struct SimLink SimLink;

typedef enum SimOpKind {
    SIM_OP_RECV,
    SIM_OP_SEND,
    SIM_OP_ACCEPT,
    SIM_OP_CONNECT,
    SIM_OP_RESOLVE,
    SIM_OP_RECV_FROM, /* From here on: of datagram sockets. */
    SIM_OP_SEND_TO,
    SIM_OP_KIND_COUNT
} SimOpKind;

typedef enum SimOpState {
    SIM_OP_QUEUED, /* In its handle's queue. */
    SIM_OP_OVER,   /* Its result is known; on its way to its owner. */
    SIM_OP_READY,  /* In its owner's ready list, or parked. */
    SIM_OP_GONE    /* Completed. */
} SimOpState;

/* The port's side of an operation. */

struct SimOp {
    CpOp *opPtr;
    CpHandle *handlePtr;
    SimOpKind kind;
    SimOpState state;
    unsigned refs;  /* The operation, and the events. */
    int atSubmit;   /* It was over at its submit. */
    int isFile;     /* A send of a file. */
    int hasSlot;    /* Of those for files. */
    int waits;      /* It has waited for one. */
    unsigned tries; /* Of a connect. */
    unsigned char *bufPtr;
    size_t lengthBytes;
    size_t movedBytes; /* Of a send. */
    CpError error;
    uint32_t bytes;
    CpAddr addr;            /* Of a connect. */
    CpHandle *newHandlePtr; /* Of an accept: the spare one. */
    int unknown;            /* Of a look-up: the resolver says no. */
    CpResolved resolved;
    void *ownedPtr;     /* Freed with it; or NULL. */
    CpListNode node;    /* In a SimOpList. */
    CpListNode allNode; /* In simOps. */
};

typedef struct SimOpList {
    CpList ops; /* Oldest first. */
    unsigned count;
} SimOpList;

/*
 * One end of a connection, with the bytes that are on their way to it. Its
 * socket may be gone while the other end's is not.
 */

struct SimEnd {
    SimLink *linkPtr;
    SimEnd *otherPtr;
    CpHandle *handlePtr; /* NULL before its accept and after its close. */
    CpAddr local;
    unsigned char *ring;
    size_t start;
    size_t count;
    uint64_t arriveMs;   /* Before this, nothing of it can be seen. */
    unsigned char *held; /* What the sender's system has taken and not sent. */
    size_t heldStart;
    size_t heldCount;
    int urgent; /* An urgent byte is next. */
    int finSent;
    int outputLost; /* Of what it has sent: nothing more can arrive. */
    int recvShut;
    int resetSent; /* A reset is on its way here, or has come. */
    int isReset;
    CpSimCause cause;   /* Of the reset. */
    CpError resetError; /* How it is reported, where isReset. */
    int reportedReset;  /* A receive has ended with a reset. */
    uint64_t received;  /* Bytes that were received here. */
    int closed;         /* Nobody will receive here. */
};

struct SimLink {
    SimEnd ends[2]; /* The client's is first. */
    unsigned refs;  /* Ends in use, and events. */
    size_t window;
    CpListNode node; /* In a listener's backlog. */
};

struct CpHandle {
    CpPort *ownerPtr;   /* NULL between owners, and a peer's. */
    unsigned boundPort; /* The number of the port that its first submit
                                 * bound it to; 0: none. */
    int isPeer;
    int isResolver;
    int counted; /* In CP_STAT_SOCKETS. */
    unsigned pending;
    unsigned carrying[SIM_OP_KIND_COUNT]; /* Of these, with bytes. */
    SimOpList queues[SIM_OP_KIND_COUNT];
    SimOpList parked;
    CpError sendError; /* Of the first send that failed. */
    CpAddr local;      /* lengthBytes 0: not bound. */
    uint16_t family;
    int opts[CP_OPT_COUNT];
    SimEnd *endPtr; /* When connected. */
    int failed;     /* A connect failed: good for closing only. */
    int aborts;     /* Its close is a reset. */
    int listening;
    int backlog;
    CpList backlogLinks; /* Connected, not accepted. */
    unsigned clients;
    struct SimUdp *udpPtr; /* Not NULL for datagrams: cpUdpSim.c. */
    CpListNode node;       /* In simHandles. */
};

struct CpSimPeer {
    CpHandle handle;
};

struct CpPort {
    CpWakeProc *wakeProc;
    void *clientData;
    int sleeping;
    int reaping;
    unsigned foreign; /* Packets that belong to no operation. */
    unsigned number;  /* From 1 on, in the order of their making. */
    CpSpare spare;
    SimOpList ready;
    CpListNode node; /* In simPorts. */
};

/* What happens at a time. */

typedef enum SimEventKind {
    SIM_EVENT_COMPLETE, /* A SimOp is ready. */
    SIM_EVENT_CONNECT,  /* A SimOp's SYN arrives. */
    SIM_EVENT_CANCEL,   /* A SimOp's cancel. */
    SIM_EVENT_ARRIVE,   /* A SimEnd's bytes, or there is room for them. */
    SIM_EVENT_RESET,    /* A SimEnd's. */
    SIM_EVENT_FOREIGN,  /* A packet for a CpPort, if there is one. */
    SIM_EVENT_DATAGRAM  /* A datagram arrives. */
} SimEventKind;

void SimAfter(uint32_t ms, SimEventKind kind, void *ptr);

/* Whether the fault comes now. */
int SimFault(CpSimFault fault);

/* One that needs no chance has come. */
void SimRecord(CpSimFault fault);

/* The error of a fault that has just come: the test's, or one of these. */
CpError SimFaultError(CpSimFault fault, const CpError *errors, unsigned count);

/* Milliseconds that something takes which the fault makes take time; and that
 * it may take, from 1 on. */
uint32_t SimDelay(CpSimFault fault);
uint32_t SimSomeMs(void);

void *SimAlloc(size_t sizeBytes);
void SimFree(void *memPtr);
/* Lets what is due by now happen. */
void SimRunDueEvents(void);

extern uint64_t simNowMs;
extern size_t simWindow;
extern unsigned simHandleLimit;
extern int simCutOnDeadlock;

/* cpWindowsSim.c */
extern int simClockIsCoarse;
extern unsigned simFileSlots;
CpError SimAnyStatus(void);
void SimCountError(CpError error);
void SimForgetWindows(void);

/* Nobody listens where a connect has arrived: now, or after some more tries. */
void SimRefuse(SimOp *simOpPtr);

/* Whether a send of a file may run; and it is over, so that others may. */
int SimTakeSlot(SimOp *simOpPtr);
void SimGiveSlot(SimOp *simOpPtr);

/* cpPortSim.c */
void SimForeign(const CpPort *portPtr);
void SimAppend(SimOpList *listPtr, SimOp *simOpPtr);
void SimRemove(SimOpList *listPtr, SimOp *simOpPtr);
SimOp *SimFirst(const SimOpList *listPtr);
SimOp *SimNext(const SimOpList *listPtr, const SimOp *simOpPtr);
extern CpList simPorts;
extern CpList simOps; /* All that are outstanding, oldest first. */
void SimMakeReady(SimOp *simOpPtr);
void SimCallProc(CpOp *opPtr);
void SimForgetStats(void);
void SimUnrefOp(SimOp *simOpPtr);

/* cpUdpSim.c */
void SimArriveDatagram(void *ptr);

/* Sends a line to each datagram socket: from its peer, or else from itself. */
void SimSendStrays(void);

/* cpOpSim.c: begins an operation; gives it a buffer, whose bytes must not
 * change if it sends; and ends it at its submit. */
SimOp *SimBegin(CpHandle *handlePtr, CpOp *opPtr, SimOpKind kind);
void SimHoldBytes(SimOp *simOpPtr, const void *bufPtr, size_t lengthBytes);
void SimFinishNow(SimOp *simOpPtr, CpError error);
void SimUnlock(SimOp *simOpPtr);
void SimLock(SimOp *simOpPtr);
void SimFinish(SimOp *simOpPtr, CpError error, uint32_t bytes);
void SimComplete(SimOp *simOpPtr);
void SimCancelNow(SimOp *simOpPtr);
int SimOpEnds(const void *memPtr, size_t sizeBytes);
/* The error of a fault that has just come, of those of receives or sends. */
CpError SimRecvError(CpSimFault fault);
CpError SimSendError(CpSimFault fault);

/* cpSockSim.c */
extern CpList simHandles;
CpHandle *SimNewestHandle(void);
CpHandle *SimOlderHandle(const CpHandle *handlePtr);
extern unsigned simHandleCount;
CpHandle *SimNewHandle(CpPort *portPtr, uint16_t family);
void SimForgetPorts(void);
void SimForgetClients(CpHandle *handlePtr);
void SimCountHandle(CpHandle *handlePtr);
void SimConnect(SimOp *simOpPtr);
void SimAccept(CpHandle *listenerPtr);
CpError SimNameSocket(CpHandle *handlePtr);

/* cpNetSim.c */
SimLink *SimNewLink(size_t window);
void SimSendFin(SimEnd *endPtr);
void SimCloseEnd(SimEnd *endPtr, int reset);
void SimPump(SimEnd *endPtr);
void SimPumpLater(SimEnd *endPtr);
void SimResetEnd(SimEnd *endPtr, CpSimCause cause);
void SimRefuseInput(SimEnd *endPtr);
void SimEndWithProcess(SimEnd *endPtr);
void SimUnrefLink(SimLink *linkPtr);
size_t SimTake(SimEnd *endPtr, void *destPtr, size_t lengthBytes);
size_t SimGive(SimEnd *fromPtr, const void *srcPtr, size_t lengthBytes);
/* Notes what a receive or send of this end has come to; NULL is no end. */
void SimRecordReceive(SimEnd *endPtr, CpError error);
size_t SimArrived(const SimEnd *endPtr);
int SimAtEof(const SimEnd *endPtr);

/* cpFileSim.c: a copy of bytes of the file, as many as there are. */
void *SimFileCopy(CpFile *filePtr, uint64_t offset, size_t lengthBytes,
    size_t *bytesPtr);
extern int simFilesLimited;

/* cpResolveSim.c */
uint16_t SimFamily(const CpAddr *addrPtr);
uint32_t SimHost(const CpAddr *addrPtr);
int SimIsLocal(const CpAddr *addrPtr);
void SimForgetNames(void);

#define SIM_FAMILY_IP4 4
#define SIM_FAMILY_IP6 6

#endif /* CP_SIM_INT_H */
