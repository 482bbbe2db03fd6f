// The generator of units against those of ostree-boot 2022.7 and 2026.4, on the same kernel arguments, fstab and /sysroot: equal
// folders, byte by byte, and the same failures. The originals run in bubblewrap, where those files can be put in place.

import { spawnSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { messageOf } from '@coppice/base';
import { generateSystemUnits, sysrootCompat } from '@coppice/sysroot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Output of a script beside this folder; undefined when it was not run before: tests use no network. */
function judge(name: string): string | undefined {
  const result = spawnSync(join(import.meta.dirname, '../judges', name), ['--cached'], { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim() : undefined;
}
const boot = judge('ostree-boot.sh');
const unstable = judge('unstable.sh');
const usable = spawnSync('bwrap', ['--ro-bind', '/', '/', '--proc', '/proc', 'true']).status === 0;
const reason =
  boot === undefined || unstable === undefined
    ? 'the generators are not here; test/judges/ostree-boot.sh and unstable.sh fetch them'
    : usable
      ? undefined
      : 'bubblewrap cannot be used';

const generator = 'usr/lib/systemd/system-generators/ostree-system-generator';
const suites = [
  { level: '2022.7', suite: 'stable', unitPath: '/lib/systemd/system' },
  { level: '2026.4', suite: 'unstable', unitPath: '/usr/lib/systemd/system' },
] as const;

const plain = 'root=x rw ostree=/ostree/boot.1/deb-ian/abc/0 quiet\n';
/** Paths below the root: a text, null for a directory, `-> ` for a link. */
const worlds: Readonly<Record<string, Readonly<Record<string, string | null>>>> = {
  'a plain boot': { 'proc/cmdline': plain },
  'no argument': { 'proc/cmdline': 'root=x quiet\n' },
  'a boot directory of the root': { 'proc/cmdline': plain, boot: null, 'sysroot/boot/loader': '-> loader.0' },
  'a boot partition': { 'proc/cmdline': plain, boot: null, 'sysroot/boot': null },
  'no boot directory': { 'proc/cmdline': plain, 'sysroot/boot/loader': '-> loader.0' },
  'fstab with /var': { 'proc/cmdline': plain, 'etc/fstab': '# /dev/y /srv\n  /dev/x\t//var/ ext4 defaults 0 0\n' },
  'fstab without /var': {
    'proc/cmdline': plain,
    'etc/fstab': '#/dev/x /var\n/dev/x \\057var x\n/dev/y /var/log ext4\n',
  },
  '/var mounted already': { 'proc/cmdline': plain, 'run/ostree/initramfs-mount-var': '' },
  'an argument of another kind': { 'proc/cmdline': 'ostree=/elsewhere\n' },
  'two arguments': { 'proc/cmdline': 'ostree=/ostree/boot.0/a/b/0 ostree=/ostree/boot.1/c/d/1\n' },
};

function listing(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of (readdirSync(folder, { recursive: true }) as string[]).sort()) {
    const stat = lstatSync(join(folder, name));
    const mode = (stat.mode & 0o7777).toString(8);
    if (stat.isSymbolicLink()) found[name] = `-> ${readlinkSync(join(folder, name))}`;
    else found[name] = stat.isDirectory() ? `directory ${mode}` : `${mode} ${readFileSync(join(folder, name), 'utf8')}`;
  }
  return found;
}

describe.skipIf(reason !== undefined)(`the system generator${reason === undefined ? '' : `: ${reason}`}`, () => {
  let work: string;
  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), 'coppice-generator-'));
  });
  afterAll(() => rmSync(work, { recursive: true }));

  for (const { level, suite, unitPath } of suites)
    it.each(Object.entries(worlds))(`${level}: %s`, (_name, files) => {
      const base = mkdtempSync(join(work, 'w-'));
      const theirs = join(base, 'theirs');
      const own = join(base, 'ours');
      const root = join(base, 'root');
      for (const folder of [theirs, own, join(root, 'run/ostree'), join(root, 'etc')])
        mkdirSync(folder, { recursive: true });
      const all = { 'etc/fstab': '', ...files };
      const mounts: string[] = [];
      for (const [path, content] of Object.entries(all)) {
        const full = join(root, path);
        mkdirSync(content === null ? full : dirname(full), { recursive: true });
        if (content === null) mounts.push('--dir', `/${path}`);
        else if (content.startsWith('-> ')) {
          spawnSync('ln', ['-s', content.slice(3), full]);
          mounts.push('--symlink', content.slice(3), `/${path}`);
        } else {
          writeFileSync(full, content);
          if (!path.startsWith('run/')) mounts.push('--ro-bind', full, `/${path}`);
        }
      }
      // The originals remove the marker: they get the folder itself, before ours looks at a copy of it.
      spawnSync('cp', ['-a', join(root, 'run'), join(base, 'run')]);
      const libraries = `${unstable}/../root/usr/lib/x86_64-linux-gnu`;
      const program = join(boot!, suite, generator);
      const command =
        level === '2026.4'
          ? [`${libraries}/ld-linux-x86-64.so.2`, '--library-path', `${libraries}:/usr/lib/x86_64-linux-gnu`, program]
          : [program];
      const links = ['--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64'];
      const result = spawnSync(
        'bwrap',
        [
          ...['--ro-bind', '/usr', '/usr', ...links, '--proc', '/proc', '--dev', '/dev'],
          ...[
            '--bind',
            join(base, 'run'),
            '/run',
            '--ro-bind',
            boot!,
            boot!,
            '--ro-bind',
            join(unstable!, '..'),
            join(unstable!, '..'),
          ],
          ...[...mounts, '--bind', theirs, '/out', ...command, '/out', '/out', '/out'],
        ],
        { encoding: 'utf8' },
      );
      let failure = '';
      try {
        generateSystemUnits(own, { root, unitPath, compat: sysrootCompat(level) });
      } catch (error) {
        failure = `ostree-system-generator: ${messageOf(error)}\n`;
      }
      expect(failure).toBe(result.stderr);
      expect(result.status).toBe(failure === '' ? 0 : 1);
      const expected = listing(theirs);
      const found = listing(own);
      // The one difference that is meant: ours watches for staged deployments at every level.
      const watch = 'multi-user.target.wants/ostree-finalize-staged.path';
      if (level === '2026.4') delete found[watch];
      expect(found).toEqual(expected);
      expect(readdirSync(join(root, 'run/ostree'))).toEqual(readdirSync(join(base, 'run/ostree')));
    });
});
