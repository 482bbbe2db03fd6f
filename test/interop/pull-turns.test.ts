// Pulls in turns with the original: it serves and we pull, we make everything and it pulls; both find the result clean.
import { execFile } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type StaticServer, serveStatic } from '@coppice/http';
import {
  addRemote,
  applyOffline,
  commitGpgResults,
  describeGpgResults,
  generateDelta,
  gpgSignCommit,
  MutableTree,
  pull,
  Repo,
  showDelta,
  updateSummary,
  verificationKeyring,
  viewSummary,
  withGpgSignature,
} from '@coppice/ostree';
import { generateKey, Keyring, loadSigningKey, sign } from '@coppice/signing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { oddTree, original, originalOutput, scratch, skipReason } from './ostree-support.ts';

const run = promisify(execFile);
const env = { OSTREE_SKIP_CACHE: '1', OSTREE_GPG_HOME: '/nonexistent' };

describe.skipIf(skipReason !== undefined)(`pulls in turns with the original (${skipReason ?? 'ostree found'})`, () => {
  const work = scratch();
  const servers: StaticServer[] = [];
  const at = (name: string): string => join(work.path, name);
  const key = generateKey({ userId: 'Turns <turns@example.com>', algorithm: 'rsa2048', created: 1_600_000_000 });

  async function address(repo: string): Promise<string> {
    const server = await serveStatic(repo);
    servers.push(server);
    return server.url;
  }
  const clean = (repo: string): void => {
    const check = original(`--repo=${repo}`, 'fsck');
    expect(check.stderr + check.stdout).toContain('no errors found');
  };
  const open = (name: string): Repo => Repo.open(at(name), { env, compat: '2022.7' });

  beforeAll(() => {
    mkdirSync(at('tree'));
    oddTree(at('tree'));
    originalOutput('init', `--repo=${at('theirs')}`, '--mode=archive');
    originalOutput(
      `--repo=${at('theirs')}`,
      'commit',
      '-b',
      'main',
      '-s',
      'one',
      '--timestamp=@1700000000',
      at('tree'),
    );
    writeFileSync(at('tree/d/grown'), Array.from({ length: 5000 }, (_, i) => `line ${i}\n`).join(''));
    originalOutput(
      `--repo=${at('theirs')}`,
      'commit',
      '-b',
      'main',
      '-s',
      'two',
      '--timestamp=@1700000001',
      at('tree'),
    );
    writeFileSync(
      at('tree/d/grown'),
      Array.from({ length: 5000 }, (_, i) => `line ${i * (i % 97 === 0 ? 2 : 1)}\n`).join(''),
    );
    originalOutput(
      `--repo=${at('theirs')}`,
      'commit',
      '-b',
      'main',
      '-s',
      'three',
      '--timestamp=@1700000002',
      at('tree'),
    );
  });
  afterAll(async () => {
    for (const server of servers) await server.close();
    work.remove();
  });

  test.each(['bare', 'bare-user', 'archive'] as const)(
    'ours pulls from the original’s repository into %s',
    async (mode) => {
      const url = await address(at('theirs'));
      const repo = Repo.create(at(`ours-${mode}`), { mode, env, compat: '2022.7' });
      addRemote(repo, 'origin', { url, keys: [['gpg-verify', false]] });
      const ours = await pull(repo, { remote: 'origin', refs: ['main'], depth: -1, fetcher: { env: {} } });
      clean(repo.path);
      originalOutput('init', `--repo=${at(`original-${mode}`)}`, `--mode=${mode}`);
      originalOutput(`--repo=${at(`original-${mode}`)}`, 'remote', 'add', '--no-sign-verify', 'origin', url);
      const theirs = await run('ostree', [`--repo=${at(`original-${mode}`)}`, 'pull', '--depth=-1', 'origin', 'main']);
      const digits = (text: string): string =>
        text.replace(/transferred in \d+ seconds/, 'transferred').replace(/\d+ (KiB|B) /, '');
      expect(digits(`${ours.status}\n`)).toBe(digits(theirs.stdout));
    },
  );

  test('the original’s delta in our pull, ours in the original’s', async () => {
    const [from, to] = ['main^', 'main'].map((rev) =>
      originalOutput(`--repo=${at('theirs')}`, 'rev-parse', rev).trim(),
    ) as [string, string];
    originalOutput(`--repo=${at('theirs')}`, 'static-delta', 'generate', `--from=${from}`, `--to=${to}`);
    originalOutput(`--repo=${at('theirs')}`, 'summary', '-u');
    const url = await address(at('theirs'));
    const repo = Repo.create(at('delta-ours'), { mode: 'bare-user', env });
    addRemote(repo, 'origin', { url, keys: [['gpg-verify', false]] });
    await pull(repo, { remote: 'origin', refs: ['main'], overrideCommits: [from], fetcher: { env: {} } });
    const result = await pull(repo, {
      remote: 'origin',
      refs: ['main'],
      requireStaticDeltas: true,
      fetcher: { env: {} },
    });
    expect(result.status).toMatch(/^1 delta parts/);
    clean(repo.path);
    const name = { from, to, hex: `${from}-${to}` };
    const file = originalOutput(`--repo=${at('theirs')}`, 'static-delta', 'show', name.hex);
    const theirs = open('theirs');
    const path = superblockBelow(at('theirs/deltas'));
    expect(showDelta(theirs, name, readFileSync(path))).toBe(file);

    await generateDelta(theirs, { from, to });
    updateSummary(theirs);
    expect(originalOutput(`--repo=${at('theirs')}`, 'static-delta', 'show', name.hex)).toBe(
      showDelta(theirs, name, readFileSync(path)),
    );
    originalOutput('init', `--repo=${at('delta-original')}`, '--mode=bare-user');
    originalOutput(`--repo=${at('delta-original')}`, 'remote', 'add', '--no-sign-verify', 'origin', url);
    await run('ostree', [`--repo=${at('delta-original')}`, 'pull', 'origin', `main@${from}`]);
    const { stdout } = await run('ostree', [
      `--repo=${at('delta-original')}`,
      'pull',
      '--require-static-deltas',
      'origin',
      'main',
    ]);
    expect(stdout).toMatch(/^1 delta parts/);
    clean(at('delta-original'));
  });

  test('deltas of either side apply offline with the other', async () => {
    const [from, to] = ['main^', 'main'].map((rev) =>
      originalOutput(`--repo=${at('theirs')}`, 'rev-parse', rev).trim(),
    ) as [string, string];
    for (const [maker, inline] of [
      ['ours', true],
      ['original', true],
      ['ours', false],
      ['original', false],
    ] as const) {
      const name = `offline-${maker}-${inline}`;
      mkdirSync(at(name));
      const filename = at(`${name}/superblock`);
      if (maker === 'ours') await generateDelta(open('theirs'), { from, to, inline, filename, minFallback: 0 });
      else {
        const flags = inline ? ['--inline'] : [];
        originalOutput(
          `--repo=${at('theirs')}`,
          'static-delta',
          'generate',
          '--min-fallback-size=0',
          ...flags,
          `--filename=${filename}`,
          `--from=${from}`,
          `--to=${to}`,
        );
      }
      originalOutput('init', `--repo=${at(`${name}-repo`)}`, '--mode=bare-user');
      originalOutput(`--repo=${at(`${name}-repo`)}`, 'pull-local', at('theirs'), from);
      if (maker === 'ours') originalOutput(`--repo=${at(`${name}-repo`)}`, 'static-delta', 'apply-offline', filename);
      else applyOffline(open(`${name}-repo`), filename, undefined);
      clean(at(`${name}-repo`));
    }
  });

  test('the original pulls and verifies what we signed and summarised', async () => {
    const repo = Repo.create(at('signed'), { mode: 'archive', env, compat: '2022.7' });
    const commit = repo.transaction((transaction) => {
      const root = new MutableTree();
      transaction.writeDirectory(at('tree'), root, {});
      const written = transaction.writeTree(root);
      const checksum = transaction.writeCommit({
        metadata: new Map(),
        parent: undefined,
        subject: 's',
        body: '',
        timestamp: 1_700_000_000,
        ...written,
      });
      transaction.setRef('main', checksum);
      return checksum;
    });
    gpgSignCommit(repo, commit, loadSigningKey(key.secretKey), new Keyring(key.publicKey));
    updateSummary(repo, { signers: [(data, dict) => withGpgSignature(dict, sign(key.secretKey, data))] });
    expect(originalOutput(`--repo=${repo.path}`, 'summary', '-v')).toBe(
      viewSummary(readFileSync(join(repo.path, 'summary'))),
    );
    const url = await address(repo.path);
    writeFileSync(at('key.gpg'), key.publicKey);
    originalOutput('init', `--repo=${at('verifier')}`, '--mode=bare');
    originalOutput(
      `--repo=${at('verifier')}`,
      'remote',
      'add',
      '--set=gpg-verify-summary=true',
      `--gpg-import=${at('key.gpg')}`,
      'origin',
      url,
    );
    await run('ostree', [`--repo=${at('verifier')}`, 'pull', 'origin', 'main']);
    clean(at('verifier'));
    const shown = originalOutput(`--repo=${at('verifier')}`, 'show', '--gpg-verify-remote=origin', 'main');
    const copy = open('verifier');
    const block = describeGpgResults(commitGpgResults(copy, commit, verificationKeyring(copy, 'origin')), '  ');
    expect(shown).toContain(`Found 1 signature:\n\n${block}`);
  });

  test('local pulls between modes give what the original gives', async () => {
    for (const mode of ['bare', 'bare-user', 'archive'] as const) {
      const repo = Repo.create(at(`local-${mode}`), { mode, env, compat: '2022.7' });
      const ours = await pull(repo, { remote: `file://${at('theirs')}`, refs: ['main'] });
      originalOutput('init', `--repo=${at(`local-original-${mode}`)}`, `--mode=${mode}`);
      const theirs = originalOutput(`--repo=${at(`local-original-${mode}`)}`, 'pull-local', at('theirs'), 'main');
      expect(`${ours.status}\n`).toBe(theirs);
      clean(repo.path);
    }
  });
});

/** The one superblock below a folder of deltas. */
function superblockBelow(deltas: string): string {
  const found = globSync('*/*/superblock', { cwd: deltas })[0];
  if (found === undefined) throw new Error(`no superblock below ${deltas}`);
  return join(deltas, found);
}
