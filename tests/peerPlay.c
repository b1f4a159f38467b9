/*
 * peerPlay.c --
 *
 *      The mode play of peer: one connection and a script of what the peer
 *      does on it, for differentialOutside.tcl.
 *
 *          peer play port=N rcvbuf=BYTES limit=MS expect=SEGMENTS script=OPS
 *
 *      Without a port it listens, prints its port, and accepts one connection.
 *      It always reads, unless an operation says otherwise. The operations,
 *      separated by commas:
 *
 *          send:N          sends the next N bytes of its own stream
 *          pieces:N:K:MS   the same, K bytes at a time and MS between them
 *          pause:MS        does nothing but read
 *          await:N         continues when it has received N bytes in total
 *          urgent          sends an urgent byte, which is not in the stream
 *          deaf:MS         does not read for that time; the script continues
 *          slow:K:MS       reads K bytes each MS, for SLOW_MS
 *          shut            ends its sending side
 *          end             reads to the end
 *          reset, close    whatever it has not read
 *
 *      A stream is lines of 32 bytes (Fill): the stream's letter, the number
 *      of the line, and bytes that depend on that. SEGMENTS are the parts of
 *      streams that must arrive, "LETTER:OFFSET:LENGTH" separated by commas.
 *      The last line says what has arrived.
 */

#define _GNU_SOURCE

#include "peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_BYTES 32
#define PERIOD_LINES 4096
#define CHUNK_MAX 16384
#define SLOW_MS 1500

/* The state of the receiving side. */
typedef enum Ending { OPEN, END_OF_FILE, FAILED, GONE, LATE } Ending;

typedef struct Play {
    int fd;
    int64_t limitMs;
    int64_t sent;   /* Bytes of its own stream. */
    int64_t got;    /* Bytes received. */
    int64_t wrong;  /* The position of the first wrong byte, or -1. */
    Ending ending;  /* How receiving ended. */
    int error;      /* The first error of the system. */
    int64_t readMs; /* Does not read until then. */
    int64_t slowMs; /* Reads slowly until then, */
    long slowChunk; /* so many bytes */
    long restMs;    /* each so many milliseconds. */

    /* The bytes expected: the current segment, and its progress. */
    const char *expect;
    char letter;
    int64_t segmentAt;
    int64_t segmentLeft;
} Play;

/* Returns a byte of a stream. Each line has one newline, at its end. */

static unsigned char
ByteAt(char letter, int64_t offset)
{
    int64_t line = offset / LINE_BYTES % PERIOD_LINES;
    long column = (long) (offset % LINE_BYTES);
    unsigned char byte;

    if (column == LINE_BYTES - 1) {
        return '\n';
    }
    if (column < 6) {
        char head[8];

        snprintf(head, sizeof(head), "%c%05d", letter, (int) line);
        return (unsigned char) head[column];
    }
    byte = (unsigned char) (line * 31 + column * 7);
    return byte == '\n' || byte == '\r' || byte == 26 ? 'x' : byte;
}

/* Moves to the next segment. Returns 0 if there is none. */

static int
NextSegment(Play *playPtr)
{
    char *rest;

    while (playPtr->segmentLeft == 0) {
        if (playPtr->expect == NULL || *playPtr->expect == '\0') {
            return 0;
        }
        playPtr->letter = playPtr->expect[0];
        playPtr->segmentAt = strtoll(playPtr->expect + 2, &rest, 10);
        playPtr->segmentLeft = strtoll(rest + 1, &rest, 10);
        playPtr->expect = *rest == ',' ? rest + 1 : rest;
    }
    return 1;
}

static void
Check(Play *playPtr, const unsigned char *bytes, ssize_t count)
{
    ssize_t i;

    for (i = 0; i < count; i++, playPtr->got++) {
        if (playPtr->wrong >= 0) {
            continue;
        }
        if (!NextSegment(playPtr)
            || bytes[i] != ByteAt(playPtr->letter, playPtr->segmentAt)) {
            playPtr->wrong = playPtr->got;
            continue;
        }
        playPtr->segmentAt++;
        playPtr->segmentLeft--;
    }
}

static void
Fail(Play *playPtr, int error)
{
    if (playPtr->error == 0) {
        playPtr->error = error;
    }
}

static void
Read(Play *playPtr, int64_t nowMs)
{
    unsigned char bytes[CHUNK_MAX];
    size_t most = nowMs < playPtr->slowMs ? (size_t) playPtr->slowChunk
                                          : sizeof(bytes);
    ssize_t count = recv(playPtr->fd, bytes, most, 0);

    if (count > 0) {
        Check(playPtr, bytes, count);
    } else if (count == 0) {
        playPtr->ending = END_OF_FILE;
    } else if (errno != EAGAIN && errno != EINTR) {
        Fail(playPtr, errno);
        playPtr->ending = FAILED;
    }
    if (nowMs < playPtr->slowMs) {
        playPtr->readMs = nowMs + playPtr->restMs;
    }
}

/* Waits until the time is over or something happens, and reads if it may.
 * Returns whether the socket takes bytes, if that is asked. */

