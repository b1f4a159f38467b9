/*
 * peer.c --
 *
 *      A client for tests that is not a Windows program. It makes thousands of
 *      connections at once, and shares no code with the driver.
 *
 *          peer MODE name=value ...
 *          peer serve
 *
 *      The connections of a mode go to 127.0.0.1, port=N. Modes (peerMany.c,
 *      peerStream.c, peerPlay.c):
 *
 *      reset     connects and resets, count=N times, at=N of them at once;
 *                gives up an attempt after giveup=MS
 *      close     connects and closes, likewise
 *      exchange  connects, sends a line, checks its echo and closes,
 *                likewise; count=0 continues until it is told to end
 *      hold      makes count=N connections, at=N at once or rate=N in a second,
 *                makes an exchange on each, and prints "held"; makes another
 *                on each when it is told to go, and prints "again", or silently
 *                after every=MS; closes all when it is told to end
 *      silent    makes count=N connections, likewise, prints "held", and sends
 *                nothing until it is told to end or the server has closed all
 *      sink      one connection, to the port or to a port that it prints
 *                ("listening"): reads chunk=BYTES, then rests pause=MS; starts
 *                delay=MS late, or with told=1 when it is told to go; has a
 *                receive buffer of rcvbuf=BYTES; resets after reset=BYTES.
 *                The bytes must be those of support::pattern, stream=N
 *      source    one connection, writes the pattern until it is told to end
 *      play      one connection, with a script (peerPlay.c)
 *      process   prints the memory and the open files of the process pid=N
 *
 *      Each ends within limit=MS. A line "go" or "end", or the end of standard
 *      input, tells it to go or to end. Its last line is "end" with the results
 *      as name=value.
 *
 *      "serve" prints the port of 127.0.0.1 on which it listens, and takes a
 *      line MODE name=value ... from each connection. The connection then is
 *      the standard input and output of the mode, and stays until that input
 *      ends, because not everybody reads the last lines before a close. All
 *      modes end with the standard input of "serve".
 */

#define _GNU_SOURCE

#include "peer.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WORDS_MAX 32

static int RunMode(int count, char **words);

const char *
ArgText(const Args *argsPtr, const char *name)
{
    size_t length = strlen(name);
    int i;

    for (i = 0; i < argsPtr->count; i++) {
        if (strncmp(argsPtr->words[i], name, length) == 0
            && argsPtr->words[i][length] == '=') {
            return argsPtr->words[i] + length + 1;
        }
    }
    return NULL;
}

long
ArgNumber(const Args *argsPtr, const char *name, long otherwise)
{
    const char *text = ArgText(argsPtr, name);

    return text == NULL ? otherwise : atol(text);
}

int64_t
NowMs(void)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int
Dial(long port, long rcvBufBytes, int *pendingPtr)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    int bytes = (int) rcvBufBytes;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    if (bytes != 0) {
        (void) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    }
    addr.sin_port = htons((uint16_t) port);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *pendingPtr = 0;
    if (connect(fd, (struct sockaddr *) &addr, sizeof(addr)) != 0) {
        if (errno != EINPROGRESS) {
            int error = errno;

            close(fd);
            errno = error;
            return -1;
        }
        *pendingPtr = 1;
    }
    return fd;
}

void
Reset(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    (void) setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
}

const char *
Reason(int error)
{
    static char text[80];
    char *p;

    snprintf(text, sizeof(text), "%s", strerror(error));
    for (p = text; *p != '\0'; p++) {
        if (isspace((unsigned char) *p)) {
            *p = '_';
        }
    }
    return text;
}

Told
HearNext(void)
{
    static char line[16];
    static size_t length;
    struct pollfd input = {.fd = 0, .events = POLLIN};
    char c;

    while (poll(&input, 1, 0) > 0) {
        if (read(0, &c, 1) != 1) {
            return TOLD_END;
        }
        if (c != '\n') {
            if (length < sizeof(line) - 1) {
                line[length++] = c;
            }
            continue;
        }
        line[length] = '\0';
        length = 0;
        return strcmp(line, "go") == 0 ? TOLD_GO : TOLD_END;
    }
    return TOLD_NOTHING;
}

