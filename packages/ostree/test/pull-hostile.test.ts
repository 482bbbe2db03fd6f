import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { compressBytes } from '@coppice/archive';
import { encode, Variant, VariantDict } from '@coppice/gvariant';
import { type StaticServer, serveStatic } from '@coppice/http';
import { generateKey, sign } from '@coppice/signing';
import { afterEach, expect, test } from 'vitest';
import { deltaFilePath } from '../src/delta/name.ts';
import { decodeSuperblock, superblockType } from '../src/delta/superblock.ts';
import {
  addRemote,
  generateDelta,
  looseName,
  type PullOptions,
  pull,
  Repo,
  sha256,
  updateSummary,
  withGpgSignature,
} from '../src/index.ts';
import { decodeSummary, encodeSummary } from '../src/summary/summary-file.ts';
import { commitFolder, newFolder, writeTree } from './tree.ts';

// A server that wants to harm: what each trick meets, and that nothing of it stays.

const servers: StaticServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

const env = { OSTREE_GPG_HOME: '/nonexistent', OSTREE_SKIP_CACHE: '1' };
type Trick = (path: string, response: ServerResponse, request: IncomingMessage) => boolean;

interface World {
  readonly source: Repo;
  readonly url: string;
  readonly commits: readonly string[];
}

async function world(trick: Trick = () => false): Promise<World> {
  const folder = newFolder();
  const source = Repo.create(join(folder, 'source'), { mode: 'archive', env });
  const tree = writeTree(join(folder, 'tree'), { 'usr/tool': 'x'.repeat(9000), 'etc/conf': 'conf 0' });
  const commits = [commitFolder(source, tree, { ref: 'main', timestamp: 1 })];
  writeFileSync(join(tree, 'usr/tool'), `${'x'.repeat(9000)} and more`);
  commits.push(commitFolder(source, tree, { ref: 'main', timestamp: 2, parent: commits[0]! }));
  const server = await serveStatic(source.path, {
    intercept: (request, response, path) => trick(path, response, request),
  });
  servers.push(server);
  return { source, url: server.url, commits };
}

function target(url: string): Repo {
  const repo = Repo.create(join(newFolder(), 'target'), { mode: 'bare-user-only', env });
  addRemote(repo, 'origin', { url, keys: [['gpg-verify', false]] });
  return repo;
}

function fetch(repo: Repo, options: Partial<PullOptions> = {}): ReturnType<typeof pull> {
  const quick = { fetcher: { sleep: async () => {}, env: {} }, retries: 0 };
  return pull(repo, { remote: 'origin', refs: ['main'], disableFsync: true, ...quick, ...options });
}

test('content without end stops where its header says', async () => {
  let sent = 0;
  const w = await world((path, response) => {
    if (!path.endsWith('.filez')) return false;
    const head = Buffer.from('0000001a00000000000000000000000300000000000000000000' + '81a4000000000019', 'hex');
    response.writeHead(200);
    response.write(head);
    const piece = Buffer.alloc(1024 * 1024, 7);
    const more = (): void => {
      while (!response.destroyed && sent < 500 * 1024 * 1024) {
        sent += piece.length;
        if (!response.write(piece)) {
          response.once('drain', more);
          return;
        }
      }
      response.end();
    };
    more();
    return true;
  });
  const repo = target(w.url);
  await expect(fetch(repo)).rejects.toThrow(/Corrupted archive file; over \d+ bytes where its header allows no more/);
  expect(sent).toBeLessThan(100 * 1024 * 1024);
  expect(readdirSync(join(repo.path, 'tmp')).filter((name) => name.startsWith('fetch-'))).toEqual([]);
});

test.each(['../../../escaped', '/absolute', 'a/../../b', '.hidden/../x', 'with space'])(
  'a summary with the ref %j writes nothing outside',
  async (name) => {
    const w = await world();
    updateSummary(w.source);
    const path = join(w.source.path, 'summary');
    const summary = decodeSummary(Uint8Array.from(readFileSync(path)));
    const refs = summary.refs.map((ref) => ({ ...ref, ref: name }));
    writeFileSync(path, encodeSummary({ ...summary, refs }));
    const repo = target(w.url);
    await expect(fetch(repo, { refs: [], mirror: true })).rejects.toThrow(`Invalid ref name ${name}`);
    expect(existsSync(join(repo.path, 'escaped')) || existsSync(join(repo.path, '../escaped'))).toBe(false);
    expect(repo.listRefs().size).toBe(0);
  },
);

