import type { OstreeGroup } from '../verb.ts';

export const group: OstreeGroup = {
  column: () => 17,
  plainUsage: true,
  commands: [
    { name: 'list', summary: 'List static delta files', load: () => import('./list.ts') },
    { name: 'show', summary: 'Dump information on a delta', load: () => import('./show.ts') },
    { name: 'delete', summary: 'Remove a delta', load: () => import('./delete.ts') },
    { name: 'generate', summary: 'Generate static delta files', load: () => import('./generate.ts') },
    { name: 'apply-offline', summary: 'Apply static delta file', load: () => import('./apply-offline.ts') },
    { name: 'verify', summary: 'Verify static delta signatures', load: () => import('./verify.ts') },
    { name: 'indexes', summary: 'List static delta indexes', load: () => import('./indexes.ts') },
    { name: 'reindex', summary: 'Regenerate static delta indexes', load: () => import('./reindex.ts') },
  ],
};
