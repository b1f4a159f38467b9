/*
 * iocpsockErrno.c --
 *
 *      The errno values of the core's errors, and messages with them.
 */

#include "iocpsock.h"

#include <errno.h>

static const int errnos[CP_ERROR_COUNT] = {
    [CP_OK] = 0,
    [CP_EAGAIN] = EWOULDBLOCK,
    [CP_ECANCELED] = EINTR,
    [CP_EACCES] = EINVAL, /* As the core, which knows no WSAEACCES. */
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
};

int
IocpsockErrno(CpError error)
{
    return errnos[error];
}

int
IocpsockPosixFailure(Tcl_Interp *interp, const char *what, CpError error)
{
    Tcl_SetErrno(IocpsockErrno(error));
    if (interp != NULL) {
        Tcl_SetObjResult(interp,
            Tcl_ObjPrintf("%s: %s", what, Tcl_PosixError(interp)));
    }
    return TCL_ERROR;
}

void
IocpsockResolverFailure(Tcl_Interp *interp, const char *message)
{
    Tcl_SetObjResult(interp,
        Tcl_ObjPrintf(COULD_NOT_OPEN ": %s",
            message != NULL ? message : "not enough memory"));
}
