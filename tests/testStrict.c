/*
 * testStrict.c --
 *
 *      What Windows does and Wine does not, for tests. The linker puts these
 *      functions between the driver's port and the system (--wrap, in
 *      Package.cmake). A call of a system function goes through a pointer of
 *      the import library, __imp_X; the pointers here replace those. Only the
 *      package in the build's testpackage-fault has them, and only for 64 bits,
 *      where names have no decoration. Its command:
 *
 *          iocpsock::strict NAME VALUE
 *
 *      By default everything is as the system does it:
 *
 *          guards 0        the driver leaves out what it does only under Wine,
 *                          and bind reports a port as in use where Windows
 *                          does
 *          reserved PORT   the system has reserved the port: 0 is none
 *          reservedlast PORT
 *                          ...and all later ones up to this one
 *          reservedfamily 6
 *                          ...for IPv6 only (4: IPv4; 0: both)
 *          sockets 0       WSASocketW fails with WSAEINVAL
 *          inheritflag 0   WSASocketW refuses WSA_FLAG_NO_HANDLE_INHERIT
 *          skipping 0      SetFileCompletionNotificationModes fails
 *          rto 1           SIO_TCP_INITIAL_RTO is known
 *          refusals MS     a refused connect takes that long, unless
 *                          SIO_TCP_INITIAL_RTO was set for the socket
 *          reverse 0       GetNameInfoW finds no name, and fails
 *          slots COUNT     the process sends that many files at a time by
 *                          TransmitFile; 0 means no limit
 *          acceptfails N, connectfails N, recvfails N, sendfails N
 *                          N of 1000 overlapped submits of this kind fail
 *          seed N          chooses the submits that fail
 *          message TEXT    the system's message for errors, unless empty
 *
 *          iocpsock::strict asked
 *                      the retransmissions that sockets were given by
 *                      SIO_TCP_INITIAL_RTO, known or not
 *          iocpsock::strict failed
 *                      the number of submits that failed since the reset
 *          iocpsock::strict settings
 *                      all settings but the message, as a dict
 *          iocpsock::strict reset
 *
 *      The environment variable IOCPSOCK_STRICT changes the settings with which
 *      a process starts, and to which a reset returns. It has words, separated
 *      by commas. "all" sets everything that Windows does, as in the table
 *      below. NAME=NUMBER is one setting. A later word replaces an earlier one.
 */

#include "testStrict.h"

#include "cpPortWin.h"
#include "cpResolve.h"

#include <stdlib.h>
#include <string.h>

typedef struct Setting {
    const char *name;
    LONG wine;    /* The system's own way. */
    LONG windows; /* For the word "all". */
} Setting;

/* The reserved ports are higher than those that Linux chooses. */

static const Setting table[STRICT_COUNT] = {
    [STRICT_GUARDS] = {"guards", 1, 0},
    [STRICT_RESERVED] = {"reserved", 0, 61100},
    [STRICT_RESERVED_LAST] = {"reservedlast", 0, 61199},
    [STRICT_RESERVED_FAMILY] = {"reservedfamily", 0, 0},
    [STRICT_SOCKETS] = {"sockets", 1, 1},
    [STRICT_INHERITFLAG] = {"inheritflag", 1, 0},
    [STRICT_SKIPPING] = {"skipping", 1, 0},
    [STRICT_RTO] = {"rto", 0, 0},
    [STRICT_REFUSALS] = {"refusals", 0, 2000},
    [STRICT_REVERSE] = {"reverse", 1, 1},
    [STRICT_SLOTS] = {"slots", 0, 2},
    [STRICT_ACCEPTFAILS] = {"acceptfails", 0, 20},
    [STRICT_CONNECTFAILS] = {"connectfails", 0, 0},
    [STRICT_RECVFAILS] = {"recvfails", 0, 0},
    [STRICT_SENDFAILS] = {"sendfails", 0, 0},
    [STRICT_SEED] = {"seed", 1, 1},
};

/* The system's message for an error: long, and not in English. */
static const WCHAR foreignText[] =
    L"\u30db\u30b9\u30c8\u306f\u4e0d\u660e\u3067\u3059\u3002 "
    L"\u0422\u0430\u043a\u043e\u0439 \u0445\u043e\u0441\u0442 "
    L"\u043d\u0435\u0438\u0437\u0432\u0435\u0441\u0442\u0435\u043d. ";
