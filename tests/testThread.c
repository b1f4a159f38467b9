/*
 * testThread.c --
 *
 *	The package iocpsocktest: threads for the test suites, with channels
 *	that move between them the way the Thread extension moves them. The
 *	commands testraw and testwatchdog are in testRaw.c.
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
 */

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#endif
#include <string.h>

/* Without this Tcl 8.6 makes its mutexes and conditions empty macros. */

#ifndef TCL_THREADS
#define TCL_THREADS 1
#endif
#include "tcl.h"
#ifdef _WIN32
#include "testRaw.h"
#else
#include "world.h"
#endif

#define JOIN_LIMIT_SEC 30
#define JOIN_PAUSE_MS 2
#define PACKAGE_VERSION "1.0"

/*
 * A thread known to this package: one made by it, or one in which it was
 * loaded. All are in one list, and everything here is guarded by listMutex
 * except interp, which only the thread itself uses.
 */

typedef struct TestThread {
    int id; /* What scripts call it; 0 came first. */
    Tcl_ThreadId tclId;
    int made; /* By this package: it can be joined, once. */
#ifdef _WIN32
    HANDLE handle; /* Of a thread made here. */
#endif
    Tcl_Interp *interp; /* NULL once it is deleted. */
    int stopping;       /* Its event loop is to end. */
    int ended;          /* It takes no more jobs. */
    struct TestThread *nextPtr;
} TestThread;

/*
 * What one thread asks of another. It is owned by the thread that waits for
 * it, or, when none does, by the one that runs it.
 */

typedef enum JobKind { JOB_SCRIPT, JOB_SPLICE, JOB_STOP, JOB_EXIT } JobKind;

typedef struct Job {
    JobKind kind;
    char *script;     /* Of JOB_SCRIPT. */
    Tcl_Channel chan; /* Of JOB_SPLICE. */
    TestThread *targetPtr;
    Tcl_ThreadId waiter; /* NULL if no thread waits. */
    int done;
    int code; /* Tcl's, of the script. */
    char *result;
    char *errorInfo;
    char *errorCode;
    struct Job *nextPtr; /* In the list of unfinished jobs. */
} Job;

typedef struct JobEvent {
    Tcl_Event header;
    Job *jobPtr;
} JobEvent;

typedef struct StartInfo {
    TestThread *threadPtr;
    char *autoPath;
    int ready;
    char *error; /* Why the interpreter could not be made. */
} StartInfo;

TCL_DECLARE_MUTEX(listMutex)
static Tcl_Condition listCond;
static TestThread *firstThreadPtr;
static Job *firstJobPtr;
static int nextId;
static Tcl_ThreadDataKey dataKey;

DLLEXPORT int Iocpsocktest_Init(Tcl_Interp *interp);

/* ------------------------------------------------ what the systems have */

#ifdef _WIN32

#define THREAD_FLAGS TCL_THREAD_NOFLAGS
#define NewInterp Tcl_CreateInterp

/* Called by the new thread itself. */

