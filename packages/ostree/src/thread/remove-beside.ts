import { lstatSync, readdirSync, unlinkSync } from 'node:fs';
import { removeTree } from '@coppice/linux';
import type { HelperThread } from './helper-thread.ts';
import { SharedWork } from './shared-work.ts';

/** So many trees to remove are enough to share them evenly. */
const enoughTrees = 200;

/** Files and trees that make up the given trees but for directories at the top; what cannot be looked into is left whole. */
function takeApart(paths: readonly string[]): string[] {
  const files: string[] = [];
  let level = [...paths];
  while (level.length > 0 && level.length < enoughTrees) {
    const below: string[] = [];
    for (const path of level) {
      try {
        for (const entry of readdirSync(path, { withFileTypes: true }))
          (entry.isDirectory() ? below : files).push(`${path}/${entry.name}`);
      } catch {
        files.push(path);
      }
    }
    level = below;
  }
  // Each thread begins with trees at one end; they meet among the files, so that both end together.
  const half = level.length >> 1;
  return [...level.slice(0, half), ...files, ...level.slice(half)];
}

/** Removes the files of a tree: two threads that remove directories at a time would wait for each other's free inodes. */
function removeFiles(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) removeTree(path);
  else removeFilesIn(path);
}

function removeFilesIn(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) removeFilesIn(path);
    else unlinkSync(path);
  }
}

/**
 * Removes trees of the machine's own file system in the helper thread, while the caller goes on. The result takes a share of
 * what is left, waits for the helper, removes what neither could, and throws what that throws.
 */
export function removeBeside(helper: HelperThread, paths: readonly string[]): () => void {
  const finish = shareRemoval(helper, takeApart(paths));
  return () => {
    finish();
    for (const path of paths) removeTree(path);
  };
}

/** As `removeBeside` of trees that are small and many, but for what neither could remove: nothing is said of that. */
export function shareRemoval(helper: HelperThread, paths: readonly string[]): () => void {
  const work = SharedWork.create(paths.length);
  helper.start({ kind: 'remove', memory: work.memory, paths });
  return () => {
    try {
      for (const i of work.take()) removeFiles(paths[i]!);
    } catch {
      // Left.
    }
    work.stop();
    work.finish();
  };
}
