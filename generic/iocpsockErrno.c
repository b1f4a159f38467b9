/*
 * iocpsockErrno.c --
 *
 *      The errno values of the core's errors, and error messages.
 */

#include "iocpsock.h"

#include <errno.h>
#include <stdio.h>

static const int errnos[CP_ERROR_COUNT] = {
    [CP_OK] = 0,
    [CP_EAGAIN] = EWOULDBLOCK,
    [CP_ECANCELED] = EINTR,
    [CP_EACCES] = EINVAL, /* As with Tcl's driver, which has no EACCES. */
    [CP_EADDRINUSE] = EADDRINUSE,
    [CP_EADDRNOTAVAIL] = EADDRNOTAVAIL,
    [CP_EAFNOSUPPORT] = EAFNOSUPPORT,
    [CP_EBADF] = EBADF,
    [CP_ECONNABORTED] = ECONNABORTED,
    [CP_ECONNREFUSED] = ECONNREFUSED,
    [CP_ECONNRESET] = ECONNRESET,
    [CP_EFAULT] = EFAULT,
    [CP_EHOSTUNREACH] = EHOSTUNREACH,
    [CP_EINVAL] = EINVAL,
    [CP_EIO] = EIO,
    [CP_EISCONN] = EISCONN,
    [CP_EMFILE] = EMFILE,
    [CP_EMSGSIZE] = EMSGSIZE,
    [CP_ENETDOWN] = ENETDOWN,
    [CP_ENETRESET] = ENETRESET,
    [CP_ENETUNREACH] = ENETUNREACH,
    [CP_ENOBUFS] = ENOBUFS,
    [CP_ENOMEM] = ENOMEM,
    [CP_ENOPROTOOPT] = ENOPROTOOPT,
    [CP_ENOTCONN] = ENOTCONN,
    [CP_ENOTSOCK] = ENOTSOCK,
    [CP_EOPNOTSUPP] = EOPNOTSUPP,
    [CP_EPIPE] = EPIPE,
    [CP_EPROTONOSUPPORT] = EPROTONOSUPPORT,
    [CP_ETIMEDOUT] = ETIMEDOUT,
    [CP_ETRUNCATED] = EIO,
};

int
IocpsockErrno(CpError error)
{
    return errnos[CpErrorNumber(error) != 0 ? CP_EIO : error];
}

const char *
IocpsockErrorText(CpError error, char *text)
{
    unsigned number = CpErrorNumber(error);

    if (number == 0) {
        return Tcl_ErrnoMsg(IocpsockErrno(error));
    }

    /* A Win32 or Winsock error, or an NTSTATUS. */
    snprintf(text, IOCPSOCK_TEXT_BYTES,
        number < 0x10000 ? "unknown error (Windows %u)"
                         : "unknown error (Windows 0x%08x)",
        number);
    return text;
}

int
IocpsockPosixFailure(Tcl_Interp *interp, const char *what, CpError error)
{
    char text[IOCPSOCK_TEXT_BYTES];

    Tcl_SetErrno(IocpsockErrno(error));
    if (interp != NULL) {
        const char *message = IocpsockErrorText(error, text);

        Tcl_SetErrorCode(interp, "POSIX", Tcl_ErrnoId(), message, NULL);
        Tcl_SetObjResult(interp, Tcl_ObjPrintf("%s: %s", what, message));
    }
    return TCL_ERROR;
}

/*
 * Tcl makes messages from errno. Some errors only have a number, and no errno.
 * For these the driver makes the message, in the form of TIP 219.
 */

int
IocpsockChanErrno(IocpsockChan *chanPtr, const char *what, CpError error)
{
    char text[IOCPSOCK_TEXT_BYTES];
    Tcl_Obj *code[3], *parts[5];

    if (CpErrorNumber(error) == 0) {
        return IocpsockErrno(error);
    }
    IocpsockErrorText(error, text);
    code[0] = Tcl_NewStringObj("POSIX", -1);
    code[1] = Tcl_NewStringObj("EIO", -1);
    code[2] = Tcl_NewStringObj(text, -1);
    parts[0] = Tcl_NewStringObj("-code", -1);
    parts[1] = Tcl_NewIntObj(TCL_ERROR);
    parts[2] = Tcl_NewStringObj("-errorcode", -1);
    parts[3] = Tcl_NewListObj(3, code);
    parts[4] = Tcl_ObjPrintf("%s \"%s\": %s", what,
        Tcl_GetChannelName(chanPtr->channel), text);
    Tcl_SetChannelError(chanPtr->channel, Tcl_NewListObj(5, parts));
    return IocpsockErrno(error);
}

int
IocpsockCloseErrno(Tcl_Interp *interp, CpError error)
{
    char text[IOCPSOCK_TEXT_BYTES];

    if (interp != NULL && CpErrorNumber(error) != 0) {
        IocpsockErrorText(error, text);
        Tcl_SetErrorCode(interp, "POSIX", "EIO", text, NULL);
        Tcl_SetObjResult(interp, Tcl_NewStringObj(text, -1));
    }
    return IocpsockErrno(error);
}

void
IocpsockResolverFailure(Tcl_Interp *interp, const char *message)
{
    if (interp != NULL) {
        Tcl_SetObjResult(interp,
            Tcl_ObjPrintf(COULD_NOT_OPEN ": %s",
                message != NULL ? message : "not enough memory"));
    }
}
