// `coppice repo depsolve` beside `dnf install --assumeno`: seeded requests for packages of one repository bring the same packages,
// or neither can be met. COPPICE_DEBIAN_RPMS=300 COPPICE_DEPSOLVES=30 for a longer proof.
import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readPackage } from '@coppice/rpm';
import { beforeAll, describe, expect, it } from 'vitest';
import { memoryOutput } from '../../packages/coppice/src/cli/context.ts';
import { run } from '../../packages/coppice/src/coppice/main.ts';
import { debianCount, debianRpms } from '../judges/debian-rpms.ts';
import { dice } from './ostree-turns.ts';
import { missing, output, scratch } from './rpm-support.ts';

const reason = missing('dnf', 'createrepo_c', 'dpkg-query', 'rpmbuild');
const count = Number(process.env['COPPICE_DEPSOLVES'] ?? 5);

/** Packages in dnf's table as `name-[epoch:]version-release.arch`; undefined when it found none that fit together. */
function tableOf({ stdout, stderr }: { stdout: string; stderr: string }): string[] | undefined {
  const table = /={20,}\n.*\n={20,}\n(.*?)\nTransaction Summary/s.exec(stdout)?.[1];
  if (table === undefined) {
    expect(`${stdout}${stderr}`).toMatch(/Problem|Unable to find a match/);
    return undefined;
  }
  // Long names have a line of their own.
  const words = table
    .split('\n')
    .filter((line) => line.startsWith(' '))
    .join(' ')
    .trim()
    .split(/\s+/);
  const found: string[] = [];
  for (let i = 0; i < words.length; i += 6) found.push(`${words[i]}-${words[i + 2]}.${words[i + 1]}`);
  return found.sort();
}

describe.skipIf(reason !== undefined)(`repo depsolve${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let dir: string;
  let names: string[];
  let dnf: readonly string[];

  beforeAll(() => {
    dir = scratch();
    const files = debianRpms(debianCount);
    for (const file of files) copyFileSync(file, join(dir, basename(file)));
    names = files.map((file) => readPackage(file).header.getString(1000)!).sort();
    output('createrepo_c', ['-q', dir]);
    const options = { cachedir: join(dir, 'cache'), reposdir: '/nonexistent', 'x.gpgcheck': '0' };
    dnf = [
      ...[`--repofrompath=x,file://${dir}`, '--repo=x', '--releasever=1', `--installroot=${join(dir, 'root')}`],
      ...Object.entries(options).map(([name, value]) => `--setopt=${name}=${value}`),
      ...['--assumeno', 'install'],
    ];
  });

  it('brings what dnf brings', async () => {
    const roll = dice(11);
    const wrong: unknown[] = [];
    let solved = 0;
    for (let i = 0; i < count; i++) {
      const subjects = Array.from({ length: 1 + roll(3) }, () => names[roll(names.length)]!);
      const env = { ...process.env, LC_ALL: 'C.UTF-8' };
      const theirs = tableOf(spawnSync('dnf', [...dnf, ...subjects], { encoding: 'utf8', env }));
      const stdout = memoryOutput();
      const context = {
        program: 'coppice',
        env: {},
        cwd: dir,
        stdin: { isTTY: false },
        stdout,
        stderr: memoryOutput(),
      };
      const status = await run(context, ['repo', 'depsolve', '--repo', `x=${dir}`, '--json', ...subjects]);
      const { ok, install } = JSON.parse(stdout.text) as { ok: boolean; install?: { nevra: string }[] };
      expect(ok).toBe(status === 0);
      const ours = install?.map(({ nevra }) => nevra).sort();
      if (JSON.stringify(theirs) !== JSON.stringify(ours)) wrong.push({ subjects, theirs, ours });
      if (theirs !== undefined) solved++;
    }
    expect(wrong).toEqual([]);
    expect(solved).toBeGreaterThan(0);
  });
});
