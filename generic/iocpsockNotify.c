/*
 * iocpsockNotify.c --
 *
 *      The event source: from completions to Tcl events, in the order in which
 *      they happen.
 *
 *      1. Poll. The thread asks its port for completions. A completion that
 *         makes its channel ready for a watched event marks it.
 *      2. Sort. A walk over the marked channels queues a Tcl event for each one
 *         that is ready. Those that wait for bytes go to the list rearm.
 *      3. Serve. A channel whose event is served is marked again, and then its
 *         handler runs. That makes events level-triggered without a search
 *         through all sockets.
 *      4. Re-arm. The receives of the list rearm are submitted when nothing is
 *         ready any more, and no later than in the second pass.
 *
 *      The setup and check procs do this in each pass of the event loop. Behind
 *      the last queued event a pass continues with another round (Continue),
 *      because the notifier costs more than the system calls of a round trip.
 */

#include "iocpsock.h"

/* A pass has limits, to give timers and other event sources their turn. */
#define PASS_EVENTS 32
#define PASS_BYTES 1048576
#define PASS_US 5000

/* A channel is served at most twice without a poll in between, unless the last
 * poll was less than this ago. */
#define POLL_US 2000

typedef struct ReadyEvent {
    Tcl_Event header;
    IocpsockChan *chanPtr; /* A reference. */
} ReadyEvent;

static Tcl_EventSetupProc SetupProc;
static Tcl_EventCheckProc CheckProc;
static Tcl_EventProc ReadyEventProc;
static Tcl_IdleProc Recall;

static void SetRecall(IocpsockThread *threadPtr, int recalls);

void
IocpsockBeginEvents(IocpsockThread *threadPtr)
{
    Tcl_CreateEventSource(SetupProc, CheckProc, threadPtr);
}

void
IocpsockEndEvents(IocpsockThread *threadPtr)
{
    SetRecall(threadPtr, 0);
    Tcl_DeleteEventSource(SetupProc, CheckProc, threadPtr);
}

static IocpsockChan *
FirstOf(const CpList *listPtr)
{
    return CP_LIST_OWNER(CpListFirst(listPtr), IocpsockChan, placeNode);
}

/* ------------------------------------------------------------- marking */

/* The watched events that a channel is ready for. */

static int
ReadyMask(const IocpsockChan *chanPtr)
{
    if (chanPtr->serverPtr != NULL) {
        return IocpsockServerReady(chanPtr->serverPtr) ? TCL_READABLE : 0;
    }
    if (chanPtr->connPtr == NULL || chanPtr->watchMask == 0) {
        return chanPtr->kindPtr != NULL ? chanPtr->kindPtr->readyProc(chanPtr)
                                        : 0;
    }
    return CpConnReady(chanPtr->connPtr) & chanPtr->watchMask;
}

static int
WatchesRead(const IocpsockChan *chanPtr)
{
    return (chanPtr->connPtr != NULL || chanPtr->kindPtr != NULL)
        && (chanPtr->watchMask & TCL_READABLE);
}

/* Submits the receives of a channel that watches for bytes. */

static void
Rearm(IocpsockChan *chanPtr)
{
    if (chanPtr->connPtr != NULL) {
        CpConnWatchRead(chanPtr->connPtr, 1);
    } else {
        chanPtr->kindPtr->rearmProc(chanPtr);
    }
}

/* Moves a channel whose event is not queued to another list, NULL for none. */

static void
SetPlace(IocpsockChan *chanPtr, IocpsockPlace place, CpList *listPtr)
{
    if (CpListIsLinked(&chanPtr->placeNode)) {
        CpListRemove(&chanPtr->placeNode);
    }
    chanPtr->place = place;
    if (listPtr != NULL) {
        CpListAppend(listPtr, &chanPtr->placeNode);
    }
}

void
IocpsockMark(IocpsockChan *chanPtr)
{
    IocpsockThread *threadPtr = chanPtr->threadPtr;

    if (threadPtr == NULL) {
        return;
    }
    switch (chanPtr->place) {
    case IOCPSOCK_MARKED:
    case IOCPSOCK_QUEUED:
        return;
    case IOCPSOCK_IDLE:
    case IOCPSOCK_REARM:
        break;
    }

    /* Scripts can cause this in the events of other sources. The event loop
     * need not come back to this one then. */
    if (CpListIsEmpty(&threadPtr->marked)) {
        CpPortRemind(threadPtr->portPtr);
    }
    SetPlace(chanPtr, IOCPSOCK_MARKED, &threadPtr->marked);
}

