/*
 * iocpsockNotify.c --
 *
 *      The event source: from completions to Tcl events. Each thread reaps its
 *      own port when it passes through the event loop; channels that became
 *      ready stand on its ready list, and get one event each.
 */

#include "iocpsock.h"

#include <string.h>

#define EVENTS_PER_PASS 32 /* See QueueMore. */
#define BYTES_PER_PASS 1048576
#define ACCEPTS_PER_PASS 16 /* See QueueReady. */

typedef struct ReadyEvent {
    Tcl_Event header;
    IocpsockChan *chanPtr; /* A reference. */
} ReadyEvent;

static Tcl_ThreadDataKey dataKey;

static Tcl_EventSetupProc SetupProc;
static Tcl_EventCheckProc CheckProc;
static Tcl_EventProc ReadyEventProc;

static IocpsockThread *
ThreadData(void)
{
    return Tcl_GetThreadData(&dataKey, sizeof(IocpsockThread));
}

static void
WakeThread(void *clientData)
{
    IocpsockThread *threadPtr = clientData;

    Tcl_ThreadAlert(threadPtr->threadId);
}

void
IocpsockEndEvents(IocpsockThread *threadPtr)
{
    Tcl_DeleteEventSource(SetupProc, CheckProc, threadPtr);
}

IocpsockThread *
IocpsockGetThread(Tcl_Interp *interp)
{
    IocpsockThread *threadPtr = ThreadData();
    CpError error;

    if (threadPtr->portPtr != NULL) {
        return threadPtr;
    }
    threadPtr->threadId = Tcl_GetCurrentThread();
    threadPtr->portPtr = CpPortNew(WakeThread, threadPtr, &error);
    if (threadPtr->portPtr == NULL) {
        IocpsockPosixFailure(interp, COULD_NOT_OPEN, error);
        return NULL;
    }
    if (!threadPtr->exiting) {
        Tcl_CreateEventSource(SetupProc, CheckProc, threadPtr);
        IocpsockThreadBegins(threadPtr);
    }
    return threadPtr;
}

/* ---------------------------------------------------------- channels */

IocpsockChan *
IocpsockNewChan(void)
{
    IocpsockChan *chanPtr = CpCalloc(sizeof(IocpsockChan));

    if (chanPtr != NULL) {
        chanPtr->refCount = 1;
    }
    return chanPtr;
}

void
IocpsockReleaseChan(IocpsockChan *chanPtr)
{
    if (--chanPtr->refCount == 0) {
        CpFree(chanPtr, sizeof(IocpsockChan));
    }
}

static void
MoveChan(IocpsockChan *chanPtr, CpPort *portPtr)
{
    if (chanPtr->serverPtr != NULL) {
        IocpsockServerMove(chanPtr->serverPtr, portPtr);
    } else if (chanPtr->connPtr != NULL) {
        CpConnMove(chanPtr->connPtr, portPtr);
    }
}

int
IocpsockAttach(IocpsockChan *chanPtr)
{
    IocpsockThread *threadPtr;

    if (chanPtr->threadPtr != NULL) {
        return 1;
    }
    threadPtr = IocpsockGetThread(NULL);
    if (threadPtr == NULL) {
        return 0;
    }
    chanPtr->threadPtr = threadPtr;
    threadPtr->channels++;
    IocpsockEnlist(chanPtr);
    if (chanPtr->serverPtr != NULL) {
        chanPtr->nextServerPtr = threadPtr->firstServerPtr;
        threadPtr->firstServerPtr = chanPtr;
    }
    MoveChan(chanPtr, threadPtr->portPtr);
    IocpsockNoteReady(chanPtr);
    return 1;
}

static int
IsEventOf(Tcl_Event *eventPtr, void *clientData)
{
    ReadyEvent *readyPtr = (ReadyEvent *) eventPtr;

    if (eventPtr->proc != ReadyEventProc || readyPtr->chanPtr != clientData) {
        return 0;
    }
    ThreadData()->eventsQueued--;
    IocpsockReleaseChan(readyPtr->chanPtr);
    return 1;
}