#define FOREIGN_TIMES 8

volatile LONG strictSettings[STRICT_COUNT];

static INIT_ONCE startOnce = INIT_ONCE_STATIC_INIT;
static LONG start[STRICT_COUNT];
static int startForeign = 0;
static char startError[256] = "";

/* Guards the following. */
static SRWLOCK strictLock = SRWLOCK_INIT;
static WCHAR *messagePtr = NULL; /* By LocalAlloc; NULL: ask the system. */

#define ASKED_MAX 64
static unsigned char asked[ASKED_MAX];
static int askedCount = 0;

/* ---------------------------------------------------- Wine's guards */

CpError __real_CpWineSocketError(CpError error);
CpError __wrap_CpWineSocketError(CpError error);
int __real_CpWineDeniedIsInUse(unsigned port);
int __wrap_CpWineDeniedIsInUse(unsigned port);
void __real_CpWineBind(CpHandle *handlePtr, const CpAddr *addrPtr);
void __wrap_CpWineBind(CpHandle *handlePtr, const CpAddr *addrPtr);
ULONG __real_CpWineReapEntries(ULONG askedFor, ULONG count);
ULONG __wrap_CpWineReapEntries(ULONG askedFor, ULONG count);

CpError
__wrap_CpWineSocketError(CpError error)
{
    return strictSettings[STRICT_GUARDS] ? __real_CpWineSocketError(error)
                                         : error;
}

int
__wrap_CpWineDeniedIsInUse(unsigned port)
{
    return strictSettings[STRICT_GUARDS] && __real_CpWineDeniedIsInUse(port);
}

void
__wrap_CpWineBind(CpHandle *handlePtr, const CpAddr *addrPtr)
{
    if (strictSettings[STRICT_GUARDS]) {
        __real_CpWineBind(handlePtr, addrPtr);
    }
}

ULONG
__wrap_CpWineReapEntries(ULONG askedFor, ULONG count)
{
    return strictSettings[STRICT_GUARDS]
        ? __real_CpWineReapEntries(askedFor, count)
        : REAP_ENTRIES;
}

/* --------------------------------------------------- system's functions */

typedef SOCKET WSAAPI SocketProc(int family, int type, int protocol,
    WSAPROTOCOL_INFOW *infoPtr, GROUP group, DWORD flags);
typedef int WSAAPI BindProc(SOCKET sock, const SOCKADDR *addrPtr, int length);
typedef int WSAAPI IoctlProc(SOCKET sock, DWORD code, void *inPtr,
    DWORD inBytes, void *outPtr, DWORD outBytes, DWORD *bytesPtr,
    WSAOVERLAPPED *overlappedPtr, LPWSAOVERLAPPED_COMPLETION_ROUTINE proc);
typedef INT WSAAPI NameInfoProc(const SOCKADDR *addrPtr, socklen_t length,
    WCHAR *host, DWORD hostChars, WCHAR *service, DWORD serviceChars,
    INT flags);
typedef BOOL WINAPI ModesProc(HANDLE handle, UCHAR flags);
typedef DWORD WINAPI FormatProc(DWORD flags, const void *sourcePtr, DWORD id,
    DWORD language, WCHAR *bufPtr, DWORD chars, va_list *argsPtr);

extern SocketProc *__real___imp_WSASocketW;
extern BindProc *__real___imp_bind;
extern IoctlProc *__real___imp_WSAIoctl;
extern NameInfoProc *__real___imp_GetNameInfoW;
extern ModesProc *__real___imp_SetFileCompletionNotificationModes;
extern FormatProc *__real___imp_FormatMessageW;

static SOCKET WSAAPI
StrictSocket(int family, int type, int protocol, WSAPROTOCOL_INFOW *infoPtr,
    GROUP group, DWORD flags)
{
    SOCKET sock;

    if (!strictSettings[STRICT_SOCKETS]
        || (!strictSettings[STRICT_INHERITFLAG]
            && (flags & WSA_FLAG_NO_HANDLE_INHERIT))) {
        WSASetLastError(WSAEINVAL);
        return INVALID_SOCKET;
    }
    sock = __real___imp_WSASocketW(family, type, protocol, infoPtr, group,
        flags);
    if (sock != INVALID_SOCKET) {
        StrictIoOpened(sock);
    }
    return sock;
}

