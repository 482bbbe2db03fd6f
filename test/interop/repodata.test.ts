import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { decompressBytes } from '@coppice/archive';
import { createRepository, loadRepository, packageXml, parseRepomd, unzchunk } from '@coppice/rpm';
import { describe, expect, it } from 'vitest';
import { debianCount, debianRpms } from '../judges/debian-rpms.ts';
import { call, missing, output, scratch, sharedRpms, withoutShared } from './rpm-support.ts';

const reason = missing('createrepo_c');
const kinds = ['primary', 'filelists', 'other'] as const;

/** The plain text of one metadata file, found through repomd.xml. */
function metadata(dir: string, type: string): string {
  const repomd = parseRepomd(readFileSync(join(dir, 'repodata/repomd.xml')));
  const record = repomd.records.find((r) => r.type === type)!;
  return Buffer.from(decompressBytes(readFileSync(join(dir, record.href)), 'auto', 1e9)).toString();
}

function fill(dir: string, files: readonly string[]): void {
  for (const file of files) {
    const to = join(dir, basename(file));
    copyFileSync(file, to);
    utimesSync(to, 1_700_000_000, 1_700_000_000);
  }
}

function compare(files: readonly string[], flags: readonly string[] = [], options: object = {}): string {
  const [theirs, ours] = [scratch(), scratch()];
  fill(theirs, files);
  fill(ours, files);
  output('createrepo_c', ['--no-database', '--quiet', ...flags, theirs]);
  expect(createRepository(ours, options).packages).toBe(files.length);
  for (const kind of kinds) expect(metadata(ours, kind) === metadata(theirs, kind), kind).toBe(true);
  const shape = (dir: string): string =>
    readFileSync(join(dir, 'repodata/repomd.xml'), 'utf8')
      .replace(/[0-9a-f]{40,}/g, 'SUM')
      .replace(/<(revision|timestamp|size)>\d+</g, '<$1>N<');
  expect(shape(ours)).toBe(shape(theirs));
  return ours;
}

