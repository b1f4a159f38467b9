/*
 * cpBuf.h --
 *
 *      Buffers of posted receives and sends, and their first-in first-out
 *      queues.
 */

#ifndef CP_BUF_H
#define CP_BUF_H

#include "cpPort.h"

typedef struct CpBuf CpBuf;

/*
 * The bytes [start, end) are the buffer's content. Only what an operation
 * wrote lies between the two, so that a new buffer's memory is never read.
 */

struct CpBuf {
    CpOp op;
    void *ownerPtr;   /* What the op's proc works on. */
    CpBuf *nextPtr;   /* In a CpBufQueue. */
    int pending;      /* True exactly from submit to reap. */
    int knownDrained; /* Filled before an operation was posted for it. */
    uint32_t start;
    uint32_t end;
    uint32_t sizeBytes;
    unsigned char *bytes; /* Of the same memory, behind this. */
};

typedef struct CpBufQueue {
    CpBuf *firstPtr;
    CpBuf *lastPtr;
} CpBufQueue;

/* NULL when there is no memory. */
CpBuf *CpBufNew(uint32_t sizeBytes);

/* Nothing may be pending. */
void CpBufFree(CpBuf *bufPtr);

/*
 * The same of CP_BUF_LARGE_BYTES. The port keeps one for its next use: for
 * memory of this size the system is asked, as a rule, each time it is made.
 */

#define CP_BUF_LARGE_BYTES 262144

CpBuf *CpBufNewLarge(CpPort *portPtr);

/* Of either size. */
void CpBufGiveBack(CpPort *portPtr, CpBuf *bufPtr);

void CpBufAppend(CpBufQueue *queuePtr, CpBuf *bufPtr);

/* Takes the first one out; there must be one. */
CpBuf *CpBufTake(CpBufQueue *queuePtr);

/* Moves up to lengthBytes of content to *destPtr; returns how many. */
size_t CpBufRead(CpBuf *bufPtr, void *destPtr, size_t lengthBytes);

#endif /* CP_BUF_H */
