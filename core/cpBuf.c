/*
 * cpBuf.c --
 *
 *      Buffers of receives and sends.
 */

#include "cpBuf.h"

#include "cpMem.h"

#include <assert.h>
#include <string.h>

static CpBuf *
Init(CpBuf *bufPtr, uint32_t sizeBytes)
{
    if (bufPtr != NULL) {
        memset(bufPtr, 0, sizeof(CpBuf));
        bufPtr->sizeBytes = sizeBytes;
        bufPtr->bytes = (unsigned char *) (bufPtr + 1);
        CpStatAdd(CP_STAT_BUFFER_BYTES, sizeBytes);
    }
    return bufPtr;
}

CpBuf *
CpBufNew(uint32_t sizeBytes)
{
    return Init((CpBuf *) CpMalloc(sizeof(CpBuf) + sizeBytes), sizeBytes);
}

void
CpBufFree(CpBuf *bufPtr)
{
    assert(!bufPtr->pending);
    CpStatAdd(CP_STAT_BUFFER_BYTES, -(int64_t) bufPtr->sizeBytes);
    CpFree(bufPtr, sizeof(CpBuf) + bufPtr->sizeBytes);
}

CpBuf *
CpBufNewLarge(CpPort *portPtr)
{
    CpSpare *sparePtr = CpPortSpare(portPtr);
    CpBuf *bufPtr = (CpBuf *) sparePtr->memPtr;

    if (bufPtr == NULL) {
        return CpBufNew(CP_BUF_LARGE_BYTES);
    }
    sparePtr->memPtr = NULL;
    return Init(bufPtr, CP_BUF_LARGE_BYTES);
}

void
CpBufGiveBack(CpPort *portPtr, CpBuf *bufPtr)
{
    CpSpare *sparePtr = CpPortSpare(portPtr);

    if (bufPtr->sizeBytes != CP_BUF_LARGE_BYTES || sparePtr->memPtr != NULL) {
        CpBufFree(bufPtr);
        return;
    }
    CpStatAdd(CP_STAT_BUFFER_BYTES, -(int64_t) bufPtr->sizeBytes);
    sparePtr->memPtr = bufPtr;
    sparePtr->sizeBytes = sizeof(CpBuf) + bufPtr->sizeBytes;
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
