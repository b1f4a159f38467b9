/*
 * portResolve.c --
 *
 *      Look-ups and addresses.
 */

#include "port/port.h"

static int resolved;

static void
ResolveDone(CpOp *opPtr)
{
    (void) opPtr;
    CHECK(reaping);
    resolved++;
}

static void
TestResolve(void)
{
    CpTarget target = {"127.0.0.1", 7, NULL, 0, CP_FAMILY_ANY};
    unsigned cancelled;

    CHECK(CpTargetIsNumeric(&target));
    for (cancelled = 0; cancelled < 2; cancelled++) {
        uint64_t endMs = CpNowMs() + PATIENCE_MS;
        CpHandle *handlePtr;
        CpResolveOp resolve;

        resolved = 0;
        CHECK_ERROR(CpHandleOpenResolver(port, &handlePtr), CP_OK);
        resolve.op.proc = ResolveDone;
        CpSubmitResolve(handlePtr, &resolve, &target);
        if (cancelled) {
            CpCancel(handlePtr, &resolve.op);
        }
        CHECK(resolved == 0);
        while (!resolved && CpNowMs() < endMs) {
            Reap(port, 100);
        }
        CHECK(resolved == 1);

        /* An answer may have been there before the cancel. */
        if (!cancelled || resolve.op.error != CP_ECANCELED) {
            CHECK_ERROR(resolve.op.error, CP_OK);
            CHECK(resolve.resolved.remoteCount == 1);
            CHECK(CpAddrPort(&resolve.resolved.remotes[0]) == 7);
            CHECK(resolve.resolved.locals == NULL);
            CpResolvedFree(&resolve.resolved);
        }
        CpHandleClose(handlePtr);
    }
}

/* Both ends at once: where one has no address, none of the other is left. */

static void
TestTarget(void)
{
    CpTarget target = {"127.0.0.1", 7, "127.0.0.1", 9, CP_FAMILY_IP4};
    char *message = NULL;
    CpResolved ends;

    CHECK(CpResolveTarget(&target, &ends, &message));
    CHECK(ends.remoteCount == 1 && ends.localCount == 1);
    CHECK(CpAddrPort(&ends.remotes[0]) == 7);
    CHECK(CpAddrPort(&ends.locals[0]) == 9);
    CpResolvedFree(&ends);
    target.myHost = "::1";
    CHECK(!CpResolveTarget(&target, &ends, &message));
    CHECK(ends.remotes == NULL && ends.locals == NULL);
    CHECK(message != NULL && message[0] != '\0');
    CpMessageFree(message);
}

static void
TestAddr(void)
{
    CpAddr addr = Loopback();
    char host[CP_HOST_BYTES];

    CpAddrHost(&addr, 1, host);
    CHECK(strcmp(host, "127.0.0.1") == 0);
    CpAddrSetPort(&addr, 4711);
    CHECK(CpAddrPort(&addr) == 4711 && !CpAddrIsAny(&addr));
    CHECK(CpServicePort("http") == 80 && CpServicePort("no-such") == -1);
}
const Case resolveCases[] = {
    {"resolve", TestResolve},
    {"target", TestTarget},
    {"addr", TestAddr},
    {NULL, NULL},
};
