# shellcheck shell=bash disable=SC2034,SC2154 # variables of update.sh
# The steps of update.sh that processes and containers share. Sourced by update.sh after ops.sh.
#
# The way of the installation (update_process.sh, update_container.sh) gives: api_url, data_dir, ctl WORDS, check_installation, make_backup, build_next,
# try WORDS (of the new program), put_back, replay_copy old|next ACCOUNT, hand_over, go_back (0 the version before serves, what_serves says which), complete,
# server_rss_kb, version_of old|next.

gap_ms=0
rollback_ms=0
version_before=
version_after=
tree_before=
declare -A measured=()

check_disk() {
    local free_mb
    free_mb=$(df -Pm "$ROOT" | awk 'NR == 2 { print $4 }')
    [ "$free_mb" -ge 1024 ] || end 2 "only $free_mb MB are free in $ROOT, 1024 are needed: delete old backups"
    [ -f "$ROOT/.env" ] || end 4 'there is no .env'
}

confirm_live() {
    local open
    [ "$(setting TRADING_MODE paper)" = live ] && [ "$is_forced" -eq 0 ] || return 0
    open=$(ctl positions --json | grep -c '"position_id"' || true)
    [ "$open" -gt 0 ] || return 0
    if [ -t 0 ]; then
        printf '%s positions are open on a live account. Their stops rest at the venue. Update now? (yes/no) ' "$open"
        read -r answer
        [ "$answer" = yes ] && return 0
    fi
    end 4 "$open positions are open on a live account: --force-live updates all the same"
}

# Before anything is done: can a version be fetched into this folder at all?
check_tree() {
    local changed
    [ "$pulls" -eq 1 ] && [ -z "$candidate" ] || return 0
    git -C "$ROOT" rev-parse --git-dir >/dev/null 2>&1 || end 1 'this folder is no clone of the repository, nothing can be fetched: --no-pull takes what lies here'
    changed=$(git -C "$ROOT" status --porcelain --untracked-files=no | sed 's/^...//')
    [ -z "$changed" ] || end 1 "files of the repository were changed here ($(head -n 3 <<<"$changed" | paste -sd' ')): commit or undo them, or --no-pull"
}

fetch_version() {
    if [ "$pulls" -eq 0 ] || [ -n "$candidate" ]; then
        done_with 'as it lies here (--no-pull)'
        return 0
    fi
    tree_before=$(git -C "$ROOT" symbolic-ref --quiet --short HEAD || git -C "$ROOT" rev-parse HEAD)
    commit_before=$(git -C "$ROOT" rev-parse HEAD)
    trap 'leave_tree $?' EXIT
    if [ -n "$version" ]; then
        git -C "$ROOT" fetch --quiet --tags 2>>"$LOGS/update.log" || note 'the remote repository does not answer'
        git -C "$ROOT" checkout --quiet "$version" -- 2>>"$LOGS/update.log" || end 1 "there is no version $version (logs/update.log)"
    else
        [ "$tree_before" != "$commit_before" ] || end 1 'no branch is checked out here, so there is no newest version: name one with --version'
        git -C "$ROOT" pull --quiet --ff-only 2>>"$LOGS/update.log" || end 1 'the newest version cannot be fetched (logs/update.log)'
    fi
    done_with "$(git -C "$ROOT" describe --always --tags)"
}

# A version that was not taken does not stay in the folder either: the next start would build it.
# shellcheck disable=SC2317 # called by the trap
leave_tree() {
    if [ "$1" -ne 0 ] || [ "$is_dry" -eq 1 ]; then
        { git -C "$ROOT" checkout --quiet "$tree_before" -- && git -C "$ROOT" reset --quiet --keep "$commit_before"; } 2>>"$LOGS/update.log" ||
            warn "[!] the files of the new version are still here: git checkout $tree_before"
    fi
    [ "$is_json" -eq 0 ] || print_result "$1"
}

# ---- the trial ----

# refuse MESSAGE: nothing was changed yet, the old version runs on.
refuse() {
    put_back
    write_report 1 "$1"
    end 1 "$1; the old version runs on"
}

