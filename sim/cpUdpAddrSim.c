/*
 * cpUdpAddrSim.c --
 *
 *      What the simulated network knows of addresses and services of datagrams.
 */

#include "cpSimInt.h"

#include "cpUdpPort.h"

#include <string.h>

int
CpUdpIsMulticast(const CpAddr *addrPtr)
{
    uint32_t host = SimHost(addrPtr);

    return SimFamily(addrPtr) == SIM_FAMILY_IP6 ? host >> 24 == 0xff
                                                : host >> 28 == 14;
}

int
CpUdpFamily(const CpAddr *addrPtr)
{
    return SimFamily(addrPtr) == SIM_FAMILY_IP6 ? 2 : 1;
}

int
CpUdpServicePort(const char *name)
{
    return strcmp(name, "domain") == 0 ? 53 : -1;
}
