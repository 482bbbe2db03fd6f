// A sysroot: the physical root with `ostree/repo`, `ostree/deploy` and `boot`. This class holds its state; the verbs are in
// files of their own and take it as first argument.

import { resolve } from 'node:path';
import { type Clock, CoppiceError, errnoError, prefixError, systemClock } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';
import { Repo } from '@coppice/ostree';
import type { BootConfig } from './bootconfig.ts';
import type { Bit } from './bootlinks.ts';
import { type BootLoader, type ProgramRunner, runProgram } from './bootloader/bootloader.ts';
import { chooseBootLoader } from './bootloader/choose.ts';
import { newestSysrootLevel, type SysrootCompat, type SysrootLevel, sysrootCompat } from './compat.ts';
import { type SysrootFlags, sysrootFlags } from './debugflags.ts';
import type { Deployment } from './deployment.ts';
import { readEntries } from './entries.ts';
import { type Host, hostMachine } from './host.ts';
import { loadSysroot, type SysrootState } from './load.ts';
import { type LockOptions, SysrootLock } from './lock.ts';
import { type SysrootSettings, sysrootSettings } from './settings.ts';
import { mergeDeploymentFor, pendingAndRollback } from './simplewrite.ts';
import { type FreezeThaw, fsfreeze } from './sync.ts';

export interface SysrootOptions {
  readonly fs?: FileSystem;
  readonly clock?: Clock;
  readonly compat?: SysrootLevel;
  readonly host?: Host;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Told what the original prints or writes to the journal for users. */
  readonly onMessage?: (message: string) => void;
  /** Told what only testers want to see, on the error channel. */
  readonly onDebug?: (message: string) => void;
  readonly run?: ProgramRunner;
  /** Replaces the freeze of /boot; undefined in a value means none. */
  readonly freeze?: FreezeThaw | undefined;
}

/** `MSDOS_SUPER_MAGIC` of statfs(2). */
const fatMagic = 0x4d44;

export class Sysroot {
  /** Absolute. */
  readonly path: string;
  readonly fs: FileSystem;
  readonly repo: Repo;
  readonly host: Host;
  readonly clock: Clock;
  readonly level: SysrootLevel;
  readonly compat: SysrootCompat;
  readonly flags: SysrootFlags;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly run: ProgramRunner;
  readonly freeze: FreezeThaw | undefined;
  readonly #onMessage: (message: string) => void;
  readonly #onDebug: (message: string) => void;
  #state: SysrootState;
  #loadedAt = -1;

  private constructor(path: string, options: SysrootOptions) {
    this.path = resolve(path);
    this.fs = options.fs ?? hostFs;
    this.clock = options.clock ?? systemClock;
    this.level = options.compat ?? newestSysrootLevel;
    this.compat = sysrootCompat(this.level);
    this.env = options.env ?? {};
    this.flags = sysrootFlags(this.env);
    this.host = options.host ?? hostMachine(this.fs);
    this.run = options.run ?? runProgram;
    this.#onMessage = options.onMessage ?? (() => {});
    this.#onDebug = options.onDebug ?? (() => {});
    if (this.fs.stat(this.path) === undefined) throw errnoError({ code: 'ENOENT' }, `opendir(${this.path})`);
    try {
      if (this.fs.stat(`${this.path}/ostree/repo`) === undefined)
        throw errnoError({ code: 'ENOENT' }, 'opendir(ostree/repo)');
      this.repo = this.#openRepo();
      // Freezing matters on the running system; a directory or an image is synced by its owner.
      const running = this.host.booted(this.path) !== undefined && options.fs === undefined;
      this.freeze = 'freeze' in options ? options.freeze : running ? fsfreeze : undefined;
      this.#state = this.#load();
    } catch (error) {
      throw prefixError(error, 'loading sysroot');
    }
  }

  /** Reads a sysroot. Throws `NotFound` when there is none, `Invalid` when its layout is broken; see `checkSysroot` for a diagnosis. */
  static open(path: string, options: SysrootOptions = {}): Sysroot {
    return new Sysroot(path, options);
  }

