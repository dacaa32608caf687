#!/usr/bin/env bash
# Ways to fewer experts on a trained model, several draws of the calibration text: mean and spread of the held-out loss.
# usage: bench/quality.sh MODEL DATA OUTPUT      DATA has DOMAIN.calibration.txt and DOMAIN.validation.txt
#   SEEDS="0 1 2 3 4"  RATIOS="0.25 0.5 0.75"  METHODS=...  SEQUENCES=256  LENGTH=256
#   CALIBRATE="a b c d" calibrates on these domains only and measures on the others; else all serve for both.
#   SELF_GENERATED=768 adds so many sequences that the model writes itself, for all methods.
#   OPTIONS for more options of smelt compare; SMELT names the program, PYTHON an interpreter.
# What is finished, a seed and a ratio at a time, lies in OUTPUT and is not measured again: start it again after a stop.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
model=$1 data=$2 output=$3
methods=${METHODS:-frequency,reap,contribution,m-smoe,ream,hc-smoe,merge-moe,contribution+refit,contribution+fit}
text=() validation=()
for file in "$data"/*.calibration.txt; do
  domain=$(basename "$file" .calibration.txt)
  if [[ -z ${CALIBRATE:-} ]]; then
    text+=("$file") validation+=("$data/$domain.validation.txt")
  elif [[ " $CALIBRATE " == *" $domain "* ]]; then
    text+=("$file")
  else
    validation+=("$data/$domain.validation.txt")
  fi
done
for seed in ${SEEDS:-0 1 2 3 4}; do
  for ratio in ${RATIOS:-0.25 0.5 0.75}; do
    done=$output/$seed-$ratio
    [[ -d $done ]] && continue
    # shellcheck disable=SC2086
    "${SMELT:-$root/smelt}" compare "$model" -o "$done.part" --force --seed "$seed" --ratios "$ratio" \
      --text "${text[@]}" --validation "${validation[@]}" --methods "$methods" \
      --sequences "${SEQUENCES:-256}" --self-generated "${SELF_GENERATED:-0}" --length "${LENGTH:-256}" ${OPTIONS:-} > /dev/null
    mv "$done.part" "$done"
  done
done
"${PYTHON:-python3}" "$root/bench/quality.py" "$output"/*-*[0-9]/compare.json
