import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type StaticServer, serveStatic } from '@coppice/http';
import { generateKey, Keyring, sign } from '@coppice/signing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage, createRepository, fetchRepository, loadRepository, parseRepoFile } from '../src/index.ts';

const work = mkdtempSync(join(tmpdir(), 'coppice-fetch-'));
const served = join(work, 'served');
const requests: string[] = [];
let server: StaticServer;
let base = '';

function addPackage(name: string): void {
  const built = buildPackage({ name, version: '1', release: '1', arch: 'noarch', summary: name, license: 'MIT' });
  writeFileSync(join(served, built.fileName), built.bytes());
  createRepository(served);
}

const config = (body: string) => parseRepoFile(`[test]\n${body}\n`, 'test.repo')[0]!;
let count = 0;
const fresh = (): string => join(work, `copy${count++}`);
const names = (dir: string): string[] => loadRepository(dir).packages.map((pkg) => pkg.name);

beforeAll(async () => {
  mkdirSync(served);
  addPackage('one');
  server = await serveStatic(served, { onRequest: (request) => void requests.push(request.path) });
  base = server.url.replace(/\/$/, '');
});
afterAll(async () => {
  await server.close();
  rmSync(work, { recursive: true, force: true });
});

function metalink(...urls: string[]): string {
  const sum = createHash('sha256')
    .update(readFileSync(join(served, 'repodata/repomd.xml')))
    .digest('hex');
  const list = urls.map((url, i) => `<url protocol="http" preference="${100 - i}">${url}/repodata/repomd.xml</url>`);
  return `<metalink><files><file name="repomd.xml"><verification><hash type="sha256">${sum}</hash></verification><resources>${list.join('')}</resources></file></files></metalink>`;
}

describe('fetching a repository', () => {
  it('brings metadata, and only what changed the next time', async () => {
    const dir = fresh();
    const first = await fetchRepository(config(`baseurl=${base}`), dir);
    expect(first.fetched).toEqual(['primary']);
    expect(names(dir)).toEqual(['one']);
    expect((await fetchRepository(config(`baseurl=${base}`), dir)).fetched).toEqual([]);
    addPackage('two');
    expect((await fetchRepository(config(`baseurl=${base}`), dir)).fetched).toEqual(['primary']);
    expect(names(dir)).toEqual(['one', 'two']);
    // File lists only when wanted.
    const all = await fetchRepository(config(`baseurl=${base}`), dir, { types: ['primary', 'filelists'] });
    expect(all.fetched).toEqual(['filelists']);
  });

  it('goes from mirror to mirror', async () => {
    writeFileSync(join(served, 'mirrors'), `# mirrors\n${base}/nowhere/\n${base}/\n`);
    const result = await fetchRepository(config(`mirrorlist=${base}/mirrors`), fresh());
    expect(result.baseUrl).toBe(`${base}/`);
    writeFileSync(join(served, 'metalink'), metalink(`${base}/nowhere`, base));
    expect((await fetchRepository(config(`metalink=${base}/metalink`), fresh())).baseUrl).toBe(`${base}/`);
    await expect(fetchRepository(config('name=x'), fresh())).rejects.toThrowError(/no base URL/);
    await expect(fetchRepository(config(`baseurl=${base}/nowhere`), fresh())).rejects.toThrowError(
      /cannot update repo 'test'/,
    );
  });

  it('takes no index that the metalink does not name', async () => {
    writeFileSync(join(served, 'metalink'), metalink(base));
    addPackage('three');
    const dir = fresh();
    await expect(fetchRepository(config(`metalink=${base}/metalink`), dir)).rejects.toThrowError(
      /does not match the metalink/,
    );
    expect(existsSync(join(dir, 'repodata/repomd.xml'))).toBe(false);
  });

  it('wants a signature by a known key where the configuration says so', async () => {
    const key = generateKey({ userId: 'R <r@example.com>', created: 1_600_000_000 });
    const other = generateKey({ userId: 'O <o@example.com>', created: 1_600_000_000 });
    const signed = config(`baseurl=${base}\nrepo_gpgcheck=1`);
    const keyring = new Keyring(key.publicKey);
    await expect(fetchRepository(signed, fresh(), { keyring })).rejects.toThrowError(/404|not found|cannot update/i);
    const index = readFileSync(join(served, 'repodata/repomd.xml'));
    writeFileSync(join(served, 'repodata/repomd.xml.asc'), sign(key.secretKey, index, { created: 1_600_000_001 }));
    expect((await fetchRepository(signed, fresh(), { keyring })).fetched).toEqual(['primary']);
    for (const options of [{}, { keyring: new Keyring(other.publicKey) }])
      await expect(fetchRepository(signed, fresh(), options)).rejects.toMatchObject({ code: 'Signature' });
  });

  it('keeps the old repository when a file is not what the index says', async () => {
    const dir = fresh();
    await fetchRepository(config(`baseurl=${base}`), dir);
    const before = names(dir);
    addPackage('four');
    const { repomd } = loadRepository(served);
    const file = join(served, repomd.records[0]!.href);
    const bytes = readFileSync(file);
    bytes[20]! ^= 1;
    writeFileSync(file, bytes);
    await expect(fetchRepository(config(`baseurl=${base}`), dir)).rejects.toMatchObject({ code: 'Corrupt' });
    expect(names(dir)).toEqual(before);
  });
});