void
IocpsockMarkIfReady(IocpsockChan *chanPtr)
{
    if (ReadyMask(chanPtr) != 0) {
        IocpsockMark(chanPtr);
    }
}

static void
Unmark(IocpsockThread *threadPtr, IocpsockChan *chanPtr)
{
    if (WatchesRead(chanPtr)) {
        SetPlace(chanPtr, IOCPSOCK_REARM, &threadPtr->rearm);
        chanPtr->rearmPass = threadPtr->passes;
    } else {
        SetPlace(chanPtr, IOCPSOCK_IDLE, NULL);
    }
}

/* Removes channels that are not ready from the front of the marked ones.
 * Results: the first that is ready, or NULL. */

static IocpsockChan *
FirstReady(IocpsockThread *threadPtr)
{
    IocpsockChan *chanPtr;

    while ((chanPtr = FirstOf(&threadPtr->marked)) != NULL
        && ReadyMask(chanPtr) == 0) {
        Unmark(threadPtr, chanPtr);
    }
    return chanPtr;
}

/* ----------------------------------------------------------- re-arming */

/*
 * A receive that finds its bytes in the system costs less than half of one that
 * has to wait for them, because the way through the port is longer. So the
 * receives of channels that were served are submitted late: as long as others
 * are ready they wait, for up to one pass of the event loop. Then they are
 * submitted until one of them finds something.
 * Results: how many operations completed, or channels became ready.
 */

static unsigned
RearmFirst(IocpsockThread *threadPtr)
{
    IocpsockChan *chanPtr = FirstOf(&threadPtr->rearm);
    unsigned completed;

    SetPlace(chanPtr, IOCPSOCK_IDLE, NULL);
    if (WatchesRead(chanPtr)) {
        Rearm(chanPtr);
    }
    completed = CpPortReapFinished(threadPtr->portPtr);
    /* Bytes that were taken without a receive complete no operation. */
    if (ReadyMask(chanPtr) != 0) {
        IocpsockMark(chanPtr);
        completed++;
    }
    return completed;
}

static unsigned
RearmUntilFound(IocpsockThread *threadPtr)
{
    unsigned completed = 0;

    while (completed == 0 && !CpListIsEmpty(&threadPtr->rearm)) {
        completed = RearmFirst(threadPtr);
    }
    return completed;
}

static unsigned
RearmOld(IocpsockThread *threadPtr)
{
    IocpsockChan *chanPtr;
    unsigned completed = 0;

    while ((chanPtr = FirstOf(&threadPtr->rearm)) != NULL
        && threadPtr->passes - chanPtr->rearmPass > 1) {
        completed += RearmFirst(threadPtr);
    }
    return completed;
}

/* ------------------------------------------------------------- polling */

static unsigned
Poll(IocpsockThread *threadPtr)
{
    threadPtr->pollUs = CpNowUs();
    threadPtr->found = IOCPSOCK_FOUND_COMPLETIONS;
    return CpPortReap(threadPtr->portPtr, 0);
}

/* Takes in what has completed. If nothing has, re-arms until something is
 * found. */

static void
Collect(IocpsockThread *threadPtr)
{
    if (Poll(threadPtr) > 0 || FirstReady(threadPtr) != NULL) {
        return;
    }
    threadPtr->found = RearmUntilFound(threadPtr) > 0 ? IOCPSOCK_FOUND_BY_REARM
                                                      : IOCPSOCK_FOUND_NOTHING;
}

/* Results: in how many milliseconds it is due again, or -1. */

static int64_t
TickAll(IocpsockThread *threadPtr)
{
    int64_t closesMs = IocpsockTickCloses(threadPtr);

    return IocpsockSooner(closesMs, IocpsockTickServers(threadPtr));
}

/* ------------------------------------------------------------- queueing */

static void
QueueEvent(IocpsockChan *chanPtr)
{
    ReadyEvent *eventPtr = (ReadyEvent *) IocpsockAlloc(sizeof(ReadyEvent));

    SetPlace(chanPtr, IOCPSOCK_QUEUED, NULL);
    eventPtr->header.proc = ReadyEventProc;
    eventPtr->chanPtr = chanPtr;
    chanPtr->refCount++;
    chanPtr->threadPtr->eventsQueued++;
    Tcl_QueueEvent(&eventPtr->header, TCL_QUEUE_TAIL);
}

/* Ends the list marked. */

static void
QueueReady(IocpsockThread *threadPtr)
{
    IocpsockChan *chanPtr;

    while ((chanPtr = FirstReady(threadPtr)) != NULL) {
        if (WatchesRead(chanPtr)) {
            /* It may be ready for writing alone. */
            Rearm(chanPtr);
        }
        QueueEvent(chanPtr);
    }
    if (threadPtr->eventsQueued > 0) {
        CpPortRemind(threadPtr->portPtr);
    }
}

