/*
 * testFault.c --
 *
 *      Faults at the port's edge, for tests. The linker puts these functions
 *      between the driver and its port (--wrap, in Package.cmake). Only the
 *      package in the build's testpackage-fault has them. Its command:
 *
 *          iocpsock::fault fail KIND NTH ?TIMES? ?ERROR?
 *                      the NTH call from now on fails, and the calls after it,
 *                      TIMES in all (default 1; 0 means all), with the POSIX
 *                      error ERROR (default ENOBUFS), or with the error for a
 *                      number: Win32's, Winsock's or an NTSTATUS
 *          iocpsock::fault short KIND BYTES
 *                      receives and attempts move at most that many bytes
 *          iocpsock::fault late KIND REAPS
 *                      a completion is reported that many reaps late
 *          iocpsock::fault count KIND
 *                      a dict: the calls and the failures since the reset
 *          iocpsock::fault reset
 *
 *      Kinds are memory, open, bind, listen, accept, connect, recv, send,
 *      resolve, tryrecv and trysend.
 */

#include <tcl.h>

#include "testFault.h"
#include "testStrict.h"

#include "cpMem.h"
#include "cpResolve.h"
#include "cpWin.h"

#include <limits.h>
#include <string.h>

static const char *const kindNames[FAULT_COUNT + 1] = {
    [FAULT_MEMORY] = "memory",
    [FAULT_OPEN] = "open",
    [FAULT_BIND] = "bind",
    [FAULT_LISTEN] = "listen",
    [FAULT_ACCEPT] = "accept",
    [FAULT_CONNECT] = "connect",
    [FAULT_RECV] = "recv",
    [FAULT_SEND] = "send",
    [FAULT_RESOLVE] = "resolve",
    [FAULT_TRYRECV] = "tryrecv",
    [FAULT_TRYSEND] = "trysend",
    [FAULT_COUNT] = NULL,
};

typedef struct Fault {
    int calls;
    int failed;
    int first; /* The first and the last call to fail; 0 is none. */
    int last;
    CpError error;
    size_t shortBytes; /* 0 means no limit. */
    int lateReaps;
} Fault;

/* A late operation. */

typedef struct Late {
    CpOp *opPtr;
    CpOpProc *proc; /* The proc of the caller. */
    int reaps;      /* That it is still delayed. */
    int over;
    DWORD thread;
    struct Late *nextPtr;
} Late;

static SRWLOCK faultLock = SRWLOCK_INIT;
static Fault faults[FAULT_COUNT];
static Late *firstLatePtr = NULL;

CpError
FaultCall(FaultKind kind)
{
    Fault *faultPtr = &faults[kind];
    CpError error = CP_OK;

    AcquireSRWLockExclusive(&faultLock);
    faultPtr->calls++;
    if (faultPtr->first != 0 && faultPtr->calls >= faultPtr->first
        && faultPtr->calls <= faultPtr->last) {
        faultPtr->failed++;
        error = faultPtr->error;
    }
    ReleaseSRWLockExclusive(&faultLock);
    return error;
}

static size_t
Shorten(FaultKind kind, size_t lengthBytes)
{
    size_t limit = faults[kind].shortBytes;

    return limit > 0 && lengthBytes > limit ? limit : lengthBytes;
}

/* ------------------------------------------------------------- memory */

void *__real_CpMalloc(size_t sizeBytes);
void *__wrap_CpMalloc(size_t sizeBytes);
void *__real_CpCalloc(size_t sizeBytes);
void *__wrap_CpCalloc(size_t sizeBytes);
void __real_CpFree(void *memPtr, size_t sizeBytes);
void __wrap_CpFree(void *memPtr, size_t sizeBytes);

/* The bytes of new and of freed memory can be recognised. */
#define NEW_BYTE 0xa5
#define OLD_BYTE 0xdf

void *
__wrap_CpMalloc(size_t sizeBytes)
{
    void *memPtr = FaultCall(FAULT_MEMORY) == CP_OK ? __real_CpMalloc(sizeBytes)
                                                    : NULL;

    if (memPtr != NULL) {
        memset(memPtr, NEW_BYTE, sizeBytes);
    }
    return memPtr;
}

