/*
 * cpErrorName.c --
 *
 *      POSIX names of the core's error codes.
 */

#include "cpError.h"

#include <assert.h>
#include <stddef.h>

static const char *const errorNames[CP_ERROR_COUNT] = {
    [CP_OK] = "OK",
    [CP_EAGAIN] = "EAGAIN",
    [CP_ECANCELED] = "ECANCELED",
    [CP_EACCES] = "EACCES",
    [CP_EADDRINUSE] = "EADDRINUSE",
    [CP_EADDRNOTAVAIL] = "EADDRNOTAVAIL",
    [CP_EAFNOSUPPORT] = "EAFNOSUPPORT",
    [CP_EBADF] = "EBADF",
    [CP_ECONNABORTED] = "ECONNABORTED",
    [CP_ECONNREFUSED] = "ECONNREFUSED",
    [CP_ECONNRESET] = "ECONNRESET",
    [CP_EFAULT] = "EFAULT",
    [CP_EHOSTUNREACH] = "EHOSTUNREACH",
    [CP_EINVAL] = "EINVAL",
    [CP_EIO] = "EIO",
    [CP_EISCONN] = "EISCONN",
    [CP_EMFILE] = "EMFILE",
    [CP_EMSGSIZE] = "EMSGSIZE",
    [CP_ENETDOWN] = "ENETDOWN",
    [CP_ENETRESET] = "ENETRESET",
    [CP_ENETUNREACH] = "ENETUNREACH",
    [CP_ENOBUFS] = "ENOBUFS",
    [CP_ENOMEM] = "ENOMEM",
    [CP_ENOPROTOOPT] = "ENOPROTOOPT",
    [CP_ENOTCONN] = "ENOTCONN",
    [CP_ENOTSOCK] = "ENOTSOCK",
    [CP_EOPNOTSUPP] = "EOPNOTSUPP",
    [CP_EPIPE] = "EPIPE",
    [CP_EPROTONOSUPPORT] = "EPROTONOSUPPORT",
    [CP_ETIMEDOUT] = "ETIMEDOUT",
    [CP_ETRUNCATED] = "ETRUNCATED",
};

const char *
CpErrorName(CpError error)
{
    if (CpErrorNumber(error) != 0) {
        error = CP_EIO;
    }
    assert(error >= CP_OK && error < CP_ERROR_COUNT);
    return errorNames[error];
}
