// Power loss in a virtual machine: a deployment, a finalization and a cleanup on a bootable system are recorded, what a disk may
// have kept at seeded points is put into an image, and QEMU boots it. What the machine starts must be what the checker says that it
// starts, and that the old or the new system. Slow: COPPICE_POWER_LOSS=20 sets the number of points, 10-20 leaves out the first
// ten of them; without it nothing runs.

import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Repo } from '@coppice/ostree';
import {
  checkSysroot,
  cleanupSysroot,
  deployTree,
  directoryHost,
  finalizeStaged,
  initFs,
  initStateroot,
  Origin,
  Sysroot,
  type SysrootOptions,
  simpleWriteDeployment,
  stageTree,
} from '@coppice/sysroot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boots } from '../../packages/sysroot/test/boots.ts';
import { type Change, recordingFs, replayLossy, restore } from '../../packages/sysroot/test/recorder.ts';
import { bootSkipReason, bootTree, Machine, machineArguments } from './sysroot-machine.ts';

const [, from = '0', to = '0'] = /^(?:([0-9]+)-)?([0-9]+)$/.exec(process.env.COPPICE_POWER_LOSS ?? '') ?? [];
const points = Number(to);
const seed = Number(process.env.COPPICE_SEED ?? 1);
const reason = points > 0 ? bootSkipReason : 'COPPICE_POWER_LOSS is not set';
const title = reason === undefined ? 'power loss' : `power loss: ${reason}`;

const kernelArguments = ['root=LABEL=root', 'rw', ...machineArguments];
// The immutable flag would only be in the way of copying; mke2fs does not keep it either.
const env = { OSTREE_SYSROOT_DEBUG: 'mutable-deployments' };

