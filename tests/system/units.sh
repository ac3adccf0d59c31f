#!/usr/bin/env bash
# The units of deploy/systemd: systemd-analyze takes them, timers have a next time, and each ExecStart does its work as a user without rights, on a
# file system that is read-only but for the folders of ReadWritePaths, the server on a socket that it was given, telling the service manager.
#
#   units.sh      the program is build/breakout, or BREAKOUT_PROGRAM
# shellcheck disable=SC2016 # words for the shell inside
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"
program=${BREAKOUT_PROGRAM:-$ROOT/build/breakout}
unset BREAKOUT_PROGRAM
UNITS=$ROOT/deploy/systemd
PLACE=/opt/breakout-bot

run() { # sets output and code
    output=$("$@" 2>&1 </dev/null)
    code=$?
}

# ---- the files ----

expect 'systemd-analyze is installed' "$(command -v systemd-analyze >/dev/null && echo yes)" yes
mkdir -p "$SCRATCH/units"
for unit in "$UNITS"/*; do
    # The program of an installation is not here; that it runs is shown below.
    sed -E "s|^ExecStart=$PLACE/[^ ]*|ExecStart=/bin/true|" "$unit" >"$SCRATCH/units/$(basename "$unit")"
done
run systemd-analyze verify --man=no "$SCRATCH"/units/*
expect 'systemd takes the units' "$(grep -E "$SCRATCH|breakout" <<<"$output")" ''
for unit in "$SCRATCH"/units/*.service; do
    # 10 is open to everything, 0 to nothing.
    run systemd-analyze security --offline=true --no-pager --threshold=40 "$unit"
    expect "exposure of $(basename "$unit")" "$code" 0
done
for timer in "$UNITS"/*.timer; do
    run systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' "$timer")"
    expect_text "$(basename "$timer") has a next time" "$output" 'Next elapse: .*UTC'
    expect "$(basename "$timer") has its service" "$([ -f "${timer%.timer}.service" ] && echo yes)" yes
done
expect 'written is below the installation alone' "$(sed -nE 's/^ReadWritePaths=//p' "$UNITS"/*.service | tr ' ' '\n' | grep -cv "^$PLACE/")" 0

# ---- each ExecStart, held as the unit holds it ----

if [ ! -x "$program" ]; then
    skip 'units at work' "there is no $program"
    finish
    exit
fi
if ! unshare --mount true 2>/dev/null; then
    skip 'units at work' 'no mount namespace: this is not root, or a chroot'
    finish
    exit
fi
site=$SCRATCH/site
port=$(free_port)
server=
listener=
trap 'kill -9 $server $listener ${main:-} 2>/dev/null; rm -rf "$SCRATCH"' EXIT
mkdir -p "$site"/{build,data,logs,reports,backups}
cp -r "$ROOT/scripts" "$ROOT/presets" "$site"
cp "$program" "$site/build/breakout"
mkdir -p "$site/recordings"
cp -r "$ROOT"/recordings/. "$site/recordings"
printf '%s\n' FEED=demo AUTOSTART=paper "PORT=$port" UI_PORT=0 MAX_CPU_PERCENT=100 WARN_CPU_PERCENT=100 MAX_DISK_PERCENT=100 WARN_DISK_PERCENT=100 >"$site/.env"
chown -R 54321:54321 "$site"
chmod 700 "$SCRATCH"
chmod 600 "$site/.env"

word_of() { sed -n "s/^$2=//p" "$UNITS/$1" | head -n 1; }
# hold UNIT COMMAND...: ProtectSystem=strict, ReadWritePaths, PrivateTmp, User, NoNewPrivileges, no capability, UMask, WorkingDirectory.
hold() {
    local unit=$1
    shift
    unshare --mount --propagation private bash -euc '
        site=$1 place=$2 paths=$3 mask=$4
        shift 4
        mount -t tmpfs none "$(dirname "$place")"
        mkdir "$place"
        mount --bind "$site" "$place"
        for path in $paths; do mount --bind "$path" "$path"; done
        mount -o remount,bind,ro "$place"
        mount -o remount,bind,ro /
        mount -t tmpfs none /tmp
        cd "$place"
        umask "$mask"
        exec setpriv --reuid 54321 --regid 54321 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all \
            env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/ "${@}"
    ' hold "$site" "$PLACE" "$(word_of "$unit" ReadWritePaths)" "$(word_of "$unit" UMask | grep . || echo 0022)" "$@"
}
for unit in breakout-bot breakout-bot-backup breakout-bot-logs; do
    expect "$unit has no rights" "$(word_of $unit.service User) $(word_of $unit.service NoNewPrivileges) $(word_of $unit.service ProtectSystem)" 'breakout true strict'
done

# The service manager: takes datagrams, and gives a socket that it listens on as descriptor 3.
cat >"$SCRATCH/manager.pl" <<'PERL'
use IO::Socket::INET;
use IO::Socket::UNIX;
use Fcntl;
my ($port, $words) = @ARGV;
my $notify = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "\0breakout-units-$port") or die;
open(my $out, ">", $words) or die;
$out->autoflush(1);
while (defined $notify->recv(my $text, 4096)) { print $out "$text\n"; }
PERL
perl "$SCRATCH/manager.pl" "$port" "$SCRATCH/words" &
listener=$!
until_true 5 test -e "$SCRATCH/words"
# Becomes the program, as systemd does: same process, socket in place.
cat >"$site/scripts/activate.pl" <<'PERL'
use IO::Socket::INET;
use POSIX;
$^F = 10; # descriptors up to this one stay open
my ($port, @words) = @ARGV;
my $socket = IO::Socket::INET->new(Listen => 64, LocalAddr => "127.0.0.1", LocalPort => $port, ReuseAddr => 1) or die;
POSIX::dup2(fileno($socket), 3) or die;
@ENV{"LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET"} = (1, $$, "\@breakout-units-$port");
exec @words;
PERL
# shellcheck disable=SC2046 # words of the unit
hold breakout-bot.service perl "$PLACE/scripts/activate.pl" "$port" $(word_of breakout-bot.service ExecStart) >"$SCRATCH/out" 2>&1 &
server=$!
is_ready() { grep -q '^READY=1' "$SCRATCH/words"; }
until_true 30 is_ready
expect 'the server tells that it is ready' "$?" 0
expect 'it answers on the socket it was given' "$(curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}' "http://127.0.0.1:$port/api/ready")" 200
main=$(cut -d' ' -f1 "$site/data/serving.pid")
expect 'it is not root' "$(awk '/^Uid/ { print $2 }' "/proc/$main/status")" 54321
expect 'it has no capability' "$(awk '/^Cap(Prm|Eff|Bnd)/ { print $2 }' "/proc/$main/status" | sort -u)" 0000000000000000
expect 'its files are its own' "$(stat -c '%u %a' "$site/data/breakout_bot.db")" '54321 600'
run hold breakout-bot.service touch "$PLACE/build/breakout"
expect 'the program cannot be changed' "$code" 1
is_alive() { grep -q '^WATCHDOG=1' "$SCRATCH/words"; }
until_true 30 is_alive
expect 'the watchdog is told' "$?" 0

# shellcheck disable=SC2046
run hold breakout-bot-backup.service $(word_of breakout-bot-backup.service ExecStart)
expect 'the backup of the timer' "$code" 0
[ "$code" -eq 0 ] || printf '%s\n' "$output"
expect 'its archive' "$(find "$site/backups" -name 'backup-*.tar.gz' -user 54321 -perm 600 | wc -l)" 1
# shellcheck disable=SC2046
run hold breakout-bot-logs.service $(word_of breakout-bot-logs.service ExecStart)
expect 'the check of the logs of the timer' "$code" 0
expect 'its report' "$(find "$site/reports" -name 'log_report_*.json' -user 54321 | wc -l)" 1

kill "$main"
wait "$server"
expect 'it ends in good order' "$?" 0
expect_text 'it tells that it ends' "$(cat "$SCRATCH/words")" '^STOPPING=1'
kill "$listener"
wait "$listener" 2>/dev/null
trap - EXIT
finish
