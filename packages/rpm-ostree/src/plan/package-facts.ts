// What the headers of chosen packages say of a change: files, scripts, sizes.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fetcher } from '@coppice/http';
import { readPackage, Tag } from '@coppice/rpm';
import { imageFiles } from '../assemble/package-files.ts';
import { scriptOf } from '../assemble/script.ts';
import type { Candidate } from '../client/candidate.ts';
import type { Client } from '../client/client.ts';
import { findImportedPackage } from '../import/package-commit.ts';

export interface PackageFacts {
  readonly files: readonly string[];
  readonly scripts: readonly string[];
  readonly installedSize: number;
}

/** Headers of chosen packages: imported ones are here, others are fetched into `dir`. */
export async function packageFacts(
  client: Client,
  chosen: readonly Candidate[],
  dir: string,
  offline: boolean,
): Promise<PackageFacts> {
  const files: string[] = [];
  const scripts: string[] = [];
  let installedSize = 0;
  const fetcher = new Fetcher({ clock: client.clock });
  try {
    for (const [i, c] of chosen.entries()) {
      let header =
        c.source.kind === 'imported'
          ? c.source.imported.header
          : findImportedPackage(client.repo, c.nevra, { repodataChecksum: c.source.remote.checksum })?.header;
      if (header === undefined && c.source.kind === 'remote' && !offline) {
        const { bytes } = await fetcher.bytes(c.source.remote.url, { maxSize: c.source.remote.size + 1 });
        const path = join(dir, `${i}.rpm`);
        writeFileSync(path, bytes);
        header = readPackage(path).header;
      }
      if (header === undefined) {
        files.push(...(c.spec.files ?? []));
        continue;
      }
      for (const f of imageFiles(header)) if ((f.file.mode & 0o170000) !== 0o040000) files.push(f.path);
      installedSize += header.getNumber(Tag.LongSize) ?? header.getNumber(Tag.Size) ?? 0;
      for (const kind of ['prein', 'postin', 'posttrans'] as const) {
        const script = scriptOf(header, kind);
        if (script !== undefined)
          scripts.push(`${c.nevra.name}.%${{ prein: 'pre', postin: 'post', posttrans: 'posttrans' }[kind]}`);
      }
    }
  } finally {
    await fetcher.close();
  }
  return { files, scripts, installedSize };
}
