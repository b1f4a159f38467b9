/*
 * cpFileWin.c --
 *
 *      Files, and sending them.
 */

#include "cpWin.h"

#include "cpMem.h"

#include <string.h>

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

/*
 * The file is opened again, because a duplicate would share the position of the
 * caller's handle, and TransmitFile and ReadFile may move that even if they get
 * an offset. Opening fails if the file was opened without sharing reads, or is
 * being deleted. Then a duplicate has to do.
 */

static HANDLE
OpenAgain(HANDLE from)
{
    HANDLE process = GetCurrentProcess();
    HANDLE to = ReOpenFile(from, GENERIC_READ, SHARE_ALL,
        FILE_FLAG_SEQUENTIAL_SCAN);

    if (to == INVALID_HANDLE_VALUE
        && !DuplicateHandle(process, from, process, &to, 0, FALSE,
            DUPLICATE_SAME_ACCESS)) {
        return INVALID_HANDLE_VALUE;
    }
    return to;
}

CpError
CpFileOpen(uintptr_t native, CpFile **filePtrPtr)
{
    HANDLE from = (HANDLE) native;
    CpFile *filePtr;

    if (GetFileType(from) != FILE_TYPE_DISK) {
        return CP_EINVAL;
    }
    filePtr = (CpFile *) CpCalloc(sizeof(CpFile));
    if (filePtr == NULL) {
        return CP_ENOMEM;
    }
    filePtr->handle = OpenAgain(from);
    if (filePtr->handle == INVALID_HANDLE_VALUE) {
        CpError error = CpErrorOfWin(GetLastError());

        CpFree(filePtr, sizeof(CpFile));
        return error;
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

uintptr_t
CpFileDetach(CpFile *filePtr)
{
    uintptr_t native = (uintptr_t) filePtr->handle;

    CpFree(filePtr, sizeof(CpFile));
    return native;
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

/* The offset of a read is in its OVERLAPPED. */

static void
SetOffset(OVERLAPPED *overlappedPtr, uint64_t offset)
{
    overlappedPtr->Offset = (DWORD) offset;
    overlappedPtr->OffsetHigh = (DWORD) (offset >> 32);
}

/*
 * ReOpenFile and Tcl do not open for overlapped reads, so ReadFile waits. A
 * duplicate of a foreign handle may be overlapped. Then this waits for the file
 * handle itself, since nothing else is outstanding on it.
 */

CpError
CpFileRead(CpFile *filePtr, uint64_t offset, void *bufPtr, size_t lengthBytes,
    size_t *bytesPtr)
{
    *bytesPtr = 0;
    while (*bytesPtr < lengthBytes) {
        OVERLAPPED overlapped;
        DWORD bytes = 0;
        int ok;

        memset(&overlapped, 0, sizeof(overlapped));
        SetOffset(&overlapped, offset + *bytesPtr);
        ok = ReadFile(filePtr->handle, (char *) bufPtr + *bytesPtr,
            (DWORD) (lengthBytes - *bytesPtr), &bytes, &overlapped);
        if (!ok && GetLastError() == ERROR_IO_PENDING) {
            ok = GetOverlappedResult(filePtr->handle, &overlapped, &bytes,
                TRUE);
        }
        if (!ok && GetLastError() != ERROR_HANDLE_EOF) {
            CpError error = CpErrorOfWin(GetLastError());

            *bytesPtr = 0;
            return error;
        }
        if (!ok || bytes == 0) {
            break;
        }
        *bytesPtr += bytes;
    }
    return CP_OK;
}

/*
 * Client editions of Windows carry out two TransmitFile calls at a time in the
 * whole system, and queue the others.
 */

static INIT_ONCE limitOnce = INIT_ONCE_STATIC_INIT;
static int isLimited = 1;

static BOOL CALLBACK
FindLimit(PINIT_ONCE oncePtr, PVOID param, PVOID *contextPtr)
{
    typedef LONG(WINAPI RtlGetVersionProc)(OSVERSIONINFOEXW *);
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    FARPROC proc = ntdll != NULL ? GetProcAddress(ntdll, "RtlGetVersion")
                                 : NULL;
    OSVERSIONINFOEXW info;

    (void) oncePtr;
    (void) param;
    (void) contextPtr;
    memset(&info, 0, sizeof(info));
    info.dwOSVersionInfoSize = sizeof(info);
    if (proc != NULL
        && ((RtlGetVersionProc *) (void (*)(void)) proc)(&info) == 0) {
        isLimited = info.wProductType == VER_NT_WORKSTATION
            || CpWineCutsFilesShort();
    }
    return TRUE;
}

int
CpSendFileIsLimited(void)
{
    InitOnceExecuteOnce(&limitOnce, FindLimit, NULL, NULL);
    return isLimited;
}

void
CpSubmitSendFile(CpHandle *handlePtr, CpOp *opPtr, CpFile *filePtr,
    uint64_t offset, uint32_t lengthBytes)
{
    WinOp send = {.filePtr = filePtr, .left = lengthBytes};

    send.overlapped.Offset = (uint32_t) offset;
    send.overlapped.OffsetHigh = (uint32_t) (offset >> 32);
    CpWinSubmitSend(handlePtr, opPtr, &send);
}
