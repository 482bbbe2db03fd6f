import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { readMachineConfig, translateBytes } from '@coppice/butane';
import {
  child,
  entryLine,
  type Fields,
  failureText,
  parseConfig,
  specVersions,
  texts,
  upgradeConfig,
} from '@coppice/ignition';
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
function ignitionText(context: Context, path: string, bytes: Uint8Array, dir: unknown): string {
  if (isIgnition(bytes)) return new TextDecoder().decode(bytes);
  const done = translateBytes(bytes, { raw: true, ...filesOption(context, dir) });
  const lines = done.entries.map(entryLine);
  if (done.output === undefined) throw new CoppiceError('Invalid', [`${path}: ${done.failure}`, ...lines].join('\n'));
  return done.output;
}

/** The MachineConfig that an openshift config becomes, or that is there already; undefined for others. */
function machineConfig(context: Context, bytes: Uint8Array, dir: unknown): Fields | undefined {
  const given = readMachineConfig(bytes);
  if (given !== undefined || isIgnition(bytes)) return given;
  const done = translateBytes(bytes, filesOption(context, dir));
  return done.spec?.variant === 'openshift' ? done.config : undefined;
}

/**
 * A Butane config, MachineConfig or Ignition config as an Ignition config of the latest version. What a MachineConfig says
 * beside its config is in it too: kernel arguments, and the rest as `nodeSettings`. Throws `Invalid` with all its errors.
 */
export function loadConfig(context: Context, path: string, dir: unknown): Fields {
  const bytes = readSource(context, path);
  const spec = child(machineConfig(context, bytes, dir), 'spec');
  const text =
    spec === undefined ? ignitionText(context, path, bytes, dir) : JSON.stringify(child(spec, 'config'), asNumbers);
  const parsed = parseConfig(new TextEncoder().encode(text), '2.26');
  if (parsed.failure !== undefined) throw new CoppiceError('Invalid', `${path}: ${failureText(parsed.failure)}`);
  if (parsed.config === undefined || parsed.report.fatal)
    throw new CoppiceError(
      'Invalid',
      [`${path}: config is not valid`, ...parsed.report.entries.map(entryLine)].join('\n'),
    );
  const config = upgradeConfig(parsed.config, parsed.minor!, specVersions.length - 1);
  return spec === undefined ? config : withNodeSettings(config, spec);
}

function withNodeSettings(config: Fields, spec: Fields): Fields {
  const nodeSettings: Fields = {};
  for (const name of ['extensions', 'fips', 'kernelType'])
    if (spec[name] !== undefined) nodeSettings[name] = spec[name];
  const kernel = child(config, 'kernelArguments');
  const shouldExist = [...texts(kernel, 'shouldExist'), ...texts(spec, 'kernelArguments')];
  return { ...config, kernelArguments: { ...kernel, shouldExist }, nodeSettings };
}

/** A MachineConfig keeps no more of large integers than a number does. */
const asNumbers = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);
