#!/bin/bash
# Two Debian trees a security update of 40 packages apart, for bench/pull.ts: the tree of debian-tree.sh with the release's
# version of each package unpacked over it, and the same with the newest one. Every package has both versions in the
# archive, so what changed is what Debian's own rebuilds changed. Prints the folder that holds `before` and `after`.
# Needs root and the network; with --cached it only looks whether that was done.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
packages=(
  apt bsdutils ca-certificates libapt-pkg6.0 libblkid1 libc-bin libc6 libexpat1 libfdisk1 liblzma5 libmount1 libpcre2-8-0
  libpython3.11-minimal libsmartcols1 libssl3 libsystemd-shared libsystemd0 libudev1 libuuid1 mount openssl perl-base
  python3.11-minimal systemd tzdata util-linux util-linux-extra
  curl git libarchive13 libcurl4 libglib2.0-0 libpng16-16 libxml2 nginx-core openssh-client openssh-server perl-modules-5.36
  rsync sudo
)
key=$(sha256sum <"$0" | cut -c1-16)
cache=${COPPICE_CACHE:-$here/../../.cache}
pair=$cache/update-pair-$key
if [ ! -d "$pair" ]; then
  [ "${1-}" = --cached ] && { echo "no pair of trees yet; test/judges/update-pair.sh makes it" >&2; exit 3; }
  tree=$(bash "$here/debian-tree.sh")
  cache=$(cd "$cache" && pwd)
  pair=$cache/update-pair-$key
  work=$pair.partial
  rm -rf "$work"
  mkdir -p "$work/debs"
  cp -a "$tree" "$work/before"
  rm -rf "$work"/before/dev/*
  cp -a "$work/before" "$work/after"
  cd "$work/debs"
  for package in "${packages[@]}"; do
    mapfile -t versions < <(apt-cache madison "$package" | awk -F'|' '{gsub(/ /, "", $2); print $2}' | sort -u |
      perl -e 'my @v = <>; chomp @v;
        print join("\n", sort { system("dpkg", "--compare-versions", $a, "lt", $b) == 0 ? -1 : 1 } @v), "\n"')
    [ ${#versions[@]} -ge 2 ] || { echo "$package has only one version in this archive" >&2; exit 1; }
    for side in before after; do
      version=${versions[0]}
      [ $side = after ] && version=${versions[-1]}
      # Debian 12's packages name /lib and /bin, which are links in a merged tree.
      apt-get download -qq "$package=$version" 2>/dev/null
      dpkg-deb --fsys-tarfile ./"$package"_*.deb | tar -xp --keep-directory-symlink -C "$work/$side"
      rm -f ./*.deb
    done
  done
  cd "$cache"
  rm -rf "$work/debs"
  mv "$work" "$pair"
fi
echo "$pair"
