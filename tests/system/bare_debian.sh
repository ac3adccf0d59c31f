#!/usr/bin/env bash
# The first hour of a user, on a Debian 12 with nothing installed: a minimal system made by debootstrap in a folder, a fresh clone in
# it, and in the clone ./start.sh, ./status.sh, real demo trading, ./stop.sh. Needs root, git, a Debian mirror, about 3 GB.
#
#   bare_debian.sh [--keep FOLDER] [restore | COMMAND...]
#
#   restore          the machine is one that was lost: .env and a backup that a trading demo made here are put in place, and scripts/restore.sh
#                    brings it back; needs build/breakout (or BREAKOUT_PROGRAM)
#   COMMAND          run in the clone instead of the sequence, for example: bare_debian.sh ./test.sh
#   --keep FOLDER    use this folder and leave it there; one that exists already is used as it is, with a new clone
#
# The downloaded packages of the minimal system are kept in CACHE (default ~/.cache/breakout-bot) for the next time. Mirror, proxy
# and certificates of apt are those of this machine. Exit code: that of the command; 2 when the minimal system can't be made.
# shellcheck disable=SC2016 # the quoted programs are those of awk, apt and the inner shell
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=${CACHE:-$HOME/.cache/breakout-bot}
SUITE=bookworm

keep=
case ${1:-} in
-h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
--keep)
    keep=$2
    shift 2
    ;;
esac
[ "$(id -u)" -eq 0 ] || { echo "bare_debian.sh: needs root" >&2; exit 2; }
"$ROOT/scripts/packages.sh" install bare || exit 2
folder=${keep:-$(mktemp -d)}
system=$folder/system
mkdir -p "$folder"

# shellcheck disable=SC2317 # called by the trap
clean_up() {
    [ -n "$keep" ] || rm -rf --one-file-system "$folder"
}
trap clean_up EXIT

make_system() {
    local mirror tarball=$CACHE/$SUITE-base.tar
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | awk -v suite="$SUITE" '$2 == suite { print $1; exit }')
    [ -n "$mirror" ] || { echo "bare_debian.sh: no mirror of $SUITE among the apt sources of this machine" >&2; exit 2; }
    if [ ! -s "$tarball" ]; then
        mkdir -p "$CACHE"
        debootstrap --variant=minbase --make-tarball="$tarball.part" "$SUITE" "$folder/download" "$mirror" >"$folder/debootstrap.log" 2>&1 || {
            tail -n 5 "$folder/debootstrap.log" >&2
            exit 2
        }
        rm -rf "$folder/download"
        mv "$tarball.part" "$tarball"
    fi
    debootstrap --variant=minbase --unpack-tarball="$tarball" "$SUITE" "$system" "$mirror" >"$folder/debootstrap.log" 2>&1 || {
        tail -n 5 "$folder/debootstrap.log" >&2
        exit 2
    }
    # What this machine needs to reach its mirror, it needs there too.
    apt-config dump Acquire | grep -E '^Acquire::(http|https)::' >"$system/etc/apt/apt.conf.d/90host" || true
    cp -L /etc/resolv.conf /etc/hosts "$system/etc/" 2>/dev/null || true
    # Only the package lists of Debian itself, with updates and security.
    {
        echo "deb $mirror $SUITE main"
        apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | awk -v suite="$SUITE" '$2 ~ "^" suite "-(updates|security)$" { print "deb", $1, $2, "main" }' | sort -u
    } >"$system/etc/apt/sources.list"
    if [ -d /usr/local/share/ca-certificates ]; then
        mkdir -p "$system/usr/local/share/ca-certificates"
        cp -r /usr/local/share/ca-certificates/. "$system/usr/local/share/ca-certificates/"
    fi
}

# Run inside, in the clone, by the shell of the minimal system.
sequence='
set -u
export BREAKOUT_URL=http://127.0.0.1:$PORT
failures=0
step() { name=$1; shift; t=$(date +%s); "$@"; c=$?; echo "### $name: exit $c, $(($(date +%s) - t)) s"; return $c; }
must() { step "$@" || failures=$((failures + 1)); }
must_not_run() { ./status.sh; [ $? -eq 3 ]; }
trades() { for i in $(seq 90); do [ "$(build/breakout positions --json 2>/dev/null | grep -c symbol)" -gt 0 ] && return 0; sleep 2; done; return 1; }
must "start" ./start.sh
must "health" curl -fsS "http://127.0.0.1:$PORT/api/health"
must "interface" sh -c "curl -fsS http://127.0.0.1:$UI_PORT/dashboard | grep -q id=.root"
must "start again" ./start.sh
must "status" ./status.sh
must "positions within 3 minutes" trades
must "breakout status" build/breakout status
must "status -v" ./status.sh -v
must "stop" ./stop.sh
must "stop again" ./stop.sh
must "status says not running" must_not_run
must "start after a stop" ./start.sh
must "stop at the end" ./stop.sh
exit $failures
'

