// What a deployment would do, worked out from the commit and the sysroot as they are. Nothing is written.

import { createHash } from 'node:crypto';
import { CoppiceError } from '@coppice/base';
import { findInTree, type TreeEntry } from '@coppice/ostree';
import { Deployment } from './deployment.ts';
import { diffEtc } from './etcdiff.ts';
import { KernelArguments } from './kargs.ts';
import { type RetainFlags, simpleDeploymentList } from './simplewrite.ts';
import type { Sysroot } from './sysroot.ts';

export interface EtcChange {
  /** Path below /etc. */
  readonly path: string;
  readonly change: 'modified' | 'removed' | 'added';
  /**
   * What happens to it: `kept` (the local state goes over), `kept-over-new-default` (the new release changed this file too;
   * the local state wins and the new default is not seen), `fails` (the deployment would stop here).
   */
  readonly outcome: 'kept' | 'kept-over-new-default' | 'fails';
}

export interface PlannedEntry {
  readonly index: number;
  readonly stateroot: string;
  readonly checksum: string;
  readonly serial: number;
  readonly version?: string;
  readonly isNew: boolean;
}

export interface DeployPlan {
  readonly checksum: string;
  readonly version?: string;
  readonly stateroot: string;
  /** The deployment whose /etc is merged, as CHECKSUM.SERIAL; null when there is none. */
  readonly mergeFrom: string | null;
  readonly etc: readonly EtcChange[];
  readonly kernel: {
    readonly bootChecksum: string;
    readonly release: string;
    readonly bytes: number;
    readonly installed: boolean;
  };
  /** Without `ostree=`. */
  readonly kernelArguments: string;
  /** The boot menu afterwards, the default first. */
  readonly entries: readonly PlannedEntry[];
  /** Deployments that go, as STATEROOT CHECKSUM.SERIAL. */
  readonly removed: readonly string[];
  /** True when boot entries are written anew; false when only links change. */
  readonly bootSwap: boolean;
  readonly disk: {
    /** Bytes that /etc takes as a copy; the rest of the tree is hard links. */
    readonly etcBytes: number;
    /** Bytes for a kernel not yet in /boot, where that cannot be a hard link. */
    readonly bootBytes: number;
    readonly rootAvailable: number;
    readonly bootAvailable: number;
    readonly fits: boolean;
  };
}

export interface PlanOptions extends RetainFlags {
  readonly osname?: string | undefined;
  readonly noMerge?: boolean;
  readonly setArguments?: readonly string[];
  readonly appendArguments?: readonly string[];
  readonly deleteArguments?: readonly string[];
}

interface DefaultFile {
  readonly directory: boolean;
  /** Tells contents and attributes apart. */
  readonly identity: string;
  readonly size: number;
}

/** The defaults in a commit: path below etc -> what is there. */
function defaultsOf(sysroot: Sysroot, checksum: string): Map<string, DefaultFile> {
  const { repo } = sysroot;
  const found = new Map<string, DefaultFile>();
  const base = ['/usr/etc', '/etc'].find((path) => findInTree(repo, checksum, path)?.type === 'directory');
  if (base === undefined) return found;
  for (const entry of repo.readTree(checksum, base)) {
    if (entry.path === base) continue;
    const directory = entry.type === 'directory';
    found.set(entry.path.slice(base.length + 1), {
      directory,
      identity: directory ? entry.meta : entry.checksum,
      size: directory ? 0 : entry.load().size,
    });
  }
  return found;
}

function same(a: DefaultFile | undefined, b: DefaultFile | undefined): boolean {
  return a?.identity === b?.identity && a?.directory === b?.directory;
}

