// Advisories of repositories (updateinfo.xml): what an update fixes, how severe, and for which builds.
import { join } from 'node:path';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs, readFile } from '@coppice/linux';
import {
  findRecord,
  metadataBytes,
  parseRepomd,
  readUpdateinfo,
  type Advisory as UpdateinfoAdvisory,
} from '@coppice/rpm';
import { formatNevra } from '../nevra.ts';
import type { Advisory } from '../status/model.ts';
import type { Client } from './client.ts';
import { cacheDir } from './repo-metadata.ts';

const kinds: Readonly<Record<string, Advisory['kind']>> = {
  security: 'security',
  bugfix: 'bugfix',
  enhancement: 'enhancement',
  newpackage: 'newpackage',
};
const severities: Readonly<Record<string, Advisory['severity']>> = {
  low: 'low',
  moderate: 'moderate',
  important: 'important',
  critical: 'critical',
};

/** An advisory of updateinfo.xml as status shows it: packages by NEVRA and the references that name CVEs. */
export function statusAdvisory(entry: UpdateinfoAdvisory): Advisory {
  return {
    id: entry.id,
    kind: kinds[entry.type] ?? 'unknown',
    severity: severities[entry.severity.trim().toLowerCase()] ?? 'none',
    packages: entry.packages.map((pkg) => formatNevra({ ...pkg, epoch: Number(pkg.epoch) })),
    references: entry.references
      .filter(({ type, title }) => type === 'cve' || /CVE-\d+/.test(title))
      .map(({ href, title, id }) => ({ url: href, title: title || id })),
  };
}

/** Advisories of a repository whose metadata are cached; none when it has none. */
export function cachedAdvisories(client: Client, id: string, root = join(cacheDir(client), 'repomd')): Advisory[] {
  return advisoriesIn(join(root, id), client.fs);
}

/** Advisories of the repository in a directory, as far as its updateinfo is there. */
export function advisoriesIn(dir: string, fs: FileSystem = hostFs): Advisory[] {
  const index = join(dir, 'repodata/repomd.xml');
  if (fs.stat(index) === undefined) return [];
  const repomd = parseRepomd(readFile(index, { fs: fs, limit: 8 << 20 }));
  const record = findRecord(repomd, 'updateinfo');
  if (record === undefined || fs.stat(join(dir, record.href)) === undefined) return [];
  return Array.from(readUpdateinfo(metadataBytes(join(dir, record.href), record, fs)), statusAdvisory);
}

/** Those of `advisories` that name one of `packages` (NEVRAs), with only these packages. */
export function advisoriesFor(advisories: readonly Advisory[], packages: ReadonlySet<string>): Advisory[] {
  return advisories.flatMap((a) => {
    const mine = a.packages.filter((p) => packages.has(p));
    return mine.length === 0 ? [] : [{ ...a, packages: mine }];
  });
}
