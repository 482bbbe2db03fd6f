// What `rpm -V` says of dependencies: which requirements of an installed package nothing installed meets.
import { type Dependency, dependenciesOverlap, formatDependency } from '../dependency.ts';
import type { Header } from '../header/header.ts';
import { Tag } from '../header/tag.ts';
import { headerDependencies } from '../package/dependencies.ts';
import { filePaths } from '../package/files.ts';
import { isRich, parseRichDependency, type RichDependency } from '../rich.ts';
import type { InstalledPackage } from '../rpmdb/rpmdb.ts';

/** What the packages of a database provide, each under the number of its package. */
export class InstalledCapabilities {
  readonly #packages: readonly InstalledPackage[];
  readonly #provides = new Map<string, { readonly by: number; readonly dep: Dependency }[]>();
  #owners: Map<string, number[]> | undefined;

  constructor(packages: readonly InstalledPackage[]) {
    this.#packages = packages;
    for (const { header, hnum } of packages)
      for (const dep of headerDependencies(header, 'provides')) {
        const list = this.#provides.get(dep.name);
        if (list === undefined) this.#provides.set(dep.name, [{ by: hnum, dep }]);
        else list.push({ by: hnum, dep });
      }
  }

  /** Packages that own the file. */
  owners(path: string): readonly number[] {
    if (this.#owners === undefined) {
      this.#owners = new Map();
      for (const { header, hnum } of this.#packages)
        for (const file of filePaths(header)) {
          const list = this.#owners.get(file);
          if (list === undefined) this.#owners.set(file, [hnum]);
          else list.push(hnum);
        }
    }
    return this.#owners.get(path) ?? [];
  }

  /** Packages that meet a dependency without operators. */
  providers(dep: Dependency): ReadonlySet<number> {
    const list = (this.#provides.get(dep.name) ?? []).filter((one) => dependenciesOverlap(one.dep, dep));
    const out = new Set(list.map(({ by }) => by));
    if (dep.name.startsWith('/')) for (const by of this.owners(dep.name)) out.add(by);
    return out;
  }

  /** Packages that meet both or one but not the other: what `with` and `without` ask for. */
  #together(dep: RichDependency): ReadonlySet<number> {
    if (!isRich(dep)) return this.providers(dep);
    const [left, right] = [this.#together(dep.left), this.#together(dep.right)];
    if (dep.op === 'or') return new Set([...left, ...right]);
    return new Set([...left].filter((by) => right.has(by) === (dep.op !== 'without')));
  }

  meets(dep: RichDependency): boolean {
    if (!isRich(dep)) return this.providers(dep).size > 0;
    switch (dep.op) {
      case 'and':
        return this.meets(dep.left) && this.meets(dep.right);
      case 'or':
        return this.meets(dep.left) || this.meets(dep.right);
      case 'if':
        return this.meets(dep.right) ? this.meets(dep.left) : dep.otherwise === undefined || this.meets(dep.otherwise);
      case 'unless':
        return this.meets(dep.right) ? dep.otherwise !== undefined && this.meets(dep.otherwise) : this.meets(dep.left);
      default:
        return this.#together(dep).size > 0;
    }
  }
}

/**
 * A line per requirement that is not met, without a tab: `X is needed by (installed) Y`. What rpm itself provides
 * (`rpmlib(...)`) is taken as met.
 */
export function verifyDependenciesLines(header: Header, label: string, installed: InstalledCapabilities): string[] {
  const who = header.has(Tag.InstallTime) ? `(installed) ${label}` : label;
  const out = new Set<string>();
  for (const dep of headerDependencies(header, 'requires')) {
    if (dep.name.startsWith('rpmlib(')) continue;
    const met = installed.meets(dep.name.startsWith('(') ? parseRichDependency(dep.name) : dep);
    if (!met) out.add(`${formatDependency(dep)} is needed by ${who}`);
  }
  return [...out];
}
