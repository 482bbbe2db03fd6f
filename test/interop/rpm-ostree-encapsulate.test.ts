// Images that follow an earlier build: layers whose packages did not change keep their digests, so that skopeo and the
// registry move only the others; and everything that goes into an image's configuration.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PackageSpec } from '@coppice/rpm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  bootable,
  ComposeFolder,
  composeTime,
  simplePackage,
  TestRegistry,
  textFile,
} from './rpm-ostree-compose-support.ts';
import { original, skipReason } from './rpm-ostree-support.ts';

const reason = skipReason('/usr/bin/ostree', 'createrepo_c', 'bwrap', 'skopeo', 'docker-registry', 'tar');
const count = 120;
const changed = 30;

interface Layer {
  readonly digest: string;
  readonly size: number;
  readonly annotations: { readonly 'ostree.components': string };
}

/** The same bytes for the same words, hard to compress. */
function noise(seed: string, length: number): string {
  let state = 0;
  for (const c of seed) state = (Math.imul(state, 31) + c.charCodeAt(0)) >>> 0;
  let out = '';
  while (out.length < length) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out += state.toString(36);
  }
  return out.slice(0, length);
}

/** Packages of different sizes and habits; of the second build every fourth is newer, one is gone and two have come. */
function packages(build: 1 | 2): PackageSpec[] {
  const of = (i: number): PackageSpec => {
    const name = `part-${String(i).padStart(3, '0')}`;
    const release = build === 2 && i % 4 === 0 && i / 4 < changed ? '2' : '1';
    const size = i % 17 === 0 ? 60_000 : i % 5 === 0 ? 8000 : 700 + 31 * i;
    return simplePackage(
      name,
      [
        textFile(`/usr/share/${name}/data`, noise(`${name}-${release}`, size)),
        textFile(`/usr/share/${name}/empty`, ''),
        textFile(`/usr/share/${name}/license`, 'The same words in every package.\n'),
      ],
      {
        release,
        changelog: Array.from({ length: i % 7 }, (_, n) => ({
          time: composeTime - 86_400 * (n + 1),
          author: 'A <a@example.org>',
          text: '- a change',
        })),
      },
    );
  };
  const all = Array.from({ length: count }, (_, i) => of(i));
  return build === 1
    ? all
    : [
        ...all.filter((p) => p.name !== 'part-050'),
        simplePackage('added', [textFile('/usr/share/added', 'new\n')]),
        of(900),
      ];
}

