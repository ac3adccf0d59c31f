#!/usr/bin/env bash
# A third-party library is included by exactly one .c of src, so that it is replaced in one file. A header of ours includes none.
#
#   header_once.sh [TREE]
set -euo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"

# Everything in angle brackets that is not C, POSIX or Linux belongs to a library; <openssl/evp.h> and <openssl/hmac.h> to the same.
grep -rnE --include='*.[ch]' --include='*.def' '^[[:space:]]*#[[:space:]]*include[[:space:]]*<' src | awk '
BEGIN {
    split("assert ctype errno fenv float inttypes limits locale math setjmp signal stdalign stdarg stdatomic stdbool stddef stdint " \
          "stdio stdlib string strings tgmath threads time uchar wchar dirent dlfcn execinfo fcntl fnmatch ftw getopt argp glob grp " \
          "langinfo libgen malloc netdb poll pthread pwd regex sched semaphore spawn syslog termios unistd", names, " ")
    for (i in names) standard[names[i] ".h"] = 1
}
{
    split($0, place, ":")
    header = $0
    sub(/^[^<]*</, "", header)
    sub(/>.*/, "", header)
    if (header in standard || header ~ /^(sys|linux|net|netinet|arpa|asm|bits)\//) next
    library = header
    sub(/\/.*/, "", library)
    if (place[1] !~ /\.c$/) {
        printf "%s:%s: <%s> in a header of ours\n", place[1], place[2], header
        bad = 1
    }
    if (index(users[library] " ", " " place[1] " ") == 0) {
        users[library] = users[library] " " place[1]
        count[library]++
    }
}
END {
    for (library in count)
        if (count[library] > 1) {
            printf "<%s> is included by %d files:%s\n", library, count[library], users[library]
            bad = 1
        }
    exit bad
}'
