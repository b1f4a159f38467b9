/*
 * port.h --
 *
 *      What the files of portTest share: checks, the report of a case, and
 *      operations, ports and connections to make cases of.
 *
 *      A case demands what Windows does, as Microsoft's documentation and the
 *      results of Wine's own tests on Windows say. Where Wine answers
 *      otherwise, the case names Wine's answer. It counts under Wine alone, and
 *      the line of the case says so.
 */

#ifndef PORT_H
#define PORT_H

#include "cpMem.h"
#include "cpPort.h"
#include "cpResolve.h"

#ifdef IOCPSOCK_SIM
#include "cpSim.h"
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long a case waits for what must come. Wine runs on machines that are
 * busy, with other tests beside this one. */
#define PATIENCE_MS (OnWine() ? 30000 : 10000)

typedef struct Case {
    const char *name;
    void (*proc)(void);
} Case;

/* The cases of each subject, and behind the last one a NULL. */
extern const Case portCases[];
extern const Case connectCases[];
extern const Case nameCases[];
extern const Case recvCases[];
extern const Case sendCases[];
extern const Case endCases[];
extern const Case shutdownCases[];
extern const Case fileCases[];
extern const Case resolveCases[];
extern const Case udpCases[];
#ifndef IOCPSOCK_SIM
extern const Case foreignCases[];
extern const Case winsockCases[];
#endif

/* ------------------------------------------------------------- report */

#if defined(__MINGW32__)
#define LIKE_PRINTF(at) __attribute__((format(gnu_printf, at, (at) + 1)))
#elif defined(__GNUC__)
#define LIKE_PRINTF(at) __attribute__((format(printf, at, (at) + 1)))
#else
#define LIKE_PRINTF(at)
#endif

/* Ends the case, and this process. */
_Noreturn void Fail(const char *file, int line, const char *format, ...)
    LIKE_PRINTF(3);

/* What the line of the case says: Wine's answer, or why it checks less. */
void NoteWine(const char *format, ...) LIKE_PRINTF(1);
void NoteSkip(const char *format, ...) LIKE_PRINTF(1);

/* Whether this is a Windows program under Wine. */
int OnWine(void);

#define CHECK(condition) \
    ((condition) ? (void) 0 \
                 : Fail(__FILE__, __LINE__, "not so: %s", #condition))

/* Windows' answer, or Wine's, which the text describes. */
#define CHECK_OR_WINE(condition, onWine, text) \
    CheckOrWine(__FILE__, __LINE__, #condition, condition, onWine, text)

#define CHECK_ERROR(expression, expected) \
    CheckError(__FILE__, __LINE__, #expression, expression, expected, expected)
#define CHECK_ERROR_OR_WINE(expression, expected, onWine) \
    CheckError(__FILE__, __LINE__, #expression, expression, expected, onWine)

/* A reset of either kind: Microsoft does not say which it is there. */
#define CHECK_RESET(expression) \
    CheckReset(__FILE__, __LINE__, #expression, expression)
#define CHECK_COUNT(expression, expected) \
    CheckCount(__FILE__, __LINE__, #expression, \
        (unsigned long long) (expression), (unsigned long long) (expected))
#define CHECK_BYTES(bufPtr, text, count) \
    CheckBytes(__FILE__, __LINE__, bufPtr, text, count)

void CheckOrWine(const char *file, int line, const char *text, int isSo,
    int onWine, const char *wineText);
void CheckError(const char *file, int line, const char *text, CpError seen,
    CpError expected, CpError onWine);
void CheckReset(const char *file, int line, const char *text, CpError seen);
void CheckCount(const char *file, int line, const char *text,
    unsigned long long seen, unsigned long long expected);
void CheckBytes(const char *file, int line, const char *seenPtr,
    const char *expected, size_t count);

/* --------------------------------------------------------- operations */

/* An operation that counts its completions. */

typedef struct Op {
    CpAcceptOp accept; /* Its op is used for all kinds. */
    int done;
} Op;

/* The port of this case, which its wakeProc sets woken for. */
extern CpPort *port;
extern volatile int woken;
extern int reaping;

CpOp *Prepare(Op *opPtr);
unsigned Reap(CpPort *portPtr, int timeoutMs);
unsigned ReapFinished(CpPort *portPtr);

/* Reaps until the operation is over, and returns its error. */
#define Wait(opPtr) WaitAt(__FILE__, __LINE__, port, opPtr)
#define WaitOn(portPtr, opPtr) WaitAt(__FILE__, __LINE__, portPtr, opPtr)
CpError WaitAt(const char *file, int line, CpPort *portPtr, const Op *opPtr);

CpPort *NewPort(void);

/* Lets time pass, asleep or awake. */
void Pause(unsigned ms);
void Spin(void);

int IsReset(CpError error);

/* -------------------------------------------------------- connections */

/* Both ends of a connection, and the listener. */

typedef struct Pair {
    CpHandle *listenerPtr;
    CpHandle *clientPtr;
    CpHandle *serverPtr;
    CpAddr addr;
} Pair;

CpAddr Loopback(void);

/* A handle with a name that nobody else can have, where nobody listens. */
CpHandle *Refuse(CpPort *portPtr, CpAddr *addrPtr);
CpHandle *Listen(CpPort *portPtr, CpAddr *addrPtr);

void Connect(Pair *pairPtr);
void ConnectOn(CpPort *portPtr, Pair *pairPtr);
CpHandle *ConnectTo(const CpAddr *addrPtr);

/* Closes the ends that are not NULL, and the listener. */
void Close(Pair *pairPtr);
void CloseEnd(CpHandle **handlePtrPtr);

void Send(CpHandle *handlePtr, const char *text);

/* Waits until a receive would end: bytes, the end of file or an error. */
void WaitData(CpHandle *handlePtr);
int HasData(CpHandle *handlePtr);

/* Receives some bytes, and these. */
void Expect(CpHandle *handlePtr, const char *text);

/* Bytes that differ from place to place, and repeat after PIECE_BYTES. */
#define PIECE_BYTES 65536
char *NewBytes(size_t count);
int AreBytes(const char *bufPtr, size_t count);

/* Sends such bytes until the system takes no more, and returns how many. */
#define MOST_BYTES 100000000
size_t SendUntilFull(CpHandle *handlePtr);

/*
 * ReceiveAll --
 *
 *      Receives until the end.
 *
 * Results:
 *      How many bytes, and in *errorPtr CP_OK for an end of file, or the error.
 */

size_t ReceiveAll(CpHandle *handlePtr, char *bufPtr, size_t room,
    CpError *errorPtr);

/* Sends single bytes until that fails, as it does once a reset has arrived, or
 * until the time is over. Then it returns CP_OK. */
CpError WaitSendFails(CpHandle *handlePtr, unsigned timeoutMs);

#ifndef IOCPSOCK_SIM
/* Runs this program once more; returns its process. */
void *StartProgram(const char *arguments);
#endif

/* Runs a procedure in a thread of its own, over the simulator in this one. */
void RunThread(void (*proc)(void *clientData), void *clientData);

#endif /* PORT_H */
