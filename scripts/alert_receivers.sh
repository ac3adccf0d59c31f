#!/usr/bin/env bash
# Prints Alertmanager's configuration with the addresses of this deployment.
#
#   alert_receivers.sh [ENV_FILE]      default: .env of the repository, if there is one
#
# Addresses come from the environment or, where that does not have them, from lines NAME=value of the file:
#   ALERT_WEBHOOK_URL                  receives every alert as JSON
#   ALERT_EMAIL, ALERT_SMTP_HOST       address, and the mail server host:port that takes letters to it; ALERT_EMAIL_FROM defaults to the address
#   ALERT_CHAT_URL                     a relay to a messenger; receives critical alerts
# A receiver without an address stays in the file and tells nobody. Exit codes: 0 done, 2 the file cannot be read, 64 wrong usage.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
template=$ROOT/monitoring/alertmanager.yml
env_file=${1:-}
case $env_file in
-h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"
    exit 0
    ;;
-*)
    echo "alert_receivers.sh: unknown argument '$env_file'; see alert_receivers.sh --help" >&2
    exit 64
    ;;
'') [ ! -f "$ROOT/.env" ] || env_file=$ROOT/.env ;;
*)
    [ -r "$env_file" ] || {
        echo "alert_receivers.sh: $env_file cannot be read" >&2
        exit 2
    }
    ;;
esac

# value NAME: as a text inside double quotes of YAML
value() {
    local text=${!1:-}
    if [ -z "$text" ] && [ -n "$env_file" ]; then
        text=$(sed -n "s/^$1=//p" "$env_file" | tail -n 1 | sed 's/^"\(.*\)"$/\1/')
    fi
    text=${text//\\/\\\\}
    printf '%s' "${text//\"/\\\"}"
}

webhook=$(value ALERT_WEBHOOK_URL)
chat=$(value ALERT_CHAT_URL)
mail=$(value ALERT_EMAIL)
smtp=$(value ALERT_SMTP_HOST)
from=$(value ALERT_EMAIL_FROM)
[ -n "$smtp" ] || mail=
WEBHOOK=$webhook CHAT=$chat MAIL=$mail SMTP=$smtp FROM=${from:-$mail} awk '
    function put(key, text) { match($0, /^ *(- )?/); print substr($0, 1, RLENGTH) key ": \"" text "\"" }
    /# begin ALERT_WEBHOOK_URL/ { text = ENVIRON["WEBHOOK"]; is_in = 1; next }
    /# begin ALERT_CHAT_URL/ { text = ENVIRON["CHAT"]; is_in = 1; next }
    /# begin ALERT_EMAIL/ { text = ENVIRON["MAIL"]; is_in = 1; next }
    /# end ALERT_/ { is_in = 0; next }
    is_in && text == "" { next }
    is_in && /url:/ { put("url", text); next }
    is_in && /to:/ { put("to", text); next }
    is_in && /from:/ { put("from", ENVIRON["FROM"]); next }
    is_in && /smarthost:/ { put("smarthost", ENVIRON["SMTP"]); next }
    { print }' "$template"
