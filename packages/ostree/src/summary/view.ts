import { byteswap, Variant } from '@coppice/gvariant';
import {
  bigEndian64,
  decodeSummary,
  refListType,
  refsOfValue,
  type SummaryRef,
  summaryKeys,
  summaryType,
} from './summary-file.ts';

const labels: Readonly<Record<string, string>> = {
  [summaryKeys.mode]: 'Repository Mode',
  [summaryKeys.lastModified]: 'Last-Modified',
  [summaryKeys.tombstones]: 'Has Tombstone Commits',
  [summaryKeys.staticDeltas]: 'Static Deltas',
  [summaryKeys.collectionId]: 'Collection ID',
  [summaryKeys.collectionMap]: 'Collection Map',
  [summaryKeys.expires]: 'Expires',
};

/** ISO 8601 in local time with a zone suffix, whose minutes are left out when 0: `2023-11-14T22:13:20+00`. */
export function isoTime(seconds: bigint): string {
  const t = new Date(Number(seconds) * 1000);
  if (Number.isNaN(t.getTime())) return '(invalid)';
  const two = (n: number): string => String(Math.abs(n)).padStart(2, '0');
  const offset = -t.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.trunc(offset / 60))}${offset % 60 === 0 ? '' : `:${two(offset % 60)}`}`;
  const date = `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}`;
  return `${date}T${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}${zone}`;
}

function refLines(ref: SummaryRef, collection: string | undefined): string {
  const name = collection === undefined ? ref.ref : `(${collection}, ${ref.ref})`;
  let out = `* ${name}\n    Latest Commit (${formatBytes(ref.commitSize)}):\n      ${ref.checksum}\n`;
  for (const [key, value] of ref.metadata) {
    if (key === 'ostree.commit.timestamp' && value.type === 't')
      out += `    Timestamp (${key}): ${isoTime(bigEndian64(value.value as bigint))}\n`;
    else if (key === 'ostree.commit.version' && value.type === 's')
      out += `    Version (${key}): ${value.value as string}\n`;
    else out += `    ${key}: ${value.toString(false)}\n`;
  }
  return out;
}

function formatBytes(size: bigint): string {
  const n = Number(size);
  if (n < 1000) return n === 1 ? '1 byte' : `${n} bytes`;
  let value = n;
  let unit = -1;
  while (value >= 1000 && unit < 5) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(1)}\u00a0${['kB', 'MB', 'GB', 'TB', 'PB', 'EB'][unit]}`;
}

function metadataLine(key: string, value: Variant): string {
  const label = labels[key];
  const text = (() => {
    if ((key === summaryKeys.lastModified || key === summaryKeys.expires) && value.type === 't')
      return isoTime(bigEndian64(value.value as bigint));
    if (key === summaryKeys.tombstones && value.type === 'b') return value.value === true ? 'Yes' : 'No';
    if (key === summaryKeys.collectionMap) return '(printed above)';
    if (label !== undefined && value.type === 's') return value.value as string;
    return value.toString(false);
  })();
  return label === undefined ? `${key}: ${text}\n` : `${label} (${key}): ${text}\n`;
}

/** The text of `ostree summary --view`. */
export function viewSummary(bytes: Uint8Array): string {
  const summary = decodeSummary(bytes);
  const own = summary.metadata.lookupString(summaryKeys.collectionId);
  let out = summary.refs.map((ref) => `${refLines(ref, own)}\n`).join('');
  const map = summary.metadata.lookup(summaryKeys.collectionMap, `a{s${refListType}}`);
  for (const [collection, refs] of (map ?? []) as unknown as [string, never][])
    for (const ref of refsOfValue(refs)) out += `${refLines(ref, collection)}\n`;
  for (const [key, value] of summary.metadata) out += metadataLine(key, value);
  return out;
}

/** The text of `--raw`: the whole value byte-swapped, as GVariant text. */
export function rawSummary(bytes: Uint8Array): string {
  return byteswap(Variant.decode(summaryType, bytes)).toString(true);
}
