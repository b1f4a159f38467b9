/*
 * randomWorld.c --
 *
 *      A world: what can go wrong in it, its steps, its end.
 */

#include "randomInt.h"

CpPort *randomPorts[RANDOM_PORTS];
uint64_t randomAccepts;

#define PATIENCE 500 /* How often all read before somebody is closed. */

static int woken[RANDOM_PORTS];
static int scarce; /* A world where memory fails. */

static void
Wake(void *clientData)
{
    *(int *) clientData = 1;
}

/* Who sleeps is woken when, and only when, there is something to reap. */

static void
StepSleep(unsigned port)
{
    woken[port] = 0;
    if (CpPortSleep(randomPorts[port], -1)) {
        CpSimAdvance(CpSimRandom(20));
        CHECK(woken[port] == !CpPortSleep(randomPorts[port], -1));
    } else {
        CHECK(CpPortReap(randomPorts[port], 0) > 0);
    }
    (void) CpPortReap(randomPorts[port], 0);
}

static void
StepTime(void)
{
    unsigned port = CpSimRandom(RANDOM_PORTS);
    uint32_t choice = CpSimRandom(20);

    if (choice < 13) {
        (void) CpPortReap(randomPorts[port], 0);
    } else if (choice < 14) {
        RandomTickConns();
    } else if (choice < 16) {
        (void) CpPortReapFinished(randomPorts[port]);
    } else if (choice < 18) {
        (void) CpPortReap(randomPorts[port], (int) CpSimRandom(20));
    } else if (choice < 19) {
        CpSimAdvance(CpSimRandom(100));
    } else {
        StepSleep(port);
    }
}

static void
CheckWorld(void)
{
    CHECK(CpStatGet(CP_STAT_CONNECTIONS) == RandomCountConns());
    CHECK(CpStatGet(CP_STAT_LISTENERS) == RandomCountServers());
    RandomCheckConns();
    RandomCheckServers();
    RandomCheckUdp();
}

static void
SetFaults(void)
{
    static const CpSimFault failures[] = {CP_SIM_RECV_FAIL_SUBMIT,
        CP_SIM_RECV_FAIL, CP_SIM_SEND_FAIL_SUBMIT, CP_SIM_SEND_FAIL,
        CP_SIM_TRY_RECV_FAIL, CP_SIM_TRY_SEND_FAIL, CP_SIM_SHUTDOWN_FAIL,
        CP_SIM_FILE_SHRINKS, CP_SIM_FILE_READ_FAIL};
    static const unsigned rates[] = {0, 0, 0, 2, 10, 50, 300};
    static const unsigned harshRates[] = {3, 10, 30, 100};
    static const uint32_t windows[] = {3000, 3000, 3000, 3000, 3000, 3000,
        70000, 500000};
    unsigned i;

    randomHarsh = CpSimRandom(2) == 0;
    randomWindows = CpSimRandom(2) == 0;
    randomReadShut = 0;
    randomLimits = CpSimRandom(2) == 0;
    for (i = 0; i < CP_SIM_RESET_DISCARDS; i++) {
        CpSimSetFault((CpSimFault) i, rates[CpSimRandom(7)]);
    }
    CpSimSetFault(CP_SIM_RESET_KEEPS, CpSimRandom(1001));
    for (i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        CpSimSetFault(failures[i],
            randomHarsh && CpSimRandom(2) ? harshRates[CpSimRandom(4)] : 0);
    }
    scarce = CpSimRandom(3) == 0;
    CpSimSetFault(CP_SIM_NO_MEMORY, scarce ? CpSimRandom(200) : 0);
    CpSimSetDelay(1 + CpSimRandom(50));
    CpSimSetWindow(1 + CpSimRandom(windows[CpSimRandom(8)]));
    CpSimSetFilesLimited((int) CpSimRandom(2));
    CpSimSetHandles(CpSimRandom(4) ? 0 : 10 + CpSimRandom(30));
    CpSimSetWindows(randomWindows);
    for (i = CP_SIM_UDP_LOSE; randomUdp && i < CP_SIM_FAULT_COUNT; i++) {
        CpSimSetFault((CpSimFault) i, rates[CpSimRandom(7)]);
    }
}

/* What has completed, and what comes next. */

