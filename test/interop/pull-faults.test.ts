// Pulls through a server that goes wrong: each ends in a whole, verified commit or in one clear error, a retry finishes, and
// the original finds nothing to complain about. COPPICE_FAULT_RUNS=300 makes the long run.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isCoppiceError } from '@coppice/base';
import {
  addRemote,
  CompressPool,
  generateDelta,
  MutableTree,
  pull,
  Repo,
  updateSummary,
  withGpgSignature,
} from '@coppice/ostree';
import { generateKey, sign } from '@coppice/signing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { original, scratch, skipReason } from './ostree-support.ts';
import { randomFrom, startFaultServer } from './pull-fault-server.ts';

const runs = Number(process.env['COPPICE_FAULT_RUNS'] ?? 24);
/** The first seed. */
const start = Number(process.env['COPPICE_FAULT_START'] ?? 1);
const env = { OSTREE_SKIP_CACHE: '1', OSTREE_GPG_HOME: '/nonexistent' };
const key = generateKey({ userId: 'Fault Test <fault@example.com>', created: 1_600_000_000 });

describe.skipIf(skipReason !== undefined)(`pulls that go wrong (${skipReason ?? `${runs} seeds`})`, () => {
  const work = scratch();
  let source: Repo;
  let first: string;
  let last: string;
  const stale = new Map<string, Buffer>();
  const pool = new CompressPool({ startAfter: 0 });
  let certificate: { readonly key: Buffer; readonly cert: Buffer };

  function commit(number: number, parent: string | undefined): string {
    const random = randomFrom(number);
    return source.transaction((transaction) => {
      const meta = transaction.writeDirMeta({ uid: 0, gid: 0, mode: 0o40755, xattrs: [] });
      const root = new MutableTree();
      root.setMeta(meta);
      const usr = root.ensureDir('usr');
      usr.setMeta(meta);
      const header = { uid: 0, gid: 0, mode: 0o100644, symlinkTarget: '', xattrs: [] };
      for (let i = 0; i < 25; i++) {
        const size = Math.floor(randomFrom(i)() * 9000);
        const same = i % 5 !== number % 5;
        const content = Buffer.from(`${same ? '' : `version ${number} `}${'z'.repeat(size)}${i}`);
        usr.replaceFile(`file${i}`, transaction.writeContent(header, content));
      }
      usr.replaceFile(
        'noise',
        transaction.writeContent(header, Buffer.from(Array.from({ length: 70000 }, () => random() * 256))),
      );
      const { tree, meta: rootMeta } = transaction.writeTree(root);
      const checksum = transaction.writeCommit({
        metadata: new Map(),
        parent,
        subject: `commit ${number}`,
        body: '',
        timestamp: 1_700_000_000 + number,
        tree,
        meta: rootMeta,
      });
      transaction.setDetachedMetadata(checksum, undefined);
      transaction.setRef('main', checksum);
      return checksum;
    });
  }
  const signer: NonNullable<NonNullable<Parameters<typeof updateSummary>[1]>['signers']>[number] = (data, dict) =>
    withGpgSignature(dict, sign(key.secretKey, data));
  function publish(checksum: string): void {
    source.writeDetachedMetadata(
      checksum,
      withGpgSignature(undefined, sign(key.secretKey, source.loadCommitBytes(checksum))),
    );
    updateSummary(source, { signers: [signer] });
  }

  beforeAll(async () => {
    const [keyFile, certFile] = [join(work.path, 'key.pem'), join(work.path, 'cert.pem')];
    const subject = ['-subj', '/CN=faults', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const form = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650'];
    execFileSync('openssl', ['req', ...form, ...subject, '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' });
    certificate = { key: readFileSync(keyFile), cert: readFileSync(certFile) };
    source = Repo.create(join(work.path, 'source'), { mode: 'archive', env });
    first = commit(1, undefined);
    publish(first);
    for (const name of ['summary', 'summary.sig']) stale.set(name, readFileSync(join(source.path, name)));
    last = commit(2, first);
    // A delta carries the signatures that its commit has when it is made.
    publish(last);
    await generateDelta(source, { from: first, to: last });
    updateSummary(source, { signers: [signer] });
  });
  afterAll(() => {
    pool.close();
    work.remove();
  });

  test('every run', async () => {
    const outcomes = { whole: 0, error: 0 };
    const messages = new Set<string>();
    for (let seed = start; seed < start + runs; seed++) {
      const mode = (['bare-user', 'archive', 'bare'] as const)[Math.floor(seed / 3) % 3]!;
      const repo = Repo.create(join(work.path, `run-${seed}`), { mode, env });
      // Every third one over TLS.
      const tls = seed % 3 === 2 ? certificate : undefined;
      const serve = (rate: number): ReturnType<typeof startFaultServer> =>
        startFaultServer({ root: source.path, seed, rate, stale, tls });
      const keys: [string, string | boolean][] = [
        ['gpg-verify-summary', true],
        ['tls-ca-path', join(work.path, 'cert.pem')],
      ];
      const server = await serve(0.02 + (seed % 10) * 0.04);
      addRemote(repo, 'origin', { url: server.url, keys });
      writeFileSync(join(repo.path, 'origin.trustedkeys.gpg'), key.publicKey);
      const fetch = (refs: string[]): ReturnType<typeof pull> =>
        pull(repo, {
          remote: 'origin',
          refs,
          disableFsync: true,
          retries: seed % 4,
          ...(seed % 5 < 3 ? { compressPool: pool } : {}),
          fetcher: { sleep: async () => {}, env: {}, lowSpeedSeconds: 0 },
        });
      try {
        // Every other run starts from the older commit, so that the delta is asked for.
        if (seed % 2 === 0) {
          server.heal();
          await fetch([first]);
        }
        const faulty = seed % 2 === 0 ? await serve(0.15) : server;
        if (faulty !== server) addRemote(repo, 'origin', { url: faulty.url, keys, existing: 'replace' });
        try {
          await fetch(['main']);
          outcomes.whole++;
          const got = repo.resolveRev('origin:main');
          expect([first, last]).toContain(got);
          expect(repo.isPartial(got)).toBe(false);
        } catch (error) {
          if (!isCoppiceError(error) || error.kind === 'bug') throw error;
          outcomes.error++;
          messages.add(`${error.code}`);
          expect(error.message).not.toBe('');
        }
        faulty.heal();
        await fetch(['main']);
        expect(repo.resolveRev('origin:main')).toBe(last);
        expect(repo.isPartial(last)).toBe(false);
        if (faulty !== server) await faulty.close();
      } finally {
        await server.close();
      }
      const check = original(`--repo=${repo.path}`, 'fsck');
      expect(`${seed}: ${check.stderr}${check.stdout.split('\n').at(-2)}`).toContain('no errors found');
    }
    expect(outcomes.whole + outcomes.error).toBe(runs);
    expect(outcomes.whole).toBeGreaterThan(0);
    expect(outcomes.error).toBeGreaterThan(0);
    console.log(`faults: ${outcomes.whole} whole, ${outcomes.error} refused (${[...messages].join(', ')})`);
  });
});
