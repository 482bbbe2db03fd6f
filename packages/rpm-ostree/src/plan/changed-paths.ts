// Paths that a change adds, removes and replaces: those of the bases compared, and those that layers bring.
import { hostFs } from '@coppice/linux';
import { diffEtc } from '@coppice/sysroot';
import type { Client } from '../client/client.ts';
import { configDir } from '../client/repo-metadata.ts';
import type { TreeDirectory } from '../tree/directory.ts';
import { ImageTree } from '../tree/image-tree.ts';
import type { PathChange, Plan } from './model.ts';
import type { Surroundings } from './next-base.ts';

const shown = (path: string): string => `/${path.replace(/^usr\/etc(?=\/|$)/, 'etc')}`;

/** Changed paths of two trees; directories that are the same object are not entered. */
function* changes(
  a: TreeDirectory | undefined,
  b: TreeDirectory | undefined,
  path: string,
): Generator<PathChange & { readonly checksum?: string }> {
  if (a?.stored !== undefined && a.stored.tree === b?.stored?.tree) return;
  const lead = path === '' ? '' : `${path}/`;
  for (const [name, checksum] of a?.files ?? []) {
    const other = b?.files.get(name);
    if (other === undefined) yield { path: lead + name, change: 'removed' };
    else if (other !== checksum) yield { path: lead + name, change: 'modified', checksum: other };
  }
  for (const [name, checksum] of b?.files ?? [])
    if (!a?.files.has(name)) yield { path: lead + name, change: 'added', checksum };
  for (const name of new Set([...(a?.dirs.keys() ?? []), ...(b?.dirs.keys() ?? [])]))
    yield* changes(a?.dirs.get(name), b?.dirs.get(name), lead + name);
}

const isUnit = (path: string): boolean => /^usr\/(lib|etc)\/systemd\/(system|user)\/[^/]+\.[a-z]+$/.test(path);

/** Changed paths as the tree has them (`usr/etc`), and the bytes of objects that are not here yet; `files` are those of layers. */
export function changedPaths(
  client: Client,
  { scratch, from, to }: Surroundings,
  files: readonly string[],
): { readonly changes: readonly PathChange[]; readonly objects: number } {
  const found: PathChange[] = [];
  let objects = 0;
  // The layers of the deployed tree that stay are not changes of the base: compare bases, then add what layers bring.
  const [before, after] = [from, to].map((commit) => ImageTree.fromCommit(scratch, commit).root);
  for (const c of changes(before, after, '')) {
    found.push({ path: c.path, change: c.change });
    if (c.checksum !== undefined && !client.repo.hasObject('file', c.checksum))
      objects += scratch.loadFile(c.checksum).size;
  }
  const deployed = ImageTree.fromCommit(scratch, client.originMerge.checksum);
  for (const file of files) {
    const path = file.replace(/^\//, '');
    if (deployed.lookup(deployed.resolve(path)) === undefined) found.push({ path, change: 'added' });
  }
  return { changes: found, objects };
}

/** Counts, and which of the changes touch local configuration and units. */
export function fileFacts(
  client: Client,
  changed: readonly PathChange[],
): Pick<Plan, 'files' | 'paths' | 'etcConflicts' | 'units'> {
  const tree = client.sysroot.deploymentPath(client.booted ?? client.originMerge);
  const local = diffEtc(hostFs, `${tree}/usr/etc`, configDir(client));
  const mine = new Set(
    [...local.modified, ...local.removed, ...local.added].map((p) => `usr/etc/${p.replace(/^\//, '')}`),
  );
  const count = (kind: PathChange['change']): number => changed.filter((c) => c.change === kind).length;
  const show = (c: PathChange): PathChange => ({ ...c, path: shown(c.path) });
  return {
    files: { added: count('added'), removed: count('removed'), modified: count('modified') },
    paths: changed.map(show),
    etcConflicts: changed.filter((c) => mine.has(c.path)).map((c) => shown(c.path)),
    units: changed.filter((c) => isUnit(c.path)).map(show),
  };
}
