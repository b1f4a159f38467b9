/*
 * cpError.h --
 *
 *      Error codes of the core. Each stands for one POSIX error, but for
 *      CP_ETRUNCATED; a port translates what its system reports into these,
 *      once, at its edge.
 */

#ifndef CP_ERROR_H
#define CP_ERROR_H

#include <stdint.h>

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
    CP_ETRUNCATED,  /* A file is shorter than it was. */
    CP_ERROR_COUNT, /* Of those with a name. */

    /* From here on: the system's own number of an error without one. */
    CP_ERROR_NUMBERS = 0x40000000,
    CP_ERROR_LAST = 0x7fffffff
} CpError;

/*
 * CpErrorOfNumber, CpErrorNumber --
 *
 *      An error that has no name here keeps the number that its system has for
 *      it, for whoever reads the message.
 *
 *      A number has up to 28 bits and, in its two highest, what an NTSTATUS
 *      says of severity; the two bits between are lost.
 *
 * Results:
 *      The error of a number; an error's number, or 0 where it has a name.
 */

CpError CpErrorOfNumber(uint32_t number);
uint32_t CpErrorNumber(CpError error);

/*
 * CpErrorName --
 *
 *      The POSIX name of an error ("ECONNREFUSED"), a static string; "OK" for
 *      CP_OK, "EIO" for one that has only a number.
 */

const char *CpErrorName(CpError error);

#endif /* CP_ERROR_H */
