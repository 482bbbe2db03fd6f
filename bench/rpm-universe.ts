// A repository of many synthetic packages: names, versions, sonames, files and dependencies in about the proportions of
// a distribution, the same for the same count. Dependencies stay inside groups of 25, so that installs are small.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  metadataChunks,
  packageXml,
  type RepoDependency,
  type RepomdRecord,
  type RepositoryPackage,
  writeRepomd,
} from '@coppice/rpm';

const group = 25;

function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
}

function syntheticPackage(i: number, random: (below: number) => number): RepositoryPackage {
  const words = (n: number): string => Array.from({ length: n }, () => `word${random(3000).toString(36)}`).join(' ');
  const name = `pkg${i}`;
  const version = `${1 + random(9)}.${random(20)}`;
  const release = `${1 + random(5)}.fc40`;
  const evr = `${version}-${release}`;
  const requires: RepoDependency[] = [
    { name: 'libc.so.6(GLIBC_2.34)(64bit)', flags: 0, evr: '' },
    { name: 'rtld(GNU_HASH)', flags: 0, evr: '' },
  ];
  const place = i % group;
  for (let n = place === 0 ? 0 : 2 + random(15); n > 0; n--) {
    const target = i - place + random(place);
    const kinds: RepoDependency[] = [
      { name: `pkg${target}`, flags: 0, evr: '' },
      { name: `libpkg${target}.so.1()(64bit)`, flags: 0, evr: '' },
      { name: `/usr/bin/cmd${target}`, flags: 0, evr: '' },
      { name: `pkg${target}`, flags: 12, evr: '1.0' },
    ];
    requires.push(kinds[random(4)]!);
  }
  const provides: RepoDependency[] = [
    { name, flags: 8, evr },
    { name: `${name}(x86-64)`, flags: 8, evr },
    { name: `libpkg${i}.so.1()(64bit)`, flags: 0, evr: '' },
  ];
  if (i === 0)
    provides.push(
      { name: 'libc.so.6(GLIBC_2.34)(64bit)', flags: 0, evr: '' },
      { name: 'rtld(GNU_HASH)', flags: 0, evr: '' },
    );
  const files = [`/usr/bin/cmd${i}`, `/etc/pkg${i}.conf`];
  return {
    name,
    epoch: '0',
    version,
    release,
    evr,
    arch: 'x86_64',
    checksum: { type: 'sha256', value: createHash('sha256').update(name).digest('hex') },
    summary: words(8),
    description: words(60),
    packager: 'Example Project',
    url: `https://example.org/${name}`,
    license: 'MIT',
    vendor: 'Example Project',
    group: 'Unspecified',
    buildHost: `builder${random(50)}.example.org`,
    sourceRpm: `${name}-${evr}.src.rpm`,
    time: { file: 1_700_000_000 + random(1_000_000), build: 1_700_000_000 },
    size: { package: random(10_000_000), installed: random(30_000_000), archive: random(30_000_000) },
    location: { href: `Packages/${name}-${evr}.x86_64.rpm` },
    headerRange: { start: 4504, end: 9000 + random(10_000) },
    provides,
    requires,
    conflicts: [],
    obsoletes: [],
    suggests: [],
    enhances: [],
    recommends: [],
    supplements: [],
    files,
    fileList: files.map((path) => ({ path, type: 'file' as const })),
    changelogs: [],
  };
}

/** Writes `repodata/` of `count` packages into `dir`. */
export function writeUniverse(dir: string, count: number): void {
  mkdirSync(join(dir, 'repodata'), { recursive: true });
  const random = randomNumbers(1);
  const packages = Array.from({ length: count }, (_, i) => syntheticPackage(i, random));
  const sum = (bytes: Uint8Array) => ({ type: 'sha256', value: createHash('sha256').update(bytes).digest('hex') });
  const records: RepomdRecord[] = [];
  for (const kind of ['primary', 'filelists', 'other'] as const) {
    const plain = Buffer.concat([
      ...metadataChunks(
        kind,
        count,
        packages.map((pkg) => packageXml(kind, pkg)),
      ),
    ]);
    const packed = gzipSync(plain, { level: 6 });
    writeFileSync(join(dir, `repodata/${kind}.xml.gz`), packed);
    records.push({
      type: kind,
      checksum: sum(packed),
      openChecksum: sum(plain),
      href: `repodata/${kind}.xml.gz`,
      timestamp: 1_700_000_000,
      size: packed.length,
      openSize: plain.length,
    });
  }
  const repomd = { revision: '1', contentTags: [], repoTags: [], distroTags: [], records };
  writeFileSync(join(dir, 'repodata/repomd.xml'), writeRepomd(repomd));
}
