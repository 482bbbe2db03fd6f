#!/bin/bash
# ostree 2026.4 or newer and the composefs tools of Debian's unstable suite, unpacked with their libraries beside the system.
# Made once per version of this script and kept in .cache/. Prints a folder of commands to call by path. Needs apt and the network;
# with --cached it only looks whether that was done (exit 3 when not), which is all that tests do.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
key=$(sha256sum "$here/unstable.sh" | cut -c1-16)
cache=${COPPICE_CACHE:-$here/../../.cache}
mkdir -p "$cache"
base=$(cd "$cache" && pwd)/unstable-$key
packages=(
  ostree libostree-1-1 composefs libcomposefs1
  libc6 libssl3t64 libzstd1 zlib1g libgpgme45 libassuan9 libgpg-error0 libglib2.0-0t64 libarchive13t64 libmount1 libblkid1
  libselinux1 liblzma5 libsystemd0 libffi8 libpcre2-8-0
)
if [ ! -d "$base" ]; then
  [ "${1-}" = --cached ] && exit 3
  work=$base.partial
  rm -rf "$work"
  mkdir -p "$work"/{bin,root,debs,apt/lists/partial,apt/cache/archives/partial}
  touch "$work/apt/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $("$here/mirror.sh") sid main" \
    >"$work/apt/sources.list"
  options=(
    -o Dir::Etc::sourcelist="$work/apt/sources.list" -o Dir::Etc::sourceparts=/nonexistent
    -o Dir::State="$work/apt" -o Dir::State::status="$work/apt/status" -o Dir::State::Lists="$work/apt/lists"
    -o Dir::Cache="$work/apt/cache" -o Acquire::Languages=none -o APT::Sandbox::User=root
  )
  apt-get "${options[@]}" update -q >"$base.log" 2>&1 || { tail -n 5 "$base.log" >&2; exit 1; }
  (cd "$work/debs" && apt-get "${options[@]}" download -q "${packages[@]}") >>"$base.log" 2>&1 ||
    { tail -n 5 "$base.log" >&2; exit 1; }
  for package in "$work"/debs/*.deb; do dpkg-deb -x "$package" "$work/root"; done
  rm -rf "$work/debs" "$work/apt"
  for program in ostree mkcomposefs composefs-info; do
    cat >"$work/bin/$program" <<EOF
#!/bin/sh
lib=$base/root/usr/lib/x86_64-linux-gnu
exec "\$lib/ld-linux-x86-64.so.2" --library-path "\$lib:/usr/lib/x86_64-linux-gnu" "$base/root/usr/bin/$program" "\$@"
EOF
    chmod +x "$work/bin/$program"
  done
  mv "$work" "$base"
fi
echo "$base/bin"
