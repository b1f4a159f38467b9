/*
 * testStrict.h --
 *
 *      The command iocpsock::strict.
 */

#ifndef TEST_STRICT_H
#define TEST_STRICT_H

#include <tcl.h>

Tcl_ObjCmdProc StrictObjCmd;

#endif /* TEST_STRICT_H */