test('delta names that climb are no names', async () => {
  const w = await world();
  updateSummary(w.source);
  const path = join(w.source.path, 'summary');
  const summary = decodeSummary(Uint8Array.from(readFileSync(path)));
  const digest = new Variant('ay', new Uint8Array(32));
  const metadata = new Map([...summary.metadata.keys()].map((key) => [key, summary.metadata.get(key)!]));
  metadata.set('ostree.static-deltas', new Variant('a{sv}', [[`../../${w.commits[1]}`, digest]]));
  metadata.set('ostree.summary.indexed-deltas', new Variant('b', false));
  const dict = VariantDict.from([...metadata.entries()] as never);
  writeFileSync(path, encodeSummary({ refs: summary.refs, metadata: dict }));
  const asked: string[] = [];
  const server = await serveStatic(w.source.path, { onRequest: (request) => asked.push(request.path) });
  servers.push(server);
  await fetch(target(server.url));
  expect(asked.filter((p) => p.includes('deltas') || p.includes('..'))).toEqual([]);
});

test('mirror lists name servers, not files', async () => {
  const w = await world((path, response) => {
    if (path !== '' || !response.req.url!.includes('mirrors')) return false;
    response.writeHead(200).end('file:///etc\n../../etc\ngopher://127.0.0.1/\n');
    return true;
  });
  const repo = target(`mirrorlist=${w.url}mirrors`);
  await expect(fetch(repo)).rejects.toThrow('No valid mirrors were found in mirrorlist');
});

test('metadata over the limit, whatever is said of its size', async () => {
  for (const end of ['.commit', '.commitmeta', '.dirtree', 'summary']) {
    const w = await world((_path, response, request) => {
      if (!request.url!.endsWith(end)) return false;
      response.writeHead(200);
      const piece = Buffer.alloc(1024 * 1024);
      for (let i = 0; i < 12; i++) response.write(piece);
      response.end();
      return true;
    });
    updateSummary(w.source);
    const repo = target(w.url);
    const old = Repo.open(repo.path, { env, compat: '2022.7' });
    const limit = 10 * 1024 * 1024;
    await expect(fetch(old)).rejects.toThrow(`exceeded maximum size of ${limit} bytes`);
    expect(old.listRefs().size).toBe(0);
  }
});

test('metalinks that are nested by the thousand', async () => {
  const w = await world((path, response) => {
    if (path !== '' || !response.req.url!.includes('metalink')) return false;
    response.end(`<metalink>${'<a>'.repeat(300_000)}`);
    return true;
  });
  const repo = Repo.create(join(newFolder(), 'target'), { mode: 'bare-user-only', env });
  addRemote(repo, 'origin', { url: `metalink=${w.url}metalink`, keys: [['gpg-verify', false]] });
  await expect(fetch(repo)).rejects.toThrow('Parsing metalink: elements are nested too deep');
});

