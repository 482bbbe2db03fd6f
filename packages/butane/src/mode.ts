import type { Int } from '@coppice/ignition';

/** Whether a mode looks as if its octal digits had been written without the leading zero. */
export function looksDecimal(mode: Int, directory: boolean): boolean {
  const octal = readAsOctal(mode);
  return octal !== undefined && !isTypical(Number(mode), directory) && isTypical(octal, directory);
}

function readAsOctal(mode: Int): number | undefined {
  if (mode < 0 || mode > 7777) return undefined;
  const digits = String(mode);
  return /[89]/.test(digits) ? undefined : Number.parseInt(digits, 8);
}

/** Modes that surprise nobody: who may less may not more, readable by someone, special bits only where they have a use. */
function isTypical(mode: number, directory: boolean): boolean {
  if (mode === 0) return true;
  let r = false;
  let w = false;
  let x = false;
  // From others to the owner: each has all that the one before has.
  for (const shift of [0, 3, 6]) {
    const bits = mode >> shift;
    const [canRead, canWrite, canRun] = [(bits & 4) !== 0, (bits & 2) !== 0, (bits & 1) !== 0];
    if ((!canRead && r) || (!canWrite && w) || (!canRun && x)) return false;
    if (canRun && r && !x) return false;
    if ((canWrite || canRun) && !canRead) return false;
    r ||= canRead;
    w ||= canWrite;
    x ||= canRun;
  }
  if (!r) return false;
  if (directory) return x && (mode & 0o4000) === 0 && ((mode & 0o3000) === 0 || w);
  if ((mode & 0o6000) !== 0 && (!x || (mode & 2) !== 0)) return false;
  return (mode & 0o1000) === 0;
}
