/*
 * shell.c --
 *
 *      A tclsh that contains iocpsock; README.md says how to link it. In it,
 *      "load {} Iocpsock" makes the package present without a DLL.
 */

#include <tcl.h>

int Iocpsock_Init(Tcl_Interp *interp);
int Iocpsock_SafeInit(Tcl_Interp *interp);

static int
AppInit(Tcl_Interp *interp)
{
    if (Tcl_Init(interp) != TCL_OK) {
        return TCL_ERROR;
    }
    Tcl_StaticPackage(NULL, "Iocpsock", Iocpsock_Init, Iocpsock_SafeInit);
    return TCL_OK;
}

int
main(int argc, char **argv)
{
    Tcl_Main(argc, argv, AppInit);
    return 0;
}
