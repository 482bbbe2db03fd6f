import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type StaticServer, type StaticServerOptions, serveStatic } from '@coppice/http';
import { generateKey, sign } from '@coppice/signing';
import { afterEach, describe, expect, test } from 'vitest';
import {
  addRemote,
  generateDelta,
  type PullOptions,
  pull,
  Repo,
  type RepoMode,
  updateSummary,
  withGpgSignature,
} from '../src/index.ts';
import { commitFolder, newFolder, writeTree } from './tree.ts';

const servers: StaticServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

interface World {
  readonly folder: string;
  readonly source: Repo;
  readonly tree: string;
  readonly commits: string[];
  readonly url: string;
}

const env = { OSTREE_GPG_HOME: '/nonexistent', OSTREE_SKIP_CACHE: '1' };

async function world(options: StaticServerOptions = {}, count = 2): Promise<World> {
  const folder = newFolder();
  const source = Repo.create(join(folder, 'source'), { mode: 'archive', env });
  const tree = writeTree(join(folder, 'tree'), {
    'usr/bin/tool': { text: 'tool', mode: 0o755 },
    'usr/lib/data': 'x'.repeat(20000),
    'usr/lib/link': { link: 'data' },
    'etc/conf': 'conf 0',
  });
  const commits: string[] = [];
  for (let i = 0; i < count; i++) {
    if (i > 0) writeFileSync(join(tree, 'etc/conf'), `conf ${i}`);
    const parent = commits.at(-1);
    commits.push(
      commitFolder(source, tree, {
        ref: 'main',
        timestamp: 1_700_000_000 + i,
        ...(parent === undefined ? {} : { parent }),
      }),
    );
  }
  const server = await serveStatic(source.path, options);
  servers.push(server);
  return { folder, source, tree, commits, url: server.url };
}

function target(
  w: World,
  mode: RepoMode = 'bare-user-only',
  keys: [string, string | boolean][] = [['gpg-verify', false]],
): Repo {
  const repo = Repo.create(join(newFolder(), 'target'), { mode, env });
  addRemote(repo, 'origin', { url: w.url, keys });
  return repo;
}

const quick = { fetcher: { sleep: async () => {}, env: {} } };
function fetch(repo: Repo, options: Partial<PullOptions> = {}): ReturnType<typeof pull> {
  return pull(repo, { remote: 'origin', refs: ['main'], disableFsync: true, ...quick, ...options });
}

function whole(repo: Repo, commit: string): boolean {
  for (const entry of repo.readTree(commit)) {
    if (entry.type === 'file' && !repo.hasObject('file', entry.checksum)) return false;
  }
  return !repo.isPartial(commit);
}

test.each(['bare-user-only', 'archive'] as const)(
  'brings a ref into a %s repository, and then nothing more',
  async (mode) => {
    const w = await world();
    const repo = target(w, mode);
    const first = await fetch(repo);
    expect(first.status).toMatch(
      /^\d+ metadata, 4 content objects fetched; .* transferred in \d+ seconds; 20\.0\u00a0kB content written$/,
    );
    expect(repo.resolveRev('origin:main')).toBe(w.commits[1]);
    expect(whole(repo, w.commits[1]!)).toBe(true);
    expect(repo.hasObject('commit', w.commits[0]!)).toBe(false);
    expect((await fetch(repo)).status).not.toMatch(/[1-9]\d* content objects/);
  },
);

test('history, parts of a tree, commits alone', async () => {
  const w = await world({}, 3);
  const deep = target(w);
  await fetch(deep, { depth: 1 });
  expect([0, 1, 2].map((i) => deep.hasObject('commit', w.commits[i]!))).toEqual([false, true, true]);
  await fetch(deep, { depth: -1 });
  expect(whole(deep, w.commits[0]!)).toBe(true);
  const part = target(w);
  await fetch(part, { subpaths: ['/etc'] });
  expect(part.isPartial(w.commits[2]!)).toBe(true);
  expect(part.readFileBytes(w.commits[2]!, '/etc/conf')?.toString()).toBe('conf 2');
  expect(() => part.readFileBytes(w.commits[2]!, '/usr/bin/tool')).toThrow();
  const bare = target(w);
  await fetch(bare, { commitOnly: true });
  expect(bare.partialReason(w.commits[2]!)).toBe('pull');
  await fetch(bare);
  expect(whole(bare, w.commits[2]!)).toBe(true);
});

