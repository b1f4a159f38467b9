/*
 * cpErrorWin.h --
 *
 *      Translation of Windows' errors into the core's, at the port's edge.
 */

#ifndef CP_ERROR_WIN_H
#define CP_ERROR_WIN_H

#include "cpError.h"

/* An error of WSAGetLastError or GetLastError; 0 is CP_OK. */
CpError CpErrorOfWin(unsigned long code);

/* The same for an overlapped operation that failed at its submit. There
 * WSAEWOULDBLOCK means that too many are outstanding: CP_ENOBUFS. */

CpError CpErrorOfSubmit(unsigned long code);

/* The NTSTATUS of a completed operation (OVERLAPPED.Internal). */
CpError CpErrorOfStatus(unsigned long status);

#endif /* CP_ERROR_WIN_H */
