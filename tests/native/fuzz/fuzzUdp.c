/*
 * fuzzUdp.c --
 *
 *      The Tcl side of the driver's UDP under libFuzzer and AddressSanitizer:
 *      scripts with `udp`, `sendto` and `recv`, as fuzzTcl.h describes them,
 *      and with `socket` beside them.
 *
 *      A datagram channel has no end of file, so a blocking read of more than
 *      comes would last for ever. Scripts have non-blocking channels only, and
 *      `blocking`: it makes a channel blocking for one command that ends with
 *      the next datagram. If none is on its way, the simulator sends one.
 */

#include "fuzzTcl.h"

#include <string.h>

static const char *const optionNames[] = {"-blocking", "-buffering",
    "-buffersize", "-encoding", "-eofchar", "-translation", "-broadcast",
    "-command", "-family", "-hops", "-maxsize", "-mcastgroups", "-mcastif",
    "-mcastloop", "-mcastttl", "-queuebytes", "-queuecount", "-remote",
    "-sorcvbuf", "-sosndbuf", "-ttl", NULL};

static Tcl_CmdInfo udpInfo;
static Tcl_CmdInfo fconfigureInfo;

/* udp ...: the driver's, and then the channel does not block. */

static int
UdpObjCmd(void *clientData, Tcl_Interp *interp, int objc, Tcl_Obj *const objv[])
{
    Tcl_Channel channel;

    (void) clientData;
    if (udpInfo.objProc(udpInfo.objClientData, interp, objc, objv) != TCL_OK) {
        return TCL_ERROR;
    }
    channel = Tcl_GetChannel(interp, Tcl_GetStringResult(interp), NULL);
    if (channel == NULL
        || Tcl_SetChannelOption(interp, channel, "-blocking", "0") != TCL_OK) {
        CpSimFail("udp gives %s", Tcl_GetStringResult(interp));
    }
    return TCL_OK;
}

/* fconfigure ...: all but -blocking. */

static int
FconfigureObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    int a;

    (void) clientData;
    for (a = 2; objc > 3 && a < objc; a += 2) {
        if (strncmp(Tcl_GetString(objv[a]), "-bl", 3) == 0) {
            return TCL_OK;
        }
    }
    return fconfigureInfo.objProc(fconfigureInfo.objClientData, interp, objc,
        objv);
}

/* One command on a channel: $c is its name. */

static int
Run(Tcl_Interp *interp, const char *script, Tcl_Obj *chanPtr, Tcl_Obj *bytesPtr)
{
    if (Tcl_SetVar2Ex(interp, "blockingChan", NULL, chanPtr, TCL_GLOBAL_ONLY)
            == NULL
        || Tcl_SetVar2Ex(interp, "blockingBytes", NULL, bytesPtr,
               TCL_GLOBAL_ONLY)
            == NULL) {
        return TCL_ERROR;
    }
    return Tcl_EvalEx(interp, script, -1, TCL_EVAL_GLOBAL);
}

/* blocking how chan ?bytes? */

static int
BlockingObjCmd(void *clientData, Tcl_Interp *interp, int objc,
    Tcl_Obj *const objv[])
{
    static const char *const hows[] = {"read", "recv", "wait", "puts", "sendto",
        NULL};
    static const char *const scripts[] = {"read $blockingChan 1",
        "iocpsock::recv $blockingChan -timeout -1",
        "iocpsock::recv $blockingChan -timeout 300",
        "puts -nonewline $blockingChan $blockingBytes; flush $blockingChan",
        "iocpsock::sendto $blockingChan $blockingBytes"};
    Tcl_Channel channel;
    int how, result;

    (void) clientData;
    if (objc != 3 && objc != 4) {
        Tcl_WrongNumArgs(interp, 1, objv, "how chan ?bytes?");
        return TCL_ERROR;
    }
    channel = Tcl_GetChannel(interp, Tcl_GetString(objv[2]), NULL);
    if (channel == NULL
        || Tcl_GetIndexFromObj(interp, objv[1], hows, "how", 0, &how)
            != TCL_OK) {
        return TCL_ERROR;
    }
    if (strcmp(Tcl_ChannelName(Tcl_GetChannelType(channel)), "udp") != 0) {
        return TCL_OK;
    }
    Tcl_RegisterChannel(NULL, channel);
    (void) Tcl_SetChannelOption(NULL, channel, "-blocking", "1");
    result = Run(interp, scripts[how], objv[2], objv[objc - 1]);
    (void) Tcl_SetChannelOption(NULL, channel, "-blocking", "0");
    Tcl_UnregisterChannel(NULL, channel);
    return result;
}

int
LLVMFuzzerInitialize(int *argcPtr, char ***argvPtr)
{
    Tcl_Interp *interp;

    (void) argcPtr;
    interp = FuzzStart((*argvPtr)[0], optionNames);
    FuzzAddCommand("socket", "iocpsock::socket", 1);
    FuzzAddCommand("udp", "iocpsock::udp", 1);
    FuzzAddCommand("sendto", "iocpsock::sendto", 0);
    FuzzAddCommand("recv", "iocpsock::recv", 0);
    if (!Tcl_GetCommandInfo(interp, "udp", &udpInfo)
        || !Tcl_GetCommandInfo(interp, "fconfigure", &fconfigureInfo)) {
        CpSimFail("no command udp, or no fconfigure");
    }
    Tcl_CreateObjCommand(interp, "udp", UdpObjCmd, NULL, NULL);
    Tcl_CreateObjCommand(interp, "iocpsock::udp", UdpObjCmd, NULL, NULL);
    Tcl_CreateObjCommand(interp, "fconfigure", FconfigureObjCmd, NULL, NULL);
    Tcl_CreateObjCommand(interp, "blocking", BlockingObjCmd, NULL, NULL);
    return 0;
}

/* What comes, in which worlds: the first byte chooses. */

static void
SetFaults(unsigned char choice)
{
    static const CpSimFault odd[] = {CP_SIM_LATE, CP_SIM_REORDER,
        CP_SIM_IN_FLIGHT, CP_SIM_CANCEL_LATE, CP_SIM_TRY_RECV_AGAIN,
        CP_SIM_TRY_SEND_AGAIN};
    static const CpSimFault bad[] = {CP_SIM_RECV_FAIL_SUBMIT, CP_SIM_RECV_FAIL,
        CP_SIM_SEND_FAIL_SUBMIT, CP_SIM_CONNECT_FAIL_SUBMIT, CP_SIM_NO_HANDLE,
        CP_SIM_BIND_FAIL, CP_SIM_TRY_RECV_FAIL, CP_SIM_TRY_SEND_FAIL,
        CP_SIM_RESOLVE_FAIL_SUBMIT, CP_SIM_RESOLVE_UNKNOWN};
    static const CpSimFault network[] = {CP_SIM_UDP_LOSE, CP_SIM_UDP_TWICE,
        CP_SIM_UDP_LATE, CP_SIM_UDP_TELLS_LESS};

    FuzzSetFaults(odd, sizeof(odd) / sizeof(odd[0]), choice & 1 ? 200 : 0);
    FuzzSetFaults(bad, sizeof(bad) / sizeof(bad[0]), choice & 2 ? 100 : 0);
    FuzzSetFaults(network, sizeof(network) / sizeof(network[0]),
        choice & 8 ? 200 : 0);
    CpSimSetFault(CP_SIM_NO_MEMORY, choice & 4 ? 50 : 0);
    CpSimReseed(choice);
    CpSimSetWindows((choice & 16) != 0);
}

int
LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t count)
{
    FuzzRun(bytes, count, SetFaults);
    return 0;
}
