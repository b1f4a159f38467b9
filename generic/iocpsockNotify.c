/*
 * iocpsockNotify.c --
 *
 *      The event source: from completions to Tcl events, in the order in which
 *      it happens.
 *
 *      1. A thread looks at its port. A completion puts its channel on the
 *         recheck list if that may be ready for something that is watched.
 *      2. One walk over the recheck list sorts it: what is ready goes to the
 *         ready list, what waits for bytes to the re-arm list.
 *      3. Each ready channel gets one event in Tcl's queue.
 *      4. When the event is served, the channel goes back to the recheck list,
 *         and its handler runs. That makes events level-triggered without a
 *         search through all sockets.
 *      5. Receives of channels on the re-arm list are submitted when nothing
 *         else is ready.
 *
 *      Steps 1 to 3 are taken by the setup and check procs in each pass of the
 *      event loop, and again behind the last event, in a pass that goes on
 *      (GoOn). A channel is on at most one list.
 */

#include "iocpsock.h"

#include <string.h>

/*
 * When a pass ends, so that timers and other event sources have their turn: the
 * notifier costs more than a round trip's own system calls, so that it is not
 * asked after each event.
 */

#define PASS_EVENTS 32
#define PASS_BYTES 1048576
#define PASS_US 5000

/* When the port is looked at, although a channel that was served since the last
 * look is ready again. */
#define LOOK_US 2000

/* A server has so many accepts in a pass, as long as they take no longer. */
#define PASS_ACCEPTS 16
#define PASS_ACCEPT_US 2000

typedef struct ReadyEvent {
    Tcl_Event header;
    IocpsockChan *chanPtr; /* A reference. */
} ReadyEvent;

static Tcl_EventSetupProc SetupProc;
static Tcl_EventCheckProc CheckProc;
static Tcl_EventProc ReadyEventProc;

void
IocpsockBeginEvents(IocpsockThread *threadPtr)
{
    Tcl_CreateEventSource(SetupProc, CheckProc, threadPtr);
}

void
IocpsockEndEvents(IocpsockThread *threadPtr)
{
    Tcl_DeleteEventSource(SetupProc, CheckProc, threadPtr);
}

static int
IsEventOf(Tcl_Event *eventPtr, void *clientData)
{
    IocpsockChan *chanPtr = clientData;

    if (eventPtr->proc != ReadyEventProc
        || ((ReadyEvent *) eventPtr)->chanPtr != chanPtr) {
        return 0;
    }
    chanPtr->threadPtr->eventsQueued--;
    IocpsockReleaseChan(chanPtr);
    return 1;
}

void
IocpsockDropEvents(IocpsockChan *chanPtr)
{
    IocpsockServing *servingPtr = chanPtr->threadPtr->servingPtr;

    if (chanPtr->eventQueued) {
        Tcl_DeleteEvents(IsEventOf, chanPtr);
        chanPtr->eventQueued = 0;
    }
    for (; servingPtr != NULL; servingPtr = servingPtr->outerPtr) {
        if (servingPtr->chanPtr == chanPtr) {
            servingPtr->chanPtr = NULL;
            IocpsockReleaseChan(chanPtr);
        }
    }
}

/* --------------------------------------------------------- readiness */

static int
ReadyMask(const IocpsockChan *chanPtr)
{
    int ready;

    if (chanPtr->serverPtr != NULL) {
        return IocpsockServerReady(chanPtr->serverPtr) ? TCL_READABLE : 0;
    }
    if (chanPtr->connPtr == NULL || chanPtr->watchMask == 0) {
        return 0;
    }
    ready = CpConnReady(chanPtr->connPtr);
    return ((ready & CP_READ ? TCL_READABLE : 0)
               | (ready & CP_WRITE ? TCL_WRITABLE : 0))
        & chanPtr->watchMask;
}

static int
WatchesRead(const IocpsockChan *chanPtr)
{
    return chanPtr->connPtr != NULL && (chanPtr->watchMask & TCL_READABLE);
}

void
IocpsockRecheck(IocpsockChan *chanPtr)
{
    IocpsockThread *threadPtr = chanPtr->threadPtr;

    if (threadPtr == NULL || chanPtr->listPtr == &threadPtr->recheck
        || chanPtr->listPtr == &threadPtr->ready || chanPtr->eventQueued) {
        return;
    }

    /* Scripts do this in events of others, after which nobody may look. */
    if (threadPtr->recheck.firstPtr == NULL) {
        CpPortRemind(threadPtr->portPtr);
    }
    IocpsockAppend(&threadPtr->recheck, chanPtr);
}

