/*
 * portTest.c --
 *
 *      The contract of cpPort.h and cpResolve.h, case by case, of the port that
 *      the program is linked with: the simulated one, so that it is known to be
 *      like the real one, or that one. Both ends of a connection are the port's
 *      own. port/ has the cases. Those of port/win/ are for Windows alone, as
 *      they call Winsock themselves.
 *
 *          portTest            all cases
 *          portTest NAME...    these cases
 *          portTest -list      their names
 *
 *      Each case prints its name and its result, and a case that fails prints
 *      what it expected and what it got. The program ends with 0 if no case
 *      failed, with 1 if one did, and with 2 if there is no such case. It ends
 *      within a minute on Windows, and needs nothing but itself.
 */

#include "port/port.h"

#include <stdarg.h>

#ifdef IOCPSOCK_SIM
#define BEGIN() SimBegin()
#define END() CpSimEnd()
#else
#include "cpWin.h"
#define BEGIN() ((void) 0)
#define END() ((void) 0)
#endif

#define NOTE_BYTES 512

static const Case *const groups[] = {portCases, connectCases, nameCases,
    recvCases, sendCases, endCases, shutdownCases, fileCases, resolveCases,
    udpCases,
#ifndef IOCPSOCK_SIM
    foreignCases, winsockCases,
#endif
    NULL};

static char **names; /* The cases to run; none means all. */
static int nameCount;
static unsigned current; /* The case that runs, counted over all groups. */
static unsigned passed;
static unsigned failed;
static unsigned byWine;
static unsigned skipped;
static char note[NOTE_BYTES];
static int noteIsWine;

static const Case *
FindCase(unsigned index)
{
    unsigned group;

    for (group = 0; groups[group] != NULL; group++) {
        const Case *casePtr = groups[group];

        for (; casePtr->name != NULL; casePtr++) {
            if (index-- == 0) {
                return casePtr;
            }
        }
    }
    return NULL;
}

static int
IsNamed(const Case *casePtr)
{
    int i;

    for (i = 0; i < nameCount; i++) {
        if (strcmp(names[i], casePtr->name) == 0) {
            return 1;
        }
    }
    return nameCount == 0;
}

/* ------------------------------------------------------------- report */

/* The first one of Wine's answers says enough. */

static void
SetNote(int isWine, const char *text)
{
    if (note[0] == '\0' || (isWine && !noteIsWine)) {
        snprintf(note, sizeof(note), "%s", text);
        noteIsWine = isWine;
    }
}

