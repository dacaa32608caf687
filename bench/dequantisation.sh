#!/usr/bin/env bash
# Reading FP8 and MXFP4 matrices, against a copy of as many bytes.
# usage: bench/dequantisation.sh       JAVA_HOME names a JDK 25.
set -euo pipefail
cd "$(dirname "$0")/.."
source bench/java.bash
compile model
benchmark dev.smelt.model.DequantisationBenchmark
