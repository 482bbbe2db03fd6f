import { resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { Repo } from '@coppice/ostree';
import type { Context } from '../../cli/context.ts';
import type { SubVerbModule } from '../sub-verbs.ts';
import { directoryTarget } from './publish-directory.ts';
import { type PublishStage, publishOrder } from './publish-order.ts';
import { s3Target } from './publish-s3.ts';

/** Where a repository is copied to, file by file. */
export interface PublishTarget {
  /** Size of what is there under a path; undefined when nothing is. */
  size(path: string): Promise<number | undefined>;
  /** True when what is there is the same as these bytes. */
  same(path: string, bytes: Uint8Array): Promise<boolean>;
  /** Makes the file appear whole. */
  put(path: string, source: string): Promise<void>;
  /** Returns when everything that was put lasts. */
  endStage?(): Promise<void>;
  close?(): void;
}

/**
 * `coppice repo publish`: copies what readers need in an order that is safe for them: content before the trees that name
 * it, commits after their trees, refs and the summary last. What is there already is not sent again, so that a broken run
 * is simply started anew.
 */
export const run: SubVerbModule['run'] = async (context: Context, [dir, destination], flags) => {
  const repo = Repo.open(resolve(context.cwd, dir as string));
  if (repo.mode !== 'archive')
    throw new CoppiceError('Unsupported', `only archive repositories can be published, this one is ${repo.mode}`);
  const to = destination as string;
  const target = to.startsWith('s3://')
    ? s3Target(to, context.env)
    : directoryTarget(resolve(context.cwd, to.replace(/^file:\/\//, '')));
  const counts = { sent: 0, bytes: 0, present: 0 };
  const parallel = Math.max(1, Number(flags['jobs'] ?? 8));
  const send = async (stage: PublishStage): Promise<void> => {
    const files = [...stage.files];
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let i = next++; i < files.length; i = next++) {
        const path = files[i]!;
        const source = `${repo.path}/${path}`;
        const size = repo.fs.stat(source)?.size ?? 0;
        const there = stage.immutable ? (await target.size(path)) === size : await unchanged(repo, target, path);
        if (there) {
          counts.present++;
          continue;
        }
        await target.put(path, source);
        counts.sent++;
        counts.bytes += size;
      }
    };
    await Promise.all(Array.from({ length: Math.min(parallel, files.length) }, worker));
    await target.endStage?.();
  };
  try {
    for (const stage of publishOrder(repo)) await send(stage);
  } finally {
    target.close?.();
  }
  if (flags['json'] === true) context.stdout.write(`${JSON.stringify(counts)}\n`);
  else context.stdout.write(`${counts.sent} files sent (${counts.bytes} bytes), ${counts.present} were there\n`);
  return 0;
};

async function unchanged(repo: Repo, target: PublishTarget, path: string): Promise<boolean> {
  const fd = repo.fs.open(`${repo.path}/${path}`, 0);
  try {
    const size = repo.fs.fstat(fd).size;
    const bytes = Buffer.alloc(size);
    for (let at = 0; at < size; ) {
      const n = repo.fs.read(fd, bytes, at, size - at, at);
      if (n === 0) break;
      at += n;
    }
    return await target.same(path, bytes);
  } finally {
    repo.fs.close(fd);
  }
}
