#!/bin/sh
# The kernels were compiled for each generation of cards, and none of them spills registers or has
# a stack. REPORT is what gpu/cuda/build.sh leaves. Skipped (77) where there was no nvcc.
#
#     tests/cuda_report.sh REPORT
[ -f "$1" ] || { echo "skipped: no nvcc, the plugin for CUDA was not built"; exit 77; }
kernels=$(grep -c "Compiling entry function '.*' for 'sm_75'" "$1")
[ "$kernels" -ge 40 ] || { echo "$kernels kernels for sm_75"; exit 1; }
for generation in 80 86 89 90 100; do
    count=$(grep -c "Compiling entry function '.*' for 'sm_$generation'" "$1")
    [ "$count" -eq "$kernels" ] || { echo "$count kernels for sm_$generation"; exit 1; }
done
grep 'bytes stack frame' "$1" |
    grep -v '^ *0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads$' && exit 1
exit 0
