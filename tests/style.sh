#!/bin/sh
# What clang-format and the compiler let pass, and the house style does not. Prints the offenders
# and fails.
#
#     tests/style.sh SOURCE_DIRECTORY
cd "$1" || exit 1
SOURCE_LINES_MAX=450
HEADER_LINES_MAX=120

files() # ending...
{
    for ending; do
        for folder in shared relay client gpu tests ops sql; do
            [ -d $folder ] && find $folder -name node_modules -prune -o -type f -name "*$ending" -print
        done
    done | sort
}

forbid() # reason, pattern, file...
{
    reason=$1
    pattern=$2
    shift 2
    [ $# -gt 0 ] && grep -nE "$pattern" /dev/null "$@" | sed "s|\$|   <- $reason|"
}

longer_than() # lines, file...
{
    max=$1
    shift
    for file; do
        count=$(wc -l < "$file")
        [ "$count" -gt "$max" ] && echo "$file has $count lines   <- at most $max: two nouns?"
    done
}

{
    code=$(files .c .h .cu .cuh)
    forbid 'structs, enums and unions are named as such' 'typedef (struct|enum|union)' $code
    forbid 'unbounded, racy or silent about errors' \
        '(^|[^A-Za-z0-9_])(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|strtok|atoi|atol|atoll|gets|alloca)[[:space:]]*\(' $code
    forbid 'early return instead' '(^|[^A-Za-z0-9_"])goto [a-z_]+;' $code
    forbid 'an issue, or do it' '(^|[^A-Za-z])(TO[D]O|FIX[M]E|XX[X]|HAC[K])($|[^A-Za-z])' $code $(files .sh .sql .cmake)
    forbid 'blank at the end of the line' '[[:blank:]]$' \
        $code $(files .sh .sql .cmake CMakeLists.txt .service .mjs .html)
    [ -d relay ] && forbid 'jansson stays in shared and client' 'json_t|jansson' $(find relay -name '*.[ch]')
    LC_ALL=C.UTF-8 forbid 'over 100 columns' '^.{101,}' $code
    longer_than $SOURCE_LINES_MAX $(files .c .cu)
    longer_than $HEADER_LINES_MAX $(files .h | grep -vx client/shoal.h) # all of a library
    for header in $(files .h); do
        grep -q '^#pragma once$' "$header" || echo "$header   <- no #pragma once"
        case $(head -n 1 "$header") in
            "/* ${header##*/} - "*) ;;
            *) echo "$header   <- its first line is not /* ${header##*/} - what it is for" ;;
        esac
    done
} | grep . && exit 1
exit 0
