// The three-way merge of /etc against the original on 500 generated triples: old defaults, new defaults, configuration.

import { spawnSync } from 'node:child_process';
import { chmodSync, lchownSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isCoppiceError } from '@coppice/base';
import { hostFs } from '@coppice/linux';
import { mergeEtc } from '@coppice/sysroot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  baseTree,
  discard,
  listing,
  must,
  newest,
  newestSkipReason,
  original,
  ours as oursAt,
  random,
  skipReason,
  temporaryFolder,
  writeTree,
} from './sysroot-support.ts';

type Pick = (below: number) => number;

/** What stands at a path. */
type Node =
  | {
      readonly kind: 'file';
      readonly text: string;
      readonly mode: number;
      readonly uid: number;
      readonly attribute: boolean;
    }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'fifo' }
  | { readonly kind: 'dir'; readonly mode: number; readonly uid: number };

/** Paths below one triple's own directory; parents come before their children. */
type Tree = Map<string, Node>;

const names = ['a', 'b', 'd', 'd/x', 'd/y', 'd/e', 'd/e/z', 'f', 'f/g', 'f/g/h'];
const triples = 500;
const perBatch = 25;

function someNode(pick: Pick, wide: boolean): Node {
  const n = pick(wide ? 11 : 10);
  if (n < 5)
    return {
      kind: 'file',
      text: `${'ABC'[pick(3)]}\n`,
      mode: [0o644, 0o600, 0o755][pick(3)]!,
      uid: pick(4) === 0 ? 7 : 0,
      attribute: pick(5) === 0,
    };
  if (n < 7) return { kind: 'link', target: ['a', 'b', '../x', '/nowhere'][pick(4)]! };
  if (n < 10) return { kind: 'dir', mode: [0o755, 0o700][pick(2)]!, uid: pick(5) === 0 ? 7 : 0 };
  return { kind: 'fifo' };
}

/** Puts a node; what was below a directory that is one no more goes, missing parents come. */
function put(tree: Tree, path: string, node: Node | undefined): void {
  for (const other of [...tree.keys()])
    if (other === path ? node?.kind !== tree.get(other)!.kind : other.startsWith(`${path}/`) && node?.kind !== 'dir')
      tree.delete(other);
  if (node === undefined) return;
  const parts = path.split('/');
  for (let i = 1; i < parts.length; i++) {
    const parent = parts.slice(0, i).join('/');
    if (tree.get(parent)?.kind !== 'dir') put(tree, parent, { kind: 'dir', mode: 0o755, uid: 0 });
  }
  tree.set(path, node);
}

function generate(pick: Pick): { before: Tree; after: Tree; current: Tree } {
  const before: Tree = new Map();
  for (const name of names) if (pick(2) === 0) put(before, name, someNode(pick, false));
  const change = (wide: boolean): Tree => {
    const tree = new Map(before);
    for (let i = pick(4); i > 0; i--)
      put(tree, names[pick(names.length)]!, pick(3) === 0 ? undefined : someNode(pick, wide));
    return tree;
  };
  return { before, after: change(false), current: change(true) };
}

function write(root: string, tree: Tree): void {
  mkdirSync(root, { recursive: true });
  for (const path of [...tree.keys()].sort()) {
    const node = tree.get(path)!;
    const full = join(root, path);
    if (node.kind === 'link') symlinkSync(node.target, full);
    else if (node.kind === 'fifo') spawnSync('mkfifo', ['-m', '644', full]);
    else {
      if (node.kind === 'dir') mkdirSync(full);
      else {
        writeFileSync(full, node.text);
        if (node.attribute) hostFs.setxattr(full, 'user.test', Buffer.from('value'));
      }
      chmodSync(full, node.mode);
      lchownSync(full, node.uid, node.uid);
    }
  }
}

