// Our command on file systems that are too small, in every verb that writes; both programs say whether what is left is whole.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RepoMode } from '@coppice/ostree';
import { type CrashCommand, type CrashWorld, folderModesAside, objectNames, run } from './ostree-crash.ts';
import { originalOutput } from './ostree-support.ts';

export type FileSystemKind = 'tmpfs' | 'ext4';

export interface FullResult {
  readonly verb: string;
  /** Runs that found too little room. */
  readonly refused: number;
  readonly done: number;
}

/** A mounted file system of 128 MiB. */
function mountSmall(base: string, kind: FileSystemKind): { path: string; release(): void } {
  const path = join(base, 'small');
  const image = join(base, 'image');
  mkdirSync(path, { recursive: true });
  const must = (program: string, ...args: string[]): void => {
    const done = spawnSync(program, args, { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`${program}: ${done.stderr}`);
  };
  if (kind === 'tmpfs') must('mount', '-t', 'tmpfs', '-o', 'size=128M', 'tmpfs', path);
  else {
    writeFileSync(image, '');
    truncateSync(image, 128 * 2 ** 20);
    must('mkfs.ext4', '-q', '-m', '0', image);
    must('mount', '-o', 'loop', image, path);
  }
  return {
    path,
    release() {
      spawnSync('umount', ['--lazy', path]);
      rmSync(image, { force: true });
    },
  };
}

/** Each verb with `points` amounts of room, from none to nearly enough; then again with all the room there is. */
export function fillAt(
  world: CrashWorld,
  command: CrashCommand,
  mode: RepoMode,
  points: number,
  kind: FileSystemKind = 'tmpfs',
): FullResult[] {
  const small = mountSmall(world.base, kind);
  try {
    const repo = join(small.path, 'repo');
    const out = join(small.path, 'out');
    const filler = join(small.path, 'filler');
    const free = (): number => {
      const { bavail, bsize } = statfsSync(small.path);
      return bavail * bsize;
    };
    const ref = (name: string): string => originalOutput(`--repo=${repo}`, 'rev-parse', name).trim();
    /** The repository as it begins: `empty` has no commits. */
    const fresh = (empty: boolean): void => {
      for (const path of [repo, out, filler]) rmSync(path, { recursive: true, force: true });
      if (empty) originalOutput('init', `--repo=${repo}`, `--mode=${mode}`);
      else spawnSync('cp', ['-a', world.sound, repo]);
      const config = `${readFileSync(join(repo, 'config'), 'utf8')}min-free-space-percent=0\ntombstone-commits=true\n`;
      writeFileSync(join(repo, 'config'), config);
    };
    const leave = (bytes: number): void => {
      const rest = free() - bytes;
      if (rest > 0) spawnSync('fallocate', ['-l', String(rest), filler]);
    };
    const split = mode === 'bare-split-xattrs';
    const user = mode === 'bare' || split ? [] : ['-U'];
    const verbs: { name: string; empty: boolean; args: string[]; same: () => string }[] = [
      {
        name: 'commit',
        empty: false,
        args: ['commit', '-b', 'main', '--timestamp=@5', world.tree],
        same: () => ref('main'),
      },
      { name: 'checkout', empty: false, args: ['checkout', ...user, '-C', '--union', 'main', out], same: () => '' },
      { name: 'pull-local', empty: true, args: ['pull-local', world.sound], same: () => ref('main') },
      {
        name: 'prune',
        empty: false,
        args: ['prune', '--refs-only'],
        same: () => objectNames(repo).join(),
      },
    ];
    // A pull would write files.
    return verbs
      .filter(({ name }) => !split || name !== 'pull-local')
      .map(({ name, empty, args, same }) => {
        const call = {
          program: 'ostree',
          name,
          args: [`--repo=${repo}`, ...args],
          status: 0,
          check() {},
          finish() {},
        } as const;
        const must = (): void => {
          const done = run(command, call);
          if (done.status !== 0) throw new Error(`with enough room: ${done.stderr}`);
        };
        fresh(empty);
        const before = free();
        must();
        // A prune gives room back; what it needs before is a few blocks.
        const needed = Math.max(before - free(), points * 1024);
        const result = same();
        const tree = name === 'checkout' ? folderModesAside(out) : '';
        let [refused, done] = [0, 0];
        for (let i = 0; i < points; i++) {
          try {
            fresh(empty);
            const refs = originalOutput(`--repo=${repo}`, 'refs', '--list');
            const old = empty ? '' : ref('main');
            leave(Math.ceil((needed * i) / points));
            const { status, stderr } = run(command, call);
            if (status === 0) done++;
            else {
              refused++;
              if (!/^error: .*No space left on device$/m.test(stderr)) throw new Error(`said: ${stderr}`);
              if (originalOutput(`--repo=${repo}`, 'refs', '--list') !== refs) throw new Error('the refs have changed');
              if (!empty && ref('main') !== old) throw new Error('the ref has moved');
            }
            rmSync(filler);
            world.mustBeClean(repo);
            // A second commit would be the child of the first.
            if (name !== 'commit' || status !== 0) must();
            world.mustBeClean(repo);
            if (same() !== result) throw new Error('the second run leaves something else');
            if (name === 'checkout' && folderModesAside(out) !== tree)
              throw new Error('the second checkout is not the same');
          } catch (error) {
            throw new Error(`${name} with room for ${i} parts of ${points}: ${(error as Error).message}`, {
              cause: error,
            });
          }
        }
        return { verb: name, refused, done };
      });
  } finally {
    small.release();
  }
}
