// Finds and explains broken states of a sysroot. Nothing is changed, nothing is thrown for what is found; it works where
// `Sysroot.open` refuses.

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { isCoppiceError, messageOf } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';
import { Repo } from '@coppice/ostree';
import type { BootConfig } from './bootconfig.ts';
import { listBootDirectories } from './bootdirs.ts';
import { type Bit, otherBit, parseBootLink } from './bootlinks.ts';
import { chunksOf } from './chunks.ts';
import { parseDeploymentName } from './deployment.ts';
import { readEntries } from './entries.ts';
import { splitKernelArguments } from './kargs.ts';

export type FindingCode =
  | 'no-repository'
  | 'no-deployments'
  | 'loader-link'
  | 'boot-link'
  | 'half-swap'
  | 'entry-argument'
  | 'entry-boot-version'
  | 'entry-link'
  | 'entry-version'
  | 'kernel-missing'
  | 'initramfs-missing'
  | 'boot-checksum'
  | 'deployment-missing'
  | 'etc-missing'
  | 'origin-missing'
  | 'commit-missing'
  | 'ref-missing'
  | 'leftover-deployment'
  | 'leftover-kernel'
  | 'leftover-lock';

export interface Finding {
  readonly code: FindingCode;
  /** `fatal`: the default entry does not boot; `error`: another entry does not, or data is missing; `note`: cleanup will deal with it. */
  readonly severity: 'fatal' | 'error' | 'note';
  /** Path below the sysroot. */
  readonly path: string;
  /** What is wrong and what it means. */
  readonly message: string;
  /** What to do about it. */
  readonly advice: string;
}

const cleanup = 'ostree admin cleanup removes it';

class Checker {
  readonly findings: Finding[] = [];
  readonly #fs: FileSystem;
  readonly #root: string;
  readonly #deep: boolean;

  constructor(fs: FileSystem, root: string, deep: boolean) {
    this.#fs = fs;
    this.#root = root;
    this.#deep = deep;
  }