void
IocpsockRecheckIfReady(IocpsockChan *chanPtr)
{
    if (ReadyMask(chanPtr) != 0) {
        IocpsockRecheck(chanPtr);
    }
}

/* ----------------------------------------------- looking and sorting */

static unsigned
Look(IocpsockThread *threadPtr)
{
    threadPtr->looks++;
    threadPtr->lookUs = CpNowUs();
    threadPtr->mustLook = 0;
    return CpPortReap(threadPtr->portPtr, 0);
}

/* Sorts the recheck list. Results: whether any channel is ready. */

static int
Sort(IocpsockThread *threadPtr)
{
    IocpsockChan *chanPtr;

    while ((chanPtr = threadPtr->recheck.firstPtr) != NULL) {
        if (ReadyMask(chanPtr) != 0) {
            IocpsockAppend(&threadPtr->ready, chanPtr);
        } else if (WatchesRead(chanPtr)) {
            chanPtr->rearmPass = threadPtr->loopPasses;
            IocpsockAppend(&threadPtr->rearm, chanPtr);
        } else {
            IocpsockUnlist(chanPtr);
        }
    }
    return threadPtr->ready.firstPtr != NULL;
}

/*
 * A receive that finds its bytes there costs less than half of one that has to
 * wait for them, as the way through the port is the longer one. So the receives
 * of channels that have been served are put off: for as long as others are
 * ready, though no longer than a pass of the event loop, and then until one of
 * them finds something.
 * Results: how many operations completed, or channels became ready.
 */

static unsigned
RearmFirst(IocpsockThread *threadPtr)
{
    IocpsockChan *chanPtr = threadPtr->rearm.firstPtr;
    unsigned completed;

    IocpsockUnlist(chanPtr);
    if (WatchesRead(chanPtr)) {
        CpConnWatchRead(chanPtr->connPtr, 1);
    }
    completed = CpPortReapFinished(threadPtr->portPtr);
    /* Bytes that were taken without a receive are nobody's completion. */
    if (ReadyMask(chanPtr) != 0) {
        IocpsockRecheck(chanPtr);
        completed++;
    }
    return completed;
}

static unsigned
RearmUntilFound(IocpsockThread *threadPtr)
{
    unsigned completed = 0;

    while (completed == 0 && threadPtr->rearm.firstPtr != NULL) {
        completed = RearmFirst(threadPtr);
    }
    return completed;
}

static unsigned
RearmOld(IocpsockThread *threadPtr)
{
    unsigned completed = 0;

    while (threadPtr->rearm.firstPtr != NULL
        && threadPtr->loopPasses - threadPtr->rearm.firstPtr->rearmPass > 1) {
        completed += RearmFirst(threadPtr);
    }
    return completed;
}

/* Takes in what has completed, or if nothing has, what is there at once. */

static unsigned
Collect(IocpsockThread *threadPtr)
{
    unsigned completed = Look(threadPtr);

    threadPtr->rearmFirst = 0;
    if (completed == 0 && !Sort(threadPtr)) {
        completed = RearmUntilFound(threadPtr);
        threadPtr->rearmFirst = completed > 0;
    }
    return completed;
}

/* The watchdogs of this thread's servers, and the limits of its closes.
 * Results: in how many milliseconds they want to be called again, or -1. */

static int64_t
Tick(IocpsockThread *threadPtr)
{
    IocpsockChan *chanPtr = threadPtr->firstServerPtr;
    uint64_t nowMs = chanPtr != NULL ? CpNowMs() : 0;
    int64_t soonestMs = IocpsockTickCloses(threadPtr);

    for (; chanPtr != NULL; chanPtr = chanPtr->nextServerPtr) {
        int64_t dueMs = IocpsockServerTick(chanPtr->serverPtr, nowMs);

        if (dueMs >= 0 && (soonestMs < 0 || dueMs < soonestMs)) {
            soonestMs = dueMs;
        }
    }
    return soonestMs;
}

/* ------------------------------------------------------ event source */

static void
QueueEvent(IocpsockChan *chanPtr)
{
    ReadyEvent *eventPtr = (ReadyEvent *) (void *) Tcl_Alloc(
        sizeof(ReadyEvent));

    IocpsockUnlist(chanPtr);
    eventPtr->header.proc = ReadyEventProc;
    eventPtr->chanPtr = chanPtr;
    chanPtr->refCount++;
    chanPtr->eventQueued = 1;
    chanPtr->threadPtr->eventsQueued++;
    Tcl_QueueEvent(&eventPtr->header, TCL_QUEUE_TAIL);
}

