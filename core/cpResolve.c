/*
 * cpResolve.c --
 *
 *      What is the same for every port's CpResolve.
 */

#include "cpResolve.h"

#include "cpMem.h"

#include <string.h>

void
CpResolveFree(CpAddr *addrs, unsigned count)
{
    CpFree(addrs, count * sizeof(CpAddr));
}

int
CpResolveTarget(const CpTarget *targetPtr, CpResolved *resolvedPtr,
    char *message)
{
    memset(resolvedPtr, 0, sizeof(CpResolved));
    if (!CpResolve(targetPtr->host, targetPtr->port, targetPtr->family, 0,
            &resolvedPtr->remotes, &resolvedPtr->remoteCount, message)) {
        return 0;
    }
    if ((targetPtr->myHost != NULL || targetPtr->myPort != 0)
        && !CpResolve(targetPtr->myHost, targetPtr->myPort, targetPtr->family,
            1, &resolvedPtr->locals, &resolvedPtr->localCount, message)) {
        CpResolvedFree(resolvedPtr);
        return 0;
    }
    return 1;
}

void
CpResolvedFree(CpResolved *resolvedPtr)
{
    CpResolveFree(resolvedPtr->remotes, resolvedPtr->remoteCount);
    CpResolveFree(resolvedPtr->locals, resolvedPtr->localCount);
    memset(resolvedPtr, 0, sizeof(CpResolved));
}
