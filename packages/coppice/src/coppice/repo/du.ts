import { resolve } from 'node:path';
import { diskUsage, formatSize, Repo } from '@coppice/ostree';
import type { SubVerbModule } from '../sub-verbs.ts';

/** `coppice repo du`: what each ref takes, and what it would free. */
export const run: SubVerbModule['run'] = (context, [path], flags) => {
  const usage = diskUsage(Repo.open(resolve(context.cwd, path as string)));
  if (flags['json'] === true) {
    context.stdout.write(`${JSON.stringify(usage, null, 2)}\n`);
    return 0;
  }
  const column = (text: string): string => text.padStart(12);
  context.stdout.write(`${column('total')}${column('unique')}  ref\n`);
  for (const { ref, bytes, unique } of [...usage.refs].sort((x, y) => y.bytes - x.bytes)) {
    context.stdout.write(`${column(formatSize(bytes))}${column(formatSize(unique))}  ${ref}\n`);
  }
  context.stdout.write(
    `shared by refs: ${formatSize(usage.shared)}; not at the tip of any ref: ${formatSize(usage.other)}; all: ${formatSize(usage.total)}\n`,
  );
  return 0;
};
