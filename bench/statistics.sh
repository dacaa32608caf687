#!/usr/bin/env bash
# The statistics pass of `smelt calibrate` against a transformers forward with hooks that record the same, taking turns.
# usage: bench/statistics.sh [LAYERS] [SEQUENCES]     PYTHON names an interpreter with torch and transformers.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3} work=target/bench-statistics layers=${1:-2} sequences=${2:-64}
mkdir -p "$work"
[[ -e $work/model/config.json ]] || "$python" bench/make_qwen3_moe.py "$work/model" --layers "$layers" --sequences "$sequences" >&2
for round in 1 2 3; do
  for type in f32:float32 bf16:bfloat16; do
    printf 'round %d, smelt %s: ' "$round" "${type%:*}"
    ./smelt calibrate "$work/model" --text "$work/model.ids.npy" --length 512 --sequences "$sequences" \
      --compute "${type%:*}" -o "$work/statistics.safetensors" --verbose 2>&1 >/dev/null | grep 'calibrated in'
    for recording in "" --hooks; do
      printf 'round %d, transformers %s: ' "$round" "${type#*:}"
      "$python" bench/torch_statistics.py "$work/model" "$work/model.ids.npy" --dtype "${type#*:}" --repeats 1 \
        $recording 2>/dev/null
    done
  done
done
