import { isMetaType, type ObjectType } from '../codec/object-type.ts';
import { Cursor } from './operations.ts';
import type { PartPayload } from './part.ts';
import { type PartTask, payloadSlack } from './part-machine.ts';
import type { DeltaPartHeader } from './superblock.ts';

export interface ContentTask extends PartTask {
  /** Bytes that the content is to have. */
  readonly size: number;
}

/** A part, taken apart into objects. */
export interface PartTasks {
  readonly metadata: readonly PartTask[];
  readonly contents: readonly ContentTask[];
}

/** Numbers behind the operations inside an object. */
const inner: Readonly<Record<number, number>> = { 114: 1, 82: 0, 119: 2, 66: 2, 99: 0 };

/**
 * Finds where the operations of each object begin, but for those that are there, which `has` says. Undefined when a part is
 * not as it should be: carried out from beginning to end, it tells what is wrong.
 */
export function partTasks(
  header: DeltaPartHeader,
  payload: PartPayload,
  has: (type: ObjectType, checksum: string) => boolean,
): PartTasks | undefined {
  const cursor = new Cursor(payload.operations);
  const metadata: PartTask[] = [];
  const contents: ContentTask[] = [];
  const seen = new Set<string>();
  let budget = header.uncompressedSize + payloadSlack;
  let source = -1;
  let next = 0;
  try {
    while (!cursor.atEnd) {
      const { at } = cursor.mark();
      const code = cursor.opcode();
      if (code === 0x72) source = cursor.number();
      else if (code === 0x52) source = -1;
      else {
        const object = header.objects[next];
        if (object === undefined || (code !== 0x53 && code !== 0x6f)) return undefined;
        const isMeta = isMetaType(object.type);
        if (isMeta && code === 0x6f) return undefined;
        const task = { object: next++, at, source };
        if (isMeta) cursor.skip(2);
        else {
          cursor.skip(2);
          const size = cursor.number();
          if (code === 0x53) cursor.skip(1);
          else {
            budget -= size;
            if (budget < 0) return undefined;
            for (let op = 0; op !== 0x63; cursor.skip(inner[op]!)) {
              op = cursor.opcode();
              if (inner[op] === undefined) return undefined;
            }
            source = -1;
          }
          if (!seen.has(object.checksum) && !has(object.type, object.checksum)) contents.push({ ...task, size });
          seen.add(object.checksum);
          continue;
        }
        metadata.push(task);
      }
    }
  } catch {
    return undefined;
  }
  return next === header.objects.length ? { metadata, contents } : undefined;
}
