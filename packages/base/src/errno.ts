import { CoppiceError, type ErrorCode, isCoppiceError, messageOf } from './error.ts';

// glibc's strerror texts; GLib tools print these, so scripts match on them.
const texts: Readonly<Record<string, string>> = {
  E2BIG: 'Argument list too long',
  EACCES: 'Permission denied',
  EAGAIN: 'Resource temporarily unavailable',
  EBADF: 'Bad file descriptor',
  EBUSY: 'Device or resource busy',
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  EDQUOT: 'Disk quota exceeded',
  EEXIST: 'File exists',
  EFBIG: 'File too large',
  EINTR: 'Interrupted system call',
  EINVAL: 'Invalid argument',
  EIO: 'Input/output error',
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  EMFILE: 'Too many open files',
  EMLINK: 'Too many links',
  ENAMETOOLONG: 'File name too long',
  ENFILE: 'Too many open files in system',
  ENODATA: 'No data available',
  ENODEV: 'No such device',
  ENOENT: 'No such file or directory',
  ENOEXEC: 'Exec format error',
  ENOMEM: 'Cannot allocate memory',
  ENOSPC: 'No space left on device',
  ENOSYS: 'Function not implemented',
  EFAULT: 'Bad address',
  ENOTDIR: 'Not a directory',
  ENOTEMPTY: 'Directory not empty',
  ENOTSUP: 'Operation not supported',
  EOPNOTSUPP: 'Operation not supported',
  ENOTTY: 'Inappropriate ioctl for device',
  ENXIO: 'No such device or address',
  EPERM: 'Operation not permitted',
  EPIPE: 'Broken pipe',
  ERANGE: 'Numerical result out of range',
  EROFS: 'Read-only file system',
  ESPIPE: 'Illegal seek',
  ESRCH: 'No such process',
  ETIMEDOUT: 'Connection timed out',
  ETXTBSY: 'Text file busy',
  EXDEV: 'Invalid cross-device link',
};

const codes: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'NotFound',
  EEXIST: 'Exists',
  EACCES: 'Permission',
  EPERM: 'Permission',
  EROFS: 'Permission',
  ENOSPC: 'NoSpace',
  EDQUOT: 'NoSpace',
  EAGAIN: 'Busy',
  ECONNREFUSED: 'Network',
  ECONNRESET: 'Network',
  ETIMEDOUT: 'Network',
};

/** glibc's text for an errno name such as `ENOENT`; the name itself when unknown. */
export function strerror(errno: string): string {
  return texts[errno] ?? errno;
}

/**
 * Turns what a Node system call threw into ours, with GLib's wording `context: strerror`, e.g.
 * `openat(config): No such file or directory`. Errors that are already ours pass through prefixed.
 */
export function errnoError(error: unknown, context: string): CoppiceError {
  if (isCoppiceError(error)) return new CoppiceError(error.code, `${context}: ${error.message}`, { cause: error });
  const errno = (error as { code?: unknown } | null)?.code;
  if (typeof errno === 'string' && /^E[A-Z0-9]+$/.test(errno)) {
    return new CoppiceError(codes[errno] ?? 'Io', `${context}: ${strerror(errno)}`, { cause: error, data: { errno } });
  }
  return new CoppiceError('Bug', `${context}: ${messageOf(error)}`, { cause: error });
}
