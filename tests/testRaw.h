/*
 * testRaw.h --
 *
 *	The functions of testRaw.c, testPump.c, testSystem.c and testWindow.c
 *	that testThread.c calls.
 */

#ifndef TEST_RAW_H
#define TEST_RAW_H

#include "tcl.h"

void TestRawCreateCommands(Tcl_Interp *interp);
void TestPumpCreateCommand(Tcl_Interp *interp);
void TestSystemCreateCommand(Tcl_Interp *interp);
void TestWindowCreateCommand(Tcl_Interp *interp);

#endif
