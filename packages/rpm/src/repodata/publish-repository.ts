// The files of repodata/: named, made durable, and the old ones taken away.
import { join } from 'node:path';
import { type Compression, compressionSuffix } from '@coppice/archive';
import { errnoError, isCoppiceError, systemClock } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs, type NamedBytes, readFile, StagedFiles } from '@coppice/linux';
import { type CreateOptions, metadataKinds, packingOf } from './create-options.ts';
import { metadataRecord, type PackedMetadata, packMetadata } from './metadata-file.ts';
import { parseRepomd, type Repomd, type RepomdRecord, writeRepomd } from './repomd.ts';

/** All files of a new repodata/ except its index. */
export interface PreparedRepository {
  readonly fs: FileSystem;
  /** The folder, which may be new. */
  readonly output: string;
  readonly files: readonly NamedBytes[];
  /** Files that may go. */
  readonly old: readonly string[];
  /** Records of the index before that stay. */
  readonly kept: readonly RepomdRecord[];
  readonly repomd: Repomd;
}

/** Compresses what else goes into the repository, and makes the index. */
export function prepareRepository(
  dir: string,
  packed: readonly PackedMetadata[],
  options: CreateOptions,
): PreparedRepository {
  const fs = options.fs ?? hostFs;
  const now = Math.floor((options.clock ?? systemClock).now() / 1000);
  const output = join(options.outputDir ?? dir, 'repodata');
  const extra = (options.extra ?? []).flatMap(({ type, name, bytes, compression: own, packedType }) => {
    const packed = (as: string, compression: Compression) =>
      packMetadata(as, name, [bytes], { ...packingOf(options), compression });
    const general = options.compression ?? 'gzip';
    const further = options.derivation?.ofExtra(type, name, bytes) ?? [];
    if (type !== 'group') return [packed(type, own ?? general), ...(type === 'origin' ? [] : further)];
    const compression = options.groupCompression ?? general;
    const plain = packed(type, 'none');
    const small =
      compression === 'none'
        ? []
        : [packed(packedType ?? `${type}_${compressionSuffix(compression).slice(1)}`, compression)];
    return [plain, ...small, ...further];
  });
  const all = [...packed, ...(options.derivation?.ofDocuments(packed) ?? []), ...extra];
  const records = all.map((file) => metadataRecord(file, options.timestamp ?? now));
  const kept = options.update === true && options.keepOther === true ? otherRecords(fs, output, records) : [];
  const repomd: Repomd = {
    revision: options.revision ?? String(now),
    contentTags: options.contentTags ?? [],
    repoTags: options.repoTags ?? [],
    distroTags: options.distroTags ?? [],
    records: [...records, ...kept],
  };
  const files = all.map(({ fileName, bytes }) => ({ name: fileName, bytes }));
  try {
    return { fs, output, files, old: oldFiles(fs, output, options), kept, repomd };
  } catch (error) {
    throw errnoError(error, output);
  }
}

/** Writes the files and then the index, and removes what nothing names any more. Throws `Io`, `NotFound` and the like. */
export function publishRepository(prepared: PreparedRepository, options: CreateOptions): Repomd {
  const staged = new StagedFiles(prepared.output, prepared.fs);
  try {
    staged.write(filesOf(prepared));
    staged.syncHere();
    return publish(prepared, staged, options);
  } catch (error) {
    staged.abandon();
    throw errnoError(error, prepared.output);
  }
}

/** The same with what Node's threads can do at the same time. */
export async function publishConcurrently(prepared: PreparedRepository, options: CreateOptions): Promise<Repomd> {
  const staged = new StagedFiles(prepared.output, prepared.fs);
  try {
    staged.write(filesOf(prepared));
    await staged.sync();
    return publish(prepared, staged, options);
  } catch (error) {
    staged.abandon();
    throw errnoError(error, prepared.output);
  }
}

const filesOf = ({ files, repomd }: PreparedRepository): NamedBytes[] => [
  ...files,
  { name: 'repomd.xml', bytes: Buffer.from(writeRepomd(repomd)) },
];

function publish(prepared: PreparedRepository, staged: StagedFiles, options: CreateOptions): Repomd {
  const { fs, output, files, repomd } = prepared;
  const stays = new Set(['repomd.xml', ...files.map(({ name }) => name), ...prepared.kept.map(nameOf)]);
  staged.publish();
  for (const name of prepared.old) if (!stays.has(name)) fs.unlink(join(output, name));
  if (options.stampFiles === true)
    for (const [i, { name }] of files.entries()) {
      const { timestamp } = repomd.records[i]!;
      fs.lutimes(join(output, name), timestamp, timestamp);
    }
  return repomd;
}

/** The name of a record's file in repodata/, empty when it is elsewhere. */
function nameOf({ href }: RepomdRecord): string {
  return /^repodata\/([^/]+)$/.exec(href)?.[1] ?? '';
}

/** What the present index says; nothing when there is none or it is damaged. */
function presentRecords(fs: FileSystem, output: string): readonly RepomdRecord[] {
  try {
    return parseRepomd(readFile(join(output, 'repomd.xml'), { fs })).records;
  } catch (error) {
    if (isCoppiceError(error) || (error as { code?: unknown }).code === 'ENOENT') return [];
    throw error;
  }
}

/** Records of the present index of kinds that are not made anew, and whose files are there. */
function otherRecords(fs: FileSystem, output: string, made: readonly RepomdRecord[]): RepomdRecord[] {
  const types = new Set(made.map(({ type }) => type));
  const hasGroup = types.has('group');
  return presentRecords(fs, output).filter(
    (record) =>
      !types.has(record.type) &&
      !/^(primary|filelists|other)(_|$)/.test(record.type) &&
      !(hasGroup && record.type.startsWith('group_')) &&
      fs.stat(join(output, nameOf(record) || '\u0001')) !== undefined,
  );
}

/** Files in the folder that go, unless the new index names them; told before there are new ones. */
function oldFiles(fs: FileSystem, output: string, options: CreateOptions): readonly string[] {
  const { retainOld = 0, retainAge, compatibility = false, clock = systemClock } = options;
  if (fs.stat(output) === undefined) return [];
  const stats = new Map(fs.readdir(output).map((name) => [name, fs.lstat(join(output, name))]));
  const time = (name: string): number => stats.get(name)?.mtimeMs ?? 0;
  const names = [...stats.keys()].filter((name) => ((stats.get(name)?.mode ?? 0) & 0o170000) === 0o100000);
  if (retainAge !== undefined) return names.filter((name) => time(name) < clock.now() - retainAge * 1000);
  if (compatibility)
    return compatibleKinds.flatMap((kind) =>
      names
        .filter((name) => kind.test(name))
        .sort((one, other) => time(other) - time(one))
        .slice(retainOld),
    );
  if (retainOld > 0) return [];
  const there = new Set(names);
  return presentRecords(fs, output)
    .map(nameOf)
    .filter((name) => there.has(name));
}

/** Names of the files that the first createrepo knew. */
const compatibleKinds = metadataKinds.flatMap((kind) =>
  ['xml', 'sqlite'].map((form) => new RegExp(`^([0-9a-f]{32,128}-)?${kind}\\.${form}(\\.\\w+)?$`)),
);
