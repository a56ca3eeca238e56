#!/bin/sh
# A throw-away PostgreSQL: a unix socket, and ADDRESS for its neighbours; never as root, gone when stopped.
#
#     tests/postgres.sh start DIRECTORY [ADDRESS]
#     tests/postgres.sh stop|halt|resume|promote DIRECTORY
#     tests/postgres.sh standby DIRECTORY PRIMARY_DIRECTORY
#
# halt and resume are a crash and the recovery from it: the data stays. A standby follows its
# primary, which from then on acknowledges only what the standby has; promoted, it is a primary alone.
# Connect with: host=DIRECTORY user=postgres dbname=postgres. fsync is off: the tests kill
# processes, not the machine.
set -eu
directory=$2
case $directory in /*) ;; *) echo "$0: not an absolute path: $directory" >&2; exit 2 ;; esac
binaries=$(pg_config --bindir 2>/dev/null || true)
for folder in "$binaries" /usr/lib/postgresql/*/bin; do
    [ -x "$folder/initdb" ] && binaries=$folder
done

as_user()
{
    if [ "$(id -u)" = 0 ]; then
        su postgres -s /bin/sh -c "cd / && $1"
    else
        sh -c "$1"
    fi
}

stop()
{
    [ -f "$directory/data/postmaster.pid" ] || return 0
    as_user "'$binaries/pg_ctl' -D '$directory/data' -m immediate -s stop" || true
}

launch()
{
    as_user "'$binaries/pg_ctl' -D '$directory/data' -w -s -l '$directory/log' -o \"-k '$directory' -p 5432 \
        -c listen_addresses='$(cat "$directory/address")' -c fsync=off -c max_connections=200 -c shared_buffers=128MB \
        -c max_wal_size=1GB -c deadlock_timeout=200ms\" start"
}

case $1 in
start | standby)
    stop
    rm -rf "$directory"
    mkdir -p "$directory"
    [ "$1" = start ] || set -- standby "$2" '' "$3"
    printf %s "${3-}" >"$directory/address"
    chmod 700 "$directory"
    [ "$(id -u)" != 0 ] || chown postgres "$directory"
    if [ "$1" = standby ]; then
        as_user "'$binaries/pg_basebackup' -D '$directory/data' -h '$4' -U postgres -R -X stream -c fast"
        launch
        psql -q "host=$4 user=postgres dbname=postgres" -c "ALTER SYSTEM SET synchronous_standby_names = '*'" \
            -c "SELECT pg_reload_conf()" >/dev/null
        exit
    fi
    as_user "'$binaries/initdb' -D '$directory/data' -A trust -U postgres -E UTF8 --locale=C --no-sync \
        >'$directory/initdb.log'"
    as_user "echo 'host all all samenet trust' >>'$directory/data/pg_hba.conf'"
    launch
    ;;
stop)
    stop
    rm -rf "$directory"
    ;;
halt)
    stop
    ;;
promote)
    sql() { psql -qAtX "host=$directory user=postgres dbname=postgres" -c "$1"; }
    sql "ALTER SYSTEM RESET synchronous_standby_names"
    sql "SELECT pg_promote()" >/dev/null
    ;;
resume)
    launch
    ;;
*)
    echo "$0: start, stop, halt or resume?" >&2
    exit 2
    ;;
esac
