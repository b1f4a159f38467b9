/*
 * cpMem.h --
 *
 *      The driver's memory, counted in CP_STAT_MEMORY_BYTES. The caller that
 *      frees a block knows its size, so blocks have no headers.
 */

#ifndef CP_MEM_H
#define CP_MEM_H

#include <stddef.h>

/* NULL if there is no memory. CpCalloc returns zeroed memory. */
void *CpMalloc(size_t sizeBytes);
void *CpCalloc(size_t sizeBytes);

/* sizeBytes is that of the allocation. NULL is ignored. */
void CpFree(void *memPtr, size_t sizeBytes);

#endif /* CP_MEM_H */
