/*
 * kernelWin.c --
 *
 *      The completion ports and threads of this folder's windows.h, with
 *      the rules by which Windows wakes threads that wait on a completion port:
 *
 *      - A thread belongs to the port that it last dequeued from. It counts
 *        as running there until it blocks, wherever that is.
 *      - While as many threads run as the port's limit allows, no waiting
 *        thread is released, and a thread that polls is refused.
 *      - The thread that began to wait last is released first, with its packet
 *        in its hands.
 *      - A thread may dequeue a packet that it has posted itself.
 *
 *      With TestPortsRace there is no limit, and a released thread has to take
 *      its packet itself, and another one may be faster. Wine does it that way.
 */

#include "kernelWin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A thread that waits on a completion port. */

typedef struct Waiter {
    pthread_cond_t cond;
    int released; /* Has an entry, and counts as running. */
    OVERLAPPED_ENTRY entry;
    struct Waiter *nextPtr; /* Has waited longer. */
} Waiter;

/* A completion port, or a file that is bound to one. */

struct WinObject {
    HANDLE boundTo;        /* A file's; its user's to guard. */
    int refs;              /* Its handle, and the threads that belong to it. */
    pthread_mutex_t mutex; /* Guards the rest. */
    OVERLAPPED_ENTRY *entries; /* A ring. */
    unsigned first;
    unsigned count;
    unsigned room;
    unsigned limit;
    unsigned running;       /* Threads that belong to it and do not block. */
    Waiter *firstWaiterPtr; /* The last one to come. */
    unsigned waiters;
    unsigned helperWaits; /* How often a thread of CreateThread has blocked. */
};

typedef struct Start {
    LPTHREAD_START_ROUTINE proc;
    LPVOID param;
} Start;

static int threads;
static int objects;
static int portsRace;

/* The port that the thread last dequeued from, with a reference. */
static _Thread_local HANDLE threadPort;
static _Thread_local int isHelper;
static pthread_key_t leaveKey;
static pthread_once_t leaveOnce = PTHREAD_ONCE_INIT;

static void *
Alloc(size_t sizeBytes)
{
    void *memPtr = calloc(1, sizeBytes);

    TestMust(memPtr == NULL ? ENOMEM : 0, "calloc");
    return memPtr;
}

/* ------------------------------------------------- who runs and who waits */

static void
Lock(HANDLE object)
{
    TestMust(pthread_mutex_lock(&object->mutex), "lock");
}

static void
Unlock(HANDLE object)
{
    TestMust(pthread_mutex_unlock(&object->mutex), "unlock");
}

