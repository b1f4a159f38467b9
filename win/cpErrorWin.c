/*
 * cpErrorWin.c --
 *
 *	Winsock's, Win32's and NT's errors in the core's codes: one table.
 */

#include "cpWin.h"

typedef struct ErrorEntry {
    unsigned long code;
    CpError error;
} ErrorEntry;

/*
 * Winsock reports through three sets of numbers: its own, those of Win32 for
 * what the completion of an operation comes to, and the NTSTATUS that an
 * OVERLAPPED holds. They do not overlap. What is not in the table is CP_EIO,
 * or CP_EINVAL for a Winsock error.
 */

static const ErrorEntry errorTable[] = {
    {0, CP_OK},
    {WSAEINTR, CP_ECANCELED},
    {WSAEBADF, CP_EBADF},
    {WSAEACCES, CP_EACCES},
    {WSAEFAULT, CP_EFAULT},
    {WSAEINVAL, CP_EINVAL},
    {WSAEMFILE, CP_EMFILE},
    {WSAEWOULDBLOCK, CP_EAGAIN},
    {WSAENOTSOCK, CP_ENOTSOCK},
    {WSAEMSGSIZE, CP_EMSGSIZE},
    {WSAENOPROTOOPT, CP_ENOPROTOOPT},
    {WSAEPROTONOSUPPORT, CP_EPROTONOSUPPORT},
    {WSAEOPNOTSUPP, CP_EOPNOTSUPP},
    {WSAEAFNOSUPPORT, CP_EAFNOSUPPORT},
    {WSAEADDRINUSE, CP_EADDRINUSE},
    {WSAEADDRNOTAVAIL, CP_EADDRNOTAVAIL},
    {WSAENETDOWN, CP_ENETDOWN},
    {WSAENETUNREACH, CP_ENETUNREACH},
    {WSAENETRESET, CP_ENETRESET},
    {WSAECONNABORTED, CP_ECONNABORTED},
    {WSAECONNRESET, CP_ECONNRESET},
    {WSAENOBUFS, CP_ENOBUFS},
    {WSAEISCONN, CP_EISCONN},
    {WSAENOTCONN, CP_ENOTCONN},
    {WSAESHUTDOWN, CP_EPIPE},
    {WSAETIMEDOUT, CP_ETIMEDOUT},
    {WSAECONNREFUSED, CP_ECONNREFUSED},
    {WSAEHOSTUNREACH, CP_EHOSTUNREACH},
    {WSAEDISCON, CP_ECONNRESET},
    {ERROR_TOO_MANY_OPEN_FILES, CP_EMFILE},
    {ERROR_INVALID_HANDLE, CP_EBADF},
    {ERROR_NOT_ENOUGH_MEMORY, CP_ENOMEM},
    {ERROR_UNEXP_NET_ERR, CP_ECONNABORTED},     /* Wine: a dead client. */
    {ERROR_NETNAME_DELETED, CP_ECONNRESET},
    {ERROR_SEM_TIMEOUT, CP_ETIMEDOUT},
    {ERROR_BROKEN_PIPE, CP_ECONNRESET},
    {ERROR_PIPE_NOT_CONNECTED, CP_ENOTCONN},
    {676, CP_ECANCELED},                        /* Wine: closed under it. */
    {ERROR_OPERATION_ABORTED, CP_ECANCELED},
    {ERROR_CONNECTION_REFUSED, CP_ECONNREFUSED},
    {ERROR_GRACEFUL_DISCONNECT, CP_ECONNRESET},
    {ERROR_NETWORK_UNREACHABLE, CP_ENETUNREACH},
    {ERROR_HOST_UNREACHABLE, CP_EHOSTUNREACH},
    {ERROR_PORT_UNREACHABLE, CP_ECONNREFUSED},
    {ERROR_CONNECTION_ABORTED, CP_ECONNABORTED},
    {ERROR_NO_SYSTEM_RESOURCES, CP_ENOBUFS},
    {0x8000000aUL, CP_ECANCELED},               /* Wine: closed under it. */
    {0xc0000008UL, CP_EBADF},                   /* INVALID_HANDLE */
    {0xc0000017UL, CP_ENOMEM},                  /* NO_MEMORY */
    {0xc0000022UL, CP_EACCES},                  /* ACCESS_DENIED */
    {0xc000009aUL, CP_ENOBUFS},                 /* INSUFFICIENT_RESOURCES */
    {0xc00000b5UL, CP_ETIMEDOUT},               /* IO_TIMEOUT */
    {0xc00000c4UL, CP_ECONNABORTED},            /* UNEXPECTED_NETWORK_ERROR */
    {0xc00000c9UL, CP_ECONNRESET},              /* NETWORK_NAME_DELETED */
    {0xc000011fUL, CP_EMFILE},                  /* TOO_MANY_OPENED_FILES */
    {0xc0000120UL, CP_ECANCELED},               /* CANCELLED */
    {0xc000013bUL, CP_ECONNABORTED},            /* LOCAL_DISCONNECT */
    {0xc000013cUL, CP_ECONNRESET},              /* REMOTE_DISCONNECT */
    {0xc000013dUL, CP_ENOBUFS},                 /* REMOTE_RESOURCES */
    {0xc000013fUL, CP_EPIPE},                   /* GRACEFUL_DISCONNECT */
    {0xc0000140UL, CP_ECONNABORTED},            /* INVALID_CONNECTION */
    {0xc0000141UL, CP_EADDRNOTAVAIL},           /* INVALID_ADDRESS */
    {0xc0000207UL, CP_EADDRNOTAVAIL},           /* INVALID_ADDRESS_COMPONENT */
    {0xc0000208UL, CP_ENOBUFS},                 /* TOO_MANY_ADDRESSES */
    {0xc000020aUL, CP_EADDRINUSE},              /* ADDRESS_ALREADY_EXISTS */
    {0xc000020bUL, CP_ECONNABORTED},            /* ADDRESS_CLOSED */
    {0xc000020cUL, CP_ECONNRESET},              /* CONNECTION_DISCONNECTED */
    {0xc000020dUL, CP_ECONNRESET},              /* CONNECTION_RESET */
    {0xc0000236UL, CP_ECONNREFUSED},            /* CONNECTION_REFUSED */
    {0xc000023cUL, CP_ENETUNREACH},             /* NETWORK_UNREACHABLE */
    {0xc000023dUL, CP_EHOSTUNREACH},            /* HOST_UNREACHABLE */
    {0xc000023eUL, CP_EPROTONOSUPPORT},         /* PROTOCOL_UNREACHABLE */
    {0xc000023fUL, CP_ECONNREFUSED},            /* PORT_UNREACHABLE */
    {0xc0000240UL, CP_ECANCELED},               /* REQUEST_ABORTED */
    {0xc0000241UL, CP_ECONNABORTED},            /* CONNECTION_ABORTED */
};

CpError
CpErrorOfWin(
    unsigned long code)
{
    size_t i;

    for (i = 0; i < sizeof(errorTable) / sizeof(errorTable[0]); i++) {
        if (errorTable[i].code == code) {
            return errorTable[i].error;
        }
    }
    return code >= WSABASEERR ? CP_EINVAL : CP_EIO;
}

CpError
CpErrorOfStatus(
    unsigned long status)
{
    CpError error = CpErrorOfWin(status);

    return error == CP_EINVAL ? CP_EIO : error;
}
