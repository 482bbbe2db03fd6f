// The newest rpm as the judge: packages of format 6, signatures that rpm 4.18 does not know, ndb databases.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { decompress, decompressBytes } from '@coppice/archive';
import { systemXzDecoder } from '@coppice/linux';
import {
  buildPackage,
  checkLine,
  databaseKeyring,
  dumpLines,
  formatNevra,
  headerXml,
  installedHeader,
  installedPackages,
  mergeSignatures,
  RpmDb,
  readPackage,
  resignedHead,
  textBytes,
  verdictSummary,
  verifyPackage,
} from '@coppice/rpm';
import { beforeAll, describe, expect, it } from 'vitest';
import { debianRpms } from '../judges/debian-rpms.ts';
import { call, missing, output, scratch, sharedRpms } from './rpm-support.ts';

const script = join(import.meta.dirname, '../judges/rpm-newest.sh');
const cached = spawnSync(script, ['--cached'], { encoding: 'utf8' });
const bin = cached.stdout?.trim() ?? '';

function why(): string | undefined {
  if (cached.status !== 0) return 'test/judges/rpm-newest.sh was not run';
  if (process.getuid?.() !== 0) return 'needs root';
  return missing('bwrap');
}
const reason = why();
const title = `rpm 6${reason === undefined ? '' : ` (skipped: ${reason})`}`;

const spec = `Name: six
Version: 1
Release: 2
Summary: A package
License: MIT
BuildArch: noarch
Requires: bash >= 4
Recommends: (a if b)
%description
Text with \u00e4.
%install
mkdir -p %{buildroot}/usr/share/six %{buildroot}/etc %{buildroot}/var
echo hello > %{buildroot}/usr/share/six/a
ln %{buildroot}/usr/share/six/a %{buildroot}/usr/share/six/b
ln -s a %{buildroot}/usr/share/six/link
echo c > %{buildroot}/etc/six.conf
touch %{buildroot}/var/six
%post
echo hi
%files
/usr/share/six
%config(noreplace) /etc/six.conf
%ghost /var/six
%changelog
* Wed Jan 01 2020 A Packager <p@example.com> - 1-2
- x
`;

