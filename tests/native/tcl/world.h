/*
 * world.h --
 *
 *      A Tcl shell inside the simulated world: the driver's Tcl side runs the
 *      test suites natively, under the sanitizers, with as many threads as the
 *      suites want.
 *
 *      Time is virtual, for Tcl as well as for the simulator. It passes when
 *      every thread waits, and then jumps to what comes next: a timer, or
 *      something in the simulated network. Each look at the clock takes a
 *      little time too, so that a loop that waits for the clock ends.
 */

#ifndef WORLD_H
#define WORLD_H

#include <stdint.h>
#include <tcl.h>

#define WORLD_NEVER UINT64_MAX

#ifndef TCL_SIZE_MAX
typedef int Tcl_Size;
#endif

/*
 * WorldBegin --
 *
 *      Starts the simulated world, and makes Tcl wait and look at the clock in
 *      it. Called before everything else of Tcl.
 */

void WorldBegin(void);

/* Checks that nothing of the driver is left, if no thread is. Tcl is finalized
 * by then. */
void WorldEnd(void);
int WorldHasThreads(void);

/* Microseconds since some time in the past. A look takes that many more. */
uint64_t WorldNowUs(unsigned lookUs);

/*
 * WorldWait --
 *
 *      The calling thread waits until it is alerted, or until dueUs.
 *
 * Results:
 *      Whether it was alerted.
 */

int WorldWait(uint64_t dueUs);

/* Waits that long, alerted or not. */
void WorldSleep(uint64_t us);

/* An interpreter that may be left when its thread ends, as `testthread exit`
 * does it. Tcl then loses sight of a part of it, which is no leak of ours. */
Tcl_Interp *WorldNewInterp(void);

/* Whether a thread has ended its channels and its event loop for good. */
int WorldThreadIsGone(Tcl_ThreadId id);

/*
 * WorldEnter, WorldLeave --
 *
 *      One thread at a time is in the simulator, which knows of no threads. Its
 *      clock is right from the first call on. Calls nest.
 */

void WorldEnter(void);
void WorldLeave(void);

/* Leaves however often it was entered, and says how often that was; enters that
 * often again. */
unsigned WorldLeaveAll(void);
void WorldEnterAgain(unsigned times);

/* Parts of WorldBegin: Tcl's notifier and Tcl's clock. */
void WorldSetNotifier(void);
void WorldSetTclClock(void);

/* worldPort.c's part of a wait: the time of what comes next in the simulator,
 * or WORLD_NEVER; and the clock was moved. */
uint64_t WorldSimNextUs(void);
void WorldSimCatchUp(void);

/* The clock is not before this. */
void WorldRaiseClock(uint64_t us);

/* worldRaw.c: testraw and the other commands of the package iocpsocktest. */
void TestRawCreateCommands(Tcl_Interp *interp);
void TestPumpCreateCommand(Tcl_Interp *interp);
void TestWorldCreateCommand(Tcl_Interp *interp);

#endif /* WORLD_H */
