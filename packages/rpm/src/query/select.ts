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
  | 'whatenhances';

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

function test(selector: PackageSelector, subject: string): (pkg: InstalledPackage) => boolean {
  const name = whatTables[selector];
  const table = name === undefined ? undefined : indexTables.find((t) => t.name === name);
  if (table !== undefined) {
    const key = encodeText(subject);
    return ({ header }) =>
      indexKeys(table, header).some((entry) => bytesEqual(entry.key, key)) ||
      (selector === 'whatprovides' && subject.startsWith('/') && filePaths(header).includes(subject));
  }
  switch (selector) {
    case 'file':
      return ({ header }) => filePaths(header).includes(subject);
    case 'group':
      return ({ header }) => header.getString(Tag.Group) === subject;
    case 'all': {
      const equals = subject.indexOf('=');
      const tag = equals < 0 ? Tag.Name : queryTag(subject.slice(0, equals));
      if (tag === undefined) throw new CoppiceError('Usage', `unknown tag: "${subject.slice(0, equals)}"`);
      const pattern = namePattern(subject.slice(equals + 1));
      return ({ header }) => textsOf(header, tag).some((text) => pattern.test(text));
    }
    default:
      return (pkg) => hasLabel(pkg, subject);
  }
}

/** The packages a subject means, in the order given. Of `all` the subject is a pattern, `NAME` or `TAG=PATTERN`. */
export function selectPackages(
  packages: Iterable<InstalledPackage>,
  selector: PackageSelector,
  subject: string,
): InstalledPackage[] {
  const accept = test(selector, subject);
  const out: InstalledPackage[] = [];
  for (const pkg of packages) if (accept(pkg)) out.push(pkg);
  return out;
}
