import { watch } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { translateBytes } from '@coppice/butane';
import { entryLine } from '@coppice/ignition';
import type { Context } from '../../cli/context.ts';
import type { SubVerbModule } from '../sub-verbs.ts';
import { filesOption, isIgnition, readSource } from './source.ts';

/** Milliseconds that a file has to rest after a change: editors write in several steps. */
const restTime = 50;

/** The Ignition text of a config; what is wrong with it goes to stderr. */
function render(context: Context, path: string, dir: unknown): string | undefined {
  const say = (line: string): void => {
    context.stderr.write(`${line}\n`);
    context.stderr.flush();
  };
  try {
    const bytes = readSource(context, path);
    if (isIgnition(bytes)) return new TextDecoder().decode(bytes);
    const done = translateBytes(bytes, { raw: true, ...filesOption(context, dir) });
    for (const entry of done.entries) say(`${path}: ${entryLine(entry)}`);
    if (done.output === undefined) say(`${path}: ${done.failure}`);
    return done.output === undefined ? undefined : `${done.output}\n`;
  } catch (error) {
    if (!(error instanceof CoppiceError)) throw error;
    say(error.message);
    return undefined;
  }
}

/** Serves until the process is told to stop. A config that stops being valid leaves the last good one in place. */
export const run: SubVerbModule['run'] = async (context, [path], flags) => {
  const file = path as string;
  const port = Number(flags['port']);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new CoppiceError('Usage', 'the port must be 0 to 65535');
  let current = render(context, file, flags['filesDir']);
  if (current === undefined && flags['watch'] !== true) return 1;
  const server = createServer((request, response) => {
    const name = (request.url ?? '/').split('?')[0];
    if (name !== '/' && name !== '/config.ign') response.writeHead(404).end('not found\n');
    else if (request.method !== 'GET' && request.method !== 'HEAD')
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
    else if (current === undefined) response.writeHead(503).end('the config has errors\n');
    else {
      const headers = {
        'content-type': 'application/vnd.coreos.ignition+json',
        'cache-control': 'no-store',
        'content-length': Buffer.byteLength(current),
      };
      response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : current);
    }
  });
  await new Promise<void>((done, fail) => {
    server.once('error', (error) =>
      fail(new CoppiceError('Io', `cannot listen on 127.0.0.1:${port}: ${error.message}`)),
    );
    server.listen(port, '127.0.0.1', done);
  });
  context.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/config.ign\n`);
  context.stdout.flush();
  const full = resolve(context.cwd, file);
  let timer: NodeJS.Timeout | undefined;
  // The folder is watched, since editors replace the file.
  const watcher =
    flags['watch'] === true
      ? watch(dirname(full), (_, name) => {
          if (name !== null && name !== basename(full)) return;
          clearTimeout(timer);
          timer = setTimeout(() => {
            const next = render(context, file, flags['filesDir']);
            if (next === undefined || next === current) return;
            current = next;
            context.stdout.write(`rendered ${file}\n`);
            context.stdout.flush();
          }, restTime);
        })
      : undefined;
  await new Promise<void>((done) => {
    process.once('SIGINT', done);
    process.once('SIGTERM', done);
  });
  clearTimeout(timer);
  watcher?.close();
  server.closeAllConnections();
  await new Promise<void>((done) => server.close(() => done()));
  return 0;
};
