# Reads a journal as `breakout replay --print` writes it and says from the venue's own words (acknowledgements, changes, fills, lists of orders and
# positions) whether every open position had reduce-only stops of its whole size resting at the venue at every instant. At the instant of a fill the
# stop may still be on its way; it must rest before time moves on, before the market of that symbol moves, and before another process goes on.
#
#   breakout replay --print paper | awk -f protection.awk [-v from=SEQ]
#
# from: only what happens after that record is judged. Prints one line of counts; a line before it for every lapse. Exit code 1 when there was one, or
# when no position was open at all.
function magnitude(value) { return value < 0 ? -value : value }

function covered(symbol,    id, sum) {
    for (id in rests) if (rests[id] && of_symbol[id] == symbol && (side[id] == "sell") == (position[symbol] > 0)) sum += left[id]
    return sum
}

function lapse(symbol, why) {
    if ($1 + 0 <= from + 0) return
    lapses++
    printf "record %s, %s: symbol %s, position %s, stops for %s: %s\n", $1, $2, symbol, position[symbol], covered(symbol) + 0, why
}

# After a change of a symbol's position or orders.
function look(symbol) {
    is_bare = magnitude(position[symbol]) > 1e-7 && covered(symbol) < magnitude(position[symbol]) - 1e-7
    if (is_bare && !(symbol in bare)) bare[symbol] = $2
    if (!is_bare && symbol in bare) {
        if (bare[symbol] != $2) lapse(symbol, "without a full stop since " bare[symbol])
        delete bare[symbol]
    }
}

function look_at_bare(why, only,    symbol) {
    for (symbol in bare) if (only == "" || symbol == only) lapse(symbol, why)
}

# The venue's list of orders: all of our resting stops, with what is left of them, and no other.
function compare_orders(    rows, i, part, seen, id) {
    lists++
    rows = split(substr($0, index($0, "|orders") + 7), part_of, "[")
    for (i = 2; i <= rows; i++) {
        split(part_of[i], part, "|")
        seen[part[2]] = part[6] - part[7]
    }
    for (id in rests) {
        if (!rests[id] || magnitude(seen[id] - left[id]) < 1e-7) continue
        lapse(of_symbol[id], "the venue lists " seen[id] + 0 " of stop " id ", not " left[id])
    }
    for (id in seen) if (is_stop[id] && !rests[id]) lapse(of_symbol[id], "the venue lists stop " id ", which has ended")
}

function compare_positions(    rows, i, part, listed, symbol) {
    lists++
    rows = split(substr($0, index($0, "|positions") + 10), part_of, "[")
    for (i = 2; i <= rows; i++) {
        split(part_of[i], part, "|")
        listed[part[2]] = part[3] == "long" ? part[4] : -part[4]
    }
    for (symbol in position)
        if (magnitude(position[symbol] - listed[symbol]) > 1e-7) lapse(symbol, "the venue lists a position of " listed[symbol] + 0)
}

BEGIN { FS = " " }
{ split($4, word, "|") }
$3 == "intent" && word[1] == "place_order" {
    split(substr($0, index($0, "[") + 1), order, "|")
    id = order[1]
    of_symbol[id] = word[2]
    side[id] = order[6]
    left[id] = order[9]
    is_stop[id] = order[7] == "stop_market" && order[14] == "true"
    next
}
$3 == "mark" && word[1] == "engine" { look_at_bare("at the start of a process"); starts++; next }
$3 != "event" { next }
word[1] == "candle" || word[1] == "public_trades" || word[1] == "book" { look_at_bare("while the market went on", word[2]) }
word[1] == "tick" { if (now != "" && $2 != now) look_at_bare("when time went on"); now = $2 }
word[1] == "order_ack" && is_stop[word[2]] { rests[word[2]] = 1; stops++; look(of_symbol[word[2]]) }
word[1] == "order_update" && rests[word[2]] {
    if (word[3] == "amended") left[word[2]] = word[4] - word[7]
    if (word[3] == "cancelled" || word[3] == "rejected") rests[word[2]] = 0
    look(of_symbol[word[2]])
}
# The venue answers a question about fills with the old ones once more.
word[1] == "fill" && !(word[3] in known) {
    known[word[3]] = 1
    if (magnitude(position[word[2]]) < 1e-7) positions += $1 + 0 > from + 0
    position[word[2]] += word[5] == "buy" ? word[6] : -word[6]
    if (rests[word[4]]) {
        left[word[4]] -= word[6]
        if (left[word[4]] < 1e-7) rests[word[4]] = 0
    }
    look(word[2])
}
word[1] == "liquidation" || word[1] == "adl" {
    position[word[2]] -= position[word[2]] > 0 ? word[3] : -word[3]
    look(word[2])
}
word[1] == "query_result" && word[2] == "orders" { compare_orders() }
word[1] == "venue_positions" && word[2] == "true" { compare_positions() }
# What was open when the part to be judged begins, and what is open at its end.
$1 + 0 <= from + 0 { held = 0; for (symbol in position) held += magnitude(position[symbol]) > 1e-7 }
END {
    look_at_bare("at the end of the journal")
    for (symbol in position) still += magnitude(position[symbol]) > 1e-7
    printf "positions %d, open at the end %d, stops %d, lists compared %d, starts %d, lapses %d\n", positions + held, still, stops, lists, starts, lapses
    exit !(lapses == 0 && positions + held > 0)
}
