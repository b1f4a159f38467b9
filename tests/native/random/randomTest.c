/*
 * randomTest.c --
 *
 *      Plays application and network by chance, over the simulated port, and
 *      checks what has to hold whatever happens:
 *
 *          randomTest ?SEED? ?COUNT?
 *
 *      COUNT worlds of RANDOM_STEPS steps, of which the first has that seed and
 *      each other one the next. A failure says which one it was.
 */

#include "randomInt.h"

#include <stdlib.h>

#define DEFAULT_COUNT 300

int
main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : DEFAULT_COUNT;
    uint64_t i;
    unsigned fault, status, statusCount;
    const CpError *statuses = CpSimStatusErrors(&statusCount);

    for (i = 0; i < count; i++) {
        RandomRunWorld(seed + i);
    }
    printf("%llu worlds from seed %llu, %llu steps, %llu accepts, %llu bytes\n",
        (unsigned long long) count, (unsigned long long) seed,
        (unsigned long long) count * RANDOM_STEPS,
        (unsigned long long) randomAccepts,
        (unsigned long long) randomBytesMoved);
    for (fault = 0; fault < CP_SIM_UDP_LOSE; fault++) {
        uint64_t taken = CpSimTaken((CpSimFault) fault);

        printf("  %-20s %llu\n", CpSimFaultName((CpSimFault) fault),
            (unsigned long long) taken);
        if (count >= DEFAULT_COUNT && taken == 0) {
            CpSimFail("the fault %s has never come",
                CpSimFaultName((CpSimFault) fault));
        }
    }
    for (status = 0; status < statusCount; status++) {
        uint64_t taken = CpSimErrorTaken(statuses[status]);

        printf("  %-20s %llu\n", CpErrorName(statuses[status]),
            (unsigned long long) taken);
        if (count >= DEFAULT_COUNT && taken == 0) {
            CpSimFail("no operation has ended with %s",
                CpErrorName(statuses[status]));
        }
    }
    return 0;
}
