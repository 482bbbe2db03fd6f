// Which packages of several repositories go into the one that they are merged into, as mergerepo_c has it.
import { compareEvrText } from '../evr.ts';
import type { RepositoryPackage } from './repository-package.ts';

/** Of packages of one name and architecture: that of the first repository, the newest file, the newest version. */
export type MergeMethod = 'repo' | 'ts' | 'nvr';

export interface ChoiceOptions {
  readonly method?: MergeMethod;
  /** All versions of a package. */
  readonly all?: boolean;
  /** All packages, even those that are the same. */
  readonly simple?: boolean;
}

/** Packages by name, those of a name in the order in which they came. */
export class MergeChoice {
  readonly #byName = new Map<string, RepositoryPackage[]>();
  readonly #options: ChoiceOptions;

  constructor(options: ChoiceOptions) {
    this.#options = options;
  }

  /** Takes a package, or one that it replaces goes; false when it is left out. */
  add(pkg: RepositoryPackage): 'added' | 'replaced' | false {
    const { method = 'repo', all = false, simple = false } = this.#options;
    let list = this.#byName.get(pkg.name);
    if (list === undefined) {
      list = [];
      this.#byName.set(pkg.name, list);
    }
    for (const [i, other] of simple ? [] : list.entries()) {
      if (other.arch !== pkg.arch) continue;
      if (all) {
        if (compareEvrText(other.evr, pkg.evr) === 0) return false;
        continue;
      }
      const better =
        method === 'ts' ? pkg.time.file > other.time.file : method === 'nvr' && compareEvrText(pkg.evr, other.evr) > 0;
      if (!better) return false;
      list[i] = pkg;
      return 'replaced';
    }
    list.push(pkg);
    return 'added';
  }

  /** What was chosen: by name, then location, then what that is relative to. */
  packages(): RepositoryPackage[] {
    const order = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
    return [...this.#byName.keys()]
      .sort(order)
      .flatMap((name) =>
        this.#byName
          .get(name)!
          .sort(({ location: a }, { location: b }) => order(a.href, b.href) || order(a.base ?? '', b.base ?? '')),
      );
  }
}