function generator(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function run(program: string, ...args: string[]): string {
  const result = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${result.stderr}`);
  return result.stdout;
}

interface Recording {
  readonly before: string;
  readonly changes: readonly Change[];
  /** What may boot afterwards. */
  readonly good: readonly string[];
}

interface Point {
  readonly name: string;
  readonly recording: Recording;
  readonly count: number;
  /** Probability that a change without barrier was kept; 1 keeps the whole prefix. */
  readonly keep: number;
  readonly random: () => number;
}

/**
 * A third of the points each: before the boot menu is touched, from there to shortly after its swap, and after it. The second
 * part is short, but there it matters.
 */
function choosePoint({ changes }: Recording, random: () => number): { count: number; keep: number } {
  const at = (test: (change: Change) => boolean, otherwise: number): number => {
    const found = changes.findIndex(test);
    return found < 0 ? otherwise : found;
  };
  const menu = at(({ paths }) => paths.some((path) => path.startsWith('/boot/')), 0);
  const swap = at(({ call, paths }) => call === 'rename' && paths[1] === '/boot/loader', menu);
  const bounds = [0, menu, Math.min(swap + 10, changes.length - 1), changes.length];
  const part = Math.floor(random() * 3);
  const [from, to] = [bounds[part]!, bounds[part + 1]!];
  return {
    count: from + 1 + Math.floor(random() * Math.max(to - from - 1, 0)),
    keep: random() < 0.4 ? 1 : random(),
  };
}

describe.skipIf(reason !== undefined)(title, () => {
  let work: string;
  const recordings: Record<string, Recording> = {};
  const commits: string[] = [];

  const open = (path: string, options: SysrootOptions = {}): Sysroot =>
    Sysroot.open(path, { env, compat: '2022.7', ...options });
  const deploy = (sysroot: Sysroot, checksum: string, ref: string): void => {
    const merge = sysroot.mergeDeployment('debian');
    const fresh = deployTree(sysroot, 'debian', checksum, Origin.fromRefspec(ref), {
      mergeDeployment: merge,
      ...(merge === undefined ? { kernelArguments } : {}),
    });
    simpleWriteDeployment(sysroot, fresh, { osname: 'debian', merge });
  };

  /** Copies the system and records what `body` changes in it. */
  function record(name: string, path: string, host: boolean, body: (sysroot: Sysroot) => void): void {
    const before = join(work, `${name}.before`);
    restore(path, before);
    const old = boots(before);
    const changes: Change[] = [];
    body(open(path, { fs: recordingFs(path, changes), ...(host ? { host: machineOf(path) } : {}) }));
    recordings[name] = { before, changes, good: [JSON.stringify(old), JSON.stringify(boots(path))] };
  }

  function machineOf(path: string): ReturnType<typeof directoryHost> {
    return directoryHost({
      sysroot: path,
      deployment: open(path).deployments.find((d) => !d.staged)!.path,
      run: join(path, 'run/ostree'),
      varPath: join(path, 'ostree/deploy/debian/var'),
    });
  }

  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), 'coppice-powerloss-'));
    const path = join(work, 's');
    mkdirSync(path);
    initFs(path);
    const repo = Repo.open(join(path, 'ostree/repo'));
    repo.config.setString('sysroot', 'bootloader', 'none');
    repo.writeConfig();
    const tree = join(work, 'tree');
    run('cp', '-a', bootTree!, tree);
    const [kernel] = run('find', `${tree}/usr/lib/modules`, '-name', 'initramfs.img').trim().split('\n');
    for (const version of ['1', '2', '3']) {
      writeFileSync(join(tree, 'usr/lib/release-number'), `${version}\n`);
      writeFileSync(join(tree, 'usr/etc/release.conf'), `default of ${version}\n`);
      // Zeros after an initramfs mean nothing to the kernel, but give it another checksum: the boot menu changes.
      if (version === '2') appendFileSync(kernel!, Buffer.alloc(512));
      const metadata = `--add-metadata-string=version=${version}`;
      const args = ['commit', `--repo=${path}/ostree/repo`, '-b', `os${version}`, metadata, `--tree=dir=${tree}`];
      commits.push(run('ostree', ...args).trim());
    }
    rmSync(tree, { recursive: true });
    initStateroot(open(path), 'debian');
    deploy(open(path), commits[0]!, 'os1');
    writeFileSync(join(path, open(path).deployments[0]!.path, 'etc/local.conf'), 'mine\n');
    record('deploy', path, false, (sysroot) => deploy(sysroot, commits[1]!, 'os2'));
    // Now 2 runs and 1 is the way back; 3 is finalized at shutdown.
    const running = open(path, { host: machineOf(path) });
    stageTree(running, 'debian', commits[2]!, Origin.fromRefspec('os3'), { mergeDeployment: running.booted });
    record('finalize', path, true, (sysroot) => expect(finalizeStaged(sysroot)).toBe(true));
    // What an interrupted deployment leaves: a tree and a kernel that nothing uses.
    deployTree(open(path), 'debian', commits[0]!, Origin.fromRefspec('os1'));
    const [kernels] = run('ls', join(path, 'boot/ostree')).split('\n');
    run('cp', '-a', `${path}/boot/ostree/${kernels}`, `${path}/boot/ostree/debian-${'0'.repeat(64)}`);
    record('cleanup', path, false, (sysroot) => cleanupSysroot(sysroot));
    rmSync(path, { recursive: true });
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  /** Makes the disk of a point, asks the checker and boots it. */
  async function visit({ name, recording, count, keep, random }: Point): Promise<string> {
    const root = join(work, name);
    const image = `${root}.raw`;
    try {
      restore(recording.before, root);
      replayLossy(root, recording.changes, count, () => random() < keep);
      const verdict = boots(root);
      expect(recording.good, name).toContain(JSON.stringify(verdict));
      expect(checkSysroot(root).filter(({ severity }) => severity === 'fatal')).toEqual([]);
      run('mke2fs', '-q', '-t', 'ext4', '-L', 'root', '-E', 'root_owner=0:0', '-d', root, image, '2G');
      rmSync(root, { recursive: true });
      const machine = new Machine(image);
      try {
        await machine.login(900);
        const status = await machine.run('ostree admin status 2>&1 | grep "^\\*"; cat /usr/lib/release-number');
        const [, checksum] = /\* debian ([0-9a-f]{64}\.[0-9]+)/.exec(status) ?? [];
        expect(`/ostree/deploy/debian/deploy/${checksum}`, name).toBe(verdict.name);
        expect(status.trim().split('\n').at(-1)).toBe(String(commits.indexOf(checksum!.slice(0, 64)) + 1));
        expect(await machine.run('cat /etc/local.conf')).toContain('mine');
        return `${name}: ${count} of ${recording.changes.length} changes, kept ${keep.toFixed(2)}: boots ${status.trim().at(-1)}`;
      } finally {
        machine.end();
      }
    } finally {
      rmSync(root, { recursive: true, force: true });
      rmSync(image, { force: true });
    }
  }

  it(`boots the old or the new system from ${points} disks`, { timeout: 1200_000 * Math.max(points, 1) }, async () => {
    const random = generator(seed);
    const names = Object.keys(recordings);
    const queue: Point[] = Array.from({ length: points }, (_, i) => {
      const name = names[i % names.length]!;
      const recording = recordings[name]!;
      return { name: `${name}-${i}`, recording, ...choosePoint(recording, random), random: generator(seed * 1000 + i) };
    }).slice(Number(from));
    const worker = async (): Promise<void> => {
      for (let point = queue.shift(); point !== undefined; point = queue.shift())
        console.log(
          await visit(point).catch((error: unknown) => {
            queue.length = 0;
            throw error;
          }),
        );
    };
    // All must have ended: a machine that went on would keep a processor busy.
    const ends = await Promise.allSettled([worker(), worker()]);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  });
});
