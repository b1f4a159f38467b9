/*
 * randomStream.c --
 *
 *      What was sent and received, in each direction of each connection.
 */

#include "randomInt.h"

#define FIRST_PORT 49152
#define PORT_COUNT 16384

unsigned char randomBuf[RANDOM_BUF_BYTES];
int randomHarsh;
int randomWindows;
uint64_t randomBytesMoved;

static RandomStream streams[PORT_COUNT][2];
static unsigned used; /* Of these; the others are as they were at first. */

RandomStream *
RandomStreamOf(unsigned port, unsigned direction)
{
    unsigned i = port - FIRST_PORT;

    CHECK(i < PORT_COUNT);
    if (i >= used) {
        used = i + 1;
    }
    return &streams[i][direction];
}

void
RandomForgetStreams(void)
{
    memset(streams, 0, used * sizeof(streams[0]));
    used = 0;
}

static unsigned char
ByteAt(unsigned port, unsigned direction, uint64_t place)
{
    return (unsigned char) (place * 131 + (place >> 8) * 31 + UINT64_C(7) * port
        + UINT64_C(101) * direction);
}

void
RandomFillBuf(unsigned port, unsigned direction, size_t lengthBytes)
{
    uint64_t place = RandomStreamOf(port, direction)->sent;
    size_t i;

    for (i = 0; i < lengthBytes; i++) {
        randomBuf[i] = ByteAt(port, direction, place + i);
    }
}

void
RandomCheckBuf(unsigned port, unsigned direction, size_t lengthBytes)
{
    RandomStream *streamPtr = RandomStreamOf(port, direction);
    size_t i;

    for (i = 0; i < lengthBytes; i++) {
        if (randomBuf[i] != ByteAt(port, direction, streamPtr->received + i)) {
            CpSimFail("port %u direction %u: byte %llu is wrong", port,
                direction, (unsigned long long) streamPtr->received + i);
        }
    }
    streamPtr->received += lengthBytes;
    randomBytesMoved += lengthBytes;
    CHECK(streamPtr->received <= streamPtr->sent);
}

void
RandomCheckEnd(unsigned port, unsigned direction)
{
    const RandomStream *streamPtr = RandomStreamOf(port, direction);

    if (streamPtr->received != streamPtr->sent) {
        CpSimFail("port %u direction %u: %llu bytes sent, %llu received", port,
            direction, (unsigned long long) streamPtr->sent,
            (unsigned long long) streamPtr->received);
    }
}

void
RandomCheckReset(unsigned port, unsigned direction, CpSimCause cause)
{
    const RandomStream *streamPtr = RandomStreamOf(port, direction);

    switch (cause) {
    case CP_SIM_CAUSE_ABORT:
    case CP_SIM_CAUSE_UNREAD:
    case CP_SIM_CAUSE_LATE:
        if (streamPtr->lingers && !streamPtr->broken && !randomHarsh) {
            RandomCheckEnd(port, direction);
        }
        break;
    case CP_SIM_CAUSE_NONE:
    case CP_SIM_CAUSE_REFUSED:
    case CP_SIM_CAUSE_PROCESS:
    case CP_SIM_CAUSE_CUT:
        break; /* The sender could not help it. */
    }
}

size_t
RandomLength(void)
{
    static const uint32_t limits[] = {1, 10, 100, 1000, 5000, 20000, 65536};

    return 1 + CpSimRandom(limits[CpSimRandom(CpSimRandom(10) ? 5 : 7)]);
}
