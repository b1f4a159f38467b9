/*
 * iocpsockLast.c --
 *
 *      How a package notices the end of a thread: by an exit handler, which
 *      runs before Tcl closes the thread's channels, and by a hidden channel,
 *      which Tcl closes last. Tcl's core calls its driver itself
 *      (incore/).
 */

#include "iocpsock.h"

static int
LastClose2(void *instanceData, Tcl_Interp *interp, int flags)
{
    IocpsockThread *threadPtr = (IocpsockThread *) instanceData;

    (void) interp;
    if ((flags & (TCL_CLOSE_READ | TCL_CLOSE_WRITE)) != 0) {
        return 0;
    }
    IocpsockEndSockets(threadPtr);
    return 0;
}

#if TCL_MAJOR_VERSION < 9
static int
LastClose(void *instanceData, Tcl_Interp *interp)
{
    return LastClose2(instanceData, interp, 0);
}
#endif

static void
LastWatch(void *instanceData, int mask)
{
    (void) instanceData;
    (void) mask;
}

/* Scripts cannot read it, write to it or know its name. */

static const Tcl_ChannelType lastChannelType = {
    "iocpsock", TCL_CHANNEL_VERSION_5,
#if TCL_MAJOR_VERSION < 9
    LastClose,
#else
    NULL,
#endif
    NULL,             /* inputProc */
    NULL,             /* outputProc */
    NULL,             /* seekProc */
    NULL,             /* setOptionProc */
    NULL,             /* getOptionProc */
    LastWatch, NULL,  /* getHandleProc */
    LastClose2, NULL, /* blockModeProc */
    NULL,             /* flushProc */
    NULL,             /* handlerProc */
    NULL,             /* wideSeekProc */
    NULL,             /* threadActionProc */
    NULL              /* truncateProc */
};

/*
 * Tcl closes the channels of a thread after its exit handlers, the newest one
 * first. So a channel that is older than all sockets is closed after them. If a
 * standard channel is closed, the next new channel takes its place; this one
 * must not.
 */

static void
MakeLastChannel(IocpsockThread *threadPtr)
{
    static const int types[] = {TCL_STDIN, TCL_STDOUT, TCL_STDERR};
    Tcl_Channel channel = Tcl_CreateChannel(&lastChannelType, "iocpsock",
        threadPtr, 0);
    size_t i;

    if (!Tcl_IsStandardChannel(channel)) {
        return;
    }
    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (Tcl_GetStdChannel(types[i]) == channel) {
            Tcl_SetStdChannel(NULL, types[i]);
            Tcl_DetachChannel(NULL, channel);
        }
    }
}

/* Runs before Tcl closes the channels of this thread, which need the port. */

static void
ThreadExits(void *clientData)
{
    IocpsockThreadEnds((IocpsockThread *) clientData);
}

int
IocpsockWatchEnd(IocpsockThread *threadPtr)
{
    MakeLastChannel(threadPtr);
    Tcl_CreateThreadExitHandler(ThreadExits, threadPtr);
    return 1;
}

int
IocpsockIsExiting(const IocpsockThread *threadPtr)
{
    return threadPtr->exiting;
}