try_on_copy() {
    local words said code
    for words in doctor 'db migrate --copy'; do
        code=0
        # shellcheck disable=SC2086 # two words
        said=$(try $words 2>&1) || code=$?
        printf '%s\n' "$said" >>"$LOGS/update.log"
        rm -f "$data_dir"/*.migrated*
        [ "$code" -eq 0 ] || refuse "the new version fails at 'breakout $words': $({ grep -E '^(failed|error)' <<<"$said" || tail -n 1 <<<"$said"; } | head -n 1 | tr -s ' ')"
    done
    done_with 'settings and a copy of the database are accepted'
    compare_decisions
}

# The journal once more through the new version: with the same events it has to decide the same.
compare_decisions() {
    local files account said said_before
    files=("$data_dir"/journal/*.bbj*)
    [ -e "${files[0]}" ] || { done_with 'no decisions yet'; return 0; }
    trial=$data_dir/trial
    account=$(basename "${files[0]}" | sed -E 's/-[0-9a-f]{16}\.bbj.*//')
    rm -rf "$trial"
    # In their order and without what is begun meanwhile: the last one may end anywhere.
    if ! mkdir -p "$trial/journal" || ! cp -p "${files[@]}" "$trial/journal"; then
        rm -rf "$trial"
        refuse 'the journal cannot be copied'
    fi
    chmod 755 "$trial" "$trial/journal"
    said=$(replay_copy next "$account" 2>&1 | sed '/^warning: /d; s/  seconds .*//') || true
    said_before=$said
    [ "$(tail -n 1 <<<"$said")" = same ] || said_before=$(replay_copy old "$account" 2>&1 | sed '/^warning: /d; s/  seconds .*//') || true
    rm -rf "$trial"
    said=${said:-no answer within $timeout_s s}
    said_before=${said_before:-no answer within $timeout_s s}
    printf '%s\n' "$said" >>"$LOGS/update.log"
    if [ "$(tail -n 1 <<<"$said")" = same ]; then
        done_with "decisions as before: $(head -n 1 <<<"$said")"
    elif [ "$said" = "$said_before" ]; then
        # Not the new version's doing: a journal that begins in the middle, or one that an earlier strategy wrote.
        note "decisions cannot be compared: $(head -n 1 <<<"$said")"
    elif [ "$is_new_strategy" -eq 1 ]; then
        note "decisions differ, as expected (--new-decisions): $(head -n 1 <<<"$said")"
    else
        refuse "the new version decides otherwise: $(head -n 3 <<<"$said" | paste -sd' ' | cut -c1-400)"
    fi
}

# ---- what is compared before and after ----

# Milliseconds within which 95 of 100 reads are answered.
read_p95_ms() {
    local i
    for i in $(seq 40); do
        curl --silent --output /dev/null --max-time 5 --write-out '%{time_total}\n' "$api_url/api/health" || echo 5
    done | sort -n | awk '{ all[NR] = $1 } END { printf "%d", all[int(NR * 0.95)] * 1000 }'
}

metric_sum() { # of a counter's lines
    curl --silent --max-time 5 "$api_url/api/metrics" 2>/dev/null | awk -v name="$1" 'index($1, name) == 1 { sum += $2 } END { printf "%d", sum }' || echo 0
}

# Names of the components that are not as they should be, and the state of the engine.
bad_components() { ctl health --json 2>/dev/null | tr -d '\n' | grep -oE '"name": ?"[a-z_]+", ?"status": ?"(degraded|failed)"' | sed -E 's/.*"name": ?"([a-z_]+)".*/\1/' | sort | paste -sd' ' || true; }

bare_positions() { ctl positions --json 2>/dev/null | tr -d ' \n' | grep -o '"protected":false' | wc -l || true; }

open_positions() { ctl positions --json 2>/dev/null | tr -d ' \n' | grep -oE '"position_id":"[^"]*"' | cut -d'"' -f4 | sort | paste -sd' ' || true; }

# measure WHEN: before or after.
measure() {
    measured[${1}_bad]=$(bad_components)
    measured[${1}_positions]=$(open_positions)
    measured[${1}_read_ms]=$(read_p95_ms)
    measured[${1}_rss_kb]=$(server_rss_kb)
    measured[${1}_errors]=$(metric_sum breakout_errors_total)
    measured[${1}_at]=$(date +%s)
}
describe() {
    printf 'reads p95 %s ms, memory %s MiB, errors %s, not well: %s, open positions: %s' "${measured[${1}_read_ms]}" "$((measured[${1}_rss_kb] / 1024))" \
        "${measured[${1}_errors]}" "${measured[${1}_bad]:-none}" "$(wc -w <<<"${measured[${1}_positions]}")"
}

