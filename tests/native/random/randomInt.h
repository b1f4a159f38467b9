/*
 * randomInt.h --
 *
 *      What the files of randomTest share: application and network played by
 *      chance, over the simulated port, and what has to hold whatever happens.
 *
 *      Every byte of a connection follows from its client's port, its
 *      direction and its place, so that each end checks what it receives by
 *      itself: nothing is lost, doubled, swapped or from another connection.
 */

#ifndef RANDOM_INT_H
#define RANDOM_INT_H

#include "check.h"
#include "cpConn.h"
#include "cpListener.h"

#define RANDOM_STEPS 2000
#define RANDOM_SERVERS 3
#define RANDOM_PORTS 2
#define RANDOM_BUF_BYTES 70000

/* ---------------------------------------------------- randomStream.c */

/* What is known of a connection, by its client's port and the direction: 0
 * from the client, 1 to it. */

typedef struct RandomStream {
    uint64_t sent;
    uint64_t received;
    int lingers; /* Its sender was closed with unread input, in order and
                  * without a time limit: nothing may be lost. */
    int broken;  /* A file was not sent whole: nothing follows it. */
} RandomStream;

extern unsigned char randomBuf[RANDOM_BUF_BYTES];
extern int randomHarsh;   /* A world where things fail. */
extern int randomWindows; /* One that is like Windows. */
extern uint64_t randomBytesMoved;

RandomStream *RandomStreamOf(unsigned port, unsigned direction);
void RandomForgetStreams(void);

/* The next bytes of a stream, to be sent. */
void RandomFillBuf(unsigned port, unsigned direction, size_t lengthBytes);

/* Those received are the next ones. */
void RandomCheckBuf(unsigned port, unsigned direction, size_t lengthBytes);

/* An end of file that no reset has made: all that was sent has come. */
void RandomCheckEnd(unsigned port, unsigned direction);

/* A reset that the sender's end has caused: a sender that had to linger has
 * first delivered all. */
void RandomCheckReset(unsigned port, unsigned direction, CpSimCause cause);

/* How much to send or receive: little mostly. */
size_t RandomLength(void);

/* ------------------------------------------------------ randomConn.c */

typedef struct RandomConn {
    CpConn *connPtr; /* NULL: free. */
    unsigned owner;  /* Of randomPorts. */
    int parked;
    int open; /* The stream is known. */
    int closing;
    unsigned port;
    unsigned out; /* Direction of what it sends. */
    int eof;
    int failed; /* A read has returned an error. */
    int shut;
    unsigned cap;      /* The largest send cap since its sends were done. */
    int exposed;       /* A stranger has the handle. */
    uint64_t buffered; /* Received and not read, a step ago. */
} RandomConn;

extern int randomReadShut; /* Some direction was closed for reading. */
extern int randomLimits;   /* A world where closes have limits of time. */

RandomConn *RandomFreeConn(void); /* NULL if there is none. */
CpConnProc RandomNotify;
void RandomDial(void);
void RandomStepConn(void);
int RandomCountConns(void);
void RandomCheckConns(void);
void RandomUnparkConns(void);

/* Closes reach their limits of time. */
void RandomTickConns(void);

/* Closes all, and does not wait for any peer, in a world with limits. */
void RandomEndConns(void);

/* Who has read all is closed; all are with force. */
void RandomWindUpConns(int force);
void RandomDescribeConns(void);

/* ---------------------------------------------------- randomServer.c */

typedef struct RandomServer {
    CpListener *listenerPtr; /* NULL: free. */
    unsigned owner;
    int parked;
    int closing;
    unsigned backlog;
    uint32_t timeoutMs;
    CpAddr addr;
} RandomServer;

extern RandomServer randomServers[RANDOM_SERVERS];

void RandomStepServer(void);
int RandomCountServers(void);
void RandomCheckServers(void);
void RandomCloseServers(void);
void RandomDescribeServers(void);

/* ------------------------------------------------------ randomPeer.c */

extern CpAddr randomPeerAddr; /* Where peers listen. */

void RandomListenPeers(void);
void RandomStepPeer(void);

/* They receive what there is; who has all is closed. */
void RandomWindUpPeers(void);
void RandomStopPeers(void); /* They listen no more. */
void RandomClosePeers(void);

/* ------------------------------------------------------- randomUdp.c */

extern int randomUdp; /* Worlds have datagrams, too. */
extern uint64_t randomDatagramsSent, randomDatagramsTaken;

void RandomStepUdp(void);
int RandomCountUdp(void);
void RandomCheckUdp(void);
void RandomCloseUdp(void);

/* ----------------------------------------------------- randomWorld.c */

extern CpPort *randomPorts[RANDOM_PORTS];
extern uint64_t randomAccepts;

/* A world from its beginning to its end. */
void RandomRunWorld(uint64_t seed);

/* One whose choices are these bytes, and whose steps end with them. */
void RandomRunBytes(const unsigned char *bytes, size_t count);

#endif /* RANDOM_INT_H */
