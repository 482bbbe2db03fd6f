// What the solver may choose from: the base's own packages, packages of repositories, packages that are here already.
import {
  type DependencyList,
  dependencyKinds,
  filePaths,
  type Header,
  headerDependencies,
  type PoolPackageSpec,
} from '@coppice/rpm';
import type { ImportedPackage } from '../import/package-commit.ts';
import { nevraOfHeader } from '../import/package-commit.ts';
import { formatEvr, type Nevra } from '../nevra.ts';

/** Where a repository's package is and what its file must be. */
export interface RemotePackage {
  readonly repo: string;
  /** Full URL of the file. */
  readonly url: string;
  /** As the metadata say: `sha256:HEX`. */
  readonly checksum: string;
  /** Bytes of the file. */
  readonly size: number;
  readonly summary: string;
}

export interface Candidate {
  readonly nevra: Nevra;
  readonly spec: PoolPackageSpec;
  readonly source:
    | { readonly kind: 'remote'; readonly remote: RemotePackage }
    | { readonly kind: 'imported'; readonly imported: ImportedPackage };
}

/** What the solver needs of a package whose header is at hand. */
export function specOfHeader(header: Header): PoolPackageSpec {
  const nevra = nevraOfHeader(header);
  const lists: Partial<Record<(typeof dependencyKinds)[number], DependencyList>> = {};
  for (const kind of dependencyKinds) {
    if (kind === 'order') continue;
    lists[kind] = headerDependencies(header, kind).map(({ name, flags, evr }) => ({ name, flags, evr }));
  }
  return {
    name: nevra.name,
    evr: formatEvr(nevra),
    arch: nevra.arch,
    ...lists,
    files: filePaths(header),
  } as PoolPackageSpec;
}

export function candidateOfImported(imported: ImportedPackage): Candidate {
  return { nevra: imported.nevra, spec: specOfHeader(imported.header), source: { kind: 'imported', imported } };
}
