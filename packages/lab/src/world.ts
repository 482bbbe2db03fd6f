// The description of a small Fedora-like world: which packages the base of every stream holds, which can be layered, how
// the streams differ. A YAML or JSON file (`worlds/*.yaml`, docs/lab.md); parsing gives values or one error with the path
// of the wrong key.

import { CoppiceError } from '@coppice/base';
import { parse } from 'yaml';

/** What a packaged path is. Exactly one of the content keys is set. */
export interface WorldFile {
  readonly text?: string;
  /** This many bytes of reproducible noise. */
  readonly size?: number;
  /** A gzip-compressed manual page. */
  readonly manual?: boolean;
  readonly directory?: boolean;
  /** Target of a symbolic link. */
  readonly link?: string;
  /** Octal text; default 0644 for files, 0755 for directories. */
  readonly mode?: string;
  readonly user?: string;
  readonly group?: string;
}

export interface WorldUser {
  readonly name: string;
  readonly id: number;
  readonly home: string;
}

/** A package's EVR is one text for all streams or one per stream; the dist tag is appended to the release. */
export interface WorldPackage {
  readonly name: string;
  readonly epoch?: number;
  readonly evr: string | Readonly<Record<string, string>>;
  readonly arch?: string;
  readonly summary?: string;
  readonly license?: string;
  readonly url?: string;
  readonly requires?: readonly string[];
  readonly provides?: readonly string[];
  readonly conflicts?: readonly string[];
  readonly obsoletes?: readonly string[];
  readonly recommends?: readonly string[];
  readonly files?: Readonly<Record<string, WorldFile>>;
  readonly users?: readonly WorldUser[];
  /** Shell text of %post. */
  readonly post?: string;
  /** Owns the directories and links of the file system hierarchy. */
  readonly layout?: boolean;
  /** Carries os-release. */
  readonly 'os-release'?: boolean;
  /** Carries a shell and small tools (busybox, else the host's sh, ls and cat with their libraries). */
  readonly shell?: boolean;
  /** Carries a kernel and an initramfs for its own version. */
  readonly kernel?: boolean;
}

export interface WorldStream {
  readonly ref: string;
  readonly version: string;
  /** RFC 3339. */
  readonly timestamp: string;
}

export interface World {
  readonly name: string;
  readonly arch: string;
  readonly dist: string;
  readonly stateroot: string;
  readonly remote: string;
  readonly 'os-release': Readonly<Record<string, string>>;
  readonly 'kernel-arguments': readonly string[];
  readonly streams: Readonly<Record<string, WorldStream>>;
  readonly base: readonly WorldPackage[];
  readonly repository: readonly WorldPackage[];
}

type Check = (value: unknown, path: string) => void;

function fault(path: string, what: string): never {
  throw new CoppiceError('Invalid', `${path}: ${what}`, { data: { path } });
}

const text: Check = (value, path) => {
  if (typeof value !== 'string' || value === '') fault(path, 'must be a text');
};
const anyText: Check = (value, path) => {
  if (typeof value !== 'string') fault(path, 'must be a text');
};
const flag: Check = (value, path) => {
  if (typeof value !== 'boolean') fault(path, 'must be true or false');
};
const count =
  (max: number): Check =>
  (value, path) => {
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > max)
      fault(path, `must be a whole number from 0 to ${max}`);
  };
const matching =
  (pattern: RegExp, what: string): Check =>
  (value, path) => {
    if (typeof value !== 'string' || !pattern.test(value)) fault(path, `must be ${what}`);
  };
const list =
  (item: Check): Check =>
  (value, path) => {
    if (!Array.isArray(value)) fault(path, 'must be a list');
    value.forEach((v, i) => {
      item(v, `${path}[${i}]`);
    });
  };
const mapOf =
  (key: Check, item: Check): Check =>
  (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) fault(path, 'must be a map');
    for (const [k, v] of Object.entries(value)) {
      key(k, `${path}.${k}`);
      item(v, `${path}.${k}`);
    }
  };
const record =
  (fields: Readonly<Record<string, Check>>, required: readonly string[]): Check =>
  (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) fault(path, 'must be a map');
    for (const [k, v] of Object.entries(value)) {
      const check = Object.hasOwn(fields, k) ? fields[k] : undefined;
      if (check === undefined) fault(`${path}.${k}`, `unknown key; one of ${Object.keys(fields).join(', ')}`);
      check!(v, `${path}.${k}`);
    }
    for (const k of required) if (!Object.hasOwn(value, k)) fault(path, `needs the key ${k}`);
  };

