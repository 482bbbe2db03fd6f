import { isUtf8 } from 'node:buffer';
import { resolve } from 'node:path';
import { CoppiceError, errnoError, isCoppiceError, strerror } from '@coppice/base';
import { hashTableOrder } from '@coppice/gvariant';
import { readFile } from '@coppice/linux';
import type { CommitModifier, EntryOwnership } from '@coppice/ostree';
import type { OstreeCall } from './verb.ts';

/** How --owner-uid, --statoverride, --skip-list and the like change what is committed. */
export interface CommitRules {
  readonly modifier: CommitModifier;
  /** Throws when a line of --statoverride or --skip-list matched nothing. */
  checkAllUsed(): void;
}

interface Override {
  readonly mode: number;
  /** Replaces the permission bits instead of adding to them. */
  readonly replace: boolean;
}

function linesOf(call: OstreeCall, file: string): string[] {
  if (file === '') throw errnoError({ code: 'ENOENT' }, 'openat()');
  return readText(call, file)
    .split('\n')
    .filter((line) => line !== '');
}

/** Bytes. */
const largestText = 256 * 1024 * 1024;

/** A file that an option names. Throws `Invalid` when it is not UTF-8. */
export function readText(call: OstreeCall, file: string): string {
  try {
    const bytes = readFile(resolve(call.context.cwd, file), { limit: largestText });
    if (!isUtf8(bytes)) throw new CoppiceError('Invalid', 'Invalid UTF-8');
    return bytes.toString('utf8');
  } catch (error) {
    if (isCoppiceError(error)) throw error;
    // A folder can be opened.
    if ((error as { code?: string }).code === 'EISDIR') throw new CoppiceError('Io', strerror('EISDIR'));
    throw errnoError(error, `openat(${file})`);
  }
}

/** A number as strtod reads its beginning, made a 32-bit integer as the processor does. */
function modeBits(text: string): number {
  const hex = /^\s*([+-]?)0x([0-9a-f]+)/i.exec(text);
  const value = hex === null ? Number.parseFloat(text) || 0 : Number.parseInt(`${hex[1]}${hex[2]}`, 16);
  return Math.trunc(value) === (value | 0) || Math.abs(value) < 2 ** 31 ? value | 0 : -(2 ** 31);
}

/** Lines `MODE PATH` (bits to add) or `=MODE PATH` (bits to have); MODE is decimal. */
function readOverrides(call: OstreeCall, file: string): Map<string, Override> {
  const out = new Map<string, Override>();
  for (const line of linesOf(call, file)) {
    const replace = line.startsWith('=');
    const rest = replace ? line.slice(1) : line;
    const space = rest.indexOf(' ');
    if (space < 0) {
      throw new CoppiceError('Invalid', 'Malformed statoverride file (no space found)');
    }
    out.set(rest.slice(space + 1), { mode: modeBits(rest.slice(0, space)), replace });
  }
  return out;
}

/** The skip list of --skip-list: absolute paths. */
export function readSkipList(call: OstreeCall, file: string): Set<string> {
  return new Set(linesOf(call, file));
}

/** Rules from the options of `commit`. */
export function commitRules(call: OstreeCall): CommitRules {
  const { options } = call;
  const overrideFile = options.string('statoverride');
  const skipFile = options.string('skip-list');
  const overrides = overrideFile === undefined ? new Map<string, Override>() : readOverrides(call, overrideFile);
  const skips = skipFile === undefined ? new Set<string>() : readSkipList(call, skipFile);
  // Of modes that replace others none is missed.
  const unusedOverrides = new Set([...overrides].filter(([, { replace }]) => !replace).map(([path]) => path));
  const unusedSkips = new Set(skips);
  const uid = options.number('owner-uid');
  const gid = options.number('owner-gid');
  const readOnly = options.flag('mode-ro-executables');
  const filter = (path: string, entry: EntryOwnership): 'allow' | 'skip' | EntryOwnership => {
    let { mode } = entry;
    if (readOnly && (mode & 0o170000) === 0o100000 && (mode & 0o111) !== 0) mode &= ~0o222;
    const override = overrides.get(path);
    if (override !== undefined) {
      unusedOverrides.delete(path);
      mode = override.replace ? (mode & ~0o7777) | (override.mode & 0o7777) : (mode | override.mode) >>> 0;
    }
    if (skips.has(path)) {
      unusedSkips.delete(path);
      return 'skip';
    }
    return {
      uid: uid !== undefined && uid >= 0 ? uid : entry.uid,
      gid: gid !== undefined && gid >= 0 ? gid : entry.gid,
      mode,
    };
  };
  const needsFilter = uid !== undefined || gid !== undefined || readOnly || overrides.size > 0 || skips.size > 0;
  return {
    modifier: {
      ...(needsFilter ? { filter } : {}),
      ...(options.flag('canonical-permissions') ? { canonicalPermissions: true } : {}),
      ...(options.flag('no-xattrs') ? { skipXattrs: true } : {}),
      ...(options.flag('devino-canonical') ? { devinoCanonical: true } : {}),
      ...(options.flag('consume') ? { consume: true } : {}),
    },
    checkAllUsed() {
      for (const path of hashTableOrder([...unusedOverrides])) call.warn(`Unmatched statoverride path: ${path}`);
      if (unusedOverrides.size > 0) throw new CoppiceError('NotFound', 'Unmatched statoverride paths');
      for (const path of hashTableOrder([...unusedSkips])) call.warn(`Unmatched skip-list path: ${path}`);
      if (unusedSkips.size > 0) throw new CoppiceError('NotFound', 'Unmatched skip-list paths');
    },
  };
}
