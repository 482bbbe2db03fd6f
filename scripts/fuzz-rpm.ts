// Mutated packages, metadata, databases, dependencies and query formats through @coppice/rpm: each ends in an answer or in a
// typed error about its input, in bounded time and memory, and nothing is written outside the folder it is unpacked to.
//   node --conditions=source scripts/fuzz-rpm.ts [--count 2000] [--seed 1] [--only package,primary]
import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Compression, compressBytes, decompressBytes } from '@coppice/archive';
import { isCoppiceError } from '@coppice/base';
import {
  buildPackage,
  createRepository,
  dependencyKinds,
  describePackage,
  formatHeader,
  headerDependencies,
  headerXml,
  installedPackages,
  mergeRepositories,
  mergeSignatures,
  modifyRepository,
  modularFilter,
  namedFormats,
  parseComps,
  parseDependencyText,
  parseMetalink,
  parseModules,
  parseQueryFormat,
  parseRepoFile,
  parseRepomd,
  parseRichDependency,
  parseSubject,
  RpmDb,
  readFilelists,
  readOther,
  readPackage,
  readPrimary,
  readUpdateinfo,
  readZchunkHeader,
  repositoryDerivation,
  resignedHead,
  rpmvercmp,
  unpackPackage,
  unzchunk,
  verifyPackage,
  writeRepomd,
  writeZchunk,
} from '@coppice/rpm';
import { mutate, randomOf } from '../packages/butane/test/mutate.ts';
import { bdbFile, ndbFile } from '../packages/rpm/test/old-database-files.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});
const count = Number(values.count);
const random = randomOf(Number(values.seed));
const below = (n: number): number => Math.floor(random() * n);
const shared = process.env['COPPICE_SHARED'] ?? resolve(import.meta.dirname, '../../shared');
const work = mkdtempSync(join(tmpdir(), 'coppice-fuzz-rpm-'));
const timeLimit = 5000;
const memoryLimit = 700;

/** A few bytes changed, cut, doubled or set to a boundary value, away from the start often enough to get past magic. */
function damage(bytes: Uint8Array, other: Uint8Array): Buffer {
  if (random() < 0.3) return Buffer.from(mutate(bytes, random, other));
  const out: Buffer = Buffer.from(bytes);
  for (let n = 1 + below(6); n > 0 && out.length > 0; n--) {
    const at = random() < 0.5 ? below(Math.min(out.length, 6000)) : below(out.length);
    const kind = below(4);
    if (kind === 0) out[at] = below(256);
    else if (kind === 1) out[at]! ^= 1 << below(8);
    else if (kind === 2 && at + 4 <= out.length)
      out.writeUInt32BE([0, 1, 0x7fffffff, 0xffffffff, 0x80000000, below(65536)][below(6)]!, at);
    else return Buffer.from(out.subarray(0, at));
  }
  return out;
}

const files: Uint8Array[] = existsSync(join(shared, 'rpms'))
  ? readdirSync(join(shared, 'rpms'))
      .filter((name) => name.endsWith('.rpm'))
      .sort()
      .map((name) => readFileSync(join(shared, 'rpms', name)))
  : [];
const common = { version: '1', release: '1', arch: 'noarch', summary: 'x', license: 'MIT' } as const;
for (const compressor of ['none', 'gzip', 'zstd', 'xz', 'bzip2'] as const)
  files.push(
    buildPackage({
      ...common,
      name: `made-${compressor}`,
      requires: ['(a if b else c)', 'x >= 1', '/bin/sh'],
      scripts: { post: 'true' },
      triggers: [{ type: 'in', on: ['bash > 3'], script: 'x' }],
      payload: { compressor, stripped: compressor === 'gzip' },
      files: [
        { path: '/usr/bin/one', content: '1'.repeat(3000) },
        { path: '/usr/bin/two', hardlink: '/usr/bin/one' },
        { path: '/usr/bin/three', target: 'one' },
        { path: '/usr/share/dir', type: 'directory' },
      ],
    }).bytes(),
  );

const formats = Object.values(namedFormats).map(parseQueryFormat);
let unpacked = 0;

