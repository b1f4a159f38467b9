/*
 * pipeStdin.c --
 *
 *	pipeStdin PROGRAM ARGS...: runs a Windows program and copies this
 *	process's standard input to it. Tcl peeks into a pipe before it reads
 *	from it. Wine can do that only for pipes made by Windows programs, such
 *	as the one made here. The exit status is the program's. When this
 *	process ends, for whatever reason, the program ends too.
 */

#include <windows.h>
#include <stdio.h>

typedef struct {
    HANDLE from;
    HANDLE to;
} Copy;

static DWORD WINAPI CopyProc(void *arg);
static int Fail(const char *what);
static int MakePipe(Copy *copyPtr, HANDLE *endPtr);
static wchar_t *SkipFirstArgument(wchar_t *line);
static int Start(wchar_t *line, HANDLE input, PROCESS_INFORMATION *infoPtr);

static int
Fail(const char *what)
{
    fprintf(stderr, "pipeStdin: %s: error %lu\n", what, GetLastError());
    return 0;
}

/*
 * The rest is passed on unchanged, with its quotes. A program's name contains
 * no quotes, so the first quote or space after the start ends it.
 */

static wchar_t *
SkipFirstArgument(wchar_t *line)
{
    wchar_t end = L' ';

    if (*line == L'"') {
        end = L'"';
        line++;
    }
    while (*line != L'\0' && *line != end) {
        line++;
    }
    if (*line == L'"') {
        line++;
    }
    while (*line == L' ') {
        line++;
    }
    return line;
}

static DWORD WINAPI
CopyProc(void *arg)
{
    Copy *copyPtr = arg;
    char buffer[16384];
    DWORD got, put;

    while (ReadFile(copyPtr->from, buffer, sizeof(buffer), &got, NULL)
        && got > 0) {
        if (!WriteFile(copyPtr->to, buffer, got, &put, NULL)) {
            break;
        }
    }
    CloseHandle(copyPtr->to);
    return 0;
}

/*
 * Only the reading end is inherited. If the program also had the writing end,
 * it would never see the end of its input.
 */

static int
MakePipe(Copy *copyPtr, HANDLE *endPtr)
{
    copyPtr->from = GetStdHandle(STD_INPUT_HANDLE);
    if (!CreatePipe(endPtr, &copyPtr->to, NULL, 0)) {
        return Fail("no pipe");
    }
    if (!SetHandleInformation(*endPtr, HANDLE_FLAG_INHERIT,
            HANDLE_FLAG_INHERIT)) {
        return Fail("no pipe to inherit");
    }
    return 1;
}

/*
 * The job, and the program with it, ends when the last handle to it is closed.
 * Only this process has one.
 */

static int
Start(wchar_t *line, HANDLE input, PROCESS_INFORMATION *infoPtr)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};
    STARTUPINFOW startup = {0};
    HANDLE job = CreateJobObjectW(NULL, NULL);

    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
        | JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK;
    if (job == NULL
        || !SetInformationJobObject(job, JobObjectExtendedLimitInformation,
            &limits, sizeof(limits))) {
        return Fail("no job");
    }
    startup.cb = sizeof(startup);
    startup.dwFlags = STARTF_USESTDHANDLES;
    startup.hStdInput = input;
    startup.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL,
            NULL, &startup, infoPtr)) {
        return Fail("cannot start the program");
    }
    if (!AssignProcessToJobObject(job, infoPtr->hProcess)) {
        TerminateProcess(infoPtr->hProcess, 1);
        return Fail("cannot put the program into the job");
    }
    ResumeThread(infoPtr->hThread);
    return 1;
}

int
main(void)
{
    Copy copy;
    HANDLE input;
    PROCESS_INFORMATION info;
    DWORD status = 1;

    if (!MakePipe(&copy, &input)
        || !Start(SkipFirstArgument(GetCommandLineW()), input, &info)) {
        return 1;
    }
    CloseHandle(input);
    if (CreateThread(NULL, 0, CopyProc, &copy, 0, NULL) == NULL) {
        Fail("no thread");
        TerminateProcess(info.hProcess, 1);
    }
    WaitForSingleObject(info.hProcess, INFINITE);
    GetExitCodeProcess(info.hProcess, &status);

    /* Do not return: the other thread may be in the middle of a read. */
    TerminateProcess(GetCurrentProcess(), status);
    return 1;
}