void
IocpsockDetach(IocpsockChan *chanPtr)
{
    IocpsockThread *threadPtr = chanPtr->threadPtr;
    IocpsockChan **linkPtr;

    if (threadPtr == NULL) {
        return;
    }
    IocpsockUnlist(chanPtr);
    IocpsockForgetHeld(chanPtr);
    if (chanPtr->eventsPending > 0) {
        Tcl_DeleteEvents(IsEventOf, chanPtr);
        chanPtr->eventsPending = 0;
    }
    if (chanPtr->serverPtr != NULL) {
        linkPtr = &threadPtr->firstServerPtr;
        while (*linkPtr != chanPtr) {
            linkPtr = &(*linkPtr)->nextServerPtr;
        }
        *linkPtr = chanPtr->nextServerPtr;
    }
    MoveChan(chanPtr, NULL);
    IocpsockDelist(chanPtr);
    threadPtr->channels--;
    chanPtr->threadPtr = NULL;
}

/* ------------------------------------------------------ event source */

/* The watchdogs of this thread's servers; sets how long it may sleep. */

static void
TickServers(IocpsockThread *threadPtr)
{
    IocpsockChan *chanPtr = threadPtr->firstServerPtr;
    uint64_t nowMs = chanPtr != NULL ? CpNowMs() : 0;

    for (; chanPtr != NULL; chanPtr = chanPtr->nextServerPtr) {
        int64_t dueMs = IocpsockServerTick(chanPtr->serverPtr, nowMs);

        if (dueMs >= 0) {
            Tcl_Time time;

            time.sec = (long) (dueMs / 1000);
            time.usec = (long) (dueMs % 1000) * 1000;
            Tcl_SetMaxBlockTime(&time);
        }
    }
}

static void
QueueEvent(IocpsockChan *chanPtr)
{
    ReadyEvent *eventPtr = (ReadyEvent *) (void *) Tcl_Alloc(
        sizeof(ReadyEvent));

    eventPtr->header.proc = ReadyEventProc;
    eventPtr->chanPtr = chanPtr;
    chanPtr->refCount++;
    chanPtr->eventsPending++;
    chanPtr->threadPtr->eventsQueued++;
    Tcl_QueueEvent(&eventPtr->header, TCL_QUEUE_TAIL);
}

/*
 * Queues an event for each channel that is ready. A server has one for each
 * client that waits, within limits: among many busy connections a pass takes
 * long, and a crowd of clients would be let in at one per pass.
 */

static void
QueueReady(IocpsockThread *threadPtr)
{
    while (IocpsockAnyReady(threadPtr)) {
        IocpsockChan *chanPtr = threadPtr->look.firstPtr;
        unsigned count = 1;

        IocpsockUnlist(chanPtr);
        if (chanPtr->serverPtr != NULL) {
            count = IocpsockServerReady(chanPtr->serverPtr);
        } else if (IocpsockWatchesRead(chanPtr)) {
            /* It may be ready just for writing. */
            CpConnWatchRead(chanPtr->connPtr, 1);
        }
        while (count-- > 0 && chanPtr->eventsPending < ACCEPTS_PER_PASS) {
            QueueEvent(chanPtr);
        }
    }
}

static int
IsIdle(const IocpsockThread *threadPtr)
{
    return threadPtr->channels == 0 && threadPtr->closing == 0;
}

static void
SetupProc(void *clientData, int flags)
{
    static const Tcl_Time noTime = {0, 0};
    IocpsockThread *threadPtr = clientData;

    if (!(flags & TCL_FILE_EVENTS) || IsIdle(threadPtr)) {
        return;
    }
    threadPtr->eventsServed = 0;
    threadPtr->passBytes = 0;
    threadPtr->seenBytes = 0;
    threadPtr->passes++;
    threadPtr->loopPasses++;
    if (IocpsockPostOld(threadPtr) > 0 || !threadPtr->polled) {
        IocpsockCollect(threadPtr);
    }
    threadPtr->polled = 0;
    TickServers(threadPtr);
    IocpsockTickCloses(threadPtr);
    threadPtr->found = IocpsockAnyReady(threadPtr);
    while (!threadPtr->found && IocpsockPostUntilDone(threadPtr) > 0) {
        threadPtr->found = IocpsockAnyReady(threadPtr);
    }
    if (threadPtr->found
        || (!(flags & TCL_DONT_WAIT) && !CpPortSleep(threadPtr->portPtr))) {
        Tcl_SetMaxBlockTime(&noTime);
    }
}

