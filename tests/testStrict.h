/*
 * testStrict.h --
 *
 *      What testStrict.c, testStrictIo.c and testStrictFail.c share: the
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

/* Reads IOCPSOCK_STRICT, once in a process, before the driver starts, and
 * reports what is wrong with it, when there are Tcl's stubs. */
void StrictInit(void);
int StrictCheck(Tcl_Interp *interp);

/* ------------------------------------------------- testStrictIo.c */

/* The driver has opened a socket. */
void StrictIoOpened(SOCKET sock);

/* The socket skips completions of what succeeds at once. */
void StrictIoSkips(SOCKET sock);

/* The socket is not to repeat a connect that is refused. */
void StrictIoRefusesAtOnce(SOCKET sock);

/* Puts a function of testStrictIo.c in place of an extension function that the
 * driver has asked for. */
void StrictIoExtension(const GUID *guidPtr, void *procPtrPtr);

/* ----------------------------------------------- testStrictFail.c */

/* Whether a submit fails now, by the setting of its kind: then the error is
 * set. */
int StrictFails(StrictSetting rate);

/* An AcceptEx of which some fail, in place of the system's. */
LPFN_ACCEPTEX StrictFailAcceptEx(LPFN_ACCEPTEX acceptEx);

/* How many submits have failed since the last reset. */
int StrictFailed(void);
void StrictFailReset(void);

#endif /* TEST_STRICT_H */