/** Everything that reads a package. A guard file beside the folder must survive the unpacking. */
function wholePackage(bytes: Uint8Array): void {
  const pkg = readPackage(bytes);
  verifyPackage(pkg);
  const header = mergeSignatures(pkg.header, pkg.signature);
  headerXml(header);
  for (const format of formats) formatHeader(header, format);
  for (const kind of dependencyKinds) headerDependencies(header, kind);
  describePackage(pkg.header, {
    checksum: { type: 'sha256', value: '' },
    fileTime: 0,
    fileSize: bytes.length,
    location: { href: 'x' },
    headerRange: pkg.headerRange,
    archiveSize: 0,
    compareVersions: rpmvercmp,
  });
  const root = join(work, `u${unpacked++ % 20}`);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(join(root, 'in'), { recursive: true });
  if (random() < 0.3) symlinkSync('..', join(root, 'in', ['usr', 'etc', 'var'][below(3)]!));
  let failure: unknown;
  try {
    unpackPackage(pkg, join(root, 'in'));
  } catch (error) {
    failure = error;
  }
  const beside = readdirSync(root);
  if (beside.length !== 1) throw new Error(`unpacked outside: ${beside.join(' ')}`);
  if (failure !== undefined) throw failure;
}

function texts(): Record<string, Buffer> {
  const dir = join(work, 'repo');
  mkdirSync(dir);
  files.slice(0, 8).forEach((bytes, i) => {
    writeFileSync(join(dir, `p${i}.rpm`), bytes);
  });
  const { repomd } = createRepository(dir, { compression: 'none', onBadPackage: (path) => void path });
  const read = (type: string): Buffer => readFileSync(join(dir, repomd.records.find((r) => r.type === type)!.href));
  return {
    primary: read('primary'),
    filelists: read('filelists'),
    other: read('other'),
    repomd: readFileSync(join(dir, 'repodata/repomd.xml')),
    updateinfo: Buffer.from(
      '<?xml version="1.0"?><updates><update from="a" status="final" type="security" version="1"><id>F-1</id><title>t &amp; u</title><issued date="2020-01-01"/><severity>Important</severity><references><reference href="h" id="CVE-2020-1234" type="cve" title=""/></references><pkglist><collection short="c"><name>n</name><package name="a" version="1" release="2" epoch="0" arch="noarch"><filename>f</filename></package></collection></pkglist></update></updates>',
    ),
    comps: Buffer.from(
      '<comps><group><id>core</id><name>Core</name><default>true</default><packagelist><packagereq type="mandatory">bash</packagereq></packagelist></group></comps>',
    ),
    metalink: Buffer.from(
      '<metalink xmlns="http://www.metalinker.org/"><files><file name="repomd.xml"><size>10</size><verification><hash type="sha256">00</hash></verification><resources><url protocol="https" type="https" preference="100">https://a.example/repodata/repomd.xml</url></resources></file></files></metalink>',
    ),
    modules: Buffer.from(
      '---\ndocument: modulemd\nversion: 2\ndata:\n  name: foo\n  stream: "1"\n  version: 1\n  context: c\n  dependencies:\n  - requires: { platform: [f40], bar: [-x] }\n  artifacts:\n    rpms: [ "foo-0:1-1.noarch" ]\n---\ndocument: modulemd-defaults\nversion: 1\ndata: { module: foo, stream: "1" }\n',
    ),
    repofile: Buffer.from(
      '[a]\nname=A $releasever\nbaseurl=http://x/$basearch\n  http://y/\nenabled=1\ngpgcheck=yes\nmetadata_expire=6h\n',
    ),
    dependency: Buffer.from('(a >= 1:2-3 and (b if c else d) with e without f)'),
    format: Buffer.from('[%-30{=NAME} %{FILENAMES:shescape}\\n]%|EPOCH?{%{EPOCH:hex}}:{0}|'),
  };
}

function database(kind: 'sqlite'): Buffer {
  const dir = join(work, kind);
  mkdirSync(dir);
  using db = RpmDb.create(dir);
  db.transaction(() => {
    for (const bytes of files.slice(0, 6)) db.add(readPackage(bytes).header);
  });
  return readFileSync(join(dir, 'rpmdb.sqlite'));
}

/** Made by zck where it is installed. */
function zchunkFile(): Buffer {
  const [plain, packed] = [join(work, 'plain'), join(work, 'packed')];
  writeFileSync(plain, Buffer.from('<package>some text</package>'.repeat(2000)));
  if (spawnSync('zck', ['-o', packed, plain]).status === 0) return readFileSync(packed);
  return Buffer.concat([Buffer.from('\0ZCK1\x01'), Buffer.alloc(120, 0x81)]);
}

