import { byteLength, type Fields, type Int, list, maybeInt, maybeText, text } from '../value.ts';
import { pathFinding } from './paths.ts';
import type { Rule, ScalarRule } from './rules.ts';

export const disk: Rule = (value, path, { report, edition }) => {
  const device = text(value, 'device');
  if (device === '') {
    report.error([...path, 'device'], 'disk-device-required');
    return;
  }
  report.errorIf([...path, 'device'], pathFinding(device));
  const partitions = list(value, 'partitions');
  const at = [...path, 'partitions'];
  const numbers = collidingNumber(partitions);
  if (numbers !== undefined) report.error([...at, numbers], 'partition-numbers-collide');
  const overlap = overlapping(partitions);
  if (overlap !== undefined) report.error([...at, overlap], 'partitions-overlap');
  if (
    edition === '2.26' &&
    partitions.some((p) => p['shouldExist'] === false) &&
    partitions.some((p) => (maybeInt(p, 'number') ?? 0) === 0)
  )
    report.error(at, 'partition-zero-nonexistent');
  const labels = collidingLabel(partitions);
  if (labels !== undefined) report.error([...at, labels], 'partition-labels-collide');
};

/** Index of the second partition of a number used twice. */
function collidingNumber(partitions: readonly Fields[]): number | undefined {
  const seen = new Map<string, number[]>();
  partitions.forEach((partition, i) => {
    const number = maybeInt(partition, 'number') ?? 0;
    if (number !== 0) {
      const places = seen.get(String(number));
      if (places === undefined) seen.set(String(number), [i]);
      else places.push(i);
    }
  });
  for (const indexes of seen.values()) if (indexes.length > 1) return indexes[1];
  return undefined;
}

function collidingLabel(partitions: readonly Fields[]): number | undefined {
  const seen = new Set<string>();
  for (const [i, partition] of partitions.entries()) {
    const label = maybeText(partition, 'label');
    if (label === undefined) continue;
    if (seen.has(label)) return i;
    seen.add(label);
  }
  return undefined;
}

/** First and last MiB. */
interface Extent {
  readonly start: bigint;
  readonly end: bigint;
}

/** Extent of a partition with both bounds given. */
function extent(partition: Fields): Extent | undefined {
  const start = maybeInt(partition, 'startMiB');
  const size = maybeInt(partition, 'sizeMiB');
  if (start === undefined || size === undefined || start === 0) return undefined;
  const from = BigInt(start);
  return { start: from, end: size === 0 ? from : BigInt.asIntN(64, from + BigInt(size) - 1n) };
}

/** Index of a partition that an explicitly placed one overlaps: for the first that overlaps any, the first that it overlaps. */
function overlapping(partitions: readonly Fields[]): number | undefined {
  const placed = partitions.flatMap((partition, index) => {
    const found = extent(partition);
    return found === undefined ? [] : [{ ...found, index }];
  });
  const upright = placed.every((p) => p.end >= p.start);
  const suspects = upright ? meeting(placed) : placed;
  for (const p of suspects)
    for (const o of placed) {
      if (o === p) continue;
      if (p.start >= o.start && p.start <= o.end) return o.index;
      if (p.end >= o.start && p.end <= o.end) return o.index;
      if (p.start < o.start && p.end > o.end) return o.index;
    }
  return undefined;
}

/** The first of the extents that meets any other, if one does. */
function meeting<T extends Extent>(placed: readonly T[]): readonly T[] {
  const byStart = [...placed].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const found = new Set<T>();
  let reach: bigint | undefined;
  for (const [i, p] of byStart.entries()) {
    const next = byStart[i + 1];
    if ((reach !== undefined && reach >= p.start) || (next !== undefined && next.start <= p.end)) found.add(p);
    if (reach === undefined || p.end > reach) reach = p.end;
  }
  const first = placed.find((p) => found.has(p));
  return first === undefined ? [] : [first];
}

const guidPattern = /^(|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})$/;

export const partition: Rule = (value, path, { report }) => {
  const label = maybeText(value, 'label');
  const number: Int = maybeInt(value, 'number') ?? 0;
  if (
    value['shouldExist'] === false &&
    (text(value, 'label') !== '' ||
      text(value, 'typeGuid') !== '' ||
      text(value, 'guid') !== '' ||
      maybeInt(value, 'startMiB') !== undefined ||
      maybeInt(value, 'sizeMiB') !== undefined)
  )
    report.error(path, 'partition-nonexistent-others');
  if (number === 0 && label === undefined) report.error(path, 'partition-number-or-label');
  if (label !== undefined) {
    if (byteLength(label) > 36) report.error([...path, 'label'], 'partition-label-long');
    else if (label.includes(':')) report.error([...path, 'label'], 'partition-label-colon');
  }
  for (const name of ['guid', 'typeGuid']) {
    const guid = maybeText(value, name);
    if (guid !== undefined && !guidPattern.test(guid)) report.error([...path, name], 'guid');
  }
};

const linear = new Set(['linear', 'raid0', '0', 'stripe']);
const redundant = new Set(['raid1', '1', 'mirror', 'raid4', '4', 'raid5', '5', 'raid6', '6', 'raid10', '10']);

export const raid: Rule = (value, path, { minor, report }) => {
  const level = text(value, 'level');
  const at = [...path, 'level'];
  if (linear.has(level)) {
    if ((maybeInt(value, 'spares') ?? 0) !== 0) report.error(at, 'raid-spares');
  } else if (level === '' && minor >= 3) report.error(at, 'raid-level-required');
  else if (!redundant.has(level)) report.error(at, 'raid-level-unknown');
  const devices = value['devices'];
  if (!Array.isArray(devices) || devices.length === 0) report.error([...path, 'devices'], 'raid-devices-required');
};

/** An item of `raid.devices`. */
export const device: ScalarRule = (value, path, { report }) => {
  report.errorIf(path, pathFinding(String(value)));
};
