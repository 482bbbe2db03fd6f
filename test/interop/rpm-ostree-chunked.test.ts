// Images made of root file systems and of other images, again and again into the same place: what did not change stays. skopeo,
// tar and the original ostree judge.
import { generateKeyPairSync, verify } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseVariant } from '@coppice/gvariant';
import { OciLayout } from '@coppice/oci';
import { Repo } from '@coppice/ostree';
import { importImage } from '@coppice/rpm-ostree';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootable, ComposeFolder, simplePackage, textFile } from './rpm-ostree-compose-support.ts';
import { original, skipReason } from './rpm-ostree-support.ts';

const reason = skipReason('/usr/bin/ostree', 'createrepo_c', 'bwrap', 'skopeo', 'tar');

interface Layer {
  readonly digest: string;
  readonly annotations?: { readonly 'ostree.components': string };
}

describe.skipIf(reason !== undefined)(`chunked images ${reason ?? ''}`, () => {
  let folder: ComposeFolder;

  const chunk = (...args: string[]): Promise<string> =>
    folder.must('compose', 'build-chunked-oci', '--bootc', '--max-layers=8', ...args);
  const inspect = (image: string, ...args: string[]): string => original('skopeo', 'inspect', ...args, image);
  const oci = (tag: string): string => `oci:${join(folder.dir, 'images')}:${tag}`;
  const layersOf = (tag: string): Layer[] => (JSON.parse(inspect(oci(tag), '--raw')) as { layers: Layer[] }).layers;
  const configOf = (tag: string): { config: Record<string, unknown>; created: string } =>
    JSON.parse(inspect(oci(tag), '--config'));
  /** The commit in an image, imported into a repository of its own. */
  async function imported(tag: string): Promise<{ repo: string; commit: string }> {
    const repo = join(folder.dir, `repo-${tag}`);
    const { encapsulated } = await importImage({
      repo: Repo.create(repo, { mode: 'bare' }),
      source: OciLayout.open(join(folder.dir, 'images')),
      reference: tag,
      imageReference: 'ostree-unverified-image:oci:x',
      scratch: join(folder.dir, 'import'),
    });
    original('/usr/bin/ostree', `--repo=${repo}`, 'fsck', '-q');
    return { repo, commit: encapsulated };
  }
  const kept = (a: readonly Layer[], b: readonly Layer[]): number =>
    b.filter((l) => a.some((m) => m.digest === l.digest)).length;

  beforeAll(async () => {
    folder = new ComposeFolder('chunked');
    const parts = (release: string) =>
      Array.from({ length: 12 }, (_, i) =>
        simplePackage(
          `part-${i}`,
          [textFile(`/usr/share/part-${i}`, `${i % 5 === 0 ? release : ''}${'x'.repeat(500 * i + 9000)}`)],
          {
            release: i % 5 === 0 ? release : '1',
          },
        ),
      );
    for (const release of ['1', '2']) {
      folder.publish(`r${release}`, [...ComposeFolder.world('base'), ...parts(release)]);
      const names = parts(release).map((p) => p.name);
      folder.write(
        `r${release}.yaml`,
        `${bootable}repos: [r${release}]\nref: test/chunked\npackages-x86_64: [${names.join(', ')}]\n`,
      );
      await folder.must('compose', 'rootfs', '--cachedir=cache', `r${release}.yaml`, `root${release}`);
    }
  });
  afterAll(() => folder.end());

  test('a root file system, twice into the same image: layers stay where they were', async () => {
    expect(original('ls', join(folder.dir, 'root1'))).toContain('etc\n');
    expect(await chunk('--rootfs=root1', `--output=${oci('a')}`)).toMatch(/^Generating commit\.\.\.\n/);
    const first = layersOf('a');
    const text = await chunk('--rootfs=root2', `--output=${oci('a')}`);
    const second = layersOf('a');
    const names = (list: readonly Layer[]): unknown[] => list.slice(1).map((l) => l.annotations!['ostree.components']);
    expect(names(second)).toEqual(names(first));
    expect(kept(first, second)).toBeGreaterThan(2);
    expect(text).toContain(`Added layers:     ${second.length - kept(first, second)} `);
    // Named, the earlier image does the same for another place.
    await chunk('--rootfs=root1', `--output=${oci('b')}`);
    await chunk('--rootfs=root2', `--previous-build=${oci('b')}`, `--output=${oci('c')}`);
    expect(layersOf('c').map((l) => l.digest)).toEqual(second.map((l) => l.digest));
    expect(configOf('c').config).toMatchObject({ Cmd: ['/sbin/init'], Labels: { 'containers.bootc': '1' } });
    const { repo, commit } = await imported('c');
    expect(original('/usr/bin/ostree', `--repo=${repo}`, 'ls', '-d', commit, '/usr/etc')).toContain(' /usr/etc\n');
  });

  test('files that ask for a layer of their own', async () => {
    original('cp', '-a', join(folder.dir, 'root1'), join(folder.dir, 'root3'));
    for (const [name, attribute] of [
      ['part-1', 'user.component'],
      ['part-2', 'user.components'],
    ] as const)
      original('setfattr', '-n', attribute, '-v', 'mine', join(folder.dir, 'root3/usr/share', name));
    await chunk('--rootfs=root3', `--output=${oci('own')}`);
    const mine = layersOf('own').find((l) => l.annotations!['ostree.components'] === 'mine')!;
    const members = original('tar', '-tzf', join(folder.dir, 'images/blobs/sha256', mine.digest.slice(7)));
    expect(
      members
        .split('\n')
        .filter((m) => m.startsWith('usr/'))
        .sort(),
    ).toEqual(['usr/share/part-1', 'usr/share/part-2']);
  });

  test('a signed commit has a signature that OpenSSL verifies', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const { d, x } = privateKey.export({ format: 'jwk' }) as { d: string; x: string };
    const bytes = (text: string): Buffer => Buffer.from(text, 'base64url');
    folder.write('key', `${Buffer.concat([bytes(d), bytes(x)]).toString('base64')}\n`);
    await chunk('--rootfs=root1', '--sign-commit=key', `--output=${oci('signed')}`);
    const { repo, commit } = await imported('signed');
    // Debian's ostree has no engine for these; it shows what is there, and OpenSSL says whether it is right.
    const key = 'ostree.sign.ed25519';
    const shown = original('/usr/bin/ostree', `--repo=${repo}`, 'show', `--print-detached-metadata-key=${key}`, commit);
    // One signature in sixteen ends with a zero byte; GLib prints that one as a string.
    const [signature] = parseVariant(shown.trim(), 'aay').value as Uint8Array[];
    const object = readFileSync(join(repo, 'objects', commit.slice(0, 2), `${commit.slice(2)}.commit`));
    expect(verify(null, object, publicKey, signature!)).toBe(true);
    expect(verify(null, Buffer.concat([object, object]), publicKey, signature!)).toBe(false);
  });

  test('an image out of a container engine, with layers that another tool put on it, and back', async () => {
    const root = join(folder.dir, 'root1');
    const blobs = join(folder.dir, 'plain/blobs/sha256');
    mkdirSync(blobs, { recursive: true });
    const put = (path: string): { digest: string; size: number } => {
      const digest = original('sha256sum', path).slice(0, 64);
      const size = Number(original('stat', '-c', '%s', path));
      original('cp', path, join(blobs, digest));
      return { digest: `sha256:${digest}`, size };
    };
    const top = join(folder.dir, 'top');
    mkdirSync(join(top, 'etc'), { recursive: true });
    mkdirSync(join(top, 'usr/share'), { recursive: true });
    mkdirSync(join(top, 'tmp'));
    writeFileSync(join(top, 'etc/on-top'), 'etc\n');
    writeFileSync(join(top, 'tmp/left'), '');
    writeFileSync(join(top, 'usr/share/part-3'), 'replaced\n');
    writeFileSync(join(top, 'usr/share/.wh.part-4'), '');
    const layers = [root, top].map((dir, i) => {
      const tar = join(folder.dir, `layer${i}.tar`);
      original('tar', '-C', dir, '--numeric-owner', '-cf', tar, '.');
      return put(tar);
    });
    const config = join(folder.dir, 'plain-config');
    writeFileSync(
      config,
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        created: '2021-02-03T04:05:06Z',
        config: { Env: ['KEPT=yes'], Labels: { kept: 'too' } },
        rootfs: { type: 'layers', diff_ids: layers.map((l) => l.digest) },
      }),
    );
    const type = 'application/vnd.oci.image';
    const manifest = join(folder.dir, 'plain-manifest');
    writeFileSync(
      manifest,
      JSON.stringify({
        schemaVersion: 2,
        mediaType: `${type}.manifest.v1+json`,
        config: { mediaType: `${type}.config.v1+json`, ...put(config) },
        layers: layers.map((l) => ({ mediaType: `${type}.layer.v1.tar`, ...l })),
      }),
    );
    const name = { 'org.opencontainers.image.ref.name': 'x' };
    writeFileSync(
      join(folder.dir, 'plain/index.json'),
      JSON.stringify({
        schemaVersion: 2,
        manifests: [{ mediaType: `${type}.manifest.v1+json`, ...put(manifest), annotations: name }],
      }),
    );
    writeFileSync(join(folder.dir, 'plain/oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    const storage = `[vfs@${folder.dir}/storage+${folder.dir}/run]`;
    original(
      'skopeo',
      'copy',
      '-q',
      '--insecure-policy',
      `oci:${folder.dir}/plain:x`,
      `containers-storage:${storage}plain`,
    );
    await chunk(`--from=${storage}plain`, `--output=${oci('from')}`);
    expect(configOf('from').config).toMatchObject({
      Env: ['KEPT=yes'],
      Labels: { kept: 'too', 'containers.bootc': '1' },
    });
    const { repo, commit } = await imported('from');
    const ostree = (...args: string[]): string => original('/usr/bin/ostree', `--repo=${repo}`, ...args);
    expect(ostree('cat', commit, '/usr/etc/on-top')).toBe('etc\n');
    expect(ostree('cat', commit, '/usr/share/part-3')).toBe('replaced\n');
    const all = ostree('ls', '-R', commit);
    expect(all).not.toMatch(/part-4$|\.wh\.|\/tmp\/left/m);
    // All else is as a root file system gives it.
    const plain = await imported('b');
    const lines = (r: string, c: string): string[] =>
      original('/usr/bin/ostree', `--repo=${r}`, 'ls', '-R', '-C', c)
        .split('\n')
        .filter((l) => !/ \/(usr(\/(etc|share))?)?$|part-[34]$|on-top$/.test(l));
    expect(lines(repo, commit).filter((l) => !l.startsWith('d'))).toEqual(
      lines(plain.repo, plain.commit).filter((l) => !l.startsWith('d')),
    );
    // Chunked images are images to start from as well, and can go back to the engine.
    await chunk(`--from=${oci('from')}`, `--output=${oci('again')}`);
    const again = await imported('again');
    expect(original('/usr/bin/ostree', `--repo=${again.repo}`, 'ls', '-R', '-C', again.commit)).toBe(
      ostree('ls', '-R', '-C', commit),
    );
    await chunk('--max-layers=4', `--from=${oci('from')}`, `--output=containers-storage:${storage}again`);
    expect(inspect(`containers-storage:${storage}again`, '--raw')).toContain('ostree.components');
    const gone = await folder.rpmOstree(
      'compose',
      'build-chunked-oci',
      '--bootc',
      `--from=${storage}gone`,
      `--output=${oci('gone')}`,
    );
    expect(gone.stderr).toMatch(/^error: skopeo copy [^\n]+\n$/);
    rmSync(join(folder.dir, 'storage'), { recursive: true });
  });

  test('compose image: first, unchanged, changed, and modes', async () => {
    const image = (...args: string[]) =>
      folder.rpmOstree('compose', 'image', '--format=oci', '--cachedir=cache', '--max-layers=8', ...args);
    expect((await image('r1.yaml', 'image')).stderr).toMatch(/\(use --initialize for the first build\)\n$/);
    expect((await image('--initialize-mode=if-not-exists', '--label=a=b', 'r1.yaml', 'image')).stderr).toBe('');
    const manifest = (): { layers: Layer[] } => JSON.parse(inspect(`oci:${join(folder.dir, 'image')}`, '--raw'));
    const first = manifest();
    const same = await image('--touch-if-changed=stamp', 'r1.yaml', 'image');
    expect(same.stdout).toBe('No apparent changes since previous commit; use --force-nocache to override\n');
    expect(manifest()).toEqual(first);
    expect((await image('--initialize-mode=never', 'r2.yaml', 'image')).stderr).toBe(
      'error: Target image already exists\n',
    );
    const next = await image('--touch-if-changed=stamp', 'r2.yaml', 'image');
    expect(next.stderr).toBe('');
    expect(next.stdout).toMatch(/Added layers: {5}\d+ {4,}Size: /);
    expect(folder.read('stamp')).toBe('');
    const second = manifest();
    expect(second.layers.map((l) => l.annotations)).toEqual(first.layers.map((l) => l.annotations));
    expect(kept(first.layers, second.layers)).toBeGreaterThan(2);
  });
});
