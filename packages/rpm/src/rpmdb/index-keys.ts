// Which keys a package puts into which index table of the database (rpm's rpmdb.c and rpmidx.c).
import { bytesEqual } from '@coppice/base';
import type { Header } from '../header/header.ts';
import { Tag } from '../header/tag.ts';
import { Sense } from '../package/dependencies.ts';
import { isRich, parseRichDependency, type RichDependency } from '../rich.ts';

export interface IndexTable {
  readonly name: string;
  readonly tag: number;
  /** Keys are BLOBs, without a key index. */
  readonly binary?: boolean;
  /** The tag is an array: there is an index over `hnum` too. */
  readonly array?: boolean;
}

/** In the order rpm creates them. */
export const indexTables: readonly IndexTable[] = [
  { name: 'Name', tag: Tag.Name },
  { name: 'Basenames', tag: Tag.BaseNames, array: true },
  { name: 'Group', tag: Tag.Group },
  { name: 'Requirename', tag: Tag.RequireName, array: true },
  { name: 'Providename', tag: Tag.ProvideName, array: true },
  { name: 'Conflictname', tag: Tag.ConflictName, array: true },
  { name: 'Obsoletename', tag: Tag.ObsoleteName, array: true },
  { name: 'Triggername', tag: Tag.TriggerName, array: true },
  { name: 'Dirnames', tag: Tag.DirNames, array: true },
  { name: 'Installtid', tag: Tag.InstallTid, binary: true },
  { name: 'Sigmd5', tag: Tag.SigMd5, binary: true },
  { name: 'Sha1header', tag: Tag.Sha1Header },
  { name: 'Filetriggername', tag: Tag.FileTriggerName, array: true },
  { name: 'Transfiletriggername', tag: Tag.TransFileTriggerName, array: true },
  { name: 'Recommendname', tag: Tag.RecommendName, array: true },
  { name: 'Suggestname', tag: Tag.SuggestName, array: true },
  { name: 'Supplementname', tag: Tag.SupplementName, array: true },
  { name: 'Enhancename', tag: Tag.EnhanceName, array: true },
];

const installOnly =
  Sense.preTrans | Sense.postTrans | Sense.scriptPre | Sense.scriptPost | Sense.rpmlib | Sense.keyring;
const eraseTime = Sense.scriptPreUn | Sense.scriptPostUn | Sense.preUnTrans | Sense.postUnTrans;

/** Dependency tables where rich dependencies are also entered by their operands. */
const richTags = new Set<number>([
  Tag.RequireName,
  Tag.ConflictName,
  Tag.RecommendName,
  Tag.SuggestName,
  Tag.SupplementName,
  Tag.EnhanceName,
]);

/**
 * Operands of a rich dependency as index keys: sorted, once each. The condition of `if` and `unless` stands with a `!`;
 * with `else` it stands both ways.
 */
export function richKeys(text: string): string[] {
  const keys: string[] = [];
  const walk = (node: RichDependency, negative: boolean, nested: boolean): void => {
    if (!isRich(node)) {
      if (nested && node.name !== '' && !node.name.startsWith('rpmlib(')) keys.push((negative ? '!' : ' ') + node.name);
      return;
    }
    walk(node.left, negative, true);
    if (node.op !== 'if' && node.op !== 'unless') {
      walk(node.right, negative, true);
      return;
    }
    const before = keys.length;
    walk(node.right, !negative, true);
    if (node.otherwise === undefined) return;
    for (const key of keys.slice(before)) keys.push((key.startsWith('!') ? ' ' : '!') + key.slice(1));
    walk(node.otherwise, negative, true);
  };
  walk(parseRichDependency(text), false, false);
  const sorted = keys
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    .map((key) => (key.startsWith(' ') ? key.slice(1) : key));
  return sorted.filter((key, i) => key !== '' && key !== sorted[i - 1]);
}

export interface IndexKey {
  readonly key: Uint8Array;
  readonly idx: number;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);

/** The rows `header` puts into `table`. */
export function indexKeys(table: IndexTable, header: Header): IndexKey[] {
  if (table.tag === Tag.Group && !header.has(Tag.Group)) return [{ key: bytes('Unknown'), idx: 0 }];
  if (!header.has(table.tag)) return [];
  if (table.tag === Tag.InstallTid) {
    const key = Buffer.alloc(4);
    key.writeUInt32LE(header.getNumber(table.tag) ?? 0);
    return [{ key, idx: 0 }];
  }
  if (table.binary) return [{ key: header.getBinary(table.tag)!, idx: 0 }];
  const strings = header.rawStrings(table.tag)!;
  if (!table.array) return strings.slice(0, 1).map((key) => ({ key, idx: 0 }));
  const flags = table.tag === Tag.RequireName ? header.getNumbers(Tag.RequireFlags) : [];
  const triggerIndexes =
    table.tag === Tag.FileTriggerName
      ? header.getNumbers(Tag.FileTriggerIndex)
      : table.tag === Tag.TransFileTriggerName
        ? header.getNumbers(Tag.TransFileTriggerIndex)
        : undefined;
  const out: IndexKey[] = [];
  strings.forEach((key, i) => {
    const flag = flags[i] ?? 0;
    if (flag & installOnly && !(flag & eraseTime)) return;
    // A package that waits for another in several triggers is found once.
    if (table.tag === Tag.TriggerName && strings.slice(0, i).some((before) => bytesEqual(before, key))) return;
    const idx = triggerIndexes === undefined ? i : (triggerIndexes[i] ?? 0);
    if (key.length > 0) out.push({ key, idx });
    if (key[0] === 0x28 && richTags.has(table.tag)) {
      try {
        for (const operand of richKeys(Buffer.from(key).toString())) out.push({ key: bytes(operand), idx });
      } catch {
        // A malformed rich dependency is only indexed whole, as rpm does.
      }
    }
  });
  return out;
}
