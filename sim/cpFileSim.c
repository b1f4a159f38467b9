/*
 * cpFileSim.c --
 *
 *      Files to send from: what a test says they have.
 */

#include "cpSimInt.h"

#include "cpMem.h"

#include <stdlib.h>
#include <string.h>

struct CpFile {
    const CpSimFile *contentPtr;
};

CpError
CpFileOpen(uintptr_t native, CpFile **filePtrPtr)
{
    CpFile *filePtr;

    if (native == 0) {
        return CP_EINVAL;
    }
    filePtr = CpCalloc(sizeof(CpFile));
    if (filePtr == NULL) {
        return CP_ENOMEM;
    }
    filePtr->contentPtr = (const CpSimFile *) native;
    *filePtrPtr = filePtr;
    return CP_OK;
}

void
CpFileClose(CpFile *filePtr)
{
    CpFree(filePtr, sizeof(CpFile));
}

CpError
CpFileSize(CpFile *filePtr, uint64_t *sizePtr)
{
    *sizePtr = filePtr->contentPtr->sizeBytes;
    return CP_OK;
}

void *
SimFileCopy(const CpFile *filePtr, uint64_t offset, size_t lengthBytes,
    size_t *bytesPtr)
{
    const CpSimFile *contentPtr = filePtr->contentPtr;
    void *copyPtr;

    *bytesPtr = 0;
    if (offset >= contentPtr->sizeBytes) {
        return NULL;
    }
    if (lengthBytes > contentPtr->sizeBytes - offset) {
        lengthBytes = (size_t) (contentPtr->sizeBytes - offset);
    }
    copyPtr = SimAlloc(lengthBytes);
    memcpy(copyPtr, contentPtr->bytes + offset, lengthBytes);
    *bytesPtr = lengthBytes;
    return copyPtr;
}
