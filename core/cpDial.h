/*
 * cpDial.h --
 *
 *      Connecting by names or through lists of addresses: each remote address
 *      from each local one of its family, until one attempt succeeds.
 */

#ifndef CP_DIAL_H
#define CP_DIAL_H

#include "cpPort.h"
#include "cpResolve.h"

typedef struct CpDial CpDial;

/*
 * Called once when the dialling is over; the dial is gone then. error and
 * handlePtr are the last attempt's. The handle is the caller's; after a failed
 * attempt it is only good for its local name, and NULL if there was no socket.
 * message is NULL, or what the resolver said when it had no addresses to try:
 * the caller frees it with CpMessageFree.
 */

typedef void CpDialProc(void *clientData, CpError error, CpHandle *handlePtr,
    char *message);

/*
 * CpDialStart --
 *
 *      Starts dialling. The lists are taken over, whatever comes of it.
 *      Without local addresses the system chooses one. With wait no attempt is
 *      left under way (see CpSubmitConnect): CpDialProc is called out of the
 *      reaps that follow.
 *
 * Results:
 *      CP_EAGAIN and *dialPtrPtr when an attempt is under way; otherwise the
 *      error of the last attempt, with nothing started and no call to come.
 */

CpError CpDialStart(CpPort *portPtr, CpResolved *resolvedPtr, int wait,
    CpDialProc *proc, void *clientData, CpDial **dialPtrPtr);

/* The same by names, which are looked up first. */
CpError CpDialStartName(CpPort *portPtr, const CpTarget *targetPtr,
    CpDialProc *proc, void *clientData, CpDial **dialPtrPtr);

/* Names are being looked up. */
int CpDialResolving(const CpDial *dialPtr);

/* The attempt under way is the last; its end is still reported. */
void CpDialCancel(CpDial *dialPtr);

/*
 * Options of the attempt under way, and of those that follow it. While names
 * are looked up only what was set can be had: otherwise CP_ENOTCONN.
 */

CpError CpDialSetOpt(CpDial *dialPtr, CpSockOpt opt, int value);
CpError CpDialGetOpt(CpDial *dialPtr, CpSockOpt opt, int *valuePtr);

/* As CpHandleMove. */
void CpDialMove(CpDial *dialPtr, CpPort *portPtr);

#endif /* CP_DIAL_H */
