// Values of header tags as queries see them: what the header holds, or what rpm's tag extensions make of it.
import { decodeText } from '@coppice/archive';
import type { RpmLevel } from '../compat.ts';
import { formatDependency } from '../dependency.ts';
import type { Header } from '../header/header.ts';
import { HeaderType, Tag } from '../header/tag.ts';
import { tagByName, tagNames } from '../header/tag-table.ts';
import { type DependencyKind, headerDependencies } from '../package/dependencies.ts';
import { filePaths, packageFiles, type RpmFile } from '../package/files.ts';
import { isSourceHeader } from '../package/rpm-package.ts';
import { fileDependencies } from './file-dependencies.ts';
import { triggerConditions, triggerKinds, triggerTypes } from './trigger-tags.ts';

export type TagValue =
  | { readonly kind: 'number'; readonly values: readonly number[] }
  /** Lossless texts (see `decodeText` of @coppice/archive). */
  | { readonly kind: 'text'; readonly values: readonly string[] }
  | { readonly kind: 'binary'; readonly bytes: Uint8Array };

/** What a query knows beside the header. */
export interface QueryFacts {
  /** Number of the record in the database; 0 for package files. */
  readonly instance?: number;
  /** Print what kind each dependency is. */
  readonly verbose?: boolean;
  /** Whose names the tags have; default rpm 4.18's. */
  readonly level?: RpmLevel;
}

/** Other names of tags. */
const aliases: Readonly<Record<string, string>> = {
  c: 'conflictname',
  conflicts: 'conflictname',
  e: 'epoch',
  enhances: 'enhancename',
  filemd5s: 'filedigests',
  hdrid: 'sha1header',
  n: 'name',
  o: 'obsoletename',
  obsoletes: 'obsoletename',
  oldenhances: 'oldenhancesname',
  oldsuggests: 'oldsuggestsname',
  p: 'providename',
  pkgid: 'sigmd5',
  provides: 'providename',
  r: 'release',
  recommends: 'recommendname',
  requires: 'requirename',
  suggests: 'suggestname',
  supplements: 'supplementname',
  v: 'version',
};

/** The number of a tag by any name that rpm takes; undefined for others. */
export function queryTag(name: string): number | undefined {
  const plain = name.startsWith('RPMTAG_') ? name.slice(7) : name;
  const lower = plain.toLowerCase();
  return tagByName(Object.hasOwn(aliases, lower) ? aliases[lower]! : lower)?.tag;
}

/** Every name of a tag that queries take, as rpm lists them. */
export function queryTagNames(level: RpmLevel = '4.18'): string[] {
  return [...tagNames(level), ...Object.keys(aliases)].map((name) => name.toUpperCase()).sort();
}

const numbers = (...values: number[]): TagValue => ({ kind: 'number', values });
const text = (...values: string[]): TagValue => ({ kind: 'text', values });
const list = (values: readonly string[]): TagValue | undefined =>
  values.length === 0 ? undefined : { kind: 'text', values };

/** A tag as the header holds it; of translated texts the untranslated one. */
export function rawTagValue(header: Header, tag: number): TagValue | undefined {
  const entry = header.entry(tag);
  if (entry === undefined) {
    if (tag !== Tag.HeaderImmutable || header.region === undefined) return undefined;
    return { kind: 'binary', bytes: Buffer.concat([...header.signedBytes()].slice(1)) };
  }
  if (entry.type === HeaderType.Binary) return { kind: 'binary', bytes: header.getBinary(tag)! };
  if (entry.type === HeaderType.I18nString) return text(decodeText(header.rawStrings(tag)![0] ?? Buffer.alloc(0)));
  if (entry.type >= HeaderType.String) return { kind: 'text', values: header.getStrings(tag) };
  return { kind: 'number', values: header.getNumbers(tag) };
}

function evr(header: Header, withEpoch: boolean): string {
  const epoch = header.getNumber(Tag.Epoch);
  const prefix = withEpoch && epoch !== undefined ? `${epoch}:` : '';
  return `${prefix}${header.getString(Tag.Version) ?? ''}-${header.getString(Tag.Release) ?? ''}`;
}

function label(header: Header, withEpoch: boolean, withArch: boolean): TagValue {
  const arch = withArch ? header.getString(Tag.Arch) : undefined;
  const suffix = arch === undefined ? '' : `.${arch}`;
  return text(`${header.getString(Tag.Name) ?? ''}-${evr(header, withEpoch)}${suffix}`);
}

function wide(long: number, short: number): (header: Header) => TagValue | undefined {
  return (header) => rawTagValue(header, long) ?? rawTagValue(header, short);
}

function nevrs(kind: DependencyKind): (header: Header) => TagValue | undefined {
  return (header) => list(headerDependencies(header, kind).map(formatDependency));
}

