import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import {
  changeRoot,
  fetchSolved,
  formatNevra,
  loadTreefile,
  mergeTreefiles,
  rpmOstreeLevel,
  solveTree,
  type TreefileDocument,
  typeTreefile,
} from '@coppice/rpm-ostree';
import { parseGOptions } from '../cli/goption.ts';
import { typeOf } from './cliwrap/host.ts';
import { composeArch, diskSource } from './compose-input.ts';
import { composeSources } from './compose-plan.ts';
import { composeTime } from './compose-tree.ts';
import { verbOptions } from './options.ts';
import { transactionText } from './transaction-text.ts';
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
  const treefile = typeTreefile(rest);
  if (treefile.packages.length > 0 || (removed as string[]).length > 0) {
    const text = transactionText(context, rpmOstreeLevel(context.env), options.flag('quiet'));
    const cacheDir = join(root, 'var/cache/rpm-ostree/rebuild');
    mkdirSync(cacheDir, { recursive: true });
    const sourceRoot = [{ long: 'source-root', arg: 'DIR', help: '' }];
    const input = { treefile, loaded: { document, variables: new Map(), files }, path: files[0] ?? root };
    const inRoot = { ...call, options: parseGOptions([`--source-root=${root}`], sourceRoot) };
    await changeRoot({
      root,
      env: context.env,
      installTime: composeTime(call),
      progress: text.progress,
      async choose(installed) {
        const sources = await composeSources(inRoot, input, cacheDir);
        const solved = solveTree({ ...sources, installed, removed: removed as string[] });
        const added = solved.packages.map((p) => `  ${formatNevra(p.nevra)} (${p.repo})`);
        const gone = solved.gone
          .filter((g) => !solved.packages.some((p) => p.nevra.name === g.name))
          .map((g) => `  ${formatNevra(g)}`);
        for (const [title, rows] of [
          ['Installing', added],
          ['Removing', gone],
        ] as const) {
          if (rows.length === 0) continue;
          text.line(`${title} ${rows.length} package${rows.length === 1 ? '' : 's'}:`);
          for (const row of rows.sort()) text.line(row);
        }
        await fetchSolved(solved.packages);
        return { add: solved.packages.map((p) => p.path), gone: solved.gone };
      },
    });
  }
  for (const file of files) rmSync(file);
  if (files.length === 0) context.stdout.write('No changes to apply.\n');
  return 0;
}

export const verb: Verb = {
  summary: 'Rebuild the container image to the state of its treefiles',
  options: verbOptions([], { daemon: false }),
  run: (call) => rebuild(call, '/'),
};
