// A disk image of a deployed system, without root and without loop devices: the sysroot is made in a folder through a
// VirtualFs, mke2fs copies the folder into an ext4 file system, debugfs sets what the folder could not hold.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CoppiceError } from '@coppice/base';
import { hostFs } from '@coppice/linux';
import { addRemote, pull, Repo } from '@coppice/ostree';
import { cleanupSysroot } from '../cleanup.ts';
import type { SysrootLevel } from '../compat.ts';
import { deployTree } from '../deploytree.ts';
import type { Host } from '../host.ts';
import { KernelArguments } from '../kargs.ts';
import { Origin } from '../origin.ts';
import { parseOsRelease } from '../osrelease.ts';
import { initFs, initStateroot } from '../stateroot.ts';
import { Sysroot } from '../sysroot.ts';
import { simpleWriteDeployment } from '../writedeployments.ts';
import { inodeCommands } from './inodecommands.ts';
import { VirtualFs } from './virtualfs.ts';

export interface BuildImageOptions {
  /** Path of the repository that has the commit. */
  readonly repo: string;
  /** Refs or checksums; the first becomes the default, the others stay in the boot menu. */
  readonly refs: readonly string[];
  /** The image; replaced at once when it is complete. */
  readonly output: string;
  /** Default: `ID` of the tree's os-release. */
  readonly osname?: string | undefined;
  readonly kernelArguments?: readonly string[];
  /** Label of the file system; `root=LABEL=` is added to the kernel arguments unless they name a root. */
  readonly label?: string;
  /** Bytes; default: what is needed and a third more, at least 256 MiB more. */
  readonly size?: number | undefined;
  /** Where the system fetches updates from, and the origin it follows; default: the ref alone. */
  readonly remote?: { readonly name: string; readonly url: string; readonly gpgVerify: boolean } | undefined;
  readonly compat?: SysrootLevel;
  readonly onMessage?: (message: string) => void;
}

export interface BuiltImage {
  readonly path: string;
  readonly size: number;
  readonly entries: number;
  readonly checksum: string;
}

/** Nothing runs from the folder. */
const nowhere: Host = {
  run: '/nonexistent',
  varPath: '/nonexistent',
  booted: () => undefined,
  root: () => ({ dev: -1, ino: -1 }),
  procCmdline: () => '',
};

/** Runs a program of e2fsprogs; exit codes up to `highest` are good. Gives what it said on its error channel. */
function tool(name: string, args: readonly string[], highest = 0): string {
  const result = spawnSync(name, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.error !== undefined)
    throw new CoppiceError('Process', `${name} cannot be run (${result.error.message}); it is part of e2fsprogs`);
  if (result.status === null || result.status > highest) {
    // The first line names the program's version; e2fsck tells what is wrong on the other channel, between its passes.
    const said = `${result.stderr}\n${result.stdout}`.split('\n').filter((line) => line.trim() !== '');
    const wrong = said.filter((line) => !/^(e2fsck|mke2fs|debugfs) [0-9]|^Pass [0-9]/.test(line));
    throw new CoppiceError('Process', `${name}: ${(wrong[0] ?? said[0] ?? `exit code ${result.status}`).trim()}`);
  }
  return result.stderr;
}

function osnameOf(repo: Repo, checksum: string): string {
  const text =
    repo.readFileBytes(checksum, '/usr/lib/os-release') ?? repo.readFileBytes(checksum, '/usr/etc/os-release');
  const id = parseOsRelease(text?.toString() ?? '').get('ID');
  if (id === undefined) throw new CoppiceError('NotFound', 'The tree has no os-release with an ID; name the stateroot');
  return id;
}

/** The kernel arguments with a root file system and, unless said otherwise, read-write. */
function withRoot(list: readonly string[], label: string): string[] {
  const kargs = new KernelArguments(list);
  if (kargs.has('root')) return kargs.toArray();
  return [`root=LABEL=${label}`, ...(kargs.has('rw') || kargs.has('ro') ? [] : ['rw']), ...list];
}

