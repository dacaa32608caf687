#!/usr/bin/env bash
# Layerwise training against the products that it consists of, for one layer with 16 experts, hidden size 1024, width 512.
# usage: bench/fit.sh [HIDDEN WIDTH EXPERTS TOPK TOKENS STEPS]       JAVA_HOME names a JDK 25.
set -euo pipefail
cd "$(dirname "$0")/.."
source bench/java.bash
compile routing
benchmark dev.smelt.routing.bench.FitBenchmark "$@"
