/*
 * testThread.c --
 *
 *	The package iocpsocktest. Its command testthread makes threads for the
 *	test suites, with channels that move between them in the way of the
 *	Thread extension.
 *
 *	    testthread create ?script?
 *	    testthread send ?-async? id script
 *	    testthread transfer id channel
 *	    testthread detach channel
 *	    testthread attach channel
 *	    testthread join id
 *	    testthread stop id
 *	    testthread exit id
 *	    testthread id
 *	    testthread names
 *
 *	The commands testraw and testwatchdog are in testRaw.c.
 */

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#endif
#include <string.h>

#include "testThread.h"
#ifdef _WIN32
#include "testApi.h"
#include "testRaw.h"
#else
#include "world.h"
#endif

#define JOIN_LIMIT_SEC 30
#define JOIN_PAUSE_MS 2
#define PACKAGE_VERSION "1.0"

typedef struct StartInfo {
    TestThread *threadPtr;
    char *autoPath;
    int ready;
    char *error; /* Why the interpreter could not be made. */
} StartInfo;

TCL_DECLARE_MUTEX(startMutex)
static Tcl_Condition startCond;

DLLEXPORT int Iocpsocktest_Init(Tcl_Interp *interp);

/* ------------------------------------------------------ the two systems */

#ifdef _WIN32

#define THREAD_FLAGS TCL_THREAD_NOFLAGS
#define NewInterp Tcl_CreateInterp

/* Called by the new thread itself. */

static void
HoldThread(TestThread *threadPtr)
{
    HANDLE handle = NULL;

    DuplicateHandle(GetCurrentProcess(), GetCurrentThread(),
        GetCurrentProcess(), &handle, 0, FALSE, DUPLICATE_SAME_ACCESS);
    threadPtr->handle = handle;
}

static int
IsThreadOver(const TestThread *threadPtr)
{
    return WaitForSingleObject(threadPtr->handle, 0) == WAIT_OBJECT_0;
}

static void
LetThreadGo(const TestThread *threadPtr)
{
    CloseHandle(threadPtr->handle);
}

#else

#define THREAD_FLAGS TCL_THREAD_JOINABLE
#define NewInterp WorldNewInterp

static void
HoldThread(TestThread *threadPtr)
{
    (void) threadPtr;
}

static int
IsThreadOver(const TestThread *threadPtr)
{
    return WorldThreadIsGone(threadPtr->tclId);
}

static void
LetThreadGo(const TestThread *threadPtr)
{
    int status;

    (void) Tcl_JoinThread(threadPtr->tclId, &status);
}

#endif

/* -------------------------------------------------------- the commands */

/*
 * Stores the result of making a thread and wakes the thread that asked for it.
 */

static void
Started(StartInfo *startPtr, const char *error)
{
    Tcl_MutexLock(&startMutex);
    startPtr->error = error != NULL ? TestCopyString(error) : NULL;
    startPtr->ready = 1;
    Tcl_ConditionNotify(&startCond);
    Tcl_MutexUnlock(&startMutex);
}

static Tcl_ThreadCreateType
ThreadMain(void *clientData)
{
    StartInfo *startPtr = clientData;
    TestThread *threadPtr = startPtr->threadPtr;
    Tcl_Interp *interp = NewInterp();

    TestThreadAdopt(threadPtr, interp);
    threadPtr->made = 1;
    HoldThread(threadPtr);
    if (Tcl_Init(interp) != TCL_OK || Iocpsocktest_Init(interp) != TCL_OK) {
        Started(startPtr, Tcl_GetStringResult(interp));
    } else {
        Tcl_SetVar2(interp, "auto_path", NULL, startPtr->autoPath,
            TCL_GLOBAL_ONLY);
        Started(startPtr, NULL);
        while (!threadPtr->stopping) {
            Tcl_DoOneEvent(TCL_ALL_EVENTS);
        }
    }
    Tcl_DeleteInterp(interp);
    Tcl_ExitThread(0);
    TCL_THREAD_CREATE_RETURN;
}

