// Chosen packages into the repository: what is imported already is used again, the rest is downloaded, checked and imported.
import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { CoppiceError, prefixError } from '@coppice/base';
import { Fetcher } from '@coppice/http';
import { formatSize } from '@coppice/ostree';
import { readPackage } from '@coppice/rpm';
import { findImportedPackage, type ImportedPackage, importPackage } from '../import/package-commit.ts';
import { formatNevra } from '../nevra.ts';
import type { Candidate, RemotePackage } from './candidate.ts';
import type { Client } from './client.ts';
import type { LoadedRepository } from './repo-metadata.ts';

export interface FetchPackagesOptions {
  readonly repositories: readonly LoadedRepository[];
  readonly cacheOnly: boolean;
  /** A directory of our own for downloads. */
  readonly scratch: string;
}

/** Downloads to a file while hashing; throws `Corrupt` when the checksum is another. */
async function download(fetcher: Fetcher, remote: RemotePackage, path: string): Promise<void> {
  const [type, wanted] = remote.checksum.split(':') as [string, string];
  const fd = openSync(path, 'wx', 0o600);
  let hash = createHash(type === 'sha' ? 'sha1' : type);
  let received = 0;
  try {
    await fetcher.stream(
      remote.url,
      {
        write(chunk: Uint8Array) {
          hash.update(chunk);
          received += chunk.length;
          let at = 0;
          while (at < chunk.length) at += writeSync(fd, chunk, at);
        },
        restart() {
          hash = createHash(type === 'sha' ? 'sha1' : type);
          received = 0;
          ftruncateSync(fd, 0);
        },
      },
      { maxSize: remote.size + 1 },
    );
  } finally {
    closeSync(fd);
  }
  const actual = hash.digest('hex');
  if (received !== remote.size || actual !== wanted)
    throw new CoppiceError(
      'Corrupt',
      `${remote.url}: checksum of downloaded package does not match: expected ${wanted}, got ${actual}`,
    );
}

/** Imports what has to be; returns the imported packages in the order of `chosen`. */
export async function fetchPackages(
  client: Client,
  chosen: readonly Candidate[],
  options: FetchPackagesOptions,
): Promise<ImportedPackage[]> {
  const { repo } = client;
  const out = new Map<Candidate, ImportedPackage>();
  const missing: { candidate: Candidate; remote: RemotePackage }[] = [];
  for (const candidate of chosen) {
    if (candidate.source.kind === 'imported') {
      out.set(candidate, candidate.source.imported);
      continue;
    }
    const { remote } = candidate.source;
    const known = findImportedPackage(repo, candidate.nevra, { repodataChecksum: remote.checksum });
    if (known !== undefined) out.set(candidate, known);
    else missing.push({ candidate, remote });
  }
  if (missing.length > 0) {
    if (options.cacheOnly)
      throw new CoppiceError(
        'NotFound',
        `Packages not found in cache: ${missing.map((m) => formatNevra(m.candidate.nevra)).join(', ')}`,
      );
    await downloadAndImport(client, missing, options, out);
  }
  return chosen.map((c) => out.get(c)!);
}

async function downloadAndImport(
  client: Client,
  missing: readonly { candidate: Candidate; remote: RemotePackage }[],
  options: FetchPackagesOptions,
  out: Map<Candidate, ImportedPackage>,
): Promise<void> {
  const total = missing.reduce((n, m) => n + m.remote.size, 0);
  client.message(`Will download: ${missing.length} package${missing.length === 1 ? '' : 's'} (${formatSize(total)})`);
  mkdirSync(options.scratch, { recursive: true, mode: 0o700 });
  const fetcher = new Fetcher({ clock: client.clock });
  const files = new Map<Candidate, string>();
  try {
    const repos = [...new Set(missing.map((m) => m.remote.repo))];
    for (const id of repos) {
      const mine = missing.filter((m) => m.remote.repo === id);
      const name = `Downloading from '${id}'`;
      await client.step(name, async () => {
        let done = 0;
        for (const { candidate, remote } of mine) {
          client.checkCancelled();
          client.progress({ type: 'update', step: name, done, total: mine.length, detail: candidate.nevra.name });
          const path = join(options.scratch, `${files.size}.rpm`);
          try {
            await client.unlessCancelled(download(fetcher, remote, path), () => fetcher.abort());
          } catch (error) {
            throw prefixError(error, `Downloading '${candidate.nevra.name}' from repo '${id}'`);
          }
          files.set(candidate, path);
          done += 1;
        }
      });
    }
    await client.step(
      'Importing packages',
      () =>
        client.repo.transactionAsync(async (txn) => {
          for (const { candidate, remote } of missing) {
            await client.pause();
            const loaded = options.repositories.find((r) => r.repository.id === remote.repo);
            const rpm = readPackage(files.get(candidate)!);
            loaded?.checkSignature(rpm, candidate.nevra.name);
            out.set(
              candidate,
              importPackage(txn, rpm, {
                repodataChecksum: remote.checksum,
                ...(loaded === undefined ? {} : { repo: { id: remote.repo, timestamp: loaded.timestamp } }),
              }),
            );
          }
        }),
      () => (client.compat.countsInSteps ? `done: ${missing.length}` : 'done'),
    );
  } finally {
    await fetcher.close();
    rmSync(options.scratch, { recursive: true, force: true });
  }
}
