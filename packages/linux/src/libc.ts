// The system calls that Node lacks, through koffi on the C library the process already has. Loaded on first use.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Made when needed: few commands get here, and Node's modules for it take a millisecond to load.
const makeRequire = (): NodeJS.Require => createRequire(import.meta.url);

type Argument = number | bigint | string | Uint8Array | null;
type Call = (...args: Argument[]) => number;
/** Can be made on another thread too, which tells when it is through. */
type LongCall = Call & { async(argument: Argument, done: () => void): void };

export interface Libc {
  readonly lgetxattr: Call;
  readonly llistxattr: Call;
  readonly flistxattr: Call;
  readonly lsetxattr: Call;
  readonly lremovexattr: Call;
  readonly fsetxattr: Call;
  readonly syncfs: LongCall;
  readonly renameat2: Call;
  readonly ioctl: Call;
  /** ioctl with an integer argument. */
  readonly ioctlInt: Call;
  readonly fcntl: Call;
  readonly mknod: Call;
  readonly errno: () => number;
}

let loaded: Libc | undefined;

// Keyed by our name; the C name is in the prototype.
const prototypes = {
  lgetxattr: 'long lgetxattr(const char *path, const char *name, _Out_ uint8_t *value, size_t size)',
  llistxattr: 'long llistxattr(const char *path, _Out_ uint8_t *list, size_t size)',
  flistxattr: 'long flistxattr(int fd, _Out_ uint8_t *list, size_t size)',
  lsetxattr: 'int lsetxattr(const char *path, const char *name, const uint8_t *value, size_t size, int flags)',
  lremovexattr: 'int lremovexattr(const char *path, const char *name)',
  fsetxattr: 'int fsetxattr(int fd, const char *name, const uint8_t *value, size_t size, int flags)',
  syncfs: 'int syncfs(int fd)',
  renameat2: 'int renameat2(int olddir, const char *oldpath, int newdir, const char *newpath, unsigned int flags)',
  // Variadic in C; on the ABIs of Linux a pointer third argument is passed alike.
  ioctl: 'int ioctl(int fd, unsigned long request, _Inout_ uint8_t *argument)',
  ioctlInt: 'int ioctl(int fd, unsigned long request, long argument)',
  fcntl: 'int fcntl(int fd, int command, _Inout_ uint8_t *argument)',
  mknod: 'int mknod(const char *path, unsigned int mode, uint64_t dev)',
} as const;

interface Koffi {
  load(name: string | null): { func(prototype: string): Call };
  errno(): number;
}

/** Where koffi's native part lies, as packages are found; asking `require.resolve` takes longer than loading it. */
function nativePart(): string {
  const { arch } = process;
  const name = `@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`;
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name);
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) return join(dirname(makeRequire().resolve('koffi')), '..', name);
  }
}

/** koffi's native part alone takes a tenth of the time that its JavaScript does around it, which adds nothing used here. */
export function loadKoffi(): Koffi {
  koffi ??= findKoffi();
  return koffi;
}

let koffi: Koffi | undefined;

function findKoffi(): Koffi {
  const native = { exports: {} as Partial<Koffi> };
  try {
    process.dlopen(native, nativePart());
  } catch {
    // Another C library, or laid out otherwise: it knows where it lies.
  }
  return typeof native.exports.load === 'function' ? (native.exports as Koffi) : (makeRequire()('koffi') as Koffi);
}

/** The C library's calls; throws ENOSYS-like errors on systems without them (anything but Linux). */
export function libc(): Libc {
  if (loaded !== undefined) return loaded;
  if (process.platform !== 'linux') throw systemError('ENOSYS', 'libc');
  const { errno } = loadKoffi();
  loaded = Object.assign(nativeCalls<Libc>(prototypes), { errno });
  return loaded;
}

/** Functions that the process has, by our name for each; described to koffi when first called: most commands use few of them. */
export function nativeCalls<T>(prototypes: Readonly<Record<string, string>>): T {
  const library = loadKoffi().load(null);
  const calls = {};
  for (const [name, prototype] of Object.entries(prototypes)) {
    Object.defineProperty(calls, name, {
      configurable: true,
      get() {
        const value = library.func(prototype);
        Object.defineProperty(calls, name, { value });
        return value;
      },
    });
  }
  return calls as T;
}

/** Whether Node has made a standard stream non-blocking, which those who share it would notice if it were left so. */
function hasChangedStreams(): boolean {
  const nonBlocking = 0o4000;
  try {
    return [0, 1, 2].some((fd) => {
      const path = `/proc/self/fdinfo/${fd}`;
      const flags = existsSync(path) ? /^flags:\s*([0-7]+)$/m.exec(readFileSync(path, 'latin1'))?.[1] : '0';
      return flags === undefined || (Number.parseInt(flags, 8) & nonBlocking) !== 0;
    });
  } catch {
    return true;
  }
}

/**
 * Ends the process with status 0. Where the C library was called before and the standard streams are as they were, nothing of
 * Node's own end happens: what it writes later is lost.
 */
export function endProcess(): never {
  if (koffi !== undefined && existsSync('/proc/self/fdinfo') && !hasChangedStreams())
    nativeCalls<{ readonly end: Call }>({ end: 'void _exit(int status)' }).end(0);
  process.exit(0);
}

let names: Map<number, string> | undefined;

function errnoNames(): Map<number, string> {
  const { errno } = constants;
  const out = new Map<number, string>();
  for (const [name, number] of Object.entries(errno)) if (!out.has(number)) out.set(number, name);
  // EWOULDBLOCK and EOPNOTSUPP share their number with EAGAIN and ENOTSUP; glibc speaks of the latter.
  return out.set(errno.EAGAIN, 'EAGAIN');
}

/** An error shaped like Node's own system errors. */
export function systemError(code: string, syscall: string, path?: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`${code}: ${syscall}${path === undefined ? '' : ` '${path}'`}`);
  error.code = code;
  error.syscall = syscall;
  if (path !== undefined) error.path = path;
  return error;
}

/** The errno name of the call that just failed. */
export function lastErrno(): string {
  const number = libc().errno();
  names ??= errnoNames();
  return names.get(number) ?? `E${number}`;
}