describe.skipIf(reason !== undefined)(title, () => {
  const rpm = (program: string, ...args: readonly string[]) => call(join(bin, program), args);
  const must = (program: string, ...args: readonly string[]) => output(join(bin, program), args).toString();
  const keys = ['rsa2048', 'ed25519', 'nistp256'] as const;
  let dir: string;
  let empty: string;
  let known: string;
  const built: Record<4 | 6, string> = { 4: '', 6: '' };
  const made: string[] = [];
  const gpg = (...args: string[]) =>
    output(join(bin, 'gpg'), [
      ...['--homedir', join(dir, 'gpg'), '--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', ''],
      ...args,
    ]);
  const database = (name: string): string => {
    const path = join(dir, name);
    mkdirSync(path);
    must('rpmdb', '--initdb', '--dbpath', path);
    return path;
  };
  const signed = (name: string, from: string, key: string, ...more: string[]): string => {
    const file = join(dir, name);
    copyFileSync(from, file);
    const defines = [`_gpg_path ${join(dir, 'gpg')}`, `_gpg_name ${key}@example.com`, '_openpgp_sign gpg', ...more];
    must('rpmsign', '--addsign', ...defines.flatMap((define) => ['--define', define]), file);
    made.push(file);
    return file;
  };

  beforeAll(() => {
    dir = scratch();
    mkdirSync(join(dir, 'gpg'), { mode: 0o700 });
    writeFileSync(join(dir, 'six.spec'), spec);
    for (const format of [4, 6] as const) {
      const defines = [`_topdir ${dir}/top${format}`, `_rpmformat ${format}`, '_buildhost localhost'];
      must('rpmbuild', '-bb', '--quiet', ...defines.flatMap((define) => ['--define', define]), join(dir, 'six.spec'));
      built[format] = join(dir, `top${format}/RPMS/noarch/six-1-2.noarch.rpm`);
      made.push(built[format]);
    }
    empty = database('empty');
    known = database('known');
    for (const key of keys) {
      gpg('--quick-gen-key', `${key}@example.com`, key, 'sign', 'never');
      writeFileSync(join(dir, `${key}.asc`), gpg('--armor', '--export', `${key}@example.com`));
      for (const format of [4, 6] as const) signed(`${key}-${format}.rpm`, built[format], key);
      if (key !== 'ed25519') must('rpmkeys', '--dbpath', known, '--import', join(dir, `${key}.asc`));
    }
    signed('twice.rpm', join(dir, 'rsa2048-6.rpm'), 'nistp256');
    signed('weak.rpm', built[6], 'rsa2048', '_gpg_sign_cmd_extra_args --digest-algo sha1');
    for (const name of ['nistp256-6', 'rsa2048-4', 'twice']) {
      const broken = readFileSync(join(dir, `${name}.rpm`));
      broken[broken.lastIndexOf('A package')] = 0x42;
      made.push(join(dir, `${name}-header.rpm`));
      writeFileSync(made.at(-1)!, broken);
      const payload = readFileSync(join(dir, `${name}.rpm`));
      payload[payload.length - 20]! ^= 1;
      made.push(join(dir, `${name}-payload.rpm`));
      writeFileSync(made.at(-1)!, payload);
    }
    // The judge sees files below its own /tmp only.
    for (const file of sharedRpms) {
      made.push(join(dir, basename(file)));
      copyFileSync(file, made.at(-1)!);
    }
  });

  const verdict = (file: string, dbpath: string) => {
    using db = RpmDb.open(dbpath, { readOnly: true });
    return verifyPackage(readPackage(file), databaseKeyring(db), { level: '6.1' });
  };

  it('judges digests and signatures as ours does', () => {
    const seen = new Set<string>();
    for (const dbpath of [empty, known])
      for (const file of made) {
        const long = rpm('rpmkeys', '-Kv', '--dbpath', dbpath, file);
        const ours = verdict(file, dbpath);
        const text = `${file}:\n${ours.checks.map((check) => `${checkLine(check)}\n`).join('')}`;
        expect(text).toBe(long.stdout.toString());
        expect(ours.ok ? 0 : 1, file).toBe(long.status);
        if (dbpath === known) {
          const short = rpm('rpmkeys', '-K', '--dbpath', dbpath, file).stdout.toString();
          expect(`${file}: ${verdictSummary(ours)}\n`).toBe(short);
        }
        for (const { status, type } of ours.checks) seen.add(`${type} ${status}`);
      }
    expect([...seen].sort()).toEqual([
      ...['digest BAD', 'digest NOTFOUND', 'digest OK'],
      ...['signature BAD', 'signature NOKEY', 'signature NOTFOUND', 'signature NOTTRUSTED', 'signature OK'],
    ]);
  });

  it('prints headers and files as ours does', () => {
    for (const file of made) {
      const pkg = readPackage(file);
      const header = mergeSignatures(pkg.header, pkg.signature, '6.1');
      expect(headerXml(header, '6.1').toString('latin1'), file).toBe(
        rpm('rpm', '-qp', '--nosignature', '--nodigest', '--xml', file).stdout.toString('latin1'),
      );
      const lines = textBytes(
        dumpLines(header)
          .map((line) => `${line}\n`)
          .join(''),
      );
      expect(lines.equals(rpm('rpm', '-qp', '--nosignature', '--nodigest', '--dump', file).stdout), file).toBe(true);
    }
  });

  it('a revoked key is not trusted', () => {
    const file = signed('revoked.rpm', built[6], 'ed25519');
    const revocations = join(dir, 'gpg/openpgp-revocs.d');
    const fingerprint = /^fpr:+([0-9A-F]+):/m.exec(
      gpg('--with-colons', '--list-keys', 'ed25519@example.com').toString(),
    );
    const text = readFileSync(join(revocations, `${fingerprint![1]}.rev`), 'utf8').replace(/^:-----/m, '-----');
    writeFileSync(join(dir, 'revocation'), text);
    gpg('--import', join(dir, 'revocation'));
    writeFileSync(join(dir, 'revoked.asc'), gpg('--armor', '--export', 'ed25519@example.com'));
    const dbpath = database('revoked');
    must('rpmkeys', '--dbpath', dbpath, '--import', join(dir, 'revoked.asc'));
    const theirs = rpm('rpmkeys', '-Kv', '--dbpath', dbpath, file).stdout.toString();
    expect(theirs).toContain('NOTTRUSTED');
    const ours = verdict(file, dbpath);
    expect(`${file}:\n${ours.checks.map((check) => `${checkLine(check)}\n`).join('')}`).toBe(theirs);
  });

  it('accepts packages that ours made and signed', () => {
    const files: string[] = [];
    for (const key of ['rsa2048', 'nistp256'] as const) {
      const secretKey = gpg('--export-secret-keys', `${key}@example.com`);
      const own = join(dir, `own-${key}.rpm`);
      const base = { version: '1', release: '1', arch: 'noarch', summary: 'x', license: 'MIT' } as const;
      const content = { files: [{ path: `/usr/share/own-${key}`, content: 'x'.repeat(5000) }] };
      writeFileSync(
        own,
        buildPackage({ name: `own-${key}`, ...base, ...content }, { signWith: { secretKey } }).bytes(),
      );
      files.push(own);
      for (const format of [4, 6] as const) {
        const again = join(dir, `again-${key}-${format}.rpm`);
        const pkg = readPackage(built[format]);
        writeFileSync(
          again,
          Buffer.concat([resignedHead(pkg, { secretKey }), ...pkg.source.stream(pkg.headerRange.end)]),
        );
        files.push(again);
      }
    }
    for (const file of files)
      expect(rpm('rpmkeys', '-K', '--dbpath', known, file).stdout.toString()).toBe(`${file}: digests signatures OK\n`);
    const root = join(dir, 'root');
    mkdirSync(root);
    const install = ['-i', '--root', root, '--dbpath', '/db', '--nodeps', '--noscripts', '--nosignature'];
    const done = rpm('rpm', ...install, ...files.filter((file) => /own/.test(file)));
    expect(done.status, done.stderr.toString()).toBe(0);
    expect(readFileSync(join(root, 'usr/share/own-rsa2048'), 'utf8')).toBe('x'.repeat(5000));
    expect(rpm('rpm', '-Va', '--root', root, '--dbpath', '/db', '--nodeps').stdout.toString()).toBe('');
  });

  it('reads databases that ours wrote', () => {
    const files = debianRpms(40).slice(0, 20);
    const path = join(dir, 'ours');
    mkdirSync(path);
    {
      using db = RpmDb.create(path);
      for (const file of [...files, built[6]]) {
        const { header, signature } = readPackage(file);
        db.add(installedHeader(header, signature, { installTime: 1_700_000_000, tid: 1_700_000_000 }));
      }
    }
    must('rpmdb', '--verifydb', '--dbpath', path);
    const listed = must('rpm', '-qa', '--dbpath', path, '--qf', '%{NEVRA}\n').trim().split('\n').sort();
    expect(listed).toEqual([...files, built[6]].map((file) => formatNevra(readPackage(file).nevra)).sort());
    expect(must('rpm', '-q', '--dbpath', path, '--whatprovides', 'six', '--qf', '%{NAME}')).toBe('six');
    expect(must('rpm', '-qf', '--dbpath', path, '/usr/share/six/a', '--qf', '%{NAME}')).toBe('six');
    must('rpm', '-e', '--justdb', '--nodeps', '--noscripts', '--dbpath', path, 'six');
    expect(must('rpm', '-qa', '--dbpath', path).trim().split('\n').length).toBe(20);
  });

  it('packs machine code of RISC-V that ours unpacks', () => {
    // Every kind of instruction the filter looks at, with registers that fit and that do not.
    let state = 5;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % below;
    };
    const opcodes = [0xef, 0x17, 0x97, 0x13, 0x67, 0x83, 1, 0x31, 0x11, 0];
    const code = Buffer.from(
      Array.from({ length: 120_001 }, () => (random(3) > 0 ? opcodes[random(opcodes.length)]! : random(256))),
    );
    for (let at = 0; at + 8 < 60_000; at += 8) {
      const register = random(8);
      code.writeUInt32LE(((random(1 << 20) << 12) | (register << 7) | 0x17) >>> 0, at);
      code.writeUInt32LE(((random(1 << 12) << 20) | (register << 15) | (random(8) << 12) | 0x67) >>> 0, at + 4);
    }
    const plain = join(dir, 'code');
    for (const data of [code, code.subarray(0, 7), code.subarray(1, 60_001), code.subarray(0, 0)])
      for (const filter of ['--riscv', '--riscv=start=4096', '--riscv --delta=dist=2'])
        for (const more of [[], ['--block-size=10000']]) {
          writeFileSync(plain, data);
          const packed = output(join(bin, 'xz'), ['-c', ...filter.split(' '), '--lzma2=preset=0', ...more, plain]);
          expect(Buffer.from(decompressBytes(packed, 'xz', 1e6)).equals(data), filter).toBe(true);
          // The system's decoder may be too old.
          const pieces = decompress([packed.subarray(0, 20), packed.subarray(20)], 'xz', { xz: systemXzDecoder });
          expect(Buffer.concat([...pieces]).equals(data), filter).toBe(true);
        }
  });

  it('writes ndb databases that ours reads', () => {
    const root = join(dir, 'ndb');
    mkdirSync(root);
    const ndb = ['--define', '_db_backend ndb', '--dbpath'];
    const install = ['-i', '--root', root, '--nodeps', '--noscripts', '--notriggers', '--justdb', '--ignoreos'];
    const copies = debianRpms(40)
      .slice(0, 25)
      .map((file) => {
        copyFileSync(file, join(dir, basename(file)));
        return join(dir, basename(file));
      });
    const done = rpm('rpm', ...install, ...ndb, '/db', ...copies, built[6]);
    expect(done.status, done.stderr.toString()).toBe(0);
    const format = '%{DBINSTANCE} %{NEVRA} %{INSTALLTIME}\n';
    const same = (count: number): void => {
      const theirs = must('rpm', '-qa', ...ndb, join(root, 'db'), '--qf', format)
        .trim()
        .split('\n')
        .sort();
      const ours = [...installedPackages(join(root, 'db'))].map(
        ({ hnum, header, nevra }) => `${hnum} ${formatNevra(nevra)} ${header.getNumber(1008)}`,
      );
      expect(ours.sort()).toEqual(theirs);
      expect(ours.length).toBe(count);
    };
    expect(readdirSync(join(root, 'db'))).toContain('Packages.db');
    same(26);
    // Removed and replaced records leave holes.
    const names = copies.slice(3, 9).map((file) => readPackage(file).nevra.name);
    must('rpm', '-e', '--root', root, '--justdb', '--nodeps', '--noscripts', ...ndb, '/db', ...names);
    same(20);
    expect(rpm('rpm', ...install, ...ndb, '/db', copies[4]!).status).toBe(0);
    same(21);
  });
});
