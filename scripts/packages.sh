#!/usr/bin/env bash
# The Debian packages the project stands on, and their installation.
#
#   packages.sh list GROUP...       print them
#   packages.sh missing GROUP...    print those that are not installed; exit 1 if any
#   packages.sh install GROUP...    install what is missing (root, or sudo); asks nothing, updates the lists only if needed
#
# Groups: run (start.sh, status.sh, stop.sh), build (the program), test (tests and checks), npm (to fetch Node.js), bare (test on a Debian with nothing installed),
#         docker (tests on an engine).
# Exit codes: 0 done, 1 something is missing, 2 it could not be installed.
set -euo pipefail

packages_of() {
    case $1 in
    run) echo ca-certificates curl iproute2 procps util-linux ;;
    build) echo gcc git libc6-dev libcurl4-openssl-dev libhiredis-dev libjansson-dev libmicrohttpd-dev libsodium-dev libsqlite3-dev libssl-dev libuv1-dev libwslay-dev libzstd-dev make zlib1g-dev ;;
    test) echo chromium clang-14 clang-format clang-tidy cppcheck docker-compose fonts-dejavu-core gcovr jq libclang-rt-14-dev libcmocka-dev nginx-light prometheus prometheus-alertmanager prometheus-node-exporter redis-server shellcheck sqlite3 systemd zstd ;;
    npm) echo npm ;;
    bare) echo debootstrap ;;
    docker) echo debootstrap docker-compose docker.io ;;
    *)
        echo "packages.sh: unknown group '$1' (run, build, test, npm, bare, docker)" >&2
        return 64
        ;;
    esac
}

list() {
    local group
    for group in "$@"; do
        packages_of "$group" | tr ' ' '\n'
    done
}

missing() {
    local wanted
    wanted=$(list "$@")
    # shellcheck disable=SC2086 # one word per package
    { dpkg-query -W -f='${Package} ${db:Status-Status}\n' $wanted 2>/dev/null || true; } |
        awk '$2 == "installed" { print $1 }' | sort -u | comm -13 - <(sort -u <<<"$wanted")
}

install() {
    local absent as_root=()
    absent=$(missing "$@")
    [ -n "$absent" ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "missing packages, and neither root nor sudo here. As root: apt-get install --no-install-recommends ${absent//$'\n'/ }" >&2
            return 2
        fi
        as_root=(sudo)
    fi
    # RUNLEVEL=1 keeps packages with services from starting them.
    local quiet_apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
    # A third-party source that does not answer must not stop us: the installation below is what decides.
    "${quiet_apt[@]}" update || echo "apt-get update reported errors; trying with the lists there are" >&2
    # shellcheck disable=SC2086 # one word per package
    "${quiet_apt[@]}" install -y --no-install-recommends $absent >/dev/null </dev/null || {
        echo "apt-get could not install: ${absent//$'\n'/ }" >&2
        return 2
    }
}

verb=${1:-}
[ $# -gt 0 ] && shift
case $verb in
list) list "$@" ;;
missing)
    absent=$(missing "$@")
    [ -z "$absent" ] || {
        echo "$absent"
        exit 1
    }
    ;;
install) install "$@" ;;
*)
    sed -n '2,10s/^# \{0,1\}//p' "$0"
    [ "$verb" = --help ] || exit 64
    ;;
esac