test('a summary that was signed once, replayed with an older commit', async () => {
  const w = await world();
  const signer = generateKey({ userId: 'Hostile <hostile@example.com>', created: 1_600_000_000 });
  const signers = [
    (data: Uint8Array, dict: ReadonlyMap<string, Variant> | undefined) =>
      withGpgSignature(dict, sign(signer.secretKey, data)),
  ];
  for (const commit of w.commits)
    w.source.writeDetachedMetadata(
      commit,
      withGpgSignature(undefined, sign(signer.secretKey, w.source.loadCommitBytes(commit))),
    );
  const [older, newer] = w.commits as [string, string];
  w.source.transaction((transaction) => transaction.setRef('main', older));
  updateSummary(w.source, { signers });
  const kept = ['summary', 'summary.sig'].map((name) => [name, readFileSync(join(w.source.path, name))] as const);
  w.source.transaction((transaction) => transaction.setRef('main', newer));
  updateSummary(w.source, { signers });
  const repo = Repo.create(join(newFolder(), 'target'), { mode: 'bare-user-only', env });
  addRemote(repo, 'origin', { url: w.url, keys: [['gpg-verify-summary', true]] });
  writeFileSync(join(repo.path, 'origin.trustedkeys.gpg'), signer.publicKey);
  await fetch(repo);
  for (const [name, bytes] of kept) writeFileSync(join(w.source.path, name), bytes);
  await expect(fetch(repo, { timestampCheck: true })).rejects.toThrow('is chronologically older than current revision');
  expect(repo.resolveRev('origin:main')).toBe(newer);
  // Another signature than that of the summary; none; one that is missing.
  updateSummary(w.source, { signers });
  writeFileSync(join(w.source.path, 'summary.sig'), kept[1]![1]);
  await expect(fetch(repo)).rejects.toThrow(/BAD signature/);
  rmSync(join(w.source.path, 'summary.sig'));
  await expect(fetch(repo)).rejects.toThrow('GPG verification enabled, but no summary.sig found');
  updateSummary(w.source, { signers });
  const fresh = Repo.create(join(newFolder(), 'target'), { mode: 'bare-user-only', env });
  addRemote(fresh, 'origin', { url: w.url, keys: [['gpg-verify-summary', true]] });
  writeFileSync(join(fresh.path, 'origin.trustedkeys.gpg'), signer.publicKey);
  rmSync(join(w.source.path, 'objects', looseName(newer, 'commitmeta', 'archive')));
  await expect(fetch(fresh)).rejects.toThrow('GPG verification enabled, but no signatures found');
  expect([fresh.listRefs().size, fresh.hasObject('commit', newer)]).toEqual([0, false]);
});

/** Puts a part of the caller's making into the scratch delta of the second commit. */
async function withPart(
  change: (part: { file: Uint8Array; size: bigint; plain: bigint }) => { file: Uint8Array; plain: bigint },
): Promise<{ w: World; repo: Repo }> {
  const w = await world();
  const to = w.commits[1]!;
  await generateDelta(w.source, { from: undefined, to });
  const place = join(w.source.path, deltaFilePath(undefined, to, 'superblock'));
  const block = decodeSuperblock(Uint8Array.from(readFileSync(place)));
  const partPath = join(w.source.path, deltaFilePath(undefined, to, '0'));
  const header = block.parts[0]!;
  const made = change({
    file: readFileSync(partPath),
    size: BigInt(header.size),
    plain: BigInt(header.uncompressedSize),
  });
  writeFileSync(partPath, made.file);
  const { decode } = await import('@coppice/gvariant');
  const value = decode(superblockType, Uint8Array.from(readFileSync(place))) as unknown[];
  const part = (value[6] as unknown[][])[0]!;
  part[1] = Buffer.from(sha256(made.file), 'hex');
  part[2] = BigInt(made.file.length);
  part[3] = made.plain;
  writeFileSync(place, encode(superblockType, value as never));
  updateSummary(w.source);
  return { w, repo: target(w.url) };
}

test('a part that expands without end', async () => {
  const bomb = compressBytes(new Uint8Array(20 * 1024 * 1024), 'xz', { level: 0 });
  const { repo, w } = await withPart(({ plain }) => ({ file: Buffer.concat([Buffer.from('x'), bomb]), plain }));
  await expect(fetch(repo, { requireStaticDeltas: true })).rejects.toThrow(
    /Writing delta part 0: .*decompressed data is larger than \d+ bytes/,
  );
  expect(repo.tryResolveRev('origin:main')).toBeUndefined();
  expect(repo.isPartial(w.commits[1]!)).toBe(true);
});

test('a delta that asks for more space than there is', async () => {
  const { repo } = await withPart(({ file }) => ({ file, plain: 2n ** 52n }));
  await expect(fetch(repo, { requireStaticDeltas: true })).rejects.toThrow(
    /Delta requires .* free space, but only .* available/,
  );
});

test('a delta for another commit', async () => {
  const w = await world();
  const [from, to] = w.commits as [string, string];
  await generateDelta(w.source, { from: undefined, to: from });
  const bytes = readFileSync(join(w.source.path, deltaFilePath(undefined, from, 'superblock')));
  await generateDelta(w.source, { from: undefined, to });
  writeFileSync(join(w.source.path, deltaFilePath(undefined, to, 'superblock')), bytes);
  updateSummary(w.source);
  await expect(fetch(target(w.url), { requireStaticDeltas: true })).rejects.toThrow(
    `Static delta ${to} is for ${from}`,
  );
});
