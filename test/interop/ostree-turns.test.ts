// One repository, used in turns by the original and by us: whatever one leaves, the other goes on with.
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Variant } from '@coppice/gvariant';
import { checkout, MutableTree, prune, Repo, type RepoMode, runFsck } from '@coppice/ostree';
import { afterAll, describe, expect, test } from 'vitest';
import { describeTree, originalOutput, scratch, skipReason } from './ostree-support.ts';

if (skipReason !== undefined) console.warn(`skipped: ${skipReason}`);
const steps = Number(process.env['COPPICE_TURNS'] ?? 50);

/** Numbers below `n`, the same in every run. */
function dice(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

function commit(repo: Repo, folder: string, ref: string, second: number): void {
  const parent = repo.tryResolveRev(ref);
  repo.transaction((transaction) => {
    const root = new MutableTree();
    transaction.writeDirectory(folder, root);
    const checksum = transaction.writeCommit({
      metadata: new Map([['ostree.ref-binding', Variant.strings([ref])]]),
      parent,
      subject: `ours ${second}`,
      body: '',
      timestamp: second,
      ...transaction.writeTree(root),
    });
    transaction.setRef(ref, checksum);
  });
}

describe.skipIf(skipReason !== undefined)('in turns with the original', () => {
  const { path: base, remove } = scratch();
  afterAll(remove);
  const cases: readonly (readonly [RepoMode, number])[] = [
    ['archive', 1],
    ['bare', 2],
    ['bare-user', 3],
    ['bare-user-only', 4],
  ];

  test.each(cases)('%s, seed %i', (mode, seed) => {
    const path = join(base, mode);
    const folder = join(base, `tree-${mode}`);
    const roll = dice(seed);
    mkdirSync(folder);
    Repo.create(path, { mode });
    const refs = ['main', 'other/branch', 'third'];
    const change = (): void => {
      for (let i = roll(4); i >= 0; i--) {
        const name = join(folder, `dir${roll(3)}`, `file${roll(8)}`);
        mkdirSync(join(name, '..'), { recursive: true });
        rmSync(name, { force: true });
        const kind = roll(6);
        if (kind === 0) symlinkSync(`target${roll(3)}`, name);
        else if (kind > 1)
          writeFileSync(name, `content ${roll(5)} `.repeat(roll(3) * 2000), { mode: roll(2) === 0 ? 0o644 : 0o755 });
      }
    };
    for (let step = 0; step < steps; step++) {
      const mine = roll(2) === 0;
      const ref = refs[roll(refs.length)]!;
      const repo = Repo.open(path);
      const known = repo.tryResolveRev(ref);
      const action = known === undefined ? 0 : roll(10);
      if (action <= 5) {
        change();
        if (mine) commit(repo, folder, ref, step);
        else originalOutput(`--repo=${path}`, 'commit', '-b', ref, `--timestamp=@${step}`, folder);
        expect(originalOutput(`--repo=${path}`, 'rev-parse', ref).trim()).toBe(Repo.open(path).resolveRev(ref));
      } else if (action === 6) {
        if (mine) repo.setRef(ref, null);
        else originalOutput(`--repo=${path}`, 'refs', '--delete', ref);
        expect(originalOutput(`--repo=${path}`, 'refs')).not.toContain(`${ref}\n`);
      } else if (action <= 8) {
        const depth = roll(3) - 1;
        if (mine) prune(repo, { refsOnly: true, depth });
        else originalOutput(`--repo=${path}`, 'prune', '--refs-only', `--depth=${depth}`);
      } else {
        const [a, b] = [join(base, 'a'), join(base, 'b')];
        const user = mode === 'bare' ? [] : ['-U'];
        originalOutput(`--repo=${path}`, 'checkout', ...user, ref, a);
        checkout(repo, { commit: known!, dest: b, mode: mode === 'bare' ? 'none' : 'user' });
        expect(describeTree(b)).toEqual(describeTree(a));
        for (const out of [a, b]) rmSync(out, { recursive: true });
      }
      expect(originalOutput(`--repo=${path}`, 'fsck', '-q')).toContain('no errors found');
      expect(runFsck(Repo.open(path)).corrupt).toBe(false);
      expect(readdirSync(join(path, 'tmp'))).toEqual(['cache']);
    }
  });
});
