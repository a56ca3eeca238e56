#!/bin/bash
# A database that an older relay has left: migrated, it is what a new one would be, and nothing that
# was stored is lost. For each number of steps that a relay may have known:
#
#     tests/migration.sh MIGRATE_PROGRAM SHOAL_RELAY
#
# MIGRATE_PROGRAM: tests/migrate.c. The database is that of $TEST_DB.
set -euo pipefail
migrate=$1
relay=$2
folder=$(mktemp -d)
trap 'drop; rm -rf "$folder"' EXIT
export PGOPTIONS='-c client_min_messages=error'
query() { psql -qAtX -v ON_ERROR_STOP=1 "$TEST_DB" "$@"; }
drop() { query -c 'DROP SCHEMA IF EXISTS migration_new, migration_old CASCADE'; }

event() # created_at kind tags content
{
    local author=79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798
    local id
    id=$(printf '[0,"%s",%s,%s,%s,"%s"]' "$author" "$@" | sha256sum | cut -c1-64)
    printf '{"id":"%s","pubkey":"%s","created_at":%s,"kind":%s,"tags":%s,"content":"%s","sig":"%s"}\n' \
        "$id" "$author" "$@" "$id$id"
}

events()
{
    for i in $(seq 20); do event $((1700000000 + i)) 1 "[[\"t\",\"topic $((i % 3))\"]]" "note $i"; done
    event 1700000030 0 '[]' profile
    event 1700000031 30023 '[["d","article"]]' article
    event 1700000032 1 '[["expiration","4000000000"]]' expires
    event 1700000033 5 '[["e","0000000000000000000000000000000000000000000000000000000000000001"]]' ''
}

export_of() { "$relay" export --config=/dev/null --database="$TEST_DB" --schema="$1"; }
shape_of()
{
    pg_dump --schema-only --no-owner --no-privileges --schema="$1" "$TEST_DB" |
        grep -vE '^(--|\\(un)?restrict )' | sed "s/$1/shoal/g"
}

# As a relay that knew only the first steps would have left it.
make_old() # steps
{
    query -c 'CREATE SCHEMA migration_old; CREATE TABLE migration_old.migration
        (number int4 PRIMARY KEY, name text NOT NULL, at timestamptz NOT NULL DEFAULT now())'
    for step in $(seq "$1"); do
        PGOPTIONS="$PGOPTIONS -c search_path=migration_old" "$migrate" - "$step"
    done
    query -c "INSERT INTO migration_old.migration
        SELECT * FROM migration_new.migration WHERE number <= $1"
    query <<'SQL'
SELECT format('TRUNCATE migration_old.%1$I; INSERT INTO migration_old.%1$I (%2$s) SELECT %2$s FROM migration_new.%1$I',
              old.table_name, string_agg(quote_ident(old.column_name), ', '))
FROM information_schema.columns old JOIN information_schema.columns new USING (table_name, column_name)
WHERE old.table_schema = 'migration_old' AND new.table_schema = 'migration_new'
    AND old.table_name <> 'migration' AND new.is_generated = 'NEVER'
GROUP BY old.table_name
\gexec
SQL
}

drop
"$migrate" migration_new
events > "$folder/events"
"$relay" import --config=/dev/null --database="$TEST_DB" --schema=migration_new --no-verify < "$folder/events"
export_of migration_new > "$folder/stored"
diff <(sort "$folder/events") <(sort "$folder/stored")
shape_of migration_new > "$folder/shape"
steps=$(query -c 'SELECT max(number) FROM migration_new.migration')
for ((known = 1; known <= steps; known++)); do
    make_old "$known"
    "$migrate" migration_old
    diff "$folder/shape" <(shape_of migration_old)
    diff "$folder/stored" <(export_of migration_old)
    query -c 'DROP SCHEMA migration_old CASCADE'
done
echo "from each of $steps steps: the same tables, the same events"
