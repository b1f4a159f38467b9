/*
 * testStrict.c --
 *
 *      What Windows does and Wine does not, for tests: the linker puts these
 *      functions between the driver's port and the system (--wrap, in
 *      Package.cmake). A call of a system's function goes through a pointer
 *      that the import library has, __imp_X; the pointers here stand in for
 *      those. Only the package of the build's testpackage-fault has them, and
 *      for 64 bits, where the names have no decoration. Its command:
 *
 *          iocpsock::strict NAME VALUE
 *
 *      Until it is told otherwise, everything is as the system does it:
 *
 *          guards 0        what the driver does under Wine only is left out,
 *                          and bind says that a port is in use where Windows
 *                          does
 *          reserved PORT   the system has reserved the port: 0 is none
 *          sockets 0       WSASocketW fails with WSAEINVAL
 *          inheritflag 0   WSASocketW refuses WSA_FLAG_NO_HANDLE_INHERIT
 *          skipping 0      SetFileCompletionNotificationModes fails
 *          rto 1           SIO_TCP_INITIAL_RTO is known
 *          reverse 0       GetNameInfoW finds no name, and fails
 *          message TEXT    what the system says about errors, unless empty
 *
 *          iocpsock::strict asked
 *                      the retransmissions that sockets were given by
 *                      SIO_TCP_INITIAL_RTO, known or not
 *          iocpsock::strict reset
 */

#include "testStrict.h"

#include "cpResolve.h"
#include "cpWin.h"

#include <string.h>

typedef enum Setting {
    STRICT_GUARDS,
    STRICT_RESERVED,
    STRICT_SOCKETS,
    STRICT_INHERITFLAG,
    STRICT_SKIPPING,
    STRICT_RTO,
    STRICT_REVERSE,
    SETTING_COUNT
} Setting;

static const int defaults[SETTING_COUNT] = {
    [STRICT_GUARDS] = 1,
    [STRICT_SOCKETS] = 1,
    [STRICT_INHERITFLAG] = 1,
    [STRICT_SKIPPING] = 1,
    [STRICT_REVERSE] = 1,
};
static volatile LONG settings[SETTING_COUNT] = {
    [STRICT_GUARDS] = 1,
    [STRICT_SOCKETS] = 1,
    [STRICT_INHERITFLAG] = 1,
    [STRICT_SKIPPING] = 1,
    [STRICT_REVERSE] = 1,
};

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

CpError
__wrap_CpWineSocketError(CpError error)
{
    return settings[STRICT_GUARDS] ? __real_CpWineSocketError(error) : error;
}

int
__wrap_CpWineDeniedIsInUse(unsigned port)
{
    return settings[STRICT_GUARDS] && __real_CpWineDeniedIsInUse(port);
}

void
__wrap_CpWineBind(CpHandle *handlePtr, const CpAddr *addrPtr)
{
    if (settings[STRICT_GUARDS]) {
        __real_CpWineBind(handlePtr, addrPtr);
    }
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
    if (!settings[STRICT_SOCKETS]
        || (!settings[STRICT_INHERITFLAG]
            && (flags & WSA_FLAG_NO_HANDLE_INHERIT))) {
        WSASetLastError(WSAEINVAL);
        return INVALID_SOCKET;
    }
    return __real___imp_WSASocketW(family, type, protocol, infoPtr, group,
        flags);
}

/*
 * A socket that wants a port on all addresses is never denied it, unless it
 * wants to share it: it is in use.
 */

