// A whole compose into a repository of our own: what the verbs that make something else of a tree start from.
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { removeTree } from '@coppice/linux';
import { Repo } from '@coppice/ostree';
import { composeTree, rpmOstreeLevel } from '@coppice/rpm-ostree';
import { readComposeInput, versionFor } from './compose-input.ts';
import { checkDirectory } from './compose-output.ts';
import { composeSources, packageRepository } from './compose-plan.ts';
import { composeTime } from './compose-tree.ts';
import { transactionText } from './transaction-text.ts';
import type { VerbCall } from './verb.ts';

export interface ComposedTree {
  readonly repo: Repo;
  readonly commit: string;
  readonly cmd: readonly string[];
}

/** What is known of the compose before this one, and how the tree is to differ from what the treefile says. */
export interface EarlierCompose {
  readonly inputHash?: string | undefined;
  readonly version?: string | undefined;
  /** False leaves files without labels. */
  readonly selinux?: boolean;
}

/**
 * Composes the treefile among the operands and hands the commit to `body`; everything temporary is removed after. With the
 * input hash of an earlier compose, and the same one now, nothing is done and undefined returned.
 */
export async function withComposedTree<T>(
  call: VerbCall,
  body: (composed: ComposedTree) => Promise<T> | T,
  earlier: EarlierCompose = {},
): Promise<T | undefined> {
  const { context, options } = call;
  const input = readComposeInput(call);
  checkDirectory(call, 'cachedir', true);
  checkDirectory(call, 'source-root');
  checkDirectory(call, 'source-root-rw');
  const work = mkdtempSync(join(tmpdir(), 'rpm-ostree-compose-'));
  try {
    const cacheDir = resolve(context.cwd, options.string('cachedir') ?? join(work, 'cache'));
    mkdirSync(cacheDir, { recursive: true });
    const text = transactionText(context, rpmOstreeLevel(context.env), options.flag('quiet'));
    const mode = process.getuid?.() === 0 ? 'bare' : 'bare-user';
    const named = options.string('ostree-repo');
    const repo =
      named === undefined
        ? Repo.create(join(work, 'repo'), { mode, env: context.env })
        : Repo.open(resolve(context.cwd, named), { env: context.env });
    const treefile = earlier.selinux === false ? { ...input.treefile, selinux: false } : input.treefile;
    const time = composeTime(call);
    const version = versionFor(treefile, earlier.version, time);
    const result = await composeTree({
      ...(await composeSources(call, input, cacheDir)),
      repo,
      packageRepo: packageRepository(call, repo, cacheDir),
      treefile,
      timestamp: time,
      ...(version === undefined ? {} : { version }),
      ...(earlier.inputHash === undefined ? {} : { previousInputHash: earlier.inputHash }),
      scratch: join(work, 'compose'),
      progress: text.progress,
    });
    if ('unchanged' in result) {
      text.line('No apparent changes since previous commit; use --force-nocache to override');
      return undefined;
    }
    return await body({ repo, commit: result.commit, cmd: treefile.containerCmd });
  } finally {
    removeTree(work);
  }
}