static void
QueueReady(IocpsockThread *threadPtr)
{
    IocpsockChan *chanPtr;

    (void) Sort(threadPtr);
    while ((chanPtr = threadPtr->ready.firstPtr) != NULL) {
        if (WatchesRead(chanPtr)) {
            /* It may be ready just for writing. */
            CpConnWatchRead(chanPtr->connPtr, 1);
        }
        QueueEvent(chanPtr);
    }
    if (threadPtr->eventsQueued > 0) {
        CpPortRemind(threadPtr->portPtr);
    }
}

static int
IsIdle(const IocpsockThread *threadPtr)
{
    return threadPtr->channels == 0 && threadPtr->closing == 0;
}

static void
SetBlockTime(int64_t ms)
{
    Tcl_Time time;

    time.sec = (long) (ms / 1000);
    time.usec = (long) (ms % 1000) * 1000;
    Tcl_SetMaxBlockTime(&time);
}

static void
SetupProc(void *clientData, int flags)
{
    IocpsockThread *threadPtr = clientData;
    int64_t dueMs;
    int ready;

    if (!(flags & TCL_FILE_EVENTS) || IsIdle(threadPtr)) {
        return;
    }
    memset(&threadPtr->pass, 0, sizeof(threadPtr->pass));
    threadPtr->pass.beginUs = CpNowUs();
    threadPtr->passes++;
    threadPtr->loopPasses++;
    if (RearmOld(threadPtr) > 0 || !threadPtr->polled) {
        (void) Collect(threadPtr);
    }
    threadPtr->polled = 0;
    dueMs = Tick(threadPtr);
    ready = Sort(threadPtr);
    while (!ready && RearmUntilFound(threadPtr) > 0) {
        ready = Sort(threadPtr);
    }
    if (ready
        || (!(flags & TCL_DONT_WAIT)
            && !CpPortSleep(threadPtr->portPtr, dueMs))) {
        SetBlockTime(0);
    } else if (dueMs >= 0) {
        SetBlockTime(dueMs);
    }
}

/*
 * The thread may wait from here on if nothing is left to serve. The port has
 * to know that, although the setup proc will say it again: Tcl_ServiceAll,
 * which serves message loops that are not Tcl's, calls the setup proc before
 * it serves events, and returns to its caller's wait after them. If something
 * is left, the port sees to it that such a caller comes back.
 */

static void
EndPass(IocpsockThread *threadPtr, int flags)
{
    int left = threadPtr->ready.firstPtr != NULL;

    if (!left && !(flags & TCL_DONT_WAIT)) {
        left = !CpPortSleep(threadPtr->portPtr, Tick(threadPtr));
    }
    if (left) {
        CpPortRemind(threadPtr->portPtr);
    }
}

static void
CheckProc(void *clientData, int flags)
{
    IocpsockThread *threadPtr = clientData;

    if (!(flags & TCL_FILE_EVENTS) || IsIdle(threadPtr)) {
        return;
    }
    if (threadPtr->ready.firstPtr == NULL) {
        (void) Collect(threadPtr);
    }
    QueueReady(threadPtr);
    if (threadPtr->eventsQueued == 0) {
        EndPass(threadPtr, flags);
    }
}

static int
IsPassOver(const IocpsockThread *threadPtr)
{
    return threadPtr->pass.events >= PASS_EVENTS
        || threadPtr->pass.bytes >= PASS_BYTES
        || CpNowUs() - threadPtr->pass.beginUs >= PASS_US;
}

/*
 * Behind the last queued event the pass goes on with what is ready by then, as
 * long as its handlers move bytes: that of a channel that is always writable
 * and has nothing to write must not keep timers waiting. The port is looked at
 * where nothing is ready, and no later than after two runs of one channel's
 * handler, so that those who wait there have their turn.
 */

static void
GoOn(IocpsockThread *threadPtr, int flags)
{
    int moved = threadPtr->pass.bytes != threadPtr->pass.seenBytes;
    int over, ready;

    if (threadPtr->eventsQueued > 0 || IsIdle(threadPtr)) {
        return;
    }
    over = IsPassOver(threadPtr);
    threadPtr->passes++;
    threadPtr->pass.seenBytes = threadPtr->pass.bytes;
    ready = Sort(threadPtr);
    if (!ready) {
        if (threadPtr->mustLook || !threadPtr->rearmFirst
            || RearmUntilFound(threadPtr) == 0) {
            threadPtr->polled = Collect(threadPtr) == 0;
        }
        moved = 1;
        ready = Sort(threadPtr);
    } else if (threadPtr->mustLook && moved && !over) {
        (void) Look(threadPtr);
    }
    if (ready && moved && !over) {
        QueueReady(threadPtr);
    } else {
        EndPass(threadPtr, flags);
    }
}

