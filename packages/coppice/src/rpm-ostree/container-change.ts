// Packages in the container image that this runs in, as container files ask for them; on a node the same verbs make a deployment.
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import {
  changeRoot,
  fetchSolved,
  formatNevra,
  rpmOstreeLevel,
  solveTree,
  type TreefileDocument,
  typeTreefile,
} from '@coppice/rpm-ostree';
import { parseGOptions } from '../cli/goption.ts';
import { composeSources } from './compose-plan.ts';
import { composeTime } from './compose-tree.ts';
import { transactionText } from './transaction-text.ts';
import type { VerbCall } from './verb.ts';

export interface ContainerChange {
  /** A treefile of packages, with what of `repos` and `releasever` is wanted. */
  readonly document: TreefileDocument;
  /** Files of packages. */
  readonly files?: readonly string[];
  readonly removed?: readonly string[];
}

/** What the words of a command line ask for: files and names. Throws `Usage`. */
export function containerChange(
  { options, context }: VerbCall,
  wanted: readonly string[],
  removed: readonly string[],
): ContainerChange {
  for (const repo of options.strings('disablerepo'))
    if (repo !== '*')
      throw new CoppiceError('Usage', `Invalid --disablerepo="${repo}" value, currently only '*' is supported`);
  const repos = options.strings('enablerepo').flatMap((ids) => ids.split(','));
  const releasever = options.string('releasever');
  const isFile = (word: string): boolean => word.endsWith('.rpm');
  return {
    document: {
      packages: wanted.filter((word) => !isFile(word)).map((word) => `'${word}'`),
      ...(repos.length === 0 ? {} : { repos }),
      ...(releasever === undefined ? {} : { releasever }),
    },
    files: wanted.filter(isFile).map((word) => resolve(context.cwd, word)),
    removed,
  };
}

/** Solves and installs below `root`. Throws what solving, fetching, scripts and conflicts of files throw. */
export async function changeContainer(call: VerbCall, root: string, change: ContainerChange): Promise<void> {
  const { context, options } = call;
  const { document, files = [], removed = [] } = change;
  const packages = ((document['packages'] ?? []) as string[]).map((word) => word.replace(/^'(.*)'$/, '$1'));
  const treefile = typeTreefile({ ...document, packages });
  const text = transactionText(context, rpmOstreeLevel(context.env), options.flag('quiet'));
  const cacheDir = join(root, 'var/cache/rpm-ostree/rebuild');
  mkdirSync(cacheDir, { recursive: true });
  const input = { treefile, loaded: { document, variables: new Map(), files: [] }, path: join(root, 'x') };
  const sourceRoot = [{ long: 'source-root', arg: 'DIR', help: '' }];
  const inRoot = { ...call, options: parseGOptions([`--source-root=${root}`], sourceRoot) };
  const rows = (title: string, list: readonly string[]): void => {
    if (list.length === 0) return;
    text.line(`${title} ${list.length} package${list.length === 1 ? '' : 's'}:`);
    for (const row of [...list].sort()) text.line(`  ${row}`);
  };
  await changeRoot({
    root,
    env: context.env,
    installTime: composeTime(call),
    progress: text.progress,
    async choose(installed) {
      const sources = await composeSources(inRoot, input, cacheDir);
      const solved = solveTree({ ...sources, installed, removed, files });
      const coming = new Set(solved.packages.map((p) => p.nevra.name));
      rows(
        'Installing',
        solved.packages.map((p) => `${formatNevra(p.nevra)} (${p.repo})`),
      );
      rows('Removing', solved.gone.filter((g) => !coming.has(g.name)).map(formatNevra));
      if (options.flag('dry-run')) return undefined;
      await fetchSolved(solved.packages);
      return { add: solved.packages.map((p) => p.path), gone: solved.gone };
    },
  });
  if (options.flag('dry-run')) text.line("Exiting because of '--dry-run' option");
}
