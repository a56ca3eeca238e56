#!/bin/sh
# A throw-away PostgreSQL: a unix socket, and ADDRESS for its neighbours; never as root, gone when stopped.
#
#     tests/postgres.sh start DIRECTORY [ADDRESS]
#     tests/postgres.sh stop|halt|resume|promote DIRECTORY
#     tests/postgres.sh standby DIRECTORY PRIMARY_DIRECTORY
#     tests/postgres.sh archive|base DIRECTORY
#     tests/postgres.sh restored DIRECTORY FROM_DIRECTORY TIME
#
# halt and resume are a crash and the recovery from it: the data stays. A standby follows its
# primary, which from then on acknowledges only what the standby has; promoted, it is a primary alone.
# archive begins to keep the log in DIRECTORY/backup, base puts a copy of all there, and what was restored
# from there stands as it stood at that time: each as ops/backup does it.
# Connect with: host=DIRECTORY user=postgres dbname=postgres. fsync is off: the tests kill
# processes, not the machine.
set -eu
directory=$2
case $directory in /*) ;; *) echo "$0: not an absolute path: $directory" >&2; exit 2 ;; esac
backup=$(cd "$(dirname "$0")/../ops" && pwd)/backup
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

launch() # option...
{
    as_user "'$binaries/pg_ctl' -D '$directory/data' -w -s -l '$directory/log' -o \"-k '$directory' -p 5432 \
        -c listen_addresses='$(cat "$directory/address")' -c fsync=off -c max_connections=200 -c shared_buffers=128MB \
        -c max_wal_size=1GB -c deadlock_timeout=200ms $*\" start"
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
        as_user "'$binaries/pg_basebackup' -D '$directory/data' -h '$4' -U postgres -R -X stream -c fast --no-sync"
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
archive)
    stop
    as_user "cat >>'$directory/data/postgresql.conf' <<END
archive_mode = on
archive_command = '''$backup'' archive ''$directory/backup'' \"%p\" \"%f\"'
END"
    launch
    ;;
base)
    as_user "'$backup' base 'host=$directory user=postgres' '$directory/backup'"
    ;;
restored)
    mkdir -p "$directory"
    : >"$directory/address"
    chmod 700 "$directory"
    [ "$(id -u)" != 0 ] || chown postgres "$directory"
    as_user "'$backup' restore '$3/backup' '$directory/data' '$4'"
    launch -c hot_standby=off # nobody is let in before that time is reached
    ;;
*)
    echo "$0: not a word of those at the top: $1" >&2
    exit 2
    ;;
esac
