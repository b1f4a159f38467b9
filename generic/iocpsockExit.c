/*
 * iocpsockExit.c --
 *
 *      The end of a thread or of the process. Everything that was written is
 *      sent, and every socket is closed, within limits of time. If a socket is
 *      open when the process ends, Windows resets the connection, and loses
 *      bytes that it had accepted.
 */

#include "iocpsock.h"

#define EXIT_ABORT_MS 1000 /* For cancelled operations to complete. */
#define EXIT_NOTICE_MS 500 /* For other threads to notice the exit. */
#define EXIT_SLICE_MS 20   /* How often to check whether they have. */
#define EXIT_REST_MS 2000  /* For the process to end, when they have. */

TCL_DECLARE_MUTEX(exitMutex)

/* exitMutex guards these. */
static CpList threads; /* All that have sockets. */
static int handlesExit = 0;
static Tcl_Condition exitCond;

static IocpsockThread *
FirstThread(void)
{
    return CP_LIST_OWNER(CpListFirst(&threads), IocpsockThread, threadNode);
}

static IocpsockThread *
NextThread(const IocpsockThread *threadPtr)
{
    return CP_LIST_OWNER(CpListNext(&threads, &threadPtr->threadNode),
        IocpsockThread, threadNode);
}

/* -------------------------------------------- channels of this thread */

void
IocpsockCount(IocpsockThread *threadPtr, int channels, int closing)
{
    int inUse;

    threadPtr->channels += (unsigned) channels;
    threadPtr->closing += (unsigned) closing;
    inUse = threadPtr->channels > 0 || threadPtr->closing > 0;
    if (inUse != threadPtr->inUse) {
        Tcl_MutexLock(&exitMutex);
        threadPtr->inUse = inUse;
        Tcl_MutexUnlock(&exitMutex);
    }
}

/* ------------------------------------------------------------ waiting */

void
IocpsockThreadDone(IocpsockThread *threadPtr)
{
    if (threadPtr->exiting && !threadPtr->closesLast
        && threadPtr->portPtr != NULL && threadPtr->channels == 0
        && threadPtr->closing == 0) {
        CpPortRelease(threadPtr->portPtr);
        threadPtr->portPtr = NULL;
    }
}

/*
 * Earlier writes are on their way to the system. Neither one peer that takes
 * nothing nor many of them may delay an exit for ever. So if nothing of the
 * thread has moved for a while, the rest is given up, as the core's driver
 * gives up the output of a non-blocking channel. Later closes get a moment
 * each.
 */

void
IocpsockExitWait(IocpsockThread *threadPtr, const CpConn *connPtr)
{
    unsigned waited = 0;

    while ((connPtr != NULL ? CpConnSending(connPtr) : threadPtr->closing > 0)
        && (waited == 0 || threadPtr->exitStalledMs < IOCPSOCK_EXIT_STALL_MS)) {
        uint64_t beginMs = CpNowMs();
        int patient = threadPtr->exitStalledMs < IOCPSOCK_EXIT_STALL_MS;

        if (CpPortReap(threadPtr->portPtr, patient ? 100 : 10) > 0) {
            /* Later completions may be those of cancelled operations. */
            if (patient) {
                threadPtr->exitStalledMs = 0;
            }
        } else {
            threadPtr->exitStalledMs += CpNowMs() - beginMs;
            waited = 1;
        }
        (void) CpCloseTick(&threadPtr->closeList, CpNowMs());
    }
}

/* Ends all closes of the thread: by themselves, or by a reset. */

static void
EndCloses(IocpsockThread *threadPtr)
{
    uint64_t endMs;

    IocpsockExitWait(threadPtr, NULL);
    CpCloseEndAll(&threadPtr->closeList);
    endMs = CpNowMs() + EXIT_ABORT_MS;
    while (threadPtr->closing > 0 && CpNowMs() < endMs) {
        CpPortReap(threadPtr->portPtr, 10);
    }
}

void
IocpsockExitClosed(IocpsockThread *threadPtr)
{
    if (!threadPtr->closesLast) {
        EndCloses(threadPtr);
    }
}

/* ------------------------------------------------- the end of a thread */

/*
 * Tcl drops a non-blocking channel whose output it could not write, and does
 * not close it. The driver sends the bytes that it has taken, and then closes
 * the socket.
 */

