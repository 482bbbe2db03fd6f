import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '@coppice/base';
import { installedHeader, RpmDb, readPackage } from '@coppice/rpm';
import { generateKey } from '@coppice/signing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Context, memoryOutput } from '../src/cli/context.ts';
import { run } from '../src/coppice/main.ts';

const work = mkdtempSync(join(tmpdir(), 'coppice-rpm-verbs-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

async function coppice(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const stdout = memoryOutput();
  const stderr = memoryOutput();
  const context: Context = { program: 'coppice', env: {}, cwd: work, stdin: { isTTY: false }, stdout, stderr };
  try {
    const status = await run(context, args);
    return { status, stdout: stdout.text, stderr: stderr.text };
  } catch (error) {
    return { status: 1, stdout: stdout.text, stderr: `${stderr.text}error: ${messageOf(error)}\n` };
  }
}

const key = generateKey({ userId: 'T <t@example.com>', created: 1_600_000_000 });

beforeAll(async () => {
  writeFileSync(join(work, 'key'), key.secretKey);
  writeFileSync(join(work, 'key.pub'), key.publicKey);
  writeFileSync(join(work, 'body'), 'from a file\n');
  mkdirSync(join(work, 'repo'));
  for (const [name, requires] of [
    ['hello', '[lib >= 1.10, (a if b)]'],
    ['lib', '[]'],
    ['broken', '[nobody]'],
  ])
    writeFileSync(
      join(work, `${name}.yaml`),
      `name: ${name}
version: 1.10
release: 1
arch: noarch
summary: The ${name}
license: MIT
requires: ${requires}
scripts: { post: "echo hi\\n" }
files:
  - { path: /usr/bin/${name}, mode: 0755, content: "inline\\n" }
  - { path: /etc/${name}.conf, config: noreplace, file: body }
`,
    );
  for (const name of ['hello', 'lib', 'broken'])
    expect((await coppice('rpm', 'build', `${name}.yaml`, '-o', 'repo')).status).toBe(0);
});

describe('coppice rpm', () => {
  const file = 'repo/hello-1.10-1.noarch.rpm';

  it('tells about the others when one cannot be read, and counts', async () => {
    writeFileSync(join(work, 'junk.rpm'), 'x');
    const done = await coppice('rpm', 'query', '-qp', 'junk.rpm', file, 'missing.rpm');
    expect(done).toEqual({
      status: 2,
      stdout: 'hello-1.10-1.noarch\n',
      stderr:
        'error: junk.rpm: not an rpm package (or package manifest)\nerror: open of missing.rpm failed: No such file or directory\n',
    });
    expect((await coppice('rpm', 'query', '-qpc', file)).stdout).toBe('/etc/hello.conf\n');
  });

  it('expands patterns, names packages as they were named and counts the bad ones', async () => {
    writeFileSync(join(work, 'junk.rpm'), 'junk');
    expect((await coppice('rpm', 'query', 'repo/hello-*.rpm')).stdout).toBe('hello-1.10-1.noarch\n');
    expect(await coppice('rpm', 'query', 'nothing*.rpm')).toMatchObject({
      ...{ status: 1, stderr: 'error: open of nothing*.rpm failed: No such file or directory\n' },
    });
    expect(await coppice('rpm', 'verify', 'junk.rpm', 'missing.rpm')).toMatchObject({
      status: 2,
      stderr:
        'error: junk.rpm: not an rpm package (or package manifest)\nerror: missing.rpm: open failed: No such file or directory\n',
    });
    expect((await coppice('rpm', 'files', 'junk.rpm')).stderr).toBe(
      'error: junk.rpm: not an rpm package (or package manifest)\n',
    );
  });

  it('builds what the description says', async () => {
    expect((await coppice('rpm', 'query', file)).stdout).toBe('hello-1.10-1.noarch\n');
    expect((await coppice('rpm', 'query', '--requires', file)).stdout).toContain(
      '(a if b)\n/bin/sh\nconfig(hello) = 1.10-1\nlib >= 1.10\n',
    );
    expect((await coppice('rpm', 'query', '--scripts', file)).stdout).toBe(
      'postinstall scriptlet (using /bin/sh):\necho hi\n\n',
    );
    expect((await coppice('rpm', 'cat', file, '/etc/hello.conf')).stdout).toBe('from a file\n');
    expect(JSON.parse((await coppice('rpm', 'query', '--json', file)).stdout)[0]).toMatchObject({
      Name: 'hello',
      Version: '1.10',
    });
    expect((await coppice('rpm', 'files', '-x', 'out', file)).status).toBe(0);
    expect(readFileSync(join(work, 'out/usr/bin/hello'), 'utf8')).toBe('inline\n');
    expect((await coppice('rpm', 'files', '-x', 'out', file)).stderr).toMatch(/is not empty/);
  });

  it('refuses descriptions with unknown or wrong fields, naming them', async () => {
    for (const [text, message] of [
      ['name: x\nversion: 1\nrelease: 1\nsummary: s\nlicence: MIT\n', /unknown field licence/],
      [
        'name: x\nversion: 1\nrelease: 1\nsummary: s\nlicense: MIT\nfiles: [{path: /a, mode: 9}]\n',
        /files\[0\]: mode "9" is not octal/,
      ],
      [
        'name: x\nversion: 1\nrelease: 1\nsummary: s\nlicense: MIT\nfiles: [{path: /a, file: ../../etc/passwd}]\n',
        /leads out/,
      ],
      ['name: x\nversion: 1-2\nrelease: 1\nsummary: s\nlicense: MIT\n', /version "1-2" is not valid/],
      ['- a\n', /not a mapping/],
    ] as const) {
      writeFileSync(join(work, 'bad.yaml'), text);
      const done = await coppice('rpm', 'build', 'bad.yaml');
      expect(done.status).toBe(1);
      expect(done.stderr).toMatch(message);
    }
  });

  it('signs, checks and unsigns in place', async () => {
    const copy = 'signed.rpm';
    writeFileSync(join(work, copy), readFileSync(join(work, file)));
    expect(await coppice('rpm', 'verify', copy)).toMatchObject({ status: 0, stdout: 'signed.rpm: digests OK\n' });
    expect((await coppice('rpm', 'verify', '--require-signature', copy)).status).toBe(1);
    expect((await coppice('rpm', 'sign', '--key', 'key', copy)).status).toBe(0);
    expect(await coppice('rpm', 'verify', copy)).toMatchObject({
      status: 1,
      stdout: 'signed.rpm: digests SIGNATURES NOT OK\n',
    });
    expect(await coppice('rpm', 'verify', '--keyring', 'key.pub', copy)).toMatchObject({
      status: 0,
      stdout: 'signed.rpm: digests signatures OK\n',
    });
    expect((await coppice('rpm', 'sign', '--delete', copy)).status).toBe(0);
    expect((await coppice('rpm', 'verify', copy)).stdout).toBe('signed.rpm: digests OK\n');
    expect(readdirSync(work).filter((name) => name.startsWith('signed.rpm'))).toEqual(['signed.rpm']);
    writeFileSync(join(work, 'junk.rpm'), 'junk');
    expect((await coppice('rpm', 'verify', 'junk.rpm')).stderr).toMatch(/not an rpm package/);
  });
});

describe('coppice repo', () => {
  it('creates, queries, compares', async () => {
    expect((await coppice('repo', 'create', 'repo')).stdout).toBe('3 packages\n');
    expect((await coppice('repo', 'create', 'repo', '--update')).stdout).toBe('3 packages, 3 unchanged\n');
    expect((await coppice('repo', 'query', 'repo', '--cache', 'cache')).stdout).toBe(
      'broken-1.10-1.noarch\nhello-1.10-1.noarch\nlib-1.10-1.noarch\n',
    );
    expect((await coppice('repo', 'query', 'repo', 'l*', '--cache', 'cache')).stdout).toBe('lib-1.10-1.noarch\n');
    expect((await coppice('repo', 'query', 'repo', '/usr/bin/hello')).stdout).toBe('hello-1.10-1.noarch\n');
    expect((await coppice('repo', 'query', 'repo', '--whatrequires', 'lib = 1.10')).stdout).toBe(
      'hello-1.10-1.noarch\n',
    );
    mkdirSync(join(work, 'newer'));
    writeFileSync(join(work, 'lib2.yaml'), readFileSync(join(work, 'lib.yaml'), 'utf8').replace('1.10', '1.11'));
    await coppice('rpm', 'build', 'lib2.yaml', '-o', 'newer');
    await coppice('repo', 'create', 'newer');
    expect((await coppice('repo', 'diff', 'repo', 'newer')).stdout).toBe(
      'Upgraded:\n  lib 1.10-1 -> 1.11-1\nRemoved:\n  broken-1.10-1.noarch\n  hello-1.10-1.noarch\n',
    );
    expect((await coppice('repo', 'create', 'repo', '--compress-type', 'rar')).stderr).toMatch(
      /unknown compression rar/,
    );
  });

  it('solves, and tells why it cannot', async () => {
    const done = await coppice('repo', 'depsolve', '--repo', 'main=repo', '--remove', 'x', 'hello');
    expect(done.stderr).toMatch(/Packages not found: x/);
    mkdirSync(join(work, 'db'));
    {
      using db = RpmDb.create(join(work, 'db'));
      const { header, signature } = readPackage(join(work, 'repo/lib-1.10-1.noarch.rpm'));
      db.add(installedHeader(header, signature, { installTime: 1, tid: 1 }));
    }
    writeFileSync(
      join(work, 'sh.yaml'),
      'name: sh\nversion: 1\nrelease: 1\nsummary: s\nlicense: MIT\nprovides: [/bin/sh]\n',
    );
    await coppice('rpm', 'build', 'sh.yaml', '-o', 'repo');
    await coppice('repo', 'create', 'repo', '--update');
    expect((await coppice('repo', 'depsolve', '--repo', 'main=repo', '--installed', 'db', 'hello')).stdout).toMatch(
      /^Installing 2 packages:\n {2}hello-1.10-1.noarch \(main\)\n {2}sh-1-1.noarch \(main\)\n/,
    );
    const bad = await coppice('repo', 'depsolve', '--repo', 'main=repo', 'broken');
    expect(bad.status).toBe(1);
    expect(bad.stderr).toContain('nothing provides nobody needed by broken-1.10-1.noarch from main');
    expect(bad.stderr).toContain('cannot satisfy: broken');
    const json = JSON.parse((await coppice('repo', 'depsolve', '--json', '--repo', 'main=repo', 'lib')).stdout);
    expect(json).toMatchObject({
      ok: true,
      install: [{ nevra: 'lib-1.10-1.noarch', repo: 'main' }, { nevra: 'sh-1-1.noarch' }],
    });
  });
});
