// Images built on top of an encapsulated commit, as container builds make them. The original ostree lays the layers over
// the base and makes the same tree.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { digestOf, encodeDocument, mediaTypes, OciLayout, parseImageConfig, parseManifest } from '@coppice/oci';
import { Repo } from '@coppice/ostree';
import { encapsulate, importImage, openImage, writeImage } from '@coppice/rpm-ostree';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingTools } from './tools.ts';

const reason = process.getuid?.() === 0 ? missingTools('/usr/bin/ostree', 'tar') : 'needs root';

describe.skipIf(reason !== undefined)(`derived images ${reason ?? ''}`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'derived-image-'));
  const at = (name: string): string => join(dir, name);
  let base: string;

  function must(command: string, ...args: string[]): string {
    const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 << 20 });
    if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
  }
  const sh = (script: string): string => must('sh', '-euc', script);
  const ostree = (...args: string[]): string => must('/usr/bin/ostree', ...args);

  /** Adds a layer of an archive on top of an image of the layout, under a new name. */
  async function derive(from: string, to: string, tars: readonly string[]): Promise<void> {
    const layout = OciLayout.open(at('layout'));
    const parsed = parseManifest((await layout.manifest(from)).bytes);
    if (parsed.kind !== 'manifest') throw new Error('an index');
    const read = async (descriptor: (typeof parsed.manifest)['config']): Promise<Uint8Array> => {
      const parts: Uint8Array[] = [];
      for await (const chunk of layout.blob(descriptor)) parts.push(chunk);
      return Buffer.concat(parts);
    };
    const config = parseImageConfig(await read(parsed.manifest.config));
    const put = async (bytes: Uint8Array): Promise<{ digest: string; size: number }> => {
      const descriptor = { digest: digestOf(bytes), size: bytes.length };
      await layout.putBlob(descriptor, bytes);
      return descriptor;
    };
    const layers = [...parsed.manifest.layers];
    const ids = [...config.rootfs.diff_ids];
    for (const tar of tars) {
      const bytes = readFileSync(tar);
      layers.push({ mediaType: mediaTypes.layerGzip, ...(await put(gzipSync(bytes))) });
      ids.push(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
    }
    const next = { ...config, created: '2024-05-06T07:08:09Z', rootfs: { type: 'layers' as const, diff_ids: ids } };
    const configDescriptor = { mediaType: mediaTypes.config, ...(await put(encodeDocument(next))) };
    const { annotations: _, ...manifest } = parsed.manifest;
    await layout.putManifest(
      to,
      encodeDocument({ ...manifest, config: configDescriptor, layers }),
      mediaTypes.manifest,
    );
  }

  const repoOf = (name: string): Repo => {
    mkdirSync(at(name), { recursive: true });
    return Repo.create(at(name), { mode: 'bare' });
  };
  const load = async (repo: Repo, reference: string, messages: string[] = []): Promise<string> => {
    const { commit } = await importImage({
      repo,
      source: OciLayout.open(at('layout')),
      reference,
      imageReference: `ostree-unverified-image:oci:${reference}`,
      scratch: at('scratch'),
      progress: (event) => void (event.type === 'message' && messages.push(event.text)),
    });
    return commit;
  };
  const list = (repo: string, commit: string): string => ostree(`--repo=${at(repo)}`, 'ls', '-R', '-X', '-C', commit);

  beforeAll(async () => {
    sh(`cd ${dir}; mkdir -p t/usr/bin t/usr/share/doc/a t/usr/share/opaque/deep t/usr/etc/sub t/usr/lib
      echo base > t/usr/bin/tool; chmod 755 t/usr/bin/tool; echo old > t/usr/share/doc/a/old; echo x > t/usr/share/doc/keep
      echo 1 > t/usr/share/opaque/one; echo 2 > t/usr/share/opaque/deep/two; echo c > t/usr/etc/sub/conf
      ln -s tool t/usr/bin/link; mkdir t/usr/lib/wasdir; echo y > t/usr/lib/wasdir/y; echo f > t/usr/lib/wasfile
      chmod 750 t/usr/share/opaque`);
    repoOf('source');
    base = ostree(`--repo=${at('source')}`, 'commit', '-b', 'base', '--timestamp=@1500000000', at('t')).trim();
    await encapsulate({
      withoutPackages: true,
      repo: Repo.open(at('source')),
      commit: base,
      target: OciLayout.create(at('layout')),
      reference: 'base',
      maxLayers: 4,
    });
    // One layer as a build writes it, and a second one on top.
    sh(`cd ${dir}; mkdir -p one/etc/sub one/usr/bin one/usr/share/doc one/usr/share/opaque one/var/lib/x one/run one/tmp one/opt
      echo new > one/usr/bin/tool; chmod 4755 one/usr/bin/tool; ln one/usr/bin/tool one/usr/bin/tool2; echo e > one/etc/added
      echo changed > one/etc/sub/conf; echo d > one/var/lib/x/d; echo r > one/run/secret; echo t > one/tmp/t; echo o > one/opt/o
      touch one/usr/share/doc/.wh.a one/usr/share/opaque/.wh..wh..opq; echo 3 > one/usr/share/opaque/three
      chmod 700 one/usr/share/opaque; chmod 711 one/etc/sub; setfattr -n user.test -v value one/etc/added
      tar -C one --xattrs --sort=name --mtime=@1600000000 -cf one.tar .`);
    sh(`cd ${dir}; mkdir -p two/usr/bin two/usr/lib/deeper; touch two/usr/bin/.wh.link; echo z > two/usr/lib/deeper/z
      tar -C two --sort=name --mtime=@1600000000 -cf two.tar usr`);
    await derive('base', 'derived', [at('one.tar'), at('two.tar')]);
  });

  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test('the tree is the one that the original makes of base and layers', async () => {
    const repo = repoOf('ours');
    const messages: string[] = [];
    const commit = await load(repo, 'derived', messages);
    ostree(`--repo=${at('ours')}`, 'fsck', '-q');
    expect(messages).toContain('Image contains non-ostree compatible file paths: opt: 2 run: 2 tmp: 2');
    // What the original's importer gives to libostree: /etc moved, what has no place removed.
    repoOf('judge');
    ostree(`--repo=${at('judge')}`, 'pull-local', at('source'), base);
    sh(`cd ${dir}; mkdir -p f; tar -C f --xattrs --same-owner -xf one.tar; rm -r f/run f/tmp f/opt; mkdir -p f/usr/etc
      cp -a f/etc/. f/usr/etc/; rm -r f/etc; tar -C f --xattrs -cf f.tar .`);
    const layer = (tar: string): string =>
      ostree(
        `--repo=${at('judge')}`,
        'commit',
        '--orphan',
        '--no-bindings',
        '--tar-autocreate-parents',
        `--tree=tar=${at(tar)}`,
      ).trim();
    const layers = [layer('f.tar'), layer('two.tar')];
    ostree(`--repo=${at('judge')}`, 'checkout', '-H', '--union', base, at('root'));
    for (const l of layers) ostree(`--repo=${at('judge')}`, 'checkout', '-H', '--union', '--whiteouts', l, at('root'));
    const judged = ostree(`--repo=${at('judge')}`, 'commit', '--orphan', at('root')).trim();
    expect(list('ours', commit)).toBe(list('judge', judged));
    expect(ostree(`--repo=${at('ours')}`, 'show', '--raw', commit)).toContain('ostree.manifest-digest');
    expect(Number(repo.loadCommit(commit).timestamp)).toBe(Date.parse('2024-05-06T07:08:09Z') / 1000);
  });

  test('layers that are there are not fetched again; a second image shares them', async () => {
    const repo = repoOf('twice');
    await load(repo, 'derived');
    const messages: string[] = [];
    await derive('derived', 'more', [at('two.tar')]);
    await load(repo, 'more', messages);
    expect(messages[0]).toMatch(/^layers already present: \d+; layers needed: 0 /);
    ostree(`--repo=${at('twice')}`, 'fsck', '-q');
  });

  test('changed objects of the base reached by hard links become files', async () => {
    const name = 'sysroot/ostree/repo/objects/ab/cdef.file';
    sh(`cd ${dir}; mkdir -p three/$(dirname ${name}) three/usr/bin three/usr/lib; echo patched > three/${name}
      ln three/${name} three/usr/bin/tool; ln three/${name} three/usr/lib/copy
      tar -C three --mtime=@1600000000 -cf three.tar ${name} usr/bin/tool usr/lib/copy`);
    await derive('base', 'patched', [at('three.tar')]);
    const repo = repoOf('patched');
    const commit = await load(repo, 'patched');
    const text = (path: string): string => Buffer.from(repo.readFileBytes(commit, path) ?? []).toString();
    expect([text('usr/bin/tool'), text('usr/lib/copy')]).toEqual(['patched\n', 'patched\n']);
    ostree(`--repo=${at('patched')}`, 'fsck', '-q');
  });

  test.skipIf(missingTools('skopeo') !== undefined)('archives and directories, with skopeo at either end', async () => {
    const read = async (transport: string, name: string): Promise<string> => {
      const repo = repoOf(`from-${transport}`);
      const { store, reference } = openImage({ transport, name }, at('open'));
      const { commit } = await importImage({
        repo,
        source: store,
        reference,
        imageReference: `ostree-unverified-image:${transport}:x`,
        scratch: at('scratch'),
      });
      rmSync(at('open'), { recursive: true, force: true });
      return list(`from-${transport}`, commit);
    };
    const wanted = await read('oci', `${at('layout')}:derived`);
    must('skopeo', 'copy', `oci:${at('layout')}:derived`, `oci-archive:${at('a.tar')}:derived`);
    must('skopeo', 'copy', `oci:${at('layout')}:derived`, `dir:${at('a.dir')}`);
    expect(await read('oci-archive', `${at('a.tar')}:derived`)).toBe(wanted);
    expect(await read('dir', at('a.dir'))).toBe(wanted);
    const digests: string[] = [];
    for (const [transport, name] of [
      ['oci-archive', `${at('b.tar')}:x`],
      ['dir', at('b.dir')],
    ] as const) {
      const { digest } = await writeImage({ transport, name }, at('write'), (target, reference) =>
        encapsulate({
          repo: Repo.open(at('source')),
          commit: base,
          target,
          reference,
          maxLayers: 4,
          withoutPackages: true,
        }),
      );
      const seen = JSON.parse(must('skopeo', 'inspect', `${transport}:${name}`)) as { Digest: string };
      expect(seen.Digest).toBe(digest);
      digests.push(digest);
      must('skopeo', 'copy', `${transport}:${name}`, `oci:${at(`back-${transport}`)}:x`);
    }
    expect(new Set(digests).size).toBe(1);
  });

  test('directories and files that change places, paths that lead out, links to nowhere', async () => {
    sh(`cd ${dir}; mkdir -p four/usr/lib/wasfile; echo n > four/usr/lib/wasfile/n; echo plain > four/usr/lib/wasdir
      tar -C four -cf four.tar usr; tar -C four --transform='s,^usr/lib/wasdir,../../escape,' -P -cf out.tar usr/lib/wasdir
      mkdir -p five/usr five/run; echo s > five/run/s; ln five/run/s five/usr/s; tar -C five -cf five.tar run/s usr/s`);
    await derive('base', 'swapped', [at('four.tar')]);
    const repo = repoOf('swapped');
    const commit = await load(repo, 'swapped');
    expect(Buffer.from(repo.readFileBytes(commit, 'usr/lib/wasdir')!).toString()).toBe('plain\n');
    expect(Buffer.from(repo.readFileBytes(commit, 'usr/lib/wasfile/n')!).toString()).toBe('n\n');
    await derive('base', 'out', [at('out.tar')]);
    await expect(load(repo, 'out')).rejects.toThrow(/^Importing layer sha256:[0-9a-f]{64}: Invalid path: .*escape$/);
    await derive('base', 'nowhere', [at('five.tar')]);
    await expect(load(repo, 'nowhere')).rejects.toThrow('usr/s: hard link to run/s, which is not part of the system');
    writeFileSync(at('bad.tar'), Buffer.concat([readFileSync(at('four.tar')).subarray(0, 700)]));
    await derive('base', 'cut', [at('bad.tar')]);
    await expect(load(repo, 'cut')).rejects.toThrow(/^Importing layer/);
    ostree(`--repo=${at('swapped')}`, 'fsck', '-q');
  });

  test('device nodes and pipes are refused with the words of the original', async () => {
    repoOf('devices');
    sh(
      `cd ${dir}; mkdir -p six/usr/lib; cd six/usr/lib; mknod null c 1 3; mknod loop b 7 0; mkfifo pipe; mknod hidden c 0 0`,
    );
    for (const name of ['null', 'loop', 'pipe', 'hidden']) {
      sh(`tar -C ${at('six')} -cf ${at(`${name}.tar`)} usr/lib/${name}`);
      const judged = spawnSync(
        '/usr/bin/ostree',
        [
          ...[`--repo=${at('judge')}`, 'commit', '--orphan', '--no-bindings', '--tar-autocreate-parents'],
          `--tree=tar=${at(`${name}.tar`)}`,
        ],
        { encoding: 'utf8' },
      );
      await derive('base', name, [at(`${name}.tar`)]);
      const repo = Repo.open(at('devices'));
      const refs = [...repo.listRefs().keys()];
      const reason = judged.stderr.replace(/^error: /, '').trim();
      await expect(load(repo, name), name).rejects.toThrow(reason);
      // The layers of the base may stay for the next attempt; nothing of the image is there.
      expect([...repo.listRefs().keys()].filter((r) => r.startsWith('ostree/container/image'))).toEqual([]);
      expect(refs.filter((r) => r.startsWith('ostree/container/image'))).toEqual([]);
    }
    ostree(`--repo=${at('devices')}`, 'fsck', '-q');
  });
});
