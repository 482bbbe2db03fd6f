import type { OstreeEntry } from './verb.ts';

/** The verbs of `ostree` in help order; each is loaded when it is called. */
export const verbs: readonly OstreeEntry[] = [
  {
    name: 'admin',
    summary: 'Commands for managing a host system booted with ostree',
    load: () => import('./admin/group.ts'),
  },
  { name: 'cat', summary: 'Concatenate contents of files', load: () => import('./cat.ts') },
  { name: 'checkout', summary: 'Check out a commit into a filesystem tree', load: () => import('./checkout.ts') },
  { name: 'checksum', summary: 'Checksum a file or directory', load: () => import('./checksum.ts') },
  { name: 'commit', summary: 'Commit a new revision', load: () => import('./commit.ts') },
  { name: 'config', summary: 'Change repo configuration settings', load: () => import('./config.ts') },
  { name: 'diff', summary: 'Compare directory TARGETDIR against revision REV', load: () => import('./diff.ts') },
  { name: 'export', summary: 'Stream COMMIT to stdout in tar format', load: () => import('./export.ts') },
  { name: 'find-remotes', summary: 'Find remotes to serve the given refs', load: () => import('./find-remotes.ts') },
  { name: 'create-usb', summary: 'Copy the refs to a USB stick', load: () => import('./create-usb.ts') },
  { name: 'fsck', summary: 'Check the repository for consistency', load: () => import('./fsck.ts') },
  { name: 'gpg-sign', summary: 'Sign a commit', load: () => import('./gpg-sign.ts') },
  { name: 'init', summary: 'Initialize a new empty repository', load: () => import('./init.ts') },
  { name: 'log', summary: 'Show log starting at commit or ref', load: () => import('./log.ts') },
  { name: 'ls', summary: 'List file paths', load: () => import('./ls.ts') },
  { name: 'prune', summary: 'Search for unreachable objects', load: () => import('./prune.ts') },
  { name: 'pull-local', summary: 'Copy data from SRC_REPO', load: () => import('./pull-local.ts') },
  { name: 'pull', summary: 'Download data from remote repository', load: () => import('./pull.ts') },
  { name: 'refs', summary: 'List refs', load: () => import('./refs.ts') },
  {
    name: 'remote',
    summary: 'Remote commands that may involve internet access',
    load: () => import('./remote/group.ts'),
  },
  { name: 'reset', summary: 'Reset a REF to a previous COMMIT', load: () => import('./reset.ts') },
  { name: 'rev-parse', summary: 'Output the target of a rev', load: () => import('./rev-parse.ts') },
  { name: 'sign', summary: 'Sign a commit', load: () => import('./sign.ts') },
  { name: 'show', summary: 'Output a metadata object', load: () => import('./show.ts') },
  { name: 'static-delta', summary: 'Static delta related commands', load: () => import('./static-delta/group.ts') },
  { name: 'summary', summary: 'Manage summary metadata', load: () => import('./summary.ts') },
];
