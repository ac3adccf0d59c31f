#!/usr/bin/env bash
# Prometheus, Alertmanager and node-exporter as Debian packs them, on loopback, beside a real demo: targets, every query of every dashboard, every alert
# fired by a failure, told to a webhook, a chat and a mailbox, and ended again; and the files of monitoring/ by themselves.
#
#   monitoring.sh [--all]      the program is build/breakout, or BREAKOUT_PROGRAM
#
#   --all      more alerts by failures of the real parts (tests/system/monitoring/real.sh); three minutes more
#
# The rules run with shorter times (tests/system/monitoring/shorten.awk). Most failures are series of a server's real exposition that an exporter
# changes (failures.txt); the kill switch, the end of the server and of node-exporter are real here too. Takes a good minute.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"
program=${BREAKOUT_PROGRAM:-$ROOT/build/breakout}
unset BREAKOUT_PROGRAM
is_all=0
[ "${1:-}" != --all ] || is_all=1
HERE=$ROOT/tests/system/monitoring
MONITORING=$ROOT/monitoring
children=()
environment=(LC_ALL=C)
declare -A queries=() without=()
trap 'kill -9 "${children[@]}" 2>/dev/null; wait 2>/dev/null; umount "$SCRATCH/full/data" 2>/dev/null; rm -rf "$SCRATCH"' EXIT

# shellcheck source=tests/system/monitoring/chain.sh
. "$HERE/chain.sh"

# receivers NAME=ADDRESS...: the configuration with these addresses, into receivers.yml, and what is said into receivers.txt
receivers() { env ALERT_WEBHOOK_URL='' ALERT_CHAT_URL='' ALERT_EMAIL='' SMTP_URL='' "$@" "$ROOT/scripts/alert_receivers.sh" /dev/null >receivers.yml 2>receivers.txt; }
check_receivers() {
    receivers A=b
    expect 'no receiver is valid' "$?" 0
    expect_text 'no receiver: valid for Alertmanager' "$(amtool check-config receivers.yml 2>&1)" 'SUCCESS'
    expect_text 'no receiver is said' "$(cat receivers.txt)" 'no receiver configured'
    expect 'no receiver: no address' "$(grep -cE 'url:|smarthost:' receivers.yml)" 0
    receivers ALERT_WEBHOOK_URL='https://hook.example/a"b' ALERT_CHAT_URL=https://chat.example/bot ALERT_EMAIL=ops@mail.example \
        SMTP_URL='smtp://me%40mail.example:se%3Acret@smtp.example'
    expect_text 'all receivers: valid for Alertmanager' "$(amtool check-config receivers.yml 2>&1)" 'SUCCESS'
    expect 'all receivers: nothing to say' "$(cat receivers.txt)" ''
    expect_text 'the user of the mail server' "$(cat receivers.yml)" 'auth_username: "me@mail.example"'
    expect_text 'the port of the mail server' "$(cat receivers.yml)" 'smarthost: "smtp.example:587"'
    for route in critical:everybody,chat warning:everybody info:everybody; do
        expect "receivers of ${route%%:*}" "$(amtool config routes test --config.file=receivers.yml "severity=${route%%:*}" alertname=x 2>/dev/null)" "${route#*:}"
    done
    receivers ALERT_EMAIL=ops@mail.example
    expect 'mail without a server' "$?" 4
    receivers ALERT_WEBHOOK_URL=hook.example
    expect 'an address that is none' "$?" 4
    (cd "$SCRATCH" && "$program" doctor >doctor.txt 2>&1)
    expect_text 'doctor tells that nobody is told' "$(cat doctor.txt)" 'no receiver configured'
}

# Only a live venue has a budget of requests.
live_only=breakout_venue_rate_budget_ratio
# Series that the rules read: names in expressions, without those that rules record.
metric_names_of_rules() {
    sed -nE '/^ *expr:/,/^ *(for|labels|- )/{/^ *(expr|for|labels|- )/!p}' "$MONITORING/breakout_bot_rules.yml" | sed 's/"[^"]*"//g' |
        grep -oE '\b(breakout|process)_[a-z_0-9]+' | grep -v '^breakout_trades_total$' | sort -u
}

