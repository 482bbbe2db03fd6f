// Signatures of downloaded packages against the keys of their repository and of the system.
import { CoppiceError, concatBytes } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { readFile } from '@coppice/linux';
import { type RpmPackage, Tag } from '@coppice/rpm';
import { dearmor, isArmored, Keyring, verify } from '@coppice/signing';

/** Keys of `/etc/pki/rpm-gpg` and those a repository names with file URLs below `root`. */
export function packageKeyring(fs: FileSystem, etc: string, gpgKeys: readonly string[]): Keyring {
  const paths = new Set<string>();
  const dir = `${etc}/pki/rpm-gpg`;
  if (fs.stat(dir) !== undefined) for (const name of fs.readdir(dir)) paths.add(`${dir}/${name}`);
  for (const url of gpgKeys) {
    const path = url.startsWith('file://') ? url.slice('file://'.length) : undefined;
    if (path !== undefined) paths.add(path.startsWith('/etc/') ? etc + path.slice('/etc'.length) : path);
  }
  return keyringOfFiles(fs, paths);
}

/** The keys in files, armored or not; those that are not there are left out. */
export function keyringOfFiles(fs: FileSystem, paths: Iterable<string>): Keyring {
  const keys = [...paths].flatMap((path) => {
    if (fs.stat(path) === undefined) return [];
    const bytes = readFile(path, { fs, limit: 16 << 20 });
    return [isArmored(bytes) ? dearmor(bytes) : bytes];
  });
  return new Keyring(keys);
}

/** Throws `Signature` unless a key of the keyring signed the package's header. */
export function checkPackageSignature(rpm: RpmPackage, keyring: Keyring, nevra: string, repo: string): void {
  const fail = (why: string): CoppiceError =>
    new CoppiceError('Signature', `package ${nevra} cannot be verified and repo ${repo} is GPG enabled: ${why}`, {
      data: { package: nevra, repo },
    });
  const signatures: Uint8Array[] = [];
  for (const tag of [Tag.RsaHeader, Tag.DsaHeader]) {
    const bytes = rpm.signature.getBinary(tag);
    if (bytes !== undefined) signatures.push(bytes);
  }
  for (const text of rpm.signature.has(Tag.OpenPgp) ? rpm.signature.getStrings(Tag.OpenPgp) : [])
    signatures.push(Buffer.from(text, 'base64'));
  if (signatures.length === 0) throw fail(`failed to lookup digest in keyring for ${nevra}: package is not signed`);
  const data = concatBytes([...rpm.header.signedBytes()]);
  const results = signatures.flatMap((s) => verify(s, keyring, data));
  if (results.some((r) => r.valid)) return;
  const first = results[0];
  throw fail(
    first?.keyMissing === true ? `public key ${first.fingerprint} is not installed` : 'signature is not valid',
  );
}
