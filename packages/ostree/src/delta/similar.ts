import { isRegular } from '../codec/mode-bits.ts';
import type { Repo } from '../repo.ts';

/** A content object with the names it has in a tree. */
export interface NamedContent {
  readonly checksum: string;
  readonly size: number;
  readonly mode: number;
  readonly names: ReadonlySet<string>;
}

/** Everything a commit needs. */
export interface CommitObjects {
  /** `dirtree X` and `dirmeta X`. */
  readonly metadata: ReadonlySet<string>;
  /** Base names by checksum. */
  readonly files: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Walks a commit's tree once. */
export function commitObjects(repo: Repo, commit: string): CommitObjects {
  const metadata = new Set<string>();
  const files = new Map<string, Set<string>>();
  const { tree, meta } = repo.loadCommit(commit);
  const pending = [tree];
  metadata.add(`dirmeta ${meta}`);
  metadata.add(`dirtree ${tree}`);
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const { files: entries, dirs } = repo.loadDirTree(at);
    for (const { name, checksum } of entries) {
      const names = files.get(checksum);
      if (names === undefined) files.set(checksum, new Set([name]));
      else names.add(name);
    }
    for (const { tree: child, meta: childMeta } of dirs) {
      metadata.add(`dirmeta ${childMeta}`);
      const key = `dirtree ${child}`;
      if (metadata.has(key)) continue;
      metadata.add(key);
      pending.push(child);
    }
  }
  return { metadata, files };
}

export function namedContent(repo: Repo, checksum: string, names: ReadonlySet<string>): NamedContent {
  const { header, size } = repo.loadFile(checksum);
  return { checksum, size, mode: header.mode, names };
}

/** Compressed files do not get similar by being similar inside. */
function isCompressed(names: ReadonlySet<string>): boolean {
  for (const name of names) if (name.endsWith('.xz') || name.endsWith('.bz2')) return true;
  return false;
}

/** A name up to its first dot, as libostree cuts names: those without one are like no others. */
function stem(name: string): string {
  const dot = name.indexOf('.');
  return dot <= 0 ? name : name.slice(0, dot + 1);
}

/** How much the size of an old file may differ. */
const tolerance = 0.3;

/** Whether an old file's size is near enough; the limits are whole bytes. */
function isNear(old: number, fresh: number): boolean {
  return old >= Math.floor(fresh * (1 - tolerance)) && old <= Math.floor(fresh * (1 + tolerance));
}

/**
 * For each new file the old file it most likely came from: the smallest one of the same name whose size differs by at most
 * 30 percent; if there is none, the same with names up to their first dot. So libostree chooses.
 */
export function similarFiles(old: readonly NamedContent[], fresh: readonly NamedContent[]): Map<string, NamedContent> {
  const out = new Map<string, NamedContent>();
  for (const nameOf of [(name: string): string => name, stem]) {
    const byName = new Map<string, NamedContent[]>();
    for (const content of old) {
      for (const name of new Set([...content.names].map(nameOf))) {
        const list = byName.get(name);
        if (list === undefined) byName.set(name, [content]);
        else list.push(content);
      }
    }
    for (const content of fresh) {
      if (out.has(content.checksum) || content.size === 0 || isCompressed(content.names)) continue;
      let best: NamedContent | undefined;
      for (const name of content.names) {
        for (const candidate of byName.get(nameOf(name)) ?? []) {
          if (!isNear(candidate.size, content.size) || isCompressed(candidate.names)) continue;
          if (best === undefined || candidate.size < best.size) best = candidate;
        }
      }
      if (best !== undefined) out.set(content.checksum, best);
    }
  }
  return out;
}

/** Old files that a delta may read: regular, not empty, and readable by everyone, so that a delta gives nothing away. */
export function usableSource(content: NamedContent): boolean {
  return isRegular(content.mode) && content.size > 0 && (content.mode & 0o004) !== 0;
}
