// pull-local between repositories whose files cannot be linked: they are on another device, or someone else's.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Beside } from './ostree-beside.ts';
import { skipReason } from './ostree-support.ts';

const modes = ['archive', 'bare', 'bare-user', 'bare-user-only'];

const pairs = [
  ...modes.map((mode) => [mode, mode]),
  ['bare-user', 'bare-user-only'],
  ['archive', 'bare-user'],
] as const;

/** Another device than that of temporary files. */
const memory = '/dev/shm';
const oneDevice =
  statSync(memory, { throwIfNoEntry: false })?.dev === statSync(tmpdir()).dev ? 'only one device' : undefined;

describe.skipIf(skipReason !== undefined)(`importing what cannot be linked ${skipReason ?? ''}`, () => {
  const beside = new Beside();
  beforeAll(() =>
    beside.make(`
      mkdir t
      for i in 1 2 3; do echo "file $i" > t/f$i; done
      ln -s f1 t/link; setfattr -n user.foo -v bar t/f1; chown 3:4 t/f2; chmod 4755 t/f3
      for mode in ${modes.join(' ')}; do
        ostree init --repo=from-$mode --mode=$mode
        ostree --repo=from-$mode commit -b m -s x --timestamp=@1 t
        ostree init --repo=to-$mode --mode=$mode
      done
      setfattr -n user.extra -v x from-bare/objects/*/*.commit
      install -d -m 777 free`),
  );
  afterAll(beside.remove);

  test("someone else's, believed or not", () => {
    const lines = pairs.map(
      ([from, to]) =>
        `nobody ostree init --repo=free/r --mode=${to} && nobody ostree --repo=free/r pull-local from-${from} m`,
    );
    for (const mode of modes) {
      // Which of several files the original fails at first depends on its threads.
      if (mode === 'bare') continue;
      lines.push(lines[modes.indexOf(mode)]!.replace('pull-local', 'pull-local --untrusted'));
      const links = `stat -c %h to-${mode}/objects/*/*`;
      lines.push(
        `chown -R nobody from-${mode}; ostree --repo=to-${mode} pull-local --untrusted from-${mode} m; ${links}`,
      );
    }
    expect(beside.different(lines.join('\n'), { fresh: true })).toEqual([]);
  });

  test.skipIf(oneDevice !== undefined)(`on another device ${oneDevice ?? ''}`, () => {
    const away = mkdtempSync(join(memory, 'import-'));
    try {
      const lines = pairs.map(([from, to], i) => {
        const flag = ['', '--untrusted', '', '--per-object-fsync', '--bareuseronly-files', '', ''][i];
        const pull = `ostree --repo=to-${to} pull-local ${flag} ${away}/r m`;
        return `mv from-${from} ${away}/r; ${pull}; code=$?; rm -rf ${away}/r; (exit $code)`;
      });
      expect(beside.different(lines.join('\n'), { fresh: true })).toEqual([]);
    } finally {
      rmSync(away, { recursive: true, force: true });
    }
  });
});
