import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { dropCorrupt, pull, type RepairedObject, type RepairResult, Repo, repair } from '@coppice/ostree';
import type { Context } from '../../cli/context.ts';
import type { SubVerbModule } from '../sub-verbs.ts';

/** `coppice repo repair`: fsck that can mend. Exit status 1 when something is still missing. */
export const run: SubVerbModule['run'] = async (context, [path], flags) => {
  const repo = Repo.open(resolve(context.cwd, path as string));
  const from = flags['from'] as string | undefined;
  const json = flags['json'] === true;
  const say = (object: RepairedObject): void => {
    if (!json) {
      const end = object.repaired ? 'repaired' : from === undefined ? '' : 'not in the source';
      context.stdout.write(`${object.was}: ${object.checksum}.${object.type}${end === '' ? '' : `: ${end}`}\n`);
    }
  };
  const local = from !== undefined && existsSync(join(resolve(context.cwd, from), 'objects'));
  let result: RepairResult;
  if (from === undefined || local) {
    result = repair(repo, from === undefined ? undefined : Repo.open(resolve(context.cwd, from)), say);
  } else result = await fromRemote(context, repo, from, say);
  if (json) context.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else {
    const mended = result.objects.filter((object) => object.repaired).length;
    context.stdout.write(
      `${result.checked} objects checked, ${result.objects.length} with faults, ${mended} repaired; ` +
        `${result.incomplete.length} commits incomplete\n`,
    );
  }
  return result.incomplete.length === 0 ? 0 : 1;
};

/** Deletes what is corrupt, marks the commits, and pulls them again: only what is missing is fetched. */
async function fromRemote(
  context: Context,
  repo: Repo,
  remote: string,
  say: (object: RepairedObject) => void,
): Promise<RepairResult> {
  const before = repair(repo, undefined);
  if (before.incomplete.length === 0) return before;
  dropCorrupt(repo, before);
  try {
    await pull(repo, { remote, refs: before.incomplete, disableStaticDeltas: true });
  } catch (error) {
    if (!(error instanceof CoppiceError)) throw error;
    context.stderr.write(`warning: ${error.message}\n`);
  }
  const after = repair(repo, undefined);
  const left = new Set(after.objects.map(({ type, checksum }) => `${type} ${checksum}`));
  const objects = before.objects.map((object) => ({
    ...object,
    repaired: !left.has(`${object.type} ${object.checksum}`),
  }));
  objects.forEach(say);
  const completed = before.incomplete.filter((commit) => !after.incomplete.includes(commit));
  for (const commit of completed) repo.unmarkPartial(commit);
  return { ...after, objects, completed };
}
