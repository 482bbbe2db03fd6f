import { CoppiceError } from '@coppice/base';
import type { OstreeLevel, Repo } from '@coppice/ostree';
import type { Context } from '../cli/context.ts';
import type { GOption, GOptions } from '../cli/goption.ts';

/** One call of a verb: what was asked, and the surroundings. */
export interface OstreeCall {
  readonly context: Context;
  readonly level: OstreeLevel;
  readonly options: GOptions;
  readonly operands: readonly string[];
  /** Value of `--repo`, as given. */
  readonly repoPath: string | undefined;
  /** The opened repository; only for verbs whose `repo` is `open` (the default). */
  readonly repo: Repo;
  /** Opens a repository as the frame does for `--repo`; for verbs that open on their own terms. */
  openRepo(path?: string): Promise<Repo>;
  /** Throws what prints the verb's usage on stderr, then `error: message`. */
  usage(message: string): never;
  /** Writes a line to standard output. */
  print(line: string): void;
  /** Writes a line to standard error. */
  warn(line: string): void;
}

/** Something that may differ between releases. */
export type ByLevel<T> = T | ((level: OstreeLevel) => T);

/** A verb: its help text and what it does. Returns the exit status; nothing means 0. */
export interface OstreeVerb {
  /** Operands in the usage line, e.g. `COMMIT [PATH...]`. */
  readonly params?: ByLevel<string>;
  readonly summary?: ByLevel<string>;
  /** The verb's own options, in help order; `--repo`, `-v` and `--version` are added around them. */
  options(level: OstreeLevel): readonly GOption[];
  /** `open`: the repository is opened before `run`; `path`: `--repo` is accepted but nothing is opened; `none`: no `--repo`. */
  readonly repo?: 'open' | 'path' | 'none';
  /** Called before the command line is read; a status ends the verb there. */
  early?(context: Context): Promise<number | undefined> | number | undefined;
  run(call: OstreeCall): Promise<number | undefined> | number | undefined | Promise<void> | void;
}

/** A command with sub-commands (`remote`, `admin`, `static-delta`, `admin instutil`). */
export interface OstreeGroup {
  readonly params?: string;
  readonly summary?: string;
  /** Width of the name column in `Builtin ... Commands:`. */
  column(level: OstreeLevel): number;
  readonly commands: readonly OstreeEntry[];
  /** Options of the group itself beside `-v` and `--version`, e.g. `--sysroot`. */
  options?(level: OstreeLevel): readonly GOption[];
  /** What the group does without a sub-command, e.g. `admin --print-current-dir`; undefined when it has nothing to do. */
  bare?(options: GOptions, context: Context, level: OstreeLevel): Promise<number | undefined> | number | undefined;
  /** The usage of `static-delta` is printed by hand in the original: no options, any option ignored. */
  readonly plainUsage?: boolean;
}

/** A row of a verb table. The module behind `load` exports `verb` or `group`. */
export interface OstreeEntry {
  readonly name: string;
  readonly summary: ByLevel<string>;
  /** Not listed in help. */
  readonly hidden?: boolean | ((level: OstreeLevel) => boolean);
  /** The verb does not exist at this level. */
  readonly absent?: (level: OstreeLevel) => boolean;
  load(): Promise<{ readonly verb: OstreeVerb } | { readonly group: OstreeGroup }>;
}

/** Prints the usage on stderr, blank lines, then `error: message`. */
export class UsageError extends CoppiceError {
  /** Whether the original leaves a second blank line between the usage and the error. */
  readonly spaced: boolean;
  constructor(message: string, spaced = true) {
    super('Usage', message);
    this.spaced = spaced;
  }
}
