# resolveSupport.tcl --
#
#	Sourced by resolve.tcl and resolveUdp.tcl: names for the resolver
#	heldDns.pl, and commands to it.

# Each test has a name of its own, because the resolver remembers names. They
# begin with the script's namePrefix.

set lastName 0

proc newName {} {
    return $::namePrefix[incr ::lastName]
}

# Commands to the resolver are look-ups, too. They get no answer.

proc tell {verdict name} {
    catch {close [support::sock -async $name.$verdict.test 1]}
}
