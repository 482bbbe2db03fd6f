import { resolve } from 'node:path';
import { type DifferenceSide, diffTrees, formatSize, Repo } from '@coppice/ostree';
import type { SubVerbModule } from '../sub-verbs.ts';

/** `coppice repo diff --repo DIR A B`: what changed between two commits, with sizes. */
export const run: SubVerbModule['run'] = (context, [a, b], flags) => {
  const repo = Repo.open(resolve(context.cwd, flags['repo'] as string));
  const size = (side: DifferenceSide | undefined): number | undefined =>
    side?.kind === 'file' ? repo.loadFile(side.checksum).size : undefined;
  const changes = Array.from(
    diffTrees(repo, repo.resolveRev(a as string), repo.resolveRev(b as string)),
    ({ type, path, from, to }) => ({
      type,
      path,
      ...(from === undefined ? {} : { from: { ...from, size: size(from) } }),
      ...(to === undefined ? {} : { to: { ...to, size: size(to) } }),
    }),
  );
  if (flags['json'] === true) {
    context.stdout.write(`${JSON.stringify(changes, null, 2)}\n`);
    return 0;
  }
  let grown = 0;
  for (const { type, path, from, to } of changes) {
    const change = (to?.size ?? 0) - (from?.size ?? 0);
    grown += change;
    const sign = change < 0 ? '-' : '+';
    const note = change === 0 ? '' : `  (${sign}${formatSize(Math.abs(change))})`;
    context.stdout.write(`${type[0]!.toUpperCase()} ${path}${note}\n`);
  }
  context.stdout.write(`${changes.length} changes, ${grown < 0 ? '-' : '+'}${formatSize(Math.abs(grown))}\n`);
  return 0;
};
