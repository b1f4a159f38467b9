/*
 * cpError.h --
 *
 *      Error codes of the core. Each stands for one POSIX error, except
 *      CP_ETRUNCATED. A port translates the errors of its system into these,
 *      once, at its edge.
 */

#ifndef CP_ERROR_H
#define CP_ERROR_H

#include <stdint.h>

typedef enum CpError {
    CP_OK = 0,
    CP_EAGAIN,    /* Not now; a completion will say when. */
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
    CP_ETRUNCATED,  /* A file is shorter than it was. */
    CP_ERROR_COUNT, /* Of those with a name. */

    /* From here on: numbers of the system, for errors without a code. */
    CP_ERROR_NUMBERS = 0x40000000,
    CP_ERROR_LAST = 0x7fffffff
} CpError;

/*
 * CpErrorOfNumber, CpErrorNumber --
 *
 *      An error without a code keeps the number that its system gave it, so
 *      that messages can show it.
 *
 *      A number has up to 28 bits and, in its two highest ones, the severity of
 *      an NTSTATUS. The two bits between are lost.
 *
 * Results:
 *      The error of a number; the number of an error, or 0 if it has a code.
 */

CpError CpErrorOfNumber(uint32_t number);
uint32_t CpErrorNumber(CpError error);

/*
 * CpErrorName --
 *
 *      The POSIX name of an error ("ECONNREFUSED"), a static string; "OK" for
 *      CP_OK, and "EIO" for an error that has only a number.
 */

const char *CpErrorName(CpError error);

#endif /* CP_ERROR_H */
