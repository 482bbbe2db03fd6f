#!/bin/bash
# A Debian root file system for tests, made once per version of this script and of debootstrap and kept in .cache/.
# Prints its path. Needs root and the network; with --cached it only looks whether that was done, which is all that tests do.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
key=$( (cat "$here/debian-tree.sh"; dpkg-query -W -f '${Version}' debootstrap) | sha256sum | cut -c1-16)
cache=${COPPICE_CACHE:-$here/../../.cache}
mkdir -p "$cache"
tree=$(cd "$cache" && pwd)/debian-$key
if [ ! -d "$tree" ]; then
  [ "${1-}" = --cached ] && { echo "no Debian tree yet; test/judges/debian-tree.sh makes it" >&2; exit 3; }
  rm -rf "$tree.partial"
  debootstrap --variant=minbase --include=ca-certificates,e2fsprogs,iproute2,openssl,python3-minimal,systemd \
    bookworm "$tree.partial" >"$tree.log" 2>&1 || { tail -n 5 "$tree.log" >&2; exit 1; }
  rm -rf "$tree.partial"/var/cache/apt/archives/*.deb "$tree.partial"/var/lib/apt/lists/*
  mv "$tree.partial" "$tree"
fi
echo "$tree"
