import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Compression } from '@coppice/archive';
import { CoppiceError } from '@coppice/base';
import { hostFs, readFile } from '@coppice/linux';
import { DigestCache, type FileDigest, type MetadataDerivation, repositoryDerivation } from '@coppice/rpm';
import type { Context } from '../../cli/context.ts';

export interface DerivationFlags {
  readonly database: Compression | undefined;
  readonly zchunk: boolean;
  readonly dictionaries: string | undefined;
  readonly compression: Compression;
  readonly checksum: string;
  readonly simpleNames: boolean;
  /** Where the repository goes. */
  readonly output: string;
  /** Databases are put together in the system's folder for temporary files. */
  readonly local: boolean;
  /** What locations are relative to: a path becomes an address in documents alone. */
  readonly baseUrl: string | undefined;
}

/** Dictionaries are named after the metadata file, as createrepo_c has it; one that is missing is told of and done without. */
function dictionary(context: Context, dir: string, name: string): Uint8Array | undefined {
  const path = join(resolve(context.cwd, dir), `${name}.zdict`);
  if (hostFs.stat(path) === undefined) {
    context.stderr.write(`warning: there is no zchunk dictionary ${path}\n`);
    return undefined;
  }
  return readFile(path, { limit: 64 * 1024 * 1024 });
}

/** What goes beside the documents: databases, zchunk files. */
export function derivation(
  context: Context,
  flags: DerivationFlags,
  base = flags.baseUrl?.startsWith('/') === true ? (written: string) => written.replace(/^file:\/\//, '') : undefined,
): MetadataDerivation {
  const { dictionaries, database, zchunk, compression, checksum, simpleNames, output, local } = flags;
  if (dictionaries !== undefined && !zchunk)
    throw new CoppiceError('Usage', '--zck-dict-dir can only be used with --zck');
  return repositoryDerivation({
    ...{ zchunk, compression, checksum, simpleNames },
    temporaryDir: local ? tmpdir() : output,
    ...(database === undefined ? {} : { database }),
    ...(base === undefined ? {} : { base }),
    ...(dictionaries === undefined ? {} : { dictionary: (name) => dictionary(context, dictionaries, name) }),
  });
}

/** Digests from a folder, which is looked for where the repository goes. */
export function digestsFrom(dir: string, output: string, checksum: string): (path: string) => FileDigest {
  const cache = new DigestCache(resolve(output, dir), checksum);
  return (path) => cache.digest(path);
}
