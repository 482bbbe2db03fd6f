// The private socket of a running transaction: whoever connects gets the events so far and those to come as JSON lines, and
// may ask to cancel with the line {"type":"cancel"}.
import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { ProgressEvent } from '@coppice/base';

/** Events kept for clients that come later. */
const backlogLimit = 1000;
/** Bytes that may wait for one client. */
const unreadLimit = 1 << 20;

export type TransactionEvent =
  | ProgressEvent
  | { readonly type: 'finished'; readonly success: boolean; readonly message?: string };

export class TransactionSocket {
  readonly path: string;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #backlog: string[] = [];

  private constructor(path: string, server: Server) {
    this.path = path;
    this.#server = server;
  }

  /** Listens at `path`, for this user only. `onCancel` is called when a client asks for it. */
  static async listen(path: string, onCancel: () => void): Promise<TransactionSocket> {
    rmSync(path, { force: true });
    const server = createServer();
    const socket = new TransactionSocket(path, server);
    server.on('connection', (client) => {
      socket.#clients.add(client);
      client.on('error', () => {});
      client.on('close', () => socket.#clients.delete(client));
      for (const line of socket.#backlog) client.write(line);
      const lines = createInterface({ input: client });
      // A client that goes away in the middle is its own business; the reader passes the error on.
      lines.on('error', () => {});
      lines.on('line', (line) => {
        if (line.length < 4096 && /"type"\s*:\s*"cancel"/.test(line)) onCancel();
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    chmodSync(path, 0o600);
    server.unref();
    return socket;
  }

  send(event: TransactionEvent): void {
    const line = `${JSON.stringify(event)}\n`;
    if (this.#backlog.length < backlogLimit) this.#backlog.push(line);
    for (const client of this.#clients) {
      client.write(line);
      // Whoever does not read is not waited for.
      if (client.writableLength > unreadLimit) client.destroy();
    }
  }

  close(): void {
    for (const client of this.#clients) client.end();
    this.#server.close();
    rmSync(this.path, { force: true });
  }
}

const eventTypes = ['begin', 'update', 'end', 'message', 'finished'];

/** Connects to a transaction and calls `onEvent` for each line until it ends. `cancel` asks it to stop, and so does `signal`. */
export async function followTransaction(
  path: string,
  onEvent: (event: TransactionEvent) => void,
  options: { readonly cancel?: boolean; readonly signal?: AbortSignal } = {},
): Promise<void> {
  const socket = connect(path);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  // The other process may be killed.
  socket.on('error', () => {});
  const cancel = (): void => {
    socket.write('{"type":"cancel"}\n');
  };
  if (options.cancel === true || options.signal?.aborted === true) cancel();
  else options.signal?.addEventListener('abort', cancel, { once: true });
  try {
    const lines = createInterface({ input: socket });
    lines.on('error', () => lines.close());
    for await (const line of lines) {
      let event: { readonly type?: unknown } | null;
      try {
        event = JSON.parse(line) as typeof event;
      } catch {
        continue;
      }
      if (typeof event === 'object' && event !== null && eventTypes.includes(event.type as string))
        onEvent(event as TransactionEvent);
    }
  } finally {
    options.signal?.removeEventListener('abort', cancel);
  }
}
