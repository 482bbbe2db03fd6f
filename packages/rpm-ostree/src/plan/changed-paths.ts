// Paths that a change adds, removes and replaces: the deployed tree against the next one. What scripts made of the deployed tree
// they make of the next one again, so it is no change as long as there are layers.
import { hostFs } from '@coppice/linux';
import type { Repo } from '@coppice/ostree';
import { diffEtc } from '@coppice/sysroot';
import type { Client } from '../client/client.ts';
import { configDir } from '../client/repo-metadata.ts';
import type { ImportedPackage } from '../import/package-commit.ts';
import { formatNevra } from '../nevra.ts';
import { databasePath } from '../rpmdb.ts';
import type { TreeDirectory } from '../tree/directory.ts';
import { ImageTree } from '../tree/image-tree.ts';
import type { PathChange, Plan } from './model.ts';
import type { Surroundings } from './next-base.ts';
import { type NextTree, pathsOf } from './next-tree.ts';

const shown = (path: string): string => `/${path.replace(/^usr\/etc(?=\/|$)/, 'etc')}`;

interface Difference {
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** Files that are not the same object; directories that are the same object are not entered. */
function* differences(
  a: TreeDirectory | undefined,
  b: TreeDirectory | undefined,
  path: string,
): Generator<Difference, void, undefined> {
  if (a?.stored !== undefined && a.stored.tree === b?.stored?.tree) return;
  const lead = path === '' ? '' : `${path}/`;
  for (const name of new Set([...(a?.files.keys() ?? []), ...(b?.files.keys() ?? [])])) {
    const [before, after] = [a?.files.get(name), b?.files.get(name)];
    if (before !== after) yield { path: lead + name, before, after };
  }
  for (const name of new Set([...(a?.dirs.keys() ?? []), ...(b?.dirs.keys() ?? [])]))
    yield* differences(a?.dirs.get(name), b?.dirs.get(name), lead + name);
}

/** The same bytes, target or permissions; owners and labels are put on when the tree is made. */
function sameFile(repo: Repo, a: string, b: string): boolean {
  const [x, y] = [repo.loadFile(a), repo.loadFile(b)];
  if (x.size !== y.size || x.inode.mode !== y.inode.mode || x.inode.symlinkTarget !== y.inode.symlinkTarget)
    return false;
  const bytes = (file: typeof x): Buffer => Buffer.concat(Array.from(file.read(), (piece) => Buffer.from(piece)));
  return x.size === 0 || bytes(x).equals(bytes(y));
}

/** What putting a tree together writes of the directories in /var that packages want. */
const isTmpfiles = (path: string): boolean =>
  /^usr\/lib\/(rpm-ostree\/tmpfiles\.d\/|tmpfiles\.d\/rpm-ostree-autovar\.conf$)/.test(path);

const isUnit = (path: string): boolean => /^usr\/(lib|etc)\/systemd\/(system|user)\/[^/]+\.[a-z]+$/.test(path);

/** What the deployed tree has beside its base: its layered packages, as they were imported. */
export interface DeployedLayers {
  readonly base: string;
  readonly packages: readonly ImportedPackage[];
}

/** Changed paths as the tree has them (`usr/etc`), and the bytes of objects that are not here yet. */
export function changedPaths(
  client: Client,
  { scratch }: Surroundings,
  deployed: DeployedLayers,
  next: NextTree,
  packagesChange: boolean,
): { readonly changes: readonly PathChange[]; readonly objects: number } {
  const found: PathChange[] = [];
  let objects = 0;
  const base = ImageTree.fromCommit(scratch, deployed.base);
  const baseFile = (path: string): string | undefined => {
    const node = base.lookup(path);
    return node?.type === 'file' ? node.checksum : undefined;
  };
  const chosen = new Set(next.packages.map((p) => formatNevra(p.nevra)));
  const staying = pathsOf(deployed.packages.filter((p) => chosen.has(formatNevra(p.nevra))));
  const owned = pathsOf(deployed.packages);
  const coming = pathsOf(next.packages);
  const database = `${databasePath}/rpmdb.sqlite`;
  const changeOf = ({ path, before, after }: Difference): PathChange['change'] | undefined => {
    if (path === database || (staying.has(path) && coming.has(path))) return undefined;
    const layered = owned.has(path) || coming.has(path) || isTmpfiles(path);
    const ofBase = baseFile(path);
    // Made by scripts, or from what they made.
    if (!layered && before !== ofBase && next.packages.length > 0) {
      if (after === ofBase) return undefined;
      return after === undefined ? 'removed' : ofBase === undefined ? 'added' : 'modified';
    }
    if (before === undefined) return 'added';
    if (after === undefined) return 'removed';
    return layered && sameFile(scratch, before, after) ? undefined : 'modified';
  };
  for (const d of differences(ImageTree.fromCommit(scratch, client.originMerge.checksum).root, next.tree.root, '')) {
    const change = changeOf(d);
    if (change === undefined) continue;
    found.push({ path: d.path, change });
    if (d.after !== undefined && !client.repo.hasObject('file', d.after)) objects += scratch.loadFile(d.after).size;
  }
  if (packagesChange) found.push({ path: database, change: 'modified' });
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
