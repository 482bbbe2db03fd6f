import { resolve } from 'node:path';
import { CoppiceError, isCoppiceError, systemClock } from '@coppice/base';
import { hostFs } from '@coppice/linux';
import {
  databaseKind,
  dumpLines,
  FileFlag,
  fileLines,
  formatHeader,
  type Header,
  headerXml,
  type InstalledPackage,
  installedPackages,
  type ListingOptions,
  mergeSignatures,
  namedFormats,
  type PackageSelector,
  parseQueryFormat,
  type QueryFacts,
  type QueryFormat,
  RpmDb,
  selectPackages,
  Tag,
  tagInfo,
  textBytes,
} from '@coppice/rpm';
import type { Context } from '../../cli/context.ts';
import type { SubVerbModule } from '../sub-verbs.ts';
import { rpmLevel } from './level.ts';
import { packageNames, readNamedPackage } from './package-argument.ts';

function headerJson(header: Header): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const tag of header.tags()) {
    const info = tagInfo(tag);
    const { type } = header.entry(tag)!;
    const values =
      type === 7
        ? Buffer.from(header.getBinary(tag)!).toString('base64')
        : type >= 6
          ? header.getStrings(tag)
          : header.getNumbers(tag);
    out[info?.name ?? String(tag)] = Array.isArray(values) && info?.array === false ? values[0] : values;
  }
  return out;
}

interface Selection {
  readonly flag: string;
  readonly selector: PackageSelector;
  /** rpm's line for a subject that nothing fits. */
  readonly nothing: (subject: string) => string;
}

const what = (name: string): Selection => ({
  flag: `what${name}`,
  selector: `what${name}` as PackageSelector,
  nothing: (subject) => `no package ${name} ${subject}`,
});

const selections: readonly Selection[] = [
  { flag: 'all', selector: 'all', nothing: () => '' },
  { flag: 'file', selector: 'file', nothing: (subject) => `file ${subject} is not owned by any package` },
  { flag: 'group', selector: 'group', nothing: (subject) => `group ${subject} does not contain any packages` },
  ...['provides', 'requires', 'conflicts', 'obsoletes', 'recommends', 'suggests', 'supplements', 'enhances'].map(what),
];
const byLabel: Selection = {
  flag: '',
  selector: 'label',
  nothing: (subject) => `package ${subject} is not installed`,
};

type Queried = { readonly header: Header; readonly facts: QueryFacts };

/** Installed packages that the subjects mean; a subject nothing fits becomes a line of text. */
function* installed(
  cwd: string,
  path: string,
  subjects: readonly string[],
  flags: Readonly<Record<string, unknown>>,
): Generator<Queried | string | CoppiceError> {
  const chosen = selections.filter(({ flag }) => flags[flag] === true);
  if (chosen.length > 1) throw new CoppiceError('Usage', 'one type of query may be performed at a time');
  const { selector, nothing } = chosen[0] ?? byLabel;
  const verbose = flags['verbose'] === true;
  const level = rpmLevel(flags);
  // A name alone is found through the index.
  const indexed = (subject: string): InstalledPackage[] => {
    if (selector !== 'label' || databaseKind(path) !== 'sqlite') return [];
    using db = RpmDb.open(path, { readOnly: true });
    return db.byName(subject);
  };
  const list = selector === 'all' && subjects.length === 0 ? ['*'] : subjects;
  for (const subject of list) {
    const every = subject === '*' && selector === 'label' ? 'all' : selector;
    const quick = indexed(subject);
    const found = quick.length > 0 ? quick : selectPackages(installedPackages(path), every, subject);
    if (found.length === 0 && every === 'file' && hostFs.lstat(resolve(cwd, subject)) === undefined)
      yield new CoppiceError('NotFound', `file ${subject}: No such file or directory`);
    else if (found.length === 0 && every !== 'all') yield nothing(subject);
    for (const { header, hnum } of found) yield { header, facts: { instance: hnum, verbose, level } };
  }
}

function* files(context: Context, names: readonly string[], facts: QueryFacts): Generator<Queried | CoppiceError> {
  for (const name of packageNames(context, names)) {
    try {
      const pkg = readNamedPackage(context, name);
      yield { header: mergeSignatures(pkg.header, pkg.signature, facts.level), facts };
    } catch (error) {
      // The others are still told about, as rpm does.
      if (!isCoppiceError(error) || error.kind === 'bug') throw error;
      yield error;
    }
  }
}

const listed = (lines: readonly string[]): Buffer => textBytes(lines.map((line) => `${line}\n`).join(''));