# Says why the new version is worse than the old one; nothing when it is not.
worse_than_before() {
    local name position closed
    for name in ${measured[after_bad]}; do
        grep -qw "$name" <<<"${measured[before_bad]}" && continue
        echo "$name is not healthy"
        return
    done
    [ "${measured[after_read_ms]}" -le $((2 * measured[before_read_ms] + 50)) ] || {
        echo "reads take ${measured[after_read_ms]} ms instead of ${measured[before_read_ms]}"
        return
    }
    # A process that has just started holds more of its history in memory than one at rest: 32 MiB are no finding.
    [ "${measured[after_rss_kb]}" -le $((measured[before_rss_kb] * 3 / 2 + 32768)) ] || {
        echo "memory is $((measured[after_rss_kb] / 1024)) MiB instead of $((measured[before_rss_kb] / 1024))"
        return
    }
    # The counter begins at 0 with the new process: 0.1 a second, and what the start itself may cost.
    [ "${measured[after_errors]}" -le $((verify_s / 10 + 3)) ] || {
        echo "${measured[after_errors]} errors in $verify_s s"
        return
    }
    # An entry that was filled a moment ago has its stop on the way.
    [ "$(bare_positions)" -eq 0 ] || { sleep 2; [ "$(bare_positions)" -eq 0 ]; } || {
        echo 'a position has no stop'
        return
    }
    for position in ${measured[before_positions]}; do
        grep -qw -- "$position" <<<"${measured[after_positions]}" && continue
        closed=$(ctl position "$position" --json 2>/dev/null | tr -d ' \n' | grep -oE '"state":"[a-z_]+"' | head -n 1 || true)
        [ "$closed" = '"state":"closed"' ] && continue
        echo "position $position is neither open nor closed"
        return
    done
}

# Watches all the time and compares at the end: what is broken is found at once, what is slow needs its time.
verify() {
    local end_at=$((SECONDS + verify_s)) misses=0 reason
    while [ "$SECONDS" -lt "$end_at" ]; do
        if new_is_gone; then roll_back 'the new version has ended'; fi
        # 503 tells of a component that is not well; whether it was before is compared below.
        case $(http_code "$api_url/api/health" 5) in
        200 | 503) misses=0 ;;
        *) misses=$((misses + 1)) ;;
        esac
        [ "$misses" -lt 3 ] || roll_back 'the new version does not answer'
        for name in $(bad_components); do
            grep -qw "$name" <<<"${measured[before_bad]}" || bad_seen=$((${bad_seen:-0} + 1))
        done
        [ "${bad_seen:-0}" -lt 5 ] || roll_back "the new version is not healthy: $(bad_components)"
        sleep 1
    done
    measure after
    reason=$(worse_than_before)
    [ -z "$reason" ] || roll_back "the new version is worse: $reason"
    done_with "$(describe after)"
}

# ---- the way back ----

roll_back() {
    local reason=$1 began
    began=$(date +%s%3N)
    note "$reason: going back to the version before"
    if go_back; then
        rollback_ms=$(($(date +%s%3N) - began))
        write_report 6 "$reason; rolled back"
        end 6 "$reason; $what_serves serves again, $((rollback_ms / 1000)).$((rollback_ms % 1000 / 100)) s later"
    fi
    write_report 7 "$reason; the way back failed"
    end 7 "$reason, and the way back failed: ./status.sh, logs/update.log, scripts/restore.sh; positions are in the journal, their stops at the venue"
}

# ---- the report ----

write_report() {
    local file=$ROOT/reports/update_$started.json name
    {
        printf '{"started":"%s","ended":"%s","code":%d,"step":%s,"message":%s,"gap_ms":%d,"rollback_ms":%d,"from":%s,"to":%s' "$started" \
            "$(date -u +%Y%m%dT%H%M%SZ)" "$1" "$(json_text "$step_now")" "$(json_text "$2")" "$gap_ms" "$rollback_ms" \
            "$(json_text "$version_before")" "$(json_text "$version_after")"
        for name in "${!measured[@]}"; do printf ',"%s":%s' "$name" "$(json_text "${measured[$name]}")"; done
        printf ',"log":%s}\n' "$(json_text "$(tail -n 20 "$LOGS/update.log" 2>/dev/null)")"
    } >"$file"
    result_extra=",\"report\":$(json_text "${file#"$ROOT"/}"),\"gap_ms\":$gap_ms,\"rollback_ms\":$rollback_ms"
}
