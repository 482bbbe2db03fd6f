import { Command } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { subVerbs as configVerbs } from '../src/coppice/config/index.ts';
import { quickArguments } from '../src/coppice/quick-arguments.ts';
import { subVerbs as repoVerbs } from '../src/coppice/repo/index.ts';
import { subVerbs as rpmVerbs } from '../src/coppice/rpm/index.ts';
import { defineSubVerbs, type SubVerb } from '../src/coppice/sub-verbs.ts';

/** What the parser makes of the arguments; undefined when it refuses them. */
async function parsed(verb: SubVerb, args: readonly string[]): Promise<unknown> {
  const root = new Command('x').exitOverride().configureOutput({ writeOut() {}, writeErr() {} });
  let seen: unknown;
  const watched: SubVerb = {
    ...verb,
    load: async () => ({
      run(_context, operands, flags) {
        seen = { operands, flags };
        return 0;
      },
    }),
  };
  defineSubVerbs(root, {} as never, () => {}, [watched]);
  for (const command of root.commands) command.copyInheritedSettings(root);
  try {
    await root.parseAsync([verb.usage.split(' ')[0]!, ...args], { from: 'user' });
  } catch {
    return undefined;
  }
  return seen;
}

describe('plain arguments of sub-verbs', () => {
  for (const verb of [...configVerbs, ...repoVerbs, ...rpmVerbs])
    it(`of ${verb.usage} are what the parser takes them for`, async () => {
      const names = (verb.options ?? []).flatMap(([spelling]) => spelling.match(/-[-\w]+/g) ?? []);
      const pick = (list: readonly string[], weight: number) => ({ weight, arbitrary: fc.constantFrom(...list) });
      const word = fc.oneof(
        pick(['a', 'b/c.rpm', 'x=y'], 12),
        pick(['', '-', '--', '--help', '-h', '--nothing', '-qa', '--json=v'], 1),
        ...(names.length === 0
          ? []
          : [
              pick(names, 4),
              pick(
                names.map((name) => `${name}=v`),
                1,
              ),
            ]),
      );
      let quick = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(word, { maxLength: 5 }), async (args) => {
          const mine = quickArguments(verb, args);
          if (mine === undefined) return;
          quick++;
          expect(mine).toEqual(await parsed(verb, args));
        }),
        { seed: 7, numRuns: 300 },
      );
      expect(quick).toBeGreaterThan(20);
    });
});
