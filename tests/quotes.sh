#!/bin/sh
# What the code quotes from a NIP stands there word for word. A quotation is a comment of the form
#
#     /* NIP-01: "The relay MUST ..." */
#
# on one line or several. The NIPs are looked for in NIPS (a folder of 01.md, 42.md, ...), by default
# ../nips beside the source; without them the test is skipped (77).
#
#     [NIPS=folder] tests/quotes.sh SOURCE_DIRECTORY
cd "$1" || exit 1
NIPS=${NIPS:-../nips}
[ -f "$NIPS/01.md" ] || { echo "skipped: no NIPs in $NIPS"; exit 77; }

# One line per quotation: file, NIP and words, with tabs between.
quotations()
{
    find shared relay client gpu tests -name '*.[ch]' -exec awk '
        FNR == 1 { open = 0 }
        {
            line = $0
            if (!open && match(line, /NIP-[0-9A-F][0-9A-F]: "/)) {
                nip = substr(line, RSTART + 4, 2)
                words = substr(line, RSTART + RLENGTH)
                open = 1
            } else if (open) {
                sub(/^[ \t]*\*[ \t]*/, "", line)
                words = words " " line
            }
            if (open && match(words, /"[^"]*\*\//)) {
                print FILENAME "\t" nip "\t" substr(words, 1, RSTART - 1)
                open = 0
            }
        }' {} +
}

normal() { tr -s '[:space:]' ' '; }

tab=$(printf '\t')
quotations 2> /dev/null | {
    bad=0
    while IFS=$tab read -r file nip words; do
        words=$(printf '%s' "$words" | normal)
        if ! normal < "$NIPS/$nip.md" | grep -qF -- "$words"; then
            echo "$file: not in NIP-$nip: $words"
            bad=1
        fi
    done
    exit $bad
}