test('mirrors refs under their own name', async () => {
  const w = await world();
  updateSummary(w.source);
  const repo = target(w, 'archive');
  await fetch(repo, { refs: [], mirror: true });
  expect(repo.resolveRev('main')).toBe(w.commits[1]);
  expect(readFileSync(join(repo.path, 'summary'))).toEqual(readFileSync(join(w.source.path, 'summary')));
});

test('a commit by checksum, an override, an unknown ref, a bad name', async () => {
  const w = await world();
  const repo = target(w);
  await fetch(repo, { refs: [w.commits[0]!] });
  expect(repo.hasObject('commit', w.commits[0]!)).toBe(true);
  await fetch(repo, { overrideCommits: [w.commits[0]!] });
  expect(repo.resolveRev('origin:main')).toBe(w.commits[0]);
  await expect(fetch(repo, { refs: ['nope'] })).rejects.toThrow('Server returned HTTP 404');
  await expect(fetch(repo, { refs: ['../x'] })).rejects.toThrow('Invalid ref name ../x');
  updateSummary(w.source);
  await expect(fetch(repo, { refs: ['nope'] })).rejects.toThrow("No such branch 'nope' in repository summary");
});

test('an older commit is refused when asked to check', async () => {
  const w = await world();
  const repo = target(w);
  await fetch(repo);
  await expect(fetch(repo, { timestampCheck: true, overrideCommits: [w.commits[0]!] })).rejects.toThrow(
    'is chronologically older than current revision',
  );
  expect(repo.resolveRev('origin:main')).toBe(w.commits[1]);
});

test('a static delta is used, also one that leaves something out', async () => {
  const asked: string[] = [];
  const w = await world({ onRequest: (r) => void asked.push(r.path) });
  const repo = target(w);
  await fetch(repo, { overrideCommits: [w.commits[0]!] });
  appendFileSync(join(w.tree, 'usr/lib/data'), 'more');
  const to = commitFolder(w.source, w.tree, { ref: 'main', parent: w.commits[1]!, timestamp: 1_700_000_009 });
  await generateDelta(w.source, { from: w.commits[0]!, to, minFallback: 10 });
  updateSummary(w.source);
  asked.length = 0;
  const result = await fetch(repo, { requireStaticDeltas: true });
  expect(result.status).toMatch(/^1 delta parts, /);
  expect(whole(repo, to)).toBe(true);
  expect(asked.filter((path) => path.includes('/deltas/')).length).toBe(2);
  await expect(fetch(target(w, 'archive'), { requireStaticDeltas: true })).rejects.toThrow("Can't use static deltas");
});

