/*
 * peerMany.c --
 *
 *      The modes of peer that make many connections: reset, close, exchange,
 *      hold, silent.
 */

#define _GNU_SOURCE

#include "peer.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define TICK_MS 10
#define LINE_BYTES 32
#define INPUT UINT32_MAX

/* What a mode does with a new connection. */
typedef struct Plan {
    const char *mode;
    int exchanges; /* Sends a line and waits for its echo. */
    int keeps;     /* Does not close afterwards. */
    int resets;    /* Instead of closing. */
} Plan;

typedef enum ConnState {
    CONN_FREE,
    CONN_CONNECTING,
    CONN_WAITING, /* Waiting for an echo. */
    CONN_HELD,
    CONN_CLOSED /* By the server. */
} ConnState;

typedef struct Conn {
    int fd;
    ConnState state;
    unsigned serial;  /* The number in the line of the exchange. */
    unsigned got;     /* Bytes of the echo. */
    int64_t beganMs;  /* When the attempt or the exchange began. */
    int64_t openedMs; /* When the successful attempt began. */
} Conn;

typedef struct Many {
    Plan plan;
    long port;
    long count; /* 0 means without end. */
    long at;
    long rate; /* At most that many begin in a second; 0 means no limit. */
    int64_t startedMs;
    int64_t limitMs;
    int64_t giveUpMs; /* 0 means never. */
    int64_t everyMs;  /* 0 means never. */

    int epoll;
    Conn *conns;
    uint32_t slots;
    uint32_t *freeSlots;
    uint32_t freeCount;
    uint32_t sweep; /* The next connection for another exchange. */
    long active;    /* Connecting or waiting. */
    int ending;     /* It was told to end. */
    int phase;      /* 0 until all are held, then the count of "again". */
    int going;      /* Making exchanges again. */
    int64_t wentMs; /* When that began last. */

    long begun;
    long connected;
    long exchanged;
    long failed;
    long gaveUp;
    long wrong;
    long closed;
    int64_t firstMs; /* From connecting to the server's close. */
    int64_t lastMs;
    int64_t slowestMs; /* Of an exchange, including connecting. */
    int error;         /* Of the last one that failed. */
} Many;

static void
Say(const Many *manyPtr, const char *word)
{
    printf("%s connected=%ld exchanged=%ld failed=%ld gaveUp=%ld wrong=%ld "
           "closed=%ld firstMs=%lld lastMs=%lld slowestMs=%lld late=%d ms=%lld "
           "why=%s\n",
        word, manyPtr->connected, manyPtr->exchanged, manyPtr->failed,
        manyPtr->gaveUp, manyPtr->wrong, manyPtr->closed,
        (long long) manyPtr->firstMs, (long long) manyPtr->lastMs,
        (long long) manyPtr->slowestMs, NowMs() >= manyPtr->limitMs,
        (long long) (NowMs() - manyPtr->startedMs), Reason(manyPtr->error));
}

static uint32_t
SlotOf(const Many *manyPtr, const Conn *connPtr)
{
    return (uint32_t) (connPtr - manyPtr->conns);
}

static void
Watch(const Many *manyPtr, const Conn *connPtr, int op, uint32_t events)
{
    struct epoll_event event = {.events = events};

    event.data.u32 = SlotOf(manyPtr, connPtr);
    (void) epoll_ctl(manyPtr->epoll, op, connPtr->fd, &event);
}

static void
End(Many *manyPtr, Conn *connPtr)
{
    if (connPtr->state == CONN_CONNECTING || connPtr->state == CONN_WAITING) {
        manyPtr->active--;
    }
    if (manyPtr->plan.resets) {
        Reset(connPtr->fd);
    } else {
        close(connPtr->fd);
    }
    connPtr->state = CONN_FREE;
    manyPtr->freeSlots[manyPtr->freeCount++] = SlotOf(manyPtr, connPtr);
}

