# Sourced by the scripts beside it: where the project is, how to speak, how much to do at once.
# shellcheck shell=bash

# shellcheck disable=SC2034
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# What is downloaded once for every checkout.
# shellcheck disable=SC2034
cache=${XDG_CACHE_HOME:-${HOME:-$root/build}/.cache}/patchbench

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
  say "$*"
  exit 2
}

# The comment at the top of a script is its help.
print_help() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; }

# Its packages for arm64 come from another archive than those for amd64, which apt has to be told of.
on_ubuntu() { grep -qs '^ID=ubuntu' "${PATCHBENCH_ETC:-/etc}/os-release"; }

# One compilation a processor, but no more than there are GiB of memory for.
jobs_at_once() {
  local processors memory_gib
  processors=$(nproc)
  memory_gib=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)
  ((memory_gib < processors)) && processors=$memory_gib
  ((processors > 0)) && echo "$processors" || echo 1
}

# CMake reads this variable by itself; without ccache everything still builds.
# Another clone of the same sources finds what this one compiled: no path of the clone is part of what is compared.
use_ccache() {
  if command -v ccache >/dev/null; then
    export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_BASEDIR=${CCACHE_BASEDIR:-$root} CCACHE_NOHASHDIR=true \
      CCACHE_SLOPPINESS=pch_defines,time_macros
  fi
}