static int
IsEventOf(Tcl_Event *eventPtr, void *clientData)
{
    return eventPtr->proc == ReadyEventProc
        && ((ReadyEvent *) eventPtr)->chanPtr == clientData;
}

void
IocpsockForgetEvents(IocpsockChan *chanPtr)
{
    IocpsockServing *servingPtr = chanPtr->threadPtr->servingPtr;

    if (chanPtr->place == IOCPSOCK_QUEUED) {
        Tcl_DeleteEvents(IsEventOf, chanPtr);
        chanPtr->threadPtr->eventsQueued--;
        IocpsockReleaseChan(chanPtr);
    }
    SetPlace(chanPtr, IOCPSOCK_IDLE, NULL);
    for (; servingPtr != NULL; servingPtr = servingPtr->outerPtr) {
        if (servingPtr->chanPtr == chanPtr) {
            servingPtr->chanPtr = NULL;
            IocpsockReleaseChan(chanPtr);
        }
    }
}

/* ------------------------------------------------------------- passes */

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
BeginPass(IocpsockThread *threadPtr)
{
    threadPtr->passes++;
    threadPtr->passBeginUs = CpNowUs();
    threadPtr->passEvents = 0;
    threadPtr->passBytes = 0;
    threadPtr->roundBytes = 0;
}

static int
IsPassOver(const IocpsockThread *threadPtr)
{
    return threadPtr->passEvents >= PASS_EVENTS
        || threadPtr->passBytes >= PASS_BYTES
        || CpNowUs() - threadPtr->passBeginUs >= PASS_US;
}

/*
 * At the end of a pass, Tcl_ServiceAll serves idle events even if others were
 * served, and then returns to a message loop that is not Tcl's. Tcl's own event
 * loop serves no idle event while there are others. So an idle event tells the
 * two apart. Where it is not served, it stays for the next pass.
 */

static void
SetRecall(IocpsockThread *threadPtr, int recalls)
{
    if (threadPtr->recalls == recalls) {
        return;
    }
    threadPtr->recalls = recalls;
    if (recalls) {
        Tcl_DoWhenIdle(Recall, threadPtr);
    } else {
        Tcl_CancelIdleCall(Recall, threadPtr);
    }
}

static void
Recall(void *clientData)
{
    IocpsockThread *threadPtr = (IocpsockThread *) clientData;

    threadPtr->recalls = 0;
    CpPortRecall(threadPtr->portPtr);
}

/*
 * The thread may wait from here on if nothing is left to serve. The port has to
 * know that, although the setup proc will tell it again: message loops that are
 * not Tcl's call Tcl_ServiceAll, which calls the setup proc before it serves
 * events, and then they wait. If something is left, the port makes such a loop
 * come back.
 */

static void
EndPass(IocpsockThread *threadPtr, int flags)
{
    int left = FirstReady(threadPtr) != NULL;

    if (!left && !(flags & TCL_DONT_WAIT)) {
        left = !CpPortSleep(threadPtr->portPtr, TickAll(threadPtr));
    }
    if (left) {
        CpPortRemind(threadPtr->portPtr);
    }
    SetRecall(threadPtr, left && !threadPtr->exiting);
}

static void
SetupProc(void *clientData, int flags)
{
    IocpsockThread *threadPtr = (IocpsockThread *) clientData;
    int64_t dueMs;
    int ready;

    if (!(flags & TCL_FILE_EVENTS) || IsIdle(threadPtr)) {
        return;
    }
    BeginPass(threadPtr);
    /* If the last pass ended without finding anything, polling can wait for the
     * check proc. */
    if (RearmOld(threadPtr) > 0 || threadPtr->found != IOCPSOCK_FOUND_NOTHING) {
        Collect(threadPtr);
    }
    if (threadPtr->found == IOCPSOCK_FOUND_NOTHING) {
        threadPtr->found = IOCPSOCK_FOUND_COMPLETIONS;
    }
    dueMs = TickAll(threadPtr);
    ready = FirstReady(threadPtr) != NULL;
    while (!ready && RearmUntilFound(threadPtr) > 0) {
        ready = FirstReady(threadPtr) != NULL;
    }
    if (ready
        || (!(flags & TCL_DONT_WAIT)
            && !CpPortSleep(threadPtr->portPtr, dueMs))) {
        SetBlockTime(0);
    } else if (dueMs >= 0) {
        SetBlockTime(dueMs);
    }
}

