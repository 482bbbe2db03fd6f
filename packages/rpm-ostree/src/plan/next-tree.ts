// The tree that a change would give, put together in the scratch repository as far as that goes without running scripts.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CoppiceError, isCoppiceError, prefixError } from '@coppice/base';
import { Fetcher } from '@coppice/http';
import { readPackage } from '@coppice/rpm';
import { FileColors } from '../assemble/file-colors.ts';
import { mergePackage, removePackages } from '../assemble/merge.ts';
import { orderPackages } from '../assemble/order.ts';
import { imageFiles } from '../assemble/package-files.ts';
import { scriptOf } from '../assemble/script.ts';
import { writeAutovar } from '../assemble/tmpfiles.ts';
import type { Candidate } from '../client/candidate.ts';
import type { Client } from '../client/client.ts';
import { findImportedPackage, type ImportedPackage, importPackage } from '../import/package-commit.ts';
import { formatNevra, type Nevra } from '../nevra.ts';
import { nevraOfInstalled, TreeDatabase } from '../rpmdb.ts';
import { ImageTree } from '../tree/image-tree.ts';
import type { Surroundings } from './next-base.ts';

export interface NextTree {
  readonly tree: ImageTree;
  readonly packages: readonly ImportedPackage[];
  /** Scripts that would run, as `NAME.%post`. */
  readonly scripts: readonly string[];
  /** Files of packages that do not go together; then the tree is that of the base. */
  readonly conflict: string | undefined;
}

const labels = { prein: 'pre', postin: 'post', posttrans: 'posttrans' } as const;

/** Chosen packages as commits: those that are here already, the others fetched into the scratch repository. */
async function importChosen(
  client: Client,
  { scratch, dir }: Surroundings,
  chosen: readonly Candidate[],
): Promise<ImportedPackage[]> {
  const fetcher = new Fetcher({ clock: client.clock });
  try {
    return await scratch.transactionAsync(async (txn) => {
      const out: ImportedPackage[] = [];
      for (const [i, c] of chosen.entries()) {
        if (c.source.kind === 'imported') {
          out.push(c.source.imported);
          continue;
        }
        const { remote } = c.source;
        const known = findImportedPackage(client.repo, c.nevra, { repodataChecksum: remote.checksum });
        if (known !== undefined) {
          out.push(known);
          continue;
        }
        const { bytes } = await fetcher.bytes(remote.url, { maxSize: remote.size + 1 });
        const path = join(dir, `${i}.rpm`);
        writeFileSync(path, bytes);
        out.push(importPackage(txn, readPackage(path)));
      }
      return out;
    });
  } finally {
    await fetcher.close();
  }
}

/** Throws `Network` when a package cannot be had. */
export async function nextTree(
  client: Client,
  around: Surroundings,
  chosen: readonly Candidate[],
  gone: readonly Nevra[],
): Promise<NextTree> {
  const { scratch, dir, to } = around;
  const packages = orderPackages(await importChosen(client, around, chosen));
  const scripts = packages.flatMap(({ header, nevra }) =>
    (['prein', 'postin', 'posttrans'] as const)
      .filter((kind) => scriptOf(header, kind) !== undefined)
      .map((kind) => `${nevra.name}.%${labels[kind]}`),
  );
  const tree = ImageTree.fromCommit(scratch, to);
  if (packages.length === 0 && gone.length === 0) return { tree, packages, scripts, conflict: undefined };
  const taken = TreeDatabase.take(tree, join(dir, 'next'), true)!;
  try {
    const leaving = new Set(gone.map(formatNevra));
    const installed = taken.installed();
    const going = installed.filter((p) => leaving.has(formatNevra(nevraOfInstalled(p))));
    const staying = installed.filter((p) => !going.includes(p)).map((p) => p.header);
    if (going.length > 0)
      removePackages(
        tree,
        going.map((p) => p.header),
        staying,
      );
    const colors = new FileColors(tree, staying);
    for (const pkg of packages) {
      try {
        mergePackage(tree, pkg, {
          mode: pkg.nevra.name === 'setup' ? 'add' : 'identical',
          choose: (path) => colors.choose(pkg.header, path),
        });
      } catch (error) {
        throw prefixError(error, `Checking out package ${pkg.nevra.name}`);
      }
      colors.add(pkg.header);
    }
    scratch.transaction((txn) => writeAutovar(txn, tree));
    return { tree, packages, scripts, conflict: undefined };
  } catch (error) {
    if (!isCoppiceError(error, 'Conflict')) throw error;
    return { tree: ImageTree.fromCommit(scratch, to), packages, scripts, conflict: (error as CoppiceError).message };
  } finally {
    taken.done();
  }
}

/** Paths that packages bring, directories left out. */
export function pathsOf(packages: readonly ImportedPackage[]): Set<string> {
  const out = new Set<string>();
  for (const { header } of packages)
    for (const { path, file } of imageFiles(header)) if ((file.mode & 0o170000) !== 0o040000) out.add(path);
  return out;
}
