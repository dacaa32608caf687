# Finding a Java installation of a version that runs smelt. Sourced by both launchers.

# The oldest Java that runs smelt.
readonly REQUIRED_JAVA=25

# java_major HOME: prints the major version that the installation's release file states.
java_major() {
  local line
  [[ -r $1/release ]] || return 1
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ $line =~ ^JAVA_VERSION=\"?([0-9]+) ]]; then
      printf '%s' "${BASH_REMATCH[1]}"
      return 0
    fi
  done <"$1/release"
  return 1
}

# is_suitable HOME TOOL: whether HOME has bin/TOOL and is new enough. Nothing is started to find out.
is_suitable() {
  local major
  [[ -n $1 && -x $1/bin/$2 ]] || return 1
  major=$(java_major "$1") || return 1
  ((major >= REQUIRED_JAVA))
}

# java_on_path: prints the home of the `java` on PATH, through its symbolic links.
java_on_path() {
  local java
  java=$(command -v java) || return 1
  java=$(readlink -f "$java" 2>/dev/null) || return 1
  printf '%s' "${java%/bin/java}"
}

# find_jdk TOOL: sets JDK to the first suitable installation, or explains on stderr what is missing.
find_jdk() {
  local home
  for home in "${JAVA_HOME:-}" /usr/lib/jvm/* /opt/* "${HOME:-}"/.sdkman/candidates/java/* \
    "${HOME:-}"/.jdks/* /Library/Java/JavaVirtualMachines/*/Contents/Home; do
    if is_suitable "$home" "$1"; then
      JDK=$home
      return 0
    fi
  done
  home=$(java_on_path) && is_suitable "$home" "$1" && JDK=$home && return 0
  {
    printf 'error: smelt needs Java %s or newer, and none was found\n' "$REQUIRED_JAVA"
    printf 'hint: install a JDK %s (for example from https://adoptium.net) ' "$REQUIRED_JAVA"
    printf 'or set JAVA_HOME to one; looked at JAVA_HOME (%s), ' "${JAVA_HOME:-not set}"
    printf '/usr/lib/jvm, /opt, ~/.sdkman, ~/.jdks, /Library/Java and PATH\n'
  } >&2
  return 1
}
