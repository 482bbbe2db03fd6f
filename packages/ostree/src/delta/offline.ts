import { CoppiceError, errnoError, prefixError } from '@coppice/base';
import { VariantDict } from '@coppice/gvariant';
import { readFile } from '@coppice/linux';
import { isMetaType } from '../codec/object-type.ts';
import { maxMetadataSize, type Repo } from '../repo.ts';
import type { Verifier } from '../sign/engine-keys.ts';
import { verifyWithEngines } from '../sign/engine-verify.ts';
import { applyPart, openPart } from './apply.ts';
import { deltaFilePath } from './name.ts';
import { decodeSuperblock, inlinePart, readSigned } from './superblock.ts';

/** Reads the superblock of a delta outside a repository: a file, or a folder that holds one. */
export function readOfflineSuperblock(repo: Repo, path: string): { bytes: Buffer; dir: string } {
  const { fs } = repo;
  const stat = fs.stat(path);
  const isDir = stat !== undefined && (stat.mode & 0o170000) === 0o040000;
  const file = isDir ? `${path}/superblock` : path;
  try {
    const bytes = readFile(file, { fs, limit: 1024 * 1024 * 1024 });
    return { bytes, dir: isDir ? path : path.slice(0, path.lastIndexOf('/')) || '/' };
  } catch (error) {
    throw errnoError(error, isDir ? 'openat(superblock)' : 'openat(O_DIRECTORY)');
  }
}

/**
 * Applies a delta that came as files (`static-delta apply-offline`): the FROM commit must be here, nothing may be left to a
 * fetch. With verifiers the delta must be signed by one of their keys. No ref is made. Gives the TO commit.
 */
export function applyOffline(repo: Repo, path: string, verifiers: readonly Verifier[] | undefined): string {
  const { bytes, dir } = readOfflineSuperblock(repo, path);
  const signed = readSigned(bytes);
  if (verifiers !== undefined) {
    if (signed === undefined) throw new CoppiceError('Signature', 'Cannot apply unsigned delta');
    verifyWithEngines(verifiers, signed.inner, signed.signatures);
  } else if (repo.config.boolean('core', 'sign-verify-deltas', false)) {
    throw new CoppiceError('Signature', 'Key is mandatory to check delta signature');
  }
  const block = decodeSuperblock(signed?.inner ?? Uint8Array.from(bytes));
  if (block.from !== undefined && !repo.hasObject('commit', block.from)) {
    throw new CoppiceError('NotFound', `Commit ${block.from}, which is the delta source, is not in repository`);
  }
  if (block.fallbacks.length > 0) {
    throw new CoppiceError('Unsupported', 'Cannot execute delta offline: contains nonempty http fallback entries');
  }
  repo.transaction((transaction) => {
    const value = block.metadata.get(deltaFilePath(block.from, block.to, 'commitmeta'));
    if (value?.type === 'a{sv}') transaction.setDetachedMetadata(block.to, VariantDict.from(value.value));
    block.parts.forEach((part, i) => {
      const present = part.objects.every((o) =>
        isMetaType(o.type) ? repo.hasObject(o.type, o.checksum) : repo.hasObject('file', o.checksum),
      );
      if (present) return;
      let data = inlinePart(block, deltaFilePath(block.from, block.to, String(i)));
      if (data === undefined) {
        try {
          data = readFile(`${dir}/${i}`, { fs: repo.fs, limit: Math.min(part.size + 1, maxMetadataSize * 8) });
        } catch (error) {
          throw errnoError(error, `Opening deltapart '${i}'`);
        }
      }
      try {
        applyPart(transaction, part, openPart(part, data));
      } catch (error) {
        throw prefixError(error, `Executing delta part ${i}`);
      }
    });
    transaction.writeMetadata('commit', Uint8Array.from(block.commit), block.to);
  });
  return block.to;
}
