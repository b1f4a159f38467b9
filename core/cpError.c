/*
 * cpError.c --
 *
 *      Errors of the system that have no code of the core's.
 */

#include "cpError.h"

#define SEVERITY_SHIFT 2 /* From the bits 31 and 30 to 29 and 28. */
#define SEVERITY_MASK 0x30000000u
#define CODE_MASK 0x0fffffffu

CpError
CpErrorOfNumber(uint32_t number)
{
    return (CpError) (CP_ERROR_NUMBERS
        | ((number >> SEVERITY_SHIFT) & SEVERITY_MASK) | (number & CODE_MASK));
}

uint32_t
CpErrorNumber(CpError error)
{
    uint32_t bits = (uint32_t) error;

    if (error < CP_ERROR_NUMBERS) {
        return 0;
    }
    return ((bits & SEVERITY_MASK) << SEVERITY_SHIFT) | (bits & CODE_MASK);
}
