import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { collectBytes } from '@coppice/archive';
import {
  buildPackage,
  checkLine,
  databaseKeyring,
  dumpLines,
  type FileSpec,
  fileLines,
  formatHeader,
  type Header,
  HeaderBuilder,
  HeaderType,
  headerDependencies,
  headerMagic,
  mergeSignatures,
  namedFormats,
  type PackageSpec,
  parseQueryFormat,
  RpmDb,
  readPackage,
  resignedHead,
  senseMask,
  Tag,
  textBytes,
  verdictSummary,
  verifyPackage,
} from '@coppice/rpm';
import { armor, generateKey, Keyring } from '@coppice/signing';
import { beforeAll, describe, expect, it } from 'vitest';
import { debianCount, debianRpms } from '../judges/debian-rpms.ts';
import { call, missing, output, queryPackages, scratch, sharedRpms, withoutShared } from './rpm-support.ts';

const reason = missing('rpm', 'rpmbuild', 'rpmsign', 'rpm2cpio', 'cpio', 'gpg');

/** Packages that one call of rpm is asked about. */
const atOnce = 50;

function* groupsOf(files: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < files.length; at += atOnce) yield files.slice(at, at + atOnce);
}

/** Everything `rpm -q` tells about packages, ours beside the original's. */
function sameAnswers(files: readonly string[]): void {
  const lines = (list: readonly string[]): Buffer => textBytes(list.map((line) => `${line}\n`).join(''));
  const answers: readonly [string, readonly string[], (header: Header) => Buffer][] = [
    ['dump', ['--dump'], (header) => lines(dumpLines(header))],
    ['list', ['--list'], (header) => lines(fileLines(header))],
    ...Object.entries(namedFormats).map(([name, format]): (typeof answers)[number] => {
      const parsed = parseQueryFormat(format);
      return [name, name === 'name' ? [] : [`--${name}`], (header) => formatHeader(header, parsed)];
    }),
  ];
  for (const group of groupsOf(files)) {
    const headers = group.map((file) => {
      const pkg = readPackage(file);
      return mergeSignatures(pkg.header, pkg.signature);
    });
    for (const [what, flags, ours] of answers) {
      const theirs = queryPackages(group, ...flags);
      if (what === 'xml') expect(theirs.length).toBeGreaterThan(500 * group.length);
      if (theirs.equals(Buffer.concat(headers.map(ours)))) continue;
      // One by one, to say which.
      for (const [i, file] of group.entries())
        expect(ours(headers[i]!).toString('latin1'), `${basename(file)} --${what}`).toBe(
          queryPackages([file], ...flags).toString('latin1'),
        );
    }
  }
}

/** What `rpm -K` and `rpm -Kv` say of packages, ours beside the original's; the short lines. */
function sameVerdicts(files: readonly string[], dbpath: string): string {
  using db = RpmDb.open(dbpath, { readOnly: true });
  const keyring = databaseKeyring(db);
  let all = '';
  for (const group of groupsOf(files)) {
    const verdicts = group.map((file) => verifyPackage(readPackage(file), keyring));
    const ask = (...flags: string[]) => call('rpm', [...flags, '--dbpath', dbpath, ...group]);
    const long = verdicts.map(({ checks }, i) => `${group[i]!}:\n${checks.map((c) => `${checkLine(c)}\n`).join('')}`);
    expect(long.join('')).toBe(ask('-Kv').stdout.toString());
    const { stdout, status } = ask('-K');
    const short = stdout.toString();
    expect(verdicts.map((verdict, i) => `${group[i]!}: ${verdictSummary(verdict)}\n`).join('')).toBe(short);
    // The status is the number of those that are not good.
    expect(verdicts.filter(({ ok }) => !ok).length).toBe(status);
    all += short;
  }
  return all;
}

const sameVerdict = (file: string, dbpath: string): string => sameVerdicts([file], dbpath);

function writeTo(path: string, content: string | Uint8Array): string {
  writeFileSync(path, content);
  return path;
}

