// The system that a command works on: a sysroot, one stateroot of it, and what the command was given of the world.
import { setImmediate } from 'node:timers/promises';
import { type Clock, CoppiceError, type Progress, silentProgress, systemClock } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';
import type { HelperThread, Repo } from '@coppice/ostree';
import { type Deployment, type Host, Sysroot } from '@coppice/sysroot';
import { type RpmOstreeCompat, rpmOstreeLevel } from '../compat.ts';
import { emptyOrigin, type Origin, parseOrigin } from '../origin.ts';

export interface ClientOptions {
  /** Path of the sysroot; undefined is the running system's `/`, which must have been booted through ostree. */
  readonly sysroot?: string;
  readonly stateroot?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly fs?: FileSystem;
  /** What the running machine knows of its deployment. */
  readonly host?: Host;
  readonly clock?: Clock;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  /** A second thread that helps with deployments; the caller closes it. */
  readonly helper?: HelperThread;
  /** Starts a reboot; see `rebootSystem`. */
  readonly reboot?: () => void;
  /** The command line, for histories and for others who wait. */
  readonly commandLine?: string;
}

export const cancelledText = 'Operation was cancelled';

const notBooted =
  'This system was not booted via libostree.\nCurrently, most rpm-ostree commands only work on ostree-based host systems.';

export class Client {
  readonly sysroot: Sysroot;
  readonly osname: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly fs: FileSystem;
  readonly clock: Clock;
  /** What happens, for whoever shows it; see `muted`. */
  readonly progress: Progress;
  /** Aborted when the user or another client cancels. */
  readonly signal: AbortSignal;
  readonly compat: RpmOstreeCompat;
  readonly commandLine: string;
  readonly helper: HelperThread | undefined;
  readonly #reboot: (() => void) | undefined;
  readonly #controller = new AbortController();
  #follower: Progress | undefined;
  #muted = false;

  private constructor(sysroot: Sysroot, osname: string, options: ClientOptions) {
    this.sysroot = sysroot;
    this.osname = osname;
    this.env = options.env ?? {};
    this.fs = options.fs ?? hostFs;
    this.clock = options.clock ?? systemClock;
    const progress = options.progress ?? silentProgress;
    this.progress = (event) => {
      this.#follower?.(event);
      if (!this.#muted) progress(event);
    };
    this.signal =
      options.signal === undefined
        ? this.#controller.signal
        : AbortSignal.any([options.signal, this.#controller.signal]);
    this.compat = rpmOstreeLevel(this.env);
    this.commandLine = options.commandLine ?? '';
    this.helper = options.helper;
    this.#reboot = options.reboot;
  }

  /** Throws `NotFound` when there is no such system or stateroot. */
  static open(options: ClientOptions = {}): Client {
    const fs = options.fs ?? hostFs;
    if (options.sysroot === undefined && fs.stat('/run/ostree-booted') === undefined) {
      const container = options.env?.['container'];
      throw new CoppiceError(
        'NotFound',
        container === undefined
          ? notBooted
          : notBooted.replace('libostree.', `libostree; found container=${container} environment variable.`),
      );
    }
    let client: Client | undefined;
    const compat = rpmOstreeLevel(options.env ?? {});
    const sysroot = Sysroot.open(options.sysroot ?? '/', {
      fs,
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      ...(options.host === undefined ? {} : { host: options.host }),
      env: options.env ?? {},
      onMessage(message) {
        const text = compat.bootversionInSummary ? message : message.replace(/ bootversion: [^,]*,/, '');
        // What libostree writes to the journal; the original forwards only the summary of the swap.
        if (/bootconfig swap/.test(text)) client?.progress({ type: 'message', text });
      },
    });
    const osname = options.stateroot ?? sysroot.booted?.osname ?? sysroot.deployments[0]?.osname;
    if (osname === undefined) throw new CoppiceError('NotFound', 'No deployments found');
    if (!sysroot.deployments.some((d) => d.osname === osname))
      throw new CoppiceError('NotFound', `OS name "${osname}" not found`);
    client = new Client(sysroot, osname, options);
    return client;
  }

  get repo(): Repo {
    return this.sysroot.repo;
  }

  get booted(): Deployment | undefined {
    return this.sysroot.booted;
  }

  /** Deployments of this stateroot in menu order. */
  get deployments(): readonly Deployment[] {
    return this.sysroot.deployments.filter((d) => d.osname === this.osname);
  }

  /** The deployment whose origin the next one continues: the first of the stateroot, so that pending changes add up. */
  get originMerge(): Deployment {
    const first = this.deployments[0];
    if (first === undefined) throw new CoppiceError('NotFound', 'No deployments found');
    return first;
  }

  origin(deployment: Deployment): Origin {
    return deployment.origin === undefined ? emptyOrigin : parseOrigin(deployment.origin.keyFile);
  }

  message(text: string): void {
    this.progress({ type: 'message', text });
  }

  /** Runs one step with its begin and end events. */
  async step<T>(step: string, body: () => Promise<T> | T, done?: (result: T) => string): Promise<T> {
    this.progress({ type: 'begin', step });
    const result = await body();
    this.progress(done === undefined ? { type: 'end', step } : { type: 'end', step, text: done(result) });
    return result;
  }

  /** Runs `body` without showing its steps. */
  async muted<T>(body: () => Promise<T>): Promise<T> {
    this.#muted = true;
    try {
      return await body();
    } finally {
      this.#muted = false;
    }
  }

  /** Another listener to everything that happens, muted or not. */
  follow(listener: Progress | undefined): void {
    this.#follower = listener;
  }

  cancel(): void {
    this.#controller.abort();
  }

  checkCancelled(): void {
    if (this.signal.aborted) throw new CoppiceError('Cancelled', cancelledText);
  }

  /** Waits for `work`, unless it is cancelled: then `stop` is called and `Cancelled` thrown. */
  async unlessCancelled<T>(work: Promise<T>, stop: () => void = () => {}): Promise<T> {
    this.checkCancelled();
    let onAbort = (): void => {};
    const cancelled = new Promise<never>((_resolve, reject) => {
      onAbort = () => {
        stop();
        reject(new CoppiceError('Cancelled', cancelledText));
      };
    });
    this.signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([work, cancelled]);
    } finally {
      this.signal.removeEventListener('abort', onAbort);
    }
  }

  /** Lets signals and other clients be heard between two pieces of work. */
  async pause(): Promise<void> {
    await setImmediate();
    this.checkCancelled();
  }

  reboot(): void {
    this.#reboot?.();
  }
}
