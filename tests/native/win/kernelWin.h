/*
 * kernelWin.h --
 *
 *      What kernelWin.c uses of syncWin.c.
 */

#ifndef KERNEL_WIN_H
#define KERNEL_WIN_H

#include <windows.h>

/* Ends the program unless the code of a POSIX function is 0. */
void TestMust(int code, const char *what);

/* Waits on a condition. Returns FALSE if the time ran out first. */
BOOL TestWaitCond(pthread_cond_t *condPtr, pthread_mutex_t *mutexPtr, DWORD ms);

#endif /* KERNEL_WIN_H */
