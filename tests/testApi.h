/*
 * testApi.h --
 *
 *      The command testapi (testApi.c).
 */

#ifndef TEST_API_H
#define TEST_API_H

#include <tcl.h>

int TestApiCreateCommand(Tcl_Interp *interp);

#endif /* TEST_API_H */
