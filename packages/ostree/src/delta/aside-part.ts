import { CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { checkFileMode } from '../codec/mode-bits.ts';
import { looseName } from '../codec/object-type.ts';
import { Repo } from '../repo.ts';
import { ContentWriter } from '../store/content-writer.ts';
import { randomHex } from '../store/random-name.ts';
import type { ApplyJob } from '../thread/helper-job.ts';
import { decodePayload } from './part.ts';
import { PartMachine, type PartTarget } from './part-machine.ts';
import type { DeltaObject } from './superblock.ts';

/** Buffers and names go from one part to the next. */
interface Place {
  readonly repo: Repo;
  readonly writer: ContentWriter;
  folder: string;
}
let last: { readonly path: string; readonly temporary: string; readonly place: Place } | undefined;

function placeOf(fs: FileSystem, { repo: path, form, folder }: ApplyJob): Place {
  if (last?.path !== path || last.temporary !== form.temporary) {
    const stem = randomHex(6);
    let counter = 0;
    const { temporary, mode, zlibLevel, syncFiles } = form;
    const writer = new ContentWriter({
      fs,
      mode,
      zlibLevel,
      temporary,
      syncFiles,
      alias: (checksum) => checksum,
      has: () => false,
      // Room was taken before the work was given.
      reserve: () => {},
      refund: () => {},
      pathFor: () => `${temporary}/tmp-${stem}a${counter++}`,
      place: (made, checksum) => fs.rename(made, `${place.folder}/${looseName(checksum, 'file', mode)}`),
      wrote: () => {},
    });
    const place: Place = { repo: Repo.open(path, { fs }), writer, folder };
    last = { path, temporary, place };
  }
  last.place.folder = folder;
  return last.place;
}

/** Makes contents of a part in the helping thread and gives them their names. */
export class AsidePart {
  readonly #job: ApplyJob;
  readonly #machine: PartMachine;
  readonly #objects: DeltaObject[] = [];

  constructor(fs: FileSystem, job: ApplyJob) {
    this.#job = job;
    const { repo, writer } = placeOf(fs, job);
    const target: PartTarget = {
      fs,
      canPatch: true,
      has: () => false,
      find: (checksum) => repo.findObject('file', checksum)?.path,
      writeContent(header, source, checksum) {
        checkFileMode(header.mode);
        writer.write(header, source, (actual) => {
          if (actual !== checksum) throw new CoppiceError('Corrupt', `Corrupted file object ${checksum}`);
        });
      },
      writeMetadata() {
        throw new CoppiceError('Bug', 'metadata are left to the transaction');
      },
    };
    const header = { objects: this.#objects, uncompressedSize: job.uncompressedSize };
    this.#machine = new PartMachine(target, header, decodePayload(job.payload));
  }

  make(task: number, checksum: string): void {
    this.#objects[task] = { type: 'file', checksum };
    const { places } = this.#job;
    this.#machine.runTask({ object: task, at: places[task * 2]!, source: places[task * 2 + 1]! });
  }
}
