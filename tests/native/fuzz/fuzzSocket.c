/*
 * fuzzSocket.c --
 *
 *      The Tcl side of the driver, generic/ itself, in a native Tcl over the
 *      simulated port, under libFuzzer and AddressSanitizer. An input is a byte
 *      that says what may go wrong, and a script: it has `socket`, and what can
 *      be done with a channel, and no other way out of its interpreter.
 *
 *      Whatever the script is: nothing crashes; a failed `fconfigure` has
 *      changed nothing; an error has a text; once all channels are closed
 *      nothing is left of them in the driver.
 */

#include "cpSim.h"

#include <tcl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COMMANDS 2000 /* Of one script. */
#define MAX_DATA 100000
#define MAX_PASSES 200 /* Of the event loop, after it. */

int LLVMFuzzerInitialize(int *argcPtr, char ***argvPtr);
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t count);
int Iocpsock_Init(Tcl_Interp *interp);

/*
 * Commands that wait for the time of day, which does not pass here, that take
 * as much memory as they are told, or that go on for ever, are taken away.
 */

static const char prelude[] =
    "interp bgerror {} list\n"
    "foreach name {create pipe pop postevent push} {\n"
    "    rename ::tcl::chan::$name {}\n"
    "}\n"
    "foreach name {after update vwait while for foreach lmap time\n"
    "        proc apply coroutine namespace uplevel string format lrepeat\n"
    "        dict binary zlib trace rename interp} {\n"
    "    interp hide {} $name\n"
    "}\n";

static Tcl_Interp *interp;
static Tcl_CmdInfo fconfigureInfo;
static Tcl_CmdInfo socketInfo;

static const char *const optionNames[] = {"-blocking", "-buffering",
    "-buffersize", "-encoding", "-eofchar", "-translation", "-acceptmode",
    "-accepttimeout", "-backlog", "-keepalive", "-nodelay", "-recvmode",
    "-sendcap", "-sosndbuf", "-sorcvbuf", "-nagle"};

#define OPTIONS (sizeof(optionNames) / sizeof(optionNames[0]))

/* All that can be set of a channel, in one string. */

static void
Snapshot(const char *name, Tcl_DString *valuePtr)
{
    Tcl_Channel channel = Tcl_GetChannel(interp, name, NULL);
    size_t i;

    Tcl_DStringInit(valuePtr);
    for (i = 0; channel != NULL && i < OPTIONS; i++) {
        Tcl_DString one;

        Tcl_DStringInit(&one);
        if (Tcl_GetChannelOption(NULL, channel, optionNames[i], &one)
            == TCL_OK) {
            Tcl_DStringAppendElement(valuePtr, optionNames[i]);
            Tcl_DStringAppendElement(valuePtr, Tcl_DStringValue(&one));
        }
        Tcl_DStringFree(&one);
    }
}

/* One option at a time, as of several the first ones are set already. */

static int
FconfigureObjCmd(void *clientData, Tcl_Interp *fuzzInterp, int objc,
    Tcl_Obj *const objv[])
{
    Tcl_DString before, after;
    const char *name = objc > 1 ? Tcl_GetString(objv[1]) : "";
    int result;

    (void) clientData;
    Snapshot(name, &before);
    result = fconfigureInfo.objProc(fconfigureInfo.objClientData, fuzzInterp,
        objc, objv);
    if (result != TCL_OK && objc == 4) {
        Snapshot(name, &after);
        if (strcmp(Tcl_DStringValue(&before), Tcl_DStringValue(&after)) != 0) {
            CpSimFail("a failed fconfigure %s %s changed\n%s\nto\n%s",
                Tcl_GetString(objv[2]), Tcl_GetString(objv[3]),
                Tcl_DStringValue(&before), Tcl_DStringValue(&after));
        }
        Tcl_DStringFree(&after);
    }
    Tcl_DStringFree(&before);
    return result;
}

static int
SocketObjCmd(void *clientData, Tcl_Interp *fuzzInterp, int objc,
    Tcl_Obj *const objv[])
{
    int result;

    (void) clientData;
    Tcl_ResetResult(fuzzInterp);
    result = socketInfo.objProc(socketInfo.objClientData, fuzzInterp, objc,
        objv);
    if (Tcl_GetStringResult(fuzzInterp)[0] == '\0') {
        CpSimFail("socket gives %d without a result", result);
    }
    return result;
}

/* data COUNT: as many bytes, within reason. */

static int
DataObjCmd(void *clientData, Tcl_Interp *fuzzInterp, int objc,
    Tcl_Obj *const objv[])
{
    static const unsigned char bytes[MAX_DATA];
    int count;

    (void) clientData;
    if (objc != 2) {
        Tcl_WrongNumArgs(fuzzInterp, 1, objv, "count");
        return TCL_ERROR;
    }
    if (Tcl_GetIntFromObj(fuzzInterp, objv[1], &count) != TCL_OK) {
        return TCL_ERROR;
    }
    count = count < 0 ? 0 : count > MAX_DATA ? MAX_DATA : count;
    Tcl_SetObjResult(fuzzInterp, Tcl_NewByteArrayObj(bytes, count));
    return TCL_OK;
}