const bombs: readonly Compression[] = ['gzip', 'zstd', 'xz', 'lzma', 'bzip2'];
const seeds = texts();
const header = readPackage(files.at(-1)!).header;
const blobs = files.slice(-3).map((bytes) => readPackage(bytes).header.blob);
const drain = (source: Iterable<unknown>): void => {
  for (const piece of source) void piece;
};

interface Target {
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  readonly run: (bytes: Buffer) => void;
  /** Share of `count`: some are slow. */
  readonly share?: number;
}

const onDisk = (name: string): ((bytes: Buffer) => void) => {
  const dir = join(work, `db-${name}`);
  mkdirSync(dir);
  return (bytes) => {
    writeFileSync(join(dir, name), bytes);
    drain(installedPackages(dir));
  };
};

/** A repository whose metadata is what `bytes` hold for one kind and what `texts` has for the others, each plain. */
function repositoryWith(kind: string, bytes: Uint8Array): string {
  const dir = join(work, 'repository');
  mkdirSync(join(dir, 'repodata'), { recursive: true });
  const records = ['primary', 'filelists', 'other'].map((type) => {
    const content = type === kind ? bytes : seeds[type]!;
    writeFileSync(join(dir, 'repodata', `${type}.xml`), content);
    const checksum = { type: 'sha256', value: hash('sha256', content) };
    return { type, checksum, href: `repodata/${type}.xml`, timestamp: 1, size: content.length };
  });
  const tags = { contentTags: [], repoTags: [], distroTags: [] };
  writeFileSync(join(dir, 'repodata/repomd.xml'), writeRepomd({ revision: '1', ...tags, records }));
  return dir;
}

/** Merges what is damaged with itself, with databases and zchunk files, and looks for files that are out of place. */
function merged(kind: string): (bytes: Buffer) => void {
  const out = join(work, 'merged');
  mkdirSync(out, { recursive: true });
  return (bytes) => {
    const dir = repositoryWith(kind, bytes);
    mergeRepositories([dir, dir], out, {
      all: true,
      origins: true,
      derivation: (base) => repositoryDerivation({ database: 'none', zchunk: true, temporaryDir: out, base }),
    });
    const odd = readdirSync(out).filter((name) => name !== 'repodata');
    if (odd.length > 0) throw new Error(`left over: ${odd.join(' ')}`);
  };
}

/** Adds a file under hostile names to an index that is damaged. */
function modified(bytes: Buffer): void {
  const dir = join(work, 'modified');
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'repomd.xml'), bytes);
  const name = bytes.subarray(0, 40).toString();
  modifyRepository(dir, [
    { path: join(work, 'plain'), type: name, newName: name },
    { remove: true, type: 'primary' },
  ]);
}

function rewritten(bytes: Buffer): void {
  const cut = bytes.length >> 1;
  const dictionary = bytes.subarray(0, Math.min(bytes.length, 500));
  for (const options of [{}, { dictionary }]) {
    const file = writeZchunk([bytes.subarray(0, cut), bytes.subarray(cut)], options);
    const back = Buffer.concat(
      [...unzchunk(file.bytes, bytes.length + dictionary.length)].map((piece) => Buffer.from(piece)),
    );
    if (!back.equals(bytes)) throw new Error('zchunk: not what was written');
  }
}

