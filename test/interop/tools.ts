// What tests against the original tools share: which tools they need, and ports for servers.
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';

const inCi = (process.env['CI'] ?? '') !== '';

/** Why these tests cannot run here; undefined when they can, and always in CI, where a missing tool is a failure. */
export function missingTools(...tools: string[]): string | undefined {
  const missing = tools.filter((t) => spawnSync('sh', ['-c', `command -v ${t}`]).status !== 0);
  return missing.length === 0 || inCi ? undefined : `needs ${missing.join(', ')}`;
}

/** A port of the loopback that was free a moment ago, for servers that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
