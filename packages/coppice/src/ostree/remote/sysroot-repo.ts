import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { errnoError, prefixError } from '@coppice/base';
import { hostFs } from '@coppice/linux';
import { type Repo, useRemotesDir } from '@coppice/ostree';
import type { GOption } from '../../cli/goption.ts';
import type { OstreeCall } from '../verb.ts';

/** Options of the verbs that change remotes: `--sysroot` stands for its repository and its `remotes.d`. */
export const sysrootOptions: readonly GOption[] = [
  { long: 'repo', arg: 'PATH', filename: true, help: 'Path to OSTree repository (defaults to /sysroot/ostree/repo)' },
  { long: 'sysroot', arg: 'PATH', filename: true, help: 'Use sysroot at PATH (overrides --repo)' },
];

/** Opens what `--sysroot`, `--repo` or the default say. */
export async function openSysrootRepo(call: OstreeCall): Promise<{ repo: Repo; sysroot: boolean }> {
  const sysroot = call.options.string('sysroot');
  if (sysroot === undefined) return { repo: await call.openRepo(call.options.string('repo')), sysroot: false };
  const root = resolve(call.context.cwd, sysroot);
  const failed = (error: unknown, what: string): never => {
    const step = what === 'ostree/repo' ? 'Opening sysroot repo' : 'Initializing sysroot';
    const plain = errnoError(error, `opendir(${what})`);
    throw prefixError(call.level === '2026.4' ? prefixError(plain, step) : plain, 'loading sysroot');
  };
  if (sysroot === '') failed({ code: 'EFAULT' }, '(null)');
  const stat = hostFs.stat(root);
  if (stat === undefined || (stat.mode & 0o170000) !== 0o040000)
    failed({ code: stat === undefined ? 'ENOENT' : 'ENOTDIR' }, root);
  if (hostFs.stat(`${root}/ostree/repo`) === undefined) failed({ code: 'ENOENT' }, 'ostree/repo');
  const repo = await call.openRepo(`${root}/ostree/repo`);
  // A root with /sysroot in it is a deployment; the physical root has no /etc of its own.
  const base = root === '/' ? '' : root;
  if (!existsSync(`${base}/sysroot`)) return { repo, sysroot: false };
  useRemotesDir(repo, `${base}/etc/ostree/remotes.d`);
  return { repo, sysroot: repo.config.boolean('core', 'add-remotes-config-dir', true) };
}