describe('signatures', () => {
  const key = generateKey({ userId: 'k <k@example.com>', created: 1_600_000_000 });
  const other = generateKey({ userId: 'o <o@example.com>', created: 1_600_000_000 });
  const signWith = (secret: Uint8Array, repo: Repo, commit: string): void =>
    repo.writeDetachedMetadata(commit, withGpgSignature(undefined, sign(secret, repo.loadCommitBytes(commit))));

  function trusting(w: World, extra: [string, string | boolean][] = []): Repo {
    const repo = target(w, 'bare-user-only', extra);
    writeFileSync(join(repo.path, 'origin.trustedkeys.gpg'), key.publicKey);
    return repo;
  }

  test('commits must be signed by the remote’s key', async () => {
    const w = await world();
    const repo = trusting(w);
    await expect(fetch(repo)).rejects.toThrow('GPG verification enabled, but no signatures found');
    signWith(other.secretKey, w.source, w.commits[1]!);
    await expect(fetch(repo)).rejects.toThrow("Can't check signature: public key not found");
    expect(repo.hasObject('commit', w.commits[1]!)).toBe(false);
    signWith(key.secretKey, w.source, w.commits[1]!);
    let seen = 0;
    await fetch(repo, { onGpgResults: (_commit, results) => (seen += results.filter((r) => r.valid).length) });
    expect([seen, whole(repo, w.commits[1]!)]).toEqual([1, true]);
  });

  test('a signature of another commit, and one that was taken away', async () => {
    const w = await world();
    const repo = trusting(w);
    const wrong = sign(key.secretKey, w.source.loadCommitBytes(w.commits[0]!));
    w.source.writeDetachedMetadata(w.commits[1]!, withGpgSignature(undefined, wrong));
    await expect(fetch(repo)).rejects.toThrow('BAD signature from "k <k@example.com>"');
    w.source.writeDetachedMetadata(w.commits[1]!, undefined);
    await expect(fetch(repo)).rejects.toThrow('no signatures found');
  });

  test('the summary must be signed when the remote says so', async () => {
    const w = await world();
    const repo = trusting(w, [
      ['gpg-verify', false],
      ['gpg-verify-summary', true],
    ]);
    await expect(fetch(repo)).rejects.toThrow('GPG verification enabled, but no summary found');
    updateSummary(w.source);
    await expect(fetch(repo)).rejects.toThrow('no summary.sig found');
    const signer = (data: Uint8Array, dict?: Parameters<typeof withGpgSignature>[0]) =>
      withGpgSignature(dict, sign(key.secretKey, data));
    updateSummary(w.source, { signers: [signer] });
    await fetch(repo);
    expect(repo.resolveRev('origin:main')).toBe(w.commits[1]);
    // Another summary under the old signature.
    const signature = readFileSync(join(w.source.path, 'summary.sig'));
    commitFolder(w.source, w.tree, { ref: 'other' });
    updateSummary(w.source);
    writeFileSync(join(w.source.path, 'summary.sig'), signature);
    await expect(fetch(repo)).rejects.toThrow('BAD signature');
  });
});

