import { CoppiceError } from '@coppice/base';
import { ChunkReader, type Chunks } from './chunks.ts';
import { LzmaDecoder } from './lzma-decoder.ts';
import { Dictionary } from './lzma-dictionary.ts';

/** Largest dictionary accepted, in bytes. `xz -9` uses 64 MiB. */
export const dictionaryLimit = 256 * 1024 * 1024;

/** Decodes the `.lzma` ("alone") format: properties, dictionary size, length or end marker. Throws `Corrupt`, `Limit`. */
export function* unlzmaChunks(source: Chunks): Generator<Uint8Array> {
  const reader = new ChunkReader(source, 'lzma data');
  const head = Buffer.from(reader.take(13));
  const dictSize = head.readUInt32LE(1);
  if (dictSize > dictionaryLimit) throw new CoppiceError('Limit', `lzma data: dictionary of ${dictSize} bytes`);
  const length = head.readBigUInt64LE(5);
  const unknown = length === 0xffffffffffffffffn;
  if (!unknown && length > BigInt(Number.MAX_SAFE_INTEGER)) throw new CoppiceError('Corrupt', 'lzma data: bad length');
  const dict = new Dictionary(dictSize);
  const decoder = new LzmaDecoder(dict);
  decoder.setProperties(head[0]!);
  decoder.startStream(reader);
  let left = unknown ? Number.MAX_SAFE_INTEGER : Number(length);
  while (left > 0 && !decoder.ended) {
    dict.room();
    left -= decoder.decode(Math.min(left, dict.bytes.length - dict.position, 1 << 18));
    yield dict.flush();
  }
  if (decoder.ended && !unknown && left > 0) throw new CoppiceError('Corrupt', 'lzma data: end marker too early');
}