static int
CreateThread1(Tcl_Interp *interp, int *idPtr)
{
    StartInfo start;
    const char *path = Tcl_GetVar2(interp, "auto_path", NULL, TCL_GLOBAL_ONLY);
    Tcl_ThreadId tclId;
    int code = TCL_OK;

    memset(&start, 0, sizeof(start));
    start.autoPath = TestCopyString(path != NULL ? path : "");
    start.threadPtr = TestThreadNew();
    *idPtr = start.threadPtr->id;
    if (Tcl_CreateThread(&tclId, ThreadMain, &start, TCL_THREAD_STACK_DEFAULT,
            THREAD_FLAGS)
        != TCL_OK) {
        TestThreadDelete(start.threadPtr);
        start.ready = 1;
        start.error = TestCopyString("cannot create a thread");
    }
    Tcl_MutexLock(&startMutex);
    while (!start.ready) {
        Tcl_ConditionWait(&startCond, &startMutex, NULL);
    }
    Tcl_MutexUnlock(&startMutex);
    if (start.error != NULL) {
        Tcl_SetObjResult(interp, Tcl_NewStringObj(start.error, -1));
        TestFreeString(start.error);
        code = TCL_ERROR;
    }
    TestFreeString(start.autoPath);
    return code;
}

/*
 * Runs a script in a thread and services this thread's events meanwhile.
 */

static int
SendAndWait(Tcl_Interp *interp, int id, const char *script)
{
    TestJob *jobPtr = TestJobPost(interp, id, TEST_JOB_SCRIPT, script, NULL, 1);

    if (jobPtr == NULL) {
        return TCL_ERROR;
    }
    TestJobWait(jobPtr);
    return TestJobTake(interp, jobPtr);
}

static void
PauseEnds(void *clientData)
{
    (void) clientData;
}

/*
 * Services this thread's events until another one is gone: data that is flushed
 * there may need a reader here.
 */

static int
JoinThread(Tcl_Interp *interp, int id)
{
    TestThread *threadPtr;
    Tcl_Time begin;
    int ended;

    Tcl_GetTime(&begin);
    threadPtr = TestThreadFind(id, &ended);
    if (threadPtr == NULL || !threadPtr->made) {
        Tcl_SetObjResult(interp, Tcl_ObjPrintf("no thread %d to join", id));
        return TCL_ERROR;
    }
    if (!ended) {
        TestJobPost(interp, id, TEST_JOB_STOP, NULL, NULL, 0);
        Tcl_ResetResult(interp);
    }
    while (!IsThreadOver(threadPtr)) {
        Tcl_TimerToken pause;
        Tcl_Time now;

        Tcl_GetTime(&now);
        if (now.sec - begin.sec > JOIN_LIMIT_SEC) {
            Tcl_SetObjResult(interp,
                Tcl_ObjPrintf("thread %d does not end", id));
            return TCL_ERROR;
        }
        pause = Tcl_CreateTimerHandler(JOIN_PAUSE_MS, PauseEnds, NULL);
        (void) Tcl_DoOneEvent(TCL_ALL_EVENTS);
        Tcl_DeleteTimerHandler(pause);
    }
    LetThreadGo(threadPtr);
    TestThreadDelete(threadPtr);
    return TCL_OK;
}

static int
CreateCmd(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[])
{
    int id;

    if (objc > 3) {
        Tcl_WrongNumArgs(interp, 2, objv, "?script?");
        return TCL_ERROR;
    }
    if (CreateThread1(interp, &id) != TCL_OK) {
        return TCL_ERROR;
    }
    if (objc == 3
        && SendAndWait(interp, id, Tcl_GetString(objv[2])) != TCL_OK) {
        return TCL_ERROR;
    }
    Tcl_SetObjResult(interp, Tcl_NewWideIntObj(id));
    return TCL_OK;
}