const word = matching(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/, 'letters, digits, ".", "_", "+" or "-"');
const evr = matching(/^[A-Za-z0-9._+~^]+-[A-Za-z0-9._+~^]+$/, 'VERSION-RELEASE');
const absolute = matching(/^\/(?!.*(^|\/)\.\.?(\/|$)).*[^/]$/, 'an absolute path without "." and ".."');

const fileCheck: Check = (value, path) => {
  record(
    {
      text: anyText,
      size: count(2 ** 32),
      manual: flag,
      directory: flag,
      link: text,
      mode: matching(/^[0-7]{4}$/, 'four octal digits in quotes'),
      user: word,
      group: word,
    },
    [],
  )(value, path);
  const kinds = ['text', 'size', 'manual', 'directory', 'link'].filter((k) => Object.hasOwn(value as object, k));
  if (kinds.length !== 1) fault(path, 'needs exactly one of text, size, manual, directory, link');
};

const packageCheck = record(
  {
    name: word,
    epoch: count(2 ** 31 - 1),
    evr: (value, path) => (typeof value === 'string' ? evr(value, path) : mapOf(word, evr)(value, path)),
    arch: word,
    summary: text,
    license: text,
    url: text,
    requires: list(text),
    provides: list(text),
    conflicts: list(text),
    obsoletes: list(text),
    recommends: list(text),
    files: mapOf(absolute, fileCheck),
    users: list(record({ name: word, id: count(65535), home: text }, ['name', 'id', 'home'])),
    post: text,
    layout: flag,
    'os-release': flag,
    shell: flag,
    kernel: flag,
  },
  ['name', 'evr'],
);

const worldCheck = record(
  {
    name: word,
    arch: word,
    dist: word,
    stateroot: word,
    remote: word,
    'os-release': mapOf(matching(/^[A-Z_]+$/, 'upper-case'), anyText),
    'kernel-arguments': list(text),
    streams: mapOf(
      word,
      record({ ref: matching(/^[\w][-._\w]*(\/[\w][-._\w]*)*$/, 'a ref name'), version: word, timestamp: text }, [
        'ref',
        'version',
        'timestamp',
      ]),
    ),
    base: list(packageCheck),
    repository: list(packageCheck),
  },
  ['name', 'arch', 'dist', 'stateroot', 'remote', 'os-release', 'streams', 'base'],
);

/** Reads a world from YAML or JSON text. Throws `Invalid` with the path of the first wrong key. */
export function parseWorld(source: string, where = 'world'): World {
  let value: unknown;
  try {
    value = parse(source, { maxAliasCount: 100 });
  } catch (error) {
    throw new CoppiceError('Invalid', `${where}: ${(error as Error).message.split('\n')[0]}`, { cause: error });
  }
  worldCheck(value, where);
  const world = { 'kernel-arguments': [], repository: [], ...(value as object) } as unknown as World;
  const streams = Object.keys(world.streams);
  if (streams.length === 0) fault(`${where}.streams`, 'needs at least one stream');
  for (const [name, { timestamp }] of Object.entries(world.streams)) {
    if (Number.isNaN(Date.parse(timestamp)))
      fault(`${where}.streams.${name}.timestamp`, 'must be a date such as 2020-01-28T16:10:53Z');
  }
  const seen = new Set<string>();
  for (const [key, packages] of [
    ['base', world.base],
    ['repository', world.repository],
  ] as const) {
    packages.forEach((p, i) => {
      if (seen.has(p.name)) fault(`${where}.${key}[${i}].name`, `the package ${p.name} is described twice`);
      seen.add(p.name);
      if (typeof p.evr !== 'string') {
        for (const stream of streams)
          if (!Object.hasOwn(p.evr, stream)) fault(`${where}.${key}[${i}].evr`, `needs the stream ${stream}`);
      }
    });
  }
  return world;
}

/** The VERSION and RELEASE of a package on a stream, with the dist tag. */
export function versionOn(world: World, pkg: WorldPackage, stream: string): { version: string; release: string } {
  const evrText = typeof pkg.evr === 'string' ? pkg.evr : pkg.evr[stream]!;
  const dash = evrText.indexOf('-');
  return { version: evrText.slice(0, dash), release: `${evrText.slice(dash + 1)}.${world.dist}` };
}
