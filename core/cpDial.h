/*
 * cpDial.h --
 *
 *      Connecting by name, or through lists of addresses: tries each remote
 *      address from each local one of its family, until one attempt succeeds.
 */

#ifndef CP_DIAL_H
#define CP_DIAL_H

#include "cpPort.h"
#include "cpResolve.h"

typedef struct CpDial CpDial;

/*
 * Called once at the end; the dial no longer exists then. error and handlePtr
 * are those of the last attempt. The handle is the caller's. After a failure it
 * only has a local name, and it is NULL if there was no socket. message is
 * NULL, or the resolver's if it found no addresses: the caller frees it with
 * CpMessageFree.
 */

typedef void CpDialProc(void *clientData, CpError error, CpHandle *handlePtr,
    char *message);

/*
 * CpDialStart --
 *
 *      Starts dialling, and owns the lists from then on. Without local
 *      addresses the system chooses one. With wait each attempt has completed
 *      when it is submitted (see CpSubmitConnect), and later reaps call
 *      CpDialProc.
 *
 * Results:
 *      CP_EAGAIN and *dialPtrPtr if an attempt has begun. Otherwise the error
 *      of the last attempt, and CpDialProc will not be called.
 */

CpError CpDialStart(CpPort *portPtr, CpResolved *resolvedPtr, int wait,
    CpDialProc *proc, void *clientData, CpDial **dialPtrPtr);

/* The same for host names, which are looked up first. */
CpError CpDialStartName(CpPort *portPtr, const CpTarget *targetPtr,
    CpDialProc *proc, void *clientData, CpDial **dialPtrPtr);

/* Whether names are still looked up. */
int CpDialResolving(const CpDial *dialPtr);

/* Makes the present attempt the last one. CpDialProc is still called. */
void CpDialCancel(CpDial *dialPtr);

/*
 * Options of the present attempt and of later ones. While names are looked up,
 * only options that were set have a value; for others this is CP_ENOTCONN.
 */

CpError CpDialSetOpt(CpDial *dialPtr, CpSockOpt opt, int value);
CpError CpDialGetOpt(CpDial *dialPtr, CpSockOpt opt, int *valuePtr);

/* As CpHandleMove. */
void CpDialMove(CpDial *dialPtr, CpPort *portPtr);

#endif /* CP_DIAL_H */
