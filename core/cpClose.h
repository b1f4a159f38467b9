/*
 * cpClose.h --
 *
 *      The ends of a close: in order, after a limit of time, or by a reset.
 */

#ifndef CP_CLOSE_H
#define CP_CLOSE_H

#include "cpConn.h"
#include "cpList.h"

/*
 * A lingering close reads and discards input until the peer's end of file. It
 * ends after CP_LINGER_MS milliseconds, or CP_LINGER_IDLE_MS without input.
 */

#ifndef CP_LINGER_MS
#define CP_LINGER_MS 30000
#endif
#ifndef CP_LINGER_IDLE_MS
#define CP_LINGER_IDLE_MS 5000
#endif

/* The connections of one thread whose close has begun. */

typedef struct CpCloseList {
    CpList timed;   /* By the time at which their limits end. */
    CpList untimed; /* Without a limit. */
} CpCloseList;

/* A close that takes longer than timeoutMs becomes a reset, and
 * CpConnUnreportedError returns CP_ETIMEDOUT. 0 is no limit. */
void CpConnSetCloseTimeout(CpConn *connPtr, uint32_t timeoutMs);
uint32_t CpConnCloseTimeout(const CpConn *connPtr);

/*
 * CpConnCloseBegins --
 *
 *      The user is about to call CpConnClose, perhaps after a few more writes.
 *      The first call starts the close timeout. Each call puts the connection
 *      into the thread's list, which it leaves at CpConnMove and at its end. A
 *      close without a list has no time limits.
 */

void CpConnCloseBegins(CpConn *connPtr, CpCloseList *listPtr);

/*
 * CpCloseTick --
 *
 *      Ends the closes that have reached their time limits.
 *
 * Results:
 *      Milliseconds until the next limit; -1 if there is none.
 */

int64_t CpCloseTick(CpCloseList *listPtr, uint64_t nowMs);

/*
 * CpConnAbort --
 *
 *      Resets the connection: cancels outstanding operations, drops unsent
 *      bytes, and makes the close a reset. A connection that is not closing yet
 *      is readable and writable from then on, and its user has to close it.
 */

void CpConnAbort(CpConn *connPtr);
int CpConnIsAborted(const CpConn *connPtr);

/* Ends every close of the list; one with unsent bytes ends by a reset. */
void CpCloseEndAll(CpCloseList *listPtr);

#endif /* CP_CLOSE_H */
