/*
 * testPump.c --
 *
 *	The command testpump of the package iocpsocktest: message loops that
 *	are not Tcl's.
 *
 *	    testpump run ms	runs a loop until it is stopped, or for a number
 *				of milliseconds; returns "stopped" or "timed
 *				out"
 *	    testpump box ms	the same with the loop of a message box, which
 *				is open for that time
 *	    testpump waits	how often the loops of "run" in this thread
 *				had to wait since the first call of this
 *	    testpump stop	ends the innermost loop of the calling thread
 *
 *	Windows runs such a loop while a menu or a message box is open and while
 *	a window is moved. Programs that embed Tcl have loops of their own. Only
 *	messages wake them. Like Tk, this command sets the service mode for the
 *	loop: messages to Tcl's notifier window then serve its event sources.
 */

#include "testRaw.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <string.h>
#include <wchar.h>

#define BOX_CLASS L"#32770" /* The class of dialogs and message boxes. */
#define BOX_TITLE L"iocpsock test"
#define BOX_LOOK_MS 20 /* How often a box checks whether it must end. */

typedef struct PumpThread {
    int stopping;
    int countsWaits;
    int waits;
    ULONGLONG boxEndMs;
} PumpThread;

static Tcl_ThreadDataKey pumpKey;

static PumpThread *
ThisThread(void)
{
    return Tcl_GetThreadData(&pumpKey, sizeof(PumpThread));
}

static int
SetHow(Tcl_Interp *interp, PumpThread *threadPtr)
{
    Tcl_SetObjResult(interp,
        Tcl_NewStringObj(threadPtr->stopping ? "stopped" : "timed out", -1));
    threadPtr->stopping = 0;
    return TCL_OK;
}

static int
Run(Tcl_Interp *interp, int ms)
{
    PumpThread *threadPtr = ThisThread();
    ULONGLONG endMs = GetTickCount64() + (ULONGLONG) ms;
    UINT_PTR timer = SetTimer(NULL, 0, (UINT) ms, NULL);
    int oldMode = Tcl_SetServiceMode(TCL_SERVICE_ALL);
    MSG msg;

    threadPtr->stopping = 0;
    while (!threadPtr->stopping && GetTickCount64() < endMs) {
        threadPtr->waits += threadPtr->countsWaits
            && !PeekMessageW(&msg, NULL, 0, 0, PM_NOREMOVE);
        if (GetMessageW(&msg, NULL, 0, 0) <= 0) {
            break;
        }
        TranslateMessage(&msg);
        DispatchMessageW(&msg);
    }
    Tcl_SetServiceMode(oldMode);
    KillTimer(NULL, timer);
    return SetHow(interp, threadPtr);
}

/* Presses the button of the box, as a user does. */

static BOOL CALLBACK
PressIfBox(HWND window, LPARAM param)
{
    WCHAR text[32];

    (void) param;
    if (GetClassNameW(window, text, 32) > 0 && wcscmp(text, BOX_CLASS) == 0
        && GetWindowTextW(window, text, 32) > 0
        && wcscmp(text, BOX_TITLE) == 0) {
        PostMessageW(window, WM_COMMAND, IDOK, 0);
    }
    return TRUE;
}

/* The loop of the box calls this. */

static void CALLBACK
LookAtBox(HWND window, UINT message, UINT_PTR timer, DWORD timeMs)
{
    PumpThread *threadPtr = ThisThread();

    (void) window;
    (void) message;
    (void) timer;
    (void) timeMs;
    if (threadPtr->stopping || GetTickCount64() >= threadPtr->boxEndMs) {
        EnumThreadWindows(GetCurrentThreadId(), PressIfBox, 0);
    }
}

static int
Box(Tcl_Interp *interp, int ms)
{
    PumpThread *threadPtr = ThisThread();
    UINT_PTR timer = SetTimer(NULL, 0, BOX_LOOK_MS, LookAtBox);
    int oldMode = Tcl_SetServiceMode(TCL_SERVICE_ALL);
    int pressed;

    threadPtr->stopping = 0;
    threadPtr->boxEndMs = GetTickCount64() + (ULONGLONG) ms;
    pressed = MessageBoxW(NULL, L"This closes by itself.", BOX_TITLE, MB_OK);
    Tcl_SetServiceMode(oldMode);
    KillTimer(NULL, timer);
    if (pressed == 0) {
        Tcl_SetObjResult(interp,
            Tcl_ObjPrintf("no message box: error %lu", GetLastError()));
        return TCL_ERROR;
    }
    return SetHow(interp, threadPtr);
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
    if (objc == 3 && strcmp(name, "box") == 0) {
        if (Tcl_GetIntFromObj(interp, objv[2], &ms) != TCL_OK) {
            return TCL_ERROR;
        }
        return Box(interp, ms);
    }
    if (objc == 2 && strcmp(name, "waits") == 0) {
        ThisThread()->countsWaits = 1;
        Tcl_SetObjResult(interp, Tcl_NewIntObj(ThisThread()->waits));
        return TCL_OK;
    }
    if (objc == 2 && strcmp(name, "stop") == 0) {
        ThisThread()->stopping = 1;
        return TCL_OK;
    }
    Tcl_WrongNumArgs(interp, 1, objv, "run ms, box ms, waits, or stop");
    return TCL_ERROR;
}

void
TestPumpCreateCommand(Tcl_Interp *interp)
{
    Tcl_CreateObjCommand(interp, "testpump", TestPumpObjCmd, NULL, NULL);
}
