#!/usr/bin/env bash
# Reading FP8 and MXFP4 matrices, against a copy of as many bytes.
# usage: bench/dequantisation.sh       JAVA_HOME names a JDK 25.
set -euo pipefail
cd "$(dirname "$0")/.."
java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
mvn -q -B -pl model -am test-compile dependency:build-classpath -Dmdep.outputFile=target/classpath >&2
# Threads and memory as the launcher sets them.
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-20000} MALLOC_ARENA_MAX=1 GLIBC_TUNABLES=glibc.malloc.hugetlb=1
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=4294967296 MALLOC_TOP_PAD_=16777216
exec "$java" --enable-native-access=ALL-UNNAMED -Xmx2g -Dorg.bytedeco.javacpp.maxBytes=0 -Dorg.bytedeco.javacpp.maxPhysicalBytes=0 \
  -cp "model/target/test-classes:model/target/classes:io/target/classes:$(<model/target/classpath)" \
  dev.smelt.model.DequantisationBenchmark
