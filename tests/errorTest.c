/*
 * errorTest.c --
 *
 *      The translation of errors (win/cpErrorWin.c). The NTSTATUS of a
 *      completed operation becomes the core's error for the error that Winsock
 *      would report. An error without a name keeps its number.
 */

#define WIN32_NO_STATUS
#include "cpWin.h"
#undef WIN32_NO_STATUS

#include "../sim/cpStatusSim.h"

#include <winternl.h>
#include <ntstatus.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition) \
    ((condition) ? (void) 0 : Fail(#condition, (unsigned long) i))

static void
Fail(const char *text, unsigned long i)
{
    printf("FAILED: %s (%lu)\n", text, i);
    exit(1);
}

/* Winsock's providers translate them so, as libuv's table says. */

static const struct {
    unsigned long status;
    int code;
} table[] = {
#define ROW(name, code) \
    { \
        (unsigned long) STATUS_##name, code \
    }
    ROW(INVALID_HANDLE, WSAENOTSOCK),
    ROW(OBJECT_TYPE_MISMATCH, WSAENOTSOCK),
    ROW(INSUFFICIENT_RESOURCES, WSAENOBUFS),
    ROW(PAGEFILE_QUOTA, WSAENOBUFS),
    ROW(COMMITMENT_LIMIT, WSAENOBUFS),
    ROW(WORKING_SET_QUOTA, WSAENOBUFS),
    ROW(NO_MEMORY, WSAENOBUFS),
    ROW(QUOTA_EXCEEDED, WSAENOBUFS),
    ROW(TOO_MANY_PAGING_FILES, WSAENOBUFS),
    ROW(REMOTE_RESOURCES, WSAENOBUFS),
    ROW(TOO_MANY_ADDRESSES, WSAEADDRINUSE),
    ROW(SHARING_VIOLATION, WSAEADDRINUSE),
    ROW(ADDRESS_ALREADY_EXISTS, WSAEADDRINUSE),
    ROW(LINK_TIMEOUT, WSAETIMEDOUT),
    ROW(IO_TIMEOUT, WSAETIMEDOUT),
    ROW(TIMEOUT, WSAETIMEDOUT),
    ROW(GRACEFUL_DISCONNECT, WSAEDISCON),
    ROW(REMOTE_DISCONNECT, WSAECONNRESET),
    ROW(CONNECTION_RESET, WSAECONNRESET),
    ROW(LINK_FAILED, WSAECONNRESET),
    ROW(CONNECTION_DISCONNECTED, WSAECONNRESET),
    ROW(PORT_UNREACHABLE, WSAECONNRESET),
    ROW(HOPLIMIT_EXCEEDED, WSAECONNRESET),
    ROW(LOCAL_DISCONNECT, WSAECONNABORTED),
    ROW(TRANSACTION_ABORTED, WSAECONNABORTED),
    ROW(CONNECTION_ABORTED, WSAECONNABORTED),
    ROW(BAD_NETWORK_PATH, WSAENETUNREACH),
    ROW(NETWORK_UNREACHABLE, WSAENETUNREACH),
    ROW(PROTOCOL_UNREACHABLE, WSAENETUNREACH),
    ROW(HOST_UNREACHABLE, WSAEHOSTUNREACH),
    ROW(CANCELLED, WSAEINTR),
    ROW(REQUEST_ABORTED, WSAEINTR),
    ROW(BUFFER_OVERFLOW, WSAEMSGSIZE),
    ROW(INVALID_BUFFER_SIZE, WSAEMSGSIZE),
    ROW(BUFFER_TOO_SMALL, WSAEFAULT),
    ROW(ACCESS_VIOLATION, WSAEFAULT),
    ROW(INVALID_NETWORK_RESPONSE, WSAENETDOWN),
    ROW(NETWORK_BUSY, WSAENETDOWN),
    ROW(NO_SUCH_DEVICE, WSAENETDOWN),
    ROW(NO_SUCH_FILE, WSAENETDOWN),
    ROW(OBJECT_PATH_NOT_FOUND, WSAENETDOWN),
    ROW(OBJECT_NAME_NOT_FOUND, WSAENETDOWN),
    ROW(UNEXPECTED_NETWORK_ERROR, WSAENETDOWN),
    ROW(INVALID_CONNECTION, WSAENOTCONN),
    ROW(REMOTE_NOT_LISTENING, WSAECONNREFUSED),
    ROW(CONNECTION_REFUSED, WSAECONNREFUSED),
    ROW(PIPE_DISCONNECTED, WSAESHUTDOWN),
    ROW(CONFLICTING_ADDRESSES, WSAEADDRNOTAVAIL),
    ROW(INVALID_ADDRESS, WSAEADDRNOTAVAIL),
    ROW(INVALID_ADDRESS_COMPONENT, WSAEADDRNOTAVAIL),
    ROW(NOT_SUPPORTED, WSAEOPNOTSUPP),
    ROW(NOT_IMPLEMENTED, WSAEOPNOTSUPP),
    ROW(ACCESS_DENIED, WSAEACCES),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Errors without a name. */

static const unsigned long numbers[] = {1, 10064, 10108, 65535, 0x80000006UL,
    0xc0000185UL, 0xc000a014UL, 0xcfffffffUL};

/*
 * The simulator ends operations with the errors of its list: those that an
 * NTSTATUS can become, including those with a Win32 error.
 */

static void
CheckSimulated(void)
{
    static const unsigned long first[] = {0xc0000000UL, 0x80000000UL,
        0xc0070000UL};
    int given[CP_ERROR_COUNT] = {0};
    unsigned long i;
    size_t j, listed = 0;

    given[CpErrorOfStatus((unsigned long) STATUS_TIMEOUT)] = 1;
    for (j = 0; j < COUNT(first); j++) {
        for (i = 0; i <= 0xffff; i++) {
            CpError error = CpErrorOfStatus(first[j] | i);

            if (CpErrorNumber(error) == 0) {
                given[error] = 1;
            }
        }
    }
    given[CP_OK] = 0;
    for (i = 0; i < SIM_STATUS_COUNT; i++) {
        CHECK(given[simStatusErrors[i]] == 1);
        given[simStatusErrors[i]] = 2;
    }
    for (i = 0; i < CP_ERROR_COUNT; i++) {
        CHECK(given[i] == 0 || given[i] == 2);
        listed += given[i] == 2;
    }
    CHECK(listed == SIM_STATUS_COUNT);
}

int
main(void)
{
    size_t i = 0;

    CHECK(CpErrorOfStatus(0) == CP_OK && CpErrorOfWin(0) == CP_OK);
    for (i = 0; i < COUNT(table); i++) {
        CpError error = CpErrorOfStatus(table[i].status);

        CHECK(CpErrorNumber(error) == 0);
        CHECK(error == CpErrorOfWin((unsigned long) table[i].code));
    }

    /* Two numbers that were once mistaken for others. */
    CHECK((unsigned long) STATUS_LINK_TIMEOUT == 0xc000013fUL);
    CHECK(CpErrorOfStatus(0xc000013fUL) == CP_ETIMEDOUT);
    CHECK((unsigned long) STATUS_GRACEFUL_DISCONNECT == 0xc0000237UL);
    CHECK(CpErrorOfStatus(0xc0000237UL) == CP_ECONNRESET);

    /* Too many operations are outstanding: no operation has this result. */
    CHECK(CpErrorOfWin(WSAEWOULDBLOCK) == CP_EAGAIN);
    CHECK(CpErrorOfSubmit(WSAEWOULDBLOCK) == CP_ENOBUFS);
    CHECK(CpErrorOfSubmit(WSAECONNRESET) == CP_ECONNRESET);
    CHECK(
        CpErrorOfStatus((unsigned long) STATUS_DEVICE_NOT_READY) == CP_ENOBUFS);
    CHECK(CpErrorOfStatus((unsigned long) STATUS_REQUEST_NOT_ACCEPTED)
        == CP_ENOBUFS);
    CHECK(CpErrorOfStatus(0xc0070000UL | WSAEWOULDBLOCK) == CP_ENOBUFS);
    CHECK(CpErrorOfStatus(0xc0070000UL | WSAEMSGSIZE) == CP_EMSGSIZE);

    /* Success with extra information: more of a message, or urgent data. */
    CHECK(CpErrorOfStatus((unsigned long) STATUS_RECEIVE_PARTIAL) == CP_OK);
    CHECK(CpErrorOfStatus((unsigned long) STATUS_RECEIVE_EXPEDITED) == CP_OK);

    /* Only a reset by the peer reads as the end of file. */
    CHECK(CpErrorOfWin(WSAECONNABORTED) == CP_ECONNABORTED);
    CHECK(CpErrorOfWin(WSAENETRESET) == CP_ENETRESET);
    CHECK(CpErrorOfWin(WSAECONNRESET) == CP_ECONNRESET);

    for (i = 0; i < COUNT(numbers); i++) {
        CHECK(CpErrorNumber(CpErrorOfWin(numbers[i])) == numbers[i]);
        CHECK(CpErrorNumber(CpErrorOfNumber(numbers[i])) == numbers[i]);
    }
    CHECK(CpErrorNumber(CpErrorOfStatus(0xc0000185UL)) == 0xc0000185UL);
    CHECK(CpErrorNumber(CpErrorOfStatus(0xc007277cUL)) == 10108);
    for (i = CP_OK; i < CP_ERROR_COUNT; i++) {
        CHECK(CpErrorNumber((CpError) i) == 0);
    }
    CheckSimulated();
    printf("%u of NT and %u without a name passed\n", (unsigned) COUNT(table),
        (unsigned) COUNT(numbers));
    return 0;
}
