// The packages of a base commit, out of its database.
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import type { Repo } from '@coppice/ostree';
import type { Nevra } from '../nevra.ts';
import { nevraOfInstalled, TreeDatabase } from '../rpmdb.ts';
import { ImageTree } from '../tree/image-tree.ts';
import { type Candidate, specOfHeader } from './candidate.ts';
import { assemblyDir } from './cleanup.ts';
import type { Client } from './client.ts';

/** Where package databases are taken out to. */
export function databaseScratch(client: Client): string {
  return join(assemblyDir(client), 'db');
}

export interface BasePackages {
  readonly candidates: readonly Candidate[];
  readonly nevras: readonly Nevra[];
}

/** The last base looked at: a change asks for it twice. */
const last = new WeakMap<Repo, { readonly base: string; readonly packages: BasePackages }>();

/** The packages of a base commit with their headers. */
export function basePackages(where: { readonly repo: Repo; readonly scratch: string }, base: string): BasePackages {
  const before = last.get(where.repo);
  if (before?.base === base) return before.packages;
  const taken = TreeDatabase.take(ImageTree.fromCommit(where.repo, base), where.scratch);
  if (taken === undefined) throw new CoppiceError('NotFound', `No package database in commit ${base}`);
  try {
    const installed = taken.installed();
    const packages: BasePackages = {
      candidates: installed.map((p) => ({
        nevra: nevraOfInstalled(p),
        spec: specOfHeader(p.header),
        // Base packages are never fetched; the source only has to say that they are here.
        source: { kind: 'remote', remote: { repo: '@System', url: '', checksum: '', size: 0, summary: '' } },
      })),
      nevras: installed.map(nevraOfInstalled),
    };
    last.set(where.repo, { base, packages });
    return packages;
  } finally {
    taken.done();
  }
}
