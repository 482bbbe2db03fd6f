import type { Repo } from '../repo.ts';

// The summary is made by the distribution part, which builds on the store; with core.auto-update-summary the store calls back.
let updater: ((repo: Repo) => void) | undefined;

/** Registers what regenerates a repository's summary. */
export function setSummaryUpdater(update: (repo: Repo) => void): void {
  updater = update;
}

export function updateSummary(repo: Repo): void {
  updater?.(repo);
}