int
LLVMFuzzerInitialize(int *argcPtr, char ***argvPtr)
{
    (void) argcPtr;
    Tcl_FindExecutable((*argvPtr)[0]);
    Tcl_PutEnv("IOCPSOCK_ANNOUNCE=0");
    CpSimStart(1, NULL);
    CpSimCutOnDeadlock(1);
    interp = Tcl_CreateInterp();
    if (Iocpsock_Init(interp) != TCL_OK
        || !Tcl_GetCommandInfo(interp, "iocpsock::socket", &socketInfo)
        || !Tcl_GetCommandInfo(interp, "fconfigure", &fconfigureInfo)
        || Tcl_Eval(interp, prelude) != TCL_OK
        || Tcl_MakeSafe(interp) != TCL_OK) {
        CpSimFail("%s", Tcl_GetStringResult(interp));
    }
    Tcl_CreateObjCommand(interp, "socket", SocketObjCmd, NULL, NULL);
    Tcl_CreateObjCommand(interp, "data", DataObjCmd, NULL, NULL);
    Tcl_CreateObjCommand(interp, "fconfigure", FconfigureObjCmd, NULL, NULL);
    return 0;
}

/* What comes, in which worlds: the first byte chooses. */

static void
SetFaults(unsigned char choice)
{
    static const CpSimFault odd[] = {CP_SIM_LATE, CP_SIM_REORDER,
        CP_SIM_IN_FLIGHT, CP_SIM_RECV_SHORT, CP_SIM_CANCEL_LATE,
        CP_SIM_TRY_RECV_AGAIN, CP_SIM_TRY_SEND_AGAIN, CP_SIM_TRY_SEND_SHORT};
    static const CpSimFault bad[] = {CP_SIM_RECV_FAIL_SUBMIT, CP_SIM_RECV_FAIL,
        CP_SIM_SEND_FAIL_SUBMIT, CP_SIM_SEND_FAIL, CP_SIM_CONNECT_FAIL,
        CP_SIM_ACCEPT_FAIL, CP_SIM_NO_HANDLE, CP_SIM_BIND_FAIL,
        CP_SIM_LISTEN_FAIL, CP_SIM_RESOLVE_UNKNOWN, CP_SIM_SHUTDOWN_FAIL};
    size_t i;

    for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        CpSimSetFault(odd[i], choice & 1 ? 200 : 0);
    }
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CpSimSetFault(bad[i], choice & 2 ? 100 : 0);
    }
    CpSimSetFault(CP_SIM_NO_MEMORY, choice & 4 ? 50 : 0);
    CpSimSetWindow(choice & 8 ? 100 : 65536);
    CpSimReseed(choice);
    CpSimSetWindows((choice & 16) != 0);
}

static void
Pass(void)
{
    unsigned i;

    CpSimAdvance(10);
    for (i = 0; i < 20 && Tcl_DoOneEvent(TCL_ALL_EVENTS | TCL_DONT_WAIT); i++) {
    }
}

/* Closes all, in the background where that takes its time. */

static void
CloseAll(void)
{
    Tcl_Obj *list;
    Tcl_Obj **names;
    int count, i;

    if (Tcl_Eval(interp, "chan names") != TCL_OK) {
        CpSimFail("chan names: %s", Tcl_GetStringResult(interp));
    }
    list = Tcl_GetObjResult(interp);
    Tcl_IncrRefCount(list);
    Tcl_ListObjGetElements(NULL, list, &count, &names);
    for (i = 0; i < count; i++) {
        Tcl_Channel channel = Tcl_GetChannel(interp, Tcl_GetString(names[i]),
            NULL);

        if (channel != NULL) {
            (void) Tcl_SetChannelOption(NULL, channel, "-blocking", "0");
            (void) Tcl_UnregisterChannel(interp, channel);
        }
    }
    Tcl_DecrRefCount(list);
}

static void
CheckNothingLeft(void)
{
    static const CpStat gauges[] = {CP_STAT_SOCKETS, CP_STAT_OPERATIONS,
        CP_STAT_LISTENERS, CP_STAT_ACCEPTS_PENDING, CP_STAT_BUFFER_BYTES,
        CP_STAT_HANDLES, CP_STAT_CONNECTIONS, CP_STAT_MEMORY_BYTES};
    unsigned passes, i;
    int64_t left = 0;

    for (passes = 0; passes < MAX_PASSES; passes++) {
        for (left = 0, i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++) {
            left += CpStatGet(gauges[i]);
        }
        if (left == 0) {
            return;
        }
        Pass();
        /* Two ends, both closed, with more than the system takes. */
        if (passes == MAX_PASSES / 2) {
            CpSimCut();
        }
    }
    for (i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++) {
        fprintf(stderr, "gauge %u: %lld\n", i,
            (long long) CpStatGet(gauges[i]));
    }
    CpSimFail("after the last close something is left");
}

static void
SetLimit(void)
{
    int done;

    if (Tcl_Eval(interp, "info cmdcount") != TCL_OK
        || Tcl_GetIntFromObj(interp, Tcl_GetObjResult(interp), &done)
            != TCL_OK) {
        CpSimFail("info cmdcount: %s", Tcl_GetStringResult(interp));
    }
    Tcl_LimitSetCommands(interp, done + MAX_COMMANDS);
    Tcl_LimitTypeSet(interp, TCL_LIMIT_COMMANDS);
}

int
LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t count)
{
    static Tcl_Encoding latin1;
    Tcl_DString script;
    unsigned i;

    if (count < 2) {
        return 0;
    }
    if (latin1 == NULL) {
        latin1 = Tcl_GetEncoding(NULL, "iso8859-1");
    }
    SetFaults(bytes[0]);
    Tcl_ExternalToUtfDString(latin1, (const char *) bytes + 1, (int) count - 1,
        &script);
    SetLimit();
    (void) Tcl_EvalEx(interp, Tcl_DStringValue(&script),
        Tcl_DStringLength(&script), TCL_EVAL_GLOBAL);
    Tcl_DStringFree(&script);
    for (i = 0; i < 5; i++) {
        Pass();
    }
    Tcl_LimitTypeReset(interp, TCL_LIMIT_COMMANDS);
    SetFaults(0);
    CloseAll();
    CheckNothingLeft();
    return 0;
}
