/*
 * portHelp.c --
 *
 *      Checks, operations, ports and connections of portTest.
 */

#include "port/port.h"

#ifndef IOCPSOCK_SIM
#include "cpWin.h"
#endif

CpPort *port;
volatile int woken;
int reaping;

/* ------------------------------------------------------------- checks */

int
IsReset(CpError error)
{
    return error == CP_ECONNRESET || error == CP_ECONNABORTED;
}

void
CheckOrWine(const char *file, int line, const char *text, int isSo, int onWine,
    const char *wineText)
{
    if (isSo) {
        return;
    }
    if (!onWine) {
        Fail(file, line, "not so: %s", text);
    }
    if (!OnWine()) {
        Fail(file, line, "not so: %s; as under Wine, %s", text, wineText);
    }
    NoteWine("%s", wineText);
}

void
CheckError(const char *file, int line, const char *text, CpError seen,
    CpError expected, CpError onWine)
{
    char name[32];

    if (seen == expected) {
        return;
    }
    snprintf(name, sizeof(name), "%s", CpErrorName(seen));
    if (seen == onWine && OnWine()) {
        NoteWine("%s: %s, not %s", text, name, CpErrorName(expected));
        return;
    }
    Fail(file, line, "%s: expected %s, got %s", text, CpErrorName(expected),
        name);
}

void
CheckReset(const char *file, int line, const char *text, CpError seen)
{
    if (!IsReset(seen)) {
        Fail(file, line, "%s: expected a reset, got %s", text,
            CpErrorName(seen));
    }
}

void
CheckCount(const char *file, int line, const char *text,
    unsigned long long seen, unsigned long long expected)
{
    if (seen != expected) {
        Fail(file, line, "%s: expected %llu, got %llu", text, expected, seen);
    }
}

void
CheckBytes(const char *file, int line, const char *seenPtr,
    const char *expected, size_t count)
{
    if (memcmp(seenPtr, expected, count) != 0) {
        Fail(file, line, "expected \"%.*s\", got \"%.*s\"", (int) count,
            expected, (int) count, seenPtr);
    }
}

/* --------------------------------------------------------- operations */

static void
Done(CpOp *opPtr)
{
    CHECK(reaping); /* Never out of a submit. */
    CP_OWNER_OF(opPtr, Op, accept.op)->done++;
}

CpOp *
Prepare(Op *opPtr)
{
    memset(opPtr, 0, sizeof(Op));
    opPtr->accept.op.proc = Done;
    return &opPtr->accept.op;
}

unsigned
Reap(CpPort *portPtr, int timeoutMs)
{
    unsigned count;

    reaping = 1;
    count = CpPortReap(portPtr, timeoutMs);
    reaping = 0;
    return count;
}

unsigned
ReapFinished(CpPort *portPtr)
{
    unsigned count;

    reaping = 1;
    count = CpPortReapFinished(portPtr);
    reaping = 0;
    return count;
}

CpError
WaitAt(const char *file, int line, CpPort *portPtr, const Op *opPtr)
{
    uint64_t endMs = CpNowMs() + PATIENCE_MS;

    while (!opPtr->done && CpNowMs() < endMs) {
        Reap(portPtr, 100);
    }
    if (opPtr->done != 1) {
        Fail(file, line, "expected a completion within %d s, got %d",
            PATIENCE_MS / 1000, opPtr->done);
    }
    return opPtr->accept.op.error;
}

static void
Wake(void *clientData)
{
    *(volatile int *) clientData = 1;
}

CpPort *
NewPort(void)
{
    CpError error;
    CpPort *portPtr = CpPortNew(Wake, (void *) &woken, &error);

    CHECK_ERROR(error, CP_OK);
    CHECK(portPtr != NULL);
    return portPtr;
}

/* -------------------------------------------------------- connections */

CpAddr
Loopback(void)
{
    char *message;
    CpAddr *addrs, addr;
    unsigned count;

    CHECK(
        CpResolve("127.0.0.1", 0, CP_FAMILY_ANY, 1, &addrs, &count, &message));
    CHECK_COUNT(count, 1);
    addr = addrs[0];
    CpResolveFree(addrs, count);
    return addr;
}

