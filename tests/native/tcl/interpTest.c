/*
 * interpTest.c --
 *
 *      generic/ itself, in a native Tcl over the simulated port, under
 *      AddressSanitizer: what becomes of a server whose interpreter is deleted.
 *      Tcl calls back in the order of a hash table: either the interpreter's
 *      channels are closed first or the driver is told first. The linker puts
 *      functions of this file between the two (--wrap), so that the test can
 *      choose the keys in that table and knows the order.
 */

#include "check.h"
#include "iocpsock.h"

#include <sanitizer/asan_interface.h>
#include <stdlib.h>

int Iocpsock_Init(Tcl_Interp *interp);

#define KEYS 64

static char key[32];  /* Of the next callback. */
static char calls[8]; /* d: told that the interpreter is deleted, f: freed. */

static void
Call(char what)
{
    size_t length = strlen(calls);

    CHECK(length + 1 < sizeof(calls));
    calls[length] = what;
    calls[length + 1] = '\0';
}

/* ------------------------------------------------ in place of Tcl's own */

typedef struct Callback {
    Tcl_InterpDeleteProc *proc;
    void *clientData;
} Callback;

void __real_Tcl_SetAssocData(Tcl_Interp *interp, const char *name,
    Tcl_InterpDeleteProc *proc, ClientData clientData);
void __wrap_Tcl_SetAssocData(Tcl_Interp *interp, const char *name,
    Tcl_InterpDeleteProc *proc, ClientData clientData);
ClientData __real_Tcl_GetAssocData(Tcl_Interp *interp, const char *name,
    Tcl_InterpDeleteProc **procPtr);
ClientData __wrap_Tcl_GetAssocData(Tcl_Interp *interp, const char *name,
    Tcl_InterpDeleteProc **procPtr);
void __real_IocpsockServerFree(IocpsockServer *serverPtr);
void __wrap_IocpsockServerFree(IocpsockServer *serverPtr);

static void
Deleted(void *clientData, Tcl_Interp *interp)
{
    Callback callback = *(Callback *) clientData;

    free(clientData);
    Call('d');
    callback.proc(callback.clientData, interp);
}

void
__wrap_Tcl_SetAssocData(Tcl_Interp *interp, const char *name,
    Tcl_InterpDeleteProc *proc, ClientData clientData)
{
    Callback *callbackPtr = malloc(sizeof(Callback));

    (void) name;
    CHECK(callbackPtr != NULL);
    callbackPtr->proc = proc;
    callbackPtr->clientData = clientData;
    __real_Tcl_SetAssocData(interp, key, Deleted, callbackPtr);
}

ClientData
__wrap_Tcl_GetAssocData(Tcl_Interp *interp, const char *name,
    Tcl_InterpDeleteProc **procPtr)
{
    const Callback *callbackPtr = __real_Tcl_GetAssocData(interp, key, procPtr);

    (void) name;
    return callbackPtr != NULL ? callbackPtr->clientData : NULL;
}

void
__wrap_IocpsockServerFree(IocpsockServer *serverPtr)
{
    Call('f');
    __real_IocpsockServerFree(serverPtr);
}

/*
 * AddressSanitizer does not see what becomes of Tcl's own memory. So what the
 * driver gives back to Tcl stays out of use, and is out of bounds.
 */

#define BLOCKS 1024

typedef struct Block {
    char *memPtr;
    unsigned sizeBytes;
} Block;

static Block blocks[BLOCKS];
static unsigned blockCount;

char *__real_Tcl_Alloc(unsigned sizeBytes);
char *__wrap_Tcl_Alloc(unsigned sizeBytes);
void __real_Tcl_Free(char *memPtr);
void __wrap_Tcl_Free(char *memPtr);

char *
__wrap_Tcl_Alloc(unsigned sizeBytes)
{
    char *memPtr = __real_Tcl_Alloc(sizeBytes);

    CHECK(blockCount < BLOCKS);
    blocks[blockCount++] = (Block){memPtr, sizeBytes};
    return memPtr;
}

/* The last one at that address: Tcl may have freed those before it. */

void
__wrap_Tcl_Free(char *memPtr)
{
    unsigned i = blockCount;

    while (i > 0 && blocks[--i].memPtr != memPtr) {
    }
    if (i < blockCount && blocks[i].memPtr == memPtr) {
        __asan_poison_memory_region(memPtr, blocks[i].sizeBytes);
    } else {
        __real_Tcl_Free(memPtr);
    }
}

/* --------------------------------------------------------------- cases */

/* An interpreter with a server, and that server's channel. */

static Tcl_Interp *
NewServer(unsigned keyNumber, Tcl_Channel *channelPtr, CpAddr *addrPtr)
{
    Tcl_Interp *interp = Tcl_CreateInterp();
    int port;

    snprintf(key, sizeof(key), "key%u", keyNumber);
    calls[0] = '\0';
    if (Iocpsock_Init(interp) != TCL_OK
        || Tcl_Eval(interp,
               "set accepted {}\n"
               "set s [iocpsock::socket -server {lappend accepted}"
               " -myaddr 127.0.0.1 0]\n"
               "lindex [fconfigure $s -sockname] 2")
            != TCL_OK
        || Tcl_GetIntFromObj(interp, Tcl_GetObjResult(interp), &port)
            != TCL_OK) {
        CpSimFail("%s", Tcl_GetStringResult(interp));
    }
    *addrPtr = CpSimAddr4(CP_SIM_LOCALHOST, (unsigned) port);
    *channelPtr = Tcl_GetChannel(interp,
        Tcl_GetVar2(interp, "s", NULL, TCL_GLOBAL_ONLY), NULL);
    CHECK(*channelPtr != NULL);
    return interp;
}

