// The verbs of rpm-ostree: name, the line in --help, and the file that holds the verb.
import type { Verb } from './verb.ts';

export interface VerbRow {
  readonly summary: string;
  readonly hidden?: boolean;
  readonly load: () => Promise<{ readonly verb: Verb }>;
}

export type Verbs = Readonly<Record<string, VerbRow>>;
export interface VerbGroup {
  readonly summary: string;
  readonly hidden?: boolean;
  readonly subverbs: Verbs;
}

const install = () => import('./install.ts');
const uninstall = () => import('./uninstall.ts');
const upgrade = () => import('./upgrade.ts');

const db: VerbGroup = {
  summary: 'Commands to query the RPM database',
  subverbs: {
    diff: { summary: 'Show package changes between two commits', load: () => import('./db-diff.ts') },
    list: { summary: 'List packages within commits', load: () => import('./db-list.ts') },
    version: { summary: 'Show rpmdb version of packages within the commits', load: () => import('./db-version.ts') },
  },
};

export const verbs: Readonly<Record<string, VerbRow | VerbGroup>> = {
  cleanup: { summary: 'Clear cached/pending data', load: () => import('./cleanup.ts') },
  db,
  deploy: { summary: 'Deploy a specific commit', load: () => import('./deploy.ts') },
  install: { summary: 'Overlay additional packages', load: install },
  kargs: { summary: 'Query or modify kernel arguments', load: () => import('./kargs.ts') },
  rebase: { summary: 'Switch to a different tree', load: () => import('./rebase.ts') },
  rollback: { summary: 'Revert to the previously booted tree', load: () => import('./rollback.ts') },
  status: { summary: 'Get the version of the booted system', load: () => import('./status.ts') },
  uninstall: { summary: 'Remove overlayed additional packages', load: uninstall },
  upgrade: { summary: 'Perform a system upgrade', load: upgrade },

  update: { summary: 'Alias for upgrade', hidden: true, load: upgrade },
  'pkg-add': { summary: '', hidden: true, load: install },
  'pkg-remove': { summary: '', hidden: true, load: uninstall },
  remove: { summary: '', hidden: true, load: uninstall },
  rpm: { ...db, hidden: true },
};
