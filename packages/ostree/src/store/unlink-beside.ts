import { unlink } from 'node:fs';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';

/** So many are deleted one after another before it is known whether that waits. */
const trial = 64;
/** Handed to Node's threads at once: none of them ever has to wait for this one. */
const ahead = 64;

/** How often this process gave its processor away, as it does when it waits for a device. */
function waits(): number {
  return process.resourceUsage().voluntaryContextSwitches;
}

/**
 * Deletes files. Where each deletion waits for the device, as on ext4 without a journal that is mounted with `discard`, Node's
 * threads do it several at a time; elsewhere they would only get in each other's way, and on XFS they take longer. `failed`
 * gets the error of the first name that could not be deleted, no other one is begun then, and what it throws is thrown.
 * `waited` counts how often this process has waited.
 */
export async function unlinkBeside(
  fs: FileSystem,
  directory: string,
  names: readonly string[],
  failed: (name: string, error: unknown) => never,
  waited: () => number = waits,
): Promise<void> {
  const before = fs === hostFs ? waited() : 0;
  let next = 0;
  const one = (): void => {
    const name = names[next++]!;
    try {
      fs.unlink(`${directory}/${name}`);
    } catch (error) {
      failed(name, error);
    }
  };
  while (next < Math.min(trial, names.length)) one();
  if (fs === hostFs && waited() - before >= trial / 2) await unlinkOnThreads(directory, names, next, failed);
  else while (next < names.length) one();
}

async function unlinkOnThreads(
  directory: string,
  names: readonly string[],
  from: number,
  failed: (name: string, error: unknown) => never,
): Promise<void> {
  let next = from;
  let running = 0;
  let worst: { readonly at: number; readonly error: unknown } | undefined;
  await new Promise<void>((resolve) => {
    const give = (): void => {
      while (running < ahead && next < names.length && worst === undefined) {
        const at = next++;
        running++;
        unlink(`${directory}/${names[at]!}`, (error) => {
          running--;
          if (error !== null && (worst === undefined || at < worst.at)) worst = { at, error };
          give();
        });
      }
      if (running === 0) resolve();
    };
    give();
  });
  if (worst !== undefined) failed(names[worst.at]!, worst.error);
}
