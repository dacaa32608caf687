#!/usr/bin/env bash
# A step of unlearning one expert in the last layer: smelt, which computes what is frozen before it once, against PyTorch
# with everything else frozen but recomputed. Usage: unlearn_step.sh MODEL TEXT_TO_FORGET TEXT_TO_KEEP LAYER:EXPERT [PYTHON]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
model=$1 forget=$2 retain=$3 target=$4 python=${5:-python3}
smelt=${SMELT:-./smelt}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$smelt" unlearn "$model" -o "$work/out" --forget "$forget" --retain "$retain" --target "$target" --steps 20 --batch 4 \
  --length 256 --sequences 64 --check-every 20 --stop forget=1000x --compute f32 --threads 1 --quiet > /dev/null || [[ $? == 5 ]]
"$python" - "$work/out/smelt-report.json" <<'PYTHON'
import json, sys
seconds = json.load(open(sys.argv[1]))["seconds"]
print(f"smelt: {1000 * seconds['step']:.0f} ms per step; preparation {seconds['prepare']:.1f} s")
PYTHON
OMP_NUM_THREADS=1 "$python" bench/torch_unlearn.py "$model" "$forget" "$retain" "$target"
