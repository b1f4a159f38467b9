/*
 * randomTest.c --
 *
 *      Plays application and network by chance, over the simulated port, and
 *      checks what has to hold whatever happens:
 *
 *          randomTest ?udp? ?SEED? ?COUNT?
 *
 *      With "udp" there are datagrams beside the connections. COUNT worlds of
 *      RANDOM_STEPS steps, of which the first has that seed and each other one
 *      the next. A failure says which one it was.
 */

#include "randomInt.h"

#include <stdlib.h>

#define DEFAULT_COUNT 300

static void
Report(uint64_t seed, uint64_t count)
{
    unsigned end = randomUdp ? CP_SIM_FAULT_COUNT : CP_SIM_UDP_LOSE;
    unsigned fault, status, statusCount;
    const CpError *statuses = CpSimStatusErrors(&statusCount);

    printf("%llu worlds from seed %llu, %llu steps, %llu accepts, %llu bytes\n",
        (unsigned long long) count, (unsigned long long) seed,
        (unsigned long long) count * RANDOM_STEPS,
        (unsigned long long) randomAccepts,
        (unsigned long long) randomBytesMoved);
    if (randomUdp) {
        printf("%llu datagrams sent, %llu taken\n",
            (unsigned long long) randomDatagramsSent,
            (unsigned long long) randomDatagramsTaken);
        CHECK(randomDatagramsSent >= count * 10);
        CHECK(randomDatagramsTaken >= count);
    }
    for (fault = 0; fault < end; fault++) {
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
}

int
main(int argc, char **argv)
{
    uint64_t seed, count, i;

    if (argc > 1 && strcmp(argv[1], "udp") == 0) {
        randomUdp = 1;
        argc--;
        argv++;
    }
    seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    count = argc > 2 ? strtoull(argv[2], NULL, 10) : DEFAULT_COUNT;
    for (i = 0; i < count; i++) {
        RandomRunWorld(seed + i);
    }
    Report(seed, count);
    return 0;
}
