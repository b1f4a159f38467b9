/*
 * windowsFileTest.c --
 *
 *      The rules by which Windows sends files, in the simulated port: the
 *      simulator keeps each, and the core copes with it.
 */

#include "cpClose.h"
#include "pair.h"

/* -------------------------------------------------------------- files */

typedef struct Transfer {
    CpSimFile file;
    Pair pair;
    int done;
    CpError error;
    uint64_t sent;
} Transfer;

static unsigned char fileBytes[5000];

static void
Sent(void *clientData, uint64_t bytesSent, CpError error)
{
    Transfer *transferPtr = clientData;

    transferPtr->done++;
    transferPtr->sent = bytesSent;
    transferPtr->error = error;
}

static void
StartTransfer(Transfer *transferPtr, CpPort *portPtr)
{
    CpFile *filePtr;
    unsigned i;

    for (i = 0; i < sizeof(fileBytes); i++) {
        fileBytes[i] = (unsigned char) (i * 11 + (i >> 8));
    }
    memset(transferPtr, 0, sizeof(Transfer));
    Open(&transferPtr->pair, portPtr, CP_RECV_ADAPTIVE);
    transferPtr->file.bytes = fileBytes;
    transferPtr->file.sizeBytes = sizeof(fileBytes);
    transferPtr->file.position = 7;
    CHECK_ERROR(CpFileOpen((uintptr_t) &transferPtr->file, &filePtr), CP_OK);
    CHECK_ERROR(CpConnSendFile(transferPtr->pair.connPtr, filePtr, 100, 4000,
                    Sent, transferPtr),
        CP_OK);
    Settle(&transferPtr->pair);
}

/* The peer receives until nothing more comes, and gets the bytes of the
 * file. */

static size_t
Receive(Transfer *transferPtr, size_t from)
{
    static unsigned char got[sizeof(fileBytes)];
    size_t bytes, count = 0;

    do {
        bytes = CpSimPeerRecv(transferPtr->pair.peerPtr, got + count,
            sizeof(got) - count);
        count += bytes;
        Settle(&transferPtr->pair);
    } while (bytes > 0);
    CHECK(memcmp(got, fileBytes + from, count) == 0);
    return count;
}

/* If two peers do not receive, a third file waits for the system. On an edition
 * with this limit, the core reads and sends the file itself. */

static void
TestFileSlots(CpPort *portPtr)
{
    int limited;

    for (limited = 0; limited < 2; limited++) {
        uint64_t before = CpSimTaken(CP_SIM_FILE_WAITS);
        Transfer transfers[3];
        unsigned i;

        CpSimSetWindows(1);
        CpSimSetFilesLimited(limited);
        CpSimSetFault(CP_SIM_SEND_WHOLE, 0);
        CpSimSetWindow(1000);
        for (i = 0; i < 3; i++) {
            StartTransfer(&transfers[i], portPtr);
            CHECK(!transfers[i].done);
        }
        CHECK(CpSimTaken(CP_SIM_FILE_WAITS) - before == (limited ? 0 : 1));
        CHECK(Receive(&transfers[2], 100) == (limited ? 4000 : 0));
        CHECK(transfers[2].done == limited);

        /* One of the others ends, so the third one starts. */
        CHECK(Receive(&transfers[1], 100) == 4000);
        CHECK(Receive(&transfers[2], 100) == (limited ? 0 : 4000));
        CHECK(Receive(&transfers[0], 100) == 4000);
        for (i = 0; i < 3; i++) {
            CHECK(transfers[i].done == 1);
            CHECK_ERROR(transfers[i].error, CP_OK);
            Done(&transfers[i].pair);
        }
        CpSimSetWindows(0);
    }
}

/* Cancelled transfers make room for others, whether they run or wait. */

static void
TestFileSlotsCancelled(CpPort *portPtr)
{
    Transfer transfers[4];
    unsigned i;

    CpSimSetFileSlots(2);
    CpSimSetWindow(1000);
    for (i = 0; i < 4; i++) {
        StartTransfer(&transfers[i], portPtr);
    }
    CpConnAbort(transfers[2].pair.connPtr);
    CpConnAbort(transfers[0].pair.connPtr);
    Settle(&transfers[0].pair);
    CHECK(transfers[2].done && transfers[2].error != CP_OK);
    CHECK(transfers[0].done && transfers[0].error != CP_OK);
    CHECK(Receive(&transfers[3], 100) == 4000);
    CHECK(Receive(&transfers[1], 100) == 4000);
    for (i = 0; i < 4; i++) {
        Done(&transfers[i].pair);
    }
}

/* The application moves the position of its handle meanwhile. The same bytes
 * are sent, and the transfer moves the position only if both handles share
 * it. */

static void
TestFilePosition(CpPort *portPtr)
{
    int shared, limited;

    for (shared = 0; shared < 2; shared++) {
        for (limited = 0; limited < 2; limited++) {
            Transfer transfer;

            CpSimSetFilesLimited(limited);
            CpSimSetWindow(1000);
            CpSimSetFault(CP_SIM_FILE_SHARED, shared ? 1000 : 0);
            StartTransfer(&transfer, portPtr);
            CHECK(transfer.file.isShared == shared);
            CHECK(transfer.file.position == (shared ? 4100 : 7));
            transfer.file.position = 3;
            CHECK(Receive(&transfer, 100) == 4000);
            CHECK(transfer.done == 1 && transfer.error == CP_OK);
            CHECK(transfer.file.position == 3);
            Done(&transfer.pair);
        }
    }
}

/* The file has fewer bytes than are to be sent. The documentation does not name
 * the error. If the driver reads the file, there is none. */

static void
TestFileShrank(CpPort *portPtr)
{
    static const CpError errors[] = {CP_OK, CP_ETRUNCATED, CP_EINVAL, CP_EIO};
    unsigned i;

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        char byte;
        Transfer transfer;
        CpFile *filePtr;

        CpSimSetFilesLimited(i == 0);
        CpSimSetWindow(10000);
        StartTransfer(&transfer, portPtr);
        CHECK(Receive(&transfer, 100) == 4000 && transfer.done == 1);
        transfer.file.sizeBytes = 50;
        CHECK_ERROR(CpFileOpen((uintptr_t) &transfer.file, &filePtr), CP_OK);
        CpSimFailNth(CP_SIM_FILE_SHORT_FAILS, 1, 1, errors[i]);
        CHECK_ERROR(CpConnSendFile(transfer.pair.connPtr, filePtr, 0, 60, Sent,
                        &transfer),
            CP_OK);
        Settle(&transfer.pair);
        CHECK(transfer.done == 2);
        CHECK_ERROR(transfer.error, CP_ETRUNCATED);
        CHECK(Receive(&transfer, 0) <= 50);

        /* Nothing follows it, and the peer gets a reset instead of the end of
         * file. */
        Write(&transfer.pair, "x", CP_EPIPE);
        CloseConn(&transfer.pair);
        CpSimAdvance(0);
        CHECK(CpSimPeerRecv(transfer.pair.peerPtr, &byte, 1) == 0);
        CHECK(CpSimPeerIsReset(transfer.pair.peerPtr));
        Done(&transfer.pair);
    }
}

static const CheckCase cases[] = {
    {"file-slots", TestFileSlots},
    {"file-slots-cancelled", TestFileSlotsCancelled},
    {"file-position", TestFilePosition},
    {"file-shrank", TestFileShrank},
};

CHECK_MAIN(cases)