static void
HoldThread(TestThread *threadPtr)
{
    DuplicateHandle(GetCurrentProcess(), GetCurrentThread(),
        GetCurrentProcess(), &threadPtr->handle, 0, FALSE,
        DUPLICATE_SAME_ACCESS);
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

/* -------------------------------------------------------- threads, jobs */

static char *
CopyString(const char *string)
{
    size_t size = strlen(string) + 1;
    char *copy = Tcl_Alloc((unsigned) size);

    memcpy(copy, string, size);
    return copy;
}

static void
FreeString(char *string)
{
    if (string != NULL) {
        Tcl_Free(string);
    }
}

static TestThread **
SelfSlot(void)
{
    return Tcl_GetThreadData(&dataKey, sizeof(TestThread *));
}

static TestThread *
FindLockedThread(int id)
{
    TestThread *threadPtr;

    for (threadPtr = firstThreadPtr; threadPtr != NULL;
         threadPtr = threadPtr->nextPtr) {
        if (threadPtr->id == id) {
            return threadPtr;
        }
    }
    return NULL;
}

static void
FreeJob(Job *jobPtr)
{
    FreeString(jobPtr->script);
    FreeString(jobPtr->result);
    FreeString(jobPtr->errorInfo);
    FreeString(jobPtr->errorCode);
    Tcl_Free((char *) jobPtr);
}

/*
 * An alert alone does not make Tcl_DoOneEvent return; an event does.
 */

static int
WakeEventProc(Tcl_Event *eventPtr, int flags)
{
    (void) eventPtr;
    (void) flags;
    return 1;
}

/*
 * Takes a job from the list and hands it to its waiter. The result strings
 * must be set.
 */

static void
FinishLockedJob(Job *jobPtr)
{
    Tcl_Event *eventPtr;
    Job **linkPtr;

    for (linkPtr = &firstJobPtr; *linkPtr != jobPtr;
         linkPtr = &(*linkPtr)->nextPtr) {
        /* Only the place in the list is looked for. */
    }
    *linkPtr = jobPtr->nextPtr;
    if (jobPtr->waiter == NULL) {
        FreeJob(jobPtr);
        return;
    }
    jobPtr->done = 1;
    eventPtr = (Tcl_Event *) Tcl_Alloc(sizeof(Tcl_Event));
    eventPtr->proc = WakeEventProc;
    Tcl_ThreadQueueEvent(jobPtr->waiter, eventPtr, TCL_QUEUE_TAIL);
    Tcl_ThreadAlert(jobPtr->waiter);
    Tcl_ConditionNotify(&listCond);
}

/*
 * A thread exit handler: what was asked of the thread and not done yet will
 * never be, and whoever waits has to know.
 */

static void
ThreadEnds(void *clientData)
{
    TestThread *threadPtr = clientData;
    Job *jobPtr;
    Job *nextPtr;

    Tcl_MutexLock(&listMutex);
    threadPtr->ended = 1;
    threadPtr->interp = NULL;
    for (jobPtr = firstJobPtr; jobPtr != NULL; jobPtr = nextPtr) {
        nextPtr = jobPtr->nextPtr;
        if (jobPtr->targetPtr == threadPtr) {
            jobPtr->code = TCL_ERROR;
            jobPtr->result = CopyString("the thread has ended");
            FinishLockedJob(jobPtr);
        }
    }
    Tcl_MutexUnlock(&listMutex);
}

static void
InterpDeleted(void *clientData, Tcl_Interp *interp)
{
    TestThread *threadPtr = clientData;

    if (threadPtr->interp == interp) {
        threadPtr->interp = NULL;
    }
}

/*
 * The calling thread's record, made when there is none. The caller becomes
 * known by the number of the first interpreter that loads the package.
 */

static TestThread *
NewThread(void)
{
    TestThread *threadPtr = (TestThread *) Tcl_Alloc(sizeof(TestThread));

    memset(threadPtr, 0, sizeof(TestThread));
    Tcl_MutexLock(&listMutex);
    threadPtr->id = nextId++;
    threadPtr->nextPtr = firstThreadPtr;
    firstThreadPtr = threadPtr;
    Tcl_MutexUnlock(&listMutex);
    return threadPtr;
}

static void
Adopt(TestThread *threadPtr, Tcl_Interp *interp)
{
    *SelfSlot() = threadPtr;
    threadPtr->tclId = Tcl_GetCurrentThread();
    threadPtr->interp = interp;
    Tcl_CallWhenDeleted(interp, InterpDeleted, threadPtr);
    Tcl_CreateThreadExitHandler(ThreadEnds, threadPtr);
}

static void
DeleteThread(TestThread *threadPtr)
{
    TestThread **linkPtr;

    Tcl_MutexLock(&listMutex);
    for (linkPtr = &firstThreadPtr; *linkPtr != threadPtr;
         linkPtr = &(*linkPtr)->nextPtr) {
        /* Only the place in the list is looked for. */
    }
    *linkPtr = threadPtr->nextPtr;
    Tcl_MutexUnlock(&listMutex);
    Tcl_Free((char *) threadPtr);
}

/*
 * Evaluates a job's script in this thread's interpreter and keeps the result,
 * or reports an error in the background when no thread waits for it.
 */

static void
RunScript(Job *jobPtr, Tcl_Interp *interp)
{
    Tcl_Preserve(interp);
    jobPtr->code = Tcl_EvalEx(interp, jobPtr->script, -1, TCL_EVAL_GLOBAL);
    jobPtr->result = CopyString(Tcl_GetStringResult(interp));
    if (jobPtr->code == TCL_ERROR) {
        if (jobPtr->waiter == NULL) {
            Tcl_BackgroundException(interp, TCL_ERROR);
        } else {
            const char *info = Tcl_GetVar2(interp, "errorInfo", NULL,
                TCL_GLOBAL_ONLY);
            const char *code = Tcl_GetVar2(interp, "errorCode", NULL,
                TCL_GLOBAL_ONLY);

            jobPtr->errorInfo = CopyString(info != NULL ? info : "");
            jobPtr->errorCode = CopyString(code != NULL ? code : "NONE");
        }
    }
    Tcl_Release(interp);
}

static int
JobEventProc(Tcl_Event *eventPtr, int flags)
{
    Job *jobPtr = ((JobEvent *) eventPtr)->jobPtr;
    TestThread *threadPtr = *SelfSlot();
    int leave = 0;
    (void) flags;

    jobPtr->code = TCL_OK;
    switch (jobPtr->kind) {
    case JOB_SCRIPT:
        if (threadPtr->interp == NULL) {
            jobPtr->code = TCL_ERROR;
            jobPtr->result = CopyString("the interpreter is deleted");
        } else {
            RunScript(jobPtr, threadPtr->interp);
        }
        break;
    case JOB_SPLICE:
        Tcl_SpliceChannel(jobPtr->chan);
        Tcl_RegisterChannel(threadPtr->interp, jobPtr->chan);
        Tcl_UnregisterChannel(NULL, jobPtr->chan);
        break;
    case JOB_STOP:
        threadPtr->stopping = 1;
        break;
    case JOB_EXIT:
        leave = 1;
        break;
    }
    if (jobPtr->result == NULL) {
        jobPtr->result = CopyString("");
    }
    Tcl_MutexLock(&listMutex);
    FinishLockedJob(jobPtr);
    Tcl_MutexUnlock(&listMutex);
    if (leave) {
        Tcl_ExitThread(0);
    }
    return 1;
}

/*
 * PostJob --
 *
 *	Gives another thread (or this one) something to do from its event
 *	loop. The script is copied.
 *
 * Results:
 *	The job, which is gone already if nobody waits; NULL with a message
 *	in the interpreter if there is no such thread.
 */

static Job *
PostJob(Tcl_Interp *interp, int id, JobKind kind, const char *script,
    Tcl_Channel chan, int wait)
{
    TestThread *threadPtr;
    JobEvent *eventPtr;
    Job *jobPtr;

    Tcl_MutexLock(&listMutex);
    threadPtr = FindLockedThread(id);
    if (threadPtr == NULL || threadPtr->ended) {
        Tcl_MutexUnlock(&listMutex);
        Tcl_SetObjResult(interp, Tcl_ObjPrintf("no thread %d", id));
        return NULL;
    }
    jobPtr = (Job *) Tcl_Alloc(sizeof(Job));
    memset(jobPtr, 0, sizeof(Job));
    jobPtr->kind = kind;
    jobPtr->script = script != NULL ? CopyString(script) : NULL;
    jobPtr->chan = chan;
    jobPtr->targetPtr = threadPtr;
    jobPtr->waiter = wait ? Tcl_GetCurrentThread() : NULL;
    jobPtr->nextPtr = firstJobPtr;
    firstJobPtr = jobPtr;
    eventPtr = (JobEvent *) Tcl_Alloc(sizeof(JobEvent));
    eventPtr->header.proc = JobEventProc;
    eventPtr->jobPtr = jobPtr;
    Tcl_ThreadQueueEvent(threadPtr->tclId, &eventPtr->header, TCL_QUEUE_TAIL);
    Tcl_ThreadAlert(threadPtr->tclId);
    Tcl_MutexUnlock(&listMutex);
    return jobPtr;
}

static int
IsDone(Job *jobPtr)
{
    int done;

    Tcl_MutexLock(&listMutex);
    done = jobPtr->done;
    Tcl_MutexUnlock(&listMutex);
    return done;
}

/*
 * Moves a finished job's result, or error, to the interpreter.
 */

static int
TakeResult(Tcl_Interp *interp, Job *jobPtr)
{
    int code = jobPtr->code;

    Tcl_ResetResult(interp);
    if (code == TCL_ERROR && jobPtr->errorInfo != NULL) {
        Tcl_AppendObjToErrorInfo(interp,
            Tcl_NewStringObj(jobPtr->errorInfo, -1));
        Tcl_SetObjErrorCode(interp, Tcl_NewStringObj(jobPtr->errorCode, -1));
    }
    Tcl_SetObjResult(interp, Tcl_NewStringObj(jobPtr->result, -1));
    FreeJob(jobPtr);
    return code;
}

/*
 * Records the result of making a thread and wakes the one that asked.
 */

static void
Started(StartInfo *startPtr, const char *error)
{
    Tcl_MutexLock(&listMutex);
    startPtr->error = error != NULL ? CopyString(error) : NULL;
    startPtr->ready = 1;
    Tcl_ConditionNotify(&listCond);
    Tcl_MutexUnlock(&listMutex);
}

static Tcl_ThreadCreateType
ThreadMain(void *clientData)
{
    StartInfo *startPtr = clientData;
    TestThread *threadPtr = startPtr->threadPtr;
    Tcl_Interp *interp = NewInterp();

    Adopt(threadPtr, interp);
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
    start.autoPath = CopyString(path != NULL ? path : "");
    start.threadPtr = NewThread();
    *idPtr = start.threadPtr->id;
    if (Tcl_CreateThread(&tclId, ThreadMain, &start, TCL_THREAD_STACK_DEFAULT,
            THREAD_FLAGS)
        != TCL_OK) {
        DeleteThread(start.threadPtr);
        start.ready = 1;
        start.error = CopyString("cannot create a thread");
    }
    Tcl_MutexLock(&listMutex);
    while (!start.ready) {
        Tcl_ConditionWait(&listCond, &listMutex, NULL);
    }
    Tcl_MutexUnlock(&listMutex);
    if (start.error != NULL) {
        Tcl_SetObjResult(interp, Tcl_NewStringObj(start.error, -1));
        FreeString(start.error);
        code = TCL_ERROR;
    }
    FreeString(start.autoPath);
    return code;
}

/*
 * Runs a script in a thread and services this one's events until it is done.
 */

static int
SendAndWait(Tcl_Interp *interp, int id, const char *script)
{
    Job *jobPtr = PostJob(interp, id, JOB_SCRIPT, script, NULL, 1);

    if (jobPtr == NULL) {
        return TCL_ERROR;
    }
    while (!IsDone(jobPtr)) {
        Tcl_DoOneEvent(TCL_ALL_EVENTS);
    }
    return TakeResult(interp, jobPtr);
}

/*
 * The first half of a move: takes a channel out of its interpreter and
 * thread, leaving it with one reference and no handlers. The watch call keeps
 * notifications that are under way from reaching a channel that belongs to
 * another thread by then.
 */

static int
CutChannel(Tcl_Interp *interp, Tcl_Obj *nameObj, Tcl_Channel *chanPtr)
{
    Tcl_Channel chan = Tcl_GetChannel(interp, Tcl_GetString(nameObj), NULL);
    Tcl_DriverWatchProc *watchProc;

    if (chan == NULL) {
        return TCL_ERROR;
    }
    if (Tcl_IsChannelShared(chan) || Tcl_IsStandardChannel(chan)) {
        Tcl_SetObjResult(interp, Tcl_NewStringObj("channel is shared", -1));
        return TCL_ERROR;
    }
    Tcl_ClearChannelHandlers(chan);
    watchProc = Tcl_ChannelWatchProc(Tcl_GetChannelType(chan));
    if (watchProc != NULL) {
        watchProc(Tcl_GetChannelInstanceData(chan), 0);
    }
    Tcl_RegisterChannel(NULL, chan);
    Tcl_UnregisterChannel(interp, chan);
    Tcl_CutChannel(chan);
    *chanPtr = chan;
    return TCL_OK;
}

/*
 * Blocks until the target has the channel, without servicing events, as the
 * Thread extension does.
 */

static int
TransferChannel(Tcl_Interp *interp, int id, Tcl_Obj *nameObj)
{
    Tcl_Channel chan;
    Job *jobPtr;

    if (CutChannel(interp, nameObj, &chan) != TCL_OK) {
        return TCL_ERROR;
    }
    jobPtr = PostJob(interp, id, JOB_SPLICE, NULL, chan, 1);
    if (jobPtr != NULL) {
        Tcl_MutexLock(&listMutex);
        while (!jobPtr->done) {
            Tcl_ConditionWait(&listCond, &listMutex, NULL);
        }
        Tcl_MutexUnlock(&listMutex);
        if (jobPtr->code == TCL_OK) {
            return TakeResult(interp, jobPtr);
        }
        TakeResult(interp, jobPtr);
    }
    Tcl_SpliceChannel(chan);
    Tcl_RegisterChannel(interp, chan);
    Tcl_UnregisterChannel(NULL, chan);
    return TCL_ERROR;
}

/*
 * Channels that are detached from one thread and not yet attached to another.
 */

typedef struct Detached {
    Tcl_Channel chan;
    struct Detached *nextPtr;
} Detached;

static Detached *firstDetachedPtr;

static int
DetachChannel(Tcl_Interp *interp, Tcl_Obj *nameObj)
{
    Detached *detachedPtr;
    Tcl_Channel chan;

    if (CutChannel(interp, nameObj, &chan) != TCL_OK) {
        return TCL_ERROR;
    }
    detachedPtr = (Detached *) Tcl_Alloc(sizeof(Detached));
    detachedPtr->chan = chan;
    Tcl_MutexLock(&listMutex);
    detachedPtr->nextPtr = firstDetachedPtr;
    firstDetachedPtr = detachedPtr;
    Tcl_MutexUnlock(&listMutex);
    return TCL_OK;
}

static int
AttachChannel(Tcl_Interp *interp, Tcl_Obj *nameObj)
{
    Detached **linkPtr;
    Detached *foundPtr = NULL;

    Tcl_MutexLock(&listMutex);
    for (linkPtr = &firstDetachedPtr; *linkPtr != NULL;
         linkPtr = &(*linkPtr)->nextPtr) {
        if (strcmp(Tcl_GetChannelName((*linkPtr)->chan), Tcl_GetString(nameObj))
            == 0) {
            foundPtr = *linkPtr;
            *linkPtr = foundPtr->nextPtr;
            break;
        }
    }
    Tcl_MutexUnlock(&listMutex);
    if (foundPtr == NULL) {
        Tcl_SetObjResult(interp,
            Tcl_ObjPrintf("\"%s\" is not detached", Tcl_GetString(nameObj)));
        return TCL_ERROR;
    }
    Tcl_SpliceChannel(foundPtr->chan);
    Tcl_RegisterChannel(interp, foundPtr->chan);
    Tcl_UnregisterChannel(NULL, foundPtr->chan);
    Tcl_Free((char *) foundPtr);
    return TCL_OK;
}

static void
PauseEnds(void *clientData)
{
    (void) clientData;
}

/*
 * Services this thread's events until another one is gone, for what is being
 * flushed there may need a reader here.
 */

static int
JoinThread(Tcl_Interp *interp, int id)
{
    TestThread *threadPtr;
    Tcl_Time begin;
    int ended = 0;

    Tcl_GetTime(&begin);
    Tcl_MutexLock(&listMutex);
    threadPtr = FindLockedThread(id);
    if (threadPtr != NULL) {
        ended = threadPtr->ended;
    }
    Tcl_MutexUnlock(&listMutex);
    if (threadPtr == NULL || !threadPtr->made) {
        Tcl_SetObjResult(interp, Tcl_ObjPrintf("no thread %d to join", id));
        return TCL_ERROR;
    }
    if (!ended) {
        PostJob(interp, id, JOB_STOP, NULL, NULL, 0);
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
    DeleteThread(threadPtr);
    return TCL_OK;
}

static void
ListThreads(Tcl_Interp *interp)
{
    Tcl_Obj *listObj = Tcl_NewObj();
    TestThread *threadPtr;

    Tcl_MutexLock(&listMutex);
    for (threadPtr = firstThreadPtr; threadPtr != NULL;
         threadPtr = threadPtr->nextPtr) {
        Tcl_ListObjAppendElement(NULL, listObj,
            Tcl_NewWideIntObj(threadPtr->id));
    }
    Tcl_MutexUnlock(&listMutex);
    Tcl_SetObjResult(interp, listObj);
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
    return PostJob(interp, id, JOB_SCRIPT, Tcl_GetString(objv[4]), NULL, 0)
            != NULL
        ? TCL_OK
        : TCL_ERROR;
}

/*
 * testthread transfer, detach, attach, join, stop and exit. Stop ends the
 * thread's event loop, as join does, but waits for nothing; exit ends it at its
 * next event, wherever it is.
 */

static int
OtherCmd(Tcl_Interp *interp, int objc, Tcl_Obj *const objv[])
{
    const char *name = Tcl_GetString(objv[1]);
    int transfer = strcmp(name, "transfer") == 0;
    JobKind kind;
    int id;

    if (objc != 3 + transfer) {
        Tcl_WrongNumArgs(interp, 2, objv, transfer ? "id channel" : "what");
        return TCL_ERROR;
    }
    if (strcmp(name, "detach") == 0) {
        return DetachChannel(interp, objv[2]);
    }
    if (strcmp(name, "attach") == 0) {
        return AttachChannel(interp, objv[2]);
    }
    if (Tcl_GetIntFromObj(interp, objv[2], &id) != TCL_OK) {
        return TCL_ERROR;
    }
    if (transfer) {
        return TransferChannel(interp, id, objv[3]);
    }
    if (strcmp(name, "join") == 0) {
        return JoinThread(interp, id);
    }
    kind = strcmp(name, "stop") == 0 ? JOB_STOP : JOB_EXIT;
    return PostJob(interp, id, kind, NULL, NULL, 0) != NULL ? TCL_OK
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
        Tcl_SetObjResult(interp, Tcl_NewWideIntObj((*SelfSlot())->id));
        return TCL_OK;
    case 3:
        ListThreads(interp);
        return TCL_OK;
    default:
        return OtherCmd(interp, objc, objv);
    }
}

/*
 * Iocpsocktest_Init --
 *
 *	Makes the commands in an interpreter. The first one in a thread is
 *	the one that scripts sent to that thread run in.
 */

int
Iocpsocktest_Init(Tcl_Interp *interp)
{
    if (Tcl_InitStubs(interp, "8.6-", 0) == NULL) {
        return TCL_ERROR;
    }
    if (*SelfSlot() == NULL) {
        Adopt(NewThread(), interp);
    }
    Tcl_CreateObjCommand(interp, "testthread", TestThreadObjCmd, NULL, NULL);
    TestRawCreateCommands(interp);
    TestPumpCreateCommand(interp);
#ifdef _WIN32
    TestSystemCreateCommand(interp);
    TestWindowCreateCommand(interp);
#endif
    return Tcl_PkgProvide(interp, "iocpsocktest", PACKAGE_VERSION);
}
