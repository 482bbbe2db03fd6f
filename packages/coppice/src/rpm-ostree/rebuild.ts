import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { loadTreefile, mergeTreefiles, type TreefileDocument } from '@coppice/rpm-ostree';
import { typeOf } from './cliwrap/host.ts';
import { composeArch, diskSource } from './compose-input.ts';
import { changeContainer } from './container-change.ts';
import { verbOptions } from './options.ts';
import type { Verb, VerbCall } from './verb.ts';

const directory = 'etc/rpm-ostree/origin.d';
/** What a change of packages may say; everything else is of a base. */
const derived: ReadonlySet<string> = new Set([
  'packages',
  'override-remove',
  'basearch',
  'releasever',
  'repos',
  'variables',
]);

/** The treefiles of a root in their order. Throws `NotFound` without the directory. */
function treefiles(root: string): string[] {
  const path = join(root, directory);
  try {
    return readdirSync(path)
      .filter((name) => name.endsWith('.yaml'))
      .sort()
      .map((name) => join(path, name));
  } catch (error) {
    throw errnoError(error, `/${directory}`);
  }
}

/** All of them as one; later ones win. Throws `Unsupported` for keys that make a base. */
function merged(files: readonly string[]): TreefileDocument {
  const document = files
    .map((file) => loadTreefile(file, diskSource, composeArch).document)
    .reduce<TreefileDocument>((before, next) => mergeTreefiles(next, before), {});
  const base = Object.fromEntries(Object.entries(document).filter(([key]) => !derived.has(key)));
  if (Object.keys(base).length > 0)
    throw new CoppiceError(
      'Unsupported',
      `the following base fields are not supported:\n${JSON.stringify(base, null, 2)}`,
    );
  return document;
}

/** Brings the image at `root` to the state of its treefiles, which are gone then. */
export async function rebuild(call: VerbCall, root: string): Promise<number> {
  const { context, options } = call;
  if (options.operands.length > 0) call.usageError(`unexpected argument '${options.operands[0]}' found`);
  if (typeOf(root) !== 'ostree-container')
    throw new CoppiceError('Unsupported', 'This command can only run in an OSTree container.');
  const files = treefiles(root);
  const document = merged(files);
  const { 'override-remove': removed = [], ...rest } = document;
  const packages = (rest['packages'] ?? []) as string[];
  if (packages.length > 0 || (removed as string[]).length > 0)
    await changeContainer(call, root, { document: rest, removed: removed as string[] });
  for (const file of files) rmSync(file);
  if (files.length === 0) context.stdout.write('No changes to apply.\n');
  return 0;
}

export const verb: Verb = {
  summary: 'Rebuild the container image to the state of its treefiles',
  options: verbOptions([], { daemon: false }),
  run: (call) => rebuild(call, '/'),
};
