#!/usr/bin/env bash
# Aligning one pair of experts, 2048 neurons, hidden size 1024: smelt against torch with SciPy, taking turns.
# usage: bench/alignment.sh       PYTHON names an interpreter with torch and SciPy; JAVA_HOME a JDK 25.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3} java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
mvn -q -B -pl merge -am test-compile dependency:build-classpath -Dmdep.outputFile=target/classpath >&2
path=merge/target/test-classes:merge/target/classes:routing/target/classes:model/target/classes:io/target/classes
for round in 1 2 3; do
  echo "round $round, smelt"
  "$java" --enable-native-access=ALL-UNNAMED -Xmx4g -cp "$path:$(<merge/target/classpath)" \
    dev.smelt.merge.bench.AlignmentBenchmark
  echo "round $round, torch and SciPy"
  "$python" bench/torch_align.py
done
