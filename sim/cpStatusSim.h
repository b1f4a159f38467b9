/*
 * cpStatusSim.h --
 *
 *      The errors with a name that an operation can end with on Windows:
 *      whatever win/cpErrorWin.c makes of an NTSTATUS or of a failed submit.
 *      tests/errorTest.c checks that these are all of them, and no others.
 */

#ifndef CP_STATUS_SIM_H
#define CP_STATUS_SIM_H

#include "cpError.h"

/* The first one comes only to operations that are cancelled. */

static const CpError simStatusErrors[] = {CP_ECANCELED, CP_EACCES,
    CP_EADDRINUSE, CP_EADDRNOTAVAIL, CP_EAFNOSUPPORT, CP_EBADF, CP_ECONNABORTED,
    CP_ECONNREFUSED, CP_ECONNRESET, CP_EFAULT, CP_EHOSTUNREACH, CP_EINVAL,
    CP_EISCONN, CP_EMFILE, CP_EMSGSIZE, CP_ENETDOWN, CP_ENETRESET,
    CP_ENETUNREACH, CP_ENOBUFS, CP_ENOMEM, CP_ENOPROTOOPT, CP_ENOTCONN,
    CP_ENOTSOCK, CP_EOPNOTSUPP, CP_EPIPE, CP_EPROTONOSUPPORT, CP_ETIMEDOUT,
    CP_ETRUNCATED};

#define SIM_STATUS_COUNT (sizeof(simStatusErrors) / sizeof(simStatusErrors[0]))

#endif /* CP_STATUS_SIM_H */
