// Keys of remotes: what gpg made, imported and listed by both.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ours, theirs } from './ostree-runners.ts';
import { originalOutput, scratch, skipReason } from './ostree-support.ts';

describe.skipIf(skipReason !== undefined)(`keys of remotes (${skipReason ?? 'ostree found'})`, () => {
  const work = scratch();
  const at = (name: string): string => join(work.path, name);
  const gpg = (...args: string[]): Buffer =>
    execFileSync('gpg', ['--homedir', at('gpg'), '--batch', '--yes', '--passphrase', '', ...args], { stdio: 'pipe' });
  beforeAll(() => {
    mkdirSync(at('gpg'), { mode: 0o700 });
    // The second has expired before anyone looks at it; the third is revoked.
    const make = ['--faked-system-time', '20200101T000000', '--quick-gen-key'];
    gpg(...make, 'Plain Key <Plain.Key@Example.COM>', 'rsa2048', 'sign', 'never');
    gpg(...make, 'Expired <expired@example.com>', 'rsa2048', 'sign', '2020-06-01');
    gpg(...make, 'Revoked <revoked@example.com>', 'rsa2048', 'sign', 'never');
    const ids = [
      ...gpg('--list-keys', '--with-colons')
        .toString()
        .matchAll(/^fpr:+([0-9A-F]{40}):/gm),
    ].map((m) => m[1]!);
    const revocation = readFileSync(at(`gpg/openpgp-revocs.d/${ids[2]}.rev`), 'utf8').replace(/^:---/m, '---');
    writeFileSync(at('revocation'), revocation);
    gpg('--import', at('revocation'));
    writeFileSync(at('all.gpg'), gpg('--export'));
    ids.forEach((id, i) => void writeFileSync(at(`key${i}.asc`), gpg('--armor', '--export', id)));
    writeFileSync(at('nothing.gpg'), 'not a key\n');
  });
  afterAll(() => {
    spawnSync('gpgconf', ['--homedir', at('gpg'), '--kill', 'all']);
    work.remove();
  });

  test.each([
    ['a keyring', [['-k', 'all.gpg']]],
    [
      'armored keys, one by one and again',
      [
        ['-k', 'key0.asc'],
        ['-k', 'key1.asc'],
        ['-k', 'key0.asc', '-k', 'key2.asc'],
      ],
    ],
    ['a file that is not there', [['-k', 'none.gpg']]],
    ['keyring and standard input at once', [['-k', 'all.gpg', '--stdin']]],
  ])('%s', async (_name, imports) => {
    const outcomes: string[] = [];
    for (const [side, run] of [
      ['theirs', theirs],
      ['ours', ours],
    ] as const) {
      const repo = at(`${side}-${imports.flat().length}-${imports[0]![1]}`);
      originalOutput('init', `--repo=${repo}`, '--mode=archive');
      originalOutput(`--repo=${repo}`, 'remote', 'add', 'o', 'http://127.0.0.1/');
      const calls = imports.map((words) => [
        'remote',
        'gpg-import',
        ...words.map((w) => (/\./.test(w) ? at(w) : w)),
        'o',
      ]);
      calls.push(['remote', 'gpg-list-keys', 'o']);
      let text = '';
      for (const call of calls) {
        const { status, stdout, stderr } = await run([`--repo=${repo}`, ...call]);
        text += `${status}\n${stdout}${stderr}`;
      }
      outcomes.push(text.replaceAll(repo, 'REPO'));
    }
    expect(outcomes[1]).toBe(outcomes[0]);
  });
});
