// Every key of a remote's configuration, well and badly set: the original and ours do and say the same.
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type StaticServer, serveStatic } from '@coppice/http';
import { Repo, updateSummary, withGpgSignature } from '@coppice/ostree';
import { generateKey, sign } from '@coppice/signing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ours, theirsAside } from './ostree-runners.ts';
import { originalOutput, scratch, skipReason } from './ostree-support.ts';

const pull = ['pull', '--network-retries=0', 'o', 'main'];
const both = [pull, ['remote', 'refs', 'o']];
const off = 'gpg-verify=false';
type Call = readonly (readonly string[])[];

describe.skipIf(skipReason !== undefined)(`keys of a remote (${skipReason ?? 'ostree found'})`, () => {
  const work = scratch();
  const at = (name: string): string => join(work.path, name);
  let server: StaticServer;
  const [key, other] = ['Key <key@example.com>', 'Other <other@example.com>'].map((userId) =>
    generateKey({ userId, created: 1_600_000_000 }),
  ) as [ReturnType<typeof generateKey>, ReturnType<typeof generateKey>];

  beforeAll(async () => {
    vi.stubEnv('OSTREE_DUMMY_SIGN_ENABLED', '1');
    const source = `--repo=${at('source')}`;
    originalOutput(source, 'init', '--mode=archive');
    mkdirSync(at('tree'));
    writeFileSync(at('tree/file'), 'content');
    originalOutput(source, 'commit', '-b', 'main', '--timestamp=@1', at('tree'));
    originalOutput(source, 'sign', '--sign-type=dummy', 'main', 'dummy-key');
    const repo = Repo.open(at('source'));
    const main = repo.resolveRev('main');
    const signed = (data: Uint8Array): Uint8Array => sign(key.secretKey, data);
    repo.writeDetachedMetadata(
      main,
      withGpgSignature(repo.loadDetachedMetadata(main), signed(repo.loadCommitBytes(main))),
    );
    updateSummary(repo, { signers: [(data, dict) => withGpgSignature(dict, signed(data))] });
    for (const dir of ['keys', 'empty']) mkdirSync(at(dir));
    writeFileSync(at('key.gpg'), key.publicKey);
    writeFileSync(at('other.gpg'), other.publicKey);
    writeFileSync(at('keys/a.gpg'), other.publicKey);
    writeFileSync(at('keys/b.asc'), key.publicKey);
    writeFileSync(at('dummy.keys'), 'dummy-key\n');
    server = await serveStatic(at('source'), {
      intercepted: (path) => path === 'mirrors',
      intercept: (request, response) => {
        if (request.url !== '/mirrors') return false;
        response.end(`# comment\n\nftp://127.0.0.1/x\n${server.url}gone\n${server.url}\n`);
        return true;
      },
    });
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await server?.close();
    work.remove();
  });

  /** `%S` is the server, `%T` as if it spoke TLS, `%W` the folder with keys. */
  const told = (text: string): string =>
    text
      .replaceAll('%T', server.url.replace('http:', 'https:'))
      .replaceAll('%S', server.url.replace(/\/$/, ''))
      .replaceAll('%W', work.path);

  async function compare(keys: readonly string[], calls: Call): Promise<void> {
    const results: unknown[] = [];
    for (const run of [theirsAside, ours]) {
      rmSync(at('client'), { recursive: true, force: true });
      originalOutput(`--repo=${at('client')}`, 'init', '--mode=bare-user');
      const lines = keys.some((line) => line.startsWith('url=')) ? keys : ['url=%S', ...keys];
      appendFileSync(at('client/config'), `[remote "o"]\n${lines.map((line) => `${told(line)}\n`).join('')}`);
      const said: unknown[] = [];
      for (const call of calls) {
        const { status, stdout, stderr } = await run([`--repo=${at('client')}`, ...call.map(told)]);
        said.push({ status, stderr, stdout: stdout.replace(/in \d+ seconds/, 'in N seconds') });
      }
      results.push(said, originalOutput(`--repo=${at('client')}`, 'refs'), readFileSync(at('client/config'), 'utf8'));
    }
    expect(results.slice(3)).toEqual(results.slice(0, 3));
  }

  test.each<[string[], Call?]>([
    [[off]],
    [['gpg-verify=flase']],
    [['gpg-verify=']],
    [['gpg-verify=0']],
    [[off, 'gpg-verify-summary=yes']],
    [[off, 'tls-permissive=maybe']],
    [[off, 'http2=maybe']],
    [['gpgkeypath=%W/key.gpg']],
    [['gpgkeypath=%W/other.gpg']],
    [['gpgkeypath=%W/other.gpg;%W/key.gpg']],
    [['gpgkeypath=%W/other.gpg,%W/key.gpg;']],
    [['gpgkeypath=%W/keys']],
    [['gpgkeypath=%W/empty;%W/keys', 'gpg-verify-summary=true']],
    [['gpgkeypath=%W/empty']],
    [['gpgkeypath=%W/nowhere']],
    [[off, 'gpg-verify-summary=true', 'gpgkeypath=%W/other.gpg']],
    [[off, 'sign-verify=']],
    [[off, 'sign-verify=;']],
    [[off, 'sign-verify=ture']],
    [[off, 'sign-verify=TRUE']],
    [[off, 'sign-verify=true']],
    [[off, 'sign-verify=dummy']],
    [[off, 'sign-verify=dummy;ed25519']],
    [[off, 'sign-verify=dummy,ed25519']],
    [[off, 'sign-verify=dummy', 'verification-dummy-key=dummy-key']],
    [[off, 'sign-verify=dummy;', 'verification-dummy-key=wrong']],
    [[off, 'sign-verify=dummy', 'verification-dummy-file=%W/nowhere']],
    [[off, 'sign-verify-summary=']],
    [[off, 'sign-verify-summary=dummy', 'verification-dummy-key=dummy-key']],
    [
      [off, 'unconfigured-state=Please register'],
      [...both, ['remote', 'summary', 'o']],
    ],
    [
      [off, 'custom-backend=other'],
      [...both, ['remote', 'summary', 'o']],
    ],
    [
      [off, 'branches=main;'],
      [
        ['pull', 'o'],
        ['pull', 'o:main'],
        ['pull', '--mirror', 'o'],
      ],
    ],
    [
      [off, 'branches=main;other'],
      [
        ['pull', 'o'],
        ['pull', '--mirror', 'o'],
      ],
    ],
    [
      [off, 'branches='],
      [
        ['pull', 'o'],
        ['pull', '--mirror', 'o'],
      ],
    ],
    [
      [off],
      [
        ['pull', 'o'],
        ['pull', '--mirror', 'o'],
      ],
    ],
    [[off, 'contenturl=http://127.0.0.1:1/']],
    [[off, 'contenturl=%S/gone']],
    [[off, 'contenturl=file://%W/source']],
    [[off, 'contenturl=mirrorlist=%S/mirrors']],
    [[off, 'contenturl=mirrorlist=%S/nowhere']],
    [[off, 'url=mirrorlist=%S/mirrors']],
    [[off, 'url=file://%W/source']],
    [[off, 'url=file://%W/source', 'contenturl=http://127.0.0.1:1/']],
    [[off, 'url=ftp://127.0.0.1/x']],
    [[off, 'url=']],
    [[off, 'url=http://us%er:p%zz@127.0.0.1:1/']],
    [[off, 'proxy=http://us%er:p%zz@127.0.0.1:1']],
    [[off, 'proxy=://']],
    [[off, 'tls-client-cert-path=/x']],
    [[off, 'tls-client-key-path=/x']],
    [[off, 'tls-client-key-path=/x', 'tls-client-cert-path=/x']],
    [[off, 'tls-ca-path=/x']],
    [[off, 'url=%T', 'tls-ca-path=/x']],
    [[off, 'collection-id=org.example.Other']],
    [[off, 'collection-id=../..']],
    [[off, 'metalink=%S/nowhere']],
  ])('%j', async (keys, calls = both) => {
    await compare(keys, calls);
  });
});
