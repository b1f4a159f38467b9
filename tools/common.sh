# shellcheck shell=bash disable=SC2034
# Sourced by the scripts in this folder (bash). It sets root, cache, logDir,
# mirror, apt and the variables that depend on the target, and has the
# functions that several scripts use.

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
cache=${XDG_CACHE_HOME:-${HOME:?needs HOME or XDG_CACHE_HOME}/.cache}/iocpsock
logDir=$cache/log
mirror=${IOCPSOCK_MIRROR:-http://deb.debian.org/debian}
apt=$cache/apt

# The target is a Wine and the Tcls that run on it. Only this file knows the
# parts of each:
#   wine    this machine's Wine and the 64-bit Tcls; the default
#   wine10  the Wine 10 that tools/fetch-wine10 unpacked, and the 64-bit Tcls
#   win32   the same Wine 10 and the 32-bit Tcls
target=${IOCPSOCK_TARGET:-wine}
prefix=$cache/wine tclSuffix='' outputs=$root/build results=$root/build
# Debian's wrapper around wine64 would print on stderr that 32-bit programs
# cannot run.
wine=/usr/lib/wine/wine64
[ -x "$wine" ] || wine=wine
case $target in
    wine) ;;
    wine10 | win32)
        prefix=$cache/wine10-prefix results=$root/build/$target
        wine=$cache/wine10/usr/lib/wine/wine
        [[ $PATH: = "${wine%/*}":* ]] || export PATH="${wine%/*}:$PATH"
        ;;
    *) echo "IOCPSOCK_TARGET may be wine, wine10 or win32" >&2 && exit 1 ;;
esac
[ "$target" != win32 ] || tclSuffix=-i686 outputs=$results

# Raise these numbers when the set-up of the Tcls or of the Wine prefix changes:
# everything that an older recipe made is then made again.
recipe=2
prefixRecipe=2
# Wine 10's programs contain this path.
wine10Recipe="1 $cache/wine10"

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# dotted 86|90|8613: 8.6, 9.0 or 8.6.13. The first two are the newest releases
# of their lines, for all tests. The last one is an older release, for a part of
# the suites: it has 64 bits only, and the DLLs are built for the newest.
dotted() {
    local patch=${1:2}
    echo "${1:0:1}.${1:1:1}${patch:+.$patch}"
}

# makeWork: makes a temporary folder, $work, which is removed at the end.
makeWork() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/iocpsock.XXXXXX")
    trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
}

# newFolder FOLDER...: makes empty folders, and deletes old ones of these names.
newFolder() {
    rm -rf "$@"
    mkdir -p "$@"
}

# check DESCRIPTION COMMAND...: runs the command, prints the result and the
# output of a failure, and sets failed=1 then. It needs $work.
failed=0
check() {
    local description=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        echo "ok      $description"
    else
        echo "FAILED  $description"
        cat "$work/log"
        failed=1
    fi
}

# step NAME COMMAND...: runs the command with its output in a log. A step takes
# from seconds to minutes, so it prints when it starts and how long it took.
step() {
    local name=$1 log=$logDir/$1.log from=$SECONDS rc=0
    shift
    echo "    $name ..."
    "$@" >"$log" 2>&1 </dev/null || rc=$?
    [ $rc -ne 0 ] || echo "    $name: $((SECONDS - from)) s"
    return $rc
}

# mustStep NAME COMMAND...: the same, and prints the end of the log if the
# command fails.
mustStep() {
    local rc=0
    step "$@" || rc=$?
    [ $rc -ne 0 ] || return 0
    tail -n 25 "$logDir/$1.log" >&2
    echo "${0##*/}: $1 failed; the whole log is $logDir/$1.log" >&2
    return $rc
}