function etcChanges(sysroot: Sysroot, merge: Deployment, fresh: ReadonlyMap<string, DefaultFile>): EtcChange[] {
  const tree = sysroot.deploymentPath(merge);
  const { fs } = sysroot;
  if (fs.stat(`${tree}/usr/etc`) === undefined || fs.stat(`${tree}/etc`) === undefined) return [];
  const old = sysroot.repo.hasObject('commit', merge.checksum)
    ? defaultsOf(sysroot, merge.checksum)
    : new Map<string, DefaultFile>();
  const diff = diffEtc(fs, `${tree}/usr/etc`, `${tree}/etc`);
  const judge = (path: string, change: EtcChange['change']): EtcChange => {
    const now = fresh.get(path);
    const isDirectory = ((fs.lstat(`${tree}/etc/${path}`)?.mode ?? 0) & 0o170000) === 0o040000;
    const parents = path
      .split('/')
      .slice(0, -1)
      .map((_, i, all) => all.slice(0, i + 1).join('/'));
    const blocked = parents.some((parent) => fresh.get(parent)?.directory === false);
    if (change !== 'removed' && ((now?.directory === true && !isDirectory) || blocked))
      return { path, change, outcome: 'fails' };
    if (now?.directory === true && isDirectory) return { path, change, outcome: 'kept' };
    return { path, change, outcome: same(old.get(path), now) ? 'kept' : 'kept-over-new-default' };
  };
  return [
    ...diff.modified.map((path) => judge(path, 'modified')),
    ...diff.removed.map((path) => judge(path, 'removed')),
    ...diff.added.map((path) => judge(path, 'added')),
  ];
}

function kernelOf(sysroot: Sysroot, checksum: string): { bootChecksum: string; release: string; bytes: number } {
  const { repo } = sysroot;
  const base = '/usr/lib/modules';
  const modules = findInTree(repo, checksum, base);
  if (modules?.type === 'directory') {
    for (const { name } of repo.loadDirTree(modules.checksum).dirs) {
      const file = (suffix: string): TreeEntry | undefined => findInTree(repo, checksum, `${base}/${name}/${suffix}`);
      const kernel = file('vmlinuz');
      if (kernel?.type !== 'file') continue;
      const hash = createHash('sha256');
      let bytes = 0;
      const add = (entry: TreeEntry | undefined): boolean => {
        if (entry?.type !== 'file') return false;
        for (const chunk of repo.loadFile(entry.checksum).read()) {
          hash.update(chunk);
          bytes += chunk.length;
        }
        return true;
      };
      add(kernel);
      if (!add(file('initramfs.img'))) add(file('initramfs'));
      if (!add(file('devicetree'))) addDirectory(sysroot, checksum, `${base}/${name}/dtb`, add);
      return { bootChecksum: hash.digest('hex'), release: name, bytes };
    }
  }
  for (const directory of ['/usr/lib/ostree-boot', '/boot']) {
    const entry = findInTree(repo, checksum, directory);
    if (entry?.type !== 'directory') continue;
    const files = repo.loadDirTree(entry.checksum).files.filter(({ name }) => /-[0-9a-f]{64}$/.test(name));
    const kernel = files.find(({ name }) => name.startsWith('vmlinuz-'));
    if (kernel === undefined) continue;
    const bytes = files.reduce((sum, file) => sum + repo.loadFile(file.checksum).size, 0);
    return { bootChecksum: kernel.name.slice(-64), release: kernel.name.slice(8, -65), bytes };
  }
  throw new CoppiceError('NotFound', 'Failed to find kernel in /usr/lib/modules, /usr/lib/ostree-boot or /boot');
}

/** Files of a directory and below, in the order in which they count for the boot checksum. */
function addDirectory(
  sysroot: Sysroot,
  commit: string,
  path: string,
  add: (entry: TreeEntry | undefined) => boolean,
): void {
  const entry = findInTree(sysroot.repo, commit, path);
  if (entry?.type !== 'directory') return;
  const { files, dirs } = sysroot.repo.loadDirTree(entry.checksum);
  const names = [...files, ...dirs].map(({ name }) => Buffer.from(name)).sort(Buffer.compare);
  for (const name of names) {
    const child = findInTree(sysroot.repo, commit, `${path}/${name}`);
    if (child?.type === 'directory') addDirectory(sysroot, commit, `${path}/${name}`, add);
    else add(child);
  }
}

