import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { translateBytes } from '@coppice/butane';
import { entryLine, type Fields, failureText, parseConfig, specVersions, upgradeConfig } from '@coppice/ignition';
import { directoryFiles } from '../../butane/files.ts';
import type { Context } from '../../cli/context.ts';

/** Bytes of a file, or of standard input for `-`. */
export function readSource(context: Context, path: string): Uint8Array {
  try {
    return path === '-' ? readFileSync(0) : readFileSync(resolve(context.cwd, path));
  } catch (error) {
    throw errnoError(error, path);
  }
}

export function isIgnition(bytes: Uint8Array): boolean {
  return /^\s*\{/.test(new TextDecoder('latin1').decode(bytes.subarray(0, 64)));
}

/** The option of translating with local files, when there is a directory for them. */
export function filesOption(context: Context, dir: unknown): { files?: ReturnType<typeof directoryFiles> } {
  return typeof dir === 'string' ? { files: directoryFiles(dir, context.cwd) } : {};
}

/** Ignition text of a Butane or Ignition config. Throws `Invalid` with all its errors. */
export function ignitionText(context: Context, path: string, dir: unknown): string {
  const bytes = readSource(context, path);
  if (isIgnition(bytes)) return new TextDecoder().decode(bytes);
  const done = translateBytes(bytes, { raw: true, ...filesOption(context, dir) });
  const lines = done.entries.map(entryLine);
  if (done.output === undefined) throw new CoppiceError('Invalid', [`${path}: ${done.failure}`, ...lines].join('\n'));
  return done.output;
}

/** A Butane or Ignition config as an Ignition config of the latest version. Throws `Invalid` with all its errors. */
export function loadConfig(context: Context, path: string, dir: unknown): Fields {
  const parsed = parseConfig(new TextEncoder().encode(ignitionText(context, path, dir)), '2.26');
  if (parsed.failure !== undefined) throw new CoppiceError('Invalid', `${path}: ${failureText(parsed.failure)}`);
  if (parsed.config === undefined || parsed.report.fatal)
    throw new CoppiceError(
      'Invalid',
      [`${path}: config is not valid`, ...parsed.report.entries.map(entryLine)].join('\n'),
    );
  return upgradeConfig(parsed.config, parsed.minor!, specVersions.length - 1);
}
