#!/usr/bin/env bash
# Prints Alertmanager's configuration with the addresses of this deployment.
#
#   alert_receivers.sh [ENV_FILE]      default: .env of the repository, if there is one
#
# Addresses come from the environment or, where that does not have them, from lines NAME=value of the file:
#   ALERT_WEBHOOK_URL         receives every alert as JSON
#   ALERT_EMAIL, SMTP_URL     address, and the mail server that takes letters to it: smtp://HOST[:PORT] or smtp://USER:PASSWORD@HOST[:PORT], port 587;
#                             smtps:// instead encrypts from the first byte, port 465. The user, if he has an @, else ALERT_EMAIL is the sender
#   ALERT_CHAT_URL            a relay to a messenger; receives critical alerts
# Without any of them the configuration is valid and tells nobody, which a line on standard error says. Exit codes: 0 done, 2 the file cannot be read,
# 4 an address that cannot be used, 64 wrong usage.
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

# value NAME
value() {
    local text=${!1:-}
    if [ -z "$text" ] && [ -n "$env_file" ]; then
        text=$(sed -nE "s/^[[:space:]]*(export[[:space:]]+)?$1=//p" "$env_file" | tail -n 1 | sed -E "s/[[:space:]]+\$//; s/^'(.*)'\$/\1/; s/^\"(.*)\"\$/\1/")
    fi
    printf '%s' "$text"
}

# quoted TEXT: inside double quotes of YAML
quoted() {
    local text=${1//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

refuse() {
    echo "alert_receivers.sh: $*" >&2
    exit 4
}

# webhook NAME EXTRA: lines of a receiver, nothing without an address
webhook() {
    local url
    url=$(value "$1")
    [ -n "$url" ] || return 0
    [[ $url =~ ^https?://[^[:space:]]+$ ]] || refuse "$1 must be an address http://... or https://..."
    printf '    webhook_configs:\n      - url: %s\n        send_resolved: true\n' "$(quoted "$url")"
    [ -z "${2:-}" ] || printf '        %s\n' "$2"
}

email() {
    local to smtp user='' password='' host port=587 is_encrypted=0
    to=$(value ALERT_EMAIL)
    smtp=$(value SMTP_URL)
    [ -n "$to" ] || return 0
    [ -n "$smtp" ] || refuse 'ALERT_EMAIL needs the mail server in SMTP_URL'
    [[ $smtp =~ ^smtps?://(([^:@/]*)(:([^@/]*))?@)?([^:@/]+|\[[0-9a-fA-F:]+\])(:([0-9]+))?/?$ ]] ||
        refuse 'SMTP_URL must look like smtp://HOST:PORT or smtp://USER:PASSWORD@HOST:PORT (an @ or / in them as %40, %2F)'
    user=${BASH_REMATCH[2]} password=${BASH_REMATCH[4]} host=${BASH_REMATCH[5]}
    case $smtp in smtps:*) port=465 is_encrypted=1 ;; esac
    port=${BASH_REMATCH[7]:-$port}
    user=$(printf '%b' "${user//%/\\x}")
    password=$(printf '%b' "${password//%/\\x}")
    printf '    email_configs:\n      - to: %s\n        from: %s\n        smarthost: %s\n' "$(quoted "$to")" \
        "$(quoted "$([[ $user == *@* ]] && printf '%s' "$user" || printf '%s' "$to")")" "$(quoted "$host:$port")"
    [ -z "$user" ] || printf '        auth_username: %s\n        auth_password: %s\n' "$(quoted "$user")" "$(quoted "$password")"
    # A server of this machine's own network has no certificate, and takes letters without a login.
    [ -n "$user" ] || [ "$is_encrypted" -eq 1 ] || printf '        require_tls: false\n'
    printf '        send_resolved: true\n'
}

everybody=$(webhook ALERT_WEBHOOK_URL)
letters=$(email)
chat=$(webhook ALERT_CHAT_URL 'max_alerts: 10')
[ -n "$everybody$letters$chat" ] || echo 'alert_receivers.sh: no receiver configured: alerts are seen in the interface and in Alertmanager only' >&2
while IFS= read -r line; do
    case $line in
    '    # ALERT_WEBHOOK_URL') [ -z "$everybody" ] || printf '%s\n' "$everybody" ;;
    '    # ALERT_EMAIL') [ -z "$letters" ] || printf '%s\n' "$letters" ;;
    '    # ALERT_CHAT_URL') [ -z "$chat" ] || printf '%s\n' "$chat" ;;
    *) printf '%s\n' "$line" ;;
    esac
done <"$template"