static void
Fail(Many *manyPtr, Conn *connPtr, int error)
{
    manyPtr->failed++;
    manyPtr->error = error;
    End(manyPtr, connPtr);
}

static void
MakeLine(const Conn *connPtr, char *line)
{
    snprintf(line, LINE_BYTES + 1, "%010u is what comes back..\n",
        connPtr->serial);
}

static void
SendLine(Many *manyPtr, Conn *connPtr)
{
    static unsigned serial;
    char line[LINE_BYTES + 1];

    connPtr->serial = serial++;
    connPtr->got = 0;
    MakeLine(connPtr, line);
    if (connPtr->state != CONN_CONNECTING) {
        connPtr->beganMs = NowMs();
        manyPtr->active++;
    }
    connPtr->state = CONN_WAITING;
    if (send(connPtr->fd, line, LINE_BYTES, 0) != LINE_BYTES) {
        Fail(manyPtr, connPtr, errno);
    }
}

static void
Connected(Many *manyPtr, Conn *connPtr)
{
    connPtr->openedMs = connPtr->beganMs;
    manyPtr->connected++;
    if (!manyPtr->plan.exchanges && !manyPtr->plan.keeps) {
        End(manyPtr, connPtr);
        return;
    }
    Watch(manyPtr, connPtr, EPOLL_CTL_MOD, EPOLLIN);
    if (manyPtr->plan.exchanges) {
        SendLine(manyPtr, connPtr);
    } else {
        connPtr->state = CONN_HELD;
        manyPtr->active--;
    }
}

static void
Begin(Many *manyPtr)
{
    Conn *connPtr = &manyPtr->conns[manyPtr->freeSlots[--manyPtr->freeCount]];
    int pending;

    manyPtr->begun++;
    connPtr->beganMs = NowMs();
    connPtr->fd = Dial(manyPtr->port, 0, &pending);
    if (connPtr->fd < 0) {
        manyPtr->failed++;
        manyPtr->error = errno;
        manyPtr->freeCount++;
        return;
    }
    connPtr->state = CONN_CONNECTING;
    manyPtr->active++;
    Watch(manyPtr, connPtr, EPOLL_CTL_ADD, EPOLLOUT);
    if (!pending) {
        Connected(manyPtr, connPtr);
    }
}

static void
Echoed(Many *manyPtr, Conn *connPtr)
{
    int64_t ms = NowMs() - connPtr->beganMs;

    manyPtr->exchanged++;
    if (ms > manyPtr->slowestMs) {
        manyPtr->slowestMs = ms;
    }
    if (manyPtr->plan.keeps) {
        connPtr->state = CONN_HELD;
        manyPtr->active--;
    } else {
        End(manyPtr, connPtr);
    }
}

/* The server has closed or reset a connection that is only held. */

static void
ClosedByServer(Many *manyPtr, Conn *connPtr)
{
    int64_t ms = NowMs() - connPtr->openedMs;

    if (manyPtr->closed == 0 || ms < manyPtr->firstMs) {
        manyPtr->firstMs = ms;
    }
    if (ms > manyPtr->lastMs) {
        manyPtr->lastMs = ms;
    }
    manyPtr->closed++;
    close(connPtr->fd);
    connPtr->state = CONN_CLOSED;
}

static void
Read(Many *manyPtr, Conn *connPtr)
{
    char line[LINE_BYTES + 1];
    char got[LINE_BYTES];
    ssize_t count = recv(connPtr->fd, got, sizeof(got), 0);

    if (count < 0 && errno == EAGAIN) {
        return;
    }
    if (connPtr->state == CONN_HELD) {
        if (count > 0) {
            manyPtr->wrong++;
        } else {
            ClosedByServer(manyPtr, connPtr);
        }
        return;
    }
    if (count <= 0) {
        Fail(manyPtr, connPtr, count < 0 ? errno : ECONNABORTED);
        return;
    }
    MakeLine(connPtr, line);
    if ((size_t) count > LINE_BYTES - connPtr->got
        || memcmp(line + connPtr->got, got, (size_t) count) != 0) {
        manyPtr->wrong++;
        Fail(manyPtr, connPtr, EPROTO);
        return;
    }
    connPtr->got += (unsigned) count;
    if (connPtr->got == LINE_BYTES) {
        Echoed(manyPtr, connPtr);
    }
}

