// A whole compose into a repository of our own: what the verbs that make something else of a tree start from.
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { removeTree } from '@coppice/linux';
import { Repo } from '@coppice/ostree';
import { composeTree, nextVersion, rpmOstreeLevel } from '@coppice/rpm-ostree';
import { composeArch, openRepositories, readComposeInput, readLockfiles } from './compose-input.ts';
import { composeTime } from './compose-tree.ts';
import { transactionText } from './transaction-text.ts';
import type { VerbCall } from './verb.ts';

export interface ComposedTree {
  readonly repo: Repo;
  readonly commit: string;
  readonly cmd: readonly string[];
}

/** Composes the treefile among the operands and hands the commit to `body`; everything temporary is removed after. */
export async function withComposedTree<T>(
  call: VerbCall,
  body: (composed: ComposedTree) => Promise<T> | T,
): Promise<T> {
  const { context, options } = call;
  const input = readComposeInput(call);
  const work = mkdtempSync(join(tmpdir(), 'rpm-ostree-compose-'));
  try {
    const cacheDir = resolve(context.cwd, options.string('cachedir') ?? join(work, 'cache'));
    mkdirSync(cacheDir, { recursive: true });
    const text = transactionText(context, rpmOstreeLevel(context.env), options.flag('quiet'));
    const mode = process.getuid?.() === 0 ? 'bare' : 'bare-user';
    const repo = Repo.create(join(work, 'repo'), { mode, env: context.env });
    const lockfile = readLockfiles(call);
    const { treefile } = input;
    const time = composeTime(call);
    const result = await composeTree({
      repo,
      packageRepo: Repo.create(join(cacheDir, 'pkgcache-repo'), { mode, env: context.env }),
      repositories: await openRepositories(call, input, cacheDir),
      arch: composeArch,
      treefile,
      document: input.loaded.document,
      treefileJson: `${JSON.stringify(input.loaded.document, null, 2)}\n`,
      timestamp: time,
      ...(treefile.versionPrefix === undefined
        ? {}
        : { version: nextVersion(treefile.versionPrefix, treefile.versionSuffix, undefined, new Date(time * 1000)) }),
      ...(lockfile === undefined ? {} : { lockfile }),
      scratch: join(work, 'compose'),
      env: context.env,
      progress: text.progress,
    });
    if ('unchanged' in result) throw new Error('a compose without previous state cannot be unchanged');
    return await body({ repo, commit: result.commit, cmd: treefile.containerCmd });
  } finally {
    removeTree(work);
  }
}
