/*
 * portFile.c --
 *
 *      Files, and sends of them.
 */

#include "port/port.h"

#ifndef IOCPSOCK_SIM
#include "cpWin.h"
#endif

#define FILE_BYTES 1000000

/* A file of these bytes, by the system's own handle, which is kept here. */

typedef struct NativeFile {
    unsigned char *bytes;
#ifdef IOCPSOCK_SIM
    CpSimFile content;
#else
    HANDLE handle;
    char path[MAX_PATH];
#endif
} NativeFile;

static uintptr_t
MakeFile(NativeFile *filePtr)
{
    size_t i;

    filePtr->bytes = malloc(FILE_BYTES);
    CHECK(filePtr->bytes != NULL);
    for (i = 0; i < FILE_BYTES; i++) {
        filePtr->bytes[i] = (unsigned char) (i * 7 + i / 251);
    }
#ifdef IOCPSOCK_SIM
    filePtr->content.bytes = filePtr->bytes;
    filePtr->content.sizeBytes = FILE_BYTES;
    return (uintptr_t) &filePtr->content;
#else
    {
        char folder[MAX_PATH];
        DWORD bytes;

        CHECK(GetTempPathA(sizeof(folder), folder) > 0);
        CHECK(GetTempFileNameA(folder, "cp", 0, filePtr->path) != 0);
        filePtr->handle = CreateFileA(filePtr->path,
            GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
            NULL, CREATE_ALWAYS, 0, NULL);
        CHECK(filePtr->handle != INVALID_HANDLE_VALUE);
        CHECK(WriteFile(filePtr->handle, filePtr->bytes, FILE_BYTES, &bytes,
            NULL));
        CHECK(bytes == FILE_BYTES);
        return (uintptr_t) filePtr->handle;
    }
#endif
}

/* Where reads by the caller's own handle are. */

static void
CheckPosition(NativeFile *filePtr, uint64_t expected)
{
#ifdef IOCPSOCK_SIM
    (void) filePtr;
    (void) expected;
#else
    LARGE_INTEGER none, position;

    none.QuadPart = 0;
    CHECK(SetFilePointerEx(filePtr->handle, none, &position, FILE_CURRENT));
    CHECK((uint64_t) position.QuadPart == expected);
#endif
}

static void
Truncate(NativeFile *filePtr, uint32_t sizeBytes)
{
#ifdef IOCPSOCK_SIM
    filePtr->content.sizeBytes = sizeBytes;
#else
    CHECK(SetFilePointer(filePtr->handle, (LONG) sizeBytes, NULL, FILE_BEGIN)
        == sizeBytes);
    CHECK(SetEndOfFile(filePtr->handle));
#endif
}

static void
DropFile(NativeFile *filePtr)
{
#ifndef IOCPSOCK_SIM
    CHECK(CloseHandle(filePtr->handle));
    CHECK(DeleteFileA(filePtr->path));
#endif
    free(filePtr->bytes);
}

static void
TestFile(void)
{
    static unsigned char buf[FILE_BYTES];
    NativeFile native;
    CpFile *filePtr;
    uint64_t size;
    size_t bytes;

    CHECK_ERROR(CpFileOpen(MakeFile(&native), &filePtr), CP_OK);
    CHECK_ERROR(CpFileSize(filePtr, &size), CP_OK);
    CHECK(size == FILE_BYTES);
    CHECK_ERROR(CpFileRead(filePtr, 1000, buf, sizeof(buf), &bytes), CP_OK);
    CHECK(bytes == FILE_BYTES - 1000);
    CHECK(memcmp(buf, native.bytes + 1000, bytes) == 0);
    CHECK_ERROR(CpFileRead(filePtr, 5, buf, 10, &bytes), CP_OK);
    CHECK(bytes == 10 && memcmp(buf, native.bytes + 5, bytes) == 0);
    CHECK_ERROR(CpFileRead(filePtr, FILE_BYTES, buf, 10, &bytes), CP_OK);
    CHECK(bytes == 0);
    CHECK_ERROR(CpFileRead(filePtr, UINT64_C(5000000000), buf, 10, &bytes),
        CP_OK);
    CHECK(bytes == 0);
    CheckPosition(&native, FILE_BYTES);
    Truncate(&native, 100);
    CHECK_ERROR(CpFileRead(filePtr, 50, buf, 100, &bytes), CP_OK);
    CHECK(bytes == 50);
    CHECK(CpSendFileIsLimited() == CpSendFileIsLimited());
    CpFileClose(filePtr);
    DropFile(&native);
}

/* Receives that many bytes of the file from an offset on. */

static void
CheckReceived(CpHandle *handlePtr, const NativeFile *filePtr, size_t offset,
    size_t count)
{
    static unsigned char buf[65536];

    while (count > 0) {
        size_t bytes;
        CpError error = CpTryRecv(handlePtr, buf, sizeof(buf), &bytes);

        if (error == CP_EAGAIN) {
            Reap(port, 10);
            continue;
        }
        CHECK_ERROR(error, CP_OK);
        CHECK(bytes > 0 && bytes <= count);
        CHECK(memcmp(buf, filePtr->bytes + offset, bytes) == 0);
        offset += bytes;
        count -= bytes;
    }
}