static void
Handle(Many *manyPtr, Conn *connPtr)
{
    int error = 0;
    socklen_t length = sizeof(error);

    switch (connPtr->state) {
    case CONN_CONNECTING:
        (void) getsockopt(connPtr->fd, SOL_SOCKET, SO_ERROR, &error, &length);
        if (error != 0) {
            Fail(manyPtr, connPtr, error);
        } else {
            Connected(manyPtr, connPtr);
        }
        break;
    case CONN_WAITING:
    case CONN_HELD:
        Read(manyPtr, connPtr);
        break;
    case CONN_FREE:
    case CONN_CLOSED:
        /* An earlier event of this batch has closed it. */
        break;
    }
}

/* Gives up attempts that have waited too long. */

static void
GiveUp(Many *manyPtr)
{
    int64_t now = NowMs();
    uint32_t i;

    for (i = 0; manyPtr->giveUpMs > 0 && i < manyPtr->slots; i++) {
        Conn *connPtr = &manyPtr->conns[i];

        if (connPtr->state == CONN_CONNECTING
            && now - connPtr->beganMs >= manyPtr->giveUpMs) {
            manyPtr->gaveUp++;
            End(manyPtr, connPtr);
        }
    }
}

static void
Hear(Many *manyPtr)
{
    Told told;

    while (!manyPtr->ending && (told = HearNext()) != TOLD_NOTHING) {
        if (told == TOLD_END) {
            manyPtr->ending = 1;
            (void) epoll_ctl(manyPtr->epoll, EPOLL_CTL_DEL, 0, NULL);
        } else if (manyPtr->plan.exchanges) {
            manyPtr->going = 1;
            manyPtr->sweep = 0;
        }
    }
}

/* Starts the connections and exchanges that may start now. */

static void
Fill(Many *manyPtr)
{
    int64_t allowed = manyPtr->rate > 0
        ? 1 + (NowMs() - manyPtr->startedMs) * manyPtr->rate / 1000
        : INT64_MAX;

    while (!manyPtr->ending && manyPtr->active < manyPtr->at
        && manyPtr->freeCount > 0 && manyPtr->begun < allowed
        && (manyPtr->count == 0 || manyPtr->begun < manyPtr->count)) {
        Begin(manyPtr);
    }
    while (manyPtr->going && manyPtr->active < manyPtr->at
        && manyPtr->sweep < manyPtr->slots) {
        Conn *connPtr = &manyPtr->conns[manyPtr->sweep++];

        if (connPtr->state == CONN_HELD) {
            SendLine(manyPtr, connPtr);
        }
    }
}

/* Prints when all are held, or all exchanges are made again. */

static void
CheckPhase(Many *manyPtr)
{
    if (!manyPtr->plan.keeps || manyPtr->active > 0) {
        return;
    }
    if (manyPtr->phase == 0 && manyPtr->begun == manyPtr->count) {
        manyPtr->phase = 1;
        manyPtr->wentMs = NowMs();
        Say(manyPtr, "held");
        manyPtr->slowestMs = 0;
    } else if (manyPtr->going && manyPtr->sweep == manyPtr->slots) {
        manyPtr->going = 0;
        if (manyPtr->everyMs == 0) {
            Say(manyPtr, "again");
        }
    }
    if (manyPtr->everyMs > 0 && manyPtr->phase > 0 && !manyPtr->going
        && NowMs() - manyPtr->wentMs >= manyPtr->everyMs) {
        manyPtr->going = 1;
        manyPtr->sweep = 0;
        manyPtr->wentMs = NowMs();
    }
}

