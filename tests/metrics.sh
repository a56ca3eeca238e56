#!/bin/bash
# Alerts and dashboard ask for nothing that a relay does not have: metrics.sh SOURCE RELAY
# With promtool, where it is installed, also that every expression in them is one.
set -eu
cd "$1/ops/metrics"
export SHOAL_RELAY_DATABASE=${TEST_DB:?a connection string} SHOAL_RELAY_SCHEMA=metrics_sh_$$ SHOAL_RELAY_LISTEN_PORT=0
folder=$(mktemp -d)
relay_pid=
finish()
{
    [ -z "$relay_pid" ] || { kill "$relay_pid" && wait "$relay_pid"; }
    psql -qX "$TEST_DB" -c "SET client_min_messages TO error" -c "DROP SCHEMA IF EXISTS $SHOAL_RELAY_SCHEMA CASCADE"
    rm -rf "$folder"
}
trap finish EXIT

mkfifo "$folder/ready"
"$2" > "$folder/ready" 2> "$folder/log" &
relay_pid=$!
exec 3< "$folder/ready"
read -r -u 3 line || { cat "$folder/log"; exit 1; }
port=$(sed -nE 's/^ready port=([0-9]+).*/\1/p' <<< "$line")
exec 4<> "/dev/tcp/127.0.0.1/$port"
printf 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&4
cat <&4 > "$folder/page"

# Names as they are, the labels they are chosen by, and every code by name.
words() { grep -ohE 'shoal_relay_[a-z_]+|code="[a-z-]+"' "$@" | sort -u; }
words "$folder/page" > "$folder/has"
words shoal.rules.yml dashboard.json > "$folder/asked"
[ "$(wc -l < "$folder/asked")" -ge 20 ] || { echo "too few names"; cat "$folder/asked"; exit 1; }
missing=$(comm -13 "$folder/has" "$folder/asked")
[ -z "$missing" ] || { printf 'not in /metrics:\n%s\n' "$missing"; exit 1; }

# PostgreSQL reads the dashboard, and finds the expressions in it.
psql -qAtX -v ON_ERROR_STOP=1 -v text="$(cat dashboard.json)" "$TEST_DB" > "$folder/expressions" << 'END'
SELECT jsonb_path_query(:'text'::jsonb, '$.panels[*].targets[*].expr');
END
[ "$(wc -l < "$folder/expressions")" -ge 15 ] || { echo "too few expressions in the dashboard"; exit 1; }
command -v promtool > /dev/null || { echo "no promtool: expressions are not parsed"; exit 0; }
{
    printf 'groups:\n  - name: dashboard\n    rules:\n'
    awk '{ printf "      - record: expression_%d\n        expr: %s\n", NR, $0 }' "$folder/expressions"
} > "$folder/dashboard.yml"
promtool check rules shoal.rules.yml "$folder/dashboard.yml"