void *
__wrap_CpCalloc(size_t sizeBytes)
{
    return FaultCall(FAULT_MEMORY) == CP_OK ? __real_CpCalloc(sizeBytes) : NULL;
}

void
__wrap_CpFree(void *memPtr, size_t sizeBytes)
{
    if (memPtr != NULL) {
        memset(memPtr, OLD_BYTE, sizeBytes);
    }
    __real_CpFree(memPtr, sizeBytes);
}

/* ------------------------------------------------------------ handles */

CpError __real_CpHandleOpen(CpPort *portPtr, const CpAddr *addrPtr,
    CpHandle **handlePtrPtr);
CpError __wrap_CpHandleOpen(CpPort *portPtr, const CpAddr *addrPtr,
    CpHandle **handlePtrPtr);
CpError __real_CpHandleBind(CpHandle *handlePtr, const CpAddr *addrPtr);
CpError __wrap_CpHandleBind(CpHandle *handlePtr, const CpAddr *addrPtr);
CpError __real_CpHandleListen(CpHandle *handlePtr, int backlog);
CpError __wrap_CpHandleListen(CpHandle *handlePtr, int backlog);

CpError
__wrap_CpHandleOpen(CpPort *portPtr, const CpAddr *addrPtr,
    CpHandle **handlePtrPtr)
{
    CpError error = FaultCall(FAULT_OPEN);

    return error != CP_OK ? error
                          : __real_CpHandleOpen(portPtr, addrPtr, handlePtrPtr);
}

CpError
__wrap_CpHandleBind(CpHandle *handlePtr, const CpAddr *addrPtr)
{
    CpError error = FaultCall(FAULT_BIND);

    return error != CP_OK ? error : __real_CpHandleBind(handlePtr, addrPtr);
}

CpError
__wrap_CpHandleListen(CpHandle *handlePtr, int backlog)
{
    CpError error = FaultCall(FAULT_LISTEN);

    return error != CP_OK ? error : __real_CpHandleListen(handlePtr, backlog);
}

/* --------------------------------------------------------- operations */

void __real_CpSubmitAccept(CpHandle *listenerPtr, CpAcceptOp *acceptPtr);
void __wrap_CpSubmitAccept(CpHandle *listenerPtr, CpAcceptOp *acceptPtr);
void __real_CpSubmitConnect(CpHandle *handlePtr, CpOp *opPtr,
    const CpAddr *addrPtr, int wait);
void __wrap_CpSubmitConnect(CpHandle *handlePtr, CpOp *opPtr,
    const CpAddr *addrPtr, int wait);
void __real_CpSubmitRecv(CpHandle *handlePtr, CpOp *opPtr, void *bufPtr,
    size_t lengthBytes);
void __wrap_CpSubmitRecv(CpHandle *handlePtr, CpOp *opPtr, void *bufPtr,
    size_t lengthBytes);
void __real_CpSubmitSend(CpHandle *handlePtr, CpOp *opPtr, const void *bufPtr,
    size_t lengthBytes);
void __wrap_CpSubmitSend(CpHandle *handlePtr, CpOp *opPtr, const void *bufPtr,
    size_t lengthBytes);
void __real_CpSubmitResolve(CpHandle *handlePtr, CpResolveOp *resolvePtr,
    const CpTarget *targetPtr);
void __wrap_CpSubmitResolve(CpHandle *handlePtr, CpResolveOp *resolvePtr,
    const CpTarget *targetPtr);

/* The proc that the port calls for a late operation. */

static void
LateDone(CpOp *opPtr)
{
    Late *latePtr;

    AcquireSRWLockExclusive(&faultLock);
    latePtr = firstLatePtr;
    while (latePtr->opPtr != opPtr) {
        latePtr = latePtr->nextPtr;
    }
    latePtr->over = 1;
    latePtr->thread = GetCurrentThreadId();
    ReleaseSRWLockExclusive(&faultLock);
}

/* Makes the operation late if its kind is. */