static int
IsOver(const Many *manyPtr)
{
    if (NowMs() >= manyPtr->limitMs) {
        return 1;
    }
    if (!manyPtr->plan.keeps) {
        return manyPtr->active == 0
            && (manyPtr->ending
                || (manyPtr->count > 0 && manyPtr->begun == manyPtr->count));
    }
    return (manyPtr->ending && manyPtr->active == 0)
        || (manyPtr->phase > 0
            && manyPtr->closed + manyPtr->failed == manyPtr->count);
}

static int
Prepare(Many *manyPtr, const Args *argsPtr)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = INPUT};
    uint32_t i;

    manyPtr->startedMs = NowMs();
    manyPtr->port = ArgNumber(argsPtr, "port", 0);
    manyPtr->count = ArgNumber(argsPtr, "count", 1);
    manyPtr->rate = ArgNumber(argsPtr, "rate", 0);
    manyPtr->at = ArgNumber(argsPtr, "at", manyPtr->rate > 0 ? LONG_MAX : 1);
    manyPtr->limitMs = NowMs() + ArgNumber(argsPtr, "limit", 60000);
    manyPtr->giveUpMs = ArgNumber(argsPtr, "giveup", 0);
    manyPtr->everyMs = ArgNumber(argsPtr, "every", 0);
    manyPtr->slots = (uint32_t) (manyPtr->plan.keeps ? manyPtr->count
                                                     : manyPtr->at);
    manyPtr->conns = calloc(manyPtr->slots + 1, sizeof(Conn));
    manyPtr->freeSlots = calloc(manyPtr->slots + 1, sizeof(uint32_t));
    manyPtr->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (manyPtr->port == 0 || manyPtr->slots == 0 || manyPtr->conns == NULL
        || manyPtr->freeSlots == NULL || manyPtr->epoll < 0) {
        return 0;
    }
    for (i = 0; i < manyPtr->slots; i++) {
        manyPtr->freeSlots[manyPtr->freeCount++] = manyPtr->slots - 1 - i;
    }

    /* A file cannot be watched, and brings nothing more. */
    if (epoll_ctl(manyPtr->epoll, EPOLL_CTL_ADD, 0, &event) != 0) {
        manyPtr->ending = manyPtr->plan.keeps || manyPtr->count == 0;
    }
    return 1;
}

static void
Loop(Many *manyPtr)
{
    struct epoll_event events[EVENTS_MAX];
    int64_t tickMs = NowMs();

    for (;;) {
        int i, count;

        Fill(manyPtr);
        CheckPhase(manyPtr);
        if (IsOver(manyPtr)) {
            break;
        }
        count = epoll_wait(manyPtr->epoll, events, EVENTS_MAX, TICK_MS);
        for (i = 0; i < count; i++) {
            if (events[i].data.u32 == INPUT) {
                Hear(manyPtr);
            } else {
                Handle(manyPtr, &manyPtr->conns[events[i].data.u32]);
            }
        }
        if (NowMs() - tickMs >= TICK_MS) {
            tickMs = NowMs();
            GiveUp(manyPtr);
        }
    }
    Say(manyPtr, "end");
}

int
RunMany(const char *mode, const Args *argsPtr)
{
    static const Plan plans[] = {
        {"reset", 0, 0, 1},
        {"close", 0, 0, 0},
        {"exchange", 1, 0, 0},
        {"hold", 1, 1, 0},
        {"silent", 0, 1, 0},
    };
    Many many = {0};
    size_t i;

    for (i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        if (strcmp(plans[i].mode, mode) == 0) {
            many.plan = plans[i];
        }
    }
    if (many.plan.mode == NULL || !Prepare(&many, argsPtr)) {
        printf("end failed=1 why=bad_arguments\n");
        return 1;
    }
    Loop(&many);

    /* The end of the process closes what is still open. */
    return NowMs() >= many.limitMs;
}
