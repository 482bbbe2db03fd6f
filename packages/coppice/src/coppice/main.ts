import type { Context } from '../cli/context.ts';
import { programs } from '../programs.ts';
import { quickArguments } from './quick-arguments.ts';
import { verbs } from './verbs.ts';

/** `coppice VERB ...`: what the originals do not have; `coppice ostree ...` and the like run the drop-in. */
export async function run(context: Context, args: readonly string[]): Promise<number> {
  const [first, second, ...rest] = args;
  if (first !== undefined && first !== 'coppice' && Object.hasOwn(programs, first)) {
    return (await programs[first]!()).run({ ...context, program: first }, args.slice(1));
  }
  const family = await verbs.find((verb) => verb.name === first)?.load();
  const subVerb = family?.subVerbs?.find(({ usage }) => usage.split(' ')[0] === second);
  const quick = subVerb === undefined ? undefined : quickArguments(subVerb, rest);
  if (subVerb !== undefined && quick !== undefined)
    return (await subVerb.load()).run(context, quick.operands, quick.flags);
  return (await import('./command-line.ts')).runParsed(context, args);
}
