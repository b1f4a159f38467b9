/*
 * iocpsockUdpMcast.c --
 *
 *      Multicast groups of datagram channels.
 */

#include "iocpsockUdp.h"

#include <stdio.h>
#include <string.h>

static int
BadValue(Tcl_Interp *interp, const char *option, const char *value,
    const char *allowed)
{
    if (interp != NULL) {
        Tcl_SetObjResult(interp,
            Tcl_ObjPrintf("bad value \"%s\" for %s: must be %s", value, option,
                allowed));
        Tcl_SetErrorCode(interp, "IOCPSOCK", "VALUE", option, (char *) NULL);
    }
    return TCL_ERROR;
}

/* An address without a port. No name is looked up. */

static int
ParseHost(const char *host, CpAddr *addrPtr)
{
    CpTarget target = {.host = host, .family = CP_FAMILY_ANY};
    CpAddr *addrs;
    unsigned count;
    char *message;

    if (host[0] == '\0' || !CpTargetIsNumeric(&target)) {
        return 0;
    }
    if (!CpResolve(host, 0, CP_FAMILY_ANY, 0, &addrs, &count, &message)) {
        CpMessageFree(message);
        return 0;
    }
    *addrPtr = addrs[0];
    CpResolveFree(addrs, count);
    return 1;
}

/* An interface: its address, its index, or nothing. Windows takes an address
 * that begins with 0 for an index. IPv6 has indexes only. */

static int
ParseInterface(const char *text, int family, CpUdpInterface *interfacePtr)
{
    char host[32];
    int index;

    memset(interfacePtr, 0, sizeof(CpUdpInterface));
    if (text[0] == '\0') {
        return 1;
    }
    if (Tcl_GetInt(NULL, text, &index) == TCL_OK) {
        if (index < 0 || index > 0xffffff) {
            return 0;
        }
        interfacePtr->index = (uint32_t) index;
        snprintf(host, sizeof(host), "0.%d.%d.%d", index >> 16,
            index >> 8 & 255, index & 255);
        return ParseHost(host, &interfacePtr->addr);
    }
    return family != 2 && ParseHost(text, &interfacePtr->addr)
        && CpUdpFamily(&interfacePtr->addr) == 1;
}

static IocpsockGroup *
GroupOf(CpListNode *nodePtr)
{
    return CP_LIST_OWNER(nodePtr, IocpsockGroup, node);
}

static int
IsSame(const CpAddr *aPtr, const CpAddr *bPtr)
{
    return aPtr->lengthBytes == bPtr->lengthBytes
        && memcmp(aPtr->u.bytes, bPtr->u.bytes, aPtr->lengthBytes) == 0;
}

static IocpsockGroup *
FindGroup(const IocpsockUdp *dataPtr, const IocpsockGroup *wantedPtr)
{
    IocpsockGroup *groupPtr = GroupOf(CpListFirst(&dataPtr->groups));

    while (groupPtr != NULL
        && (!IsSame(&groupPtr->addr, &wantedPtr->addr)
            || strcmp(groupPtr->interfaceText, wantedPtr->interfaceText)
                != 0)) {
        groupPtr = GroupOf(CpListNext(&dataPtr->groups, &groupPtr->node));
    }
    return groupPtr;
}

/* Parses "group ?interface?". */

static int
ParseGroup(Tcl_Interp *interp, const char *option, const char *value,
    IocpsockGroup *groupPtr)
{
    const char **parts;
    Tcl_Size count;
    int ok;

    memset(groupPtr, 0, sizeof(IocpsockGroup));
    if (Tcl_SplitList(interp, value, &count, &parts) != TCL_OK) {
        return TCL_ERROR;
    }
    ok = (count == 1 || count == 2) && ParseHost(parts[0], &groupPtr->addr)
        && CpUdpIsMulticast(&groupPtr->addr)
        && ParseInterface(count == 2 ? parts[1] : "",
            CpUdpFamily(&groupPtr->addr), &groupPtr->interface);
    if (ok && count == 2) {
        snprintf(groupPtr->interfaceText, sizeof(groupPtr->interfaceText), "%s",
            parts[1]);
    }
    IocpsockFree(parts);
    return ok ? TCL_OK
              : BadValue(interp, option, value,
                  "a multicast address, and perhaps an interface's address "
                  "or index");
}