describe.each([
  { level: '2022.7', reason: skipReason, judge: original },
  { level: '2026.4', reason: newestSkipReason, judge: newest },
])('merging /etc at $level', ({ level, reason, judge }) => {
  if (reason !== undefined) {
    it.skip(reason);
    return;
  }
  const ours = (args: readonly string[], cwd: string) => oursAt(args, cwd, {}, level);
  let work: string;
  const groups: {
    readonly name: string;
    readonly list: readonly ReturnType<typeof generate>[];
    readonly fails: boolean;
  }[] = [];

  /** What ours does with one triple on its own. */
  function failsAlone(triple: ReturnType<typeof generate>): boolean {
    const root = join(work, 'alone');
    rmSync(root, { recursive: true, force: true });
    write(join(root, 'usr'), triple.before);
    write(join(root, 'etc'), triple.current);
    write(join(root, 'new'), triple.after);
    const trees = { oldDefaults: join(root, 'usr'), current: join(root, 'etc'), target: join(root, 'new') };
    try {
      mergeEtc(hostFs, trees, { refuseSpecial: level !== '2026.4' });
      return false;
    } catch (error) {
      if (!isCoppiceError(error)) throw error;
      return true;
    }
  }

  beforeAll(() => {
    work = temporaryFolder();
    const pick = random(Number(process.env.COPPICE_SEED ?? 500));
    const all = Array.from({ length: triples }, () => generate(pick));
    const good = all.filter((triple) => !failsAlone(triple));
    const bad = all.filter((triple) => !good.includes(triple));
    for (let i = 0; i < good.length; i += perBatch)
      groups.push({ name: `g${i / perBatch}`, list: good.slice(i, i + perBatch), fails: false });
    for (const [i, triple] of bad.entries()) groups.push({ name: `b${i}`, list: [triple], fails: true });

    mkdirSync(join(work, 'a'));
    must(judge(['admin', 'init-fs', 'a'], work));
    const tree = join(work, 'tree');
    const repo = '--repo=a/ostree/repo';
    for (const { name, list } of groups) {
      for (const which of ['before', 'after'] as const) {
        rmSync(tree, { recursive: true, force: true });
        writeTree(tree, baseTree);
        rmSync(join(tree, 'usr/etc'), { recursive: true });
        for (const [i, triple] of list.entries()) write(join(tree, 'usr/etc', `t${i}`), triple[which]);
        must(judge(['commit', repo, '-b', `${name}/${which}`, '-s', 'x', `--tree=dir=${tree}`], work));
      }
      must(judge(['admin', 'os-init', '--sysroot=a', name], work));
      must(judge(['admin', 'deploy', '--sysroot=a', `--os=${name}`, '--no-prune', `${name}/before`], work));
      const deploy = join(work, 'a/ostree/deploy', name, 'deploy');
      const deployed = readdirSync(deploy).find((entry) => lstatSync(join(deploy, entry)).isDirectory())!;
      list.forEach((triple, i) => {
        rmSync(join(deploy, deployed, 'etc', `t${i}`), { recursive: true });
        write(join(deploy, deployed, 'etc', `t${i}`), triple.current);
      });
    }
    spawnSync('cp', ['-a', 'a', 'b'], { cwd: work });
  });
  afterAll(() => discard(work));

  it('leaves the same trees and says the same', async () => {
    expect(groups.filter((group) => group.fails).length).toBeGreaterThan(5);
    for (const { name, list, fails } of groups) {
      const args = (root: string): string[] => [
        'admin',
        'deploy',
        `--sysroot=${root}`,
        `--os=${name}`,
        '--no-prune',
        `${name}/after`,
      ];
      const want = judge(args('a'), work);
      const got = await ours(args('b'), work);
      const about = JSON.stringify(
        list.length === 1 ? Object.fromEntries(Object.entries(list[0]!).map(([k, v]) => [k, [...v]])) : name,
      );
      expect({ about, ...got }).toEqual({ about, ...want });
      expect(got.status !== 0, about).toBe(fails);
      if (fails) continue;
      const etc = (root: string): string[] => listing(join(work, root, 'ostree/deploy', name, 'deploy'));
      expect(etc('b')).toEqual(etc('a'));
      const diff = (root: string): string[] => ['admin', 'config-diff', `--sysroot=${root}`, `--os=${name}`];
      const lines = (text: string): string[] => text.split('\n').sort();
      expect(lines((await ours(diff('b'), work)).stdout)).toEqual(lines(judge(diff('b'), work).stdout));
    }
  });
});
