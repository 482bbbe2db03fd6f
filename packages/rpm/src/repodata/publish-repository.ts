// The files of repodata/: named, made durable, and the old ones taken away.
import { join } from 'node:path';
import { compressionSuffix } from '@coppice/archive';
import { isCoppiceError, systemClock } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs, readFile, replaceFile } from '@coppice/linux';
import { type CreateOptions, metadataKinds } from './create-options.ts';
import { metadataRecord, type PackedMetadata, packMetadata } from './metadata-file.ts';
import { parseRepomd, type Repomd, writeRepomd } from './repomd.ts';

/** All files of a new repodata/ except its index. */
export interface PreparedRepository {
  readonly fs: FileSystem;
  /** The folder, which is there. */
  readonly output: string;
  readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  readonly repomd: Repomd;
}

/** Compresses what else goes into the repository, makes the folder and the index. */
export function prepareRepository(
  dir: string,
  packed: readonly PackedMetadata[],
  options: CreateOptions,
): PreparedRepository {
  const fs = options.fs ?? hostFs;
  const now = Math.floor((options.clock ?? systemClock).now() / 1000);
  const output = join(options.outputDir ?? dir, 'repodata');
  if (fs.stat(output) === undefined) fs.mkdir(output, 0o755);
  const extra = (options.extra ?? []).flatMap(({ type, name, bytes }) => {
    const packed = (as: string, more: Partial<CreateOptions>) =>
      packMetadata(as, name, [bytes], { ...options, ...more });
    const compression = options.compression ?? 'gzip';
    if (type !== 'group' || compression === 'none') return packed(type, {});
    const suffix = compressionSuffix(compression).slice(1);
    return [packed(type, { compression: 'none' }), packed(`${type}_${suffix}`, {})];
  });
  const all = [...packed, ...extra];
  const repomd: Repomd = {
    revision: options.revision ?? String(now),
    contentTags: options.contentTags ?? [],
    repoTags: options.repoTags ?? [],
    distroTags: options.distroTags ?? [],
    records: all.map((file) => metadataRecord(file, options.timestamp ?? now)),
  };
  return { fs, output, files: all.map(({ fileName, bytes }) => ({ name: fileName, bytes })), repomd };
}

/** Replaces the index, once the files have their names for good, and removes what nothing names any more. */
export function publishRepository({ fs, output, files, repomd }: PreparedRepository, options: CreateOptions): Repomd {
  const previous = fs.readdir(output);
  const named = namedBefore(fs, output);
  replaceFile(join(output, 'repomd.xml'), writeRepomd(repomd), { fs });
  const keep = new Set(['repomd.xml', ...files.map((file) => file.name)]);
  const old = previous.filter((name) => !keep.has(name) && (named.has(name) || isMetadataName(name)));
  const retained = newest(fs, output, old, options.retainOld ?? 0);
  for (const name of old) if (!retained.has(name)) fs.unlink(join(output, name));
  if (options.stampFiles === true)
    for (const [i, { name }] of files.entries()) {
      const { timestamp } = repomd.records[i]!;
      fs.lutimes(join(output, name), timestamp, timestamp);
    }
  return repomd;
}

/** Files in the folder that the present index speaks of. */
function namedBefore(fs: FileSystem, output: string): ReadonlySet<string> {
  try {
    const { records } = parseRepomd(readFile(join(output, 'repomd.xml'), { fs }));
    return new Set(records.map(({ href }) => /^repodata\/([^/]+)$/.exec(href)?.[1] ?? ''));
  } catch (error) {
    if (isCoppiceError(error) || (error as { code?: unknown }).code === 'ENOENT') return new Set();
    throw error;
  }
}

/** The last `count` of each kind of file, by their time. */
function newest(fs: FileSystem, dir: string, names: readonly string[], count: number): ReadonlySet<string> {
  const out = new Set<string>();
  if (count === 0) return out;
  const time = (name: string): number => fs.lstat(join(dir, name))?.mtimeMs ?? 0;
  for (const kind of metadataKinds)
    names
      .filter((name) => name.replace(/^[0-9a-f]{32,128}-/, '').startsWith(`${kind}.xml`))
      .sort((a, b) => time(b) - time(a))
      .slice(0, count)
      .forEach((name) => {
        out.add(name);
      });
  return out;
}

/** Names createrepo gives its own files; anything else in repodata/ is left alone. */
function isMetadataName(name: string): boolean {
  return /^([0-9a-f]{32,128}-)?(primary|filelists|other)\.(xml|sqlite)(\.\w+)?$|^[0-9a-f]{32,128}-|^repomd\.xml\.(asc|key)$/.test(
    name,
  );
}