static void
CloseDropped(IocpsockThread *threadPtr)
{
    CpListNode *nodePtr = CpListFirst(&threadPtr->chans);

    while (nodePtr != NULL) {
        IocpsockChan *chanPtr = CP_OWNER_OF(nodePtr, IocpsockChan, chanNode);

        nodePtr = CpListNext(&threadPtr->chans, nodePtr);
        if (chanPtr->connPtr != NULL
            && IocpsockIsClosedByScript(chanPtr->channel)) {
            chanPtr->flags |= IOCPSOCK_NONBLOCKING;
            chanPtr->watchMask = 0;
            (void) IocpsockCloseConn(chanPtr);
            IocpsockDetach(chanPtr);
            IocpsockReleaseChan(chanPtr);
        }
    }
}

void
IocpsockEndSockets(IocpsockThread *threadPtr)
{
    CloseDropped(threadPtr);
    EndCloses(threadPtr);
    threadPtr->closesLast = 0;
    IocpsockThreadDone(threadPtr);
}

void
IocpsockThreadEnds(IocpsockThread *threadPtr)
{
    Tcl_MutexLock(&exitMutex);
    CpListRemove(&threadPtr->threadNode);
    Tcl_MutexUnlock(&exitMutex);
    threadPtr->exiting = 1;
    IocpsockEndEvents(threadPtr);
}

/* ------------------------------------------------ the end of the process */

int
IocpsockMustEnd(IocpsockThread *threadPtr)
{
    int must;

    Tcl_MutexLock(&exitMutex);
    must = threadPtr->processExits;
    Tcl_MutexUnlock(&exitMutex);
    return must;
}

void
IocpsockEndForExit(IocpsockThread *threadPtr)
{
    Tcl_Time rest = {EXIT_REST_MS / 1000, 0};
    CpListNode *nodePtr = CpListFirst(&threadPtr->chans);

    Tcl_MutexLock(&exitMutex);
    threadPtr->exitBegun = 1;
    Tcl_MutexUnlock(&exitMutex);
    for (; nodePtr != NULL; nodePtr = CpListNext(&threadPtr->chans, nodePtr)) {
        IocpsockChan *chanPtr = CP_OWNER_OF(nodePtr, IocpsockChan, chanNode);

        if (chanPtr->connPtr != NULL) {
            chanPtr->flags |= IOCPSOCK_NONBLOCKING;
            (void) IocpsockCloseConn(chanPtr);
        }
    }
    EndCloses(threadPtr);
    Tcl_MutexLock(&exitMutex);
    threadPtr->exitDone = 1;
    Tcl_ConditionNotify(&exitCond);

    /* No script of this thread must run any more. */
    Tcl_ConditionWait(&exitCond, &exitMutex, &rest);
    threadPtr->processExits = 0;
    Tcl_MutexUnlock(&exitMutex);
}

/* Whether another thread has noticed the exit, or still may, and is not ready.
 */

static int
OthersEndLocked(int patient)
{
    const IocpsockThread *threadPtr = FirstThread();

    for (; threadPtr != NULL; threadPtr = NextThread(threadPtr)) {
        if (threadPtr->processExits && !threadPtr->exitDone
            && (threadPtr->exitBegun || patient)) {
            return 1;
        }
    }
    return 0;
}

/*
 * An exit handler of the process, which would end the other threads with their
 * sockets open. Threads in their event loops close them now. A thread that is
 * busy or blocked is not waited for.
 */

static void
ProcessExits(void *clientData)
{
    Tcl_ThreadId self = Tcl_GetCurrentThread();
    uint64_t noticeMs = CpNowMs() + EXIT_NOTICE_MS;
    Tcl_Time slice = {0, EXIT_SLICE_MS * 1000};
    IocpsockThread *threadPtr;

    (void) clientData;
    Tcl_MutexLock(&exitMutex);
    handlesExit = 0; /* Tcl may be started again. */
    for (threadPtr = FirstThread(); threadPtr != NULL;
         threadPtr = NextThread(threadPtr)) {
        if (threadPtr->threadId != self && threadPtr->inUse) {
            threadPtr->processExits = 1;
            Tcl_ThreadAlert(threadPtr->threadId);
        }
    }
    while (OthersEndLocked(CpNowMs() < noticeMs)) {
        Tcl_ConditionWait(&exitCond, &exitMutex, &slice);
    }
    Tcl_MutexUnlock(&exitMutex);
}

void
IocpsockThreadBegins(IocpsockThread *threadPtr)
{
    int canHandle = IocpsockWatchEnd(threadPtr);
    int first;

    threadPtr->closesLast = 1;
    Tcl_MutexLock(&exitMutex);
    CpListAppend(&threads, &threadPtr->threadNode);
    first = canHandle && !handlesExit;
    handlesExit |= first;
    Tcl_MutexUnlock(&exitMutex);
    if (first) {
        Tcl_CreateExitHandler(ProcessExits, NULL);
    }
}
