#!/bin/bash
# A Debian root file system that boots when ostree deploys it: the tree of debian-tree.sh with udev, a cloud kernel and an initramfs
# of dracut with its ostree module, laid out for ostree, root logged in on the serial console. Made once per version of both scripts
# and kept in .cache/. Prints its path. Needs root and the network; with --cached it only looks whether that was done (exit 3 when
# not), which is all that tests do.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
key=$(cat "$here/boot-tree.sh" "$here/debian-tree.sh" | sha256sum | cut -c1-16)
cache=${COPPICE_CACHE:-$here/../../.cache}
mkdir -p "$cache"
tree=$(cd "$cache" && pwd)/boot-$key
if [ -d "$tree" ]; then
  echo "$tree"
  exit
fi
[ "${1-}" = --cached ] && { echo "no bootable tree yet; test/judges/boot-tree.sh makes it" >&2; exit 3; }
base=$("$here/debian-tree.sh")
rm -rf "$tree.partial"
cp -a "$base" "$tree.partial"

# The mounts of a chroot live and end with this namespace.
build() {
  cd "$1"
  mkdir -p dev proc sys run tmp
  mount --rbind /dev dev
  mount -t proc proc proc
  mount -t sysfs sysfs sys
  printf '#!/bin/sh\nexit 101\n' >usr/sbin/policy-rc.d
  chmod 755 usr/sbin/policy-rc.d
  cp --remove-destination /etc/resolv.conf etc/resolv.conf
  export DEBIAN_FRONTEND=noninteractive LC_ALL=C
  unset TMPDIR
  install="chroot . apt-get install -qy --no-install-recommends -o Dpkg::Options::=--force-unsafe-io -o Acquire::Retries=3"
  # No documentation, and dpkg need not sync: both only cost time here.
  printf 'path-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\npath-exclude=/usr/share/locale/*\n' >etc/dpkg/dpkg.cfg.d/lean
  # dracut before the kernel: else the kernel brings initramfs-tools. It makes the initramfs once, below, not at installation.
  mkdir -p etc/kernel/postinst.d
  chroot . apt-get update -q
  $install systemd-sysv udev dbus dracut zstd kmod ostree ostree-boot procps less
  chmod -x etc/kernel/postinst.d/* 2>/dev/null || true
  $install linux-image-cloud-amd64
  chroot . apt-get clean
  version=$(ls usr/lib/modules)
  # Named modules only: small, and fast to start.
  chroot . dracut --force --no-hostonly --no-hostonly-cmdline --reproducible --zstd --no-early-microcode \
    -m 'bash systemd systemd-initrd dracut-systemd base fs-lib rootfs-block udev-rules kernel-modules ostree shutdown' \
    --drivers 'virtio virtio_pci virtio_ring virtio_blk virtio_rng ext4 overlay' --filesystems ext4 \
    --kver "$version" "/usr/lib/modules/$version/initramfs.img" "$version"
  cp "boot/vmlinuz-$version" "usr/lib/modules/$version/vmlinuz"
}
export -f build
unshare --mount --propagation private bash -euo pipefail -c 'build "$1"' build "$tree.partial" >"$tree.log" 2>&1 ||
  { tail -n 20 "$tree.log" >&2; exit 1; }

cd "$tree.partial"
# What ostree wants: /usr and its links; state below /var, which systemd-tmpfiles fills; /etc as defaults below /usr.
rm -rf boot dev proc sys run tmp var/lib/apt var/cache home root opt srv mnt media usr/local initrd.img* vmlinuz* usr/sbin/policy-rc.d
rm -rf usr/share/{doc,man,locale,info,lintian}
mkdir -p usr/lib/pkgdb
mv var/lib/dpkg usr/lib/pkgdb/dpkg
rm -rf var
mkdir boot dev proc sys run tmp var sysroot
chmod 1777 tmp
ln -s sysroot/ostree ostree
ln -s ../var/usrlocal usr/local
ln -s run/media media
for name in home opt srv mnt; do ln -s "var/$name" "$name"; done
ln -s var/roothome root
for name in home opt srv mnt usrlocal lib log cache spool; do echo "d /var/$name 0755 root root -"; done >usr/lib/tmpfiles.d/00-ostree.conf
echo 'd /var/roothome 0700 root root -' >>usr/lib/tmpfiles.d/00-ostree.conf
# Nothing starts but what the console and ostree need.
printf 'enable %s\n' ostree-remount.service ostree-finalize-staged.path getty@.service >usr/lib/systemd/system-preset/20-boot-tree.preset
echo 'disable *' >usr/lib/systemd/system-preset/99-boot-tree.preset
rm -rf etc/systemd/system/*.wants
mkdir -p etc/systemd/system/local-fs.target.wants usr/lib/systemd/system/serial-getty@.service.d
ln -s /lib/systemd/system/ostree-remount.service etc/systemd/system/local-fs.target.wants/
cat >usr/lib/systemd/system/serial-getty@.service.d/10-autologin.conf <<'UNIT'
[Service]
ExecStart=
ExecStart=-/sbin/agetty -o "-p -f -- \\u" --autologin root --noclear --keep-baud 115200,57600,38400,9600 - $TERM
UNIT
echo uninitialized >etc/machine-id
echo boot-tree >etc/hostname
: >etc/fstab
rm -f etc/resolv.conf etc/apt/apt.conf.d/*proxy* etc/dpkg/dpkg.cfg.d/lean
rm -rf usr/etc
mv etc usr/etc
cd /
mv "$tree.partial" "$tree"
echo "$tree"
