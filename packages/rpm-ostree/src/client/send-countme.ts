// The weekly count of this machine: `rpm-ostree countme`, which a timer starts.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, CoppiceError, messageOf, systemClock } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { Fetcher } from '@coppice/http';
import { KeyFile } from '@coppice/keyfile';
import { hostFs, readFile, replaceFile } from '@coppice/linux';
import {
  type CountmeCookie,
  countmeAt,
  countmeBucket,
  countmeUserAgent,
  formatCountmeCookie,
  isCounted,
  parseCountmeCookie,
} from '../countme.ts';
import { parseOsRelease } from '../os-release.ts';

export interface CountmeOptions {
  /** The system that counts itself. */
  readonly root?: string;
  readonly fs?: FileSystem;
  readonly clock?: Clock;
  /** RPM's name of the architecture, e.g. `x86_64`. */
  readonly arch: string;
  readonly print: (line: string) => void;
  readonly warn: (line: string) => void;
}

const textLimit = 1 << 20;
/** A metalink is a few kilobytes; it is asked for, not read. */
const answerLimit = 64 * 1024 * 1024;

/** Metalinks of repositories that are enabled and want to count, in order of files. */
function metalinks(options: CountmeOptions, variables: ReadonlyMap<string, string>): string[] {
  const { fs = hostFs, root = '/' } = options;
  const dir = join(root, 'etc/yum.repos.d');
  const yes = (text: string): boolean => ['1', 'yes', 'true', 'on'].includes(text.trim());
  const out: string[] = [];
  for (const name of fs.readdir(dir).sort()) {
    const path = join(dir, name);
    try {
      const file = KeyFile.parse(readFile(path, { fs, limit: textLimit }).toString());
      for (const group of file.groups()) {
        const link = file.string(group, 'metalink', '').trim();
        if (link === '' || !yes(file.string(group, 'enabled', '')) || !yes(file.string(group, 'countme', ''))) continue;
        out.push(link.replace(/\$(releasever|basearch)/g, (_all, variable: string) => variables.get(variable) ?? ''));
      }
    } catch (error) {
      options.warn(`Failed to parse repo config file '${path}': ${messageOf(error)}`);
    }
  }
  return out;
}

function readCookie(options: CountmeOptions, path: string): CountmeCookie | undefined {
  const { fs = hostFs } = options;
  if (fs.stat(path) === undefined) return undefined;
  const text = readFile(path, { fs, limit: textLimit }).toString();
  try {
    return parseCountmeCookie(text);
  } catch (error) {
    options.warn(`Ignoring existing cookie: ${messageOf(error)}`);
    return undefined;
  }
}

/** Throws `NotFound` where there is nothing to count, `Network` when no request succeeded. */
export async function sendCountme(options: CountmeOptions): Promise<void> {
  const { fs = hostFs, root = '/', clock = systemClock, print, warn } = options;
  if (fs.stat(join(root, 'run/ostree-booted')) === undefined)
    throw new CoppiceError('NotFound', 'Not running on an ostree based system');
  const releaseFile = ['etc/os-release', 'usr/lib/os-release'].find((p) => fs.stat(join(root, p)) !== undefined);
  const release = parseOsRelease(
    releaseFile === undefined ? '' : readFile(join(root, releaseFile), { fs, limit: textLimit }).toString(),
  );
  const variables = new Map([
    ['releasever', release.get('VERSION_ID') ?? ''],
    ['basearch', options.arch],
  ]);
  const links = metalinks(options, variables);
  if (links.length === 0) {
    print('No enabled repositories with countme=1');
    return;
  }
  const now = Math.floor(clock.now() / 1000);
  const path = join(root, 'var/lib/rpm-ostree-countme/countme');
  const cookie = countmeAt(readCookie(options, path), now);
  if (isCounted(cookie, now)) {
    print('Skipping: Not in a new counting window');
    return;
  }
  const userAgent = countmeUserAgent(release, options.arch);
  print(`Using User Agent: ${userAgent}`);
  const fetcher = new Fetcher({ clock, userAgent, retries: 0 });
  let successful = 0;
  try {
    for (const link of links) {
      const url = `${link}&countme=${countmeBucket(cookie, now)}`;
      print(`Sending request to: ${url}`);
      try {
        await fetcher.stream(url, { write() {}, restart() {} }, { maxSize: answerLimit });
        successful++;
      } catch (error) {
        warn(`Request '${url}' failed: ${messageOf(error)}`);
      }
    }
  } finally {
    await fetcher.close();
  }
  if (successful === 0) throw new CoppiceError('Network', 'No request successful');
  print(`Successful requests: ${successful}/${links.length}`);
  try {
    mkdirSync(join(root, 'var/lib/rpm-ostree-countme'), { recursive: true });
    replaceFile(path, formatCountmeCookie({ epoch: cookie.epoch, window: now }), { fs });
  } catch (error) {
    // Counted is counted.
    warn(`Failed to persist cookie: ${messageOf(error)}`);
  }
}
