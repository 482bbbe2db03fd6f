// @coppice/linux: the machine below. The default FileSystem and the few file operations everyone needs done safely.
// koffi is loaded on the first call that needs it; plain reading and writing never does.

export { readFile, replaceFile } from './atomic.ts';
export { setEngineFlags } from './engine-flags.ts';
export { hostFs } from './host-fs.ts';
export { endProcess, loadKoffi } from './libc.ts';
export type { XzDecoder } from './liblzma.ts';
export { lzmaStreamMembers, newLzmaStream, systemXzDecoder } from './liblzma.ts';
export type { NativeDigest, PieceDigest } from './native-digest.ts';
export { hashBytes, hasNativeDigest, nativeDigest, pieceDigest } from './native-digest.ts';
export { NativeGzip } from './native-gzip.ts';
export { readBeside } from './read-beside.ts';
export { type ChunkOptions, chunksOf, readFileChunks } from './read-file-chunks.ts';
export { removeTree } from './remove-tree.ts';
export {
  hasSha256Instructions,
  padSha256,
  Sha256Lanes,
  sha256Block,
  sha256Lanes,
  sha256Padding,
} from './sha256-lanes.ts';
export type { NamedBytes } from './staged-files.ts';
export { StagedFiles } from './staged-files.ts';
