/*
 * worldFile.c --
 *
 *      Files for sendfile in the simulated world: a file of this machine, whose
 *      bytes the simulator sees through a mapping, and whose size it is told
 *      anew at each call.
 */

#define _POSIX_C_SOURCE 200809L

#include "world.h"

#include "cpSimInt.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP_BYTES ((size_t) 1 << 30) /* More than any file of the suites. */

typedef struct WorldFile {
    CpSimFile content; /* First: what the simulator knows. */
    int fd;
} WorldFile;

CpError __real_CpFileOpen(uintptr_t native, CpFile **filePtrPtr);
CpError __wrap_CpFileOpen(uintptr_t native, CpFile **filePtrPtr);
void __wrap_CpFileClose(CpFile *filePtr);
uintptr_t __real_CpFileDetach(CpFile *filePtr);
uintptr_t __wrap_CpFileDetach(CpFile *filePtr);
CpError __real_CpFileSize(CpFile *filePtr, uint64_t *sizePtr);
CpError __wrap_CpFileSize(CpFile *filePtr, uint64_t *sizePtr);
CpError __real_CpFileRead(CpFile *filePtr, uint64_t offset, void *bufPtr,
    size_t lengthBytes, size_t *bytesPtr);
CpError __wrap_CpFileRead(CpFile *filePtr, uint64_t offset, void *bufPtr,
    size_t lengthBytes, size_t *bytesPtr);
void __real_CpSubmitSendFile(CpHandle *handlePtr, CpOp *opPtr, CpFile *filePtr,
    uint64_t offset, uint32_t lengthBytes);
void __wrap_CpSubmitSendFile(CpHandle *handlePtr, CpOp *opPtr, CpFile *filePtr,
    uint64_t offset, uint32_t lengthBytes);

/* The simulator's file begins with a pointer to its content. */

static WorldFile *
Of(CpFile *filePtr)
{
    return *(WorldFile **) (void *) filePtr;
}

static void
Refresh(CpFile *filePtr)
{
    struct stat status;

    Of(filePtr)->content.sizeBytes = fstat(Of(filePtr)->fd, &status) == 0
        ? (size_t) status.st_size
        : 0;
}

CpError
__wrap_CpFileOpen(uintptr_t native, CpFile **filePtrPtr)
{
    WorldFile *worldPtr;
    struct stat status;
    char name[32];
    CpError error;

    if (fstat((int) native, &status) != 0 || !S_ISREG(status.st_mode)) {
        return CP_EINVAL;
    }
    worldPtr = calloc(1, sizeof(WorldFile));
    if (worldPtr == NULL) {
        return CP_ENOMEM;
    }
    /* Opened anew: its position is its own. */
    snprintf(name, sizeof(name), "/proc/self/fd/%d", (int) native);
    worldPtr->fd = open(name, O_RDONLY | O_CLOEXEC);
    worldPtr->content.bytes = mmap(NULL, MAP_BYTES, PROT_READ, MAP_SHARED,
        worldPtr->fd, 0);
    if (worldPtr->content.bytes == MAP_FAILED) {
        (void) close(worldPtr->fd);
        free(worldPtr);
        return CP_EACCES;
    }
    WorldEnter();
    error = __real_CpFileOpen((uintptr_t) worldPtr, filePtrPtr);
    WorldLeave();
    if (error != CP_OK) {
        (void) munmap((void *) worldPtr->content.bytes, MAP_BYTES);
        (void) close(worldPtr->fd);
        free(worldPtr);
    }
    return error;
}

uintptr_t
__wrap_CpFileDetach(CpFile *filePtr)
{
    WorldFile *worldPtr = Of(filePtr);
    int fd = worldPtr->fd;

    WorldEnter();
    (void) __real_CpFileDetach(filePtr);
    WorldLeave();
    (void) munmap((void *) worldPtr->content.bytes, MAP_BYTES);
    free(worldPtr);
    return (uintptr_t) fd;
}

void
__wrap_CpFileClose(CpFile *filePtr)
{
    (void) close((int) __wrap_CpFileDetach(filePtr));
}

CpError
__wrap_CpFileSize(CpFile *filePtr, uint64_t *sizePtr)
{
    CpError error;

    WorldEnter();
    Refresh(filePtr);
    error = __real_CpFileSize(filePtr, sizePtr);
    WorldLeave();
    return error;
}

CpError
__wrap_CpFileRead(CpFile *filePtr, uint64_t offset, void *bufPtr,
    size_t lengthBytes, size_t *bytesPtr)
{
    CpError error;

    WorldEnter();
    Refresh(filePtr);
    error = __real_CpFileRead(filePtr, offset, bufPtr, lengthBytes, bytesPtr);
    WorldLeave();
    return error;
}

void
__wrap_CpSubmitSendFile(CpHandle *handlePtr, CpOp *opPtr, CpFile *filePtr,
    uint64_t offset, uint32_t lengthBytes)
{
    WorldEnter();
    Refresh(filePtr);
    __real_CpSubmitSendFile(handlePtr, opPtr, filePtr, offset, lengthBytes);
    WorldLeave();
}
