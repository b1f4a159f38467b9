/*
 * cpDial.c --
 *
 *      Connecting by name, and through lists of addresses.
 */

#include "cpDial.h"

#include "cpMem.h"

#include <string.h>

struct CpDial {
    CpOp op; /* The present attempt. */
    CpPort *portPtr;
    CpHandle *handlePtr;     /* Its socket. Each attempt has a new one,
                                 * as a failed one cannot connect again. */
    CpResolveOp *resolvePtr; /* The look-up before the first attempt: not
                                 * NULL exactly from submit to reap. */
    CpError error;           /* Of the last attempt. */
    int cancelled;
    int wait;         /* See CpSubmitConnect. */
    unsigned optsSet; /* Bits, by CpSockOpt. */
    int opts[CP_OPT_COUNT];
    unsigned nextAttempt; /* remote * locals + local */
    CpResolved addrs;
    CpDialProc *proc;
    void *clientData;
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
    if (localPtr != NULL) {
        error = CpHandleBind(dialPtr->handlePtr, localPtr);
    }
    if (error != CP_OK) {
        CpHandleClose(dialPtr->handlePtr);
        dialPtr->handlePtr = NULL;
    }
    return error;
}

/* Starts the next attempt. Returns CP_EAGAIN, or the last error if no attempt
 * is left. */

static CpError
NextAttempt(CpDial *dialPtr)
{
    const CpResolved *addrsPtr = &dialPtr->addrs;
    unsigned locals = addrsPtr->localCount > 0 ? addrsPtr->localCount : 1;
    unsigned attempts = addrsPtr->remoteCount * locals;

    while (dialPtr->nextAttempt < attempts) {
        unsigned attempt = dialPtr->nextAttempt++;
        const CpAddr *remotePtr = &addrsPtr->remotes[attempt / locals];
        const CpAddr *localPtr = addrsPtr->localCount > 0
            ? &addrsPtr->locals[attempt % locals]
            : NULL;

        if (localPtr != NULL && !SameFamily(remotePtr, localPtr)) {
            continue;
        }
        dialPtr->error = OpenAttempt(dialPtr, remotePtr, localPtr);
        if (dialPtr->error == CP_OK) {
            dialPtr->op.proc = AttemptDone;
            CpSubmitConnect(dialPtr->handlePtr, &dialPtr->op, remotePtr,
                dialPtr->wait);
            return CP_EAGAIN;
        }
    }
    return dialPtr->error;
}

/* The one place where a dial ends. */

static void
End(CpDial *dialPtr, CpError error, CpHandle *handlePtr, char *message)
{
    CpDialProc *proc = dialPtr->proc;
    void *clientData = dialPtr->clientData;

    CpResolvedFree(&dialPtr->addrs);
    CpFree(dialPtr, sizeof(CpDial));
    proc(clientData, error, handlePtr, message);
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
    End(dialPtr, error, handlePtr, NULL);
}

static CpDial *
NewDial(CpPort *portPtr, CpDialProc *proc, void *clientData)
{
    CpDial *dialPtr = (CpDial *) CpCalloc(sizeof(CpDial));

    if (dialPtr != NULL) {
        dialPtr->portPtr = portPtr;
        dialPtr->proc = proc;
        dialPtr->clientData = clientData;

        /* The error if no local address has the family of a remote one. */
        dialPtr->error = CP_EADDRNOTAVAIL;
    }
    return dialPtr;
}

CpError
CpDialStart(CpPort *portPtr, CpResolved *resolvedPtr, int wait,
    CpDialProc *proc, void *clientData, CpDial **dialPtrPtr)
{
    CpDial *dialPtr = NewDial(portPtr, proc, clientData);
    CpError error;

    if (dialPtr == NULL) {
        CpResolvedFree(resolvedPtr);
        return CP_ENOMEM;
    }
    dialPtr->addrs = *resolvedPtr;
    dialPtr->wait = wait;
    error = NextAttempt(dialPtr);
    if (error != CP_EAGAIN) {
        CpResolvedFree(&dialPtr->addrs);
        CpFree(dialPtr, sizeof(CpDial));
        return error;
    }
    *dialPtrPtr = dialPtr;
    return CP_EAGAIN;
}