describe.skipIf(reason !== undefined)(`encapsulated images ${reason ?? ''}`, () => {
  let folder: ComposeFolder;
  let registry: TestRegistry;

  const encapsulate = (...args: string[]): Promise<string> =>
    folder.must('compose', 'container-encapsulate', '--repo=repo', ...args);
  const inspect = (image: string, ...args: string[]): string => original('skopeo', 'inspect', ...args, image);
  const layersOf = (image: string): Layer[] =>
    (JSON.parse(inspect(image, '--raw', '--tls-verify=false')) as { layers: Layer[] }).layers;
  const oci = (tag: string): string => `oci:${join(folder.dir, 'images')}:${tag}`;

  beforeAll(async () => {
    folder = new ComposeFolder('encapsulate');
    registry = await TestRegistry.start(folder.dir);
    for (const build of [1, 2] as const) {
      const parts = packages(build);
      folder.publish(`build${build}`, [...ComposeFolder.world('base'), ...parts]);
      folder.write(
        `build${build}.yaml`,
        `${bootable}repos: [build${build}]\nref: test/${build}\npackages-x86_64: [${parts.map((p) => p.name).join(', ')}]\nautomatic-version-prefix: "1.${build}"\nadd-commit-metadata: {stage: test, number: 7}\n`,
      );
      const ran = await folder.tree(`build${build}.yaml`);
      expect(ran.stderr).toBe('');
    }
  });
  afterAll(() => {
    registry.stop();
    folder.end();
  });

  test('a second build with 30 changed packages: unchanged layers keep their digests, and only the others are moved', async () => {
    await encapsulate('--max-layers=24', 'test/1', oci('1'));
    folder.write('previous.json', inspect(oci('1'), '--raw'));
    await encapsulate('--max-layers=24', '--previous-build-manifest=previous.json', 'test/2', oci('2'));
    const [first, second] = [layersOf(oci('1')), layersOf(oci('2'))];
    expect(second).toHaveLength(first.length);
    const names = (layer: Layer): string[] => layer.annotations['ostree.components'].split(',').filter((n) => n !== '');
    const other = new Set(['part-050', 'added', 'part-900', 'rpmostree-unpackaged-content', 'initramfs']);
    for (let i = 0; i < changed; i++) other.add(`part-${String(4 * i).padStart(3, '0')}`);
    let kept = 0;
    for (const [i, layer] of first.entries()) {
      if (i === 0) continue;
      expect(names(second[i]!).filter((n) => !other.has(n))).toEqual(names(layer).filter((n) => !other.has(n)));
      if (i < first.length - 1 && !names(layer).some((n) => other.has(n))) {
        expect(second[i]!.digest, names(layer).join()).toBe(layer.digest);
        kept += 1;
      }
    }
    expect(kept).toBeGreaterThan(5);
    expect(names(second.at(-1)!)).toEqual(['added', 'part-900']);
    // Moved by skopeo through a registry into a layout that has the first build.
    const to = (tag: string): string => `docker://${registry.host}/os:${tag}`;
    const cache = (tag: string): string => `oci:${join(folder.dir, 'cache-images')}:${tag}`;
    for (const tag of ['1', '2']) original('skopeo', 'copy', '-q', '--dest-tls-verify=false', oci(tag), to(tag));
    original('skopeo', 'copy', '-q', '--src-tls-verify=false', to('1'), cache('1'));
    const before = registry.sent();
    original('skopeo', 'copy', '-q', '--src-tls-verify=false', to('2'), cache('2'));
    const have = new Set(first.map((l) => l.digest));
    const fresh = second.filter((l) => !have.has(l.digest)).reduce((n, l) => n + l.size, 0);
    const config = (JSON.parse(inspect(oci('2'), '--raw')) as { config: { size: number } }).config.size;
    expect(registry.sent() - before).toBe(fresh + config);
    expect(fresh).toBeLessThan(0.8 * second.reduce((n, l) => n + l.size, 0));
  });

  test('the difference to another build is told; a manifest that is none is refused', async () => {
    const text = await encapsulate(
      '--max-layers=24',
      '--previous-build-manifest=previous.json',
      `--compare-with-build=${oci('1')}`,
      'test/2',
      oci('2'),
    );
    const [first, second] = [layersOf(oci('1')), layersOf(oci('2'))];
    const without = (a: Layer[], b: Layer[]): number => a.filter((l) => !b.some((m) => m.digest === l.digest)).length;
    expect(text).toMatch(new RegExp(`^Total new layers: ${second.length} `, 'm'));
    expect(text).toMatch(new RegExp(`^Removed layers:   ${without(first, second)} `, 'm'));
    expect(text).toMatch(new RegExp(`^Added layers:     ${without(second, first)} `, 'm'));
    folder.write('none.json', '{"schemaVersion": 2}');
    const wrong = await folder.rpmOstree(
      'compose',
      'container-encapsulate',
      '--repo=repo',
      '--previous-build-manifest=none.json',
      'test/2',
      oci('3'),
    );
    expect(wrong.stderr).toBe('error: Failed to read previous manifest none.json: manifest: no layers\n');
    expect(() => inspect(oci('3'), '--raw')).toThrow();
  });

  test('earlier manifests that are made to harm, and trees without packages: one line, and no image', async () => {
    const [layer] = layersOf(oci('1'));
    const part = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: layer!.digest, size: 1 };
    const manifest = (...layers: object[]): string => JSON.stringify({ schemaVersion: 2, config: part, layers });
    const named = (components: unknown): object => ({ ...part, annotations: { 'ostree.components': components } });
    for (const [text, why] of [
      [manifest(part, part), 'Missing ostree.components on prior build'],
      [manifest(part, named(['a'])), 'annotations: not a map of strings'],
      [manifest(...new Array(600).fill(part)), 'more than 512 layers'],
      [
        manifest(part, ...new Array(100).fill(named('a'))),
        'Previous build has 100 layers with components, more than 64',
      ],
      [manifest({ ...part, digest: 'sha256:../../x' }), 'invalid digest'],
      [`"${'x'.repeat(9 << 20)}"`, 'EFBIG'],
    ] as const) {
      folder.write('hostile.json', text);
      const args = ['--repo=repo', '--previous-build-manifest=hostile.json', 'test/2', oci('3')];
      const ran = await folder.rpmOstree('compose', 'container-encapsulate', ...args);
      expect(ran.stderr).toMatch(/^error: [^\n]*\n$/);
      expect(ran.stderr).toContain(why);
      expect(() => inspect(oci('3'), '--raw')).toThrow();
    }
    // Names that lead elsewhere are names of components that are not there.
    folder.write('names.json', manifest(part, named('../../etc/passwd,/dev/zero'), named('x'.repeat(1 << 20))));
    await encapsulate('--previous-build-manifest=names.json', 'test/2', oci('3'));
    expect(layersOf(oci('3')).length).toBeLessThan(4);
    const bare = join(folder.dir, 'unpackaged');
    mkdirSync(join(bare, 'usr/etc'), { recursive: true });
    original('/usr/bin/ostree', `--repo=${join(folder.dir, 'repo')}`, 'commit', '-b', 'bare', bare);
    const none = await folder.rpmOstree('compose', 'container-encapsulate', '--repo=repo', 'bare', oci('4'));
    expect(none.stderr).toBe('error: Failed to find any packages\n');
    expect(() => inspect(oci('4'), '--raw')).toThrow();
  });

  test('labels, command, configuration and metadata', async () => {
    folder.write('config.json', JSON.stringify({ Env: ['A=b'], StopSignal: 'SIGRTMIN+3', Labels: { given: 'yes' } }));
    const text = await encapsulate(
      '--arch=s390x',
      '--label=one=1',
      '-l',
      'two=2',
      '--copymeta=stage',
      '--copymeta-opt=nothing',
      '--cmd=/sbin/init',
      '--cmd=--quiet',
      '--image-config=config.json',
      '--write-contentmeta-json=meta.json',
      'test/1',
      oci('c'),
    );
    expect(text).toMatch(/^\d+ objects in \d+ packages \(\d+ source\)$/m);
    const { config, architecture } = JSON.parse(inspect(oci('c'), '--config')) as {
      config: Record<string, unknown>;
      architecture: string;
    };
    expect(architecture).toBe('s390x');
    expect(config).toMatchObject({
      Cmd: ['/sbin/init', '--quiet'],
      Env: ['A=b'],
      StopSignal: 'SIGRTMIN+3',
      Labels: { one: '1', two: '2', stage: 'test', given: 'yes', 'ostree.bootable': 'true', 'containers.bootc': '1' },
    });
    expect((config['Labels'] as Record<string, string>)['ostree.commit']).toBe(
      folder.ostree('rev-parse', 'test/1').trim(),
    );
    const meta = JSON.parse(folder.read('meta.json')) as { name: string; identifier: string; size: number }[];
    expect(meta.find((m) => m.name === 'part-017')).toMatchObject({
      identifier: 'part-017-1-1.noarch',
      change_frequency: 3,
      srcid: expect.any(String),
    });
    const sizes = meta.map((m) => m.size);
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    const missing = await folder.rpmOstree(
      'compose',
      'container-encapsulate',
      '--repo=repo',
      '--copymeta=nothing',
      'test/1',
      oci('d'),
    );
    expect(missing.stderr).toBe('error: Could not find commit metadata key: nothing\n');
  });

  test('layers of format 2 unpack alone with the directories of the tree; those of 1 have none', async () => {
    const unpack = (tag: string): string[] => {
      const dir = join(folder.dir, `layer-${tag}`);
      original('skopeo', 'copy', '-q', oci(tag), `dir:${dir}`);
      const one = layersOf(oci(tag)).find((l) => l.annotations['ostree.components'].includes('part-034'))!;
      return original('tar', '-tvzf', join(dir, one.digest.slice(7)))
        .split('\n')
        .filter((l) => l.startsWith('d'));
    };
    await encapsulate('--format-version=2', '--max-layers=24', 'test/1', oci('v2'));
    expect(unpack('1')).toEqual([]);
    const dirs = unpack('v2');
    expect(dirs.some((l) => / usr\/share\/part-034\/$/.test(l))).toBe(true);
    expect(dirs.every((l) => l.startsWith('drwxr-xr-x'))).toBe(true);
  });

  test('straight into a registry that wants a password, which only the named file has', async () => {
    const password = 'se cret';
    const locked = await TestRegistry.start(folder.dir, 'locked', password);
    try {
      const place = `docker://${locked.host}/team/os:1`;
      const push = (...args: string[]) =>
        folder.rpmOstree(
          'compose',
          'container-encapsulate',
          '--repo=repo',
          '--max-layers=24',
          ...args,
          'test/1',
          place,
        );
      const refused = await push();
      expect(refused.status).toBe(1);
      expect(refused.stderr).toMatch(/^error: [^\n]+\n$/);
      const auth = Buffer.from(`me:${password}`).toString('base64');
      folder.write('auth.json', JSON.stringify({ auths: { [`${locked.host}/team`]: { auth } } }));
      const pushed = await push('--authfile=auth.json');
      expect(pushed.stderr).toBe('');
      const raw = original('skopeo', 'inspect', '--raw', '--tls-verify=false', `--creds=me:${password}`, place);
      expect((JSON.parse(raw) as { layers: Layer[] }).layers.map((l) => l.digest)).toEqual(
        layersOf(oci('1')).map((l) => l.digest),
      );
      const compared = await push('--authfile=auth.json', `--compare-with-build=${place}`);
      expect(compared.stdout).toMatch(/^Added layers: {5}0 +Size: 0 bytes$/m);
      for (const { stdout, stderr } of [refused, pushed]) expect(stdout + stderr).not.toContain(password);
    } finally {
      locked.stop();
    }
  });

  test('unpacked as a directory: what the layers unpack to, and a repository that the original reads', async () => {
    await folder.must('compose', 'commit-to-container-rootfs', '--repo=repo', 'test/1', 'unpacked');
    const other = join(folder.dir, 'untarred');
    mkdirSync(other);
    for (const { digest } of layersOf(oci('1')))
      original('tar', '-C', other, '-xzf', join(folder.dir, 'images/blobs/sha256', digest.slice(7)));
    original('diff', '-r', '--no-dereference', join(folder.dir, 'unpacked'), other);
    const modes = (dir: string): string =>
      original('sh', '-c', `cd ${dir} && find . -printf '%M %U %G %p %l\\n' | LC_ALL=C sort -k 4`);
    expect(modes(join(folder.dir, 'unpacked'))).toBe(modes(other));
    const repo = join(folder.dir, 'unpacked/sysroot/ostree/repo');
    const commit = folder.ostree('rev-parse', 'test/1').trim();
    expect(original('/usr/bin/ostree', `--repo=${repo}`, 'ls', '-R', '-C', commit)).toBe(
      folder.ostree('ls', '-R', '-C', commit),
    );
    const again = await folder.rpmOstree('compose', 'commit-to-container-rootfs', '--repo=repo', 'test/1', 'unpacked');
    expect(again.stderr).toMatch(/^error: \S+unpacked: File exists\n$/);
    expect(readdirSync(folder.dir).filter((n) => n.startsWith('unpacked'))).toEqual(['unpacked']);
  });
});
