// Runs a program of a deployment: `/` is the deployment itself (a bind mount keeps device and inode), so the original's
// way to find the booted deployment works. bubblewrap makes the mounts; nothing is mounted inside the Node process.

import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { hostFs, removeTree } from '@coppice/linux';
import { type HostTool, toolBinds, toolCommand } from './host-tool.ts';
import { findProgram } from './machine.ts';
import type { Instance } from './store.ts';

/** Folder inside in which Coppice's own files are bound read-only. */
export const houseDir = '/run/coppice/house';

/** Coppice itself as seen from inside: how to start it and what must be bound for that. */
export interface House {
  /** The Node program on the host. */
  readonly node: string;
  /** Arguments before the program name, as seen from inside: options, then a main file below `houseDir`. */
  readonly main: readonly string[];
  /** Host folders and their names below `houseDir`. */
  readonly binds: Readonly<Record<string, string>>;
  /** Launcher names to put in PATH, e.g. `ostree`. */
  readonly programs: readonly string[];
}

/** Where the deployment's files are. */
export interface DeploymentDirs {
  /** The deployment's root folder. */
  readonly root: string;
  /** The stateroot's `var`. */
  readonly var: string;
}

export interface ExecOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Further host programs, callable by name. */
  readonly tools?: readonly HostTool[];
  readonly cwd?: string;
  /** Mounts `/` read-write (first boot before the root is sealed). */
  readonly writableRoot?: boolean;
}

const binDir = '/run/coppice/bin';

/** Fresh `/run` and `/tmp` for a new boot. */
export function prepareRun(instance: Pick<Instance, 'run' | 'tmp'>): void {
  for (const dir of [instance.run, instance.tmp]) {
    removeTree(dir);
    mkdirSync(dir, { recursive: true });
  }
  chmodSync(instance.tmp, 0o1777);
  // An empty a{sv}: booted through ostree, no composefs. What libostree and rpm-ostree look for.
  writeFileSync(join(instance.run, 'ostree-booted'), '');
  mkdirSync(join(instance.run, 'coppice/bin'), { recursive: true });
  writeFileSync(join(instance.run, 'coppice/instance'), '');
}

function wrapper(path: string, command: readonly string[]): void {
  const words = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const text = `#!/bin/sh\nexec ${words} "$@"\n`;
  // Rewritten only on change: several exec may run at once.
  if (hostFs.lstat(path) !== undefined) removeTree(path);
  writeFileSync(path, text, { mode: 0o755 });
  chmodSync(path, 0o755);
}

/** `systemctl` inside: asks the runner for a reboot; everything else needs a running system. */
const systemctl = `#!/bin/sh
case $1 in
  reboot) : > /run/coppice/reboot-requested ;;
  *)
    echo "systemctl: this instance is backed by a directory; '$1' needs a running system, that is a virtual machine" >&2
    exit 1
    ;;
esac
`;

/** Puts the wrappers of Coppice's commands and of the tools into the instance's `/run`. */
function installWrappers(instance: Instance, house: House, node: HostTool, tools: readonly HostTool[]): void {
  const bin = join(instance.run, 'coppice/bin');
  mkdirSync(bin, { recursive: true });
  const start = [...toolCommand(node), ...house.main];
  for (const name of house.programs) wrapper(join(bin, name), [...start, name]);
  for (const tool of tools) wrapper(join(bin, tool.name), toolCommand(tool));
  const path = join(bin, 'systemctl');
  writeFileSync(path, systemctl, { mode: 0o755 });
  chmodSync(path, 0o755);
}

