/*
 * testJob.c --
 *
 *	testthread's list of threads, and the jobs that threads give to each
 *	other.
 */

#include "testThread.h"

#include <string.h>

/*
 * A job belongs to the thread that waits for it. If no thread waits, it belongs
 * to the thread that runs it.
 */

struct TestJob {
    TestJobKind kind;
    char *script;     /* Of TEST_JOB_SCRIPT. */
    Tcl_Channel chan; /* Of TEST_JOB_SPLICE. */
    TestThread *targetPtr;
    Tcl_ThreadId waiter; /* NULL if no thread waits. */
    int done;
    int code; /* Tcl's, of the script. */
    char *result;
    char *errorInfo;
    char *errorCode;
    struct TestJob *nextPtr; /* In the list of unfinished jobs. */
};

typedef struct JobEvent {
    Tcl_Event header;
    TestJob *jobPtr;
} JobEvent;

TCL_DECLARE_MUTEX(listMutex)
static Tcl_Condition listCond;
static TestThread *firstThreadPtr;
static TestJob *firstJobPtr;
static int nextId;
static Tcl_ThreadDataKey dataKey;

/* ------------------------------------------------------------- strings */

char *
TestCopyString(const char *string)
{
    size_t size = strlen(string) + 1;
    char *copy = Tcl_Alloc((unsigned) size);

    memcpy(copy, string, size);
    return copy;
}

void
TestFreeString(char *string)
{
    if (string != NULL) {
        Tcl_Free(string);
    }
}

/* ------------------------------------------------------------- threads */

static TestThread **
SelfSlot(void)
{
    return Tcl_GetThreadData(&dataKey, sizeof(TestThread *));
}

TestThread *
TestThreadSelf(void)
{
    return *SelfSlot();
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

TestThread *
TestThreadFind(int id, int *endedPtr)
{
    TestThread *threadPtr;

    Tcl_MutexLock(&listMutex);
    threadPtr = FindLockedThread(id);
    *endedPtr = threadPtr != NULL && threadPtr->ended;
    Tcl_MutexUnlock(&listMutex);
    return threadPtr;
}

Tcl_Obj *
TestThreadNames(void)
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
    return listObj;
}

TestThread *
TestThreadNew(void)
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

void
TestThreadDelete(TestThread *threadPtr)
{
    TestThread **linkPtr;

    Tcl_MutexLock(&listMutex);
    for (linkPtr = &firstThreadPtr; *linkPtr != threadPtr;
         linkPtr = &(*linkPtr)->nextPtr) {
        /* Finds the link to the thread. */
    }
    *linkPtr = threadPtr->nextPtr;
    Tcl_MutexUnlock(&listMutex);
    Tcl_Free((char *) threadPtr);
}

/* ---------------------------------------------------------------- jobs */

static void
FreeJob(TestJob *jobPtr)
{
    TestFreeString(jobPtr->script);
    TestFreeString(jobPtr->result);
    TestFreeString(jobPtr->errorInfo);
    TestFreeString(jobPtr->errorCode);
    Tcl_Free((char *) jobPtr);
}

/*
 * An alert alone does not make Tcl_DoOneEvent return. An event does.
 */

static int
WakeEventProc(Tcl_Event *eventPtr, int flags)
{
    (void) eventPtr;
    (void) flags;
    return 1;
}

/*
 * Takes a job from the list and wakes its waiter. The result strings must be
 * set.
 */

