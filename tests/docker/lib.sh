# shellcheck shell=bash disable=SC2016,SC2034 # words of apt and awk; its variables are for those who source it
# What the Docker tests share: an engine, and base images for a machine that reaches no image registry.
# Sourced after tests/system/lib.sh, by scripts that are run with set -u. DOCKER_TEST_DIR keeps the engine's data between runs. The mirror of Debian is that of this machine's apt.

DOCKER_TEST_DIR=${DOCKER_TEST_DIR:-/var/tmp/breakout-docker-test}
DEBIAN_SUITE=bookworm
DEBIAN_IMAGE=breakout-test/debian:bookworm
NODE_IMAGE=breakout-test/node:24
NGINX_IMAGE=breakout-test/nginx:bookworm
engine_pid=
PATH=$PATH:/usr/sbin

# Debian's client: it has the builder inside, and no plugin is needed.
docker() { /usr/bin/docker "$@"; }

# Is there anything of an installation on the engine at hand? A test would deploy over it and take its volumes away at the end.
has_installation() {
    [ -n "$(docker ps --all --quiet --filter name=^breakout-bot-)$(docker volume ls --quiet --filter name=^breakout-bot_)" ]
}

# engine_start: uses the engine that answers, else starts one of our own on a socket of our own. False: there can be none here.
engine_start() {
    if [ -z "${DOCKER_HOST:-}" ] && docker info >/dev/null 2>&1; then
        has_installation || return 0
        echo 'the Docker engine of this machine has an installation of Breakout Bot: it is left alone' >&2
        return 1
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

# phase NAME: what is done from here on; says how long the one before took.
phase_name=
phase_at=$SECONDS
phase() {
    [ -z "$phase_name" ] || printf '   %s: %s s\n' "$phase_name" "$((SECONDS - phase_at))"
    phase_name=$1
    phase_at=$SECONDS
}

# A network that no interface of this machine has: one that an engine left behind when it was killed would take our packets.
free_subnet() {
    local i
    for i in $(seq 83 120); do
        ip -4 -o addr | grep -q "inet 172\.30\.$i\." && continue
        printf '172.30.%s.0/24\n' "$i"
        return
    done
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
    # As in the official image: an image that is not whole is not kept, so nothing needs to be on disk before the next step.
    {
        printf 'path-exclude /usr/share/%s/*\n' doc man locale
        echo force-unsafe-io
    } >"$dir/etc/dpkg/dpkg.cfg.d/docker"
    printf '#!/bin/sh\nexit 101\n' >"$dir/usr/sbin/policy-rc.d"
    chmod 755 "$dir/usr/sbin/policy-rc.d"
    # What this machine needs to reach its mirror, a container needs too.
    apt-config dump Acquire | grep -E '^Acquire::(http|https)::' >"$dir/etc/apt/apt.conf.d/90host" || true
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
    phase 'base image of Debian' && make_debian_image && phase 'base images of Node and nginx' && make_node_image && make_nginx_image
}

# compose_in SITE WORDS...: Compose as deploy.sh development calls it there.
compose_in() {
    local site=$1
    shift
    (cd "$site" && PATH=/usr/sbin:/usr/bin:/sbin:/bin DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1 docker-compose --project-name breakout-bot -f docker-compose.yml -f docker-compose.development.yml \
        -f tests/docker/compose.local.yml "$@")
}

# build_images SITE: base images and those of the stack, what does not wait for each other at the same time: packages are fetched while the compiler works.
# deploy.sh builds the same once more and finds it done.
build_images() {
    local site=$1 api
    make_debian_image || return 1
    phase 'images'
    compose_in "$site" build breakout-bot-api >"$SCRATCH/api.log" 2>&1 &
    api=$!
    if ! make_node_image || ! make_nginx_image || ! compose_in "$site" build redis prometheus breakout-bot-frontend >"$SCRATCH/services.log" 2>&1; then
        tail -n 15 "$SCRATCH/services.log"
        wait "$api"
        return 1
    fi
    wait "$api" || { tail -n 15 "$SCRATCH/api.log"; return 1; }
}

# ---- the stack in a folder of its own ----

site=$SCRATCH/site

# shellcheck disable=SC2317 # called by the trap
stack_end() {
    jobs -p | xargs -r kill 2>/dev/null
    compose_in "$site" down --volumes --timeout 5 >/dev/null 2>&1
    docker network rm breakout-network breakout-data >/dev/null 2>&1
    mountpoint -q "$site/data" && umount "$site/data"
    engine_stop
    rm -rf --one-file-system "$SCRATCH"
}

# The last word, when all of it is gone.
stack_finish() {
    trap - EXIT
    stack_end
    finish
}

# stack_begin NAME PORT: an engine, and in $site a copy of the tree with settings for the demo. The services publish PORT and the ones after it. Without
# an engine it says so and ends the script.
stack_begin() {
    local name=$1 port=$2 tool i=0 variable
    for tool in docker docker-compose debootstrap; do
        [ -x "/usr/bin/$tool" ] || [ -x "/usr/sbin/$tool" ] && continue
        skip "$name" "$tool of Debian is not here"
        finish
        exit
    done
    if ! engine_start; then
        skip "$name" 'no Docker engine answers, and none can be started'
        finish
        exit
    fi
    # An engine of our own may have kept what a run that was killed has left.
    if [ -n "${DOCKER_HOST:-}" ]; then
        docker ps --all --quiet | xargs -r /usr/bin/docker rm --force --volumes >/dev/null
        docker network rm breakout-network breakout-data >/dev/null 2>&1
        docker volume prune --force >/dev/null
    fi
    unset BREAKOUT_PROGRAM FEED PORT UI_PORT API_HOST AUTOSTART DATABASE_URL DATA_DIR LOG_DIR BACKUP_DIR
    trap stack_end EXIT
    mkdir -p "$site"
    git -C "$ROOT" ls-files -z | (cd "$ROOT" && xargs -0 cp --parents -P -t "$site" 2>/dev/null)
    {
        printf '%s\n' FEED=demo AUTOSTART=paper "DOCKER_DEBIAN_IMAGE=$DEBIAN_IMAGE" "DOCKER_NODE_IMAGE=$NODE_IMAGE" "DOCKER_NGINX_IMAGE=$NGINX_IMAGE" \
            "DOCKER_SUBNET=$(free_subnet)"
        for variable in API UI REDIS PROMETHEUS GRAFANA ALERTMANAGER; do
            printf 'DOCKER_PORT_%s=%s\n' "$variable" "$((port + i))"
            i=$((i + 1))
        done
    } >"$site/.env"
    chmod 600 "$site/.env"
    ui=http://127.0.0.1:$((port + 1))
    export BREAKOUT_COMPOSE_EXTRA=$site/tests/docker/compose.local.yml
}

# The images, and then Debian's client alone: another one on the PATH may want a plugin to build.
stack_build() {
    phase 'base image of Debian'
    if ! make_debian_image || ! docker run --rm "$DEBIAN_IMAGE" apt-get -qq update >"$SCRATCH/mirror.log" 2>&1; then
        skip 'images' "no base image can be made, or containers reach no mirror: $(tail -q -n 1 "$DOCKER_TEST_DIR/debootstrap.log" "$SCRATCH/mirror.log" 2>/dev/null | tail -n 1)"
        stack_finish
        exit
    fi
    build_images "$site" || {
        expect 'images' 'not built' 'built'
        stack_finish
        exit 1
    }
    export PATH=/usr/sbin:/usr/bin:/sbin:/bin
}

# within SECONDS COMMAND...: waits by the clock: a command in a container takes a while itself.
within() {
    local end_at=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end_at" ] || return 1
        sleep 0.2
    done
}

run() { # sets output and code
    output=$("$@" 2>&1 </dev/null)
    code=$?
}
inspect() { docker inspect --format "$2" "$1" 2>/dev/null; }
ctl() { docker exec breakout-bot-api breakout ctl "$@"; }