/** The whole bwrap command line for `command` inside `deployment`. */
export function sandboxArguments(
  instance: Instance,
  deployment: DeploymentDirs,
  house: House,
  command: readonly string[],
  tools: { readonly node: HostTool; readonly extra: readonly HostTool[] },
  options: ExecOptions = {},
): string[] {
  const root = process.getuid?.() === 0;
  const args = [
    ...(root ? [] : ['--unshare-user', '--uid', '0', '--gid', '0', '--cap-add', 'ALL']),
    ...['--unshare-pid', '--unshare-uts', '--hostname', 'localhost', '--die-with-parent'],
    ...[options.writableRoot ? '--bind' : '--ro-bind', deployment.root, '/'],
    ...['--ro-bind', join(deployment.root, 'usr'), '/usr'],
    ...['--bind', join(deployment.root, 'etc'), '/etc'],
    ...['--bind', deployment.var, '/var'],
    ...['--bind', instance.sysroot, '/sysroot'],
    ...['--bind', join(instance.sysroot, 'boot'), '/boot'],
    ...['--proc', '/proc', '--dev', '/dev', '--ro-bind', '/sys', '/sys'],
    ...['--bind', instance.run, '/run'],
  ];
  // Trees with `tmp-is-dir: false` have /tmp -> sysroot/tmp, which then is what it is on a real machine.
  const tmp = hostFs.lstat(join(deployment.root, 'tmp'));
  if (tmp !== undefined && (tmp.mode & 0o170000) === 0o040000) args.push('--bind', instance.tmp, '/tmp');
  for (const [name, path] of Object.entries(house.binds)) args.push('--ro-bind', path, `${houseDir}/${name}`);
  for (const tool of [tools.node, ...tools.extra]) args.push(...toolBinds(tool));
  args.push('--clearenv');
  const env: Record<string, string | undefined> = {
    PATH: `${binDir}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin`,
    HOME: '/root',
    USER: 'root',
    LANG: 'C.UTF-8',
    ...options.env,
  };
  for (const [name, value] of Object.entries(env)) if (value !== undefined) args.push('--setenv', name, value);
  args.push('--chdir', options.cwd ?? '/', '--', ...command);
  return args;
}

function bwrapProgram(): string {
  const program = findProgram('bwrap');
  if (program === undefined)
    throw new CoppiceError('Unsupported', 'bwrap not found: install bubblewrap to run programs of an instance');
  return program;
}

/** Everything needed to run inside, prepared. */
export interface Sandbox {
  readonly program: string;
  readonly args: readonly string[];
}

export function prepareSandbox(
  instance: Instance,
  deployment: DeploymentDirs,
  house: House,
  node: HostTool,
  command: readonly string[],
  options: ExecOptions = {},
): Sandbox {
  const extra = options.tools ?? [];
  installWrappers(instance, house, node, extra);
  return {
    program: bwrapProgram(),
    args: sandboxArguments(instance, deployment, house, command, { node, extra }, options),
  };
}

/** Exit status of a finished child as a shell tells it. */
function statusOf(status: number | null, signal: NodeJS.Signals | null): number {
  return status ?? (signal === 'SIGKILL' ? 137 : signal === 'SIGTERM' ? 143 : 129);
}

/** Runs with the caller's terminal; resolves to the exit status. */
export function runInteractive(sandbox: Sandbox): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(sandbox.program, sandbox.args, { stdio: 'inherit' });
    // Ctrl-C reaches the child through the terminal; we stay to report its status.
    const ignore = (): void => {};
    process.on('SIGINT', ignore);
    child.on('error', reject);
    child.on('exit', (status, signal) => {
      process.off('SIGINT', ignore);
      resolve(statusOf(status, signal));
    });
  });
}

/** Runs and collects the output (64 MiB at most). */
export function runCaptured(sandbox: Sandbox): { status: number; stdout: string; stderr: string } {
  const done = spawnSync(sandbox.program, sandbox.args, { encoding: 'utf8', maxBuffer: 64 << 20 });
  if (done.error !== undefined)
    throw new CoppiceError('Process', `bwrap: ${done.error.message}`, { cause: done.error });
  return { status: statusOf(done.status, done.signal), stdout: done.stdout, stderr: done.stderr };
}
