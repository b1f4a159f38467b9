/*
 * iocpsockCopy.c --
 *
 *      Sending a file by Tcl's own copying: to a channel of another driver, to
 *      a socket with transforms on top, and from a channel that is no file on a
 *      disk.
 */

#include "iocpsockPackage.h"

/* Copies with both channels in binary mode, and then restores their modes. */
static const char copyScript[] =
    "apply {{chan file opened offset size command} {\n"
    "    set restore {}\n"
    "    foreach c [list $chan $file] {\n"
    "        set o [list -translation [chan configure $c -translation]]\n"
    "        foreach n {-encoding -eofchar} {\n"
    "            lappend o $n [chan configure $c $n]\n"
    "        }\n"
    "        lappend restore [list chan configure $c {*}$o]\n"
    "        chan configure $c -translation binary\n"
    "    }\n"
    "    if {$opened} {\n"
    "        lappend restore [list close $file]\n"
    "    }\n"
    "    if {$offset >= 0} {\n"
    "        chan seek $file $offset\n"
    "    }\n"
    "    set o [expr {$size >= 0 ? [list -size $size] : {}}]\n"
    "    if {$command eq {}} {\n"
    "        try {\n"
    "            return [chan copy $file $chan {*}$o]\n"
    "        } finally {\n"
    "            foreach r $restore {\n"
    "                {*}$r\n"
    "            }\n"
    "        }\n"
    "    }\n"
    "    chan copy $file $chan {*}$o -command [list apply {\n"
    "            {restore command args} {\n"
    "        foreach r $restore {\n"
    "            catch {{*}$r}\n"
    "        }\n"
    "        uplevel #0 $command $args\n"
    "    }} $restore $command]\n"
    "    return\n"
    "} ::}";

int
IocpsockCopyByTcl(Tcl_Interp *interp, const IocpsockSendArgs *argsPtr)
{
    Tcl_Obj *listPtr = Tcl_NewStringObj(copyScript, -1);
    int code;

    Tcl_IncrRefCount(listPtr);
    code = Tcl_ListObjAppendElement(interp, listPtr,
        Tcl_NewStringObj(Tcl_GetChannelName(argsPtr->chan), -1));
    if (code == TCL_OK) {
        Tcl_ListObjAppendElement(interp, listPtr,
            Tcl_NewStringObj(Tcl_GetChannelName(argsPtr->file), -1));
        Tcl_ListObjAppendElement(interp, listPtr,
            Tcl_NewWideIntObj(argsPtr->opened));
        Tcl_ListObjAppendElement(interp, listPtr,
            Tcl_NewWideIntObj(argsPtr->offset));
        Tcl_ListObjAppendElement(interp, listPtr,
            Tcl_NewWideIntObj(argsPtr->size));
        Tcl_ListObjAppendElement(interp, listPtr,
            argsPtr->commandPtr != NULL ? argsPtr->commandPtr : Tcl_NewObj());
        code = Tcl_EvalObjEx(interp, listPtr, TCL_EVAL_DIRECT);
    }
    Tcl_DecrRefCount(listPtr);
    return code;
}
