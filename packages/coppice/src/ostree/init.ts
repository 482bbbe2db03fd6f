import { isAbsolute, resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { Repo, type RepoMode } from '@coppice/ostree';
import { defaultRepoPath } from './default-repo.ts';
import type { OstreeVerb } from './verb.ts';

const modes: Readonly<Record<string, RepoMode>> = {
  bare: 'bare',
  'bare-user': 'bare-user',
  'bare-user-only': 'bare-user-only',
  'bare-split-xattrs': 'bare-split-xattrs',
  archive: 'archive',
  'archive-z2': 'archive',
};

export const verb: OstreeVerb = {
  summary: 'Initialize a new empty repository',
  repo: 'path',
  options: () => [
    { long: 'mode', arg: '', help: 'Initialize repository in given mode (bare, bare-user, bare-user-only, archive)' },
    {
      long: 'collection-id',
      arg: 'COLLECTION-ID',
      help: 'Globally unique ID for this repository as an collection of refs for redistribution to other repositories',
    },
  ],
  run({ context, level, options, repoPath }) {
    const text = options.string('mode') ?? 'bare';
    const mode = Object.hasOwn(modes, text) ? modes[text] : undefined;
    if (mode === undefined) throw new CoppiceError('Invalid', `Invalid mode '${text}' in repository configuration`);
    const path = repoPath ?? defaultRepoPath(context).path;
    const collectionId = options.string('collection-id');
    Repo.create(isAbsolute(path) ? path : resolve(context.cwd, path), {
      mode,
      compat: level,
      ...(collectionId === undefined ? {} : { collectionId }),
    });
  },
};
