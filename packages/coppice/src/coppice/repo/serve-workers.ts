import type { Context } from '../../cli/context.ts';

// Node takes its own mark out of the environment.
const mark = 'COPPICE_SERVE_WORKER';

/** Whether this process was started by `serveWithWorkers`. */
export function isWorker(): boolean {
  return process.env[mark] !== undefined;
}

/**
 * Runs this same command in several processes that share the port. One that dies later is replaced; one that cannot start
 * has said why, and ends the command. Prints the address once all listen, and calls `onListening` with the port.
 */
export async function serveWithWorkers(
  context: Context,
  count: number,
  scheme: 'http' | 'https',
  onListening: (port: number) => void,
): Promise<number> {
  // The module is its own default export, whether it is imported or asked for.
  const loaded = process.getBuiltinModule('node:cluster');
  const cluster = loaded.default ?? (loaded as unknown as typeof loaded.default);
  let listening = 0;
  let ending = false;
  const all = (signal: NodeJS.Signals): void => {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill(signal);
  };
  return new Promise((resolve) => {
    let status = 0;
    const end = (): void => {
      ending = true;
      if (Object.keys(cluster.workers ?? {}).length === 0) resolve(status);
      else all('SIGTERM');
    };
    cluster.on('listening', (_worker, { address, port }) => {
      listening++;
      if (listening !== count) return;
      context.stdout.write(`${scheme}://${address.includes(':') ? `[${address}]` : address}:${port}/\n`);
      context.stdout.flush();
      onListening(port);
    });
    cluster.on('exit', (_worker, code) => {
      if (!ending && listening < count) {
        status = code === 0 ? 1 : code;
        end();
      } else if (ending) end();
      else cluster.fork({ [mark]: '1' });
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
    for (let i = 0; i < count; i++) cluster.fork({ [mark]: '1' });
  });
}