# The machine that will be lost: a demo that trades, and a backup of it made meanwhile. Leaves $folder/lost with lost.tar.gz, .env and rows.
make_loss() {
    local lost=$folder/lost program=${BREAKOUT_PROGRAM:-$ROOT/build/breakout} server
    [ -x "$program" ] || { echo "bare_debian.sh: there is no $program: make" >&2; exit 2; }
    rm -rf "$lost"
    mkdir -p "$lost"
    ln -s "$ROOT/recordings" "$ROOT/presets" "$lost"
    printf 'FEED=demo\nAUTOSTART=paper\nPORT=%s\nUI_PORT=%s\nLOG_CONSOLE=off\n' "$port" "$((port + 1))" >"$lost/.env"
    chmod 600 "$lost/.env"
    (cd "$lost" && exec env -u BREAKOUT_PROGRAM "$program" serve) &
    server=$!
    for _ in $(seq 240); do
        kill -0 "$server" 2>/dev/null || { echo "bare_debian.sh: the demo did not start" >&2; exit 1; }
        [ "$(cd "$lost" && "$program" db export trades --jsonl 2>/dev/null | wc -l)" -lt 2 ] || break
        sleep 0.5
    done
    (cd "$lost" && "$program" db backup --verify -o "$lost/lost.tar.gz")
    kill "$server"
    wait "$server" || true
    (cd "$lost" && sha256sum lost.tar.gz >lost.tar.gz.sha256 && tar -xzf lost.tar.gz database.db &&
        DATABASE_URL=sqlite://$lost/database.db "$program" db export trades --csv | sort >lost.csv &&
        DATABASE_URL=sqlite://$lost/database.db "$program" db digest | sed -n 's/^trades_sha256 *//p' >lost.digest)
    cp "$lost"/lost.* "$system/root/"
    install -m 600 "$lost/.env" "$system/root/breakout-bot/.env"
    echo "### the lost machine had $(($(wc -l <"$lost/lost.csv") - 1)) trades, digest $(cat "$lost/lost.digest")"
}

restoring='
set -u
failures=0
begun=$(date +%s)
step() { name=$1; shift; t=$(date +%s); "$@"; c=$?; echo "### $name: exit $c, $(($(date +%s) - t)) s"; return $c; }
must() { step "$@" || failures=$((failures + 1)); }
must "restore" scripts/restore.sh /root/lost.tar.gz
must "status" ./status.sh
echo "### from nothing to trading: $((($(date +%s) - begun + 59) / 60)) minutes of the 15 allowed"
[ $(($(date +%s) - begun)) -lt 900 ] || failures=$((failures + 1))
must "the digest is that of the lost machine" grep -q "trades_sha256 *$(cat /root/lost.digest)" logs/restore.log
no_trade_lost() { [ -s /root/lost.csv ] && build/breakout db export trades --csv | sort | comm -23 /root/lost.csv - | tee lost | wc -l && [ ! -s lost ]; }
must "no trade is lost after the start" no_trade_lost
must "interface" sh -c "curl -fsS http://127.0.0.1:$(sed -n s/^UI_PORT=//p .env)/dashboard | grep -q id=.root"
must_refuse() { scripts/restore.sh /root/lost.tar.gz; [ $? -eq 4 ]; }
must "a second restore is refused" must_refuse
must "stop" ./stop.sh
exit $failures
'

[ -x "$system/bin/bash" ] || make_system
rm -rf "$system/root/breakout-bot"
git clone --quiet --no-hardlinks "$ROOT" "$system/root/breakout-bot"
# The network is shared with this machine (apt needs it), so a port of our own is taken.
# Below those that the kernel hands out.
port=
while [ -z "$port" ] || [ -n "$(ss -ltnH "( sport = :$port or sport = :$((port + 1)) )")" ]; do port=$((20000 + RANDOM % 10000)); done
# Settings in the environment win over .env: a command of its own, with servers of its own, must not find them there.
ports=()
if [ $# -eq 0 ]; then
    ports=(PORT="$port" UI_PORT="$((port + 1))")
    set -- bash -c "$sequence"
elif [ "$*" = restore ]; then
    make_loss
    set -- bash -c "$restoring"
fi

# A process namespace of its own: whatever the command leaves running ends with it.
code=0
unshare --mount --pid --fork --kill-child --ipc bash -euc '
    system=$1
    shift
    mount -t proc proc "$system/proc"
    mount --rbind /dev "$system/dev"
    exec chroot "$system" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
' bare "$system" \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} "${ports[@]}" \
    bash -c 'cd /root/breakout-bot && "$@"' inside "$@" </dev/null || code=$?
exit "$code"
