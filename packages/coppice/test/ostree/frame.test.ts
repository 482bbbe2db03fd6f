import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pathnameFilter } from '../../src/ostree/pathname-filter.ts';
import { ostree, scratch } from './call.ts';

// Expected texts were printed by ostree 2022.7.
describe('arguments', () => {
  const folder = scratch();

  it('takes the first word without a dash as the command', async () => {
    await ostree(folder, ['--repo=r', 'init', '--mode=archive']);
    expect(await ostree(folder, ['--repo', 'refs', 'r'])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect((await ostree(folder, ['rev-parse', '--repo=r', 'x'])).stderr).toBe("error: Refspec 'x' not found\n");
  });

  it('explains what is missing', async () => {
    const none = await ostree(folder, []);
    expect(none.status).toBe(1);
    expect(none.stdout).toBe('');
    expect(none.stderr).toMatch(/^Usage:\n {2}ostree \[OPTION…\] COMMAND\n\nBuiltin Commands:\n {2}admin {13}Commands/);
    expect(none.stderr).toMatch(/\n\nerror: No command specified\n$/);
    const unknown = await ostree(folder, ['nosuch']);
    expect(unknown.stderr).toMatch(/error: Unknown command 'nosuch'\n$/);
    const repo = await ostree(folder, ['refs']);
    expect(repo.stderr).toMatch(/exit\n\nerror: Command requires a --repo argument\n$/);
    const operand = await ostree(folder, ['--repo=r', 'rev-parse']);
    expect(operand.stderr).toMatch(/exit\n\n\nerror: REV must be specified\n$/);
  });

  it.each([
    [['--repo=nope', 'refs'], `error: opening repo: opendir(${join(folder, 'nope')}): No such file or directory\n`],
    [['--repo=r', 'prune', '--depth=xx'], 'error: Cannot parse integer value “xx” for --depth\n'],
    [['--repo=r', 'prune', '--depth'], 'error: Missing argument for --depth\n'],
    [['--repo=r', 'ls', '-RZ', 'x'], 'error: Unknown option -RZ\n'],
  ])('%j', async (args, stderr) => {
    expect(await ostree(folder, args)).toEqual({ status: 1, stdout: '', stderr });
  });

  it('tells its release by the level', async () => {
    expect((await ostree(folder, ['--version'])).stdout).toMatch(
      /^libostree:\n Version: '2022.7'\n Features:\n {2}- libcurl\n/,
    );
    expect((await ostree(folder, ['--version'], {})).stdout).toContain("Version: '2026.4'");
    expect((await ostree(folder, ['--version'], { COPPICE_ERA: '2020' })).stdout).toContain("Version: '2019.6'");
    expect((await ostree(folder, ['--version'], { COPPICE_COMPAT: 'ostree=1' })).stderr).toContain(
      'no level 1 of ostree',
    );
  });

  it('runs external verbs from PATH', async () => {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'ostree-fail'), '#!/bin/sh\nexit 7\n');
    chmodSync(join(bin, 'ostree-fail'), 0o755);
    expect((await ostree(folder, ['fail', 'x'], { PATH: bin })).status).toBe(7);
  });
});

describe('local verbs', () => {
  const folder = scratch();
  const sum = '87a1799a138a423b584c7e78c08c58231fb69d7e71e529525efc88305befe0a1';

  it('make the golden commit and show it', async () => {
    mkdirSync(join(folder, 'tree/d'), { recursive: true });
    for (const [name, text, mode] of [
      ['a.txt', 'hi\n', 0o644],
      ['d/run', 'x', 0o755],
      ['empty', '', 0o644],
    ] as const) {
      writeFileSync(join(folder, 'tree', name), text);
      chmodSync(join(folder, 'tree', name), mode);
    }
    for (const name of ['tree', 'tree/d']) chmodSync(join(folder, name), 0o755);
    const { symlinkSync } = await import('node:fs');
    symlinkSync('a.txt', join(folder, 'tree/lnk'));
    await ostree(folder, ['--repo=r', 'init', '--mode=archive']);
    const commit = [
      '--repo=r',
      'commit',
      '-b',
      'main',
      '-s',
      'sub',
      '-m',
      'body',
      '--canonical-permissions',
      '--no-xattrs',
    ];
    const made = await ostree(folder, [
      ...commit.map((word) => word.replace('--repo=r', `--repo=${join(folder, 'r')}`)),
      '--timestamp=@1700000000',
      '--add-metadata-string=version=1.0',
      `--tree=dir=${join(folder, 'tree')}`,
    ]);
    expect(made).toEqual({ status: 0, stdout: `${sum}\n`, stderr: '' });
    const shown = await ostree(folder, ['--repo=r', 'show', 'main']);
    expect(shown.stdout).toBe(
      `commit ${sum}\nContentChecksum:  2fef10be0e78602430eaca85c3188907f8fa2ab216e474a88725011297976621\n` +
        'Date:  2023-11-14 22:13:20 +0000\nVersion: 1.0\n\n    sub\n\n    body\n\n',
    );
    expect((await ostree(folder, ['--repo=r', 'ls', '-R', 'main'])).stdout).toBe(
      'd00755 0 0      0 /\n-00644 0 0      3 /a.txt\n-00644 0 0      0 /empty\nl00777 0 0      0 /lnk -> a.txt\n' +
        'd00755 0 0      0 /d\n-00755 0 0      1 /d/run\n',
    );
    expect((await ostree(folder, ['--repo=r', 'cat', 'main', '/lnk'])).stdout).toBe('hi\n');
    expect((await ostree(folder, ['--repo=r', 'fsck', '-q'])).stdout).toBe(
      'fsck objects (1/8) 12%\nfsck objects (8/8) 100%\nobject fsck of 1 commits completed successfully - no errors found.\n',
    );
    expect((await ostree(folder, ['--repo=r', 'prune'])).stdout).toBe('Total objects: 8\nNo unreachable objects\n');
  });
});

describe('pathname filter', () => {
  it.each([
    ['^usr/bin/,usr/sbin/', 'usr/bin/foo', 'usr/sbin/foo'],
    ['^,foo/', 'a', 'foo/a'],
    ['(\\w+)/(\\w+),\\2/\\1', 'a/b', 'b/a'],
    ['x,\\g<0>y', 'axa', 'axya'],
  ])('%s on %s', (filter, path, result) => {
    expect(pathnameFilter(filter)(path)).toBe(result);
  });
  it('needs a comma', () => {
    expect(() => pathnameFilter('foo')).toThrow("Missing ',' in --tar-pathname-filter");
  });
});
