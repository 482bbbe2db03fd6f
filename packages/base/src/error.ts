/**
 * The closed set of error codes and the class of fault each one stands for: `input` (what the caller
 * or a file or a server gave us is wrong), `environment` (the machine or the network failed us) or
 * `bug` (Coppice itself is wrong). Commands map the class to an exit code; nothing matches on messages.
 */
export const errorKinds = {
  /** Wrong command line or call arguments. */
  Usage: 'input',
  /** Malformed text, bytes or values. */
  Invalid: 'input',
  /** Content that does not match its checksum, length or signature-covered bytes. */
  Corrupt: 'input',
  /** A signature that is missing, bad, expired or made by an unknown key. */
  Signature: 'input',
  /** The named thing does not exist. */
  NotFound: 'input',
  /** The named thing exists already, or two things claim one place. */
  Exists: 'input',
  /** Requests that contradict each other or cannot be satisfied together. */
  Conflict: 'input',
  /** Well-formed, but this program or this mode does not do it. */
  Unsupported: 'input',
  /** Larger, deeper or longer than the stated bound. */
  Limit: 'input',
  Permission: 'environment',
  NoSpace: 'environment',
  /** A lock or resource is held by someone else. */
  Busy: 'environment',
  Network: 'environment',
  /** Any other failing system call. */
  Io: 'environment',
  /** A program we started failed. */
  Process: 'environment',
  /** The caller or the user cancelled. */
  Cancelled: 'environment',
  Bug: 'bug',
} as const;

export type ErrorCode = keyof typeof errorKinds;
export type ErrorKind = (typeof errorKinds)[ErrorCode];

/** The one error root. `data` holds JSON-serialisable facts (paths, checksums, limits) for programs. */
export class CoppiceError extends Error {
  readonly code: ErrorCode;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; data?: Record<string, unknown> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CoppiceError';
    this.code = code;
    this.data = options.data ?? {};
  }

  get kind(): ErrorKind {
    return errorKinds[this.code];
  }

  toJSON(): { code: ErrorCode; kind: ErrorKind; message: string; data: Readonly<Record<string, unknown>> } {
    return { code: this.code, kind: this.kind, message: this.message, data: this.data };
  }
}

export function isCoppiceError(value: unknown, code?: ErrorCode): value is CoppiceError {
  return value instanceof CoppiceError && (code === undefined || value.code === code);
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The same error with `context: ` before its message, as GLib's `g_prefix_error` does. Anything that is not ours becomes `Bug`. */
export function prefixError(error: unknown, context: string): CoppiceError {
  const message = `${context}: ${messageOf(error)}`;
  if (error instanceof CoppiceError)
    return new CoppiceError(error.code, message, { cause: error, data: { ...error.data } });
  return new CoppiceError('Bug', message, { cause: error });
}
