// Packages as users name them on a command line: files, addresses of files, pages of builds and updates; other words stay.
import { closeSync, ftruncateSync, mkdtempSync, openSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoppiceError, prefixError } from '@coppice/base';
import { Fetcher } from '@coppice/http';
import { removeTree } from '@coppice/linux';
import { machineArch } from './assemble.ts';
import { type BuildQuery, BuildService, fedoraServices } from './build-service.ts';
import type { Client } from './client.ts';

const packageLimit = 2 ** 32;

const isAddress = (argument: string): boolean => /^https?:\/\//.test(argument);

async function download(fetcher: Fetcher, url: string, path: string): Promise<void> {
  const fd = openSync(path, 'wx', 0o600);
  try {
    await fetcher.stream(
      url,
      {
        write(chunk: Uint8Array) {
          for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
        },
        restart: () => ftruncateSync(fd, 0),
      },
      { maxSize: packageLimit },
    );
  } finally {
    closeSync(fd);
  }
}

/**
 * Runs `body` with the arguments, those that are addresses replaced by files with what is there; they are gone afterwards.
 * Throws `Usage` for source packages, and what the services and downloads throw.
 */
export async function withPackageFiles<T>(
  client: Client,
  given: readonly string[],
  options: Partial<BuildQuery>,
  body: (expanded: readonly string[]) => Promise<T> | T,
): Promise<T> {
  const services = options.services ?? fedoraServices;
  for (const argument of given)
    if (argument.endsWith('.src.rpm'))
      throw new CoppiceError(
        'Usage',
        `Handling argument ${argument}: ${argument} appears to be a source RPM which are not usually intended to be installed`,
      );
  const local = given.map((argument) => (argument.startsWith('file://') ? argument.slice('file://'.length) : argument));
  if (!local.some(isAddress)) return await body(local);
  const dir = mkdtempSync(join(tmpdir(), 'rpm-ostree-packages-'));
  const fetcher = new Fetcher({ clock: client.clock });
  const service = new BuildService(fetcher, { arch: machineArch(), ...options, services });
  try {
    const expanded: string[] = [];
    for (const argument of local) {
      if (!isAddress(argument)) {
        expanded.push(argument);
        continue;
      }
      try {
        const page = BuildService.knows(argument, services);
        for (const url of page ? await service.packages(argument) : [argument]) {
          const path = join(dir, `${expanded.length}.rpm`);
          await client.step(`Downloading ${url}`, () => download(fetcher, url, path));
          expanded.push(path);
        }
      } catch (error) {
        throw prefixError(error, `Handling argument ${argument}`);
      }
    }
    return await body(expanded);
  } finally {
    await fetcher.close();
    removeTree(dir);
  }
}