CpHandle *
Refuse(CpPort *portPtr, CpAddr *addrPtr)
{
    CpAddr addr = Loopback();
    CpHandle *handlePtr;

    CHECK_ERROR(CpHandleOpen(portPtr, &addr, &handlePtr), CP_OK);
    CHECK_ERROR(CpHandleBind(handlePtr, &addr), CP_OK);
    CHECK_ERROR(CpHandleLocal(handlePtr, addrPtr), CP_OK);
    CHECK(CpAddrPort(addrPtr) != 0);
    return handlePtr;
}

CpHandle *
Listen(CpPort *portPtr, CpAddr *addrPtr)
{
    CpHandle *handlePtr = Refuse(portPtr, addrPtr);

    CHECK_ERROR(CpHandleListen(handlePtr, 5), CP_OK);
    return handlePtr;
}

void
ConnectOn(CpPort *portPtr, Pair *pairPtr)
{
    Op accept, connect;
    CpAddr peer, local;

    pairPtr->listenerPtr = Listen(portPtr, &pairPtr->addr);
    Prepare(&accept);
    CpSubmitAccept(pairPtr->listenerPtr, &accept.accept);
    CHECK_ERROR(CpHandleOpen(portPtr, &pairPtr->addr, &pairPtr->clientPtr),
        CP_OK);
    CpSubmitConnect(pairPtr->clientPtr, Prepare(&connect), &pairPtr->addr, 0);
    CHECK_ERROR(WaitOn(portPtr, &connect), CP_OK);
    CHECK_ERROR(WaitOn(portPtr, &accept), CP_OK);
    pairPtr->serverPtr = accept.accept.newHandlePtr;
    CHECK(pairPtr->serverPtr != NULL);
    CHECK_ERROR(CpHandleLocal(pairPtr->clientPtr, &local), CP_OK);
    CHECK_COUNT(CpAddrPort(&accept.accept.peer), CpAddrPort(&local));
    CHECK_ERROR(CpHandlePeer(pairPtr->clientPtr, &peer), CP_OK);
    CHECK_COUNT(CpAddrPort(&peer), CpAddrPort(&pairPtr->addr));
    CHECK_ERROR(CpHandlePeer(pairPtr->serverPtr, &peer), CP_OK);
    CHECK_COUNT(CpAddrPort(&peer), CpAddrPort(&local));
}

void
Connect(Pair *pairPtr)
{
    ConnectOn(port, pairPtr);
}

CpHandle *
ConnectTo(const CpAddr *addrPtr)
{
    CpHandle *handlePtr;
    Op connect;

    CHECK_ERROR(CpHandleOpen(port, addrPtr, &handlePtr), CP_OK);
    CpSubmitConnect(handlePtr, Prepare(&connect), addrPtr, 0);
    CHECK_ERROR(Wait(&connect), CP_OK);
    return handlePtr;
}

void
CloseEnd(CpHandle **handlePtrPtr)
{
    if (*handlePtrPtr != NULL) {
        CpHandleClose(*handlePtrPtr);
        *handlePtrPtr = NULL;
    }
}

void
Close(Pair *pairPtr)
{
    CloseEnd(&pairPtr->clientPtr);
    CloseEnd(&pairPtr->serverPtr);
    CloseEnd(&pairPtr->listenerPtr);
}

void
Send(CpHandle *handlePtr, const char *text)
{
    Op op;

    CpSubmitSend(handlePtr, Prepare(&op), text, strlen(text));
    CHECK_ERROR(Wait(&op), CP_OK);
    CHECK_COUNT(op.accept.op.bytes, strlen(text));
}

void
WaitData(CpHandle *handlePtr)
{
    Op op;

    CpSubmitRecv(handlePtr, Prepare(&op), NULL, 0);
    (void) Wait(&op);
}

int
HasData(CpHandle *handlePtr)
{
    size_t bytes;

    return CpTryPeek(handlePtr, &bytes) == CP_OK && bytes > 0;
}

void
Expect(CpHandle *handlePtr, const char *text)
{
    size_t length = strlen(text), got = 0, bytes;
    char buf[64] = "";

    CHECK(length <= sizeof(buf));
    while (got < length) {
        CpError error = CpTryRecv(handlePtr, buf + got, length - got, &bytes);

        if (error == CP_EAGAIN) {
            WaitData(handlePtr);
            continue;
        }
        CHECK_ERROR(error, CP_OK);
        CHECK(bytes > 0);
        got += bytes;
    }
    CHECK_BYTES(buf, text, length);
}