const targets: readonly Target[] = [
  { name: 'package', seeds: files, run: wholePackage },
  {
    name: 'signing',
    seeds: files,
    run: (bytes) => {
      resignedHead(readPackage(bytes), {});
    },
  },
  {
    name: 'primary',
    seeds: [seeds['primary']!],
    run: (bytes) =>
      drain(
        readPrimary([bytes])
          .packages()
          .map((p) => p.requires),
      ),
  },
  { name: 'filelists', seeds: [seeds['filelists']!], run: (bytes) => drain(readFilelists([bytes])) },
  { name: 'other', seeds: [seeds['other']!], run: (bytes) => drain(readOther([bytes])) },
  { name: 'repomd', seeds: [seeds['repomd']!], run: (bytes) => void parseRepomd(bytes) },
  { name: 'updateinfo', seeds: [seeds['updateinfo']!], run: (bytes) => drain(readUpdateinfo([bytes])) },
  { name: 'comps', seeds: [seeds['comps']!], run: (bytes) => void parseComps(bytes) },
  { name: 'metalink', seeds: [seeds['metalink']!], run: (bytes) => void parseMetalink(bytes) },
  { name: 'modules', seeds: [seeds['modules']!], run: (bytes) => void modularFilter(parseModules(bytes.toString())) },
  { name: 'repofile', seeds: [seeds['repofile']!], run: (bytes) => void parseRepoFile(bytes.toString(), 'x.repo') },
  {
    name: 'dependency',
    seeds: [seeds['dependency']!],
    run: (bytes) => {
      const text = bytes.toString();
      parseSubject(text);
      parseDependencyText(text);
      parseRichDependency(text);
    },
  },
  {
    name: 'format',
    seeds: [seeds['format']!],
    run: (bytes) => void formatHeader(header, parseQueryFormat(bytes.toString())),
  },
  { name: 'sqlite', seeds: [database('sqlite')], run: onDisk('rpmdb.sqlite'), share: 0.2 },
  { name: 'ndb', seeds: [ndbFile(blobs)], run: onDisk('Packages.db'), share: 0.5 },
  { name: 'bdb', seeds: [bdbFile(blobs[0]!, true), bdbFile(blobs[0]!, false)], run: onDisk('Packages'), share: 0.5 },
  {
    name: 'zchunk',
    seeds: [zchunkFile()],
    run: (bytes) => {
      readZchunkHeader(bytes);
      drain(unzchunk(bytes, 1 << 20));
    },
  },
  { name: 'zchunk-new', seeds: [zchunkFile(), seeds['primary']!], run: rewritten, share: 0.5 },
  ...['primary', 'filelists', 'other'].map((kind) => ({
    ...{ name: `merge-${kind}`, seeds: [seeds[kind]!], run: merged(kind), share: 0.1 },
  })),
  { name: 'modify', seeds: [seeds['repomd']!], run: modified, share: 0.5 },
  {
    name: 'bomb',
    share: 0.01,
    seeds: bombs.map((kind) => compressBytes(Buffer.alloc(30_000_000), kind, { level: 1 })),
    run: (bytes) => void decompressBytes(bytes, 'auto', 1 << 20),
  },
];

let faults = 0;
const chosen = values.only?.split(',');
try {
  for (const target of targets) {
    if (chosen !== undefined && !chosen.includes(target.name)) continue;
    const total = Math.ceil(count * (target.share ?? 1));
    let [accepted, refused, slowest] = [0, 0, 0];
    for (let n = 0; n < total; n++) {
      const seed = target.seeds[below(target.seeds.length)]!;
      const bytes =
        target.name === 'bomb' && n % 2 === 0
          ? Buffer.from(seed)
          : damage(seed, target.seeds[below(target.seeds.length)]!);
      // Processor time: how busy the machine is says nothing about a case.
      const start = process.cpuUsage();
      try {
        target.run(bytes);
        accepted++;
      } catch (error) {
        refused++;
        if (!isCoppiceError(error) || (error.kind !== 'input' && error.code !== 'Usage')) {
          faults++;
          const file = join(tmpdir(), `fuzz-rpm-${target.name}-${n}`);
          writeFileSync(file, bytes);
          process.stderr.write(
            `${target.name} ${n}: ${error instanceof Error ? error.stack : error}\n  input kept in ${file}\n`,
          );
        }
      }
      const { user, system } = process.cpuUsage(start);
      const took = (user + system) / 1000;
      slowest = Math.max(slowest, took);
      if (took > timeLimit) {
        faults++;
        process.stderr.write(`${target.name} ${n}: ${took.toFixed(0)} ms\n`);
      }
    }
    process.stdout.write(
      `${target.name.padEnd(11)} ${total} cases, ${accepted} read, ${refused} refused, slowest ${slowest.toFixed(0)} ms\n`,
    );
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
const memory = Math.round(process.resourceUsage().maxRSS / 1024);
process.stdout.write(`${faults} faults, ${memory} MB at most\n`);
process.exitCode = faults > 0 || memory > memoryLimit ? 1 : 0;
