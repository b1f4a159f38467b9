/*
 * cpClose.h --
 *
 *      How a close ends: in order, after a limit of time, or by a reset.
 */

#ifndef CP_CLOSE_H
#define CP_CLOSE_H

#include "cpConn.h"
#include "cpList.h"

/*
 * A lingering close reads and discards input until the peer's end of file, but
 * no longer than this in all, and than this without input. In milliseconds.
 */

#define CP_LINGER_MS 30000
#define CP_LINGER_IDLE_MS 5000

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
 *      The user is about to call CpConnClose, perhaps after it has written
 *      what it still has. The first call starts the time of the connection's
 *      close timeout. Each call puts the connection into the thread's list,
 *      which it leaves by CpConnMove and at its end. Without a list a close
 *      has no time limits.
 */

void CpConnCloseBegins(CpConn *connPtr, CpCloseList *listPtr);

/*
 * CpCloseTick --
 *
 *      Ends what has reached its time limit.
 *
 * Results:
 *      Milliseconds until the next limit; -1 for never.
 */

int64_t CpCloseTick(CpCloseList *listPtr, uint64_t nowMs);

/*
 * CpConnAbort --
 *
 *      Resets the connection: cancels what is outstanding, drops what was
 *      written and not sent, and makes the close a reset. A connection that is
 *      not closing yet is ready for everything from then on, and its user has
 *      to close it.
 */

void CpConnAbort(CpConn *connPtr);
int CpConnIsAborted(const CpConn *connPtr);

/* Ends every close of the list: by a reset where something is unsent. */
void CpCloseEndAll(CpCloseList *listPtr);

#endif /* CP_CLOSE_H */
