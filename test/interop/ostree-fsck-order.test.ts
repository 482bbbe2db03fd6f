// Several damaged objects at once: fsck names them, and what it does to commits, in the order of the original's hash tables.
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ours, theirs } from './ostree-runners.ts';
import { originalOutput, scratch, skipReason } from './ostree-support.ts';
import { type Dice, dice } from './ostree-turns.ts';

if (skipReason !== undefined) console.warn(`skipped: ${skipReason}`);

const modes = ['archive', 'bare-user', 'bare'] as const;
const flags = [[], ['-a'], ['--delete'], ['-a', '-q', '--verify-back-refs'], ['--add-tombstones']] as const;

/** A few commits of trees that share most files, on refs or none. */
function makeRepo(base: string, mode: string, roll: Dice): string {
  const repo = join(base, 'sound');
  const tree = join(base, 'tree');
  for (const path of [repo, tree]) rmSync(path, { recursive: true, force: true });
  originalOutput('init', `--repo=${repo}`, `--mode=${mode}`);
  const files = 2 + roll(60);
  for (let commit = 0; commit <= roll(6); commit++) {
    for (let file = 0; file < files; file++) {
      if (commit > 0 && roll(3) > 0) continue;
      const folder = join(tree, `d${file % 4}`, `e${file % 3}`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `f${file}`), `${commit} ${file}`);
    }
    const where = roll(3) === 0 ? '--orphan' : `--branch=b${roll(3)}`;
    originalOutput(`--repo=${repo}`, 'commit', '-s', 'Subject', where, `--timestamp=@${commit}`, tree);
  }
  return repo;
}

/** Other metadata of the same form: the name of the first entry, a mode or the subject is another. */
function changed(bytes: Buffer): Buffer {
  const subject = bytes.indexOf('Subject');
  bytes[Math.max(subject, 0)]! ^= 1;
  return bytes;
}

/** Damages or takes away some objects, the same ones in both copies. */
function damage(copies: readonly string[], types: RegExp, roll: Dice): void {
  const objects = readdirSync(join(copies[0]!, 'objects'), { recursive: true, encoding: 'utf8' })
    .filter((name) => types.test(name))
    .sort();
  for (let count = 2 + roll(8); count > 0; count--) {
    const name = objects[roll(objects.length)]!;
    const away = roll(4) === 0;
    for (const copy of copies) {
      const path = join(copy, 'objects', name);
      if (away) rmSync(path, { force: true });
      else if (/file/.test(name)) appendFileSync(path, 'more');
      else if (existsSync(path)) writeFileSync(path, changed(readFileSync(path)));
    }
  }
}

describe.skipIf(skipReason !== undefined)(`the order of damaged objects ${skipReason ?? ''}`, () => {
  const { path: base, remove } = scratch();
  afterAll(remove);
  const rounds = Number(process.env['FSCK_ROUNDS'] ?? 5);

  test.each([
    ['files', /\.filez?$/],
    ['files and metadata', /\.(filez?|dirmeta)$/],
    ['anything', /\.(filez?|dirmeta|dirtree|commit)$/],
  ])('%s', async (name, types) => {
    const wrong: unknown[] = [];
    for (let round = 0; round < rounds; round++) {
      const roll = dice(round * 7919 + name.length);
      const repo = makeRepo(base, modes[round % modes.length]!, roll);
      const copies = [join(base, 'theirs'), join(base, 'ours')];
      for (const copy of copies) {
        rmSync(copy, { recursive: true, force: true });
        spawnSync('cp', ['-a', repo, copy]);
      }
      damage(copies, types, roll);
      const flag = flags[round % flags.length]!;
      const said = [
        await theirs([`--repo=${copies[0]}`, 'fsck', ...flag]),
        await ours([`--repo=${copies[1]}`, 'fsck', ...flag]),
      ].map(({ status, stdout, stderr }) => ({
        status,
        // How often progress is told depends on the time.
        stdout: stdout.replace(/^fsck objects .*\n/gm, ''),
        stderr: stderr.replaceAll(base, 'BASE').replace('BASE/ours', 'BASE/theirs'),
      }));
      if (JSON.stringify(said[0]) !== JSON.stringify(said[1])) wrong.push([round, flag, ...said]);
    }
    expect(wrong).toEqual([]);
  });
});