function linkCounts(header: Header): TagValue | undefined {
  const files = packageFiles(header);
  if (files.length === 0) return undefined;
  const counts = new Map<string, number>();
  const key = (f: (typeof files)[number]): string => `${f.device}:${f.inode}`;
  const linked = (f: (typeof files)[number]): boolean => (f.mode & 0o170000) === 0o100000 && (f.flags & 64) === 0;
  for (const file of files) if (linked(file)) counts.set(key(file), (counts.get(key(file)) ?? 0) + 1);
  return numbers(...files.map((f) => (linked(f) && f.inode !== 0 ? (counts.get(key(f)) ?? 1) : 1)));
}

/** What a file is by its type, where nothing was found out about its content. */
function classOfType({ mode, linkTarget }: RpmFile): string {
  switch (mode & 0o170000) {
    case 0o040000:
      return 'directory';
    case 0o120000:
      return `symbolic link to \`${linkTarget}'`;
    case 0o020000:
      return 'character special';
    case 0o060000:
      return 'block special';
    case 0o010000:
      return 'fifo (named pipe)';
    case 0o140000:
      return 'socket';
    default:
      return '';
  }
}

function fileClasses(header: Header): TagValue | undefined {
  const classes = header.getStrings(Tag.ClassDict);
  const indexes = header.getNumbers(Tag.FileClass);
  return list(packageFiles(header).map((file, i) => classes[indexes[i] ?? -1] || classOfType(file)));
}

function installedNames(header: Header): TagValue | undefined {
  const states = header.getNumbers(Tag.FileStates);
  return list(filePaths(header).filter((_, i) => states[i] === 0));
}

function originalNames(header: Header): TagValue | undefined {
  const dirs = header.getStrings(Tag.OrigDirNames);
  const indexes = header.getNumbers(Tag.OrigDirIndexes);
  return list(header.getStrings(Tag.OrigBaseNames).map((name, i) => (dirs[indexes[i] ?? -1] ?? '') + name));
}

function archSuffix(header: Header): TagValue | undefined {
  const arch = header.getString(Tag.Arch);
  if (arch === undefined) return undefined;
  return text(isSourceHeader(header) ? '.src' : `.${arch}`);
}

type Extension = (header: Header, facts: QueryFacts) => TagValue | undefined;

const extensions = new Map<number, Extension>([
  [Tag.Evr, (h) => text(evr(h, true))],
  [Tag.Nvr, (h) => label(h, false, false)],
  [Tag.Nvra, (h) => label(h, false, true)],
  [Tag.Nevr, (h) => label(h, true, false)],
  [Tag.Nevra, (h) => label(h, true, true)],
  [Tag.EpochNum, (h) => numbers(h.getNumber(Tag.Epoch) ?? 0)],
  [Tag.HeaderColor, (h) => numbers(h.getNumbers(Tag.FileColors).reduce((all, color) => all | color, 0) & 15)],
  [Tag.Verbose, (_, facts) => (facts.verbose ? numbers(1) : undefined)],
  [Tag.DbInstance, (_, facts) => numbers(facts.instance ?? 0)],
  [Tag.ArchSuffix, archSuffix],
  [Tag.FileNames, (h) => list(filePaths(h))],
  [Tag.OrigFileNames, originalNames],
  [Tag.InstFileNames, installedNames],
  [Tag.FileNlinks, linkCounts],
  [Tag.FileClass, fileClasses],
  [Tag.FileProvide, (h) => list(fileDependencies(h, 'provides'))],
  [Tag.FileRequire, (h) => list(fileDependencies(h, 'requires'))],
  [Tag.LongSize, wide(Tag.LongSize, Tag.Size)],
  [Tag.LongFileSizes, wide(Tag.LongFileSizes, Tag.FileSizes)],
  [Tag.LongArchiveSize, wide(Tag.LongArchiveSize, Tag.ArchiveSize)],
  [Tag.LongSigSize, wide(Tag.LongSigSize, Tag.SigSize)],
  [Tag.RequireNevrs, nevrs('requires')],
  [Tag.ProvideNevrs, nevrs('provides')],
  [Tag.ObsoleteNevrs, nevrs('obsoletes')],
  [Tag.ConflictNevrs, nevrs('conflicts')],
  [Tag.RecommendNevrs, nevrs('recommends')],
  [Tag.SuggestNevrs, nevrs('suggests')],
  [Tag.SupplementNevrs, nevrs('supplements')],
  [Tag.EnhanceNevrs, nevrs('enhances')],
  ...triggerKinds.flatMap((kind): [number, Extension][] => [
    [kind.conditions, (h) => list(triggerConditions(h, kind))],
    [kind.types, (h) => list(triggerTypes(h, kind))],
  ]),
]);

/** A tag as a query sees it; undefined where rpm says `(none)`. */
export function tagValue(header: Header, tag: number, facts: QueryFacts = {}): TagValue | undefined {
  const extension = extensions.get(tag);
  return extension === undefined ? rawTagValue(header, tag) : extension(header, facts);
}
