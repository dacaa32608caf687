#!/usr/bin/env bash
# Factors of rank 256 of one 1024x2048 matrix, plain and whitened: smelt against torch.linalg, taking turns.
# usage: bench/low_rank.sh [ROWS COLUMNS RANK REPETITIONS]     PYTHON names an interpreter with torch; JAVA_HOME a JDK 25.
set -euo pipefail
cd "$(dirname "$0")/.."
source bench/java.bash
compile compress
for round in 1 2 3; do
  echo "round $round, smelt"
  benchmark dev.smelt.compress.LowRankBenchmark "$@"
  echo "round $round, torch.linalg"
  "${PYTHON:-python3}" bench/torch_low_rank.py "$@"
done
