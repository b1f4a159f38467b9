/*
 * testPump.c --
 *
 *	The command testpump of the package iocpsocktest: message loops that
 *	are not Tcl's.
 *
 *	    testpump run ms	runs one until it is stopped, or for so many
 *				milliseconds; returns "stopped" or "timed out"
 *	    testpump stop	ends the innermost one of the calling thread
 *
 *	Windows runs such a loop while a menu or a message box is open and while
 *	a window is moved, and programs that embed Tcl have their own. Only
 *	messages wake it. Tk sets the service mode for such loops as this does:
 *	then messages to Tcl's notifier window make it serve its event sources.
 */

#include "testRaw.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <string.h>

typedef struct PumpThread {
    int stopping;
} PumpThread;

static Tcl_ThreadDataKey pumpKey;

static int
Run(Tcl_Interp *interp, int ms)
{
    PumpThread *threadPtr = Tcl_GetThreadData(&pumpKey, sizeof(PumpThread));
    ULONGLONG endMs = GetTickCount64() + (ULONGLONG) ms;
    UINT_PTR timer = SetTimer(NULL, 0, (UINT) ms, NULL);
    int oldMode = Tcl_SetServiceMode(TCL_SERVICE_ALL);
    MSG msg;

    threadPtr->stopping = 0;
    while (!threadPtr->stopping && GetTickCount64() < endMs
        && GetMessageW(&msg, NULL, 0, 0) > 0) {
        TranslateMessage(&msg);
        DispatchMessageW(&msg);
    }
    Tcl_SetServiceMode(oldMode);
    KillTimer(NULL, timer);
    Tcl_SetObjResult(interp,
        Tcl_NewStringObj(threadPtr->stopping ? "stopped" : "timed out", -1));
    threadPtr->stopping = 0;
    return TCL_OK;
}

static int
TestPumpObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    const char *name = objc > 1 ? Tcl_GetString(objv[1]) : "";
    int ms;

    (void) clientData;
    if (objc == 3 && strcmp(name, "run") == 0) {
        if (Tcl_GetIntFromObj(interp, objv[2], &ms) != TCL_OK) {
            return TCL_ERROR;
        }
        return Run(interp, ms);
    }
    if (objc == 2 && strcmp(name, "stop") == 0) {
        ((PumpThread *) Tcl_GetThreadData(&pumpKey, sizeof(PumpThread)))
            ->stopping = 1;
        return TCL_OK;
    }
    Tcl_WrongNumArgs(interp, 1, objv, "run ms, or stop");
    return TCL_ERROR;
}

void
TestPumpCreateCommand(Tcl_Interp *interp)
{
    Tcl_CreateObjCommand(interp, "testpump", TestPumpObjCmd, NULL, NULL);
}
