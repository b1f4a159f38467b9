/*
 * cpSendFile.c --
 *
 *      Sending files, one after the other, each behind the bytes that were
 *      written before it. Nothing else is written until the last one has ended.
 *      The system sends them itself, in large pieces. A system that does this
 *      only for a few connections at a time is not asked: the files are read
 *      here, in small pieces, and sent as bytes.
 */

#include "cpConnInt.h"
#include "cpMem.h"

#include <assert.h>

/* Each piece that completes counts as progress for callers with a limit. */
#define PIECE_BYTES 4194304

/*
 * A read blocks the thread for as long as the disk takes, so pieces are small.
 * A second piece is ready when the system has taken the first.
 */

#define READ_BYTES 65536
#define READ_PIECES 2

struct CpFileSend {
    CpOp op; /* Of a piece that the system sends. */
    CpConn *connPtr;
    CpFile *filePtr;
    uint64_t offset; /* Of the next piece. */
    uint64_t left;   /* Bytes from there on. */
    uint64_t sent;
    uint32_t pieceBytes; /* Of op. */
    unsigned pending;    /* Pieces outstanding. */
    CpError error;       /* The first. */
    CpSentProc *proc;
    void *clientData;
    CpListNode node; /* In the connection's fileSends. */
};

static void PieceDone(CpOp *opPtr);
static void ReadPieceDone(CpOp *opPtr);

static CpFileSend *
First(const CpConn *connPtr)
{
    return CP_LIST_OWNER(CpListFirst(&connPtr->fileSends), CpFileSend, node);
}

static void
LatchError(CpFileSend *sendPtr, CpError error)
{
    if (sendPtr->error == CP_OK) {
        sendPtr->error = error;
    }
}

static void
CountPiece(CpFileSend *sendPtr, uint32_t bytes)
{
    sendPtr->offset += bytes;
    sendPtr->left -= bytes;
    sendPtr->pending++;
    sendPtr->connPtr->sendPending++;
}

static void
SubmitPiece(CpFileSend *sendPtr)
{
    uint64_t offset = sendPtr->offset;
    uint32_t bytes = sendPtr->left < PIECE_BYTES ? (uint32_t) sendPtr->left
                                                 : PIECE_BYTES;

    CountPiece(sendPtr, bytes);
    sendPtr->pieceBytes = bytes;
    sendPtr->op.proc = PieceDone;
    CpSubmitSendFile(sendPtr->connPtr->handlePtr, &sendPtr->op,
        sendPtr->filePtr, offset, bytes);
}

/* Bytes that the file still has are sent before its error is reported. */

static void
SubmitRead(CpFileSend *sendPtr)
{
    uint32_t wanted = sendPtr->left < READ_BYTES ? (uint32_t) sendPtr->left
                                                 : READ_BYTES;
    CpBuf *bufPtr = CpSendBufNew(wanted);
    CpError error;
    size_t bytes;

    if (bufPtr == NULL) {
        if (sendPtr->pending == 0) {
            LatchError(sendPtr, CP_ENOMEM);
        }
        return;
    }
    if (wanted > bufPtr->sizeBytes) {
        wanted = bufPtr->sizeBytes;
    }
    error = CpFileRead(sendPtr->filePtr, sendPtr->offset, bufPtr->bytes, wanted,
        &bytes);
    if (bytes < wanted) {
        LatchError(sendPtr, error != CP_OK ? error : CP_ETRUNCATED);
    }
    if (bytes == 0) {
        CpBufFree(bufPtr);
        return;
    }
    CountPiece(sendPtr, (uint32_t) bytes);
    sendPtr->connPtr->sendBuffered += bytes;
    bufPtr->end = (uint32_t) bytes;
    bufPtr->ownerPtr = sendPtr;
    bufPtr->op.proc = ReadPieceDone;
    bufPtr->pending = 1;
    CpSubmitSend(sendPtr->connPtr->handlePtr, &bufPtr->op, bufPtr->bytes,
        bufPtr->end);
}

/* Submits as much as it may. If nothing is outstanding then, it has ended. */

static void
Submit(CpFileSend *sendPtr)
{
    unsigned most = 1;

    if (CpSendFileIsLimited() && sendPtr->connPtr->sendCap > 1) {
        most = READ_PIECES;
    }
    while (sendPtr->error == CP_OK && sendPtr->left > 0
        && sendPtr->pending < most) {
        unsigned before = sendPtr->pending;

        if (CpSendFileIsLimited()) {
            SubmitRead(sendPtr);
        } else {
            SubmitPiece(sendPtr);
        }
        if (sendPtr->pending == before) {
            break;
        }
    }
}

static void
Free(CpFileSend *sendPtr)
{
    assert(sendPtr->pending == 0);
    CpFileClose(sendPtr->filePtr);
    CpFree(sendPtr, sizeof(CpFileSend));
}

/* The first file has ended: calls its proc. */