/** The first package with the second one's DSA signature beside its own: both were made of the same header. */
function withBothSignatures(rsa: string, dsa: string): Buffer {
  const [bytes, pkg] = [readFileSync(rsa), readPackage(rsa)];
  const builder = new HeaderBuilder();
  for (const tag of pkg.signature.tags()) {
    const { type } = pkg.signature.entry(tag)!;
    if (type === HeaderType.Binary) builder.put(tag, pkg.signature.getBinary(tag)!, type);
    else if (type >= HeaderType.String) builder.put(tag, pkg.signature.getStrings(tag), type);
    else builder.put(tag, pkg.signature.getNumbers(tag), type);
  }
  builder.put(Tag.DsaHeader, readPackage(dsa).signature.getBinary(Tag.DsaHeader)!);
  const { blob } = builder.build(Tag.HeaderSignatures);
  const padding = Buffer.alloc((8 - ((headerMagic.length + blob.length) % 8)) % 8);
  return Buffer.concat([bytes.subarray(0, 96), headerMagic, blob, padding, bytes.subarray(pkg.headerRange.start)]);
}

/** Names, types, sizes and content of a payload as cpio lists it. */
function samePayload(file: string): void {
  const listed = output('sh', ['-c', `rpm2cpio '${file}' | cpio -t --quiet`])
    .toString()
    .split('\n')
    .filter(Boolean);
  const ours: string[] = [];
  for (const entry of readPackage(file).payload({ verifyFiles: true })) {
    for (const piece of entry.read()) void piece;
    ours.push(entry.path);
  }
  const clean = (list: readonly string[]): string[] => list.map((p) => p.replace(/^\.?\//, '')).sort();
  expect(clean(ours)).toEqual(clean(listed));
}

function emptyDatabase(): string {
  const dir = scratch();
  RpmDb.create(dir).close();
  return dir;
}

describe.skipIf(reason !== undefined || sharedRpms.length === 0)(`packages of other projects${withoutShared}`, () => {
  it('answers of rpm -q', () => {
    sameAnswers(sharedRpms);
  });
  it('verdicts of rpm -K', () => {
    const db = emptyDatabase();
    sameVerdicts(sharedRpms, db);
  });
  it('payloads as cpio sees them', () => {
    // rpm2cpio cannot give names to the stripped archive of a version 6 package.
    for (const file of sharedRpms.filter((f) => !/corrupted|v3sig/.test(f))) samePayload(file);
  });
});

/** A description that rebuilds a package from what was read of it. */
function specOf(header: Header, files: FileSpec[]): PackageSpec {
  const text = (tag: number): string => header.getString(tag) ?? '';
  const deps = (kind: 'provides' | 'requires' | 'recommends' | 'suggests') =>
    headerDependencies(header, kind)
      .filter((d) => !d.name.startsWith('rpmlib('))
      .map((d) => ({ name: d.name, evr: d.evr, flags: d.flags, sense: d.raw & ~senseMask }));
  const script = (body: number, program: number) =>
    header.has(program)
      ? {
          ...(header.has(body) ? { body: text(body) } : {}),
          interpreter: header.getStrings(program),
        }
      : undefined;
  const scripts = {
    pre: script(Tag.PreIn, Tag.PreInProg),
    post: script(Tag.PostIn, Tag.PostInProg),
    preun: script(Tag.PreUn, Tag.PreUnProg),
    postun: script(Tag.PostUn, Tag.PostUnProg),
  };
  const epoch = header.getNumber(Tag.Epoch);
  return {
    name: text(Tag.Name),
    version: text(Tag.Version),
    release: text(Tag.Release),
    arch: text(Tag.Arch),
    summary: text(Tag.Summary),
    description: text(Tag.Description),
    license: text(Tag.License),
    group: text(Tag.Group),
    url: text(Tag.Url),
    buildTime: header.getNumber(Tag.BuildTime) ?? 0,
    autoProvides: false,
    provides: deps('provides'),
    requires: deps('requires'),
    recommends: deps('recommends'),
    suggests: deps('suggests'),
    scripts: Object.fromEntries(Object.entries(scripts).filter(([, s]) => s !== undefined)),
    changelog: header.getNumbers(Tag.ChangelogTime).map((time, i) => ({
      time,
      author: header.getStrings(Tag.ChangelogName)[i]!,
      text: header.getStrings(Tag.ChangelogText)[i]!,
    })),
    files,
    ...(epoch === undefined ? {} : { epoch }),
  };
}

function rebuilt(file: string, more: Pick<PackageSpec, 'payload'> = {}): { bytes: Buffer; header: Header } {
  const pkg = readPackage(file);
  const files: FileSpec[] = [];
  for (const entry of pkg.payload()) {
    const { file: info } = entry;
    const content = collectBytes(entry.read(), 1e9);
    const type = entry.mode & 0o170000;
    const common = {
      path: entry.path,
      mode: entry.mode & 0o7777,
      user: info.user,
      group: info.group,
      mtime: info.mtime,
      ...(info.flags & 1 ? { config: (info.flags & 16 ? 'noreplace' : true) as true | 'noreplace' } : {}),
      ...(info.flags & 2 ? { doc: true } : {}),
      ...(info.flags & 128 ? { license: true } : {}),
    };
    if (entry.hardlink !== undefined) files.push({ ...common, hardlink: entry.hardlink });
    else if (type === 0o040000) files.push({ ...common, type: 'directory' });
    else if (type === 0o120000) files.push({ ...common, target: info.linkTarget });
    else files.push({ ...common, content });
  }
  const built = buildPackage({ ...specOf(pkg.header, files), ...more });
  return { bytes: built.bytes(), header: pkg.header };
}

describe.skipIf(reason !== undefined || missing('dpkg-query') !== undefined)('packages made of Debian packages', () => {
  let files: string[] = [];
  beforeAll(() => {
    files = debianRpms(debianCount);
  });

  it('rpm -q agrees on every package', () => {
    expect(files.length).toBe(debianCount);
    sameAnswers(files);
  });

  it('rpm -K agrees on every package', () => {
    sameVerdicts(files, emptyDatabase());
  });

  it('cpio finds the same in every payload', () => {
    for (const file of files) samePayload(file);
  });

  describe('rebuilt from their parts', () => {
    let dir: string;
    let kept: string[];
    beforeAll(() => {
      dir = scratch();
      kept = files.map((file, i) => {
        const out = join(dir, basename(file));
        // The default takes long to pack; a few are enough of it.
        writeFileSync(out, rebuilt(file, i < 5 ? {} : { payload: { compressor: 'zstd', level: 1 } }).bytes);
        return out;
      });
    });

    it('they say the same', () => {
      const says = (list: readonly string[], what: string): string =>
        queryPackages(list, what)
          .toString()
          .replace(/^rpmlib\(.*\n/gm, '');
      for (const what of ['--dump', '--scripts', '--provides', '--requires', '--changelog', '--recommends'])
        for (const group of groupsOf(files)) {
          const ours = group.map((file) => join(dir, basename(file)));
          if (says(ours, what) === says(group, what)) continue;
          for (const [i, file] of group.entries())
            expect(says([ours[i]!], what), `${basename(file)} ${what}`).toBe(says([file], what));
        }
    });

    it('they pass rpm -K', () => {
      expect(call('rpm', ['-K', '--dbpath', emptyDatabase(), ...kept]).stdout.toString()).toBe(
        kept.map((file) => `${file}: digests OK\n`).join(''),
      );
    });

    it.skipIf(process.getuid?.() !== 0)('they install (skipped without root)', () => {
      const root = join(dir, 'root');
      mkdirSync(root);
      const install = call('rpm', [
        '-i',
        '--root',
        root,
        '--dbpath',
        '/db',
        '--nodeps',
        '--noscripts',
        '--force-debian',
        '--replacefiles',
        ...kept,
      ]);
      expect(install.status, install.stderr.toString()).toBe(0);
      const count = output('rpm', ['-qa', '--root', root, '--dbpath', '/db']).toString().trim().split('\n').length;
      expect(count).toBe(debianCount);
    });
  });
});

describe.skipIf(reason !== undefined)('signatures', () => {
  const spec: PackageSpec = {
    name: 'signed',
    version: '1',
    release: '1',
    arch: 'noarch',
    summary: 'Signed',
    license: 'MIT',
    files: [{ path: '/usr/share/signed', content: 'x\n' }],
  };

  it('ours are OK for rpm once the key is imported, NOKEY before, BAD when tampered with', () => {
    const dir = scratch();
    for (const algorithm of ['rsa2048', 'ed25519'] as const) {
      const key = generateKey({ userId: `Test <${algorithm}@example.com>`, algorithm, created: 1_700_000_000 });
      const built = buildPackage(spec, { signWith: { secretKey: key.secretKey, created: 1_700_000_001 } });
      const file = join(dir, `${algorithm}.rpm`);
      writeFileSync(file, built.bytes());
      const db = emptyDatabase();
      expect(sameVerdict(file, db)).toContain('SIGNATURES NOT OK');
      const keyFile = join(dir, `${algorithm}.asc`);
      writeFileSync(keyFile, armor('PUBLIC KEY BLOCK', key.publicKey));
      output('rpm', ['--dbpath', db, '--import', keyFile]);
      expect(sameVerdict(file, db)).toContain('digests signatures OK');
      const bytes = built.bytes();
      const text = bytes.lastIndexOf('Signed');
      bytes[text] = 0x5a;
      const bad = join(dir, `${algorithm}-bad.rpm`);
      writeFileSync(bad, bytes);
      expect(sameVerdict(bad, db)).toContain('DIGESTS SIGNATURES NOT OK');
      const payload = built.bytes();
      payload[payload.length - 5]! ^= 0xff;
      writeFileSync(bad, payload);
      expect(sameVerdict(bad, db)).toContain('NOT OK');
    }
  });

  it("rpmsign's by fresh RSA, Ed25519 and P-256 keys; expired and revoked ones", () => {
    const dir = scratch();
    const home = join(dir, 'gpg');
    mkdirSync(home, { mode: 0o700 });
    const gpg = (...args: string[]): Buffer =>
      output('gpg', ['--homedir', home, '--batch', '--quiet', '--passphrase', '', ...args]);
    const db = emptyDatabase();
    for (const [name, algorithm, expire] of [
      ['rsa', 'rsa2048', 'never'],
      ['ed25519', 'ed25519', 'never'],
      ['p256', 'nistp256', 'never'],
      ['short', 'rsa2048', 'seconds=600'],
    ] as const) {
      const id = `${name}@example.com`;
      gpg('--quick-gen-key', id, algorithm, 'sign', expire);
      const file = join(dir, `${name}.rpm`);
      if (name === 'p256') {
        // rpm 4.18 takes neither keys nor signatures of P-256 (rpmsign refuses them); later releases and ours do.
        const secretKey = gpg('--pinentry-mode', 'loopback', '--export-secret-keys', id);
        const pkg = readPackage(buildPackage(spec, { signWith: { secretKey } }).bytes());
        const first = (keyring?: Keyring): string => checkLine(verifyPackage(pkg, keyring).checks[0]!);
        expect(first()).toMatch(/Header V4 ECDSA\/SHA256 Signature, key ID [0-9a-f]{8}: NOKEY$/);
        expect(first(new Keyring(gpg('--export', id)))).toMatch(/: OK$/);
        continue;
      }
      writeFileSync(file, buildPackage(spec).bytes());
      const defines = [`_gpg_name ${id}`, `_gpg_path ${home}`, '__gpg /usr/bin/gpg'];
      output('rpmsign', ['--addsign', ...defines.flatMap((define) => ['--define', define]), file]);
      expect(sameVerdict(file, db)).toContain('NOT OK');
      const keyFile = join(dir, `${name}.asc`);
      writeFileSync(keyFile, gpg('--armor', '--export', id));
      output('rpm', ['--dbpath', db, '--import', keyFile]);
      expect(sameVerdict(file, db)).toContain('signatures OK');
    }
    // Two signatures on one package, by keys of which both, one or none are known.
    const twice = join(dir, 'twice.rpm');
    writeFileSync(twice, withBothSignatures(join(dir, 'rsa.rpm'), join(dir, 'ed25519.rpm')));
    expect(sameVerdict(twice, db)).toContain('signatures OK');
    expect(sameVerdict(twice, emptyDatabase())).toContain('SIGNATURES NOT OK');
    // Their order does not depend on the hash.
    const hashed = (name: string, hash: string): string => {
      const file = join(dir, `${name}-${hash}.rpm`);
      writeFileSync(file, buildPackage(spec).bytes());
      const defines = [`_gpg_name ${name}@example.com`, `_gpg_path ${home}`, '__gpg /usr/bin/gpg'];
      output('rpmsign', ['--addsign', '--digest-algo', hash, ...defines.flatMap((d) => ['--define', d]), file]);
      return file;
    };
    for (const [rsa, ed25519] of [
      ['sha256', 'sha512'],
      ['sha512', 'sha512'],
      ['sha512', 'sha256'],
    ] as const) {
      writeFileSync(twice, withBothSignatures(hashed('rsa', rsa), hashed('ed25519', ed25519)));
      expect(sameVerdict(twice, db)).toContain('signatures OK');
    }
    const one = emptyDatabase();
    output('rpm', ['--dbpath', one, '--import', join(dir, 'ed25519.asc')]);
    expect(sameVerdict(twice, one)).toContain('SIGNATURES NOT OK');
    const broken = readFileSync(twice);
    broken[broken.lastIndexOf('Signed')] = 0x5a;
    writeFileSync(twice, broken);
    expect(sameVerdict(twice, db)).toContain('DIGESTS SIGNATURES NOT OK');
    // A revoked key is still one for this rpm.
    const { stdout: listed } = call('gpg', ['--homedir', home, '--with-colons', '--list-keys', 'rsa@example.com']);
    const fingerprint = /^fpr:+([0-9A-F]+):/m.exec(listed.toString())![1]!;
    const revocation = readFileSync(join(home, 'openpgp-revocs.d', `${fingerprint}.rev`), 'utf8');
    gpg('--import', '--', writeTo(join(dir, 'revocation'), revocation.replace(':-----BEGIN', '-----BEGIN')));
    const revoked = emptyDatabase();
    const revokedKey = writeTo(join(dir, 'revoked.asc'), gpg('--armor', '--export', 'rsa@example.com'));
    output('rpm', ['--dbpath', revoked, '--import', revokedKey]);
    expect(sameVerdict(join(dir, 'rsa.rpm'), revoked)).toContain('signatures OK');
    {
      using withRevoked = RpmDb.open(revoked, { readOnly: true });
      const { checks } = verifyPackage(readPackage(join(dir, 'rsa.rpm')), databaseKeyring(withRevoked));
      expect(checks.find((c) => c.type === 'signature')?.keyState).toEqual({ expired: false, revoked: true });
    }
    // The key is revoked or has expired: this rpm does not look, ours says it beside the verdict.
    using open = RpmDb.open(db, { readOnly: true });
    const later = Math.floor(Date.now() / 1000) + 3600;
    const verdict = verifyPackage(readPackage(join(dir, 'short.rpm')), databaseKeyring(open), { now: later });
    expect(verdict.checks.find((c) => c.type === 'signature')?.keyState).toEqual({ expired: true, revoked: false });
    call('gpgconf', ['--homedir', home, '--kill', 'gpg-agent']);
  });

  it('signing and unsigning leave header and payload as they are', () => {
    const dir = scratch();
    const key = generateKey({ userId: 'T <t@example.com>', created: 1_700_000_000 });
    const plain = buildPackage(spec).bytes();
    const pkg = readPackage(plain);
    const head = resignedHead(pkg, { secretKey: key.secretKey, created: 1_700_000_001 });
    expect(head.length).toBe(pkg.headerRange.end);
    const file = join(dir, 'again.rpm');
    writeFileSync(file, Buffer.concat([head, plain.subarray(pkg.headerRange.end)]));
    const db = emptyDatabase();
    expect(sameVerdict(file, db)).toContain('SIGNATURES NOT OK');
    const bare = resignedHead(readPackage(readFileSync(file)), {});
    writeFileSync(file, Buffer.concat([bare, plain.subarray(pkg.headerRange.end)]));
    expect(sameVerdict(file, db)).toContain('digests OK');
    expect(bare.length).toBe(pkg.headerRange.end);
  });
});
