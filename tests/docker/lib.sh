# shellcheck shell=bash disable=SC2016,SC2034 # words of apt and awk; its variables are for those who source it
# What the Docker tests share: an engine, and base images for a machine that reaches no image registry.
# Sourced after tests/system/lib.sh. DOCKER_TEST_DIR keeps the engine's data between runs. The mirror of Debian is that of this machine's apt.

DOCKER_TEST_DIR=${DOCKER_TEST_DIR:-/var/tmp/breakout-docker-test}
DEBIAN_SUITE=bookworm
DEBIAN_IMAGE=breakout-test/debian:bookworm
NODE_IMAGE=breakout-test/node:24
NGINX_IMAGE=breakout-test/nginx:bookworm
engine_pid=
PATH=$PATH:/usr/sbin

# Debian's client: it has the builder inside, and no plugin is needed.
docker() { /usr/bin/docker "$@"; }

# engine_start: uses the engine that answers, else starts one of our own on a socket of our own. False: there can be none here.
engine_start() {
    if [ -z "${DOCKER_HOST:-}" ] && docker info >/dev/null 2>&1; then
        return 0
    fi
    export DOCKER_HOST=unix://$DOCKER_TEST_DIR/docker.sock
    docker info >/dev/null 2>&1 && return 0
    [ "$(id -u)" -eq 0 ] && command -v dockerd >/dev/null || return 1
    mkdir -p "$DOCKER_TEST_DIR"
    PATH=/usr/sbin:/usr/bin:/sbin:/bin dockerd --data-root "$DOCKER_TEST_DIR/data" --exec-root "$DOCKER_TEST_DIR/exec" \
        --host "$DOCKER_HOST" --pidfile "$DOCKER_TEST_DIR/docker.pid" >"$DOCKER_TEST_DIR/engine.log" 2>&1 &
    engine_pid=$!
    until_true 30 docker info >/dev/null 2>&1
}

# Ends only an engine that engine_start started.
engine_stop() {
    [ -n "$engine_pid" ] || return 0
    kill "$engine_pid" 2>/dev/null
    wait "$engine_pid" 2>/dev/null
}

has_image() { docker image inspect "$1" >/dev/null 2>&1; }

# The sources of Debian itself that this machine's apt knows, as lines of a sources.list: the release, its updates and its security.
apt_sources() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
        awk -v suite="$DEBIAN_SUITE" '$2 == suite || $2 == suite "-updates" || $2 == suite "-security" { print "deb", $1, $2, "main" }' | sort -u
}

# The smallest Debian, from the packages of its mirror, as the official slim image has it.
make_debian_image() {
    local dir mirror
    has_image "$DEBIAN_IMAGE" && return 0
    mirror=$(apt_sources | awk -v suite="$DEBIAN_SUITE" '$3 == suite { print $2; exit }')
    [ -n "$mirror" ] || { echo "no mirror of $DEBIAN_SUITE among the apt sources of this machine" >&2; return 1; }
    dir=$(mktemp -d)
    debootstrap --variant=minbase --include=ca-certificates "$DEBIAN_SUITE" "$dir" "$mirror" >"$DOCKER_TEST_DIR/debootstrap.log" 2>&1 || return 1
    apt_sources >"$dir/etc/apt/sources.list"
    mkdir -p "$dir/etc/dpkg/dpkg.cfg.d"
    printf 'path-exclude /usr/share/%s/*\n' doc man locale >"$dir/etc/dpkg/dpkg.cfg.d/docker"
    printf '#!/bin/sh\nexit 101\n' >"$dir/usr/sbin/policy-rc.d"
    chmod 755 "$dir/usr/sbin/policy-rc.d"
    # This machine's own authorities: the npm registry may be reached through one of them.
    cp /etc/ssl/certs/ca-certificates.crt "$dir/etc/ssl/certs/ca-certificates.crt"
    rm -rf "$dir"/usr/share/{man,locale,info,doc}/* "$dir"/var/lib/apt/lists/* "$dir"/var/cache/apt/*.bin "$dir"/var/cache/apt/archives/*.deb
    tar --numeric-owner -C "$dir" -c . | docker import -c 'CMD ["bash"]' -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        - "$DEBIAN_IMAGE" >/dev/null
    rm -rf "$dir"
}

# As node:*-alpine: node and npm on the PATH.
make_node_image() {
    local dir node
    has_image "$NODE_IMAGE" && return 0
    "$ROOT/scripts/node.sh" install || return 1
    node=$("$ROOT/scripts/node.sh" path)
    dir=$(mktemp -d)
    cp -L "$node/node" "$dir/node"
    cp -rL "$(dirname "$(readlink -f "$node/npm")")/.." "$dir/npm"
    cat >"$dir/Dockerfile" <<FILE
FROM $DEBIAN_IMAGE
RUN apt-get -qq update && apt-get -qq install -y --no-install-recommends libatomic1 && rm -rf /var/lib/apt/lists/*
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
FILE
    docker build -q -t "$NODE_IMAGE" "$dir" >/dev/null
    rm -rf "$dir"
}

# As nginx:alpine: nginx with user 101, wget and curl.
make_nginx_image() {
    local dir
    has_image "$NGINX_IMAGE" && return 0
    dir=$(mktemp -d)
    cat >"$dir/Dockerfile" <<FILE
FROM $DEBIAN_IMAGE
RUN groupadd -g 101 nginx && useradd -u 101 -g 101 -M -d /nonexistent -s /usr/sbin/nologin nginx \
 && apt-get -qq update && apt-get -qq install -y --no-install-recommends nginx-light curl wget && rm -rf /var/lib/apt/lists/*
FILE
    docker build -q -t "$NGINX_IMAGE" "$dir" >/dev/null
    rm -rf "$dir"
}

make_base_images() {
    make_debian_image && make_node_image && make_nginx_image
}
