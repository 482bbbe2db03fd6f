import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { type CommitModifier, importArchive, type MutableTree, type Transaction } from '@coppice/ostree';
import { pathnameFilter } from './pathname-filter.ts';
import type { OstreeCall } from './verb.ts';

/** Adds a tar or cpio archive, by name or (`-`, or no name) from standard input. */
export async function importTar(
  call: OstreeCall,
  transaction: Transaction,
  tree: MutableTree,
  name: string,
  modifier: CommitModifier,
): Promise<void> {
  const { options, context } = call;
  const filter = options.string('tar-pathname-filter');
  const translatePath = filter === undefined ? undefined : pathnameFilter(filter);
  const path = resolve(context.cwd, name);
  let fd = 0;
  if (name !== '-' && name !== '') {
    try {
      fd = openSync(path, 'r');
    } catch {
      throw new CoppiceError('NotFound', `archive_read_open_filename: Failed to open '${path}'`);
    }
    if (fstatSync(fd).isDirectory()) {
      closeSync(fd);
      throw new CoppiceError('Invalid', `archive_read_open_filename: Error reading '${path}'`);
    }
  }
  try {
    importArchive(transaction, tree, chunks(fd), {
      autocreateParents: options.flag('tar-autocreate-parents'),
      modifier,
      ...(translatePath === undefined ? {} : { translatePath }),
    });
  } finally {
    if (fd !== 0) closeSync(fd);
  }
}

function* chunks(fd: number): Generator<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(1 << 18);
  for (;;) {
    let length: number;
    try {
      length = readSync(fd, buffer, 0, buffer.length, null);
    } catch (error) {
      if ((error as { code?: string }).code === 'EAGAIN') {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
        continue;
      }
      if ((error as { code?: string }).code === 'EOF') return;
      throw error;
    }
    if (length === 0) return;
    yield buffer.subarray(0, length);
  }
}