static int
Turn(Play *playPtr, int writing, int64_t untilMs)
{
    int64_t nowMs = NowMs();
    int reading = playPtr->ending == OPEN;
    struct pollfd polls = {.fd = playPtr->fd};

    if (untilMs > playPtr->limitMs) {
        untilMs = playPtr->limitMs;
    }
    if (reading && nowMs >= playPtr->readMs) {
        polls.events |= POLLIN;
    } else if (reading && playPtr->readMs < untilMs) {
        untilMs = playPtr->readMs;
    }
    if (writing) {
        polls.events |= POLLOUT;
    }

    /* An error is reported whether it is asked for or not. */
    if (polls.events == 0) {
        polls.fd = -1;
    }
    (void) poll(&polls, 1, untilMs > nowMs ? (int) (untilMs - nowMs) : 0);
    if ((polls.events & POLLIN) != 0
        && (polls.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
        Read(playPtr, NowMs());
    }
    return writing && polls.revents != 0;
}

static int
IsLate(Play *playPtr)
{
    if (NowMs() < playPtr->limitMs) {
        return 0;
    }
    playPtr->ending = LATE;
    return 1;
}

static void
Send(Play *playPtr, int64_t count)
{
    unsigned char bytes[CHUNK_MAX];

    while (count > 0 && !IsLate(playPtr)) {
        ssize_t most = count < CHUNK_MAX ? (ssize_t) count : CHUNK_MAX;
        ssize_t i;

        if (!Turn(playPtr, 1, playPtr->limitMs)) {
            continue;
        }
        for (i = 0; i < most; i++) {
            bytes[i] = ByteAt('P', playPtr->sent + i);
        }
        most = send(playPtr->fd, bytes, (size_t) most, 0);
        if (most > 0) {
            playPtr->sent += most;
            count -= most;
        } else if (errno != EAGAIN && errno != EINTR) {
            Fail(playPtr, errno);
            return;
        }
    }
}

static void
Pause(Play *playPtr, int64_t ms)
{
    int64_t endMs = NowMs() + ms;

    while (NowMs() < endMs && !IsLate(playPtr)) {
        (void) Turn(playPtr, 0, endMs);
    }
}

static void
SendPieces(Play *playPtr, int64_t count, int64_t piece, int64_t ms)
{
    while (count > 0 && playPtr->error == 0 && !IsLate(playPtr)) {
        Send(playPtr, piece < count ? piece : count);
        count -= piece;
        Pause(playPtr, ms);
    }
}

static void
Await(Play *playPtr, int64_t total)
{
    while (
        playPtr->got < total && playPtr->ending == OPEN && !IsLate(playPtr)) {
        (void) Turn(playPtr, 0, playPtr->limitMs);
    }
}

/* Ends the connection. The result is what it has read so far. */

static void
Leave(Play *playPtr, int reset)
{
    if (playPtr->fd < 0) {
        return;
    }
    if (reset) {
        Reset(playPtr->fd);
    } else {
        close(playPtr->fd);
    }
    playPtr->fd = -1;
    if (playPtr->ending == OPEN) {
        playPtr->ending = GONE;
    }
}

static void
Act(Play *playPtr, const char *name, const int64_t *numbers)
{
    if (strcmp(name, "send") == 0) {
        Send(playPtr, numbers[0]);
    } else if (strcmp(name, "pieces") == 0) {
        SendPieces(playPtr, numbers[0], numbers[1], numbers[2]);
    } else if (strcmp(name, "pause") == 0) {
        Pause(playPtr, numbers[0]);
    } else if (strcmp(name, "await") == 0) {
        Await(playPtr, numbers[0]);
    } else if (strcmp(name, "urgent") == 0) {
        (void) send(playPtr->fd, "!", 1, MSG_OOB);
    } else if (strcmp(name, "deaf") == 0) {
        playPtr->readMs = NowMs() + numbers[0];
    } else if (strcmp(name, "slow") == 0) {
        playPtr->slowMs = NowMs() + SLOW_MS;
        playPtr->slowChunk = numbers[0] < CHUNK_MAX ? (long) numbers[0]
                                                    : CHUNK_MAX;
        playPtr->restMs = (long) numbers[1];
    } else if (strcmp(name, "shut") == 0) {
        (void) shutdown(playPtr->fd, SHUT_WR);
    } else if (strcmp(name, "end") == 0) {
        Await(playPtr, INT64_MAX);
    } else {
        Leave(playPtr, strcmp(name, "reset") == 0);
    }
}

static void
Perform(Play *playPtr, char *script)
{
    char *op, *rest = script;

    while (playPtr->fd >= 0 && (op = strtok_r(rest, ",", &rest)) != NULL) {
        int64_t numbers[3] = {0, 0, 0};
        char *word, *words = op;
        const char *name = strtok_r(words, ":", &words);
        int i;

        for (i = 0; i < 3 && (word = strtok_r(words, ":", &words)) != NULL;
             i++) {
            numbers[i] = strtoll(word, NULL, 10);
        }
        Act(playPtr, name, numbers);
    }
    Leave(playPtr, 0);
}

int
RunPlay(const Args *argsPtr)
{
    static const char *const endings[] = {"open", "eof", "failed", "gone",
        "late"};
    long port = ArgNumber(argsPtr, "port", 0);
    long rcvBufBytes = ArgNumber(argsPtr, "rcvbuf", 0);
    const char *script = ArgText(argsPtr, "script");
    Play play = {
        .limitMs = NowMs() + ArgNumber(argsPtr, "limit", 60000),
        .wrong = -1,
        .expect = ArgText(argsPtr, "expect"),
    };
    char *copy = strdup(script == NULL ? "end" : script);
    int pending, on = 1;

    /* Reading and writing wait for the connection, and fail if it does. */
    play.fd = port == 0 ? AcceptOne(rcvBufBytes, play.limitMs)
                        : Dial(port, rcvBufBytes, &pending);
    if (play.fd < 0 || copy == NULL) {
        printf("end got=0 wrong=-1 how=unconnected sent=0 why=%s\n",
            Reason(errno));
        free(copy);
        return 1;
    }
    (void) setsockopt(play.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    Perform(&play, copy);
    free(copy);
    printf("end got=%lld wrong=%lld how=%s sent=%lld why=%s\n",
        (long long) play.got, (long long) play.wrong, endings[play.ending],
        (long long) play.sent, Reason(play.error));
    return play.ending == LATE;
}
