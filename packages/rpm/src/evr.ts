// Epoch-version-release: splitting and ordering (rpm's lib/rpmvercmp.c and rpmds.c define the results).

/** Parts of a version: `epoch` is `undefined` when the text has none (ordered as 0), `release` when there is no `-`. */
export interface Evr {
  readonly epoch: string | undefined;
  readonly version: string;
  readonly release: string | undefined;
}

const ZERO = 48;
const NINE = 57;

function isDigit(c: number): boolean {
  return c >= ZERO && c <= NINE;
}

function isAlpha(c: number): boolean {
  return (c >= 65 && c <= 90) || (c >= 97 && c <= 122);
}

/** Neither letter nor digit nor one of the two signs with a meaning of their own. */
function isSeparator(c: number): boolean {
  return !(isDigit(c) || isAlpha(c) || c === 126 || c === 94);
}

/**
 * Orders two version (or release) strings as rpm does: -1, 0 or 1. Runs of digits and of letters are compared pairwise,
 * `~` sorts before the end of the string, `^` after the end but before anything else.
 */
export function rpmvercmp(a: string, b: string): -1 | 0 | 1 {
  if (a === b) return 0;
  let i = 0;
  let j = 0;
  const alen = a.length;
  const blen = b.length;
  while (i < alen || j < blen) {
    while (i < alen && isSeparator(a.charCodeAt(i))) i++;
    while (j < blen && isSeparator(b.charCodeAt(j))) j++;
    const ca = i < alen ? a.charCodeAt(i) : 0;
    const cb = j < blen ? b.charCodeAt(j) : 0;
    if (ca === 126 || cb === 126) {
      if (ca !== 126) return 1;
      if (cb !== 126) return -1;
      i++;
      j++;
      continue;
    }
    if (ca === 94 || cb === 94) {
      if (ca === 0) return -1;
      if (cb === 0) return 1;
      if (ca !== 94) return 1;
      if (cb !== 94) return -1;
      i++;
      j++;
      continue;
    }
    if (ca === 0 || cb === 0) break;
    const digits = isDigit(ca);
    const inRun = digits ? isDigit : isAlpha;
    let iend = i;
    let jend = j;
    while (iend < alen && inRun(a.charCodeAt(iend))) iend++;
    while (jend < blen && inRun(b.charCodeAt(jend))) jend++;
    // Digits against letters: the digits are newer.
    if (jend === j) return digits ? 1 : -1;
    if (digits) {
      while (i < iend && a.charCodeAt(i) === ZERO) i++;
      while (j < jend && b.charCodeAt(j) === ZERO) j++;
      if (iend - i !== jend - j) return iend - i > jend - j ? 1 : -1;
    }
    while (i < iend && j < jend) {
      const d = a.charCodeAt(i) - b.charCodeAt(j);
      if (d !== 0) return d > 0 ? 1 : -1;
      i++;
      j++;
    }
    if (iend - i !== jend - j) return iend - i > jend - j ? 1 : -1;
  }
  if (i >= alen && j >= blen) return 0;
  return i < alen ? 1 : -1;
}

/** Splits `[EPOCH:]VERSION[-RELEASE]`. The epoch is digits only; the release starts after the last `-`. Never throws. */
export function parseEvr(text: string): Evr {
  let start = 0;
  while (start < text.length && isDigit(text.charCodeAt(start))) start++;
  let epoch: string | undefined;
  let rest = text;
  if (text.charCodeAt(start) === 58) {
    epoch = text.slice(0, start) || '0';
    rest = text.slice(start + 1);
  }
  const dash = rest.lastIndexOf('-');
  return dash < 0
    ? { epoch, version: rest, release: undefined }
    : { epoch, version: rest.slice(0, dash), release: rest.slice(dash + 1) };
}

/** `[EPOCH:]VERSION[-RELEASE]`; an epoch of 0 is left out unless `always`. */
export function formatEvr(evr: Evr, options: { always?: boolean } = {}): string {
  const epoch = evr.epoch !== undefined && (options.always === true || Number(evr.epoch) !== 0) ? `${evr.epoch}:` : '';
  return `${epoch}${evr.version}${evr.release === undefined ? '' : `-${evr.release}`}`;
}

/**
 * Orders two EVRs: -1, 0 or 1. With `match`, a release that one side lacks matches any (dependency matching);
 * without it a missing release is the empty string, as when packages are sorted.
 */
export function compareEvr(a: Evr, b: Evr, match = false): -1 | 0 | 1 {
  const epochs = rpmvercmp(a.epoch ?? '0', b.epoch ?? '0');
  if (epochs !== 0) return epochs;
  const versions = rpmvercmp(a.version, b.version);
  if (versions !== 0) return versions;
  if (a.release === undefined || b.release === undefined) {
    if (match || a.release === b.release) return 0;
    return a.release === undefined ? -1 : 1;
  }
  return rpmvercmp(a.release, b.release);
}

/** `compareEvr` on text. */
export function compareEvrText(a: string, b: string, match = false): -1 | 0 | 1 {
  return a === b ? 0 : compareEvr(parseEvr(a), parseEvr(b), match);
}
