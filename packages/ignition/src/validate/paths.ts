import { cleanPath } from '../go-path.ts';
import { type Finding, finding } from '../report.ts';

/** What is wrong with an absolute path, if anything. */
export function pathFinding(path: string): Finding | undefined {
  if (path === '') return finding('path-missing');
  if (!path.startsWith('/')) return finding('path-relative');
  if (cleanPath(path) !== path) return finding('path-dirty');
  return undefined;
}

/** As `pathFinding`, but nil and empty are fine. */
export function optionalPathFinding(path: string | undefined): Finding | undefined {
  return path === undefined || path === '' ? undefined : pathFinding(path);
}