describe.skipIf(reason !== undefined)('repository metadata', () => {
  it.skipIf(sharedRpms.length === 0)(`equals createrepo_c for packages of other projects${withoutShared}`, () => {
    compare(sharedRpms);
  });

  it.skipIf(missing('dpkg-query', 'rpmbuild') !== undefined)('equals createrepo_c for Debian-made packages', () => {
    const files = debianRpms(debianCount);
    const dir = compare(files);
    // What was read back is what was written.
    const { packages } = loadRepository(dir, { filelists: true, changelogs: true });
    for (const kind of kinds) {
      const text = metadata(dir, kind);
      const body = text.slice(text.indexOf('<package '), text.lastIndexOf('</package>') + 11);
      expect(packages.map((pkg) => packageXml(kind, pkg)).join('')).toBe(body);
    }
  });

  it.skipIf(sharedRpms.length === 0)(
    `equals createrepo_c with other checksums, limits and base${withoutShared}`,
    () => {
      compare(sharedRpms.slice(0, 6), ['--checksum=sha512', '--changelog-limit=1', '--baseurl=http://example.com/x'], {
        checksum: 'sha512',
        changelogLimit: 1,
        baseUrl: 'http://example.com/x',
      });
    },
  );

  it.skipIf(sharedRpms.length === 0)(
    `equals createrepo_c for every choice of packages, names and tags${withoutShared}`,
    () => {
      const [theirs, ours] = [scratch(), scratch()];
      const comps = join(scratch(), 'comps.xml');
      writeFileSync(comps, '<comps><group><id>core</id><name>Core</name></group></comps>\n');
      for (const dir of [theirs, ours]) {
        mkdirSync(join(dir, 'below/deep'), { recursive: true });
        fill(dir, sharedRpms.slice(0, 3));
        fill(join(dir, 'below'), sharedRpms.slice(3, 5));
        fill(join(dir, 'below/deep'), sharedRpms.slice(5, 6));
        symlinkSync(sharedRpms[6]!, join(dir, 'link.rpm'));
      }
      const name = basename(sharedRpms[0]!);
      const group = { extra: [{ type: 'group', name: 'comps.xml', bytes: readFileSync(comps) }] };
      writeFileSync(join(theirs, 'list'), `${name}\nmissing.rpm\n`);
      for (const [flags, options] of [
        [['--groupfile', comps], group],
        [['--groupfile', comps, '--general-compress-type=xz'], { ...group, compression: 'xz' }],
        [['--groupfile', comps, '--simple-md-filenames'], { ...group, simpleNames: true }],
        [['--checksum=sha1'], { checksum: 'sha1' }],
        [['--checksum=sha'], { checksum: 'sha' }],
        [
          ['-x', `${name.slice(0, 3)}*`, '-x', 'below/*'],
          { choose: { excludes: [`${name.slice(0, 3)}*`, 'below/*'] } },
        ],
        [['-n', name, '-n', 'below/absent.rpm'], { choose: { only: [name, 'below/absent.rpm'] } }],
        [['--pkglist', join(theirs, 'list')], { choose: { only: [name, 'missing.rpm'] } }],
        [['--skip-symlinks'], { choose: { skipLinks: true } }],
        [['--location-prefix=pre/', '--baseurl=http://x'], { locationPrefix: 'pre/', baseUrl: 'http://x' }],
        [['--cut-dirs=1'], { cutDirs: 1 }],
        [['--cut-dirs=9', '--update'], { cutDirs: 9, update: true }],
        [
          [
            '--distro=cpe:/o:x,X 1',
            '--distro=plain',
            '--content=c',
            '--repo=r',
            '--revision=77',
            '--set-timestamp-to-revision',
          ],
          {
            distroTags: [{ cpeid: 'cpe:/o:x', text: 'X 1' }, { text: 'plain' }],
            ...{ contentTags: ['c'], repoTags: ['r'], revision: '77', timestamp: 77, stampFiles: true },
          },
        ],
      ] as const) {
        output('createrepo_c', ['--no-database', '--quiet', ...flags, theirs]);
        createRepository(ours, options as object);
        for (const kind of kinds) expect(metadata(ours, kind), flags.join(' ')).toBe(metadata(theirs, kind));
        const shape = (dir: string): string =>
          readFileSync(join(dir, 'repodata/repomd.xml'), 'utf8')
            .replace(/[0-9a-f]{40,}/g, 'SUM')
            .replace(/<(revision|timestamp)>\d{9,}</g, '<$1>N<')
            .replace(/<size>\d+</g, '<size>N<');
        expect(shape(ours), flags.join(' ')).toBe(shape(theirs));
        const names = (dir: string): string[] =>
          readdirSync(join(dir, 'repodata'))
            .map(
              (file) =>
                `${file.replace(/[0-9a-f]{40,}/, 'SUM')} ${statSync(join(dir, 'repodata', file)).mtimeMs < 1e6}`,
            )
            .sort();
        expect(names(ours), flags.join(' ')).toEqual(names(theirs));
      }
    },
  );

  it.skipIf(sharedRpms.length === 0)(`keeps and removes the files that createrepo_c does${withoutShared}`, () => {
    const [theirs, ours] = [scratch(), scratch()];
    const extra = scratch();
    const first = join(theirs, basename(sharedRpms[0]!));
    for (const dir of [theirs, ours]) fill(dir, sharedRpms.slice(0, 2));
    const comps = join(extra, 'comps.xml');
    writeFileSync(comps, '<comps><group><id>core</id><name>Core</name></group></comps>\n');
    writeFileSync(join(extra, 'updateinfo.xml'), '<updates></updates>\n');
    const group = { extra: [{ type: 'group', name: 'comps.xml', bytes: readFileSync(comps) }] };
    const stray = 'a'.repeat(64);
    const seen = (dir: string): string[] => [
      ...readdirSync(join(dir, 'repodata')).map((name) => name.replace(/^[0-9a-f]{40,}/, 'SUM')),
      ...parseRepomd(readFileSync(join(dir, 'repodata/repomd.xml'))).records.map(({ type }) => type),
    ];
    for (const [flags, options] of [
      [[], {}],
      [['--update'], { update: true }],
      [['--retain-old-md=1'], { retainOld: 1 }],
      [['--retain-old-md=3', '--update'], { retainOld: 3, update: true }],
      [['--compatibility'], { compatibility: true }],
      [['--compatibility', '--retain-old-md=1'], { compatibility: true, retainOld: 1 }],
      [['--compatibility', '--retain-old-md=2'], { compatibility: true, retainOld: 2 }],
      [['--retain-old-md-by-age=1h'], { retainAge: 3600 }],
      [['--retain-old-md-by-age=300d', '--update'], { retainAge: 300 * 86400, update: true }],
      [['--update', '--keep-all-metadata'], { update: true, keepOther: true }],
      [['--update', '--keep-all-metadata', '-g', comps], { update: true, keepOther: true, ...group }],
      [['--compress-type=xz', '-g', comps], { groupCompression: 'xz', ...group }],
      [['--simple-md-filenames'], { simpleNames: true }],
      [
        ['--repomd-checksum=sha512', '--update', '--skip-stat'],
        { metadataChecksum: 'sha512', update: true, skipStat: true },
      ],
    ] as const) {
      for (const dir of [theirs, ours]) {
        const repodata = join(dir, 'repodata');
        rmSync(repodata, { recursive: true, force: true });
        utimesSync(join(dir, basename(first)), 1_700_000_000, 1_700_000_000);
        if (dir === theirs) output('createrepo_c', ['--no-database', '--quiet', '-g', comps, dir]);
        else createRepository(dir, group);
        output('modifyrepo_c', [join(extra, 'updateinfo.xml'), repodata]);
        for (const name of [
          'junk',
          `${stray}-primary.xml.gz`,
          `${stray}-other.xml.gz`,
          'primary.sqlite.bz2',
          'foo.xml.gz',
        ])
          writeFileSync(join(repodata, name), '');
        // By age createrepo_c lets go of folders too; ours are left alone.
        if (!flags.join().includes('by-age')) mkdirSync(join(repodata, 'below'));
        // One of them is newer than an hour, the strays are older than what was made just now.
        for (const name of readdirSync(repodata))
          if (name !== 'junk')
            utimesSync(join(repodata, name), 1e9, name.startsWith(stray) ? 1_790_000_000 : 1_790_000_100);
        utimesSync(join(dir, basename(first)), 1_600_000_000, 1_600_000_000);
      }
      output('createrepo_c', ['--no-database', '--quiet', ...flags, theirs]);
      createRepository(ours, options as object);
      expect(seen(ours).sort(), flags.join(' ')).toEqual(seen(theirs).sort());
    }
  });

  it.skipIf(sharedRpms.length === 0)(
    `leaves out packages that cannot be read, as createrepo_c does${withoutShared}`,
    () => {
      const [ours, theirs] = [scratch(), scratch()];
      const good = sharedRpms.slice(0, 3);
      for (const dir of [ours, theirs]) {
        fill(dir, good);
        writeFileSync(join(dir, 'cut.rpm'), readFileSync(good[0]!).subarray(0, 500));
        writeFileSync(join(dir, 'text.rpm'), 'no package');
        writeFileSync(join(dir, 'empty.rpm'), '');
      }
      const bad: string[] = [];
      const made = createRepository(ours, { onBadPackage: (path) => bad.push(basename(path)) });
      expect(made).toMatchObject({ packages: 3, bad: 3 });
      expect(bad).toEqual(['cut.rpm', 'empty.rpm', 'text.rpm']);
      const done = call('createrepo_c', ['--no-database', '--error-exit-val', theirs]);
      expect(done.status).toBe(2);
      for (const name of bad) expect(done.stderr.toString()).toContain(name);
      // Times of the files differ.
      const plain = (dir: string, kind: (typeof kinds)[number]) => metadata(dir, kind).replace(/ file="\d+"/g, '');
      for (const kind of kinds) expect(plain(ours, kind)).toBe(plain(theirs, kind));
      expect(() => createRepository(ours)).toThrowError(expect.objectContaining({ code: 'Corrupt' }));
    },
  );

  it.skipIf(missing('dpkg-query', 'rpmbuild') !== undefined)('updates what changed only', () => {
    const files = debianRpms(debianCount);
    const dir = scratch();
    fill(dir, files.slice(0, 10));
    createRepository(dir);
    const before = kinds.map((kind) => metadata(dir, kind));
    expect(createRepository(dir, { update: true })).toMatchObject({ packages: 10, reused: 10 });
    expect(kinds.map((kind) => metadata(dir, kind))).toEqual(before);
    fill(dir, files.slice(10, 12));
    utimesSync(join(dir, basename(files[0]!)), 1_600_000_000, 1_600_000_000);
    expect(createRepository(dir, { update: true })).toMatchObject({ packages: 12, reused: 9 });
    expect(readdirSync(join(dir, 'repodata')).length).toBe(4);
    // createrepo_c takes ours over and finds nothing to do.
    const copy = scratch();
    cpSync(dir, copy, { recursive: true, preserveTimestamps: true });
    output('createrepo_c', ['--no-database', '--quiet', '--update', copy]);
    for (const kind of kinds) expect(metadata(copy, kind)).toBe(metadata(dir, kind));
  });

  it.skipIf(missing('dnf', 'dpkg-query', 'rpmbuild') !== undefined).each(['gzip', 'zstd', 'xz', 'none'] as const)(
    'is accepted by dnf as %s',
    (compression) => {
      const files = debianRpms(debianCount).slice(0, 8);
      const dir = scratch();
      fill(dir, files);
      createRepository(dir, { compression });
      const done = call('dnf', [
        '-q',
        `--repofrompath=x,file://${dir}`,
        '--repo=x',
        '--setopt=x.gpgcheck=0',
        '--setopt=reposdir=/nonexistent',
        `--setopt=cachedir=${scratch()}`,
        '--releasever=1',
        `--installroot=${scratch()}`,
        'repoquery',
        '--qf',
        '%{name}-%{epoch}:%{version}-%{release}.%{arch}',
      ]);
      expect(done.stderr.toString()).toBe('');
      const ours = loadRepository(dir).packages.map((p) => `${p.name}-${p.epoch}:${p.version}-${p.release}.${p.arch}`);
      expect(done.stdout.toString().trim().split('\n').sort()).toEqual(ours.sort());
    },
  );

  it.skipIf(missing('zck') !== undefined)('comes out of zchunk files, with and without a dictionary', () => {
    const dir = scratch();
    fill(dir, sharedRpms.slice(0, 5));
    createRepository(dir, { compression: 'none' });
    const plain = metadata(dir, 'primary');
    const file = join(dir, 'primary.xml');
    writeFileSync(file, plain);
    writeFileSync(join(dir, 'dictionary'), '<package type="rpm"><rpm:entry name="');
    for (const flags of [[], ['-D', join(dir, 'dictionary')]]) {
      output('zck', [...flags, '-o', join(dir, 'primary.zck'), file]);
      const packed = readFileSync(join(dir, 'primary.zck'));
      expect(Buffer.concat([...unzchunk(packed, 1e8)]).toString()).toBe(plain);
      for (const at of [6, 40, 100, packed.length - 4]) {
        const bad = Buffer.from(packed);
        bad[at]! ^= 1;
        expect(() => [...unzchunk(bad, 1e8)]).toThrowError(expect.objectContaining({ code: 'Corrupt' }));
      }
      expect(() => [...unzchunk(packed, 100)]).toThrowError(expect.objectContaining({ code: 'Limit' }));
    }
  });

  it('damage is refused with a typed error', () => {
    const dir = scratch();
    fill(dir, sharedRpms.slice(0, 2));
    const { repomd } = createRepository(dir);
    const file = join(dir, repomd.records[0]!.href);
    const bytes = readFileSync(file);
    bytes[bytes.length - 3]! ^= 1;
    writeFileSync(file, bytes);
    expect(() => loadRepository(dir)).toThrowError(expect.objectContaining({ code: 'Corrupt' }));
  });
});
