#!/bin/sh
# The units leave the relay and the node little to do harm with: an exposure of 1.5 of 10 at most, as systemd
# counts it, and nothing in it that systemd does not know. Skipped (77) without systemd-analyze.
#
#     tests/service.sh SOURCE_DIRECTORY
cd "$1" || exit 1
command -v systemd-analyze > /dev/null || { echo "skipped: no systemd-analyze"; exit 77; }
for unit in ops/shoal-relay.service ops/shoal-gpu.service; do
    systemd-analyze security --offline=true --threshold=15 --no-pager $unit || exit 1

    # verify also wants the program installed, which is no business of this test.
    unknown=$(systemd-analyze verify --man=no ./$unit 2>&1 | grep -v 'is not executable')
    [ -z "$unknown" ] || { printf '%s\n' "$unknown"; exit 1; }
done