static void
Pass(void)
{
    unsigned i;

    CpSimAdvance(10);
    for (i = 0; i < 20 && Tcl_DoOneEvent(TCL_ALL_EVENTS | TCL_DONT_WAIT); i++) {
    }
}

static void
CheckNothingLeft(void)
{
    unsigned i;

    for (i = 0; i < 10; i++) {
        Pass();
    }
    CHECK(CpStatGet(CP_STAT_SOCKETS) == 0);
    CHECK(CpStatGet(CP_STAT_LISTENERS) == 0);
    CHECK(CpStatGet(CP_STAT_CONNECTIONS) == 0);
    CHECK(CpStatGet(CP_STAT_OPERATIONS) == 0);
    CHECK(CpStatGet(CP_STAT_MEMORY_BYTES) == 0);
}

/* Clients that wait or come too late are closed, and each order happens. */

static void
TestBothOrders(void)
{
    unsigned i, channelsFirst = 0, driverFirst = 0;

    for (i = 0; i < KEYS; i++) {
        Tcl_Channel channel;
        CpAddr addr;
        Tcl_Interp *interp = NewServer(i, &channel, &addr);
        CpSimPeer *peerPtr = i % 2 ? CpSimPeerConnect(&addr) : NULL;

        if (i % 4 == 1) {
            Pass();
        }
        Tcl_DeleteInterp(interp);
        if (strcmp(calls, "fd") == 0) {
            channelsFirst++;
        } else {
            CHECK(strcmp(calls, "df") == 0);
            driverFirst++;
        }
        CheckNothingLeft();
        if (peerPtr != NULL) {
            CHECK(CpSimPeerEof(peerPtr) || CpSimPeerIsReset(peerPtr));
            CpSimPeerClose(peerPtr);
            CpSimAdvance(0);
        }
    }
    printf("channels first %u times, the driver %u times\n", channelsFirst,
        driverFirst);
    CHECK(channelsFirst > 0 && driverFirst > 0);
}

/* The server goes before its interpreter. */

static void
TestServerFirst(void)
{
    Tcl_Channel channel;
    CpAddr addr;
    Tcl_Interp *interp = NewServer(1, &channel, &addr);

    Tcl_UnregisterChannel(interp, channel);
    CHECK(strcmp(calls, "f") == 0);
    CheckNothingLeft();
    Tcl_DeleteInterp(interp);
    CHECK(strcmp(calls, "fd") == 0);
    CheckNothingLeft();
}

/* Deleted, but kept for a while by somebody: clients are turned away, and the
 * server may be closed before Tcl calls back. */

static void
TestPreserved(void)
{
    unsigned i;

    for (i = 0; i < 2; i++) {
        Tcl_Channel channel;
        CpAddr addr;
        Tcl_Interp *interp = NewServer(2, &channel, &addr);
        CpSimPeer *peerPtr;

        Tcl_Preserve(interp);
        Tcl_DeleteInterp(interp);
        CHECK(strcmp(calls, "") == 0);
        peerPtr = CpSimPeerConnect(&addr);
        CHECK(peerPtr != NULL);
        Pass();
        Pass();
        CHECK(CpSimPeerEof(peerPtr) || CpSimPeerIsReset(peerPtr));
        CpSimPeerClose(peerPtr);
        if (i == 0) {
            Tcl_UnregisterChannel(interp, channel);
            CHECK(strcmp(calls, "f") == 0);
        }
        Tcl_Release(interp);
        CHECK(strlen(calls) == 2);
        CheckNothingLeft();
    }
}

/* A channel that another interpreter has too outlives its own. */

static void
TestShared(void)
{
    Tcl_Interp *otherPtr = Tcl_CreateInterp();
    Tcl_Channel channel;
    CpAddr addr;
    Tcl_Interp *interp = NewServer(3, &channel, &addr);
    CpSimPeer *peerPtr;

    Tcl_RegisterChannel(otherPtr, channel);
    Tcl_DeleteInterp(interp);
    CHECK(strcmp(calls, "d") == 0);
    peerPtr = CpSimPeerConnect(&addr);
    CHECK(peerPtr != NULL);
    Pass();
    Pass();
    CHECK(CpSimPeerEof(peerPtr) || CpSimPeerIsReset(peerPtr));
    CpSimPeerClose(peerPtr);
    Tcl_UnregisterChannel(otherPtr, channel);
    CHECK(strcmp(calls, "df") == 0);
    CheckNothingLeft();
    Tcl_DeleteInterp(otherPtr);
}

int
main(int argc, char **argv)
{
    (void) argc;
    Tcl_FindExecutable(argv[0]);
    Tcl_PutEnv("IOCPSOCK_ANNOUNCE=0");
    CpSimStart(1, NULL);
    TestBothOrders();
    TestServerFirst();
    TestPreserved();
    TestShared();
    printf("passed\n");
    return 0;
}
