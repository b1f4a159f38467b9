/*
 * sendFileReadTest.c --
 *
 *      Files that the driver itself reads and sends, over the simulated port:
 *      its buffers, its failures, and several at a time.
 */

#include "sendFile.h"

/* ------------------------------------------------------- files read here */

/* The memory for a transfer is bounded, whether the peer receives or not. */

static void
TestReadBounded(CpPort *portPtr)
{
    SentFile sent;
    Pair pair;

    SetWay(1);
    OpenDialled(&pair, portPtr);
    CHECK_ERROR(SendFile(&pair, 0, sizeof(bytes), &sent), CP_OK);
    CHECK(Stats(&pair).sendPending == 2);
    CHECK(Stats(&pair).sendBuffered == 2 * PIECE);
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == 2 * PIECE);
    while (sent.calls == 0) {
        have += CpSimPeerRecv(pair.peerPtr, got + have, 10000);
        Settle(&pair);
        CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) <= 2 * PIECE);
    }
    CHECK(CpStatGet(CP_STAT_BUFFER_BYTES) == 0);
    (void) Collect(&pair);
    CHECK(have == sizeof(bytes) && memcmp(got, bytes, have) == 0);

    /* With a cap of 1, one send is outstanding. */
    CpConnSetSendCap(pair.connPtr, 1);
    CHECK_ERROR(SendFile(&pair, 0, sizeof(bytes), &sent), CP_OK);
    CHECK(Stats(&pair).sendPending == 1);
    PeerReset(&pair);
    Done(&pair);
}

/* The file cannot be read, at the beginning or later. */

static void
TestReadFails(CpPort *portPtr)
{
    size_t took;
    SentFile sent;
    Pair pair;

    SetWay(1);
    OpenDialled(&pair, portPtr);
    CpSimFailNth(CP_SIM_FILE_READ_FAIL, 1, 1, CP_EACCES);
    CHECK_ERROR(SendFile(&pair, 0, 200000, &sent), CP_EACCES);
    CHECK(sent.calls == 0);
    Write(&pair, "x", CP_OK);
    CHECK(Collect(&pair) == 1);
    CpConnBreakSends(pair.connPtr, CP_EACCES);
    CHECK_ERROR(CpConnUnreportedError(pair.connPtr), CP_OK);
    Write(&pair, "x", CP_EACCES);
    Done(&pair);
    OpenDialled(&pair, portPtr);
    have = 0;
    CpSimFailNth(CP_SIM_FILE_READ_FAIL, 3, 1, CP_EIO);
    CHECK_ERROR(SendFile(&pair, 0, 200000, &sent), CP_OK);
    CHECK(Collect(&pair) == 2 * PIECE);
    CHECK(sent.calls == 1 && sent.bytes == 2 * PIECE);
    CHECK_ERROR(sent.error, CP_EIO);
    Write(&pair, "x", CP_EIO);
    Done(&pair);

    /* Behind other sends, the transfer was accepted, so it reports the
     * failure. */
    OpenDialled(&pair, portPtr);
    took = Fill(&pair, 0);
    CpSimFailNth(CP_SIM_FILE_READ_FAIL, 1, 1, CP_EIO);
    CHECK_ERROR(SendFile(&pair, 0, 200000, &sent), CP_OK);
    CHECK(Collect(&pair) == took);
    CHECK(sent.calls == 1 && sent.bytes == 0);
    CHECK_ERROR(sent.error, CP_EIO);
    Done(&pair);
}

/* A transfer goes on with one buffer or a small one. Without any it fails. */

static void
TestReadNoMemory(CpPort *portPtr)
{
    SentFile sent;
    Pair pair;

    SetWay(1);
    OpenDialled(&pair, portPtr);
    CpSimFailNth(CP_SIM_NO_MEMORY, 3, 3, CP_OK); /* The first buffer's. */
    CHECK_ERROR(SendFile(&pair, 0, 300000, &sent), CP_OK);
    CHECK(Stats(&pair).sendPending == 2);
    CHECK(Collect(&pair) == 300000 && memcmp(got, bytes, 300000) == 0);
    CHECK(sent.calls == 1 && sent.error == CP_OK);

    have = 0;
    CpSimFailNth(CP_SIM_NO_MEMORY, 4, 4, CP_OK); /* The second one's. */
    CHECK_ERROR(SendFile(&pair, 0, 300000, &sent), CP_OK);
    CHECK(Stats(&pair).sendPending == 1);
    CHECK(Collect(&pair) == 300000 && memcmp(got, bytes, 300000) == 0);

    CpSimFailNth(CP_SIM_NO_MEMORY, 4, 100, CP_OK); /* All further ones. */
    CHECK_ERROR(SendFile(&pair, 0, 300000, &sent), CP_OK);
    (void) Collect(&pair);
    CHECK(sent.calls == 1 && sent.bytes == PIECE);
    CHECK_ERROR(sent.error, CP_ENOMEM);
    Done(&pair);
}

/* Two transfers take turns, piece by piece. */

static void
TestReadTurns(CpPort *portPtr)
{
    SentFile sents[2];
    Pair pairs[2];
    unsigned i;

    SetWay(1);
    CpSimSetWindow(1000000);
    for (i = 0; i < 2; i++) {
        OpenDialled(&pairs[i], portPtr);
    }
    for (i = 0; i < 2; i++) {
        CHECK_ERROR(SendFile(&pairs[i], 0, 640000, &sents[i]), CP_OK);
    }
    while (sents[0].calls == 0) {
        CpPortReap(portPtr, -1);
        CHECK(
            Stats(&pairs[0]).bytesOut <= Stats(&pairs[1]).bytesOut + 3 * PIECE);
    }
    for (i = 0; i < 2; i++) {
        have = 0;
        CHECK(Collect(&pairs[i]) == 640000 && sents[i].calls == 1);
        Done(&pairs[i]);
    }
}

static const CheckCase cases[] = {
    {"read-bounded", TestReadBounded},
    {"read-fails", TestReadFails},
    {"read-no-memory", TestReadNoMemory},
    {"read-turns", TestReadTurns},
};

CHECK_MAIN(cases)
