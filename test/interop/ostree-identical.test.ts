// Small trees with everything in them, all flags, all modes; `scripts/identical-ostree.ts` does the same with large ones.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RepoMode } from '@coppice/ostree';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addAttributes,
  addDeepPath,
  compareCommits,
  compareStores,
  flagSets,
  type Inputs,
  makeLayer,
  makePolicy,
  modes,
  writeLists,
} from './ostree-identical.ts';
import { ours, theirs } from './ostree-runners.ts';
import { describeTree, scratch, skipReason } from './ostree-support.ts';

if (skipReason !== undefined) console.warn(`skipped: ${skipReason}`);

/** In the other modes 2022.7 stores labelled files under checksums that its own fsck then refuses; ours are right. */
const labelsRight = (mode: RepoMode): boolean => mode === 'bare-user' || mode === 'archive';

/** Less than `oddTree`, to be quick: all flags in all modes commit it some sixty times, twice. */
function makeTree(tree: string): void {
  mkdirSync(join(tree, 'd/deep'), { recursive: true });
  mkdirSync(join(tree, 'usr/bin'), { recursive: true });
  // Labelled as /mnt, whatever the policy says.
  mkdirSync(join(tree, 'proc/below'), { recursive: true });
  writeFileSync(join(tree, 'd/run'), '#!/bin/sh', { mode: 0o755 });
  writeFileSync(join(tree, 'usr/bin/tool'), 'x'.repeat(70_000), { mode: 0o755 });
  chmodSync(join(tree, 'usr/bin/tool'), 0o4755);
  writeFileSync(join(tree, 'empty'), '');
  symlinkSync('empty', join(tree, 'lnk'));
  writeFileSync(join(tree, 'd/deep/file'), 'deep');
}

describe.skipIf(skipReason !== undefined)(`identical to the original ${skipReason ?? ''}`, () => {
  const { path: work, remove } = scratch();
  const inputs: Inputs = { work, tree: join(work, 'tree'), layer: join(work, 'layer'), policy: join(work, 'policy') };
  afterAll(remove);
  beforeAll(() => {
    makeTree(inputs.tree);
    addAttributes(inputs.tree);
    addDeepPath(inputs.tree, 4000);
    makeLayer(inputs.layer);
    makePolicy(inputs.policy);
    writeLists(work, '/d/run', '/d/deep');
  });

  test.each(modes)('commits with every flag: %s', async (mode) => {
    const flags = Object.keys(flagSets).filter((name) => labelsRight(mode) || !/labels|everything/.test(name));
    expect(await compareCommits(inputs, mode, { theirs, ours }, { flags })).toEqual([]);
    expect(await compareStores(work, mode, { theirs, ours })).toEqual([]);
  });

  test.each(modes)('hard links into the repository are known again, and consumed trees: %s', async (mode) => {
    const outcomes: unknown[] = [];
    for (const [side, runner] of [
      ['theirs', theirs],
      ['ours', ours],
    ] as const) {
      const repo = join(work, `${side}-${mode}`);
      const co = join(work, `co-${side}`);
      const user = mode === 'bare' ? [] : ['-U'];
      const linked = mode === 'archive' ? [] : ['-H'];
      await runner([`--repo=${repo}`, 'checkout', ...user, ...linked, 'main', co]);
      writeFileSync(join(co, 'fresh'), 'new in the checkout');
      chmodSync(join(co, 'fresh'), 0o644);
      const commit = ['commit', '--orphan', '-s', '', '--timestamp=@5', '--table-output'];
      const canonical = mode === 'bare' ? [] : ['--canonical-permissions'];
      outcomes.push([
        await runner([`--repo=${repo}`, ...commit, '-I', ...canonical, `--tree=dir=${co}`]),
        await runner([`--repo=${repo}`, ...commit, ...canonical, '--consume', `--tree=dir=${co}`]),
        describeTree(repo).length,
      ]);
      spawnSync('rm', ['-rf', co]);
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(await compareStores(work, mode, { theirs, ours })).toEqual([]);
  });

  test.each(modes)('whiteouts when checked out: %s', async (mode) => {
    const tree = join(work, `white-${mode}`);
    for (const folder of ['lower/opaque', 'lower/d', 'upper/opaque', 'upper/d'])
      mkdirSync(join(tree, folder), { recursive: true });
    for (const file of [
      'lower/gone',
      'lower/opaque/old',
      'lower/d/kept',
      'lower/d/gone',
      'upper/.wh.gone',
      'upper/opaque/.wh..wh..opq',
      'upper/opaque/new',
      'upper/d/.wh.gone',
      'upper/d/.ostree-wh.device',
    ])
      writeFileSync(join(tree, file), file.includes('.wh') ? '' : file);
    const outcomes: unknown[] = [];
    for (const [side, runner] of [
      ['theirs', theirs],
      ['ours', ours],
    ] as const) {
      const repo = join(work, `${side}-${mode}`);
      const out = join(work, `white-${side}`);
      const user = mode === 'bare' ? [] : ['-U'];
      for (const part of ['lower', 'upper'])
        await runner([
          `--repo=${repo}`,
          'commit',
          '-b',
          part,
          '--timestamp=@6',
          '--canonical-permissions',
          join(tree, part),
        ]);
      const said = [
        await runner([`--repo=${repo}`, 'checkout', ...user, '--whiteouts', '--union', 'lower', out]),
        await runner([`--repo=${repo}`, 'checkout', ...user, '--whiteouts', '--union', 'upper', out]),
        await runner([
          `--repo=${repo}`,
          'checkout',
          ...user,
          '--process-passthrough-whiteouts',
          'upper',
          `${out}-device`,
        ]),
      ];
      outcomes.push([said.map(({ status }) => status), describeTree(out), describeTree(`${out}-device`)]);
      for (const path of [out, `${out}-device`]) spawnSync('rm', ['-rf', path]);
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
  });
});