static void
CheckProc(void *clientData, int flags)
{
    IocpsockThread *threadPtr = clientData;

    if (!(flags & TCL_FILE_EVENTS) || IsIdle(threadPtr)) {
        return;
    }
    if (!threadPtr->found) {
        IocpsockCollect(threadPtr);
    }
    threadPtr->found = 0;
    QueueReady(threadPtr);
}

/*
 * A pass of Tcl's notifier costs more than a round trip's own system calls. So
 * when the last queued event was served, what is ready by then is queued at
 * once, without a look at the port if there is any such. Timers and other
 * sources have their pass after so many events or bytes; and at once if no
 * handler has moved any bytes, as that of a channel that is always writable and
 * has nothing to write.
 */

static void
QueueMore(IocpsockThread *threadPtr)
{
    int moved = threadPtr->passBytes != threadPtr->seenBytes;

    if (threadPtr->eventsQueued > 0
        || threadPtr->eventsServed >= EVENTS_PER_PASS
        || threadPtr->passBytes >= BYTES_PER_PASS || IsIdle(threadPtr)) {
        return;
    }
    threadPtr->passes++;
    threadPtr->seenBytes = threadPtr->passBytes;
    if (IocpsockAnyReady(threadPtr)) {
        if (moved) {
            QueueReady(threadPtr);
        }
        return;
    }
    if (!threadPtr->postFirst || IocpsockPostUntilDone(threadPtr) == 0) {
        threadPtr->polled = IocpsockCollect(threadPtr) == 0;
    }
    QueueReady(threadPtr);
}

/*
 * A handler that reads without waiting, all there is, would not come to an end
 * as long as the peer sends faster than it reads. What is there beyond the
 * limit is for the next pass of the event loop, or for a further read by a
 * handler that insists.
 */

static void
Notify(IocpsockChan *chanPtr, int mask)
{
    const IocpsockThread *threadPtr = chanPtr->threadPtr;

    chanPtr->readLimited = 1;
    chanPtr->readLeft = IOCPSOCK_READ_LIMIT;
    chanPtr->notifyPass = threadPtr->loopPasses;
    Tcl_NotifyChannel(chanPtr->channel, mask);
    chanPtr->readLimited = 0;
    if (chanPtr->connPtr != NULL && chanPtr->threadPtr == threadPtr) {
        CpConnAge(chanPtr->connPtr);
    }
}

static int
ReadyEventProc(Tcl_Event *eventPtr, int flags)
{
    IocpsockChan *chanPtr = ((ReadyEvent *) eventPtr)->chanPtr;
    IocpsockThread *threadPtr = chanPtr->threadPtr;
    int mask;

    if (!(flags & TCL_FILE_EVENTS)) {
        return 0;
    }
    chanPtr->eventsPending--;
    threadPtr->eventsQueued--;
    threadPtr->eventsServed++;
    mask = IocpsockReadyMask(chanPtr);

    /*
     * Level-triggered: the next pass looks at it once more, be it in an event
     * loop that the handler itself enters.
     */

    IocpsockNoteWatch(chanPtr);
    if (mask != 0) {
        chanPtr->events++;
        if (chanPtr->serverPtr != NULL) {
            IocpsockServerAccept(chanPtr->serverPtr);
        } else {
            Notify(chanPtr, mask);
        }
    }
    IocpsockReleaseChan(chanPtr);
    QueueMore(threadPtr);
    return 1;
}
