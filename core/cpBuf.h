/*
 * cpBuf.h --
 *
 *      Buffers of receives and sends.
 */

#ifndef CP_BUF_H
#define CP_BUF_H

#include "cpList.h"
#include "cpPort.h"

typedef struct CpBuf CpBuf;

/*
 * The bytes [start, end) are the buffer's content. An operation wrote all of
 * them, so that the memory of a new buffer is never read.
 */

struct CpBuf {
    CpOp op;
    void *ownerPtr;  /* The object that op's proc works on. */
    CpListNode node; /* In a connection's recvQueue. */
    int pending;     /* True exactly from submit to reap. */
    uint32_t start;
    uint32_t end;
    uint32_t sizeBytes;
    unsigned char *bytes; /* In the same block of memory. */
};

/* The buffers of a list: NULL at its end. */

static inline CpBuf *
CpBufFirst(const CpList *listPtr)
{
    return CP_LIST_OWNER(CpListFirst(listPtr), CpBuf, node);
}

static inline CpBuf *
CpBufNext(const CpList *listPtr, const CpBuf *bufPtr)
{
    return CP_LIST_OWNER(CpListNext(listPtr, &bufPtr->node), CpBuf, node);
}

/* NULL when there is no memory. */
CpBuf *CpBufNew(uint32_t sizeBytes);

/* Nothing may be pending. */
void CpBufFree(CpBuf *bufPtr);

/*
 * The same with CP_BUF_LARGE_BYTES. The port keeps one such buffer for its next
 * use, because a heap usually asks the system for each block of this size.
 */

#define CP_BUF_LARGE_BYTES 262144

CpBuf *CpBufNewLarge(CpPort *portPtr);

/* Frees a buffer of any size, or keeps it as the port's spare one. */
void CpBufGiveBack(CpPort *portPtr, CpBuf *bufPtr);

/* Moves up to lengthBytes of content to destPtr; returns how many. */
size_t CpBufRead(CpBuf *bufPtr, void *destPtr, size_t lengthBytes);

#endif /* CP_BUF_H */
