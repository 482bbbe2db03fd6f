// The files of one RPM as a tree of an image: paths moved to where an image has them, everything owned by root (the real
// owners are applied when the package is assembled into a tree), what belongs to /var and /run turned into tmpfiles lines.
import { CoppiceError, prefixError } from '@coppice/base';
import type { Transaction, Xattr } from '@coppice/ostree';
import { FileFlag, type RpmFile, type RpmPackage, SigTag } from '@coppice/rpm';
import { TreeDirectory } from '../tree/directory.ts';
import { ImageTree, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../tree/image-tree.ts';
import { encodeFileCapabilities } from './filecaps.ts';
import { importPath } from './path.ts';
import { formatTmpfiles, type TmpfilesEntry } from './tmpfiles.ts';

export interface PackageTreeOptions {
  /** Leave out files marked as documentation. */
  readonly nodocs?: boolean;
  /** Drop write permission from files that can be executed. */
  readonly readonlyExecutables?: boolean;
  /** Leave out paths an image cannot hold instead of failing. */
  readonly skipExtraneous?: boolean;
  /** Keep the signatures of files (`security.ima`). */
  readonly ima?: boolean;
  /** SELinux context of a path, without NUL. */
  readonly label?: (path: string, mode: number) => string | undefined;
}

const execute = 0o111;
const write = 0o222;

function labelXattrs(options: PackageTreeOptions, path: string, mode: number): Xattr[] {
  const context = options.label?.(`/${path}`, mode);
  return context === undefined ? [] : [{ name: 'security.selinux', value: Buffer.from(`${context}\0`) }];
}

/** A link target as the image keeps it: `//` at the start of an absolute one (an old packaging slip) is one slash. */
function linkTarget(target: string): string {
  return target.replace(/\/\/+sbin\/chkconfig$/, '/sbin/chkconfig');
}

function readText(chunks: Iterable<Uint8Array>): string {
  return Buffer.concat(Array.from(chunks, (c) => Buffer.from(c))).toString();
}

/** A file's signature for the kernel's integrity subsystem; undefined for none, which nine bytes of zero also say. Throws `Corrupt`. */
function imaSignature(path: string, hex: string): Buffer | undefined {
  if (hex === '') return undefined;
  if (hex.length % 2 !== 0 || !/^[0-9a-f]+$/i.test(hex))
    throw new CoppiceError('Corrupt', `${path}: malformed file signature`);
  const bytes = Buffer.from(hex, 'hex');
  return bytes.subarray(0, 9).every((b) => b === 0) ? undefined : bytes;
}

class PackageTreeBuilder {
  readonly #txn: Transaction;
  readonly #options: PackageTreeOptions;
  readonly tree: ImageTree;
  readonly tmpfiles: TmpfilesEntry[] = [];
  readonly #contents = new Map<string, string>();
  /** Signatures of files, by their index; empty when they are not wanted. */
  readonly #signatures: readonly string[];

  constructor(txn: Transaction, options: PackageTreeOptions, signatures: readonly string[]) {
    this.#signatures = signatures;
    this.#txn = txn;
    this.#options = options;
    this.tree = new ImageTree(txn.repo, TreeDirectory.fresh(txn.repo));
    this.tree.root.meta = { uid: 0, gid: 0, mode: S_IFDIR | 0o755, xattrs: labelXattrs(options, '', S_IFDIR) };
  }

  #ensureParents(path: string): void {
    const parts = path.split('/').slice(0, -1);
    for (let i = 1; i <= parts.length; i++) this.#directory(parts.slice(0, i).join('/'), S_IFDIR | 0o755, false);
  }

  #directory(path: string, mode: number, explicit: boolean): void {
    if (!explicit && this.tree.lookup(path)?.type === 'directory') return;
    const dir = this.tree.ensureDir(path);
    dir.meta = {
      uid: 0,
      gid: 0,
      mode: S_IFDIR | (mode & 0o7777) | 0o200,
      xattrs: labelXattrs(this.#options, path, mode),
    };
  }

  add(file: RpmFile, hardlink: string | undefined, read: () => Iterable<Uint8Array>): void {
    if (this.#options.nodocs === true && (file.flags & FileFlag.doc) !== 0) return;
    const original = file.path.startsWith('/') ? file.path.slice(1) : file.path;
    let place: ReturnType<typeof importPath>;
    try {
      place = importPath(original);
    } catch (error) {
      if (this.#options.skipExtraneous === true) return;
      throw error;
    }
    const type = file.mode & S_IFMT;
    if (place.kind === 'skip') return;
    if (place.kind === 'tmpfiles') {
      if (type === S_IFDIR)
        this.tmpfiles.push({
          type: 'directory',
          path: place.path,
          mode: file.mode & 0o7777,
          user: file.user,
          group: file.group,
        });
      else if (type === S_IFLNK) this.tmpfiles.push({ type: 'symlink', path: place.path, target: readText(read()) });
      return;
    }
    const { path } = place;
    this.#ensureParents(path);
    const opt = /^usr\/lib\/opt\/([^/]+)$/.exec(path);
    if (opt !== null)
      this.tmpfiles.push({ type: 'symlink', path: `/opt/${opt[1]}`, target: `../../usr/lib/opt/${opt[1]}` });
    if (path === 'usr/lib/alternatives')
      this.tmpfiles.push({ type: 'symlink', path: '/var/lib/alternatives', target: '../../usr/lib/alternatives' });
    if (type === S_IFDIR) {
      if (path !== '') this.#directory(path, file.mode, true);
      return;
    }
    if (type === S_IFLNK) {
      const checksum = this.#txn.writeContent(
        {
          uid: 0,
          gid: 0,
          mode: S_IFLNK | 0o777,
          symlinkTarget: linkTarget(readText(read())),
          xattrs: labelXattrs(this.#options, path, file.mode),
        },
        new Uint8Array(0),
      );
      this.tree.setFile(path, checksum);
      return;
    }
    if (type !== S_IFREG) return;
    const known = hardlink === undefined ? undefined : this.#contents.get(hardlink);
    if (hardlink !== undefined && known === undefined)
      throw new CoppiceError('Corrupt', `${file.path}: hard link to nothing`);
    const checksum = known ?? this.#txn.writeContent(this.#header(file, path), read());
    this.#contents.set(file.path, checksum);
    this.tree.setFile(path, checksum);
  }

  #header(file: RpmFile, path: string) {
    let mode = file.mode & 0o7777;
    if (this.#options.readonlyExecutables === true && (mode & execute) !== 0) mode &= ~write;
    const xattrs = labelXattrs(this.#options, path, file.mode);
    const caps = file.caps === '' ? undefined : encodeFileCapabilities(file.caps);
    if (caps !== undefined) xattrs.push({ name: 'security.capability', value: caps });
    const signature = imaSignature(file.path, this.#signatures[file.index] ?? '');
    if (signature !== undefined) xattrs.push({ name: 'security.ima', value: signature });
    xattrs.sort((a, b) => (a.name < b.name ? -1 : 1));
    return { uid: 0, gid: 0, mode: S_IFREG | mode, symlinkTarget: '', xattrs };
  }

  finish(name: string): ImageTree {
    const text = formatTmpfiles(this.tmpfiles);
    if (text !== undefined) {
      const path = `usr/lib/rpm-ostree/tmpfiles.d/${name}.conf`;
      this.#ensureParents(path);
      this.tree.writeFile(this.#txn, path, text, { xattrs: labelXattrs(this.#options, path, S_IFREG) });
    }
    return this.tree;
  }
}

/** Stores a package's files; the tree still has to be written. Throws `Unsupported` for paths an image cannot hold, `Corrupt`. */
export function importPackageTree(txn: Transaction, rpm: RpmPackage, options: PackageTreeOptions = {}): ImageTree {
  const builder = new PackageTreeBuilder(
    txn,
    options,
    options.ima === true ? rpm.signature.getStrings(SigTag.FileSignatures) : [],
  );
  try {
    for (const entry of rpm.payload()) builder.add(entry.file, entry.hardlink, () => entry.read());
    return builder.finish(rpm.nevra.name);
  } catch (error) {
    throw prefixError(error, `Importing package '${rpm.nevra.name}'`);
  }
}
