/*
 * testSystem.c --
 *
 *	The command testsystem of the package iocpsocktest: facts about the
 *	machine that a script cannot find out by itself. The self-test reports
 *	them.
 *
 *	    testsystem wine		Wine's version; empty on Windows
 *	    testsystem version		{major minor build suite product} of the
 *					kernel, whatever the manifest says
 *	    testsystem memory		{total available} in MiB
 *	    testsystem providers	Winsock's catalogue: a list of
 *					{id family type layers handles name}
 */

#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#include <windows.h>

#include <stdlib.h>
#include <string.h>

#include "testRaw.h"

#define MIB (1024 * 1024)
#define NAME_LIMIT 1024 /* Bytes of a provider's name in UTF-8. */

typedef LONG(WINAPI VersionProc)(OSVERSIONINFOEXW *infoPtr);
typedef const char *(*WineProc)(void);

static void
Append(Tcl_Obj *listObj, Tcl_WideInt number)
{
    Tcl_ListObjAppendElement(NULL, listObj, Tcl_NewWideIntObj(number));
}

static FARPROC
NtProc(const char *name)
{
    return GetProcAddress(GetModuleHandleW(L"ntdll.dll"), name);
}

static Tcl_Obj *
Wine(void)
{
    WineProc proc = (WineProc) (void (*)(void)) NtProc("wine_get_version");

    return Tcl_NewStringObj(proc != NULL ? proc() : "", -1);
}

/* GetVersionEx would return what the program's manifest asks for. */

static Tcl_Obj *
Version(void)
{
    VersionProc *proc = (VersionProc *) (void (*)(void)) NtProc(
        "RtlGetVersion");
    Tcl_Obj *listObj = Tcl_NewListObj(0, NULL);
    OSVERSIONINFOEXW info;

    memset(&info, 0, sizeof(info));
    info.dwOSVersionInfoSize = sizeof(info);
    if (proc != NULL && proc(&info) == 0) {
        Append(listObj, info.dwMajorVersion);
        Append(listObj, info.dwMinorVersion);
        Append(listObj, info.dwBuildNumber);
        Append(listObj, info.wSuiteMask);
        Append(listObj, info.wProductType);
    }
    return listObj;
}

static Tcl_Obj *
Memory(void)
{
    MEMORYSTATUSEX status;
    Tcl_Obj *listObj = Tcl_NewListObj(0, NULL);

    status.dwLength = sizeof(status);
    if (GlobalMemoryStatusEx(&status)) {
        Append(listObj, (Tcl_WideInt) (status.ullTotalPhys / MIB));
        Append(listObj, (Tcl_WideInt) (status.ullAvailPhys / MIB));
    }
    return listObj;
}

static Tcl_Obj *
Provider(const WSAPROTOCOL_INFOW *infoPtr)
{
    Tcl_Obj *listObj = Tcl_NewListObj(0, NULL);
    char name[NAME_LIMIT];

    if (WideCharToMultiByte(CP_UTF8, 0, infoPtr->szProtocol, -1, name,
            sizeof(name), NULL, NULL)
        == 0) {
        strcpy(name, "?");
    }
    Append(listObj, infoPtr->dwCatalogEntryId);
    Append(listObj, infoPtr->iAddressFamily);
    Append(listObj, infoPtr->iSocketType);
    Append(listObj, infoPtr->ProtocolChain.ChainLen);
    Append(listObj, (infoPtr->dwServiceFlags1 & XP1_IFS_HANDLES) != 0);
    Tcl_ListObjAppendElement(NULL, listObj, Tcl_NewStringObj(name, -1));
    return listObj;
}

static int
Providers(Tcl_Interp *interp)
{
    WSAPROTOCOL_INFOW *infos = NULL;
    DWORD bytes = 0;
    Tcl_Obj *listObj;
    int i;
    int count = WSAEnumProtocolsW(NULL, NULL, &bytes);

    if (count == SOCKET_ERROR && WSAGetLastError() == WSAENOBUFS) {
        infos = malloc(bytes);
        count = infos != NULL ? WSAEnumProtocolsW(NULL, infos, &bytes)
                              : SOCKET_ERROR;
    }
    if (count == SOCKET_ERROR || infos == NULL) {
        Tcl_SetObjResult(interp,
            Tcl_ObjPrintf("WSAEnumProtocols: Winsock error %d",
                WSAGetLastError()));
        free(infos);
        return TCL_ERROR;
    }
    listObj = Tcl_NewListObj(0, NULL);
    for (i = 0; i < count; i++) {
        Tcl_ListObjAppendElement(NULL, listObj, Provider(&infos[i]));
    }
    free(infos);
    Tcl_SetObjResult(interp, listObj);
    return TCL_OK;
}

static int
TestSystemObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    static const char *const names[] = {"memory", "providers", "version",
        "wine", NULL};
    int index;

    (void) clientData;
    if (objc != 2) {
        Tcl_WrongNumArgs(interp, 1, objv, "subcommand");
        return TCL_ERROR;
    }
    if (Tcl_GetIndexFromObj(interp, objv[1], names, "subcommand", TCL_EXACT,
            &index)
        != TCL_OK) {
        return TCL_ERROR;
    }
    switch (index) {
    case 0:
        Tcl_SetObjResult(interp, Memory());
        return TCL_OK;
    case 1:
        return Providers(interp);
    case 2:
        Tcl_SetObjResult(interp, Version());
        return TCL_OK;
    default:
        Tcl_SetObjResult(interp, Wine());
        return TCL_OK;
    }
}

/*
 * TestSystemCreateCommand --
 *
 *	Creates testsystem in an interpreter. TestRawCreateCommands starts
 *	Winsock.
 */

void
TestSystemCreateCommand(Tcl_Interp *interp)
{
    Tcl_CreateObjCommand(interp, "testsystem", TestSystemObjCmd, NULL, NULL);
}
