# shellcheck shell=bash disable=SC2034
# Sourced by the scripts in this folder (bash): where things are, and how to
# say what is going on. Sets root, cache, logDir, mirror and apt, and what the
# target decides.

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
cache=${XDG_CACHE_HOME:-${HOME:?needs HOME or XDG_CACHE_HOME}/.cache}/iocpsock
logDir=$cache/log
mirror=${IOCPSOCK_MIRROR:-http://deb.debian.org/debian}
apt=$cache/apt

# The target is a Wine and the Tcls that run on it. Nothing else knows what
# belongs to which:
#   wine    this machine's Wine and the 64-bit Tcls; so if nothing is set
#   wine10  the Wine 10 that tools/fetch-wine10 unpacked, and the 64-bit Tcls
#   win32   the same Wine 10 and the 32-bit Tcls
target=${IOCPSOCK_TARGET:-wine}
prefix=$cache/wine tclSuffix='' outputs=$root/build results=$root/build
# Debian's wrapper around it would say on stderr that 32-bit programs cannot
# run.
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

# Raise these when the way the Tcls or the Wine prefix are set up changes, and
# what was made by the older recipe is made again.
recipe=1
prefixRecipe=2
# It has this path in it.
wine10Recipe="1 $cache/wine10"

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# step NAME COMMAND...: runs the command with its output in a log. A step takes
# from seconds to minutes, so it says when it starts and how long it took.
step() {
    local name=$1 log=$logDir/$1.log from=$SECONDS rc=0
    shift
    echo "    $name ..."
    "$@" >"$log" 2>&1 </dev/null || rc=$?
    [ $rc -ne 0 ] || echo "    $name: $((SECONDS - from)) s"
    return $rc
}

# mustStep NAME COMMAND...: the same, and shows why it failed, if it does.
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

# Gets the machine's lists of packages anew.
updatePackages() {
    step apt-update asRoot apt-get update -q
}

# writeAptConfig deb|deb-src SUITE...: a configuration of apt's of our own, in
# the folder $apt: the machine's list of sources stays as it is, and the
# archive's signatures are checked all the same.
writeAptConfig() {
    local kind=$1 keyring=/usr/share/keyrings/debian-archive-keyring.gpg suite
    shift
    rm -rf "$apt"
    mkdir -p "$apt/lists/partial" "$apt/archives/partial"
    : >"$apt/status"
    for suite; do
        echo "$kind [signed-by=$keyring] $mirror $suite main"
    done >"$apt/sources.list"
    # The machine's own hooks (for updates of its own lists) are left out.
    # Root's downloads go to a folder that apt's helper user may not read.
    # A list past its date, on a mirror that lags, still has what we want.
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

# isMade FOLDER ?RECIPE?: a folder is stamped as the last act of making it.
isMade() {
    [ "$(cat "$1/.recipe" 2>/dev/null)" = "${2:-$recipe}" ]
}

# finish TEMPORARY FINAL ?RECIPE?: stamps a finished folder and puts it in its
# place, so that an interruption never leaves half of one there.
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

# A prefix belongs to the project and to one version of Wine.
prefixName() {
    case $target in
        wine) wineName ;;
        *) echo "$(wineName)-unpacked" ;;
    esac
}

# isWhole32 tcl86|tcl90: the 32-bit Tcl has its programs too.
isWhole32() {
    isMade "$cache/$1-i686" && [ -e "$cache/$1-i686/bin/tcltest.exe" ]
}

# steadily COMMAND...: runs it, in place of the script, with addresses that are
# not random. Linux 6 puts a heap anywhere within a GiB, and of 1,800 heaps of
# Wine's loader one lies where Windows has its shared data: that program does
# not start. A container may forbid it, and then the chance is taken.
steadily() {
    ! setarch -R true 2>/dev/null || set -- setarch -R "$@"
    exec "$@"
}

# tclElement TEXT: the text as an element of a Tcl list.
tclElement() {
    printf '%s' "$1" | sed 's/[][{}$";\\[:space:]]/\\&/g'
}

# Wine's own processes, as /proc names them: they serve every program of the
# prefix and end by themselves some seconds after the last one.
wineOwn='wineserver* services.exe winedevice.exe plugplay.exe svchost.exe
    explorer.exe rpcss.exe conhost.exe wineboot.exe winemenubuilder'

# tagged NAME=VALUE: the processes with this in their environment, apart from
# the caller and from Wine's own.
tagged() {
    local file pid name pattern
    grep -lzxF -- "$1" /proc/[0-9]*/environ 2>/dev/null |
        while read -r file; do
            pid=${file//[!0-9]/}
            # A process may end while it is looked at.
            name=$(cat "/proc/$pid/comm" 2>/dev/null) || continue
            for pattern in $wineOwn $$; do
                # shellcheck disable=SC2053 # a pattern is what it is
                [[ $name != $pattern && $pid != "$pattern" ]] || continue 2
            done
            echo "$pid"
        done
}

# endTagged NAME=VALUE: ends them, and says which there were. Those that are
# about to end have a moment for it.
endTagged() {
    local pids pid i
    for ((i = 0; i < 10; i++)); do
        pids=$(tagged "$1")
        [ -n "$pids" ] || return 0
        sleep 0.1
    done
    for pid in $pids; do
        echo "${0##*/}: ended what was left running: $pid" \
            "$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | sed 's/ *$//')"
        kill -KILL "$pid" 2>/dev/null || true
    done
    return 1
}

# testFile 86|90 NAME: one of Tcl's own test files.
testFile() {
    echo "$cache/src/tcl${1/%?/.${1: -1}}/tests/$2.test"
}
