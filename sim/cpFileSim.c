/*
 * cpFileSim.c --
 *
 *      Files to send, with the content that a test gives them.
 */

#include "cpSimInt.h"

#include "cpMem.h"

#include <stdlib.h>
#include <string.h>

struct CpFile {
    CpSimFile *contentPtr;
};

int simFilesLimited;

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
    filePtr->contentPtr = (CpSimFile *) native;
    filePtr->contentPtr->isShared = SimFault(CP_SIM_FILE_SHARED);
    *filePtrPtr = filePtr;
    return CP_OK;
}

void
CpFileClose(CpFile *filePtr)
{
    CpFree(filePtr, sizeof(CpFile));
}

uintptr_t
CpFileDetach(CpFile *filePtr)
{
    uintptr_t native = (uintptr_t) filePtr->contentPtr;

    CpFileClose(filePtr);
    return native;
}

CpError
CpFileSize(CpFile *filePtr, uint64_t *sizePtr)
{
    *sizePtr = filePtr->contentPtr->sizeBytes;
    return CP_OK;
}

/* How many of the bytes there are. */

static size_t
Available(const CpFile *filePtr, uint64_t offset, size_t lengthBytes)
{
    uint64_t size = filePtr->contentPtr->sizeBytes;

    if (offset >= size) {
        return 0;
    }
    if (lengthBytes > size - offset) {
        lengthBytes = (size_t) (size - offset);
    }
    if (lengthBytes > 0 && SimFault(CP_SIM_FILE_SHRINKS)) {
        lengthBytes = CpSimRandom((uint32_t) lengthBytes);
    }
    return lengthBytes;
}

/* Reads and sends get an offset, and yet move the position of the handle that
 * they use. */

static void
MovePosition(CpFile *filePtr, uint64_t offset)
{
    if (filePtr->contentPtr->isShared) {
        filePtr->contentPtr->position = offset;
    }
}

CpError
CpFileRead(CpFile *filePtr, uint64_t offset, void *bufPtr, size_t lengthBytes,
    size_t *bytesPtr)
{
    static const CpError errors[] = {CP_EIO, CP_EACCES};

    *bytesPtr = 0;
    if (SimFault(CP_SIM_FILE_READ_FAIL)) {
        return SimFaultError(CP_SIM_FILE_READ_FAIL, errors, 2);
    }
    *bytesPtr = Available(filePtr, offset, lengthBytes);
    if (*bytesPtr > 0) {
        memcpy(bufPtr, filePtr->contentPtr->bytes + offset, *bytesPtr);
    }
    MovePosition(filePtr, offset + *bytesPtr);
    return CP_OK;
}

void *
SimFileCopy(CpFile *filePtr, uint64_t offset, size_t lengthBytes,
    size_t *bytesPtr)
{
    void *copyPtr;

    *bytesPtr = Available(filePtr, offset, lengthBytes);
    MovePosition(filePtr, offset + *bytesPtr);
    if (*bytesPtr == 0) {
        return NULL;
    }
    copyPtr = SimAlloc(*bytesPtr);
    memcpy(copyPtr, filePtr->contentPtr->bytes + offset, *bytesPtr);
    return copyPtr;
}

int
CpSendFileIsLimited(void)
{
    return simFilesLimited;
}

void
CpSimSetFilesLimited(int on)
{
    simFilesLimited = on;
}
