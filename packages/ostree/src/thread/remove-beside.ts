import { removeTree } from '@coppice/linux';
import type { HelperThread } from './helper-thread.ts';
import { SharedWork } from './shared-work.ts';

/**
 * Removes trees of the machine's own file system in the helper thread, while the caller goes on. The result waits for it,
 * removes what it could not, and throws what that throws.
 */
export function removeBeside(helper: HelperThread, paths: readonly string[]): () => void {
  const work = SharedWork.create(paths.length);
  helper.start({ kind: 'remove', memory: work.memory, paths });
  return () => {
    work.stop();
    work.finish();
    for (const [i, path] of paths.entries()) if (!work.isDone(i)) removeTree(path);
  };
}
