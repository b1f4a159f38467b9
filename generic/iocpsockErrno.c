/*
 * iocpsockErrno.c --
 *
 *	The errno values of the core's errors.
 */

#include "iocpsock.h"

#include <errno.h>

int
IocpsockErrno(
    CpError error)
{
    switch (error) {
    case CP_OK:                 return 0;
    case CP_EAGAIN:             return EWOULDBLOCK;
    case CP_ECANCELED:          return EINTR;
    case CP_EACCES:             return EACCES;
    case CP_EADDRINUSE:         return EADDRINUSE;
    case CP_EADDRNOTAVAIL:      return EADDRNOTAVAIL;
    case CP_EAFNOSUPPORT:       return EAFNOSUPPORT;
    case CP_EBADF:              return EBADF;
    case CP_ECONNABORTED:       return ECONNABORTED;
    case CP_ECONNREFUSED:       return ECONNREFUSED;
    case CP_ECONNRESET:         return ECONNRESET;
    case CP_EFAULT:             return EFAULT;
    case CP_EHOSTUNREACH:       return EHOSTUNREACH;
    case CP_EINVAL:             return EINVAL;
    case CP_EIO:                return EIO;
    case CP_EISCONN:            return EISCONN;
    case CP_EMFILE:             return EMFILE;
    case CP_EMSGSIZE:           return EMSGSIZE;
    case CP_ENETDOWN:           return ENETDOWN;
    case CP_ENETRESET:          return ENETRESET;
    case CP_ENETUNREACH:        return ENETUNREACH;
    case CP_ENOBUFS:            return ENOBUFS;
    case CP_ENOMEM:             return ENOMEM;
    case CP_ENOPROTOOPT:        return ENOPROTOOPT;
    case CP_ENOTCONN:           return ENOTCONN;
    case CP_ENOTSOCK:           return ENOTSOCK;
    case CP_EOPNOTSUPP:         return EOPNOTSUPP;
    case CP_EPIPE:              return EPIPE;
    case CP_EPROTONOSUPPORT:    return EPROTONOSUPPORT;
    case CP_ETIMEDOUT:          return ETIMEDOUT;
    case CP_ERROR_COUNT:        break;
    }
    return EIO;
}
