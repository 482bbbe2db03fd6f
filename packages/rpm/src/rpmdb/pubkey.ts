// OpenPGP keys in the package database: rpm keeps each certificate as a package named gpg-pubkey.
import { createHash } from 'node:crypto';
import { CoppiceError } from '@coppice/base';
import { armor, type Certificate, Keyring, parseCertificates } from '@coppice/signing';
import type { Header } from '../header/header.ts';
import { HeaderBuilder } from '../header/header-builder.ts';
import { HeaderType, Tag } from '../header/tag.ts';
import type { RpmDb } from './rpmdb.ts';

/** Base64 in lines of 64, each ended by a newline. */
function base64Lines(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('base64')
    .replace(/.{1,64}/g, '$&\n');
}

/** RPMSENSE_KEYRING with `=`. */
const keyringSense = (1 << 26) | 8;

/** The gpg-pubkey header rpm 4.18 makes of a certificate. */
export function pubkeyHeader(certificate: Certificate, installed: { installTime: number; tid: number }): Header {
  const { primary, raw } = certificate;
  const id = primary.key.keyId.toLowerCase();
  const version = id.slice(-8);
  const release = primary.key.created.toString(16).padStart(8, '0');
  const user = certificate.userIds[0]?.text ?? 'none';
  const keys = [primary, ...certificate.subkeys];
  const provides = [
    `gpg(${user})`,
    ...keys.flatMap((k) => {
      const keyId = k.key.keyId.toLowerCase();
      return [`gpg(${keyId.slice(-8)})`, `gpg(${keyId})`];
    }),
  ];
  const lines = armor('PUBLIC KEY BLOCK', raw).split('\n');
  const description = [lines[0]!, 'Version: rpm-4.18.0', ...lines.slice(1)].join('\n');
  const base = new HeaderBuilder()
    .put(Tag.PubKeys, [base64Lines(raw)], HeaderType.StringArray)
    .put(Tag.Name, 'gpg-pubkey')
    .put(Tag.Version, version)
    .put(Tag.Release, release)
    .put(Tag.Summary, [`${user} public key`], HeaderType.I18nString)
    .put(Tag.Description, [description], HeaderType.I18nString)
    .put(Tag.BuildTime, primary.key.created)
    .put(Tag.BuildHost, 'localhost')
    .put(Tag.Size, 0)
    .put(Tag.License, 'pubkey')
    .put(Tag.Packager, user)
    .put(Tag.Group, ['Public Keys'], HeaderType.I18nString)
    .put(Tag.SourceRpm, '(none)')
    .put(Tag.ProvideName, provides)
    .put(Tag.RpmVersion, '4.18.0')
    .put(
      Tag.ProvideFlags,
      provides.map(() => keyringSense),
    )
    .put(
      Tag.ProvideVersion,
      provides.map(() => `4:${id}-${release}`),
    )
    .build(Tag.HeaderImmutable);
  const digest = (algorithm: string): string => {
    const hash = createHash(algorithm);
    for (const piece of base.signedBytes()) hash.update(piece);
    return hash.digest('hex');
  };
  return new HeaderBuilder()
    .put(Tag.Sha1Header, digest('sha1'))
    .put(Tag.Sha256Header, digest('sha256'))
    .put(Tag.InstallTime, installed.installTime)
    .put(Tag.InstallTid, installed.tid)
    .extend(base);
}

/** Imports certificates (binary or armored) as `rpm --import`; a key that is there already is left. Returns how many were new. */
export function importPublicKeys(db: RpmDb, keys: Uint8Array, installed: { installTime: number; tid: number }): number {
  const certificates = new Keyring(keys).certificates;
  if (certificates.length === 0) throw new CoppiceError('Invalid', 'import failed: no public key');
  return db.transaction(() => {
    let added = 0;
    for (const certificate of certificates) {
      const header = pubkeyHeader(certificate, installed);
      const version = header.getString(Tag.Version);
      const release = header.getString(Tag.Release);
      if (db.byName('gpg-pubkey').some((p) => p.nevra.version === version && p.nevra.release === release)) continue;
      db.add(header);
      added++;
    }
    return added;
  });
}

/** Every key in the database. */
export function databaseKeyring(db: RpmDb): Keyring {
  const sources: Uint8Array[] = [];
  for (const { header } of db.byName('gpg-pubkey')) {
    for (const text of header.getStrings(Tag.PubKeys)) {
      const bytes = Buffer.from(text, 'base64');
      try {
        parseCertificates(bytes);
        sources.push(bytes);
      } catch {
        // A damaged entry must not hide the others.
      }
    }
  }
  return new Keyring(sources);
}
