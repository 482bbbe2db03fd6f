// Writing v4 packages: what rpmbuild makes of a spec, from values instead of files on disk.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';
import { loadSigningKey, sign } from '@coppice/signing';
import type { Header } from '../header/header.ts';
import { HeaderBuilder } from '../header/header-builder.ts';
import { HeaderType, Tag } from '../header/tag.ts';
import { Sense } from '../package/dependencies.ts';
import { buildLead } from '../package/lead.ts';
import { DependencySet, rawDependency } from './dependency-set.ts';
import { layOutFiles, putFiles } from './file-list.ts';
import { buildPayload, payloadFormat } from './payload.ts';
import { fileStore, memoryStore, type PayloadStore } from './payload-store.ts';
import { putAllScripts } from './scripts.ts';
import { assembleHead, buildSignatureHeader } from './signature-header.ts';
import type { PackageSpec } from './spec.ts';

export interface BuildOptions {
  readonly fs?: FileSystem;
  /** An OpenPGP secret key (binary or armored); the header gets a signature by it. */
  readonly signWith?: { readonly secretKey: Uint8Array; readonly created?: number; readonly passphrase?: string };
}

export interface BuiltPackage {
  readonly header: Header;
  /** Everything before the payload. */
  readonly head: Uint8Array;
  /** Compressed payload. */
  readonly payload: readonly Uint8Array[];
  /** `NAME-VERSION-RELEASE.ARCH.rpm`. */
  readonly fileName: string;
  bytes(): Buffer;
}

/** Suffix of the `name(isa)` provide. */
const isa: Readonly<Record<string, string>> = {
  x86_64: 'x86-64',
  i386: 'x86-32',
  i486: 'x86-32',
  i586: 'x86-32',
  i686: 'x86-32',
  aarch64: 'aarch-64',
  ppc64: 'ppc-64',
  ppc64le: 'ppc-64',
  s390x: 's390-64',
  riscv64: 'riscv-64',
  armv7hl: 'armv7hl-32',
};

function checkWord(what: string, text: string): void {
  if (text === '' || /[\s\0/-]/.test(what === 'name' ? text.replaceAll('-', '') : text))
    throw new CoppiceError('Invalid', `${what} ${JSON.stringify(text)} is not valid in a package`);
}

function putIdentity(spec: PackageSpec, builder: HeaderBuilder): void {
  const optional = (tag: number, value: string | number | undefined): void => {
    if (value !== undefined) builder.put(tag, value);
  };
  builder
    .put(Tag.HeaderI18nTable, ['C'])
    .put(Tag.Name, spec.name)
    .put(Tag.Version, spec.version)
    .put(Tag.Release, spec.release)
    .put(Tag.Summary, [spec.summary], HeaderType.I18nString)
    .put(Tag.Description, [spec.description ?? spec.summary], HeaderType.I18nString)
    .put(Tag.BuildTime, spec.buildTime ?? 0)
    .put(Tag.BuildHost, spec.buildHost ?? 'localhost')
    .put(Tag.License, spec.license)
    .put(Tag.Group, [spec.group ?? 'Unspecified'], HeaderType.I18nString)
    .put(Tag.Os, spec.os ?? 'linux')
    .put(Tag.Arch, spec.arch)
    .put(Tag.SourceRpm, spec.sourceRpm ?? `${spec.name}-${spec.version}-${spec.release}.src.rpm`)
    .put(Tag.RpmVersion, '4.18.0')
    .put(Tag.PayloadFormat, 'cpio')
    .put(Tag.Platform, spec.platform ?? `${spec.arch}-redhat-linux-gnu`)
    .put(Tag.Encoding, 'utf-8');
  optional(Tag.Epoch, spec.epoch);
  optional(Tag.Vendor, spec.vendor);
  optional(Tag.Packager, spec.packager);
  optional(Tag.Distribution, spec.distribution);
  optional(Tag.Url, spec.url);
  optional(Tag.BugUrl, spec.bugUrl);
  optional(Tag.OptFlags, spec.optFlags);
  optional(Tag.ModularityLabel, spec.modularityLabel);
  if (spec.changelog !== undefined) {
    builder.put(
      Tag.ChangelogTime,
      spec.changelog.map((c) => c.time),
    );
    builder.put(
      Tag.ChangelogName,
      spec.changelog.map((c) => c.author),
    );
    builder.put(
      Tag.ChangelogText,
      spec.changelog.map((c) => c.text),
    );
  }
}

