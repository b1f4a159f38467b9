/*
 * cpBuf.c --
 *
 *      Buffers of posted receives and sends, and their queues.
 */

#include "cpBuf.h"

#include "cpMem.h"

#include <assert.h>
#include <string.h>

CpBuf *
CpBufNew(uint32_t sizeBytes)
{
    CpBuf *bufPtr = CpMalloc(sizeof(CpBuf) + sizeBytes);

    if (bufPtr == NULL) {
        return NULL;
    }
    memset(bufPtr, 0, sizeof(CpBuf));
    bufPtr->sizeBytes = sizeBytes;
    CpStatAdd(CP_STAT_BUFFER_BYTES, sizeBytes);
    return bufPtr;
}

void
CpBufFree(CpBuf *bufPtr)
{
    assert(!bufPtr->pending);
    CpStatAdd(CP_STAT_BUFFER_BYTES, -(int64_t) bufPtr->sizeBytes);
    CpFree(bufPtr, sizeof(CpBuf) + bufPtr->sizeBytes);
}

void
CpBufAppend(CpBufQueue *queuePtr, CpBuf *bufPtr)
{
    bufPtr->nextPtr = NULL;
    if (queuePtr->lastPtr != NULL) {
        queuePtr->lastPtr->nextPtr = bufPtr;
    } else {
        queuePtr->firstPtr = bufPtr;
    }
    queuePtr->lastPtr = bufPtr;
}

CpBuf *
CpBufTake(CpBufQueue *queuePtr)
{
    CpBuf *bufPtr = queuePtr->firstPtr;

    queuePtr->firstPtr = bufPtr->nextPtr;
    if (queuePtr->firstPtr == NULL) {
        queuePtr->lastPtr = NULL;
    }
    bufPtr->nextPtr = NULL;
    return bufPtr;
}

size_t
CpBufRead(CpBuf *bufPtr, void *destPtr, size_t lengthBytes)
{
    size_t have = bufPtr->end - bufPtr->start;

    if (lengthBytes > have) {
        lengthBytes = have;
    }
    memcpy(destPtr, bufPtr->bytes + bufPtr->start, lengthBytes);
    bufPtr->start += (uint32_t) lengthBytes;
    return lengthBytes;
}