static void
Report(CpFileSend *sendPtr)
{
    CpListRemove(&sendPtr->node);
    sendPtr->proc(sendPtr->clientData, sendPtr->sent, sendPtr->error);
    Free(sendPtr);
}

void
CpConnBreakSends(CpConn *connPtr, CpError error)
{
    if (connPtr->sendError == CP_OK) {
        connPtr->sendError = error == CP_ETRUNCATED ? CP_EPIPE : error;
    }
    connPtr->sendErrorReported = 1;
}

/* Nothing may follow a file that lacks bytes: it would take their place. */

static void
End(CpFileSend *sendPtr)
{
    if (sendPtr->error != CP_OK) {
        CpConnBreakSends(sendPtr->connPtr, sendPtr->error);
    }
    Report(sendPtr);
}

static void
PieceOver(CpFileSend *sendPtr, const CpOp *opPtr, uint32_t wanted)
{
    CpConn *connPtr = sendPtr->connPtr;

    connPtr->sendPending--;
    sendPtr->pending--;
    if (opPtr->error != CP_OK) {
        LatchError(sendPtr, opPtr->error);
    } else {
        sendPtr->sent += opPtr->bytes;
        connPtr->bytesOut += opPtr->bytes;
        CpStatAdd(CP_STAT_BYTES_OUT, opPtr->bytes);
        if (opPtr->bytes < wanted) {
            LatchError(sendPtr, CP_ETRUNCATED);
        }
    }
    Submit(sendPtr);
    if (sendPtr->pending == 0) {
        End(sendPtr);
        CpSendPump(connPtr);
    }
}

/* The documentation does not say which error a file gives that is too short. */

static int
EndsBefore(const CpFileSend *sendPtr, CpError error)
{
    uint64_t size;

    return (error == CP_EINVAL || error == CP_EIO)
        && CpFileSize(sendPtr->filePtr, &size) == CP_OK
        && size < sendPtr->offset;
}

static void
PieceDone(CpOp *opPtr)
{
    CpFileSend *sendPtr = CP_OWNER_OF(opPtr, CpFileSend, op);

    if (EndsBefore(sendPtr, opPtr->error)) {
        LatchError(sendPtr, CP_ETRUNCATED);
    }
    PieceOver(sendPtr, opPtr, sendPtr->pieceBytes);
}

static void
ReadPieceDone(CpOp *opPtr)
{
    CpBuf *bufPtr = CP_OWNER_OF(opPtr, CpBuf, op);
    CpFileSend *sendPtr = (CpFileSend *) bufPtr->ownerPtr;
    CpOp op = *opPtr;
    uint32_t wanted = bufPtr->end;

    /* The next piece can use its memory. */
    bufPtr->pending = 0;
    sendPtr->connPtr->sendBuffered -= wanted;
    CpBufFree(bufPtr);
    PieceOver(sendPtr, &op, wanted);
}

void
CpSendFileNext(CpConn *connPtr)
{
    CpFileSend *sendPtr = First(connPtr);

    assert(connPtr->sendPending == 0);
    sendPtr->error = connPtr->sendError;
    Submit(sendPtr);
    if (sendPtr->pending == 0) {
        End(sendPtr);
    }
}

void
CpSendFileDialled(CpConn *connPtr, CpError error)
{
    CpFileSend *sendPtr;

    while ((sendPtr = First(connPtr)) != NULL && connPtr->sendPending == 0) {
        if (error == CP_OK) {
            CpSendFileNext(connPtr);
        } else {
            sendPtr->error = error;
            Report(sendPtr);
        }
    }
}

/* CP_OK if it can be sent now, CP_EAGAIN if later, or why it cannot. */

static CpError
Check(CpConn *connPtr)
{
    CpError error = CpConnUsable(connPtr);

    return error == CP_OK ? CpSendReportError(connPtr) : error;
}

CpError
CpConnSendFile(CpConn *connPtr, CpFile *filePtr, uint64_t offset,
    uint64_t lengthBytes, CpSentProc *proc, void *clientData)
{
    CpError error = Check(connPtr);
    CpFileSend *sendPtr;

    assert(lengthBytes > 0);
    if (error != CP_OK && error != CP_EAGAIN) {
        return error;
    }
    sendPtr = (CpFileSend *) CpCalloc(sizeof(CpFileSend));
    if (sendPtr == NULL) {
        return CP_ENOMEM;
    }
    sendPtr->connPtr = connPtr;
    sendPtr->filePtr = filePtr;
    sendPtr->offset = offset;
    sendPtr->left = lengthBytes;
    sendPtr->proc = proc;
    sendPtr->clientData = clientData;
    if (error == CP_OK && connPtr->sendPending == 0) {
        Submit(sendPtr);
        if (sendPtr->pending == 0) { /* No byte could be read. */
            error = sendPtr->error;
            CpFree(sendPtr, sizeof(CpFileSend));
            return error;
        }
    }
    CpListAppend(&connPtr->fileSends, &sendPtr->node);
    return CP_OK;
}
