import { encodeBase64, escapeData, escapedLength, gzipBest } from '@coppice/ignition';

export interface DataSource {
  readonly url: string;
  /** The compression to record; undefined when the user's stays. */
  readonly compression: string | undefined;
}

/** Bytes around the shortest gzip stream and the cost of naming it: content that is shorter in plain cannot gain. */
const gzipFloor = Math.ceil((10 + 5 + 8 + 2) / 3) * 4 + ';base64,'.length + 'gzip'.length;

/**
 * The shortest data URL for `contents`: percent-escaped, base64, or gzip in base64, the earlier one on a tie. A compression
 * that the user named means that the contents are compressed already.
 */
export function makeDataSource(
  contents: Uint8Array,
  userCompression: string | undefined,
  mayCompress: boolean,
): DataSource {
  const named = userCompression !== undefined && userCompression !== '';
  const escaped = 1 + escapedLength(contents);
  const based = ';base64,'.length + Math.ceil(contents.length / 3) * 4;
  const best = Math.min(escaped, based);
  if (!named && mayCompress && best > gzipFloor) {
    const packed = gzipBest(contents);
    const length = ';base64,'.length + Math.ceil(packed.length / 3) * 4;
    if (length + 'gzip'.length < best) return { url: `data:;base64,${encodeBase64(packed)}`, compression: 'gzip' };
  }
  const url = based < escaped ? `data:;base64,${encodeBase64(contents)}` : `data:,${escapeData(contents)}`;
  return { url, compression: named ? undefined : '' };
}
