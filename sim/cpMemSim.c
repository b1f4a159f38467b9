/*
 * cpMemSim.c --
 *
 *      Replaces the core's memory functions (by the linker's --wrap). An
 *      allocation may fail. Freeing memory that the port still needs is a
 *      failure.
 */

#include "cpMem.h"
#include "cpSimInt.h"

#include <string.h>

void *__real_CpMalloc(size_t sizeBytes);
void *__wrap_CpMalloc(size_t sizeBytes);
void *__real_CpCalloc(size_t sizeBytes);
void *__wrap_CpCalloc(size_t sizeBytes);
void __real_CpFree(void *memPtr, size_t sizeBytes);
void __wrap_CpFree(void *memPtr, size_t sizeBytes);

void *
__wrap_CpMalloc(size_t sizeBytes)
{
    return SimFault(CP_SIM_NO_MEMORY) ? NULL : __real_CpMalloc(sizeBytes);
}

void *
__wrap_CpCalloc(size_t sizeBytes)
{
    return SimFault(CP_SIM_NO_MEMORY) ? NULL : __real_CpCalloc(sizeBytes);
}

void
__wrap_CpFree(void *memPtr, size_t sizeBytes)
{
    if (memPtr != NULL && SimOpEnds(memPtr, sizeBytes)) {
        CpSimFail("memory is freed that an operation works on");
    }
    __real_CpFree(memPtr, sizeBytes);
}