static int WSAAPI
StrictBind(SOCKET sock, const SOCKADDR *addrPtr, int length)
{
    BOOL shares = FALSE;
    int bytes = sizeof(shares);
    CpAddr addr;

    memset(&addr, 0, sizeof(addr));
    memcpy(addr.u.bytes, addrPtr, (size_t) length);
    if (settings[STRICT_RESERVED] != 0
        && CpAddrPort(&addr) == (unsigned) settings[STRICT_RESERVED]) {
        WSASetLastError(WSAEACCES);
        return SOCKET_ERROR;
    }
    if (__real___imp_bind(sock, addrPtr, length) == 0) {
        return 0;
    }
    if (!settings[STRICT_GUARDS] && CpAddrIsAny(&addr)
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
    if (code == SIO_INITIAL_RTO) {
        AcquireSRWLockExclusive(&strictLock);
        if (askedCount < ASKED_MAX) {
            asked[askedCount++] = ((unsigned char *) inPtr)[sizeof(USHORT)];
        }
        ReleaseSRWLockExclusive(&strictLock);
        if (settings[STRICT_RTO]) {
            *bytesPtr = 0;
            return 0;
        }
    }
    return __real___imp_WSAIoctl(sock, code, inPtr, inBytes, outPtr, outBytes,
        bytesPtr, overlappedPtr, proc);
}

static INT WSAAPI
StrictNameInfo(const SOCKADDR *addrPtr, socklen_t length, WCHAR *host,
    DWORD hostChars, WCHAR *service, DWORD serviceChars, INT flags)
{
    if (!settings[STRICT_REVERSE] && !(flags & NI_NUMERICHOST)) {
        return WSATRY_AGAIN;
    }
    return __real___imp_GetNameInfoW(addrPtr, length, host, hostChars, service,
        serviceChars, flags);
}

static BOOL WINAPI
StrictModes(HANDLE handle, UCHAR flags)
{
    if (!settings[STRICT_SKIPPING]) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    return __real___imp_SetFileCompletionNotificationModes(handle, flags);
}

/* The text as FormatMessageW gives it; 0 and an error where it does not fit. */

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
SetMessage(const char *text)
{
    int chars = MultiByteToWideChar(CP_UTF8, 0, text, -1, NULL, 0);
    WCHAR *newPtr = NULL;

    if (text[0] != '\0') {
        newPtr = LocalAlloc(LMEM_FIXED, (size_t) chars * sizeof(WCHAR));
        MultiByteToWideChar(CP_UTF8, 0, text, -1, newPtr, chars);
    }
    AcquireSRWLockExclusive(&strictLock);
    LocalFree(messagePtr);
    messagePtr = newPtr;
    ReleaseSRWLockExclusive(&strictLock);
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

static void
Reset(void)
{
    int i;

    for (i = 0; i < SETTING_COUNT; i++) {
        InterlockedExchange(&settings[i], defaults[i]);
    }
    SetMessage("");
    AcquireSRWLockExclusive(&strictLock);
    askedCount = 0;
    ReleaseSRWLockExclusive(&strictLock);
}

int
StrictObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    enum { CMD_MESSAGE = SETTING_COUNT, CMD_ASKED, CMD_RESET };
    static const char *const names[] = {
        [STRICT_GUARDS] = "guards",
        [STRICT_RESERVED] = "reserved",
        [STRICT_SOCKETS] = "sockets",
        [STRICT_INHERITFLAG] = "inheritflag",
        [STRICT_SKIPPING] = "skipping",
        [STRICT_RTO] = "rto",
        [STRICT_REVERSE] = "reverse",
        [CMD_MESSAGE] = "message",
        [CMD_ASKED] = "asked",
        [CMD_RESET] = "reset",
        NULL,
    };
    int name, value;

    (void) clientData;
    if (objc < 2) {
        Tcl_WrongNumArgs(interp, 1, objv, "name ?value?");
        return TCL_ERROR;
    }
    if (Tcl_GetIndexFromObj(interp, objv[1], names, "name", 0, &name)
        != TCL_OK) {
        return TCL_ERROR;
    }
    if (objc != (name < CMD_ASKED ? 3 : 2)) {
        Tcl_WrongNumArgs(interp, 2, objv, name < CMD_ASKED ? "value" : NULL);
        return TCL_ERROR;
    }
    if (name == CMD_MESSAGE) {
        SetMessage(Tcl_GetString(objv[2]));
    } else if (name == CMD_ASKED) {
        Tcl_SetObjResult(interp, Asked());
    } else if (name == CMD_RESET) {
        Reset();
    } else {
        if (Tcl_GetIntFromObj(interp, objv[2], &value) != TCL_OK) {
            return TCL_ERROR;
        }
        InterlockedExchange(&settings[name], value);
    }
    return TCL_OK;
}