static void
FinishLockedJob(TestJob *jobPtr)
{
    Tcl_Event *eventPtr;
    TestJob **linkPtr;

    for (linkPtr = &firstJobPtr; *linkPtr != jobPtr;
         linkPtr = &(*linkPtr)->nextPtr) {
        /* Finds the link to the job. */
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
 * A thread exit handler. The unfinished jobs of the thread fail, so that their
 * waiters go on.
 */

static void
ThreadEnds(void *clientData)
{
    TestThread *threadPtr = clientData;
    TestJob *jobPtr;
    TestJob *nextPtr;

    Tcl_MutexLock(&listMutex);
    threadPtr->ended = 1;
    threadPtr->interp = NULL;
    for (jobPtr = firstJobPtr; jobPtr != NULL; jobPtr = nextPtr) {
        nextPtr = jobPtr->nextPtr;
        if (jobPtr->targetPtr == threadPtr) {
            jobPtr->code = TCL_ERROR;
            jobPtr->result = TestCopyString("the thread has ended");
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

void
TestThreadAdopt(TestThread *threadPtr, Tcl_Interp *interp)
{
    *SelfSlot() = threadPtr;
    threadPtr->tclId = Tcl_GetCurrentThread();
    threadPtr->interp = interp;
    Tcl_CallWhenDeleted(interp, InterpDeleted, threadPtr);
    Tcl_CreateThreadExitHandler(ThreadEnds, threadPtr);
}

/*
 * Evaluates a job's script in this thread's interpreter and keeps the result.
 * If no thread waits, an error becomes a background error.
 */

static void
RunScript(TestJob *jobPtr, Tcl_Interp *interp)
{
    Tcl_Preserve(interp);
    jobPtr->code = Tcl_EvalEx(interp, jobPtr->script, -1, TCL_EVAL_GLOBAL);
    jobPtr->result = TestCopyString(Tcl_GetStringResult(interp));
    if (jobPtr->code == TCL_ERROR) {
        if (jobPtr->waiter == NULL) {
            Tcl_BackgroundException(interp, TCL_ERROR);
        } else {
            const char *info = Tcl_GetVar2(interp, "errorInfo", NULL,
                TCL_GLOBAL_ONLY);
            const char *code = Tcl_GetVar2(interp, "errorCode", NULL,
                TCL_GLOBAL_ONLY);

            jobPtr->errorInfo = TestCopyString(info != NULL ? info : "");
            jobPtr->errorCode = TestCopyString(code != NULL ? code : "NONE");
        }
    }
    Tcl_Release(interp);
}

static int
JobEventProc(Tcl_Event *eventPtr, int flags)
{
    TestJob *jobPtr = ((JobEvent *) eventPtr)->jobPtr;
    TestThread *threadPtr = *SelfSlot();
    int leave = 0;
    (void) flags;

    jobPtr->code = TCL_OK;
    switch (jobPtr->kind) {
    case TEST_JOB_SCRIPT:
        if (threadPtr->interp == NULL) {
            jobPtr->code = TCL_ERROR;
            jobPtr->result = TestCopyString("the interpreter is deleted");
        } else {
            RunScript(jobPtr, threadPtr->interp);
        }
        break;
    case TEST_JOB_SPLICE:
        TestChannelSplice(threadPtr->interp, jobPtr->chan);
        break;
    case TEST_JOB_STOP:
        threadPtr->stopping = 1;
        break;
    case TEST_JOB_EXIT:
        leave = 1;
        break;
    }
    if (jobPtr->result == NULL) {
        jobPtr->result = TestCopyString("");
    }
    Tcl_MutexLock(&listMutex);
    FinishLockedJob(jobPtr);
    Tcl_MutexUnlock(&listMutex);
    if (leave) {
        Tcl_ExitThread(0);
    }
    return 1;
}

TestJob *
TestJobPost(Tcl_Interp *interp, int id, TestJobKind kind, const char *script,
    Tcl_Channel chan, int wait)
{
    TestThread *threadPtr;
    JobEvent *eventPtr;
    TestJob *jobPtr;

    Tcl_MutexLock(&listMutex);
    threadPtr = FindLockedThread(id);
    if (threadPtr == NULL || threadPtr->ended) {
        Tcl_MutexUnlock(&listMutex);
        Tcl_SetObjResult(interp, Tcl_ObjPrintf("no thread %d", id));
        return NULL;
    }
    jobPtr = (TestJob *) Tcl_Alloc(sizeof(TestJob));
    memset(jobPtr, 0, sizeof(TestJob));
    jobPtr->kind = kind;
    jobPtr->script = script != NULL ? TestCopyString(script) : NULL;
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
IsDone(TestJob *jobPtr)
{
    int done;

    Tcl_MutexLock(&listMutex);
    done = jobPtr->done;
    Tcl_MutexUnlock(&listMutex);
    return done;
}

void
TestJobWait(TestJob *jobPtr)
{
    while (!IsDone(jobPtr)) {
        Tcl_DoOneEvent(TCL_ALL_EVENTS);
    }
}

void
TestJobBlock(TestJob *jobPtr)
{
    Tcl_MutexLock(&listMutex);
    while (!jobPtr->done) {
        Tcl_ConditionWait(&listCond, &listMutex, NULL);
    }
    Tcl_MutexUnlock(&listMutex);
}

int
TestJobTake(Tcl_Interp *interp, TestJob *jobPtr)
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
