#!/bin/bash
# fs-verity in a virtual machine whose kernel has it: the original (2022.7 and 2026.4) and ours do the same on two disks of equal
# trees; which files they seal, the digests that the kernel measures, what they say and how they exit must be the same.
# Needs root, qemu-system-x86_64, mke2fs, debugfs, cpio, a static busybox, apt for the package fsverity, and what boot-tree.sh
# and unstable.sh make. Some five minutes of software emulation. Prints the differences; exit 1 when there are some.
# verity.sh DIR keeps what was measured in DIR.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
tree=$("$here/boot-tree.sh")
newest=$(cd "$("$here/unstable.sh")/.." && pwd)/root
node=$(command -v node)
work=$(mktemp -d "${TMPDIR:-/tmp}/coppice-verity-XXXXXX")
trap 'rm -rf "$work"' EXIT
out=${1:-$work/out}
mkdir -p "$out"

# The system: the bootable tree, plain, with both originals, ours, and the tool that measures.
cp -al "$tree" "$work/disk" 2>/dev/null || cp -a "$tree" "$work/disk"
disk=$work/disk
cp -a "$disk/usr/etc" "$disk/etc"
rm -rf "$disk/var" && mkdir -p "$disk"/{var/tmp,judge,out,newest/lib}
cp -a "$newest/usr" "$disk/newest/"
# Of the machine's libraries those that the newest one takes from it.
lib=$newest/usr/lib/x86_64-linux-gnu
"$lib/ld-linux-x86-64.so.2" --library-path "$lib:/usr/lib/x86_64-linux-gnu" --list "$newest/usr/bin/ostree" |
  sed -n 's#.* => \(/usr/lib/[^ ]*\) .*#\1#p' | xargs cp -L -t "$disk/newest/lib" || exit 1
node --conditions=source "$root/scripts/build.ts" --outdir "$disk/judge/dist" >"$work/log"
cp "$node" "$disk/judge/node"
# koffi lies beside the bundle as it does in the repository.
mkdir -p "$disk/judge/node_modules/@koromix"
cp -a "$root/node_modules/koffi" "$disk/judge/node_modules/"
cp -a "$root/node_modules/@koromix/"koffi-linux-x64 "$disk/judge/node_modules/@koromix/"
(cd "$work" && apt-get -o APT::Sandbox::User=root download -q fsverity libfsverity0) >>"$work/log" 2>&1
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/debs"; done
cp -a "$work/debs/usr/." "$disk/usr/"

cat >"$disk/judge/run" <<'RUN'
#!/bin/bash
# run LEVEL WHO: everything, into /out/LEVEL-WHO
export LC_ALL=C.UTF-8 HOME=/nonexistent OSTREE_SYSROOT_DEBUG=mutable-deployments COPPICE_COMPAT=ostree=$1 PATH=/usr/sbin:/usr/bin
level=$1 who=$2 lib=/newest/usr/lib/x86_64-linux-gnu
case $who-$level in
  original-2022.7) program=(/usr/bin/ostree) ;;
  original-2026.4) program=($lib/ld-linux-x86-64.so.2 --library-path $lib:/newest/lib /newest/usr/bin/ostree) ;;
  *) program=(/judge/node /judge/dist/main.cjs ostree) ;;
esac
do_() {
  echo "\$ ostree $*"
  "${program[@]}" "$@" 2>&1
  echo "exit $?"
}
measured() {
  # Few processes: each costs time in an emulated machine. Compressed bytes are not the same.
  (cd "$1" || exit
    find . -path ./ostree/repo/tmp -prune -o -path ./tmp -prune -o -type f -print0 | sort -z | xargs -0 lsattr >/tmp/files 2>&1
    grep -v '^[^ ]*V' /tmp/files | sed 's/.* //; s/$/ not sealed/'
    sed -n 's/^[^ ]*V[^ ]* //p' /tmp/files >/tmp/sealed
    [ ! -s /tmp/sealed ] || xargs fsverity measure </tmp/sealed 2>&1 | sed 's/^sha256:[0-9a-f]* \(.*\.filez\)$/sealed \1/')
}
case $level in
  2022.7) configs=(ex-fsverity.required=true ex-fsverity.opportunistic=true) ;;
  *) configs=(ex-integrity.fsverity=yes ex-integrity.composefs=yes) ;;