static void
CheckProc(void *clientData, int flags)
{
    IocpsockThread *threadPtr = (IocpsockThread *) clientData;

    if (!(flags & TCL_FILE_EVENTS) || IsIdle(threadPtr)) {
        return;
    }
    if (FirstReady(threadPtr) == NULL) {
        Collect(threadPtr);
    }
    QueueReady(threadPtr);
    if (threadPtr->eventsQueued == 0) {
        EndPass(threadPtr, flags);
    }
}

/*
 * Behind the last queued event, the pass continues with the channels that are
 * ready by then, as long as handlers move bytes: a handler that has nothing to
 * write to a writable channel must not keep timers waiting. The port is polled
 * if nothing is ready, and before a channel is served for the third time.
 */

static void
Continue(IocpsockThread *threadPtr, int flags)
{
    int moved = threadPtr->passBytes != threadPtr->roundBytes;
    int over, ready;

    if (threadPtr->eventsQueued > 0 || IsIdle(threadPtr)) {
        return;
    }
    over = IsPassOver(threadPtr);
    threadPtr->roundBytes = threadPtr->passBytes;
    ready = FirstReady(threadPtr) != NULL;
    if (!ready) {
        /* If the last poll found nothing, to re-arm first saves one. */
        if (threadPtr->found != IOCPSOCK_FOUND_BY_REARM
            || RearmUntilFound(threadPtr) == 0) {
            Collect(threadPtr);
        }
        moved = 1;
        ready = FirstReady(threadPtr) != NULL;
    } else if (threadPtr->found == IOCPSOCK_FOUND_TWICE && moved && !over) {
        (void) Poll(threadPtr);
    }
    if (ready && moved && !over) {
        QueueReady(threadPtr);
    } else {
        EndPass(threadPtr, flags);
    }
}

/* ------------------------------------------------------------- serving */

/* Each accept script runs from an event of its own, behind the events of other
 * channels that are ready. So does the command of each datagram. */

static void
ServeOther(IocpsockThread *threadPtr, IocpsockChan *chanPtr,
    const IocpsockServing *servingPtr, int mask)
{
    int more = 1;

    if (chanPtr->serverPtr != NULL) {
        IocpsockServerAccept(chanPtr->serverPtr);
    } else {
        more = chanPtr->kindPtr->serveProc(chanPtr, servingPtr, mask);
    }
    if (more && servingPtr->chanPtr != NULL && chanPtr->place != IOCPSOCK_QUEUED
        && !IsPassOver(threadPtr) && ReadyMask(chanPtr) != 0) {
        QueueEvent(chanPtr);
    }
}

/*
 * Before Tcl calls handlers, it writes bytes that it still holds. If that
 * fails, it keeps the error for the script's next read or write. A script that
 * only waits for an answer makes none, so its readable handler is called.
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

/* The handler may close the channel, or give it to another thread. Then the
 * reference is gone, and servingPtr->chanPtr is NULL. */

static void
Serve(IocpsockThread *threadPtr, IocpsockChan *chanPtr,
    const IocpsockServing *servingPtr, int mask)
{
    chanPtr->events++;
    if (chanPtr->servedPollUs == threadPtr->pollUs
        && CpNowUs() - threadPtr->pollUs >= POLL_US) {
        threadPtr->found = IOCPSOCK_FOUND_TWICE;
    }
    chanPtr->servedPollUs = threadPtr->pollUs;
    if (chanPtr->connPtr == NULL) {
        ServeOther(threadPtr, chanPtr, servingPtr, mask);
        return;
    }
    Notify(chanPtr, servingPtr, mask);
    if (servingPtr->chanPtr != NULL && chanPtr->connPtr != NULL) {
        CpConnForgetDrained(chanPtr->connPtr);
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
    threadPtr->eventsQueued--;
    threadPtr->passEvents++;
    mask = ReadyMask(chanPtr);

    /* Marked before the handler runs, the channel also gets its events in an
     * event loop that the handler enters. */
    SetPlace(chanPtr, IOCPSOCK_IDLE, NULL);
    IocpsockMark(chanPtr);
    serving.chanPtr = chanPtr;
    serving.readLeft = IOCPSOCK_READ_LIMIT;
    serving.pass = threadPtr->passes;
    serving.outerPtr = threadPtr->servingPtr;
    threadPtr->servingPtr = &serving;
    if (mask != 0) {
        Serve(threadPtr, chanPtr, &serving, mask);
    }
    threadPtr->servingPtr = serving.outerPtr;
    if (serving.chanPtr != NULL) {
        IocpsockReleaseChan(serving.chanPtr);
    }
    Continue(threadPtr, flags);
    return 1;
}
