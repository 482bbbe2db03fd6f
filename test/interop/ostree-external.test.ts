// Verbs that are programs of their own (`ostree-NAME` in PATH and in libostree's folder), and `--version`, beside the original.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle } from '../../scripts/build.ts';
import { scratch, skipReason } from './ostree-support.ts';

if (skipReason !== undefined) console.warn(`skipped: ${skipReason}`);
const root = join(import.meta.dirname, '../..');
const extensions = '/usr/libexec/libostree/ext';

describe.skipIf(skipReason !== undefined)(`external verbs ${skipReason ?? ''}`, () => {
  const { path: base, remove } = scratch();
  const dist = join(root, 'node_modules', `.external-${process.pid}`);
  const bin = join(base, 'bin');
  const libexec = join(base, 'libostree');
  afterAll(() => {
    spawnSync('rm', ['-rf', dist]);
    remove();
  });
  beforeAll(async () => {
    await bundle(dist);
    const program = (path: string, text: string, mode = 0o755): void => {
      writeFileSync(path, text);
      chmodSync(path, mode);
    };
    for (const folder of [bin, join(libexec, 'ext')]) mkdirSync(folder, { recursive: true });
    program(
      join(bin, 'ostree-say'),
      '#!/bin/sh\necho "say: $0 $#"; for word; do echo "<$word>"; done; env | grep ^OSTREE_ | sort; exit 7\n',
    );
    program(join(bin, 'ostree-killed'), '#!/bin/sh\nkill -TERM $$\n');
    program(join(bin, 'ostree-unmarked'), 'echo no interpreter line\n');
    program(join(bin, 'ostree-closed'), '#!/bin/sh\necho never\n', 0o644);
    program(join(bin, 'ostree-refs'), '#!/bin/sh\necho never, it is built in\n');
    program(join(libexec, 'ext/ostree-inner'), '#!/bin/sh\necho "inner $*"; cat\n');
    program(join(libexec, 'ext/ostree-say'), '#!/bin/sh\necho "the one in libexec: $*"\n');
  });

  /** In a mount namespace of its own where libostree's folder is ours; `first` is what stands first in PATH. */
  function run(first: readonly string[], args: readonly string[], inner: boolean): unknown {
    const env = {
      PATH: [...first, bin, process.env['PATH']].join(':'),
      HOME: base,
      LC_ALL: 'C.UTF-8',
      COPPICE_DIST: dist,
      COPPICE_COMPAT: 'ostree=2022.7',
    };
    const mount = `mount --bind ${libexec} /usr/libexec/libostree && exec "$0" "$@"`;
    const call = inner ? ['unshare', '-m', 'sh', '-c', mount, 'ostree', ...args] : ['ostree', ...args];
    const done = spawnSync(call[0]!, call.slice(1), { env, cwd: base, encoding: 'utf8', input: 'text\n' });
    const { status, signal, stdout, stderr } = done;
    return { args, status, signal, stdout: stdout.replaceAll(base, 'BASE'), stderr: stderr.replaceAll(base, 'BASE') };
  }

  const calls: readonly (readonly string[])[] = [
    ['say'],
    ['say', 'a b', '--flag', '-x', '--', 'rest', ''],
    ['--repo=r', 'say', 'x'],
    ['-v', 'say', 'x'],
    ['say', '--help'],
    ['say', '--version'],
    ['killed'],
    ['unmarked'],
    ['closed'],
    ['nosuch', 'x'],
    ['../bin/ostree-say'],
    ['inner', 'x', 'y'],
    ['refs', '--repo=none'],
    ['remote', 'say'],
    ['--version'],
    ['refs', '--version'],
    ['--version', 'refs'],
    ['admin', '--version'],
    ['static-delta', '--version'],
    ['remote', 'list', '--version'],
  ];

  test.each([false, true])('and --version; with a folder of extensions: %s', (inner) => {
    const possible = !inner || spawnSync('unshare', ['-m', 'true']).status === 0;
    if (!possible) {
      console.warn(`skipped: no mount namespace, so ${extensions} cannot be put in place`);
      return;
    }
    for (const args of calls) expect(run([join(root, 'bin')], args, inner)).toEqual(run([], args, inner));
  });
});
