// One change at a time: the sysroot's lock, and a record of who holds it for those who must wait.
import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { CoppiceError, errnoError, isCoppiceError, messageOf } from '@coppice/base';
import { readFile, removeTree, replaceFile } from '@coppice/linux';
import type { SysrootLock } from '@coppice/sysroot';
import { assemblyDir } from './cleanup.ts';
import { type Client, cancelledText } from './client.ts';
import { transactionMethod } from './transaction-method.ts';
import { followTransaction, TransactionSocket } from './transaction-socket.ts';

export interface RunningTransaction {
  readonly title: string;
  /** The original's name of what was asked for, e.g. `PkgChange`. */
  readonly method: string;
  readonly commandLine: string;
  readonly pid: number;
  /** When that process started. */
  readonly started?: string;
  readonly sender: string;
  readonly path: string;
  /** Address of the private socket on which progress can be followed. */
  readonly socket?: string;
}

/** Directory of what lives as long as the machine is up. */
export function runDir(client: Client): string {
  return client.sysroot.booted !== undefined ? '/run/rpm-ostree' : `${client.sysroot.path}/ostree/.rpm-ostree-run`;
}

/** When a process started, in clock ticks since boot: together with its number it names one process only. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFile(`/proc/${pid}/stat`, { limit: 65536 }).toString();
    // The name, in parentheses, may hold anything.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function alive({ pid, started }: RunningTransaction): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as { code?: string }).code !== 'EPERM') return false;
  }
  return started === undefined || startOf(pid) === started;
}

function isRecord(value: unknown): value is RunningTransaction {
  if (typeof value !== 'object' || value === null) return false;
  const { title, commandLine, pid, method, sender, path } = value as Record<string, unknown>;
  return (
    [title, commandLine, method, sender, path].every((v) => typeof v === 'string') &&
    typeof pid === 'number' &&
    Number.isSafeInteger(pid) &&
    pid > 0
  );
}

/** What another process is doing now; undefined when nothing runs. */
export function runningTransaction(client: Client): RunningTransaction | undefined {
  try {
    const record: unknown = JSON.parse(
      readFile(`${runDir(client)}/transaction.json`, { fs: client.fs, limit: 65536 }).toString(),
    );
    return isRecord(record) && alive(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

function takeLock(client: Client, title: string): SysrootLock {
  try {
    return client.sysroot.lock({ wait: false });
  } catch (error) {
    const { errno } = (error as CoppiceError).data ?? {};
    if (process.getuid?.() !== 0 && (errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS'))
      throw new CoppiceError(
        'Unsupported',
        `rpmostreed OS operation ${transactionMethod(title)} not allowed for user`,
        {
          cause: error,
        },
      );
    if (!isCoppiceError(error, 'Busy')) throw error;
    const running = runningTransaction(client);
    throw new CoppiceError(
      'Busy',
      `Transaction in progress: ${running?.title ?? '(unknown)'}\n You can cancel the current transaction with \`rpm-ostree cancel\``,
      { cause: error, data: { running } },
    );
  }
}

/** Runs `body` as the one transaction of the system, with its socket. Throws `Busy` when another one runs. */
export async function withTransaction<T>(client: Client, title: string, body: () => Promise<T>): Promise<T> {
  const lock = takeLock(client, title);
  const file = `${runDir(client)}/transaction.json`;
  let socket: TransactionSocket | undefined;
  let failure: unknown;
  try {
    mkdirSync(runDir(client), { recursive: true, mode: 0o755 });
    // Progress for others is worth having, but no reason to fail.
    socket = await TransactionSocket.listen(`${runDir(client)}/transaction.sock`, () => client.cancel()).catch(
      () => undefined,
    );
    client.follow((event) => socket?.send(event));
    const started = startOf(process.pid);
    const record: RunningTransaction = {
      title,
      method: transactionMethod(title),
      commandLine: client.commandLine,
      pid: process.pid,
      ...(started === undefined ? {} : { started }),
      sender: `:1.${process.pid}`,
      path: `/org/projectatomic/rpmostree1/${client.osname.replaceAll('-', '_')}`,
      ...(socket === undefined ? {} : { socket: socket.path }),
    };
    replaceFile(file, `${JSON.stringify(record)}\n`, { fs: client.fs, sync: false });
    // Another process may have changed the system between our first look and the lock.
    client.sysroot.reloadIfChanged();
    // What a killed transaction was putting together.
    removeTree(assemblyDir(client), client.fs);
    // Files keep their owners and set-user-ID bits while they are put together there.
    mkdirSync(dirname(assemblyDir(client)), { recursive: true });
    mkdirSync(assemblyDir(client), { mode: 0o700 });
    return await body();
  } catch (error) {
    failure = client.signal.aborted ? new CoppiceError('Cancelled', cancelledText, { cause: error }) : worded(error);
    throw failure;
  } finally {
    client.follow(undefined);
    socket?.send(
      failure === undefined
        ? { type: 'finished', success: true }
        : { type: 'finished', success: false, message: messageOf(failure) },
    );
    socket?.close();
    rmSync(file, { force: true });
    lock.release();
  }
}

/** An error of the system that nobody put into words yet. */
function worded(error: unknown): unknown {
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (isCoppiceError(error) || code === undefined || syscall === undefined) return error;
  return errnoError(error, path === undefined ? syscall : `${syscall}(${path})`);
}

/** Asks the running transaction to stop and waits for its end; false when none runs. */
export async function cancelTransaction(client: Client, onStart: (title: string) => void): Promise<boolean> {
  const running = runningTransaction(client);
  if (running?.socket === undefined) return false;
  onStart(running.title);
  try {
    await followTransaction(running.socket, () => {}, { cancel: true });
  } catch (error) {
    // It ended in between.
    if (runningTransaction(client) !== undefined) throw worded(error);
  }
  return true;
}

/**
 * Shows what a transaction of another process does until it ends, as the original's client does when the same was asked for
 * already. Cancelling cancels it. Throws what made it fail.
 */
export async function attachToTransaction(client: Client, running: RunningTransaction): Promise<void> {
  client.message(`Attaching to existing transaction: ${running.title}`);
  let end: { readonly success: boolean; readonly message?: string } | undefined;
  if (running.socket !== undefined)
    await followTransaction(
      running.socket,
      (event) => {
        if (event.type === 'finished') end = event;
        else client.progress(event);
      },
      { signal: client.signal },
    );
  if (end?.success === true) return;
  if (client.signal.aborted) throw new CoppiceError('Cancelled', cancelledText);
  throw new CoppiceError('Process', end?.message ?? 'The other transaction ended without a result');
}