static void
Unref(HANDLE object)
{
    if (__atomic_sub_fetch(&object->refs, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    TestMust(pthread_mutex_destroy(&object->mutex), "mutex_destroy");
    free(object->entries);
    free(object);
    __atomic_sub_fetch(&objects, 1, __ATOMIC_SEQ_CST);
}

static OVERLAPPED_ENTRY
TakeEntry(HANDLE lockedPort)
{
    OVERLAPPED_ENTRY entry = lockedPort->entries[lockedPort->first];

    lockedPort->first = (lockedPort->first + 1) % lockedPort->room;
    lockedPort->count--;
    return entry;
}

static int
MayRun(HANDLE lockedPort)
{
    return portsRace || lockedPort->running < lockedPort->limit;
}

/* Releases as many waiting threads as there are packets and the limit allows.
 * If ports race, all waiting threads try again. */

static void
ReleaseWaiters(HANDLE lockedPort)
{
    Waiter *waiterPtr;

    if (portsRace) {
        for (waiterPtr = lockedPort->firstWaiterPtr; waiterPtr != NULL;
             waiterPtr = waiterPtr->nextPtr) {
            TestMust(pthread_cond_signal(&waiterPtr->cond), "signal");
        }
        return;
    }
    while (lockedPort->count > 0 && lockedPort->firstWaiterPtr != NULL
        && MayRun(lockedPort)) {
        waiterPtr = lockedPort->firstWaiterPtr;
        lockedPort->firstWaiterPtr = waiterPtr->nextPtr;
        lockedPort->waiters--;
        waiterPtr->entry = TakeEntry(lockedPort);
        waiterPtr->released = 1;
        lockedPort->running++;
        TestMust(pthread_cond_signal(&waiterPtr->cond), "signal");
    }
}

/* The thread no longer belongs to its port. */

static void
LeavePort(void *port)
{
    HANDLE leftPort = port;

    threadPort = NULL;
    Lock(leftPort);
    leftPort->running--;
    ReleaseWaiters(leftPort);
    Unlock(leftPort);
    Unref(leftPort);
}

static void
MakeLeaveKey(void)
{
    TestMust(pthread_key_create(&leaveKey, LeavePort), "key_create");
}

/* From now on the thread belongs to this port, and runs. */

static void
JoinPort(HANDLE port)
{
    if (threadPort == port) {
        return;
    }
    TestMust(pthread_once(&leaveOnce, MakeLeaveKey), "once");
    if (threadPort != NULL) {
        LeavePort(threadPort);
    }
    threadPort = port;
    TestMust(pthread_setspecific(leaveKey, port), "setspecific");
    __atomic_add_fetch(&port->refs, 1, __ATOMIC_ACQ_REL);
    Lock(port);
    port->running++;
    Unlock(port);
}

void
TestBlock(int on)
{
    if (threadPort == NULL) {
        return;
    }
    Lock(threadPort);
    if (on) {
        threadPort->helperWaits += isHelper != 0;
        threadPort->running--;
        ReleaseWaiters(threadPort);
    } else {
        threadPort->running++;
    }
    Unlock(threadPort);
}

void
TestPortsRace(int on)
{
    portsRace = on;
}

unsigned
TestPortWaiters(HANDLE file)
{
    HANDLE port = file->boundTo;
    unsigned waiters;

    Lock(port);
    waiters = port->waiters;
    Unlock(port);
    return waiters;
}

unsigned
TestHelperWaits(HANDLE file)
{
    HANDLE port = file->boundTo;
    unsigned waits;

    Lock(port);
    waits = port->helperWaits;
    Unlock(port);
    return waits;
}

/* --------------------------------------------------------------- threads */

static void *
ThreadMain(void *clientData)
{
    Start start = *(Start *) clientData;

    free(clientData);
    isHelper = 1;
    start.proc(start.param);
    if (threadPort != NULL) {
        TestMust(pthread_setspecific(leaveKey, NULL), "setspecific");
        LeavePort(threadPort);
    }
    __atomic_sub_fetch(&threads, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

/* The handle is for closing only. */

HANDLE
CreateThread(void *attributes, size_t stackBytes, LPTHREAD_START_ROUTINE proc,
    LPVOID param, DWORD flags, DWORD *idPtr)
{
    Start *startPtr = Alloc(sizeof(Start));
    pthread_t thread;

    (void) attributes;
    (void) stackBytes;
    (void) flags;
    (void) idPtr;
    startPtr->proc = proc;
    startPtr->param = param;
    __atomic_add_fetch(&threads, 1, __ATOMIC_SEQ_CST);
    TestMust(pthread_create(&thread, NULL, ThreadMain, startPtr), "create");
    TestMust(pthread_detach(thread), "detach");
    return TestFileNew();
}

int
TestThreads(void)
{
    return __atomic_load_n(&threads, __ATOMIC_SEQ_CST);
}

int
TestObjects(void)
{
    return __atomic_load_n(&objects, __ATOMIC_SEQ_CST);
}

/* -------------------------------------------------- completion ports */

HANDLE
TestFileNew(void)
{
    HANDLE object = Alloc(sizeof(struct WinObject));

    object->refs = 1;
    TestMust(pthread_mutex_init(&object->mutex, NULL), "mutex_init");
    __atomic_add_fetch(&objects, 1, __ATOMIC_SEQ_CST);
    return object;
}

HANDLE
CreateIoCompletionPort(HANDLE file, HANDLE port, ULONG_PTR key, DWORD limit)
{
    (void) key;
    if (file == INVALID_HANDLE_VALUE) {
        port = TestFileNew();
        port->limit = limit;
        return port;
    }
    file->boundTo = port;
    return port;
}

/* With another flag a socket's handle would not be signalled, and foreign calls
 * that wait for it, such as a child's WriteFile, might wait for ever. */

BOOL
SetFileCompletionNotificationModes(HANDLE file, unsigned char flags)
{
    (void) file;
    if (flags != FILE_SKIP_COMPLETION_PORT_ON_SUCCESS) {
        fprintf(stderr, "FAILED: completions skip more than the port\n");
        abort();
    }
    return TRUE;
}

static void
Post(HANDLE port, const OVERLAPPED_ENTRY *entryPtr)
{
    Lock(port);
    if (port->count == port->room) {
        unsigned room = port->room == 0 ? 16 : 2 * port->room;
        OVERLAPPED_ENTRY *entries = Alloc(room * sizeof(*entries));
        unsigned i;

        for (i = 0; i < port->count; i++) {
            entries[i] = port->entries[(port->first + i) % port->room];
        }
        free(port->entries);
        port->entries = entries;
        port->room = room;
        port->first = 0;
    }
    port->entries[(port->first + port->count++) % port->room] = *entryPtr;
    ReleaseWaiters(port);
    Unlock(port);
}

BOOL
PostQueuedCompletionStatus(HANDLE port, DWORD bytes, ULONG_PTR key,
    OVERLAPPED *overlappedPtr)
{
    OVERLAPPED_ENTRY entry = {key, overlappedPtr, 0, bytes};

    Post(port, &entry);
    return TRUE;
}

void
TestPostStale(HANDLE file, OVERLAPPED *overlappedPtr)
{
    PostQueuedCompletionStatus(file->boundTo, 0, 0, overlappedPtr);
}

void
TestFileComplete(HANDLE file, OVERLAPPED *overlappedPtr, ULONG_PTR status,
    DWORD bytes)
{
    OVERLAPPED_ENTRY entry = {0, overlappedPtr, status, bytes};

    overlappedPtr->Internal = status;
    overlappedPtr->InternalHigh = bytes;
    Post(file->boundTo, &entry);
}

static void
RemoveWaiter(HANDLE lockedPort, const Waiter *waiterPtr)
{
    Waiter **linkPtr = &lockedPort->firstWaiterPtr;

    while (*linkPtr != waiterPtr) {
        linkPtr = &(*linkPtr)->nextPtr;
    }
    *linkPtr = waiterPtr->nextPtr;
    lockedPort->waiters--;
}

/* Waits for the first packet. The thread does not count as running meanwhile,
 * but does so afterwards. Returns whether there is a packet, in *entryPtr. */

static BOOL
WaitForEntry(HANDLE lockedPort, DWORD ms, OVERLAPPED_ENTRY *entryPtr)
{
    Waiter waiter;
    int inTime = 1;

    memset(&waiter, 0, sizeof(waiter));
    TestMust(pthread_cond_init(&waiter.cond, NULL), "cond_init");
    waiter.nextPtr = lockedPort->firstWaiterPtr;
    lockedPort->firstWaiterPtr = &waiter;
    lockedPort->waiters++;
    lockedPort->helperWaits += isHelper != 0;
    while (
        !waiter.released && inTime && !(portsRace && lockedPort->count > 0)) {
        inTime = TestWaitCond(&waiter.cond, &lockedPort->mutex, ms);
    }
    if (waiter.released) {
        *entryPtr = waiter.entry;
    } else {
        RemoveWaiter(lockedPort, &waiter);
        lockedPort->running++;
        if (portsRace && lockedPort->count > 0) {
            *entryPtr = TakeEntry(lockedPort);
            waiter.released = 1;
        }
    }
    TestMust(pthread_cond_destroy(&waiter.cond), "cond_destroy");
    return waiter.released;
}

BOOL
GetQueuedCompletionStatusEx(HANDLE port, OVERLAPPED_ENTRY *entries, ULONG room,
    ULONG *countPtr, DWORD ms, BOOL alertable)
{
    ULONG count = 0;

    (void) alertable;
    JoinPort(port);
    Lock(port);
    port->running--; /* It runs on if there is a packet for it. */
    if (port->count > 0 && MayRun(port)) {
        entries[count++] = TakeEntry(port);
        port->running++;
    } else if (ms == 0) {
        port->running++;
    } else {
        count += (ULONG) WaitForEntry(port, ms, entries);
    }
    while (count > 0 && port->count > 0 && count < room) {
        entries[count++] = TakeEntry(port);
    }
    Unlock(port);
    *countPtr = count;
    return count > 0;
}

BOOL
CloseHandle(HANDLE handle)
{
    Unref(handle);
    return TRUE;
}