static void
TestSendFile(void)
{
    NativeFile native;
    CpFile *filePtr;
    Op op;
    Pair pair;

    Connect(&pair);
    CHECK_ERROR(CpFileOpen(MakeFile(&native), &filePtr), CP_OK);
    CpSubmitSendFile(pair.clientPtr, Prepare(&op), filePtr, 7, FILE_BYTES - 10);
    CHECK(op.done == 0);
    CheckReceived(pair.serverPtr, &native, 7, FILE_BYTES - 10);
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK_COUNT(op.accept.op.bytes, FILE_BYTES - 10);
    CheckPosition(&native, FILE_BYTES);
    CpFileClose(filePtr);
    DropFile(&native);
    Close(&pair);
}

/* A file comes behind the bytes that were sent before it. */

static void
TestSendFileBehind(void)
{
    NativeFile native;
    CpFile *filePtr;
    char *headPtr = NewBytes(300000);
    Op head, file, tail;
    Pair pair;

    Connect(&pair);
    CHECK_ERROR(CpFileOpen(MakeFile(&native), &filePtr), CP_OK);
    memcpy(headPtr, native.bytes, 300000);
    CpSubmitSend(pair.clientPtr, Prepare(&head), headPtr, 300000);
    CpSubmitSendFile(pair.clientPtr, Prepare(&file), filePtr, 300000,
        FILE_BYTES - 300000);
    CheckReceived(pair.serverPtr, &native, 0, FILE_BYTES);
    CHECK_ERROR(Wait(&head), CP_OK);
    CHECK_ERROR(Wait(&file), CP_OK);
    CHECK_COUNT(file.accept.op.bytes, FILE_BYTES - 300000);
    CpSubmitSend(pair.clientPtr, Prepare(&tail), "tail", 4);
    CHECK_ERROR(Wait(&tail), CP_OK);
    Expect(pair.serverPtr, "tail");
    free(headPtr);
    CpFileClose(filePtr);
    DropFile(&native);
    Close(&pair);
}

/*
 * A send of more than the file has fails, and the sends behind it do. Wine
 * sends what there is, and says how much.
 */

static void
TestSendFileShort(void)
{
    NativeFile native;
    CpFile *filePtr;
    CpError error;
    Op op;
    Pair pair;

    Connect(&pair);
    CHECK_ERROR(CpFileOpen(MakeFile(&native), &filePtr), CP_OK);
    Truncate(&native, 100);
    CpSubmitSendFile(pair.clientPtr, Prepare(&op), filePtr, 0, 200);
    CHECK(op.done == 0);
    error = Wait(&op);
    CHECK_OR_WINE(error != CP_OK, op.accept.op.bytes == 100,
        "a send of too much of a file sends what there is");
    if (error == CP_OK) {
        CheckReceived(pair.serverPtr, &native, 0, 100);
    } else {
        CpSubmitSend(pair.clientPtr, Prepare(&op), "x", 1);
        CHECK_ERROR(Wait(&op), error);
    }
    CpFileClose(filePtr);
    DropFile(&native);
    Close(&pair);
}

/* Without a connection it fails, and leaves the file's position alone. */

static void
TestSendFileNotConnected(void)
{
    CpAddr addr = Loopback();
    NativeFile native;
    CpHandle *handlePtr;
    CpFile *filePtr;
    Op op;

    CHECK_ERROR(CpHandleOpen(port, &addr, &handlePtr), CP_OK);
    CHECK_ERROR(CpFileOpen(MakeFile(&native), &filePtr), CP_OK);
    CpSubmitSendFile(handlePtr, Prepare(&op), filePtr, 0, 100);
    CHECK(op.done == 0);
    CHECK_ERROR(Wait(&op), CP_ENOTCONN);
    CheckPosition(&native, FILE_BYTES);
    CpFileClose(filePtr);
    DropFile(&native);
    CpHandleClose(handlePtr);
}

/*
 * Files that wait for their peers hold up no other one, unless the system says
 * that it carries out only a few.
 */

static void
TestSendFileThree(void)
{
    enum { COUNT = 3 };
    NativeFile native;
    CpFile *files[COUNT];
    Op ops[COUNT];
    Pair pairs[COUNT];
    uintptr_t handle = MakeFile(&native);
    unsigned i;

    for (i = 0; i < COUNT; i++) {
        Connect(&pairs[i]);
        CHECK_ERROR(CpHandleSetOpt(pairs[i].clientPtr, CP_OPT_SNDBUF, 0),
            CP_OK);
        CHECK_ERROR(CpFileOpen(handle, &files[i]), CP_OK);
        CpSubmitSendFile(pairs[i].clientPtr, Prepare(&ops[i]), files[i], 0,
            FILE_BYTES);
    }
    if (CpSendFileIsLimited()) {
        NoteSkip("this system limits the number of files");
    } else {
        CheckReceived(pairs[COUNT - 1].serverPtr, &native, 0, FILE_BYTES);
        CHECK_ERROR(Wait(&ops[COUNT - 1]), CP_OK);
    }
    for (i = 0; i < COUNT; i++) {
        if (!ops[i].done) {
            CheckReceived(pairs[i].serverPtr, &native, 0, FILE_BYTES);
            CHECK_ERROR(Wait(&ops[i]), CP_OK);
        }
        CpFileClose(files[i]);
        Close(&pairs[i]);
    }
    DropFile(&native);
}

const Case fileCases[] = {
    {"file", TestFile},
    {"send-file", TestSendFile},
    {"send-file-behind", TestSendFileBehind},
    {"send-file-short", TestSendFileShort},
    {"send-file-not-connected", TestSendFileNotConnected},
    {"send-file-three", TestSendFileThree},
    {NULL, NULL},
};
