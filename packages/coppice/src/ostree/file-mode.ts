const typeMask = 0o170000;

export function isRegular(mode: number): boolean {
  return (mode & typeMask) === 0o100000;
}
export function isSymlink(mode: number): boolean {
  return (mode & typeMask) === 0o120000;
}

/** Permission and special bits as four octal digits. */
export function octalMode(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}
