// Names of packages that could be layered, from the metadata that are here already: for completion, which must not wait or write.
import { join } from 'node:path';
import { loadRepository } from '@coppice/rpm';
import type { Client } from './client.ts';
import { cacheDir, enabledRepositories } from './repo-metadata.ts';

/**
 * Names in the cached metadata of the enabled repositories, sorted, each once; sources are left out. Fetches nothing and
 * writes nothing: a repository that was never fetched adds none.
 */
export function knownPackageNames(client: Client): string[] {
  const names = new Set<string>();
  for (const { id } of enabledRepositories(client, client.originMerge.checksum)) {
    const dir = join(cacheDir(client), 'repomd', id);
    if (client.fs.stat(join(dir, 'repodata/repomd.xml')) === undefined) continue;
    const cache = { cacheDir: join(cacheDir(client), 'solv', id), cacheReadOnly: true };
    const { table } = loadRepository(dir, { fs: client.fs, ...cache });
    for (let i = 0; i < table.count; i++) {
      const arch = table.archOf(i);
      if (arch !== 'src' && arch !== 'nosrc') names.add(table.textOf(i, 0));
    }
  }
  return [...names].sort();
}