static int
IsReserved(const CpAddr *addrPtr)
{
    LONG family = strictSettings[STRICT_RESERVED_FAMILY];
    LONG first = strictSettings[STRICT_RESERVED];
    LONG last = strictSettings[STRICT_RESERVED_LAST];
    LONG port = (LONG) CpAddrPort(addrPtr);

    return port != 0 && port >= first
        && (port == first || (first != 0 && port <= last))
        && (family == 0 || (family == 6) == (addrPtr->u.family == AF_INET6));
}

/*
 * For a socket on all addresses that does not share its port, the port is never
 * denied: it is in use.
 */

static int WSAAPI
StrictBind(SOCKET sock, const SOCKADDR *addrPtr, int length)
{
    BOOL shares = FALSE;
    int bytes = sizeof(shares);
    CpAddr addr;

    memset(&addr, 0, sizeof(addr));
    memcpy(addr.u.bytes, addrPtr, (size_t) length);
    if (IsReserved(&addr)) {
        WSASetLastError(WSAEACCES);
        return SOCKET_ERROR;
    }
    if (__real___imp_bind(sock, addrPtr, length) == 0) {
        return 0;
    }
    if (!strictSettings[STRICT_GUARDS] && CpAddrIsAny(&addr)
        && WSAGetLastError() == WSAEACCES) {
        getsockopt(sock, SOL_SOCKET, SO_REUSEADDR, (char *) &shares, &bytes);
        WSASetLastError(shares ? WSAEACCES : WSAEADDRINUSE);
    }
    return SOCKET_ERROR;
}

#define SIO_INITIAL_RTO _WSAIOW(IOC_VENDOR, 17)

static int WSAAPI
StrictIoctl(SOCKET sock, DWORD code, void *inPtr, DWORD inBytes, void *outPtr,
    DWORD outBytes, DWORD *bytesPtr, WSAOVERLAPPED *overlappedPtr,
    LPWSAOVERLAPPED_COMPLETION_ROUTINE proc)
{
    int result;

    if (code == SIO_INITIAL_RTO) {
        AcquireSRWLockExclusive(&strictLock);
        if (askedCount < ASKED_MAX) {
            asked[askedCount++] = ((unsigned char *) inPtr)[sizeof(USHORT)];
        }
        ReleaseSRWLockExclusive(&strictLock);
        if (strictSettings[STRICT_RTO]) {
            StrictIoRefusesAtOnce(sock);
            *bytesPtr = 0;
            return 0;
        }
    }
    result = __real___imp_WSAIoctl(sock, code, inPtr, inBytes, outPtr, outBytes,
        bytesPtr, overlappedPtr, proc);
    if (result == 0 && code == SIO_GET_EXTENSION_FUNCTION_POINTER) {
        StrictIoExtension(inPtr, outPtr);
    }
    return result;
}

static INT WSAAPI
StrictNameInfo(const SOCKADDR *addrPtr, socklen_t length, WCHAR *host,
    DWORD hostChars, WCHAR *service, DWORD serviceChars, INT flags)
{
    if (!strictSettings[STRICT_REVERSE] && !(flags & NI_NUMERICHOST)) {
        return WSATRY_AGAIN;
    }
    return __real___imp_GetNameInfoW(addrPtr, length, host, hostChars, service,
        serviceChars, flags);
}

static BOOL WINAPI
StrictModes(HANDLE handle, UCHAR flags)
{
    if (!strictSettings[STRICT_SKIPPING]) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    StrictIoSkips((SOCKET) handle);
    return __real___imp_SetFileCompletionNotificationModes(handle, flags);
}

/* Returns the text as FormatMessageW does; 0 and an error if it is too long. */

static DWORD
GiveText(DWORD flags, WCHAR *bufPtr, DWORD chars)
{
    DWORD length = (DWORD) wcslen(messagePtr);
    WCHAR *copyPtr = bufPtr;

    if (flags & FORMAT_MESSAGE_ALLOCATE_BUFFER) {
        copyPtr = LocalAlloc(LMEM_FIXED, (length + 1) * sizeof(WCHAR));
        if (copyPtr == NULL) {
            return 0;
        }
        memcpy(bufPtr, &copyPtr, sizeof(copyPtr));
    } else if (length >= chars) {
        SetLastError(ERROR_INSUFFICIENT_BUFFER);
        return 0;
    }
    memcpy(copyPtr, messagePtr, (length + 1) * sizeof(WCHAR));
    return length;
}

