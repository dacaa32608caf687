#!/usr/bin/env bash
# Layerwise training against the products that it consists of, for one layer with 16 experts, hidden size 1024, width 512.
# usage: bench/fit.sh [HIDDEN WIDTH EXPERTS TOPK TOKENS STEPS]       JAVA_HOME names a JDK 25.
set -euo pipefail
cd "$(dirname "$0")/.."
java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
mvn -q -B -pl routing -am test-compile dependency:build-classpath -Dmdep.outputFile=target/classpath >&2
path=routing/target/test-classes:routing/target/classes:model/target/classes:io/target/classes
"$java" --enable-native-access=ALL-UNNAMED -Xmx4g -Dorg.bytedeco.javacpp.maxBytes=0 -Dorg.bytedeco.javacpp.maxPhysicalBytes=0 \
  -cp "$path:$(<routing/target/classpath)" dev.smelt.routing.bench.FitBenchmark "$@"
