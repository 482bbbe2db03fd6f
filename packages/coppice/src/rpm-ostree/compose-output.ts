// Files that the compose verbs write beside their result. Whether they can be written is asked before the work is done.
import { statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import type { VerbCall } from './verb.ts';

/** The path that an option names; undefined without it. Throws `NotFound`, `Invalid` for one that no file can have. */
export function outputPath(call: VerbCall, option: string): string | undefined {
  const given = call.options.string(option);
  if (given === undefined) return undefined;
  const path = resolve(call.context.cwd, given);
  const fail = (why: string): never => {
    throw new CoppiceError('NotFound', `--${option}: can't write ${path}: ${why}`);
  };
  if (given === '' || given.endsWith('/')) fail('Is a directory');
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) fail('Is a directory');
  if (statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() !== true) fail('No such file or directory');
  return path;
}

/** Makes an empty file, or gives the one that is there the time of now. */
export function touch(path: string): void {
  writeFileSync(path, '', { flag: 'a' });
  const now = new Date();
  utimesSync(path, now, now);
}

/** Throws unless there is a directory at the path that an option names, or nothing if `missing` allows that. */
export function checkDirectory(call: VerbCall, option: string, missing = false): void {
  const given = call.options.string(option);
  if (given === undefined) return;
  const stat = statSync(resolve(call.context.cwd, given), { throwIfNoEntry: false });
  if (stat === undefined ? missing : stat.isDirectory()) return;
  const why = stat === undefined ? 'No such file or directory' : 'Not a directory';
  throw new CoppiceError('NotFound', `--${option}: ${given}: ${why}`);
}