static DWORD WINAPI
StrictFormat(DWORD flags, const void *sourcePtr, DWORD id, DWORD language,
    WCHAR *bufPtr, DWORD chars, va_list *argsPtr)
{
    DWORD length = 0;
    int given;

    AcquireSRWLockExclusive(&strictLock);
    given = messagePtr != NULL && (flags & FORMAT_MESSAGE_FROM_SYSTEM);
    if (given) {
        length = GiveText(flags, bufPtr, chars);
    }
    ReleaseSRWLockExclusive(&strictLock);
    return given ? length
                 : __real___imp_FormatMessageW(flags, sourcePtr, id, language,
                     bufPtr, chars, argsPtr);
}

extern SocketProc *__wrap___imp_WSASocketW;
extern BindProc *__wrap___imp_bind;
extern IoctlProc *__wrap___imp_WSAIoctl;
extern NameInfoProc *__wrap___imp_GetNameInfoW;
extern ModesProc *__wrap___imp_SetFileCompletionNotificationModes;
extern FormatProc *__wrap___imp_FormatMessageW;

SocketProc *__wrap___imp_WSASocketW = StrictSocket;
BindProc *__wrap___imp_bind = StrictBind;
IoctlProc *__wrap___imp_WSAIoctl = StrictIoctl;
NameInfoProc *__wrap___imp_GetNameInfoW = StrictNameInfo;
ModesProc *__wrap___imp_SetFileCompletionNotificationModes = StrictModes;
FormatProc *__wrap___imp_FormatMessageW = StrictFormat;

/* ------------------------------------------------------------ command */

static void
SetMessage(WCHAR *newPtr)
{
    AcquireSRWLockExclusive(&strictLock);
    LocalFree(messagePtr);
    messagePtr = newPtr;
    ReleaseSRWLockExclusive(&strictLock);
}

/* Returns the text, or NULL if it is empty. */

static WCHAR *
NewText(const char *utf8)
{
    int chars = MultiByteToWideChar(CP_UTF8, 0, utf8, -1, NULL, 0);
    WCHAR *newPtr = NULL;

    if (utf8[0] != '\0') {
        newPtr = LocalAlloc(LMEM_FIXED, (size_t) chars * sizeof(WCHAR));
        MultiByteToWideChar(CP_UTF8, 0, utf8, -1, newPtr, chars);
    }
    return newPtr;
}

static WCHAR *
NewForeignText(void)
{
    size_t chars = wcslen(foreignText);
    WCHAR *newPtr = LocalAlloc(LMEM_ZEROINIT,
        (FOREIGN_TIMES * chars + 1) * sizeof(WCHAR));
    size_t i;

    for (i = 0; i < FOREIGN_TIMES; i++) {
        memcpy(newPtr + i * chars, foreignText, chars * sizeof(WCHAR));
    }
    return newPtr;
}

static Tcl_Obj *
Asked(void)
{
    Tcl_Obj *listPtr = Tcl_NewListObj(0, NULL);
    int i;

    AcquireSRWLockExclusive(&strictLock);
    for (i = 0; i < askedCount; i++) {
        Tcl_ListObjAppendElement(NULL, listPtr, Tcl_NewIntObj(asked[i]));
    }
    ReleaseSRWLockExclusive(&strictLock);
    return listPtr;
}

static Tcl_Obj *
Settings(void)
{
    Tcl_Obj *dictPtr = Tcl_NewDictObj();
    int i;

    for (i = 0; i < STRICT_COUNT; i++) {
        Tcl_DictObjPut(NULL, dictPtr, Tcl_NewStringObj(table[i].name, -1),
            Tcl_NewIntObj(strictSettings[i]));
    }
    return dictPtr;
}

static void
Reset(void)
{
    int i;

    for (i = 0; i < STRICT_COUNT; i++) {
        InterlockedExchange(&strictSettings[i], start[i]);
    }
    SetMessage(startForeign ? NewForeignText() : NULL);
    StrictFailReset();
    AcquireSRWLockExclusive(&strictLock);
    askedCount = 0;
    ReleaseSRWLockExclusive(&strictLock);
}

/* Applies a word of IOCPSOCK_STRICT. Returns 0 for an unknown word. */

