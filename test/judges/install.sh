#!/bin/bash
# Installs the original tools that the interop tests compare with. Debian 12, as root. Does nothing when all are there.
set -euo pipefail
packages=(
  ostree ostree-tests            # libostree's command and its own shell suite
  rpm rpm2cpio createrepo-c dnf  # RPM and repositories
  db5.3-util zchunk              # makers of Berkeley DB and zchunk files
  libsolv-tools                  # testsolv
  nginx-light wrk                # a static server and load, for the benches
  dbus avahi-daemon iproute2     # a bus and DNS-SD, for repositories on the local network
  skopeo docker-registry         # OCI images
  ignition                       # the real Ignition, for its files stage
  bubblewrap uidmap              # sandboxes with and without root
  busybox-static                 # the small tools of the lab's base tree
  gnupg attr acl libcap2-bin cpio xz-utils zstd jq strace parallel
  selinux-utils policycoreutils  # matchpathcon, semodule
  debootstrap                    # root file systems for tests
  chromium                       # a browser, for what must run in one
  qemu-system-x86                # boots disk images
  xfsprogs                       # a file system that shares extents
  openssl python3-rpm python3-hawkey
  e2fsprogs python3-yaml python3-gi gir1.2-glib-2.0
)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >/dev/null
apt-get install -qy --no-install-recommends "${missing[@]}" >/dev/null
