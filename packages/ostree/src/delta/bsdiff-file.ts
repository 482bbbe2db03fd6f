import { bsdiff, type PatchSink } from './bsdiff.ts';
import { SlidingWindow } from './sliding-window.ts';
import { SourceIndex } from './source-index.ts';

/** A file that is read from its start. */
export interface ReadableFile {
  readonly size: number;
  read(): Iterable<Uint8Array>;
}

const mebi = 1024 * 1024;

export interface BsdiffWindows {
  /** Up to this size the old file is compared as a whole; of a larger one, so much around each piece of the new file. */
  readonly old: number;
  /** The new file is taken in pieces of this size. */
  readonly fresh: number;
}

/** What one comparison after the other uses. */
export class BsdiffWorkspace {
  readonly index = new SourceIndex();
  readonly old = new SlidingWindow();
  readonly fresh = new SlidingWindow();
}

const defaultWindows: BsdiffWindows = { old: 24 * mebi, fresh: 12 * mebi };

/**
 * The difference of two files of any size in bounded memory, given to `sink`; returns its length. A large new file is
 * compared piece by piece, each with the part of the old file about where it should stand.
 */
export function bsdiffFile(
  old: ReadableFile,
  fresh: ReadableFile,
  { index, old: from, fresh: to }: BsdiffWorkspace,
  sink: PatchSink,
  windows: BsdiffWindows = defaultWindows,
): number {
  from.begin(old.read(), old.size);
  to.begin(fresh.read(), fresh.size);
  // Where the part of the old file starts that the piece of the new file at `at` is compared with.
  const startFor = (at: number): number => {
    // As every patch does.
    if (at === 0) return 0;
    const middle = (Math.min(at + windows.fresh / 2, fresh.size) / fresh.size) * old.size;
    return Math.max(0, Math.min(Math.floor(middle - windows.old / 2), old.size - windows.old));
  };
  let length = 0;
  try {
    for (let at = 0; at < fresh.size; at += windows.fresh) {
      const end = Math.min(at + windows.fresh, fresh.size);
      const start = startFor(at);
      const next = end < fresh.size ? startFor(end) - start : undefined;
      length += bsdiff(from.move(start, start + windows.old), to.move(at, end), index, sink, next);
    }
  } finally {
    from.close();
    to.close();
  }
  return length;
}