esac
t=/judge/tree
exec >/out/$level-$who
for config in "${configs[@]}"; do
  echo "== $config"
  # One name for all, so that messages are the same.
  mkdir -p /d/run/s && cd /d/run
  set_() { printf '\n[%s]\n%s\n' "${config%%.*}" "${config#*.}" >>"$1/config"; }
  do_ admin init-fs s
  do_ admin os-init --sysroot=s os
  set_ s/ostree/repo
  do_ commit --repo=s/ostree/repo -b os --tree=dir=$t --timestamp=@1700000000 --add-detached-metadata-string=a=b
  do_ admin deploy --sysroot=s --os=os os
  measured s
  # Appending to what is sealed fails; another name and prune do not.
  object=$(find s/ostree/repo/objects -name '*.file' -type f -size +100k)
  (echo x >>"$object") 2>/dev/null && echo "written to"
  do_ fsck --repo=s/ostree/repo -q
  # A kernel that has to be copied to another file system.
  mkdir -p b && cp -a s/boot/. b/ && mount /dev/vdb s/boot && cp -a b/. s/boot/
  printf 'second\n' >$t/usr/lib/modules/6.1.0/vmlinuz
  do_ commit --repo=s/ostree/repo -b os --tree=dir=$t --timestamp=@1700000001
  do_ admin deploy --sysroot=s --os=os os
  measured s/boot
  printf 'first\n' >$t/usr/lib/modules/6.1.0/vmlinuz
  rm -rf s/boot/*; umount s/boot
  # What a copy loses.
  cp -a s copy
  measured copy | grep -v 'not sealed$'
  if [ "$level" = 2026.4 ]; then
    do_ admin post-copy --sysroot=copy
    do_ admin post-copy --sysroot=copy
    measured copy
  fi
  # Other modes, and other ways in: hard links, copies, deltas, adopted files.
  if [ "$config" = "${configs[0]}" ]; then
    for mode in archive bare-user bare-user-only; do
      do_ init --repo=$mode --mode=$mode
      set_ $mode
      do_ commit --repo=$mode -b os --tree=dir=$t --timestamp=@1700000000 --canonical-permissions --no-xattrs
    done
    do_ init --repo=plain --mode=bare-user
    do_ commit --repo=plain -b os --tree=dir=$t --timestamp=@1700000000 --canonical-permissions --no-xattrs
    do_ init --repo=linked --mode=bare-user
    set_ linked
    do_ pull-local --repo=linked plain os
    do_ init --repo=copied --mode=bare
    set_ copied
    do_ pull-local --repo=copied archive os
    do_ remote add --repo=copied --no-gpg-verify o file://$PWD/archive
    do_ init --repo=pulled --mode=bare
    set_ pulled
    do_ remote add --repo=pulled --no-gpg-verify o file://$PWD/archive
    do_ pull --repo=pulled o os
    do_ static-delta generate --repo=archive --empty --to=os >/dev/null
    do_ init --repo=delta --mode=bare-user
    set_ delta
    delta=$(find archive/deltas -name superblock)
    do_ static-delta apply-offline --repo=delta "${delta%/superblock}"
    cp -a $t eaten
    do_ init --repo=adopted --mode=bare-user-only
    set_ adopted
    do_ commit --repo=adopted -b os --tree=dir=eaten --consume --timestamp=@1700000000 --canonical-permissions --no-xattrs
    for repo in archive bare-user bare-user-only linked copied pulled delta adopted; do
      echo "= $repo"
      measured $repo
    done
  fi
  if [ "$level" = 2026.4 ]; then
    do_ commit --repo=s/ostree/repo -b cfs --tree=dir=$t --timestamp=@1700000002 --generate-composefs-metadata
    do_ show --repo=s/ostree/repo --print-metadata-key=ostree.composefs.digest.v0 cfs
    do_ admin deploy --sysroot=s --os=os cfs
    do_ checkout --repo=s/ostree/repo --composefs cfs image
    do_ checkout --repo=s/ostree/repo --composefs-noverity cfs image-plain
    sha256sum image image-plain
    measured s
  fi
  do_ admin undeploy --sysroot=s 1
  do_ refs --repo=s/ostree/repo --delete os
  do_ admin cleanup --sysroot=s
  measured s
  cd / && mv /d/run "/d/$level-$who-$config"
done
RUN
chmod 755 "$disk/judge/run"
t=$disk/judge/tree
mkdir -p "$t"/{boot,dev,proc,run,sys,tmp,sysroot,var,usr/bin,usr/etc,usr/lib/modules/6.1.0,usr/lib/tmpfiles.d}
printf 'NAME=Test\nID=test\nPRETTY_NAME="Test 1"\n' >"$t/usr/lib/os-release"
printf 'first\n' >"$t/usr/lib/modules/6.1.0/vmlinuz"
printf 'initramfs\n' >"$t/usr/lib/modules/6.1.0/initramfs.img"
: >"$t/usr/bin/empty"
for size in 1 4096 4097 20000 524288 600000; do head -c $size < <(yes "$size") >"$t/usr/bin/of-$size"; done
ln -s of-1 "$t/usr/bin/link"
chmod 4755 "$t/usr/bin/of-1"
setfattr -n user.test -v value "$t/usr/bin/of-20000"
echo default >"$t/usr/etc/conf"

modules=$tree/usr/lib/modules/$(ls "$tree/usr/lib/modules")
initrd=$work/initrd
mkdir -p "$initrd"/{bin,proc,sys,dev,root}
cp "$(readlink -f "$(command -v busybox)")" "$initrd/bin/busybox"
names=()
for name in virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk; do
  file=$(find "$modules" -name "$name.ko")
  [ -z "$file" ] || { cp "$file" "$initrd/bin/"; names+=("$name"); }
done
cat >"$initrd/init" <<INIT
#!/bin/busybox sh
export PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
for name in ${names[*]}; do busybox insmod /bin/\$name.ko; done
busybox mount -t ext4 /dev/vda /root
busybox mount --bind /dev /root/dev
busybox mount --bind /proc /root/proc
busybox mount -t tmpfs tmpfs /root/tmp
for level in 2022.7 2026.4; do for who in original ours; do
  echo "verity judge: \$level \$who"
  busybox chroot /root /judge/run \$level \$who
done; done
busybox umount /root/tmp /root/dev /root/proc
busybox umount /root
busybox sync
busybox poweroff -f
INIT
chmod 755 "$initrd/init"
(cd "$initrd" && find . | cpio -o -H newc --quiet) >"$work/initrd.img"
mke2fs -q -t ext4 -O verity -b 4096 -E root_owner=0:0 -d "$disk" "$work/disk.raw" 2G
mke2fs -q -t ext4 -O verity -b 4096 "$work/boot.raw" 64M
rm -rf "$disk"
timeout 1800 qemu-system-x86_64 -machine q35 -m 1024 -smp 1 -accel "${COPPICE_QEMU_ACCEL:-tcg,tb-size=128}" -nographic -no-reboot \
  -nodefaults -serial stdio -drive "file=$work/disk.raw,format=raw,if=virtio,cache=unsafe" \
  -drive "file=$work/boot.raw,format=raw,if=virtio,cache=unsafe" -kernel "$modules/vmlinuz" -initrd "$work/initrd.img" \
  -append 'console=ttyS0 quiet no_timer_check nowatchdog panic=1 mitigations=off' </dev/null | tee "$work/console" | grep --line-buffered 'verity judge' || true
status=0
for level in 2022.7 2026.4; do
  for who in original ours; do debugfs -R "dump /out/$level-$who $out/$level-$who" "$work/disk.raw" 2>/dev/null; done
  if [ ! -s "$out/$level-original" ] || ! grep -q 'sha256:' "$out/$level-original"; then
    echo "$level: nothing was sealed; the console ends with:" >&2
    tail -n 15 "$work/console" >&2
    status=1
  elif diff -u "$out/$level-original" "$out/$level-ours"; then
    echo "$level: $(grep -c 'sha256:' "$out/$level-ours") sealed files of $(grep -c -e 'sha256:' -e 'not sealed$' "$out/$level-ours"), $(grep -c '^exit' "$out/$level-ours") calls: equal"
  else status=1; fi
done
exit $status
