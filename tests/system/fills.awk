# Reads a journal as `breakout replay --print` writes it, of a server that ended in good order, and says whether each fill that the venue told was
# taken exactly once: one record for each of its ids, with its order, quantity and price, and no record without one.
#
#   breakout replay --print paper | awk -f fills.awk
#
# Prints one line of counts; a line before it for every difference. Exit code 1 when there was one, or when there was no fill at all.
BEGIN { FS = " " }
{ split($4, word, "|") }
# A question about fills is answered with the old ones once more, under their ids.
$3 == "event" && word[1] == "fill" { told[word[3]] = word[4] "|" word[6] "|" word[7] }
$3 == "record" && word[1] == "fill" {
    split(substr($0, index($0, "fill|")), word, "|")
    taken[word[3]]++
    as[word[3]] = word[4] "|" word[8] "|" word[9]
}
END {
    for (id in told) {
        fills++
        if (taken[id] != 1) { differences++; printf "fill %s was taken %d times\n", id, taken[id] }
        else if (as[id] != told[id]) { differences++; printf "fill %s: the venue told %s, the record says %s\n", id, told[id], as[id] }
    }
    for (id in taken) if (!(id in told)) { differences++; printf "fill %s was never told\n", id }
    printf "fills %d, differences %d\n", fills, differences
    exit !(differences == 0 && fills > 0)
}
