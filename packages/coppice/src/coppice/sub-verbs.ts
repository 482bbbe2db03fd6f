import type { Command } from 'commander';
import type { Context } from '../cli/context.ts';

/** What a sub-verb's file exports: operands and options in, exit status out. Optional operands that are missing are undefined. */
export interface SubVerbModule {
  run(
    context: Context,
    operands: readonly (string | readonly string[] | undefined)[],
    flags: Readonly<Record<string, unknown>>,
  ): Promise<number> | number;
}

/** A sub-verb of a family, loaded when it is called. */
export interface SubVerb {
  /** commander's form, e.g. `create <dir>`. */
  readonly usage: string;
  readonly description: string;
  /** `[flags, help, default]`; the default makes an option a list when it is an array. */
  readonly options?: readonly (readonly [string, string, (string | readonly string[])?])[];
  readonly load: () => Promise<SubVerbModule>;
}

/** Adds a table of sub-verbs to a family's command. */
export function defineSubVerbs(
  command: Command,
  context: Context,
  exit: (status: number) => void,
  verbs: readonly SubVerb[],
): void {
  for (const verb of verbs) {
    const sub = command.command(verb.usage).description(verb.description);
    for (const [flags, help, value] of verb.options ?? []) {
      if (Array.isArray(value))
        sub.option(flags, help, (text: string, list: readonly string[]) => [...list, text], value as readonly string[]);
      else if (value === undefined) sub.option(flags, help);
      else sub.option(flags, help, value as string);
    }
    sub.action(async (...args: unknown[]) => {
      const operands = args.slice(0, -2) as (string | readonly string[] | undefined)[];
      const flags = args.at(-2) as Record<string, unknown>;
      const status = await (await verb.load()).run(context, operands, flags);
      if (status !== 0) exit(status);
    });
  }
}
