// Large trees committed by the original and by ours, in every mode: the checksums must be equal.
//   node --conditions=source scripts/identical-ostree.ts CASE... [--mode MODE,...] [--flags plain,labels,...]
// Cases: debian (--tree DIR, else the Debian tree of test/judges/debian-tree.sh, copied and given attributes of every
// namespace, access lists, odd names and a path of 4,000 bytes), small (200,000 small files), sparse (one of 5 GB).
// Needs root, and a bundle: COPPICE_DIST, else the one that `npm run build` made.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseMode } from '@coppice/ostree';
import {
  addAttributes,
  addDeepPath,
  compareCommits,
  countEntries,
  type Inputs,
  makeLayer,
  makePolicy,
  type Outcome,
  type Runner,
  writeLists,
} from '../test/interop/ostree-identical.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tree: { type: 'string' },
    mode: { type: 'string', default: 'bare,bare-user,bare-user-only,archive' },
    flags: { type: 'string' },
  },
});
const root = join(import.meta.dirname, '..');
const env = { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC', COPPICE_COMPAT: 'ostree=2022.7' };
const runner =
  (program: string): Runner =>
  (args): Outcome => {
    const { status, stdout, stderr } = spawnSync(program, args, { env, encoding: 'utf8', maxBuffer: 1 << 28 });
    return { status: status ?? -1, stdout, stderr };
  };

function debianTree(): string {
  if (values.tree !== undefined) return values.tree;
  const found = spawnSync('bash', [join(root, 'test/judges/debian-tree.sh'), '--cached'], { encoding: 'utf8' });
  if (found.status !== 0) throw new Error('run test/judges/debian-tree.sh first');
  return found.stdout.trim().split('\n').at(-1)!;
}

/** Fills the tree of a case; gives the sets of flags to commit it with. */
function fill(name: string, tree: string): readonly string[] | undefined {
  if (name === 'debian') {
    spawnSync('cp', ['-a', debianTree(), tree]);
    spawnSync('find', [
      tree,
      '(',
      '-type',
      'c',
      '-o',
      '-type',
      'b',
      '-o',
      '-type',
      'p',
      '-o',
      '-type',
      's',
      ')',
      '-delete',
    ]);
    addAttributes(tree);
    addDeepPath(tree, 4000);
    return undefined;
  }
  mkdirSync(tree);
  if (name === 'small') {
    for (let d = 0; d < 200; d++) {
      mkdirSync(join(tree, `d${d}`));
      for (let i = 0; i < 1000; i++)
        writeFileSync(join(tree, `d${d}`, `f${i}`), i % 10 === 0 ? '' : `small ${d} ${i % 500}`);
    }
  } else if (name === 'sparse') {
    writeFileSync(join(tree, 'sparse'), 'start');
    truncateSync(join(tree, 'sparse'), 5 * 2 ** 30);
  } else throw new Error(`no case ${name}`);
  return ['plain'];
}

for (const name of positionals.length > 0 ? positionals : ['debian', 'small', 'sparse']) {
  const work = mkdtempSync(join(tmpdir(), 'identical-ostree-'));
  try {
    const inputs: Inputs = { work, tree: join(work, 'tree'), layer: join(work, 'layer'), policy: join(work, 'policy') };
    const flags = fill(name, inputs.tree);
    makeLayer(inputs.layer);
    makePolicy(inputs.policy);
    writeLists(work, name === 'debian' ? '/usr/bin/env' : '/none', name === 'debian' ? '/usr/share/doc' : '/none');
    const entries = countEntries(inputs.tree);
    for (const text of values.mode.split(',')) {
      const mode = parseMode(text);
      let done = 0;
      let [theirs, ours] = [0, 0];
      // In bare and bare-user-only 2022.7 stores labelled files that its own fsck refuses.
      const labelsRight = mode === 'bare-user' || mode === 'archive';
      const chosen =
        flags ??
        (labelsRight
          ? undefined
          : [
              'plain',
              'canonical permissions',
              'owner',
              'statoverride',
              'skip list',
              'read-only executables',
              'sizes',
              'layers',
              'on a base',
            ]);
      const only = values.flags?.split(',') ?? chosen;
      const differences = await compareCommits(
        inputs,
        mode,
        { theirs: runner('ostree'), ours: runner(join(root, 'bin/ostree')) },
        {
          ...(only === undefined ? {} : { flags: only }),
          note(_case, seconds) {
            done++;
            theirs += seconds[0];
            ours += seconds[1];
          },
        },
      );
      for (const one of differences) console.error(JSON.stringify(one).slice(0, 1000));
      if (differences.length > 0) process.exitCode = 1;
      console.log(
        `${name}, ${mode}: ${entries} entries, ${done} commits, ${done - differences.length} equal; original ${theirs.toFixed(1)} s, ours ${ours.toFixed(1)} s`,
      );
      for (const side of ['theirs', 'ours']) rmSync(join(work, `${side}-${mode}`), { recursive: true, force: true });
    }
  } finally {
    spawnSync('rm', ['-rf', work]);
  }
}
