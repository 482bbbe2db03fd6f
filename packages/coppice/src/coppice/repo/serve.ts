import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { CoppiceError, errnoError } from '@coppice/base';
import { serveStatic } from '@coppice/http';
import { Repo } from '@coppice/ostree';
import type { Context } from '../../cli/context.ts';
import type { SubVerbModule } from '../sub-verbs.ts';
import { AccessLog } from './access-log.ts';
import { isWorker, serveWithWorkers } from './serve-workers.ts';

/** Objects and deltas never change under their name; refs and summaries must be asked for again. */
export function cacheControl(path: string): string {
  if (/^(objects|deltas)\//.test(path) && !path.endsWith('.commitmeta')) return 'public, max-age=31536000, immutable';
  return 'no-cache';
}

const compressible = /^(summary|summary\.sig|config|delta-indexes\/.*)$/;

/** Milliseconds that answers have to get through when the process is told to end. */
const grace = 5000;

function pem(path: unknown, cwd: string): Buffer | undefined {
  if (typeof path !== 'string') return undefined;
  try {
    return readFileSync(resolve(cwd, path));
  } catch (error) {
    throw errnoError(error, path);
  }
}

/** `coppice repo serve`: an OSTree repository over HTTP or HTTPS until the process is told to end. */
export const run: SubVerbModule['run'] = async (context: Context, [dir], flags) => {
  const path = resolve(context.cwd, dir as string);
  const repo = Repo.open(path);
  if (repo.mode !== 'archive')
    context.stderr.write(`warning: ${path} is a ${repo.mode} repository; clients need an archive one\n`);
  const [cert, key] = [pem(flags['cert'], context.cwd), pem(flags['key'], context.cwd)];
  if ((cert === undefined) !== (key === undefined)) throw new CoppiceError('Usage', '--cert and --key go together');
  const workers = Number(flags['workers']);
  if (!Number.isInteger(workers) || workers < 1 || workers > 256)
    throw new CoppiceError('Usage', `--workers ${String(flags['workers'])}: not a number from 1 to 256`);
  if (workers > 1 && !isWorker()) return serveWithWorkers(context, workers, cert === undefined ? 'http' : 'https');
  const logTo = flags['log'] as string | undefined;
  const log =
    logTo === undefined ? undefined : new AccessLog(context, logTo === '-' ? undefined : resolve(context.cwd, logTo));
  const compressed = new Map<string, { stamp: string; bytes: Buffer }>();
  const server = await serveStatic(path, {
    host: flags['host'] as string,
    port: Number(flags['port']),
    cacheControl,
    ...(cert === undefined || key === undefined ? {} : { tls: { cert, key } }),
    ...(log === undefined ? {} : { onRequest: (request) => log.add(request) }),
    intercepted: (name) => compressible.test(name),
    intercept: (request, response, name) => {
      if (request.method !== 'GET' || request.headers.range !== undefined) return false;
      if (!/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) return false;
      const stat = repo.fs.stat(`${path}/${name}`);
      if (stat === undefined || stat.size < 1024) return false;
      const stamp = `${stat.ino}-${stat.size}-${stat.mtimeMs}`;
      let held = compressed.get(name);
      if (held?.stamp !== stamp) {
        held = { stamp, bytes: gzipSync(readFileSync(`${path}/${name}`)) };
        compressed.set(name, held);
      }
      response.writeHead(200, {
        'content-encoding': 'gzip',
        'content-length': held.bytes.length,
        'content-type': 'application/octet-stream',
        'cache-control': cacheControl(name),
        'last-modified': new Date(stat.mtimeMs).toUTCString(),
        vary: 'accept-encoding',
      });
      response.end(held.bytes);
      return true;
    },
  });
  if (!isWorker()) {
    context.stdout.write(`${server.url}\n`);
    context.stdout.flush();
  }
  await new Promise<void>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done());
  });
  await server.close(grace);
  log?.flush();
  // The channel to the process that started this one would keep it alive.
  if (isWorker()) process.disconnect?.();
  return 0;
};
