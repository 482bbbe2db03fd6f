// Lockfiles: the exact builds a compose may take.
import { CoppiceError, messageOf } from '@coppice/base';
import { parse } from 'yaml';

export interface LockedPackage {
  /** `E:V-R.ARCH` or `V-R.ARCH`; without architecture when `evr` was given. */
  readonly evr: string;
  readonly arch: string | undefined;
  readonly digest: string | undefined;
}

export interface Lockfile {
  readonly packages: ReadonlyMap<string, LockedPackage>;
  /** RFC 3339 time, when present. */
  readonly generated: string | undefined;
}

const allowed = new Set(['evra', 'evr', 'digest', 'metadata']);

/** Reads a JSON or YAML lockfile; throws `Invalid` for unknown fields. */
export function parseLockfile(text: string, name: string): Lockfile {
  let raw: unknown;
  try {
    raw = name.endsWith('.json') ? JSON.parse(text) : parse(text);
  } catch (error) {
    throw new CoppiceError('Invalid', `Parsing ${name}: ${messageOf(error).split('\n')[0]}`);
  }
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw))
    throw new CoppiceError('Invalid', `Parsing ${name}: expected a map`);
  const { packages, metadata, ...rest } = raw as Record<string, unknown>;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw new CoppiceError('Invalid', `Parsing ${name}: unknown field \`${unknown}\``);
  const out = new Map<string, LockedPackage>();
  for (const [pkg, value] of Object.entries((packages as Record<string, unknown> | undefined) ?? {})) {
    if (value === null || typeof value !== 'object')
      throw new CoppiceError('Invalid', `Parsing ${name}: ${pkg}: expected a map`);
    const entry = value as Record<string, unknown>;
    for (const key of Object.keys(entry))
      if (!allowed.has(key)) throw new CoppiceError('Invalid', `Parsing ${name}: ${pkg}: unknown field \`${key}\``);
    const digest = typeof entry['digest'] === 'string' ? entry['digest'] : undefined;
    if (typeof entry['evra'] === 'string') {
      const dot = entry['evra'].lastIndexOf('.');
      if (dot < 0) throw new CoppiceError('Invalid', `Parsing ${name}: ${pkg}: invalid evra ${entry['evra']}`);
      out.set(pkg, { evr: entry['evra'].slice(0, dot), arch: entry['evra'].slice(dot + 1), digest });
    } else if (typeof entry['evr'] === 'string') out.set(pkg, { evr: entry['evr'], arch: undefined, digest });
    else throw new CoppiceError('Invalid', `Parsing ${name}: ${pkg}: missing evr or evra`);
  }
  const generated = (metadata as { generated?: unknown } | undefined)?.generated;
  return { packages: out, generated: typeof generated === 'string' ? generated : undefined };
}

/** Later files override earlier ones, name by name. */
export function mergeLockfiles(files: readonly Lockfile[]): Lockfile {
  const packages = new Map<string, LockedPackage>();
  for (const file of files) for (const [name, pkg] of file.packages) packages.set(name, pkg);
  return { packages, generated: files.at(-1)?.generated };
}