const filters = { configfiles: 'config', docfiles: 'doc', licensefiles: 'license', artifactfiles: 'artifact' } as const;
const exceptions = { noghost: 'ghost', noconfig: 'config', noartifact: 'artifact' } as const;

/** Which files the flags ask for. */
function listingOptions(flags: Readonly<Record<string, unknown>>, now: number): ListingOptions {
  const bits = (table: Readonly<Record<string, keyof typeof FileFlag>>): number =>
    Object.entries(table).reduce((all, [flag, name]) => (flags[flag] === true ? all | FileFlag[name] : all), 0);
  const only = bits(filters);
  return {
    ...(only === 0 ? {} : { only }),
    without: bits(exceptions),
    states: flags['state'] === true,
    ...(flags['verbose'] === true ? { longSince: now } : {}),
  };
}

/** Packages by the time of their installation. */
function newestFirst(list: readonly Queried[]): Queried[] {
  const time = ({ header }: Queried): number => header.getNumber(Tag.InstallTime) ?? 0;
  const name = ({ header }: Queried): string => header.getString(Tag.Name) ?? '';
  return [...list].sort((a, b) => time(b) - time(a) || (name(a) < name(b) ? 1 : -1));
}

/** The format that was given; a wrong one is told of for each package, which counts as printed: so does rpm. */
function customPrinter(context: Context, text: string): (of: Queried) => Buffer {
  let parsed: QueryFormat | CoppiceError;
  try {
    parsed = parseQueryFormat(text);
  } catch (error) {
    if (!isCoppiceError(error, 'Usage')) throw error;
    parsed = error;
  }
  return ({ header, facts }) => {
    if (!isCoppiceError(parsed)) return formatHeader(header, parsed, facts);
    context.stdout.flush();
    context.stderr.write(`error: ${parsed.message}\n`);
    return Buffer.alloc(0);
  };
}

/** What is to be printed of each package, in a fixed order. */
function printers(
  context: Context,
  flags: Readonly<Record<string, unknown>>,
  now: number,
): ((of: Queried) => Buffer)[] {
  const out: ((of: Queried) => Buffer)[] = [];
  const format = (text: string): void => {
    const parsed = parseQueryFormat(text);
    out.push(({ header, facts }) => formatHeader(header, parsed, facts));
  };
  const custom = flags['queryformat'];
  if (typeof custom === 'string') out.push(customPrinter(context, custom));
  for (const [name, text] of Object.entries(namedFormats)) {
    if (flags[name] !== true) continue;
    if (name === 'xml') out.push(({ header, facts }) => headerXml(header, facts.level));
    else format(text);
  }
  const listing = listingOptions(flags, now);
  if (flags['dump'] === true) out.push(({ header }) => listed(dumpLines(header, listing)));
  else if (flags['list'] === true || listing.states === true || listing.only !== undefined)
    out.push(({ header }) => listed(fileLines(header, listing)));
  if (out.length === 0) format(namedFormats.name);
  return out;
}

export const run: SubVerbModule['run'] = (context, [names], flags) => {
  const subjects = (names ?? []) as readonly string[];
  const dbpath = flags['dbpath'] as string | undefined;
  const selecting = selections.some(({ flag }) => flags[flag] === true);
  if (dbpath === undefined && selecting) throw new CoppiceError('Usage', 'installed packages need --dbpath');
  if (subjects.length === 0 && flags['all'] !== true) throw new CoppiceError('Usage', 'no arguments given for query');
  const print = printers(context, flags, Math.floor(systemClock.now() / 1000));
  const json: unknown[] = [];
  const dated: Queried[] = [];
  let missing = 0;
  const queried =
    dbpath === undefined || flags['package'] === true
      ? files(context, subjects, { verbose: flags['verbose'] === true, level: rpmLevel(flags) })
      : installed(context.cwd, resolve(context.cwd, dbpath), subjects, flags);
  for (const item of queried) {
    if (isCoppiceError(item)) {
      missing++;
      // What is told of the ones before comes before it.
      context.stdout.flush();
      context.stderr.write(`error: ${item.message}\n`);
    } else if (typeof item === 'string') {
      missing++;
      context.stdout.write(`${item}\n`);
    } else if (flags['json'] === true) json.push(headerJson(item.header));
    else if (flags['last'] === true) dated.push(item);
    else for (const one of print) context.stdout.write(one(item));
  }
  for (const item of newestFirst(dated)) for (const one of print) context.stdout.write(one(item));
  if (flags['json'] === true) context.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
  return Math.min(missing, 255);
};
