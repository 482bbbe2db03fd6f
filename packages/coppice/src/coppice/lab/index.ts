// coppice lab: make, extend and serve a small world of packages and streams.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CoppiceError, errnoError, type Progress } from '@coppice/base';
import { dataHome, registerLab, unregisterLab } from '@coppice/instance';
import { LabDir, makeLab, parseWorld, promoteStream, serveLab } from '@coppice/lab';
import type { Context } from '../../cli/context.ts';
import { houseRoot } from '../instance/house.ts';
import type { VerbFamily } from '../verbs.ts';

function stepLines(context: Context): Progress {
  return (event) => {
    context.progressFd?.progress(event);
    if (event.type === 'message') context.stdout.write(`${event.text}\n`);
    else if (event.type === 'end') {
      const text = event.text?.replace(/^done: /, '');
      context.stdout.write(`${event.step}... ${text === undefined || text === 'done' ? 'done' : `done: ${text}`}\n`);
    }
    context.stdout.flush();
  };
}

function readWorldFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw errnoError(error, path);
  }
}

export const define: VerbFamily['define'] = (command, context) => {
  command
    .command('init <dir>')
    .description('make a lab: packages, a repository, a key, signed streams')
    .option('--spec <file>', 'the world to make (YAML or JSON; default: Fedora CoreOS 31 as in the article)')
    .option('--base-tree <rootfs>', 'compose the base from this root file system')
    .action(async (dir: string, flags: { spec?: string; baseTree?: string }) => {
      const path = flags.spec ?? join(houseRoot(), 'packages/lab/worlds/fedora-coreos-31.yaml');
      const world = parseWorld(readWorldFile(path), path);
      const lab = await makeLab(dir, world, {
        progress: stepLines(context),
        ...(flags.baseTree === undefined ? {} : { baseTree: flags.baseTree }),
      });
      for (const [name, { version, commit }] of Object.entries(lab.state().streams)) {
        context.stdout.write(`${name} ${version} ${commit}\n`);
      }
    });

  command
    .command('promote <dir> <from> <to>')
    .description('release on stream <to> what stream <from> has')
    .requiredOption('--release <version>', 'the version of the new release')
    .option('--timestamp <seconds>', 'time of the commit, seconds since the epoch (default: now)')
    .action(async (dir: string, from: string, to: string, flags: { release: string; timestamp?: string }) => {
      const timestamp = flags.timestamp === undefined ? Math.floor(Date.now() / 1000) : Number(flags.timestamp);
      if (!Number.isSafeInteger(timestamp) || timestamp < 0)
        throw new CoppiceError('Usage', `--timestamp: not a number of seconds: ${flags.timestamp}`);
      const release = await promoteStream(new LabDir(dir), {
        from,
        to,
        version: flags.release,
        timestamp,
        progress: stepLines(context),
      });
      context.stdout.write(`${to} ${release.version} ${release.commit}\n`);
    });

  command
    .command('serve <dir>')
    .description('serve a lab on loopback until interrupted')
    .option('--port <number>', 'the port (default: the one used last, else a free one)')
    .option('--log', 'print a line per request')
    .action(async (dir: string, flags: { port?: string; log?: boolean }) => {
      const port = flags.port === undefined ? undefined : Number(flags.port);
      if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65536))
        throw new CoppiceError('Usage', `--port: not a port: ${flags.port}`);
      const lab = new LabDir(dir);
      const server = await serveLab(lab, {
        ...(port === undefined ? {} : { port }),
        ...(flags.log
          ? {
              onRequest: (r) => {
                context.stdout.write(`${r.remote} "${r.method} ${r.path}" ${r.status} ${r.bytes}\n`);
                context.stdout.flush();
              },
            }
          : {}),
      });
      const note = { dir: lab.dir, url: server.url };
      const home = dataHome(context.env);
      registerLab(note, home);
      context.stdout.write(`Serving ${dir} at ${server.url}\n`);
      context.stdout.flush();
      await new Promise<void>((resolve) => {
        process.once('SIGINT', resolve);
        process.once('SIGTERM', resolve);
      });
      unregisterLab(note, home);
      await server.close();
    });
};
