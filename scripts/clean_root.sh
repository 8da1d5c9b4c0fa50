# Sourced by what tries the project in the root of a release of Debian, fresh from debootstrap. Needs root (or sudo).
# shellcheck shell=bash

# become_root_in_namespaces "$@": starts the script anew. Mounts and processes of the root live in namespaces of their own,
# and are gone when the script is.
become_root_in_namespaces() {
  local as_root=()
  if [[ ${PATCHBENCH_CLEAN_ROOT:-} == inside ]]; then return; fi
  # shellcheck disable=SC2154
  "$root/scripts/setup" release
  if ((EUID != 0)); then as_root=(sudo --preserve-env=TMPDIR); fi
  exec "${as_root[@]}" env PATCHBENCH_CLEAN_ROOT=inside \
    unshare --mount --pid --fork --kill-child --mount-proc "$0" "$@"
}

mirror() {
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' 'Component: main' 2>/dev/null | head -1
}

# make_root RELEASE [OPTION...]: sets tree, which is removed when the script ends.
make_root() {
  local name=$1 from
  from=$(mirror)
  if [[ -z $from ]]; then die "this machine's apt has no mirror of Debian"; fi
  tree=$(mktemp -d "${TMPDIR:-/var/tmp}/patchbench-$name-XXXXXX")
  trap remove_root EXIT
  chmod 755 "$tree"
  say "making a root of $name in $tree"
  debootstrap --variant=minbase "${@:2}" "$name" "$tree" "$from" >"$tree.log" ||
    { tail -n 20 "$tree.log" >&2 && die "debootstrap failed"; }
  cp /etc/resolv.conf /etc/hosts "$tree/etc/"
  mount -t proc proc "$tree/proc"
  mount --rbind /sys "$tree/sys"
  mount --rbind /dev "$tree/dev"
}

remove_root() {
  umount --recursive --lazy "$tree/proc" "$tree/sys" "$tree/dev" 2>/dev/null || true
  rm -rf --one-file-system "$tree" "$tree.log"
}
