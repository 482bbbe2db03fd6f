import { basename } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { type Cookie, formatCookie, parseCookieJar } from '@coppice/http';
import { readFile, replaceFile } from '@coppice/linux';
import type { Repo } from '../repo.ts';
import type { Remote } from './remote.ts';

/** Whose cookies: a remote, or only the name of one, which need not be defined. */
export type CookieOwner = Pick<Remote, 'repo' | 'cookieFile'>;

export function cookieOwner(repo: Repo, name: string): CookieOwner {
  if (name.includes('/') || name.includes('\0')) throw new CoppiceError('Invalid', `Invalid remote name ${name}`);
  return { repo, cookieFile: `${repo.path}/${name}.cookies.txt` };
}

/** The cookies kept for a remote (`NAME.cookies.txt`, Netscape format); none when there is no file. */
export function readCookies(remote: CookieOwner): Cookie[] {
  try {
    return parseCookieJar(readFile(remote.cookieFile, { fs: remote.repo.fs, limit: 16 * 1024 * 1024 }).toString());
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return [];
    throw errnoError(error, `open(${remote.cookieFile})`);
  }
}

function writeCookies(remote: CookieOwner, cookies: readonly Cookie[], opened: string): void {
  // They are as good as passwords.
  try {
    replaceFile(remote.cookieFile, cookies.map(formatCookie).join(''), { fs: remote.repo.fs, mode: 0o600 });
  } catch (error) {
    throw errnoError(error, `open(${opened})`);
  }
}

const years25 = 25 * 365 * 24 * 60 * 60;

/** Adds a cookie for one host that is kept 25 years. */
export function addCookie(remote: CookieOwner, domain: string, path: string, name: string, value: string): void {
  const expires = Math.floor(remote.repo.clock.now() / 1000) + years25;
  const added: Cookie = { domain, subdomains: false, path, secure: false, expires, name, value };
  writeCookies(remote, [...readCookies(remote), added], basename(remote.cookieFile));
}

/** Removes the cookies of that domain, path and name. Throws `NotFound`; the file is rewritten all the same. */
export function deleteCookie(remote: CookieOwner, domain: string, path: string, name: string): void {
  const before = readCookies(remote);
  const after = before.filter((c) => c.domain !== domain || c.path !== path || c.name !== name);
  writeCookies(remote, after, 'O_TMPFILE');
  if (after.length === before.length) throw new CoppiceError('NotFound', 'Cookie not found in jar');
}
