// Packages in the test format: NAME-EVR.ARCH@REPO.
import { type Pool, systemSolvable } from './pool.ts';

export function solvableName(pool: Pool, p: number): string {
  if (p === systemSolvable) return '@SYSTEM';
  const repo = pool.repo(p);
  return `${pool.text(p)}@${(repo?.name ?? '').replace(/ /g, '_')}`;
}

/** Finds packages by that text; the index is made once. */
export class SolvableNames {
  private readonly byName = new Map<string, number>();

  constructor(pool: Pool) {
    for (let p = 2; p < pool.count; p++) {
      const name = solvableName(pool, p);
      if (!this.byName.has(name)) this.byName.set(name, p);
    }
    this.byName.set('@SYSTEM', systemSolvable);
  }

  find(text: string): number | undefined {
    return this.byName.get(text);
  }
}
