/*
 * sendFile.h --
 *
 *      A connection that sends a file, for the programs of tests/native that
 *      test this: the bytes of the file, and those that the peer got.
 */

#ifndef SEND_FILE_H
#define SEND_FILE_H

#include "pair.h"

#define PIECE 65536L /* Of a file that the driver reads. */

static int limited; /* The driver reads the file; the system does otherwise. */

static inline void
DialPeer(Pair *pairPtr, CpPort *portPtr)
{
    CpAddr addr = CpSimAddr4(CP_SIM_LOCALHOST, 0);
    CpSimPeer *listenerPtr = CpSimPeerListen(&addr, 5);

    Dial(pairPtr, portPtr, addr, 0);
    pairPtr->peerListenerPtr = listenerPtr;
}

static inline void
OpenDialled(Pair *pairPtr, CpPort *portPtr)
{
    DialPeer(pairPtr, portPtr);
    Settle(pairPtr);
    CHECK(CpConnGetState(pairPtr->connPtr) == CP_CONN_OPEN);
    pairPtr->peerPtr = CpSimPeerAccept(pairPtr->peerListenerPtr);
    CHECK(pairPtr->peerPtr != NULL);
}

/* What has come to the peer, and is on its way to it. */

static char got[9100000];
static size_t have;

static inline size_t
Collect(Pair *pairPtr)
{
    size_t before = have, bytes;

    Settle(pairPtr);
    while ((bytes = CpSimPeerRecv(pairPtr->peerPtr, got + have,
                sizeof(got) - have))
        > 0) {
        have += bytes;
        Settle(pairPtr);
    }
    return have - before;
}

/* --------------------------------------------------------------- files */

typedef struct SentFile {
    int calls;
    uint64_t bytes;
    CpError error;
} SentFile;

static inline void
FileSent(void *clientData, uint64_t bytesSent, CpError error)
{
    SentFile *sentPtr = clientData;

    sentPtr->calls++;
    sentPtr->bytes = bytesSent;
    sentPtr->error = error;
}

static unsigned char bytes[9000000];
static CpSimFile content;

/* Sends the whole file from now on, in this way. */

static inline void
SetWay(int isLimited)
{
    size_t i;

    for (i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char) (i * 7 + i / 251);
    }
    limited = isLimited;
    CpSimSetFilesLimited(limited);
    content.bytes = bytes;
    content.sizeBytes = sizeof(bytes);
    have = 0;
}

static inline CpError
SendFile(Pair *pairPtr, uint64_t offset, uint64_t length, SentFile *sentPtr)
{
    CpFile *filePtr;
    CpError error;

    memset(sentPtr, 0, sizeof(*sentPtr));
    CHECK_ERROR(CpFileOpen((uintptr_t) &content, &filePtr), CP_OK);
    error = CpConnSendFile(pairPtr->connPtr, filePtr, offset, length, FileSent,
        sentPtr);
    if (error != CP_OK) {
        CpFileClose(filePtr);
    }
    return error;
}

#endif /* SEND_FILE_H */
