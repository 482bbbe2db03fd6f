// What a way out of a problem asks of the user, in libsolv's words.
import { illegal, illegalChanges } from './candidates.ts';
import { dependencyText } from './dep-text.ts';
import type { Job } from './job.ts';
import { problemInfo } from './problems.ts';
import { infoText } from './rule-info.ts';
import { type Concession, problemSolutions } from './solutions.ts';
import type { SolverState } from './state.ts';

function selectionText(s: SolverState, { select }: Job): string {
  const { pool } = s;
  switch (select.kind) {
    case 'solvable':
      return pool.text(select.solvable);
    case 'name':
      return dependencyText(pool, select.dep);
    case 'provides':
      return `providing ${dependencyText(pool, select.dep)}`;
    case 'oneof':
      return select.solvables.length === 0 ? 'nothing' : select.solvables.map((p) => pool.text(p)).join(', ');
    case 'repo':
      return `repo #${select.repo + 1}`;
    default:
      return 'all packages';
  }
}

const phrases: Readonly<Partial<Record<Job['action'], string>>> = {
  update: 'update ',
  weakendeps: 'weaken deps of ',
  multiversion: 'multi version ',
  lock: 'lock ',
  distupgrade: 'dist upgrade ',
  verify: 'verify ',
  allowuninstall: 'allow deinstallation of ',
  favor: 'favor ',
  disfavor: 'disfavor ',
  blacklist: 'blacklist ',
};

/** A job as a phrase: `install vim`. `label`: the request as the user wrote it. */
export function jobText(s: SolverState, job: Job, label?: string): string {
  const { action, select } = job;
  const what = label ?? selectionText(s, job);
  const there = select.kind === 'solvable' && s.isInstalled(select.solvable);
  switch (action) {
    case 'noop':
      return 'do nothing';
    case 'install':
      if (there) return `keep ${what} installed`;
      if (label !== undefined || select.kind === 'solvable' || select.kind === 'name') return `install ${what}`;
      return select.kind === 'provides' ? `install a package ${what}` : `install one of ${what}`;
    case 'erase':
      if (select.kind === 'solvable' && !there) return `keep ${what} uninstalled`;
      return select.kind === 'provides' ? `deinstall all packages ${what}` : `deinstall ${what}`;
    case 'droporphaned':
      return `deinstall ${what} if orphaned`;
    case 'userinstalled':
      return `regard ${what} as userinstalled`;
    default:
      return `${phrases[action] ?? 'unknown job '}${what}`;
  }
}

/** What replacing an installed package means, one phrase for each thing that policy forbids. */
function replacementTexts(s: SolverState, old: number, by: number): string[] {
  const { pool } = s;
  const bits = illegalChanges(s, old, by);
  const [a, b] = [pool.text(old), pool.text(by)];
  const out: string[] = [];
  if (bits & illegal.downgrade) out.push(`allow downgrade of ${a} to ${b}`);
  if (bits & illegal.archChange) out.push(`allow architecture change of ${a} to ${b}`);
  if (bits & illegal.vendorChange) {
    const vendor = (p: number): string => pool.ids.text(pool.vendors.data[p]!);
    const next = pool.vendors.data[by] === 0 ? 'no vendor' : `'${vendor(by)}'`;
    const from = pool.vendors.data[old] === 0 ? '<NULL>' : vendor(old);
    out.push(`allow vendor change from '${from}' (${a}) to ${next} (${b})`);
  }
  if (bits & illegal.nameChange) out.push(`allow name change of ${a} to ${b}`);
  return out.length > 0 ? out : [`allow replacement of ${a} with ${b}`];
}

/** The phrases for one thing to give up. */
export function concessionTexts(s: SolverState, c: Concession, labels: readonly (string | undefined)[] = []): string[] {
  const name = (p: number): string => s.pool.text(p);
  if (c.kind === 'job') return [`do not ask to ${jobText(s, s.jobs[c.job]!, labels[c.job])}`];
  if (c.kind === 'erase') return [`allow deinstallation of ${name(c.package)}`];
  if (c.kind === 'replace') return replacementTexts(s, c.package, c.by);
  const p = name(c.package);
  const keep = s.isInstalled(c.package);
  switch (c.why) {
    case 'infarch':
      return [`${keep ? 'keep' : 'install'} ${p} despite the inferior architecture`];
    case 'dup':
      return [keep ? `keep obsolete ${p}` : `install ${p} from excluded repository`];
    case 'best':
      return [keep ? `keep old ${p}` : `install ${p} despite the old version`];
    case 'strictRepo':
      return [`install ${p} despite the repo priority`];
    default:
      return [`install ${p}`];
  }
}

/** One problem as libsolv prints it: what is wrong, then the numbered ways out. */
export function problemTextLines(s: SolverState, problem: number): string[] {
  const out = [`Problem ${problem + 1}:`, infoText(s.pool, problemInfo(s, problem)), ''];
  problemSolutions(s, problem).forEach(({ concessions }, i) => {
    out.push(`Solution ${i + 1}:`);
    for (const c of concessions) for (const text of concessionTexts(s, c)) out.push(`  - ${text}`);
    out.push('');
  });
  return out;
}