static void
MakeLate(FaultKind kind, CpOp *opPtr)
{
    Late *latePtr;

    if (faults[kind].lateReaps == 0) {
        return;
    }
    latePtr = (Late *) (void *) Tcl_Alloc(sizeof(Late));
    latePtr->opPtr = opPtr;
    latePtr->proc = opPtr->proc;
    latePtr->reaps = faults[kind].lateReaps;
    latePtr->over = 0;
    opPtr->proc = LateDone;
    AcquireSRWLockExclusive(&faultLock);
    latePtr->nextPtr = firstLatePtr;
    firstLatePtr = latePtr;
    ReleaseSRWLockExclusive(&faultLock);
}

int
FaultNow(FaultKind kind, CpHandle *handlePtr, CpOp *opPtr, WinOpKind winKind)
{
    CpError error = FaultCall(kind);

    MakeLate(kind, opPtr);
    if (error == CP_OK) {
        return 0;
    }
    CpWinBegin(handlePtr, opPtr, winKind);
    CpWinFinishNow(opPtr, error);
    return 1;
}

void
__wrap_CpSubmitAccept(CpHandle *listenerPtr, CpAcceptOp *acceptPtr)
{
    acceptPtr->newHandlePtr = NULL;
    if (!FaultNow(FAULT_ACCEPT, listenerPtr, &acceptPtr->op, WIN_OP_ACCEPT)) {
        __real_CpSubmitAccept(listenerPtr, acceptPtr);
    }
}

void
__wrap_CpSubmitConnect(CpHandle *handlePtr, CpOp *opPtr, const CpAddr *addrPtr,
    int wait)
{
    if (!FaultNow(FAULT_CONNECT, handlePtr, opPtr, WIN_OP_CONNECT)) {
        __real_CpSubmitConnect(handlePtr, opPtr, addrPtr, wait);
    }
}

void
__wrap_CpSubmitRecv(CpHandle *handlePtr, CpOp *opPtr, void *bufPtr,
    size_t lengthBytes)
{
    if (!FaultNow(FAULT_RECV, handlePtr, opPtr, WIN_OP_RECV)) {
        __real_CpSubmitRecv(handlePtr, opPtr, bufPtr,
            Shorten(FAULT_RECV, lengthBytes));
    }
}

void
__wrap_CpSubmitSend(CpHandle *handlePtr, CpOp *opPtr, const void *bufPtr,
    size_t lengthBytes)
{
    if (!FaultNow(FAULT_SEND, handlePtr, opPtr, WIN_OP_SEND)) {
        __real_CpSubmitSend(handlePtr, opPtr, bufPtr, lengthBytes);
    }
}

void
__wrap_CpSubmitResolve(CpHandle *handlePtr, CpResolveOp *resolvePtr,
    const CpTarget *targetPtr)
{
    memset(&resolvePtr->resolved, 0, sizeof(CpResolved));
    resolvePtr->message = NULL;
    resolvePtr->request = NULL;
    if (!FaultNow(FAULT_RESOLVE, handlePtr, &resolvePtr->op, WIN_OP_RESOLVE)) {
        __real_CpSubmitResolve(handlePtr, resolvePtr, targetPtr);
    }
}

/* ---------------------------------------------------- attempts at once */

CpError __real_CpTryRecv(CpHandle *handlePtr, void *bufPtr, size_t lengthBytes,
    size_t *bytesPtr);
CpError __wrap_CpTryRecv(CpHandle *handlePtr, void *bufPtr, size_t lengthBytes,
    size_t *bytesPtr);
CpError __real_CpTrySend(CpHandle *handlePtr, const void *bufPtr,
    size_t lengthBytes, size_t *bytesPtr);
CpError __wrap_CpTrySend(CpHandle *handlePtr, const void *bufPtr,
    size_t lengthBytes, size_t *bytesPtr);

CpError
__wrap_CpTryRecv(CpHandle *handlePtr, void *bufPtr, size_t lengthBytes,
    size_t *bytesPtr)
{
    CpError error = FaultCall(FAULT_TRYRECV);

    *bytesPtr = 0;
    return error != CP_OK ? error
                          : __real_CpTryRecv(handlePtr, bufPtr,
                              Shorten(FAULT_TRYRECV, lengthBytes), bytesPtr);
}

CpError
__wrap_CpTrySend(CpHandle *handlePtr, const void *bufPtr, size_t lengthBytes,
    size_t *bytesPtr)
{
    CpError error = FaultCall(FAULT_TRYSEND);

    *bytesPtr = 0;
    return error != CP_OK ? error
                          : __real_CpTrySend(handlePtr, bufPtr,
                              Shorten(FAULT_TRYSEND, lengthBytes), bytesPtr);
}