async function makeSysroot(folder: string, fs: VirtualFs, options: BuildImageOptions, label: string): Promise<string> {
  const source = resolve(options.repo);
  const origin = Repo.open(source);
  const checksums = options.refs.map((ref) => origin.resolveRev(ref));
  const osname = options.osname ?? osnameOf(origin, checksums[0]!);
  initFs(folder, { fs });
  const repo = Repo.open(`${folder}/ostree/repo`, { fs });
  repo.config.setString('sysroot', 'bootloader', 'none');
  repo.config.setBoolean('sysroot', 'readonly', true);
  repo.writeConfig();
  const { remote } = options;
  if (remote !== undefined)
    addRemote(repo, remote.name, { url: remote.url, keys: remote.gpgVerify ? [] : [['gpg-verify', false]] });
  await pull(repo, {
    remote: pathToFileURL(source).href,
    refs: [...options.refs],
    gpgVerify: false,
    ...(remote === undefined ? {} : { remoteName: remote.name }),
  });
  const sysroot = Sysroot.open(folder, {
    fs,
    host: nowhere,
    env: {},
    ...(options.compat === undefined ? {} : { compat: options.compat }),
    ...(options.onMessage === undefined ? {} : { onMessage: options.onMessage }),
  });
  initStateroot(sysroot, osname);
  // The last is deployed first, so that the first ends up as the default.
  for (const [i, checksum] of [...checksums.entries()].reverse()) {
    const ref = options.refs[i]!;
    const refspec = remote === undefined ? ref : `${remote.name}:${ref}`;
    const merge = sysroot.mergeDeployment(osname);
    const fresh = deployTree(sysroot, osname, checksum, Origin.fromRefspec(refspec), {
      mergeDeployment: merge,
      kernelArguments: withRoot(options.kernelArguments ?? [], label),
    });
    // Commits that are still to be deployed have no ref.
    simpleWriteDeployment(sysroot, fresh, { osname, merge, retain: true, cleanup: false });
    cleanupSysroot(sysroot, { prune: false });
  }
  return checksums[0]!;
}

/** Needs mke2fs and debugfs (e2fsprogs 1.43 or later). Throws `Process` when they fail, `NotFound` for a missing ref. */
export async function buildImage(options: BuildImageOptions): Promise<BuiltImage> {
  const label = options.label ?? 'root';
  if (!/^[A-Za-z0-9._-]{1,16}$/.test(label)) throw new CoppiceError('Usage', `Not a file system label: ${label}`);
  const output = resolve(options.output);
  const work = mkdtempSync(join(tmpdir(), 'coppice-image-'));
  const temporary = `${output}.part`;
  try {
    const folder = join(work, 'root');
    const values = join(work, 'values');
    mkdirSync(folder, { mode: 0o755 });
    mkdirSync(values);
    mkdirSync(dirname(output), { recursive: true });
    const fs = new VirtualFs(hostFs, process.getuid?.() ?? 0);
    const checksum = await makeSysroot(folder, fs, options, label);
    const commands = inodeCommands(hostFs, fs, folder, values);
    for (const [name, value] of commands.values) writeFileSync(join(values, name), value);
    const needed = commands.bytes + commands.entries * 512 + commands.inodes * 256;
    const size = options.size ?? Math.ceil((needed + Math.max(needed / 3, 256 << 20)) / (1 << 20)) * (1 << 20);
    if (size < needed) throw new CoppiceError('NoSpace', `The system needs ${needed} bytes; the image has ${size}`);
    rmSync(temporary, { force: true });
    // Larger attributes take an inode of their own. mke2fs would make one inode for each 16 KiB.
    const inodes = Math.max(Math.ceil(size / 16384), Math.ceil(commands.inodes * 1.3) + 1024);
    const fileSystemFeatures = `^metadata_csum_seed${commands.largeAttributes ? ',ea_inode' : ''}`;
    const features = [
      '-O',
      fileSystemFeatures,
      '-N',
      String(inodes),
      '-E',
      'lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0',
    ];
    tool('mke2fs', [
      '-q',
      '-t',
      'ext4',
      '-b',
      '4096',
      '-L',
      label,
      '-m',
      '1',
      ...features,
      '-d',
      folder,
      temporary,
      `${Math.floor(size / 1024)}k`,
    ]);
    const script = join(work, 'debugfs');
    writeFileSync(script, commands.script);
    const complaints = tool('debugfs', ['-w', '-f', script, temporary])
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('debugfs '));
    if (complaints.length > 0) throw new CoppiceError('Process', `debugfs: ${complaints[0]}`);
    // libext2fs does not count the blocks of large attributes.
    if (commands.largeAttributes) tool('e2fsck', ['-f', '-y', temporary], 1);
    tool('e2fsck', ['-f', '-n', temporary]);
    renameSync(temporary, output);
    return { path: output, size, entries: commands.entries, checksum };
  } finally {
    rmSync(temporary, { force: true });
    rmSync(work, { recursive: true, force: true });
  }
}
