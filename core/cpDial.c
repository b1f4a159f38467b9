/*
 * cpDial.c --
 *
 *      Connecting through lists of addresses.
 */

#include "cpDial.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct CpDial {
    CpOp op; /* The attempt under way. */
    CpPort *portPtr;
    CpHandle *handlePtr; /* Its socket: a new one for each attempt, as
                                 * a failed one cannot connect again. */
    CpError error;       /* Of the last attempt. */
    int cancelled;
    unsigned optsSet; /* Bits, by CpSockOpt. */
    int opts[CP_OPT_COUNT];
    unsigned nextAttempt; /* remote * locals + local */
    unsigned remoteCount;
    unsigned localCount; /* At least 1: no address is one. */
    CpDialProc *proc;
    void *clientData;
    CpAddr addrs[]; /* Remotes, then locals. */
};

static void AttemptDone(CpOp *opPtr);

/*
 * An address family is the first 16 bits of every sockaddr; only equality is
 * asked for.
 */

static int
SameFamily(const CpAddr *aPtr, const CpAddr *bPtr)
{
    return memcmp(aPtr->u.bytes, bPtr->u.bytes, 2) == 0;
}

/* Opens and binds the socket of one attempt. */

static CpError
OpenAttempt(CpDial *dialPtr, const CpAddr *remotePtr, const CpAddr *localPtr)
{
    CpError error = CpHandleOpen(dialPtr->portPtr, remotePtr,
        &dialPtr->handlePtr);
    unsigned opt;

    if (error != CP_OK) {
        return error;
    }
    for (opt = 0; opt < CP_OPT_COUNT; opt++) {
        if (dialPtr->optsSet & (1u << opt)) {
            (void) CpHandleSetOpt(dialPtr->handlePtr, (CpSockOpt) opt,
                dialPtr->opts[opt]);
        }
    }
    if (localPtr->lengthBytes != 0) {
        error = CpHandleBind(dialPtr->handlePtr, localPtr);
    }
    if (error != CP_OK) {
        CpHandleClose(dialPtr->handlePtr);
        dialPtr->handlePtr = NULL;
    }
    return error;
}

/*
 * Starts the next attempt that can be started: CP_EAGAIN, or the last error
 * when none is left.
 */

static CpError
NextAttempt(CpDial *dialPtr)
{
    unsigned attempts = dialPtr->remoteCount * dialPtr->localCount;

    while (dialPtr->nextAttempt < attempts) {
        unsigned attempt = dialPtr->nextAttempt++;
        const CpAddr *remotePtr =
            &dialPtr->addrs[attempt / dialPtr->localCount];
        const CpAddr *localPtr = &dialPtr->addrs[dialPtr->remoteCount
            + attempt % dialPtr->localCount];

        if (localPtr->lengthBytes != 0 && !SameFamily(remotePtr, localPtr)) {
            continue;
        }
        dialPtr->error = OpenAttempt(dialPtr, remotePtr, localPtr);
        if (dialPtr->error == CP_OK) {
            dialPtr->op.proc = AttemptDone;
            CpSubmitConnect(dialPtr->handlePtr, &dialPtr->op, remotePtr);
            return CP_EAGAIN;
        }
    }
    return dialPtr->error;
}

static void
AttemptDone(CpOp *opPtr)
{
    CpDial *dialPtr = CP_OWNER_OF(opPtr, CpDial, op);
    CpHandle *handlePtr = dialPtr->handlePtr;
    CpError error = opPtr->error;

    if (error != CP_OK && !dialPtr->cancelled) {
        dialPtr->handlePtr = NULL;
        dialPtr->error = error;
        error = NextAttempt(dialPtr);
        if (error == CP_EAGAIN) {
            CpHandleClose(handlePtr);
            return;
        }
    }
    dialPtr->proc(dialPtr->clientData, error, handlePtr);
    free(dialPtr);
}

CpError
CpDialStart(CpPort *portPtr, const CpAddr *remotes, unsigned remoteCount,
    const CpAddr *locals, unsigned localCount, CpDialProc *proc,
    void *clientData, CpDial **dialPtrPtr)
{
    unsigned slots = localCount > 0 ? localCount : 1;
    CpDial *dialPtr;
    CpError error;

    assert(remoteCount > 0);
    dialPtr = calloc(1,
        sizeof(CpDial) + (remoteCount + slots) * sizeof(CpAddr));
    if (dialPtr == NULL) {
        return CP_ENOMEM;
    }
    dialPtr->portPtr = portPtr;
    dialPtr->remoteCount = remoteCount;
    dialPtr->localCount = slots;
    dialPtr->proc = proc;
    dialPtr->clientData = clientData;
    memcpy(dialPtr->addrs, remotes, remoteCount * sizeof(CpAddr));
    if (localCount > 0) {
        memcpy(dialPtr->addrs + remoteCount, locals,
            localCount * sizeof(CpAddr));
    }

    /* What is said when no local address is of a remote one's family. */
    dialPtr->error = CP_EADDRNOTAVAIL;
    error = NextAttempt(dialPtr);
    if (error != CP_EAGAIN) {
        free(dialPtr);
        return error;
    }
    *dialPtrPtr = dialPtr;
    return CP_EAGAIN;
}

void
CpDialCancel(CpDial *dialPtr)
{
    dialPtr->cancelled = 1;
    CpCancel(dialPtr->handlePtr, &dialPtr->op);
}

CpError
CpDialSetOpt(CpDial *dialPtr, CpSockOpt opt, int value)
{
    CpError error = CpHandleSetOpt(dialPtr->handlePtr, opt, value);

    if (error == CP_OK) {
        dialPtr->optsSet |= 1u << opt;
        dialPtr->opts[opt] = value;
    }
    return error;
}

CpError
CpDialGetOpt(CpDial *dialPtr, CpSockOpt opt, int *valuePtr)
{
    return CpHandleGetOpt(dialPtr->handlePtr, opt, valuePtr);
}

void
CpDialMove(CpDial *dialPtr, CpPort *portPtr)
{
    dialPtr->portPtr = portPtr;
    CpHandleMove(dialPtr->handlePtr, portPtr);
}