/* ------------------------------------------------------------ reaping */

unsigned __real_CpPortReap(CpPort *portPtr, int timeoutMs);
unsigned __wrap_CpPortReap(CpPort *portPtr, int timeoutMs);
int __real_CpPortSleep(CpPort *portPtr, int64_t timeoutMs);
int __wrap_CpPortSleep(CpPort *portPtr, int64_t timeoutMs);

/* Returns whether this thread has late completions. */

static int
AnyLate(void)
{
    const Late *latePtr;
    int any = 0;

    AcquireSRWLockExclusive(&faultLock);
    for (latePtr = firstLatePtr; latePtr != NULL; latePtr = latePtr->nextPtr) {
        any |= latePtr->over && latePtr->thread == GetCurrentThreadId();
    }
    ReleaseSRWLockExclusive(&faultLock);
    return any;
}

/* Removes a late completion of this thread that is due; NULL if none is. */

static Late *
TakeDue(void)
{
    Late **linkPtr = &firstLatePtr;
    Late *latePtr;

    AcquireSRWLockExclusive(&faultLock);
    while ((latePtr = *linkPtr) != NULL
        && !(latePtr->over && latePtr->thread == GetCurrentThreadId()
            && latePtr->reaps <= 0)) {
        linkPtr = &latePtr->nextPtr;
    }
    if (latePtr != NULL) {
        *linkPtr = latePtr->nextPtr;
    }
    ReleaseSRWLockExclusive(&faultLock);
    return latePtr;
}

static void
CountReap(void)
{
    Late *latePtr;

    AcquireSRWLockExclusive(&faultLock);
    for (latePtr = firstLatePtr; latePtr != NULL; latePtr = latePtr->nextPtr) {
        latePtr->reaps -= latePtr->over
            && latePtr->thread == GetCurrentThreadId();
    }
    ReleaseSRWLockExclusive(&faultLock);
}

unsigned
__wrap_CpPortReap(CpPort *portPtr, int timeoutMs)
{
    unsigned count;
    Late *latePtr;

    CountReap();
    count = __real_CpPortReap(portPtr, AnyLate() ? 0 : timeoutMs);
    while ((latePtr = TakeDue()) != NULL) {
        CpOp *opPtr = latePtr->opPtr;

        opPtr->proc = latePtr->proc;
        Tcl_Free((void *) latePtr);
        opPtr->proc(opPtr);
        count++;
    }
    return count;
}

int
__wrap_CpPortSleep(CpPort *portPtr, int64_t timeoutMs)
{
    return !AnyLate() && __real_CpPortSleep(portPtr, timeoutMs);
}

/* ------------------------------------------------------------ command */

DLLEXPORT int Iocpsock_Init(Tcl_Interp *interp);
DLLEXPORT int Iocpsockfault_Init(Tcl_Interp *interp);
extern Tcl_ObjCmdProc TestFileFaultObjCmd; /* testFaultFile.c */

static int
ErrorOfName(Tcl_Interp *interp, Tcl_Obj *namePtr, CpError *errorPtr)
{
    Tcl_WideInt number;
    int error;

    if (Tcl_GetWideIntFromObj(NULL, namePtr, &number) == TCL_OK) {
        *errorPtr = number > INT_MAX ? CpErrorOfStatus((unsigned long) number)
                                     : CpErrorOfWin((unsigned long) number);
        return TCL_OK;
    }
    for (error = CP_OK + 1; error < CP_ERROR_COUNT; error++) {
        if (strcmp(CpErrorName((CpError) error), Tcl_GetString(namePtr)) == 0) {
            *errorPtr = (CpError) error;
            return TCL_OK;
        }
    }
    Tcl_SetObjResult(interp,
        Tcl_ObjPrintf("unknown error \"%s\"", Tcl_GetString(namePtr)));
    return TCL_ERROR;
}

