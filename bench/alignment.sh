#!/usr/bin/env bash
# Aligning one pair of experts, 2048 neurons, hidden size 1024: smelt against torch with SciPy, taking turns.
# usage: bench/alignment.sh       PYTHON names an interpreter with torch and SciPy; JAVA_HOME a JDK 25.
set -euo pipefail
cd "$(dirname "$0")/.."
source bench/java.bash
compile merge
for round in 1 2 3; do
  echo "round $round, smelt"
  benchmark dev.smelt.merge.bench.AlignmentBenchmark
  echo "round $round, torch and SciPy"
  "${PYTHON:-python3}" bench/torch_align.py
done
