import {
  decodeDataUrl,
  encodeBase64,
  type Fields,
  gunzip,
  isFields,
  maybeText,
  type Path,
  type Value,
} from '@coppice/ignition';

/**
 * Where two Ignition configs of one version first say something different, undefined when nowhere. Data URLs are the same
 * when their contents are, however they are written or compressed; an empty field is the same as none.
 */
export function firstDifference(a: Value, b: Value, path: Path = []): Path | undefined {
  if (isEmpty(a) && isEmpty(b)) return undefined;
  if (Array.isArray(a) || Array.isArray(b)) {
    const left = (a ?? []) as readonly Value[];
    const right = (b ?? []) as readonly Value[];
    for (let i = 0; i < Math.max(left.length, right.length); i++) {
      const found = firstDifference(left[i], right[i], [...path, i]);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (!(isFields(a) || a === undefined) || !(isFields(b) || b === undefined)) return a === b ? undefined : path;
  const left = canonical(a ?? {});
  const right = canonical(b ?? {});
  for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const found = firstDifference(left[name], right[name], [...path, name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isEmpty(value: Value): boolean {
  if (value === undefined || value === '' || value === 0) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isFields(value) && Object.values(value).every(isEmpty);
}

/** A struct with its data URL, if it has one, in one form. */
function canonical(value: Fields): Fields {
  const source = maybeText(value, 'source');
  if (source?.startsWith('data:') !== true) return value;
  const bytes = decodeDataUrl(source);
  if (typeof bytes === 'string') return value;
  const packed = maybeText(value, 'compression') === 'gzip';
  const plain = packed ? gunzip(bytes) : bytes;
  return plain === undefined
    ? value
    : { ...value, source: `data:;base64,${encodeBase64(plain)}`, compression: undefined };
}
