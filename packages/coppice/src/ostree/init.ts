import { isAbsolute, resolve } from 'node:path';
import { CoppiceError, errnoError, prefixError } from '@coppice/base';
import { hostFs } from '@coppice/linux';
import { checkCollectionId, Repo, type RepoMode } from '@coppice/ostree';
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
  async run({ context, level, options, repoPath, openRepo }) {
    // Without --repo there has to be one already.
    if (repoPath === undefined) return void (await openRepo());
    const text = options.string('mode') ?? 'bare';
    const mode = Object.hasOwn(modes, text) ? modes[text] : undefined;
    if (mode === undefined) throw new CoppiceError('Invalid', `Invalid mode '${text}' in repository configuration`);
    const collectionId = options.string('collection-id');
    if (collectionId !== undefined) checkCollectionId(collectionId);
    let doing = 'Creating repo';
    try {
      if (repoPath === '') throw errnoError({ code: 'EFAULT' }, 'mkdirat');
      const path = isAbsolute(repoPath) ? repoPath : resolve(context.cwd, repoPath);
      const there = hostFs.stat(path);
      if (there !== undefined && (there.mode & 0o170000) !== 0o040000)
        throw errnoError({ code: 'ENOTDIR' }, `fstatat(${path}/objects)`);
      if (there !== undefined && hostFs.stat(`${path}/objects`) !== undefined) doing = 'opening repo';
      Repo.create(path, {
        mode,
        compat: level,
        ...(collectionId === undefined ? {} : { collectionId }),
      });
    } catch (error) {
      throw prefixError(error, doing);
    }
  },
};