/* The look-up has completed: starts the first attempt, if it can. */

static void
ResolveDone(CpOp *opPtr)
{
    CpResolveOp *resolvePtr = CP_OWNER_OF(opPtr, CpResolveOp, op);
    CpHandle *handlePtr = opPtr->handlePtr;
    CpDial *dialPtr = (CpDial *) resolvePtr->clientData;
    CpError error = opPtr->error;
    char *message = resolvePtr->message;

    dialPtr->resolvePtr = NULL;
    dialPtr->handlePtr = NULL;
    CpHandleClose(handlePtr);
    dialPtr->addrs = resolvePtr->resolved;
    if (error == CP_OK && dialPtr->addrs.remotes == NULL) {
        error = CP_EHOSTUNREACH;
    }
    CpFree(resolvePtr, sizeof(CpResolveOp));
    if (dialPtr->cancelled) {
        error = CP_ECANCELED;
    }
    if (error == CP_OK) {
        error = NextAttempt(dialPtr);
    }
    if (error != CP_EAGAIN) {
        End(dialPtr, error, NULL, message);
    }
}

CpError
CpDialStartName(CpPort *portPtr, const CpTarget *targetPtr, CpDialProc *proc,
    void *clientData, CpDial **dialPtrPtr)
{
    CpResolveOp *resolvePtr = (CpResolveOp *) CpCalloc(sizeof(CpResolveOp));
    CpDial *dialPtr = NewDial(portPtr, proc, clientData);

    if (resolvePtr == NULL || dialPtr == NULL
        || CpHandleOpenResolver(portPtr, &dialPtr->handlePtr) != CP_OK) {
        CpFree(dialPtr, sizeof(CpDial));
        CpFree(resolvePtr, sizeof(CpResolveOp));
        return CP_ENOMEM;
    }
    resolvePtr->op.proc = ResolveDone;
    resolvePtr->clientData = dialPtr;
    dialPtr->resolvePtr = resolvePtr;
    CpSubmitResolve(dialPtr->handlePtr, resolvePtr, targetPtr);
    *dialPtrPtr = dialPtr;
    return CP_EAGAIN;
}

int
CpDialResolving(const CpDial *dialPtr)
{
    return dialPtr->resolvePtr != NULL;
}

void
CpDialCancel(CpDial *dialPtr)
{
    dialPtr->cancelled = 1;
    CpCancel(dialPtr->handlePtr,
        dialPtr->resolvePtr != NULL ? &dialPtr->resolvePtr->op : &dialPtr->op);
}

CpError
CpDialSetOpt(CpDial *dialPtr, CpSockOpt opt, int value)
{
    CpError error = CP_OK;

    if (dialPtr->resolvePtr == NULL) {
        error = CpHandleSetOpt(dialPtr->handlePtr, opt, value);
    }
    if (error == CP_OK) {
        dialPtr->optsSet |= 1u << opt;
        dialPtr->opts[opt] = value;
    }
    return error;
}

CpError
CpDialGetOpt(CpDial *dialPtr, CpSockOpt opt, int *valuePtr)
{
    if (dialPtr->resolvePtr == NULL) {
        return CpHandleGetOpt(dialPtr->handlePtr, opt, valuePtr);
    }
    if (!(dialPtr->optsSet & (1u << opt))) {
        return CP_ENOTCONN;
    }
    *valuePtr = dialPtr->opts[opt];
    return CP_OK;
}

void
CpDialMove(CpDial *dialPtr, CpPort *portPtr)
{
    dialPtr->portPtr = portPtr;
    CpHandleMove(dialPtr->handlePtr, portPtr);
}
