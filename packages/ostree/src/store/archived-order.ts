import type { RepoMode } from '../codec/object-type.ts';
import { repoModes } from '../codec/object-type.ts';

/** How the objects of a repository are stored. */
export interface StoreForm {
  readonly mode: RepoMode;
  readonly zlibLevel: number;
  readonly syncFiles: boolean;
  /** Directory for files not yet complete, on the file system of the objects. */
  readonly temporary: string;
}

/** An object in archive form that another thread is to check and to store. */
export interface ArchivedOrder {
  readonly form: StoreForm;
  readonly checksum: string;
  /** Path of the object to be; its directory is there. */
  readonly target: string;
  /** The bytes of the `.filez`, or the path of a file that holds them. */
  readonly source: Uint8Array | string;
}

// Seven u32 (mode, level, flags, lengths of the three texts and of the source), the checksum (32 bytes), then temporary
// directory, target, source.

const flag = { sync: 1, path: 2 } as const;
const fixedBytes = 24 + 32;

/** Puts an order into `out` at `at`; gives the offset behind it, or undefined when it does not fit. */
export function putArchivedOrder(out: Buffer, at: number, order: ArchivedOrder): number | undefined {
  const { form, checksum, target, source } = order;
  // Three bytes hold any UTF-16 unit.
  const texts = (form.temporary.length + target.length + (typeof source === 'string' ? source.length : 0)) * 3;
  const bytes = typeof source === 'string' ? 0 : source.length;
  if (at + fixedBytes + texts + bytes > out.length) return undefined;
  let end = at + fixedBytes;
  const text = (value: string): number => {
    const length = out.write(value, end, 'utf8');
    end += length;
    return length;
  };
  const temporaryLength = text(form.temporary);
  const targetLength = text(target);
  const sourceLength = typeof source === 'string' ? text(source) : source.length;
  if (typeof source !== 'string') {
    out.set(source, end);
    end += source.length;
  }
  const flags = (form.syncFiles ? flag.sync : 0) | (typeof source === 'string' ? flag.path : 0);
  let field = at;
  for (const value of [
    repoModes.indexOf(form.mode),
    form.zlibLevel,
    flags,
    temporaryLength,
    targetLength,
    sourceLength,
  ])
    field = out.writeUInt32LE(value, field);
  out.write(checksum, field, 'hex');
  return end;
}

/** The order at `at`, its source a view, and the offset behind it. */
export function takeArchivedOrder(bytes: Buffer, at: number): { order: ArchivedOrder; end: number } {
  const field = (i: number): number => bytes.readUInt32LE(at + i * 4);
  const flags = field(2);
  const start = at + fixedBytes;
  const targetStart = start + field(3);
  const sourceStart = targetStart + field(4);
  const end = sourceStart + field(5);
  const form: StoreForm = {
    mode: repoModes[field(0)]!,
    zlibLevel: field(1),
    syncFiles: (flags & flag.sync) !== 0,
    temporary: bytes.toString('utf8', start, targetStart),
  };
  return {
    order: {
      form,
      checksum: bytes.toString('hex', at + 24, at + fixedBytes),
      target: bytes.toString('utf8', targetStart, sourceStart),
      source: (flags & flag.path) !== 0 ? bytes.toString('utf8', sourceStart, end) : bytes.subarray(sourceStart, end),
    },
    end,
  };
}
