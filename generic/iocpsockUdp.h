/*
 * iocpsockUdp.h --
 *
 *      Datagram channels, shared by the files iocpsockUdp*.c.
 */

#ifndef IOCPSOCK_UDP_H
#define IOCPSOCK_UDP_H

#include "iocpsockPackage.h"

#include "cpUdp.h"

/* A multicast group of a channel. */

typedef struct IocpsockGroup {
    CpAddr addr;
    CpUdpInterface interface;
    char interfaceText[CP_HOST_BYTES]; /* As the script gave it. */
    CpListNode node;
} IocpsockGroup;

/* An address and its text, so that few are formatted and looked up: most
 * datagrams go to the same one, or to the one that the last came from. */

typedef struct IocpsockKnownAddr {
    char host[64]; /* Empty: not known. */
    CpAddr addr;   /* lengthBytes 0: none. */
} IocpsockKnownAddr;

/* What a datagram channel has besides an IocpsockChan, its kindData. */

typedef struct IocpsockUdp {
    IocpsockChan *chanPtr;
    CpUdp *udpPtr;
    int tclMask;                     /* The events that Tcl wants. */
    Tcl_Obj *commandPtr;             /* -command, or NULL; */
    IocpsockInterpRef *interpRefPtr; /* its interpreter. */
    Tcl_TimerToken retryTimer;       /* For a receive that has failed. */
    IocpsockKnownAddr peer;          /* Of the last datagram that was read. */
    IocpsockKnownAddr destination;   /* The last numeric one. */
    Tcl_Obj *metaPtr;   /* The last facts as a dict, or NULL, and */
    CpUdpInfo metaInfo; /* what they were made from. */
    CpList groups;
    char mcastIf[CP_HOST_BYTES]; /* -mcastif, as the script gave it. */
} IocpsockUdp;

/* iocpsockUdp.c */

extern const Tcl_ChannelType iocpsockUdpType;

/*
 * IocpsockUdpNew --
 *
 *      Makes a channel that has no sockets yet. Free undoes that before the
 *      channel is opened, and Open makes it known to Tcl.
 *
 * Results:
 *      The channel's data, or NULL and a message.
 */

IocpsockUdp *IocpsockUdpNew(Tcl_Interp *interp);
void IocpsockUdpFree(IocpsockUdp *dataPtr);
Tcl_Channel IocpsockUdpOpen(IocpsockUdp *dataPtr);

/* Sets the command, NULL for none. */
void IocpsockUdpSetCommand(IocpsockUdp *dataPtr, Tcl_Interp *interp,
    Tcl_Obj *commandPtr);

/* Waits for completions of the channel's thread; at most timeoutMs, if it is
 * not negative. */
void IocpsockUdpWait(IocpsockUdp *dataPtr, int64_t timeoutMs);

/* The next datagram without waiting, the caller's; NULL without one. */
CpDatagram *IocpsockUdpTake(IocpsockUdp *dataPtr);

/* Sends to the peer or to -remote. A blocking channel waits until it can and,
 * unless it has a command, for the look-up of the name. */
CpError IocpsockUdpSendPeer(IocpsockUdp *dataPtr, const void *bytes,
    size_t lengthBytes);

/* IocpsockErrno, but with EACCES. */
int IocpsockUdpErrno(CpError error);
int IocpsockUdpFailure(Tcl_Interp *interp, const char *what, CpError error);

/* iocpsockUdpCmd.c */

/* Creates the commands. */
void IocpsockUdpInit(Tcl_Interp *interp);

/* iocpsockUdpAddr.c */

/* The facts of a datagram as a dict, which may be shared. Its sender becomes
 * the peer. */
Tcl_Obj *IocpsockUdpMeta(IocpsockUdp *dataPtr, const CpUdpInfo *infoPtr);
void IocpsockUdpForgetMeta(IocpsockUdp *dataPtr);

/* Sets the peer, the sender of the last datagram that was read. */
void IocpsockUdpSetPeer(IocpsockUdp *dataPtr, const CpAddr *addrPtr);

/* Writes the host of the peer to host[CP_HOST_BYTES]. */
void IocpsockUdpPeerHost(IocpsockUdp *dataPtr, char *host);

/* The address of a host and a port, if it is known without looking it up. */
int IocpsockUdpKnows(const IocpsockUdp *dataPtr, const char *host, int port,
    CpAddr *addrPtr);

/* The first address of a host and a port that the channel has a socket for, or
 * any before it has one. Waits for the resolver. Leaves a message. */
int IocpsockUdpAddr(Tcl_Interp *interp, IocpsockUdp *dataPtr, const char *host,
    int port, CpAddr *addrPtr);

/* A number, or the name of a UDP service. */
int IocpsockUdpPort(Tcl_Interp *interp, Tcl_Obj *objPtr, int *portPtr);

/* Whether it waits for the resolver: it blocks, and no events are expected. */
int IocpsockUdpAwaitsNames(const IocpsockUdp *dataPtr);

/* Sets -remote to a host and a port, or begins to look them up. */
int IocpsockUdpUseRemote(IocpsockUdp *dataPtr, Tcl_Interp *interp,
    Tcl_Obj *hostPtr, Tcl_Obj *portPtr);

/* iocpsockUdpOpt.c */

int IocpsockUdpSetOption(void *instanceData, Tcl_Interp *interp,
    const char *optionName, const char *value);
int IocpsockUdpGetOption(void *instanceData, Tcl_Interp *interp,
    const char *optionName, Tcl_DString *dsPtr);

/* iocpsockUdpStats.c: its counters as a new dict. */

Tcl_Obj *IocpsockUdpStats(const IocpsockUdp *dataPtr);

/* iocpsockUdpMcast.c: the options about multicast. */

int IocpsockUdpJoin(IocpsockUdp *dataPtr, Tcl_Interp *interp, const char *value,
    int join);
int IocpsockUdpSetMcastIf(IocpsockUdp *dataPtr, Tcl_Interp *interp,
    const char *value);
void IocpsockUdpListGroups(const IocpsockUdp *dataPtr, Tcl_DString *dsPtr);
void IocpsockUdpForgetGroups(IocpsockUdp *dataPtr);

#endif /* IOCPSOCK_UDP_H */