# --- the files ----------------------------------------------------------------------------------------------------------
check_files() {
    local out name anchor file
    expect 'promtool check config' "$(cd "$MONITORING" && promtool check config --syntax-only prometheus.yml >/dev/null 2>&1 && echo good)" good
    out=$(promtool check rules "$MONITORING/breakout_bot_rules.yml" 2>&1)
    expect_text 'promtool check rules' "$out" 'SUCCESS'
    out=$(promtool test rules "$MONITORING/breakout_bot_rules_test.yml" 2>&1)
    expect_text 'promtool test rules' "$out" 'SUCCESS'
    expect 'each alert is tested' "$(sed -n 's/^ *- alert: //p' "$MONITORING/breakout_bot_rules.yml" | sort)" \
        "$(sed -n 's/^  - name: //p' "$MONITORING/breakout_bot_rules_test.yml" | sort)"
    expect_text 'amtool check-config' "$(amtool check-config "$MONITORING/alertmanager.yml" 2>&1)" 'SUCCESS'
    check_receivers
    for name in deploy.sh docker-compose.yml .gitignore; do
        expect_text "$name knows the file with the addresses" "$(cat "$ROOT/$name")" 'monitoring/alertmanager\.local\.yml|/etc/alertmanager/alertmanager\.local\.yml'
    done
    expect 'dashboards are fresh' "$("$ROOT/scripts/dashboards.sh" --check 2>&1)" ''
    # Every alert: severity and component from the list, texts, and a section of the manual.
    for name in severity component summary description runbook_url; do
        out=$(grep -cE "(^ *|[{ ])$name:" "$MONITORING/breakout_bot_rules.yml")
        expect "every alert has $name" "$out" "$(grep -c '^ *- alert:' "$MONITORING/breakout_bot_rules.yml")"
    done
    while read -r anchor; do
        expect "section $anchor of the manual" "$(grep -c "<a id=\"$anchor\"></a>" "$ROOT/docs/operations.md")" 1
    done < <(sed -n 's/^ *runbook_url: docs\/operations\.md#//p' "$MONITORING/breakout_bot_rules.yml" | sort -u)
    while IFS=$'\t' read -r name _ _ anchor; do
        expect "$name is named in its section" "$(awk -v anchor="<a id=\"${anchor#*#}\"></a>" '/^<a id=/ { is_in = $0 == anchor } is_in' "$ROOT/docs/operations.md" |
            grep -c "^Alerts*: .*\b$name\b")" 1
    done < <(rules "$MONITORING/breakout_bot_rules.yml")
    # Names that are not declared, without the suffixes of histograms.
    while read -r name; do
        [ "$name" = "$live_only" ] && continue
        expect "metric $name is declared" "$(grep -cE "^\| \`(${name}|${name%_*})\` " "$ROOT/docs/generated/metrics.md" | sed 's/^[12]$/yes/')" yes
    done < <(grep -ohE '\b(breakout|process)_[a-z_0-9]+' "$MONITORING/breakout_bot_rules.yml" "$MONITORING/grafana/panels.json" |
        grep -vE '^breakout_(bot|bot_.*|recording|recording_slow|critical|warning|info|seconds)$' | sort -u)
    # What rules use is read every second, and nothing else is; the signals of a day are many readings, and nobody waits for their absence.
    expect 'what alerts look at is read every second' "$(metric_names_of_rules | grep -v '^breakout_signals_generated_total$')" "$(
        sed -nE 's/^ *(breakout_\(.*)/\1/p' "$MONITORING/prometheus.yml" | sed -E 's/\)\|process_\(/\n/; s/breakout_\(//; s/\)$//' |
            awk -F'|' '{ for (i = 1; i <= NF; i++) print (NR == 1 ? "breakout_" : "process_") $i }' | sort
    )"
    expect 'each alert has a failure' "$({
        awk '!/^[#*]/ && NF { print $1 }' "$HERE/failures.txt"
        printf '%s\n' BreakoutApiDown NodeDown
    } | sort -u)" "$(sed -n 's/^ *- alert: //p' "$MONITORING/breakout_bot_rules.yml" | sort)"
    for file in "$MONITORING"/grafana/dashboards/*.json; do
        out=$(jq -r 'if (.schemaVersion >= 36) and (.uid | length > 0) and (.title | length > 0) and .refresh == "5s"
            and ([.templating.list[].name] == ["mode", "session"]) and (.panels | length > 0)
            and ([.panels[].id] | length == (unique | length))
            and all(.panels[]; (.gridPos | (.x + .w <= 24) and .w > 0 and .h > 0) and .datasource.uid == "prometheus" and (.targets | length > 0)
                and all(.targets[]; .datasource.uid == "prometheus" and (.expr | length > 0))) then "good" else "bad" end' "$file")
        expect "$(basename "$file")" "$out" good
    done
    expect 'six dashboards with ids of their own' "$(jq -r .uid "$MONITORING"/grafana/dashboards/*.json | sort -u | wc -l)" 6
    expect_text 'the data source of the panels is provisioned' "$(cat "$MONITORING/grafana/datasources/prometheus.yml")" 'uid: prometheus'
}

for name in promtool amtool prometheus prometheus-alertmanager prometheus-node-exporter; do
    if ! command -v "$name" >/dev/null; then
        skip monitoring "there is no $name: scripts/packages.sh install test"
        finish
        exit
    fi
done
cd "$SCRATCH" || exit 1
if [ ! -x "$program" ]; then
    skip 'monitoring of a demo' "there is no $program"
    check_files
    finish
    exit
fi

# --- everything up ------------------------------------------------------------------------------------------------------
api=$(free_port)
scripted=$(free_port)
full=$(free_port)
losing=$(free_port)
plain=$(free_port)
prom=$(free_port)
am=$(free_port)
node=$(free_port)
hook=$(free_port)
mail=$(free_port)
ln -s "$ROOT/recordings" "$ROOT/presets" .
cat >.env <<SETTINGS
FEED=demo
AUTOSTART=paper
PORT=$api
BREAKOUT_URL=http://127.0.0.1:$api
LOG_CONSOLE=off
DEMO_SPEED=1200
RESOURCE_CHECK_INTERVAL_S=1
MAX_CPU_PERCENT=100
WARN_CPU_PERCENT=100
SETTINGS
chmod 600 .env
redis=
start_redis() {
    redis-server --bind 127.0.0.1 --port "$redis" --save '' --dir "$SCRATCH" >redis.txt 2>&1 &
    redis_server=$!
    children+=("$redis_server")
}
if [ "$is_all" -eq 1 ]; then
    gcc -std=gnu17 -D_GNU_SOURCE -O1 -shared -fPIC -o slow_disk.so "$HERE/slow_disk.c" || exit 1
    if command -v redis-server >/dev/null; then
        redis=$(free_port)
        echo "REDIS_URL=redis://127.0.0.1:$redis/0" >>.env
        start_redis
    fi
    environment+=("LD_PRELOAD=$SCRATCH/slow_disk.so" "SLOW_DISK=$SCRATCH/slow_ms")
fi
# prometheus_file RULES ALERTMANAGER TARGETS
prometheus_file() {
    sed -e "s/\"breakout-bot-api:8000\"/$3/" -e "s/alertmanager:9093/127.0.0.1:$2/" -e "s/localhost:9090/127.0.0.1:$prom/" \
        -e "s/node-exporter:9100/127.0.0.1:$node/" -e "s/- breakout_bot_rules.yml/- $1/" "$MONITORING/prometheus.yml"
}
cp "$MONITORING/breakout_bot_rules.yml" .
awk -v range_max=$((is_all ? 30 : 15)) -f "$HERE/shorten.awk" breakout_bot_rules.yml >short_rules.yml
receivers "ALERT_WEBHOOK_URL=http://127.0.0.1:$hook/hook" "ALERT_CHAT_URL=http://127.0.0.1:$hook/chat" ALERT_EMAIL=ops@mail.example "SMTP_URL=smtp://127.0.0.1:$mail"
mv receivers.yml alertmanager.yml
for name in receiver exporter mailbox; do
    gcc -std=gnu17 -D_GNU_SOURCE -O1 -o "$name" "$HERE/$name.c" || exit 1
done

start_server() {
    env "${environment[@]}" "$program" serve >out.txt 2>&1 &
    server=$!
    children+=("$server")
}
start_server
touch alerts.txt arrivals.tsv
./receiver "$hook" alerts.txt &
children+=("$!")
follow_arrivals &
children+=("$!")
./mailbox "$mail" letters.txt &
children+=("$!")
start_exporter() {
    prometheus-node-exporter --web.listen-address="127.0.0.1:$node" >node.log 2>&1 &
    exporter=$!
    children+=("$exporter")
}
start_exporter
has_session() { curl --silent --max-time 2 "http://127.0.0.1:$api/api/metrics" >exposition.txt && grep -q '^breakout_session_info{' exposition.txt; }
until_true 30 has_session
expect 'a demo plays' "$?" 0
write_changes
./exporter "$scripted" exposition.txt changes.txt "$live_only" 2>undeclared.txt &
children+=("$!")
# One Prometheus as it is deployed, for the dashboards; one with the short rules, which alerts.
prometheus_file breakout_bot_rules.yml 9 "\"127.0.0.1:$api\"" >plain.yml
prometheus --config.file=plain.yml --storage.tsdb.path=plain --web.listen-address="127.0.0.1:$plain" >plain.log 2>&1 &
children+=("$!")
targets="\"127.0.0.1:$api\", \"127.0.0.1:$scripted\""
[ "$is_all" -eq 0 ] || targets="$targets, \"127.0.0.1:$full\", \"127.0.0.1:$losing\""
prometheus_file short_rules.yml "$am" "$targets" >prometheus.yml
prometheus --config.file=prometheus.yml --storage.tsdb.path=tsdb --web.listen-address="127.0.0.1:$prom" >prometheus.log 2>&1 &
children+=("$!")
prometheus-alertmanager --config.file=alertmanager.yml --storage.path=am --web.listen-address="127.0.0.1:$am" --cluster.listen-address= >am.log 2>&1 &
children+=("$!")

# scrapes JOB COUNT: so many readings there are
scrapes() { [ "$(query "count_over_time(up{job=\"$1\"}[2m]) >= $2" "$(date +%s)" "$plain")" = 1 ]; }
has_win_rate() { [ "$(query breakout:trades_won:ratio_7d "$(date +%s)" "$plain")" = 1 ]; }
are_up() { [ "$(query 'up{job!~"breakout.*"} == 1 or max by (instance) (up{job="breakout-bot-api"}) == 1' "$(date +%s)")" = 4 ]; }

until_true 40 are_up
expect 'API, exporter, Prometheus and node-exporter are up' "$?" 0
expect 'the API is scraped every 5 s at /api/metrics' \
    "$(ask targets | jq -r '.data.activeTargets[] | select(.labels.job == "breakout-bot-api") | .scrapeInterval + " " + (.scrapeUrl | sub(".*:[0-9]+"; ""))' | sort -u)" \
    '5s /api/metrics'
expect 'rules are loaded' "$(ask rules | jq '[.data.groups[].rules[]] | length')" "$(grep -cE '^ *- (alert|record):' breakout_bot_rules.yml)"
expect 'Prometheus knows Alertmanager' "$(ask alertmanagers | jq '.data.activeAlertmanagers | length')" 1

scripted_failures "127.0.0.1:$scripted" 150 scripted.tsv &
failing=$!
children+=("$failing")
real=()
# fires NAME SINCE_MS INSTANCE [SECONDS]: the alert of a real failure arrives
fires() {
    until_true "${4:-30}" has_arrived "$1" firing "$3" "$2"
    local code=$?
    expect "$1 arrives" "$code" 0
    [ "$code" -ne 0 ] || real+=("$1 $(($(arrived "$1" firing "$3" "$2") - $2))")
}
resolves() {
    until_true "${4:-60}" has_arrived "$1" resolved "$3" "$2"
    expect "$1 is resolved" "$?" 0
}

# --- real failures: the kill switch and its emergency ------------------------------------------------------------------------
has_trades() { curl --silent --max-time 2 "http://127.0.0.1:$api/api/metrics" | grep -q '^breakout_trades_total{'; }
until_true 30 has_trades
expect 'a trade is closed before the kill switch' "$?" 0
since=$(now_ms)
"$program" -y ctl kill-switch --reason test >ctl.txt 2>&1 || cat ctl.txt
fires BreakoutEmergency "$since" "127.0.0.1:$api"
fires BreakoutKillSwitch "$since" "127.0.0.1:$api"
since=$(now_ms)
"$program" -y ctl reset --confirm RESET --reason test >ctl.txt 2>&1 || cat ctl.txt
for name in BreakoutEmergency BreakoutKillSwitch; do resolves "$name" "$since" "127.0.0.1:$api"; done

check_files
until_true 40 scrapes breakout-bot-api 4
expect 'readings enough for rates' "$?" 0
until_true 40 has_win_rate
expect 'a win rate is recorded' "$?" 0
{
    cat "$HERE/no_data.txt"
    grep -q '^[^ ]* / ' /proc/self/mounts || printf 'node_filesystem_avail_bytes\tthe root of a chroot is no mount: node-exporter does not list it\n'
} >no_data.txt
asked_at=$(date +%s)
count=0
empty=()
while IFS=$'\t' read -r file title expression; do
    text=${expression//\$__rate_interval/1m}
    text=${text//\$mode/.*}
    text=${text//\$session/.*}
    found=$(query "$text" "$asked_at" "$plain")
    count=$((count + 1))
    queries[$file]=$((${queries[$file]:-0} + 1))
    [[ $found =~ ^[1-9][0-9]*$ ]] && continue
    reason=$(awk -F'\t' -v text="$expression" '!/^#/ && index(text, $1) { print $2; exit }' no_data.txt)
    if [ -z "$reason" ] || [ "$found" != 0 ]; then
        expect "data for '$title' of $file: $expression" "$found" 'at least 1'
    else
        empty+=("$title")
        without[$file]=$((${without[$file]:-0} + 1))
    fi
done < <(jq -r '. as $d | .panels[] | .title as $t | .targets[] | [$d.uid, $t, .expr] | @tsv' "$MONITORING"/grafana/dashboards/*.json)
expect 'queries were asked' "$((count > 120))" 1

# shellcheck source=tests/system/monitoring/real.sh
[ "$is_all" -eq 0 ] || . "$HERE/real.sh"

# --- node-exporter and the server are gone ------------------------------------------------------------------------------------
since=$(now_ms)
kill -TERM "$exporter"
fires NodeDown "$since" "127.0.0.1:$node"
start_exporter
resolves NodeDown "$(now_ms)" "127.0.0.1:$node"
since=$(now_ms)
kill -9 "$server"
wait "$server" 2>/dev/null
fires BreakoutApiDown "$since" "127.0.0.1:$api"
start_server
resolves BreakoutApiDown "$(now_ms)" "127.0.0.1:$api"

# --- what the exporter's failures became --------------------------------------------------------------------------------------
wait "$failing" 2>/dev/null
rules short_rules.yml >rules.tsv
latencies=()
while IFS=$'\t' read -r name from at healed_at ended; do
    expect "$name: failure, alert, end" "$([ "$at" != - ] && [ "$healed_at" != - ] && [ "$ended" != - ] && echo whole)" whole
    [ "$ended" != - ] || continue
    latencies+=("$((at - from - 1000 * $(awk -F'\t' -v name="$name" '$1 == name { print $2 }' rules.tsv))) $name $((ended - healed_at))")
done <scripted.tsv
# Each alert told with its severity and its section; critical ones to the chat too, and only they.
while IFS=$'\t' read -r name _ severity section; do
    wanted=everybody
    [ "$severity" != critical ] || wanted='chat everybody'
    for status in firing resolved; do
        expect "$name $status: receivers, severity, section" \
            "$(awk -F'\t' -v name="$name" -v status="$status" '$2 == status && $3 == name { print $5 " " $6 " " $7 }' arrivals.tsv | sort -u | paste -sd';')" \
            "$(for who in $wanted; do echo "$who $severity $section"; done | paste -sd';')"
    done
    expect "$name: a letter" "$(grep -c "^ops@mail.example"$'\t'".*FIRING.*$name" letters.txt | sed 's/^[1-9][0-9]*$/yes/')" yes
done <rules.tsv
expect 'no series without a name of the program' "$(cat undeclared.txt)" ''
late=$(printf '%s\n' "${latencies[@]}" | awk '$1 > 5000 { print $2 " after " $1 " ms" }')
expect 'every alert within 5 s after its "for"' "$late" ''

for file in "${!queries[@]}"; do printf '%s: %d queries, %d without data\n' "$file" "${queries[$file]}" "${without[$file]:-0}"; done | sort
printf 'without data for a declared reason: %s\n' "$(printf '%s\n' "${empty[@]}" | paste -sd,)"
printf 'from a failure to its arrival, less its "for": %s; until the end is told after the healing: %s\n' \
    "$(printf '%s\n' "${latencies[@]}" | cut -d' ' -f1 | median_and_worst)" "$(printf '%s\n' "${latencies[@]}" | cut -d' ' -f3 | median_and_worst)"
printf 'by a real failure, ms until it arrived, its "for" included: %s\n' "$(printf '%s\n' "${real[@]}" | paste -sd,)"
kill -TERM "$server"
wait "$server"
finish
