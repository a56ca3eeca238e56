# Installs the pinned packages here; sourced by run and its like. Exits with 77 without Node 20.
# shellcheck shell=bash
cd "$(dirname "${BASH_SOURCE[0]}")"
case $(node --version 2> /dev/null || true) in
    v2[0-9].* | v[3-9][0-9].*) ;;
    *) echo "skipped: wants Node 20 or newer" >&2; exit 77 ;;
esac
exec 9< package.json # others install here, too
flock 9
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --no-fund --no-audit > /dev/null
fi
flock -u 9
