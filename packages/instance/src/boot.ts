// What happens between two states of a running machine: shutdown finalizes what is staged, the boot loader's entries decide
// what comes up, the first boot carries out the Ignition config.

import { unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { hostFs, readFile } from '@coppice/linux';
import { type BootTarget, followBootLoader } from './boot-loader.ts';
import { type HostTool, hostTool } from './host-tool.ts';
import { findProgram } from './machine.ts';
import {
  type DeploymentDirs,
  type ExecOptions,
  type House,
  prepareRun,
  prepareSandbox,
  runCaptured,
  type Sandbox,
} from './sandbox.ts';
import { type Instance, saveInstance } from './store.ts';

/** Marks that the next boot is the first; as on Fedora CoreOS, where Ignition's units look for it. */
const firstBootStamp = 'ignition.firstboot';

/**
 * Deployment roots of an instance stay without the immutable flag: its `/` is mounted read-only anyway, and a folder in
 * someone's home must be removable by ordinary means.
 */
export const instanceEnvironment = { OSTREE_SYSROOT_DEBUG: 'mutable-deployments' } as const;

export interface BootOptions {
  readonly house: House;
  /** Files that the source wants in place before the user's config, by path. */
  readonly firstBootFiles?: Readonly<Record<string, string | Uint8Array>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Path of the booted deployment below the physical root. */
function bootedPath(instance: Instance): string {
  const [osname, name] = instance.record.booted.split('/');
  return `ostree/deploy/${osname}/deploy/${name}`;
}

/** Folders of the booted deployment. Throws `NotFound` when it was removed from outside. */
export function bootedDirs(instance: Instance): DeploymentDirs {
  const root = join(instance.sysroot, bootedPath(instance));
  if (hostFs.lstat(root) === undefined) {
    throw new CoppiceError(
      'NotFound',
      `Instance ${instance.record.name}: its booted deployment is gone; boot again with: coppice instance reboot ${instance.record.name}`,
    );
  }
  return { root, var: join(instance.sysroot, 'ostree/deploy', instance.record.booted.split('/')[0]!, 'var') };
}

/** Host programs that Coppice's own commands need inside: bubblewrap runs package scripts in a sandbox of their own. */
function sandboxTools(): HostTool[] {
  const bwrap = findProgram('bwrap');
  return bwrap === undefined ? [] : [hostTool(bwrap)];
}

/** A command inside the booted deployment, ready to run. */
export function instanceSandbox(
  instance: Instance,
  house: House,
  command: readonly string[],
  options: ExecOptions = {},
): Sandbox {
  return prepareSandbox(instance, bootedDirs(instance), house, hostTool(house.node, 'node'), command, {
    ...options,
    env: { ...instanceEnvironment, ...options.env },
    tools: [...sandboxTools(), ...(options.tools ?? [])],
  });
}

/** `data:` URL of bytes (RFC 2397). */
function dataUrl(content: string | Uint8Array): string {
  return `data:;base64,${Buffer.from(content).toString('base64')}`;
}

/** The source's files as a config that merges the user's over them, as the base configs of a platform do. */
function firstBootConfig(files: Readonly<Record<string, string | Uint8Array>>, user: Uint8Array): string {
  return JSON.stringify({
    ignition: { version: '3.0.0', config: { merge: [{ source: dataUrl(user) }] } },
    storage: {
      files: Object.entries(files).map(([path, content]) => ({
        path,
        mode: 0o644,
        overwrite: true,
        contents: { source: dataUrl(content) },
      })),
    },
  });
}

/**
 * What a booting system does to its own file systems before anyone logs in: tmpfiles.d fills /var; on the first boot the
 * Ignition config is carried out and units are enabled by their presets. It runs inside, on `/`.
 */
function startUp(instance: Instance, target: BootTarget, options: BootOptions): void {
  const stamp = join(instance.sysroot, 'boot', firstBootStamp);
  const first = hostFs.lstat(stamp) !== undefined;
  const config = join(instance.run, 'coppice/config.ign');
  if (first) {
    const user = readFile(join(instance.dir, 'config.ign'), { limit: 64 << 20 });
    writeFileSync(config, firstBootConfig(options.firstBootFiles ?? {}, user), { mode: 0o600 });
  }
  const oneId = instance.record.storage === 'bare-user' && !instance.record.subordinate;
  const command = [
    ...['coppice', 'instance', 'start-up'],
    ...(first ? ['--first-boot', '/run/coppice/config.ign'] : []),
    ...(oneId ? ['--no-owners'] : []),
  ];
  const dirs = { root: target.root, var: target.var };
  const node = hostTool(options.house.node, 'node');
  const done = runCaptured(prepareSandbox(instance, dirs, options.house, node, command, { env: options.env ?? {} }));
  if (done.status !== 0) throw new CoppiceError('Invalid', `${first ? 'first boot' : 'boot'}: ${lastLine(done)}`);
  if (!first) return;
  unlinkSync(config);
  unlinkSync(stamp);
}

/**
 * What the shutdown of a real machine does: `ostree admin finalize-staged`, inside, where files of every mode can be read.
 * A deployment that was removed from outside has nothing to finalize.
 */
function shutDown(instance: Instance, options: BootOptions): void {
  const staged = join(instance.run, 'ostree/staged-deployment');
  if (instance.record.booted === '' || hostFs.lstat(staged) === undefined) return;
  if (hostFs.lstat(join(instance.sysroot, bootedPath(instance))) === undefined) return;
  const sandbox = instanceSandbox(instance, options.house, ['ostree', 'admin', 'finalize-staged'], {
    env: options.env ?? {},
  });
  const done = runCaptured(sandbox);
  if (done.status !== 0) throw new CoppiceError('Process', `finalizing the staged deployment: ${lastLine(done)}`);
}

/** The message of a failed command. */
function lastLine(done: { readonly status: number; readonly stderr: string }): string {
  const line = done.stderr.trim().split('\n').at(-1) ?? '';
  return line.replace(/^error: /, '') || `exit status ${done.status}`;
}

/** Shuts down what runs (finalizes a staged deployment) and boots what the boot entries say. Returns the instance as it is now. */
export function bootInstance(instance: Instance, options: BootOptions): Instance {
  shutDown(instance, options);
  const target = followBootLoader(instance.sysroot);
  prepareRun(instance);
  startUp(instance, target, options);
  return saveInstance(instance.dir, {
    ...instance.record,
    booted: `${target.osname}/${target.name}`,
    boots: instance.record.boots + 1,
  });
}

/** True when a program inside asked for a reboot; the request is taken. */
export function takeRebootRequest(instance: Instance): boolean {
  const path = join(instance.run, 'coppice/reboot-requested');
  if (hostFs.lstat(path) === undefined) return false;
  unlinkSync(path);
  return true;
}
