#!/usr/bin/env bash
# Prometheus, Alertmanager and node-exporter as Debian packs them, on loopback, beside a real demo: targets, rules, every query of every dashboard,
# an alert that arrives at a webhook and ends; and the files of monitoring/ by themselves.
#
#   monitoring.sh [--all]      the program is build/breakout, or BREAKOUT_PROGRAM
#
#   --all      more alerts by failures of the real parts: a locked database, a crash loop, a lost node-exporter; three minutes more
#
# Takes a good minute; what needs no server is checked while an alert is waited for.
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
trap 'kill -9 "${children[@]}" 2>/dev/null; rm -rf "$SCRATCH"' EXIT

now_ms() { date +%s%3N; }

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
    ALERT_WEBHOOK_URL='' ALERT_CHAT_URL='' ALERT_EMAIL='' "$ROOT/scripts/alert_receivers.sh" /dev/null >silent.yml
    expect_text 'receivers without an address' "$(amtool check-config silent.yml 2>&1)" 'SUCCESS'
    expect 'no placeholder is left' "$(grep -c '\.invalid"' silent.yml)" 0
    expect 'dashboards are fresh' "$("$ROOT/scripts/dashboards.sh" --check 2>&1)" ''
    # Every alert: severity and component from the list, texts, and a section of the manual.
    for name in severity component summary description runbook_url; do
        out=$(grep -cE "(^ *|[{ ])$name:" "$MONITORING/breakout_bot_rules.yml")
        expect "every alert has $name" "$out" "$(grep -c '^ *- alert:' "$MONITORING/breakout_bot_rules.yml")"
    done
    while read -r anchor; do
        expect "section $anchor of the manual" "$(grep -c "<a id=\"$anchor\"></a>" "$ROOT/docs/operations.md")" 1
    done < <(sed -n 's/^ *runbook_url: docs\/operations\.md#//p' "$MONITORING/breakout_bot_rules.yml" | sort -u)
    # Names that are not declared, without the suffixes of histograms.
    while read -r name; do
        [ "$name" = breakout_venue_rate_budget_ratio ] && continue # only a live venue has one
        expect "metric $name is declared" "$(grep -cE "^\| \`(${name}|${name%_*})\` " "$ROOT/docs/generated/metrics.md" | sed 's/^[12]$/yes/')" yes
    done < <(grep -ohE '\b(breakout|process)_[a-z_0-9]+' "$MONITORING/breakout_bot_rules.yml" "$MONITORING/grafana/panels.json" |
        grep -vE '^breakout_(bot|bot_.*|recording|critical|warning|info|seconds)$' | sort -u)
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
prom=$(free_port)
am=$(free_port)
node=$(free_port)
hook=$(free_port)
ln -s "$ROOT/recordings" "$ROOT/presets" .
cat >.env <<SETTINGS
FEED=demo
AUTOSTART=paper
PORT=$api
BREAKOUT_URL=http://127.0.0.1:$api
LOG_CONSOLE=off
DEMO_SPEED=1200
SETTINGS
chmod 600 .env
sed -e "s/breakout-bot-api:8000/127.0.0.1:$api/" -e "s/alertmanager:9093/127.0.0.1:$am/" -e "s/localhost:9090/127.0.0.1:$prom/" \
    -e "s/node-exporter:9100/127.0.0.1:$node/" "$MONITORING/prometheus.yml" >prometheus.yml
cp "$MONITORING/breakout_bot_rules.yml" .
ALERT_WEBHOOK_URL=http://127.0.0.1:$hook/hook ALERT_CHAT_URL='' ALERT_EMAIL='' "$ROOT/scripts/alert_receivers.sh" /dev/null >alertmanager.yml
gcc -std=gnu17 -D_GNU_SOURCE -o receiver "$HERE/receiver.c" || exit 1

start_server() {
    "$program" serve >out.txt 2>&1 &
    server=$!
    children+=("$server")
}
start_server
./receiver "$hook" alerts.txt &
children+=("$!")
prometheus --config.file=prometheus.yml --storage.tsdb.path=tsdb --web.listen-address="127.0.0.1:$prom" >prometheus.log 2>&1 &
children+=("$!")
prometheus-alertmanager --config.file=alertmanager.yml --storage.path=am --web.listen-address="127.0.0.1:$am" --cluster.listen-address= >am.log 2>&1 &
children+=("$!")
start_exporter() {
    prometheus-node-exporter --web.listen-address="127.0.0.1:$node" >node.log 2>&1 &
    exporter=$!
    children+=("$exporter")
}
start_exporter

ask() { curl --silent --max-time 10 "http://127.0.0.1:$prom/api/v1/$1"; }
# query EXPRESSION TIME: number of series
query() {
    curl --silent --max-time 10 --data-urlencode "query=$1" --data-urlencode "time=$2" "http://127.0.0.1:$prom/api/v1/query" |
        jq -r 'if .status == "success" then (.data.result | if type == "array" then length else 1 end) else .error end' 2>/dev/null
}
# arrived NAME STATUS: time in ms at which the webhook heard of it first
arrived() {
    jq -rR --arg name "$1" --arg status "$2" 'capture("^(?<at>[0-9]+) (?<body>.*)$") | . as $line | .body | fromjson
        | select(any(.alerts[]; .labels.alertname == $name and .status == $status)) | $line.at' alerts.txt 2>/dev/null | head -n 1
}
has_arrived() { [ -n "$(arrived "$1" "$2")" ]; }
# scrapes JOB COUNT: so many readings there are
scrapes() { [ "$(query "count_over_time(up{job=\"$1\"}[2m]) >= $2" "$(date +%s)")" = 1 ]; }
are_up() { [ "$(query 'up == 1' "$(date +%s)")" = 3 ]; }

until_true 40 are_up
expect 'API, Prometheus and node-exporter are up' "$?" 0
expect 'the API is scraped every 5 s at /api/metrics' \
    "$(ask targets | jq -r '.data.activeTargets[] | select(.labels.job == "breakout-bot-api") | .scrapeInterval + " " + (.scrapeUrl | sub(".*:[0-9]+"; ""))')" \
    '5s /api/metrics'
expect 'rules are loaded' "$(ask rules | jq '[.data.groups[].rules[]] | length')" "$(grep -cE '^ *- (alert|record):' breakout_bot_rules.yml)"
expect 'Prometheus knows Alertmanager' "$(ask alertmanagers | jq '.data.activeAlertmanagers | length')" 1

# --- alerts without "for": the kill switch and its emergency ------------------------------------------------------------------------------
began=$(now_ms)
"$program" -y ctl kill-switch --reason test >ctl.txt 2>&1 || cat ctl.txt
until_true 20 has_arrived BreakoutEmergency firing
expect 'BreakoutEmergency arrives' "$?" 0
until_true 20 has_arrived BreakoutKillSwitch firing
expect 'BreakoutKillSwitch arrives' "$?" 0
emergency_ms=$(($(arrived BreakoutEmergency firing) - began))
"$program" -y ctl reset --confirm RESET --reason test >ctl.txt 2>&1 || cat ctl.txt
until_true 20 has_arrived BreakoutEmergency resolved
expect 'BreakoutEmergency is resolved' "$?" 0

until_true 40 scrapes breakout-bot-api 4 && until_true 40 scrapes node-exporter 2
expect 'readings enough for rates' "$?" 0
asked_at=$(date +%s)

if [ "$is_all" -eq 1 ]; then
    # Another program holds the database for writing; a lock that is gone is noticed at the next try.
    sqlite3 data/breakout_bot.db >/dev/null 2>lock.txt < <(
        echo '.timeout 20000'
        echo 'BEGIN IMMEDIATE;'
        until_true 90 has_arrived BreakoutDatabaseDown firing
        echo 'ROLLBACK;'
    )
    expect 'BreakoutDatabaseDown arrives' "$(has_arrived BreakoutDatabaseDown firing && echo yes)" yes
    until_true 60 has_arrived BreakoutDatabaseDown resolved
    expect 'BreakoutDatabaseDown is resolved' "$?" 0
    for _ in 1 2 3; do
        kill -9 "$server"
        wait "$server" 2>/dev/null
        start_server
        until_true 40 curl --silent --fail --max-time 2 --output /dev/null "http://127.0.0.1:$api/api/live"
        sleep 6 # one reading at least, so that Prometheus sees this start
    done
    until_true 40 has_arrived BreakoutRestarting firing
    expect 'BreakoutRestarting arrives' "$?" 0
    kill -TERM "$exporter"
    until_true 180 has_arrived NodeDown firing
    expect 'NodeDown arrives' "$?" 0
    start_exporter
    until_true 120 has_arrived NodeDown resolved
    expect 'NodeDown is resolved' "$?" 0
fi

# --- the server is gone; meanwhile all that does not need it ------------------------------------------------------------
began=$(now_ms)
kill -TERM "$server"
wait "$server"
check_files
count=0
empty=()
while IFS=$'\t' read -r file title expression; do
    plain=${expression//\$__rate_interval/1m}
    plain=${plain//\$mode/.*}
    plain=${plain//\$session/.*}
    found=$(query "$plain" "$asked_at")
    count=$((count + 1))
    [[ $found =~ ^[1-9][0-9]*$ ]] && continue
    reason=$(awk -F'\t' -v text="$expression" '!/^#/ && index(text, $1) { print $2; exit }' "$HERE/no_data.txt")
    if [ -z "$reason" ] || [ "$found" != 0 ]; then
        expect "data for '$title' of $file: $expression" "$found" 'at least 1'
    else
        empty+=("$title")
    fi
done < <(jq -r '. as $d | .panels[] | .title as $t | .targets[] | [$d.uid, $t, .expr] | @tsv' "$MONITORING"/grafana/dashboards/*.json)
expect 'queries were asked' "$((count > 120))" 1

until_true 60 has_arrived BreakoutApiDown firing
expect 'BreakoutApiDown arrives' "$?" 0
down_ms=$(($(arrived BreakoutApiDown firing) - began))
start_server
until_true 60 has_arrived BreakoutApiDown resolved
expect 'BreakoutApiDown is resolved' "$?" 0
printf '%d queries, %d of them without data for a declared reason (%s)\n' "$count" "${#empty[@]}" "$(
    IFS=,
    echo "${empty[*]}"
)"
printf 'emergency at the webhook after %d ms, the API down after %d ms (its "for" is 30 s)\n' "$emergency_ms" "$down_ms"
kill -TERM "$server"
wait "$server"
finish
