# Stand-ins for the official images, with the same users, folders and words, from Debian's packages.
ARG DEBIAN_IMAGE=debian:bookworm-slim
FROM ${DEBIAN_IMAGE} AS base
RUN apt-get -qq update && apt-get -qq install -y --no-install-recommends wget >/dev/null && rm -rf /var/lib/apt/lists/*

FROM base AS redis
RUN groupadd -g 1000 redis && useradd -u 999 -g 1000 -M redis \
 && apt-get -qq update && apt-get -qq install -y --no-install-recommends redis-server >/dev/null && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /data && chown 999:1000 /data
USER 999:1000

FROM base AS prometheus
RUN apt-get -qq update && apt-get -qq install -y --no-install-recommends prometheus >/dev/null && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /prometheus && chown 65534:65534 /prometheus
USER 65534:65534
ENTRYPOINT ["/usr/bin/prometheus"]

FROM base AS alertmanager
RUN apt-get -qq update && apt-get -qq install -y --no-install-recommends prometheus-alertmanager >/dev/null && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /alertmanager && chown 65534:65534 /alertmanager
USER 65534:65534
ENTRYPOINT ["/usr/bin/prometheus-alertmanager"]

FROM base AS node-exporter
RUN apt-get -qq update && apt-get -qq install -y --no-install-recommends prometheus-node-exporter >/dev/null && rm -rf /var/lib/apt/lists/*
USER 65534:65534
ENTRYPOINT ["/usr/bin/prometheus-node-exporter"]

FROM base AS caddy
RUN apt-get -qq update && apt-get -qq install -y --no-install-recommends caddy >/dev/null && rm -rf /var/lib/apt/lists/*
ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
