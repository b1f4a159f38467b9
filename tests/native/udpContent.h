/*
 * udpContent.h --
 *
 *      Datagrams of random worlds. Their bytes follow from the sender's port
 *      and a number, so that a receiver knows whether somebody has sent what it
 *      got.
 */

#ifndef UDP_CONTENT_H
#define UDP_CONTENT_H

#include "check.h"
#include "cpUdp.h"

typedef struct UdpContent {
    uint32_t port; /* 0: not known when it was sent. */
    uint32_t number;
    unsigned char rest[500];
} UdpContent;

#define UDP_CONTENT_MIN 8 /* Before the rest. */

static inline size_t
UdpContentFill(UdpContent *contentPtr, uint32_t port, uint32_t number)
{
    uint32_t i;

    contentPtr->port = port;
    contentPtr->number = number;
    for (i = 0; i < number % 500; i++) {
        contentPtr->rest[i] = (unsigned char) (number + i);
    }
    return UDP_CONTENT_MIN + number % 500;
}

/* The end may be missing if that is told. */

static inline void
UdpContentCheck(const CpDatagram *datagramPtr)
{
    UdpContent content;
    size_t whole;
    uint32_t i;

    CHECK(datagramPtr->lengthBytes >= UDP_CONTENT_MIN
        && datagramPtr->lengthBytes <= sizeof(content));
    memcpy(&content, datagramPtr->bytes, datagramPtr->lengthBytes);
    whole = UDP_CONTENT_MIN + content.number % 500;
    CHECK(datagramPtr->info.truncated ? datagramPtr->lengthBytes < whole
                                      : datagramPtr->lengthBytes == whole);
    for (i = 0; i < datagramPtr->lengthBytes - UDP_CONTENT_MIN; i++) {
        CHECK(content.rest[i] == (unsigned char) (content.number + i));
    }
    CHECK(content.port == 0
        || content.port == CpAddrPort(&datagramPtr->info.peer));
}

#endif /* UDP_CONTENT_H */
