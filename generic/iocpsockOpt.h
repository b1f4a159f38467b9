/*
 * iocpsockOpt.h --
 *
 *      Channel options, shared by the table of options and the files of their
 *      values.
 */

#ifndef IOCPSOCK_OPT_H
#define IOCPSOCK_OPT_H

#include "iocpsock.h"

typedef struct IocpsockOption IocpsockOption;

/* The interpreter has variables that names depend on, and may be NULL. */
typedef CpError IocpsockGetOptionProc(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, Tcl_DString *dsPtr);
typedef int IocpsockSetOptionProc(IocpsockChan *chanPtr, Tcl_Interp *interp,
    const IocpsockOption *optionPtr, const char *value);

struct IocpsockOption {
    const char *name;
    int flags; /* Of iocpsockOpt.c. */
    IocpsockGetOptionProc *getProc;
    IocpsockSetOptionProc *setProc; /* NULL: read-only. */
    CpSockOpt sockOpt;              /* Of an option of the socket itself, or
                                     * CP_OPT_COUNT. */
};

/* Leaves a message that names the option, the value and the allowed ones. */
int IocpsockBadValue(Tcl_Interp *interp, const IocpsockOption *optionPtr,
    const char *value, const char *allowed);

/* Parses an integer of a range; leaves such a message if it is none. */
int IocpsockParseInteger(Tcl_Interp *interp, const IocpsockOption *optionPtr,
    const char *value, int min, int max, int *resultPtr);
void IocpsockAppendInteger(Tcl_DString *dsPtr, int value);

/* iocpsockOptDriver.c */

IocpsockGetOptionProc IocpsockGetRecvMode;
IocpsockSetOptionProc IocpsockSetRecvMode;
IocpsockGetOptionProc IocpsockGetSendCap;
IocpsockSetOptionProc IocpsockSetSendCap;
IocpsockGetOptionProc IocpsockGetCloseTimeout;
IocpsockSetOptionProc IocpsockSetCloseTimeout;
IocpsockGetOptionProc IocpsockGetBacklog;
IocpsockSetOptionProc IocpsockSetBacklog;
IocpsockGetOptionProc IocpsockGetAcceptMode;
IocpsockSetOptionProc IocpsockSetAcceptMode;
IocpsockGetOptionProc IocpsockGetAcceptTimeout;
IocpsockSetOptionProc IocpsockSetAcceptTimeout;

#endif /* IOCPSOCK_OPT_H */
