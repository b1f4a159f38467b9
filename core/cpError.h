/*
 * cpError.h --
 *
 *      Error codes of the core. Each stands for one POSIX error, but for
 *      CP_ETRUNCATED; a port translates what its system reports into these,
 *      once, at its edge.
 */

#ifndef CP_ERROR_H
#define CP_ERROR_H

typedef enum CpError {
    CP_OK = 0,
    CP_EAGAIN,    /* Not now; completion will tell when. */
    CP_ECANCELED, /* Cancelled: an ordinary result. */
    CP_EACCES,
    CP_EADDRINUSE,
    CP_EADDRNOTAVAIL,
    CP_EAFNOSUPPORT,
    CP_EBADF,
    CP_ECONNABORTED,
    CP_ECONNREFUSED,
    CP_ECONNRESET,
    CP_EFAULT,
    CP_EHOSTUNREACH,
    CP_EINVAL,
    CP_EIO,
    CP_EISCONN,
    CP_EMFILE,
    CP_EMSGSIZE,
    CP_ENETDOWN,
    CP_ENETRESET,
    CP_ENETUNREACH,
    CP_ENOBUFS,
    CP_ENOMEM,
    CP_ENOPROTOOPT,
    CP_ENOTCONN,
    CP_ENOTSOCK,
    CP_EOPNOTSUPP,
    CP_EPIPE,
    CP_EPROTONOSUPPORT,
    CP_ETIMEDOUT,
    CP_ETRUNCATED, /* A file is shorter than it was. */
    CP_ERROR_COUNT
} CpError;

/*
 * CpErrorName --
 *
 *      The POSIX name of an error ("ECONNREFUSED"), a static string; "OK" for
 *      CP_OK.
 */

const char *CpErrorName(CpError error);

#endif /* CP_ERROR_H */
