// The packages a job is about.
import type { Selection } from './job.ts';
import type { Pool } from './pool.ts';

/** Solvables a selection covers, ascending (as given for `oneof`). `name` asks for the package's own name, `provides` for anything that meets it. */
export function selected(pool: Pool, select: Selection): number[] {
  switch (select.kind) {
    case 'solvable':
      return [select.solvable];
    case 'oneof':
      return [...select.solvables];
    case 'name':
      return pool.providers.list(select.dep).filter((p) => pool.matchesNevr(p, select.dep));
    case 'provides':
      return pool.providers.list(select.dep);
    case 'repo': {
      const repo = pool.repos[select.repo];
      return repo === undefined ? [] : repo.solvables.filter((p) => pool.isInstalled(p) || pool.installable(p));
    }
    default: {
      const out: number[] = [];
      for (let p = 2; p < pool.count; p++)
        if (pool.repoOf.data[p] !== 0 && (pool.isInstalled(p) || pool.installable(p))) out.push(p);
      return out;
    }
  }
}

/** The same, but nothing for a whole repository or everything: where those have a meaning of their own. */
export function namedPackages(pool: Pool, select: Selection): number[] {
  return select.kind === 'repo' || select.kind === 'all' ? [] : selected(pool, select);
}

/** Whether a selection is all that is installed, by `all` or by its repository. */
export function coversInstalled(pool: Pool, select: Selection): boolean {
  return select.kind === 'all' || (select.kind === 'repo' && pool.repos[select.repo] === pool.installed);
}