/** Throws as a deployment would for a missing ref, commit or kernel; troubles with /etc and space are in the plan. */
export function planDeploy(sysroot: Sysroot, refspec: string, options: PlanOptions = {}): DeployPlan {
  const { fs, path, repo } = sysroot;
  const osname = options.osname ?? sysroot.requireBooted().osname;
  const checksum = repo.resolveRev(refspec);
  const version = repo.loadCommit(checksum).metadata.lookupString('version');
  const merge = options.noMerge === true ? undefined : sysroot.mergeDeployment(osname);
  const defaults = defaultsOf(sysroot, checksum);
  const etc = merge === undefined ? [] : etcChanges(sysroot, merge, defaults);
  const kernel = kernelOf(sysroot, checksum);
  const installed = fs.stat(`${path}/boot/ostree/${osname}-${kernel.bootChecksum}`) !== undefined;

  const serials = sysroot.deployments.filter((d) => d.osname === osname && d.checksum === checksum);
  const deploySerial = serials.reduce((next, d) => Math.max(next, d.deploySerial + 1), 0);
  const fresh = new Deployment({ osname, checksum, deploySerial, bootChecksum: kernel.bootChecksum });
  const list = simpleDeploymentList(sysroot.deployments, fresh, { osname, booted: sysroot.booted, merge }, options);
  const removed = sysroot.deployments.filter((deployment) => !list.includes(deployment));

  const kargs = KernelArguments.parse(merge?.options, sysroot.compat.quotedKernelArguments);
  kargs.replaceAll(options.setArguments ?? []);
  kargs.appendAll(options.appendArguments ?? []);
  for (const argument of options.deleteArguments ?? []) kargs.delete(argument);
  const plain = new KernelArguments(kargs.toArray().filter((word) => !word.startsWith('ostree=')));

  const before = sysroot.deployments.filter((deployment) => !deployment.staged);
  const bootSwap =
    before.length !== list.length ||
    list.some((deployment, i) => entryDiffers(sysroot, before[i], deployment, fresh, plain, version));

  const separate = fs.stat(`${path}/boot`)?.dev !== fs.stat(`${path}/ostree/repo`)?.dev;
  const etcBytes = [...defaults.values()].reduce((sum, file) => sum + file.size, 0);
  const bootBytes = separate && !installed ? kernel.bytes : 0;
  const rootAvailable = fs.usage(`${path}/ostree`).available;
  const bootAvailable = fs.usage(`${path}/boot`).available;
  return {
    checksum,
    ...(version === undefined ? {} : { version }),
    stateroot: osname,
    mergeFrom: merge?.name ?? null,
    etc,
    kernel: { ...kernel, installed },
    kernelArguments: plain.toString(),
    entries: list.map((deployment, index) => {
      const own = deployment === fresh ? version : sysroot.versionOf(deployment);
      return {
        index,
        stateroot: deployment.osname,
        checksum: deployment.checksum,
        serial: deployment.deploySerial,
        ...(own === undefined ? {} : { version: own }),
        isNew: deployment === fresh,
      };
    }),
    removed: removed.map((deployment) => `${deployment.osname} ${deployment.name}`),
    bootSwap,
    disk: {
      etcBytes,
      bootBytes,
      rootAvailable,
      bootAvailable,
      fits: etcBytes <= rootAvailable && bootBytes <= bootAvailable,
    },
  };
}

function entryDiffers(
  sysroot: Sysroot,
  before: Deployment | undefined,
  after: Deployment,
  fresh: Deployment,
  freshArguments: KernelArguments,
  freshVersion: string | undefined,
): boolean {
  if (before === undefined) return true;
  const neutral = (options: string): string => {
    const kargs = KernelArguments.parse(options);
    kargs.replace('ostree');
    return kargs.toString();
  };
  const options = after === fresh ? `${freshArguments.toString()} ostree=` : (after.options ?? '');
  const place = (text: string): string =>
    neutral(text)
      .split(' ')
      .filter((word) => word !== 'ostree')
      .join(' ');
  return (
    before.bootChecksum !== after.bootChecksum ||
    before.osname !== after.osname ||
    place(before.options ?? '') !== place(options) ||
    sysroot.versionOf(before) !== (after === fresh ? freshVersion : sysroot.versionOf(after))
  );
}
