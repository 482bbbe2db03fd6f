// What every verb that changes the system shares: opening it, showing the transaction, and what is said at the end.

import { spawnSync } from 'node:child_process';
import { readSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { CoppiceError, isCoppiceError } from '@coppice/base';
import { HelperThread } from '@coppice/ostree';
import {
  attachToTransaction,
  Client,
  type DeployOutcome,
  diffCommits,
  formatPackageDiff,
  type RunningTransaction,
  readDaemonConfig,
  rebootSystem,
  withTransaction,
} from '@coppice/rpm-ostree';
import { type Context, Exit } from '../cli/context.ts';
import { inheritedStdio } from '../cli/progress-fd.ts';
import { type TransactionText, transactionText } from './transaction-text.ts';
import type { VerbCall } from './verb.ts';

export interface OpenSystem {
  readonly client: Client;
  readonly text: TransactionText;
  readonly call: VerbCall;
}

/**
 * Without root, a system whose repository keeps owners in attributes is changed as root of a user namespace: its files may
 * be unreadable to their owner (mode 0000). Replaces this process by one in there; returns when that is not needed.
 */
function enterUserNamespace(call: VerbCall): void {
  const { context, options } = call;
  const sysroot = options.string('sysroot');
  if (sysroot === undefined || process.getuid?.() === 0 || context.env['COPPICE_USERNS'] !== undefined) return;
  const result = spawnSync('unshare', ['-Ur', process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
    stdio: inheritedStdio(context.progressFd),
    env: { ...context.env, COPPICE_USERNS: '1' },
  });
  // Where namespaces are not allowed the change is tried as it is.
  if (result.error === undefined && result.status !== null) throw new Exit(result.status);
}

/** Opens the system named by --sysroot and --stateroot. SIGINT cancels what runs. */
export function openSystem(call: VerbCall): OpenSystem {
  enterUserNamespace(call);
  const { context, options } = call;
  const controller = new AbortController();
  let text: TransactionText | undefined;
  const client = Client.open({
    ...(options.string('sysroot') === undefined ? {} : { sysroot: options.string('sysroot')! }),
    ...((options.string('stateroot') ?? options.string('os')) === undefined
      ? {}
      : { stateroot: (options.string('stateroot') ?? options.string('os'))! }),
    env: context.env,
    commandLine: call.commandLine,
    reboot: rebootSystem,
    signal: controller.signal,
    // A second thread, if there is a second processor; it starts only when there is enough to do.
    ...(availableParallelism() > 1 ? { helper: new HelperThread() } : {}),
    progress: (event) => text?.progress(event),
  });
  text = transactionText(context, client.compat, options.flag('quiet'));
  let interrupted = false;
  process.on('SIGINT', () => {
    const { stderr } = context;
    stderr.write(interrupted ? 'Awaiting transaction cancellation...\n' : 'Caught SIGINT, cancelling transaction\n');
    stderr.flush();
    interrupted = true;
    controller.abort();
  });
  return { client, text, call };
}

/** Shows another process's transaction to its end, then what is said after one's own. Always ends the command. */
async function attach({ client, text, call }: OpenSystem, running: RunningTransaction): Promise<never> {
  const before = client.deployments[0];
  try {
    await attachToTransaction(client, running);
  } catch (error) {
    text.abort();
    throw error;
  }
  client.sysroot.reload();
  const after = client.deployments[0];
  if (after === undefined || (after.name === before?.name && after.staged === before.staged))
    throw new Exit(call.options.flag('unchanged-exit-77') ? 77 : 0);
  if (!call.options.flag('reboot')) {
    printPending({ client, text }, before?.checksum ?? after.checksum);
    const upgrades = ['Upgrade', 'Deploy', 'UpdateDeployment', 'InitramfsEtc', 'SetInitramfsState'];
    text.line(upgrades.includes(running.method) ? client.compat.upgradeRebootHint : client.compat.rebootHint);
  }
  throw new Exit(0);
}

/** Runs a change as the transaction `title`; a step cut short by an error ends its line first. */
export async function inTransaction<T>(
  { client, text, call }: OpenSystem,
  title: string,
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await withTransaction(client, title, body);
  } catch (error) {
    const running = isCoppiceError(error, 'Busy')
      ? (error.data['running'] as RunningTransaction | undefined)
      : undefined;
    // The same that was asked for is shown, and its end is this one's.
    if (running !== undefined && running.commandLine === client.commandLine) {
      text.abort();
      return await attach({ client, text, call }, running);
    }
    text.abort();
    throw error;
  } finally {
    client.helper?.close();
  }
}

/** Asks whether to go on, as far as somebody is there to answer. Throws `Cancelled`. */
export function confirmOrAbort({ stdout }: Context, read: () => string = readLine): void {
  stdout.write('Continue? [y/N] ');
  if (!/^y(es)?$/i.test(read().trim())) throw new CoppiceError('Cancelled', 'Operation aborted');
}

/** One line of standard input, at most so long. */
function readLine(): string {
  const buffer = Buffer.alloc(256);
  return buffer.toString('utf8', 0, readSync(0, buffer));
}

/** Throws when an update agent has taken over updates. */
export function refuseWithDriver(client: Client, bypass: boolean): void {
  const { driver } = readDaemonConfig(client);
  if (driver === undefined || bypass) return;
  throw new CoppiceError(
    'Conflict',
    `Updates and deployments are driven by ${driver.name}\nSee ${driver.name}'s documentation at the following location for more information:\n${driver.unit}\nUse --bypass-driver to bypass the updates driver and perform the operation anyways.`,
  );
}

export interface FinishOptions {
  readonly reboot: boolean;
  readonly unchangedExit77: boolean;
  /** Last line; the level's for this verb. */
  readonly hint: string;
  /** Said when nothing changed. */
  readonly unchanged?: string;
  /** Whether packages that differ are told (default). */
  readonly diff?: boolean;
  /** Said before the hint. */
  readonly note?: string;
}

/** The package difference and the hint, or the reboot, or exit status 77. */
export function finishChange(
  { client, text }: Omit<OpenSystem, 'call'>,
  outcome: DeployOutcome,
  options: FinishOptions,
): number {
  if (!outcome.changed) {
    if (outcome.downloaded === true) text.line('Update downloaded.');
    else if (options.unchanged !== undefined) text.line(options.unchanged);
    return options.unchangedExit77 ? 77 : 0;
  }
  if (options.reboot) {
    client.reboot();
    return 0;
  }
  if (options.diff !== false) printPending({ client, text }, outcome.previous.checksum);
  if (options.note !== undefined) text.line(options.note);
  text.line(options.hint);
  return 0;
}

/** Packages of the new default deployment against those of the booted one (or the one before, on a sysroot that is not booted). */
export function printPending({ client, text }: Omit<OpenSystem, 'call'>, before: string): void {
  const next = client.deployments[0];
  const from = client.booted?.checksum ?? before;
  if (next === undefined || next.checksum === from) return;
  const diff = formatPackageDiff(diffCommits(client.repo, from, next.checksum));
  if (diff !== '') text.line(diff.trimEnd());
}
