/*
 * testThread.h --
 *
 *	What the files of testthread share: threads, jobs that one thread gives
 *	to another (testJob.c), and moving channels (testChannel.c). The
 *	commands are in testThread.c.
 */

#ifndef TEST_THREAD_H
#define TEST_THREAD_H

/* Without this Tcl 8.6 makes its mutexes and conditions empty macros. */

#ifndef TCL_THREADS
#define TCL_THREADS 1
#endif
#include "tcl.h"

/*
 * A thread known to this package: the package has made it, or was loaded in
 * it. All are in one list. A mutex guards everything here except interp, which
 * only the thread itself uses.
 */

typedef struct TestThread {
    int id; /* Its name in scripts. The first thread is 0. */
    Tcl_ThreadId tclId;
    int made;           /* The package made it: it can be joined, once. */
    void *handle;       /* On Windows, of a thread that the package made. */
    Tcl_Interp *interp; /* NULL once it is deleted. */
    int stopping;       /* Its event loop has to end. */
    int ended;          /* It takes no more jobs. */
    struct TestThread *nextPtr;
} TestThread;

typedef enum TestJobKind {
    TEST_JOB_SCRIPT,
    TEST_JOB_SPLICE,
    TEST_JOB_STOP,
    TEST_JOB_EXIT
} TestJobKind;

typedef struct TestJob TestJob;

/* Returns a copy for TestFreeString, which also takes NULL. */
char *TestCopyString(const char *string);
void TestFreeString(char *string);

/* Adds a thread to the list, takes it from the list and frees it. */
TestThread *TestThreadNew(void);
void TestThreadDelete(TestThread *threadPtr);

/* The record of the calling thread; NULL if it has none yet. */
TestThread *TestThreadSelf(void);

/* Makes the record that of the calling thread, and the interpreter the one in
 * which its scripts run. */
void TestThreadAdopt(TestThread *threadPtr, Tcl_Interp *interp);

/* Finds a thread and says whether it has ended; NULL if there is none. */
TestThread *TestThreadFind(int id, int *endedPtr);

/* A new list with the numbers of all threads. */
Tcl_Obj *TestThreadNames(void);

/*
 * TestJobPost --
 *
 *	Gives a thread (another one or the calling one) something to do from
 *	its event loop. The script is copied; only TEST_JOB_SCRIPT has one, and
 *	only TEST_JOB_SPLICE has a channel.
 *
 * Results:
 *	The job, which may be gone already if the caller does not wait for it.
 *	NULL with a message in the interpreter if there is no such thread.
 */

TestJob *TestJobPost(Tcl_Interp *interp, int id, TestJobKind kind,
    const char *script, Tcl_Channel chan, int wait);

/* Waits for a job, servicing events or not. */
void TestJobWait(TestJob *jobPtr);
void TestJobBlock(TestJob *jobPtr);

/* Moves the result or error of a finished job to the interpreter, frees the
 * job and returns Tcl's code. */
int TestJobTake(Tcl_Interp *interp, TestJob *jobPtr);

/* testthread transfer, detach and attach. */
int TestChannelTransfer(Tcl_Interp *interp, int id, Tcl_Obj *nameObj);
int TestChannelDetach(Tcl_Interp *interp, Tcl_Obj *nameObj);
int TestChannelAttach(Tcl_Interp *interp, Tcl_Obj *nameObj);

/* The second half of a move, in the thread that takes the channel. */
void TestChannelSplice(Tcl_Interp *interp, Tcl_Channel chan);

#endif
