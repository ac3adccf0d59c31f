#!/usr/bin/env bash
# Makes the Grafana dashboards from the table of their panels.
#
#   dashboards.sh [--check] [-h|--help]
#
#   --check    writes nothing; exit 1 when a file of monitoring/grafana/dashboards is not what the table says
#
# Panels flow from left to right in rows of 24 columns. Exit codes: 0 done, 1 not as the table says, 64 wrong usage.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
table=$ROOT/monitoring/grafana/panels.json
folder=$ROOT/monitoring/grafana/dashboards

# shellcheck disable=SC2016 # jq's own variables
program='
def source: {type: "prometheus", uid: "prometheus"};
def steps: [{color: "green", value: null}] + ([.steps, ["yellow", "orange", "red"]] | transpose | map({value: .[0], color: .[1]}));
def thresholds: {mode: "absolute", steps:
    (if .steps then steps elif .signed then [{color: "red", value: null}, {color: "green", value: 0}] else [{color: "blue", value: null}] end)};
def is_table: .type == "table";
def targets: . as $panel | [.queries | to_entries[] | {refId: ([65 + .key] | implode), datasource: source, expr: .value[0], legendFormat: .value[1],
    format: (if $panel | is_table then "table" else ($panel.format // "time_series") end),
    instant: ($panel.type | IN("table", "bargauge", "stat", "gauge")), range: ($panel.type | IN("table", "bargauge", "stat", "gauge") | not)}];
def options:
    if .type == "timeseries" then {legend: {displayMode: "list", placement: "bottom", showLegend: true}, tooltip: {mode: "multi", sort: "desc"}}
    elif .type == "stat" then {colorMode: "value", graphMode: "none", justifyMode: "auto", textMode: (.text // "auto"),
        reduceOptions: {calcs: ["lastNotNull"], fields: "", values: false}}
    elif .type == "gauge" then {showThresholdLabels: false, showThresholdMarkers: true, reduceOptions: {calcs: ["lastNotNull"], fields: "", values: false}}
    elif .type == "bargauge" then {displayMode: "basic", orientation: "horizontal", showUnfilled: true,
        reduceOptions: {calcs: ["lastNotNull"], fields: "", values: false}}
    elif .type == "state-timeline" then {mergeValues: true, rowHeight: 0.9, showValue: "never", legend: {displayMode: "list", placement: "bottom"}}
    elif .type == "heatmap" then {calculate: false, yAxis: {unit: .unit}, color: {mode: "scheme", scheme: "Blues"}}
    else {showHeader: true} end;
def transformations: if is_table then [{id: "merge", options: {}},
    {id: "organize", options: {excludeByName: {Time: true, __name__: true, instance: true, job: true},
        renameByName: ([.queries | to_entries[] | {key: ("Value #" + ([65 + .key] | implode)), value: .value[1]}] | from_entries)}}] else [] end;
def panel($id; $x; $y): {id: $id, type, title, datasource: source, gridPos: {x: $x, y: $y, w: (.width // 8), h: (.height // 8)},
    targets: targets, options: options, transformations: transformations,
    fieldConfig: {defaults: ({unit, thresholds: thresholds, color: {mode: (if .type == "timeseries" then "palette-classic" else "thresholds" end)}}
        + (if .max then {min: 0, max} else {} end)), overrides: []}};
def flow: reduce .panels[] as $p ({x: 0, y: 0, row: 0, panels: []};
    (if .x + ($p.width // 8) > 24 then .x = 0 | .y += .row | .row = 0 else . end)
    | .panels += [$p + {at: {x, y}}] | .x += ($p.width // 8) | .row = ([.row, $p.height // 8] | max)) | .panels;
def variable($name; $query): {name: $name, label: $name, type: "query", datasource: source, definition: $query,
    query: {query: $query, refId: $name}, refresh: 2, includeAll: true, multi: true, allValue: ".*", sort: 1,
    current: {text: "All", value: "$__all"}};
.dashboards[] | select(.file == $file) | . as $dashboard
| {uid, title, tags: (["breakout-bot"] + .tags), schemaVersion: 39, version: 1, editable: false, graphTooltip: 1, timezone: "utc", refresh: "5s",
    time: {from: "now-1h", to: "now"}, timepicker: {refresh_intervals: ["5s", "15s", "1m", "5m"]}, annotations: {list: []},
    links: [{title: "Breakout Bot", type: "link", url: "http://localhost:3000/", targetBlank: true, icon: "external link", tags: []},
        {title: "Dashboards", type: "dashboards", tags: ["breakout-bot"], asDropdown: true, targetBlank: false, icon: "", url: ""}],
    templating: {list: [variable("mode"; "label_values(breakout_equity_usd, mode)"), variable("session"; "label_values(breakout_session_info, session_id)")]},
    panels: [flow | to_entries[] | .key as $key | .value | panel($key + 1; .at.x; .at.y)]}'

is_check=0
case ${1:-} in
'') ;;
--check) is_check=1 ;;
-h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"
    exit 0
    ;;
*)
    echo "dashboards.sh: unknown argument '$1'; see dashboards.sh --help" >&2
    exit 64
    ;;
esac

code=0
while read -r file; do
    fresh=$(jq --arg file "$file" "$program" "$table")
    if [ "$is_check" -eq 0 ]; then
        printf '%s\n' "$fresh" >"$folder/$file"
    elif ! cmp -s <(printf '%s\n' "$fresh") "$folder/$file"; then
        echo "monitoring/grafana/dashboards/$file is not what the table says: run scripts/dashboards.sh" >&2
        code=1
    fi
done < <(jq -r '.dashboards[].file' "$table")
exit "$code"
