/*
 * cpDial.h --
 *
 *      Connecting through lists of addresses: each remote address from each
 *      local one of its family, until one attempt succeeds.
 */

#ifndef CP_DIAL_H
#define CP_DIAL_H

#include "cpPort.h"

typedef struct CpDial CpDial;

/*
 * Called once when the dialling is over; the dial is gone then. error and
 * handlePtr are the last attempt's. The handle is the caller's; after a failed
 * attempt it is only good for its local name, and NULL if there was no socket.
 */

typedef void CpDialProc(void *clientData, CpError error, CpHandle *handlePtr);

/*
 * CpDialStart --
 *
 *      Starts dialling. The lists are copied. Without local addresses the
 *      system chooses one.
 *
 * Results:
 *      CP_EAGAIN and *dialPtrPtr when an attempt is under way; otherwise the
 *      error of the last attempt, with nothing started and no call to come.
 */

CpError CpDialStart(CpPort *portPtr, const CpAddr *remotes,
    unsigned remoteCount, const CpAddr *locals, unsigned localCount,
    CpDialProc *proc, void *clientData, CpDial **dialPtrPtr);

/* The attempt under way is the last; its end is still reported. */
void CpDialCancel(CpDial *dialPtr);

/* Options of the attempt under way, and of those that follow it. */
CpError CpDialSetOpt(CpDial *dialPtr, CpSockOpt opt, int value);
CpError CpDialGetOpt(CpDial *dialPtr, CpSockOpt opt, int *valuePtr);

/* As CpHandleMove. */
void CpDialMove(CpDial *dialPtr, CpPort *portPtr);

#endif /* CP_DIAL_H */
