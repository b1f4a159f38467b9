/*
 * tclWinSock.c --
 *
 *      TCP channels for Tcl on Windows, on overlapped I/O and I/O completion
 *      ports.
 *
 *      This file was made of the sources of iocpsock, which see for their
 *      documentation and their tests. Do not change it: change these, and make
 *      it again (tools/make-incore). It has these parts:
 *
 *          cp*.h, cp*.c       connections and listeners; no Tcl, no Windows
 *          cp*Win.h, .c       completion ports, sockets, names
 *          iocpsock*.h, .c    the channel type and the event source
 *          tclWinSockApi.c    the functions that the rest of Tcl calls
 *
@LICENSE@
 */

/* The driver needs Windows 7. */
#ifndef WINVER
#define WINVER 0x0601
#endif
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0601
#endif

#include "tclWinInt.h"

#include <mswsock.h>

/* @INCLUDES@ */

/* There is no command that sends files. */
#define CP_NO_FILES

/* Nothing works around Wine, unless Tcl is compiled for it. */
#ifndef TCL_WIN_SOCK_FOR_WINE
#define CP_NO_WINE
#endif

/* Names of channels have even numbers; those of the package are odd. */
#define IOCPSOCK_FIRST_NAME 2
