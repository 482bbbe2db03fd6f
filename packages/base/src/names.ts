import { CoppiceError } from './error.ts';

/** Throws `Invalid` unless `name` is one plain path component: not empty, `.` or `..`, no `/`, no NUL. `what` names its source. */
export function checkPathComponent(name: string, what: string): string {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
    throw new CoppiceError('Invalid', `${what}: unsafe name ${JSON.stringify(name)}`);
  }
  return name;
}

/** Throws `Invalid` unless `path` is relative and stays below its start: every component passes `checkPathComponent`. */
export function checkRelativePath(path: string, what: string): string {
  for (const part of path.split('/')) {
    if (part === '' || part === '.' || part === '..' || part.includes('\0')) {
      throw new CoppiceError('Invalid', `${what}: unsafe path ${JSON.stringify(path)}`);
    }
  }
  return path;
}