char *
NewBytes(size_t count)
{
    char *bufPtr = malloc(count);
    size_t i;

    CHECK(bufPtr != NULL);
    for (i = 0; i < count; i++) {
        bufPtr[i] = (char) (i * 31 + (i >> 8));
    }
    return bufPtr;
}

int
AreBytes(const char *bufPtr, size_t count)
{
    char *piecePtr = NewBytes(PIECE_BYTES);
    size_t done = 0, length = 0;

    while (done < count && memcmp(bufPtr + done, piecePtr, length) == 0) {
        done += length;
        length = count - done < PIECE_BYTES ? count - done : PIECE_BYTES;
    }
    free(piecePtr);
    return done == count;
}

size_t
SendUntilFull(CpHandle *handlePtr)
{
    char *piecePtr = NewBytes(PIECE_BYTES);
    size_t sent = 0, bytes;
    CpError error = CP_OK;

    while (error == CP_OK && sent < MOST_BYTES) {
        size_t at = sent % PIECE_BYTES;

        error = CpTrySend(handlePtr, piecePtr + at, PIECE_BYTES - at, &bytes);
        CHECK(bytes > 0 || error != CP_OK);
        sent += bytes;
    }
    CHECK_ERROR(error, CP_EAGAIN);
    free(piecePtr);
    return sent;
}

size_t
ReceiveAll(CpHandle *handlePtr, char *bufPtr, size_t room, CpError *errorPtr)
{
    uint64_t endMs = CpNowMs() + PATIENCE_MS;
    size_t got = 0, bytes;
    char more;

    while (CpNowMs() < endMs) {
        *errorPtr = got < room
            ? CpTryRecv(handlePtr, bufPtr + got, room - got, &bytes)
            : CpTryRecv(handlePtr, &more, 1, &bytes);
        if (*errorPtr == CP_EAGAIN) {
            WaitData(handlePtr);
            continue;
        }
        if (*errorPtr != CP_OK || bytes == 0) {
            return got;
        }
        CHECK(got + bytes <= room);
        got += bytes;
    }
    Fail(__FILE__, __LINE__, "no end of the bytes within %d s",
        PATIENCE_MS / 1000);
}

CpError
WaitSendFails(CpHandle *handlePtr, unsigned timeoutMs)
{
    uint64_t endMs = CpNowMs() + timeoutMs;
    size_t bytes;

    while (CpNowMs() < endMs) {
        CpError error = CpTrySend(handlePtr, "x", 1, &bytes);

        if (error != CP_OK && error != CP_EAGAIN) {
            return error;
        }
        Reap(port, 5);
    }
    return CP_OK;
}

/* ---------------------------------------------------- time and threads */

#ifdef IOCPSOCK_SIM

int
OnWine(void)
{
    return 0;
}

void
Pause(unsigned ms)
{
    CpSimAdvance(ms);
}

void
Spin(void)
{
    CpSimAdvance(1);
}

void
RunThread(void (*proc)(void *clientData), void *clientData)
{
    proc(clientData);
}

#else

int
OnWine(void)
{
    return CpWineRuns();
}

void
Pause(unsigned ms)
{
    Sleep(ms);
}

/* Computes, and calls nothing that could let another thread run. */

void
Spin(void)
{
    static volatile unsigned sum;
    unsigned i;

    for (i = 0; i < 1000; i++) {
        sum = sum * 31 + i;
    }
}

typedef struct Thread {
    void (*proc)(void *clientData);
    void *clientData;
} Thread;

static DWORD WINAPI
ThreadMain(void *param)
{
    Thread *threadPtr = param;

    threadPtr->proc(threadPtr->clientData);
    return 0;
}

void
RunThread(void (*proc)(void *clientData), void *clientData)
{
    Thread thread = {proc, clientData};
    HANDLE handle = CreateThread(NULL, 0, ThreadMain, &thread, 0, NULL);

    CHECK(handle != NULL);
    WaitForSingleObject(handle, INFINITE);
    CloseHandle(handle);
}

#endif