static int
StartWith(const char *word)
{
    size_t nameBytes = strcspn(word, "=");
    char *endPtr;
    int i;

    if (strcmp(word, "all") == 0) {
        startForeign = 1;
        for (i = 0; i < STRICT_COUNT; i++) {
            start[i] = table[i].windows;
        }
        return 1;
    }
    for (i = 0; i < STRICT_COUNT; i++) {
        if (strlen(table[i].name) == nameBytes
            && strncmp(word, table[i].name, nameBytes) == 0
            && word[nameBytes] == '=') {
            start[i] = strtol(word + nameBytes + 1, &endPtr, 10);
            return *endPtr == '\0';
        }
    }
    return 0;
}

static BOOL CALLBACK
Start(PINIT_ONCE oncePtr, PVOID param, PVOID *contextPtr)
{
    char words[256] = "", *word;
    DWORD length = GetEnvironmentVariableA("IOCPSOCK_STRICT", words,
        sizeof(words));
    int i;

    (void) oncePtr;
    (void) param;
    (void) contextPtr;
    for (i = 0; i < STRICT_COUNT; i++) {
        start[i] = table[i].wine;
    }
    if (length >= sizeof(words)) {
        strcpy(startError, "IOCPSOCK_STRICT is too long");
    }
    for (word = strtok(words, ","); word != NULL; word = strtok(NULL, ",")) {
        if (!StartWith(word)) {
            strcpy(startError, "IOCPSOCK_STRICT has a wrong word: ");
            strncat(startError, word, 100);
        }
    }
    Reset();
    return TRUE;
}

void
StrictInit(void)
{
    InitOnceExecuteOnce(&startOnce, Start, NULL, NULL);
}

int
StrictCheck(Tcl_Interp *interp)
{
    if (startError[0] != '\0') {
        Tcl_SetObjResult(interp, Tcl_NewStringObj(startError, -1));
        return TCL_ERROR;
    }
    return TCL_OK;
}

typedef enum StrictCmd {
    CMD_MESSAGE = STRICT_COUNT,
    CMD_ASKED,
    CMD_FAILED,
    CMD_RESET,
    CMD_SETTINGS,
    CMD_COUNT
} StrictCmd;

static const char *const cmdNames[] = {
    [CMD_MESSAGE - STRICT_COUNT] = "message",
    [CMD_ASKED - STRICT_COUNT] = "asked",
    [CMD_FAILED - STRICT_COUNT] = "failed",
    [CMD_RESET - STRICT_COUNT] = "reset",
    [CMD_SETTINGS - STRICT_COUNT] = "settings",
};

/* The index of a setting, or a StrictCmd. */

static int
GetName(Tcl_Interp *interp, Tcl_Obj *namePtr, int *indexPtr)
{
    const char *name = Tcl_GetString(namePtr);
    int i;

    for (i = 0; i < CMD_COUNT; i++) {
        const char *other = i < STRICT_COUNT ? table[i].name
                                             : cmdNames[i - STRICT_COUNT];

        if (strcmp(name, other) == 0) {
            *indexPtr = i;
            return TCL_OK;
        }
    }
    Tcl_SetObjResult(interp, Tcl_ObjPrintf("bad name \"%s\"", name));
    return TCL_ERROR;
}

int
StrictObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    int name, value;

    (void) clientData;
    if (objc < 2) {
        Tcl_WrongNumArgs(interp, 1, objv, "name ?value?");
        return TCL_ERROR;
    }
    if (GetName(interp, objv[1], &name) != TCL_OK) {
        return TCL_ERROR;
    }
    if (objc != (name < CMD_ASKED ? 3 : 2)) {
        Tcl_WrongNumArgs(interp, 2, objv, name < CMD_ASKED ? "value" : NULL);
        return TCL_ERROR;
    }
    if (name == CMD_MESSAGE) {
        SetMessage(NewText(Tcl_GetString(objv[2])));
    } else if (name == CMD_ASKED) {
        Tcl_SetObjResult(interp, Asked());
    } else if (name == CMD_FAILED) {
        Tcl_SetObjResult(interp, Tcl_NewIntObj(StrictFailed()));
    } else if (name == CMD_RESET) {
        Reset();
    } else if (name == CMD_SETTINGS) {
        Tcl_SetObjResult(interp, Settings());
    } else {
        if (Tcl_GetIntFromObj(interp, objv[2], &value) != TCL_OK) {
            return TCL_ERROR;
        }
        InterlockedExchange(&strictSettings[name], value);
    }
    return TCL_OK;
}
