// Commits of one tree by the original and by ours, with many flags and in every mode: checksums and objects must be equal.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { hostFs } from '@coppice/linux';
import type { RepoMode } from '@coppice/ostree';
import { describeTree } from './ostree-support.ts';

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs an `ostree` with arguments. */
export type Runner = (args: readonly string[]) => Promise<Outcome> | Outcome;

export const modes: readonly RepoMode[] = ['bare', 'bare-user', 'bare-user-only', 'archive'];

/** A policy that labels by path, below `root/etc/selinux`. */
export function makePolicy(root: string): string {
  const type = join(root, 'etc/selinux/targeted');
  mkdirSync(join(type, 'contexts/files'), { recursive: true });
  mkdirSync(join(type, 'policy'));
  writeFileSync(join(root, 'etc/selinux/config'), 'SELINUX=enforcing\nSELINUXTYPE=targeted\n');
  writeFileSync(join(type, 'policy/policy.33'), 'policy');
  writeFileSync(
    join(type, 'contexts/files/file_contexts'),
    [
      '/.*\tsystem_u:object_r:default_t:s0',
      '/d(/.*)?\tsystem_u:object_r:d_t:s0',
      '/usr(/.*)?\tsystem_u:object_r:usr_t:s0',
      '/usr/bin(/.*)?\t--\tsystem_u:object_r:bin_t:s0',
      '/etc(/.*)?\tsystem_u:object_r:etc_t:s0',
      '/lnk\t-l\tsystem_u:object_r:link_t:s0',
      '/proc(/.*)?\t<<none>>',
    ].join('\n'),
  );
  return root;
}

/** Attributes of every namespace, access lists and capabilities on files, folders and links; needs root. */
export function addAttributes(tree: string): void {
  const file = join(tree, 'attributed');
  writeFileSync(file, 'attributes of all kinds');
  chmodSync(file, 0o644);
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  const values: [string, Buffer][] = [
    ['user.text', Buffer.from('value')],
    ['user.Été "quoted"', Buffer.from([0, 1, 2, 255])],
    ['user.long', Buffer.alloc(3000, 9)],
    ['user.empty', Buffer.alloc(0)],
    ['trusted.overlay.opaque', Buffer.from('y')],
    ['security.capability', capability],
    ['security.ima', Buffer.alloc(20, 4)],
  ];
  for (const [name, value] of values) hostFs.setxattr(file, name, value);
  const folder = join(tree, 'attributed-folder');
  mkdirSync(folder);
  hostFs.setxattr(folder, 'user.folder', Buffer.from('f'));
  hostFs.setxattr(folder, 'trusted.folder', Buffer.from('t'));
  symlinkSync('attributed', join(tree, 'attributed-link'));
  hostFs.setxattr(join(tree, 'attributed-link'), 'trusted.link', Buffer.from('l'));
  spawnSync('setfacl', ['-m', 'u:1000:rw,g:5:r', file]);
  spawnSync('setfacl', ['-d', '-m', 'u:1000:rwx', folder]);
  writeFileSync(join(tree, 'one name'), 'of many');
  for (const name of ["other'name", 'third "name"', 'fourth\nname', 'naïve', '名前'])
    linkSync(join(tree, 'one name'), join(tree, name));
}

/** A path of about `length` bytes below `tree`, made from within, since no call takes one so long. */
export function addDeepPath(tree: string, length: number): void {
  const name = 'deep'.repeat(50);
  const script = `cd "$1" && for i in $(seq "$2"); do mkdir -p ${name} && cd ${name} || exit 1; done; echo bottom >file`;
  const done = spawnSync('bash', ['--norc', '-c', script, 'sh', tree, String(Math.ceil(length / (name.length + 1)))], {
    encoding: 'utf8',
  });
  if (done.status !== 0) throw new Error(done.stderr);
}

export interface Inputs {
  readonly tree: string;
  /** For `--tree=dir=` as a second layer. */
  readonly layer: string;
  readonly policy: string;
  /** Where files for flags are put. */
  readonly work: string;
}

/** Flags of `commit`, with `TREE`, `LAYER`, `POLICY` and `WORK` for the inputs. */
export const flagSets: Readonly<Record<string, readonly string[]>> = {
  plain: ['TREE'],
  'canonical permissions': ['--canonical-permissions', 'TREE'],
  owner: ['--no-xattrs', '--owner-uid=12', '--owner-gid=13', 'TREE'],
  statoverride: ['--statoverride=WORK/statoverride', 'TREE'],
  'skip list': ['--skip-list=WORK/skip', 'TREE'],
  'read-only executables': ['--mode-ro-executables', 'TREE'],
  labels: ['--selinux-policy=POLICY', 'TREE'],
  'labels of the base': ['-P', '--tree=dir=POLICY', '--tree=dir=TREE'],
  sizes: ['--generate-sizes', 'TREE'],
  layers: ['--tree=dir=TREE', '--tree=dir=LAYER'],
  'on a base': ['--base=main', '--tree=dir=LAYER'],
  'a ref as layer': ['--tree=ref=main', '--tree=dir=LAYER', '--owner-uid=7'],
  'known files': ['--link-checkout-speedup', 'TREE'],
  'known files, unread': ['-I', '--canonical-permissions', 'TREE'],
  everything: [
    '--statoverride=WORK/statoverride',
    '--skip-list=WORK/skip',
    '--mode-ro-executables',
    '--selinux-policy=POLICY',
    '--tree=dir=TREE',
    '--tree=dir=LAYER',
    '--owner-gid=9',
  ],
};

