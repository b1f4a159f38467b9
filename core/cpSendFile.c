/*
 * cpSendFile.c --
 *
 *      Sending files: in pieces, one after the other, by the system itself.
 *      The first piece follows what was written before; nothing else is
 *      written until the last one is gone.
 */

#include "cpConnInt.h"
#include "cpMem.h"

#include <assert.h>

/* Each piece is progress, for those who wait while there is some. */
#define PIECE_BYTES 4194304

struct CpFileSend {
    CpOp op;
    CpConn *connPtr;
    CpFile *filePtr;
    uint64_t offset; /* Of the next piece. */
    uint64_t left;   /* Bytes. */
    uint64_t sent;
    uint32_t pieceBytes;
    CpSentProc *proc;
    void *clientData;
    CpFileSend *nextPtr; /* Sent after it. */
};

static void PieceDone(CpOp *opPtr);

static void
PostPiece(CpFileSend *sendPtr)
{
    CpConn *connPtr = sendPtr->connPtr;

    sendPtr->pieceBytes = sendPtr->left < PIECE_BYTES ? (uint32_t) sendPtr->left
                                                      : PIECE_BYTES;
    sendPtr->op.proc = PieceDone;
    connPtr->sendPending++;
    CpSubmitSendFile(connPtr->handlePtr, &sendPtr->op, sendPtr->filePtr,
        sendPtr->offset, sendPtr->pieceBytes);
}

static void
End(CpFileSend *sendPtr, CpError error)
{
    CpConn *connPtr = sendPtr->connPtr;

    connPtr->fileSendPtr = sendPtr->nextPtr;
    if (error != CP_OK) {
        connPtr->sendErrorTold = 1;
    }
    sendPtr->proc(sendPtr->clientData, sendPtr->sent, error);
    CpFileClose(sendPtr->filePtr);
    CpFree(sendPtr, sizeof(CpFileSend));
}

static void
PieceDone(CpOp *opPtr)
{
    CpFileSend *sendPtr = CP_OWNER_OF(opPtr, CpFileSend, op);
    CpConn *connPtr = sendPtr->connPtr;
    CpError error = opPtr->error;

    connPtr->sendPending--;
    if (error == CP_OK) {
        sendPtr->offset += opPtr->bytes;
        sendPtr->left -= opPtr->bytes;
        sendPtr->sent += opPtr->bytes;
        connPtr->bytesOut += opPtr->bytes;
        CpStatAdd(CP_STAT_BYTES_OUT, opPtr->bytes);
        if (opPtr->bytes == sendPtr->pieceBytes && sendPtr->left > 0) {
            PostPiece(sendPtr);
            return;
        }
    } else if (connPtr->sendError == CP_OK) {
        connPtr->sendError = error;
    }
    End(sendPtr, error);
    CpSendSettle(connPtr);
}

void
CpSendFileNext(CpConn *connPtr)
{
    CpFileSend *sendPtr = connPtr->fileSendPtr;

    assert(connPtr->sendPending == 0);
    if (connPtr->sendError != CP_OK) {
        End(sendPtr, connPtr->sendError);
    } else {
        PostPiece(sendPtr);
    }
}

CpError
CpConnSendFile(CpConn *connPtr, CpFile *filePtr, uint64_t offset,
    uint64_t lengthBytes, CpSentProc *proc, void *clientData)
{
    CpError error = CpConnUsable(connPtr);
    CpFileSend **linkPtr = &connPtr->fileSendPtr;
    CpFileSend *sendPtr;

    assert(lengthBytes > 0);
    if (error == CP_OK) {
        error = CpSendRefusal(connPtr);
    }
    if (error != CP_OK) {
        return error;
    }
    sendPtr = CpCalloc(sizeof(CpFileSend));
    if (sendPtr == NULL) {
        return CP_ENOMEM;
    }
    sendPtr->connPtr = connPtr;
    sendPtr->filePtr = filePtr;
    sendPtr->offset = offset;
    sendPtr->left = lengthBytes;
    sendPtr->proc = proc;
    sendPtr->clientData = clientData;
    while (*linkPtr != NULL) {
        linkPtr = &(*linkPtr)->nextPtr;
    }
    *linkPtr = sendPtr;
    if (connPtr->sendPending == 0) {
        PostPiece(sendPtr);
    }
    return CP_OK;
}
