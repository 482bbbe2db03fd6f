// Wrong input at every step of the journey: one clear line, the original's exit code, nothing lost or half-made.

import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateWorld } from '@coppice/lab';
import { armor, generateKey } from '@coppice/signing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingPrograms, type Ran, Scene } from './scene.ts';

const reason = missingPrograms('bwrap');

/** Exit status 1 and exactly one line on stderr, which matches. */
function oneLine(ran: Ran, pattern: RegExp, status = 1): void {
  expect(ran.stderr).toMatch(pattern);
  expect(ran.status, ran.stderr).toBe(status);
  expect(ran.stderr.trim().split('\n').length, ran.stderr).toBe(1);
  expect(ran.stderr).not.toMatch(/^\s+at /m);
}

describe('a wrong config', () => {
  const scene = new Scene();
  afterAll(() => scene.end());
  const put = (name: string, text: string): void => writeFileSync(join(scene.stage.dir, name), text);

  test('malformed YAML', () => {
    put('bad.yaml', 'variant: fcos\nversion: 1.0.0\nstorage: [\n');
    const ran = scene.host('fcct', ['-input', 'bad.yaml', '-output', 'out.json']);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/yaml: line \d+: /);
    expect(readdirSync(scene.stage.dir)).not.toContain('out.json');
  });
  test('an unknown key is a warning, with --strict an error', () => {
    put('unknown.yaml', 'variant: fcos\nversion: 1.0.0\nstorge: {}\n');
    const ran = scene.host('butane', ['unknown.yaml']);
    expect(ran.status).toBe(0);
    expect(ran.stderr).toContain('storge');
    expect(scene.host('butane', ['--strict', 'unknown.yaml']).status).toBe(1);
  });
  test('a world with a wrong key', () => {
    put('world.yaml', 'name: w\nnonsense: 1\n');
    oneLine(
      scene.host('coppice', ['lab', 'init', 'lab', '--spec', 'world.yaml']),
      /^error: world\.yaml\.nonsense: unknown key/,
    );
    expect(readdirSync(scene.stage.dir)).not.toContain('lab');
  });
  test('no such lab, no server, a taken name', () => {
    oneLine(scene.host('coppice', ['lab', 'serve', 'none']), /^error: none: not a lab; make one with: /);
    put('c.ign', '{"ignition":{"version":"3.0.0"}}');
    const create = ['instance', 'create', 'x', '--ignition', 'c.ign', '--stream', 'stable'];
    oneLine(scene.host('coppice', create), /^error: no server given/);
    oneLine(
      scene.host('coppice', [...create, '--from', 'http://127.0.0.1:1/']),
      /^error: .*127\.0\.0\.1:1.*(refused|connect)/i,
    );
    oneLine(scene.host('coppice', ['instance', 'exec', 'x', '--', 'true']), /^error: No instance named x/);
    oneLine(
      scene.host('coppice', [
        'instance',
        'create',
        '../x',
        '--ignition',
        'c.ign',
        '--stream',
        's',
        '--from',
        'http://127.0.0.1:1/',
      ]),
      /^error: /,
    );
  });
});

