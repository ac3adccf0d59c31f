#!/usr/bin/env bash
# The profile logs: what is sent to Loki fits the lines that the program writes, and what Grafana asks fits what is sent. No image of Loki, Alloy or Grafana
# can be started here, so their files are read.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"
alloy=$ROOT/monitoring/logs/logs.alloy
dashboard=$ROOT/monitoring/grafana/dashboards/logs/logs.json
program=${BREAKOUT_PROGRAM:-$ROOT/build/breakout}

# ---- the lines ----

# Fields that Alloy takes out of a line are members of a line of this program.
line=$(DATA_DIR=$SCRATCH/data LOG_DIR=$SCRATCH/logs LOG_CONSOLE=json FEED=file:/nowhere PORT=$(free_port) timeout 20 "$program" serve 2>&1 | head -n 200 | grep -m 1 '^{"ts"')
[ -n "$line" ] || line=$(head -q -n 1 "$SCRATCH"/logs/*.log 2>/dev/null | head -n 1)
fields=$(sed -nE 's/.*expressions = \{(.*)\}.*/\1/p' "$alloy" | grep -oE '= "[a-z_]+"' | tr -d '= "')
expect 'fields of a line' "$(wc -w <<<"$fields")" 3
for field in $fields; do
    expect "a line has $field" "$(jq -r --arg field "$field" '.[$field] | type' <<<"$line")" string
done
expect_text 'the time is as Alloy reads it (RFC 3339)' "$(jq -r .ts <<<"$line")" '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]+Z$'

# ---- the dashboard ----

labels=$(sed -nE 's/.*values = \{(.*)\}.*/\1/p' "$alloy" | grep -oE '[a-z_]+ =' | tr -d '= '; grep -oE '"job" = ' "$alloy" | tr -d '"= ')
expect 'panels' "$(($(jq '[.panels[].targets[]] | length' "$dashboard") >= 3))" 1
expect 'every panel asks Loki' "$(jq -r '[.panels[].targets[].datasource.uid] | unique | join(" ")' "$dashboard")" loki
expect_text 'Loki is provisioned' "$(cat "$ROOT/monitoring/grafana/datasources/loki.yml")" 'uid: loki'
for label in $(jq -r '.panels[].targets[].expr' "$dashboard" | grep -oE '\{[^}]*\}' | grep -oE '[a-z_]+(=~|=)' | tr -d '=~' | sort -u); do
    expect "label $label is sent" "$(grep -cx "$label" <<<"$labels")" 1
done
expect 'filters' "$(jq -r '[.templating.list[].name] | join(" ")' "$dashboard")" 'level component trace_id'
# A name that the program never writes would find nothing.
for component in $(jq -r '.panels[].targets[].expr' "$dashboard" | grep -oE 'component=~"[a-z|]+"' | cut -d'"' -f2 | tr '|' ' '); do
    expect "component $component is written" "$(($(grep -rhE "log_write\(LOG_[A-Z]+, \"$component\"" "$ROOT/src" | wc -l) > 0))" 1
done

# ---- the services ----

if command -v docker-compose >/dev/null; then
    config=$(cd "$ROOT" && docker-compose -f docker-compose.yml -f docker-compose.development.yml --profile logs config 2>&1)
    for service in loki alloy; do
        expect_text "service $service" "$config" "container_name: breakout-bot-$service"
    done
    expect_text 'the logs are read, not written' "$config" '/logs:/logs:ro'
    expect_text 'lines survive' "$config" 'loki-data:'
    expect 'only with the profile' "$(grep -A 1 'profiles:' <<<"$config" | grep -c -- '- logs$')" 2
else
    skip 'services of the profile logs' 'docker-compose is not here'
fi
finish
