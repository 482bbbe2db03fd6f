// Broken sysroots: `coppice sysroot check` explains each and names a command that mends it. The commands are run with the
// original's `ostree`; afterwards nothing is left to complain about and the original's status works.

import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { memoryOutput } from '../../packages/coppice/src/cli/context.ts';
import { run as coppice } from '../../packages/coppice/src/coppice/main.ts';
import { baseTree, discard, env, must, original, skipReason, temporaryFolder, writeTree } from './sysroot-support.ts';

interface Found {
  readonly code: string;
  readonly severity: 'fatal' | 'error' | 'note';
  readonly path: string;
  readonly command: string | null;
}

const schema = (name: string): object =>
  JSON.parse(readFileSync(new URL(`../../packages/sysroot/schemas/${name}.schema.json`, import.meta.url), 'utf8'));
const ajv = new Ajv2020({ strict: false, allErrors: true });
const valid = { check: ajv.compile(schema('sysroot-check')), plan: ajv.compile(schema('sysroot-plan')) };

describe.skipIf(skipReason !== undefined)(`broken sysroots${skipReason === undefined ? '' : `: ${skipReason}`}`, () => {
  let work: string;
  let path: string;

  beforeAll(() => {
    work = temporaryFolder();
    path = join(work, 's');
    const base = join(work, 'base');
    mkdirSync(base);
    must(original(['admin', 'init-fs', 'base'], work));
    must(original(['admin', 'os-init', '--sysroot=base', 'os'], work));
    writeTree(join(work, 'tree'), baseTree);
    for (const version of ['1', '2', '3']) {
      writeFileSync(join(work, 'tree/usr/lib/release-number'), version);
      writeFileSync(join(work, 'tree/usr/lib/modules/6.1.0/vmlinuz'), `kernel ${version === '3' ? '2' : version}`);
      must(original(['commit', '--repo=base/ostree/repo', '-b', 'main', '--tree=dir=tree'], work));
      const kargs = version === '1' ? ['--karg=root=LABEL=root', '--karg=quiet'] : [];
      must(original(['admin', 'deploy', '--sysroot=base', '--os=os', ...kargs, 'main'], work, real));
    }
  });
  afterEach(() => discard(path));
  afterAll(() => discard(work));

  /** The immutable flag counts here. */
  const real = { OSTREE_SYSROOT_DEBUG: '' };

  async function json(...args: string[]): Promise<unknown> {
    const [stdout, stderr] = [memoryOutput(), memoryOutput()];
    const settings = { ...env, COPPICE_COMPAT: 'ostree=2022.7' };
    const context = { program: 'coppice', env: settings, cwd: work, stdin: { isTTY: false }, stdout, stderr };
    await coppice(context, ['sysroot', ...args, '--json']);
    return JSON.parse(stdout.text);
  }
  async function check(): Promise<Found[]> {
    const value = await json('check', '--sysroot', path, '--deep');
    expect(valid.check(value), JSON.stringify(valid.check.errors)).toBe(true);
    return [...(value as { findings: Found[] }).findings];
  }
  const entries = (): string[] => readdirSync(join(path, 'boot/loader/entries')).sort();
  const entryFile = (n: number): string => join(path, 'boot/loader/entries', entries().at(-1 - n)!);
  const edit = (file: string, change: (text: string) => string): void =>
    writeFileSync(file, change(readFileSync(file, 'utf8')));
  /** Path of a deployment's tree, as its entry leads to it. */
  const tree = (n: number): string => {
    const link = / ostree=(\S+)/.exec(readFileSync(entryFile(n), 'utf8').replace('options ', 'options  '))![1]!;
    return join(path, link, '..', readlinkSync(join(path, link)));
  };
  const version = (): string => readlinkSync(join(path, 'boot/loader')).slice(-1);
  const mutable = (n: number): string => {
    spawnSync('chattr', ['-i', tree(n)]);
    return tree(n);
  };
  const bootDirectory = (n: number): string =>
    join(path, 'boot', /^linux (\S+)\/[^/]+$/m.exec(readFileSync(entryFile(n), 'utf8'))![1]!);
  const remove = (target: string): void => rmSync(target, { recursive: true });

  const cases: Record<string, { code: string; severity: Found['severity']; breaks(): void }> = {
    'the default kernel is gone': {
      code: 'kernel-missing',
      severity: 'fatal',
      breaks: () => remove(join(bootDirectory(0), 'vmlinuz-6.1.0')),
    },
    'the initramfs of the way back is gone': {
      code: 'initramfs-missing',
      severity: 'fatal',
      breaks: () => remove(join(bootDirectory(1), 'initramfs-6.1.0.img')),
    },
    'a kernel was changed': {
      code: 'boot-checksum',
      severity: 'error',
      breaks: () => {
        const file = join(bootDirectory(0), 'vmlinuz-6.1.0');
        const text = readFileSync(file);
        remove(file);
        writeFileSync(file, `${text}damaged`);
      },
    },
    'boot/loader is gone': {
      code: 'loader-link',
      severity: 'fatal',
      breaks: () => remove(join(path, 'boot/loader')),
    },
    'boot/loader dangles': {
      code: 'loader-link',
      severity: 'fatal',
      breaks: () => {
        const other = version() === '0' ? '1' : '0';
        remove(join(path, 'boot/loader'));
        symlinkSync(`loader.${other}`, join(path, 'boot/loader'));
      },
    },
    'boot/loader is a directory': {
      code: 'loader-link',
      severity: 'fatal',
      breaks: () => {
        remove(join(path, 'boot/loader'));
        mkdirSync(join(path, 'boot/loader/entries'), { recursive: true });
      },
    },
    'the link of the boot version is gone': {
      code: 'boot-link',
      severity: 'fatal',
      breaks: () => remove(join(path, `ostree/boot.${version()}`)),
    },
    'a swap was prepared and not made': {
      code: 'half-swap',
      severity: 'note',
      breaks: () => {
        const other = version() === '0' ? '1' : '0';
        cpSync(join(path, `boot/loader.${version()}`), join(path, `boot/loader.${other}`), { recursive: true });
        symlinkSync(`loader.${other}`, join(path, 'boot/loader.tmp'));
      },
    },
    'the default entry leads to another boot version': {
      code: 'entry-boot-version',
      severity: 'fatal',
      breaks: () =>
        edit(entryFile(0), (text) => text.replace(/ostree\/boot\.[01]/, `ostree/boot.${version() === '0' ? 1 : 0}`)),
    },
    'an entry has no ostree=': {
      code: 'entry-argument',
      severity: 'fatal',
      breaks: () => edit(entryFile(0), (text) => text.replace(/ostree=\S+/, '')),
    },
    'an entry has two ostree=': {
      code: 'kernel-arguments',
      severity: 'fatal',
      breaks: () => edit(entryFile(0), (text) => text.replace(/^options /m, 'options ostree=/ostree/boot.0/os/x/0 ')),
    },
    'an entry names two root file systems': {
      code: 'kernel-arguments',
      severity: 'error',
      breaks: () => edit(entryFile(0), (text) => text.replace(/^options /m, 'options root=/dev/gone ')),
    },
    'two entries have one version': {
      code: 'entry-version',
      severity: 'error',
      breaks: () => edit(entryFile(1), (text) => text.replace('version 1', 'version 2')),
    },
    'the tree of the default is gone': {
      code: 'deployment-missing',
      severity: 'fatal',
      breaks: () => remove(mutable(0)),
    },
    'the tree of the way back is gone': {
      code: 'deployment-missing',
      severity: 'error',
      breaks: () => remove(mutable(1)),
    },
    'the stateroot is gone': {
      code: 'stateroot-missing',
      severity: 'fatal',
      breaks: () => {
        mutable(0);
        mutable(1);
        remove(join(path, 'ostree/deploy/os'));
      },
    },
    'a tree has no /etc': { code: 'etc-missing', severity: 'fatal', breaks: () => remove(join(mutable(0), 'etc')) },
    'an origin is gone': { code: 'origin-missing', severity: 'error', breaks: () => remove(`${tree(0)}.origin`) },
    'an origin cannot be read': {
      code: 'origin-unreadable',
      severity: 'error',
      breaks: () => writeFileSync(`${tree(0)}.origin`, 'refspec=\0main\n'),
    },
    'an object is gone': {
      code: 'object-missing',
      severity: 'error',
      breaks: () => {
        const sum = must(original(['ls', '-C', '--repo=s/ostree/repo', 'main', '/usr/lib/release-number'], work)).split(
          /\s+/,
        )[4]!;
        remove(join(path, `ostree/repo/objects/${sum.slice(0, 2)}/${sum.slice(2)}.file`));
      },
    },
    'nothing keeps a commit': {
      code: 'ref-missing',
      severity: 'error',
      breaks: () => remove(join(path, 'ostree/repo/refs/heads/ostree')),
    },
    'a deployment that no entry starts': {
      code: 'leftover-deployment',
      severity: 'note',
      breaks: () => {
        const name = tree(0).replace(/\.0$/, '.7');
        spawnSync('cp', ['-a', tree(0), name]);
        spawnSync('cp', ['-a', `${tree(0)}.origin`, `${name}.origin`]);
      },
    },
    'a kernel that no entry starts': {
      code: 'leftover-kernel',
      severity: 'note',
      breaks: () => spawnSync('cp', ['-a', bootDirectory(0), join(path, `boot/ostree/os-${'0'.repeat(64)}`)]),
    },
    'a finalization that failed': {
      code: 'finalize-failed',
      severity: 'error',
      breaks: () => writeFileSync(join(path, 'boot/ostree/finalize-failure.stamp'), 'During /etc merge: no\n'),
    },
    'the immutable flag was taken away': { code: 'not-immutable', severity: 'note', breaks: () => mutable(0) },
    'an image of composefs is not that of the commit': {
      code: 'composefs-image',
      severity: 'fatal',
      breaks: () => appendFileSync(join(mutable(0), '.ostree.cfs'), 'not an image'),
    },
  };

  it.each(Object.entries(cases))('%s', async (_name, { code, severity, breaks }) => {
    spawnSync('cp', ['-a', join(work, 'base'), path]);
    for (const n of [0, 1]) spawnSync('chattr', ['+i', tree(n)]);
    expect(await check()).toEqual([]);
    breaks();
    const first = await check();
    expect(first.map((found) => `${found.severity} ${found.code}`)).toContain(`${severity} ${code}`);
    // Worst first; a command may also mend what comes after it, or bring up what it hid.
    for (let round = 0; round < 8; round++) {
      const [found] = (await check()).sort((a, b) => rank(a) - rank(b));
      if (found === undefined) break;
      expect(found.command, JSON.stringify(found)).not.toBeNull();
      const mend = spawnSync('sh', ['-c', found.command!], { cwd: work, env: { ...env, ...real }, encoding: 'utf8' });
      expect(mend.status, `${found.command}: ${mend.stderr}`).toBe(0);
    }
    expect(await check()).toEqual([]);
    expect(must(original(['admin', 'status', '--sysroot=s'], work))).toContain('os ');
    expect(readFileSync(entryFile(0), 'utf8')).toMatch(/^options root=LABEL=root quiet ostree=/m);
  });
  const rank = ({ severity }: Found): number => ['fatal', 'error', 'note'].indexOf(severity);

  it('prints plans by the published schema', async () => {
    spawnSync('cp', ['-a', join(work, 'base'), path]);
    writeFileSync(join(tree(0), 'etc/mine'), 'mine\n');
    const plan = await json('plan', '--sysroot', path, '--os', 'os', 'main');
    expect(valid.plan(plan), JSON.stringify(valid.plan.errors)).toBe(true);
    expect((plan as { etc: { path: string }[] }).etc.map((change) => change.path)).toContain('mine');
    renameSync(join(path, 'boot/loader'), join(path, 'boot/aside'));
    symlinkSync('loader.7', join(path, 'boot/loader'));
    const plans = json('plan', '--sysroot', path, '--os', 'os', 'main');
    await expect(plans).rejects.toThrow(`\`coppice sysroot check --sysroot=${path}\` explains it`);
    rmSync(join(path, 'boot/loader'));
    renameSync(join(path, 'boot/aside'), join(path, 'boot/loader'));
    renameSync(join(path, 'ostree/repo/refs/heads/main'), join(path, 'ostree/repo/refs/heads/other'));
    await expect(json('plan', '--sysroot', path, '--os', 'os', 'main')).rejects.toThrow();
  });
});
