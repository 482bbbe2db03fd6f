// @coppice/base: what every package shares. Browser-safe: no Node import here or below.
// The file-system interface lives in the subpath '@coppice/base/fs'.

export { bytesEqual, compareBytes, concatBytes, fromHex, toHex } from './bytes.ts';
export type { Clock } from './clock.ts';
// Injected surroundings.
export { systemClock } from './clock.ts';

// Bytes.
export { ByteReader } from './cursor.ts';
export { errnoError, strerror } from './errno.ts';
export type { ErrorCode, ErrorKind } from './error.ts';
// Errors: one root, a closed set of codes.
export { CoppiceError, errorKinds, isCoppiceError, messageOf, prefixError } from './error.ts';
export type { Logger } from './logger.ts';
export { silentLogger } from './logger.ts';
// Names that come from outside.
export { checkPathComponent, checkRelativePath } from './names.ts';
export type { Progress, ProgressEvent } from './progress.ts';
export { silentProgress } from './progress.ts';
