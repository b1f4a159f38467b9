/*
 * peer.h --
 *
 *      What the files of the program peer share.
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

/* The value of the argument of that name, or the default. */
long ArgNumber(const Args *argsPtr, const char *name, long otherwise);

/* The same for one that is text; NULL if there is none of that name. */
const char *ArgText(const Args *argsPtr, const char *name);

/* Milliseconds of a clock that nobody sets. */
int64_t NowMs(void);

/*
 * A socket that does not wait, connected or about to be with the port on
 * 127.0.0.1: *pendingPtr tells which. -1 and errno when it cannot be.
 * A receive buffer of rcvBufBytes, if that is not 0.
 */

int Dial(long port, long rcvBufBytes, int *pendingPtr);

/*
 * Listens on a port of 127.0.0.1, says which ("listening port=N"), and accepts
 * one connection, which does not wait either. -1 when none comes in time.
 */

int AcceptOne(long rcvBufBytes, int64_t limitMs);

/* Closes; the other side sees a reset and not an end of file. */
void Reset(int fd);

/* The text of an error in one word. */
const char *Reason(int error);

/* What a line on standard input says: "go", or "end" as the end of file does.
 */

typedef enum Told { TOLD_NOTHING, TOLD_GO, TOLD_END } Told;

/* The next line, if one has come; does not wait. */
Told HearNext(void);

/*
 * The modes. Each prints lines "WORD name=value ..." and returns the exit
 * status: 1 when its time was over or an argument is missing.
 */

int RunMany(const char *mode, const Args *argsPtr);
int RunSink(const Args *argsPtr);
int RunSource(const Args *argsPtr);
int RunPlay(const Args *argsPtr);

#endif /* PEER_H */
