import { constants } from 'node:fs';
import type { FileSystem } from '@coppice/base/fs';
import type { LoadedFile } from './load-file.ts';

/** Compares a file with pieces that come one after another. */
export interface PieceComparer {
  matches(piece: Uint8Array): boolean;
  /** Closes the file; gives `result` back. */
  close(result: boolean): boolean;
}

/** Reads contents for one verb after another. */
export class ContentReader {
  #compare: Buffer | undefined;

  /** Hands the whole content to `sink`. */
  copy(file: LoadedFile, sink: (bytes: Uint8Array) => void): void {
    if (file.size === 0) return;
    for (const piece of file.read()) sink(piece);
  }

  pieces(fs: FileSystem, path: string): PieceComparer {
    const fd = fs.open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    let at = 0;
    return {
      matches: (piece) => {
        if (this.#compare === undefined || this.#compare.length < piece.length) {
          this.#compare = Buffer.allocUnsafe(Math.max(piece.length, 256 * 1024));
        }
        let have = 0;
        while (have < piece.length) {
          const n = fs.read(fd, this.#compare, have, piece.length - have, at);
          if (n === 0) return false;
          have += n;
          at += n;
        }
        return Buffer.compare(this.#compare.subarray(0, have), piece) === 0;
      },
      close(result) {
        fs.close(fd);
        return result;
      },
    };
  }
}