static int
SetFail(Tcl_Interp *interp, Fault *faultPtr, int objc, Tcl_Obj *const objv[])
{
    CpError error = CP_ENOBUFS;
    int nth, times = 1;

    if (Tcl_GetIntFromObj(interp, objv[3], &nth) != TCL_OK
        || (objc > 4 && Tcl_GetIntFromObj(interp, objv[4], &times) != TCL_OK)
        || (objc > 5 && ErrorOfName(interp, objv[5], &error) != TCL_OK)) {
        return TCL_ERROR;
    }
    faultPtr->first = nth > 0 ? faultPtr->calls + nth : 0;
    faultPtr->last = times > 0 ? faultPtr->first + times - 1 : INT_MAX;
    faultPtr->error = error;
    return TCL_OK;
}

static void
SetCount(Tcl_Interp *interp, const Fault *faultPtr)
{
    Tcl_Obj *dictPtr = Tcl_NewDictObj();

    Tcl_DictObjPut(NULL, dictPtr, Tcl_NewStringObj("calls", -1),
        Tcl_NewIntObj(faultPtr->calls));
    Tcl_DictObjPut(NULL, dictPtr, Tcl_NewStringObj("failed", -1),
        Tcl_NewIntObj(faultPtr->failed));
    Tcl_SetObjResult(interp, dictPtr);
}

typedef enum FaultCmd {
    CMD_FAIL,
    CMD_SHORT,
    CMD_LATE,
    CMD_COUNT,
    CMD_RESET
} FaultCmd;

static int
FaultObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    static const char *const names[] = {
        [CMD_FAIL] = "fail",
        [CMD_SHORT] = "short",
        [CMD_LATE] = "late",
        [CMD_COUNT] = "count",
        [CMD_RESET] = "reset",
        NULL,
    };
    static const int words[] = {
        [CMD_FAIL] = 4,
        [CMD_SHORT] = 4,
        [CMD_LATE] = 4,
        [CMD_COUNT] = 3,
        [CMD_RESET] = 2,
    };
    int cmd, kind = 0, value = 0;

    (void) clientData;
    if (objc < 2) {
        Tcl_WrongNumArgs(interp, 1, objv, "command ?arg ...?");
        return TCL_ERROR;
    }
    if (Tcl_GetIndexFromObj(interp, objv[1], names, "command", 0, &cmd)
        != TCL_OK) {
        return TCL_ERROR;
    }
    if (objc < words[cmd] || objc > words[cmd] + (cmd == CMD_FAIL ? 2 : 0)) {
        Tcl_WrongNumArgs(interp, 2, objv, "?kind? ?arg ...?");
        return TCL_ERROR;
    }
    if (objc > 2
        && Tcl_GetIndexFromObj(interp, objv[2], kindNames, "kind", 0, &kind)
            != TCL_OK) {
        return TCL_ERROR;
    }
    switch ((FaultCmd) cmd) {
    case CMD_FAIL:
        return SetFail(interp, &faults[kind], objc, objv);
    case CMD_SHORT:
    case CMD_LATE:
        if (Tcl_GetIntFromObj(interp, objv[3], &value) != TCL_OK) {
            return TCL_ERROR;
        }
        if (cmd == CMD_SHORT) {
            faults[kind].shortBytes = (size_t) value;
        } else {
            faults[kind].lateReaps = value;
        }
        return TCL_OK;
    case CMD_COUNT:
        SetCount(interp, &faults[kind]);
        return TCL_OK;
    case CMD_RESET:
        memset(faults, 0, sizeof(faults));
        return TCL_OK;
    }
    return TCL_ERROR;
}

/* Replaces Iocpsock_Init. */

int
Iocpsockfault_Init(Tcl_Interp *interp)
{
#ifdef _WIN64
    StrictInit();
#endif
    if (Iocpsock_Init(interp) != TCL_OK) {
        return TCL_ERROR;
    }
    Tcl_CreateObjCommand(interp, "::iocpsock::fault", FaultObjCmd, NULL, NULL);
    Tcl_CreateObjCommand(interp, "::iocpsock::filefault", TestFileFaultObjCmd,
        NULL, NULL);
#ifdef _WIN64
    Tcl_CreateObjCommand(interp, "::iocpsock::strict", StrictObjCmd, NULL,
        NULL);
    return StrictCheck(interp);
#else
    return TCL_OK;
#endif
}