static void
ReapAll(void)
{
    unsigned i;

    for (i = 0; i < RANDOM_PORTS; i++) {
        (void) CpPortReap(randomPorts[i], 0);
    }
    if (CpSimNextMs() > 0) {
        CpSimAdvance((uint32_t) CpSimNextMs());
    }
}

/* Everybody reads what there is; who has read all is closed. */

static void
WindUpOnce(int force)
{
    RandomWindUpPeers();
    RandomWindUpConns(force);
    ReapAll();
}

/* Nobody can keep a process from its end: whatever peers do, all sockets are
 * closed as soon as the system has answered. */

static void
EndInTime(void)
{
    uint64_t startMs = CpNowMs();
    unsigned i;

    RandomEndConns();
    for (i = 0; RandomCountConns() > 0; i++) {
        CHECK(i < 10000 && CpNowMs() - startMs <= 1000);
        ReapAll();
    }
}

/* Mostly all is closed in order before the process ends. Sometimes nothing is,
 * sometimes there is no time for order. */

static void
EndProcess(void)
{
    uint32_t choice = CpSimRandom(8);

    if (randomWindows && choice < 2) {
        (void) CpSimEndProcess();
        randomHarsh = 1;
    } else if (randomLimits && choice < 4) {
        RandomCloseServers();
        EndInTime();
        randomHarsh = 1;
    }
}

static void
WindUp(void)
{
    unsigned i;

    RandomUnparkConns();
    EndProcess();
    RandomCloseServers();
    RandomCloseUdp();
    RandomStopPeers();
    for (i = 0;
         RandomCountConns() + RandomCountServers() + RandomCountUdp() > 0;
         i++) {
        /* Where a shutdown has failed the end of file does not come. */
        WindUpOnce(randomHarsh && i >= PATIENCE);

        /* An end that cannot be read any more, as a receive failed or its
         * direction was closed, may leave both with sends outstanding: they
         * wait for each other, as TCP has it. */
        if ((randomHarsh || randomReadShut) && i == 2 * PATIENCE) {
            CpSimCut();
            randomHarsh = 1;
        }
        if (i > 100000) {
            RandomDescribeConns();
            RandomDescribeServers();
            CpSimFail("a close does not come to its end");
        }
    }
    CHECK(CpSimEndProcess() == 0);
    RandomClosePeers();
}

static void
Begin(void)
{
    CpError error;
    unsigned i;

    RandomForgetStreams();
    for (i = 0; i < RANDOM_PORTS; i++) {
        randomPorts[i] = CpPortNew(Wake, &woken[i], &error);
    }
    RandomListenPeers();
    SetFaults();
}

static void
Step(void)
{
    uint32_t choice = CpSimRandom(100);

    if (randomUdp && CpSimRandom(3) == 0) {
        RandomStepUdp();
    } else if (choice < 45) {
        RandomStepConn();
    } else if (choice < 65) {
        RandomStepPeer();
    } else if (choice < 75) {
        RandomStepServer();
    } else if (choice < 78) {
        RandomDial();
    } else {
        StepTime();
    }
    CheckWorld();
}

static void
End(void)
{
    unsigned i;

    WindUp();
    randomAccepts += (uint64_t) CpStatGet(CP_STAT_ACCEPTED);
    for (i = 0; i < RANDOM_PORTS; i++) {
        CpPortRelease(randomPorts[i]);
    }
    CpSimEnd();
}

void
RandomRunWorld(uint64_t seed)
{
    static char hint[80];
    unsigned i;

    snprintf(hint, sizeof(hint),
        randomUdp ? "build/native-clang/randomTest udp %llu 1"
                  : "make sim SEED=%llu COUNT=1",
        (unsigned long long) seed);
    CpSimStart(seed, hint);
    Begin();
    for (i = 0; i < RANDOM_STEPS; i++) {
        Step();
    }
    End();
}

void
RandomRunBytes(const unsigned char *bytes, size_t count)
{
    unsigned i;

    CpSimStart(0, NULL);
    CpSimUseBytes(bytes, count);
    Begin();
    for (i = 0; i < RANDOM_STEPS && CpSimBytesLeft() > 0; i++) {
        Step();
    }
    End();
}