describe('a hostile server', () => {
  /** Answers requests whose path matches with other bytes or a redirect. */
  function answering(pattern: RegExp, answer: (path: string) => Buffer | string | undefined): StaticServerOptions {
    return {
      intercept: (_request, response, path) => {
        if (!pattern.test(path)) return false;
        const given = answer(path);
        if (given === undefined) return false;
        if (typeof given === 'string') response.writeHead(302, { location: given }).end();
        else response.writeHead(200, { 'content-length': given.length }).end(given);
        return true;
      },
    };
  }

  test('content that is not what its name says', async () => {
    const w = await world(
      answering(/\.filez$/, () =>
        Buffer.from('0000001a0000000000000000000000030000000000000000000081a4000000000019cbc8e40200', 'hex'),
      ),
    );
    await expect(fetch(target(w))).rejects.toThrow(/[0-9a-f]{64}\.file: Corrupted file object; checksum expected=/);
  });

  test('a small file that claims to be huge, and one that expands without end', async () => {
    const huge = Buffer.from(
      '0000001a00000000 7fffffffffffffff 00000000 00000000 000081a4 00000000 00 19 cbc8e40200'.replaceAll(' ', ''),
      'hex',
    );
    const w = await world(answering(/\.filez$/, () => huge));
    await expect(fetch(target(w))).rejects.toMatchObject({ kind: 'input' });
    const bomb = Buffer.from(
      '0000001a00000000 0000000000000003 00000000 00000000 000081a4 00000000 00 19'.replaceAll(' ', ''),
      'hex',
    );
    const { deflateRawSync } = await import('node:zlib');
    const w2 = await world(answering(/\.filez$/, () => Buffer.concat([bomb, deflateRawSync(Buffer.alloc(5_000_000))])));
    await expect(fetch(target(w2))).rejects.toThrow('of 3 bytes');
  });

  test('metadata that is too large, or not metadata', async () => {
    const w = await world(answering(/\.dirtree$/, () => Buffer.alloc(11 * 1024 * 1024)));
    const small = Repo.create(join(newFolder(), 'target'), { mode: 'bare-user-only', env, compat: '2022.7' });
    addRemote(small, 'origin', { url: w.url, keys: [['gpg-verify', false]] });
    await expect(fetch(small)).rejects.toThrow('exceeded maximum size of 10485760 bytes');
    const w2 = await world(answering(/\.dirtree$/, () => Buffer.from('garbage')));
    await expect(fetch(target(w2))).rejects.toThrow(/\.dirtree: Corrupted dirtree object; checksum expected=/);
  });

  test('a ref that is a page, a summary that is none, a name that climbs', async () => {
    const w = await world(answering(/^refs\//, () => Buffer.from('<html>\n<body>')));
    await expect(fetch(target(w))).rejects.toThrow(
      'Fetching checksum for ref ((empty), main): Invalid rev <html> <body>',
    );
    const w2 = await world(answering(/^summary$/, () => Buffer.from('nonsense')));
    updateSummary(w2.source);
    await expect(fetch(target(w2))).rejects.toMatchObject({ kind: 'input' });
  });

  test('a redirect to another host gets no credentials; one to a file is refused', async () => {
    const seen: unknown[] = [];
    const other = await serveStatic(newFolder(), {
      intercept: (request, response) => {
        seen.push(request.headers.authorization, request.headers['x-token'], request.headers.cookie);
        response.writeHead(404).end();
        return true;
      },
    });
    servers.push(other);
    const w = await world(answering(/^refs\//, () => `${other.url}elsewhere`));
    const repo = target(w);
    const url = w.url.replace('//', '//user:secret@');
    await expect(fetch(repo, { overrideUrl: url, headers: [['x-token', 'secret']] })).rejects.toThrow('404');
    expect(seen).toEqual([undefined, undefined, undefined]);
    const w2 = await world(answering(/^refs\//, () => 'file:///etc/passwd'));
    await expect(fetch(target(w2))).rejects.toThrow('[1] Unsupported protocol');
  });

  test('set-id files are refused where they may not be', async () => {
    const w = await world();
    writeTree(w.tree, { 'usr/bin/su': { text: 'su', mode: 0o4755 } });
    commitFolder(w.source, w.tree, { ref: 'main', modifier: {} });
    await expect(fetch(target(w))).rejects.toThrow(/Content object [0-9a-f]{64}: invalid mode 0104755 with bits 04000/);
  });
});

test('a broken pull goes on where it was', async () => {
  let broken = true;
  let fetched = 0;
  const w = await world({
    intercept: (_request, response, path) => {
      if (!path.endsWith('.filez')) return false;
      if (broken && ++fetched > 2) {
        response.writeHead(500).end();
        return true;
      }
      if (!broken) fetched++;
      return false;
    },
  });
  const repo = target(w);
  await expect(fetch(repo, { retries: 0, maxOutstanding: 1 })).rejects.toThrow('Server returned HTTP 500');
  expect(repo.tryResolveRev('origin:main')).toBeUndefined();
  broken = false;
  fetched = 0;
  await fetch(repo);
  expect(fetched).toBeLessThan(4);
  expect(whole(repo, w.commits[1]!)).toBe(true);
});

test('remotes that must not be pulled from', async () => {
  const w = await world();
  const repo = target(w);
  addRemote(repo, 'sub', { url: w.url, keys: [['unconfigured-state', 'Subscribe first.']] });
  await expect(pull(repo, { remote: 'sub', refs: ['main'] })).rejects.toThrow(
    'remote unconfigured-state: Subscribe first.',
  );
  addRemote(repo, 'odd', { keys: [['custom-backend', 'other']] });
  await expect(pull(repo, { remote: 'odd', refs: ['main'] })).rejects.toThrow(
    "remote 'odd' uses custom backend 'other'",
  );
  await expect(pull(repo, { remote: 'none', refs: ['main'] })).rejects.toThrow('Remote "none" not found');
  expect(() => addRemote(repo, 'odd', { url: 'x' })).toThrow(
    'Remote configuration for "odd" already exists: (in config)',
  );
  rmSync(join(repo.path, 'tmp'), { recursive: true });
  expect(existsSync(repo.path)).toBe(true);
});
