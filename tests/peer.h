/*
 * peer.h --
 *
 *      Shared by the files of the program peer.
 */

#ifndef PEER_H
#define PEER_H

#include <stddef.h>
#include <stdint.h>

/* The arguments "name=value" of a mode. */
typedef struct Args {
    int count;
    char **words;
} Args;

/* Returns the value of the argument with that name, or the default. */
long ArgNumber(const Args *argsPtr, const char *name, long otherwise);

/* The same for a text; NULL without that name. */
const char *ArgText(const Args *argsPtr, const char *name);

/* Milliseconds of a clock that nobody sets. */
int64_t NowMs(void);

/*
 * Returns a non-blocking socket, connected to the port on 127.0.0.1 or still
 * connecting (*pendingPtr), or -1 and errno. Its receive buffer is rcvBufBytes
 * unless that is 0.
 */

int Dial(long port, long rcvBufBytes, int *pendingPtr);

/*
 * Listens on a port of 127.0.0.1, prints it ("listening port=N"), and accepts
 * one connection, non-blocking, too. Returns -1 if none comes in time.
 */

int AcceptOne(long rcvBufBytes, int64_t limitMs);

/* Closes with a reset instead of an end of file. */
void Reset(int fd);

/* Returns the text of an error as one word. */
const char *Reason(int error);

/* The meaning of a line on standard input. The end of file means "end". */

typedef enum Told { TOLD_NOTHING, TOLD_GO, TOLD_END } Told;

/* Returns the next line if one has arrived. Does not wait. */
Told HearNext(void);

/*
 * The modes. Each prints lines "WORD name=value ..." and returns the exit
 * status: 1 if its time was over or an argument is missing.
 */

int RunMany(const char *mode, const Args *argsPtr);
int RunSink(const Args *argsPtr);
int RunSource(const Args *argsPtr);
int RunPlay(const Args *argsPtr);

#endif /* PEER_H */
