import { strerror } from '@coppice/base';

/** Go's text for a failed system call on a path: `open x: no such file or directory`. */
export function goPathError(operation: string, path: string, error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  const failed = (error as { syscall?: unknown } | null)?.syscall;
  const reason = typeof code === 'string' ? strerror(code) : String(error);
  const verb = failed === 'read' ? 'read' : operation;
  return `${verb} ${path}: ${reason.charAt(0).toLowerCase()}${reason.slice(1)}`;
}
