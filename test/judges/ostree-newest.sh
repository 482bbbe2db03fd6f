#!/bin/sh
# The newest ostree of Debian's unstable suite with its tests, unpacked below DIR: sh test/judges/ostree-newest.sh DIR
# Needs root, debootstrap and bubblewrap. Makes DIR/ostree, a command that runs it (files below /tmp only), and tells how to use it.
set -eu
dir=$(realpath -m "${1:?usage: ostree-newest.sh DIR}")
root=$dir/root
mkdir -p "$dir"
# Packages that cannot be configured without systemd do not matter here: unpacked is enough.
debootstrap --variant=minbase --include=ostree,ostree-tests,ca-certificates unstable "$root" "$("$(dirname "$0")/mirror.sh")" \
  >"$dir/debootstrap.log" 2>&1 || [ -x "$root/usr/bin/ostree" ]
# By its path: some scripts of the suite call with hardly any PATH.
bwrap=$(command -v bwrap)
cat >"$dir/ostree" <<SCRIPT
#!/bin/sh
# Inside, the name must not lead back here.
PATH=\$(printf %s "\$PATH" | sed "s#^$dir:##")
d=\$PWD
case \$d in /tmp/*) ;; *) d=/ ;; esac
exec $bwrap --bind "$root" / --proc /proc --dev /dev --bind /tmp /tmp --chdir "\$d" /usr/bin/env LC_ALL=C.UTF-8 ostree "\$@"
SCRIPT
# What test-composefs.sh looks at images with.
cat >"$dir/composefs-info" <<SCRIPT
#!/bin/sh
exec $bwrap --bind "$root" / --proc /proc --dev /dev --bind /tmp /tmp --chdir "\$PWD" /usr/bin/composefs-info "\$@"
SCRIPT
chmod 755 "$dir/ostree" "$dir/composefs-info"
level=$("$dir/ostree" --version | sed -n "s/.*Version: '\(.*\)'/\1/p")
echo "ostree $level; every help and local verb beside it:"
echo "  OSTREE_JUDGE=$dir/ostree npx vitest run --project interop test/interop/ostree-verbs.test.ts"
echo "its own suite with our command:"
echo "  PATH=\$PATH:$dir OSTREE_HTTPD=/usr/libexec/libostree/ostree-trivial-httpd npm run suite:ostree -- \\"
echo "    --suite $root/usr/libexec/installed-tests/libostree --level $level"
