/*
 * cpMem.h --
 *
 *      The driver's memory, accounted in CP_STAT_MEMORY_BYTES. Who frees knows
 *      the size, so that a block has no header for it.
 */

#ifndef CP_MEM_H
#define CP_MEM_H

#include <stddef.h>

/* NULL when there is no memory; CpCalloc's is zeroed. */
void *CpMalloc(size_t sizeBytes);
void *CpCalloc(size_t sizeBytes);

/* The size that it was made with; NULL is passed over. */
void CpFree(void *memPtr, size_t sizeBytes);

#endif /* CP_MEM_H */
