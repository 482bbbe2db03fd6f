// `coppice repo query` beside `dnf repoquery`: which packages, files and dependencies are found.
import { copyFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createRepository } from '@coppice/rpm';
import { beforeAll, describe, expect, it } from 'vitest';
import { memoryOutput } from '../../packages/coppice/src/cli/context.ts';
import { run } from '../../packages/coppice/src/coppice/main.ts';
import { debianRpms } from '../judges/debian-rpms.ts';
import { missing, output, scratch } from './rpm-support.ts';

const reason = missing('dnf', 'dpkg-query', 'rpmbuild');

const queries: readonly (readonly string[])[] = [
  [],
  ['bzip2'],
  ['b*'],
  ['bzip2.x86_64'],
  ['nosuch'],
  ['*-common*'],
  ['/usr/bin/bzip2'],
  ['--whatprovides', 'bzip2'],
  ['--whatprovides', '/usr/bin/bzip2'],
  ['--whatprovides', '/usr/bin/b*'],
  ['--whatprovides', 'lib*.so.6()(64bit)'],
  ['--whatprovides', 'bzip2 > 1'],
  ['--whatprovides', 'bzip2 > 99'],
  ['--whatrequires', 'libc.so.6()(64bit)'],
  // Within a condition, and as what provides it.
  ['--whatrequires', 'bzip2'],
  ['--whatrequires', 'attr'],
  ['--whatrequires', '/bin/sh'],
  ['--requires', 'cpp'],
  ['--requires', 'd*'],
  ['--provides', 'b*'],
  ['--list', 'bzip2'],
  ['--changelog', 'b*'],
];

describe.skipIf(reason !== undefined)(`repo query${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let dir: string;
  let dnf: readonly string[];

  beforeAll(() => {
    dir = scratch();
    for (const file of debianRpms(40)) copyFileSync(file, join(dir, basename(file)));
    createRepository(dir);
    const options = { cachedir: join(dir, 'cache'), reposdir: '/nonexistent', 'x.gpgcheck': '0' };
    dnf = [
      ...['-q', `--repofrompath=x,file://${dir}`, '--repo=x', '--releasever=1', `--installroot=${join(dir, 'root')}`],
      ...Object.entries(options).map(([name, value]) => `--setopt=${name}=${value}`),
      'repoquery',
    ];
  });

  it('finds what dnf finds', async () => {
    let lines = 0;
    for (const query of queries) {
      const stdout = memoryOutput();
      const stderr = memoryOutput();
      const context = { program: 'coppice', env: {}, cwd: dir, stdin: { isTTY: false }, stdout, stderr };
      expect(await run(context, ['repo', 'query', dir, ...query])).toBe(0);
      // dnf writes epochs of zero.
      const sorted = (text: string): string[] =>
        [...new Set(text.replace(/-0:/g, '-').split('\n'))].filter((line) => line !== '').sort();
      const theirs = sorted(output('dnf', [...dnf, ...query]).toString());
      expect(sorted(stdout.text), query.join(' ')).toEqual(theirs);
      lines += theirs.length;
    }
    expect(lines).toBeGreaterThan(100);
  });
});
