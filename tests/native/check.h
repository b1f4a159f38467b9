/*
 * check.h --
 *
 *      What the programs of tests/native share: a table of cases, each in a
 *      world of its own, and checks that say where they failed.
 */

#ifndef CHECK_H
#define CHECK_H

#include "cpSim.h"

#include <stdio.h>
#include <string.h>

#define CHECK(condition) \
    ((condition) \
            ? (void) 0 \
            : CpSimFail("%s:%d: not so: %s", __FILE__, __LINE__, #condition))

#define CHECK_ERROR(expression, expected) \
    CheckError(expression, expected, __FILE__, __LINE__)

static inline void
CheckError(CpError error, CpError expected, const char *file, int line)
{
    if (error != expected) {
        CpSimFail("%s:%d: %s, not %s", file, line, CpErrorName(error),
            CpErrorName(expected));
    }
}

static inline int
CheckSameAddr(const CpAddr *aPtr, const CpAddr *bPtr)
{
    return aPtr->lengthBytes == bPtr->lengthBytes
        && memcmp(aPtr->u.bytes, bPtr->u.bytes, aPtr->lengthBytes) == 0;
}

typedef struct CheckCase {
    const char *name;
    void (*proc)(CpPort *portPtr);
} CheckCase;

static inline void
CheckNoWake(void *clientData)
{
    (void) clientData;
}

/* Runs all cases, or those that are named. */

static inline int
CheckMain(const CheckCase *cases, unsigned count, int argc, char **argv)
{
    unsigned i, run = 0;

    for (i = 0; i < count; i++) {
        CpError error;
        CpPort *portPtr;

        if (argc > 1 && strcmp(argv[1], cases[i].name) != 0) {
            continue;
        }
        printf("%s\n", cases[i].name);
        fflush(stdout);
        CpSimStart(i + 1, NULL);
        portPtr = CpPortNew(CheckNoWake, NULL, &error);
        cases[i].proc(portPtr);
        CpPortRelease(portPtr);
        CpSimEnd();
        run++;
    }
    printf("%u cases passed\n", run);
    return run > 0 ? 0 : 1;
}

#define CHECK_MAIN(cases) \
    int main(int argc, char **argv) \
    { \
        return CheckMain(cases, sizeof(cases) / sizeof((cases)[0]), argc, \
            argv); \
    }

#endif /* CHECK_H */