static int
SendCmd(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[])
{
    int async = objc == 5 && strcmp(Tcl_GetString(objv[2]), "-async") == 0;
    int id;

    if (objc != 4 + async) {
        Tcl_WrongNumArgs(interp, 2, objv, "?-async? id script");
        return TCL_ERROR;
    }
    if (Tcl_GetIntFromObj(interp, objv[2 + async], &id) != TCL_OK) {
        return TCL_ERROR;
    }
    if (!async) {
        return SendAndWait(interp, id, Tcl_GetString(objv[3]));
    }
    return TestJobPost(interp, id, TEST_JOB_SCRIPT, Tcl_GetString(objv[4]),
               NULL, 0)
            != NULL
        ? TCL_OK
        : TCL_ERROR;
}

/*
 * testthread transfer, detach, attach, join, stop and exit. stop ends the
 * thread's event loop, as join does, but does not wait. exit ends the thread at
 * its next event, even in a nested event loop.
 */

static int
OtherCmd(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[])
{
    const char *name = Tcl_GetString(objv[1]);
    int transfer = strcmp(name, "transfer") == 0;
    TestJobKind kind;
    int id;

    if (objc != 3 + transfer) {
        Tcl_WrongNumArgs(interp, 2, objv, transfer ? "id channel" : "what");
        return TCL_ERROR;
    }
    if (strcmp(name, "detach") == 0) {
        return TestChannelDetach(interp, objv[2]);
    }
    if (strcmp(name, "attach") == 0) {
        return TestChannelAttach(interp, objv[2]);
    }
    if (Tcl_GetIntFromObj(interp, objv[2], &id) != TCL_OK) {
        return TCL_ERROR;
    }
    if (transfer) {
        return TestChannelTransfer(interp, id, objv[3]);
    }
    if (strcmp(name, "join") == 0) {
        return JoinThread(interp, id);
    }
    kind = strcmp(name, "stop") == 0 ? TEST_JOB_STOP : TEST_JOB_EXIT;
    return TestJobPost(interp, id, kind, NULL, NULL, 0) != NULL ? TCL_OK
                                                                : TCL_ERROR;
}

static int
TestThreadObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    static const char *const names[] = {"create", "send", "id", "names",
        "transfer", "detach", "attach", "join", "stop", "exit", NULL};
    int index;
    (void) clientData;

    if (objc < 2) {
        Tcl_WrongNumArgs(interp, 1, objv, "subcommand ?arg ...?");
        return TCL_ERROR;
    }
    if (Tcl_GetIndexFromObj(interp, objv[1], names, "subcommand", TCL_EXACT,
            &index)
        != TCL_OK) {
        return TCL_ERROR;
    }
    switch (index) {
    case 0:
        return CreateCmd(interp, objc, objv);
    case 1:
        return SendCmd(interp, objc, objv);
    case 2:
        Tcl_SetObjResult(interp, Tcl_NewWideIntObj(TestThreadSelf()->id));
        return TCL_OK;
    case 3:
        Tcl_SetObjResult(interp, TestThreadNames());
        return TCL_OK;
    default:
        return OtherCmd(interp, objc, objv);
    }
}

/*
 * Iocpsocktest_Init --
 *
 *	Makes the commands in an interpreter. Scripts that are sent to a thread
 *	run in the thread's first interpreter with this package.
 */

int
Iocpsocktest_Init(Tcl_Interp *interp)
{
    if (Tcl_InitStubs(interp, "8.6-", 0) == NULL) {
        return TCL_ERROR;
    }
    if (TestThreadSelf() == NULL) {
        TestThreadAdopt(TestThreadNew(), interp);
    }
    Tcl_CreateObjCommand(interp, "testthread", TestThreadObjCmd, NULL, NULL);
    TestRawCreateCommands(interp);
#ifdef _WIN32
    TestApiCreateCommand(interp);
#endif
    TestPumpCreateCommand(interp);
#ifdef _WIN32
    TestSystemCreateCommand(interp);
    TestWindowCreateCommand(interp);
#endif
    return Tcl_PkgProvide(interp, "iocpsocktest", PACKAGE_VERSION);
}
