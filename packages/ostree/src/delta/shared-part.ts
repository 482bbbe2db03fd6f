import { removeTree } from '@coppice/linux';
import { looseName } from '../codec/object-type.ts';
import type { AsideTarget } from '../store/archived-handover.ts';
import { randomHex } from '../store/random-name.ts';
import type { Transaction } from '../store/transaction.ts';
import type { HelperThread } from '../thread/helper-thread.ts';
import { SharedWork } from '../thread/shared-work.ts';
import { applyPart, type OpenedPart, partTarget } from './apply.ts';
import { PartMachine, type PartTask } from './part-machine.ts';
import { type ContentTask, partTasks } from './part-tasks.ts';
import type { DeltaPartHeader } from './superblock.ts';

/** Carries out parts on this thread and a helping one: each takes the next object when it is done with one. */
export class PartSharer {
  readonly #transaction: Transaction;
  readonly #helper: HelperThread;
  /** For the files of the other thread until they are complete: in one directory both would wait for each other. */
  #temporary: string | undefined;

  constructor(transaction: Transaction, helper: HelperThread) {
    this.#transaction = transaction;
    this.#helper = helper;
  }

  /** As `applyPart`. */
  apply(header: DeltaPartHeader, opened: OpenedPart): void {
    const { content } = this.#transaction;
    content.alone = true;
    try {
      this.#apply(header, opened);
    } finally {
      content.alone = false;
    }
  }

  #apply(header: DeltaPartHeader, { payload, bytes }: OpenedPart): void {
    const target = partTarget(this.#transaction);
    const tasks = partTasks(header, payload, target.has);
    const job = tasks === undefined ? undefined : this.#job(header, arranged(tasks.contents), bytes);
    if (tasks === undefined || job === undefined) {
      applyPart(this.#transaction, header, payload);
      return;
    }
    const { work, contents, aside } = job;
    const machine = new PartMachine(target, header, payload);
    const mine = new Uint8Array(contents.length);
    let stopped = false;
    try {
      for (const task of tasks.metadata) machine.runTask(task);
      for (const i of work.take('start', 1)) {
        mine[i] = 1;
        // The transaction takes room for it by itself.
        aside.refund(contents[i]!.size);
        machine.runTask(contents[i]!);
        work.markDone(i);
      }
    } catch {
      stopped = true;
      work.stop();
    }
    work.finish();
    const left: PartTask[] = stopped ? [...tasks.metadata] : [];
    contents.forEach((content, i) => {
      if (!work.isDone(i)) left.push(content);
      if (mine[i] === 1) return;
      if (work.isDone(i)) aside.arrived(header.objects[content.object]!.checksum, content.size);
      else aside.refund(content.size);
    });
    // In the order of the part, so that the first that is wrong tells.
    for (const task of left.sort((a, b) => a.object - b.object)) machine.runTask(task);
  }

  /** Gives the helper its part of the work; undefined where it cannot help. */
  #job(
    { objects, uncompressedSize }: DeltaPartHeader,
    contents: readonly ContentTask[],
    bytes: Uint8Array,
  ): { work: SharedWork; contents: readonly ContentTask[]; aside: AsideTarget } | undefined {
    const { aside, repo } = this.#transaction;
    if (aside === undefined || contents.length === 0 || !(bytes.buffer instanceof SharedArrayBuffer)) return undefined;
    const checksums = Buffer.alloc(contents.length * 32);
    let folder: string | undefined;
    for (const [i, { object }] of contents.entries()) {
      const { checksum } = objects[object]!;
      checksums.write(checksum, i * 32, 'hex');
      folder = aside.targetOf(checksum)?.slice(0, -looseName(checksum, 'file', repo.mode).length - 1);
      if (folder === undefined) return undefined;
    }
    if (!reserveAll(aside, contents)) return undefined;
    const work = SharedWork.create(contents.length);
    this.#helper.start({
      kind: 'apply',
      memory: work.memory,
      repo: repo.path,
      form: { ...aside.form, temporary: this.#temporaryIn(aside.form.temporary) },
      folder: folder!,
      checksums,
      places: Float64Array.from(contents.flatMap(({ at, source }) => [at, source])),
      payload: bytes,
      uncompressedSize,
    });
    return { work, contents, aside };
  }

  #temporaryIn(folder: string): string {
    if (this.#temporary === undefined) {
      const path = `${folder}/tmp-aside-${randomHex(6)}`;
      this.#transaction.repo.fs.mkdir(path);
      this.#temporary = path;
    }
    return this.#temporary;
  }

  /** Removes what the other thread no longer needs. */
  close(): void {
    if (this.#temporary !== undefined) removeTree(this.#temporary, this.#transaction.repo.fs);
    this.#temporary = undefined;
  }
}

/** Takes room for all; false, with none taken, where there is not enough. */
function reserveAll(aside: AsideTarget, contents: readonly ContentTask[]): boolean {
  let taken = 0;
  try {
    for (const { size } of contents) {
      aside.reserve(size);
      taken++;
    }
    return true;
  } catch {
    for (const { size } of contents.slice(0, taken)) aside.refund(size);
    return false;
  }
}

/** The large ones at both ends, where the threads begin: they meet among small ones and end together. */
function arranged(contents: readonly ContentTask[]): ContentTask[] {
  const falling = [...contents].sort((a, b) => b.size - a.size);
  const even = falling.filter((_, i) => i % 2 === 0);
  const odd = falling.filter((_, i) => i % 2 === 1);
  return [...even, ...odd.reverse()];
}
