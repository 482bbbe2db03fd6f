import { readFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { CoppiceError, errnoError, messageOf } from '@coppice/base';
import { serveStatic } from '@coppice/http';
import { LanAnnouncement, Repo } from '@coppice/ostree';
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

/** Peers ask for the repository below this number. */
const lanIndex = 0;
/** Milliseconds from one look at the summary to the next. */
const lookAgain = 5000;

/** Loopback is of no use to others. */
function allAddresses(host: string): string {
  if (host !== '127.0.0.1') return host;
  const six = Object.values(networkInterfaces()).some((list) => list?.some(({ family }) => family === 'IPv6'));
  return six ? '::' : '0.0.0.0';
}

/** The announcement on the local network, which follows the summary. Serving goes on without it. */
class Announced {
  readonly #context: Context;
  readonly #repo: Repo | undefined;
  #announcement: LanAnnouncement | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** Without a repository it does nothing. */
  constructor(context: Context, repo: Repo | undefined) {
    this.#context = context;
    this.#repo = repo;
  }

  start(port: number): void {
    if (this.#repo === undefined) return;
    const repo = this.#repo;
    const options = { port, name: `${hostname()} ostree`, index: lanIndex, env: this.#context.env };
    LanAnnouncement.start(repo, options).then((announcement) => {
      this.#announcement = announcement;
      if (this.#stopped) announcement.close();
      this.#say(`announced as ‘${announcement.name}’`);
      this.#timer = setInterval(() => announcement.refresh().catch(this.#fail), lookAgain);
      this.#timer.unref();
    }, this.#fail);
  }

  readonly #fail = (error: unknown): void => {
    if (!this.#stopped) this.#say(`warning: not announced: ${messageOf(error)}`);
  };

  #say(line: string): void {
    this.#context.stderr.write(`${line}\n`);
    this.#context.stderr.flush();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#announcement?.close();
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
  const lan = flags['lan'] === true;
  if (lan && cert !== undefined) throw new CoppiceError('Usage', '--lan announces plain HTTP: it goes without --cert');
  const announced = new Announced(context, lan && !isWorker() ? repo : undefined);
  if (workers > 1 && !isWorker()) {
    const scheme = cert === undefined ? 'http' : 'https';
    return serveWithWorkers(context, workers, scheme, (port) => announced.start(port)).finally(() => announced.stop());
  }
  const logTo = flags['log'] as string | undefined;
  const log =
    logTo === undefined ? undefined : new AccessLog(context, logTo === '-' ? undefined : resolve(context.cwd, logTo));
  const compressed = new Map<string, { stamp: string; bytes: Buffer }>();
  const server = await serveStatic(path, {
    host: lan ? allAddresses(flags['host'] as string) : (flags['host'] as string),
    ...(lan ? { alsoBelow: String(lanIndex) } : {}),
    port: Number(flags['port']),
    cacheControl,
    ...(cert === undefined || key === undefined ? {} : { tls: { cert, key } }),
    ...(log === undefined ? {} : { onRequest: (request) => log.add(request) }),
    intercepted: (name) => compressible.test(name),
    intercept: (request, response, name) => {
      // The name is empty for what is not there.
      if (request.method !== 'GET' || request.headers.range !== undefined || !compressible.test(name)) return false;
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
  announced.start(server.port);
  await new Promise<void>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done());
  });
  announced.stop();
  await server.close(grace);
  log?.flush();
  // The channel to the process that started this one would keep it alive.
  if (isWorker()) process.disconnect?.();
  return 0;
};
