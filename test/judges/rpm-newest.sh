#!/bin/bash
# The newest rpm of Debian's unstable suite with rpmbuild, rpmsign, GnuPG and a shell, unpacked into a root of its own. Made once
# per version of this script and kept in .cache/. Prints a folder of commands to call by path; they see files below /tmp only.
# Needs root, apt, bubblewrap and the network; with --cached it only looks whether that was done (exit 3 when not).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
key=$(sha256sum "$here/rpm-newest.sh" | cut -c1-16)
cache=${COPPICE_CACHE:-$here/../../.cache}
mkdir -p "$cache"
base=$(cd "$cache" && pwd)/rpm-newest-$key
packages=(rpm gnupg gpg-agent dash bash coreutils sed grep gawk tar gzip bzip2 xz-utils zstd cpio findutils diffutils file patch base-files libc-bin)
if [ ! -d "$base" ]; then
  [ "${1-}" = --cached ] && exit 3
  work=$base.partial
  rm -rf "$work"
  mkdir -p "$work"/{bin,root,apt/lists/partial,apt/cache/archives/partial}
  touch "$work/apt/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $("$here/mirror.sh") sid main" \
    >"$work/apt/sources.list"
  options=(
    -o Dir::Etc::sourcelist="$work/apt/sources.list" -o Dir::Etc::sourceparts=/nonexistent
    -o Dir::State="$work/apt" -o Dir::State::status="$work/apt/status" -o Dir::State::Lists="$work/apt/lists"
    -o Dir::Cache="$work/apt/cache" -o Acquire::Languages=none -o APT::Sandbox::User=root -o Debug::NoLocking=1
  )
  apt-get "${options[@]}" update -q >"$base.log" 2>&1 || { tail -n 5 "$base.log" >&2; exit 1; }
  apt-get "${options[@]}" install -qy --no-install-recommends --download-only "${packages[@]}" >>"$base.log" 2>&1 ||
    { tail -n 5 "$base.log" >&2; exit 1; }
  mkdir -p "$work"/root/{tmp,proc,dev,etc,root,var/tmp} "$work"/root/usr/{bin,sbin,lib,lib64}
  for name in bin sbin lib lib64; do ln -s "usr/$name" "$work/root/$name"; done
  # base-files may bring the links as well: an archive unpacked over them keeps what is there.
  for package in "$work"/apt/cache/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -C "$work/root" --keep-directory-symlink -xpf -
  done
  ln -sf dash "$work/root/usr/bin/sh"
  ln -sf gawk "$work/root/usr/bin/awk"
  printf 'root:x:0:0:root:/root:/bin/sh\n' >"$work/root/etc/passwd"
  printf 'root:x:0:\n' >"$work/root/etc/group"
  rm -rf "$work/apt"
  for program in rpm rpmbuild rpmsign rpmkeys rpmdb rpm2cpio gpg rpmspec xz; do
    cat >"$work/bin/$program" <<EOF
#!/bin/sh
d=\$PWD
case \$d in /tmp/*) ;; *) d=/ ;; esac
exec bwrap --bind "$base/root" / --proc /proc --dev /dev --bind /tmp /tmp --chdir "\$d" \\
  /usr/bin/env LC_ALL=C.UTF-8 PATH=/usr/bin:/usr/sbin "$program" "\$@"
EOF
    chmod +x "$work/bin/$program"
  done
  mv "$work" "$base"
fi
echo "$base/bin"
