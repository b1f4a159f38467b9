/*
 * cpFileWin.c --
 *
 *      Files to send from, and their sends.
 */

#include "cpWin.h"

#include "cpMem.h"

struct CpFile {
    HANDLE handle; /* A duplicate. */
};

CpError
CpFileOpen(uintptr_t native, CpFile **filePtrPtr)
{
    HANDLE process = GetCurrentProcess();
    HANDLE from = (HANDLE) native;
    CpFile *filePtr;

    if (GetFileType(from) != FILE_TYPE_DISK) {
        return CP_EINVAL;
    }
    filePtr = CpCalloc(sizeof(CpFile));
    if (filePtr == NULL) {
        return CP_ENOMEM;
    }
    if (!DuplicateHandle(process, from, process, &filePtr->handle, 0, FALSE,
            DUPLICATE_SAME_ACCESS)) {
        CpFree(filePtr, sizeof(CpFile));
        return CpErrorOfWin(GetLastError());
    }
    *filePtrPtr = filePtr;
    return CP_OK;
}

void
CpFileClose(CpFile *filePtr)
{
    CloseHandle(filePtr->handle);
    CpFree(filePtr, sizeof(CpFile));
}

CpError
CpFileSize(CpFile *filePtr, uint64_t *sizePtr)
{
    LARGE_INTEGER size;

    if (!GetFileSizeEx(filePtr->handle, &size)) {
        return CpErrorOfWin(GetLastError());
    }
    *sizePtr = (uint64_t) size.QuadPart;
    return CP_OK;
}

/* The offset stands in the OVERLAPPED. */

void
CpSubmitSendFile(CpHandle *handlePtr, CpOp *opPtr, CpFile *filePtr,
    uint64_t offset, uint32_t lengthBytes)
{
    CpOverlapped *overlappedPtr = &WIN_OP(opPtr)->overlapped;

    if (!CpWinBeginSend(handlePtr, opPtr)) {
        return;
    }
    overlappedPtr->Offset = (uint32_t) offset;
    overlappedPtr->OffsetHigh = (uint32_t) (offset >> 32);
    CpWinSubmitted(opPtr,
        CpWinEx(handlePtr->family)
            ->transmitFile(handlePtr->sock, filePtr->handle, lengthBytes, 0,
                WIN_OVERLAPPED(opPtr), NULL, 0));
}
