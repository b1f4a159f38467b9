/*
 * fuzzSocket.c --
 *
 *      The Tcl side of the driver's TCP under libFuzzer and AddressSanitizer:
 *      scripts with `socket`, as fuzzTcl.h describes them.
 */

#include "fuzzTcl.h"

static const char *const optionNames[] = {"-blocking", "-buffering",
    "-buffersize", "-encoding", "-eofchar", "-translation", "-acceptmode",
    "-accepttimeout", "-backlog", "-keepalive", "-nodelay", "-recvmode",
    "-sendcap", "-sosndbuf", "-sorcvbuf", "-nagle", NULL};

int
LLVMFuzzerInitialize(int *argcPtr, char ***argvPtr)
{
    (void) argcPtr;
    (void) FuzzStart((*argvPtr)[0], optionNames);
    FuzzAddCommand("socket", "iocpsock::socket", 1);
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

    FuzzSetFaults(odd, sizeof(odd) / sizeof(odd[0]), choice & 1 ? 200 : 0);
    FuzzSetFaults(bad, sizeof(bad) / sizeof(bad[0]), choice & 2 ? 100 : 0);
    CpSimSetFault(CP_SIM_NO_MEMORY, choice & 4 ? 50 : 0);
    CpSimSetWindow(choice & 8 ? 100 : 65536);
    CpSimReseed(choice);
    CpSimSetWindows((choice & 16) != 0);
}

int
LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t count)
{
    FuzzRun(bytes, count, SetFaults);
    return 0;
}
