/*
 * cpMem.c --
 *
 *      The driver's memory.
 */

#include "cpMem.h"

#include "cpPort.h"

#include <stdlib.h>

static void *
Account(void *memPtr, size_t sizeBytes)
{
    if (memPtr != NULL) {
        CpStatAdd(CP_STAT_MEMORY_BYTES, (int64_t) sizeBytes);
    }
    return memPtr;
}

void *
CpMalloc(size_t sizeBytes)
{
    return Account(malloc(sizeBytes), sizeBytes);
}

void *
CpCalloc(size_t sizeBytes)
{
    return Account(calloc(1, sizeBytes), sizeBytes);
}

void
CpFree(void *memPtr, size_t sizeBytes)
{
    if (memPtr != NULL) {
        CpStatAdd(CP_STAT_MEMORY_BYTES, -(int64_t) sizeBytes);
        free(memPtr);
    }
}