int
IocpsockUdpJoin(IocpsockUdp *dataPtr, Tcl_Interp *interp, const char *value,
    int join)
{
    const char *option = join ? "-mcastadd" : "-mcastdrop";
    IocpsockGroup group, *groupPtr;
    CpHandle *handlePtr;
    CpError error = CP_EAFNOSUPPORT;
    char what[128];

    if (ParseGroup(interp, option, value, &group) != TCL_OK) {
        return TCL_ERROR;
    }
    groupPtr = FindGroup(dataPtr, &group);
    if (join) {
        groupPtr = CpMalloc(sizeof(IocpsockGroup));
        if (groupPtr == NULL) {
            return IocpsockPosixFailure(interp, "can't join group", CP_ENOMEM);
        }
        *groupPtr = group;
    }
    handlePtr = CpUdpHandleFor(dataPtr->udpPtr, &group.addr);
    if (handlePtr != NULL) {
        error = CpUdpJoin(handlePtr, &group.addr, &group.interface, join);
    }
    if (error == CP_OK && join) {
        CpListAppend(&dataPtr->groups, &groupPtr->node);
        return TCL_OK;
    }
    if (error == CP_OK && groupPtr != NULL) {
        CpListRemove(&groupPtr->node);
    }
    if (error == CP_OK || join) {
        CpFree(groupPtr, sizeof(IocpsockGroup));
    }
    if (error != CP_OK) {
        snprintf(what, sizeof(what), "can't %s group \"%.100s\"",
            join ? "join" : "leave", value);
        return IocpsockUdpFailure(interp, what, error);
    }
    return TCL_OK;
}

int
IocpsockUdpSetMcastIf(IocpsockUdp *dataPtr, Tcl_Interp *interp,
    const char *value)
{
    CpUdpInterface interface;
    CpError error = CP_OK;
    char what[128];
    unsigned i;

    if (!ParseInterface(value, 0, &interface)) {
        return BadValue(interp, "-mcastif", value,
            "the address of an IPv4 interface, or an index");
    }
    for (i = 0; CpUdpHandle(dataPtr->udpPtr, i) != NULL && error == CP_OK;
         i++) {
        CpHandle *handlePtr = CpUdpHandle(dataPtr->udpPtr, i);
        CpAddr local;

        /* An address says nothing about IPv6, where 0 is the default. */
        if (CpHandleLocal(handlePtr, &local) == CP_OK
            && (CpUdpFamily(&local) == 1 || interface.index != 0
                || value[0] == '\0')) {
            error = CpUdpSetMcastInterface(handlePtr, &interface);
        }
    }
    if (error != CP_OK) {
        snprintf(what, sizeof(what), "can't set interface \"%.100s\"", value);
        return IocpsockUdpFailure(interp, what, error);
    }
    snprintf(dataPtr->mcastIf, sizeof(dataPtr->mcastIf), "%s", value);
    return TCL_OK;
}

void
IocpsockUdpListGroups(const IocpsockUdp *dataPtr, Tcl_DString *dsPtr)
{
    const IocpsockGroup *groupPtr = GroupOf(CpListFirst(&dataPtr->groups));

    for (; groupPtr != NULL;
         groupPtr = GroupOf(CpListNext(&dataPtr->groups, &groupPtr->node))) {
        char host[CP_HOST_BYTES];

        CpAddrHost(&groupPtr->addr, 1, host);
        Tcl_DStringStartSublist(dsPtr);
        Tcl_DStringAppendElement(dsPtr, host);
        if (groupPtr->interfaceText[0] != '\0') {
            Tcl_DStringAppendElement(dsPtr, groupPtr->interfaceText);
        }
        Tcl_DStringEndSublist(dsPtr);
    }
}

void
IocpsockUdpForgetGroups(IocpsockUdp *dataPtr)
{
    IocpsockGroup *groupPtr;

    while ((groupPtr = GroupOf(CpListFirst(&dataPtr->groups))) != NULL) {
        CpListRemove(&groupPtr->node);
        CpFree(groupPtr, sizeof(IocpsockGroup));
    }
}
