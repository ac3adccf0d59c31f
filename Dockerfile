# The API and the engine: built on Debian, shipped as the program, the libraries it loads, certificates, time zones and nothing else.
#
# Base images are arguments, so that a machine without a registry builds the same file on images of its own:
#   docker build --build-arg DEBIAN_IMAGE=my/debian:bookworm .
# Pin it where a registry is at hand: --build-arg DEBIAN_IMAGE=debian:bookworm-slim@sha256:...
ARG DEBIAN_IMAGE=debian:bookworm-slim

# --- build: compiler and headers; the layer of packages is made again only when their list changes
FROM ${DEBIAN_IMAGE} AS build
WORKDIR /source
COPY scripts/packages.sh scripts/packages.sh
RUN apt-get -qq update \
 && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends ca-certificates tzdata $(scripts/packages.sh list build) >/dev/null \
 && rm -rf /var/lib/apt/lists/*
COPY Makefile CHANGELOG.md ./
COPY scripts/embed_pages.sh scripts/embed_presets.sh scripts/
COPY presets/ presets/
COPY src/ src/
# .git is not sent to the engine: what the program says of its commit comes from outside.
ARG COMMIT=unknown
ARG COMMITTED_AT=unknown
# Only the program is linked here, and stripped: machine code for the tests and words for a debugger would be made for nothing.
RUN make WHOLE_COMPILE='-flto=auto -frandom-seed=$<' EXTRA_CFLAGS=-g0 VERSION_COMMIT="${COMMIT}" VERSION_DATE="${COMMITTED_AT}" all

# --- root: the file system of the image, put together from what the program loads
FROM build AS root
COPY recordings/ recordings/
RUN set -e; mkdir -p /root-of-image/usr/local/bin /root-of-image/etc/ssl/certs /root-of-image/usr/share /root-of-image/app; cd /root-of-image; \
    install -m 755 -s /source/build/breakout usr/local/bin/breakout; \
    ldd usr/local/bin/breakout | grep -o '/[^ ]*' | xargs -I '{}' cp --parents -L '{}' .; \
    cp -L /etc/ssl/certs/ca-certificates.crt etc/ssl/certs/; \
    cp -a /usr/share/zoneinfo usr/share/; \
    rm -rf usr/share/zoneinfo/posix usr/share/zoneinfo/right; \
    echo 'root:x:0:0:root:/:/nonexistent' >etc/passwd; \
    echo 'appuser:x:10001:10001::/app:/nonexistent' >>etc/passwd; \
    printf 'root:x:0:\nappuser:x:10001:\n' >etc/group; \
    echo 'hosts: files dns' >etc/nsswitch.conf; \
    usr/local/bin/breakout --version >app/VERSION; \
    mkdir -m 1777 tmp; \
    cp -a /source/presets app/presets; \
    mkdir -p app/recordings; cp -a /source/recordings/. app/recordings/; \
    mkdir -p /folders/data /folders/logs /folders/reports /folders/backups

# --- the image
FROM scratch
ARG VERSION=0.0.0
ARG COMMIT=unknown
ARG COMMITTED_AT=unknown
LABEL org.opencontainers.image.title="breakout-bot-api" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}" \
      org.opencontainers.image.created="${COMMITTED_AT}"
COPY --from=root /root-of-image/ /
# An empty folder mounted over these takes their owner with it when it is a named volume; deploy.sh sets it for folders of the host.
COPY --from=root --chown=10001:10001 /folders/ /app/
ENV PATH=/usr/local/bin \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    API_HOST=0.0.0.0 \
    UI_PORT=0 \
    LOG_CONSOLE=json
WORKDIR /app
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=40s --retries=3 CMD ["breakout", "ctl", "health", "--timeout", "5"]
STOPSIGNAL SIGTERM
CMD ["breakout", "serve"]
