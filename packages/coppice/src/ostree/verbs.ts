import type { OstreeEntry } from './verb.ts';

/** The verbs of `ostree` in help order; each is loaded when it is called. */
export const verbs: readonly OstreeEntry[] = [
  {
    name: 'admin',
    summary: 'Commands for managing a host system booted with ostree',
    load: () => import('./admin/group.ts'),
  },
  { name: 'cat', summary: 'Concatenate contents of files', load: () => import('./cat.ts') },
  { name: 'config', summary: 'Change repo configuration settings', load: () => import('./config.ts') },
  { name: 'init', summary: 'Initialize a new empty repository', load: () => import('./init.ts') },
  { name: 'log', summary: 'Show log starting at commit or ref', load: () => import('./log.ts') },
  { name: 'ls', summary: 'List file paths', load: () => import('./ls.ts') },
  { name: 'refs', summary: 'List refs', load: () => import('./refs.ts') },
  { name: 'reset', summary: 'Reset a REF to a previous COMMIT', load: () => import('./reset.ts') },
  { name: 'rev-parse', summary: 'Output the target of a rev', load: () => import('./rev-parse.ts') },
  { name: 'show', summary: 'Output a metadata object', load: () => import('./show.ts') },
];
