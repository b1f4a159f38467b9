/*
 * testWindow.c --
 *
 *	The command testwindow of the package iocpsocktest. It lists and ends
 *	the modal loops of the calling thread.
 *
 *	    testwindow modal		lists the loops: "menu", "move", and
 *					"dialog" once for each open dialog
 *	    testwindow end kind		ends a loop of this kind (the uppermost
 *					dialog); an error if there is none
 *	    testwindow classes		the classes of the process's windows
 *	    testwindow post handle message wParam lParam
 *	    testwindow send handle message wParam lParam
 *					posts or sends a message to a window
 */

#include "testRaw.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <string.h>

typedef struct Dialogs {
    int count;
    HWND top; /* Returns the uppermost dialog that the user can work with. */
} Dialogs;

static BOOL CALLBACK
CountDialog(HWND hwnd, LPARAM dialogs)
{
    Dialogs *dialogsPtr = (Dialogs *) dialogs;
    WCHAR name[16];

    if (IsWindowVisible(hwnd) && GetClassNameW(hwnd, name, 16) > 0
        && wcscmp(name, L"#32770") == 0) {
        dialogsPtr->count++;
        if (dialogsPtr->top == NULL && IsWindowEnabled(hwnd)) {
            dialogsPtr->top = hwnd;
        }
    }
    return TRUE;
}

static void
Look(GUITHREADINFO *infoPtr, Dialogs *dialogsPtr)
{
    DWORD thread = GetCurrentThreadId();

    memset(infoPtr, 0, sizeof(*infoPtr));
    infoPtr->cbSize = sizeof(*infoPtr);
    GetGUIThreadInfo(thread, infoPtr);
    memset(dialogsPtr, 0, sizeof(*dialogsPtr));
    EnumThreadWindows(thread, CountDialog, (LPARAM) dialogsPtr);
}

static int
Modal(Tcl_Interp *interp)
{
    GUITHREADINFO info;
    Dialogs dialogs;
    Tcl_Obj *resultPtr = Tcl_NewListObj(0, NULL);

    Look(&info, &dialogs);
    for (; dialogs.count > 0; dialogs.count--) {
        Tcl_ListObjAppendElement(NULL, resultPtr,
            Tcl_NewStringObj("dialog", -1));
    }
    if (info.flags & GUI_INMENUMODE) {
        Tcl_ListObjAppendElement(NULL, resultPtr, Tcl_NewStringObj("menu", -1));
    }
    if (info.flags & GUI_INMOVESIZE) {
        Tcl_ListObjAppendElement(NULL, resultPtr, Tcl_NewStringObj("move", -1));
    }
    Tcl_SetObjResult(interp, resultPtr);
    return TCL_OK;
}

static int
End(Tcl_Interp *interp, const char *kind)
{
    GUITHREADINFO info;
    Dialogs dialogs;

    Look(&info, &dialogs);
    if (strcmp(kind, "dialog") == 0 && dialogs.top != NULL) {
        PostMessageW(dialogs.top, WM_COMMAND, IDCANCEL, 0);
        return TCL_OK;
    }
    if (strcmp(kind, "menu") == 0 && (info.flags & GUI_INMENUMODE)) {
        EndMenu();
        return TCL_OK;
    }
    if (strcmp(kind, "move") == 0 && (info.flags & GUI_INMOVESIZE)) {
        PostMessageW(info.hwndMoveSize, WM_KEYDOWN, VK_ESCAPE, 0);
        return TCL_OK;
    }
    Tcl_SetObjResult(interp, Tcl_ObjPrintf("no %s to end", kind));
    return TCL_ERROR;
}

/* Adds the classes of the process's windows below a parent. */

static void
AddClasses(Tcl_Obj *listPtr, HWND parent)
{
    HWND hwnd = NULL;

    while ((hwnd = FindWindowExW(parent, hwnd, NULL, NULL)) != NULL) {
        DWORD processId = 0;
        char name[128];

        GetWindowThreadProcessId(hwnd, &processId);
        if (processId == GetCurrentProcessId()
            && GetClassNameA(hwnd, name, sizeof(name)) > 0) {
            Tcl_ListObjAppendElement(NULL, listPtr, Tcl_NewStringObj(name, -1));
        }
    }
}

static int
Message(Tcl_Interp *interp, int isPosted, Tcl_Obj *const objv[])
{
    Tcl_WideInt hwnd, wParam, lParam;
    int message;

    if (Tcl_GetWideIntFromObj(interp, objv[0], &hwnd) != TCL_OK
        || Tcl_GetIntFromObj(interp, objv[1], &message) != TCL_OK
        || Tcl_GetWideIntFromObj(interp, objv[2], &wParam) != TCL_OK
        || Tcl_GetWideIntFromObj(interp, objv[3], &lParam) != TCL_OK) {
        return TCL_ERROR;
    }
    if (!isPosted) {
        SendMessageW((HWND) (INT_PTR) hwnd, (UINT) message, (WPARAM) wParam,
            (LPARAM) lParam);
        return TCL_OK;
    }
    if (!PostMessageW((HWND) (INT_PTR) hwnd, (UINT) message, (WPARAM) wParam,
            (LPARAM) lParam)) {
        Tcl_SetObjResult(interp,
            Tcl_ObjPrintf("not posted: %d", (int) GetLastError()));
        return TCL_ERROR;
    }
    return TCL_OK;
}

static int
TestWindowObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    const char *name = objc > 1 ? Tcl_GetString(objv[1]) : "";

    (void) clientData;
    if (objc == 2 && strcmp(name, "modal") == 0) {
        return Modal(interp);
    }
    if (objc == 2 && strcmp(name, "classes") == 0) {
        Tcl_Obj *listPtr = Tcl_NewListObj(0, NULL);

        AddClasses(listPtr, NULL);
        AddClasses(listPtr, HWND_MESSAGE);
        Tcl_SetObjResult(interp, listPtr);
        return TCL_OK;
    }
    if (objc == 3 && strcmp(name, "end") == 0) {
        return End(interp, Tcl_GetString(objv[2]));
    }
    if (objc == 6 && (!strcmp(name, "post") || !strcmp(name, "send"))) {
        return Message(interp, *name == 'p', objv + 2);
    }
    Tcl_WrongNumArgs(interp, 1, objv,
        "modal, classes, end kind, or post|send handle message wParam lParam");
    return TCL_ERROR;
}

void
TestWindowCreateCommand(Tcl_Interp *interp)
{
    Tcl_CreateObjCommand(interp, "testwindow", TestWindowObjCmd, NULL, NULL);
}
