// `coppice rpm verify -V` against `rpm -V` on a root whose files were changed in every way it tells of.
import {
  appendFileSync,
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { hostFs } from '@coppice/linux';
import { buildPackage, type FileSpec } from '@coppice/rpm';
import { encodeFileCapabilities } from '@coppice/rpm-ostree';
import { beforeAll, describe, expect, it } from 'vitest';
import { memoryOutput } from '../../packages/coppice/src/cli/context.ts';
import { run } from '../../packages/coppice/src/coppice/main.ts';
import { call, missing, output, scratch } from './rpm-support.ts';

const reason = missing('rpm') ?? (process.getuid?.() === 0 ? undefined : 'needs root');

const common = { version: '1', release: '1', arch: 'noarch', summary: 'x', license: 'MIT' } as const;
const plain = ['size', 'digest', 'mode', 'mtime', 'owner', 'group', 'nobody', 'gone', 'type', 'caps2', 'fine'];
const inPlaceOfDirectory = ['loop', 'file'];
const files: FileSpec[] = [
  ...plain.map((name): FileSpec => ({ path: `/usr/v/${name}`, content: 'abc' })),
  ...inPlaceOfDirectory.map((name): FileSpec => ({ path: `/usr/v/${name}/x`, content: 'abc' })),
  ...['dir1', 'dir2', 'dir3'].map((name): FileSpec => ({ path: `/usr/v/${name}`, type: 'directory' })),
  ...['caps', 'caps3'].map((name): FileSpec => ({ path: `/usr/v/${name}`, content: 'abc', caps: 'cap_net_raw=ep' })),
  { path: '/usr/v/link', target: 'abc' },
  { path: '/usr/v/nolink', target: 'abc' },
  { path: '/etc/v.conf', content: 'abc', config: true },
  { path: '/etc/gone.conf', content: 'abc', config: 'noreplace' },
  { path: '/usr/share/doc/v', content: 'abc', doc: true },
  { path: '/usr/share/licenses/v', content: 'abc', license: true },
  { path: '/usr/ghost', content: '', ghost: true },
  { path: '/usr/ghost2', content: '', ghost: true },
];
const requires = [
  ...['nothing >= 2', '(a or b)', '/usr/bin/none', '/usr/v/fine', 'v = 1', '(a if v)', '(a if b)', '(v unless b)'],
  ...['(a unless v else v)', '(v with other)', '(v without other)', '(other with other2)'],
];

/** A root with packages installed by rpm and then spoilt. */
function spoiltRoot(dir: string): string {
  const root = join(dir, 'root');
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/:/x\nbin:x:1:1::/:/x\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nbin:x:1:\n');
  const packages = [
    buildPackage({ ...common, name: 'v', files, requires }),
    buildPackage({ ...common, name: 'other', files: [{ path: '/usr/share/doc/v', content: 'abc', mtime: 5 }] }),
    buildPackage({ ...common, name: 'other2', provides: ['other'], files: [] }),
  ];
  packages.forEach((built, i) => {
    const file = join(dir, `${i}.rpm`);
    writeFileSync(file, built.bytes());
    output('rpm', ['-i', '--root', root, '--dbpath', '/usr/share/rpm', '--nodeps', '--force-debian', '--force', file]);
  });
  const at = (name: string): string => join(root, 'usr/v', name);
  appendFileSync(at('size'), 'more');
  writeFileSync(at('digest'), 'abd');
  utimesSync(at('digest'), 0, 0);
  chmodSync(at('mode'), 0o600);
  utimesSync(at('mtime'), 12345, 12345);
  chownSync(at('owner'), 1, 0);
  chownSync(at('group'), 0, 1);
  chownSync(at('nobody'), 4242, 4243);
  for (const name of ['link', 'nolink', 'gone', 'type']) unlinkSync(at(name));
  for (const name of ['dir1', 'dir2', 'dir3', ...inPlaceOfDirectory]) rmSync(at(name), { recursive: true });
  symlinkSync('abd', at('link'));
  writeFileSync(at('nolink'), 'x');
  mkdirSync(at('type'));
  mkdirSync(at('real'));
  symlinkSync('/usr/v/real', at('dir1'));
  lchownSync(at('dir1'), 1, 0);
  symlinkSync('real', at('dir2'));
  symlinkSync('nowhere', at('dir3'));
  symlinkSync('loop', at('loop'));
  writeFileSync(at('file'), 'x');
  hostFs.removexattr(at('caps'), 'security.capability');
  hostFs.setxattr(at('caps2'), 'security.capability', encodeFileCapabilities('cap_chown=ep')!);
  hostFs.setxattr(at('caps3'), 'security.capability', encodeFileCapabilities('cap_chown,cap_net_raw=ep')!);
  appendFileSync(join(root, 'etc/v.conf'), 'x');
  renameSync(join(root, 'etc/gone.conf'), join(root, 'etc/went.conf'));
  utimesSync(join(root, 'usr/share/doc/v'), 9, 9);
  chmodSync(join(root, 'usr/share/licenses/v'), 0o600);
  writeFileSync(join(root, 'usr/ghost'), 'x', { mode: 0o600 });
  return root;
}

describe.skipIf(reason !== undefined)(`rpm -V${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let root: string;
  beforeAll(() => {
    root = spoiltRoot(scratch());
  });

  it('says the same, with the same exit status', async () => {
    for (const args of [
      ['v'],
      ['-v', 'v'],
      ['-a'],
      ['-a', 'o*'],
      ['none', 'v', 'other2'],
      ['--nodeps', 'v'],
      ['--nofiles', 'v'],
      ...[
        'nofiledigest',
        'nomd5',
        'nosize',
        'nolinkto',
        'nouser',
        'nogroup',
        'nomtime',
        'nomode',
        'nordev',
        'nocaps',
      ].map((name) => ['--nodeps', `--${name}`, 'v']),
      ...['noghost', 'noconfig', '-c', '-d', '-L'].map((name) => [
        '-v',
        name.startsWith('-') ? name : `--${name}`,
        '--nodeps',
        'v',
      ]),
      ['-f', '/usr/v/fine', '/usr/share/doc/v'],
      ['-f', '/nowhere'],
      ['-f', '/usr/v'],
    ]) {
      const theirs = call('rpm', ['-V', '--root', root, '--dbpath', '/usr/share/rpm', ...args]);
      const [stdout, stderr] = [memoryOutput(), memoryOutput()];
      const context = { program: 'coppice', env: {}, cwd: '/', stdin: { isTTY: false }, stdout, stderr };
      const status = await run(context, ['rpm', 'verify', '-V', '--root', root, ...args]);
      expect(stdout.text, args.join(' ')).toBe(theirs.stdout.toString());
      expect(stderr.text, args.join(' ')).toBe(theirs.stderr.toString());
      expect(status, args.join(' ')).toBe(theirs.status);
    }
  });
});
