// Encapsulated commits: skopeo carries the image to a registry, we deploy from there; a second version fetches what changed.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { OciLayout } from '@coppice/oci';
import { Repo } from '@coppice/ostree';
import { Client, encapsulate, importImage, planChange } from '@coppice/rpm-ostree';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestRegistry } from './rpm-ostree-compose-support.ts';
import { Node, original, skipReason } from './rpm-ostree-support.ts';

const reason = skipReason('/usr/bin/ostree', 'skopeo', 'docker-registry');

describe.skipIf(reason !== undefined)(`container images ${reason ?? ''}`, () => {
  let node: Node;
  let registry: TestRegistry;
  let host: string;
  let layout: string;

  const commitOf = (stream: string): string => node.lab.state().streams[stream]!.commit;
  const put = async (stream: string): Promise<{ digest: string; written: number }> =>
    encapsulate({
      repo: Repo.open(node.lab.repo),
      commit: commitOf(stream),
      target: OciLayout.create(layout),
      reference: stream,
      maxLayers: 12,
    });

  beforeAll(async () => {
    node = await Node.make();
    layout = join(node.dir, 'image');
    registry = await TestRegistry.start(node.dir);
    ({ host } = registry);
  });
  afterAll(() => {
    registry.stop();
    node.end();
  });

  test('the same commit gives the same image; skopeo reads and copies it', async () => {
    const first = await put('stable');
    expect(await put('stable')).toMatchObject({ digest: first.digest, written: 0 });
    const info = JSON.parse(original('skopeo', 'inspect', `oci:${layout}:stable`)) as {
      Digest: string;
      Labels: Record<string, string>;
    };
    expect(info.Digest).toBe(first.digest);
    expect(info.Labels['ostree.commit']).toBe(commitOf('stable'));
    original('skopeo', 'copy', '--dest-tls-verify=false', `oci:${layout}:stable`, `docker://${host}/os:stable`);
  });

  test('unpacking gives the commit back, byte for byte', async () => {
    const path = join(node.dir, 'unpacked');
    mkdirSync(path);
    const repo = Repo.create(path, { mode: 'bare' });
    const result = await importImage({
      repo,
      source: OciLayout.open(layout),
      reference: 'stable',
      imageReference: 'ostree-unverified-image:oci:x',
      scratch: join(node.dir, 'scratch'),
    });
    expect(result.encapsulated).toBe(commitOf('stable'));
    original('/usr/bin/ostree', `--repo=${path}`, 'fsck', '-q');
    const list = (repository: string): string =>
      original('/usr/bin/ostree', `--repo=${repository}`, 'ls', '-R', '-C', '-X', commitOf('stable'));
    expect(list(path)).toBe(list(node.lab.repo));
  });

  test('the layers, laid over each other by another tool, are the root file system', () => {
    const dir = join(node.dir, 'oci-dir');
    original('skopeo', 'copy', `oci:${layout}:stable`, `dir:${dir}`);
    const manifest = JSON.parse(original('cat', join(dir, 'manifest.json'))) as { layers: { digest: string }[] };
    const root = join(node.dir, 'rootfs');
    mkdirSync(root);
    for (const { digest } of manifest.layers)
      original('tar', '-C', root, '-xzf', join(dir, digest.slice('sha256:'.length)));
    expect(spawnSync('cat', [join(root, 'usr/lib/os-release')], { encoding: 'utf8' }).stdout).toContain(
      '31.20200118.3.0',
    );
    expect(spawnSync('ls', [join(root, 'etc')], { encoding: 'utf8' }).stdout).toContain('passwd');
  });

  test('rebase to the registry, upgrade, layer, upgrade without change', async () => {
    const image = `ostree-unverified-registry:${host}/os:stable`;
    expect(await node.must('rebase', image)).toContain('layers already present: 0; layers needed: 13 ');
    expect(await node.must('status')).toMatch(
      new RegExp(`${image}\\n +Digest: sha256:[0-9a-f]{64}\\n +Version: 31\\.20200118\\.3\\.0 `),
    );
    node.fsck();
    await put('testing');
    original('skopeo', 'copy', '--dest-tls-verify=false', `oci:${layout}:testing`, `docker://${host}/os:stable`);
    const before = original('/usr/bin/ostree', `--repo=${node.repo}`, 'refs');
    const client = Client.open({ sysroot: node.sysroot, env: process.env });
    const plan = await planChange(client, {
      title: 'upgrade',
      origin: client.origin(client.originMerge),
      newBase: true,
      offline: false,
      checkOnly: false,
    });
    expect(plan.base.toVersion).toBe('31.20200127.2.0');
    expect(plan.packages.upgraded.map((c) => c.to.name)).toContain('kernel');
    // A plan touches nothing.
    expect(original('/usr/bin/ostree', `--repo=${node.repo}`, 'refs')).toBe(before);
    const out = await node.must('upgrade');
    const [, present, needed] = /layers already present: (\d+); layers needed: (\d+)/.exec(out)!;
    expect(Number(present)).toBeGreaterThan(Number(needed));
    expect(out).toContain('  kernel 5.4.10-200.fc31 -> 5.4.13-201.fc31\n');
    await node.must('install', 'tcpdump');
    expect(node.installed().some((p) => p.startsWith('tcpdump-'))).toBe(true);
    expect(await node.must('upgrade')).toContain('layers needed: 0 ');
    node.fsck();
  });

  test('a registry that is not there, an image that is none', async () => {
    const gone = await node.rpmOstree([
      'rebase',
      'ostree-unverified-registry:127.0.0.1:1/os:x',
      `--sysroot=${node.sysroot}`,
    ]);
    expect(gone.stderr).toMatch(/^error: Importing ostree-unverified-registry:127\.0\.0\.1:1\/os:x: [^\n]+\n$/);
    const missing = await node.rpmOstree([
      'rebase',
      `ostree-unverified-registry:${host}/os:nosuch`,
      `--sysroot=${node.sysroot}`,
    ]);
    expect(missing.status).toBe(1);
    node.fsck();
  });
});