asRoot() {
    if [ "$(id -u)" -eq 0 ]; then
        DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

# Updates the machine's lists of packages.
updatePackages() {
    step apt-update asRoot apt-get update -q
}

# writeAptConfig deb|deb-src SUITE...: makes a configuration of apt in the
# folder $apt. The machine's own list of sources does not change. The archive's
# signatures are checked as usual.
writeAptConfig() {
    local kind=$1 keyring=/usr/share/keyrings/debian-archive-keyring.gpg suite
    shift
    rm -rf "$apt"
    mkdir -p "$apt/lists/partial" "$apt/archives/partial"
    : >"$apt/status"
    for suite; do
        echo "$kind [signed-by=$keyring] $mirror $suite main"
    done >"$apt/sources.list"
    # The machine's own hooks, for updates of its own lists, do not run.
    # APT::Sandbox::User: apt's helper user may not be able to read the folder.
    # Check-Valid-Until: an outdated list, on a mirror that lags, is good
    # enough.
    cat >"$apt/apt.conf" <<EOF
#clear APT::Update;
#clear DPkg;
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
Dir::Cache::archives "$apt/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "-";
Dir::Etc::preferencesparts "-";
APT::Sandbox::User "root";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "30";
EOF
}

# getLists NAME: gets the lists of packages for $apt. One of them is enough, so
# errors count only when a package is fetched.
getLists() {
    step "lists-$1" apt-get -c "$apt/apt.conf" update -q || true
}

# fetchPackages NAME WHAT PACKAGE...: downloads packages of the suites of
# writeAptConfig to the folder $work. WHAT is for the message if the mirror does
# not have them.
fetchPackages() {
    local name=$1 what=$2
    shift 2
    getLists "$name"
    (cd "$work" && mustStep "fetch-$name" apt-get -c "$apt/apt.conf" \
        download -q "$@") ||
        die "$mirror has no $what; set IOCPSOCK_MIRROR to another Debian mirror"
    rm -rf "$apt"
}

# isMade FOLDER ?RECIPE?: true if the folder was made completely, by this
# recipe. "finish" puts a stamp into it as the last step.
isMade() {
    [ "$(cat "$1/.recipe" 2>/dev/null)" = "${2:-$recipe}" ]
}

# finish TEMPORARY FINAL ?RECIPE?: puts the stamp into a complete folder and
# moves it to its place. An interruption never leaves an incomplete folder
# there.
finish() {
    echo "${3:-$recipe}" >"$1/.recipe"
    rm -rf "$2"
    mv "$1" "$2"
}

wineName() {
    local version
    version=$(WINEDEBUG=-all wine --version)
    echo "${version%% *}"
}

# cleanMakeEnvironment: removes variables that were given to our own make, or
# are meant for other programs.
cleanMakeEnvironment() {
    unset MAKEFLAGS MFLAGS MAKEOVERRIDES CC CFLAGS CPPFLAGS LDFLAGS AR RANLIB RC
}

# The name of the target's Wine prefix. Each version of Wine has its own.
prefixName() {
    case $target in
        wine) wineName ;;
        *) echo "$(wineName)-unpacked" ;;
    esac
}

# isWhole32 tcl86|tcl90: true if the 32-bit Tcl has its programs, and not only
# what extensions are linked with.
isWhole32() {
    isMade "$cache/$1-i686" && [ -e "$cache/$1-i686/bin/tcltest.exe" ]
}

# execFixed COMMAND...: replaces the script by the command, which runs without
# address randomization. Linux 6 puts a heap anywhere within a GiB. In one of
# 1,800 starts, the heap of Wine's loader lies where Windows has its shared
# data, and the program does not start. A container may not allow this; then
# addresses stay random.
execFixed() {
    ! setarch -R true 2>/dev/null || set -- setarch -R "$@"
    exec "$@"
}

# tclElement TEXT: quotes the text as an element of a Tcl list.
tclElement() {
    printf '%s' "$1" | sed 's/[][{}$";\\[:space:]]/\\&/g'
}

# Wine's own processes, as /proc names them. They serve every program of the
# prefix and end by themselves some seconds after the last program.
wineOwn='wineserver* services.exe winedevice.exe plugplay.exe svchost.exe
    explorer.exe rpcss.exe conhost.exe wineboot.exe winemenubuilder'

# tagged NAME=VALUE: prints the processes that have this in their environment,
# except the caller and Wine's own processes.
tagged() {
    local file pid name pattern
    grep -lzxF -- "$1" /proc/[0-9]*/environ 2>/dev/null |
        while read -r file; do
            pid=${file//[!0-9]/}
            # The process may have ended meanwhile.
            name=$(cat "/proc/$pid/comm" 2>/dev/null) || continue
            for pattern in $wineOwn $$; do
                # shellcheck disable=SC2053 # this is meant to be a pattern
                [[ $name != $pattern && $pid != "$pattern" ]] || continue 2
            done
            echo "$pid"
        done
}

# endTagged NAME=VALUE: kills these processes and prints their names. It first
# waits a second, because some may be about to end.
endTagged() {
    local pids pid i
    for ((i = 0; i < 10; i++)); do
        pids=$(tagged "$1")
        [ -n "$pids" ] || return 0
        sleep 0.1
    done
    for pid in $pids; do
        echo "${0##*/}: killed a process that was left running: $pid" \
            "$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | sed 's/ *$//')"
        kill -KILL "$pid" 2>/dev/null || true
    done
    return 1
}

# testFile 86|90|8613 NAME: the path of one of Tcl's own test files.
testFile() {
    echo "$cache/src/tcl$(dotted "$1")/tests/$2.test"
}
