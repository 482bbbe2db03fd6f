#!/bin/bash
# The system generators of ostree-boot, of this Debian release and of the unstable suite, unpacked and not installed.
# Made once per version of this script and kept in .cache/. Prints a folder with `stable` and `unstable`. Needs apt and the network;
# with --cached it only looks whether that was done (exit 3 when not), which is all that tests do.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
key=$(sha256sum "$here/ostree-boot.sh" | cut -c1-16)
cache=${COPPICE_CACHE:-$here/../../.cache}
mkdir -p "$cache"
base=$(cd "$cache" && pwd)/ostree-boot-$key
if [ ! -d "$base" ]; then
  [ "${1-}" = --cached ] && exit 3
  work=$base.partial
  rm -rf "$work"
  mkdir -p "$work"/{stable,unstable,debs/stable,debs/unstable,apt/lists/partial,apt/cache/archives/partial}
  touch "$work/apt/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $("$here/mirror.sh") sid main" \
    >"$work/apt/sources.list"
  options=(
    -o Dir::Etc::sourcelist="$work/apt/sources.list" -o Dir::Etc::sourceparts=/nonexistent
    -o Dir::State="$work/apt" -o Dir::State::status="$work/apt/status" -o Dir::State::Lists="$work/apt/lists"
    -o Dir::Cache="$work/apt/cache" -o Acquire::Languages=none
  )
  (
    cd "$work/debs/stable"
    apt-get -o APT::Sandbox::User=root download -q ostree-boot
    cd "$work/debs/unstable"
    apt-get "${options[@]}" -o APT::Sandbox::User=root update -q
    apt-get "${options[@]}" -o APT::Sandbox::User=root download -q ostree-boot
  ) >"$base.log" 2>&1 || { tail -n 5 "$base.log" >&2; exit 1; }
  for suite in stable unstable; do dpkg-deb -x "$work/debs/$suite"/*.deb "$work/$suite"; done
  # Older packages keep units in /lib; here both have one place.
  if [ -d "$work/stable/lib" ]; then cp -a "$work/stable/lib/." "$work/stable/usr/lib/"; fi
  rm -rf "$work/debs" "$work/apt" "$work/stable/lib"
  mv "$work" "$base"
fi
echo "$base"
