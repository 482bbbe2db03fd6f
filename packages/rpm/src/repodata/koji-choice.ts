// Koji's rule for merged repositories: what is built from a source package comes from one repository and one build.
import { compareEvrText } from '../evr.ts';
import type { RepositoryPackage } from './repository-package.ts';

/** Name and EVR of `NAME-VERSION-RELEASE.src.rpm`; undefined when it is no such name. */
function sourceOf(file: string): { readonly name: string; readonly evr: string } | undefined {
  const [, name, version, release] = /^(.+)-([^-]+)-([^-]+)\.[^.-]+\.rpm$/.exec(file) ?? [];
  return name === undefined ? undefined : { name, evr: `${version}-${release}` };
}

export class KojiChoice {
  /** The build of each source package that counts: the newest of the first repository that has one. */
  readonly #builds = new Map<string, { readonly repository: number; readonly file: string; readonly evr: string }>();
  readonly #seen = new Set<string>();
  readonly #blocked: ReadonlySet<string>;
  readonly #simple: boolean;

  /** `blocked` names source packages of which nothing is taken; `simple` takes everything else. */
  constructor(repositories: readonly (readonly RepositoryPackage[])[], blocked: readonly string[], simple: boolean) {
    this.#blocked = new Set(blocked);
    this.#simple = simple;
    for (const [repository, packages] of simple ? [] : repositories.entries())
      for (const { sourceRpm: file } of packages) {
        const source = sourceOf(file);
        if (source === undefined) continue;
        const known = this.#builds.get(source.name);
        const newer =
          known === undefined || (known.repository === repository && compareEvrText(source.evr, known.evr) > 0);
        if (newer) this.#builds.set(source.name, { repository, file, evr: source.evr });
      }
  }

  allows(pkg: RepositoryPackage): boolean {
    if (pkg.sourceRpm !== '') {
      const source = sourceOf(pkg.sourceRpm);
      if (source === undefined || this.#blocked.has(source.name)) return false;
      if (!this.#simple && this.#builds.get(source.name)?.file !== pkg.sourceRpm) return false;
    }
    if (this.#simple) return true;
    const nvra = `${pkg.name}-${pkg.version}-${pkg.release}.${pkg.arch}`;
    if (this.#seen.has(nvra)) return false;
    this.#seen.add(nvra);
    return true;
  }
}
