// What is in a tree, from its package database: the facts that every bill of materials is written from.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { removeTree } from '@coppice/linux';
import type { Repo } from '@coppice/ostree';
import { Tag } from '@coppice/rpm';
import { versionOf } from '../commit-facts.ts';
import type { Nevra } from '../nevra.ts';
import { parseOsRelease } from '../os-release.ts';
import { comparePackages } from '../pkgdiff.ts';
import { nevraOfInstalled, TreeDatabase } from '../rpmdb.ts';
import { ImageTree } from '../tree/image-tree.ts';

export interface BillComponent {
  readonly nevra: Nevra;
  readonly license: string;
  readonly vendor: string;
  readonly summary: string;
  readonly url: string;
  readonly sourceRpm: string;
  /** SHA-256 of the RPM header, the package's identity in its database. */
  readonly headerSha256: string | undefined;
  /** Package URL. */
  readonly purl: string;
}

export interface BillOfMaterials {
  readonly name: string;
  readonly version: string | undefined;
  readonly commit: string;
  /** Time of the commit, RFC 3339. */
  readonly created: string;
  readonly components: readonly BillComponent[];
}

function purl(p: Nevra, distribution: string, sourceRpm: string): string {
  const qualifiers = [
    `arch=${p.arch}`,
    ...(p.epoch === 0 ? [] : [`epoch=${p.epoch}`]),
    ...(sourceRpm === '' ? [] : [`upstream=${encodeURIComponent(sourceRpm)}`]),
  ];
  return `pkg:rpm/${encodeURIComponent(distribution)}/${encodeURIComponent(p.name)}@${encodeURIComponent(`${p.version}-${p.release}`)}?${qualifiers.join('&')}`;
}

/** Reads the packages of a commit. Throws `NotFound` when its tree has no package database. */
export function billOfMaterials(repo: Repo, checksum: string): BillOfMaterials {
  const commit = repo.loadCommit(checksum);
  const tree = ImageTree.fromCommit(repo, checksum);
  const release = parseOsRelease(tree.readText(tree.resolve('usr/lib/os-release', true)) ?? '');
  const distribution = release.get('ID') ?? 'unknown';
  const scratch = mkdtempSync(join(tmpdir(), 'coppice-sbom-'));
  try {
    const taken = TreeDatabase.take(tree, scratch);
    if (taken === undefined) throw new CoppiceError('NotFound', `No package database in commit ${checksum}`);
    const components = taken.installed().map((p): BillComponent => {
      const nevra = nevraOfInstalled(p);
      const text = (tag: number): string => p.header.getString(tag) ?? '';
      const sourceRpm = text(Tag.SourceRpm);
      return {
        nevra,
        license: text(Tag.License),
        vendor: text(Tag.Vendor),
        summary: text(Tag.Summary),
        url: text(Tag.Url),
        sourceRpm,
        headerSha256: p.header.getString(Tag.Sha256Header),
        purl: purl(nevra, distribution, sourceRpm),
      };
    });
    taken.done();
    components.sort((a, b) => comparePackages(a.nevra, b.nevra));
    return {
      name: release.get('PRETTY_NAME') ?? release.get('NAME') ?? 'tree',
      version: versionOf(commit),
      commit: checksum,
      created: new Date(Number(commit.timestamp) * 1000).toISOString().replace(/\.\d+Z$/, 'Z'),
      components,
    };
  } finally {
    removeTree(scratch);
  }
}
