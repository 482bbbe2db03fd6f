// Where wrapped programs are called: on a node, in a container image of one, or elsewhere; and how the real ones are run.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { wrappedDirectory } from '@coppice/rpm-ostree';
import type { Context } from '../../cli/context.ts';
import { mountedReadOnly } from '../mounted-read-only.ts';

export type HostType = 'ostree-host' | 'ostree-container' | 'other';

/** What surrounds a call; tests have a root of their own. */
export interface WrapHost {
  readonly context: Context;
  readonly root: string;
  readonly type: HostType;
  /** Whether /usr can be written to. */
  readonly unlocked: boolean;
  readonly privileged: boolean;
  run(program: string, args: readonly string[], cwd?: string): SpawnSyncReturns<Buffer>;
  wait(seconds: number): void;
}

/** What kind of system a root is. */
export function typeOf(root: string): HostType {
  if (existsSync(join(root, 'run/ostree-booted'))) return 'ostree-host';
  const contained = ['run/.containerenv', '.dockerenv'].some((p) => existsSync(join(root, p)));
  const config = ['sysroot/ostree/repo/config', 'ostree/repo/config']
    .map((p) => join(root, p))
    .find((p) => existsSync(p));
  return contained && config !== undefined && /^mode=bare-split-xattrs$/m.test(readFileSync(config, 'utf8'))
    ? 'ostree-container'
    : 'other';
}

/** The machine this runs on. */
export function thisHost(context: Context, root = '/'): WrapHost {
  return {
    context,
    root,
    type: typeOf(root),
    get unlocked() {
      return !mountedReadOnly(join(root, 'usr'));
    },
    privileged: process.getuid?.() === 0,
    run: (program, args, cwd) =>
      spawnSync(program, args, { stdio: 'inherit', env: { ...context.env }, ...(cwd === undefined ? {} : { cwd }) }),
    wait: (seconds) => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000);
    },
  };
}

/** Runs a program and gives its exit status, as if it had been called. */
export function runProgram(host: WrapHost, program: string, args: readonly string[], cwd?: string): number {
  const done = host.run(program, args, cwd);
  if (done.error !== undefined) throw new CoppiceError('NotFound', `${program}: ${done.error.message}`);
  return done.status ?? 1;
}

export const realPath = ({ root }: WrapHost, name: string): string => join(root, wrappedDirectory, name);

/** Runs the real program. */
export function runReal(host: WrapHost, name: string, args: readonly string[]): number {
  return runProgram(host, realPath(host, name), args);
}

export const imageBased = 'Note: This system is image (rpm-ostree) based.';
const delay = 5;

/** Runs the real program as user `bin` without capabilities, after a warning when what it was asked may do harm. */
export function runUnprivileged(host: WrapHost, warn: boolean, name: string, args: readonly string[]): number {
  const { stderr } = host.context;
  if (warn) {
    const say = (text: string): void => stderr.write(`rpm-ostree: ${text}\n`);
    say(imageBased);
    say(
      host.privileged
        ? `Dropping privileges as \`${name}\` was executed with not "known safe" arguments.`
        : `Wrapped binary "${name}" was executed with not "known safe" arguments.`,
    );
    say(`You may invoke the real \`${name}\` binary in \`/${wrappedDirectory}/${name}\`.`);
    say(`Continuing execution in ${delay} seconds.\n`);
    stderr.flush();
    host.wait(delay);
  }
  if (!host.privileged) return runReal(host, name, args);
  const drop = ['--no-new-privs', '--reuid=bin', '--regid=bin', '--init-groups', '--bounding-set', '-all', '--'];
  return runProgram(host, 'setpriv', [...drop, realPath(host, name), ...args], '/');
}
