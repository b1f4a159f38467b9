/*
 * cpResolve.c --
 *
 *      The parts of name resolution that all ports share.
 */

#include "cpResolve.h"

#include "cpMem.h"

#include <string.h>

void
CpResolveFree(CpAddr *addrs, unsigned count)
{
    CpFree(addrs, count * sizeof(CpAddr));
}

char *
CpMessageNew(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *message = (char *) CpMalloc(bytes);

    if (message != NULL) {
        memcpy(message, text, bytes);
    }
    return message;
}

void
CpMessageFree(char *message)
{
    if (message != NULL) {
        CpFree(message, strlen(message) + 1);
    }
}

int
CpResolveTarget(const CpTarget *targetPtr, CpResolved *resolvedPtr,
    char **messagePtr)
{
    memset(resolvedPtr, 0, sizeof(CpResolved));
    if (!CpResolve(targetPtr->host, targetPtr->port, targetPtr->family, 0,
            &resolvedPtr->remotes, &resolvedPtr->remoteCount, messagePtr)) {
        return 0;
    }
    if ((targetPtr->myHost != NULL || targetPtr->myPort != 0)
        && !CpResolve(targetPtr->myHost, targetPtr->myPort, targetPtr->family,
            1, &resolvedPtr->locals, &resolvedPtr->localCount, messagePtr)) {
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
