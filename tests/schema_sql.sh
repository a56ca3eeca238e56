#!/bin/sh
# FILE (sql/schema.sql, sql/node/schema.sql) is what the migrations make: compares it with pg_dump of a migrated schema.
#
#     tests/schema_sql.sh MIGRATE_PROGRAM FILE SCHEMA [--write]
#
# MIGRATE_PROGRAM NAME migrates schema NAME in the database of $TEST_DB.
set -eu
program=$1
file=$2 schema=$3
binaries=$(pg_config --bindir)
made=$(mktemp)
trap 'rm -f "$made"' EXIT
"$program" "$schema"
{
    echo "-- What the migrations make, for reading. Checked by tests/schema_sql.sh; not run by anything."
    "$binaries/pg_dump" --schema-only --no-owner --no-privileges --schema="$schema" "$TEST_DB" |
        grep -vE '^(--|SET |SELECT pg_catalog|\\(un)?restrict )' | sed "s/$schema\\.//g" | cat -s
} >"$made"
if [ "${4-}" = --write ]; then
    cp "$made" "$file"
fi
diff -u "$file" "$made"
