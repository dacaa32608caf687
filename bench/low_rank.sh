#!/usr/bin/env bash
# Factors of rank 256 of one 1024x2048 matrix, plain and whitened: smelt against torch.linalg, taking turns.
# usage: bench/low_rank.sh [ROWS COLUMNS RANK REPETITIONS]     PYTHON names an interpreter with torch; JAVA_HOME a JDK 25.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3} java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
mvn -q -B -pl compress -am test-compile dependency:build-classpath -Dmdep.outputFile=target/classpath >&2
path=compress/target/test-classes:compress/target/classes:routing/target/classes:model/target/classes:io/target/classes
options=(--enable-native-access=ALL-UNNAMED -Xmx4g -Dorg.bytedeco.javacpp.maxBytes=0 -Dorg.bytedeco.javacpp.maxPhysicalBytes=0)
for round in 1 2 3; do
  echo "round $round, smelt"
  "$java" "${options[@]}" -cp "$path:$(<compress/target/classpath)" dev.smelt.compress.LowRankBenchmark "$@"
  echo "round $round, torch.linalg"
  "$python" bench/torch_low_rank.py "$@"
done
