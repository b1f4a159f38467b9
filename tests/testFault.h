/*
 * testFault.h --
 *
 *      What the files of testFault.c's package share.
 */

#ifndef TEST_FAULT_H
#define TEST_FAULT_H

#include "cpWin.h"

typedef enum FaultKind {
    FAULT_MEMORY,
    FAULT_OPEN,
    FAULT_BIND,
    FAULT_LISTEN,
    FAULT_ACCEPT,
    FAULT_CONNECT,
    FAULT_RECV,
    FAULT_SEND,
    FAULT_RESOLVE,
    FAULT_TRYRECV,
    FAULT_TRYSEND,
    FAULT_COUNT
} FaultKind;

/* Counts a call. Returns the error that it must fail with, or CP_OK. */
CpError FaultCall(FaultKind kind);

/* Counts a submit, and makes the operation late if its kind is. Returns whether
 * it has already failed. */
int FaultNow(FaultKind kind, CpHandle *handlePtr, CpOp *opPtr,
    WinOpKind winKind);

#endif /* TEST_FAULT_H */
