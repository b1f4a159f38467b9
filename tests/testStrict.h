/*
 * testStrict.h --
 *
 *      Shared by testStrict.c, testStrictIo.c and testStrictFail.c: the
 *      settings, and the command iocpsock::strict.
 */

#ifndef TEST_STRICT_H
#define TEST_STRICT_H

#include <tcl.h>

#include "cpWin.h"

typedef enum StrictSetting {
    STRICT_GUARDS,
    STRICT_RESERVED,
    STRICT_RESERVED_LAST,
    STRICT_RESERVED_FAMILY,
    STRICT_SOCKETS,
    STRICT_INHERITFLAG,
    STRICT_SKIPPING,
    STRICT_RTO,
    STRICT_REFUSALS,
    STRICT_REVERSE,
    STRICT_SLOTS,
    STRICT_ACCEPTFAILS,
    STRICT_CONNECTFAILS,
    STRICT_RECVFAILS,
    STRICT_SENDFAILS,
    STRICT_SEED,
    STRICT_COUNT
} StrictSetting;

extern volatile LONG strictSettings[STRICT_COUNT];

Tcl_ObjCmdProc StrictObjCmd;

/* Reads IOCPSOCK_STRICT once in a process, before the driver starts. Reports a
 * wrong word when Tcl's stubs are available. */
void StrictInit(void);
int StrictCheck(Tcl_Interp *interp);

/* ------------------------------------------------- testStrictIo.c */

/* The driver has opened a socket. */
void StrictIoOpened(SOCKET sock);

/* The socket skips completions of operations that succeed at once. */
void StrictIoSkips(SOCKET sock);

/* The socket must not repeat a refused connect. */
void StrictIoRefusesAtOnce(SOCKET sock);

/* Replaces an extension function that the driver has asked for by one of
 * testStrictIo.c. */
void StrictIoExtension(const GUID *guidPtr, void *procPtrPtr);

/* ----------------------------------------------- testStrictFail.c */

/* Returns whether a submit fails now, by the setting of its kind, and sets the
 * error. */
int StrictFails(StrictSetting rate);

/* Returns an AcceptEx whose calls fail sometimes, instead of the system's. */
LPFN_ACCEPTEX StrictFailAcceptEx(LPFN_ACCEPTEX acceptEx);

/* Returns the number of submits that failed since the last reset. */
int StrictFailed(void);
void StrictFailReset(void);

#endif /* TEST_STRICT_H */
