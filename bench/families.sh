#!/usr/bin/env bash
# The statistics pass per floating-point operation, for five families of the same size, taking turns.
# usage: bench/families.sh [SEQUENCES]      PYTHON names an interpreter with torch and transformers.
# Prints for each round and family: tokens per second, GFLOP per token, GFLOP per second.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3} work=target/bench-families sequences=${1:-16}
types=(qwen3_moe deepseek_v3 gpt_oss glm4_moe granitemoe)
mkdir -p "$work"
for type in "${types[@]}"; do
  [[ -e $work/$type.flops ]] ||
    "$python" bench/make_family.py "$type" "$work/$type" --sequences "$sequences" 2>/dev/null >"$work/$type.flops"
done
for round in 1 2 3; do
  for type in "${types[@]}"; do
    rate=$(./smelt calibrate "$work/$type" --text "$work/$type.ids.npy" --length 512 --sequences "$sequences" \
      --compute "${COMPUTE:-bf16}" -o "$work/statistics.safetensors" --verbose 2>&1 >/dev/null |
      sed -n 's/.*calibrated in .* s, \([0-9]*\) tokens.*/\1/p')
    awk -v round="$round" -v type="$type" -v rate="$rate" -v flops="$(<"$work/$type.flops")" \
      'BEGIN { printf "round %d, %-12s %6d tokens/s, %.3f GFLOP/token, %6.1f GFLOP/s\n", round, type, rate, flops / 1e9, rate * flops / 1e9 }'
  done
done
