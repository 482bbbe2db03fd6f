// One change at a time: the sysroot's lock, and a record of who holds it for those who must wait.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CoppiceError, errnoError, isCoppiceError } from '@coppice/base';
import { readFile, removeTree } from '@coppice/linux';
import { assemblyDir } from './cleanup.ts';
import type { Client } from './client.ts';
import { followTransaction, TransactionSocket } from './transaction-socket.ts';

export interface RunningTransaction {
  readonly title: string;
  readonly commandLine: string;
  readonly pid: number;
  readonly sender: string;
  readonly path: string;
  /** Address of the private socket on which progress can be followed. */
  readonly socket?: string;
}

/** Directory of what lives as long as the machine is up. */
export function runDir(client: Client): string {
  return client.sysroot.booted !== undefined ? '/run/rpm-ostree' : `${client.sysroot.path}/ostree/.rpm-ostree-run`;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}

/** What another process is doing now; undefined when nothing runs. */
export function runningTransaction(client: Client): RunningTransaction | undefined {
  try {
    const record = JSON.parse(
      readFile(`${runDir(client)}/transaction.json`, { fs: client.fs, limit: 65536 }).toString(),
    ) as RunningTransaction;
    return alive(record.pid) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Runs `body` as the one transaction of the system, with its socket. Throws `Busy` when another one runs. */
export async function withTransaction<T>(client: Client, title: string, body: () => Promise<T>): Promise<T> {
  const lock = (() => {
    try {
      return client.sysroot.lock({ wait: false });
    } catch (error) {
      if (!isCoppiceError(error, 'Busy')) throw error;
      const running = runningTransaction(client);
      throw new CoppiceError(
        'Busy',
        `Transaction in progress: ${running?.title ?? 'unknown'}\n You can cancel the current transaction with \`rpm-ostree cancel\``,
        { cause: error },
      );
    }
  })();
  const file = `${runDir(client)}/transaction.json`;
  let socket: TransactionSocket | undefined;
  let success = false;
  try {
    mkdirSync(runDir(client), { recursive: true, mode: 0o700 });
    // Progress for others is worth having, but no reason to fail.
    socket = await TransactionSocket.listen(`${runDir(client)}/transaction.sock`, () => client.cancel()).catch(
      () => undefined,
    );
    client.follow((event) => socket?.send(event));
    const record: RunningTransaction = {
      title,
      commandLine: client.commandLine,
      pid: process.pid,
      sender: `:1.${process.pid}`,
      path: `/org/projectatomic/rpmostree1/${client.osname.replaceAll('-', '_')}`,
      ...(socket === undefined ? {} : { socket: socket.path }),
    };
    writeFileSync(file, `${JSON.stringify(record)}\n`);
    // Another process may have changed the system between our first look and the lock.
    client.sysroot.reloadIfChanged();
    // What a killed transaction was putting together.
    removeTree(assemblyDir(client), client.fs);
    // Files keep their owners and set-user-ID bits while they are put together there.
    mkdirSync(dirname(assemblyDir(client)), { recursive: true });
    mkdirSync(assemblyDir(client), { mode: 0o700 });
    const result = await body();
    success = true;
    return result;
  } catch (error) {
    throw worded(error);
  } finally {
    client.follow(undefined);
    socket?.send({ type: 'finished', success });
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
  await followTransaction(running.socket, () => {}, { cancel: true });
  return true;
}
