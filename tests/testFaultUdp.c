/*
 * testFaultUdp.c --
 *
 *      Faults of datagrams, as of testFault.c: the same kinds, for the calls of
 *      cpUdpPort.h.
 */

#include "testFault.h"

#include "cpUdpPort.h"

CpError __real_CpUdpHandleOpen(CpPort *portPtr, const CpAddr *addrPtr,
    CpHandle **handlePtrPtr);
CpError __wrap_CpUdpHandleOpen(CpPort *portPtr, const CpAddr *addrPtr,
    CpHandle **handlePtrPtr);
CpError __real_CpUdpHandleConnect(CpHandle *handlePtr, const CpAddr *addrPtr);
CpError __wrap_CpUdpHandleConnect(CpHandle *handlePtr, const CpAddr *addrPtr);
void __real_CpSubmitRecvFrom(CpHandle *handlePtr, CpOp *opPtr, void *bufPtr);
void __wrap_CpSubmitRecvFrom(CpHandle *handlePtr, CpOp *opPtr, void *bufPtr);
void __real_CpSubmitSendTo(CpHandle *handlePtr, CpOp *opPtr, const void *bufPtr,
    size_t lengthBytes, const CpAddr *addrPtr);
void __wrap_CpSubmitSendTo(CpHandle *handlePtr, CpOp *opPtr, const void *bufPtr,
    size_t lengthBytes, const CpAddr *addrPtr);
CpError __real_CpTryRecvFrom(CpHandle *handlePtr, void *bufPtr,
    size_t lengthBytes, size_t *bytesPtr, CpUdpInfo *infoPtr);
CpError __wrap_CpTryRecvFrom(CpHandle *handlePtr, void *bufPtr,
    size_t lengthBytes, size_t *bytesPtr, CpUdpInfo *infoPtr);
CpError __real_CpTrySendTo(CpHandle *handlePtr, const void *bufPtr,
    size_t lengthBytes, const CpAddr *addrPtr);
CpError __wrap_CpTrySendTo(CpHandle *handlePtr, const void *bufPtr,
    size_t lengthBytes, const CpAddr *addrPtr);

CpError
__wrap_CpUdpHandleOpen(CpPort *portPtr, const CpAddr *addrPtr,
    CpHandle **handlePtrPtr)
{
    CpError error = FaultCall(FAULT_OPEN);

    return error != CP_OK
        ? error
        : __real_CpUdpHandleOpen(portPtr, addrPtr, handlePtrPtr);
}

CpError
__wrap_CpUdpHandleConnect(CpHandle *handlePtr, const CpAddr *addrPtr)
{
    CpError error = FaultCall(FAULT_CONNECT);

    return error != CP_OK ? error
                          : __real_CpUdpHandleConnect(handlePtr, addrPtr);
}

void
__wrap_CpSubmitRecvFrom(CpHandle *handlePtr, CpOp *opPtr, void *bufPtr)
{
    if (!FaultNow(FAULT_RECV, handlePtr, opPtr, WIN_OP_DATAGRAM)) {
        __real_CpSubmitRecvFrom(handlePtr, opPtr, bufPtr);
    }
}

void
__wrap_CpSubmitSendTo(CpHandle *handlePtr, CpOp *opPtr, const void *bufPtr,
    size_t lengthBytes, const CpAddr *addrPtr)
{
    if (!FaultNow(FAULT_SEND, handlePtr, opPtr, WIN_OP_DATAGRAM)) {
        __real_CpSubmitSendTo(handlePtr, opPtr, bufPtr, lengthBytes, addrPtr);
    }
}

CpError
__wrap_CpTryRecvFrom(CpHandle *handlePtr, void *bufPtr, size_t lengthBytes,
    size_t *bytesPtr, CpUdpInfo *infoPtr)
{
    CpError error = FaultCall(FAULT_TRYRECV);

    *bytesPtr = 0;
    return error != CP_OK ? error
                          : __real_CpTryRecvFrom(handlePtr, bufPtr, lengthBytes,
                              bytesPtr, infoPtr);
}

CpError
__wrap_CpTrySendTo(CpHandle *handlePtr, const void *bufPtr, size_t lengthBytes,
    const CpAddr *addrPtr)
{
    CpError error = FaultCall(FAULT_TRYSEND);

    return error != CP_OK
        ? error
        : __real_CpTrySendTo(handlePtr, bufPtr, lengthBytes, addrPtr);
}
