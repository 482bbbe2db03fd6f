// The packages of a repository as the solver takes them: straight from the table that its metadata were read into. A
// distribution has tens of thousands; only those that were chosen become candidates.
import {
  addTable,
  globMatcher,
  type PackageTable,
  type Pool,
  type PoolRepo,
  type RepositoryPackage,
} from '@coppice/rpm';
import type { Candidate } from './candidate.ts';
import type { Repository } from './repository.ts';

/** Packages that may be chosen, added to a pool at once. */
export interface PackageSet extends Iterable<Candidate> {
  readonly count: number;
  /** Adds all to a repository of the pool that has none yet; the result finds the candidate of a solvable. */
  addTo(pool: Pool, repo: PoolRepo): (solvable: number) => Candidate;
}

export const joinUrl = (base: string, href: string): string => `${base.replace(/\/+$/, '')}/${href}`;

function candidate(repository: Repository, base: string, pkg: RepositoryPackage): Candidate {
  return {
    nevra: {
      name: pkg.name,
      epoch: Number(pkg.epoch || 0),
      version: pkg.version,
      release: pkg.release,
      arch: pkg.arch,
    },
    spec: pkg,
    source: {
      kind: 'remote',
      // Looked up only when something is fetched: it is in a file of its own.
      get remote() {
        return {
          repo: repository.id,
          url: joinUrl(pkg.location.base ?? base, pkg.location.href),
          checksum: `${pkg.checksum.type}:${pkg.checksum.value}`,
          size: pkg.size.package,
          summary: pkg.summary,
        };
      },
    },
  };
}

/** `includepkgs` and `excludepkgs`, by name. */
function nameFilter(repository: Repository): ((name: string) => boolean) | undefined {
  if (repository.includePackages.length === 0 && repository.excludePackages.length === 0) return undefined;
  const included = repository.includePackages.map(globMatcher);
  const excluded = repository.excludePackages.map(globMatcher);
  return (name) =>
    (included.length === 0 || included.some((matches) => matches(name))) && !excluded.some((matches) => matches(name));
}

export class RepositoryPackages implements PackageSet {
  readonly #repository: Repository;
  readonly #base: string;
  readonly #table: PackageTable;
  /** Rows of the table that count: no sources, nothing that the configuration leaves out. */
  readonly #rows: Int32Array;
  readonly #made = new Map<number, Candidate>();

  /** `base` is the URL that packages are fetched from. */
  constructor(repository: Repository, base: string, table: PackageTable) {
    this.#repository = repository;
    this.#base = base;
    this.#table = table;
    const allowed = nameFilter(repository);
    const rows = new Int32Array(table.count);
    let n = 0;
    for (let i = 0; i < table.count; i++) {
      const arch = table.archOf(i);
      if (arch === 'src' || arch === 'nosrc') continue;
      if (allowed === undefined || allowed(table.textOf(i, 0))) rows[n++] = i;
    }
    this.#rows = rows.subarray(0, n);
  }

  get count(): number {
    return this.#rows.length;
  }

  /** The same object each time, so that candidates can be compared. */
  #at(row: number): Candidate {
    let made = this.#made.get(row);
    if (made === undefined) {
      made = candidate(this.#repository, this.#base, this.#table.package(row));
      this.#made.set(row, made);
    }
    return made;
  }

  addTo(pool: Pool, repo: PoolRepo): (solvable: number) => Candidate {
    const rows = this.#rows;
    let next = 0;
    // Rows are in order and solvables follow one another.
    addTable(pool, repo, this.#table, (i) => {
      if (rows[next] !== i) return true;
      next++;
      return false;
    });
    const first = repo.solvables[0] ?? 0;
    return (solvable) => this.#at(rows[solvable - first]!);
  }

  *[Symbol.iterator](): Generator<Candidate> {
    for (const row of this.#rows) yield candidate(this.#repository, this.#base, this.#table.package(row));
  }
}
