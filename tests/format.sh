#!/bin/sh
# Every C file is as clang-format would write it. Skipped (77) without clang-format.
#
#     tests/format.sh SOURCE_DIRECTORY
cd "$1" || exit 1
command -v clang-format > /dev/null || { echo "skipped: no clang-format"; exit 77; }
for folder in shared relay client gpu tests ops; do
    [ -d $folder ] && find $folder -name node_modules -prune -o -type f -name '*.[ch]' -print
done | xargs clang-format --dry-run -Werror