  #openRepo(): Repo {
    const { fs, level, clock, env } = this;
    try {
      return Repo.open(`${this.path}/ostree/repo`, { fs, compat: level, clock, env });
    } catch (error) {
      const told = prefixError(error, 'opening repo');
      throw this.compat.stepPrefixes ? prefixError(told, 'Opening sysroot repo') : told;
    }
  }

  #load(): SysrootState {
    const stat = this.fs.stat(`${this.path}/ostree/deploy`);
    if (stat === undefined) throw errnoError({ code: 'ENOENT' }, 'fstatat(ostree/deploy)');
    const boot = `${this.path}/boot`;
    if (this.compat.refusesFatBoot && this.fs.stat(boot) !== undefined && this.fs.usage(boot).type === fatMagic)
      throw new CoppiceError('Unsupported', '/boot cannot currently be a vfat filesystem');
    const state = loadSysroot(this.fs, this.path, this.host);
    this.#loadedAt = stat.mtimeMs;
    return state;
  }

  /** Reads everything again. */
  reload(): void {
    try {
      this.#state = this.#load();
    } catch (error) {
      throw prefixError(error, 'loading sysroot');
    }
  }

  /** Reads again when the time stamp of `ostree/deploy` moved; true then. */
  reloadIfChanged(): boolean {
    if (this.fs.stat(`${this.path}/ostree/deploy`)?.mtimeMs === this.#loadedAt) return false;
    this.reload();
    return true;
  }

  get bootVersion(): Bit {
    return this.#state.bootVersion;
  }
  get subBootVersion(): Bit {
    return this.#state.subBootVersion;
  }
  /** In menu order, a staged deployment first. */
  get deployments(): readonly Deployment[] {
    return this.#state.deployments;
  }
  get booted(): Deployment | undefined {
    return this.#state.booted;
  }
  get staged(): Deployment | undefined {
    return this.#state.staged;
  }
  get settings(): SysrootSettings {
    return sysrootSettings(this.repo.config);
  }

  /** For the verbs: the state without its staged deployment, which the caller has removed or taken over. */
  forgetStaged(): void {
    const { staged, deployments } = this.#state;
    this.#state = { ...this.#state, staged: undefined, deployments: deployments.filter((d) => d !== staged) };
  }

  /** The booted deployment. Throws `NotFound` on any other machine. */
  requireBooted(): Deployment {
    if (this.booted === undefined) throw new CoppiceError('NotFound', 'Not currently booted into an OSTree system');
    return this.booted;
  }

  /** The deployment whose configuration a new one of `osname` (default: the booted one's) takes over. */
  mergeDeployment(osname?: string): Deployment | undefined {
    const name = osname ?? this.requireBooted().osname;
    return mergeDeploymentFor(this.deployments, name, this.booted);
  }

  pendingAndRollback(osname?: string): { pending: Deployment | undefined; rollback: Deployment | undefined } {
    const name = osname ?? this.booted?.osname;
    if (name === undefined) return { pending: undefined, rollback: undefined };
    return pendingAndRollback(this.deployments, name, this.booted);
  }

  /** Absolute path of a deployment's tree. */
  deploymentPath(deployment: Deployment): string {
    return `${this.path}/${deployment.path}`;
  }

  entries(bootVersion: Bit = this.bootVersion): BootConfig[] {
    return readEntries(this.fs, this.path, bootVersion);
  }

  /** The commit's `version`, when the commit is there and has one. */
  versionOf(deployment: Deployment): string | undefined {
    return this.#metadataString(deployment, 'version');
  }

  sourceTitleOf(deployment: Deployment): string | undefined {
    return this.#metadataString(deployment, 'ostree.source-title');
  }

  #metadataString(deployment: Deployment, key: string): string | undefined {
    if (!this.repo.hasObject('commit', deployment.checksum)) return undefined;
    return this.repo.loadCommit(deployment.checksum).metadata.lookupString(key);
  }

  /** The boot loader that needs more than entries, if any. */
  bootLoader(): BootLoader | undefined {
    const settings = this.settings;
    return chooseBootLoader(settings.bootloader, {
      fs: this.fs,
      path: this.path,
      env: this.env,
      booted: this.booted !== undefined,
      defaultTree: this.deployments[0]?.path,
      bootPrefix: this.compat.bootPrefix && settings.bootPrefix,
      compat: this.compat,
      entries: (bootVersion) => this.entries(bootVersion),
      run: this.run,
      debug: (message) => this.debug(message),
    });
  }

  /** Takes the writer's lock; release it when done. Throws `Busy` with `wait: false`. */
  lock(options: LockOptions = {}): SysrootLock {
    return SysrootLock.take(this.fs, this.path, options);
  }

  /** Tells the user of this sysroot. */
  message(text: string): void {
    this.#onMessage(text);
  }
  debug(text: string): void {
    this.#onDebug(text);
  }

  /** Tells watchers that something changed: the time of `ostree/deploy`. */
  touch(): void {
    const now = this.clock.now() / 1000;
    this.fs.lutimes(`${this.path}/ostree/deploy`, now, now);
  }
}
