// @coppice/archive: cpio, tar and compression as synchronous byte streams with bounded memory.

export { Crc64, crc32 } from './checksums.ts';
export type { Chunks } from './chunks.ts';
// Byte streams.
export { ChunkReader, collectBytes } from './chunks.ts';
export type { Compression, CompressOptions, DecompressOptions } from './compression.ts';
// Compression by name and by magic.
export {
  compress,
  compressBytes,
  compressionOfName,
  compressionSuffix,
  decompress,
  decompressBytes,
  detectCompression,
} from './compression.ts';
export type { CpioEntry, CpioFields, CpioMember, CpioReadOptions } from './cpio.ts';
// cpio: newc and rpm's stripped form.
export { readCpio, writeCpio } from './cpio.ts';
export type { TarEntry, TarHeader, TarType, TarXattr } from './tar-entry.ts';
// tar: v7, ustar, GNU, PAX.
export { readTar, type TarReadOptions } from './tar-reader.ts';
export type { TarMember, TarWriteOptions } from './tar-writer.ts';
export { writeTar } from './tar-writer.ts';
export { decodeText, encodeText } from './text.ts';
export { deflateRawChunks, inflateRawChunks } from './zlib-stream.ts';