describe.skipIf(reason !== undefined)(`a wrong world ${reason ?? ''}`, () => {
  const scene = new Scene();
  const instances = (): string[] => readdirSync(join(scene.stage.env['XDG_DATA_HOME']!, 'coppice/instances'));
  const create = (name: string, ...more: string[]): Ran =>
    scene.host('coppice', ['instance', 'create', name, '--ignition', 'empty.ign', '--stream', 'stable', ...more]);
  let state: string;
  const snapshot = (): string =>
    scene.mustInside(
      'm',
      'rpm-ostree status --json; ostree refs | sort; ls -R /boot/loader/; ls /ostree/deploy /ostree/deploy/*/deploy',
    );

  beforeAll(async () => {
    const world = generateWorld(7);
    const broken = [
      { name: 'needs-nothing-there', evr: '1-1', requires: ['no-such-thing >= 2'] },
      { name: 'conflicts-with-base', evr: '1-1', conflicts: ['tools'] },
      { name: 'good-one', evr: '1-1' },
    ];
    await scene.lab({ world: { ...world, repository: [...world.repository, ...broken] } });
    scene.create('m');
    state = snapshot();
  });
  afterAll(() => scene.end());

  test('a missing package', () => {
    oneLine(scene.inside('m', 'rpm-ostree install no-such-package'), /^error: Packages not found: no-such-package$/m);
    expect(snapshot()).toBe(state);
  });
  test('an unsatisfiable package', () => {
    const ran = scene.inside('m', 'rpm-ostree install needs-nothing-there');
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(
      /^error: Could not depsolve transaction; 1 problem detected:\n Problem: conflicting requests\n {2}- nothing provides no-such-thing >= 2 needed by needs-nothing-there-1-1\.\S+ from \S+\n$/,
    );
    const conflict = scene.inside('m', 'rpm-ostree install conflicts-with-base');
    expect(conflict.status).toBe(1);
    expect(conflict.stderr).toMatch(/^error: Could not depsolve transaction; 1 problem detected:\n/);
    expect(snapshot()).toBe(state);
  });
  test('a wrong request', () => {
    oneLine(
      scene.inside('m', 'rpm-ostree uninstall no-such-package'),
      /^error: Package\/capability 'no-such-package' is not currently requested$/m,
    );
    oneLine(scene.inside('m', 'rpm-ostree rebase -b no-such-remote:x'), /^error: .*no-such-remote/);
    oneLine(scene.inside('m', 'rpm-ostree rollback'), /^error: No rollback deployment found$/m);
    oneLine(scene.inside('m', 'ostree refs --no-such-option'), /^error: Unknown option --no-such-option$/m);
    expect(snapshot()).toBe(state);
  });
  test('a stream that does not exist', () => {
    const ran = scene.host('coppice', ['instance', 'create', 'y', '--ignition', 'empty.ign', '--stream', 'none']);
    oneLine(ran, /^error: .*has no stream "none"; it has: stable, testing$/m);
    expect(instances()).toEqual(['m']);
  });
  test('a signature by another key', () => {
    const other = generateKey({ userId: 'Other <other@localhost>', created: 1_500_000_000 });
    writeFileSync(join(scene.stage.dir, 'other.asc'), armor('PUBLIC KEY BLOCK', other.publicKey));
    const ran = create('y', '--key', 'other.asc');
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/public key not found/);
    expect(instances()).toEqual(['m']);
  });
  test('a corrupt object on the server', () => {
    // An object that the stream certainly has: its package database.
    const ref = generateWorld(7).streams['stable']!.ref;
    const listed = scene.must('ostree', '--repo=lab/www/repo', 'ls', '-C', ref, '/usr/share/rpm/rpmdb.sqlite');
    const checksum = /[0-9a-f]{64}/.exec(listed)![0];
    const path = join(scene.stage.dir, `lab/www/repo/objects/${checksum.slice(0, 2)}/${checksum.slice(2)}.filez`);
    const good = readFileSync(path);
    const bad = Buffer.from(good);
    bad[bad.length >> 1]! ^= 0xff;
    writeFileSync(path, bad);
    const ran = create('y');
    writeFileSync(path, good);
    oneLine(ran, /^error: creating instance y: .*([Cc]orrupt|invalid|incorrect|decompress|unexpected|too far back)/);
    expect(instances()).toEqual(['m']);
    expect(create('y').status).toBe(0);
    scene.must('coppice', 'instance', 'delete', 'y');
  });
  test.skipIf(process.getuid?.() !== 0)('a full disk', () => {
    // A file system of 2 MB of its own, in a mount namespace of its own.
    mkdirSync(join(scene.dir, 'small'));
    const command = `mount -t tmpfs -o size=2m none ${scene.dir}/small && exec coppice instance create y --ignition empty.ign --stream stable --from ${scene.url}`;
    const ran = scene.host('unshare', ['-m', 'sh', '-c', command], { env: { XDG_DATA_HOME: `${scene.dir}/small` } });
    oneLine(ran, /^error: creating instance y: .*(No space left on device|min-free-space)/);
  });
  test.skipIf(process.getuid?.() !== 0)('a folder that cannot be written, as an ordinary user', () => {
    const dir = join(scene.dir, 'closed');
    mkdirSync(dir);
    chmodSync(dir, 0o755);
    const ran = scene.host('setpriv', [
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      'coppice',
      'lab',
      'init',
      join(dir, 'lab'),
    ]);
    if (/not found|Permission denied.*main/.test(ran.stderr) && ran.status === 127) return;
    oneLine(ran, /^error: .*Permission denied/i);
  });
  test('an unreachable server', async () => {
    await scene.stopServer();
    oneLine(scene.inside('m', 'rpm-ostree upgrade'), /^error: .*(Couldn't connect to server|Connection refused)/);
    oneLine(
      scene.inside('m', 'rpm-ostree install good-one'),
      /^error: .*(Couldn't connect to server|Connection refused|Cannot download)/,
    );
    expect(snapshot()).toBe(state);
  });
});
