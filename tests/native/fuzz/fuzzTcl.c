/*
 * fuzzTcl.c --
 *
 *      Runs scripts in a native Tcl over the simulated port: see fuzzTcl.h.
 */

#include "fuzzTcl.h"

#include <stdio.h>
#include <string.h>

#define MAX_COMMANDS 2000 /* Of one script. */
#define MAX_DATA 100000
#define MAX_PASSES 200 /* Of the event loop, after it. */

int Iocpsock_Init(Tcl_Interp *interp);

#define MAX_WRAPPED 4 /* Commands of the driver. */

typedef struct Wrapped {
    const char *name;
    int opens;
    Tcl_CmdInfo info;
} Wrapped;

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
static const char *const *optionNames;
static Wrapped wrapped[MAX_WRAPPED];
static unsigned wrappedCount;

/* All that can be set of a channel, in one string. */

static void
Snapshot(const char *name, Tcl_DString *valuePtr)
{
    Tcl_Channel channel = Tcl_GetChannel(interp, name, NULL);
    size_t i;

    Tcl_DStringInit(valuePtr);
    for (i = 0; channel != NULL && optionNames[i] != NULL; i++) {
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
WrappedObjCmd(void *clientData, Tcl_Interp *fuzzInterp, int objc,
    Tcl_Obj *const objv[])
{
    const Wrapped *wrappedPtr = clientData;
    int result;

    Tcl_ResetResult(fuzzInterp);
    result = wrappedPtr->info.objProc(wrappedPtr->info.objClientData,
        fuzzInterp, objc, objv);
    if ((result != TCL_OK || wrappedPtr->opens)
        && Tcl_GetStringResult(fuzzInterp)[0] == '\0') {
        CpSimFail("%s gives %d without a result", wrappedPtr->name, result);
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

Tcl_Interp *
FuzzStart(const char *program, const char *const *options)
{
    Tcl_FindExecutable(program);
    Tcl_PutEnv("IOCPSOCK_ANNOUNCE=0");
    CpSimStart(1, NULL);
    CpSimCutOnDeadlock(1);
    optionNames = options;
    interp = Tcl_CreateInterp();
    if (Iocpsock_Init(interp) != TCL_OK
        || !Tcl_GetCommandInfo(interp, "fconfigure", &fconfigureInfo)
        || Tcl_Eval(interp, prelude) != TCL_OK
        || Tcl_MakeSafe(interp) != TCL_OK) {
        CpSimFail("%s", Tcl_GetStringResult(interp));
    }
    Tcl_CreateObjCommand(interp, "data", DataObjCmd, NULL, NULL);
    Tcl_CreateObjCommand(interp, "fconfigure", FconfigureObjCmd, NULL, NULL);
    return interp;
}

void
FuzzAddCommand(const char *name, const char *driverName, int opens)
{
    Wrapped *wrappedPtr = &wrapped[wrappedCount++];

    if (wrappedCount > MAX_WRAPPED
        || !Tcl_GetCommandInfo(interp, driverName, &wrappedPtr->info)) {
        CpSimFail("no command %s", driverName);
    }
    wrappedPtr->name = name;
    wrappedPtr->opens = opens;
    Tcl_CreateObjCommand(interp, name, WrappedObjCmd, wrappedPtr, NULL);
}

void
FuzzSetFaults(const CpSimFault *faults, unsigned count, unsigned perMille)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        CpSimSetFault(faults[i], perMille);
    }
}

static void
Pass(void)
{
    unsigned i;

    CpSimAdvance(10);
    for (i = 0; i < 20 && Tcl_DoOneEvent(TCL_ALL_EVENTS | TCL_DONT_WAIT); i++) {
    }
}

/* Closes all, in the background where that takes its time. A close may run
 * callbacks, which use the interpreter's result. */

static void
CloseAll(void)
{
    Tcl_Obj *listPtr, *namePtr;
    int i;

    if (Tcl_Eval(interp, "chan names") != TCL_OK) {
        CpSimFail("chan names: %s", Tcl_GetStringResult(interp));
    }
    listPtr = Tcl_DuplicateObj(Tcl_GetObjResult(interp));
    Tcl_IncrRefCount(listPtr);
    for (i = 0; Tcl_ListObjIndex(NULL, listPtr, i, &namePtr) == TCL_OK
         && namePtr != NULL;
         i++) {
        Tcl_Channel channel = Tcl_GetChannel(interp, Tcl_GetString(namePtr),
            NULL);

        if (channel != NULL) {
            (void) Tcl_SetChannelOption(NULL, channel, "-blocking", "0");
            (void) Tcl_UnregisterChannel(interp, channel);
        }
    }
    Tcl_DecrRefCount(listPtr);
}

static void
CheckNothingLeft(void)
{
    static const CpStat gauges[] = {CP_STAT_SOCKETS, CP_STAT_OPERATIONS,
        CP_STAT_LISTENERS, CP_STAT_ACCEPTS_PENDING, CP_STAT_BUFFER_BYTES,
        CP_STAT_HANDLES, CP_STAT_CONNECTIONS, CP_STAT_UDP,
        CP_STAT_MEMORY_BYTES};
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

void
FuzzRun(const unsigned char *bytes, size_t count, FuzzFaultsProc *setFaults)
{
    static Tcl_Encoding latin1;
    Tcl_DString script;
    unsigned i;

    if (count < 2) {
        return;
    }
    if (latin1 == NULL) {
        latin1 = Tcl_GetEncoding(NULL, "iso8859-1");
    }
    setFaults(bytes[0]);
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
    setFaults(0);
    CloseAll();
    CheckNothingLeft();
}