function putDependencies(spec: PackageSpec, builder: HeaderBuilder, requires: DependencySet): void {
  const evr = `${spec.epoch === undefined ? '' : `${spec.epoch}:`}${spec.version}-${spec.release}`;
  const provides = new DependencySet();
  const kinds = ['conflicts', 'obsoletes', 'recommends', 'suggests', 'supplements', 'enhances', 'order'] as const;
  const sets = kinds.map((kind) => {
    const set = new DependencySet();
    for (const dep of spec[kind] ?? []) set.add(rawDependency(dep));
    return { kind, set };
  });
  for (const dep of spec.provides ?? []) provides.add(rawDependency(dep));
  for (const dep of spec.requires ?? []) requires.add(rawDependency(dep));
  if (spec.autoProvides !== false) {
    provides.add({ name: spec.name, evr, flags: 8 });
    const suffix = isa[spec.arch];
    if (suffix !== undefined) provides.add({ name: `${spec.name}(${suffix})`, evr, flags: 8 });
    if (spec.files?.some((file) => file.config)) {
      provides.add({ name: `config(${spec.name})`, evr, flags: Sense.config | 8 });
      requires.add({ name: `config(${spec.name})`, evr, flags: Sense.config | 8 });
    }
  }
  const all = [...provides.sorted(), ...requires.sorted(), ...sets.flatMap(({ set }) => set.sorted())];
  if (all.some((dep) => dep.name.startsWith('('))) requires.needsFeature('RichDependencies', '4.12.0-1');
  if (evr.includes('~') || all.some((dep) => dep.evr.includes('~')))
    requires.needsFeature('TildeInVersions', '4.10.0-1');
  if (evr.includes('^') || all.some((dep) => dep.evr.includes('^')))
    requires.needsFeature('CaretInVersions', '4.15.0-1');
  provides.put(builder, 'provides');
  requires.put(builder, 'requires');
  for (const { kind, set } of sets) set.put(builder, kind);
}

const payloadFeatures: Readonly<Record<string, readonly [string, string]>> = {
  zstd: ['PayloadIsZstd', '5.4.18-1'],
  xz: ['PayloadIsXz', '5.2-1'],
  lzma: ['PayloadIsLzma', '4.4.2-1'],
  bzip2: ['PayloadIsBzip2', '3.0.5-1'],
};

/** Lays out, archives and describes; the compressed payload goes to `store`. */
function assemble(
  spec: PackageSpec,
  options: BuildOptions,
  store: PayloadStore,
): { header: Header; head: Uint8Array; fileName: string } {
  const fs = options.fs ?? hostFs;
  checkWord('name', spec.name);
  checkWord('version', spec.version);
  checkWord('release', spec.release);
  checkWord('architecture', spec.arch);
  const files = layOutFiles(spec, fs);
  const payload = buildPayload(spec, files, fs, store);
  const builder = new HeaderBuilder();
  const requires = new DependencySet();
  putIdentity(spec, builder);
  putAllScripts(spec, builder, requires);
  putFiles(files, builder, requires);
  const { compressor, level } = payloadFormat(spec);
  if (compressor !== 'none') {
    builder.put(Tag.PayloadCompressor, compressor).put(Tag.PayloadFlags, String(level));
    const feature = payloadFeatures[compressor];
    if (feature !== undefined) requires.needsFeature(feature[0], feature[1]);
  }
  putDependencies(spec, builder, requires);
  builder
    .put(Tag.PayloadDigest, [payload.digest], HeaderType.StringArray)
    .put(Tag.PayloadDigestAlgo, 8)
    .put(Tag.PayloadDigestAlt, [payload.plainDigest], HeaderType.StringArray);
  const header = builder.build(Tag.HeaderImmutable);
  const lead = buildLead(`${spec.name}-${spec.version}-${spec.release}`, spec.arch, false);
  const signature = buildSignatureHeader(header, { ...payload, chunks: store.chunks() }, signHeader(header, options));
  const head = assembleHead(lead, signature, header);
  return { header, head, fileName: `${spec.name}-${spec.version}-${spec.release}.${spec.arch}.rpm` };
}

/**
 * Builds a binary package in memory; contents stream through. Throws `Invalid` on names, versions, paths or
 * dependencies that no package may have.
 */
export function buildPackage(spec: PackageSpec, options: BuildOptions = {}): BuiltPackage {
  const store = memoryStore();
  const { header, head, fileName } = assemble(spec, options, store);
  return { header, head, payload: store.list, fileName, bytes: () => Buffer.concat([head, ...store.list]) };
}

/**
 * Builds a binary package into `dir` under its usual name, in memory that does not grow with it; returns the path. The
 * package appears whole or not at all.
 */
export function writePackage(spec: PackageSpec, dir: string, options: BuildOptions = {}): string {
  const fs = options.fs ?? hostFs;
  const store = fileStore(fs, dir);
  try {
    const { head, fileName } = assemble(spec, options, store);
    const path = join(dir, fileName);
    const temporary = join(dir, `.${fileName}.${randomBytes(4).toString('hex')}`);
    const fd = fs.open(
      temporary,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
    try {
      try {
        fs.write(fd, head, 0, head.length, null);
        for (const piece of store.chunks()) fs.write(fd, piece, 0, piece.length, null);
        fs.fchmod(fd, 0o644);
        fs.fsync(fd);
      } finally {
        fs.close(fd);
      }
      fs.rename(temporary, path);
    } catch (error) {
      if (fs.lstat(temporary) !== undefined) fs.unlink(temporary);
      throw errnoError(error, path);
    }
    fs.syncDir(dir);
    return path;
  } finally {
    store.remove();
  }
}

function signHeader(header: Header, options: BuildOptions): { headerSignature?: { packet: Uint8Array; rsa: boolean } } {
  if (options.signWith === undefined) return {};
  const { secretKey, created, passphrase } = options.signWith;
  const key = loadSigningKey(secretKey, passphrase === undefined ? {} : { passphrase });
  const packet = sign(key, header.signedBytes(), created === undefined ? {} : { created });
  const { algorithm } = key.public;
  return { headerSignature: { packet, rsa: algorithm === 1 || algorithm === 3 } };
}
