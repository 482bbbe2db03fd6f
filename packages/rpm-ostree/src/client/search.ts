// Packages by name and summary, in the base and in the enabled repositories.
import { baseOf } from '../commit-facts.ts';
import type { Client } from './client.ts';
import { loadRepositories } from './repo-metadata.ts';

export interface SearchResult {
  readonly section: 'Summary & Name Matched' | 'Name Matched' | 'Summary Matched';
  readonly name: string;
  readonly summary: string;
}

/** Matches of all terms in name and summary, in name or in summary, each package once, by name. */
export async function searchPackages(client: Client, terms: readonly string[]): Promise<SearchResult[]> {
  const repositories = await client.muted(() =>
    loadRepositories(client, baseOf(client.repo, client.originMerge.checksum)),
  );
  const seen = new Map<string, string>();
  for (const { packages } of repositories)
    for (const c of packages)
      if (c.source.kind === 'remote' && !seen.has(c.nevra.name)) seen.set(c.nevra.name, c.source.remote.summary);
  const out: SearchResult[] = [];
  const matches = (text: string, term: string): boolean => {
    const pattern = term
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    return new RegExp(pattern, 'i').test(text);
  };
  for (const [name, summary] of [...seen].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const byName = terms.every((t) => matches(name, t));
    const bySummary = terms.every((t) => matches(summary, t));
    if (byName && bySummary) out.push({ section: 'Summary & Name Matched', name, summary });
    else if (byName) out.push({ section: 'Name Matched', name, summary });
    else if (bySummary) out.push({ section: 'Summary Matched', name, summary });
  }
  return out;
}
