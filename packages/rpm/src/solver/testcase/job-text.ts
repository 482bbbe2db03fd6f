// Jobs in the test format: `install name A = 1 [weak,forcebest]`.
import { CoppiceError } from '@coppice/base';
import { type Job, type JobAction, type JobFlags, jobActions, type Selection } from '../job.ts';
import type { Pool } from '../pool.ts';
import { type SolvableNames, solvableName } from '../solvable-name.ts';
import { formatTestDependency, parseTestDependency } from './dep-syntax.ts';

/** Flags in the order they are written; the format has no word for `setname`. */
const flagNames = [
  'weak',
  'essential',
  'cleandeps',
  'orupdate',
  'forcebest',
  'targeted',
  'notbyuser',
  'setev',
  'setevr',
  'setarch',
  'setvendor',
  'setrepo',
  'noautoset',
] as const satisfies readonly (keyof JobFlags)[];

/** Flags in brackets at the end of a line, and what stands before them. */
export function takeJobFlags(text: string): { readonly rest: string; readonly flags: JobFlags } {
  const flags: { -readonly [K in keyof JobFlags]: boolean } = {};
  const bracket = /\s\[([^\]]*)\]$/.exec(text);
  if (bracket === null) return { rest: text, flags };
  for (const name of bracket[1]!.split(',')) {
    // What is no flag is passed over, as libsolv does.
    if (flagNames.includes(name as (typeof flagNames)[number])) flags[name as (typeof flagNames)[number]] = true;
  }
  return { rest: text.slice(0, bracket.index), flags };
}

/** An action by its present or its old name. Throws `Invalid`. */
export function parseAction(word: string): JobAction {
  const action = (word === 'noobsoletes' ? 'multiversion' : word) as JobAction;
  if (!jobActions.includes(action)) throw new CoppiceError('Invalid', `str2job: unknown job '${word}'`);
  return action;
}

/** Reads a job. Throws `Invalid`. */
export function parseJob(pool: Pool, names: SolvableNames, text: string): Job {
  const { rest, flags } = takeJobFlags(text.trim());
  const m = /^(\S+)(?:\s+(\S+)(?:\s+(.*))?)?$/.exec(rest);
  if (m === null) throw new CoppiceError('Invalid', `str2job: bad line '${text}'`);
  const action = parseAction(m[1]!);
  return { action, select: parseSelection(pool, names, m[2] ?? 'all', m[3] ?? '', text), flags };
}

function parseSelection(pool: Pool, names: SolvableNames, kind: string, what: string, line: string): Selection {
  const package_ = (name: string): number => {
    const p = names.find(name);
    if (p === undefined) throw new CoppiceError('Invalid', `str2job: unknown package '${name}'`);
    return p;
  };
  switch (kind) {
    case 'pkg':
      return { kind: 'solvable', solvable: package_(what) };
    case 'name':
      return { kind: 'name', dep: parseTestDependency(pool, what) };
    case 'provides':
      return { kind: 'provides', dep: parseTestDependency(pool, what) };
    case 'oneof':
      return {
        kind: 'oneof',
        solvables:
          what === 'nothing'
            ? []
            : what
                .split(/\s+/)
                .filter((name) => name !== '')
                .map(package_),
      };
    case 'repo': {
      const repo = pool.repos.find((r) => r.name.replace(/ /g, '_') === what);
      if (repo === undefined) throw new CoppiceError('Invalid', `str2job: unknown repo '${what}'`);
      return { kind: 'repo', repo: repo.index };
    }
    case 'all':
      return { kind: 'all' };
    default:
      throw new CoppiceError('Unsupported', `not built yet: jobs of the kind '${kind}' (${line})`);
  }
}

/** Writes a job so that `parseJob` reads it back. */
export function formatJob(pool: Pool, job: Job): string {
  const { select } = job;
  let what: string;
  switch (select.kind) {
    case 'solvable':
      what = `pkg ${solvableName(pool, select.solvable)}`;
      break;
    case 'name':
    case 'provides':
      what = `${select.kind} ${formatTestDependency(pool, select.dep)}`;
      break;
    case 'oneof':
      what =
        select.solvables.length === 0
          ? 'oneof nothing'
          : `oneof ${select.solvables.map((p) => solvableName(pool, p)).join(' ')}`;
      break;
    case 'repo':
      what = `repo ${pool.repos[select.repo]!.name.replace(/ /g, '_')}`;
      break;
    default:
      what = 'all packages';
  }
  const flags = flagNames.filter((name) => job.flags?.[name] === true);
  return `${job.action} ${what}${flags.length === 0 ? '' : ` [${flags.join(',')}]`}`;
}
