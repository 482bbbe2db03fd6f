// The character set of the locale, as the C library finds it (glibc's setlocale(LC_ALL, "") and nl_langinfo(CODESET)) and GLib
// overrules it (g_get_charset). Only text beyond ASCII asks.
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';

type Env = Readonly<Record<string, string | undefined>>;

/** All must be there, or the program stays in the C locale. */
const categories = [
  'LC_CTYPE',
  'LC_NUMERIC',
  'LC_TIME',
  'LC_COLLATE',
  'LC_MONETARY',
  'LC_MESSAGES',
  'LC_PAPER',
  'LC_NAME',
  'LC_ADDRESS',
  'LC_TELEPHONE',
  'LC_MEASUREMENT',
  'LC_IDENTIFICATION',
];

const ascii = 'US-ASCII';
const localeFolder = '/usr/lib/locale';
const archiveMagic = 0xde020109;
const largest = 16 * 1024 * 1024;

const orUnset = (value: string | undefined): string | undefined => (value === '' ? undefined : value);

/** A name such as `UTF-8`, `US-ASCII` or `ISO-8859-15`. */
export function localeCharset(env: Env): string {
  const forced = orUnset(env['CHARSET']);
  if (forced !== undefined) return forced;
  if (process.platform !== 'linux') return 'UTF-8';
  const names = categories.map((category) => orUnset(env['LC_ALL']) ?? orUnset(env[category]) ?? orUnset(env['LANG']));
  const charsets = new Map([...new Set(names)].map((name) => [name, charsetOf(name ?? 'C', env)]));
  return names.some((name) => charsets.get(name) === undefined) ? ascii : charsets.get(names[0])!;
}

/** Codesets are compared in lower case without punctuation; digits alone are an ISO standard's. */
function normalized(name: string): string {
  const [, place = '', codeset = '', modifier = ''] = /^([^.@]*)(\.[^@]*)?(@.*)?$/.exec(name) ?? [];
  const plain = codeset.toLowerCase().replace(/[^a-z0-9]/g, '');
  return `${place}${plain === '' ? '' : `.${/^\d+$/.test(plain) ? 'iso' : ''}${plain}`}${modifier}`;
}

/** Undefined for a locale that is not installed. */
function charsetOf(name: string, env: Env): string | undefined {
  if (name === 'C' || name === 'POSIX') return ascii;
  const plain = normalized(name);
  if (plain === 'C.utf8') return 'UTF-8';
  if (name.includes('/')) return undefined;
  const path = orUnset(env['LOCPATH']);
  const archived = path === undefined ? archivedCharset(plain) : undefined;
  if (archived !== undefined) return archived;
  const short = plain.replace(/\.[^@]*/, '');
  for (const folder of path === undefined ? [localeFolder] : path.split(':')) {
    for (const each of new Set([name, plain, short])) {
      const file = join(folder, each, 'LC_CTYPE');
      const found = existsSync(file) ? charsetIn(readFileSync(file)) : undefined;
      // One that is named without its set is taken if it is that set's.
      if (found !== undefined && (each !== short || short === plain || normalized(`${short}.${found}`) === plain))
        return found;
    }
  }
  return undefined;
}

/** A compiled LC_CTYPE: a magic number, the number of fields, and where each starts. The name is field 14. */
function charsetIn(data: Buffer): string | undefined {
  const codesetField = 14;
  if (data.length < 4 * (codesetField + 3)) return undefined;
  const at = data.readUInt32LE(4 * (codesetField + 2));
  const end = data.indexOf(0, at);
  return at < data.length && end > at ? data.toString('latin1', at, end) : undefined;
}

/** `locale-archive`: a hash table of names, and for each the place and length of its categories, LC_CTYPE first. */
function archivedCharset(name: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(join(localeFolder, 'locale-archive'), 'r');
  } catch {
    return undefined;
  }
  const read = (at: number, length: number): Buffer => {
    const data = Buffer.alloc(Math.min(length, largest));
    return data.subarray(0, readSync(fd, data, 0, data.length, at));
  };
  try {
    const head = read(0, 56);
    if (head.length < 56 || head.readUInt32LE(0) !== archiveMagic) return undefined;
    const table = read(head.readUInt32LE(8), head.readUInt32LE(16) * 12);
    for (let at = 0; at + 12 <= table.length; at += 12) {
      const record = table.readUInt32LE(at + 8);
      if (record === 0) continue;
      const found = read(table.readUInt32LE(at + 4), name.length + 1);
      if (found.toString('latin1') !== `${name}\0`) continue;
      const place = read(record + 4, 8);
      return place.length < 8 ? undefined : charsetIn(read(place.readUInt32LE(0), place.readUInt32LE(4)));
    }
    return undefined;
  } finally {
    closeSync(fd);
  }
}
