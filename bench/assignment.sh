#!/usr/bin/env bash
# Assignment solver against SciPy, alternating in one session. Prints the table of docs/benchmarks.md, section "Assignment".
# usage: bench/assignment.sh        PYTHON names an interpreter with numpy and scipy; JAVA_HOME a JDK 25.
set -euo pipefail
cd "$(dirname "$0")/.."
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
mvn -q -B -pl merge -am test-compile >&2
exec "${PYTHON:-python3}" bench/assignment.py "$java" -Xmx4g -XX:+UseSerialGC \
  -cp merge/target/test-classes:merge/target/classes:io/target/classes dev.smelt.merge.bench.AssignmentBenchmark
