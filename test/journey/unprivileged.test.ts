// The whole article as an ordinary user, in both ways that needs no root: owners kept inside a bare-user repository, and a
// bare repository in a namespace with a subordinate id range. CI is root, so both run through setpriv.

import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { removeTree } from '@coppice/linux';
import { afterEach, describe, expect, test } from 'vitest';
import { repositoryRoot } from './article.ts';
import { missingPrograms } from './scene.ts';

const reason =
  process.getuid?.() === 0 ? missingPrograms('bwrap', 'setpriv', 'script') : 'runs as root, to become other users';

/** Folders on the way to the repository that an ordinary user cannot enter. */
function closedFolders(): string[] {
  const out: string[] = [];
  for (let dir = repositoryRoot; dir !== '/'; dir = dirname(dir))
    if ((statSync(dir).mode & 0o005) !== 0o005) out.push(dir);
  return out;
}

describe.skipIf(reason !== undefined)(`the article without root ${reason ?? ''}`, () => {
  const made: string[] = [];
  afterEach(() => {
    for (const dir of made.splice(0)) removeTree(dir);
  });

  function play(
    uid: number,
    gid: number,
    more: Record<string, string> = {},
  ): { status: number; output: string; dir: string } {
    const dir = mkdtempSync(join(tmpdir(), 'coppice-user-'));
    made.push(dir);
    chmodSync(dir, 0o755);
    chownSync(dir, uid, gid);
    const env = {
      ...process.env,
      HOME: dir,
      COPPICE_START_DIR: join(dir, 'start'),
      NODE_COMPILE_CACHE: join(dir, 'cache'),
      XDG_CACHE_HOME: join(dir, 'xdg'),
      ...more,
    };
    const done = spawnSync(
      'setpriv',
      [
        `--reuid=${uid}`,
        `--regid=${gid}`,
        '--clear-groups',
        '--inh-caps=-all',
        process.execPath,
        '--conditions=source',
        join(repositoryRoot, 'scripts/start.ts'),
      ],
      { cwd: dir, env, encoding: 'utf8', maxBuffer: 64 << 20 },
    );
    return { status: done.status ?? 128, output: done.stdout + done.stderr, dir };
  }

  /** The lines that show it worked, of which each must be there. */
  const shown = [
    /^ {2}NetworkManager 1:1\.20\.8-1\.fc31 -> 1:1\.20\.10-1\.fc31$/m,
    /^Moving '[0-9a-f]{64}\.0' to be first deployment$/m,
    /^ {11}LayeredPackages: buildah tcpdump$/m,
    /^\* fedora-coreos [0-9a-f]{64}\.0$/m,
    /^-00755 0 0 +\d+ \/usr\/bin\/buildah$/m,
    /^Played in \d+ s\./m,
  ];

  test('as nobody: a bare-user repository', (context) => {
    const closed = closedFolders();
    if (closed.length > 0 && process.env['CI'] === undefined) context.skip(`${closed[0]} is closed to other users`);
    const { status, output, dir } = play(65534, 65534);
    expect(status, output.slice(-3000)).toBe(0);
    for (const line of shown) expect(output).toMatch(line);
    const repo = join(dir, 'start/data/coppice/instances/fcos/sysroot/ostree/repo');
    expect(readFileSync(join(repo, 'config'), 'utf8')).toContain('mode=bare-user\n');
    for (const args of [
      ['fsck', '-q', `--repo=${repo}`],
      ['admin', 'status', `--sysroot=${dirname(dirname(repo))}`],
    ]) {
      const judged = spawnSync(
        'setpriv',
        ['--reuid=65534', '--regid=65534', '--clear-groups', '/usr/bin/ostree', ...args],
        { encoding: 'utf8', env: { ...process.env, HOME: dir } },
      );
      expect(judged.status, judged.stderr).toBe(0);
    }
    expect(statSync(join(repo, 'config')).uid).toBe(65534);
  });

  test('as a user with a subordinate range: a bare repository with real owners', (context) => {
    const missing = missingPrograms('newuidmap', 'useradd');
    if (missing !== undefined) context.skip(missing);
    const name = 'coppice-journey';
    spawnSync('userdel', ['-r', name]);
    const added = spawnSync('useradd', ['-m', '--add-subids-for-system', '--system', name], { encoding: 'utf8' });
    expect(added.status, added.stderr).toBe(0);
    try {
      const [, , uid, gid] = readFileSync('/etc/passwd', 'utf8')
        .split('\n')
        .find((line) => line.startsWith(`${name}:`))!
        .split(':');
      const { status, output, dir } = play(Number(uid), Number(gid), { USER: name, LOGNAME: name });
      expect(status, output.slice(-3000)).toBe(0);
      for (const line of shown) expect(output).toMatch(line);
      const repo = join(dir, 'start/data/coppice/instances/fcos/sysroot/ostree/repo');
      expect(readFileSync(join(repo, 'config'), 'utf8')).toContain('mode=bare\n');
      // A file that belongs to user 1000 inside has an id of the range outside.
      const home = statSync(
        join(dir, 'start/data/coppice/instances/fcos/sysroot/ostree/deploy/fedora-coreos/var/home/core'),
      );
      expect(home.uid).toBeGreaterThan(65536);
    } finally {
      spawnSync('userdel', ['-r', name]);
    }
  });
});
