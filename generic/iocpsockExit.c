/*
 * iocpsockExit.c --
 *
 *      The end of a thread or of the process: what was written is still sent,
 *      within limits of time.
 */

#include "iocpsock.h"

#define EXIT_STALL_MS 5000 /* See IocpsockExitWait. */

/*
 * Runs before Tcl closes the channels of this thread, which still need the
 * port: only what was closed before is awaited here.
 */

void
IocpsockThreadExit(void *clientData)
{
    IocpsockThread *threadPtr = clientData;

    IocpsockExitWait(threadPtr, NULL);
    threadPtr->exiting = 1;
    IocpsockEndEvents(threadPtr);
    IocpsockThreadDone(threadPtr);
}

void
IocpsockThreadDone(IocpsockThread *threadPtr)
{
    if (threadPtr->exiting && threadPtr->portPtr != NULL
        && threadPtr->channels == 0 && threadPtr->closing == 0) {
        CpPortRelease(threadPtr->portPtr);
        threadPtr->portPtr = NULL;
    }
}

/*
 * What was written before is on its way to the system. A peer that takes
 * nothing must not hold an exit for ever, nor many of them one after the other:
 * when nothing of the thread's has moved for a while the rest is given up, as
 * the core gives up what a non-blocking channel holds at exit. What comes after
 * that is given a moment each.
 */

void
IocpsockExitWait(IocpsockThread *threadPtr, const CpConn *connPtr)
{
    unsigned waited = 0;

    while ((connPtr != NULL ? CpConnSending(connPtr) : threadPtr->closing > 0)
        && (waited == 0 || threadPtr->exitStalledMs < EXIT_STALL_MS)) {
        uint64_t beginMs = CpNowMs();
        int patient = threadPtr->exitStalledMs < EXIT_STALL_MS;

        if (CpPortReap(threadPtr->portPtr, patient ? 100 : 10) > 0) {
            threadPtr->exitStalledMs = 0;
        } else {
            threadPtr->exitStalledMs += CpNowMs() - beginMs;
            waited = 1;
        }
        (void) CpCloseTick(&threadPtr->closeList, CpNowMs());
    }
}
