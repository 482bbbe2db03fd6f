// What goes wrong from outside: killed at seeded moments, no room left, the server gone in the middle of a package. The system
// stays as it was, one message says why, and the next command works. COPPICE_KILLS sets the number of kills.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { OciLayout } from '@coppice/oci';
import { Repo } from '@coppice/ostree';
import { encapsulate } from '@coppice/rpm-ostree';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Node, original, skipReason } from './rpm-ostree-support.ts';

const reason = skipReason('/usr/bin/ostree', 'rpm', 'bwrap', 'unshare');
const kills = Number(process.env['COPPICE_KILLS'] ?? 12);
const main = join(import.meta.dirname, '../../packages/coppice/src/main.ts');

/** Seeded numbers in [0, 1). */
function* seeded(seed: number): Generator<number, never> {
  for (let x = seed; ; ) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    yield x / 2 ** 32;
  }
}

describe.skipIf(reason !== undefined)(`rpm-ostree when things go wrong ${reason ?? ''}`, () => {
  let node: Node;
  beforeAll(async () => {
    node = await Node.make();
  });
  afterAll(() => node.end());

  /** Runs a verb as a process, killed after `after` ms. True when it ended by itself. */
  function runAndKill(args: readonly string[], after: number | undefined): Promise<{ ended: boolean; ms: number }> {
    return new Promise((done, failed) => {
      const begun = performance.now();
      const child = spawn(
        process.execPath,
        ['--conditions=source', main, 'rpm-ostree', ...args, `--sysroot=${node.sysroot}`],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      );
      let said = '';
      child.stderr.on('data', (data) => (said += data));
      const timer = after === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), after);
      child.on('error', failed);
      child.on('exit', (status, signal) => {
        clearTimeout(timer);
        if (signal === null && status !== 0) failed(new Error(`rpm-ostree ${args.join(' ')}: ${status} ${said}`));
        else done({ ended: signal === null, ms: performance.now() - begun });
      });
    });
  }

  test('the server goes away in the middle of a package', async () => {
    let cut = true;
    const server: Server = createServer((request, response) => {
      const file = readFileSync(join(node.lab.packages, decodeURIComponent(request.url!)));
      response.writeHead(200, { 'content-length': file.length });
      if (!cut || !request.url!.endsWith('.rpm')) response.end(file);
      else response.write(file.subarray(0, file.length >> 1), () => response.destroy());
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const files = node.trees().map((tree) => join(tree, 'etc/yum.repos.d/lab.repo'));
    const text = readFileSync(files[0]!, 'utf8');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const file of files) writeFileSync(file, text.replace(/baseurl=.*/, `baseurl=${url}`));
    const before = node.trees();
    const ran = await node.rpmOstree(['install', 'buildah', `--sysroot=${node.sysroot}`]);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/^error: [^\n]*buildah[^\n]*\n$/);
    expect(node.trees()).toEqual(before);
    node.fsck();
    cut = false;
    await node.must('install', 'buildah');
    node.fsck();
    server.close();
    server.closeAllConnections();
    for (const tree of node.trees()) writeFileSync(join(tree, 'etc/yum.repos.d/lab.repo'), text);
    await node.must('uninstall', 'buildah');
  });

  const small = (): string => join(node.dir, 'small');
  test.skipIf(spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status !== 0)(
    'no room left',
    async () => {
      mkdirSync(small());
      const used = Number(original('du', '-sm', node.sysroot).split('\t')[0]);
      original('mount', '-t', 'tmpfs', '-o', `size=${used + 100}M`, 'none', small());
      try {
        original('cp', '-a', node.sysroot, small());
        const full = new Node(small(), node.lab);
        const before = full.trees();
        const { bavail, bsize } = statfsSync(small());
        const filler = join(small(), 'filler');
        writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - (192 << 10))));
        const ran = await full.rpmOstree(['install', 'tcpdump', `--sysroot=${full.sysroot}`]);
        expect(ran.status).toBe(1);
        expect(ran.stderr).toMatch(/^error: [^\n]*(No space left on device|would be exceeded)[^\n]*\n$/);
        expect(full.trees()).toEqual(before);
        rmSync(filler);
        full.fsck();
        await full.must('install', 'tcpdump');
        full.fsck();
      } finally {
        original('umount', small());
      }
    },
  );

  test(
    'killed at seeded moments',
    async () => {
      const numbers = seeded(8);
      await node.must('install', 'buildah');
      const { ms } = await runAndKill(['install', 'tcpdump'], undefined);
      await node.must('uninstall', 'tcpdump');
      for (let i = 0; i < kills; i++) {
        const layered = (await node.must('status')).split('\n\n')[0]!.includes('tcpdump');
        const verbs = [
          [layered ? 'uninstall' : 'install', 'tcpdump'],
          ['rebase', '-b', `fedora:fedora/x86_64/coreos/${i % 2 === 0 ? 'testing' : 'stable'}`],
          ['rollback'],
          ['kargs', `--append=x${i}=y`],
        ];
        const before = node.trees();
        const args = verbs[i % 2 === 0 ? 0 : 1 + (Math.floor(i / 2) % 3)]!;
        const current = readFileSync(`${before[0]}.origin`, 'utf8');
        if (args[0] === 'rebase' && current.includes(args[2]!)) args[2] = args[2]!.replace(/[a-z]+$/, 'next');
        // The first fifth is start-up.
        await runAndKill(
          args[2]?.endsWith('next') === true ? verbs[3]! : args,
          ms * (0.2 + 0.9 * numbers.next().value),
        );
        node.fsck();
        const after = node.trees();
        expect(after.length).toBeGreaterThan(0);
        for (const tree of after) expect(node.installed(tree).length).toBeGreaterThan(20);
      }
      await node.must('cleanup', '-b');
      await node.must('kargs', '--append=last=1');
      node.fsck();
    },
    60_000 + kills * 20_000,
  );

  test(
    'killed at seeded moments of a rebase to a container image',
    async () => {
      const layout = join(node.dir, 'images');
      const lab = `--repo=${node.lab.repo}`;
      const extra = join(node.dir, 'extra/usr/share/third');
      mkdirSync(extra, { recursive: true });
      for (let i = 0; i < 50; i++) writeFileSync(join(extra, `${i}`), Buffer.alloc(100_000, `${i} third`));
      const known = node.lab.state().streams;
      const commits: Record<string, string> = { stable: known['stable']!.commit, testing: known['testing']!.commit };
      const third = [`--tree=ref=${commits['testing']}`, `--tree=dir=${join(node.dir, 'extra')}`];
      commits['third'] = original('/usr/bin/ostree', lab, 'commit', '--orphan', '--bootable', ...third).trim();
      const streams = Object.keys(commits);
      for (const [stream, commit] of Object.entries(commits)) {
        const target = OciLayout.create(layout);
        await encapsulate({ repo: Repo.open(node.lab.repo), commit, target, reference: stream, maxLayers: 8 });
      }
      const image = (i: number): string => `ostree-unverified-image:oci:${layout}:${streams[i % 3]}`;
      const numbers = seeded(9);
      // The longest way: nothing of the image is here.
      let { ms } = await runAndKill(['rebase', image(0)], undefined);
      let at = 1;
      let killed = 0;
      for (let i = 0; i < kills; i++) {
        const before = node.trees();
        const run = await runAndKill(['rebase', image(at)], ms * (0.15 + 0.95 * numbers.next().value));
        if (!run.ended) killed++;
        // The machine may have had other work when the time was taken.
        else ms = Math.min(ms, run.ms);
        node.fsck();
        const after = node.trees();
        const origin = readFileSync(`${after[0]}.origin`, 'utf8');
        // The old menu, whole, or the new one, whole.
        if (!origin.includes(image(at))) expect(after).toEqual(before);
        for (const tree of after) expect(node.installed(tree).length).toBeGreaterThan(20);
        // Now and then a change that has to cope with what the dead one left.
        if (i % 4 === 3) await node.must('kargs', `--append=image${i}=1`);
        if (origin.includes(image(at))) at++;
        else if (i % 5 === 4) {
          await node.must('rebase', image(at));
          at++;
        }
      }
      expect(killed).toBeGreaterThan(kills / 4);
      await node.must('rebase', image(at));
      await node.must('cleanup', '-b', '-r', '-p');
      node.fsck();
      const refs = original('/usr/bin/ostree', `--repo=${node.repo}`, 'refs', '--list', 'ostree/container/image');
      expect(refs.trim().split('\n').length).toBeLessThanOrEqual(2);
    },
    60_000 + kills * 20_000,
  );
});