void
NoteWine(const char *format, ...)
{
    char text[NOTE_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    SetNote(1, text);
}

void
NoteSkip(const char *format, ...)
{
    char text[NOTE_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    SetNote(0, text);
}

static void
ReportPassed(void)
{
    passed++;
    if (note[0] == '\0') {
        printf("ok\n");
    } else if (noteIsWine) {
        byWine++;
        printf("ok for Wine, not for Windows: %s\n", note);
    } else {
        skipped++;
        printf("ok, but not all of it was checked: %s\n", note);
    }
    fflush(stdout);
}

static _Noreturn void
ReportAll(void)
{
    printf("%u passed, %u failed", passed, failed);
    if (byWine > 0) {
        printf("; %u of them with Wine's answer", byWine);
    }
    if (skipped > 0) {
        printf("; %u checked in part", skipped);
    }
    printf("\n");
    fflush(stdout);
#ifndef IOCPSOCK_SIM
    /* Threads of the system's pool still run. Wine 10 sometimes crashes in
     * one of them if the process ends in order. */
    TerminateProcess(GetCurrentProcess(), failed > 0 ? 1 : 0);
#endif
    exit(failed > 0 ? 1 : 0);
}

/* ------------------------------------------------------ a failed case */

#ifdef IOCPSOCK_SIM

static _Noreturn void
RunRest(void)
{
    ReportAll();
}

/* The simulated system is Windows here. */

static void
SimBegin(void)
{
    CpSimStart(1, NULL);
    CpSimSetFault(CP_SIM_FILE_SHORT_FAILS, 1000);
}

#else

#define LIMIT_MS 55000
#define WINE_LIMIT_MS 590000 /* Wine runs on machines that are busy. */

static uint64_t endMs;             /* When the program has to be over. */
static volatile int restIsRunning; /* In another process, which watches. */

void *
StartProgram(const char *arguments)
{
    WCHAR path[MAX_PATH], line[2 * MAX_PATH];
    PROCESS_INFORMATION process;
    STARTUPINFOW startup;
    DWORD length = GetModuleFileNameW(NULL, path, MAX_PATH);

    if (length == 0 || length >= MAX_PATH) {
        return NULL;
    }
    _snwprintf(line, sizeof(line) / sizeof(line[0]), L"\"%ls\" %hs", path,
        arguments);
    memset(&startup, 0, sizeof(startup));
    startup.cb = sizeof(startup);
    if (!CreateProcessW(path, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup,
            &process)) {
        return NULL;
    }
    CloseHandle(process.hThread);
    return process.hProcess;
}

/*
 * A case that failed leaves operations behind. The cases after it run in a
 * process of their own, which prints the result of all.
 */

static _Noreturn void
RunRest(void)
{
    char arguments[MAX_PATH];
    HANDLE process;
    DWORD code = 1;
    int i, length;

    fflush(stdout);
    restIsRunning = 1;
    length = snprintf(arguments, sizeof(arguments), "-rest %u %u %u %u %u %llu",
        current + 1, passed, failed, byWine, skipped,
        (unsigned long long) endMs);
    for (i = 0; i < nameCount; i++) {
        length += snprintf(arguments + length,
            sizeof(arguments) - (size_t) length, " %s", names[i]);
    }
    process = StartProgram(arguments);
    if (process == NULL) {
        ReportAll();
    }
    WaitForSingleObject(process, INFINITE);
    GetExitCodeProcess(process, &code);
    ExitProcess(code);
}

/* Ends a program that has taken too long. */

static DWORD WINAPI
Watch(void *param)
{
    uint64_t nowMs = CpNowMs();

    (void) param;
    if (nowMs < endMs) {
        Sleep((DWORD) (endMs - nowMs));
    }
    if (restIsRunning) {
        Sleep(INFINITE);
    }
    printf("FAILED\n    the program took too long, the cases behind this one "
           "were not run\n");
    fflush(stdout);
    TerminateProcess(GetCurrentProcess(), 1);
    return 0;
}

static LONG WINAPI
Crashed(EXCEPTION_POINTERS *infoPtr)
{
    printf("FAILED\n    crashed: exception 0x%08lx at %p\n",
        infoPtr->ExceptionRecord->ExceptionCode,
        infoPtr->ExceptionRecord->ExceptionAddress);
    failed++;
    RunRest();
}

/* The program of the case process-exit: it connects and ends. */

static int
ConnectAndExit(const char *portText)
{
    struct sockaddr_in addr;
    WSADATA data;
    SOCKET sock;

    memset(&addr, 0, sizeof(addr));
    addr.sin_family = AF_INET;
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    addr.sin_port = htons((u_short) atoi(portText));
    WSAStartup(MAKEWORD(2, 2), &data);
    sock = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    if (connect(sock, (struct sockaddr *) &addr, sizeof(addr)) == 0) {
        char byte;

        /* The other end says when. */
        recv(sock, &byte, 1, 0);
    }
    TerminateProcess(GetCurrentProcess(), 0);
    return 0;
}

#endif

void
Fail(const char *file, int line, const char *format, ...)
{
    const char *slashPtr = strrchr(file, '/');
    va_list args;

    printf("FAILED\n    %s:%d: ", slashPtr != NULL ? slashPtr + 1 : file, line);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    failed++;
    RunRest();
}

/* ---------------------------------------------------------------- main */

/* A port of the case before may go a moment later. */

static void
CheckNothingLeft(void)
{
    CHECK_COUNT(CpStatGet(CP_STAT_OPERATIONS), 0);
    CHECK_COUNT(CpStatGet(CP_STAT_SOCKETS), 0);
    CHECK_COUNT(CpStatGet(CP_STAT_HANDLES), 0);
}

static void
RunFrom(unsigned first)
{
    const Case *casePtr;

    for (current = first; (casePtr = FindCase(current)) != NULL; current++) {
        if (!IsNamed(casePtr)) {
            continue;
        }
        printf("%-22s ", casePtr->name);
        fflush(stdout);
        note[0] = '\0';
        BEGIN();
        port = NewPort();
        casePtr->proc();
        CpPortRelease(port);
        CheckNothingLeft();
        END();
        ReportPassed();
    }
    ReportAll();
}

static int
CheckNames(void)
{
    const Case *casePtr;
    int i;

    for (i = 0; i < nameCount; i++) {
        unsigned index = 0;

        while ((casePtr = FindCase(index)) != NULL
            && strcmp(casePtr->name, names[i]) != 0) {
            index++;
        }
        if (casePtr == NULL) {
            fprintf(stderr, "there is no case %s; -list prints them\n",
                names[i]);
            return 0;
        }
    }
    return 1;
}

static int
List(void)
{
    const Case *casePtr;
    unsigned i;

    for (i = 0; (casePtr = FindCase(i)) != NULL; i++) {
        printf("%s\n", casePtr->name);
    }
    return 0;
}

int
main(int argc, char **argv)
{
    unsigned first = 0;

    if (argc > 1 && strcmp(argv[1], "-list") == 0) {
        return List();
    }
    names = argv + 1;
    nameCount = argc - 1;
#ifndef IOCPSOCK_SIM
    if (argc > 2 && strcmp(argv[1], "-exit") == 0) {
        return ConnectAndExit(argv[2]);
    }
    endMs = CpNowMs() + (OnWine() ? WINE_LIMIT_MS : LIMIT_MS);
    if (argc > 7 && strcmp(argv[1], "-rest") == 0) {
        first = (unsigned) atoi(argv[2]);
        passed = (unsigned) atoi(argv[3]);
        failed = (unsigned) atoi(argv[4]);
        byWine = (unsigned) atoi(argv[5]);
        skipped = (unsigned) atoi(argv[6]);
        endMs = strtoull(argv[7], NULL, 10);
        names += 7;
        nameCount -= 7;
    }
    SetUnhandledExceptionFilter(Crashed);
    CloseHandle(CreateThread(NULL, 0, Watch, NULL, 0, NULL));
#endif
    if (!CheckNames()) {
        return 2;
    }
    RunFrom(first);
}
