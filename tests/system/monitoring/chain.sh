# shellcheck shell=bash disable=SC2154 # prom, HERE are the caller's
# From Prometheus to those who are told: what asks the servers, and what has arrived. Sourced by monitoring.sh.

now_ms() { printf '%s\n' "$((${EPOCHREALTIME/[.,]/} / 1000))"; }
ask() { curl --silent --max-time 10 "http://127.0.0.1:$prom/api/v1/$1"; }
# query EXPRESSION TIME [PORT]: number of series
query() {
    curl --silent --max-time 10 --data-urlencode "query=$1" --data-urlencode "time=$2" "http://127.0.0.1:${3:-$prom}/api/v1/query" |
        jq -r 'if .status == "success" then (.data.result | if type == "array" then length else 1 end) else .error end' 2>/dev/null
}

# follow_arrivals: what the receiver writes, from now on one alert a line in arrivals.tsv: time in ms, status, name, instance, receiver, severity, section
# of the manual
follow_arrivals() {
    tail --pid=$$ -n +1 -f alerts.txt 2>/dev/null | jq -rR --unbuffered 'capture("^(?<at>[0-9]+) (?<body>.*)$") | .at as $at | .body | fromjson
        | .receiver as $receiver | .alerts[]
        | [$at, .status, .labels.alertname, .labels.instance // "", $receiver, .labels.severity, .annotations.runbook_url] | @tsv' >arrivals.tsv
}
# arrived NAME STATUS [INSTANCE] [SINCE_MS]: when a webhook first heard of it
arrived() {
    awk -F'\t' -v name="$1" -v status="$2" -v instance="${3:-}" -v since="${4:-0}" \
        '$2 == status && $3 == name && (instance == "" || $4 == instance) && $1 >= since { print $1; exit }' arrivals.tsv
}
has_arrived() { [ -n "$(arrived "$@")" ]; }

# rules FILE: name, "for" in s, severity, section of each alert
rules() {
    awk '/^ *- alert:/ { name = $3; wait = 0 } /^ *for:/ { wait = $2; sub(/s$/, "", wait) }
        /^ *labels:/ { severity = $0; sub(/.*severity: /, "", severity); sub(/,.*/, "", severity) }
        /^ *runbook_url:/ { print name "\t" wait "\t" severity "\t" $2 }' "$1"
}

# --- failures by an exporter ---------------------------------------------------------------------------------------------

# Series as they are now: of every alert that has begun to fail, in the order of the table. began, healed: ms by name; a counter stays where it grew to.
declare -A began=() healed=()
write_changes() {
    local name series value from to
    local -A is=()
    while read -r name series value; do
        case $name in '#'* | '') continue ;; esac
        from=${began[$name]:-0}
        to=${healed[$name]:-0}
        case $value in
        +*)
            [ "$from" -gt 0 ] || from=1 to=1
            is[$series]=$value@$from-$to
            ;;
        *)
            [ "$name" = '*' ] || { [ "$from" -gt 0 ] && [ "$to" -eq 0 ]; } || continue
            case $value in -*) value=$((EPOCHSECONDS + value)) ;; esac
            is[$series]=$value
            ;;
        esac
    done <"$HERE/failures.txt"
    for series in "${!is[@]}"; do printf '%s %s\n' "$series" "${is[$series]}"; done >changes.new
    mv changes.new changes.txt
}

# These wait until the ones that they would inhibit have come and gone.
may_begin() {
    case $1 in
    BreakoutDailyLossLimit) [ -n "${resolved[BreakoutDailyLossWarning]:-}" ] ;;
    BreakoutKillSwitch) [ -n "${resolved[BreakoutDrawdown]:-}" ] ;;
    esac
}

# scripted_failures INSTANCE SECONDS RESULT: lets every alert of the table fail, heals it when it has arrived, and waits until it is resolved. A line for
# each: name, ms of the failure, of its arrival, of the healing, of the arrival of its end; "-" for what did not come.
scripted_failures() {
    local instance=$1 deadline=$((SECONDS + $2)) name at status where left wait_us is_changed=0
    local -A fired=() resolved=()
    local -a waiting names
    mapfile -t names < <(awk '!/^[#*]/ && NF && !seen[$1]++ { print $1 }' "$HERE/failures.txt")
    waiting=("${names[@]}")
    exec 7< <(exec tail --pid=$$ -n +1 -f arrivals.tsv)
    while [ "$SECONDS" -lt "$deadline" ] && [ "${#resolved[@]}" -lt "${#names[@]}" ]; do
        for at in "${!waiting[@]}"; do
            name=${waiting[at]}
            may_begin "$name" || continue
            unset "waiting[at]"
            began[$name]=$((${EPOCHREALTIME/[.,]/} / 1000))
            is_changed=1
            break
        done
        # Not in step with the readings of Prometheus; what arrives meanwhile is worked off at once.
        wait_us=$((${EPOCHREALTIME/[.,]/} + (RANDOM % 4 + 1) * 100000))
        while :; do
            [ "$is_changed" -eq 0 ] || write_changes
            is_changed=0
            left=$((wait_us - ${EPOCHREALTIME/[.,]/}))
            [ "$left" -gt 0 ] || break
            IFS=$'\t' read -r -t "0.$(printf '%06d' "$left")" -u 7 at status name where _ || continue
            [ "$where" = "$instance" ] || continue
            if [ "$status" = firing ] && [ -z "${fired[$name]:-}" ] && [ -n "${began[$name]:-}" ]; then
                fired[$name]=$at
                healed[$name]=$((${EPOCHREALTIME/[.,]/} / 1000))
                is_changed=1
            elif [ "$status" = resolved ] && [ -z "${resolved[$name]:-}" ] && [ "$at" -ge "${healed[$name]:-9999999999999}" ]; then
                resolved[$name]=$at
            fi
        done
    done
    exec 7<&-
    for name in "${names[@]}"; do
        printf '%s\t%s\t%s\t%s\t%s\n' "$name" "${began[$name]:--}" "${fired[$name]:--}" "${healed[$name]:--}" "${resolved[$name]:--}"
    done >"$3"
}

# median and worst of the numbers on standard input
median_and_worst() { sort -n | awk '{ a[NR] = $1 } END { if (NR > 0) printf "median %d ms, worst %d ms of %d", a[int((NR + 1) / 2)], a[NR], NR }'; }
