// A package as the pool takes it, and the lists that it keeps of it.
import type { RichDependency } from '../rich.ts';

/** Dependency fields of a solvable, by position. */
export const field = {
  provides: 0,
  requires: 1,
  conflicts: 2,
  obsoletes: 3,
  recommends: 4,
  suggests: 5,
  supplements: 6,
  enhances: 7,
  /** Files that a dependency could name; not a list of dependencies. */
  files: 8,
} as const;
export type Field = (typeof field)[keyof typeof field];
export const fieldCount = 9;

/** Dependencies of a package as the solver takes them: text names with ranges, or rich ones (also as a name that starts with `(`). */
export type DependencyList = readonly RichDependency[];

/** What the pool needs to know of a package. */
export interface PoolPackageSpec {
  readonly name: string;
  /** `[EPOCH:]VERSION-RELEASE`; epoch 0 left out. */
  readonly evr: string;
  readonly arch: string;
  readonly vendor?: string;
  /** Must include the package's own `name = evr`, as RPM headers and repodata do. */
  readonly provides?: DependencyList;
  readonly requires?: DependencyList;
  readonly conflicts?: DependencyList;
  readonly obsoletes?: DependencyList;
  readonly recommends?: DependencyList;
  readonly suggests?: DependencyList;
  readonly supplements?: DependencyList;
  readonly enhances?: DependencyList;
  /** Absolute paths. */
  readonly files?: Iterable<string>;
}