  #add(code: FindingCode, severity: Finding['severity'], path: string, message: string, advice: string): void {
    this.findings.push({ code, severity, path, message, advice });
  }
  #there(path: string): boolean {
    return this.#fs.stat(`${this.#root}/${path}`) !== undefined;
  }
  /** Target of a link, '' for something else; undefined when nothing is there. */
  #link(path: string): string | undefined {
    const stat = this.#fs.lstat(`${this.#root}/${path}`);
    if (stat === undefined) return undefined;
    return (stat.mode & 0o170000) === 0o120000 ? this.#fs.readlink(`${this.#root}/${path}`) : '';
  }

  run(): void {
    const repo = this.#openRepo();
    const version = this.#loaderVersion();
    if (version === undefined) return;
    this.#halfSwaps(version);
    let entries: BootConfig[] = [];
    try {
      entries = readEntries(this.#fs, this.#root, version);
    } catch (error) {
      this.#add(
        'entry-argument',
        'fatal',
        `boot/loader.${version}/entries`,
        messageOf(error),
        'restore the file or deploy again',
      );
    }
    if (entries.length === 0)
      this.#add(
        'no-deployments',
        'note',
        `boot/loader.${version}/entries`,
        'there are no boot entries',
        'deploy a commit',
      );
    const used = new Set<string>();
    const kernels = new Set<string>();
    const versions = new Set<string>();
    entries.forEach((entry, i) => {
      this.#entry(entry, i, version, repo, used, kernels);
      const number = entry.get('version') ?? '';
      if (versions.has(number))
        this.#add(
          'entry-version',
          'error',
          this.#entryPath(entry, version),
          `two entries have version ${number}: their order is not fixed`,
          'deploy again, which writes all entries',
        );
      versions.add(number);
    });
    if (repo !== undefined) this.#refs(repo, version, entries.length);
    this.#leftovers(used, kernels);
  }

  #openRepo(): Repo | undefined {
    try {
      return Repo.open(`${this.#root}/ostree/repo`, { fs: this.#fs });
    } catch (error) {
      this.#add(
        'no-repository',
        'error',
        'ostree/repo',
        `the repository cannot be opened: ${messageOf(error)}`,
        'ostree admin init-fs makes an empty one; deployments keep booting without it',
      );
      return undefined;
    }
  }

  #loaderVersion(): Bit | undefined {
    const target = this.#link('boot/loader');
    if (target === undefined) {
      const entries = ['boot/loader.0', 'boot/loader.1'].filter((path) => this.#there(path));
      if (entries.length > 0)
        this.#add(
          'loader-link',
          'fatal',
          'boot/loader',
          `the link is missing, so the boot loader finds no entries, though ${entries.join(' and ')} exist`,
          `ln -s ${entries[0]!.slice(5)} ${this.#root}/boot/loader`,
        );
      else this.#add('no-deployments', 'note', 'boot/loader', 'nothing was deployed yet', 'deploy a commit');
      return undefined;
    }
    if (target !== 'loader.0' && target !== 'loader.1') {
      this.#add(
        'loader-link',
        'fatal',
        'boot/loader',
        target === '' ? 'is no symbolic link' : `points to ${target}, not to loader.0 or loader.1`,
        'replace it by a link to the one of loader.0 and loader.1 that has entries',
      );
      return undefined;
    }
    if (!this.#there(`boot/${target}`)) {
      this.#add(
        'loader-link',
        'fatal',
        'boot/loader',
        `points to ${target}, which is missing: the boot loader finds no entries`,
        `point it to loader.${target.endsWith('0') ? 1 : 0} if that exists`,
      );
      return undefined;
    }
    return target === 'loader.1' ? 1 : 0;
  }

  #halfSwaps(version: Bit): void {
    const other = otherBit(version);
    const half = ['boot/loader.tmp', `boot/loader.${other}`, `ostree/boot.${other}`].filter(
      (path) => this.#link(path) !== undefined,
    );
    if (half.length > 0)
      this.#add(
        'half-swap',
        'note',
        half[0]!,
        `a change of the boot menu was prepared but not made, or its remains were not removed (${half.join(', ')}); what is in force is not affected`,
        cleanup,
      );
    const target = this.#link(`ostree/boot.${version}`);
    if (target === undefined || target === '' || !this.#there(`ostree/boot.${version}`))
      this.#add(
        'boot-link',
        'fatal',
        `ostree/boot.${version}`,
        target === undefined || target === ''
          ? 'the link is missing: no entry leads to a deployment'
          : `points to ${target}, which is missing: no entry leads to a deployment`,
        `point it to the one of boot.${version}.0 and boot.${version}.1 that exists`,
      );
    else if (target !== `boot.${version}.0` && target !== `boot.${version}.1`)
      this.#add(
        'boot-link',
        'error',
        `ostree/boot.${version}`,
        `points to ${target}, not to boot.${version}.0 or boot.${version}.1`,
        'replace the link',
      );
    else {
      const idle = `ostree/boot.${version}.${target.endsWith('0') ? 1 : 0}`;
      if (this.#there(idle))
        this.#add('half-swap', 'note', idle, 'links that were prepared but are not in force', cleanup);
    }
  }

  #entryPath(entry: BootConfig, version: Bit): string {
    return `boot/loader.${version}/entries/${entry.fileName ?? ''}`;
  }

  #entry(
    entry: BootConfig,
    index: number,
    version: Bit,
    repo: Repo | undefined,
    used: Set<string>,
    kernels: Set<string>,
  ): void {
    const severity = index === 0 ? 'fatal' : 'error';
    const at = this.#entryPath(entry, version);
    const words = splitKernelArguments(entry.get('options') ?? '');
    const argument = words.find((word) => word.startsWith('ostree='))?.slice('ostree='.length);
    if (argument === undefined) {
      this.#add(
        'entry-argument',
        severity,
        at,
        'has no ostree= kernel argument: the initramfs would not know what to start',
        'deploy again',
      );
      return;
    }
    let link: ReturnType<typeof parseBootLink>;
    try {
      link = parseBootLink(argument);
    } catch (error) {
      this.#add('entry-argument', severity, at, messageOf(error), 'deploy again');
      return;
    }
    kernels.add(link.bootChecksum);
    if (link.bootVersion !== version)
      this.#add(
        'entry-boot-version',
        severity,
        at,
        `leads to ostree/boot.${link.bootVersion}, though boot version ${version} is in force`,
        'deploy again',
      );
    this.#images(entry, at, severity, link.bootChecksum);
    const path = argument.slice(1);
    const target = this.#link(path);
    if (target === undefined || target === '') {
      this.#add('entry-link', severity, path, `the link that ${at} leads to is missing`, 'deploy again');
      return;
    }
    const name = target.slice(target.lastIndexOf('/') + 1);
    const deployment = `ostree/deploy/${link.osname}/deploy/${name}`;
    used.add(deployment);
    if (!this.#there(path) || !this.#there(deployment)) {
      this.#add(
        'deployment-missing',
        severity,
        deployment,
        `the tree that ${at} starts is missing`,
        'boot another entry and deploy again',
      );
      return;
    }
    this.#tree(deployment, name, severity, repo);
  }

  #images(entry: BootConfig, at: string, severity: Finding['severity'], bootChecksum: string): void {
    const hash = createHash('sha256');
    let whole = true;
    for (const [key, code] of [
      ['linux', 'kernel-missing'],
      ['initrd', 'initramfs-missing'],
    ] as const) {
      const value = entry.get(key);
      if (value === undefined) {
        if (key === 'linux') this.#add(code, severity, at, 'names no kernel', 'deploy again');
        whole &&= key !== 'linux';
        continue;
      }
      // `/boot/boot` leads back to /boot, so paths with and without the prefix work.
      const path = `boot${value}`;
      if (!this.#there(path)) {
        this.#add(
          code,
          severity,
          path,
          `${key === 'linux' ? 'the kernel' : 'the initramfs'} that ${at} names is missing`,
          'ostree admin deploy installs it again',
        );
        whole = false;
      } else if (this.#deep && whole) this.#hash(path, hash);
    }
    const plain = entry.get('devicetree') === undefined && entry.get('fdtdir') === undefined;
    // Older layouts carry a checksum made by whoever built the tree; only the computed kind can be compared.
    if (this.#deep && whole && plain && /\/vmlinuz-[^/]*$/.test(entry.get('linux') ?? '')) {
      const found = hash.digest('hex');
      if (found !== bootChecksum)
        this.#add(
          'boot-checksum',
          severity === 'fatal' ? 'error' : severity,
          `boot${entry.get('linux')}`,
          `kernel and initramfs have checksum ${found}, not ${bootChecksum}: changed or damaged (older trees carry a checksum of another kind)`,
          'remove the directory and deploy again',
        );
    }
  }

  #hash(path: string, hash: ReturnType<typeof createHash>): void {
    const fd = this.#fs.open(`${this.#root}/${path}`, constants.O_RDONLY);
    try {
      for (const chunk of chunksOf(this.#fs, fd)) hash.update(chunk);
    } finally {
      this.#fs.close(fd);
    }
  }

  #tree(deployment: string, name: string, severity: Finding['severity'], repo: Repo | undefined): void {
    if (this.#there(`${deployment}/usr/etc`) && !this.#there(`${deployment}/etc`))
      this.#add(
        'etc-missing',
        severity,
        `${deployment}/etc`,
        'the tree has defaults in usr/etc but no etc: its creation was cut off',
        'boot another entry and deploy again',
      );
    if (!this.#there(`${deployment}.origin`))
      this.#add(
        'origin-missing',
        'error',
        `${deployment}.origin`,
        'without an origin file the deployment cannot be upgraded',
        'ostree admin set-origin, or deploy again',
      );
    try {
      const { checksum } = parseDeploymentName(name);
      if (repo !== undefined && !repo.hasObject('commit', checksum))
        this.#add(
          'commit-missing',
          'error',
          deployment,
          'its commit is not in the repository: it boots, but has no version and cannot be copied or compared',
          'pull the commit again',
        );
    } catch (error) {
      if (!isCoppiceError(error)) throw error;
      this.#add('entry-link', severity, deployment, error.message, 'deploy again');
    }
  }

  #refs(repo: Repo, version: Bit, count: number): void {
    const target = this.#link(`ostree/boot.${version}`) ?? '';
    if (!/^boot\.[01]\.[01]$/.test(target)) return;
    const sub = target.endsWith('.1') ? 1 : 0;
    const refs = repo.listRefs('ostree');
    for (let i = 0; i < count; i++)
      if (!refs.has(`ostree/${version}/${sub}/${i}`))
        this.#add(
          'ref-missing',
          'error',
          `ostree/repo/refs/heads/ostree/${version}/${sub}/${i}`,
          `nothing keeps the commit of deployment ${i}: a prune of the repository would remove it`,
          'ostree admin cleanup writes the ref',
        );
  }

  #leftovers(used: ReadonlySet<string>, kernels: ReadonlySet<string>): void {
    const fs = this.#fs;
    const base = `${this.#root}/ostree/deploy`;
    for (const os of fs.stat(base) === undefined ? [] : fs.readdir(base)) {
      if (fs.stat(`${base}/${os}/deploy`) === undefined) continue;
      for (const name of fs.readdir(`${base}/${os}/deploy`)) {
        const path = `ostree/deploy/${os}/deploy/${name}`;
        if (!name.endsWith('.origin') && !used.has(path))
          this.#add(
            'leftover-deployment',
            'note',
            path,
            'no boot entry starts this tree (it may be staged for the next boot)',
            cleanup,
          );
      }
    }
    for (const { name, bootChecksum } of listBootDirectories(fs, this.#root))
      if (!kernels.has(bootChecksum))
        this.#add('leftover-kernel', 'note', `boot/ostree/${name}`, 'no boot entry uses this kernel', cleanup);
    if (this.#there('ostree/lock'))
      this.#add(
        'leftover-lock',
        'note',
        'ostree/lock',
        'someone is changing the sysroot, or was killed while doing so',
        'none needed: the file locks nothing once its holder is gone',
      );
  }
}

/** Examines the sysroot at `path`. `deep` also reads every kernel and compares checksums. */
export function checkSysroot(path: string, options: { fs?: FileSystem; deep?: boolean } = {}): Finding[] {
  const checker = new Checker(options.fs ?? hostFs, path.replace(/(.)\/+$/, '$1'), options.deep === true);
  checker.run();
  return checker.findings;
}
