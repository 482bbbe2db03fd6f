// Several damaged objects at once: fsck names them, and what it does to commits, in the order of the original's hash tables.
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

  test('refs of collections, with commits that are missing, damaged or bound to others', async () => {
    const wrong: unknown[] = [];
    for (let round = 0; round < rounds * 2; round++) {
      const roll = dice(round * 104729 + 1);
      const repo = join(base, 'mirrored');
      const tree = join(base, 'tree');
      rmSync(repo, { recursive: true, force: true });
      mkdirSync(tree, { recursive: true });
      originalOutput('init', `--repo=${repo}`, '--mode=archive', '--collection-id=org.example.Own');
      const collections = ['org.example.Own', 'org.example.Os', 'com.example.Apps', `net.z${roll(1000)}`];
      for (let n = 2 + roll(12); n > 0; n--) {
        const collection = collections[roll(collections.length)]!;
        const ref = ['main', 'x/y', `b${roll(30)}`, `some/long/name${roll(9)}`][roll(4)]!;
        // Now and then bound to another ref or collection.
        const bound = [roll(8) === 0 ? 'other' : ref, roll(8) === 0 ? collections[roll(4)]! : collection];
        const bindings = [
          `--add-metadata=ostree.ref-binding=['${bound[0]}']`,
          `--add-metadata-string=ostree.collection-binding=${bound[1]}`,
        ];
        const args = ['commit', '--orphan', '--no-bindings', ...bindings, '-s', `${n}`, `--timestamp=@${n}`, tree];
        const folder = join(repo, collection === collections[0] ? 'refs/heads' : `refs/mirrors/${collection}`, ref);
        mkdirSync(dirname(folder), { recursive: true });
        const commit = originalOutput(`--repo=${repo}`, ...args).trim();
        writeFileSync(folder, `${commit}\n`);
        const object = join(repo, 'objects', commit.slice(0, 2), `${commit.slice(2)}.commit`);
        if (roll(12) === 0 && existsSync(object)) rmSync(object);
        else if (roll(12) === 0) writeFileSync(object, changed(readFileSync(object)));
      }
      const flag = [['--verify-back-refs'], ['--verify-bindings', '-a'], ['-a', '--verify-back-refs'], []][round % 4]!;
      for (const args of [
        ['refs', '-c'],
        ['fsck', ...flag],
      ]) {
        const said = [await theirs([`--repo=${repo}`, ...args]), await ours([`--repo=${repo}`, ...args])];
        if (JSON.stringify(said[0]) !== JSON.stringify(said[1])) wrong.push([round, args, ...said]);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('refs that are deleted or pruned until one stops it or decides for others', async () => {
    const wrong: unknown[] = [];
    for (let round = 0; round < rounds; round++) {
      const said: unknown[] = [];
      for (const run of [theirs, ours]) {
        const roll = dice(round * 15485863 + 5);
        const repo = join(base, 'history');
        const tree = join(base, 'tree');
        rmSync(repo, { recursive: true, force: true });
        mkdirSync(tree, { recursive: true });
        originalOutput('init', `--repo=${repo}`, '--mode=archive');
        const refs = Array.from({ length: 3 + roll(9) }, (_, i) => `p/n${roll(90)}${'x'.repeat(i)}`);
        const commit = ['commit', '-b', 'main', '-s', 'x', '--timestamp=@5', tree];
        for (let n = 0; n < 4; n++) originalOutput(`--repo=${repo}`, ...commit, `--add-metadata-string=n=${n}`);
        for (const ref of refs)
          originalOutput(`--repo=${repo}`, 'refs', `--create=${ref}`, 'main'.padEnd(4 + roll(3), '^'));
        originalOutput(`--repo=${repo}`, 'refs', '--delete', 'main');
        const depths = refs.map((ref) => `--retain-branch-depth=${ref}=${1 + roll(3)}`);
        said.push(await run([`--repo=${repo}`, 'prune', '--refs-only', ...depths]));
        originalOutput(`--repo=${repo}`, 'refs', '--alias', '--create=alias', refs[roll(refs.length)]!);
        said.push(await run([`--repo=${repo}`, 'refs', '--delete', 'p']));
        said.push(originalOutput(`--repo=${repo}`, 'refs').split('\n').sort());
      }
      const half = said.length / 2;
      if (JSON.stringify(said.slice(0, half)) !== JSON.stringify(said.slice(half))) wrong.push([round, ...said]);
    }
    expect(wrong).toEqual([]);
  });
});
