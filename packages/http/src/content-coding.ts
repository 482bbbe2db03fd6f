import type { CoppiceError } from '@coppice/base';
import { curlError } from './failure.ts';

/** What libcurl asks for when it may have any coding it knows. */
export const acceptedCodings = 'deflate, gzip, br, zstd';

/** A server could have a body unpacked again and again. */
const mostCodings = 5;
const zlib = (): typeof import('node:zlib') => process.getBuiltinModule('node:zlib');

type Undo = (bytes: Uint8Array, limit: { readonly maxOutputLength: number }) => Buffer;

/** Some servers send the bare stream where RFC 9110 wants it in zlib's format. */
const inflate: Undo = (bytes, limit) => {
  const header = bytes.length >= 2 ? (bytes[0]! << 8) | bytes[1]! : 0;
  const wrapped = (header & 0x0f00) === 0x0800 && header % 31 === 0;
  return wrapped ? zlib().inflateSync(bytes, limit) : zlib().inflateRawSync(bytes, limit);
};

const undo: Readonly<Record<string, Undo>> = {
  gzip: (bytes, limit) => zlib().gunzipSync(bytes, limit),
  'x-gzip': (bytes, limit) => zlib().gunzipSync(bytes, limit),
  deflate: inflate,
  br: (bytes, limit) => zlib().brotliDecompressSync(bytes, limit),
  zstd: (bytes, limit) => zlib().zstdDecompressSync(bytes, limit),
};

/** Something that is gzip at first and then no more, or that ends too soon. */
function endsBadly(bytes: Uint8Array, error: unknown): boolean {
  const { code, message } = error as { code?: string; message: string };
  return code === 'Z_BUF_ERROR' || (bytes[0] === 0x1f && bytes[1] === 0x8b && message === 'incorrect header check');
}

/**
 * Undoes the codings of a `Content-Encoding` field. Throws `Limit` when that gives more than `limit` bytes at any step, with
 * `tooLarge`'s error, and `Network` with libcurl's number for codings that are unknown and bytes that are not in them.
 */
export function undoCodings(
  bytes: Uint8Array,
  field: string,
  limit: number,
  tooLarge: (cause: unknown) => CoppiceError,
): Uint8Array {
  const codings = field
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity' && coding !== 'none');
  if (codings.length > mostCodings) throw curlError(61);
  let out = bytes;
  for (const coding of codings.reverse()) {
    const step = Object.hasOwn(undo, coding) ? undo[coding]! : undefined;
    if (step === undefined) throw curlError(61);
    // A file without a byte is sent as nothing at all.
    if (out.length === 0) continue;
    try {
      out = step(out, { maxOutputLength: limit });
    } catch (error) {
      if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(error);
      throw curlError(endsBadly(out, error) ? 23 : 61, error);
    }
  }
  return out;
}
