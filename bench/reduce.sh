#!/usr/bin/env bash
# Pruning and merging of a generated qwen3_moe checkpoint: smelt against what the REAP and REAM repositories do, in turns.
# usage: bench/reduce.sh WORK [LAYERS] [SEQUENCES] [LENGTH]     ROUNDS=3; SMELT names the program,
#   PYTHON an interpreter with torch, transformers and SciPy.
# Half of 128 experts (top-8, hidden 1024, width 384) go. Both sides: the same tokens, reading, reducing and writing included.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$1 layers=${2:-8} sequences=${3:-128} length=${4:-512} python=${PYTHON:-python3}
mkdir -p "$work"
[[ -f $work/model/config.json ]] || "$python" "$root/bench/make_qwen3_moe.py" "$work/model" --layers "$layers" \
  --sequences "$sequences" --length "$length"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}
measured() { /usr/bin/env time -f "{\"side\": \"smelt $1\", \"seconds\": %e, \"peak_bytes\": %M000}" "${@:2}" > /dev/null; }
common=(--ratio 0.5 --text "$work/model.ids.npy" --sequences "$sequences" --length "$length" --force --quiet)
for ((round = 1; round <= ${ROUNDS:-3}; round++)); do
  for method in reap ream; do
    rm -rf "$work/torch"
    "$python" "$root/bench/torch_reduce.py" $method "$work/model" "$work/torch" "$work/model.ids.npy"
    if [[ $method == reap ]]; then
      measured reap "${SMELT:-$root/smelt}" drop "$work/model" -o "$work/smelt" --criterion reap --repair none "${common[@]}"
    else
      measured ream "${SMELT:-$root/smelt}" merge "$work/model" -o "$work/smelt" --method ream --group-size 31 --repair none "${common[@]}"
    fi
  done
done
