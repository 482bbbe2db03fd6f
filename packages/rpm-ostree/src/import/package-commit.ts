// One RPM as a commit of the system repository (ref rpmostree/pkg/NAME/EVR.ARCH): its tree, and in the metadata every byte
// of the package before the payload. The same package always gives the same commit.
import { createHash } from 'node:crypto';
import { CoppiceError } from '@coppice/base';
import { Variant, VariantDict } from '@coppice/gvariant';
import type { Repo, Transaction } from '@coppice/ostree';
import { Header, headerNevra, type RpmPackage, Tag } from '@coppice/rpm';
import type { Nevra } from '../nevra.ts';
import { formatNevra } from '../nevra.ts';
import { packageRef } from '../pkgref.ts';
import { importPackageTree, type PackageTreeOptions } from './package-tree.ts';

/** Layout of imported packages; other values mean the package must be imported again. */
const unpackVersion = 1;
const unpackMinorVersion = 6;

export interface ImportOptions extends PackageTreeOptions {
  readonly repo?: { readonly id: string; readonly timestamp: number };
  /** Checksum of the file as the repository's metadata gives it, `sha256:HEX`. */
  readonly repodataChecksum?: string;
  /** Checksum of the SELinux policy the labels come from. */
  readonly sepolicy?: string;
}

export interface ImportedPackage {
  readonly nevra: Nevra;
  readonly commit: string;
  /** The commit's tree: what a repository needs of a package to put it into another tree. */
  readonly tree: string;
  readonly meta: string;
  readonly ref: string;
  readonly header: Header;
  readonly signature: Header;
  /** SHA-256 of lead, signature and header. */
  readonly headerSha256: string;
  readonly repodataChecksum: string | undefined;
}

/** Our NEVRA of an RPM header. */
export function nevraOfHeader(header: Header): Nevra {
  const n = headerNevra(header);
  return {
    name: n.name,
    epoch: n.epoch === undefined ? 0 : Number(n.epoch),
    version: n.version ?? '',
    release: n.release ?? '',
    arch: n.arch ?? 'noarch',
  };
}

/** What changes an imported tree, under the keys that a commit has when it is so. */
function importFlags(
  options: Pick<PackageTreeOptions, 'nodocs' | 'readonlyExecutables' | 'ima'>,
): readonly (readonly [string, boolean])[] {
  return [
    ['rpmostree.nodocs', options.nodocs ?? false],
    ['coppice.readonly-executables', options.readonlyExecutables ?? false],
    ['coppice.ima', options.ima ?? false],
  ];
}

/** Imports a package in a transaction and sets its ref. */
export function importPackage(txn: Transaction, rpm: RpmPackage, options: ImportOptions = {}): ImportedPackage {
  const nevra = nevraOfHeader(rpm.header);
  const { tree, meta } = importPackageTree(txn, rpm, options).write(txn);
  const headerSha256 = createHash('sha256').update(rpm.headerBytes).digest('hex');
  const metadata = new VariantDict();
  metadata.set('rpmostree.metadata', Variant.bytes(rpm.headerBytes));
  metadata.set('rpmostree.metadata_sha256', Variant.string(headerSha256));
  metadata.set(
    'rpmostree.nevra',
    new Variant('(sstsss)', [
      formatNevra(nevra),
      nevra.name,
      BigInt(nevra.epoch),
      nevra.version,
      nevra.release,
      nevra.arch,
    ]),
  );
  if (options.sepolicy !== undefined) metadata.set('rpmostree.sepolicy', Variant.string(options.sepolicy));
  metadata.set('rpmostree.unpack_version', Variant.uint32(unpackVersion));
  metadata.set('rpmostree.unpack_minor_version', Variant.uint32(unpackMinorVersion));
  if (options.repo !== undefined) {
    metadata.set(
      'rpmostree.repo',
      new Variant(
        'a{sv}',
        new Map([
          ['id', Variant.string(options.repo.id)],
          ['timestamp', Variant.uint64(options.repo.timestamp)],
        ]),
      ),
    );
  }
  if (options.repodataChecksum !== undefined)
    metadata.set('rpmostree.repodata_checksum', Variant.string(options.repodataChecksum));
  for (const [key, set] of importFlags(options)) if (set) metadata.set(key, Variant.boolean(true));
  const commit = txn.writeCommit({
    metadata,
    parent: undefined,
    subject: '',
    body: '',
    timestamp: rpm.header.getNumber(Tag.BuildTime) ?? 0,
    tree,
    meta,
  });
  const ref = packageRef(nevra);
  txn.setRef(ref, commit);
  return {
    nevra,
    commit,
    tree,
    meta,
    ref,
    header: rpm.header,
    signature: rpm.signature,
    headerSha256,
    repodataChecksum: options.repodataChecksum,
  };
}

/** The headers in a package commit's `rpmostree.metadata`: lead, signature header, padding, main header. */
export function parseHeaderBytes(bytes: Uint8Array): { readonly header: Header; readonly signature: Header } {
  const lead = 96;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = (at: number): number => {
    if (at + 16 > view.length || view.readUInt32BE(at) !== 0x8eade801)
      throw new CoppiceError('Corrupt', 'package commit: bad header magic');
    return 16 + view.readUInt32BE(at + 8) * 16 + view.readUInt32BE(at + 12);
  };
  const signatureEnd = lead + size(lead);
  const start = signatureEnd + ((8 - (signatureEnd % 8)) % 8);
  return {
    signature: Header.parse(view.subarray(lead + 8, signatureEnd), 'package commit'),
    header: Header.parse(view.subarray(start + 8, start + size(start)), 'package commit'),
  };
}

/** Reads an imported package back. Throws `NotFound`, `Corrupt`. */
export function loadImportedPackage(repo: Repo, commit: string, ref: string): ImportedPackage {
  const { metadata, tree, meta } = repo.loadCommit(commit);
  const bytes = metadata.lookup('rpmostree.metadata', 'ay') as Uint8Array | undefined;
  if (bytes === undefined) throw new CoppiceError('Corrupt', `${ref}: no rpmostree.metadata in commit`);
  const { header, signature } = parseHeaderBytes(bytes);
  return {
    nevra: nevraOfHeader(header),
    commit,
    tree,
    meta,
    ref,
    header,
    signature,
    headerSha256:
      metadata.lookupString('rpmostree.metadata_sha256') ?? createHash('sha256').update(bytes).digest('hex'),
    repodataChecksum: metadata.lookupString('rpmostree.repodata_checksum'),
  };
}

/** The imported package of this exact build when it can be used again; undefined when it must be imported. */
export function findImportedPackage(
  repo: Repo,
  nevra: Nevra,
  want: Pick<PackageTreeOptions, 'nodocs' | 'readonlyExecutables' | 'ima'> & {
    readonly repodataChecksum?: string | undefined;
  } = {},
): ImportedPackage | undefined {
  const ref = packageRef(nevra);
  const commit = repo.tryResolveRev(ref);
  if (commit === undefined || !repo.hasObject('commit', commit) || repo.isPartial(commit)) return undefined;
  const { metadata } = repo.loadCommit(commit);
  if (metadata.lookup('rpmostree.unpack_version', 'u') !== unpackVersion) return undefined;
  for (const [key, set] of importFlags(want)) if ((metadata.lookupBoolean(key) ?? false) !== set) return undefined;
  if (
    want.repodataChecksum !== undefined &&
    metadata.lookupString('rpmostree.repodata_checksum') !== want.repodataChecksum
  )
    return undefined;
  return loadImportedPackage(repo, commit, ref);
}
