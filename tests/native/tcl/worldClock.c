/*
 * worldClock.c --
 *
 *      How the threads of the shell wait, and how time passes. It replaces
 *      Tcl's notifier, as Tcl allows it.
 *
 *      A thread counts as running unless it waits here. When the last one
 *      begins to wait, it moves the clock to what is due next and wakes those
 *      who wait for that. A thread that waits elsewhere, say for one of Tcl's
 *      conditions, counts as running: whoever is to end that wait needs no time
 *      for it.
 *
 *      While somebody waits for a file (a pipe, a socket of the core's driver),
 *      time passes as it does outside.
 */

#include "world.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POLL_US 100  /* What a pass of the event loop without a wait takes. */
#define FILES_MAX 64 /* Watched at once, by all threads. */

typedef struct WorldThread {
    Tcl_ThreadId id;
    pthread_cond_t cond;
    int alerted;
    int waiting;
    uint64_t dueUs; /* While it waits. */
    int isMain;
    struct WorldThread *nextPtr;
} WorldThread;

/* A file that a thread watches. */

typedef struct WatchedFile {
    int fd;
    int mask;
    int readyMask; /* An event is queued if it is not 0. */
    Tcl_FileProc *proc;
    void *clientData;
    WorldThread *threadPtr;
} WatchedFile;

typedef struct FileEvent {
    Tcl_Event header;
    int fd;
} FileEvent;

static uint64_t clockUs = 1000000000; /* The simulator's first millisecond. */

/* Guards the rest. */
static pthread_mutex_t waitMutex = PTHREAD_MUTEX_INITIALIZER;
static WorldThread *firstThreadPtr;
static unsigned running;
static int advancing; /* One of the waiting threads moves the clock. */
static int ended;     /* The main thread is gone: nothing goes on. */
static WatchedFile files[FILES_MAX];
static unsigned fileCount;

static Tcl_ThreadId mainId; /* Set before there is another thread. */
static _Thread_local WorldThread *selfPtr;

static void
Lock(void)
{
    pthread_mutex_lock(&waitMutex);
}

static void
Unlock(void)
{
    pthread_mutex_unlock(&waitMutex);
}

/* ----------------------------------------------------------- the clock */

uint64_t
WorldNowUs(unsigned lookUs)
{
    return __atomic_add_fetch(&clockUs, lookUs, __ATOMIC_RELAXED);
}

void
WorldRaiseClock(uint64_t us)
{
    uint64_t now = WorldNowUs(0);

    while (now < us
        && !__atomic_compare_exchange_n(&clockUs, &now, us, 0, __ATOMIC_RELAXED,
            __ATOMIC_RELAXED)) {
    }
}