/* Returns the sum of a field in a file of /proc, in KiB. */

static long
ProcField(const char *path, const char *field)
{
    char line[256];
    size_t length = strlen(field);
    long sum = 0;
    FILE *file = fopen(path, "r");

    if (file == NULL) {
        return -1;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, field, length) == 0) {
            sum += atol(line + length);
        }
    }
    fclose(file);
    return sum;
}

static long
CountFiles(const char *path)
{
    const struct dirent *entryPtr;
    long count = 0;
    DIR *dirPtr = opendir(path);

    if (dirPtr == NULL) {
        return -1;
    }
    while ((entryPtr = readdir(dirPtr)) != NULL) {
        if (entryPtr->d_name[0] != '.') {
            count++;
        }
    }
    closedir(dirPtr);
    return count;
}

static int
RunProcess(const Args *argsPtr)
{
    long pid = ArgNumber(argsPtr, "pid", 0);
    char path[64];
    long privateKib, rssKib, files;

    snprintf(path, sizeof(path), "/proc/%ld/smaps_rollup", pid);
    privateKib = ProcField(path, "Private_Dirty:");
    rssKib = ProcField(path, "Rss:");
    snprintf(path, sizeof(path), "/proc/%ld/fd", pid);
    files = CountFiles(path);
    printf("end private=%ld rss=%ld files=%ld\n", privateKib, rssKib, files);
    return files < 0;
}

/* Runs the mode that the connection asks for, in a process of its own. */

static void
Child(int fd)
{
    char line[512];
    char *words[WORDS_MAX];
    size_t length = 0;
    int count = 0;
    char *word, *rest = line;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGCHLD, SIG_DFL);
    dup2(fd, 0);
    dup2(fd, 1);
    close(fd);
    while (length < sizeof(line) - 1 && read(0, line + length, 1) == 1
        && line[length] != '\n') {
        length++;
    }
    line[length] = '\0';
    while (count < WORDS_MAX && (word = strtok_r(rest, " \r", &rest)) != NULL) {
        words[count++] = word;
    }
    if (count > 0) {
        RunMode(count, words);
        fflush(stdout);
        while (read(0, line, sizeof(line)) > 0) {
            /* Ignores late input. */
        }
    }
    exit(0);
}

static int
Serve(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    socklen_t length = sizeof(addr);
    struct pollfd polls[2] = {
        {.fd = 0, .events = POLLIN},
        {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
            .events = POLLIN},
    };
    int listener = polls[1].fd;

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *) &addr, sizeof(addr)) != 0
        || listen(listener, 64) != 0
        || getsockname(listener, (struct sockaddr *) &addr, &length) != 0) {
        perror("peer: serve");
        return 1;
    }
    signal(SIGCHLD, SIG_IGN);
    printf("listening port=%d\n", ntohs(addr.sin_port));

    /* The input can only end. */
    while (poll(polls, 2, -1) > 0 && polls[0].revents == 0) {
        int fd = accept(listener, NULL, NULL);

        if (fd < 0) {
            continue;
        }
        if (fork() == 0) {
            close(listener);
            Child(fd);
        }
        close(fd);
    }
    return 0;
}

static int
RunMode(int count, char **words)
{
    Args args = {.count = count - 1, .words = words + 1};
    const char *mode = words[0];

    if (strcmp(mode, "sink") == 0) {
        return RunSink(&args);
    }
    if (strcmp(mode, "source") == 0) {
        return RunSource(&args);
    }
    if (strcmp(mode, "play") == 0) {
        return RunPlay(&args);
    }
    if (strcmp(mode, "process") == 0) {
        return RunProcess(&args);
    }
    return RunMany(mode, &args);
}

int
main(int argc, char **argv)
{
    struct rlimit limit;

    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (argc < 2) {
        fprintf(stderr, "usage: peer MODE name=value ... (see peer.c)\n");
        return 1;
    }
    if (strcmp(argv[1], "serve") == 0) {
        return Serve();
    }
    return RunMode(argc - 1, argv + 1);
}
