// Accounts of sysusers.d files against the real systemd-sysusers: the account files of two copies of a tree must be equal.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostFs } from '@coppice/linux';
import { createSysusers } from '@coppice/systemd/tree';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const judge = '/usr/bin/systemd-sysusers';
const able = existsSync(judge) && process.getuid?.() === 0;
const files = ['passwd', 'group', 'shadow', 'gshadow'];
let work = '';

beforeAll(() => {
  if (!able && process.env['CI'] === 'true') throw new Error('systemd-sysusers is missing (needs systemd, root)');
  work = mkdtempSync(join(tmpdir(), 'coppice-sysusers-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const accounts: Readonly<Record<string, string>> = {
  passwd: 'root:x:0:0:root:/root:/bin/bash\ntaken:x:998:998::/:/usr/sbin/nologin\n',
  group: 'root:x:0:\ntaken:x:998:\nwheel:x:10:old\n',
  shadow: 'root:*:19000:0:99999:7:::\ntaken:!*:19000::::::\n',
  gshadow: 'root:*::\ntaken:!*::\nwheel:!*::old\n',
};

const cases: readonly [string, Readonly<Record<string, string>>, Readonly<Record<string, string>>][] = [
  [
    'users and groups with numbers',
    { 'a.conf': 'g input 104\nu httpd 48 "Apache web server" /usr/share/httpd\nu sh 49 - /h /bin/sh\n' },
    accounts,
  ],
  ['numbers of their own choice', { 'a.conf': 'u a -\nu b -\ng c -\nu d -\n' }, accounts],
  ['members', { 'a.conf': 'm a wheel\nm b newgroup\nu a 200\nm a newgroup\n' }, accounts],
  ['a range', { 'a.conf': 'r - 500-510\nu a -\ng b -\n' }, accounts],
  ['numbers that are taken', { 'a.conf': 'u x 998\ng y 10\nu z 998\n' }, accounts],
  [
    'a user in a group by name and number',
    { 'a.conf': 'g grp 300\nu one 301:grp\nu two 302:300\nu three -:grp\n' },
    accounts,
  ],
  ['a group of the same name', { 'a.conf': 'g same 400\nu same 401\nu other 402\n' }, accounts],
  ['existing accounts', { 'a.conf': 'u root 0\nu taken 5\ng wheel 7\n' }, accounts],
  [
    'files in order, one masked',
    { 'b.conf': 'u second -\n', 'a.conf': 'u first -\n', '../../../etc/sysusers.d/b.conf': '# masked\n' },
    accounts,
  ],
  ['a tree without accounts', { 'a.conf': 'u root 0 "Super User" /root\nu nobody 65534 "Nobody"\ng tty 5\n' }, {}],
];

function makeTree(
  dir: string,
  config: Readonly<Record<string, string>>,
  initial: Readonly<Record<string, string>>,
): void {
  const put = (path: string, text: string, mode: number): void => {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), text, { mode });
  };
  mkdirSync(join(dir, 'etc'), { recursive: true });
  for (const [name, text] of Object.entries(initial)) put(`etc/${name}`, text, name.endsWith('shadow') ? 0o600 : 0o644);
  for (const [name, text] of Object.entries(config)) put(`usr/lib/sysusers.d/${name}`, text, 0o644);
}

const answer = (dir: string): Record<string, unknown> =>
  Object.fromEntries(
    files.map((name) => {
      const path = join(dir, 'etc', name);
      return [name, existsSync(path) ? [readFileSync(path, 'utf8'), statSync(path).mode & 0o7777] : undefined];
    }),
  );

describe.skipIf(!able)('sysusers (skipped without systemd-sysusers and root)', () => {
  it.each(cases)('%s', (name, config, initial) => {
    const theirs = join(work, `${name} theirs`);
    const ours = join(work, `${name} ours`);
    makeTree(theirs, config, initial);
    makeTree(ours, config, initial);
    const today = 20_000;
    const run = spawnSync(judge, [`--root=${theirs}`], {
      encoding: 'utf8',
      env: { ...process.env, SOURCE_DATE_EPOCH: String(today * 86_400) },
    });
    createSysusers(ours, { fs: hostFs, readFile: (path) => readFileSync(path), today });
    expect(answer(ours), run.stderr).toEqual(answer(theirs));
  });
});
