import { CoppiceError, errnoError } from '@coppice/base';
import { Variant, VariantDict } from '@coppice/gvariant';
import { readFile, removeTree } from '@coppice/linux';
import { checksumBytes, sha256 } from '../codec/checksum.ts';
import { encodeDict } from '../codec/commit.ts';
import { maxMetadataSize, type Repo } from '../repo.ts';
import { writeBeside } from '../store/refs.ts';
import { checksumOfShort, type DeltaName, deltaDir, deltaFilePath, deltaIndexPath, deltaName } from './name.ts';

export { deltaFilePath };

function entries(repo: Repo, path: string): string[] {
  try {
    return repo.fs.readdir(`${repo.path}/${path}`);
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw errnoError(error, `opendir(${path})`);
  }
}

/** The deltas of the repository, in directory order. Folders without a superblock are none. */
export function listDeltas(repo: Repo): DeltaName[] {
  const out: DeltaName[] = [];
  for (const head of entries(repo, 'deltas')) {
    if (head.length !== 2) continue;
    for (const tail of entries(repo, `deltas/${head}`)) {
      if (repo.fs.stat(`${repo.path}/deltas/${head}/${tail}/superblock`) === undefined) continue;
      const dash = tail.indexOf('-');
      try {
        out.push(
          dash < 0
            ? deltaName(undefined, checksumOfShort(head + tail))
            : deltaName(checksumOfShort(head + tail.slice(0, dash)), checksumOfShort(tail.slice(dash + 1))),
        );
      } catch {
        // Not a delta's folder.
      }
    }
  }
  return out;
}

/** TO commits that have a delta index, in directory order. */
export function listDeltaIndexes(repo: Repo): string[] {
  const out: string[] = [];
  for (const head of entries(repo, 'delta-indexes')) {
    if (head.length !== 2) continue;
    for (const tail of entries(repo, `delta-indexes/${head}`)) {
      if (!tail.endsWith('.index')) continue;
      try {
        out.push(checksumOfShort(head + tail.slice(0, -'.index'.length)));
      } catch {
        // Not an index.
      }
    }
  }
  return out;
}

/** A file of a delta by its path in the repository. */
export function readDeltaFile(repo: Repo, path: string, limit = maxMetadataSize): Buffer {
  try {
    return readFile(`${repo.path}/${path}`, { fs: repo.fs, limit });
  } catch (error) {
    throw errnoError(error, `openat(${path})`);
  }
}

export function hasDelta(repo: Repo, from: string | undefined, to: string): boolean {
  return repo.fs.stat(`${repo.path}/${deltaFilePath(from, to, 'superblock')}`) !== undefined;
}

/** Deletes a delta with its parts. Throws `NotFound`. */
export function deleteDelta(repo: Repo, name: DeltaName): void {
  const path = `${repo.path}/deltas/${deltaDir(name.from, name.to)}`;
  if (repo.fs.lstat(path) === undefined) throw new CoppiceError('NotFound', `Can't find delta ${name.hex}`);
  try {
    removeTree(path, repo.fs);
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code !== 'EPERM' && code !== 'EACCES') throw error;
    const first = repo.fs.readdir(path)[0] ?? '';
    throw errnoError({ code: 'EACCES' }, `Removing deltas/${deltaDir(name.from, name.to)}: unlinkat(${first})`);
  }
}

/** Bytes of the index of the deltas to one commit. */
function encodeIndex(repo: Repo, names: readonly DeltaName[]): Buffer {
  const deltas = new VariantDict();
  for (const { from, to, hex } of names) {
    const digest = sha256(readDeltaFile(repo, deltaFilePath(from, to, 'superblock')));
    deltas.set(hex, new Variant('ay', checksumBytes(digest)));
  }
  return encodeDict(new VariantDict([['ostree.static-deltas', new Variant('a{sv}', deltas.hashOrdered())]]));
}

/** Rewrites the delta indexes, of one TO commit or of all, and removes those of commits without deltas. */
export function reindexDeltas(repo: Repo, only?: string): void {
  const byTarget = new Map<string, DeltaName[]>();
  for (const name of listDeltas(repo)) byTarget.set(name.to, [...(byTarget.get(name.to) ?? []), name]);
  if (repo.config.raw('core', 'indexed-deltas') !== 'true') {
    repo.config.setBoolean('core', 'indexed-deltas', true);
    repo.writeConfig();
  }
  for (const to of listDeltaIndexes(repo)) {
    if ((only === undefined || only === to) && !byTarget.has(to)) repo.fs.unlink(`${repo.path}/${deltaIndexPath(to)}`);
  }
  for (const [to, names] of byTarget) {
    if (only !== undefined && only !== to) continue;
    const path = deltaIndexPath(to);
    const bytes = encodeIndex(repo, names);
    const parts = path.split('/').slice(0, -1);
    parts.forEach((_part, i) => {
      const dir = `${repo.path}/${parts.slice(0, i + 1).join('/')}`;
      if (repo.fs.lstat(dir) === undefined) repo.fs.mkdir(dir, 0o777);
    });
    const full = `${repo.path}/${path}`;
    const old = repo.fs.stat(full) === undefined ? undefined : readFile(full, { fs: repo.fs, limit: maxMetadataSize });
    if (old === undefined || !old.equals(bytes)) writeBeside(repo.fs, full, bytes, repo.settings.fsync);
  }
}