/** A second layer: adds, replaces files by folders and folders by links. */
export function makeLayer(layer: string): void {
  mkdirSync(join(layer, 'usr/bin'), { recursive: true });
  writeFileSync(join(layer, 'usr/bin/more'), 'more', { mode: 0o755 });
  writeFileSync(join(layer, 'layered'), 'from the layer');
  for (const name of ['usr', 'usr/bin']) chmodSync(join(layer, name), 0o755);
}

/** Writes the files that flags name, for an executable and a folder of the tree. */
export function writeLists(work: string, executable: string, skipped: string): void {
  writeFileSync(join(work, 'statoverride'), `2048 ${executable}\n=320 /one name\n`);
  writeFileSync(join(work, 'skip'), `${skipped}\n`);
}

/** Names, modes, owners, attributes and content of every object; the deflate bytes of `.filez` may differ. */
export function objects(repo: string): string[] {
  return describeTree(join(repo, 'objects')).map((line) => {
    const path = line.slice(0, line.indexOf(' '));
    if (!path.endsWith('.filez')) return line;
    const bytes = readFileSync(join(repo, 'objects', path));
    return `${line.split(' ').slice(0, 6).join(' ')} ${bytes.subarray(0, 8 + bytes.readUInt32BE(0)).toString('hex')}`;
  });
}

export interface Difference {
  readonly case: string;
  readonly mode: RepoMode;
  readonly theirs: unknown;
  readonly ours: unknown;
}

/** Commits with every set of flags in both; gives what differs. `note` hears of each commit. */
export async function compareCommits(
  inputs: Inputs,
  mode: RepoMode,
  run: { theirs: Runner; ours: Runner },
  options: {
    flags?: readonly string[];
    note?: (name: string, seconds: readonly [theirs: number, ours: number]) => void;
  } = {},
): Promise<Difference[]> {
  const repos = { theirs: join(inputs.work, `theirs-${mode}`), ours: join(inputs.work, `ours-${mode}`) };
  const out: Difference[] = [];
  for (const side of ['theirs', 'ours'] as const) await run[side](['init', `--repo=${repos[side]}`, `--mode=${mode}`]);
  const place = (word: string): string =>
    word
      .replace('TREE', inputs.tree)
      .replace('LAYER', inputs.layer)
      .replace('POLICY', inputs.policy)
      .replace('WORK', inputs.work);
  for (const name of options.flags ?? Object.keys(flagSets)) {
    const seconds: number[] = [];
    const results: Outcome[] = [];
    for (const side of ['theirs', 'ours'] as const) {
      const begun = performance.now();
      const branch = name === 'plain' ? ['-b', 'main'] : ['--orphan'];
      const args = [
        `--repo=${repos[side]}`,
        'commit',
        ...branch,
        '-s',
        'subject',
        '--timestamp=@1234567890',
        ...flagSets[name]!.map(place),
      ];
      const done = await run[side](args);
      results.push({ ...done, stderr: done.stderr.replaceAll(repos[side], 'REPO') });
      seconds.push((performance.now() - begun) / 1000);
    }
    options.note?.(name, seconds as unknown as readonly [number, number]);
    if (JSON.stringify(results[0]) !== JSON.stringify(results[1]))
      out.push({ case: name, mode, theirs: results[0], ours: results[1] });
  }
  return out;
}

/** Compares what lies in both repositories, and lets the original check ours. */
export async function compareStores(
  work: string,
  mode: RepoMode,
  run: { theirs: Runner; ours: Runner },
): Promise<Difference[]> {
  const [theirs, ours] = [join(work, `theirs-${mode}`), join(work, `ours-${mode}`)];
  const out: Difference[] = [];
  const [a, b] = [objects(theirs), objects(ours)];
  const firstOther = a.findIndex((line, i) => line !== b[i]);
  if (a.length !== b.length || firstOther >= 0)
    out.push({ case: 'objects', mode, theirs: `${a.length}: ${a[firstOther]}`, ours: `${b.length}: ${b[firstOther]}` });
  for (const repo of [theirs, ours])
    for (const side of ['theirs', 'ours'] as const) {
      const done = await run[side](['fsck', '-q', `--repo=${repo}`]);
      if (done.status !== 0) out.push({ case: `fsck of ${repo} by ${side}`, mode, theirs: '', ours: done.stderr });
    }
  return out;
}

/** Entries below a folder, for the report. */
export function countEntries(path: string): number {
  let count = 0;
  const visit = (folder: string): void => {
    for (const name of readdirSync(folder)) {
      count++;
      const full = `${folder}/${name}`;
      if (full.length < 4000 && lstatSync(full).isDirectory()) visit(full);
    }
  };
  visit(path);
  return count;
}

export function clear(...paths: readonly string[]): void {
  for (const path of paths) rmSync(path, { recursive: true, force: true });
}
