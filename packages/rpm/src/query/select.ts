// Which installed packages a query means: by label, capability, file or group, as rpm looks them up.

import { encodeText } from '@coppice/archive';
import { bytesEqual, CoppiceError } from '@coppice/base';
import type { Header } from '../header/header.ts';
import { Tag } from '../header/tag.ts';
import { filePaths } from '../package/files.ts';
import { indexKeys, indexTables } from '../rpmdb/index-keys.ts';
import type { InstalledPackage } from '../rpmdb/rpmdb.ts';
import { queryTag, tagValue } from './tag-value.ts';

export type PackageSelector =
  | 'label'
  | 'all'
  | 'file'
  | 'group'
  | 'whatprovides'
  | 'whatrequires'
  | 'whatconflicts'
  | 'whatobsoletes'
  | 'whatrecommends'
  | 'whatsuggests'
  | 'whatsupplements'
  | 'whatenhances'
  | 'triggeredby'
  /** Number of the record in the database. */
  | 'instance'
  /** Transaction that installed it, in decimal. */
  | 'tid'
  /** MD5 of header and payload, in hex. */
  | 'pkgid'
  /** SHA-1 of the header, in hex. */
  | 'hdrid';

/** Index tables that answer what provides, requires ... a name. */
const whatTables: Readonly<Partial<Record<PackageSelector, string>>> = {
  whatprovides: 'Providename',
  whatrequires: 'Requirename',
  whatconflicts: 'Conflictname',
  whatobsoletes: 'Obsoletename',
  whatrecommends: 'Recommendname',
  whatsuggests: 'Suggestname',
  whatsupplements: 'Supplementname',
  whatenhances: 'Enhancename',
  triggeredby: 'Triggername',
};

/** `NAME[-VERSION[-RELEASE]][.ARCH]`, as rpm finds labels. */
function hasLabel({ nevra, header }: InstalledPackage, label: string): boolean {
  const arch = header.getString(Tag.Arch);
  const forms = [nevra.name, `${nevra.name}-${nevra.version}`, `${nevra.name}-${nevra.version}-${nevra.release}`];
  const epoch = nevra.epoch === undefined ? undefined : `${nevra.epoch}:${nevra.version}`;
  if (epoch !== undefined) forms.push(`${nevra.name}-${epoch}`, `${nevra.name}-${epoch}-${nevra.release}`);
  return forms.some((form) => form === label || (arch !== undefined && `${form}.${arch}` === label));
}

/** rpm's patterns: regular expressions where `.` and `+` are themselves and `*` is `.*`. Throws `Usage`. */
function namePattern(text: string): RegExp {
  let inBrackets = false;
  const source = text.replace(/\\.|[[\].+*]/g, (c) => {
    if (c === '[') inBrackets = true;
    else if (c === ']') inBrackets = false;
    else if (!inBrackets && c === '*') return '.*';
    else if (!inBrackets && c.length === 1) return `\\${c}`;
    return c;
  });
  try {
    return new RegExp(`^(?:${source})$`, 's');
  } catch {
    throw new CoppiceError('Usage', `${text}: malformed pattern`);
  }
}

function textsOf(header: Header, tag: number): readonly string[] {
  const value = tagValue(header, tag);
  if (value === undefined) return [];
  return value.kind === 'binary' ? [Buffer.from(value.bytes).toString('hex')] : value.values.map(String);
}

/** Whether the file is on the disk as far as the database knows: not replaced, left out or of another colour. */
function isThere(states: readonly number[], index: number): boolean {
  const state = states[index] ?? 0;
  return state === 0 || state === 3;
}

/** A folder by its real path, so that one is found by each of its names. */
export type RealDirectory = (directory: string) => string;

/** Packages that own the file; `path` is absolute and clean. */
function ownersOf(packages: readonly InstalledPackage[], path: string, real: RealDirectory): InstalledPackage[] {
  const base = path.slice(path.lastIndexOf('/') + 1);
  const directory = real(path.slice(0, path.length - base.length));
  return packages.filter(({ header }) => {
    const names = header.has(Tag.BaseNames) ? header.getStrings(Tag.BaseNames) : undefined;
    if (names !== undefined && !names.includes(base)) return false;
    const states = header.getNumbers(Tag.FileStates);
    return filePaths(header).some(
      (file, i) =>
        isThere(states, i) &&
        (file === path || (file.endsWith(`/${base}`) && real(file.slice(0, file.length - base.length)) === directory)),
    );
  });
}

/** How often a package fits: rpm tells of a package as often as the index has it under the key. */
function fits(selector: PackageSelector, subject: string): (pkg: InstalledPackage) => number {
  const name = whatTables[selector];
  const table = name === undefined ? undefined : indexTables.find((t) => t.name === name);
  if (table !== undefined) {
    const key = encodeText(subject);
    return ({ header }) => indexKeys(table, header).filter((entry) => bytesEqual(entry.key, key)).length;
  }
  const once = (accept: (pkg: InstalledPackage) => boolean) => (pkg: InstalledPackage) => (accept(pkg) ? 1 : 0);
  const textIs = (tag: number) => once(({ header }) => textsOf(header, tag)[0] === subject.toLowerCase());
  switch (selector) {
    case 'group':
      return once(({ header }) => header.getString(Tag.Group) === subject);
    case 'instance':
      return once(({ hnum }) => hnum === Number(subject));
    case 'tid':
      return once(({ header }) => header.getNumber(Tag.InstallTid) === Number(subject));
    case 'pkgid':
      return textIs(Tag.SigMd5);
    case 'hdrid':
      return textIs(Tag.Sha1Header);
    case 'all': {
      const equals = subject.indexOf('=');
      const tag = equals < 0 ? Tag.Name : queryTag(subject.slice(0, equals));
      if (tag === undefined) throw new CoppiceError('Usage', `unknown tag: "${subject.slice(0, equals)}"`);
      const pattern = namePattern(subject.slice(equals + 1));
      return once(({ header }) => textsOf(header, tag).some((text) => pattern.test(text)));
    }
    default:
      return once((pkg) => hasLabel(pkg, subject));
  }
}

/**
 * The packages a subject means, in the order given. Of `all` the subject is a pattern, `NAME` or `TAG=PATTERN`; of `file` (and
 * `whatprovides`, where it starts with a slash) an absolute path: owners of the file or, when there are none, what provides it.
 */
export function selectPackages(
  packages: Iterable<InstalledPackage>,
  selector: PackageSelector,
  subject: string,
  real: RealDirectory = (directory) => directory,
): InstalledPackage[] {
  const isPath = selector === 'file' || (selector === 'whatprovides' && subject.startsWith('/'));
  const list = isPath ? [...packages] : packages;
  if (isPath) {
    const owners = ownersOf(list as InstalledPackage[], subject, real);
    if (owners.length > 0) return owners;
  }
  const times = fits(isPath ? 'whatprovides' : selector, subject);
  const out: InstalledPackage[] = [];
  for (const pkg of list) for (let n = times(pkg); n > 0; n--) out.push(pkg);
  return out;
}
