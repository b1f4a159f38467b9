/*
 * fuzzTcl.h --
 *
 *      Fuzzing of generic/ itself, in a native Tcl over the simulated port. An
 *      input is a byte that says what may go wrong, and a script. The script
 *      has some of the driver's commands and what can be done with a channel,
 *      and no other way out of its interpreter.
 *
 *      Whatever the script is: nothing crashes; a failed `fconfigure` has
 *      changed nothing; an error has a text; once all channels are closed,
 *      nothing is left of them in the driver.
 */

#ifndef FUZZ_TCL_H
#define FUZZ_TCL_H

#include "cpSim.h"

#include <tcl.h>

int LLVMFuzzerInitialize(int *argcPtr, char ***argvPtr);
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t count);

typedef void FuzzFaultsProc(unsigned char choice);

/*
 * FuzzStart --
 *
 *      Makes the interpreter, without the commands that wait for the time of
 *      day, which does not pass here, that take as much memory as they are
 *      told, or that go on for ever. options, which ends with NULL, names the
 *      options that a failed fconfigure must not change.
 */

Tcl_Interp *FuzzStart(const char *program, const char *const *options);

/*
 * FuzzAddCommand --
 *
 *      Lets scripts use a command of the driver by this name. It must have a
 *      result when it fails and, if it opens a channel, when it succeeds.
 */

void FuzzAddCommand(const char *name, const char *driverName, int opens);

/* Sets how often these faults come. */
void FuzzSetFaults(const CpSimFault *faults, unsigned count, unsigned perMille);

/* Runs one input: the first byte is the faults' choice. */
void FuzzRun(const unsigned char *bytes, size_t count,
    FuzzFaultsProc *setFaults);

#endif /* FUZZ_TCL_H */
