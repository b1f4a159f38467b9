/*
 * cpUdpWin.h --
 *
 *      Declarations that the datagram files of the Windows port share.
 */

#ifndef CP_UDP_WIN_H
#define CP_UDP_WIN_H

#include "cpWin.h"

#include "cpUdpPort.h"

#define UDP_CONTROL_BYTES 128 /* Room for the facts that are asked for. */

/* What a datagram handle has besides a CpHandle: the receive's description,
 * which the system writes to while it is outstanding. */

struct WinUdp {
    WSAMSG msg;
    WSABUF buf;
    CpAddr peer; /* Without its length. */
    union {
        WSACMSGHDR align;
        char bytes[UDP_CONTROL_BYTES];
    } control;
};

/* For Wine: a datagram handle has a peer; and it closes. */
void CpUdpWineWatch(CpHandle *handlePtr);
void CpUdpWineForget(CpHandle *handlePtr);

#endif /* CP_UDP_WIN_H */
