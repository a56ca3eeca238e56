#!/bin/sh
# No shell script has what shellcheck warns of. Skipped (77) without it. Lists of packages, files and
# labels are split into words on purpose, so the checks for that are off.
#
#     tests/shell.sh SOURCE_DIRECTORY
cd "$1" || exit 1
command -v shellcheck > /dev/null || { echo "skipped: no shellcheck"; exit 77; }
find .ci ops tests -name node_modules -prune -o -type f -print 2> /dev/null | while read -r script; do
    head -n 1 "$script" | grep -qaE '^#!/bin/(ba)?sh|shellcheck shell' && echo "$script"
done | xargs shellcheck -x --exclude=SC2086,SC2046,SC2206,SC2013,SC1091,SC2016,SC3013
