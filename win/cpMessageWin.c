/*
 * cpMessageWin.c --
 *
 *      The port's part in message loops that are not Tcl's.
 */

#include "cpPortWin.h"

#include <windows.h>

/* Messages that GetMessage returns only when no posted message waits. */
#define BEHIND_POSTED (QS_INPUT | QS_HOTKEY | QS_PAINT | QS_TIMER)

/*
 * The alert is a posted message. One after the other would keep the user's
 * input, timers and painting waiting for ever, so if any of these waits, the
 * loop has to get to it before the owner's lease is over.
 *
 * GetQueueStatus makes what waits old for loops that only wait for new
 * messages. A new message follows in each case: the alert at once, or that of
 * the helper.
 */

void
CpPortRecall(CpPort *portPtr)
{
    int messagesWait = HIWORD(GetQueueStatus(BEHIND_POSTED)) != 0;

    AcquireSRWLockExclusive(&portPtr->lock);
    CpOwnerIsBusyLocked(portPtr);

    /* The owner may have answered the last alert without a look at its inbox:
     * it had enough to do. */
    portPtr->alerted = 0;
    if (!messagesWait) {
        CpOwnerAlertLocked(portPtr);
    }
    ReleaseSRWLockExclusive(&portPtr->lock);
}
