import { join, resolve } from 'node:path';
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
  queryTagNames,
  RpmDb,
  realPathInRoot,
  selectPackages,
  Tag,
  tagInfo,
  textBytes,
} from '@coppice/rpm';
import type { Context } from '../../cli/context.ts';
import type { SubVerbModule } from '../sub-verbs.ts';
import { databasePlace } from './database-place.ts';
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
  /** Which subjects make sense; rpm's name for them where others do not. */
  readonly form?: readonly [RegExp, string];
}

const what = (name: string): Selection => ({
  flag: `what${name}`,
  selector: `what${name}` as PackageSelector,
  nothing: (subject) => `no package ${name} ${subject}`,
});

const selections: readonly Selection[] = [
  { flag: 'all', selector: 'all', nothing: () => '' },
  { flag: 'file', selector: 'file', nothing: () => '' },
  { flag: 'group', selector: 'group', nothing: (subject) => `group ${subject} does not contain any packages` },
  ...['provides', 'requires', 'conflicts', 'obsoletes', 'recommends', 'suggests', 'supplements', 'enhances'].map(what),
  { flag: 'triggeredby', selector: 'triggeredby', nothing: (subject) => `no package triggers ${subject}` },
  ...(
    [
      ['pkgid', /^[0-9a-f]{32}$/i],
      ['hdrid', /^[0-9a-f]{40}$/i],
      ['tid', /^\d{1,10}$/],
    ] as const
  ).map(
    ([name, form]): Selection => ({
      flag: name,
      selector: name,
      nothing: (subject) => `no package matches ${name}: ${subject}`,
      form: [form, name],
    }),
  ),
  {
    flag: 'querybynumber',
    selector: 'instance',
    nothing: (subject) => `record ${subject} could not be read`,
    form: [/^\d{1,10}$/, 'package number'],
  },
];

/** Flags that mean another one. */
const sameFlags: Readonly<Record<string, string>> = {
  path: 'file',
  triggerscripts: 'triggers',
  filetriggerscripts: 'filetriggers',
};
const byLabel: Selection = {
  flag: '',
  selector: 'label',
  nothing: (subject) => `package ${subject} is not installed`,
};

type Queried = { readonly header: Header; readonly facts: QueryFacts };

/** Installed packages that the subjects mean; a subject nothing fits becomes a line of text. */
function* installed(
  cwd: string,
  { path, root }: { readonly path: string; readonly root: string },
  subjects: readonly string[],
  flags: Readonly<Record<string, unknown>>,
): Generator<Queried | string | CoppiceError> {
  const chosen = selections.filter(({ flag }) => flags[flag] === true);
  if (chosen.length > 1) throw new CoppiceError('Usage', 'one type of query may be performed at a time');
  const { selector, nothing, form } = chosen[0] ?? byLabel;
  const realDirectory = (directory: string): string => realPathInRoot(hostFs, root, directory) ?? directory;
  const verbose = flags['verbose'] === true;
  const level = rpmLevel(flags);
  // A name alone is found through the index.
  const indexed = (subject: string): InstalledPackage[] => {
    if (selector !== 'label' || databaseKind(path) !== 'sqlite') return [];
    using db = RpmDb.open(path, { readOnly: true });
    return db.byName(subject);
  };
  const list = selector === 'all' && subjects.length === 0 ? ['*'] : subjects;
  for (const given of list) {
    const every = given === '*' && selector === 'label' ? 'all' : selector;
    if (form?.[0].test(given) === false) {
      const wrong = selector === 'instance' ? 'invalid' : 'malformed';
      yield new CoppiceError('Usage', `${wrong} ${form[1]}: ${given}`);
      continue;
    }
    const isPath = every === 'file' || (every === 'whatprovides' && /^[./]/.test(given));
    const subject = isPath ? resolve(root === '/' ? cwd : '/', given) : given;
    const quick = indexed(subject);
    const found = quick.length > 0 ? quick : selectPackages(installedPackages(path), every, subject, realDirectory);
    if (found.length === 0 && isPath && hostFs.lstat(join(root, subject)) === undefined)
      yield new CoppiceError('NotFound', `file ${subject}: No such file or directory`);
    else if (found.length === 0 && isPath) yield `file ${subject} is not owned by any package`;
    else if (found.length === 0 && every === 'instance') yield new CoppiceError('NotFound', nothing(subject));
    else if (found.length === 0 && every !== 'all') yield nothing(subject);
    for (const { header, hnum } of found) yield { header, facts: { instance: hnum, verbose, level } };
  }
}

function* files(context: Context, names: readonly string[], facts: QueryFacts): Generator<Queried | CoppiceError> {
  for (const name of packageNames(context, names)) {
    try {
      if (((hostFs.stat(resolve(context.cwd, name))?.mode ?? 0) & 0o170000) === 0o040000) {
        // Two complaints, as rpm has them.
        yield new CoppiceError(
          'Invalid',
          `${name}: read failed: Is a directory (21)\n\nerror: ${name}: not an rpm package (or package manifest)`,
        );
        continue;
      }
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

/** Packages by the time of their installation, those of one time by name backwards: rpm leaves it to `sort -rn`. */
function newestFirst(list: readonly Queried[]): Queried[] {
  const nvra = parseQueryFormat('%{NVRA}');
  const keyed = list.map((of) => ({
    of,
    time: of.header.getNumber(Tag.InstallTime) ?? 0,
    name: formatHeader(of.header, nvra).toString('latin1'),
  }));
  return keyed.sort((a, b) => b.time - a.time || (a.name < b.name ? 1 : -1)).map(({ of }) => of);
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

/** What is to be printed of each package, in order. */
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
  // The flags come in the order of the command line, as rpm joins their formats.
  for (const [flag, value] of Object.entries(flags)) {
    if (flag === 'queryformat' && typeof value === 'string') out.push(customPrinter(context, value));
    else if (value !== true || !Object.hasOwn(namedFormats, flag)) continue;
    else if (flag === 'xml') out.push(({ header, facts }) => headerXml(header, facts.level));
    else format(namedFormats[flag as keyof typeof namedFormats]);
  }
  const listing = listingOptions(flags, now);
  if (flags['dump'] === true) out.push(({ header }) => listed(dumpLines(header, listing)));
  else if (flags['list'] === true || listing.states === true || listing.only !== undefined)
    out.push(({ header }) => listed(fileLines(header, listing)));
  if (out.length === 0) format(namedFormats.name);
  return out;
}

export const run: SubVerbModule['run'] = (context, [names], given) => {
  const flags = Object.fromEntries(Object.entries(given).map(([flag, value]) => [sameFlags[flag] ?? flag, value]));
  const subjects = (names ?? []) as readonly string[];
  if (flags['querytags'] === true) {
    context.stdout.write(`${queryTagNames(rpmLevel(flags)).join('\n')}\n`);
    return 0;
  }
  const database = flags['package'] === true ? undefined : databasePlace(context.cwd, flags);
  const selecting = selections.some(({ flag }) => flags[flag] === true);
  if (database === undefined && selecting)
    throw new CoppiceError('Usage', 'installed packages need --dbpath or --root');
  if (subjects.length === 0 && flags['all'] !== true) throw new CoppiceError('Usage', 'no arguments given for query');
  const print = printers(context, flags, Math.floor(systemClock.now() / 1000));
  const json: unknown[] = [];
  const dated: Queried[] = [];
  let missing = 0;
  const queried =
    database === undefined
      ? files(context, subjects, { verbose: flags['verbose'] === true, level: rpmLevel(flags) })
      : installed(context.cwd, database, subjects, flags);
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
