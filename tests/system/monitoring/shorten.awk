# The rules with shorter times, for a test of the whole chain that lasts a minute: a "for" is a 60th, at least 1 s and at most 8 s; a range is a 60th, at
# least 5 s and at most range_max (s). Nothing else is changed; the rules as they are are proven by breakout_bot_rules_test.yml.
function seconds(text) {
    return substr(text, 1, length(text) - 1) * (text ~ /s$/ ? 1 : text ~ /m$/ ? 60 : text ~ /h$/ ? 3600 : 86400)
}
function shortened(text, least, most,    s) {
    s = seconds(text) / 60
    return int(s < least ? least : s > most ? most : s) "s"
}
/^ *for: / {
    sub(/for: .*/, "for: " shortened($2, 1, 8))
}
{
    out = ""
    while (match($0, /\[[0-9]+[smhd]\]/)) {
        out = out substr($0, 1, RSTART) shortened(substr($0, RSTART + 1, RLENGTH - 2), 5, range_max) "]"
        $0 = substr($0, RSTART + RLENGTH)
    }
    print out $0
}
