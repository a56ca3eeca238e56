# Installs the pinned packages here; sourced by run and run_chat. Exits with 77, and says why, without
# Node 20 on x86-64, or where they cannot be installed.
#
# The lock has no builds for other systems, so this is npm install, not npm ci.
# shellcheck shell=bash
cd "$(dirname "${BASH_SOURCE[0]}")"
case $(node --version 2> /dev/null || true)-$(uname -m) in
    v2[0-9].*-x86_64 | v[3-9][0-9].*-x86_64) ;;
    *) echo "skipped: wants Node 20 or newer, on x86-64" >&2; exit 77 ;;
esac
exec 9< package.json # others install here, too
flock 9
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm install --no-save --omit=optional --ignore-scripts --no-fund --no-audit > /dev/null ||
        { echo "skipped: node-llama-cpp cannot be installed" >&2; exit 77; }
fi
flock -u 9
