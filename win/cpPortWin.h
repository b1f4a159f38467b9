/*
 * cpPortWin.h --
 *
 *      The port's structure, shared by cpPortWin.c and cpHandOverWin.c.
 */

#ifndef CP_PORT_WIN_H
#define CP_PORT_WIN_H

#include "cpPendingWin.h"
#include "cpWin.h"

#define REAP_ENTRIES 64 /* One call takes so many completions. */

/* Where the owner blocks in CpPortReap. */

typedef enum OwnerWait {
    OWNER_WAITS_NOT,
    OWNER_IN_PORT, /* On the completion port: the helper is not there. */
    OWNER_IN_COND  /* On ownerCond: the helper is on the completion port. */
} OwnerWait;

struct CpPort {
    HANDLE iocp;
    PendingSet pending; /* Outstanding operations. */

    /* The owner's own. */
    CpSpare spare;
    CpList done;       /* Completed at submit. */
    ULONG reapEntries; /* So many to ask for: see CpWineReapEntries. */

    SRWLOCK lock;         /* Guards the rest. */
    CpWakeProc *wakeProc; /* NULL after the owner has given the port up. */
    void *clientData;
    CpList inbox;      /* Completions for the owner. */
    unsigned looks;    /* How often the owner has looked at its inbox. */
    int alerted;       /* True from an alert to the owner's next look. */
    int helperBrought; /* The helper has filled it since the last look. */
    int rests;         /* The owner does not look until it is woken: true
                           * from CpPortSleep, or from an alert for a look that
                           * is overdue, until the inbox gets something or the
                           * owner is busy again. */
    uint64_t wakeMs;   /* When to wake it; UINT64_MAX: never. */
    OwnerWait ownerWait;
    CONDITION_VARIABLE ownerCond;
    int helperInPort; /* The helper waits on the completion port. */
    CONDITION_VARIABLE helperCond;
    uint64_t helperEndMs; /* When its wait ends by itself. */
    unsigned refs;        /* The owner and the handles bound. */
    unsigned foreign;     /* Handles bound here, owned elsewhere. */

    /* cpWineWin.c's own. */
    int cancelsAgain; /* In the list of such ports, by cancelNode. */
    CpListNode cancelNode;
};

/* The operation of a completion, with its result; NULL for a packet that is not
 * ours. No lock may be held. */
CpOp *CpWinOpOfEntry(CpPort *portPtr, const OVERLAPPED_ENTRY *entryPtr);

/* The port whose thread owns a handle, NULL between owners, for a thread that
 * holds no lock. It stays the same while that port's lock is held. */
CpPort *CpOwnerOf(CpHandle *handlePtr);

/* Hands over a completion that has come to the port of another thread. No lock
 * may be held. */
void CpPortPassOn(CpOp *opPtr);

/* The owner gives the port up, and is not alerted any more. */
void CpPortForgetOwner(CpPort *portPtr);

#define CP_NEVER UINT64_MAX

/* The owner rests until it is woken, at wakeMs by the clock at the latest; it
 * is busy and has to be watched; it has left the completion port. */
void CpOwnerRestsLocked(CpPort *lockedPortPtr, uint64_t wakeMs);
void CpOwnerIsBusyLocked(CpPort *lockedPortPtr);
void CpOwnerLeftPortLocked(CpPort *lockedPortPtr);

/* Wakes the owner's thread, once until it has looked. */
void CpOwnerAlertLocked(CpPort *lockedPortPtr);

DWORD WINAPI CpHelperMain(LPVOID clientData);

/* The owner has looked at its inbox: from now on completions alert it anew. */
void CpOwnerLooksLocked(CpPort *lockedPortPtr);

#endif /* CP_PORT_WIN_H */
