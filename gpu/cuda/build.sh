#!/bin/sh
# Builds the plugin for CUDA cards with nvcc: for every generation from 75 (Turing) to 100 and, from
# its intermediate code, what comes after; or for those named. What the assembler says of registers
# and spills goes to OUT.report. A spill, like any warning, is an error.
#
#     gpu/cuda/build.sh NVCC OUT [GENERATION...]
set -u
nvcc=$1
out=$2
shift 2
[ $# -gt 0 ] || set -- 75 80 86 89 90 100
cd "$(dirname "$0")/../.." || exit 1
codes=
for generation; do
    codes="$codes -gencode arch=compute_$generation,code=sm_$generation"
    last=$generation
done
# What is fused is written fmaf: the bits are those of a processor.
# shellcheck disable=SC2086 # codes are words
"$nvcc" -std=c++17 -I. -O3 -fmad=false $codes -gencode "arch=compute_$last,code=compute_$last" \
    -Xptxas -v,-warn-spills,-Werror --Werror all-warnings -Xcompiler -fPIC,-Wall,-Wextra,-Werror \
    -t 2 -cudart static -shared -o "$out" gpu/cuda/card.cu 2> "$out.report" && exit 0
grep -vE 'ptxas info|bytes stack frame' "$out.report" >&2
exit 1
