// The weekly count, against a server that writes down what it is asked.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { countmeAt, countmeBucket, isCounted, parseCountmeCookie, sendCountme } from '@coppice/rpm-ostree';
import { afterEach, beforeEach, expect, it } from 'vitest';

const monday = 345_600;
const week = 604_800;
const now = monday + 2900 * week + 3 * 86_400;

let root: string;
let server: Server;
let url: string;
let asked: string[];
let answer: number;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'coppice-countme-'));
  asked = [];
  answer = 200;
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers['user-agent']}`);
    response.writeHead(answer).end('<metalink/>');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  put('run/ostree-booted', '');
  put('etc/os-release', 'NAME="Fedora Linux"\nVERSION_ID=31\nVARIANT_ID=coreos\n');
  put('etc/yum.repos.d/a.repo', repo('a', 'countme=1'));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(root, { recursive: true });
});

const cookiePath = 'var/lib/rpm-ostree-countme/countme';
function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
const repo = (id: string, ...lines: string[]): string =>
  `[${id}]\nname=${id}\nmetalink=${url}/${id}?repo=${id}-$releasever&arch=$basearch\nenabled=1\n${lines.join('\n')}\n`;

async function count(seconds = now): Promise<{ out: string[]; err: string[]; error: string | undefined }> {
  const out: string[] = [];
  const err: string[] = [];
  let error: string | undefined;
  try {
    await sendCountme({
      root,
      arch: 'x86_64',
      clock: { now: () => seconds * 1000 },
      print: (line) => out.push(line),
      warn: (line) => err.push(line),
    });
  } catch (caught) {
    error = (caught as Error).message;
  }
  return { out, err, error };
}
const agent = 'rpm-ostree (Fedora Linux 31; coreos; Linux.x86_64)';

it('asks once a week, with a number that says how long for', async () => {
  const link = `${url}/a?repo=a-31&arch=x86_64&countme=1`;
  expect(await count()).toEqual({
    out: [`Using User Agent: ${agent}`, `Sending request to: ${link}`, 'Successful requests: 1/1'],
    err: [],
    error: undefined,
  });
  expect(asked).toEqual([`GET /a?repo=a-31&arch=x86_64&countme=1 ${agent}`]);
  expect(readFileSync(join(root, cookiePath), 'utf8')).toBe(`{"epoch":${now},"window":${now}}`);
  expect((await count(now + 3 * 86_400)).out).toEqual(['Skipping: Not in a new counting window']);
  for (const [weeks, number] of [
    [1, 2],
    [3, 2],
    [4, 3],
    [23, 3],
    [24, 4],
    [300, 4],
  ] as const) {
    asked = [];
    await count(now + weeks * week);
    expect([weeks, ...asked]).toEqual([weeks, `GET /a?repo=a-31&arch=x86_64&countme=${number} ${agent}`]);
  }
});

it('leaves out repositories that are off or do not count, and files that are none', async () => {
  put('etc/yum.repos.d/b.repo', repo('b', 'countme=0') + repo('c').replace('enabled=1', 'enabled=0\ncountme=1'));
  put('etc/yum.repos.d/d.repo', '[d]\nbaseurl=http://127.0.0.1:1/\nenabled=1\ncountme=1\n');
  put('etc/yum.repos.d/e.repo', repo('e', 'countme=true'));
  put('etc/yum.repos.d/z', 'no key file\n');
  const { out, err } = await count();
  expect(out.at(-1)).toBe('Successful requests: 2/2');
  expect(asked.map((line) => line.split(/[ ?]/)[1])).toEqual(['/a', '/e']);
  expect(err.length).toBe(1);
  expect(err[0]).toMatch(/^Failed to parse repo config file '.*\/z': /);
  put('etc/yum.repos.d/a.repo', repo('a'));
  put('etc/yum.repos.d/e.repo', repo('e'));
  expect((await count(now + week)).out).toEqual(['No enabled repositories with countme=1']);
});

it('counts nothing where nothing answered, and takes no damaged cookie', async () => {
  answer = 500;
  const failed = await count();
  expect(failed.error).toBe('No request successful');
  expect(failed.err[0]).toMatch(/^Request 'http:\S+' failed: /);
  expect(existsSync(join(root, cookiePath))).toBe(false);
  answer = 200;
  for (const [text, why] of [
    ['{', /^Ignoring existing cookie: /],
    [`{"epoch":-1,"window":${now}}`, /^Ignoring existing cookie: Invalid value for epoch: '-1'$/],
    ['{"epoch":5}', /^Ignoring existing cookie: Invalid value for window: 'undefined'$/],
  ] as const) {
    put(cookiePath, text);
    const { err, error } = await count();
    expect(err[0]).toMatch(why);
    expect(error).toBeUndefined();
  }
  rmSync(join(root, 'run/ostree-booted'));
  expect((await count()).error).toBe('Not running on an ostree based system');
});

it('has the windows of dnf', () => {
  const bucket = (epoch: number, at: number): number => countmeBucket(countmeAt({ epoch, window: monday }, at), at);
  // An epoch that is still to come is today.
  expect(bucket(now + week, now)).toBe(1);
  expect(isCounted({ epoch: now, window: monday + 2900 * week }, monday + 2901 * week - 1)).toBe(true);
  expect(isCounted({ epoch: now, window: monday + 2900 * week }, monday + 2901 * week)).toBe(false);
  expect(parseCountmeCookie('{ "epoch": 1600006068, "window": 1607706068 }')).toEqual({
    epoch: 1_600_006_068,
    window: 1_607_706_068,
  });
});
