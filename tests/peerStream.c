/*
 * peerStream.c --
 *
 *      The modes of peer that send or receive bulk data on one connection:
 *      sink, source.
 */

#define _GNU_SOURCE

#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PERIOD 100003
#define CHUNK_MAX 65536

/* Makes the bytes of support::pattern. */
static unsigned char pattern[PERIOD + CHUNK_MAX];

static void
MakePattern(void)
{
    uint64_t x = 12345;
    size_t i;

    for (i = 0; i < PERIOD; i += 3) {
        size_t k;

        x = (x * 1103515245 + 12345) & 0x7fffffff;
        for (k = 0; k < 3 && i + k < PERIOD; k++) {
            pattern[i + k] = (unsigned char) ((x >> 7) >> (8 * k));
        }
    }
    memcpy(pattern + PERIOD, pattern, CHUNK_MAX);
}

static const unsigned char *
PatternAt(long stream, int64_t offset)
{
    return pattern + (offset + 7919 * (int64_t) stream) % PERIOD;
}

static void
Rest(int64_t ms)
{
    if (ms > 0) {
        (void) poll(NULL, 0, (int) ms);
    }
}

/* Waits for the socket, the end of the time, and, if hear, standard input. */

static Told
Await(int fd, short events, int hear, int64_t limitMs)
{
    struct pollfd polls[2] = {
        {.fd = fd, .events = events},
        {.fd = hear ? 0 : -1, .events = POLLIN},
    };
    int64_t leftMs = limitMs - NowMs();

    (void) poll(polls, 2, leftMs > 0 ? (int) leftMs : 0);
    return polls[1].revents != 0 ? HearNext() : TOLD_NOTHING;
}

int
AcceptOne(long rcvBufBytes, int64_t limitMs)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    socklen_t length = sizeof(addr);
    int bytes = (int) rcvBufBytes;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct pollfd polls = {.fd = listener, .events = POLLIN};
    int fd = -1;

    if (bytes != 0) {
        (void) setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &bytes,
            sizeof(bytes));
    }
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *) &addr, sizeof(addr)) == 0
        && listen(listener, 1) == 0
        && getsockname(listener, (struct sockaddr *) &addr, &length) == 0) {
        printf("listening port=%d\n", ntohs(addr.sin_port));
        if (poll(&polls, 1, (int) (limitMs - NowMs())) > 0) {
            fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        }
    }
    close(listener);
    return fd;
}

static int
Open(const Args *argsPtr, int64_t limitMs)
{
    long port = ArgNumber(argsPtr, "port", 0);
    long rcvBufBytes = ArgNumber(argsPtr, "rcvbuf", 0);
    int pending;

    if (port == 0) {
        return AcceptOne(rcvBufBytes, limitMs);
    }

    /* Reading and writing wait for the connection, and fail if it does. */
    return Dial(port, rcvBufBytes, &pending);
}

typedef struct Sink {
    int fd;
    long stream;
    long chunk;
    long pauseMs;
    long resetAt; /* After that many bytes; -1 means never. */
    int64_t limitMs;
    int64_t total;
    int64_t wrongAt; /* Where the first wrong piece begins, or -1. */
    int error;
} Sink;

/* Reads to the end. Returns how it ended. */

static const char *
Drink(Sink *sinkPtr)
{
    static unsigned char got[CHUNK_MAX];

    while (NowMs() < sinkPtr->limitMs) {
        ssize_t count = recv(sinkPtr->fd, got, (size_t) sinkPtr->chunk, 0);

        if (count < 0 && errno == EAGAIN) {
            (void) Await(sinkPtr->fd, POLLIN, 0, sinkPtr->limitMs);
            continue;
        }
        if (count < 0) {
            sinkPtr->error = errno;
            return "error";
        }
        if (count == 0) {
            return "eof";
        }
        if (sinkPtr->wrongAt < 0
            && memcmp(got, PatternAt(sinkPtr->stream, sinkPtr->total),
                   (size_t) count)
                != 0) {
            sinkPtr->wrongAt = sinkPtr->total;
        }
        sinkPtr->total += count;
        if (sinkPtr->resetAt >= 0 && sinkPtr->total >= sinkPtr->resetAt) {
            return "reset";
        }
        Rest(sinkPtr->pauseMs);
    }
    return "late";
}

int
RunSink(const Args *argsPtr)
{
    int64_t startedMs = NowMs();
    Sink sink = {
        .stream = ArgNumber(argsPtr, "stream", 0),
        .chunk = ArgNumber(argsPtr, "chunk", CHUNK_MAX),
        .pauseMs = ArgNumber(argsPtr, "pause", 0),
        .resetAt = ArgNumber(argsPtr, "reset", -1),
        .limitMs = startedMs + ArgNumber(argsPtr, "limit", 60000),
        .wrongAt = -1,
    };
    const char *how;

    MakePattern();
    sink.fd = Open(argsPtr, sink.limitMs);
    if (sink.fd < 0 || sink.chunk < 1 || sink.chunk > CHUNK_MAX) {
        printf("end count=0 wrong=-1 how=failed ms=0 why=%s\n", Reason(errno));
        return 1;
    }
    if (ArgNumber(argsPtr, "told", 0) != 0) {
        while (NowMs() < sink.limitMs
            && Await(-1, 0, 1, sink.limitMs) == TOLD_NOTHING) {
            /* Waits until it is told, or its time is over. */
        }
    }
    Rest(ArgNumber(argsPtr, "delay", 0));
    how = Drink(&sink);
    if (strcmp(how, "reset") == 0) {
        Reset(sink.fd);
    } else {
        close(sink.fd);
    }
    printf("end count=%lld wrong=%lld how=%s ms=%lld why=%s\n",
        (long long) sink.total, (long long) sink.wrongAt, how,
        (long long) (NowMs() - startedMs), Reason(sink.error));
    return strcmp(how, "late") == 0;
}

int
RunSource(const Args *argsPtr)
{
    int64_t limitMs = NowMs() + ArgNumber(argsPtr, "limit", 60000);
    long stream = ArgNumber(argsPtr, "stream", 0);
    int64_t total = 0;
    int writing = 1, error = 0;
    int fd = Open(argsPtr, limitMs);

    MakePattern();
    if (fd < 0) {
        printf("end count=0 why=%s\n", Reason(errno));
        return 1;
    }

    /* After it was told to end it waits for the end of the other side. */
    while (NowMs() < limitMs) {
        char byte;
        ssize_t count;

        if (Await(fd, writing ? POLLOUT : POLLIN, writing, limitMs)
            == TOLD_END) {
            writing = 0;
            shutdown(fd, SHUT_WR);
        }
        if (writing) {
            count = send(fd, PatternAt(stream, total), CHUNK_MAX, 0);
            total += count > 0 ? count : 0;
        } else {
            count = recv(fd, &byte, 1, 0);
        }
        if (count == 0 || (count < 0 && errno != EAGAIN)) {
            error = count < 0 ? errno : 0;
            break;
        }
    }
    close(fd);
    printf("end count=%lld why=%s\n", (long long) total, Reason(error));
    return NowMs() >= limitMs;
}
