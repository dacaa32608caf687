# Runs benchmark classes among a module's tests with the memory and the waiting of threads that the launcher sets.
# To be sourced with the root of the project as the current directory; JAVA_HOME names a JDK 25.

# compile MODULE: its classes and tests, and those that it needs.
compile() {
  mvn -q -B -pl "$1" -am test-compile dependency:build-classpath -Dmdep.outputFile=target/classpath >&2
  local module
  classpath=$1/target/test-classes
  for module in io model routing merge compress; do
    classpath+=:$module/target/classes
  done
  classpath+=:$(<"$1/target/classpath")
}

# benchmark CLASS [ARGUMENT...]
benchmark() {
  local settings=(
    GOMP_SPINCOUNT="${GOMP_SPINCOUNT:-20000}" MALLOC_ARENA_MAX=1 GLIBC_TUNABLES=glibc.malloc.hugetlb=1
    MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=4294967296 MALLOC_TOP_PAD_=16777216
  )
  env "${settings[@]}" "${JAVA_HOME:+$JAVA_HOME/bin/}java" --enable-native-access=ALL-UNNAMED -Xmx4g \
    -Dorg.bytedeco.javacpp.maxBytes=0 -Dorg.bytedeco.javacpp.maxPhysicalBytes=0 -cp "$classpath" "$@"
}
