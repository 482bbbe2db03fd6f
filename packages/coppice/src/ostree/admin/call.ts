// What every `ostree admin` verb has in common: `--sysroot`, the lock, who may call it.

import { resolve } from 'node:path';
import { CoppiceError, errnoError, messageOf, prefixError } from '@coppice/base';
import type { OstreeLevel } from '@coppice/ostree';
import { type Deployment, Sysroot, type SysrootLock } from '@coppice/sysroot';
import type { Context } from '../../cli/context.ts';
import { Exit } from '../../cli/context.ts';
import type { GOption, GOptions } from '../../cli/goption.ts';
import type { ByLevel, OstreeCall, OstreeVerb } from '../verb.ts';

/** `--sysroot` and `--print-current-dir`, which every verb takes. */
export const adminOptions: readonly GOption[] = [
  { long: 'sysroot', arg: 'PATH', filename: true, help: 'Create a new OSTree sysroot at PATH' },
  { long: 'print-current-dir', help: 'Display current root path', hidden: true },
];

export interface AdminCall extends OstreeCall {
  /** Opened with the lock held, unless the verb is `unlocked`. */
  readonly sysroot: Sysroot;
}

export interface AdminVerb {
  readonly params?: ByLevel<string>;
  readonly summary?: ByLevel<string>;
  options?(level: OstreeLevel): readonly GOption[];
  /** Only root may call it on the running system. */
  readonly superuser?: boolean;
  /** Reads only, or locks for itself. */
  readonly unlocked?: boolean;
  /** Checks of the command line that come before the sysroot is opened. */
  run(call: AdminCall): Promise<number | undefined> | number | undefined | Promise<void> | void;
}

/** Absolute path of the sysroot asked for: `--sysroot`, $OSTREE_SYSROOT, `/`. */
export function sysrootPath(context: Context, options: GOptions): string {
  if (options.string('sysroot') === '') throw errnoError({ code: 'EFAULT' }, 'opendir((null))');
  return resolve(context.cwd, options.string('sysroot') ?? context.env['OSTREE_SYSROOT'] ?? '/');
}

export function openSysroot(context: Context, level: OstreeLevel, path: string): Sysroot {
  return Sysroot.open(path, {
    compat: level,
    env: context.env,
    onMessage: (message) => context.stdout.write(`${message}\n`),
    onDebug: (message) => {
      context.stdout.flush();
      context.stderr.write(`${message}\n`);
    },
  });
}

/** Prints the path of the default deployment and ends. */
export function printCurrentDir(context: Context, sysroot: Sysroot): never {
  const first = sysroot.deployments[0];
  if (first === undefined) throw new CoppiceError('NotFound', 'Unable to find a deployment in sysroot');
  context.stdout.write(`${sysroot.deploymentPath(first)}\n`);
  throw new Exit(0);
}

/** Makes a verb of the `ostree` table. */
export function adminVerb(verb: AdminVerb): OstreeVerb {
  return {
    ...(verb.params === undefined ? {} : { params: verb.params }),
    ...(verb.summary === undefined ? {} : { summary: verb.summary }),
    repo: 'none',
    options: (level) => [...adminOptions, ...(verb.options?.(level) ?? [])],
    async run(call) {
      let lock: SysrootLock | undefined;
      try {
        let sysroot: Sysroot;
        try {
          sysroot = openSysroot(call.context, call.level, sysrootPath(call.context, call.options));
        } catch (error) {
          throw isOld(call.level) ? error : newerWords(error, verb.unlocked !== true || verb.superuser === true);
        }
        if (verb.superuser === true && sysroot.booted !== undefined && process.geteuid?.() !== 0)
          throw new CoppiceError('Permission', 'You must be root to perform this command');
        if (verb.unlocked !== true) {
          lock = sysroot.lock({
            onWait: () => {
              call.context.stdout.write('Waiting for sysroot lock...\n');
              call.context.stdout.flush();
            },
          });
          // Someone else may have changed it between opening and locking.
          sysroot.reloadIfChanged();
        }
        if (call.options.flag('print-current-dir')) printCurrentDir(call.context, sysroot);
        // The call of the frame has getters, which a spread would read.
        const own = Object.create(call, { sysroot: { value: sysroot } }) as AdminCall;
        return (await verb.run(own)) ?? undefined;
      } finally {
        lock?.release();
      }
    },
  };
}

/** What the newest release says of a sysroot that cannot be opened; it locks first where it locks. */
function newerWords(error: unknown, locks: boolean): unknown {
  const message = messageOf(error);
  if (message.startsWith('opendir(')) return prefixError(error, 'Initializing sysroot');
  if (!message.startsWith('loading sysroot: opendir(ostree/repo)')) return error;
  if (locks) return new CoppiceError('NotFound', 'No such file or directory', { cause: error });
  return prefixError(
    prefixError(errnoError({ code: 'ENOENT' }, 'opendir(ostree/repo)'), 'Opening sysroot repo'),
    'loading sysroot',
  );
}

/** The deployment at an index as `atoi` reads it. Throws `NotFound` with the original's words. */
export function indexedDeployment(sysroot: Sysroot, index: number): Deployment {
  if (index < 0) throw new CoppiceError('Usage', `Invalid index ${index}`);
  const found = sysroot.deployments[index];
  if (found === undefined)
    throw new CoppiceError(
      'NotFound',
      `Out of range deployment index ${index}, expected < ${sysroot.deployments.length}`,
    );
  return found;
}

/** C's `atoi`: leading digits count, anything else is 0. */
export function atoi(text: string): number {
  return Number(/^\s*([+-]?[0-9]+)/.exec(text)?.[1] ?? '0');
}

/** Throws unless the sysroot is booted or a stateroot was named. */
export function requireBootedOrOs(sysroot: Sysroot, osname: string | undefined): void {
  if (sysroot.booted === undefined && osname === undefined)
    throw new CoppiceError('NotFound', 'Not currently booted into an OSTree system and no --os= argument given');
}

/** Replaces this process by a reboot of the machine. */
export async function reboot(sysroot: Sysroot): Promise<void> {
  if (sysroot.booted === undefined) return;
  const { spawnSync } = await import('node:child_process');
  const result = spawnSync('systemctl', ['reboot'], { stdio: 'inherit' });
  if (result.status !== 0) throw new CoppiceError('Process', 'Failed to execute systemctl reboot');
}

export function isOld(level: OstreeLevel): boolean {
  return level !== '2026.4';
}
