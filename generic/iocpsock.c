/*
 * iocpsock.c --
 *
 *      The package: its commands and their installation.
 */

#include "iocpsockUdp.h"

#include <stdlib.h>
#include <string.h>

#ifndef PACKAGE_VERSION
#error "PACKAGE_VERSION is given by the build"
#endif

#if defined(_MSC_VER)
#define COMPILER "msvc"
#elif defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

#ifdef NDEBUG
#define BUILD_KIND "release"
#else
#define BUILD_KIND "debug"
#endif

/* The name of the socket command that install has replaced. */
#define SAVED_COMMAND "::iocpsock::coreSocket"

DLLEXPORT int Iocpsock_Init(Tcl_Interp *interp);
DLLEXPORT int Iocpsock_SafeInit(Tcl_Interp *interp);

/*
 * On a console, Tk's too, a person reads it. A pipe or a file gets it on
 * request only: exec reports a failure if its child writes to stderr, and
 * programs compare the output.
 */

static int
IsAnnouncer(Tcl_Channel channel)
{
    const char *wanted = getenv("IOCPSOCK_ANNOUNCE");

    if (channel == NULL) {
        return 0;
    }
    if (wanted != NULL && wanted[0] != '\0') {
        return strcmp(wanted, "0") != 0;
    }
    return strcmp(Tcl_ChannelName(Tcl_GetChannelType(channel)), "console") == 0;
}

/* One line, once in a process, shows which driver is loaded. */

static void
Announce(Tcl_Interp *interp)
{
    static int announced = 0;
    const char *tclVersion = Tcl_GetVar2(interp, "tcl_patchLevel", NULL,
        TCL_GLOBAL_ONLY);
    Tcl_Channel channel = Tcl_GetStdChannel(TCL_STDERR);
    Tcl_Obj *linePtr;

    TCL_DECLARE_MUTEX(announceMutex)

    Tcl_MutexLock(&announceMutex);
    if (!announced && IsAnnouncer(channel)) {
        linePtr = Tcl_ObjPrintf("iocpsock %s loaded: Tcl %s, %d-bit %s "
                                "build, %s\n",
            PACKAGE_VERSION, tclVersion != NULL ? tclVersion : "?",
            (int) (8 * sizeof(void *)), BUILD_KIND, COMPILER);
        Tcl_IncrRefCount(linePtr);
        Tcl_WriteObj(channel, linePtr);
        Tcl_Flush(channel);
        Tcl_DecrRefCount(linePtr);
    }
    announced = 1;
    Tcl_MutexUnlock(&announceMutex);
}

static int
IsInstalled(Tcl_Interp *interp)
{
    Tcl_CmdInfo info;

    return Tcl_GetCommandInfo(interp, "::socket", &info)
        && info.isNativeObjectProc && info.objProc == IocpsockSocketObjCmd;
}

static int
RenameCommand(Tcl_Interp *interp, const char *from, const char *to)
{
    Tcl_Obj *cmd[3];
    int i, result;

    cmd[0] = Tcl_NewStringObj("::rename", -1);
    cmd[1] = Tcl_NewStringObj(from, -1);
    cmd[2] = Tcl_NewStringObj(to, -1);
    for (i = 0; i < 3; i++) {
        Tcl_IncrRefCount(cmd[i]);
    }
    result = Tcl_EvalObjv(interp, 3, cmd, TCL_EVAL_GLOBAL);
    for (i = 0; i < 3; i++) {
        Tcl_DecrRefCount(cmd[i]);
    }
    return result;
}

/* The replaced command is renamed, not deleted, so that uninstall can restore
 * it. */

static int
InstallObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    Tcl_CmdInfo info;

    (void) clientData;
    if (IocpsockNoArgs(interp, objc, objv) != TCL_OK) {
        return TCL_ERROR;
    }
    if (IsInstalled(interp)) {
        return TCL_OK;
    }
    if (Tcl_GetCommandInfo(interp, "::socket", &info)) {
        if (Tcl_GetCommandInfo(interp, SAVED_COMMAND, &info)) {
            Tcl_SetObjResult(interp,
                Tcl_NewStringObj(
                    "the socket command "
                    "was replaced by another one since iocpsock::install",
                    -1));
            Tcl_SetErrorCode(interp, "IOCPSOCK", "INSTALL", (char *) NULL);
            return TCL_ERROR;
        }
        if (RenameCommand(interp, "::socket", SAVED_COMMAND) != TCL_OK) {
            return TCL_ERROR;
        }
    }
    Tcl_CreateObjCommand(interp, "::socket", IocpsockSocketObjCmd, NULL, NULL);
    Tcl_ResetResult(interp);
    return TCL_OK;
}

static int
UninstallObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    Tcl_CmdInfo info;

    (void) clientData;
    if (IocpsockNoArgs(interp, objc, objv) != TCL_OK) {
        return TCL_ERROR;
    }
    if (!IsInstalled(interp)) {
        return TCL_OK;
    }
    Tcl_DeleteCommand(interp, "::socket");
    if (Tcl_GetCommandInfo(interp, SAVED_COMMAND, &info)) {
        return RenameCommand(interp, SAVED_COMMAND, "::socket");
    }
    return TCL_OK;
}

static int
ProvidePackage(Tcl_Interp *interp)
{
    if (Tcl_PkgProvide(interp, "iocpsock", PACKAGE_VERSION) != TCL_OK) {
        return TCL_ERROR;
    }
    return Tcl_PkgProvide(interp, "Iocpsock", PACKAGE_VERSION);
}

int
Iocpsock_Init(Tcl_Interp *interp)
{
    if (IocpsockInitStubs(interp) != TCL_OK) {
        return TCL_ERROR;
    }
    Announce(interp);
    Tcl_CreateObjCommand(interp, "::iocpsock::socket", IocpsockSocketObjCmd,
        NULL, NULL);
    Tcl_CreateObjCommand(interp, "::socket2", IocpsockSocketObjCmd, NULL, NULL);
    Tcl_CreateObjCommand(interp, "::iocpsock::install", InstallObjCmd, NULL,
        NULL);
    Tcl_CreateObjCommand(interp, "::iocpsock::uninstall", UninstallObjCmd, NULL,
        NULL);
    Tcl_CreateObjCommand(interp, "::iocpsock::stats", IocpsockStatsObjCmd, NULL,
        NULL);
    Tcl_CreateObjCommand(interp, "::iocpsock::sendfile", IocpsockSendFileObjCmd,
        NULL, NULL);
    Tcl_CreateObjCommand(interp, "::iocpsock::abort", IocpsockAbortObjCmd, NULL,
        NULL);
    IocpsockUdpInit(interp);
    Tcl_CreateObjCommand(interp, "::iocpsock::build-info",
        IocpsockBuildInfoObjCmd, NULL, NULL);
    return ProvidePackage(interp);
}

/* A safe interpreter has no sockets, and gets none. */

int
Iocpsock_SafeInit(Tcl_Interp *interp)
{
    if (IocpsockInitStubs(interp) != TCL_OK) {
        return TCL_ERROR;
    }
    return ProvidePackage(interp);
}
