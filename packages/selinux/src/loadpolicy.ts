// The policy inside a root: `etc/selinux` (or `usr/etc/selinux`) with `config` and `TYPE/contexts/files`.

import { checkPathComponent } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs, readFile } from '@coppice/linux';
import { parseFileContexts } from './filecontexts.ts';
import { LabelPolicy } from './policy.ts';
import { parseSubstitutions } from './substitutions.ts';

export interface SelinuxConfig {
  /** `SELINUX` is enforcing or permissive. */
  readonly enabled: boolean;
  /** `SELINUXTYPE`. */
  readonly type: string | undefined;
}

export function parseSelinuxConfig(text: string): SelinuxConfig {
  let enabled = false;
  let type: string | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('SELINUX=')) enabled = /^(enforcing|permissive)/.test(line.slice('SELINUX='.length).trim());
    else if (line.startsWith('SELINUXTYPE=')) type = line.slice('SELINUXTYPE='.length).trim();
  }
  return { enabled, type };
}

const sizeLimit = 64 << 20;

/** Reads the policy of the root at `root`; undefined when it has none or it is disabled. Throws `Invalid` on broken files. */
export function loadPolicy(fs: FileSystem = hostFs, root = '/'): LabelPolicy | undefined {
  const base = ['etc/selinux', 'usr/etc/selinux']
    .map((path) => `${root.replace(/\/$/, '')}/${path}`)
    .find((path) => fs.stat(path) !== undefined);
  if (base === undefined || fs.stat(`${base}/config`) === undefined) return undefined;
  const text = (path: string): string =>
    fs.stat(path) === undefined ? '' : readFile(path, { fs, limit: sizeLimit }).toString();
  const config = parseSelinuxConfig(text(`${base}/config`));
  if (!config.enabled || config.type === undefined || config.type === '') return undefined;
  const files = `${base}/${checkPathComponent(config.type, 'SELINUXTYPE')}/contexts/files`;
  const contexts = ['file_contexts', 'file_contexts.homedirs', 'file_contexts.local'];
  return new LabelPolicy({
    name: config.type,
    specs: contexts.flatMap((name) => parseFileContexts(text(`${files}/${name}`), name)),
    substitutions: parseSubstitutions(text(`${files}/file_contexts.subs`)),
    distributionSubstitutions: parseSubstitutions(text(`${files}/file_contexts.subs_dist`)),
  });
}