static uint64_t
RealUs(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

/* ---------------------------------------------------------- watched files */

static WatchedFile *
FindLockedFile(int fd)
{
    unsigned i;

    for (i = 0; i < fileCount; i++) {
        if (files[i].fd == fd && files[i].threadPtr == selfPtr) {
            return &files[i];
        }
    }
    return NULL;
}

static void
DeleteFileHandler(int fd)
{
    WatchedFile *filePtr;

    Lock();
    filePtr = FindLockedFile(fd);
    if (filePtr != NULL) {
        *filePtr = files[--fileCount];
    }
    Unlock();
}

static void
CreateFileHandler(int fd, int mask, Tcl_FileProc *proc, void *clientData)
{
    WatchedFile *filePtr;

    Lock();
    filePtr = FindLockedFile(fd);
    if (filePtr == NULL) {
        if (fileCount == FILES_MAX) {
            Tcl_Panic("more than %d files are watched", FILES_MAX);
        }
        filePtr = &files[fileCount++];
        memset(filePtr, 0, sizeof(WatchedFile));
        filePtr->fd = fd;
        filePtr->threadPtr = selfPtr;
    }
    filePtr->mask = mask;
    filePtr->proc = proc;
    filePtr->clientData = clientData;
    Unlock();
}

static int
FileEventProc(Tcl_Event *eventPtr, int flags)
{
    WatchedFile *filePtr;
    WatchedFile file;
    int mask = 0;

    if (!(flags & TCL_FILE_EVENTS)) {
        return 0;
    }
    Lock();
    filePtr = FindLockedFile(((FileEvent *) eventPtr)->fd);
    if (filePtr != NULL) {
        mask = filePtr->readyMask & filePtr->mask;
        filePtr->readyMask = 0;
        file = *filePtr;
    }
    Unlock();
    if (mask != 0) {
        file.proc(file.clientData, mask);
    }
    return 1;
}

/* An event for the calling thread, which watches the file. */

static void
NoteReady(const struct pollfd *pollPtr)
{
    FileEvent *eventPtr = NULL;
    WatchedFile *filePtr;
    int ready = (pollPtr->revents & (POLLIN | POLLHUP | POLLERR) ? TCL_READABLE
                                                                 : 0)
        | (pollPtr->revents & (POLLOUT | POLLERR) ? TCL_WRITABLE : 0);

    Lock();
    filePtr = FindLockedFile(pollPtr->fd);
    if (filePtr != NULL && (filePtr->mask & ready) != 0) {
        if (filePtr->readyMask == 0) {
            eventPtr = (FileEvent *) (void *) Tcl_Alloc(sizeof(FileEvent));
            eventPtr->header.proc = FileEventProc;
            eventPtr->fd = pollPtr->fd;
        }
        filePtr->readyMask |= ready;
    }
    Unlock();
    if (eventPtr != NULL) {
        Tcl_QueueEvent(&eventPtr->header, TCL_QUEUE_TAIL);
    }
}

/* Waits up to that long until a file that somebody watches is ready. For the
 * calling thread's own ones events are queued, if it asks just for those.
 * Results: how many files are ready. */

static int
PollFiles(int ms, int mine)
{
    struct pollfd polls[FILES_MAX];
    nfds_t count = 0;
    unsigned i;
    int ready;

    Lock();
    for (i = 0; i < fileCount; i++) {
        if (!mine || files[i].threadPtr == selfPtr) {
            polls[count].fd = files[i].fd;
            polls[count].events = (short) ((files[i].mask & TCL_READABLE
                                                   ? POLLIN
                                                   : 0)
                | (files[i].mask & TCL_WRITABLE ? POLLOUT : 0));
            polls[count++].revents = 0;
        }
    }
    Unlock();
    ready = count > 0 || ms != 0 ? poll(polls, count, ms) : 0;
    for (i = 0; ready > 0 && i < count; i++) {
        if (mine && polls[i].revents != 0) {
            NoteReady(&polls[i]);
        }
    }
    return ready > 0 ? ready : 0;
}

/* ------------------------------------------------------------- waiting */

static void
WakeLocked(WorldThread *threadPtr)
{
    if (threadPtr->waiting) {
        threadPtr->waiting = 0;
        running++;
        pthread_cond_signal(&threadPtr->cond);
    }
}

/* Up to what is due, time passes outside. Whoever watches a file that is ready
 * is woken. */

static void
PassOutside(uint64_t dueUs)
{
    uint64_t nowUs = WorldNowUs(0);
    uint64_t beginUs = RealUs();
    uint64_t ms = dueUs > nowUs ? (dueUs - nowUs + 999) / 1000 : 0;
    WorldThread *threadPtr;

    if (PollFiles(ms > 60000 ? 60000 : (int) ms, 0) == 0) {
        WorldRaiseClock(dueUs);
        return;
    }
    WorldRaiseClock(nowUs + RealUs() - beginUs);
    Lock();
    for (threadPtr = firstThreadPtr; threadPtr != NULL;
         threadPtr = threadPtr->nextPtr) {
        WakeLocked(threadPtr);
    }
    Unlock();
}

static void
WakeDueLocked(void)
{
    WorldThread *threadPtr;

    for (threadPtr = firstThreadPtr; threadPtr != NULL;
         threadPtr = threadPtr->nextPtr) {
        if (threadPtr->dueUs <= WorldNowUs(0)) {
            WakeLocked(threadPtr);
        }
    }
}

/* When the first of the waiting threads wants to be woken. */

static uint64_t
FirstDueLocked(void)
{
    uint64_t dueUs = WORLD_NEVER;
    const WorldThread *threadPtr;

    for (threadPtr = firstThreadPtr; threadPtr != NULL;
         threadPtr = threadPtr->nextPtr) {
        if (threadPtr->waiting && threadPtr->dueUs < dueUs) {
            dueUs = threadPtr->dueUs;
        }
    }
    return dueUs;
}

/* Nobody runs. If that is so even when everything has happened that is due by
 * now, the clock moves to what is due next. */

static void
AdvanceLocked(void)
{
    uint64_t dueUs, simUs;
    unsigned watched;

    advancing = 1;
    Unlock();
    simUs = WorldSimNextUs();
    Lock();
    dueUs = FirstDueLocked();
    dueUs = simUs < dueUs ? simUs : dueUs;
    watched = fileCount;
    if (running == 0) {
        Unlock();
        if (watched > 0) {
            PassOutside(dueUs);
        } else if (dueUs == WORLD_NEVER) {
            Tcl_Panic("every thread waits for ever, and nothing is to come");
        } else {
            WorldRaiseClock(dueUs);
        }
        WorldSimCatchUp();
        Lock();
        WakeDueLocked();
    }
    advancing = 0;
}

int
WorldWait(uint64_t dueUs)
{
    int alerted;

    Lock();
    if (!selfPtr->alerted && dueUs > WorldNowUs(0)) {
        selfPtr->waiting = 1;
        selfPtr->dueUs = dueUs;
        running--;
        while (selfPtr->waiting) {
            if (running == 0 && !advancing && !ended) {
                AdvanceLocked();
            } else {
                pthread_cond_wait(&selfPtr->cond, &waitMutex);
            }
        }
    }
    alerted = selfPtr->alerted;
    selfPtr->alerted = 0;
    Unlock();
    return alerted;
}

void
WorldSleep(uint64_t us)
{
    uint64_t dueUs = WorldNowUs(0) + us;
    int alerted = 0;

    while (WorldNowUs(0) < dueUs) {
        alerted |= WorldWait(dueUs);
    }
    if (alerted) {
        Lock();
        selfPtr->alerted = 1;
        Unlock();
    }
}

/* ------------------------------------------------------- Tcl's notifier */

static void *
InitNotifier(void)
{
    WorldThread *threadPtr = calloc(1, sizeof(WorldThread));

    if (threadPtr == NULL) {
        Tcl_Panic("no memory for a thread");
    }
    threadPtr->id = Tcl_GetCurrentThread();
    threadPtr->isMain = mainId == NULL;
    if (mainId == NULL) {
        mainId = threadPtr->id;
    }
    pthread_cond_init(&threadPtr->cond, NULL);
    selfPtr = threadPtr;
    Lock();
    threadPtr->nextPtr = firstThreadPtr;
    firstThreadPtr = threadPtr;
    running++;
    Unlock();
    return threadPtr;
}

/* Those who wait are told, as it may be the last one that runs. */

static void
FinalizeNotifier(void *clientData)
{
    WorldThread **linkPtr = &firstThreadPtr;

    (void) clientData;
    if (selfPtr == NULL) {
        return;
    }
    Lock();
    while (*linkPtr != selfPtr) {
        linkPtr = &(*linkPtr)->nextPtr;
    }
    *linkPtr = selfPtr->nextPtr;
    running--;
    ended |= selfPtr->isMain;
    if (firstThreadPtr != NULL) {
        pthread_cond_signal(&firstThreadPtr->cond);
    }
    Unlock();
    pthread_cond_destroy(&selfPtr->cond);
    free(selfPtr);
    selfPtr = NULL;
}

int
WorldThreadIsGone(Tcl_ThreadId id)
{
    const WorldThread *threadPtr;

    Lock();
    threadPtr = firstThreadPtr;
    while (threadPtr != NULL && threadPtr->id != id) {
        threadPtr = threadPtr->nextPtr;
    }
    Unlock();
    return threadPtr == NULL;
}

int
WorldHasThreads(void)
{
    int has;

    Lock();
    has = firstThreadPtr != NULL;
    Unlock();
    return has;
}

static void
AlertNotifier(void *clientData)
{
    WorldThread *threadPtr = clientData;

    Lock();
    threadPtr->alerted = 1;
    WakeLocked(threadPtr);
    Unlock();
}

static int
WaitForEvent(const Tcl_Time *timePtr)
{
    uint64_t us = WORLD_NEVER;

    if (timePtr != NULL) {
        us = (uint64_t) timePtr->sec * 1000000 + (uint64_t) timePtr->usec;
    }
    if (us == 0) {
        (void) WorldNowUs(POLL_US);
        Lock();
        selfPtr->alerted = 0;
        Unlock();
    }
    if (PollFiles(0, 1) == 0 && us > 0) {
        (void) WorldWait(us == WORLD_NEVER ? us : WorldNowUs(0) + us);
        (void) PollFiles(0, 1);
    }
    return 0;
}

static void
SetTimer(const Tcl_Time *timePtr)
{
    (void) timePtr;
}

static void
ServiceModeHook(int mode)
{
    (void) mode;
}

void
WorldSetNotifier(void)
{
    static Tcl_NotifierProcs procs = {SetTimer, WaitForEvent, CreateFileHandler,
        DeleteFileHandler, InitNotifier, FinalizeNotifier, AlertNotifier,
        ServiceModeHook};

    Tcl_SetNotifier(&procs);
}
