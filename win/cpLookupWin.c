/*
 * cpLookupWin.c --
 *
 *      Look-ups of names as operations, each on a thread of the system's pool.
 *      No resolver of Windows can be cancelled reliably. So a cancelled request
 *      is abandoned.
 */

#include "cpWin.h"

#include "cpMem.h"
#include "cpResolve.h"

#include <string.h>

/* The pool thread owns its request. */

typedef struct Request {
    CpResolveOp *resolvePtr; /* NULL: abandoned. Guarded by lookupLock. */
    size_t sizeBytes;
    CpTarget target;
    char *names; /* The target's strings, in the same block. */
} Request;

static SRWLOCK lookupLock = SRWLOCK_INIT;

static Request *
NewRequest(CpResolveOp *resolvePtr, const CpTarget *targetPtr)
{
    size_t hostBytes = strlen(targetPtr->host) + 1;
    size_t myHostBytes = targetPtr->myHost != NULL
        ? strlen(targetPtr->myHost) + 1
        : 0;
    size_t sizeBytes = sizeof(Request) + hostBytes + myHostBytes;
    Request *requestPtr = (Request *) CpMalloc(sizeBytes);

    if (requestPtr == NULL) {
        return NULL;
    }
    requestPtr->sizeBytes = sizeBytes;
    requestPtr->names = (char *) (requestPtr + 1);
    requestPtr->resolvePtr = resolvePtr;
    requestPtr->target = *targetPtr;
    memcpy(requestPtr->names, targetPtr->host, hostBytes);
    requestPtr->target.host = requestPtr->names;
    if (targetPtr->myHost != NULL) {
        memcpy(requestPtr->names + hostBytes, targetPtr->myHost, myHostBytes);
        requestPtr->target.myHost = requestPtr->names + hostBytes;
    }
    return requestPtr;
}

static void CALLBACK
LookUp(PTP_CALLBACK_INSTANCE instancePtr, PVOID param)
{
    Request *requestPtr = (Request *) param;
    CpResolved resolved;
    char *message = NULL;

    CallbackMayRunLong(instancePtr);
    (void) CpResolveTarget(&requestPtr->target, &resolved, &message);
    AcquireSRWLockExclusive(&lookupLock);
    if (requestPtr->resolvePtr != NULL) {
        CpResolveOp *resolvePtr = requestPtr->resolvePtr;

        resolvePtr->request = NULL;
        resolvePtr->resolved = resolved;
        resolvePtr->message = message;
        resolvePtr->op.error = CP_OK;
        CpWinHandOver(&resolvePtr->op);
    } else {
        CpResolvedFree(&resolved);
        CpMessageFree(message);
    }
    ReleaseSRWLockExclusive(&lookupLock);
    CpFree(requestPtr, requestPtr->sizeBytes);
}

void
CpSubmitResolve(CpHandle *handlePtr, CpResolveOp *resolvePtr,
    const CpTarget *targetPtr)
{
    Request *requestPtr = NewRequest(resolvePtr, targetPtr);

    CpWinBegin(handlePtr, &resolvePtr->op, WIN_OP_RESOLVE);
    memset(&resolvePtr->resolved, 0, sizeof(CpResolved));
    resolvePtr->message = NULL;
    resolvePtr->request = requestPtr;
    if (requestPtr == NULL
        || !TrySubmitThreadpoolCallback(LookUp, requestPtr, NULL)) {
        if (requestPtr != NULL) {
            CpFree(requestPtr, requestPtr->sizeBytes);
        }
        resolvePtr->request = NULL;
        CpWinFinishNow(&resolvePtr->op, CP_ENOMEM);
    }
}

void
CpWinCancelResolve(CpOp *opPtr)
{
    CpResolveOp *resolvePtr = CP_OWNER_OF(opPtr, CpResolveOp, op);
    Request *requestPtr;

    AcquireSRWLockExclusive(&lookupLock);
    requestPtr = (Request *) resolvePtr->request;
    if (requestPtr != NULL) {
        requestPtr->resolvePtr = NULL;
        resolvePtr->request = NULL;
    }
    ReleaseSRWLockExclusive(&lookupLock);
    if (requestPtr != NULL) {
        CpWinFinishNow(opPtr, CP_ECANCELED);
    }
}
