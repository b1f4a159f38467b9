/*
 * cpPortWin.h --
 *
 *      The port's structure, shared by cpPortWin.c and cpHandOverWin.c.
 */

#ifndef CP_PORT_WIN_H
#define CP_PORT_WIN_H

#include "cpPendingWin.h"
#include "cpWin.h"

#define REAP_ENTRIES 64 /* Completions taken in one call, at most. */

/* Where the owner blocks in CpPortReap. */

typedef enum OwnerWait {
    OWNER_WAITS_NOT,
    OWNER_IN_PORT, /* On the completion port: the helper is not there. */
    OWNER_IN_COND  /* On ownerCond: the helper is on the completion port. */
} OwnerWait;

struct CpPort {
    HANDLE iocp;
    PendingSet pending; /* Operations whose completions it will bring. */

    /* The owner's own. */
    CpSpare spare;
    OpList done;       /* Finished at submit. */
    ULONG reapEntries; /* Completions to be asked for: see ReapNow. */

    /* Guarded by portLock. */
    CpWakeProc *wakeProc; /* NULL when the owner has given the port up. */
    void *clientData;
    OpList inbox;      /* Completions for the owner. */
    unsigned looks;    /* How often the owner has looked at its inbox. */
    int alerted;       /* True from an alert to the owner's next look. */
    int helperBrought; /* Since the last look the helper has filled it. */
    int armed;         /* The helper takes the owner's completions: true
                           * from a sleep, or a lease that ran out, until the
                           * inbox gets something. */
    OwnerWait ownerWait;
    CONDITION_VARIABLE ownerCond;
    int helperInPort; /* The helper waits on the completion port. */
    int helperRests;  /* It waits for the owner to leave the port. */
    CONDITION_VARIABLE helperCond;
    unsigned refs;    /* The owner and the handles bound. */
    unsigned foreign; /* Handles bound here, owned elsewhere. */
};

extern SRWLOCK cpPortLock;

/* Operation lists, oldest first. */
void CpOpAppend(OpList *listPtr, CpOp *opPtr);
OpList CpOpTakeAll(OpList *listPtr);

/* The operation of a completion, with its result; NULL for a packet that
 * belongs to none of ours. No lock may be held. */
CpOp *CpWinOpOfEntry(CpPort *portPtr, const OVERLAPPED_ENTRY *entryPtr);

/* The owner, or a handle, refers to the port no more. */
void CpWinUnrefPortLocked(CpPort *lockedPortPtr);

/* Whether the helper has to be on the completion port. */
int CpHelperWantedLocked(const CpPort *lockedPortPtr);

/* The helper looks again at what is wanted of it. */
void CpHelperWakeLocked(CpPort *lockedPortPtr);

/* The helper's thread; ends, and frees the port, when nobody refers to it. */
DWORD WINAPI CpHelperMain(LPVOID portPtr);

/* The owner looks: takes its inbox. */
OpList CpLookLocked(CpPort *lockedPortPtr);

#endif /* CP_PORT_WIN_H */
