import type { OstreeGroup } from '../verb.ts';

export const group: OstreeGroup = {
  summary: 'Remote commands that may involve internet access',
  column: () => 18,
  commands: [
    { name: 'add', summary: 'Add a remote repository', load: () => import('./add.ts') },
    { name: 'delete', summary: 'Delete a remote repository', load: () => import('./delete.ts') },
    { name: 'show-url', summary: 'Show remote repository URL', load: () => import('./show-url.ts') },
    { name: 'list', summary: 'List remote repository names', load: () => import('./list.ts') },
    { name: 'gpg-import', summary: 'Import GPG keys', load: () => import('./gpg-import.ts') },
    { name: 'gpg-list-keys', summary: 'Show remote GPG keys', load: () => import('./gpg-list-keys.ts') },
    { name: 'add-cookie', summary: 'Add a cookie to remote', load: () => import('./add-cookie.ts') },
    { name: 'delete-cookie', summary: 'Remove one cookie from remote', load: () => import('./delete-cookie.ts') },
    { name: 'list-cookies', summary: 'Show remote repository cookies', load: () => import('./list-cookies.ts') },
    { name: 'refs', summary: 'List remote refs', load: () => import('./refs.ts') },
    { name: 'summary', summary: 'Show remote summary', load: () => import('./summary.ts') },
  ],
};
