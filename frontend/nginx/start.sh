#!/bin/sh
# Starts nginx in the container of the user interface: the root is read-only, so what depends on the environment is written to /tmp.
#
#   VITE_API_URL, VITE_WS_URL    where the browser finds the API; empty: here, through the proxy below
#   GRAFANA_URL                  where the browser finds Grafana, whose dashboards the monitoring page shows; empty: nowhere
#   API_UPSTREAM                 where this container finds it (breakout-bot-api:8000)
set -eu

# What is put into JSON and into the configuration of nginx must not be able to end its place there.
plain() {
    case $1 in
    *[!A-Za-z0-9:/._~%?=\&@-]*)
        echo "$2 is not an address: $1" >&2
        exit 4
        ;;
    esac
    printf '%s' "$1"
}
api=$(plain "${VITE_API_URL:-}" VITE_API_URL)
ws=$(plain "${VITE_WS_URL:-}" VITE_WS_URL)
grafana=$(plain "${GRAFANA_URL:-}" GRAFANA_URL)
upstream=$(plain "${API_UPSTREAM:-breakout-bot-api:8000}" API_UPSTREAM)
resolver=$(sed -n 's/^nameserver[[:space:]]*//p' /etc/resolv.conf | head -n 1)

# The page may talk to the API where the browser was told to find it; a WebSocket has a scheme of its own.
origins=
for address in "$api" "$ws"; do
    [ -n "$address" ] || continue
    origin=$(printf '%s' "$address" | sed -E 's#^([a-z]+://[^/]*).*#\1#')
    origins="$origins $origin $(printf '%s' "$origin" | sed -E 's#^http#ws#')"
done

frames=
[ -z "$grafana" ] || frames="frame-src $(printf '%s' "$grafana" | sed -E 's#^([a-z]+://[^/?]*).*#\1#'); "

mkdir -p /tmp/nginx
printf '{"api_url":"%s","ws_url":"%s","grafana_url":"%s"}\n' "$api" "$ws" "$grafana" >/tmp/nginx/config.json
sed -e "s|@RESOLVER@|${resolver:-127.0.0.11}|; s|@UPSTREAM@|$upstream|; s|@ORIGINS@|$origins|; s|@FRAMES@|$frames|" /etc/breakout/nginx.conf >/tmp/nginx/nginx.conf
if [ "${1:-}" = --check ]; then
    exec nginx -t -c /tmp/nginx/nginx.conf
fi
exec nginx -c /tmp/nginx/nginx.conf -g 'daemon off;'