/* ----------------------------------------------------------- serving */

/*
 * A handler that reads without waiting, all there is, would not come to an end
 * as long as the peer sends faster than it reads. What is there beyond the
 * limit is for the next pass of the event loop, or for a further read by a
 * handler that insists.
 */

IocpsockServing *
IocpsockServingOf(const IocpsockChan *chanPtr)
{
    IocpsockServing *servingPtr = chanPtr->threadPtr->servingPtr;

    while (servingPtr != NULL && servingPtr->chanPtr != chanPtr) {
        servingPtr = servingPtr->outerPtr;
    }
    return servingPtr;
}

/* Each accept script runs from an event of its own, behind those of others that
 * are ready. */

static void
Accept(IocpsockThread *threadPtr, IocpsockChan *chanPtr,
    const IocpsockServing *servingPtr)
{
    uint64_t beginUs = CpNowUs();

    IocpsockServerAccept(chanPtr->serverPtr);
    threadPtr->pass.accepts++;
    threadPtr->pass.acceptUs += CpNowUs() - beginUs;
    if (servingPtr->chanPtr != NULL && !chanPtr->eventQueued
        && threadPtr->pass.accepts < PASS_ACCEPTS
        && threadPtr->pass.acceptUs < PASS_ACCEPT_US
        && ReadyMask(chanPtr) != 0) {
        QueueEvent(chanPtr);
    }
}

/*
 * Before Tcl calls handlers it writes what it still holds. If that fails it
 * keeps the error for the script's next read or write. A script that only waits
 * for an answer would make none: so its readable handler is called.
 */

static void
Notify(IocpsockChan *chanPtr, const IocpsockServing *servingPtr, int mask)
{
    int flushes = (mask & TCL_WRITABLE)
        && Tcl_OutputBuffered(chanPtr->channel) > 0;

    Tcl_NotifyChannel(chanPtr->channel, mask);
    if (flushes && servingPtr->chanPtr != NULL
        && (chanPtr->flags & IOCPSOCK_WRITE_FAILED)
        && !IocpsockIsBlocking(chanPtr)
        && (chanPtr->watchMask & TCL_READABLE & ~mask)) {
        Tcl_NotifyChannel(chanPtr->channel, TCL_READABLE);
    }
}

/* The handler may close the channel, or give it to another thread: then the
 * reference is gone, and so is servingPtr's channel. */

static void
Serve(IocpsockThread *threadPtr, IocpsockChan *chanPtr,
    const IocpsockServing *servingPtr, int mask)
{
    chanPtr->events++;
    if (chanPtr->servedLook == threadPtr->looks
        && CpNowUs() - threadPtr->lookUs >= LOOK_US) {
        threadPtr->mustLook = 1;
    }
    chanPtr->servedLook = threadPtr->looks;
    if (chanPtr->serverPtr != NULL) {
        Accept(threadPtr, chanPtr, servingPtr);
    } else {
        Notify(chanPtr, servingPtr, mask);
        if (servingPtr->chanPtr != NULL && chanPtr->connPtr != NULL) {
            CpConnForgetDrained(chanPtr->connPtr);
        }
    }
}

static int
ReadyEventProc(Tcl_Event *eventPtr, int flags)
{
    IocpsockChan *chanPtr = ((ReadyEvent *) eventPtr)->chanPtr;
    IocpsockThread *threadPtr = chanPtr->threadPtr;
    IocpsockServing serving;
    int mask;

    if (!(flags & TCL_FILE_EVENTS)) {
        return 0;
    }
    chanPtr->eventQueued = 0;
    threadPtr->eventsQueued--;
    threadPtr->pass.events++;
    mask = ReadyMask(chanPtr);

    /*
     * The channel is looked at once more, be it in an event loop that the
     * handler itself enters.
     */

    IocpsockRecheck(chanPtr);
    serving.chanPtr = chanPtr;
    serving.readLeft = IOCPSOCK_READ_LIMIT;
    serving.loopPass = threadPtr->loopPasses;
    serving.outerPtr = threadPtr->servingPtr;
    threadPtr->servingPtr = &serving;
    if (mask != 0) {
        Serve(threadPtr, chanPtr, &serving, mask);
    }
    threadPtr->servingPtr = serving.outerPtr;
    if (serving.chanPtr != NULL) {
        IocpsockReleaseChan(serving.chanPtr);
    }
    GoOn(threadPtr, flags);
    return 1;
}
