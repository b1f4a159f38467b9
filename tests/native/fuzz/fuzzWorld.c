/*
 * fuzzWorld.c --
 *
 *      The worlds of randomTest, with libFuzzer's bytes for chance: it looks
 *      for those that run what no world before them has.
 *
 *          fuzzWorld FILE          one world again, of those that it kept
 */

#include "randomInt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    RandomRunBytes(bytes, count);
    return 0;
}
